//! Purging answers under idempotency keys.

use crate::connection::Lease;
use crate::error::PgError;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use booking_core::{IdempotencyRecord, PageLimit, StoreError};

impl PgStore {
    pub(crate) async fn delete_records(&self, limit: PageLimit) -> Result<u64, StoreError> {
        run(self, &Name::of("purge_records"), |attempt| {
            Box::pin(async move { self.attempt_delete(limit, &attempt).await })
        })
        .await
    }

    async fn attempt_delete(&self, limit: PageLimit, attempt: &Attempt) -> Result<u64, PgError> {
        let connection = Lease::from(&self.pool).await?;
        let purge = connection.prepare(sql::RECORD_PURGE).await?;
        let kept_seconds = IdempotencyRecord::KEPT.num_seconds() as f64;
        attempt.commit_is_sent();
        let deleted = connection
            .change(&purge, &[&self.clock_time(), &kept_seconds, &(limit.get() as i64)])
            .await;
        attempt.look_at(&deleted);
        let deleted = deleted?;
        connection.give_back();
        Ok(deleted)
    }
}
