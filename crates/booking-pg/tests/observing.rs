//! What operators see of the store: requests in PostgreSQL's own views, its health, its timings.

mod common;

use booking_core::prelude::*;
use booking_core::{
    EventCommand, Execution, Observation, Observer, Outcome, RequestId, StoreError, StoreHealth,
    WhenBusy, WriteTrouble,
};
use booking_pg::{PgOptions, PgStore};
use booking_testkit::Database;
use common::{
    REACHABLE_WITHIN, connect, create, execute, migrated_database, number, options, register,
};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

fn asked_by(id: &str, command: EventCommand) -> EventCommand {
    command.with_request_id(Some(RequestId::parse(id).expect("valid")))
}

/// The names of our sessions that meet `condition`.
fn sessions(database: &Database, condition: &str) -> Vec<String> {
    let rows = database.sql(&format!(
        "SELECT application_name FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
    ));
    rows.into_iter().filter_map(|mut row| row.remove(0)).collect()
}

#[tokio::test]
async fn the_request_of_a_transaction_that_waits_is_seen_in_pg_stat_activity() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 5).await.id;
    let (holder, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let lock = format!("BEGIN; SELECT 1 FROM events WHERE id = '{event}' FOR UPDATE");
    holder.batch_execute(&lock).await.expect("the row is there");

    let batch = [asked_by("request-1", register(event, "ada")), register(event, "grace")];
    let looking = async {
        let since = Instant::now();
        loop {
            let seen = sessions(&database, "wait_event_type = 'Lock'");
            if !seen.is_empty() || since.elapsed() > REACHABLE_WITHIN {
                holder.batch_execute("COMMIT").await.expect("the session is alive");
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (executions, seen) = tokio::join!(store.execute(&batch, WhenBusy::Wait), looking);
    assert_eq!(seen, ["booking request-1+1"]);
    let executions = executions.expect("the row came free");
    assert!(matches!(executions[0], Execution::Decided(Outcome::Confirmed(_))), "{executions:?}");
    // The name is the transaction's, not the session's: a refusal leaves none either.
    execute(&store, &[asked_by("request-2", register(event, "ada"))]).await;
    // The answer to its ROLLBACK is not waited for.
    let since = Instant::now();
    loop {
        let ours = sessions(&database, "application_name LIKE 'booking%'");
        if !ours.is_empty() && ours.iter().all(|name| name == "booking") {
            break;
        }
        assert!(since.elapsed() < REACHABLE_WITHIN, "{ours:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn health_reports_a_missing_migration_and_a_standby() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let health = async || store.health().await.expect("the store answers");
    assert_eq!(
        health().await,
        StoreHealth { takes_writes: true, migrations_missing: 0, trouble: None }
    );
    // A newer program's migration.
    database.sql(
        "INSERT INTO refinery_schema_history SELECT 1000, 'later', applied_on, '1'
         FROM refinery_schema_history WHERE version = 1",
    );
    assert_eq!(health().await.migrations_missing, 0);
    database.sql("DELETE FROM refinery_schema_history WHERE version = 2");
    assert_eq!(health().await.migrations_missing, 1);

    let name = database.name();
    database.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let standby = connect(database.url(), 2).await;
    assert!(!standby.health().await.expect("the store answers").takes_writes);
}

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn observe(&self, observation: Observation<'_>) {
        let note = match observation {
            Observation::Locked(_) => "locked",
            Observation::Committed(_) => "committed",
            Observation::Executed(_) => "executed",
            Observation::Retried => "retried",
            Observation::CommitLost => "commit lost",
            other => panic!("not a store's: {other:?}"),
        };
        self.0.lock().expect("no panic").push(note.to_owned());
    }
}

#[tokio::test]
async fn the_parts_of_a_transaction_are_observed() {
    let database = migrated_database();
    let notes = Arc::new(Notes::default());
    let options = PgOptions { observer: notes.clone(), ..options(database.url(), 2) };
    let store = PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there");
    let event = create(&store, 1).await.id;
    execute(&store, &[register(event, "ada")]).await;
    let taken = || std::mem::take(&mut *notes.0.lock().expect("no panic"));
    assert_eq!(taken(), ["locked", "committed", "executed"]);
    execute(&store, &[register(event, "grace")]).await;
    assert_eq!(taken(), ["locked", "executed"], "a refusal commits nothing");
    // Its session dies between two batches.
    database.sql(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    execute(&store, &[register(event, "ada")]).await;
    let seen = taken();
    assert_eq!(seen.last().map(String::as_str), Some("executed"), "{seen:?}");
    assert!(!seen.iter().any(|note| note == "commit lost"), "{seen:?}");
    assert!(store.connections().open <= 2);
}

/// The store's second health report, which does not rest on earlier commits.
async fn trouble(store: &PgStore) -> Option<WriteTrouble> {
    store.health().await.expect("the store answers");
    store.health().await.expect("the store answers").trouble
}

/// The problem is found although no request has tried to write, and by a role with no more rights than
/// it needs.
#[tokio::test]
async fn a_table_that_is_gone_is_noticed_until_it_is_back() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    create(&store, 1).await;
    assert_eq!(trouble(&store).await, None);
    for table in ["events", "registrations", "facts", "new_facts", "idempotency_records"] {
        database.sql(&format!("ALTER TABLE {table} RENAME TO gone"));
        assert_eq!(trouble(&store).await, Some(WriteTrouble::Failing), "{table}");
        database.sql(&format!("ALTER TABLE gone RENAME TO {table}"));
        assert_eq!(trouble(&store).await, None, "{table}");
    }
    let rows = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM registrations)
        + (SELECT count(*) FROM facts) + (SELECT count(*) FROM idempotency_records)";
    assert_eq!(number(&database, rows), 2, "nothing is left of trying");
}

/// Only a write detects a full disk.
#[tokio::test]
async fn a_disk_that_was_full_is_noticed_until_there_is_room() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 5).await.id;
    database.sql(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'; END $$;
         CREATE TRIGGER no_room BEFORE INSERT ON registrations FOR EACH ROW
         EXECUTE FUNCTION no_room()",
    );
    assert_eq!(trouble(&store).await, None, "nobody has written");
    let failure = store.execute(&[register(event, "ada")], WhenBusy::Wait).await;
    assert!(matches!(failure, Err(StoreError::Unavailable(_))), "{failure:?}");
    assert_eq!(trouble(&store).await, Some(WriteTrouble::Failing));
    database.sql("DROP TRIGGER no_room ON registrations");
    assert_eq!(trouble(&store).await, None);
    assert!(execute(&store, &[register(event, "ada")]).await[0].registration().is_some());
    assert_eq!(store.audit().await.expect("it answers").registrations, 1);
}
