//! The typed calls, one by one.

#[expect(dead_code, reason = "the storm's tests use the rest")]
mod fake;

use booking_load::api::{Api, CallError, NewEvent, Problem};
use booking_load::client::Limits;
use fake::{Fake, Quirk};
use std::time::Duration;

const SEATS: u32 = 230;

/// A server with one event, and its id.
async fn with_event(quirk: Quirk) -> (Fake, Api, String) {
    let fake = Fake::start(quirk).await;
    let api = Api::new(&fake.url(), Limits::default()).expect("the URL is right");
    let new = NewEvent { name: "Concert".into(), capacity: SEATS, ..NewEvent::default() };
    let event = api.create_event(&new).await.expect("it is created");
    (fake, api, event.id)
}

fn refusal<T>(answer: Result<T, CallError>) -> Problem {
    match answer {
        Err(CallError::Refused(problem)) => problem,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was to be refused"),
    }
}

#[tokio::test]
async fn an_event_and_all_pages_of_its_registrations() {
    let (_fake, api, id) = with_event(Quirk::Honest).await;
    api.health().await.expect("it is up");
    let mut made = Vec::new();
    for n in 0..SEATS {
        made.push(api.register(&id, &format!("{n}@x.example")).await.expect("a seat is free"));
    }
    let event = api.event(&id).await.expect("it is there");
    assert_eq!((event.capacity, event.booked_count), (SEATS.into(), SEATS.into()));
    assert_eq!(api.registrations(&id).await.expect("three pages"), made);
}

#[tokio::test]
async fn refusals_have_their_code() {
    let (_fake, api, id) = with_event(Quirk::Honest).await;
    api.register(&id, "a@x.example").await.expect("a seat is free");
    let again = refusal(api.register(&id, "a@x.example").await);
    assert_eq!((again.status, again.code.as_deref()), (409, Some("already_registered")));
    assert_eq!((again.detail.as_str(), again.retry_after), ("as it is", None));
    let nowhere = refusal(api.event("e2").await);
    assert_eq!((nowhere.status, nowhere.code.as_deref()), (404, Some("not_found")));
}

#[tokio::test]
async fn retry_after_is_read() {
    let (_fake, api, id) = with_event(Quirk::Sheds).await;
    let shed = refusal(api.register(&id, "a@x.example").await);
    assert_eq!((shed.status, shed.retry_after), (503, Some(Duration::ZERO)));
}

#[tokio::test]
async fn a_broken_answer_is_an_error_and_the_next_call_works() {
    let (_fake, api, id) = with_event(Quirk::HangsUp).await;
    let error = api.register(&id, "a@x.example").await.expect_err("it is cut off");
    let CallError::Transport(error) = error else { panic!("{error}") };
    assert_eq!((error.kind(), error.may_have_arrived()), ("hung_up", true));
    api.register(&id, "b@x.example").await.expect("on a new connection");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced_before_it_is_used() {
    let (fake, api, id) = with_event(Quirk::Honest).await;
    let _fake = fake.restart(Duration::from_millis(50)).await;
    // Nothing was lost: no error comes out, although the old connection is dead.
    api.event(&id).await.expect("on a new connection");
}

#[tokio::test]
async fn an_id_that_is_no_path_segment_is_an_error() {
    let (_fake, api, _) = with_event(Quirk::Honest).await;
    let error = api.event("a b").await.expect_err("a blank has no place in a path");
    assert!(matches!(error, CallError::Malformed { .. }), "{error}");
}
