//! The negative controls: what is broken on purpose, the judge must see. Each runs behind the real
//! surface, and where a rule is left out the same load is clean with it.

use crate::common::{App, Data};
use crate::embedded::{fast_clock, serve};
use crate::{QUIET, assert_clean, blocking, judged, load, reach, turn};
use booking_conformance::MemoryStore;
use booking_core::{BookingStore, Rule};
use booking_load::judge::{Verdict, judge};
use booking_load::workload::{WorkloadOptions, run};
use booking_pg::{EarlyFlaw, PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
use booking_testkit::{Cluster, ClusterOptions, Database, Rows, ServerProcess, run_sql};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So long is a minute, the least that a hold lasts.
const MINUTE: Duration = Duration::from_millis(250);
/// By the same clock: half a second of ours.
const HOURS_WITHIN: Duration = Duration::from_secs(120);

/// How long a load may take until it has done what a test waits for.
const UNDER_WAY_WITHIN: Duration = Duration::from_secs(60);

fn short(url: &str) -> WorkloadOptions {
    let hours_within = Some(HOURS_WITHIN);
    WorkloadOptions { operations: 2_000, seats: 30, hours_within, ..load(&[url]) }
}

async fn verdict_without(rule: Rule) -> Verdict {
    let _turn = turn().await;
    let url = serve(move || async move {
        let store = MemoryStore::default().without_rule(rule).with_clock(fast_clock(MINUTE));
        Arc::new(store) as Arc<dyn BookingStore>
    });
    let (history, _) = run(short(&url)).await.expect("it can be run");
    judge(&history)
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
    let verdict = verdict_without(Rule::Expiry).await;
    assert!(verdict.count("confirmed_late") > 0, "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_never_ends_is_caught() {
    let verdict = verdict_without(Rule::EventEnd).await;
    assert!(verdict.count("after_the_end") > 0, "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passers_by_who_overtake_the_queue_are_caught() {
    let verdict = verdict_without(Rule::QueueFirst).await;
    assert!(verdict.count("queue_jumped") + verdict.count("waited_in_vain") > 0, "{verdict}");
}

/// Without the row lock two servers decide on the same state. The constraints that stand behind it are
/// gone too, or they would hold the line (`booking-pg/tests/negative_control.rs`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_its_lock_is_caught() {
    let _turn = turn().await;
    let data = Data::postgres();
    data.database().sql(
        "ALTER TABLE registrations DROP CONSTRAINT registrations_event_version; \
         ALTER TABLE facts DROP CONSTRAINT facts_pkey",
    );
    let unlocked = |url: String| {
        serve(move || async move {
            let options = PgOptions { pool_size: 6, ..PgOptions::parse(&url).expect("valid") };
            let store = PgStore::connect(&options, Duration::from_secs(20)).await;
            Arc::new(store.expect("it is there").without_row_lock()) as Arc<dyn BookingStore>
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

/// How many registrations share the version that they made with another.
fn same_versions(database: &Database) -> usize {
    let rows = database
        .sql("SELECT 1 FROM registrations GROUP BY event_id, event_version HAVING count(*) > 1");
    rows.len()
}

/// How often a control whose fault is a matter of chance is tried.
const TRIES: usize = 10;
/// What makes PostgreSQL keep what is not waited for in its own memory alone.
const UNWRITTEN: [&str; 2] = ["wal_writer_delay = 10s", "wal_writer_flush_after = 1GB"];
/// What is lost is seen as whatever it was: a registration, a change of one, a version given again.
const LOST: [&str; 5] =
    ["lost", "change_missing", "version_twice", "version_missing", "answered_twice"];

/// With `synchronous_commit` off PostgreSQL acknowledges before a commit is anywhere but in its own
/// memory, which dies with it. (The server warns of that setting when it starts.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledging_before_the_commit_is_caught() {
    let _turn = turn().await;
    let settings = ["synchronous_commit = off", UNWRITTEN[0], UNWRITTEN[1]];
    // Some ten commits.
    let verdict = after_a_kill(&settings, 8_000, program).await;
    assert!(LOST.iter().any(|rule| verdict.count(rule) > 0), "{verdict}");
}

/// The same kill, with the commit acknowledged when it is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledging_after_the_commit_survives_the_same() {
    let _turn = turn().await;
    let verdict = after_a_kill(&[], 0, program).await;
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
}

/// The same kill of a store that lets go of rows early, while flushes take long and so commits are nowhere but in
/// PostgreSQL's memory that others have built on already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letting_go_before_the_flush_survives_the_same() {
    let _turn = turn().await;
    let settings = [UNWRITTEN[0], UNWRITTEN[1], "commit_delay = 10000", "commit_siblings = 0"];
    for _ in 0..3 {
        let early = |cluster: &Cluster| program_with(cluster, &[("DB_EARLY_RELEASE", "true")]);
        let verdict = after_a_kill(&settings, 1_000, early).await;
        assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
    }
}

/// Letting go, and answering with it. What somebody reads makes PostgreSQL write all of it, so that it takes a kill at the
/// right instant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answering_as_soon_as_a_row_is_let_go_is_caught() {
    let _turn = turn().await;
    for number in 1.. {
        let verdict = after_a_kill(&UNWRITTEN, 1_000, |cluster: &Cluster| {
            let url = cluster.url("postgres");
            let url = serve(move || async move {
                let options =
                    PgOptions { early_release: true, ..PgOptions::parse(&url).expect("valid") };
                let store = PgStore::connect(&options, Duration::from_secs(20)).await;
                let store = store.expect("it is there");
                store.migrate().await.expect("the migrations run");
                Arc::new(store.with_early_flaw(EarlyFlaw::AnswersAtOnce)) as Arc<dyn BookingStore>
            });
            (url, None)
        })
        .await;
        if LOST.iter().any(|rule| verdict.count(rule) > 0) {
            break;
        }
        assert!(number < TRIES, "{verdict}");
    }
}

/// Kills PostgreSQL once the load is well under way, when that many bytes of its log are in its own memory
/// alone, or have not been for a while.
async fn after_a_kill(
    settings: &[&str],
    bytes_unwritten: u64,
    start: impl FnOnce(&Cluster) -> (String, Option<ServerProcess>),
) -> Verdict {
    let settings = settings.iter().map(|&line| line.to_owned()).collect();
    let cluster = Cluster::start(ClusterOptions { settings, ..ClusterOptions::default() });
    let (url, server) = start(&cluster);
    let options = load(&[&url]);
    let (verdict, _, cluster) = judged(options, async {
        blocking(move || {
            // The events that the load puts up are to be there afterwards, or there is nothing to judge.
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

/// The program, on a cluster.
fn program(cluster: &Cluster) -> (String, Option<ServerProcess>) {
    program_with(cluster, &[])
}

fn program_with(
    cluster: &Cluster,
    settings: &[(&'static str, &str)],
) -> (String, Option<ServerProcess>) {
    let mut variables =
        vec![("DATABASE_URL", cluster.url("postgres")), (QUIET.0, QUIET.1.to_owned())];
    variables.extend(settings.iter().map(|&(name, value)| (name, value.to_owned())));
    let server = ServerProcess::start(Path::new(crate::common::PROGRAM), &variables);
    (server.url().to_owned(), Some(server))
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

/// A client that goes away in the middle of its request leaves all of it or nothing.
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
        // Whoever sent all of it asks again, and hears of the one seat that they have.
        for who in (0..200).step_by(2) {
            let key = format!("vanishing-client-{who}");
            let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key.as_str())];
            let told = http::send(app.url(), "POST", &path, &headers, body(who).as_bytes());
            assert_eq!(told.status, 201, "{told:?}");
        }
        let seats = app.get(&format!("/events/{event}/registrations")).json();
        assert_eq!(seats.as_array().expect("a list").len(), 100);
        app
    })
    .await;
    app.assert_audit_is_clean();
}
