//! Webhook endpoints, and the log of what was sent to them.

use crate::columns::{stored_attempts, stored_seconds, stored_version};
use crate::connection::Lease;
use crate::delivery_rows;
use crate::error::PgError;
use crate::read::one_more_than;
use crate::sql::{self, Sql};
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, change_alone, run, write_rows, write_some};
use booking_core::{
    Delivery, DeliveryCursor, ENDPOINTS_MAX, Endpoint, EndpointChange, EndpointId, EndpointUrl,
    EventId, FORMER_SECRET_KEPT, NewEndpoint, OrganizerId, Page, PageLimit, StoreError, TypeFilter,
    Version, WhyDisabled,
};
use chrono::{DateTime, Utc};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Among concurrent transactions that add endpoints, each sees those of the others. Readers do not
/// wait.
const LOCK: &str = "LOCK TABLE webhook_endpoints IN SHARE ROW EXCLUSIVE MODE";

/// Waits for transactions that are routing facts: they may have seen the endpoint, and make lanes for it.
const LOCK_OUT_READERS: &str = "LOCK TABLE webhook_endpoints IN ACCESS EXCLUSIVE MODE";

/// How many rows are changed or deleted at a time, where their number has no limit.
pub(crate) const STEP: i64 = 1_000;

/// In how many of these steps other transactions may change rows, before their latest changes are left as
/// they are.
const SHORT_STEPS_MAX: u32 = 20;

/// After the last message that can be in a log: no try is later than the year 9999.
const LATEST: (DateTime<Utc>, Uuid, i64) = (
    DateTime::from_timestamp(253_402_300_799, 0).expect("a time chrono knows"),
    Uuid::max(),
    i64::MAX,
);

impl PgStore {
    pub(crate) async fn list_endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.read(|connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::ENDPOINT_LIST, &[]).await?;
                rows.iter().map(delivery_rows::endpoint).collect()
            })
        })
        .await
    }

    pub(crate) async fn insert_endpoint(
        &self,
        new: &NewEndpoint,
    ) -> Result<Option<Endpoint>, StoreError> {
        run(self, &Name::of("create_endpoint"), |attempt| {
            Box::pin(async move { self.attempt_insert_endpoint(new, &attempt).await })
        })
        .await
    }

    /// The endpoint is then read as it is, whichever attempt created it.
    async fn attempt_insert_endpoint(
        &self,
        new: &NewEndpoint,
        attempt: &Attempt,
    ) -> Result<Option<Endpoint>, PgError> {
        let connection = Lease::from(&self.pool).await?;
        let insert = connection.prepare(sql::ENDPOINT_INSERT).await?;
        let find = connection.prepare(sql::ENDPOINT_FIND).await?;
        let id = new.id.as_uuid();
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &id,
            &new.organizer_id.map_or(Uuid::nil(), OrganizerId::as_uuid),
            &new.event_id.map(EventId::as_uuid),
            &new.url.as_str(),
            &new.types.to_stored(),
            &new.includes_person,
            &new.secret.as_bytes().as_slice(),
            &(ENDPOINTS_MAX as i64),
            &self.clock_time(),
        ];
        change_alone(&connection, LOCK, &insert, parameters, attempt).await?;
        let found = connection.rows(&find, &[&id]).await?;
        connection.give_back();
        found.first().map(delivery_rows::endpoint).transpose()
    }

    pub(crate) async fn update_endpoint(
        &self,
        id: EndpointId,
        change: &EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError> {
        let EndpointChange { url, types, includes_person, secret, enabled } = change;
        let why = enabled.and_then(Result::err).map(WhyDisabled::as_str);
        write_some(
            self,
            "change_endpoint",
            sql::ENDPOINT_CHANGE,
            &[
                &id.as_uuid(),
                &url.as_ref().map(EndpointUrl::as_str),
                &types.is_some(),
                &types.as_ref().and_then(TypeFilter::to_stored),
                includes_person,
                &secret.as_ref().map(|secret| secret.as_bytes().as_slice()),
                &stored_seconds(FORMER_SECRET_KEPT),
                &enabled.map(|enabled| enabled.is_ok()),
                &why,
                &self.clock_time(),
            ],
        )
        .await?;
        self.find_endpoint(id).await
    }

    async fn find_endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.read(move |connection| {
            Box::pin(async move {
                let found = connection.fetch(sql::ENDPOINT_FIND, &[&id.as_uuid()]).await?;
                found.first().map(delivery_rows::endpoint).transpose()
            })
        })
        .await
    }

    pub(crate) async fn update_failing(
        &self,
        id: EndpointId,
        goes_well: bool,
    ) -> Result<(), StoreError> {
        let (id, now) = (id.as_uuid(), self.clock_time());
        let parameters: &[&(dyn ToSql + Sync)] = &[&id, &goes_well, &now];
        write_some(self, "note_endpoint", sql::ENDPOINT_NOTE, parameters).await.map(drop)
    }

    /// First the endpoint, so that no more lanes are made for it, and then its rows, in steps: there may be
    /// many. If it is interrupted, repeating it continues.
    pub(crate) async fn remove_endpoint(&self, id: EndpointId) -> Result<bool, StoreError> {
        let was_there = self.find_endpoint(id).await?.is_some();
        if was_there {
            run(self, &Name::of("delete_endpoint"), |attempt| {
                Box::pin(async move { self.attempt_delete_endpoint(id, &attempt).await })
            })
            .await?;
        }
        for sql in [sql::LANE_DELETE, sql::DELIVERY_DELETE] {
            self.write_in_steps("delete_endpoint", sql, &[&id.as_uuid(), &STEP]).await?;
        }
        Ok(was_there)
    }

    async fn attempt_delete_endpoint(
        &self,
        id: EndpointId,
        attempt: &Attempt,
    ) -> Result<(), PgError> {
        let connection = Lease::from(&self.pool).await?;
        let delete = connection.prepare(sql::ENDPOINT_DELETE).await?;
        let id = id.as_uuid();
        change_alone(&connection, LOCK_OUT_READERS, &delete, &[&id], attempt).await?;
        connection.give_back();
        Ok(())
    }

    /// Runs a statement that changes or deletes up to [`STEP`] rows until none is left, and returns how many there
    /// were. A step that has to wait for another transaction's row counts it without writing it, so that another step
    /// follows.
    pub(crate) async fn write_in_steps(
        &self,
        name: &'static str,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        let (mut written, mut short) = (0, 0);
        loop {
            let step = write_rows(self, name, sql, parameters).await?;
            let Some(step) = step.first() else { return Ok(written) };
            let [found, of_them] = [0_usize, 1].map(|column| step.get::<_, i64>(column));
            written += of_them.unsigned_abs();
            if of_them < found {
                short += 1;
            } else if found < STEP {
                return Ok(written);
            }
            if short == SHORT_STEPS_MAX {
                let left = found - of_them;
                log::warn!("{name}: {left} rows were changed by others again and again, and left");
                return Ok(written);
            }
        }
    }

    pub(crate) async fn list_deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError> {
        let (tried_at, event_id, version) = after.map_or(LATEST, |cursor| {
            (cursor.tried_at, cursor.event_id.as_uuid(), stored_version(cursor.version))
        });
        let at_most = one_more_than(limit);
        self.read(move |connection| {
            Box::pin(async move {
                let rows = connection
                    .fetch(
                        sql::DELIVERY_LIST,
                        &[&id.as_uuid(), &tried_at, &event_id, &version, &at_most],
                    )
                    .await?;
                let listed = rows.iter().map(delivery_rows::delivery);
                Ok(Page::new(listed.collect::<Result<_, _>>()?, limit))
            })
        })
        .await
    }

    pub(crate) async fn find_delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError> {
        let version = stored_version(version);
        self.read(move |connection| {
            Box::pin(async move {
                let found = connection
                    .fetch(sql::DELIVERY_FIND, &[&id.as_uuid(), &event_id.as_uuid(), &version])
                    .await?;
                found.first().map(delivery_rows::delivery).transpose()
            })
        })
        .await
    }

    pub(crate) async fn overwrite_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        write_some(
            self,
            "note_delivery",
            sql::DELIVERY_NOTE,
            &[
                &delivery.endpoint_id.as_uuid(),
                &delivery.event_id.as_uuid(),
                &stored_version(delivery.version),
                &delivery.kind.as_str(),
                &delivery.state.as_str(),
                &stored_attempts(delivery.attempts),
                &delivery.status.map(i32::from),
                &delivery.failure,
                &self.clock_time(),
            ],
        )
        .await
        .map(drop)
    }
}
