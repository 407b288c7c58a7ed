//! Bringing the tables up to date.

use crate::connection::Lease;
use crate::error::ConnectError;
use crate::script;
use crate::spellings;
use crate::sql;
use crate::store::PgStore;
use booking_core::{Migration, Needed, Schema};
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::{Client, Error, Row};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The longest time for all migrations, including the wait for another process.
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
    /// Brings the database's tables up to date, and returns the names of the applied migrations. Any
    /// number of processes may do so at once. If there is nothing to do, nothing is written, and no right
    /// to create tables is needed.
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

    /// Makes sure that all tables exist and that their rows were rewritten, and changes nothing about them. Returns
    /// the applied migrations of a newer program, which by their own account this one can work with.
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
        let (found, _) = self.look().await?;
        if found.missing.is_empty() {
            self.log_newer(&found.newer);
            return Ok(Vec::new());
        }
        // Never returned to the pool: closing the connection releases the lock, whatever happens.
        let mut connection = Lease::from(&self.pool).await?;
        connection.batch_execute(LOCK).await?;
        let (found, _) = look_at(&connection).await?;
        // None is missing if another process was faster.
        let applied = if found.missing.is_empty() {
            self.log_newer(&found.newer);
            Vec::new()
        } else {
            let runner = embedded::migrations::runner();
            let report = runner.run_async(&mut OneByOne(connection.client_mut())).await?;
            report.applied_migrations().iter().map(ToString::to_string).collect()
        };
        spellings::rewrite(&connection).await?;
        Ok(applied)
    }

    /// The state of the schema, of which an unfinished rewrite of rows is a part, and whether there are tables.
    async fn look(&self) -> Result<(Schema, bool), BoxError> {
        let connection = Lease::from(&self.pool).await?;
        let (mut schema, any) = look_at(&connection).await?;
        if schema.missing.is_empty() && !spellings::is_rewritten(&connection).await? {
            schema.missing.push(spellings::NAME.to_owned());
        }
        connection.give_back();
        Ok((schema, any))
    }

    fn log_newer(&self, newer: &[String]) {
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

/// The state of the schema, and whether there are tables.
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

/// A connection that sends the statements of a migration one by one, in one transaction. refinery's own
/// implementation sends a migration as one message, and Citus refuses one with several statements.
struct OneByOne<'a>(&'a mut Client);

impl AsyncTransaction for OneByOne<'_> {
    type Error = Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        scripts: T,
    ) -> Result<usize, Error> {
        let transaction = self.0.transaction().await?;
        let mut executed = 0;
        for script in scripts {
            for statement in script::statements_of(script) {
                transaction.batch_execute(statement).await?;
            }
            executed += 1;
        }
        transaction.commit().await?;
        Ok(executed)
    }
}

impl AsyncQuery<Vec<refinery::Migration>> for OneByOne<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<refinery::Migration>, Error> {
        AsyncQuery::query(&mut *self.0, query).await
    }
}

impl AsyncMigrate for OneByOne<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// From this one on each migration has to suit tables that are distributed already.
    const FIT_FROM: i32 = 12;

    /// The statements of a migration that Citus would refuse for distributed tables.
    fn refused(migration: &str) -> Vec<&str> {
        let adds =
            ["ADD CONSTRAINT", "ADD PRIMARY KEY", "ADD UNIQUE", "ADD CHECK", "ADD FOREIGN KEY"];
        let is_refused = |statement: &&str| {
            let said = script::without_literals(statement).to_ascii_uppercase();
            let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_alone = script::parts_of(&words).len() == 1;
            let constrains = adds.iter().any(|add| words.contains(add));
            words.starts_with("ALTER TABLE")
                && (constrains && !is_alone || words.contains(" SET STORAGE "))
        };
        script::statements_of(migration).into_iter().filter(is_refused).collect()
    }

    fn all() -> Vec<(i32, String)> {
        let runner = embedded::migrations::runner();
        let all = runner.get_migrations().iter();
        all.map(|own| (own.version(), own.sql().expect("it is embedded").to_owned())).collect()
    }

    #[test]
    fn new_migrations_suit_distributed_tables() {
        for (version, sql) in all().into_iter().filter(|(version, _)| *version >= FIT_FROM) {
            assert_eq!(refused(&sql), <[&str; 0]>::default(), "V{version}");
        }
    }

    /// The code that splits a migration knows no more of SQL than this.
    #[test]
    fn migrations_have_only_standard_quotes() {
        for (version, sql) in all() {
            let said = script::without_literals(&sql);
            assert!(
                !said.contains('$') && !said.to_ascii_uppercase().contains(" E''"),
                "V{version}"
            );
        }
    }

    /// The negative control: what Citus refused when it was tried is found.
    #[test]
    fn statements_that_distributed_tables_refuse_are_found() {
        let second = all().into_iter().find(|(version, _)| *version == 2).expect("it is there").1;
        assert!(!refused(&second).is_empty(), "it adds columns and constraints together");
        for bad in [
            "ALTER TABLE a ADD COLUMN b text, -- and\n ADD\n CONSTRAINT c CHECK (b <> ',')",
            "CREATE TABLE a (b int); alter table a add constraint c unique (b), add check (b > 1);",
            "ALTER TABLE facts ALTER COLUMN body SET STORAGE EXTERNAL",
        ] {
            assert_eq!(refused(bad).len(), 1, "{bad}");
        }
        for good in [
            "ALTER TABLE a ADD CONSTRAINT c CHECK (b IN ('x,', 'y'))",
            "ALTER TABLE a ADD COLUMN b uuid REFERENCES d (id), ADD COLUMN c text",
            "COMMENT ON TABLE a IS 'ALTER TABLE a ADD COLUMN b int, ADD CONSTRAINT c UNIQUE (b)'",
        ] {
            assert_eq!(refused(good), <[&str; 0]>::default());
        }
    }
}
