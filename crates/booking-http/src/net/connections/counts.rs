//! Counts of open connections, in all and for each client.

use crate::net::client::{Client, TrustedProxies};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The file descriptors that are reserved: for the store, for the program, and to spare.
const FILES_RESERVED: u64 = 64;
/// The least number of files that are for connections.
const CONNECTIONS_MIN: usize = 16;

/// The connections of a server, on all its threads.
pub(crate) struct Counts {
    proxies: TrustedProxies,
    per_client_max: Option<NonZeroU32>,
    max: usize,
    live: AtomicUsize,
    /// The connections whose clients have stopped reading.
    blocked: AtomicUsize,
    by_client: Mutex<HashMap<Client, u32>>,
    is_stopping: AtomicBool,
    stopping: Notify,
}

impl Counts {
    /// For a server that may have `files_max` files open, of which its store takes `store_files`, and each client
    /// `per_client_max` connections; `None` for no limit.
    pub(crate) fn new(
        proxies: TrustedProxies,
        per_client_max: Option<NonZeroU32>,
        files_max: u64,
        store_files: u64,
    ) -> Self {
        let left = files_max.saturating_sub(FILES_RESERVED + store_files);
        let max = usize::try_from(left).unwrap_or(usize::MAX).max(CONNECTIONS_MIN);
        // Where there are few, no client has more than half of them.
        let half = u32::try_from(max / 2).unwrap_or(u32::MAX);
        Self {
            proxies,
            per_client_max: per_client_max
                .map(|most| NonZeroU32::new(half).map_or(most, |half| most.min(half))),
            max,
            live: AtomicUsize::new(0),
            blocked: AtomicUsize::new(0),
            by_client: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            stopping: Notify::new(),
        }
    }

    /// Counts a connection from `peer` until the returned guard is dropped.
    pub(super) fn count(self: &Arc<Self>, peer: SocketAddr) -> Counted {
        self.live.fetch_add(1, Ordering::Relaxed);
        let client = self.proxies.direct_client(peer.ip());
        if let Some(client) = client {
            *self.by_client().entry(client).or_default() += 1;
        }
        Counted { counts: Arc::clone(self), client }
    }

    /// How many there are.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// On how many an answer waits to be read.
    pub(crate) fn blocked(&self) -> usize {
        self.blocked.load(Ordering::Relaxed)
    }

    /// From now on connections are closed as soon as they are idle.
    pub(crate) fn begin_stopping(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.stopping.notify_waiters();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Waits until it begins to stop.
    pub(super) async fn stopping(&self) {
        self.stopping.notified().await;
    }

    fn by_client(&self) -> MutexGuard<'_, HashMap<Client, u32>> {
        self.by_client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is counted.
pub(super) struct Counted {
    counts: Arc<Counts>,
    /// `None` if its connections are not limited: this machine itself, or a trusted proxy.
    client: Option<Client>,
}

impl Counted {
    /// Whether its client has too many.
    pub(super) fn is_too_many_of_client(&self) -> bool {
        let (Some(client), Some(max)) = (self.client, self.counts.per_client_max) else {
            return false;
        };
        self.counts.by_client().get(&client).is_some_and(|count| *count > max.get())
    }

    /// Whether there are too many.
    pub(super) fn is_too_many(&self) -> bool {
        self.counts.live() > self.counts.max
    }

    pub(super) fn count_blocked(&self, is_blocked: bool) {
        match is_blocked {
            true => self.counts.blocked.fetch_add(1, Ordering::Relaxed),
            false => self.counts.blocked.fetch_sub(1, Ordering::Relaxed),
        };
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.counts.is_stopping()
    }

    pub(super) fn is_of_same_client(&self, other: &Self) -> bool {
        self.client == other.client
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.live.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let mut by_client = self.counts.by_client();
        if let Some(count) = by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&client);
            }
        }
    }
}
