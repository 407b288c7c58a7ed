//! Delivery is the in-memory store's own.

use super::ScriptedStore;
use async_trait::async_trait;
use booking_core::{
    Backlog, Delivery, DeliveryCursor, DeliveryStore, DueLane, EmailAddress, Endpoint,
    EndpointChange, EndpointId, EventId, Lane, LaneStep, LeaseId, Mail, NewEndpoint, NewMail, Page,
    PageLimit, Person, RecordedFact, Registration, RegistrationCursor, RegistrationId, SettledMail,
    SinkId, StoreError, Version,
};
use chrono::{DateTime, Utc};

#[async_trait]
impl DeliveryStore for ScriptedStore {
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError> {
        self.memory.create_endpoint(new).await
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.memory.endpoints().await
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError> {
        self.memory.change_endpoint(id, change).await
    }

    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError> {
        self.memory.note_endpoint(id, goes_well).await
    }

    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError> {
        self.memory.delete_endpoint(id).await
    }

    async fn show_mail(&self) -> Result<(), StoreError> {
        self.memory.show_mail().await
    }

    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.memory.route_facts(limit).await
    }

    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError> {
        self.memory.claim_lanes(wanted, lease).await
    }

    async fn due_lanes(&self, wanted: &[(SinkId, usize)]) -> Result<Vec<DueLane>, StoreError> {
        self.memory.due_lanes(wanted).await
    }

    async fn facts_after(
        &self,
        event_id: EventId,
        version: Version,
        limit: PageLimit,
    ) -> Result<Vec<RecordedFact>, StoreError> {
        self.memory.facts_after(event_id, version, limit).await
    }

    async fn fact(
        &self,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<RecordedFact>, StoreError> {
        self.memory.fact(event_id, version).await
    }

    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError> {
        self.memory.advance(steps).await
    }

    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.memory.live_registrations(event_id, after, limit).await
    }

    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError> {
        self.memory.live_registrations_of(user_email, limit).await
    }

    async fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError> {
        self.memory.deliveries(id, after, limit).await
    }

    async fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError> {
        self.memory.delivery(id, event_id, version).await
    }

    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError> {
        self.memory.note_delivery(delivery).await
    }

    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError> {
        self.memory.retry_deliveries(sink).await
    }

    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError> {
        self.memory.drop_deliveries(sink).await
    }

    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError> {
        self.memory.add_mails(mails).await
    }

    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError> {
        self.memory.claim_mails(at_most, lease).await
    }

    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError> {
        self.memory.former_holder(event_id, registration_id, version).await
    }

    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError> {
        self.memory.settle_mails(settled).await
    }

    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError> {
        self.memory.due_reminders(limit).await
    }

    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.memory.note_reminded(event_id, remind_at).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.memory.backlog().await
    }

    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.memory.purge_deliveries(limit).await
    }
}
