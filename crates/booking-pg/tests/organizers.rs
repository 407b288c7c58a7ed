//! Organizers, their tokens, and events that are assigned to them.

mod common;

use booking_core::prelude::*;
use booking_core::{
    Caller, Command, Edit, EventCommand, NewToken, OrganizerId, PageLimit, Role, StoreError,
    TOKENS_MAX, WhenBusy,
};
use booking_testkit::Database;
use common::{
    connect, create, create_token, execute, key, migrated_database, new_event, new_token, number,
    register,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// Leaves room for so many tokens.
fn fill_up(database: &Database, room: usize) {
    let full = TOKENS_MAX - room;
    database.sql(&format!(
        "INSERT INTO organizers VALUES ('{id}', 'Many', now());
         INSERT INTO organizer_tokens (id, organizer_id, token_hash, created_at)
         SELECT gen_random_uuid(), '{id}', sha256(n::text::bytea), now()
         FROM generate_series(1, {full}) AS n",
        id = Uuid::now_v7()
    ));
}

#[tokio::test]
async fn there_are_never_too_many_tokens() {
    let database = migrated_database();
    fill_up(&database, 3);
    let stores =
        [Arc::new(connect(database.url(), 5).await), Arc::new(connect(database.url(), 5).await)];
    let mut tasks = JoinSet::new();
    for token in 0..8 {
        let store = Arc::clone(&stores[usize::from(token) % 2]);
        tasks.spawn(async move {
            let new = new_token(&format!("Racer {token}"), token);
            (new.clone(), store.create_token(new).await.expect("it answers"))
        });
    }
    let mut made = tasks.join_all().await;
    made.retain(|(_, made)| made.is_some());
    assert_eq!(made.len(), 3);
    assert_eq!(number(&database, "SELECT count(*) FROM organizers"), 1 + 3, "nobody without one");
    let tokens = stores[0].tokens().await.expect("it answers");
    assert_eq!(tokens.len(), TOKENS_MAX);
    // A repeated request finds its token, and a revoked token still takes its place.
    for (new, made) in made {
        assert_eq!(stores[1].create_token(new).await.expect("it answers"), made);
    }
    stores[0].revoke_token(tokens[0].id).await.expect("it answers").expect("it is there");
    assert_eq!(stores[0].create_token(new_token("Late", 99)).await.expect("it answers"), None);
}

#[tokio::test]
async fn an_event_of_an_unknown_organizer_is_refused() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let nobody = OrganizerId::from(Uuid::now_v7());
    let new = new_event(3).with(|new| new.organizer_id = Some(nobody)).expect("in order");
    let refused = store.create_event(new.clone()).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    let refused = store.create_event_once(new, key(1, 1)).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    for table in ["events", "facts", "idempotency_records"] {
        assert_eq!(number(&database, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let event = create(&store, 3).await;
    let refused = store.assign_events(nobody, PageLimit::MAX).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    assert_eq!(store.event(event.id).await.expect("it answers"), Some(event));
}

/// Only transactions that want the same event wait for one that another session holds.
#[tokio::test]
async fn assigning_holds_nothing_while_it_waits() {
    let database = migrated_database();
    let store = Arc::new(connect(database.url(), 4).await);
    let organizer = create_token(&store, new_token("Ada", 1)).await.organizer.id;
    let events =
        [create(&store, 9).await.id, create(&store, 9).await.id, create(&store, 9).await.id];
    let (holder, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let lock = format!("BEGIN; SELECT FROM events WHERE id = '{}' FOR UPDATE", events[1]);
    holder.batch_execute(&lock).await.expect("the row is there");
    let assigning = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.assign_events(organizer, PageLimit::MAX).await }
    });
    let assigned = "SELECT count(*) FROM events WHERE organizer_id IS NOT NULL";
    let began = Instant::now();
    while number(&database, assigned) < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "the others are not assigned");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!assigning.is_finished());
    let others = [register(events[0], "ada"), register(events[2], "ada")];
    let served = store.execute(&others, WhenBusy::Skip).await.expect("it answers");
    assert!(served.iter().all(|execution| *execution != booking_core::Execution::Busy));
    holder.batch_execute("COMMIT").await.expect("the session is alive");
    let assigned = assigning.await.expect("it ends").expect("it answers");
    assert_eq!(assigned, 3);
    execute(&store, &[register(events[1], "ada")]).await;
    for id in events {
        let event = store.event(id).await.expect("it answers").expect("it is there");
        assert_eq!((event.organizer_id, event.booked_count), (Some(organizer), 1));
    }
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

/// Two transactions that create the first tokens of one name at the same moment create one
/// organizer.
#[tokio::test]
async fn concurrent_tokens_of_one_name_create_one_organizer() {
    let database = migrated_database();
    let store = Arc::new(connect(database.url(), 4).await);
    let (holder, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let lock = "BEGIN; LOCK TABLE organizers IN SHARE MODE";
    holder.batch_execute(lock).await.expect("nobody has it");
    let mut tasks = JoinSet::new();
    for token in 0..2 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { create_token(&store, new_token("Ada", token)).await.organizer });
    }
    let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database \
                   WHERE datname = current_database() AND NOT granted";
    let began = Instant::now();
    while number(&database, waiting) < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    holder.batch_execute("COMMIT").await.expect("the session is alive");
    let made = tasks.join_all().await;
    assert_eq!(made[0], made[1]);
    assert_eq!(store.tokens().await.expect("it answers").len(), 2);
}

/// A program that does not know that events may be unlisted would list them, and so may not start beside one.
#[tokio::test]
async fn older_programs_may_start_until_an_event_is_unlisted() {
    let needed =
        |database: &Database| number(database, "SELECT needs_from FROM schema_compatibility");
    let unlisted = || new_event(3).with(|new| new.details.is_unlisted = true).expect("in order");
    for way in 0..3 {
        let database = migrated_database();
        let store = connect(database.url(), 2).await;
        let listed = create(&store, 3).await;
        assert!(needed(&database) < 20);
        match way {
            0 => drop(store.create_event(unlisted()).await.expect("it answers")),
            1 => drop(store.create_event_once(unlisted(), key(1, 1)).await.expect("it answers")),
            _ => {
                let edit = Edit { is_unlisted: Some(true), ..Edit::default() };
                let edit = Command::Edit(Box::new(edit));
                execute(&store, &[EventCommand::new(listed.id, Caller::Operator, edit)]).await;
            }
        }
        assert_eq!(needed(&database), 20, "{way}");
    }
}

/// A program that knows of no roles would take every token for an owner's, and so may not start beside one that is not.
#[tokio::test]
async fn older_programs_may_start_until_a_token_has_a_role() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    let needed = || number(&database, "SELECT needs_from FROM schema_compatibility");
    create_token(&store, new_token("Ada", 1)).await;
    assert!(needed() < 17, "an owner's is what they know");
    let door = NewToken { role: Role::Door, ..new_token("Ada", 2) };
    create_token(&store, door.clone()).await;
    assert_eq!(needed(), 17);
    create_token(&store, door).await;
    database.sql("UPDATE schema_compatibility SET needs_from = 999");
    create_token(&store, NewToken { role: Role::Reader, ..new_token("Ada", 3) }).await;
    assert_eq!(needed(), 999, "it is never lowered");
}
