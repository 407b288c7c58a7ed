//! Stopping without leaving anybody unanswered.

use crate::service::Service;
use actix_web::dev::ServerHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

/// How often is looked whether requests are still under way.
const POLL: Duration = Duration::from_millis(20);
/// How long the last answers get to leave their sockets.
const LINGER: Duration = Duration::from_millis(100);

/// Waits for SIGTERM or SIGINT. Then `/readyz` says that this server stops; after `drain_for` it takes no
/// more connections, lets what is under way finish for up to `limit`, and stops the server.
pub(crate) async fn on_signal(
    handle: ServerHandle,
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
    let deadline = Instant::now() + limit;
    handle.pause().await;
    while service.requests_under_way() > 0 && Instant::now() < deadline {
        sleep(POLL).await;
    }
    if tokio::time::timeout_at(deadline, service.admission.drain()).await.is_err() {
        log::warn!("stopping with {} commands still under way", service.admission.depth());
    }
    sleep(LINGER).await;
    // What is left are connections that nobody uses.
    handle.stop(false).await;
}
