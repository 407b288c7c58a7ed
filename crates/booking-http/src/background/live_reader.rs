//! Reads how full the events are that somebody watches: all of a lane together, however many watch.

use crate::service::Service;
use crate::util::failure_log::FailureLog;
use booking_core::{EventId, SeatLane, StoreError};
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep;

/// How long after one reading the next begins. So an event is told of four times a second at most, and what is
/// committed is told within this and the time that two readings take.
const PAUSE: Duration = Duration::from_millis(250);
/// The most events that are read with one statement.
const EVENTS_READ_MAX: usize = 1_000;

/// Reads until the server stops. While the store cannot be reached, nobody is told anything; whoever watches hears
/// of what has changed when it can again. A lane that does not answer keeps no other waiting.
pub(crate) async fn run(service: &Service) {
    let mut failures = FailureLog::default();
    let (mut readings, mut read) = (FuturesUnordered::new(), HashSet::new());
    while !service.live.is_ended() {
        service.live.watching().await;
        for (lane, ids) in by_lane(service) {
            if read.insert(lane) {
                readings.push(async move {
                    let done = read_all(service, &ids).await;
                    sleep(PAUSE).await;
                    (lane, done)
                });
            }
        }
        // By then another lane may be watched, however long these take.
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

/// The events that are watched, by where they are.
fn by_lane(service: &Service) -> HashMap<SeatLane, Vec<EventId>> {
    let mut by_lane: HashMap<_, Vec<_>> = HashMap::new();
    for id in service.live.watched() {
        by_lane.entry(service.store.lane_of(id)).or_default().push(id);
    }
    by_lane
}

async fn read_all(service: &Service, ids: &[EventId]) -> Result<(), StoreError> {
    for ids in ids.chunks(EVENTS_READ_MAX) {
        let found = service.store.availability(ids).await?;
        for (id, availability) in ids.iter().zip(found) {
            service.live.publish(*id, availability);
        }
    }
    Ok(())
}
