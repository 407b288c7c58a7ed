//! Creating events, and their seats.

use crate::cell::CellError;
use crate::fan_out::{Deadline, FanOutResults, Parts, in_place, parts_of};
use crate::store::{CellStore, Cells, HOME};
use async_trait::async_trait;
use booking_core::{
    BookingStore, Event, EventCommand, EventId, Execution, IdempotencyKey, NewEvent, Outcome,
    SeatLane, SeatStore, StoreError, WhenBusy,
};
use std::sync::Arc;

impl Cells {
    /// Creates something in a cell for an event whose organizer the cell may not have yet: that violates a
    /// constraint there, and is retried when it does.
    async fn create_in_cell<T, R>(
        &self,
        at: usize,
        is_an_organizers: bool,
        ask: impl Fn(Arc<dyn BookingStore>) -> R,
    ) -> Result<T, StoreError>
    where
        R: Future<Output = Result<T, StoreError>>,
    {
        let cell = &self.cells[at];
        let done = ask(Arc::clone(&cell.store)).await;
        if !matches!(done, Err(StoreError::Broken(_))) || !is_an_organizers || at == HOME {
            return cell.note_done(done);
        }
        self.copy_tokens_to(at).await?;
        cell.note_done(ask(Arc::clone(&cell.store)).await)
    }

    /// Whether the event exists.
    async fn is_there(&self, event: EventId) -> Result<bool, StoreError> {
        let ids = [event];
        let found = self.of_event(event, |store| store.availability(&ids)).await?;
        Ok(found.iter().any(Option::is_some))
    }

    /// Executes the parts of a batch concurrently, each in its cell.
    async fn execute_parts(
        &self,
        batch: &[EventCommand],
        parts: &Parts,
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        let asked =
            self.ask_parts(Deadline::Unlimited, batch, parts, move |store, part| async move {
                store.execute(&part, when_busy).await
            });
        let FanOutResults { answers, failures } = asked.await;
        #[cfg(feature = "negative-control")]
        if self.has_flaw(crate::CellFlaw::OutOfOrder) {
            return Ok(answers.into_iter().flat_map(|(_, answer)| answer).collect());
        }
        let mut executions: Vec<Option<Execution>> = (0..batch.len()).map(|_| None).collect();
        for (place, execution) in in_place(parts, answers) {
            executions[place] = Some(execution);
        }
        put_together(executions, parts, failures, when_busy)
    }
}

impl CellStore {
    /// Notifies that an event was refused because the map is old.
    fn noting_refusal<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.as_ref().is_err_and(StoreError::is_foreign_byte) {
            self.refused.notify_one();
        }
        answer
    }
}

/// Combines the answers to a whole batch. The commands of cells that failed have none.
fn put_together(
    mut executions: Vec<Option<Execution>>,
    parts: &Parts,
    mut failures: Vec<(usize, StoreError)>,
    when_busy: WhenBusy,
) -> Result<Vec<Execution>, StoreError> {
    let is_unknown = |error: &StoreError| matches!(error, StoreError::CommitUnknown(_));
    if !failures.is_empty() && executions.iter().all(Option::is_none) {
        let worst = failures.iter().position(|(_, error)| is_unknown(error));
        return Err(failures.swap_remove(worst.unwrap_or_default()).1);
    }
    for (at, error) in failures {
        match when_busy {
            // Not retried: that could be refused by then, as if nothing had been done.
            _ if is_unknown(&error) => {
                parts[&at].iter().for_each(|place| executions[*place] = Some(Execution::Unknown));
            }
            // Each is retried alone, and then gets the error of its own cell.
            WhenBusy::Skip => {}
            WhenBusy::Wait => return Err(StoreError::commit_unknown(CellError::Part(error))),
        }
    }
    Ok(executions.into_iter().map(|execution| execution.unwrap_or(Execution::Busy)).collect())
}

#[async_trait]
impl SeatStore for CellStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        let now = self.now();
        // Even a new event is looked up in the cell that others leave: it may have been created there before.
        let at = now.place_of(new.id).await;
        #[cfg(feature = "negative-control")]
        let at = match now.has_flaw(crate::CellFlaw::WrongCell) {
            true => (at + 1) % now.cells.len(),
            false => at,
        };
        let created = now.create_in_cell(at, new.organizer_id.is_some(), |store| {
            let new = new.clone();
            async move { store.create_event(new).await }
        });
        self.noting_refusal(created.await)
    }

    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        let now = self.now();
        // A retry has another id, and finds the answer by the key alone.
        let [.., byte] = *key.hash.as_bytes();
        let at = now.cell_of_byte(byte);
        // The same byte, and not only the same cell, which may be split. An event that exists under another is returned
        // as it is.
        let id = match new.id.as_uuid().into_bytes() {
            [.., last] if last == byte => new.id,
            _ if now.leads_to(new.id.as_uuid()) == at && now.is_there(new.id).await? => new.id,
            _ => EventId::beside(&key.hash, new.id.as_uuid()),
        };
        let new = new.with(|new| new.id = id).map_err(StoreError::broken)?;
        let create_in = async |at: usize| {
            let created = now.create_in_cell(at, new.organizer_id.is_some(), |store| {
                let new = new.clone();
                async move { store.create_event_once(new, key).await }
            });
            created.await
        };
        // The answer may be in the cell that the event left, which creates no other of these bytes.
        if let Some(from) = now.may_still_be_in(new.id.as_uuid()) {
            match create_in(from).await {
                Err(error) if error.is_foreign_byte() => {}
                answered => return answered,
            }
        }
        self.noting_refusal(create_in(at).await)
    }

    /// Stores expect batches of one cell. A batch of several is as many transactions: if some were committed, and it is
    /// unknown whether others were, the commands of these are [`Execution::Unknown`]. Those of parts that certainly were
    /// not are [`Execution::Busy`] where that is allowed, and else the outcome of the whole is unknown.
    async fn execute(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        let now = self.now();
        let places = now.places_of(batch.iter().map(|item| item.event_id)).await;
        let Some(first) = places.first() else { return Ok(Vec::new()) };
        if places.iter().all(|place| place == first) {
            let cell = &now.cells[*first];
            return cell.note_done(cell.store.execute(batch, when_busy).await);
        }
        now.execute_parts(batch, &parts_of(places), when_busy).await
    }

    fn lane_of(&self, event: EventId) -> SeatLane {
        let now = self.now();
        now.cells[now.leads_to(event.as_uuid())].lane
    }

    /// The least of the node's cells: they share what the node has.
    fn batches_at_once(&self, node: u16) -> usize {
        let now = self.now();
        let of_node = now.cells.iter().filter(|cell| cell.lane.node == node);
        of_node.map(|cell| cell.store.batches_at_once(node)).min().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    fn failed(unknown: bool) -> StoreError {
        let why = Error::other("on purpose");
        if unknown { StoreError::commit_unknown(why) } else { StoreError::unavailable(why) }
    }

    fn settled() -> Execution {
        Execution::Decided(Outcome::Settled)
    }

    fn two_parts() -> Parts {
        Parts::from([(0, vec![0]), (1, vec![1])])
    }

    #[test]
    fn a_failed_part_is_busy_or_unknown() {
        let parts = two_parts();
        let whole = put_together(vec![Some(settled()); 2], &parts, vec![], WhenBusy::Wait);
        assert_eq!(whole.expect("all is done"), [settled(), settled()]);
        let ask = |is_unknown, when_busy| {
            put_together(
                vec![Some(settled()), None],
                &parts,
                vec![(1, failed(is_unknown))],
                when_busy,
            )
        };
        let answer = ask(false, WhenBusy::Skip);
        assert_eq!(answer.expect("some is done"), [settled(), Execution::Busy]);
        let answer = ask(false, WhenBusy::Wait);
        assert!(matches!(answer, Err(StoreError::CommitUnknown(_))), "{answer:?}");
        for when_busy in [WhenBusy::Skip, WhenBusy::Wait] {
            let answer = ask(true, when_busy);
            assert_eq!(answer.expect("some is done"), [settled(), Execution::Unknown]);
        }
    }

    #[test]
    fn the_worst_failure_is_returned_if_nothing_was_done() {
        for when_busy in [WhenBusy::Skip, WhenBusy::Wait] {
            let worst = |unknown| {
                let failures = vec![(0, failed(false)), (1, failed(unknown))];
                put_together(vec![None, None], &two_parts(), failures, when_busy)
            };
            assert!(matches!(worst(false), Err(StoreError::Unavailable(_))));
            assert!(matches!(worst(true), Err(StoreError::CommitUnknown(_))));
        }
    }
}
