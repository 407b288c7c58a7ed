//! An event that leaves while other transactions write the same rows, and the identity of a store.

mod common;

use booking_core::prelude::*;
use booking_core::{
    CellName, EventId, LeftEvent, MOVE_LEASE, MailKind, MailStep, MoveId, NewMail, PageLimit,
    SettledMail, StoreError, Version,
};
use booking_pg::{PgOptions, PgStore};
use common::{
    REACHABLE_WITHIN, connect, create, migrated_database, number, options, register, session,
    succeed,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use uuid::Uuid;

/// Waits until so many transactions wait for a lock.
async fn until_waiting(other: &Client, transactions: i64) {
    let since = Instant::now();
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while other.query_one(waiting, &[]).await.expect("it answers").get::<_, i64>(0) < transactions {
        assert!(since.elapsed() < Duration::from_secs(5), "nobody waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An event with two mails that a worker has, frozen for a move.
struct Leaving {
    store: Arc<PgStore>,
    event: EventId,
    mails: [NewMail; 2],
    mover: MoveId,
    version: Version,
}

impl Leaving {
    async fn in_database(url: &str) -> Self {
        let store = Arc::new(connect(url, 4).await);
        let event = create(&store, 9).await.id;
        let ada = succeed(&store, register(event, "ada")).await;
        let mail = |kind| NewMail {
            id: Uuid::now_v7().into(),
            event_id: event,
            registration_id: ada.id,
            kind,
            version: ada.event_version,
        };
        let mails = [mail(MailKind::Confirmed), mail(MailKind::Reminder)];
        store.add_mails(&mails).await.expect("it answers");
        let lease = Uuid::from_u128(7).into();
        assert_eq!(store.claim_mails(9, lease).await.expect("it answers").len(), 2);
        let mover = Uuid::now_v7().into();
        store.begin_leaving(event, mover, "to").await.expect("it answers").expect("its turn");
        let mark = store.freeze(event, mover).await.expect("it answers").expect("it is mine");
        Self { store, event, mails, mover, version: mark.version }
    }

    /// Has the event leave while `writing` is in progress, which is committed once the move waits
    /// for it.
    async fn leave_beside(&self, url: &str, writing: &str) -> LeftEvent {
        let (writer, other) = (session(url).await, session(url).await);
        writer.batch_execute(&format!("BEGIN; {writing}")).await.expect(writing);
        let (store, event) = (Arc::clone(&self.store), self.event);
        let (mover, version) = (self.mover, self.version);
        let leaving = tokio::spawn(async move { store.hand_over(event, mover, version).await });
        until_waiting(&other, 1).await;
        writer.batch_execute("COMMIT").await.expect("it answers");
        leaving.await.expect("no panic").expect("it answers").expect("it is frozen")
    }
}

/// The state of a mail in the state that its event left with; `None` if it is not there.
fn state_of(left: &LeftEvent, mail: &NewMail) -> Option<String> {
    let state: serde_json::Value = serde_json::from_str(&left.state).expect("it is JSON");
    let id = mail.id.as_uuid().to_string();
    let mails = state["mails"].as_array().expect("there may be some");
    let found = mails.iter().find(|mail| mail["id"] == id.as_str());
    found.map(|mail| mail["state"].as_str().expect("a text").to_owned())
}

/// A worker is writing the outcome of its mails while the event leaves: the move waits for it, and takes that along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_leaves_with_mails_that_a_worker_was_writing() {
    let database = migrated_database();
    let leaving = Leaving::in_database(database.url()).await;
    let [stuck, sent] = leaving.mails;
    let settling = format!(
        "UPDATE mails SET state = 'stuck', attempts = 1, lease = NULL, due_at = NULL, done_at = now()
         WHERE id = '{}';
         UPDATE mails SET state = 'sent', lease = NULL, due_at = NULL, done_at = now()
         WHERE id = '{}'",
        stuck.id.as_uuid(),
        sent.id.as_uuid()
    );
    let left = leaving.leave_beside(database.url(), &settling).await;
    assert_eq!(state_of(&left, &stuck).as_deref(), Some("stuck"), "{}", left.state);
    assert_eq!(state_of(&left, &sent), None, "it is done: {}", left.state);
    let store = &leaving.store;
    let done = "SELECT count(*) FROM mails WHERE state = 'sent'";
    assert_eq!((number(&database, done), number(&database, "SELECT count(*) FROM mails")), (1, 1));
    let step = MailStep::Sent;
    let lease = Uuid::from_u128(7).into();
    let late = SettledMail { event_id: leaving.event, id: stuck.id, lease, step };
    assert_eq!(store.settle_mails(&[late]).await.expect("it answers"), [false]);
}

/// A worker has done a step and makes a mail of it while the event leaves: the lane leaves as it is after that, and the
/// mail with it; neither is done twice, or left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_leaves_with_the_step_that_a_worker_was_writing() {
    let database = migrated_database();
    let leaving = Leaving::in_database(database.url()).await;
    let (event, made) = (leaving.event, leaving.mails[0]);
    let made = NewMail { id: Uuid::now_v7().into(), ..made };
    database.sql(&format!(
        "INSERT INTO delivery_lanes (event_id, sink_id, version, target, due_at)
         VALUES ('{event}', '{}', 0, 9, now())",
        Uuid::nil()
    ));
    let advancing = format!(
        "UPDATE delivery_lanes SET version = 5;
         INSERT INTO mails (event_id, id, registration_id, kind, version, made_at, due_at)
         VALUES ('{event}', '{}', '{}', 'confirmed', 5, now(), now())",
        made.id.as_uuid(),
        made.registration_id
    );
    let left = leaving.leave_beside(database.url(), &advancing).await;
    assert_eq!(state_of(&left, &made).as_deref(), Some("due"), "{}", left.state);
    let state: serde_json::Value = serde_json::from_str(&left.state).expect("it is JSON");
    assert_eq!(state["lanes"][0]["version"], 5, "{}", left.state);
    assert_eq!(number(&database, "SELECT count(*) FROM mails"), 0, "nothing stays behind");
    assert_eq!(number(&database, "SELECT count(*) FROM delivery_lanes"), 0);
}

/// Mails are being added while the event leaves: it leaves with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_leaves_with_the_mails_that_were_being_added() {
    let database = migrated_database();
    let leaving = Leaving::in_database(database.url()).await;
    let made = || NewMail { id: Uuid::now_v7().into(), ..leaving.mails[1] };
    let added = [made(), made()];
    let (writer, other) = (session(database.url()).await, session(database.url()).await);
    // It is still to be seen whether the second one is there.
    let blocking = format!(
        "BEGIN; INSERT INTO mails (event_id, id, registration_id, kind, version, made_at, due_at)
         VALUES ('{}', '{}', '{}', 'reminder', 2, now(), now())",
        leaving.event,
        added[1].id.as_uuid(),
        added[1].registration_id
    );
    writer.batch_execute(&blocking).await.expect("it answers");
    let store = Arc::clone(&leaving.store);
    let adding = tokio::spawn(async move { store.add_mails(&added).await });
    until_waiting(&other, 1).await;
    let (store, event) = (Arc::clone(&leaving.store), leaving.event);
    let (mover, version) = (leaving.mover, leaving.version);
    let handing = tokio::spawn(async move { store.hand_over(event, mover, version).await });
    until_waiting(&other, 2).await;
    writer.batch_execute("ROLLBACK").await.expect("it answers");
    let left = handing.await.expect("no panic").expect("it answers").expect("it is frozen");
    for mail in &added {
        assert_eq!(state_of(&left, mail).as_deref(), Some("due"), "{}", left.state);
    }
    adding.await.expect("no panic").expect("it was here when they were added");
}

/// The event leaves while mails wait to be added: they are refused, and nothing of them stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_that_waited_until_their_event_had_left_are_not_added() {
    let database = migrated_database();
    let leaving = Leaving::in_database(database.url()).await;
    let added = [NewMail { id: Uuid::now_v7().into(), ..leaving.mails[1] }];
    let (writer, other) = (session(database.url()).await, session(database.url()).await);
    let lock = format!("BEGIN; SELECT 1 FROM events WHERE id = '{}' FOR UPDATE", leaving.event);
    writer.batch_execute(&lock).await.expect("it answers");
    let (store, event) = (Arc::clone(&leaving.store), leaving.event);
    let (mover, version) = (leaving.mover, leaving.version);
    let handing = tokio::spawn(async move { store.hand_over(event, mover, version).await });
    until_waiting(&other, 1).await;
    let store = Arc::clone(&leaving.store);
    let adding = tokio::spawn(async move { store.add_mails(&added).await });
    until_waiting(&other, 2).await;
    writer.batch_execute("ROLLBACK").await.expect("it answers");
    assert!(handing.await.expect("no panic").expect("it answers").is_some(), "it is frozen");
    let refused = adding.await.expect("no panic");
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(number(&database, "SELECT count(*) FROM mails"), 0, "nothing stays behind");
}

/// Facts are being routed while the event leaves: it leaves with the lane that this made, and the facts are new
/// nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_leaves_with_lanes_that_were_being_routed() {
    let database = migrated_database();
    let leaving = Leaving::in_database(database.url()).await;
    let event = leaving.event;
    let routing = format!(
        "DELETE FROM new_facts;
         INSERT INTO delivery_lanes (event_id, sink_id, version, target, due_at)
         VALUES ('{event}', '{}', 0, 2, now())",
        Uuid::nil()
    );
    let left = leaving.leave_beside(database.url(), &routing).await;
    let state: serde_json::Value = serde_json::from_str(&left.state).expect("it is JSON");
    assert_eq!(state["lanes"][0]["target"], 2, "{}", left.state);
    assert!(state["new_from"].is_null(), "{}", left.state);
    assert_eq!(number(&database, "SELECT count(*) FROM delivery_lanes"), 0);
}

/// A role that may only use the tables gets the same identity as any other, by any address of the server. Another
/// database is another store, and so is another schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stores_identity_does_not_depend_on_url_or_role() {
    let (database, other) = (migrated_database(), migrated_database());
    let role = format!("plain_{}", database.name());
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         CREATE SCHEMA another"
    ));
    let identity = async |store: &PgStore| store.identity().await.expect("it answers");
    let known = identity(&connect(database.url(), 2).await).await;
    let by_role = database.url().replace("//postgres@", &format!("//{role}@"));
    let by_name = database.url().replace("127.0.0.1", "localhost");
    for road in [&by_role, &by_name, database.socket_url()] {
        assert_eq!(identity(&connect(road, 2).await).await, known, "{road}");
    }
    assert_ne!(identity(&connect(other.url(), 2).await).await, known);
    let schema = Some(CellName::parse("another").expect("valid"));
    let options = PgOptions { schema, ..options(database.url(), 2) };
    let another = PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there");
    another.migrate().await.expect("the migrations run");
    assert_ne!(identity(&another).await, known);
}

/// `until` is by the clock of the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upkeep_deletes_outdated_move_notes_by_the_databases_clock() {
    let database = migrated_database();
    let leaving = Leaving::in_database(database.url()).await;
    let store = &leaving.store;
    assert_eq!(store.purge_records(PageLimit::MAX).await.expect("it answers"), 0);
    let seconds = MOVE_LEASE.num_seconds();
    database.sql(&format!("UPDATE moving_events SET until = until - interval '{seconds} seconds'"));
    assert_eq!(store.purge_records(PageLimit::MAX).await.expect("it answers"), 1);
    assert_eq!(number(&database, "SELECT count(*) FROM moving_events"), 0);
}
