//! Finding what is personal of an address.

use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql::{self, Sql};
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use booking_core::{EmailAddress, EventId, PageLimit, RegistrationId, StoreError};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The longest time to look through all that there is.
const WITHIN: Duration = Duration::from_secs(600);

/// It reads every row, and locks none.
const BEGIN: &str = "
    BEGIN READ ONLY;
    SET LOCAL statement_timeout = '600s';
    SET LOCAL enable_seqscan = on;
";

impl PgStore {
    pub(crate) async fn find_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError> {
        let (email, at_most) = (user_email.as_str(), limit.get() as i64);
        let found = self.look_through(sql::REGISTRATION_OF_ADDRESS, &[&email, &at_most]).await?;
        Ok(found
            .iter()
            .map(|row| (rows::event_id(row, 0), rows::registration_id(row, 1)))
            .collect())
    }

    /// Looks for records first, so that no row is locked while all are looked through.
    pub(crate) async fn delete_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let (said, at_most) = (as_outcomes_say(user_email), limit.get() as i64);
        let found = self.look_through(sql::RECORD_OF_ADDRESS, &[&said, &at_most]).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let event_ids: Vec<Uuid> = found.iter().map(|row| row.get(0)).collect();
        let key_hashes: Vec<&[u8]> = found.iter().map(|row| row.get(1)).collect();
        let (event_ids, key_hashes, said) = (&event_ids, &key_hashes, &said);
        run(self, &Name::of("forget_records_of"), |attempt| {
            Box::pin(
                async move { self.attempt_delete_of(event_ids, key_hashes, said, &attempt).await },
            )
        })
        .await?;
        Ok(found.len() as u64)
    }

    async fn attempt_delete_of(
        &self,
        event_ids: &[Uuid],
        key_hashes: &[&[u8]],
        said: &str,
        attempt: &Attempt,
    ) -> Result<(), PgError> {
        let connection = Lease::from(&self.pool).await?;
        let delete = connection.prepare(sql::RECORD_DELETE).await?;
        attempt.commit_is_sent();
        let parameters: [&(dyn ToSql + Sync); 3] = [&event_ids, &key_hashes, &said];
        let deleted = connection.committing(connection.change(&delete, &parameters)).await;
        attempt.look_at(&deleted);
        deleted?;
        if attempt.must_find_out() {
            connection.confirm_what_is_seen().await?;
        }
        connection.give_back();
        Ok(())
    }

    /// Runs a statement that no index serves, and that reads every row of a table.
    pub(crate) async fn look_through(
        &self,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let look = async {
            let connection = Lease::from(&self.pool).await?;
            connection.command(BEGIN).await?;
            let found = connection.fetch(sql, parameters).await?;
            connection.command("ROLLBACK").await?;
            connection.give_back();
            Ok(found)
        };
        match timeout(WITHIN, look).await {
            Ok(found) => found.map_err(PgError::into_store_error),
            Err(_) => Err(PgError::Timeout(WITHIN).into_store_error()),
        }
    }
}

/// How an outcome, as it is stored, says whose a registration is.
fn as_outcomes_say(user_email: &EmailAddress) -> String {
    let json = serde_json::to_string(user_email).expect("a text is JSON");
    format!("\"user_email\":{json}")
}
