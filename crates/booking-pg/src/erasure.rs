//! Finding the personal data of an address.

use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql::{self, Sql};
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use booking_core::{EmailAddress, EventId, Outcome, PageLimit, RegistrationId, StoreError};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The longest time for a search of a whole table.
const WITHIN: Duration = Duration::from_secs(600);

/// How many rows with a spelling that may be another one are checked at a time: SQL cannot compare them.
/// Once earlier versions are gone there are hardly any.
const LOOKED_AT: i64 = 1_000;

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
        let mut found: Vec<_> = found
            .iter()
            .map(|row| (rows::event_id(row, 0), rows::registration_id(row, 1)))
            .collect();
        let mut after = (Uuid::nil(), 0_i64);
        while found.len() < limit.get() {
            let parameters: [&(dyn ToSql + Sync); 3] = [&after.0, &after.1, &LOOKED_AT];
            let some = self.look_through(sql::REGISTRATION_OTHERWISE_SPELT, &parameters).await?;
            let same = some.iter().filter(|row| user_email.is_respelt_as(row.get(3)));
            found.extend(same.map(|row| (rows::event_id(row, 0), rows::registration_id(row, 2))));
            match some.last() {
                Some(last) if some.len() >= LOOKED_AT as usize => {
                    after = (last.get(0), last.get(1));
                }
                Some(_) | None => break,
            }
        }
        found.truncate(limit.get());
        Ok(found)
    }

    /// Looks up the records first, so that no row is locked during the search of the whole table.
    pub(crate) async fn delete_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let found = &self.find_records_of(user_email, limit).await?;
        if found.said.is_empty() {
            return Ok(0);
        }
        run(self, &Name::of("purge_records_of"), |attempt| {
            Box::pin(async move { self.attempt_delete_of(found, &attempt).await })
        })
        .await?;
        Ok(found.said.len() as u64)
    }

    async fn find_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<FoundRecords, StoreError> {
        let (said, at_most) = (as_outcomes_say(user_email), limit.get() as i64);
        let mut found = FoundRecords::default();
        for row in self.look_through(sql::RECORD_OF_ADDRESS, &[&said, &at_most]).await? {
            found.push(&row, said.clone());
        }
        let mut after: (Uuid, Vec<u8>) = Default::default();
        while found.said.len() < limit.get() {
            let parameters: [&(dyn ToSql + Sync); 3] = [&after.0, &after.1, &LOOKED_AT];
            let some = self.look_through(sql::RECORD_OTHERWISE_SPELT, &parameters).await?;
            for row in &some {
                let stored = address_in(row.get(2));
                let is_respelt = |stored: &EmailAddress| user_email.is_respelt_as(stored.as_str());
                if found.said.len() < limit.get()
                    && let Some(stored) = stored.filter(is_respelt)
                {
                    found.push(row, as_outcomes_say(&stored));
                }
            }
            match some.last() {
                Some(last) if some.len() >= LOOKED_AT as usize => {
                    after = (last.get(0), last.get(1));
                }
                Some(_) | None => break,
            }
        }
        Ok(found)
    }

    async fn attempt_delete_of(
        &self,
        FoundRecords { event_ids, key_hashes, said }: &FoundRecords,
        attempt: &Attempt,
    ) -> Result<(), PgError> {
        let connection = Lease::from(&self.pool).await?;
        let delete = connection.prepare(sql::RECORD_DELETE).await?;
        attempt.commit_is_sent();
        let parameters: [&(dyn ToSql + Sync); 3] = [event_ids, key_hashes, said];
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

/// Records of an address: their events, their keys, and how they store the address.
#[derive(Default)]
struct FoundRecords {
    event_ids: Vec<Uuid>,
    key_hashes: Vec<Vec<u8>>,
    said: Vec<String>,
}

impl FoundRecords {
    fn push(&mut self, row: &Row, said: String) {
        self.event_ids.push(row.get(0));
        self.key_hashes.push(row.get(1));
        self.said.push(said);
    }
}

/// The address of an outcome's registration.
fn address_in(outcome: &str) -> Option<EmailAddress> {
    let outcome: Outcome = serde_json::from_str(outcome).ok()?;
    outcome.registration().map(|registration| registration.person.user_email.clone())
}

/// The address of a registration as it is stored in an outcome.
fn as_outcomes_say(user_email: &EmailAddress) -> String {
    let json = serde_json::to_string(user_email).expect("a text is JSON");
    format!("\"user_email\":{json}")
}
