//! One batch on its way through the store.

use crate::SubmitError;
use booking_core::{
    AskedBy, BookingStore, EventCommand, EventId, Execution, Observation, Observer, Outcome,
    StoreError, WhenBusy,
};
use std::collections::BTreeMap;
use std::time::Instant;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A command and the caller that waits for its outcome.
pub(crate) type Waiting = (EventCommand, Caller);

/// The caller of a command. Holds a place in the queue until it is answered.
pub(crate) struct Caller {
    reply: oneshot::Sender<Result<Outcome, SubmitError>>,
    since: Instant,
    _place: OwnedSemaphorePermit,
}

impl Caller {
    pub(crate) fn new(
        reply: oneshot::Sender<Result<Outcome, SubmitError>>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { reply, since: Instant::now(), _place: place }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    pub(crate) fn answer(self, answer: Result<Outcome, SubmitError>) {
        // Fails if the caller has gone away.
        let _ = self.reply.send(answer);
    }
}

/// A batch that was dropped while it was under way.
#[derive(Debug, Error)]
#[error("the batch was abandoned")]
pub(crate) struct Abandoned;

/// A command of which the store does not know what became, unlike of others of its batch.
#[derive(Debug, Error)]
#[error("the store does not know whether it was executed")]
struct PartUnknown;

/// Executes a batch and answers its callers; returns the commands whose events were busy.
pub(crate) async fn execute(
    store: &dyn BookingStore,
    observer: &dyn Observer,
    batch: Vec<Waiting>,
    when_busy: WhenBusy,
) -> Vec<Waiting> {
    let (items, callers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    match store.execute(&items, when_busy).await {
        Ok(executions) => {
            assert_eq!(executions.len(), items.len(), "the store answers each command");
            let mut busy = Vec::new();
            for ((item, caller), execution) in items.into_iter().zip(callers).zip(executions) {
                match execution {
                    Execution::Decided(outcome) => caller.answer(Ok(outcome)),
                    // Whatever the store did before it found the event busy.
                    Execution::Busy => busy.push((item.sent_again(), caller)),
                    Execution::Unknown => {
                        let unknown = StoreError::commit_unknown(PartUnknown);
                        caller.answer(Err(SubmitError::Store(unknown)));
                    }
                }
            }
            busy
        }
        // One event's broken row must not fail its neighbours.
        Err(StoreError::Broken(_)) if has_many_events(&items) => {
            execute_apart(store, observer, items.into_iter().zip(callers), when_busy).await
        }
        Err(error) => {
            observer.observe(Observation::BatchFailed(&error));
            log::warn!("the batch of request {} failed: {error}", AskedBy::of(&items));
            for caller in callers {
                caller.answer(Err(SubmitError::Store(error.clone())));
            }
            Vec::new()
        }
    }
}

/// Executes a batch event by event.
async fn execute_apart(
    store: &dyn BookingStore,
    observer: &dyn Observer,
    batch: impl Iterator<Item = Waiting> + Send,
    when_busy: WhenBusy,
) -> Vec<Waiting> {
    let mut by_event: BTreeMap<EventId, Vec<Waiting>> = BTreeMap::new();
    for (item, caller) in batch {
        by_event.entry(item.event_id).or_default().push((item.sent_again(), caller));
    }
    let mut busy = Vec::new();
    for part in by_event.into_values() {
        busy.extend(Box::pin(execute(store, observer, part, when_busy)).await);
    }
    busy
}

fn has_many_events(items: &[EventCommand]) -> bool {
    items.windows(2).any(|pair| pair[0].event_id != pair[1].event_id)
}
