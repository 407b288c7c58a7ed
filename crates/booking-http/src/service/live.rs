//! Watching events: the watchers, and the messages that each of them gets.
//!
//! Each watcher is a [`Watcher`] (`watcher`), which writes to its socket. Each watched event has a [`Room`]
//! (`room`), which holds the newest state, rendered once for all. The reader in `background/live_reader` reads all
//! of them together and publishes the changes; that rings the bells of those in the room, and each takes the newest
//! state when it comes to it. So nothing queues for a slow client, and the number of watchers costs the store
//! nothing.

mod room;
mod watcher;

use crate::api::live::Watched;
use crate::net::client::Client;
use crate::problem::{ApiError, LimitKind, RateLimited};
use crate::util::locks::lock;
use booking_admission::SubmitError;
use booking_core::{Availability, EventId, Version};
pub(crate) use room::Room;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
pub(crate) use watcher::Watcher;

/// The least and the most time until a client that was refused, or whose stream has ended, reconnects: those whose
/// streams ended together must not reconnect together.
const RETRY_MS: Range<u64> = 2_000..6_000;
/// The same where too many watch.
const TOO_MANY_RETRY_SECONDS: Range<u64> = 20..40;

/// The watchers of this server, by their events.
pub(crate) struct Live {
    max: usize,
    per_client_max: Option<NonZeroU32>,
    watchers: AtomicUsize,
    by_client: Mutex<HashMap<Client, u32>>,
    rooms: Mutex<HashMap<EventId, Arc<Room>>>,
    next_bell: AtomicU64,
    is_ended: AtomicBool,
    /// A client has begun to watch, or the server stops.
    woken: Notify,
}

impl Live {
    /// For up to `max` connections, of which a client may have `per_client_max`; `None` for no limit.
    pub(crate) fn new(max: usize, per_client_max: Option<NonZeroU32>) -> Self {
        Self {
            max,
            per_client_max,
            watchers: AtomicUsize::new(0),
            by_client: Mutex::default(),
            rooms: Mutex::default(),
            next_bell: AtomicU64::new(0),
            is_ended: AtomicBool::new(false),
            woken: Notify::new(),
        }
    }

    /// Admits one more watcher, until the returned place is dropped.
    ///
    /// # Errors
    /// [`ApiError::TooManyWatchers`]; [`ApiError::RateLimited`] if `client` has too many; that the server stops.
    pub(crate) fn enter(self: &Arc<Self>, client: Option<Client>) -> Result<Place, ApiError> {
        if self.is_ended() {
            return Err(ApiError::Submit(SubmitError::ShuttingDown));
        }
        // From here on dropping it gives back what it has taken.
        let mut place = Place { live: Arc::clone(self), client: None };
        if self.watchers.fetch_add(1, Ordering::Relaxed) >= self.max {
            let wait = Duration::from_secs(between(TOO_MANY_RETRY_SECONDS));
            return Err(ApiError::TooManyWatchers { wait });
        }
        if let (Some(client), Some(max)) = (client, self.per_client_max) {
            let mut by_client = lock(&self.by_client);
            let count = by_client.entry(client).or_default();
            if *count >= max.get() {
                let wait = Duration::from_secs(between(TOO_MANY_RETRY_SECONDS));
                let of = LimitKind::ClientWatchers;
                // The lock must not be held when the place is given back.
                drop(by_client);
                return Err(ApiError::RateLimited(RateLimited { of, wait }));
            }
            *count += 1;
            place.client = Some(client);
        }
        Ok(place)
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        self.watchers.load(Ordering::Relaxed)
    }

    /// The rooms of the events that are watched. The current read is for these: another room of the same event,
    /// which is opened meanwhile, begins with a state that may be newer.
    pub(crate) fn watched(&self) -> Vec<Arc<Room>> {
        lock(&self.rooms).values().cloned().collect()
    }

    /// Waits until there is a watcher, or until the server stops.
    pub(crate) async fn watching(&self) {
        loop {
            // Before the check, so that a watcher that comes after it is not missed.
            let woken = self.woken.notified();
            if self.is_ended() || !lock(&self.rooms).is_empty() {
                return;
            }
            woken.await;
        }
    }

    /// Whether the server stops, so that watching has ended.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::SeqCst)
    }

    /// Ends all streams, and takes no more.
    pub(crate) fn end(&self) {
        self.is_ended.store(true, Ordering::SeqCst);
        self.woken.notify_one();
        let rooms: Vec<Arc<Room>> = lock(&self.rooms).values().cloned().collect();
        for room in rooms {
            room.ring();
        }
    }

    /// Adds this bell to the room of an event, whose state is `now`.
    fn join(&self, now: &Availability, number: u64, bell: &Arc<Notify>) -> Arc<Room> {
        let mut rooms = lock(&self.rooms);
        let room = rooms.entry(now.event_id).or_insert_with(|| Arc::new(Room::new(now)));
        room.hang(number, bell);
        let room = Arc::clone(room);
        drop(rooms);
        self.woken.notify_one();
        room
    }

    /// Leaves a room, which is removed when it is empty.
    fn leave(&self, room: &Room, number: u64) {
        let mut rooms = lock(&self.rooms);
        if room.take_down(number) {
            rooms.remove(&room.event_id);
        }
    }
}

/// The place of a watcher.
pub(crate) struct Place {
    live: Arc<Live>,
    /// Whose it is, where that is counted.
    client: Option<Client>,
}

impl Place {
    /// Begins to watch `watched`, each with its state in `now`.
    pub(crate) fn watch(self, watched: &[Watched], now: &[Availability]) -> Watching {
        let number = self.live.next_bell.fetch_add(1, Ordering::Relaxed);
        let bell = Arc::new(Notify::new());
        let seats = watched.iter().zip(now).map(|(watched, now)| Seat {
            room: self.live.join(now, number, &bell),
            round: 0,
            since: watched.since,
        });
        let seats = seats.collect();
        Watching { place: self, number, bell, seats, next: 0 }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.live.watchers.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let mut by_client = lock(&self.live.by_client);
        if let Some(count) = by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&client);
            }
        }
    }
}

/// The state of an event that a watcher was sent last.
struct Seat {
    room: Arc<Room>,
    /// The last round of its room that was sent; 0 for none.
    round: u64,
    /// The version that the watcher claimed to have, until it is sent another state.
    since: Option<Version>,
}

/// The events of a watcher, and its place.
pub(crate) struct Watching {
    place: Place,
    number: u64,
    bell: Arc<Notify>,
    seats: Box<[Seat]>,
    /// Which of them is checked first, so that none starves behind another that changes all the time.
    next: usize,
}

impl Drop for Watching {
    fn drop(&mut self) {
        for seat in &self.seats {
            self.place.live.leave(&seat.room, self.number);
        }
    }
}

/// How long to wait before coming again.
fn retry() -> Duration {
    Duration::from_millis(between(RETRY_MS))
}

/// A random number in the range, uniformly distributed.
fn between(range: Range<u64>) -> u64 {
    let mut bytes = [0; 8];
    // Without randomness all reconnect together, which is no more than a burden.
    let _ = getrandom::fill(&mut bytes);
    range.start + u64::from_le_bytes(bytes) % (range.end - range.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Capacity, CapacityMax, EventStatus};
    use uuid::Uuid;

    fn state(version: u64) -> Availability {
        Availability {
            event_id: Uuid::from_u128(1).into(),
            organizer_id: None,
            status: EventStatus::Published,
            capacity: Capacity::parse(5, CapacityMax::default()).expect("valid"),
            booked_count: 3,
            waitlist_count: 0,
            version: Version::new(version),
            is_settled: true,
        }
    }

    fn watch(live: &Arc<Live>, version: u64) -> Watching {
        let now = state(version);
        let watched = [Watched { event_id: now.event_id, since: None }];
        live.enter(None).expect("there is room").watch(&watched, &[now])
    }

    fn newest(watching: &Watching) -> Option<Availability> {
        watching.seats[0].room.newer_than(0).and_then(|newest| newest.availability)
    }

    fn publish(rooms: &[Arc<Room>], version: u64) {
        for room in rooms {
            room.publish(Some(state(version)));
        }
    }

    #[test]
    fn a_read_from_before_a_watcher_came_shows_it_nothing_older() {
        let live = Arc::new(Live::new(9, None));
        let first = watch(&live, 5);
        let being_read = live.watched();
        drop(first);
        let late = watch(&live, 7);
        publish(&being_read, 6);
        assert_eq!(newest(&late), Some(state(7)));
        publish(&live.watched(), 8);
        assert_eq!(newest(&late), Some(state(8)));
        drop(late);
        assert_eq!((live.watched().len(), live.watchers()), (0, 0));
    }
}
