//! A local Citus, where a cell is a schema that is distributed as a whole. `scripts/check-citus.sh` runs this.

mod common;

use async_trait::async_trait;
use booking_conformance::Fixture;
use booking_core::Clock;
use booking_core::prelude::*;
use booking_pg::{PgOptions, PgStore, PlanCacheMode};
use booking_testkit::{CitusSchema, run_sql};
use common::{REACHABLE_WITHIN, migrated_database, statements};
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// The schema that is created anew, and distributed.
const CELL: &str = "booking_check_citus";
/// How often each statement is run with the same values: PostgreSQL plans the first five times for the values alone.
const RUNS: usize = 7;

booking_conformance::suite!(
    ignored = "wants a Citus: scripts/check-citus.sh",
    CitusFixture::new().await
);

async fn open(options: &PgOptions) -> PgStore {
    PgStore::connect(options, REACHABLE_WITHIN).await.expect("it is there")
}

/// The one cell, which cases use one after the other. It stays, to be looked at.
struct CitusFixture {
    cell: MutexGuard<'static, Option<CitusSchema>>,
}

impl CitusFixture {
    async fn new() -> Self {
        static CELL_LOCK: Mutex<Option<CitusSchema>> = Mutex::const_new(None);
        let mut cell = CELL_LOCK.lock().await;
        let schema = cell.get_or_insert_with(|| {
            CitusSchema::create(CELL, async |url| {
                let options = PgOptions::parse(&url).expect("a valid URL");
                open(&options).await.migrate().await.expect("the migrations run");
            })
        });
        let kept = ["refinery_schema_history", "schema_compatibility", "rewrites"];
        let is_data = |table: &String| !kept.iter().any(|kept| table.ends_with(kept));
        let tables: Vec<_> = schema.tables().into_iter().filter(is_data).collect();
        schema.sql(&format!("TRUNCATE {}", tables.join(", ")));
        Self { cell }
    }

    fn schema(&self) -> &CitusSchema {
        self.cell.as_ref().expect("it is there for as long as this")
    }

    fn options(&self) -> PgOptions {
        let options = PgOptions::parse(self.schema().url()).expect("a valid URL");
        PgOptions { pool_size: 6, plan_cache_mode: PlanCacheMode::Auto, ..options }
    }
}

#[async_trait]
impl Fixture for CitusFixture {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        Arc::new(open(&PgOptions { clock, ..self.options() }).await)
    }

    async fn dump_everything(&self) -> Vec<u8> {
        self.schema().dump()
    }
}

#[test]
#[ignore = "wants a Citus: scripts/check-citus.sh"]
fn there_is_a_citus() {
    let url = CitusSchema::coordinator();
    let found = run_sql(&url, "SELECT extversion FROM pg_extension WHERE extname = 'citus'");
    let found = found.expect("the database can be reached");
    assert!(!found.is_empty(), "there is no Citus in this database: CREATE EXTENSION citus");
    println!("Citus {}", found[0][0].as_deref().unwrap_or("?"));
}

#[tokio::test]
#[ignore = "wants a Citus: scripts/check-citus.sh"]
async fn every_statement_runs_in_a_cell() {
    let cell = CitusFixture::new().await;
    let refused = refused_statements(&cell.options().config).await;
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

/// Whether the values alone are refused: by a constraint (class 23), or because a text is no status.
fn is_of_values(name: &str, code: &SqlState) -> bool {
    code.code().starts_with("23")
        || (name == "registration/insert_any" && *code == SqlState::INVALID_TEXT_REPRESENTATION)
}

async fn run(client: &Client, name: &str, text: &str) -> Result<(), tokio_postgres::Error> {
    let is_script = name.starts_with("session/try_");
    let executes = match is_script {
        true => vec![text.to_owned()],
        false => {
            let prepared = statements::prepared(name);
            client.batch_execute(&format!("PREPARE {prepared} AS {text}")).await?;
            [statements::values(text), statements::values_by_own_clock(text)]
                .map(|values| statements::execute(&prepared, &values))
                .to_vec()
        }
    };
    for execute in executes.iter().flat_map(|execute| [execute; RUNS]) {
        client.batch_execute("BEGIN").await?;
        let run = client.batch_execute(execute).await;
        client.batch_execute("ROLLBACK").await?;
        match run {
            Err(error) if error.code().is_some_and(|code| is_of_values(name, code)) => {}
            other => other?,
        }
    }
    Ok(())
}
