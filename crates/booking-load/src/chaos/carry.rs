//! Carries bytes between a client and PostgreSQL, and fails as it is told to.

use super::frontend::Frontend;
use super::{Fate, Shared};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// How long a connection stays open after a COMMIT whose answer is swallowed: closing with unread
/// bytes would reset it, and the server might never read the COMMIT.
const SWALLOW_FOR: Duration = Duration::from_millis(50);

/// Carries one connection to its end, or to the end that is made of it.
pub(super) async fn carry(shared: &Shared, client: TcpStream, server: TcpStream) {
    // Each is a small message that is waited for.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let mut cuts = shared.cuts.subscribe();
    let is_mute = AtomicBool::new(false);
    tokio::select! {
        () = forward(shared, &is_mute, client_reads, server_writes) => {}
        () = backward(shared, &is_mute, server_reads, client_writes) => {}
        _ = cuts.changed() => {}
    }
}

async fn forward(
    shared: &Shared,
    is_mute: &AtomicBool,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
) {
    let mut frontend = Frontend::default();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        shared.passable().await;
        for piece in frontend.feed(&buffer[..length]) {
            let fate = if piece.is_commit { shared.fate_of_commit() } else { Fate::Arrives };
            match fate {
                Fate::Arrives => {}
                Fate::CutBefore => return,
                Fate::Late(delay) => tokio::time::sleep(delay).await,
                Fate::CutAfter => is_mute.store(true, Ordering::SeqCst),
            }
            if to.write_all(&piece.bytes).await.is_err() {
                return;
            }
            if fate == Fate::CutAfter {
                tokio::time::sleep(SWALLOW_FOR).await;
                return;
            }
        }
    }
}

async fn backward(
    shared: &Shared,
    is_mute: &AtomicBool,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        shared.passable().await;
        if !is_mute.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
