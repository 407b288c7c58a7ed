//! Addresses and places that move from one row to another within one transaction.

use crate::common::{
    Database, audit, cancel, confirm, create, done, execute, register, transfer, wait,
};
use booking_core::prelude::*;
use booking_core::{
    Caller, Command, Event, EventCommand, Listed, Outcome, PageLimit, Register, Registration,
    Status,
};
use booking_sqlite::SqliteStore;

async fn rows(store: &SqliteStore, event: &Event) -> Vec<Registration> {
    let page = store.registrations(event.id, Listed::All, None, PageLimit::MAX).await;
    page.expect("the store answers").expect("it is there").items
}

async fn people(store: &SqliteStore, event: &Event) -> Vec<(String, Status)> {
    let rows = rows(store, event).await.into_iter();
    rows.map(|row| (row.person.user_email.as_str().replace("@example.org", ""), row.status))
        .collect()
}

fn expected<const N: usize>(rows: [(&str, Status); N]) -> [(String, Status); N] {
    rows.map(|(who, status)| (who.to_owned(), status))
}

#[tokio::test]
async fn an_address_may_pass_along_a_chain() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 5).await;
    let a = confirm(&store, register(event.id, "a")).await.id;
    let b = confirm(&store, register(event.id, "b")).await.id;
    let again = register(event.id, "a");
    let batch = [cancel(event.id, b), transfer(event.id, a, "b"), again.clone()];
    let outcomes = execute(&store, &batch).await;
    let [Outcome::Cancelled(_), Outcome::Transferred(moved), Outcome::Confirmed(new)] =
        &outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!((moved.id, moved.person.user_email.as_str()), (a, "b@example.org"));
    assert_eq!(Some(new.id), again.registration_id());
    let rows = [("b", Status::Confirmed), ("b", Status::Cancelled), ("a", Status::Confirmed)];
    assert_eq!(people(&store, &event).await, expected(rows));
    audit(&store).await;
}

#[tokio::test]
async fn two_addresses_may_change_places() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 2).await;
    let a = confirm(&store, register(event.id, "a")).await;
    let b = confirm(&store, register(event.id, "b")).await;
    let batch = [(a.id, "c"), (b.id, "a"), (a.id, "b")].map(|(id, to)| transfer(event.id, id, to));
    let outcomes = execute(&store, &batch).await;
    assert!(outcomes.iter().all(|done| matches!(done, Outcome::Transferred(_))), "{outcomes:?}");
    let rows = [("b", Status::Confirmed), ("a", Status::Confirmed)];
    assert_eq!(people(&store, &event).await, expected(rows));
    let generations =
        self::rows(&store, &event).await.iter().map(|row| row.generation).sum::<u32>();
    assert_eq!(generations, 3);
    audit(&store).await;
}

#[tokio::test]
async fn an_address_may_come_and_go_many_times() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 1).await;
    let mut batch = Vec::new();
    for _ in 0..20 {
        let came = register(event.id, "ada");
        let id = came.registration_id().expect("it makes one");
        batch.extend([came, cancel(event.id, id)]);
    }
    batch.push(register(event.id, "ada"));
    let outcomes = execute(&store, &batch).await;
    assert!(outcomes.iter().all(|outcome| outcome.registration().is_some()), "{outcomes:?}");
    let rows = people(&store, &event).await;
    let live = rows.iter().filter(|(_, status)| status.is_live()).count();
    assert_eq!((rows.len(), live), (21, 1));
    // A row that was created and changed in one transaction records that as one that was changed
    // later does.
    let first = self::rows(&store, &event).await.remove(0);
    assert_eq!(first.event_version, first.created_version.next());
    audit(&store).await;
}

#[tokio::test]
async fn places_in_a_long_queue_are_counted() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 1).await;
    confirm(&store, register(event.id, "seated")).await;
    let waits: Vec<_> = (0..300).map(|who| wait(event.id, who)).collect();
    let waiting = execute(&store, &waits).await;
    let ids: Vec<_> = waits.iter().map(|wait| wait.registration_id().expect("made")).collect();
    let positions = waiting.iter().map(|outcome| outcome.registration().and_then(|r| r.position));
    assert!(positions.eq((1..=300).map(Some)), "{waiting:?}");

    // Some leave while others repeat their request, out of order: each gets its place at that
    // moment.
    let batch = [
        waits[299].clone(),
        waits[10].clone(),
        cancel(event.id, ids[5]),
        waits[10].clone(),
        cancel(event.id, ids[100]),
        waits[299].clone(),
        waits[4].clone(),
    ];
    let outcomes = execute(&store, &batch).await;
    let positions: Vec<_> =
        outcomes.iter().map(|outcome| outcome.registration().and_then(|r| r.position)).collect();
    assert_eq!(positions, [Some(300), Some(11), None, Some(10), None, Some(298), Some(5)]);
    let read = store.registration(ids[299]).await.expect("the store answers");
    assert_eq!(read.and_then(|registration| registration.position), Some(298));
    audit(&store).await;
}

#[tokio::test]
async fn a_batch_that_is_repeated_much_later_returns_the_current_state() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 3).await;
    let Command::Register(Register { claim, .. }) = register(event.id, "ada").command else {
        unreachable!("that is what it makes")
    };
    let again = EventCommand::new(event.id, Caller::Operator, Command::Register(claim.into()));
    let made = confirm(&store, again.clone()).await;
    done(&store, transfer(event.id, made.id, "grace")).await;
    let moved = done(&store, again.clone()).await;
    assert_eq!((moved.id, moved.person.user_email.as_str()), (made.id, "grace@example.org"));
    done(&store, cancel(event.id, made.id)).await;
    confirm(&store, register(event.id, "ada")).await;
    let ended = done(&store, again).await;
    assert_eq!((ended.id, ended.status, ended.generation), (made.id, Status::Cancelled, 2));
    audit(&store).await;
}
