//! The keys that tickets are signed with.

use crate::connection::Lease;
use crate::error::PgError;
use crate::execute::BEGIN;
use crate::rows;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use booking_core::{SigningSeed, StoreError};
use futures_util::future::join4;

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
        attempt.commit_is_sent();
        let (begun, locked, inserted, committed) = join4(
            connection.command(BEGIN),
            connection.command(LOCK),
            connection.change(&insert, &[&seed, &only_first, &now]),
            connection.commit(),
        )
        .await;
        // What is refused before COMMIT makes a rollback of it.
        for answer in [&begun, &locked] {
            attempt.look_at(answer);
        }
        attempt.look_at(&inserted);
        begun?;
        locked?;
        inserted?;
        committed?;
        if attempt.must_find_out() {
            // There was nothing left to insert, and nothing to wait for.
            connection.confirm_what_is_seen().await?;
        }
        connection.give_back();
        Ok(())
    }
}
