//! Clients that take the seats of an event, under as many names.

use crate::common::acts::{done, give_up, id, refused};
use crate::common::http::Answer;
use crate::common::{App, Data, ask, key, make_token};
use crate::rates::{NO_CLIENT_RATE, PROXY, booked, limited_for};
use serde_json::json;

const SEATS_MAX: (&str, &str) = ("CLIENT_SEATS_MAX", "3");

/// Takes a seat from somewhere, by `register` or by `holds`.
fn take(app: &App, from: &str, event: &str, how: &str, who: usize) -> Answer {
    take_at(app.url(), from, event, how, who)
}

fn take_at(url: &str, from: &str, event: &str, how: &str, who: usize) -> Answer {
    let path = format!("/events/{event}/{how}");
    let key = key(&format!("{how} {who}"));
    let headers = [("X-Forwarded-For", from), ("Idempotency-Key", key.as_str())];
    ask(url, "POST", &path, &headers, &json!({"user_email": format!("{who}@b.org")}))
}

on_both_stores! { a_client_takes_only_so_many_seats_of_an_event }

fn a_client_takes_only_so_many_seats_of_an_event(data: Data) {
    let app = App::start_with(data, &[PROXY, SEATS_MAX, NO_CLIENT_RATE]);
    let (event, other) = (app.create(50), app.create(50));
    let from = "198.51.100.1";
    let first = done(&take(&app, from, &event, "register", 0), 201);
    let second = done(&take(&app, from, &event, "holds", 1), 201);
    // A refused claim does not count.
    refused(&take(&app, from, &event, "holds", 0), 409, "already_registered");
    done(&take(&app, from, &event, "register", 2), 201);
    for (how, who) in [("register", 3), ("holds", 4)] {
        let wait = limited_for(&take(&app, from, &event, how, who));
        assert!((3_500..=3_600).contains(&wait), "until the first is an hour old: {wait}");
    }
    assert_eq!(booked(&app, &event), json!(3), "nothing was changed");
    // Another client, and another event, have their own.
    done(&take(&app, "198.51.100.2", &event, "register", 5), 201);
    done(&take(&app, from, &other, "register", 6), 201);
    // A repeated request gets the same answer, and another under its key frees none.
    let again = take(&app, from, &event, "register", 0);
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again:?}");
    assert_eq!(done(&again, 201), first, "token and all");
    let path = format!("/events/{event}/register");
    let used = key("register 0");
    let headers = [("X-Forwarded-For", from), ("Idempotency-Key", used.as_str())];
    let reused = ask(app.url(), "POST", &path, &headers, &json!({"user_email": "x@b.org"}));
    refused(&reused, 422, "idempotency_key_reused");
    limited_for(&take(&app, from, &event, "register", 7));
    // Giving seats back makes no room within the hour.
    for seat in [&first, &second] {
        assert_eq!(id(&done(&give_up(&app, seat), 200)), id(seat));
    }
    limited_for(&take(&app, from, &event, "register", 8));
    // It left no record: elsewhere the same key is as good as new.
    let elsewhere = take(&app, "198.51.100.3", &event, "register", 8);
    assert_eq!((elsewhere.status, elsewhere.header("idempotency-replayed")), (201, None));
    app.assert_audit_is_clean();
}

/// Many at once: claims under way count, too.
#[test]
fn a_flood_takes_no_more() {
    let app = App::start_with(Data::sqlite(), &[PROXY, SEATS_MAX, NO_CLIENT_RATE]);
    let event = app.create(100);
    let taken: usize = std::thread::scope(|scope| {
        let (url, event) = (app.url(), &event);
        let flood = |thread: usize| {
            (0..10)
                .map(|n| take_at(url, "198.51.100.1", event, "register", 10 * thread + n).status)
                .filter(|status| *status == 201)
                .count()
        };
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || flood(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!((taken, booked(&app, &event)), (3, json!(3)));
}

/// The negative control, and the callers who are not limited.
#[test]
fn without_the_limit_one_client_takes_every_seat() {
    let unlimited = ("CLIENT_SEATS_MAX", "0");
    let app = App::start_with(Data::sqlite(), &[PROXY, unlimited, NO_CLIENT_RATE]);
    let event = app.create(20);
    for who in 0..20 {
        done(&take(&app, "198.51.100.1", &event, "register", who), 201);
    }
    // This machine, as long as it is no proxy.
    let app = App::start_with(Data::sqlite(), &[SEATS_MAX]);
    let event = app.create(20);
    for who in 0..20 {
        done(&take(&app, "198.51.100.1", &event, "register", who), 201);
    }
    // The desk of the event's organizer.
    let data = Data::sqlite();
    let token = make_token(&data, "Jazz club");
    let app = App::start_with(data, &[PROXY, SEATS_MAX, NO_CLIENT_RATE]);
    let created = app.ask_as(&token, "POST", "/events", &json!({"name": "a", "capacity": 30}));
    let event = id(&done(&created, 201)).to_owned();
    let path = format!("/events/{event}/register");
    for who in 0..10 {
        let body = json!({"user_email": format!("desk-{who}@b.org")});
        done(&app.ask_as(&token, "POST", &path, &body), 201);
    }
    for who in 0..3 {
        done(&take(&app, "198.51.100.1", &event, "register", who), 201);
    }
    limited_for(&take(&app, "198.51.100.1", &event, "register", 3));
}
