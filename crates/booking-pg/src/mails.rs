//! Mails to be sent, due reminders, and purging of deliveries.

use crate::columns::stored_seconds;
use crate::connection::Lease;
use crate::delivery_rows;
use crate::error::PgError;
use crate::lanes::MailRows;
use crate::moving::keep_here;
use crate::read::existing;
use crate::rows;
use crate::sql::{self, BEGIN};
use crate::store::PgStore;
use crate::transaction::{Name, run, write_rows, write_some};
use booking_core::{
    DELIVERIES_KEPT, EventId, LEASE, LeaseId, Mail, MailStep, NewMail, PageLimit, SettledMail,
    StoreError,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

impl PgStore {
    pub(crate) async fn note_mail_sender(&self) -> Result<(), StoreError> {
        let now = self.clock_time();
        write_some(self, "show_mail", sql::MAIL_SHOW, &[&now]).await.map(drop)
    }

    pub(crate) async fn insert_mails(&self, mails: &[NewMail]) -> Result<(), StoreError> {
        if mails.is_empty() {
            return Ok(());
        }
        let (rows, now) = (MailRows::of(mails), self.clock_time());
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &rows.event_ids,
            &rows.ids,
            &rows.registration_ids,
            &rows.kinds,
            &rows.versions,
            &now,
        ];
        let events: BTreeSet<EventId> = mails.iter().map(|mail| mail.event_id).collect();
        let ids: Vec<Uuid> = events.iter().map(|event| event.as_uuid()).collect();
        let (lock, ids) = (&keep_here(&events), ids.as_slice());
        let name = Name::of("add_mails");
        let are_here = run(self, &name, |attempt| {
            Box::pin(async move {
                let connection = Lease::from(&self.pool).await?;
                connection.command(BEGIN).await?;
                connection.script("mail/keep_here", lock).await?;
                let are_here = existing(&connection, ids).await?.len() == ids.len();
                if are_here {
                    let insert = connection.prepare(sql::MAIL_INSERT).await?;
                    connection.change(&insert, parameters).await?;
                    attempt.commit_is_sent();
                }
                let committed = connection.commit().await;
                attempt.look_at(&committed);
                committed?;
                if attempt.must_find_out() {
                    // There may have been nothing left to insert, and so no commit to wait for.
                    connection.confirm_what_is_seen().await?;
                }
                connection.give_back();
                // If they were added by an attempt before this one, they left with their event.
                Ok((are_here, attempt.must_find_out()))
            })
        });
        match are_here.await? {
            (true, _) => Ok(()),
            (false, false) => Err(PgError::EventMoving.into_store_error()),
            (false, true) => Err(StoreError::commit_unknown(PgError::EventMoving)),
        }
    }

    pub(crate) async fn lease_mails(
        &self,
        at_most: usize,
        lease: LeaseId,
    ) -> Result<Vec<Mail>, StoreError> {
        let (at_most, lease) = (at_most as i64, lease.as_uuid());
        let (now, lasts) = (self.clock_time(), stored_seconds(LEASE));
        let parameters: &[&(dyn ToSql + Sync)] = &[&at_most, &lease, &now, &lasts];
        let claimed = write_rows(self, "claim_mails", sql::MAIL_CLAIM, parameters).await?;
        let claimed = claimed.iter().map(delivery_rows::mail);
        claimed.collect::<Result<_, _>>().map_err(PgError::into_store_error)
    }

    /// If it is run again after a COMMIT that was lost, it may report that a mail which it settled itself does not
    /// belong to its worker any more. Either way the worker is done with that mail.
    pub(crate) async fn update_mails(
        &self,
        settled: &[SettledMail],
    ) -> Result<Vec<bool>, StoreError> {
        let rows = SettledRows::of(settled);
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &rows.event_ids,
            &rows.ids,
            &rows.leases,
            &rows.go_on,
            &rows.states,
            &rows.waits,
            &rows.failures,
            &self.clock_time(),
        ];
        let written = write_rows(self, "settle_mails", sql::MAIL_SETTLE, parameters).await?;
        let mut was_its_own = vec![false; settled.len()];
        for row in &written {
            // PostgreSQL counts from one.
            was_its_own[row.get::<_, i32>(0).unsigned_abs() as usize - 1] = true;
        }
        Ok(was_its_own)
    }

    pub(crate) async fn list_due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError> {
        let (clock_time, at_most) = (self.clock_time(), limit.get() as i64);
        self.read(move |connection| {
            Box::pin(async move {
                let rows =
                    connection.fetch(sql::EVENT_DUE_REMINDERS, &[&clock_time, &at_most]).await?;
                Ok(rows.iter().map(|row| (rows::event_id(row, 0), row.get(1))).collect())
            })
        })
        .await
    }

    pub(crate) async fn clear_reminder(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let parameters: &[&(dyn ToSql + Sync)] = &[&event_id.as_uuid(), &remind_at];
        write_some(self, "note_reminded", sql::EVENT_REMINDED, parameters).await.map(drop)
    }

    pub(crate) async fn delete_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let (now, kept_seconds) = (self.clock_time(), stored_seconds(DELIVERIES_KEPT));
        let parameters: &[&(dyn ToSql + Sync)] = &[&now, &kept_seconds, &(limit.get() as i64)];
        let name = "purge_deliveries";
        let deliveries = write_some(self, name, sql::DELIVERY_PURGE, parameters).await?;
        let mails = write_some(self, name, sql::MAIL_PURGE, parameters).await?;
        let former = write_some(self, name, sql::FORMER_HOLDER_PURGE, parameters).await?;
        Ok(deliveries + mails + former)
    }
}

/// The outcomes of mails.
#[derive(Default)]
struct SettledRows<'a> {
    event_ids: Vec<Uuid>,
    ids: Vec<Uuid>,
    leases: Vec<Uuid>,
    go_on: Vec<bool>,
    states: Vec<&'static str>,
    waits: Vec<Option<f64>>,
    failures: Vec<Option<&'a str>>,
}

impl<'a> SettledRows<'a> {
    fn of(settled: &'a [SettledMail]) -> Self {
        let mut rows = Self::default();
        for SettledMail { event_id, id, lease, step } in settled {
            let (state, wait, failure) = match step {
                MailStep::Sent => ("sent", None, None),
                MailStep::Dropped => ("dropped", None, None),
                MailStep::GoOn => ("due", Some(stored_seconds(LEASE)), None),
                MailStep::PutBack => ("due", Some(0.0), None),
                MailStep::RetryAfter(pause, why) => {
                    ("due", Some(stored_seconds(*pause)), Some(why.as_str()))
                }
                MailStep::Stuck(why) => ("stuck", None, Some(why.as_str())),
            };
            rows.event_ids.push(event_id.as_uuid());
            rows.ids.push(id.as_uuid());
            rows.leases.push(lease.as_uuid());
            rows.go_on.push(*step == MailStep::GoOn);
            rows.states.push(state);
            rows.waits.push(wait);
            rows.failures.push(failure);
        }
        rows
    }
}
