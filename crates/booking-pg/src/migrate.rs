//! Bringing the tables up to date.

use crate::connection::Lease;
use crate::error::ConnectError;
use crate::spellings;
use crate::sql;
use crate::store::PgStore;
use booking_core::{Migration, Needed, Schema};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

mod embedded {
    refinery::embed_migrations!("migrations");
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

/// The migrations of this program.
pub(crate) fn ours() -> &'static [Migration] {
    static OURS: OnceLock<Vec<Migration>> = OnceLock::new();
    OURS.get_or_init(|| {
        let runner = embedded::migrations::runner();
        let all = runner.get_migrations().iter();
        all.map(|own| Migration::new(own.version(), own.name(), own.checksum())).collect()
    })
}

impl PgStore {
    /// Brings the database's tables up to date, and tells which migrations that took. Any number of
    /// processes may do so at once. Where there is nothing to be done nothing is written, and no right to
    /// make tables is needed.
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

    /// Makes sure that all tables are there, and changes nothing about them. Tells which migrations of a newer
    /// program were applied; that says that this one can work with what they made.
    ///
    /// # Errors
    /// [`ConnectError`], if they are not.
    pub async fn check_tables(&self) -> Result<Vec<String>, ConnectError> {
        let looked = timeout(WITHIN, self.look()).await;
        let looked = looked.map_err(|elapsed| ConnectError::Tables(elapsed.into()))?;
        let (Schema { missing, newer }, any) = looked.map_err(ConnectError::Tables)?;
        if !any {
            return Err(ConnectError::NotMigrated);
        }
        if !missing.is_empty() {
            return Err(ConnectError::OutOfDate { missing: missing.join(", ") });
        }
        Ok(newer)
    }

    async fn run_migrations(&self) -> Result<Vec<String>, BoxError> {
        let connection = Lease::from(&self.pool).await?;
        let (found, _) = look_at(&connection).await?;
        let is_done = found.missing.is_empty() && spellings::is_rewritten(&connection).await?;
        connection.give_back();
        if is_done {
            self.tell_newer(&found.newer);
            return Ok(Vec::new());
        }
        // Never given back: closing the connection is what gives up the lock, whatever happens.
        let mut connection = Lease::from(&self.pool).await?;
        connection.batch_execute(LOCK).await?;
        let (found, _) = look_at(&connection).await?;
        // None is missing if somebody else was faster.
        let applied = if found.missing.is_empty() {
            self.tell_newer(&found.newer);
            Vec::new()
        } else {
            let runner = embedded::migrations::runner();
            let report = runner.run_async(connection.client_mut()).await?;
            report.applied_migrations().iter().map(ToString::to_string).collect()
        };
        spellings::rewrite(&connection).await?;
        Ok(applied)
    }

    async fn look(&self) -> Result<(Schema, bool), BoxError> {
        let connection = Lease::from(&self.pool).await?;
        let found = look_at(&connection).await?;
        connection.give_back();
        Ok(found)
    }

    fn tell_newer(&self, newer: &[String]) {
        if !newer.is_empty() {
            log::warn!(
                "the tables at {} were migrated by a newer version ({}), which says that this one can work \
                 with them",
                self.location(),
                newer.join(", ")
            );
        }
    }
}

/// What there is to be done about the tables, and whether there are any.
async fn look_at(connection: &Lease) -> Result<(Schema, bool), BoxError> {
    let there = connection.fetch(sql::SCHEMA_TABLES, &[]).await?;
    let (mut applied, mut needed) = (Vec::new(), Needed(None));
    if there[0].get("history") {
        let rows = connection.fetch(sql::SCHEMA_APPLIED, &[]).await?;
        applied = rows.iter().map(migration).collect();
    }
    if there[0].get("compatibility") {
        let rows = connection.fetch(sql::SCHEMA_NEEDED, &[]).await?;
        needed = Needed(rows.first().map(|row| row.get("needs_from")));
    }
    let schema = Schema::compare(ours(), &applied, needed)?;
    Ok((schema, !applied.is_empty()))
}

fn migration(row: &Row) -> Migration {
    Migration::applied(row.get("version"), row.get("name"), row.get("checksum"))
}
