//! What delivery stores: `endpoints.rs`, `lanes.rs`, `mails.rs`.

use crate::store::PgStore;
use async_trait::async_trait;
use booking_core::{
    Backlog, Delivery, DeliveryCursor, DeliveryStore, DueLane, EmailAddress, Endpoint,
    EndpointChange, EndpointId, EventId, Lane, LaneStep, LeaseId, Mail, NewEndpoint, NewMail, Page,
    PageLimit, Person, RecordedFact, Registration, RegistrationCursor, RegistrationId, SettledMail,
    SinkId, StoreError, Version,
};
use chrono::{DateTime, Utc};

#[async_trait]
impl DeliveryStore for PgStore {
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError> {
        self.insert_endpoint(&new).await
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.list_endpoints().await
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError> {
        self.update_endpoint(id, &change).await
    }

    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError> {
        self.update_failing(id, goes_well).await
    }

    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError> {
        self.remove_endpoint(id).await
    }

    async fn show_mail(&self) -> Result<(), StoreError> {
        self.note_mail_sender().await
    }

    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.route_new_facts(limit).await
    }

    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError> {
        self.lease_lanes(wanted, lease).await
    }

    async fn due_lanes(&self, wanted: &[(SinkId, usize)]) -> Result<Vec<DueLane>, StoreError> {
        self.list_due_lanes(wanted).await
    }

    async fn facts_after(
        &self,
        event_id: EventId,
        version: Version,
        limit: PageLimit,
    ) -> Result<Vec<RecordedFact>, StoreError> {
        self.list_facts(event_id, version, limit.get()).await
    }

    async fn fact(
        &self,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<RecordedFact>, StoreError> {
        // There is no version 0, and so no fact of it.
        let Some(before) = version.get().checked_sub(1) else { return Ok(None) };
        Ok(self.list_facts(event_id, Version::new(before), 1).await?.pop())
    }

    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError> {
        self.advance_lanes(steps).await
    }

    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.list_live(event_id, after, limit).await
    }

    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError> {
        self.list_live_of(user_email, limit).await
    }

    async fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError> {
        self.list_deliveries(id, after, limit).await
    }

    async fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError> {
        self.find_delivery(id, event_id, version).await
    }

    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError> {
        self.overwrite_delivery(&delivery).await
    }

    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError> {
        self.retry_lanes_and_mails(sink).await
    }

    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError> {
        self.drop_lanes_and_mails(sink).await
    }

    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError> {
        self.insert_mails(mails).await
    }

    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError> {
        self.lease_mails(at_most, lease).await
    }

    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError> {
        self.find_former_holder(event_id, registration_id, version).await
    }

    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError> {
        self.update_mails(settled).await
    }

    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError> {
        self.list_due_reminders(limit).await
    }

    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.clear_reminder(event_id, remind_at).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.sum_up_backlog().await
    }

    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        self.delete_deliveries(limit).await
    }
}
