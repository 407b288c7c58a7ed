//! Idle connections, for reuse.

use super::connection::Connection;
use crate::limits::LANES_PER_ENDPOINT;
use booking_core::EndpointUrl;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::{Duration, Instant};
use url::Position;

/// The most idle connections, to all receivers together.
const IDLE_MAX: usize = 256;

/// The most to one receiver: as many as are used side by side, since each new one costs another look-up.
const IDLE_OF_RECEIVER_MAX: usize = LANES_PER_ENDPOINT;

/// How long one stays idle.
const IDLE_WITHIN: Duration = Duration::from_secs(20);

/// The longest life of one. Its address was checked when it was made, and the receiver may have moved since.
const AGE_MAX: Duration = Duration::from_secs(300);

/// A connection with its origin and age.
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
    /// The most recently used connection of the same scheme, host and port.
    pub(super) fn take(&self, url: &EndpointUrl) -> Option<Leased> {
        let mut idle = self.tidied();
        let at = idle.iter().rposition(|idle| idle.leased.origin == origin(url))?;
        Some(idle.remove(at).leased)
    }

    /// Keeps an idle connection.
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
        // It is consistent between any two calls.
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Each message checks all of them: the clock is read once.
        let now = Instant::now();
        idle.retain(|one| one.is_good(now));
        idle
    }
}

/// Scheme, host and port.
fn origin(url: &EndpointUrl) -> &str {
    &url.as_url()[..Position::BeforePath]
}
