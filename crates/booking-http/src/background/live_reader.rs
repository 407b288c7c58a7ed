//! Reads the availability of the events that are watched: all of a lane together, however many clients watch.

use crate::service::Service;
use crate::service::live::Room;
use crate::util::failure_log::FailureLog;
use booking_core::{EventId, SeatLane, StoreError};
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long after one reading the next begins. So the state of an event is sent four times a second at most, and a
/// commit is sent within this and the time of two readings.
const PAUSE: Duration = Duration::from_millis(250);
/// The most events that are read with one statement.
const EVENTS_READ_MAX: usize = 1_000;

/// Reads until the server stops. While the store cannot be reached, watchers get no messages; they get the changes
/// once it can be reached again. A lane that does not answer delays no other.
pub(crate) async fn run(service: Arc<Service>) {
    let service = &*service;
    let mut failures = FailureLog::default();
    let (mut readings, mut read) = (FuturesUnordered::new(), HashSet::new());
    while !service.live.is_ended() {
        service.live.watching().await;
        for (lane, rooms) in by_lane(service) {
            if read.insert(lane) {
                readings.push(async move {
                    let done = read_all(service, &rooms).await;
                    sleep(PAUSE).await;
                    (lane, done)
                });
            }
        }
        // By then another lane may be watched, however long these reads take.
        let pause = pin!(sleep(PAUSE));
        match select(readings.next(), pause).await {
            Either::Left((Some((lane, done)), _)) => {
                read.remove(&lane);
                failures.record("read the events that are watched", done);
            }
            Either::Left((None, pause)) => pause.await,
            Either::Right(_) => {}
        }
    }
}

/// The rooms of the watched events, by their lanes.
fn by_lane(service: &Service) -> HashMap<SeatLane, Vec<Arc<Room>>> {
    let mut by_lane: HashMap<_, Vec<_>> = HashMap::new();
    for room in service.live.watched() {
        by_lane.entry(service.store.lane_of(room.event_id)).or_default().push(room);
    }
    by_lane
}

async fn read_all(service: &Service, rooms: &[Arc<Room>]) -> Result<(), StoreError> {
    for rooms in rooms.chunks(EVENTS_READ_MAX) {
        let ids: Vec<EventId> = rooms.iter().map(|room| room.event_id).collect();
        let found = service.store.availability(&ids).await?;
        for (room, availability) in rooms.iter().zip(found) {
            room.publish(availability);
        }
    }
    Ok(())
}
