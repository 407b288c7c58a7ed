//! One client, or one e-mail address, can hold only so many seats.

use crate::common::acts::{act, done, give_up, hold, id, refused};
use crate::common::http::Answer;
use crate::common::{App, Data, ask};
use crate::rates::{NO_CLIENT_RATE, PROXY, booked, limited_for};
use serde_json::json;

fn hold_from(app: &App, from: &str, event: &str, email: &str, key: &str) -> Answer {
    let path = format!("/events/{event}/holds");
    let key = crate::common::key(key);
    let headers = [("X-Forwarded-For", from), ("Idempotency-Key", key.as_str())];
    ask(app.url(), "POST", &path, &headers, &json!({"user_email": email, "ttl_seconds": 120}))
}

#[test]
fn an_address_holds_only_so_many_seats() {
    let app = App::start_with(Data::sqlite(), &[("EMAIL_HOLDS_MAX", "2")]);
    let events: Vec<_> = (0..4).map(|_| app.create(5)).collect();
    let first = done(&hold(&app, &events[0], "ada@example.org"), 201);
    let second = done(&hold(&app, &events[1], "ada@example.org"), 201);
    let wait = limited_for(&hold(&app, &events[2], "Ada@Example.org"));
    assert!((500..=600).contains(&wait), "until the first of them ends: {wait}");
    assert_eq!(booked(&app, &events[2]), json!(0));
    assert_eq!(hold(&app, &events[2], "grace@example.org").status, 201);

    done(&act(&app, &first, "confirm"), 200);
    let third = done(&hold(&app, &events[2], "ada@example.org"), 201);
    limited_for(&hold(&app, &events[3], "ada@example.org"));
    done(&give_up(&app, &second), 200);
    done(&hold(&app, &events[3], "ada@example.org"), 201);
    limited_for(&hold(&app, &events[1], "ada@example.org"));
    // A hold that was refused for another reason takes no slot.
    done(&give_up(&app, &third), 200);
    refused(&hold(&app, &events[0], "ada@example.org"), 409, "already_registered");
    done(&hold(&app, &events[1], "ada@example.org"), 201);
    app.assert_audit_is_clean();
}

#[test]
fn a_client_holds_only_so_many_seats() {
    let app = App::start_with(Data::sqlite(), &[PROXY, ("CLIENT_HOLDS_MAX", "3"), NO_CLIENT_RATE]);
    let event = app.create(50);
    let hold = |from: &str, number: usize| {
        hold_from(&app, from, &event, &format!("{number}@b.org"), &format!("key {number}"))
    };
    for number in 0..3 {
        done(&hold("198.51.100.1", number), 201);
    }
    let wait = limited_for(&hold("198.51.100.1", 3));
    assert!((60..=120).contains(&wait), "until the first of them ends: {wait}");
    assert_eq!(booked(&app, &event), json!(3));
    done(&hold("198.51.100.2", 4), 201);
    // It left no record: elsewhere, or later, the same key is as good as new.
    let elsewhere = hold("198.51.100.3", 3);
    assert_eq!((elsewhere.status, elsewhere.header("idempotency-replayed")), (201, None));

    // The negative control.
    let app = App::start_with(Data::sqlite(), &[PROXY, ("CLIENT_HOLDS_MAX", "0"), NO_CLIENT_RATE]);
    let event = app.create(50);
    for number in 0..30 {
        let email = format!("{number}@b.org");
        done(&hold_from(&app, "198.51.100.1", &event, &email, &email), 201);
    }
}

on_both_stores! { a_repeated_hold_is_answered_beyond_the_limit }

fn a_repeated_hold_is_answered_beyond_the_limit(data: Data) {
    let app = App::start_with(data, &[PROXY, ("CLIENT_HOLDS_MAX", "2"), NO_CLIENT_RATE]);
    let event = app.create(50);
    let hold = |email: &str, key: &str| hold_from(&app, "198.51.100.1", &event, email, key);
    let first = done(&hold("a@b.org", "1"), 201);
    done(&hold("b@b.org", "2"), 201);
    let again = |email: &str, key: &str| {
        let answer = hold(email, key);
        assert_eq!(answer.header("idempotency-replayed"), Some("true"), "{answer:?}");
        answer
    };
    assert_eq!(done(&again("a@b.org", "1"), 201), first, "token and all");
    // Also when its own slot is another's.
    done(&act(&app, &first, "confirm"), 200);
    done(&hold("c@b.org", "3"), 201);
    limited_for(&hold("d@b.org", "4"));
    assert_eq!(id(&done(&again("a@b.org", "1"), 201)), id(&first));
    refused(&hold("e@b.org", "1"), 422, "idempotency_key_reused");
    assert_eq!(booked(&app, &event), json!(3));
    app.assert_audit_is_clean();
}
