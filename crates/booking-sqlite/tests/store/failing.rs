//! What becomes of the store, and of its callers, when something goes wrong.

use crate::common::{Database, chain, confirm, create, register};
use booking_core::prelude::*;
use booking_core::{Caller, Claim, Command, EventCommand, Listed, PageLimit, StoreError, WhenBusy};
use booking_sqlite::{JOBS_MAX, Options};
use chrono::Utc;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const SHORT: Duration = Duration::from_millis(150);
/// Makes a process of this test file the one that is killed, and names its database.
const PATH_VARIABLE: &str = "BOOKING_SQLITE_TEST_KILL";

#[tokio::test]
async fn a_lock_held_too_long_is_unavailable_and_passes() {
    let database = Database::new();
    let options = Options { busy_timeout: SHORT, ..Options::default() };
    let store = database.open_with(options).await;
    let event = create(&store, 10).await;

    let other = database.connect();
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let started = Instant::now();
    for when_busy in [WhenBusy::Skip, WhenBusy::Wait] {
        let failure = store.execute(&[register(event.id, "ada")], when_busy).await;
        let failure = failure.expect_err("somebody else has the lock");
        assert!(matches!(failure, StoreError::Unavailable(_)), "{failure:?}");
        assert!(chain(&failure).contains("locked"), "{}", chain(&failure));
    }
    assert!(started.elapsed() >= 2 * SHORT);
    // Readers go on all the while.
    assert_eq!(store.event(event.id).await.expect("the store answers"), Some(event.clone()));

    other.execute_batch("ROLLBACK").expect("unlocked");
    confirm(&store, register(event.id, "ada")).await;
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (1, vec![]));
}

#[tokio::test]
async fn a_lock_held_a_while_is_waited_for() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 10).await;
    let other = database.connect();
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let unlock = std::thread::spawn(move || {
        std::thread::sleep(SHORT);
        other.execute_batch("COMMIT").expect("unlocked");
    });
    confirm(&store, register(event.id, "ada")).await;
    unlock.join().expect("unlocked");
}

#[tokio::test]
async fn a_panic_is_reported_and_the_writer_goes_on() {
    let database = Database::new();
    let broken = Arc::new(AtomicBool::new(false));
    let clock = {
        let broken = Arc::clone(&broken);
        move || {
            if broken.load(Ordering::SeqCst) { panic!("the clock fell down") } else { Utc::now() }
        }
    };
    let store =
        database.open_with(Options { clock: Some(Arc::new(clock)), ..Options::default() }).await;
    let event = create(&store, 10).await;
    broken.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let failure = store.execute(&[register(event.id, "ada")], WhenBusy::Wait).await;
        let failure = failure.expect_err("the clock panics");
        assert!(matches!(failure, StoreError::Broken(_)), "{failure:?}");
        assert!(chain(&failure).contains("the clock fell down"), "{}", chain(&failure));
    }
    broken.store(false, Ordering::SeqCst);
    confirm(&store, register(event.id, "ada")).await;
}

#[tokio::test]
async fn a_caller_that_gives_up_while_waiting_gets_no_seat() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 10).await;
    let other = database.connect();
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    // The first is in progress and waits for the lock; the second waits for the writer.
    let (first, second) = ([register(event.id, "first")], [register(event.id, "second")]);
    let patient = store.execute(&first, WhenBusy::Wait);
    tokio::pin!(patient);
    assert!(tokio::time::timeout(SHORT, &mut patient).await.is_err());
    assert!(tokio::time::timeout(SHORT, store.execute(&second, WhenBusy::Wait)).await.is_err());
    other.execute_batch("ROLLBACK").expect("unlocked");
    patient.await.expect("the store answers");
    confirm(&store, register(event.id, "third")).await;
    let report = store.audit().await.expect("the store answers");
    assert_eq!(report.registrations, 2);
}

#[tokio::test]
async fn more_jobs_than_the_queue_holds_are_refused_at_once() {
    let database = Database::new();
    let options = Options { busy_timeout: Duration::from_millis(1), ..Options::default() };
    let store = Arc::new(database.open_with(options).await);
    let event = create(&store, 10).await;
    let other = database.connect();
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let mut callers = JoinSet::new();
    for who in 0..JOBS_MAX * 3 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let failure = store.execute(&[register(event.id, who)], WhenBusy::Wait).await;
            let failure = failure.expect_err("somebody else has the lock");
            assert!(matches!(failure, StoreError::Unavailable(_)), "{failure:?}");
            chain(&failure).contains("waiting for the writer")
        });
    }
    let refused = callers.join_all().await.into_iter().filter(|refused| *refused).count();
    assert!(refused > 0, "nobody was refused");
    other.execute_batch("ROLLBACK").expect("unlocked");
    confirm(&store, register(event.id, "ada")).await;
}

#[tokio::test]
async fn an_invalid_row_is_reported_as_broken() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 10).await;
    let seat = confirm(&store, register(event.id, "ada")).await;
    let other = database.connect();
    let spoil = "UPDATE registrations SET user_email = 'nobody at all'";
    other.execute_batch(spoil).expect("written");
    let page = store.registrations(event.id, Listed::All, None, PageLimit::MAX).await;
    let failure = page.expect_err("that is no address");
    assert!(matches!(failure, StoreError::Broken(_)), "{failure:?}");
    assert!(chain(&failure).contains("registrations.user_email"), "{}", chain(&failure));
    let again = EventCommand::new(
        event.id,
        Caller::Operator,
        Command::Register(Claim::new(seat.id, seat.person.user_email).into()),
    );
    let failure = store.execute(&[again], WhenBusy::Wait).await.expect_err("nor here");
    assert!(matches!(failure, StoreError::Broken(_)), "{failure:?}");
}

#[tokio::test]
async fn acknowledged_seats_survive_a_kill() {
    if let Some(path) = std::env::var_os(PATH_VARIABLE) {
        acknowledge_for_ever(path).await;
    }
    let database = Database::new();
    let mut child = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "failing::acknowledged_seats_survive_a_kill", "--nocapture"])
        .env(PATH_VARIABLE, database.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut acknowledged = Vec::new();
    let mut read = |acknowledged: &mut Vec<String>| match lines.next() {
        Some(Ok(line)) => acknowledged.extend(line.strip_prefix("told ").map(str::to_owned)),
        _ => panic!("it ended by itself"),
    };
    while acknowledged.len() < 50 {
        read(&mut acknowledged);
    }
    child.kill().expect("killed");
    child.wait().expect("it ended");
    acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| {
        // The last may be cut off.
        line.strip_prefix("told ").filter(|id| id.len() == 36).map(str::to_owned)
    }));

    let report = database.open().await.audit().await.expect("the store answers");
    assert_eq!(report.differences, []);
    let stored: Vec<uuid::Uuid> = database
        .connect()
        .prepare("SELECT id FROM registrations")
        .expect("prepared")
        .query_map([], |row| row.get(0).map(uuid::Uuid::from_bytes))
        .expect("queried")
        .collect::<Result<_, _>>()
        .expect("read");
    for id in &acknowledged {
        let id = id.parse().expect("an id");
        assert!(stored.contains(&id), "{id} was told and is lost");
    }
    // At most one more: the one that was in progress.
    assert!(
        stored.len() <= acknowledged.len() + 1,
        "{} kept, {} told",
        stored.len(),
        acknowledged.len()
    );
}

async fn acknowledge_for_ever(path: std::ffi::OsString) -> ! {
    let store = booking_sqlite::SqliteStore::open(path, Options::default()).await.expect("opened");
    let event = create(&store, 1_000_000).await;
    for who in 0.. {
        let seat = confirm(&store, register(event.id, who)).await;
        println!("told {}", seat.id);
    }
    unreachable!("somebody kills this process")
}
