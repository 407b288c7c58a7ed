//! Finding a registration by its id alone, in whichever cell it is.

use crate::fan_out::{Deadline, FanOutResults, Parts, Request, in_place, parts_of};
#[cfg(feature = "negative-control")]
use crate::store::CellFlaw;
use crate::store::{BETWEEN_WAIT, Cells, wait_until};
use booking_core::{BookingStore, EventId, RegistrationId, StoreError};
use std::sync::Arc;
use tokio::time::Instant;

impl Cells {
    /// Asks for something of a registration where it was found before, where its id leads, and then in all other cells
    /// at once. It is an error, and not `None`, while a cell that may have it does not answer, or its event is between
    /// two cells.
    pub(crate) async fn find<T, R>(
        &self,
        id: RegistrationId,
        ask: impl Fn(Arc<dyn BookingStore>) -> R,
    ) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        R: Future<Output = Result<Option<T>, StoreError>> + Send + 'static,
    {
        let until = Instant::now() + BETWEEN_WAIT;
        loop {
            let found = self.find_now(id, &ask).await?;
            if found.is_some() || !self.is_its_event_between(id).await? {
                return Ok(found);
            }
            wait_until(until).await?;
        }
    }

    /// Whether the event of a registration may be on its way from one cell to the other.
    async fn is_its_event_between(&self, id: RegistrationId) -> Result<bool, StoreError> {
        let Some(change) = &self.change else { return Ok(false) };
        if self.is_between(id.as_uuid(), |store| store.may_be_moving(id)).await? {
            return Ok(true);
        }
        #[cfg(feature = "negative-control")]
        if self.has_flaw(CellFlaw::BetweenByIdAlone) {
            return Ok(false);
        }
        // Its id may not end as its event's does, if it is old. Its row leaves before its event
        // does.
        let to = &self.cells[self.cell_of_byte(change.bytes.first)];
        let asked = to.note(to.store.events_by_registration(&[id]).await)?;
        match asked.first().copied().flatten().filter(|event| change.bytes.has_event(*event)) {
            Some(event) => self.is_between(event.as_uuid(), |store| store.is_moving(event)).await,
            None => Ok(false),
        }
    }

    async fn find_now<T, R>(
        &self,
        id: RegistrationId,
        ask: &impl Fn(Arc<dyn BookingStore>) -> R,
    ) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        R: Future<Output = Result<Option<T>, StoreError>> + Send + 'static,
    {
        let (mut asked, mut silent) = (Vec::new(), None);
        let found = self.found.get(id).map(usize::from);
        let (leaves, leads_to) = (self.may_still_be_in(id.as_uuid()), self.leads_to(id.as_uuid()));
        // In this order: what has left the first of the two is in the second.
        for at in found.into_iter().chain(leaves).chain([leads_to]) {
            if asked.contains(&at) {
                continue;
            }
            asked.push(at);
            let cell = &self.cells[at];
            match cell.note(ask(Arc::clone(&cell.store)).await) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error @ StoreError::Unavailable(_)) => silent = silent.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        let others = (0..self.cells.len()).filter(|at| !asked.contains(at));
        let others = others.map(|at| {
            let request: Request<Option<T>> = Box::pin(ask(Arc::clone(&self.cells[at].store)));
            (at, request)
        });
        let others = others.collect();
        let FanOutResults { answers, failures } = self.fan_out(Deadline::Short, others).await;
        for (at, answer) in answers {
            if answer.is_some() {
                self.cache_place(id, at);
                return Ok(answer);
            }
        }
        let silent = silent.or(failures.into_iter().next().map(|(_, error)| error));
        silent.map_or(Ok(None), Err)
    }

    /// Caches where a registration was found, if its id leads elsewhere.
    fn cache_place(&self, id: RegistrationId, at: usize) {
        if at == self.leads_to(id.as_uuid()) || Some(at) == self.may_still_be_in(id.as_uuid()) {
            return;
        }
        // There are no more cells than bytes, but for one that is being emptied.
        if let Ok(at) = u8::try_from(at) {
            self.found.insert(id, at);
        }
    }

    /// Finds the event of each registration as [`find`](Self::find) does, but of all together.
    pub(crate) async fn find_events(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        let (mut events, asked, mut failures) = self.find_events_at_once(ids).await;
        let mut elsewhere = Parts::new();
        for (place, _) in events.iter().enumerate().filter(|(_, event)| event.is_none()) {
            for at in (0..self.cells.len()).filter(|at| !asked[place].contains(at)) {
                elsewhere.entry(at).or_default().push(place);
            }
        }
        if !elsewhere.is_empty() {
            failures.extend(self.find_events_in(ids, &elsewhere, &mut events).await);
        }
        // All that were still missing were looked up in all cells.
        let is_whole = events.iter().all(Option::is_some);
        match failures.into_iter().next() {
            Some((_, error)) if !is_whole => Err(error),
            _ => Ok(events),
        }
    }

    /// The events of the registrations that are where they were found before, or where their ids lead; in which cells
    /// each was looked up; and the failures.
    pub(crate) async fn find_events_at_once(
        &self,
        ids: &[RegistrationId],
    ) -> (Vec<Option<EventId>>, Vec<Vec<usize>>, Vec<(usize, StoreError)>) {
        let mut events = vec![None; ids.len()];
        let first = |id: &RegistrationId| {
            let found = self.found.get(*id).map(usize::from);
            let leaves = || self.may_still_be_in(id.as_uuid());
            found.or_else(leaves).unwrap_or_else(|| self.leads_to(id.as_uuid()))
        };
        let mut asked: Vec<Vec<usize>> = ids.iter().map(|id| vec![first(id)]).collect();
        let wanted = parts_of(asked.iter().map(|asked| asked[0]));
        let mut failures = self.find_events_in(ids, &wanted, &mut events).await;
        // What has left the source is in the target.
        let mut have_left = Parts::new();
        for (place, id) in ids.iter().enumerate().filter(|(place, _)| events[*place].is_none()) {
            let leads_to = self.leads_to(id.as_uuid());
            if self.may_still_be_in(id.as_uuid()) == Some(asked[place][0]) {
                asked[place].push(leads_to);
                have_left.entry(leads_to).or_default().push(place);
            }
        }
        if !have_left.is_empty() {
            failures.extend(self.find_events_in(ids, &have_left, &mut events).await);
        }
        (events, asked, failures)
    }

    /// Asks cells for the events of registrations: `wanted` has each cell's positions in `ids`. Returns the failures.
    async fn find_events_in(
        &self,
        ids: &[RegistrationId],
        wanted: &Parts,
        events: &mut [Option<EventId>],
    ) -> Vec<(usize, StoreError)> {
        let asked = self.ask_parts(Deadline::Short, ids, wanted, |store, ids| async move {
            store.events_by_registration(&ids).await
        });
        let FanOutResults { answers, failures } = asked.await;
        for (at, answer) in answers {
            for (place, event) in in_place(wanted, [(at, answer)]) {
                if event.is_none() || events[place].is_some() {
                    continue;
                }
                events[place] = event;
                self.cache_place(ids[place], at);
            }
        }
        failures
    }
}

#[cfg(test)]
mod tests {
    use crate::{CellMap, CellSpec, CellStore};
    use booking_conformance::MemoryStore;
    use booking_core::prelude::*;
    use booking_core::{
        Caller, Capacity, CapacityMax, CellName, Claim, Command, EmailAddress, EventCommand,
        EventId, EventName, NewEvent, PageLimit, RegistrationId, WhenBusy,
    };
    use std::sync::Arc;
    use uuid::Uuid;

    /// An id that ends in `byte`.
    fn ending_in(byte: u8) -> Uuid {
        let mut bytes = Uuid::now_v7().into_bytes();
        bytes[15] = byte;
        Uuid::from_bytes(bytes)
    }

    /// A store of four cells.
    fn cells() -> CellStore {
        let spec = |at: u8| {
            let schema = format!("c{at}");
            let name = CellName::parse(&schema).expect("a valid name");
            let (node, first) = ("a".to_owned(), at * 64);
            CellSpec { name, node, schema, first, last: first + 63 }
        };
        let map = CellMap::new(1, vec!["a".to_owned()], (0..4).map(spec).collect());
        let stores = (0..4).map(|_| Arc::new(MemoryStore::default()) as Arc<dyn BookingStore>);
        CellStore::new(&map.expect("it is one"), stores.collect())
    }

    /// Creates an event and registers for it, under an id that ends differently from the event's.
    async fn register(store: &CellStore, ends: u8) -> (EventId, RegistrationId) {
        let name = EventName::parse("An event").expect("valid");
        let seats = Capacity::parse(9, CapacityMax::default()).expect("valid");
        let new = NewEvent::new(ending_in(0xd7).into(), name, seats);
        let event = store.create_event(new).await.expect("it answers").id;
        let id = RegistrationId::from(ending_in(ends));
        let claim = Claim::new(id, EmailAddress::parse("ada@example.org").expect("valid"));
        let command = EventCommand::new(event, Caller::Anyone, Command::Register(claim.into()));
        store.execute(&[command], WhenBusy::Wait).await.expect("it answers");
        (event, id)
    }

    #[tokio::test]
    async fn an_id_that_leads_elsewhere_is_looked_up_once_and_cached() {
        for by_itself in [true, false] {
            let store = cells();
            let (event, id) = register(&store, 0x01).await;
            assert_eq!(store.now().found.get(id), None);
            for _ in 0..2 {
                if by_itself {
                    let found = store.registration(id).await.expect("it answers");
                    assert_eq!(found.map(|found| found.event_id), Some(event));
                } else {
                    let unknown = RegistrationId::from(ending_in(0x01));
                    let asked = [unknown, id, unknown];
                    let found = store.events_by_registration(&asked).await.expect("it answers");
                    assert_eq!(found, [None, Some(event), None]);
                }
                assert_eq!(store.now().found.get(id), Some(3));
            }
            let history = store.history(id, PageLimit::MAX).await.expect("it answers");
            assert_eq!(history.map(|entries| entries.len()), Some(1));
        }
    }

    #[tokio::test]
    async fn an_id_that_leads_to_its_cell_is_not_cached() {
        let store = cells();
        let (event, id) = register(&store, 0xd7).await;
        assert!(store.registration(id).await.expect("it answers").is_some());
        let found = store.events_by_registration(&[id]).await.expect("it answers");
        assert_eq!((found, store.now().found.get(id)), (vec![Some(event)], None));
    }

    /// A registration may have left the cell where it was found before.
    #[tokio::test]
    async fn a_stale_cache_entry_is_looked_up_again() {
        let store = cells();
        let (event, id) = register(&store, 0x01).await;
        store.now().found.insert(id, 2);
        let found = store.events_by_registration(&[id]).await.expect("it answers");
        assert_eq!((found, store.now().found.get(id)), (vec![Some(event)], Some(3)));
        store.now().found.insert(id, 1);
        assert!(store.registration(id).await.expect("it answers").is_some());
        assert_eq!(store.now().found.get(id), Some(3));
    }
}
