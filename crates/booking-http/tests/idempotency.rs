//! `Idempotency-Key`, over real HTTP, on both stores: a repeated request gets the same answer, and is executed
//! once.

mod common;

use common::acts::{act, done, give_up, id, path, refused, token};
use common::http::Answer;
use common::{App, Data, start_on};
use serde_json::{Value, json};
use std::sync::Barrier;
use std::thread;

on_both_stores! {
    sixty_concurrent_requests_under_one_key_are_one
    another_request_under_the_same_key_is_refused
    a_refusal_is_answered_again
    every_route_that_writes_has_keys
    a_transfer_shows_its_token_again
    repeated_scans_get_the_same_answer
    an_answer_outlives_the_server_and_the_key_of_its_token
    a_key_that_is_easily_guessed_is_no_secret
}

const REPLAYED: &str = "idempotency-replayed";

fn ask(app: &App, key: &str, method: &str, path: &str, body: &Value) -> Answer {
    app.ask(method, path, &[("Idempotency-Key", &common::key(key))], body)
}

fn register(app: &App, key: &str, event: &str, email: &str) -> Answer {
    let body = json!({"user_email": email, "on_full": "waitlist"});
    ask(app, key, "POST", &format!("/events/{event}/register"), &body)
}

/// Asks again, and wants to hear the same.
#[track_caller]
fn again(app: &App, first: &Answer, key: &str, method: &str, path: &str, body: &Value) {
    assert_eq!(first.header(REPLAYED), None, "{first:?}");
    let second = ask(app, key, method, path, body);
    assert_same(&second, first);
}

#[track_caller]
fn assert_same(replay: &Answer, first: &Answer) {
    assert_eq!(replay.header(REPLAYED), Some("true"), "{replay:?}");
    assert_eq!(replay.status, first.status);
    let without_request_id = |answer: &Answer| {
        let mut body = answer.json();
        body.as_object_mut().expect("an object").remove("request_id");
        body
    };
    assert_eq!(without_request_id(replay), without_request_id(first));
}

fn sixty_concurrent_requests_under_one_key_are_one(data: Data) {
    let app = App::start(data);
    let event = app.create(100);
    let (url, ready) = (app.url().to_owned(), Barrier::new(60));
    let address = format!("/events/{event}/register");
    let ada = json!({"user_email": "ada@example.org", "on_full": "waitlist"});
    let answers: Vec<Answer> = thread::scope(|scope| {
        let send = || {
            ready.wait();
            let key = common::key("6f1c");
            common::ask(&url, "POST", &address, &[("Idempotency-Key", &key)], &ada)
        };
        let callers: Vec<_> = (0..60).map(|_| scope.spawn(send)).collect();
        callers.into_iter().map(|caller| caller.join().expect("no panic")).collect()
    });
    let body = &answers[0].body;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == *body));
    assert_eq!(token(&answers[0].json()).len(), 43);
    let replayed = answers.iter().filter(|answer| answer.header(REPLAYED).is_some()).count();
    assert_eq!(replayed, 59);
    let shown = app.get(&format!("/events/{event}")).json();
    assert_eq!((&shown["booked_count"], &shown["version"]), (&json!(1), &json!(2)));
    // And with another key it is another request.
    refused(&register(&app, "6f1d", &event, "ada@example.org"), 409, "already_registered");
    app.assert_audit_is_clean();
}

fn another_request_under_the_same_key_is_refused(data: Data) {
    let app = App::start(data);
    let (event, other) = (app.create(5), app.create(5));
    let first = register(&app, "k", &event, "ada@example.org");
    done(&first, 201);
    let reused = register(&app, "k", &event, "grace@example.org");
    refused(&reused, 422, "idempotency_key_reused");
    assert_eq!(reused.header(REPLAYED), None);
    assert_eq!(app.get(&format!("/events/{event}")).json()["booked_count"], 1);
    // Another address, and another caller, have keys of their own.
    done(&register(&app, "k", &other, "grace@example.org"), 201);
    let path = path(&first.json());
    let bearer = format!("Bearer {}", token(&first.json()));
    let with_token = [("Idempotency-Key", "k"), ("Authorization", bearer.as_str())];
    let cancelled = app.ask("DELETE", &path, &with_token, &Value::Null);
    done(&cancelled, 200);
    assert_same(&app.ask("DELETE", &path, &with_token, &Value::Null), &cancelled);
    let organizer = ask(&app, "k", "DELETE", &path, &Value::Null);
    assert_eq!((organizer.status, organizer.header(REPLAYED)), (200, None));

    let create = |body: Value| ask(&app, "new", "POST", "/events", &body);
    done(&create(json!({"name": "a", "capacity": 1})), 201);
    refused(&create(json!({"name": "b", "capacity": 1})), 422, "idempotency_key_reused");
}

fn a_refusal_is_answered_again(data: Data) {
    let app = App::start(data);
    let event = app.create(1);
    let seated = done(&app.register(&event, "ada@example.org"), 201);
    let address = format!("/events/{event}/register");
    let body = json!({"user_email": "grace@example.org"});
    let sold_out = ask(&app, "late", "POST", &address, &body);
    refused(&sold_out, 409, "sold_out");
    done(&give_up(&app, &seated), 200);
    again(&app, &sold_out, "late", "POST", &address, &body);
    done(&ask(&app, "later", "POST", &address, &body), 201);
    // Undecided requests are not stored.
    let invalid = ask(&app, "typo", "POST", &address, &json!({"user_email": "hedy"}));
    refused(&invalid, 400, "validation");
    let corrected = json!({"user_email": "hedy@example.org", "on_full": "waitlist"});
    let waiting = ask(&app, "typo", "POST", &address, &corrected);
    done(&waiting, 202);
    again(&app, &waiting, "typo", "POST", &address, &corrected);
}

fn every_route_that_writes_has_keys(data: Data) {
    let app = App::start(data);
    let new = json!({"name": "a", "capacity": 3});
    let created = ask(&app, "create", "POST", "/events", &new);
    again(&app, &created, "create", "POST", "/events", &new);
    let location = created.header("location").map(str::to_owned);
    let replay = ask(&app, "create", "POST", "/events", &new);
    assert_eq!(replay.header("location").map(str::to_owned), location);
    assert_eq!(app.get("/events").json().as_array().map(Vec::len), Some(1));

    let event = format!("/events/{}", id(&created.json()));
    let write = |key: &str, method: &str, path: String, body: Value, status: u16| {
        let first = ask(&app, key, method, &path, &body);
        let made = done(&first, status);
        let version = app.get(&event).json()["version"].clone();
        again(&app, &first, key, method, &path, &body);
        assert_eq!(app.get(&event).json()["version"], version, "{method} {path}");
        made
    };
    let ada = json!({"user_email": "ada@example.org"});
    let held = write("hold", "POST", format!("{event}/holds"), ada, 201);
    assert_eq!(token(&held).len(), 43);
    let address = path(&held);
    write("confirm", "POST", format!("{address}/confirm"), Value::Null, 200);
    write("edit", "PATCH", event.clone(), json!({"capacity": 2}), 200);
    let ticket = app.get(&format!("{address}/ticket")).json()["ticket"].clone();
    let ticket = json!({"ticket": ticket});
    write("scan", "POST", format!("{event}/check-ins"), ticket.clone(), 201);
    write("scan2", "POST", format!("{event}/check-ins"), ticket, 409);
    write("undo", "DELETE", format!("{event}/check-ins/{}", id(&held)), Value::Null, 200);
    write("give up", "DELETE", address, Value::Null, 200);
    write("call off", "POST", format!("{event}/cancel"), json!({}), 200);
    app.assert_audit_is_clean();
}

fn a_transfer_shows_its_token_again(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    let ada = done(&app.register(&event, "ada@example.org"), 201);
    let bearer = format!("Bearer {}", token(&ada));
    let address = format!("{}/transfer", path(&ada));
    let body = json!({"user_email": "grace@example.org"});
    let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", "give")];
    let transfer = || app.ask("POST", &address, &headers, &body);
    let first = transfer();
    let grace = done(&first, 200);
    // A caller without permission any more gets the same refusal again.
    assert_same(&transfer(), &first);
    let bearer = format!("Bearer {}", token(&grace));
    let as_grace = [("Authorization", bearer.as_str())];
    assert_eq!(app.ask("GET", &path(&ada), &as_grace, &Value::Null).status, 200);
    // Back and forth again, without keys: each time there is a new token.
    let mut tokens = vec![token(&ada).to_owned(), token(&grace).to_owned()];
    for email in ["ada@example.org", "grace@example.org", "ada@example.org"] {
        let next = done(&app.post(&address, &json!({"user_email": email})), 200);
        assert!(!tokens.contains(&token(&next).to_owned()));
        tokens.push(token(&next).to_owned());
    }
}

fn repeated_scans_get_the_same_answer(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    let ada = done(&app.register(&event, "ada@example.org"), 201);
    let grace = done(&app.register(&event, "grace@example.org"), 201);
    let ticket = |of: &Value| app.get(&format!("{}/ticket", path(of))).json()["ticket"].clone();
    let scan = |number: u8, ticket: Value| {
        json!({
            "id": format!("00000000-0000-7000-8000-0000000000{number:02}"), "ticket": ticket,
            "scanned_at": "2026-01-01T00:00:00Z",
        })
    };
    let (first_ticket, second_ticket) = (ticket(&ada), ticket(&grace));
    let address = format!("/events/{event}/check-ins/batch");
    let body = json!({"scans": [
        scan(1, json!("no ticket")), scan(2, first_ticket.clone()), scan(3, first_ticket),
    ]});
    let answered = ask(&app, "batch", "POST", &address, &body);
    done(&answered, 200);
    // Taken back in between: a new request would hear something else.
    let undo = format!("/events/{event}/check-ins/{}", id(&ada));
    done(&app.ask("DELETE", &undo, &[], &Value::Null), 200);
    again(&app, &answered, "batch", "POST", &address, &body);
    assert_eq!(app.get(&path(&ada)).json()["checked_in_at"], Value::Null);
    // Longer than the first, so that its last scan was never sent: nothing of it is executed.
    let other = json!({"scans": [
        scan(4, json!("a")), scan(5, json!("b")), scan(6, json!("c")), scan(7, second_ticket),
    ]});
    let reused = ask(&app, "batch", "POST", &address, &other);
    refused(&reused, 422, "idempotency_key_reused");
    assert_eq!(app.get(&path(&grace)).json()["checked_in_at"], Value::Null);
}

fn an_answer_outlives_the_server_and_the_key_of_its_token(data: Data) {
    let mut app = App::start(data);
    let event = app.create(1);
    let first = register(&app, "once", &event, "ada@example.org");
    let seat = done(&first, 201);
    let waiting = register(&app, "twice", &event, "grace@example.org");
    done(&waiting, 202);
    app.server.kill9();
    assert!(app.run("rotate-keys").status.success());
    app.server = start_on(&app.data, &[]);
    assert_same(&register(&app, "once", &event, "ada@example.org"), &first);
    assert_same(&register(&app, "twice", &event, "grace@example.org"), &waiting);
    done(&act(&app, &seat, "confirm"), 200);
    app.assert_audit_is_clean();
}

/// A client without a token has nothing but the key: with a short one, another client's answer and its token could
/// be had by guessing.
fn a_key_that_is_easily_guessed_is_no_secret(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    let ada = json!({"user_email": "ada@example.org"});
    let [register, holds] = ["register", "holds"].map(|what| format!("/events/{event}/{what}"));
    let with = |key: &str, path: &str, body: &Value| {
        app.ask("POST", path, &[("Idempotency-Key", key)], body)
    };
    let (short, long) = ("k".repeat(15), "k".repeat(16));
    for key in ["1", &short] {
        for path in [&register, &holds] {
            let answer = with(key, path, &ada);
            refused(&answer, 400, "invalid_header");
            assert_eq!(answer.pointers(), ["/Idempotency-Key"]);
        }
        let create = with(key, "/events", &json!({"name": "a", "capacity": 1}));
        refused(&create, 400, "invalid_header");
        // A header that means nothing here does not change the caller.
        let proxied = [("Idempotency-Key", key), ("Authorization", "Bearer for-a-proxy")];
        refused(&app.ask("POST", &register, &proxied, &ada), 400, "invalid_header");
    }
    assert_eq!(app.get(&format!("/events/{event}")).json()["version"], 1, "nothing was done");
    let seat = done(&with(&long, &register, &ada), 201);
    // The holder of the registration's token has keys of their own.
    let bearer = format!("Bearer {}", token(&seat));
    let headers = [("Idempotency-Key", "1"), ("Authorization", bearer.as_str())];
    done(&app.ask("DELETE", &path(&seat), &headers, &Value::Null), 200);
}
