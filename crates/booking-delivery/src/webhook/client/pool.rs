//! Connections that wait to be used again.

use super::connection::Connection;
use crate::limits::LANES_PER_ENDPOINT;
use booking_core::EndpointUrl;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::{Duration, Instant};
use url::Position;

/// How many connections wait, to all receivers together.
const IDLE_MAX: usize = 256;

/// How many of them to one receiver: as many as are used side by side, since each that is made anew is one more look-up.
const IDLE_OF_RECEIVER_MAX: usize = LANES_PER_ENDPOINT;

/// How long one waits.
const IDLE_WITHIN: Duration = Duration::from_secs(20);

/// How old one gets. Its address was looked at when it was made, and the receiver may have moved since.
const AGE_MAX: Duration = Duration::from_secs(300);

/// A connection with what it leads to and how old it is.
pub(super) struct Leased {
    pub(super) connection: Connection,
    origin: String,
    made_at: Instant,
}

impl Leased {
    pub(super) fn new(connection: Connection, url: &EndpointUrl) -> Self {
        Self { connection, origin: origin(url).to_owned(), made_at: Instant::now() }
    }
}

struct Idle {
    leased: Leased,
    since: Instant,
}

impl Idle {
    fn is_good(&self, now: Instant) -> bool {
        let is_young = now.saturating_duration_since(self.leased.made_at) < AGE_MAX;
        let is_fresh = now.saturating_duration_since(self.since) < IDLE_WITHIN;
        is_young && is_fresh && !self.leased.connection.is_closed()
    }
}

/// The longest idle first.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Idle>>);

impl Pool {
    /// A connection that was made for the same scheme, host and port: the one that was used last.
    pub(super) fn take(&self, url: &EndpointUrl) -> Option<Leased> {
        let mut idle = self.tidied();
        let at = idle.iter().rposition(|idle| idle.leased.origin == origin(url))?;
        Some(idle.remove(at).leased)
    }

    /// Keeps a connection on which nothing is under way.
    pub(super) fn put(&self, leased: Leased) {
        let mut idle = self.tidied();
        let of_receiver = idle.iter().filter(|other| other.leased.origin == leased.origin).count();
        if of_receiver >= IDLE_OF_RECEIVER_MAX {
            return;
        }
        if idle.len() >= IDLE_MAX {
            idle.remove(0);
        }
        idle.push(Idle { leased, since: Instant::now() });
    }

    fn tidied(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing can be half done in it.
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // For each message all are looked at: the clock is asked once.
        let now = Instant::now();
        idle.retain(|one| one.is_good(now));
        idle
    }
}

/// Scheme, host and port.
fn origin(url: &EndpointUrl) -> &str {
    &url.as_url()[..Position::BeforePath]
}
