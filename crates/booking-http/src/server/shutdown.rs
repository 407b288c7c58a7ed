//! Stopping without leaving a client unanswered.
//!
//! Clients reuse their connections, and those under load never leave one idle. So from the signal on each response
//! says that it is the last one of its connection (`edge`), and connections are closed as soon as they are idle
//! (`connections`). A client that connects meanwhile is served in the same way for a moment; then the workers have
//! stopped, and new clients are asked to come again, which leads to a server that is not stopping.

use crate::net::connections::Counts;
use crate::problem::{self, ApiError};
use crate::service::Service;
use actix_web::body::MessageBody;
use actix_web::dev::ServerHandle;
use actix_web::rt;
use booking_admission::SubmitError;
use booking_core::Language;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How often to check whether requests are still under way.
const POLL: Duration = Duration::from_millis(10);
/// For how long new connections are still served.
const ACCEPTING: Duration = Duration::from_millis(200);
/// How long the remaining connections may take to end, once nothing is under way any more.
const ENDING: Duration = Duration::from_secs(1);
/// How long a client that is turned away may take to send its request, and to read the refusal.
const TURNED_AWAY_WITHIN: Duration = Duration::from_millis(200);
/// The most of its request that is read.
const TURNED_AWAY_BYTES_MAX: u64 = 64 * 1024;

/// The parts that stop: a server, and the socket that it listens on.
pub(crate) struct Stopped {
    pub(crate) handle: ServerHandle,
    pub(crate) listener: TcpListener,
    pub(crate) connections: Arc<Counts>,
}

/// Waits for SIGTERM or SIGINT. Then `/readyz` reports that this server stops; after `drain_for` it accepts no more
/// connections, lets requests under way finish for up to `limit`, and stops the server.
pub(crate) async fn on_signal(
    stopped: Stopped,
    service: Arc<Service>,
    drain_for: Duration,
    limit: Duration,
) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        log::error!(
            "signals cannot be received; the server ends without finishing when it is told to"
        );
        return;
    };
    tokio::select! {
        _ = terminate.recv() => log::info!("stopping on SIGTERM"),
        _ = interrupt.recv() => log::info!("stopping on SIGINT"),
    }
    service.begin_stopping();
    sleep(drain_for).await;
    let Stopped { handle, listener, connections } = stopped;
    let deadline = Instant::now() + limit;
    connections.begin_stopping();
    wait_until(deadline.min(Instant::now() + ACCEPTING), || connections.live() == 0).await;
    handle.pause().await;
    let (ended, is_ended) = oneshot::channel();
    let turning_away = rt::spawn(turn_away(listener, is_ended));
    wait_until(deadline, || service.requests_under_way() == 0).await;
    if tokio::time::timeout_at(deadline, service.admission.drain()).await.is_err() {
        log::warn!("stopping with {} commands still under way", service.admission.depth());
    }
    // The rest are responses that clients are still reading, and unused connections.
    let ending = deadline.min(Instant::now() + ENDING);
    let is_over =
        || connections.live() == 0 || Instant::now() > ending && connections.blocked() == 0;
    wait_until(deadline, is_over).await;
    handle.stop(false).await;
    drop(ended);
    // It takes no longer than the clients that it turns away.
    let _ = turning_away.await;
}

async fn wait_until(deadline: Instant, is_done: impl Fn() -> bool) {
    while !is_done() && Instant::now() < deadline {
        sleep(POLL).await;
    }
}

/// Answers the clients that connected after the workers had stopped, until the end is signalled, and then those
/// that are still there.
async fn turn_away(listener: TcpListener, is_ended: oneshot::Receiver<()>) {
    let listener =
        listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
    let Ok(listener) = listener else { return };
    let answer = Arc::new(unavailable());
    let mut sending = JoinSet::new();
    let mut send_one = |stream| {
        let answer = Arc::clone(&answer);
        sending.spawn(timeout(TURNED_AWAY_WITHIN, async move { send(stream, &answer).await }));
    };
    tokio::pin!(is_ended);
    loop {
        tokio::select! {
            _ = &mut is_ended => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => send_one(stream),
                // Too many files are open, or the client is gone already.
                Err(_) => sleep(POLL).await,
            }
        }
    }
    while let Ok(Ok((stream, _))) = timeout(Duration::ZERO, listener.accept()).await {
        send_one(stream);
    }
    drop(listener);
    while sending.join_next().await.is_some() {}
}

/// Sends the answer, and reads the request, so that unread data does not reset the connection.
async fn send(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(TURNED_AWAY_BYTES_MAX);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop)
}

/// The response to a request that comes too late, as sent.
fn unavailable() -> Vec<u8> {
    let error = ApiError::Submit(SubmitError::ShuttingDown);
    let response = problem::response(&error, "/", "-", Language::default());
    let status = response.status();
    let mut answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n").into_bytes();
    for (name, value) in response.headers() {
        answer.extend_from_slice(format!("{name}: ").as_bytes());
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    answer.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    answer.extend_from_slice(&body);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_turned_away_gets_a_complete_answer() {
        let answer = String::from_utf8(unavailable()).expect("it is text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head and a body");
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        assert!(head.contains("\r\nretry-after: 2\r\n"), "{head}");
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
        assert!(body.contains("\"code\":\"unavailable\""), "{body}");
    }
}
