//! The negative controls: the judge must find what is broken on purpose. Each runs behind the real surface, and
//! where a rule is left out the same load is clean with it.

use crate::common::{App, Data};
use crate::embedded::{fast_clock, serve};
use crate::{QUIET, assert_caught, assert_clean, blocking, judged, load, reach, turn};
use booking_conformance::MemoryStore;
use booking_core::{BookingStore, Rule};
use booking_load::judge::{Verdict, judge};
use booking_load::workload::{WorkloadOptions, run};
use booking_pg::{PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
use booking_testkit::{Cluster, ClusterOptions, Database, Rows, ServerProcess, run_sql};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The length of a minute, the shortest hold.
const MINUTE: Duration = Duration::from_millis(250);
/// By the same clock: half a second of ours.
const HOURS_WITHIN: Duration = Duration::from_secs(120);

/// How long a load may take to do what a test waits for.
const UNDER_WAY_WITHIN: Duration = Duration::from_secs(60);

fn short(url: &str) -> WorkloadOptions {
    let hours_within = Some(HOURS_WITHIN);
    WorkloadOptions { operations: 2_000, seats: 30, hours_within, ..load(&[url]) }
}

async fn assert_caught_without(rule: Rule, breaches: &[&str]) {
    let _turn = turn().await;
    let url = serve(move || async move {
        let store = MemoryStore::default().without_rule(rule).with_clock(fast_clock(MINUTE));
        Arc::new(store) as Arc<dyn BookingStore>
    });
    assert_caught(breaches, async || {
        let (history, _) = run(short(&url)).await.expect("it can be run");
        judge(&history)
    })
    .await;
}

/// A store on disk, while holds and offers run out, doors close and an event ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_all_its_rules_a_store_is_clean_while_time_flies() {
    let _turn = turn().await;
    let folder = tempfile::tempdir().expect("a directory can be made");
    let path = folder.path().join("booking.db");
    let url = serve(move || async move {
        let clock = Some(fast_clock(MINUTE));
        let store = SqliteStore::open(path, Options { clock, ..Options::default() }).await;
        Arc::new(store.expect("it can be opened")) as Arc<dyn BookingStore>
    });
    let reached = [
        "Held -> Expired",
        "Offered -> Expired",
        "confirm: 409 hold_expired",
        "EventEdited: hours",
        "register: closed by its hours",
        "confirm: closed by its hours",
    ];
    reach(&reached, async || {
        let (history, _) = run(short(&url)).await.expect("it can be run");
        judge(&history).permitting("refusal_forgotten")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_that_never_end_are_caught() {
    assert_caught_without(Rule::Expiry, &["confirmed_late"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_never_ends_is_caught() {
    assert_caught_without(Rule::EventEnd, &["after_the_end"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passers_by_who_overtake_the_queue_are_caught() {
    assert_caught_without(Rule::QueueFirst, &["queue_jumped", "waited_in_vain"]).await;
}

/// Without the row lock two servers decide on the same state. The versions that stand behind it are
/// gone too, or they would hold the line (`booking-pg/tests/negative_control.rs`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_its_lock_is_caught() {
    let _turn = turn().await;
    let data = Data::postgres();
    data.database().sql(
        "ALTER TABLE registrations DROP CONSTRAINT registrations_event_version; \
         ALTER TABLE facts DROP CONSTRAINT facts_pkey; \
         ALTER TABLE new_facts DROP CONSTRAINT new_facts_pkey",
    );
    let unlocked = |url: String| {
        serve(move || async move {
            let options = PgOptions { pool_size: 6, ..PgOptions::parse(&url).expect("valid") };
            let store = PgStore::connect(&options, Duration::from_secs(20)).await;
            let store = store.expect("it is there").without_row_lock().without_version_check();
            Arc::new(store) as Arc<dyn BookingStore>
        })
    };
    let urls = [(); 2].map(|()| unlocked(data.database().url().to_owned()));
    // Once the counts are wrong many a request fails for good.
    let options = WorkloadOptions {
        events: 1,
        seats: 200,
        decide_within: Duration::from_millis(500),
        ..load(&[&urls[0], &urls[1]])
    };
    let database = data.database().clone();
    let (verdict, ..) = judged(options, async {
        blocking(move || {
            let began = Instant::now();
            while same_versions(&database) < 5 {
                assert!(began.elapsed() < UNDER_WAY_WITHIN, "no two decide on the same state");
                std::thread::sleep(Duration::from_millis(20));
            }
        })
        .await;
    })
    .await;
    assert!(verdict.count("version_twice") > 0, "{verdict}");
}

/// How many registrations share the version of their creation with another.
fn same_versions(database: &Database) -> usize {
    let rows = database
        .sql("SELECT 1 FROM registrations GROUP BY event_id, event_version HAVING count(*) > 1");
    rows.len()
}

/// With `synchronous_commit` off PostgreSQL acknowledges before a commit is anywhere but in its own
/// memory, which dies with it. (The server warns of that setting when it starts.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledging_before_the_commit_is_caught() {
    let _turn = turn().await;
    let settings =
        ["synchronous_commit = off", "wal_writer_delay = 10s", "wal_writer_flush_after = 1GB"];
    // A loss is found as whatever it was: a registration, a change of one, a version that was assigned again.
    let breaches = ["lost", "change_missing", "version_twice", "version_missing", "answered_twice"];
    // Some ten commits; but the first write to a page flushes the log up to it, and may do so before the kill.
    assert_caught(&breaches, async || after_a_kill(&settings, 8_000).await).await;
}

/// The same kill, with commits acknowledged once they are durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledging_after_the_commit_survives_the_same() {
    let _turn = turn().await;
    let verdict = after_a_kill(&[], 0).await;
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
}

/// Kills PostgreSQL once the load is well under way, when that many bytes of its log are in its own memory
/// alone, or have not been for a while.
async fn after_a_kill(settings: &[&str], bytes_unwritten: u64) -> Verdict {
    let settings = settings.iter().map(|&line| line.to_owned()).collect();
    let cluster = Cluster::start(ClusterOptions { settings, ..ClusterOptions::default() });
    let variables = [("DATABASE_URL", cluster.url("postgres")), (QUIET.0, QUIET.1.to_owned())];
    let server = ServerProcess::start(Path::new(crate::common::PROGRAM), &variables);
    let options = load(&[server.url()]);
    let (verdict, _, cluster) = judged(options, async {
        blocking(move || {
            // The events of the load must survive, or there is nothing to judge.
            sql(&cluster, "CHECKPOINT");
            let began = Instant::now();
            while changes(&cluster) < 500 {
                assert!(began.elapsed() < UNDER_WAY_WITHIN, "the load is under way");
                std::thread::sleep(Duration::from_millis(20));
            }
            let began = Instant::now();
            while unwritten(&cluster) < bytes_unwritten && began.elapsed() < Duration::from_secs(10)
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            cluster.kill9();
            cluster.restart();
            cluster
        })
        .await
    })
    .await;
    drop((server, cluster));
    verdict
}

/// How often an event was changed.
fn changes(cluster: &Cluster) -> u64 {
    number(cluster, "SELECT coalesce(sum(version), 0)::bigint FROM events")
}

/// How many bytes of the log are in PostgreSQL's own memory alone.
fn unwritten(cluster: &Cluster) -> u64 {
    number(
        cluster,
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_lsn())::bigint",
    )
}

fn number(cluster: &Cluster, query: &str) -> u64 {
    let rows = sql(cluster, query);
    rows[0][0].as_deref().and_then(|number| number.parse().ok()).expect("a number")
}

fn sql(cluster: &Cluster, statement: &str) -> Rows {
    run_sql(&cluster.url("postgres"), statement).expect("it is answered")
}

/// A client that disconnects in the middle of its request leaves all of it or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_vanish_leave_all_or_nothing() {
    use crate::common::http;
    use serde_json::json;
    use std::io::Write;
    let _turn = turn().await;
    let app = App::start_with(Data::postgres(), &[QUIET]);
    let app = blocking(move || {
        let event = app.create(1_000);
        let path = format!("/events/{event}/register");
        let body = |who: usize| json!({"user_email": format!("p{who}@example.org")}).to_string();
        let request = |who: usize| {
            let body = body(who);
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Idempotency-Key: vanishing-client-{who}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        for who in 0..200 {
            let mut stream = http::connect(app.url());
            let bytes = request(who).into_bytes();
            // Some leave in the middle, some at the very end.
            let length = if who % 2 == 0 { bytes.len() } else { bytes.len() - 1 - who % 40 };
            stream.write_all(&bytes[..length]).expect("it is taken");
        }
        // A client that sent all of it repeats the request, and gets the one seat that it has.
        for who in (0..200).step_by(2) {
            let key = format!("vanishing-client-{who}");
            let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key.as_str())];
            let replayed = http::send(app.url(), "POST", &path, &headers, body(who).as_bytes());
            assert_eq!(replayed.status, 201, "{replayed:?}");
        }
        let seats = app.get(&format!("/events/{event}/registrations")).json();
        assert_eq!(seats.as_array().expect("a list").len(), 100);
        app
    })
    .await;
    app.assert_audit_is_clean();
}
