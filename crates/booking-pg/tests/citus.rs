//! A local Citus, where a cell is a schema that is distributed as a whole. `scripts/check-citus.sh` runs this.

mod common;

use async_trait::async_trait;
use booking_conformance::Fixture;
use booking_core::Clock;
use booking_core::prelude::*;
use booking_pg::{PgOptions, PgStore, PlanCacheMode};
use booking_testkit::{Rows, run_sql};
use common::{REACHABLE_WITHIN, migrated_database, statements};
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::{Client, Config, NoTls};

/// The schema that is created anew, and distributed.
const CELL: &str = "booking_check_citus";
/// How often each statement is run: PostgreSQL plans the first five times for the values alone.
const RUNS: usize = 7;

booking_conformance::suite!(
    ignored = "wants a Citus: scripts/check-citus.sh",
    CitusFixture::new().await
);

/// The URL of the database. Call it first: it fails if there is none.
fn url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL names the database of a Citus coordinator")
}

fn sql(sql: &str) -> Rows {
    run_sql(&url(), sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn options() -> PgOptions {
    let mut options = PgOptions::parse(&url()).expect("a valid URL");
    let given = options.config.get_options().unwrap_or_default();
    let in_cell = format!("{given} -csearch_path={CELL}");
    options.config.options(in_cell.trim());
    PgOptions { pool_size: 6, plan_cache_mode: PlanCacheMode::Auto, ..options }
}

async fn open(options: &PgOptions) -> PgStore {
    PgStore::connect(options, REACHABLE_WITHIN).await.expect("it is there")
}

/// The one cell, which cases use one after the other. The lock is around whether it was created.
struct CitusFixture {
    _turn: MutexGuard<'static, bool>,
}

impl CitusFixture {
    async fn new() -> Self {
        static MADE: Mutex<bool> = Mutex::const_new(false);
        let mut made = MADE.lock().await;
        if !*made {
            sql(&format!("DROP SCHEMA IF EXISTS {CELL} CASCADE"));
            sql(&format!("CREATE SCHEMA {CELL}"));
            open(&options()).await.migrate().await.expect("the migrations run");
            sql(&format!("SELECT citus_schema_distribute('{CELL}')"));
            *made = true;
        }
        sql(&format!("TRUNCATE {}", tables(true).join(", ")));
        Self { _turn: made }
    }
}

/// The cell's tables; with `only_data`, without those about migrations.
fn tables(only_data: bool) -> Vec<String> {
    let kept = "'refinery_schema_history', 'schema_compatibility', 'rewrites'";
    let tables = sql(&format!(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
         WHERE schemaname = '{CELL}' AND NOT ({only_data} AND tablename IN ({kept}))"
    ));
    tables.into_iter().flatten().flatten().collect()
}

#[async_trait]
impl Fixture for CitusFixture {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        Arc::new(open(&PgOptions { clock, ..options() }).await)
    }

    async fn dump_everything(&self) -> Vec<u8> {
        let mut dump = Vec::new();
        for table in tables(false) {
            let rows = sql(&format!("SELECT kept::text FROM {table} AS kept"));
            for row in rows.into_iter().flatten().flatten() {
                dump.extend([row.as_bytes(), b"\n"].concat());
            }
        }
        dump
    }
}

#[test]
#[ignore = "wants a Citus: scripts/check-citus.sh"]
fn there_is_a_citus() {
    let found = sql("SELECT extversion FROM pg_extension WHERE extname = 'citus'");
    assert!(!found.is_empty(), "there is no Citus in this database: CREATE EXTENSION citus");
    println!("Citus {}", found[0][0].as_deref().unwrap_or("?"));
}

#[tokio::test]
#[ignore = "wants a Citus: scripts/check-citus.sh"]
async fn every_statement_runs_in_a_cell() {
    let _cell = CitusFixture::new().await;
    let refused = refused_statements(&options().config).await;
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The control: a statement that is refused in a cell is refused by Citus.
#[tokio::test]
async fn every_statement_runs_on_plain_postgresql() {
    let database = migrated_database();
    let options = PgOptions::parse(database.url()).expect("a valid URL");
    let refused = refused_statements(&options.config).await;
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The statements that cannot be run, each with the reason, except for the values, which match no
/// row.
async fn refused_statements(config: &Config) -> Vec<String> {
    let mut refused = Vec::new();
    for (name, text) in booking_pg::statements() {
        // A session for each: the remains of a failed statement do not affect the next.
        let client = session(config).await;
        if let Err(error) = run(&client, name, text).await {
            refused.push(format!("{name}: {}", booking_core::ErrorChain(&error)));
        }
        if client.is_closed() {
            refused.push(format!("{name}: it ended the connection"));
        }
    }
    refused
}

async fn session(config: &Config) -> Client {
    // A crash ends all connections, and the server is back soon.
    for _ in 0..60 {
        if let Ok((client, connection)) = config.connect(NoTls).await {
            tokio::spawn(connection);
            client.batch_execute("SET plan_cache_mode = auto").await.expect("it answers");
            return client;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    panic!("there is no connection to be had");
}

async fn run(client: &Client, name: &str, text: &str) -> Result<(), tokio_postgres::Error> {
    let is_script = name.starts_with("session/try_");
    let execute = match is_script {
        true => text.to_owned(),
        false => {
            let prepared = statements::prepared(name);
            client.batch_execute(&format!("PREPARE {prepared} AS {text}")).await?;
            statements::execute(&prepared, &statements::values(text))
        }
    };
    for _ in 0..RUNS {
        client.batch_execute("BEGIN").await?;
        let run = client.batch_execute(&execute).await;
        client.batch_execute("ROLLBACK").await?;
        match run {
            // Of data (class 22) and of constraints (23).
            Err(error) if error.code().is_some_and(|c| ["22", "23"].contains(&&c.code()[..2])) => {}
            other => other?,
        }
    }
    Ok(())
}
