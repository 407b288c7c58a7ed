//! Former holders of seats that were transferred, stored until a mail has notified them.

use crate::columns::{FormerHolderRows, stored_seconds, stored_version};
use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::write_some;
use booking_core::{
    EmailAddress, EventChange, EventId, MAIL_SEEN_KEPT, PageLimit, Person, RegistrationId,
    StoreError, Version,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Deletes those whose registrations are erased, and stores those whose seats were transferred at `now`. That is
/// rare, and may take round trips of its own.
pub(crate) async fn write(
    connection: &Lease,
    changes: &[EventChange],
    now: DateTime<Utc>,
) -> Result<(), PgError> {
    let erased = changes.iter().flat_map(|change| {
        change.erased().map(move |id| (change.event_id.as_uuid(), id.as_uuid()))
    });
    let (event_ids, ids): (Vec<Uuid>, Vec<Uuid>) = erased.unzip();
    if !ids.is_empty() {
        let delete = connection.prepare(sql::FORMER_HOLDER_DELETE).await?;
        connection.change(&delete, &[&event_ids, &ids]).await?;
    }
    let rows = FormerHolderRows::of(changes);
    if !rows.event_ids.is_empty() {
        let insert = connection.prepare(sql::FORMER_HOLDER_INSERT).await?;
        connection
            .change(
                &insert,
                &[
                    &rows.event_ids,
                    &rows.registration_ids,
                    &rows.versions,
                    &rows.emails,
                    &rows.names,
                    &now,
                    &stored_seconds(MAIL_SEEN_KEPT),
                ],
            )
            .await?;
    }
    Ok(())
}

impl PgStore {
    pub(crate) async fn find_former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError> {
        self.read(move |connection| {
            Box::pin(async move {
                let (event_id, id) = (event_id.as_uuid(), registration_id.as_uuid());
                let version = stored_version(version);
                let found =
                    connection.fetch(sql::FORMER_HOLDER_FIND, &[&event_id, &id, &version]).await?;
                let who = found.first().map(|row| rows::person(row.get(0), row.get(1)));
                who.transpose()
            })
        })
        .await
    }

    pub(crate) async fn delete_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let (name, email) = ("purge_former_holders_of", user_email.as_str());
        let at_most = limit.get() as i64;
        write_some(self, name, sql::FORMER_HOLDER_ERASE, &[&email, &at_most]).await
    }
}
