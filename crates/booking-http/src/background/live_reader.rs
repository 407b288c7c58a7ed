//! Reads how full the events are that somebody watches: all of them together, however many watch.

use crate::service::Service;
use crate::util::failure_log::FailureLog;
use booking_core::{EventId, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long after one reading the next begins. So an event is told of four times a second at most, and what is
/// committed is told within this and the time that two readings take.
const PAUSE: Duration = Duration::from_millis(250);
/// The most events that are read with one statement.
const EVENTS_READ_MAX: usize = 1_000;

/// Reads until the server stops. While the store cannot be reached, nobody is told anything; whoever watches hears
/// of what has changed when it can again.
pub(crate) async fn run(service: Arc<Service>) {
    let mut failures = FailureLog::default();
    while !service.live.is_ended() {
        service.live.watching().await;
        failures.record("read the events that are watched", read(&service).await);
        sleep(PAUSE).await;
    }
}

async fn read(service: &Service) -> Result<(), StoreError> {
    for rooms in service.live.watched().chunks(EVENTS_READ_MAX) {
        let ids: Vec<EventId> = rooms.iter().map(|room| room.event_id).collect();
        let found = service.store.availability(&ids).await?;
        for (room, availability) in rooms.iter().zip(found) {
            room.publish(availability);
        }
    }
    Ok(())
}
