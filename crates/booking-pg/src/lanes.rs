//! From facts to sinks: which facts are new, which sinks they are for, and each sink's progress.

use crate::columns::{stored_attempts, stored_seconds, stored_version};
use crate::delivery_rows;
use crate::endpoints::STEP;
use crate::error::PgError;
use crate::read::one_more_than;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::write_rows;
use booking_core::{
    Backlog, Delivery, DueLane, ENDPOINTS_MAX, EventId, FactSource, LEASE, Lane, LaneNext,
    LaneStep, LeaseId, MAIL_SEEN_KEPT, NewMail, Page, PageLimit, RecordedFact, Registration,
    RegistrationCursor, SinkId, StoreError, Version,
};
use chrono::{DateTime, Utc};
use futures_util::future::{join, join3};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

impl PgStore {
    pub(crate) async fn route_new_facts(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let (at_most, now) = (limit.get() as i64, self.clock_time());
        let (seen_kept, endpoints_max) = (stored_seconds(MAIL_SEEN_KEPT), ENDPOINTS_MAX as i64);
        let parameters: &[&(dyn ToSql + Sync)] = &[&at_most, &now, &seen_kept, &endpoints_max];
        let routed = write_rows(self, "route_facts", sql::LANE_ROUTE, parameters).await?;
        Ok(routed.first().map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
    }

    pub(crate) async fn lease_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let sinks: Vec<Uuid> = wanted.iter().map(|(sink, _)| sink.as_uuid()).collect();
        let at_most: Vec<i64> = wanted.iter().map(|(_, at_most)| *at_most as i64).collect();
        let (lease, now, lasts) = (lease.as_uuid(), self.clock_time(), stored_seconds(LEASE));
        let parameters: &[&(dyn ToSql + Sync)] = &[&sinks, &at_most, &lease, &now, &lasts];
        let claimed = write_rows(self, "claim_lanes", sql::LANE_CLAIM, parameters).await?;
        let claimed = claimed.iter().map(delivery_rows::lane);
        claimed.collect::<Result<_, _>>().map_err(PgError::into_store_error)
    }

    pub(crate) async fn list_due_lanes(
        &self,
        wanted: &[(SinkId, usize)],
    ) -> Result<Vec<DueLane>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let sinks: Vec<Uuid> = wanted.iter().map(|(sink, _)| sink.as_uuid()).collect();
        let at_most: Vec<i64> = wanted.iter().map(|(_, at_most)| *at_most as i64).collect();
        let now = self.clock_time();
        self.read(move |connection| {
            let (sinks, at_most) = (sinks.clone(), at_most.clone());
            Box::pin(async move {
                let rows = connection.fetch(sql::LANE_DUE, &[&sinks, &at_most, &now]).await?;
                Ok(rows.iter().map(delivery_rows::due_lane).collect())
            })
        })
        .await
    }

    /// If it is run again after a COMMIT that was lost, it may report that a lane which it released itself does
    /// not belong to it any more. Either way the caller is done with that lane.
    pub(crate) async fn advance_lanes(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError> {
        // In the order in which lanes are made, so that no transaction that makes some deadlocks with this one.
        let mut order: Vec<usize> = (0..steps.len()).collect();
        order.sort_by_key(|&at| (steps[at].event_id, steps[at].sink));
        let rows = StepRows::of(order.iter().map(|&at| &steps[at]));
        let (sent, mails) = (rows.sent, rows.mails);
        let stepped = write_rows(
            self,
            "advance",
            sql::LANE_ADVANCE,
            &[
                &rows.event_ids,
                &rows.sinks,
                &rows.leases,
                &rows.versions,
                &rows.positions,
                &rows.attempts,
                &rows.go_on,
                &rows.waits,
                &self.clock_time(),
                &sent.steps,
                &sent.versions,
                &sent.kinds,
                &sent.states,
                &sent.attempts,
                &sent.statuses,
                &sent.failures,
                &rows.mails_of,
                &mails.ids,
                &mails.registration_ids,
                &mails.kinds,
                &mails.versions,
            ],
        )
        .await?;
        let mut was_its_own = vec![false; steps.len()];
        for row in &stepped {
            // PostgreSQL counts from one.
            was_its_own[order[row.get::<_, i32>(0).unsigned_abs() as usize - 1]] = true;
        }
        Ok(was_its_own)
    }

    /// Each version was made by one fact, so that so many facts are so many versions.
    pub(crate) async fn list_facts(
        &self,
        event_id: EventId,
        after: Version,
        at_most: usize,
    ) -> Result<Vec<RecordedFact>, StoreError> {
        let last = Version::new(after.get().saturating_add(at_most as u64).min(i64::MAX as u64));
        self.read(move |connection| {
            Box::pin(async move {
                let (after_stored, last_stored) = (stored_version(after), stored_version(last));
                let rows = connection
                    .fetch(sql::FACT_AFTER, &[&event_id.as_uuid(), &after_stored, &last_stored])
                    .await?;
                let rows: Vec<_> =
                    rows.iter().map(delivery_rows::facts).collect::<Result<_, _>>()?;
                Ok(FactSource::merge(rows, after, last))
            })
        })
        .await
    }

    /// As stored: the caller wants the people whom a fact concerned, and not what has expired since.
    pub(crate) async fn list_live(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let event_id = event_id.as_uuid();
        let after = after.map_or(0, |cursor| stored_version(cursor.version()));
        let (event_ids, at_most) = ([event_id], one_more_than(limit));
        self.read(move |connection| {
            Box::pin(async move {
                let status = connection.prepare(sql::EVENT_STATUS).await?;
                let list = connection.prepare(sql::REGISTRATION_LIST_LIVE).await?;
                let (event_ids, nobody_asks) = (event_ids.as_slice(), None::<DateTime<Utc>>);
                let (event, rows) = join(
                    connection.rows(&status, &[&event_ids, &nobody_asks]),
                    connection.rows(&list, &[&event_id, &after, &at_most]),
                )
                .await;
                let (event, rows) = (event?, rows?);
                if event.is_empty() {
                    return Ok(None);
                }
                let rows = rows.iter().map(rows::registration);
                Ok(Some(Page::new(rows.collect::<Result<_, _>>()?, limit)))
            })
        })
        .await
    }

    pub(crate) async fn retry_lanes_and_mails(
        &self,
        sink: Option<SinkId>,
    ) -> Result<u64, StoreError> {
        let (name, now) = ("retry_deliveries", self.clock_time());
        let parameters: &[&(dyn ToSql + Sync)] = &[&sink.map(SinkId::as_uuid), &now, &STEP];
        let lanes = self.write_in_steps(name, sql::LANE_RETRY, parameters).await?;
        let mails = match sink.is_none_or(|sink| sink == SinkId::MAIL) {
            true => self.write_in_steps(name, sql::MAIL_RETRY, &[&now, &STEP]).await?,
            false => 0,
        };
        Ok(lanes + mails)
    }

    pub(crate) async fn drop_lanes_and_mails(&self, sink: SinkId) -> Result<u64, StoreError> {
        let name = "drop_deliveries";
        let lanes = self.write_in_steps(name, sql::LANE_DROP, &[&sink.as_uuid(), &STEP]).await?;
        let now = self.clock_time();
        if sink != SinkId::MAIL {
            return Ok(lanes);
        }
        let mails = self.write_in_steps(name, sql::MAIL_DROP, &[&now, &STEP]).await?;
        // However briefly they were stored.
        let parameters: &[&(dyn ToSql + Sync)] = &[&now, &0.0_f64, &STEP];
        self.write_in_steps(name, sql::FORMER_HOLDER_PURGE, parameters).await?;
        Ok(lanes + mails)
    }

    pub(crate) async fn sum_up_backlog(&self) -> Result<Backlog, StoreError> {
        self.read(|connection| {
            Box::pin(async move {
                let fresh = connection.prepare(sql::FACT_OLDEST_NEW).await?;
                let lanes = connection.prepare(sql::LANE_BACKLOG).await?;
                let mails = connection.prepare(sql::MAIL_BACKLOG).await?;
                let sinks_max = Backlog::SINKS_MAX as i64;
                let (fresh, lanes, mails) = join3(
                    connection.rows(&fresh, &[]),
                    connection.rows(&lanes, &[&sinks_max]),
                    connection.rows(&mails, &[]),
                )
                .await;
                let (fresh, lanes, mails) = (fresh?, lanes?, mails?);
                Ok(Backlog {
                    oldest_unrouted: fresh[0].get(0),
                    sinks: lanes.iter().map(delivery_rows::sink_backlog).collect(),
                    mails_due: mails[0].get::<_, i64>(0).unsigned_abs(),
                    oldest_mail: mails[0].get(1),
                    mails_stuck: mails[0].get::<_, i64>(2).unsigned_abs(),
                })
            })
        })
        .await
    }
}

/// The progress of workers, with everything that they have sent and the mails to be made.
#[derive(Default)]
struct StepRows<'a> {
    event_ids: Vec<Uuid>,
    sinks: Vec<Uuid>,
    leases: Vec<Uuid>,
    versions: Vec<i64>,
    positions: Vec<Option<i64>>,
    attempts: Vec<i32>,
    go_on: Vec<bool>,
    waits: Vec<Option<f64>>,
    sent: SentRows<'a>,
    mails: MailRows,
    /// The step of each mail.
    mails_of: Vec<i32>,
}

impl<'a> StepRows<'a> {
    fn of(steps: impl Iterator<Item = &'a LaneStep>) -> Self {
        let mut rows = Self::default();
        for (step, number) in steps.zip(1..) {
            rows.event_ids.push(step.event_id.as_uuid());
            rows.sinks.push(step.sink.as_uuid());
            rows.leases.push(step.lease.as_uuid());
            rows.versions.push(stored_version(step.version));
            rows.positions.push(step.position.map(stored_version));
            rows.attempts.push(stored_attempts(step.attempts));
            rows.go_on.push(step.next == LaneNext::GoOn);
            rows.waits.push(match step.next {
                LaneNext::GoOn => Some(stored_seconds(LEASE)),
                LaneNext::RetryAfter(pause) => Some(stored_seconds(pause)),
                LaneNext::Release => None,
            });
            rows.sent.add(number, &step.deliveries);
            rows.mails.add(&step.mails);
            rows.mails_of.resize(rows.mails.ids.len(), number);
        }
        rows
    }
}

/// What was sent, or tried.
#[derive(Default)]
struct SentRows<'a> {
    /// The step of each.
    steps: Vec<i32>,
    versions: Vec<i64>,
    kinds: Vec<&'static str>,
    states: Vec<&'static str>,
    attempts: Vec<i32>,
    statuses: Vec<Option<i32>>,
    failures: Vec<Option<&'a str>>,
}

impl<'a> SentRows<'a> {
    fn add(&mut self, step: i32, deliveries: &'a [Delivery]) {
        for delivery in deliveries {
            self.steps.push(step);
            self.versions.push(stored_version(delivery.version));
            self.kinds.push(delivery.kind.as_str());
            self.states.push(delivery.state.as_str());
            self.attempts.push(stored_attempts(delivery.attempts));
            self.statuses.push(delivery.status.map(i32::from));
            self.failures.push(delivery.failure.as_deref());
        }
    }
}

/// Mails that are to be sent.
#[derive(Default)]
pub(crate) struct MailRows {
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) ids: Vec<Uuid>,
    pub(crate) registration_ids: Vec<Uuid>,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) versions: Vec<i64>,
}

impl MailRows {
    pub(crate) fn of(mails: &[NewMail]) -> Self {
        let mut rows = Self::default();
        rows.add(mails);
        rows
    }

    fn add(&mut self, mails: &[NewMail]) {
        for mail in mails {
            self.event_ids.push(mail.event_id.as_uuid());
            self.ids.push(mail.id.as_uuid());
            self.registration_ids.push(mail.registration_id.as_uuid());
            self.kinds.push(mail.kind.as_str());
            self.versions.push(stored_version(mail.version));
        }
    }
}
