//! HTTP/1.1 on guarded sockets: what `HttpServer` of actix-web does, with a stream of our own.

use crate::net::connections::{self, Counts, GuardedStream};
use actix_http::error::DispatchError;
use actix_http::{HttpService, Request, Response};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Service, ServiceFactory};
use actix_web::rt::net::TcpStream;
use socket2::{Domain, Socket, Type};
use std::fmt;
use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// The most connections that the kernel holds for us.
const BACKLOG: i32 = 4_096;

/// How long clients may take until their connection ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// For the head of a first request.
    pub(crate) head_within: Duration,
    /// Between an answer and the next request.
    pub(crate) idle_max: Duration,
}

/// Listens on an address.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves an application on sockets that are counted and guarded.
pub(crate) fn http_service<F, I, S, B>(
    app: F,
    counts: Arc<Counts>,
    times: Timeouts,
) -> impl ServiceFactory<TcpStream, Config = (), InitError = ()>
where
    F: Fn() -> I,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let app = app().into_factory().map_err(|error| error.into().error_response());
    let http = HttpService::build()
        .client_request_timeout(times.head_within)
        .keep_alive(times.idle_max)
        .on_connect_ext(connections::attach)
        .h1(map_config(app, |_| AppConfig::default()));
    // However little happens on it, it ends.
    let idle_max = times.idle_max + times.head_within;
    let guard = move |stream: TcpStream| {
        ready(take_in(stream, &counts, idle_max).map_err(DispatchError::Io))
    };
    fn_service(guard).and_then(http)
}

/// A socket as it is served, and the address of its peer.
///
/// # Errors
/// If there is none: a client that has reset its connection by now has no address any more, though its request may
/// have arrived. To answer it would be to let it do without limits.
fn take_in(
    stream: TcpStream,
    counts: &Arc<Counts>,
    idle_max: Duration,
) -> std::io::Result<(GuardedStream, Option<SocketAddr>)> {
    let peer = stream.peer_addr()?;
    let stream = connections::accept(stream, peer, counts, idle_max);
    Ok((stream, Some(peer)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::client::TrustedProxies;
    use socket2::SockRef;
    use std::io::Write;
    use std::time::Instant;

    /// The server's side of a connection whose client sends a whole request, and then resets it or not.
    fn accepted(is_reset: bool) -> (TcpStream, Option<std::net::TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let mut client = std::net::TcpStream::connect(address).expect("it is listened on");
        client.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is taken");
        let (stream, _) = listener.accept().expect("it is connected");
        let mut client = Some(client);
        if is_reset && let Some(client) = client.take() {
            SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("it can be set");
            drop(client);
            let deadline = Instant::now() + Duration::from_secs(60);
            while stream.peer_addr().is_ok() {
                assert!(Instant::now() < deadline, "the reset does not arrive");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        stream.set_nonblocking(true).expect("it can be set");
        (TcpStream::from_std(stream).expect("it is a socket"), client)
    }

    #[actix_web::test]
    async fn a_client_that_has_reset_its_connection_is_not_served() {
        let counts = Arc::new(Counts::new(TrustedProxies::default(), None, 1_024, 0));
        for is_reset in [true, false] {
            let (stream, _client) = accepted(is_reset);
            let taken = take_in(stream, &counts, Duration::from_secs(60));
            assert_eq!(taken.is_err(), is_reset);
            assert_eq!(counts.live(), usize::from(!is_reset), "what is not served does not count");
            assert!(taken.is_err() || taken.is_ok_and(|(_, peer)| peer.is_some()));
        }
    }
}
