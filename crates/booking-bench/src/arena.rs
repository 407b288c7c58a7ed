//! Everything that is measured, set up once for a run: a throwaway PostgreSQL with its own defaults, the servers in
//! front of it and of SQLite files, and the events that exist before anything counts.

use crate::far;
use crate::ledger::Books;
use crate::pgbench::Pgbench;
use crate::shared::Shared;
use crate::side::{Setting, Side};
use anyhow::Context;
use booking_testkit::{Cluster, ClusterOptions, Database};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The sides of a run.
pub(crate) struct Arena {
    /// PostgreSQL, with default settings.
    pub(crate) postgres: Side,
    /// The same with batches of one.
    pub(crate) postgres_one: Side,
    /// SQLite, with default settings.
    pub(crate) sqlite: Side,
    /// The same with batches of one.
    pub(crate) sqlite_one: Side,
    /// PostgreSQL with a network's latency, if something is measured on it.
    pub(crate) far: Option<Far>,
    /// Two PostgreSQL that share events, if something is measured on them.
    pub(crate) shared: Option<Shared>,
    /// The reference transaction.
    pub(crate) pgbench: Pgbench,
    /// The database of `postgres`.
    pub(crate) database: Database,
    /// The folder of the SQLite files.
    pub(crate) folder: TempDir,
    // Last, so that it is stopped last.
    cluster: Cluster,
}

/// A side whose server is near its PostgreSQL until it is restarted with this setting.
pub(crate) struct Far {
    pub(crate) side: Side,
    /// The slower connection to it.
    pub(crate) url: Setting,
}

/// The side of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// PostgreSQL.
    Postgres,
    /// PostgreSQL, batches of one.
    PostgresOne,
    /// PostgreSQL, 1 ms away in each direction.
    PostgresFar,
    /// One PostgreSQL with all events, beside those that share them.
    OneDatabase,
    /// Two PostgreSQL with four cells each.
    EightCells,
    /// SQLite.
    Sqlite,
    /// SQLite, batches of one.
    SqliteOne,
}

impl Arena {
    /// Sets everything up. Sides without cells get no clients, and the distant PostgreSQL and the shared ones are
    /// started only if they are measured.
    ///
    /// # Errors
    ///
    /// If a server does not answer as it should.
    pub(crate) async fn set_up(
        program: &Path,
        on: &Path,
        wants: impl Fn(On) -> bool,
    ) -> anyhow::Result<Self> {
        let cluster = Cluster::start(ClusterOptions::default());
        let folder = tempfile::tempdir_in(on)?;
        let pgbench = Pgbench::set_up(cluster.database(None))?;
        let database = cluster.database(None);
        let database_one = cluster.database(None);
        let url = |database: &Database| ("DATABASE_URL", database.url().to_owned());
        let file = |name: &str| folder.path().join(name);
        let of_file = |path: &PathBuf| ("BOOKING_DB", path.display().to_string());
        // One transaction after the other, however many cores there are.
        let one_by_one = ["BATCH_MAX", "BATCHES_PER_NODE"].map(|name| (name, "1".to_owned()));
        let one_by_one = one_by_one.to_vec();

        let (main, one) = (file("main.db"), file("one.db"));
        let side = |name, settings: &[Setting], books| Side::start(name, program, settings, books);
        let mut arena = Self {
            postgres: side("PostgreSQL", &[url(&database)], Books::Postgres(database.clone())),
            postgres_one: side(
                "PostgreSQL, batches of one",
                &[vec![url(&database_one)], one_by_one.clone()].concat(),
                Books::Postgres(database_one.clone()),
            ),
            sqlite: side("SQLite", &[of_file(&main)], Books::Sqlite(main)),
            sqlite_one: side(
                "SQLite, batches of one",
                &[vec![of_file(&one)], one_by_one].concat(),
                Books::Sqlite(one),
            ),
            far: None,
            shared: None,
            pgbench,
            database: database.clone(),
            folder,
            cluster,
        };
        arena.postgres.set_postmasters(vec![arena.cluster.pid()]);
        arena.postgres_one.set_postmasters(vec![arena.cluster.pid()]);
        // After the first server, which created the tables.
        arena.postgres.start_second();
        let sides = [(On::Postgres, &mut arena.postgres), (On::Sqlite, &mut arena.sqlite)];
        for (_, side) in sides.into_iter().filter(|(on, _)| wants(*on)) {
            side.fill().await.context("cannot prepare the events")?;
        }
        database.sql("VACUUM ANALYZE");
        if wants(On::PostgresFar) {
            arena.add_far(program).await.context("cannot prepare what is far away")?;
        }
        if wants(On::OneDatabase) || wants(On::EightCells) {
            arena.shared = Some(Shared::set_up(program, on).await?);
        }
        Ok(arena)
    }

    async fn add_far(&mut self, program: &Path) -> anyhow::Result<()> {
        let database = self.cluster.database(None);
        let near = [("DATABASE_URL", database.url().to_owned())];
        let books = Books::Postgres(database.clone());
        let mut side = Side::start("PostgreSQL, far away", program, &near, books);
        side.set_postmasters(vec![self.cluster.pid()]);
        side.fill().await?;
        database.sql("VACUUM ANALYZE");
        let proxy = far::proxy_to(self.cluster.port())?;
        let url = format!("postgresql://postgres@{proxy}/{}", database.name());
        self.far = Some(Far { side, url: ("DATABASE_URL", url) });
        Ok(())
    }
}
