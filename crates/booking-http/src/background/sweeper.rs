//! Does in time what time alone brings: gives the seats of holds that have run out to those who wait,
//! erases what was kept for long enough, and forgets what is no longer needed.
//!
//! Nothing depends on it for being right. A hold that has run out counts for nothing, swept or not, and
//! whoever asks an event for something tidies it first. It never writes by itself: it asks, through the
//! queue, as everybody does. So any number of servers may sweep at once, and none need.

use crate::service::Service;
use crate::util::failure_log::FailureLog;
use booking_admission::SubmitError;
use booking_core::{Command, EventCommand, EventId, Outcome, PageLimit, StoreError};
use futures_util::future::{join_all, join3};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How long a sweep waits for what it asks of its events. One whose row somebody else holds is left to a
/// later sweep, so that the others need not wait for it.
const SETTLE_WITHIN: Duration = Duration::from_secs(2);
/// The most events of which something is erased in one round: of each up to
/// [`ERASED_MAX`](booking_core::ERASED_MAX) registrations.
const ERASE_EVENTS_MAX: u32 = 100;
/// How many of them share a transaction.
const ERASE_TOGETHER: usize = 2;
/// The pause between two rounds.
const ERASE_PAUSE: Duration = Duration::from_millis(10);
/// How often what has run out is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// The pause between two rounds of forgetting, each of up to 1,000 records. It is what leaves others a turn,
/// and still more is forgotten than one server can answer.
const FORGET_PAUSE: Duration = Duration::from_millis(10);

/// Sweeps until the server stops. Erasing may take long, and nobody who waits for a seat waits for it.
pub(crate) async fn run(service: Arc<Service>, every: Duration) {
    join3(tidy(&service, every), erase(&service, every), forget(&service)).await;
}

async fn tidy(service: &Service, every: Duration) {
    let mut ticks = interval(every);
    // After a pause there is one sweep, and not all those that were missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = FailureLog::default();
    while !service.is_stopping() {
        ticks.tick().await;
        let swept = settle_due(service).await;
        service.metrics.swept(swept.is_ok());
        failures.record("sweep", swept);
    }
}

/// Has every event tidied on which time alone has something to do.
async fn settle_due(service: &Service) -> Result<(), StoreError> {
    let due = service.store.due_events(PageLimit::default()).await?;
    ask(service, &due, Command::Settle).await.map(drop)
}

async fn erase(service: &Service, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = FailureLog::default();
    while !service.is_stopping() {
        match erase_due(service).await {
            // There may be more, and nothing is in the way. Others have a turn in between.
            Ok(true) => {
                sleep(ERASE_PAUSE).await;
                continue;
            }
            Ok(false) => {}
            failed => failures.record("erase what is kept no longer", failed.map(drop)),
        }
        ticks.tick().await;
    }
}

/// Has whose registrations were erased, where they were to be kept for no longer, as much as one round may.
/// Tells whether there was any, and all of it was done. An event that cannot be written keeps no other from
/// being erased.
async fn erase_due(service: &Service) -> Result<bool, StoreError> {
    let limit = PageLimit::parse(ERASE_EVENTS_MAX).unwrap_or_default();
    let due = service.store.erasable_events(limit).await?;
    let mut done = Ok(!due.is_empty());
    for together in due.chunks(ERASE_TOGETHER) {
        match ask(service, together, Command::EraseDue).await {
            Ok(true) => {}
            Ok(false) => done = done.and(Ok(false)),
            Err(error) => done = Err(error),
        }
    }
    done
}

/// Asks something of events, and waits for it a while. Tells whether each was done.
async fn ask(service: &Service, events: &[EventId], command: Command) -> Result<bool, StoreError> {
    let asked =
        events.iter().map(|id| service.admission.submit(EventCommand::new(*id, command.clone())));
    let Ok(outcomes) = timeout(SETTLE_WITHIN, join_all(asked)).await else { return Ok(false) };
    let mut done = true;
    for outcome in outcomes {
        match outcome {
            Err(SubmitError::Store(error)) => return Err(error),
            Ok(Outcome::Settled) => {}
            // Others are more urgent.
            Ok(_) | Err(SubmitError::Overloaded | SubmitError::ShuttingDown) => done = false,
        }
    }
    Ok(done)
}

/// Forgets what idempotency keys were answered, when it is too old to be asked for: until nothing is left, so
/// that it keeps up with whatever comes in, and in steps, so that nobody waits for long.
async fn forget(service: &Service) {
    let mut failures = FailureLog::default();
    while !service.is_stopping() {
        let limit = PageLimit::MAX;
        let forgotten = service.bulkhead.run(service.store.purge_records(limit)).await;
        match forgotten {
            Ok(forgotten) if forgotten == limit.get() as u64 => sleep(FORGET_PAUSE).await,
            Ok(_) | Err(SubmitError::Overloaded | SubmitError::ShuttingDown) => {
                sleep(FORGET_EVERY).await;
            }
            Err(SubmitError::Store(error)) => {
                failures.record("forget old records", Err(error));
                sleep(FORGET_EVERY).await;
            }
        }
    }
}
