//! Mails to be sent, whom to remind, and forgetting what was delivered.

use crate::columns::stored_seconds;
use crate::delivery_rows;
use crate::error::PgError;
use crate::lanes::MailRows;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::{write_rows, write_some};
use booking_core::{
    DELIVERIES_KEPT, EventId, LEASE, LeaseId, Mail, MailId, MailStep, NewMail, PageLimit,
    StoreError,
};
use chrono::{DateTime, Utc};
use tokio_postgres::types::ToSql;

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
        write_some(self, "add_mails", sql::MAIL_INSERT, parameters).await.map(drop)
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

    /// Run again after a COMMIT that was lost, it may tell of a mail that it has settled itself that it is not its
    /// worker's any more, who has nothing more to do with it in either case.
    pub(crate) async fn update_mail(
        &self,
        event_id: EventId,
        id: MailId,
        lease: LeaseId,
        step: &MailStep,
    ) -> Result<bool, StoreError> {
        let (event_id, id, lease) = (event_id.as_uuid(), id.as_uuid(), lease.as_uuid());
        let now = self.clock_time();
        let (state, pause, failure) = match step {
            MailStep::GoOn => {
                let lasts = stored_seconds(LEASE);
                let parameters: &[&(dyn ToSql + Sync)] = &[&event_id, &id, &lease, &now, &lasts];
                let renewed = write_some(self, "settle_mail", sql::MAIL_RENEW, parameters).await?;
                return Ok(renewed == 1);
            }
            MailStep::Sent => ("sent", None, None),
            MailStep::Dropped => ("dropped", None, None),
            MailStep::RetryAfter(pause, why) => ("due", Some(stored_seconds(*pause)), Some(why)),
            MailStep::Stuck(why) => ("stuck", None, Some(why)),
        };
        let parameters: &[&(dyn ToSql + Sync)] =
            &[&event_id, &id, &lease, &state, &pause, &failure, &now];
        let settled = write_rows(self, "settle_mail", sql::MAIL_SETTLE, parameters).await?;
        Ok(!settled.is_empty())
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

    pub(crate) async fn forget_reminder(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let parameters: &[&(dyn ToSql + Sync)] = &[&event_id.as_uuid(), &remind_at];
        write_some(self, "note_reminded", sql::EVENT_REMINDED, parameters).await.map(drop)
    }

    pub(crate) async fn delete_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let (now, kept) = (self.clock_time(), stored_seconds(DELIVERIES_KEPT));
        let parameters: &[&(dyn ToSql + Sync)] = &[&now, &kept, &(limit.get() as i64)];
        let name = "purge_deliveries";
        let deliveries = write_some(self, name, sql::DELIVERY_FORGET, parameters).await?;
        let mails = write_some(self, name, sql::MAIL_FORGET, parameters).await?;
        let former = write_some(self, name, sql::FORMER_HOLDER_FORGET, parameters).await?;
        Ok(deliveries + mails + former)
    }
}
