//! Reading events and registrations.

use crate::fan_out::{Deadline, FanOutResults, in_place, parts_of};
use crate::merge;
use crate::store::{BETWEEN_WAIT, CellStore, wait_until};
use async_trait::async_trait;
use booking_core::{
    Agenda, Availability, Caller, EmailAddress, Event, EventCursor, EventId, HistoryEntry, Listed,
    Page, PageLimit, Questions, ReadStore, Registration, RegistrationCounts, RegistrationCursor,
    RegistrationId, StartCursor, StoreError,
};
use std::cmp::Reverse;
use tokio::time::Instant;

#[async_trait]
impl ReadStore for CellStore {
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let now = self.now();
        now.of_served(id, |cell| async move { cell.note(cell.store.event(id).await) }).await
    }

    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError> {
        let now = self.now();
        now.of_served(id, |cell| async move { cell.note(cell.store.questions(id).await) }).await
    }

    /// If one of several cells does not answer, the whole call fails: a caller that asks for many asks for those of
    /// each [lane](booking_core::SeatStore::lane_of) separately.
    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError> {
        let now = self.now();
        let until = Instant::now() + BETWEEN_WAIT;
        loop {
            let parts = parts_of(now.places_of(ids.iter().copied()).await);
            let asked = now.ask_parts(Deadline::Short, ids, &parts, |store, ids| async move {
                store.availability(&ids).await
            });
            let answers: Vec<(usize, Vec<Option<Availability>>)> = asked.await.all()?;
            let mut found = vec![None; ids.len()];
            for (place, availability) in in_place(&parts, answers) {
                found[place] = availability;
            }
            let mut is_between = false;
            for (id, _) in ids.iter().zip(&found).filter(|(_, found)| found.is_none()) {
                let moving = now.is_between(id.as_uuid(), |store| store.is_moving(*id));
                is_between = is_between || moving.await?;
            }
            if !is_between {
                return Ok(found);
            }
            wait_until(until).await?;
        }
    }

    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        let now = self.now();
        let asked = now.ask_all(Deadline::Short, |store| async move {
            store.events(caller, after, limit).await
        });
        let mut results: FanOutResults<Page<Event, EventCursor>> = asked.await;
        now.ask_target_again(&mut results, |store| async move {
            store.events(caller, after, limit).await
        })
        .await;
        let missing = now.names_of(&results.failures);
        let pages: Vec<_> = results.any()?.into_iter().map(|(_, page)| page).collect();
        #[cfg(feature = "negative-control")]
        if now.has_flaw(crate::CellFlaw::Unmerged) {
            return Ok(Page::new(pages.into_iter().flat_map(|page| page.items).collect(), limit));
        }
        Ok(merge::page(pages, limit, missing, |event| (event.created_at, event.id)))
    }

    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError> {
        let now = self.now();
        let asked = now.ask_all(Deadline::Short, |store| async move {
            store.events_by_start(caller, agenda, after, limit).await
        });
        let mut results: FanOutResults<Page<Event, StartCursor>> = asked.await;
        now.ask_target_again(&mut results, |store| async move {
            store.events_by_start(caller, agenda, after, limit).await
        })
        .await;
        let missing = now.names_of(&results.failures);
        let pages: Vec<_> = results.any()?.into_iter().map(|(_, page)| page).collect();
        let key = |event: &Event| StartCursor::from(event).key();
        Ok(match agenda.is_latest_first() {
            true => merge::page(pages, limit, missing, key),
            false => merge::page(pages, limit, missing, |event| Reverse(key(event))),
        })
    }

    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let now = self.now();
        now.of_served(event_id, |cell| async move {
            cell.note(cell.store.registrations(event_id, listed, after, limit).await)
        })
        .await
    }

    async fn registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let now = self.now();
        now.of_served(event_id, |cell| async move {
            cell.note(cell.store.registrations_by_id(event_id, ids).await)
        })
        .await
    }

    async fn registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let now = self.now();
        now.of_served(event_id, |cell| async move {
            cell.note(cell.store.registrations_by_address(event_id, addresses).await)
        })
        .await
    }

    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError> {
        let now = self.now();
        now.of_served(event_id, |cell| async move {
            cell.note(cell.store.registration_counts(event_id).await)
        })
        .await
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        let now = self.now();
        now.find(id, |store| async move { store.registration(id).await }).await
    }

    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        let now = self.now();
        now.find_events(ids).await
    }

    async fn events_where_ids_lead(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        let now = self.now();
        let (events, _, failures) = now.find_events_at_once(ids).await;
        match failures.into_iter().next() {
            // Nothing is known of those whose cell does not answer.
            Some((_, error)) if events.iter().all(Option::is_none) => Err(error),
            _ => Ok(events),
        }
    }

    async fn is_moving(&self, event: EventId) -> Result<bool, StoreError> {
        let now = self.now();
        // Ask the cell that it goes to, if any: the one that it leaves reports for good that it has left.
        let cell = &now.cells[now.leads_to(event.as_uuid())];
        cell.note(cell.store.is_moving(event).await)
    }

    async fn may_be_moving(&self, registration: RegistrationId) -> Result<bool, StoreError> {
        let now = self.now();
        let cell = &now.cells[now.leads_to(registration.as_uuid())];
        cell.note(cell.store.may_be_moving(registration).await)
    }

    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError> {
        let now = self.now();
        now.find(id, |store| async move { store.history(id, limit).await }).await
    }
}
