//! Putting up events, and their seats.

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
    /// Does something in a cell for an event, which may be an organizer's whom the cell does not know yet: then that
    /// breaks a rule there, and is done again when it does.
    async fn put_up<T, R>(
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

    /// Whether there is such an event.
    async fn is_put_up(&self, event: EventId) -> Result<bool, StoreError> {
        let ids = [event];
        let found = self.of_event(event, |store| store.availability(&ids)).await?;
        Ok(found.iter().any(Option::is_some))
    }

    /// Executes the parts of a batch side by side, each in its cell.
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
        put_together(executions, failures, when_busy)
    }
}

impl CellStore {
    /// Takes note of that an event was not put up since the map is old.
    fn noting_refusal<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.as_ref().is_err_and(StoreError::is_foreign_byte) {
            self.refused.notify_one();
        }
        answer
    }
}

/// The answer to a whole batch, of which those commands have none whose cells have failed.
fn put_together(
    executions: Vec<Option<Execution>>,
    mut failures: Vec<(usize, StoreError)>,
    when_busy: WhenBusy,
) -> Result<Vec<Execution>, StoreError> {
    let is_nothing_done = executions.iter().all(Option::is_none);
    match when_busy {
        _ if failures.is_empty() => {}
        _ if is_nothing_done => {
            let is_unknown = |error: &StoreError| matches!(error, StoreError::CommitUnknown(_));
            let worst = failures.iter().position(|(_, error)| is_unknown(error));
            let worst = worst.unwrap_or_default();
            return Err(failures.swap_remove(worst).1);
        }
        // Each is asked again alone, and then hears what is the matter with its own cell.
        WhenBusy::Skip => {}
        WhenBusy::Wait => {
            let part = CellError::Part(failures.swap_remove(0).1);
            return Err(StoreError::commit_unknown(part));
        }
    }
    Ok(executions.into_iter().map(|execution| execution.unwrap_or(Execution::Busy)).collect())
}

#[async_trait]
impl SeatStore for CellStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        let now = self.now();
        // Also of a new one it has to be known that it is not where others leave: it may have been put up there before.
        let at = now.place_of(new.id).await;
        #[cfg(feature = "negative-control")]
        let at = match now.has_flaw(crate::CellFlaw::WrongCell) {
            true => (at + 1) % now.cells.len(),
            false => at,
        };
        let put_up = now.put_up(at, new.organizer_id.is_some(), |store| {
            let new = new.clone();
            async move { store.create_event(new).await }
        });
        self.noting_refusal(put_up.await)
    }

    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        let now = self.now();
        // Whoever asks again makes another id, and has the key alone to find the answer by.
        let [.., byte] = *key.hash.as_bytes();
        let at = now.cell_of_byte(byte);
        // The same byte, and not only the same cell, which may be split. What is there under another is returned as it is.
        let id = match new.id.as_uuid().into_bytes() {
            [.., last] if last == byte => new.id,
            _ if now.leads_to(new.id.as_uuid()) == at && now.is_put_up(new.id).await? => new.id,
            _ => EventId::beside(&key.hash, new.id.as_uuid()),
        };
        let new = new.with(|new| new.id = id).map_err(StoreError::broken)?;
        let put_up_in = async |at: usize| {
            let put_up = now.put_up(at, new.organizer_id.is_some(), |store| {
                let new = new.clone();
                async move { store.create_event_once(new, key).await }
            });
            put_up.await
        };
        // The answer may be where the event was, which puts up no other of these bytes.
        if let Some(from) = now.may_still_be_in(new.id.as_uuid()) {
            match put_up_in(from).await {
                Err(error) if error.is_foreign_byte() => {}
                answered => return answered,
            }
        }
        self.noting_refusal(put_up_in(at).await)
    }

    /// Batches of one cell are what a store is asked for. One of several is as many transactions: if some were committed
    /// and others not, their commands are [`Execution::Busy`] where that may be, and else the whole is of unknown
    /// outcome.
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

    /// As many as the cell of the node that does with fewest: they share what the node has.
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

    #[test]
    fn what_a_cell_did_not_do_is_told_apart_from_what_others_did() {
        let whole = put_together(vec![Some(settled()); 2], vec![], WhenBusy::Wait);
        assert_eq!(whole.expect("all is done"), [settled(), settled()]);
        let executions = || vec![Some(settled()), None];
        let told = put_together(executions(), vec![(1, failed(false))], WhenBusy::Skip);
        assert_eq!(told.expect("some is done"), [settled(), Execution::Busy]);
        let told = put_together(executions(), vec![(1, failed(false))], WhenBusy::Wait);
        assert!(matches!(told, Err(StoreError::CommitUnknown(_))), "{told:?}");
    }

    #[test]
    fn if_nothing_is_done_the_worst_is_told() {
        for when_busy in [WhenBusy::Skip, WhenBusy::Wait] {
            let told = |unknown| {
                let failures = vec![(0, failed(false)), (1, failed(unknown))];
                put_together(vec![None, None], failures, when_busy)
            };
            assert!(matches!(told(false), Err(StoreError::Unavailable(_))));
            assert!(matches!(told(true), Err(StoreError::CommitUnknown(_))));
        }
    }
}
