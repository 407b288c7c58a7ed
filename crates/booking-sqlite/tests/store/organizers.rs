//! Organizers, their tokens, and events that are assigned to them.

use crate::common::{Database, audit, create, create_token, new_event, new_token};
use booking_core::prelude::*;
use booking_core::{
    Caller, Command, Edit, EventCommand, Fingerprint, IdempotencyKey, KeyHash, NewToken,
    OrganizerId, PageLimit, Role, StoreError, TOKENS_MAX, WhenBusy,
};
use booking_sqlite::backup;
use rusqlite::params;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

fn count(database: &Database, table: &str) -> i64 {
    let count = format!("SELECT count(*) FROM {table}");
    database.connect().query_row(&count, [], |row| row.get(0)).expect("counted")
}

/// Leaves room for so many tokens.
fn fill_up(database: &Database, room: usize) {
    let connection = database.connect();
    let id = Uuid::now_v7();
    let organizer = "INSERT INTO organizers VALUES (?1, 'Many', 1)";
    connection.execute(organizer, params![id.as_bytes()]).expect("written");
    let tokens = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)
        INSERT INTO organizer_tokens (id, organizer_id, token_hash, created_at)
        SELECT randomblob(16), ?1, randomblob(32), n FROM n";
    let full = (TOKENS_MAX - room) as i64;
    connection.execute(tokens, params![id.as_bytes(), full]).expect("written");
}

#[tokio::test]
async fn there_are_never_too_many_tokens() {
    let database = Database::new();
    let stores = [Arc::new(database.open().await), Arc::new(database.open().await)];
    fill_up(&database, 3);
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
    assert_eq!((made.len(), count(&database, "organizers")), (3, 1 + 3));
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
    let database = Database::new();
    let store = database.open().await;
    let nobody = OrganizerId::from(Uuid::now_v7());
    let new = new_event(3).with(|new| new.organizer_id = Some(nobody)).expect("in order");
    let refused = store.create_event(new.clone()).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    let key = IdempotencyKey::new(KeyHash::new([1; 32]), Fingerprint::new([1; 32]));
    let refused = store.create_event_once(new, key).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    for table in ["events", "facts", "idempotency_records"] {
        assert_eq!(count(&database, table), 0, "{table}");
    }
    let event = create(&store, 3).await;
    let refused = store.assign_events(nobody, PageLimit::MAX).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    assert_eq!(store.event(event.id).await.expect("it answers"), Some(event));
}

#[tokio::test]
async fn a_backup_has_organizers_and_their_tokens_and_events() {
    let (database, copy) = (Database::new(), Database::new());
    let store = database.open().await;
    let token = create_token(&store, new_token("Ada", 1)).await;
    let new =
        new_event(3).with(|new| new.organizer_id = Some(token.organizer.id)).expect("in order");
    let event = store.create_event(new).await.expect("it answers");
    backup(database.path(), copy.path()).await.expect("copied");
    let restored = copy.open().await;
    assert_eq!(restored.tokens().await.expect("it answers"), [token]);
    assert_eq!(restored.event(event.id).await.expect("it answers"), Some(event));
    audit(&restored).await;
}

/// A program that does not know that events may be unlisted would list them, and so may not open a file with one.
#[tokio::test]
async fn older_programs_may_open_the_file_until_an_event_is_unlisted() {
    for is_edited in [false, true] {
        let database = Database::new();
        let store = database.open().await;
        let needed = || -> i64 {
            let needed = "SELECT needs_from FROM schema_compatibility";
            database.connect().query_row(needed, [], |row| row.get(0)).expect("it says so")
        };
        let listed = create(&store, 3).await;
        assert!(needed() < 20);
        if is_edited {
            let edit = Edit { is_unlisted: Some(true), ..Edit::default() };
            let edit =
                EventCommand::new(listed.id, Caller::Operator, Command::Edit(Box::new(edit)));
            store.execute(&[edit], WhenBusy::Wait).await.expect("it answers");
        } else {
            let new = new_event(3).with(|new| new.details.is_unlisted = true).expect("in order");
            store.create_event(new).await.expect("it answers");
        }
        assert_eq!(needed(), 20, "{is_edited}");
    }
}

/// A program that knows of no roles would take every token for an owner's, and so may not open a file with one that is not.
#[tokio::test]
async fn older_programs_may_open_the_file_until_a_token_has_a_role() {
    let database = Database::new();
    let store = database.open().await;
    let needed = || -> i64 {
        let needed = "SELECT needs_from FROM schema_compatibility";
        database.connect().query_row(needed, [], |row| row.get(0)).expect("it says so")
    };
    create_token(&store, new_token("Ada", 1)).await;
    assert!(needed() < 17, "an owner's is what they know");
    let door = NewToken { role: Role::Door, ..new_token("Ada", 2) };
    create_token(&store, door.clone()).await;
    assert_eq!(needed(), 17);
    create_token(&store, door).await;
    database
        .connect()
        .execute_batch("UPDATE schema_compatibility SET needs_from = 999")
        .expect("written");
    create_token(&store, NewToken { role: Role::Reader, ..new_token("Ada", 3) }).await;
    assert_eq!(needed(), 999, "it is never lowered");
}
