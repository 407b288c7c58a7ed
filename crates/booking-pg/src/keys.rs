//! The keys that tickets are signed with.

use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, change_alone, run};
use booking_core::{SigningSeed, StoreError};
use tokio_postgres::types::ToSql;

/// Of many servers that start at once and find no key, one makes the first. Readers do not wait.
const LOCK: &str = "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE";

impl PgStore {
    pub(crate) async fn list_signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError> {
        self.read(|connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::SIGNING_KEY_LIST, &[]).await?;
                rows.iter().map(rows::signing_seed).collect()
            })
        })
        .await
    }

    pub(crate) async fn insert_signing_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
    ) -> Result<(), StoreError> {
        run(self, &Name::of("add_signing_seed"), |attempt| {
            Box::pin(async move { self.attempt_insert_seed(seed, only_first, &attempt).await })
        })
        .await
    }

    async fn attempt_insert_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
        attempt: &Attempt,
    ) -> Result<(), PgError> {
        let connection = Lease::from(&self.pool).await?;
        let insert = connection.prepare(sql::SIGNING_KEY_INSERT).await?;
        let (seed, now) = (seed.as_bytes().as_slice(), self.clock_time());
        let parameters: &[&(dyn ToSql + Sync)] = &[&seed, &only_first, &now];
        change_alone(&connection, LOCK, &insert, parameters, attempt).await?;
        connection.give_back();
        Ok(())
    }
}
