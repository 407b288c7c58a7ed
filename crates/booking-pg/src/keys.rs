//! The keys that tickets are signed with.

use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, change_alone, run};
use booking_core::{SigningSeed, StoreError, TicketKey};
use tokio_postgres::types::ToSql;

/// Of many servers that start at once and find no key, one creates the first. Readers do not wait.
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

    pub(crate) async fn list_ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError> {
        let clock_time = self.clock_time();
        self.read(move |connection| {
            Box::pin(async move {
                let kept_seconds = TicketKey::KEPT.num_seconds() as f64;
                let rows =
                    connection.fetch(sql::TICKET_KEY_LIST, &[&clock_time, &kept_seconds]).await?;
                rows.iter().map(rows::ticket_key).collect()
            })
        })
        .await
    }

    pub(crate) async fn upsert_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError> {
        // In one order, so that two servers do not deadlock.
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let keys = &keys;
        run(self, &Name::of("show_ticket_keys"), |attempt| {
            Box::pin(async move { self.attempt_show(keys, &attempt).await })
        })
        .await
    }

    /// The insert commits by itself, and may be done again.
    async fn attempt_show(&self, keys: &[TicketKey], attempt: &Attempt) -> Result<(), PgError> {
        let connection = Lease::from(&self.pool).await?;
        let show = connection.prepare(sql::TICKET_KEY_SHOW).await?;
        let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes().as_slice()).collect();
        let now = self.clock_time();
        attempt.commit_is_sent();
        let shown = connection.change(&show, &[&keys, &now]).await;
        attempt.look_at(&shown);
        shown?;
        connection.give_back();
        Ok(())
    }
}
