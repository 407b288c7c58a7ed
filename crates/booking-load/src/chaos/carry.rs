//! Forwards bytes between a client and PostgreSQL, and injects faults on command.

use super::frontend::Frontend;
use super::{Fate, Shared};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How long a connection stays open after a COMMIT whose answer is swallowed: closing with unread bytes would reset
/// it, and the server might never read the COMMIT.
const SWALLOW_FOR: Duration = Duration::from_millis(50);
/// The most pieces in transit in one direction.
const PIECES_MAX: usize = 1_024;

/// Bytes, and when they arrive.
type OnTheirWay = (Instant, Vec<u8>);

/// Forwards one connection until it ends, or until a fault cuts it.
pub(super) async fn carry(shared: &Shared, client: TcpStream, server: TcpStream) {
    // Each is a small message whose answer is awaited.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let (to_server, for_server) = mpsc::channel(PIECES_MAX);
    let (to_client, for_client) = mpsc::channel(PIECES_MAX);
    let mut cuts = shared.cuts.subscribe();
    let is_mute = AtomicBool::new(false);
    // What one end sent before it closed still arrives.
    let there = async {
        let forward = forward(shared, &is_mute, client_reads, to_server);
        tokio::join!(forward, arrive(for_server, server_writes));
    };
    let back = async {
        let backward = backward(shared, &is_mute, server_reads, to_client);
        tokio::join!(backward, arrive(for_client, client_writes));
    };
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = cuts.changed() => {}
    }
}

async fn forward(
    shared: &Shared,
    is_mute: &AtomicBool,
    mut from: OwnedReadHalf,
    to: mpsc::Sender<OnTheirWay>,
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
            let latency = shared.latency();
            if to.send((Instant::now() + latency, piece.bytes)).await.is_err() {
                return;
            }
            if fate == Fate::CutAfter {
                tokio::time::sleep(latency + SWALLOW_FOR).await;
                return;
            }
        }
    }
}

async fn backward(
    shared: &Shared,
    is_mute: &AtomicBool,
    mut from: OwnedReadHalf,
    to: mpsc::Sender<OnTheirWay>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        shared.passable().await;
        if is_mute.load(Ordering::SeqCst) {
            continue;
        }
        let arrives = Instant::now() + shared.latency();
        if to.send((arrives, buffer[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

/// Delivers bytes, each piece at its time.
async fn arrive(mut from: mpsc::Receiver<OnTheirWay>, mut to: OwnedWriteHalf) {
    while let Some((arrives, bytes)) = from.recv().await {
        if arrives > Instant::now() {
            sleep_until(arrives).await;
        }
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
