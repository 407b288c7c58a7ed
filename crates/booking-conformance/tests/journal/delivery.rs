//! The store's part of delivery: each change writes all of it as one line, and reads use the state.

use crate::line::Line;
use crate::state::{State, Table};
use crate::store::JournalStore;
use async_trait::async_trait;
use booking_conformance::DeliveryTables;
use booking_core::{
    Backlog, Delivery, DeliveryCursor, DeliveryStore, DueLane, EmailAddress, Endpoint,
    EndpointChange, EndpointId, Event, EventId, EventStatus, Lane, LaneStep, LeaseId, Mail,
    NewEndpoint, NewMail, Page, PageLimit, Person, RecordedFact, Registration, RegistrationCursor,
    RegistrationId, SettledMail, SinkId, StoreError, Version,
};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;

impl JournalStore {
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut DeliveryTables, &State, DateTime<Utc>) -> T,
    ) -> Result<T, StoreError> {
        self.write(|state, now| {
            let mut tables = state.delivery.clone();
            let answer = change(&mut tables, state, now);
            let is_changed = tables != state.delivery;
            let purges = tables.former_holders() < state.delivery.former_holders();
            let line = if purges { Line::FormerHoldersPurged } else { Line::Delivered };
            (answer, is_changed.then(|| line(Box::new(tables))))
        })
    }

    fn ask<T>(&self, ask: impl FnOnce(&DeliveryTables) -> T) -> Result<T, StoreError> {
        self.read(|state, _| ask(&state.delivery))
    }
}

#[async_trait]
impl DeliveryStore for JournalStore {
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError> {
        self.change(|tables, _, now| tables.create_endpoint(new, now))
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.ask(DeliveryTables::endpoints)
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError> {
        self.change(|tables, _, now| tables.change_endpoint(id, change, now))
    }

    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError> {
        self.change(|tables, _, now| tables.note_endpoint(id, goes_well, now))
    }

    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError> {
        self.change(|tables, _, _| tables.delete_endpoint(id))
    }

    async fn show_mail(&self) -> Result<(), StoreError> {
        self.change(|tables, _, now| tables.show_mail(now))
    }

    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.change(|tables, state, now| {
            tables.route(limit, now, |id| state.events.get(&id)?.event.organizer_id)
        })
    }

    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError> {
        self.change(|tables, _, now| tables.claim_lanes(wanted, lease, now))
    }

    async fn due_lanes(&self, wanted: &[(SinkId, usize)]) -> Result<Vec<DueLane>, StoreError> {
        self.read(|state, now| state.delivery.due_lanes(wanted, now))
    }

    async fn facts_after(
        &self,
        event_id: EventId,
        version: Version,
        limit: PageLimit,
    ) -> Result<Vec<RecordedFact>, StoreError> {
        self.read(|state, _| {
            let table = state.events.get(&event_id).into_iter();
            table.flat_map(|table| table.facts_after(version)).take(limit.get()).collect()
        })
    }

    async fn fact(
        &self,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<RecordedFact>, StoreError> {
        self.read(|state, _| fact(state, event_id, version))
    }

    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError> {
        self.change(|tables, _, now| steps.iter().map(|step| tables.advance(step, now)).collect())
    }

    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.read(|state, _| {
            let rows = state.events.get(&event_id)?.rows();
            let rows =
                rows.filter(|row| after.is_none_or(|after| row.created_version > after.version()));
            let live = rows.filter(|row| row.status.is_live()).take(limit.get() + 1);
            Some(Page::new(live.cloned().collect(), limit))
        })
    }

    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError> {
        self.read(|state, now| {
            let is_on = |event: &Event| {
                event.rules.status != EventStatus::Cancelled && !event.details.times().is_over(now)
            };
            let mut on: Vec<_> =
                state.events.values().filter(|table| is_on(&table.event)).collect();
            on.sort_by_key(|table| Reverse((table.event.created_at, table.event.id)));
            let rows = on.into_iter().flat_map(|table| {
                let status = table.event.rules.status;
                table.rows().map(move |row| row.clone().as_of(now, status))
            });
            let theirs = rows.filter(|row| row.person.user_email == *user_email);
            theirs.filter(|row| row.status.is_live()).take(limit.get()).collect()
        })
    }

    async fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError> {
        self.ask(|tables| tables.deliveries(id, after, limit))
    }

    async fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError> {
        self.ask(|tables| tables.delivery(id, event_id, version).cloned())
    }

    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError> {
        self.change(|tables, _, now| tables.note_delivery(delivery, now))
    }

    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError> {
        self.change(|tables, _, now| tables.retry(sink, now))
    }

    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError> {
        self.change(|tables, _, now| tables.drop_all(sink, now))
    }

    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError> {
        self.change(|tables, _, now| tables.add_mails(mails, now))
    }

    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError> {
        self.change(|tables, _, now| tables.claim_mails(at_most, lease, now))
    }

    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError> {
        self.ask(|tables| tables.former_holder(event_id, registration_id, version).cloned())
    }

    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError> {
        self.change(|tables, _, now| tables.settle_mails(settled, now))
    }

    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError> {
        self.read(|state, now| {
            let since = |table: &Table| table.remind_at.filter(|remind_at| *remind_at <= now);
            let due = state.events.values();
            let due = due.filter_map(|table| Some((since(table)?, table.event.id)));
            let mut due: Vec<_> = due.collect();
            due.sort_unstable();
            due.into_iter().take(limit.get()).map(|(since, id)| (id, since)).collect()
        })
    }

    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(|state, _| {
            let table = state.events.get(&event_id);
            let is_news = table.is_some_and(|table| table.remind_at == Some(remind_at));
            ((), is_news.then_some(Line::Reminded(event_id)))
        })
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.read(|state, _| {
            state
                .delivery
                .backlog(|event_id, version| Some(fact(state, event_id, version)?.recorded_at))
        })
    }

    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.change(|tables, _, now| tables.purge(limit, now))
    }
}

fn fact(state: &State, event_id: EventId, version: Version) -> Option<RecordedFact> {
    let (recorded_at, fact) = state.events.get(&event_id)?.facts.get(&version)?;
    Some(RecordedFact { version, recorded_at: *recorded_at, fact: fact.clone() })
}
