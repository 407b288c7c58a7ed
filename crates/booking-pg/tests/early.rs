//! A store that lets go of rows before their commit is safe: what is told is safe all the same.

mod common;

use booking_core::prelude::*;
use booking_core::{EventId, Execution, Outcome, Refusal, StoreError, WhenBusy};
use booking_pg::{PgOptions, PgStore};
use booking_testkit::{Cluster, ClusterOptions, run_sql};
use common::{REACHABLE_WITHIN, create, execute, options, register};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

/// It passes the cases that every store must pass.
mod suite {
    use crate::common::PgFixture;

    booking_conformance::suite!(PgFixture { early_release: true, ..PgFixture::new() });
}

/// For what happens soon, on a machine that has other work.
const SOON: Duration = Duration::from_secs(60);
/// Longer than an answer takes that waits for nothing, and well within the time of one attempt.
const A_WHILE: Duration = Duration::from_millis(500);

const COUNT: &str = "SELECT count(*) FROM registrations";
/// Those who wait for the standby, but for whoever asks.
const WAITS: &str = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

type Executed = Result<Vec<Execution>, StoreError>;

/// A server, a standby that it waits for, and a store that lets go early.
struct Pair {
    store: Arc<PgStore>,
    event: EventId,
    standby: Cluster,
    primary: Cluster,
    released: Arc<AtomicUsize>,
}

fn tell(cluster: &Cluster, sql: &str) -> Option<String> {
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

async fn early(url: &str, pool_size: usize) -> PgStore {
    let options = PgOptions { early_release: true, ..options(url, pool_size) };
    PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there")
}

impl Pair {
    async fn start(alter: impl FnOnce(PgStore) -> PgStore) -> Self {
        let options = ClusterOptions { durable: false, ..ClusterOptions::default() };
        let primary = Cluster::start(options.clone());
        let standby = primary.start_standby(options);
        let (first, second) = (primary.port(), standby.port());
        let url = format!("postgresql://postgres@127.0.0.1:{first},127.0.0.1:{second}/postgres");
        let store = Arc::new(alter(early(&url, 10).await));
        store.migrate().await.expect("the migrations run");
        let event = create(&store, 100).await.id;
        tell(&primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
        tell(&primary, "SELECT pg_reload_conf()");
        until("the standby is synchronous", async || {
            tell(&primary, "SELECT sync_state FROM pg_stat_replication").as_deref() == Some("sync")
        })
        .await;
        // What was there before is on it, and nobody has to wait for that.
        execute(&store, &[register(event, "before")]).await;
        let pair = Self { store, event, standby, primary, released: Arc::default() };
        until("the standby has it", async || pair.has_seat("before")).await;
        pair
    }

    /// Asks for a seat.
    fn ask(&self, who: &str) -> JoinHandle<Executed> {
        let (store, batch) = (Arc::clone(&self.store), [register(self.event, who)]);
        let released = Arc::clone(&self.released);
        tokio::spawn(async move {
            let tell = move || {
                released.fetch_add(1, Ordering::SeqCst);
            };
            store.execute_releasing(&batch, WhenBusy::Wait, &tell).await
        })
    }

    async fn until_released(&self, batches: usize) {
        until("the event is free again", async || self.released.load(Ordering::SeqCst) >= batches)
            .await;
    }

    async fn until_there(&self, who: &str) {
        let there = format!("SELECT 1 FROM registrations WHERE user_email LIKE '{who}@%'");
        until("it is committed", async || tell(&self.primary, &there).is_some()).await;
    }

    /// The primary dies with everything that only it has, and the standby leads.
    async fn fail_over(&self) {
        self.primary.kill9();
        // What it was sent while it was stopped the system still has for it, until it dies.
        self.standby.kill9();
        self.standby.restart();
        // Whatever it still replays may cancel what it is asked meanwhile.
        let ask = |sql: &str| run_sql(&self.standby.socket_url("postgres"), sql);
        until("the standby leads", async || {
            let told = ask("SELECT pg_is_in_recovery()");
            let leads = told.is_ok_and(|rows| rows[0][0].as_deref() == Some("f"));
            if !leads {
                let _ = ask("SELECT pg_promote(false)");
            }
            leads
        })
        .await;
    }

    /// Whether somebody has a seat where the standby leads.
    fn has_seat(&self, who: &str) -> bool {
        let there = format!("SELECT 1 FROM registrations WHERE user_email LIKE '{who}@%'");
        let rows = run_sql(&self.standby.socket_url("postgres"), &there);
        rows.is_ok_and(|rows| !rows.is_empty())
    }
}

fn is_confirmed(executed: &Executed) -> bool {
    matches!(executed.as_deref(), Ok([Execution::Decided(Outcome::Confirmed(_))]))
}

fn is_refused(executed: &Executed) -> bool {
    let refused = |execution: &Execution| {
        matches!(execution, Execution::Decided(Outcome::Refused(Refusal::AlreadyRegistered)))
    };
    executed.as_deref().is_ok_and(|executed| executed.iter().all(refused))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_batch_begins_before_the_standby_has_answered_and_nobody_is_told_anything() {
    let pair = Pair::start(|store| store).await;
    pair.standby.pause();
    let ada = pair.ask("ada");
    pair.until_released(1).await;
    let grace = pair.ask("grace");
    pair.until_released(2).await;
    // It rests on what may be lost, and so may be wrong.
    let again = pair.ask("ada");
    pair.until_released(3).await;
    pair.until_there("grace").await;
    let (reader, recounter) = (Arc::clone(&pair.store), Arc::clone(&pair.store));
    let event = pair.event;
    let reading = tokio::spawn(async move { reader.event(event).await });
    let recounting = tokio::spawn(async move { recounter.audit().await });
    tokio::time::sleep(A_WHILE).await;
    assert!(!ada.is_finished() && !grace.is_finished(), "no standby has them");
    assert!(!again.is_finished(), "it would be told of a seat that may be lost");
    assert!(!reading.is_finished() && !recounting.is_finished(), "it would show them");
    // Whoever asks whether it is well is told nothing that could be lost.
    let health = pair.store.health().await.expect("it answers");
    assert!(health.takes_writes);

    pair.standby.resume();
    assert!(is_confirmed(&ada.await.expect("no panic")));
    assert!(is_confirmed(&grace.await.expect("no panic")));
    assert!(is_refused(&again.await.expect("no panic")));
    let shown = reading.await.expect("no panic").expect("it answers").expect("it is there");
    assert_eq!(shown.booked_count, 3);
    let report = recounting.await.expect("no panic").expect("it answers");
    assert_eq!((report.registrations, report.differences), (3, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_with_the_server_nobody_was_told_of_and_it_is_decided_anew() {
    let pair = Pair::start(|store| store).await;
    pair.standby.pause();
    let mut asked = Vec::new();
    for (number, who) in ["ada", "grace", "ada"].into_iter().enumerate() {
        asked.push(pair.ask(who));
        pair.until_released(number + 1).await;
    }
    let (reader, event) = (Arc::clone(&pair.store), pair.event);
    let reading = tokio::spawn(async move { reader.event(event).await });
    tokio::time::sleep(A_WHILE).await;
    assert!(asked.iter().all(|asking| !asking.is_finished()) && !reading.is_finished());
    pair.fail_over().await;
    let mut answers = Vec::new();
    for asking in asked {
        answers.push(asking.await.expect("no panic"));
    }
    // Nobody knows in which order they come there. Whoever was refused because of a seat that was lost may hear that the
    // server is away instead, as nothing was changed for them.
    let seats = answers.iter().filter(|answer| is_confirmed(answer)).count();
    assert!(is_confirmed(&answers[1]), "{answers:?}");
    assert!(is_confirmed(&answers[0]) != is_confirmed(&answers[2]), "{answers:?}");
    assert_eq!(tell(&pair.standby, COUNT), Some((1 + seats).to_string()));
    if let Ok(Some(shown)) = reading.await.expect("no panic") {
        assert!(shown.booked_count <= 3, "{shown:?}");
    }
    let report = pair.store.audit().await.expect("it answers");
    assert_eq!(report.differences, []);
}

/// PostgreSQL calls a commit done whose wait for the standby was broken off, with no more than a warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_the_standby_that_is_broken_off_confirms_nothing() {
    let pair = Pair::start(|store| store).await;
    for break_off in ["pg_cancel_backend", "pg_terminate_backend"] {
        pair.standby.pause();
        let asking = pair.ask(break_off);
        let (reader, event) = (Arc::clone(&pair.store), pair.event);
        pair.until_there(break_off).await;
        let reading = tokio::spawn(async move { reader.event(event).await });
        until("both wait", async || {
            tell(&pair.primary, &format!("SELECT count(*) FROM ({WAITS}) AS w")).as_deref()
                == Some("2")
        })
        .await;
        tell(&pair.primary, &format!("SELECT {break_off}(pid) FROM ({WAITS}) AS waiting"));
        until("both wait again", async || {
            assert!(!asking.is_finished() && !reading.is_finished(), "{break_off}");
            tell(&pair.primary, &format!("SELECT count(*) FROM ({WAITS}) AS w")).as_deref()
                == Some("2")
        })
        .await;
        pair.standby.resume();
        assert!(is_confirmed(&asking.await.expect("no panic")), "{break_off}");
        reading.await.expect("no panic").expect("it answers");
        until("the standby has it", async || pair.has_seat(break_off)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_busy_is_not_overtaken() {
    let database = common::migrated_database();
    let store = early(database.url(), 4).await;
    let (held, free) = (create(&store, 5).await.id, create(&store, 5).await.id);
    let (client, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let lock = format!("BEGIN; SELECT 1 FROM events WHERE id = '{held}' FOR UPDATE");
    client.batch_execute(&lock).await.expect("the row is there");
    let released = AtomicUsize::new(0);
    let told = || {
        released.fetch_add(1, Ordering::SeqCst);
    };
    let batch = [register(held, "ada"), register(free, "ada")];
    let executions = store.execute_releasing(&batch, WhenBusy::Skip, &told).await;
    let executions = executions.expect("it answers");
    assert_eq!(executions[0], Execution::Busy);
    assert_eq!(released.load(Ordering::SeqCst), 0);
    let executions = store.execute_releasing(&batch[1..], WhenBusy::Skip, &told).await;
    assert!(is_confirmed(&executions));
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

/// Else looking at a store would write to it for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_wait_for_nothing_where_nothing_has_happened() {
    let settings = vec!["autovacuum = off".to_owned()];
    let cluster = Cluster::start(ClusterOptions { settings, durable: false, ..Default::default() });
    let store = early(&cluster.url("postgres"), 4).await;
    store.migrate().await.expect("the migrations run");
    let event = create(&store, 5).await.id;
    let next = || tell(&cluster, "SELECT pg_snapshot_xmax(pg_current_snapshot())");
    let mut before = next();
    for who in ["ada", "grace"] {
        execute(&store, &[register(event, who)]).await;
        store.event(event).await.expect("it answers");
        assert_ne!(next(), before, "there was something to write");
        before = next();
        for _ in 0..10 {
            store.event(event).await.expect("it answers");
            store.audit().await.expect("it answers");
        }
        assert_eq!(next(), before, "a transaction was begun that writes");
    }
    // Somebody else commits what is not safe yet.
    let script = "SET synchronous_commit = off; UPDATE events SET description = 'told'";
    tell(&cluster, script);
    let shown = store.event(event).await.expect("it answers").expect("it is there");
    assert_eq!(shown.details.description.as_str(), "told");
    let flushed = "SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()";
    assert_eq!(tell(&cluster, flushed).as_deref(), Some("t"), "it was shown before it was safe");
}

#[tokio::test]
async fn a_standby_can_be_looked_at() {
    let options = ClusterOptions { durable: false, ..ClusterOptions::default() };
    let primary = Cluster::start(options.clone());
    let leader = early(&primary.url("postgres"), 2).await;
    leader.migrate().await.expect("the migrations run");
    let event = create(&leader, 2).await;
    execute(&leader, &[register(event.id, "ada")]).await;
    let standby = primary.start_standby(options);
    let store = early(&standby.url("postgres"), 2).await;
    let report = store.audit().await.expect("it answers");
    assert_eq!((report.registrations, report.differences), (1, vec![]));
    assert!(store.event(event.id).await.expect("it answers").is_some());
}

/// What is done wrong on purpose, and has to be seen by what is asserted above.
#[cfg(feature = "negative-control")]
mod controls {
    use super::*;
    use booking_pg::EarlyFlaw;

    async fn flawed(flaw: EarlyFlaw) -> Pair {
        Pair::start(move |store| store.with_early_flaw(flaw)).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_at_once_is_lost_with_the_server() {
        let pair = flawed(EarlyFlaw::AnswersAtOnce).await;
        pair.standby.pause();
        assert!(is_confirmed(&pair.ask("ada").await.expect("no panic")));
        pair.fail_over().await;
        assert!(pair.has_seat("before") && !pair.has_seat("ada"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_reader_who_does_not_wait_is_shown_what_is_lost() {
        let pair = flawed(EarlyFlaw::ShowsAtOnce).await;
        pair.standby.pause();
        let asking = pair.ask("ada");
        pair.until_released(1).await;
        let shown = pair.store.event(pair.event).await.expect("it answers").expect("it is there");
        assert_eq!(shown.booked_count, 2);
        assert!(!asking.is_finished());
        // Whoever asked for the seat is gone, too.
        asking.abort();
        pair.fail_over().await;
        assert!(pair.has_seat("before") && !pair.has_seat("ada"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_wait_that_is_broken_off_and_trusted_is_lost_with_the_server() {
        let pair = flawed(EarlyFlaw::TrustsBrokenOff).await;
        pair.standby.pause();
        let asking = pair.ask("ada");
        until("it waits", async || tell(&pair.primary, WAITS).is_some()).await;
        tell(&pair.primary, &format!("SELECT pg_cancel_backend(pid) FROM ({WAITS}) AS waiting"));
        assert!(is_confirmed(&asking.await.expect("no panic")));
        pair.fail_over().await;
        assert!(pair.has_seat("before") && !pair.has_seat("ada"));
    }
}
