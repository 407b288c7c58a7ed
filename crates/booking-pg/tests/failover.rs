//! Two servers, of which one takes writes, and later the other.

mod common;

use booking_core::prelude::*;
use booking_core::{EventId, Execution, Outcome, WhenBusy};
use booking_pg::{ConnectError, PgStore};
use booking_testkit::{Cluster, ClusterOptions, run_sql};
use common::{connect, create, execute, options, register};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

/// A limit for what happens soon, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A primary with our tables, and a standby that follows it.
fn pair() -> (Cluster, Cluster) {
    let options = ClusterOptions { durable: false, ..ClusterOptions::default() };
    let primary = Cluster::start(options.clone());
    let standby = primary.start_standby(options);
    (primary, standby)
}

/// A URL with both, in this order.
fn url(first: &Cluster, second: &Cluster, rest: &str) -> String {
    let (first, second) = (first.port(), second.port());
    format!("postgresql://postgres@127.0.0.1:{first},127.0.0.1:{second}/postgres{rest}")
}

fn query(cluster: &Cluster, sql: &str) -> Option<String> {
    let rows = run_sql(&cluster.socket_url("postgres"), sql);
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.first().and_then(|row| row[0].clone())
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < SOON, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn promote(standby: &Cluster) {
    assert_eq!(query(standby, "SELECT pg_promote()").as_deref(), Some("t"));
}

async fn take_no_writes(cluster: &Cluster, none: bool) {
    let setting = if none { "on" } else { "off" };
    query(cluster, &format!("ALTER SYSTEM SET default_transaction_read_only = {setting}"));
    query(cluster, "SELECT pg_reload_conf()");
    // Sessions that exist have the setting before any new one begins.
    until("the setting is in effect", async || {
        query(cluster, "SHOW default_transaction_read_only").as_deref() == Some(setting)
    })
    .await;
}

/// A session that blocks all reads of the ticket keys until it is dropped.
async fn hold_signing_keys(cluster: &Cluster) -> tokio_postgres::Client {
    let url = cluster.url("postgres");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let lock = "BEGIN; LOCK TABLE signing_keys IN ACCESS EXCLUSIVE MODE";
    client.batch_execute(lock).await.expect("nobody else holds it");
    client
}

/// Opens every connection that the pool may have, and leaves them idle.
async fn fill_pool(store: &PgStore, event: EventId) {
    let reads = (0..store.pool_size()).map(|_| store.event(event));
    for read in futures_util::future::join_all(reads).await {
        read.expect("it answers");
    }
}

async fn booked(store: &PgStore, event: EventId) -> u32 {
    store.event(event).await.expect("it answers").expect("it is there").booked_count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writable_server_is_found_in_any_order_and_after_a_failover() {
    let (primary, standby) = pair();
    let stores = [
        connect(&url(&primary, &standby, "?target_session_attrs=read-write"), 3).await,
        connect(&url(&standby, &primary, "?target_session_attrs=read-write"), 3).await,
        connect(&url(&standby, &primary, ""), 3).await,
    ];
    stores[0].migrate().await.expect("the migrations run");
    let event = create(&stores[0], 100).await.id;
    for (number, store) in stores.iter().enumerate() {
        execute(store, &[register(event, &format!("before-{number}"))]).await;
        fill_pool(store, event).await;
    }
    let url = format!("{}?target_session_attrs=read-write", standby.url("postgres"));
    let alone = PgStore::connect(&options(&url, 2), Duration::ZERO).await;
    let refused = alone.expect_err("a standby takes no writes");
    assert!(matches!(refused, ConnectError::Unreachable { .. }), "{refused:?}");

    until("everything is on the standby", async || {
        query(
            &primary,
            "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()",
        )
        .as_deref()
            == Some("1")
    })
    .await;
    primary.kill9();
    promote(&standby);
    for (number, store) in stores.iter().enumerate() {
        let batch = [register(event, &format!("after-{number}"))];
        let outcome = store.execute(&batch, WhenBusy::Wait).await;
        assert!(
            matches!(outcome.as_deref(), Ok([Execution::Decided(Outcome::Confirmed(_))])),
            "store {number}: {outcome:?}"
        );
        assert_eq!(booked(store, event).await, 4 + u32::try_from(number).expect("it is small"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_or_takes_no_writes_is_left_at_once() {
    let (first, second) = pair();
    // The server that will hang comes first, if they are asked in order.
    let store = Arc::new(connect(&url(&second, &first, ""), 4).await);
    store.migrate().await.expect("the migrations run");
    let event = create(&store, 100).await.id;
    until("the event is on the standby", async || {
        run_sql(&second.socket_url("postgres"), "SELECT 1 FROM events")
            .is_ok_and(|rows| rows.len() == 1)
    })
    .await;
    fill_pool(&store, event).await;

    // It still answers, and refuses to write, and a read is still in progress there.
    promote(&second);
    let holder = hold_signing_keys(&first).await;
    let reader = Arc::clone(&store);
    let reading = tokio::spawn(async move { reader.signing_seeds().await });
    let of_ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'booking'";
    let waiting = format!("{of_ours} AND wait_event_type = 'Lock'");
    until("somebody reads", async || query(&first, &waiting).as_deref() == Some("1")).await;
    take_no_writes(&first, true).await;
    let outcomes = store.execute(&[register(event, "ada")], WhenBusy::Wait).await;
    assert!(
        matches!(outcomes.as_deref(), Ok([Execution::Decided(Outcome::Confirmed(_))])),
        "the other one is there: {outcomes:?}"
    );
    drop(holder);
    reading.await.expect("no panic").expect("it answers");
    fill_pool(&store, event).await;
    assert_eq!(booked(&store, event).await, 1);
    until("nobody is left at the first", async || query(&first, of_ours).as_deref() == Some("0"))
        .await;

    // It accepts connections, as its system does for it, and never answers.
    take_no_writes(&first, false).await;
    second.pause();
    let hung = store.execute(&[register(event, "grace")], WhenBusy::Wait).await;
    hung.expect_err("it hangs");
    let outcomes = store.execute(&[register(event, "grace")], WhenBusy::Wait).await;
    assert!(
        matches!(outcomes.as_deref(), Ok([Execution::Decided(Outcome::Confirmed(_))])),
        "the first one is there again: {outcomes:?}"
    );
    second.resume();
}

/// PostgreSQL reports a commit as done whose wait for the standby was cancelled, with only a warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_no_standby_has_is_never_called_done() {
    let (primary, standby) = pair();
    let store = Arc::new(connect(&url(&primary, &standby, ""), 4).await);
    store.migrate().await.expect("the migrations run");
    let event = create(&store, 100).await.id;
    query(&primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    query(&primary, "SELECT pg_reload_conf()");
    until("the standby is synchronous", async || {
        query(&primary, "SELECT sync_state FROM pg_stat_replication").as_deref() == Some("sync")
    })
    .await;

    let waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    for break_off in ["pg_cancel_backend", "pg_terminate_backend"] {
        standby.pause();
        let (asked, batch) = (Arc::clone(&store), [register(event, break_off)]);
        let asking = tokio::spawn(async move { asked.execute(&batch, WhenBusy::Wait).await });
        until("COMMIT waits for the standby", async || query(&primary, waits).is_some()).await;
        query(&primary, &format!("SELECT {break_off}(pid) FROM ({waits}) AS waiting"));
        // It is there, and no caller was answered: the store has noticed, and waits for the standby
        // again.
        until("it is found out, with the standby's word", async || {
            assert!(!asking.is_finished(), "{break_off}: it was called done");
            query(&primary, &format!("{waits} AND query NOT LIKE '%_backend%'")).is_some()
                && query(
                    &primary,
                    &format!("SELECT 1 FROM registrations WHERE user_email LIKE '{break_off}@%'"),
                )
                .is_some()
        })
        .await;
        standby.resume();
        let outcomes = asking.await.expect("no panic").expect("it is found out");
        assert!(matches!(&outcomes[..], [Execution::Decided(Outcome::Confirmed(_))]));
        let there = format!("SELECT 1 FROM registrations WHERE user_email LIKE '{break_off}@%'");
        until("the standby has it", async || query(&standby, &there).is_some()).await;
    }
    assert_eq!(booked(&store, event).await, 2);
}

/// A recount there does not load the leader.
#[tokio::test]
async fn a_standby_can_be_recounted() {
    let options = ClusterOptions { durable: false, ..ClusterOptions::default() };
    let primary = Cluster::start(options.clone());
    let leader = connect(&primary.url("postgres"), 2).await;
    leader.migrate().await.expect("the migrations run");
    let event = create(&leader, 2).await;
    execute(&leader, &[register(event.id, "ada")]).await;
    // It copies the existing data.
    let standby = primary.start_standby(options);
    let store = connect(&standby.url("postgres"), 2).await;
    assert_eq!(store.check_tables().await.expect("they are there"), <[String; 0]>::default());
    let report = store.audit().await.expect("it answers");
    assert_eq!((report.registrations, report.differences), (1, vec![]));
    let health = store.health().await.expect("it answers");
    assert_eq!((health.takes_writes, health.trouble), (false, None));
}
