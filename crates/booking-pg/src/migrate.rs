//! Bringing the tables up to date.

use crate::connection::Lease;
use crate::error::ConnectError;
use crate::spellings;
use crate::store::PgStore;
use std::time::Duration;
use tokio::time::timeout;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// The longest time for all migrations, waiting for another process's included.
const WITHIN: Duration = Duration::from_secs(600);

/// The runner takes no lock of its own, and of many that start together most would fail. The lock
/// belongs to the session, so this needs a connection that is not pooled by statement or transaction.
const LOCK: &str = "
    SET statement_timeout = 0;
    SET lock_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    SELECT pg_advisory_lock(7307217536119138304);
";

/// The versions of our migrations.
pub(crate) fn versions() -> Vec<i32> {
    let runner = embedded::migrations::runner();
    runner.get_migrations().iter().map(refinery::Migration::version).collect()
}

impl PgStore {
    /// Brings the database's tables up to date, and tells which migrations that took. Any number of
    /// processes may do so at once.
    ///
    /// # Errors
    /// [`ConnectError::Migrate`]: each migration is a transaction, so those before the one that
    /// failed are in effect.
    pub async fn migrate(&self) -> Result<Vec<String>, ConnectError> {
        match timeout(WITHIN, self.run_migrations()).await {
            Ok(applied) => applied.map_err(ConnectError::Migrate),
            Err(elapsed) => Err(ConnectError::Migrate(elapsed.into())),
        }
    }

    async fn run_migrations(
        &self,
    ) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
        // Never given back: closing the connection is what gives up the lock, whatever happens.
        let mut connection = Lease::from(&self.pool).await?;
        connection.batch_execute(LOCK).await?;
        let report = embedded::migrations::runner().run_async(connection.client_mut()).await?;
        spellings::rewrite(&connection).await?;
        Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
    }
}
