//! The oracle's part of delivery. Its tables are in `tables/delivery.rs`.

use crate::memory::{DeliveryFlaw, MemoryStore};
use crate::tables::EventTable;
use async_trait::async_trait;
use booking_core::{
    Backlog, Delivery, DeliveryCursor, DeliveryStore, DueLane, EmailAddress, Endpoint,
    EndpointChange, EndpointId, EventId, EventStatus, Lane, LaneStep, LeaseId, Mail, NewEndpoint,
    NewMail, Page, PageLimit, Person, RecordedFact, Registration, RegistrationCursor,
    RegistrationId, SettledMail, SinkId, StoreError, Version,
};
use chrono::{DateTime, Utc};

#[async_trait]
impl DeliveryStore for MemoryStore {
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.create_endpoint(new, now))
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        Ok(self.tables().delivery.endpoints())
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.change_endpoint(id, change, now))
    }

    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError> {
        let now = self.now();
        self.tables().delivery.note_endpoint(id, goes_well, now);
        Ok(())
    }

    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError> {
        Ok(self.tables().delivery.delete_endpoint(id))
    }

    async fn show_mail(&self) -> Result<(), StoreError> {
        let now = self.now();
        self.tables().delivery.show_mail(now);
        Ok(())
    }

    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let now = self.now();
        let mut tables = self.tables();
        let tables = &mut *tables;
        if self.delivery_flaw == Some(DeliveryFlaw::BySequence) {
            tables.delivery.pass_over();
        }
        let events = &tables.events;
        Ok(tables.delivery.route(limit, now, |id| events.get(&id)?.event.organizer_id))
    }

    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.claim_lanes(wanted, lease, now))
    }

    async fn due_lanes(&self, wanted: &[(SinkId, usize)]) -> Result<Vec<DueLane>, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.due_lanes(wanted, now))
    }

    async fn facts_after(
        &self,
        event_id: EventId,
        version: Version,
        limit: PageLimit,
    ) -> Result<Vec<RecordedFact>, StoreError> {
        let tables = self.tables();
        let table = tables.events.get(&event_id);
        Ok(table.map_or_else(Vec::new, |table| table.facts_after(version, limit)))
    }

    async fn fact(
        &self,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<RecordedFact>, StoreError> {
        let tables = self.tables();
        Ok(tables.events.get(&event_id).and_then(|table| table.fact(version)))
    }

    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError> {
        let now = self.now();
        let mut tables = self.tables();
        Ok(steps.iter().map(|step| tables.delivery.advance(step, now)).collect())
    }

    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let tables = self.tables();
        let live = |table: &EventTable| {
            let rows = table.rows.values().filter(|row| {
                row.status.is_live()
                    && after.is_none_or(|after| row.created_version > after.version())
            });
            Page::new(rows.cloned().collect(), limit)
        };
        Ok(tables.events.get(&event_id).map(live))
    }

    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let mut found = Vec::new();
        for table in tables.events.values() {
            let event = table.event(now);
            let status = event.rules.status;
            if status == EventStatus::Cancelled || event.details.times().is_over(now) {
                continue;
            }
            let rows = table.rows.values().filter(|row| row.person.user_email == *user_email);
            let rows = rows.map(|row| row.clone().as_of(now, status));
            let live = rows.filter(|row| row.status.is_live());
            found.extend(live.map(|row| ((event.created_at, event.id), row)));
        }
        found.sort_by_key(|(event, _)| std::cmp::Reverse(*event));
        Ok(found.into_iter().take(limit.get()).map(|(_, row)| row).collect())
    }

    async fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError> {
        Ok(self.tables().delivery.deliveries(id, after, limit))
    }

    async fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError> {
        Ok(self.tables().delivery.delivery(id, event_id, version).cloned())
    }

    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError> {
        let now = self.now();
        self.tables().delivery.note_delivery(delivery, now);
        Ok(())
    }

    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.retry(sink, now))
    }

    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.drop_all(sink, now))
    }

    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError> {
        let now = self.now();
        self.tables().delivery.add_mails(mails, now);
        Ok(())
    }

    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.claim_mails(at_most, lease, now))
    }

    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError> {
        Ok(self.tables().delivery.former_holder(event_id, registration_id, version).cloned())
    }

    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.settle_mails(settled, now))
    }

    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError> {
        let now = self.now();
        let tables = self.tables();
        let at = |table: &EventTable| table.remind_at.filter(|remind_at| *remind_at <= now);
        let due = tables.events.values().filter_map(|table| Some((table.event.id, at(table)?)));
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(_, remind_at)| *remind_at);
        due.truncate(limit.get());
        Ok(due)
    }

    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if let Some(table) = self.tables().events.get_mut(&event_id) {
            table.remind_at = table.remind_at.filter(|kept| *kept != remind_at);
        }
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let tables = self.tables();
        let recorded_at = |event_id: EventId, version| {
            tables.events.get(&event_id)?.fact(version).map(|fact| fact.recorded_at)
        };
        Ok(tables.delivery.backlog(recorded_at))
    }

    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let now = self.now();
        Ok(self.tables().delivery.purge(limit, now))
    }
}
