//! What delivery stores: `endpoints.rs`, `lanes.rs`, `mails.rs`. It asks often and finds nothing most of the time,
//! so a reader looks first, and the writer, whose batches go first, is used only for what the reader found.

use crate::errors::Failure;
use crate::store::SqliteStore;
use crate::transaction::Work;
use crate::{endpoints, former_holders, lanes, mails, sql};
use async_trait::async_trait;
use booking_core::{
    Backlog, Delivery, DeliveryCursor, DeliveryStore, DueLane, EmailAddress, Endpoint,
    EndpointChange, EndpointId, EventId, Lane, LaneStep, LeaseId, Mail, NewEndpoint, NewMail, Page,
    PageLimit, Person, RecordedFact, Registration, RegistrationCursor, RegistrationId, SettledMail,
    SinkId, StoreError, Version,
};
use chrono::{DateTime, Utc};

/// How many rows are changed or deleted in one transaction, where their number has no limit.
const STEP: i64 = 1_000;

impl SqliteStore {
    /// Changes rows of a sink in steps until none is left, and returns how many it changed.
    async fn change_all_of(
        &self,
        statement: &'static str,
        sink: SinkId,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        loop {
            let step = self.write(move |connection, _| {
                lanes::change_some_of(connection, statement, sink, STEP)
            });
            let step = step.await?;
            changed += step;
            if step < STEP.unsigned_abs() {
                return Ok(changed);
            }
        }
    }

    async fn retry_lanes_of(&self, sink: SinkId) -> Result<u64, StoreError> {
        let mut retried = 0;
        loop {
            let step =
                self.write(move |connection, clock| lanes::retry(connection, sink, STEP, clock));
            let step = step.await?;
            retried += step;
            if step < STEP.unsigned_abs() {
                return Ok(retried);
            }
        }
    }

    /// The same for mails, by several statements.
    async fn change_mails(&self, statements: [&'static str; 2]) -> Result<u64, StoreError> {
        let mut changed = 0;
        for statement in statements {
            loop {
                let step = self.write(move |connection, clock| {
                    mails::change_some(connection, statement, STEP, clock)
                });
                let step = step.await?;
                changed += step;
                if step < STEP.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(changed)
    }

    /// Deletes all former holders.
    async fn purge_former_holders(&self) -> Result<(), StoreError> {
        loop {
            let step = self.write(|connection, clock| {
                former_holders::purge(connection, clock(), STEP).map(Work::of_rows)
            });
            if step.await? < STEP.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError> {
        self.write(move |connection, clock| endpoints::create(connection, &new, clock)).await
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read(|connection, _| endpoints::list(connection)).await
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError> {
        self.write(move |connection, clock| endpoints::change(connection, id, &change, clock)).await
    }

    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError> {
        self.write(move |connection, clock| endpoints::note(connection, id, goes_well, clock)).await
    }

    /// First the endpoint, so that no more lanes are made for it, and then its rows, in steps: there may be
    /// many. If it is interrupted, repeating it continues.
    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError> {
        let was_there = self.read(move |connection, _| endpoints::find(connection, id)).await?;
        self.write(move |connection, _| endpoints::delete(connection, id)).await?;
        for statement in [sql::LANE_DELETE, sql::DELIVERY_DELETE] {
            self.change_all_of(statement, id.into()).await?;
        }
        Ok(was_there.is_some())
    }

    async fn show_mail(&self) -> Result<(), StoreError> {
        self.write(mails::show).await
    }

    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError> {
        if !self.read(|connection, _| lanes::are_new(connection)).await? {
            return Ok(0);
        }
        self.write(move |connection, clock| lanes::route(connection, limit, clock)).await
    }

    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError> {
        let due: Vec<_> =
            wanted.iter().filter(|(_, at_most)| *at_most > 0).map(|(sink, _)| (*sink, 1)).collect();
        let due = self.read(move |connection, now| lanes::due(connection, &due, now)).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = wanted.to_vec();
        self.write(move |connection, clock| lanes::claim(connection, &wanted, lease, clock)).await
    }

    async fn due_lanes(&self, wanted: &[(SinkId, usize)]) -> Result<Vec<DueLane>, StoreError> {
        let wanted = wanted.to_vec();
        self.read(move |connection, now| lanes::due_since(connection, &wanted, now)).await
    }

    async fn facts_after(
        &self,
        event_id: EventId,
        version: Version,
        limit: PageLimit,
    ) -> Result<Vec<RecordedFact>, StoreError> {
        self.read(move |connection, _| lanes::facts(connection, event_id, version, limit.get()))
            .await
    }

    async fn fact(
        &self,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<RecordedFact>, StoreError> {
        // There is no version 0, and so no fact of it.
        let Some(before) = version.get().checked_sub(1).map(Version::new) else { return Ok(None) };
        let facts = self.read(move |connection, _| lanes::facts(connection, event_id, before, 1));
        Ok(facts.await?.pop())
    }

    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError> {
        let steps = steps.to_vec();
        self.write(move |connection, clock| lanes::advance(connection, &steps, clock)).await
    }

    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.read(move |connection, _| lanes::list_live(connection, event_id, after, limit)).await
    }

    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError> {
        let email = user_email.clone();
        self.read(move |connection, now| lanes::list_live_of(connection, &email, limit, now)).await
    }

    async fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError> {
        self.read(move |connection, _| endpoints::list_deliveries(connection, id, after, limit))
            .await
    }

    async fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError> {
        self.read(move |connection, _| endpoints::find_delivery(connection, id, event_id, version))
            .await
    }

    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError> {
        self.write(move |connection, clock| endpoints::note_delivery(connection, &delivery, clock))
            .await
    }

    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError> {
        let sinks = match sink {
            Some(sink) => vec![sink],
            None => self.read(|connection, _| lanes::all_sinks(connection)).await?,
        };
        let mut retried = 0;
        for sink in sinks {
            retried += self.retry_lanes_of(sink).await?;
        }
        if sink.is_none_or(|sink| sink == SinkId::MAIL) {
            retried += self.change_mails([sql::MAIL_RETRY, sql::MAIL_RETRY_STUCK]).await?;
        }
        Ok(retried)
    }

    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError> {
        let mut dropped = self.change_all_of(sql::LANE_DROP, sink).await?;
        if sink == SinkId::MAIL {
            dropped += self.change_mails([sql::MAIL_DROP, sql::MAIL_DROP_STUCK]).await?;
            self.purge_former_holders().await?;
        }
        Ok(dropped)
    }

    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError> {
        if mails.is_empty() {
            return Ok(());
        }
        let mails = mails.to_vec();
        let added = self.write(move |connection, clock| mails::add(connection, &mails, clock));
        match added.await? {
            true => Ok(()),
            // No failure of the write: the file is well.
            false => Err(Failure::EventMoving.into()),
        }
    }

    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError> {
        let due = self.read(move |connection, now| mails::due(connection, at_most.min(1), now));
        if due.await?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |connection, clock| mails::claim(connection, at_most, lease, clock)).await
    }

    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError> {
        self.read(move |connection, _| {
            former_holders::find(connection, event_id, registration_id, version)
        })
        .await
    }

    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError> {
        let settled = settled.to_vec();
        self.write(move |connection, clock| mails::settle(connection, &settled, clock)).await
    }

    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError> {
        self.read(move |connection, now| mails::due_reminders(connection, limit, now)).await
    }

    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |connection, _| mails::note_reminded(connection, event_id, remind_at)).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.read(|connection, _| lanes::backlog(connection)).await
    }

    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let endpoints = self.read(|connection, _| endpoints::list(connection)).await?;
        let endpoints: Vec<_> = endpoints.iter().map(|endpoint| endpoint.id).collect();
        self.write(move |connection, clock| mails::purge(connection, &endpoints, limit, clock))
            .await
    }
}
