//! HTTP/1.1 on sockets that are guarded: what `HttpServer` of actix-web does, with a stream of our own.

use crate::net::connections::{self, Counts, GuardedStream};
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
        let peer = stream.peer_addr().ok();
        let stream: GuardedStream = connections::accept(stream, &counts, idle_max);
        ready(Ok((stream, peer)))
    };
    fn_service(guard).and_then(http)
}
