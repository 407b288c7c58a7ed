//! Requests that come twice, late, or from another client, under one key.

use crate::common::acts::{done, id, refused, token};
use crate::common::http::{connect, has_arrived, send};
use crate::common::{App, Data};
use crate::on_both_stores;
use serde_json::{Value, json};
use std::io::Write;

on_both_stores! {
    a_client_that_retries_without_an_answer_has_one_seat
    a_key_is_one_caller_s_on_one_route
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Clients that hang up right after their request. Whether their first request was done or dropped, the second is
/// answered with their seat, and a third the same.
fn a_client_that_retries_without_an_answer_has_one_seat(data: Data) {
    let app = App::start(data);
    let event = app.create(40);
    let path = format!("/events/{event}/register");
    let body = |n: u32| json!({"user_email": format!("p{n}@example.org")}).to_string();
    for n in 0..30 {
        let body = body(n);
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: lost-by-a-client-{n}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = connect(app.url());
        stream.write_all(request.as_bytes()).expect("the server reads");
        // Some of them after it has begun.
        if n % 3 == 0 {
            let _ = has_arrived(&stream);
        }
    }
    for n in 0..30 {
        let key = format!("lost-by-a-client-{n}");
        let ask = || {
            send(app.url(), "POST", &path, &[JSON, ("Idempotency-Key", &key)], body(n).as_bytes())
        };
        let first = ask();
        let seat = done(&first, 201);
        let second = ask();
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
        assert_eq!((done(&second, 201), token(&seat).len()), (seat, 43));
    }
    let shown = app.get(&format!("/events/{event}")).json();
    assert_eq!((&shown["booked_count"], &shown["version"]), (&json!(30), &json!(31)));
    app.assert_audit_is_clean();
}

fn a_key_is_one_caller_s_on_one_route(data: Data) {
    let app = App::start(data);
    let event = app.create(10);
    let strange = "\"'; DROP TABLE--\\ =1+1 {}<>%00 ~";
    let with = |key: &str, method: &str, path: &str, token: Option<&str>, body: &Value| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        // A client without a token needs a long one.
        let key = if token.is_none() && key.len() < 16 {
            crate::common::key(key)
        } else {
            key.to_owned()
        };
        let mut headers = vec![("Idempotency-Key", key.as_str())];
        headers.extend(bearer.iter().map(|bearer| ("Authorization", bearer.as_str())));
        app.ask(method, path, &headers, body)
    };
    let (register, holds) = (format!("/events/{event}/register"), format!("/events/{event}/holds"));
    let ada = json!({"user_email": "ada@example.org"});
    let grace = json!({"user_email": "grace@example.org"});
    for key in [strange, "k", "K", &"k".repeat(255)] {
        let held = with(key, "POST", &holds, None, &grace);
        let (status, code) = (held.status, held.json()["code"].clone());
        // Only the first of them finds her without a registration; all are decided, and none replayed.
        assert!(
            status == 201 || (status == 409 && code == "already_registered"),
            "{key}: {held:?}"
        );
        let again = with(key, "POST", &holds, None, &grace);
        assert_eq!(
            (again.status, again.header("idempotency-replayed")),
            (status, Some("true")),
            "{key}"
        );
        refused(&with(key, "POST", &holds, None, &ada), 422, "idempotency_key_reused");
    }
    // The same key on another route is another key.
    let seat = done(&with("k", "POST", &register, None, &ada), 201);
    let path = format!("/registrations/{}", id(&seat));
    // A client without the right token learns nothing from the right key.
    let other = done(&app.register(&event, "hedy@example.org"), 201);
    let cancelled = with("c", "DELETE", &path, Some(token(&seat)), &Value::Null);
    done(&cancelled, 200);
    refused(&with("c", "DELETE", &path, Some(token(&other)), &Value::Null), 403, "forbidden");
    let replay = with("c", "DELETE", &path, Some(token(&seat)), &Value::Null);
    assert_eq!((replay.status, replay.header("idempotency-replayed")), (200, Some("true")));
    // The same JSON in other bytes is another body.
    let spaced = send(
        app.url(),
        "POST",
        &register,
        &[JSON, ("Idempotency-Key", &crate::common::key("k"))],
        b"{ \"user_email\": \"ada@example.org\" }",
    );
    refused(&spaced, 422, "idempotency_key_reused");
    // A key does not help an invalid request, and is not used up by it.
    for _ in 0..2 {
        let wrong = with("w", "POST", &register, None, &json!({"user_email": "x"}));
        refused(&wrong, 400, "validation");
        assert_eq!(wrong.header("idempotency-replayed"), None);
    }
    let shown = app.get(&format!("/events/{event}")).json();
    assert_eq!(shown["booked_count"], 2);
    app.assert_audit_is_clean();
}
