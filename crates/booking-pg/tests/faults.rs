//! Connections that break at the worst moment, and databases that die.

mod common;

use booking_core::prelude::*;
use booking_core::{
    EventCommand, EventId, Execution, Outcome, PageLimit, Refusal, Status, StoreError, WhenBusy,
};
use booking_pg::PgStore;
use booking_testkit::{Cluster, ClusterOptions};
use common::{
    cancel, confirm, connect, create, create_token, execute, hold, key, migrated_database,
    new_event, new_token, number, options, register, succeed,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// All attempts of a write have 10 s; on a busy machine they end later, but they do end.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(30);

/// A proxy that passes each COMMIT on and then closes the connection, before the answer, as often as
/// it is configured to.
struct CutAfterCommit {
    url: String,
    cuts: Arc<AtomicUsize>,
    /// As long as this is locked, connections are not closed yet.
    open: Arc<Mutex<()>>,
}

impl CutAfterCommit {
    async fn to(url: &str, cuts: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (_, rest) = url.split_once("127.0.0.1:").expect("a URL of the test cluster");
        let (database_port, name) = rest.split_once('/').expect("a database");
        let target: u16 = database_port.parse().expect("a port");
        let (cuts, open) = (Arc::new(AtomicUsize::new(cuts)), Arc::default());
        tokio::spawn(accept(listener, target, Arc::clone(&cuts), Arc::clone(&open)));
        Self { url: format!("postgresql://postgres@127.0.0.1:{port}/{name}"), cuts, open }
    }
}

async fn accept(listener: TcpListener, target: u16, cuts: Arc<AtomicUsize>, open: Arc<Mutex<()>>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
        tokio::spawn(carry(client, server, Arc::clone(&cuts), Arc::clone(&open)));
    }
}

async fn carry(client: TcpStream, server: TcpStream, cuts: Arc<AtomicUsize>, open: Arc<Mutex<()>>) {
    let (mut client_in, mut client_out) = client.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut server_in, &mut client_out).await;
    });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = client_in.read(&mut buffer).await {
        if length == 0 {
            break;
        }
        let commits = buffer[..length].windows(7).any(|bytes| bytes == b"COMMIT\0");
        let left = cuts.load(Ordering::SeqCst);
        if commits && left > 0 {
            cuts.store(left.saturating_sub(1), Ordering::SeqCst);
            // The answer is dropped; the commit itself goes through.
            back.abort();
            let _ = server_out.write_all(&buffer[..length]).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(open.lock().await);
            return;
        }
        if server_out.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    back.abort();
}

/// An event with two seats, and a store whose next COMMIT gets no answer.
async fn event_behind_cut(url: &str, direct: &PgStore) -> (CutAfterCommit, EventId, PgStore) {
    let way = CutAfterCommit::to(url, 1).await;
    let event = create(direct, 2).await.id;
    let store = connect(&way.url, 3).await;
    (way, event, store)
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    for is_first in [false, true] {
        let (way, event, store) = event_behind_cut(database.url(), &direct).await;
        let batch = ["ada", "grace", "edsger"];
        let batch = batch.map(|who| EventCommand { is_first, ..register(event, who) });
        let executions = store.execute(&batch, WhenBusy::Skip).await.expect("it was found out");
        assert_eq!(way.cuts.load(Ordering::SeqCst), 0, "the connection was cut");
        let confirmed =
            |execution: &Execution| matches!(execution, Execution::Decided(Outcome::Confirmed(_)));
        assert_eq!(executions.iter().map(confirmed).collect::<Vec<_>>(), [true, true, false]);
        let read = direct.event(event).await.expect("it answers").expect("it is there");
        assert_eq!(read.booked_count, 2);
    }
    assert_eq!(direct.audit().await.expect("it answers").differences, []);
}

/// Also that of a command that was sent once: when it is found out, its address does not lead to it any more.
#[tokio::test]
async fn a_registration_that_was_cancelled_after_a_lost_commit_is_found_by_its_id() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    for is_first in [false, true] {
        let (way, event, store) = event_behind_cut(database.url(), &direct).await;
        let ada = EventCommand { is_first, ..register(event, "ada") };
        let id = ada.registration_id().expect("it makes one");
        let cancelling = async {
            loop {
                if let Some(found) = direct.registration(id).await.expect("it answers") {
                    return succeed(&direct, cancel(&found)).await;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let batch = [ada];
        let (outcomes, cancelled) = tokio::join!(execute(&store, &batch), cancelling);
        assert_eq!(way.cuts.load(Ordering::SeqCst), 0, "the connection was cut");
        assert_eq!(outcomes[0].registration().map(|row| row.id), Some(cancelled.id));
        let read = direct.event(event).await.expect("it answers").expect("it is there");
        assert_eq!((read.booked_count, read.version.get()), (0, 3), "each was done once");
    }
    assert_eq!(direct.audit().await.expect("it answers").differences, []);
}

/// What was committed is not refused because its event is frozen by then, or has left: that is answered with "nothing
/// was changed". Nor do its neighbours wait until it can be found out, or because of an event that left before.
#[tokio::test]
async fn a_lost_commit_is_not_refused_because_its_event_is_moving() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    for (leaves, is_alone) in [(false, false), (false, true), (true, false), (true, true)] {
        let (way, event, store) = event_behind_cut(database.url(), &direct).await;
        let [beside, gone] = [create(&direct, 2).await.id, create(&direct, 2).await.id];
        let leave = async |event| {
            let mover = uuid::Uuid::now_v7().into();
            let begun = direct.begin_leaving(event, mover, "to").await.expect("it answers");
            begun.expect("its turn");
            mover
        };
        let freeze = async |event, mover| {
            direct.freeze(event, mover).await.expect("it answers").expect("it is mine").version
        };
        let hand_over = async |event, mover, version| {
            let left = direct.hand_over(event, mover, version).await.expect("it answers");
            assert!(left.is_some(), "it was frozen");
        };
        let mover = leave(gone).await;
        let version = freeze(gone, mover).await;
        hand_over(gone, mover, version).await;

        let ada = register(event, "ada");
        let id = ada.registration_id().expect("it makes one");
        let mover = leave(event).await;
        let open = way.open.lock().await;
        let moving = async {
            while direct.registration(id).await.expect("it answers").is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let version = freeze(event, mover).await;
            if leaves {
                hand_over(event, mover, version).await;
            }
            drop(open);
        };
        let mut batch = vec![ada, register(beside, "grace"), register(gone, "joan")];
        batch.truncate(if is_alone { 1 } else { 3 });
        let (executed, ()) = tokio::join!(store.execute(&batch, WhenBusy::Skip), moving);
        assert_eq!(way.cuts.load(Ordering::SeqCst), 0, "the connection was cut");
        match executed {
            Ok(executions) => {
                assert!(!is_alone);
                assert_eq!(executions[0], Execution::Unknown);
                let confirmed = matches!(executions[1], Execution::Decided(Outcome::Confirmed(_)));
                assert!(confirmed, "{executions:?}");
                let refused = Outcome::Refused(Refusal::EventMoving);
                assert_eq!(executions[2], Execution::Decided(refused), "it left before");
            }
            Err(unknown) => {
                assert!(is_alone && matches!(unknown, StoreError::CommitUnknown(_)), "{unknown:?}");
            }
        }
    }
}

/// Whatever the commands were, executing them again finds that they were executed.
#[tokio::test]
async fn a_lost_commit_of_changes_is_found_out() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    let event = create(&direct, 9).await.id;
    let mut registrations = Vec::new();
    for who in ["ada", "grace", "edsger"] {
        registrations.push(succeed(&direct, hold(event, who)).await);
    }
    let [ada, grace, edsger] = &registrations[..] else { unreachable!("there are three") };
    let way = CutAfterCommit::to(database.url(), 1).await;
    let store = connect(&way.url, 3).await;
    let batch = [
        confirm(ada),
        cancel(grace),
        register(event, "grace"),
        hold(event, "barbara"),
        cancel(edsger),
    ];
    let outcomes = execute(&store, &batch).await;
    assert_eq!(way.cuts.load(Ordering::SeqCst), 0, "the connection was cut");
    let statuses: Vec<_> =
        outcomes.iter().map(|outcome| outcome.registration().map(|row| row.status)).collect();
    let expected =
        [Status::Confirmed, Status::Cancelled, Status::Confirmed, Status::Held, Status::Cancelled];
    assert_eq!(statuses, expected.map(Some));
    let read = direct.event(event).await.expect("it answers").expect("it is there");
    assert_eq!((read.booked_count, read.version.get()), (3, 9), "each was done once");
    assert_eq!(direct.audit().await.expect("it answers").differences, []);
}

/// The caller gets its own event, and no answer that another request was first.
#[tokio::test]
async fn a_lost_commit_of_an_event_under_a_key_is_found_out() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    let way = CutAfterCommit::to(database.url(), 1).await;
    let store = connect(&way.url, 3).await;
    let new = new_event(3);
    let outcome = store.create_event_once(new.clone(), key(1, 1)).await.expect("it was found out");
    assert_eq!(way.cuts.load(Ordering::SeqCst), 0, "the connection was cut");
    let there = direct.event(new.id).await.expect("it answers").expect("it is there");
    assert_eq!(outcome, Outcome::EventChanged(Box::new(there)));
    let replayed = direct.create_event_once(new_event(3), key(1, 1)).await.expect("it answers");
    assert_eq!(replayed, Outcome::Replayed(Box::new(outcome)));
    assert_eq!(number(&database, "SELECT count(*) FROM events"), 1);
}

/// A token is created once, and assigned events are counted.
#[tokio::test]
async fn a_lost_commit_of_a_token_or_an_assignment_is_found_out() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    let way = CutAfterCommit::to(database.url(), 1).await;
    let store = connect(&way.url, 3).await;
    let token = create_token(&store, new_token("Ada", 1)).await;
    assert_eq!(way.cuts.load(Ordering::SeqCst), 0, "the connection was cut");
    assert_eq!(direct.tokens().await.expect("it answers"), std::slice::from_ref(&token));

    for _ in 0..3 {
        create(&direct, 9).await;
    }
    way.cuts.store(1, Ordering::SeqCst);
    let assigned = store.assign_events(token.organizer.id, PageLimit::MAX).await;
    assert_eq!((way.cuts.load(Ordering::SeqCst), assigned.expect("it was found out")), (0, 3));
    let left = "SELECT count(*) FROM events WHERE organizer_id IS NULL";
    assert_eq!(number(&database, left), 0);
}

#[tokio::test]
async fn a_commit_that_cannot_be_found_out_is_called_unknown() {
    let database = migrated_database();
    let way = CutAfterCommit::to(database.url(), usize::MAX).await;
    let direct = connect(database.url(), 2).await;
    let store = connect(&way.url, 2).await;
    // Each attempt is for a new event, so that each has something to commit.
    let event = create(&direct, 2).await.id;
    let batch = [register(event, "ada")];
    let blocked = async {
        // Once the first COMMIT went through, no more connections are accepted.
        while way.cuts.load(Ordering::SeqCst) == usize::MAX {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        database.sql("ALTER TABLE events RENAME TO events_away");
    };
    let began = Instant::now();
    let (unknown, ()) = tokio::join!(store.execute(&batch, WhenBusy::Wait), blocked);
    assert!(matches!(unknown, Err(StoreError::CommitUnknown(_))), "{unknown:?}");
    assert!(began.elapsed() < GIVEN_UP_WITHIN, "it took {:?}", began.elapsed());
    database.sql("ALTER TABLE events_away RENAME TO events");
    let asked_again = direct.execute(&batch, WhenBusy::Wait).await.expect("it answers");
    assert!(matches!(&asked_again[0], Execution::Decided(Outcome::Confirmed(_))));
    let event = direct.event(event).await.expect("it answers").expect("it is there");
    assert_eq!(event.booked_count, 1, "and it was committed the first time");
}

#[tokio::test]
async fn backends_that_are_terminated_are_replaced() {
    let database = migrated_database();
    let store = connect(database.url(), 4).await;
    let event = create(&store, 100_000).await.id;
    let storm = {
        let url = database.socket_url().to_owned();
        tokio::task::spawn_blocking(move || {
            for _ in 0..20 {
                let _ = booking_testkit::run_sql(
                    &url,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE application_name = 'booking' AND datname = current_database()",
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        })
    };
    let mut confirmed = 0;
    let mut turn = 0;
    while !storm.is_finished() || turn % 10 != 0 {
        let batch: Vec<_> = (0..5).map(|n| register(event, &format!("{turn}-{n}"))).collect();
        // The store retries by itself. On a machine so slow that each attempt is hit, it returns an
        // error, and the same batch is requested again, as clients do.
        let executions = loop {
            match store.execute(&batch, WhenBusy::Wait).await {
                Ok(executions) => break executions,
                Err(StoreError::Broken(cause)) => panic!("{cause}"),
                Err(StoreError::Unavailable(_) | StoreError::CommitUnknown(_)) => {}
            }
        };
        for execution in executions {
            assert!(matches!(execution, Execution::Decided(Outcome::Confirmed(_))));
            confirmed += 1;
        }
        turn += 1;
    }
    let event = store.event(event).await.expect("it answers").expect("it is there");
    assert_eq!(event.booked_count, confirmed);
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

#[tokio::test]
async fn a_database_that_dies_loses_nothing_it_acknowledged_and_heals() {
    let cluster = Cluster::start(ClusterOptions::default());
    let url = cluster.url("postgres");
    let store = connect(&url, 4).await;
    store.migrate().await.expect("the migrations run");
    let event = create(&store, 100_000).await.id;
    let mut acknowledged = Vec::new();
    let mut register_some = async |store: &booking_pg::PgStore,
                                   mark: &str|
           -> Result<(), StoreError> {
        for turn in 0..10 {
            let command = register(event, &format!("{mark}-{turn}"));
            let executions = store.execute(std::slice::from_ref(&command), WhenBusy::Skip).await?;
            assert!(matches!(&executions[0], Execution::Decided(Outcome::Confirmed(_))));
            acknowledged.push(command);
        }
        Ok(())
    };
    register_some(&store, "before").await.expect("it answers");
    cluster.kill9();
    let began = Instant::now();
    let down = register_some(&store, "during").await.expect_err("the database is dead");
    assert!(matches!(down, StoreError::Unavailable(_)), "{down:?}");
    assert!(began.elapsed() < GIVEN_UP_WITHIN);
    cluster.restart();
    register_some(&store, "after").await.expect("it is back");
    let again = store.execute(&acknowledged, WhenBusy::Wait).await.expect("it answers");
    assert_eq!(again.len(), 20);
    let event = store.event(event).await.expect("it answers").expect("it is there");
    assert_eq!(event.booked_count, 20, "what was told is what is there");
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

#[tokio::test]
async fn a_database_that_hangs_is_answered_for_in_time() {
    let cluster = Cluster::start(ClusterOptions { durable: false, ..ClusterOptions::default() });
    let url = cluster.url("postgres");
    let store = booking_pg::PgStore::connect(&options(&url, 3), common::REACHABLE_WITHIN).await;
    let store = store.expect("it is there");
    store.migrate().await.expect("the migrations run");
    let event = create(&store, 10).await.id;
    let batch = [register(event, "ada")];
    cluster.pause();
    let began = Instant::now();
    let hung = store.execute(&batch, WhenBusy::Wait).await.expect_err("it hangs");
    assert!(matches!(hung, StoreError::Unavailable(_)), "nothing was sent to commit: {hung:?}");
    assert!(began.elapsed() < GIVEN_UP_WITHIN, "it took {:?}", began.elapsed());
    cluster.resume();
    let executions = store.execute(&batch, WhenBusy::Wait).await.expect("it is back");
    assert!(matches!(&executions[0], Execution::Decided(Outcome::Confirmed(_))));
}

/// PostgreSQL's own DETAIL quotes the row, e-mail address and all, and errors are logged.
#[tokio::test]
async fn an_error_shows_no_row() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let event = create(&store, 5).await.id;
    database.sql("ALTER TABLE registrations ADD CHECK (user_email NOT LIKE 'ada@%')");
    let broken = store.execute(&[register(event, "ada")], WhenBusy::Wait).await;
    let error = broken.expect_err("the constraint refuses it");
    assert!(matches!(error, StoreError::Broken(_)), "{error:?}");
    let mut texts = format!("{error:?} {error}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        texts = format!("{texts} {cause:?} {cause}");
        source = cause.source();
    }
    assert!(texts.contains("23514") && !texts.contains("ada@"), "{texts}");
    let executions = store.execute(&[register(event, "grace")], WhenBusy::Wait).await;
    assert!(matches!(
        &executions.expect("it answers")[0],
        Execution::Decided(Outcome::Confirmed(_))
    ));
}
