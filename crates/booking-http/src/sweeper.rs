//! Does in time what time alone brings: gives the seats of holds that have run out to those who wait,
//! erases what was kept for long enough, and forgets what is no longer needed.
//!
//! Nothing depends on it for being right. A hold that has run out counts for nothing, swept or not, and
//! whoever asks an event for something tidies it first. It never writes by itself: it asks, through the
//! queue, as everybody does. So any number of servers may sweep at once, and none need.

use crate::service::Service;
use booking_admission::SubmitError;
use booking_core::{BookingStore, Command, EventCommand, EventId, PageLimit, StoreError};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How long a sweep waits for what it asks of its events. One whose row somebody else holds is left to a
/// later sweep, so that the others need not wait for it.
const SETTLE_WITHIN: Duration = Duration::from_secs(2);
/// The most events that are looked at in one round of erasing, and the most rounds in a row: each erases
/// up to [`ERASED_MAX`](booking_core::ERASED_MAX) registrations of each of them.
const ERASE_EVENTS_MAX: u32 = 100;
const ERASE_ROUNDS_MAX: usize = 20;
/// How many of them share a transaction.
const ERASE_TOGETHER: usize = 2;
/// How often what has run out is forgotten, and new keys are looked for.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
/// The most rounds of forgetting in a row: 100,000 records, and no endless work.
const FORGET_ROUNDS_MAX: usize = 100;
/// How often a failure that goes on is told.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Sweeps until the server stops.
pub(crate) async fn run(service: Arc<Service>, every: Duration) {
    let mut ticks = interval(every);
    // After a pause there is one sweep, and not all those that were missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept_at = Instant::now();
    let mut complaint = Complaint::default();
    while !service.is_stopping() {
        ticks.tick().await;
        complaint.about("sweep", settle_due(&service).await);
        complaint.about("erase what is kept no longer", erase_due(&service).await);
        if kept_at.elapsed() >= HOUSEKEEPING_EVERY {
            kept_at = Instant::now();
            complaint.about("forget old records", forget_records(service.store.as_ref()).await);
            complaint.about("read the ticket keys", service.tickets.read_again().await);
        }
    }
}

/// Has every event tidied on which time alone has something to do.
async fn settle_due(service: &Service) -> Result<(), StoreError> {
    let due = service.store.due_events(PageLimit::default()).await?;
    ask(service, &due, Command::Settle).await
}

/// Has whose registrations were erased, where they were to be kept for no longer.
async fn erase_due(service: &Service) -> Result<(), StoreError> {
    let limit = PageLimit::parse(ERASE_EVENTS_MAX).unwrap_or_default();
    for _ in 0..ERASE_ROUNDS_MAX {
        let due = service.store.erasable_events(limit).await?;
        if due.is_empty() || service.is_stopping() {
            break;
        }
        for together in due.chunks(ERASE_TOGETHER) {
            ask(service, together, Command::EraseDue).await?;
        }
    }
    Ok(())
}

/// Asks something of events, and waits for it a while.
async fn ask(service: &Service, events: &[EventId], command: Command) -> Result<(), StoreError> {
    let asked =
        events.iter().map(|id| service.admission.submit(EventCommand::new(*id, command.clone())));
    let Ok(outcomes) = timeout(SETTLE_WITHIN, join_all(asked)).await else { return Ok(()) };
    for outcome in outcomes {
        match outcome {
            Err(SubmitError::Store(error)) => return Err(error),
            // Others are more urgent.
            Ok(_) | Err(SubmitError::Overloaded | SubmitError::ShuttingDown) => {}
        }
    }
    Ok(())
}

/// Deletes what idempotency keys were answered, when it is too old to be asked for.
async fn forget_records(store: &dyn BookingStore) -> Result<(), StoreError> {
    for _ in 0..FORGET_ROUNDS_MAX {
        let forgotten = store.forget_records(PageLimit::MAX).await?;
        if forgotten < PageLimit::MAX.get() as u64 {
            break;
        }
    }
    Ok(())
}

/// Tells failures, and not every second again while they last.
#[derive(Default)]
struct Complaint {
    told_at: Option<Instant>,
}

impl Complaint {
    fn about(&mut self, what: &str, done: Result<(), StoreError>) {
        let Err(error) = done else { return };
        if self.told_at.is_none_or(|told_at| told_at.elapsed() >= COMPLAIN_EVERY) {
            self.told_at = Some(Instant::now());
            log::warn!("could not {what}: {}", chain(&error));
        }
    }
}

/// An error and what is beneath it.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
