//! Clients that send too often. All of them are on this machine, so the test acts as a proxy that names their
//! addresses.

use crate::common::acts::{done, id, refused};
use crate::common::http::Answer;
use crate::common::{App, Data, ask, http, make_token};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

pub(crate) const PROXY: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1");
pub(crate) const NO_CLIENT_RATE: (&str, &str) = ("CLIENT_RATE", "0");

/// A server that accepts 5 writes at once from one address, and then one a second.
fn limited() -> App {
    App::start_with(Data::sqlite(), &[PROXY, ("CLIENT_RATE", "1"), ("CLIENT_BURST", "5")])
}

fn register_from(app: &App, from: &str, event: &str, email: &str) -> Answer {
    let path = format!("/events/{event}/register");
    let body = json!({"user_email": email});
    ask(app.url(), "POST", &path, &[("X-Forwarded-For", from)], &body)
}

/// Checks that it is a refusal of this kind; returns its `Retry-After` in seconds.
#[track_caller]
pub(crate) fn limited_for(answer: &Answer) -> u64 {
    refused(answer, 429, "rate_limited");
    answer.header("retry-after").and_then(|wait| wait.parse().ok()).expect("whole seconds")
}

pub(crate) fn booked(app: &App, event: &str) -> Value {
    app.get(&format!("/events/{event}")).json()["booked_count"].clone()
}

/// Sends as many registrations as fast as they are answered, and counts the accepted ones.
fn flood(app: &App, from: &str, event: &str, count: usize) -> usize {
    let accepted = |number: &usize| {
        let email = format!("{number}.{}@example.org", from.replace(':', "-"));
        let answer = register_from(app, from, event, &email);
        assert!([201, 429].contains(&answer.status), "{answer:?}");
        answer.status == 201
    };
    (0..count).filter(accepted).count()
}

#[test]
fn one_address_has_its_rate_and_others_have_theirs() {
    let app = limited();
    let event = app.create(1_000);
    let began = Instant::now();
    let accepted = flood(&app, "198.51.100.1", &event, 30);
    let refilled = began.elapsed().as_secs() as usize + 1;
    assert!((5..=5 + refilled).contains(&accepted), "{accepted} of 30 in {:?}", began.elapsed());
    assert_eq!(booked(&app, &event), json!(accepted), "what is refused takes no seat");
    assert_eq!(register_from(&app, "198.51.100.2", &event, "a@b.org").status, 201);
    // Reading is not limited.
    for _ in 0..20 {
        let path = format!("/events/{event}");
        let answer =
            http::send(app.url(), "GET", &path, &[("X-Forwarded-For", "198.51.100.1")], b"");
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    }
    app.assert_audit_is_clean();
}

/// The negative control: without the limit, and where it does not apply, every request is accepted.
#[test]
fn without_a_limit_the_flood_comes_through() {
    for settings in [
        &[PROXY, NO_CLIENT_RATE][..],
        // No proxy is trusted, and this machine is its owner's.
        &[("CLIENT_RATE", "1"), ("CLIENT_BURST", "5")],
    ] {
        let app = App::start_with(Data::sqlite(), settings);
        let event = app.create(1_000);
        assert_eq!(flood(&app, "198.51.100.1", &event, 30), 30);
        let answer = register_from(&app, "198.51.100.1", &event, "a@b.org");
        assert_eq!((answer.status, answer.header("ratelimit-policy")), (201, None));
    }
}

#[test]
fn responses_carry_the_state_of_the_rate_limit() {
    let data = Data::sqlite();
    let token = make_token(&data, "Jazz club");
    let app = App::start_with(
        data,
        &[PROXY, ("CLIENT_RATE", "1"), ("CLIENT_BURST", "2"), ("CORS_ORIGINS", "*")],
    );
    let body = json!({"name": "An event", "capacity": 10});
    let created = done(&app.ask_as(&token, "POST", "/events", &body), 201);
    let event = id(&created);
    let from = "198.51.100.1";
    let first = register_from(&app, from, event, "a@b.org");
    assert_eq!(first.status, 201);
    assert_eq!(first.header("ratelimit-policy"), Some("\"client\";q=2;w=2"));
    assert_eq!(first.header("ratelimit"), Some("\"client\";r=1;t=1"));
    let send = || register_from(&app, from, event, "b@b.org");
    let limited = std::iter::repeat_with(send).take(100).find(|answer| answer.status == 429);
    let limited = limited.expect("it comes soon");
    assert_eq!(limited_for(&limited), 1);
    assert_eq!(limited.header("ratelimit-policy"), Some("\"client\";q=2;w=2"));
    assert_eq!(limited.header("ratelimit"), Some("\"client\";r=0;t=1"));

    // Pages of other origins may read it, and that they were refused.
    let headers = [("Origin", "https://shop.example"), ("X-Forwarded-For", from)];
    let send = || ask(app.url(), "POST", "/events", &headers, &json!({}));
    let limited = std::iter::repeat_with(send).take(100).find(|answer| answer.status == 429);
    let limited = limited.expect("it comes soon");
    assert_eq!(limited.header("access-control-allow-origin"), Some("*"));
    let exposed = limited.header("access-control-expose-headers").expect("there are some");
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}: {exposed}");
    }
}

#[test]
fn a_refused_request_leaves_no_trace_and_is_not_read() {
    let app = limited();
    let event = app.create(1_000);
    let from = "198.51.100.1";
    let path = format!("/events/{event}/register");
    let send = |email: &str, key: &str| {
        let key = crate::common::key(key);
        let headers = [("X-Forwarded-For", from), ("Idempotency-Key", key.as_str())];
        ask(app.url(), "POST", &path, &headers, &json!({"user_email": email}))
    };
    let mut shed = (0..30).map(|n| (n, send(&format!("{n}@b.org"), &format!("key {n}"))));
    let (number, answer) = shed.find(|(_, answer)| answer.status == 429).expect("it comes soon");
    limited_for(&answer);
    // The same key is as good as new, for anything.
    let began = Instant::now();
    let later = loop {
        let later = send("another@b.org", &format!("key {number}"));
        if later.status != 429 || began.elapsed() > Duration::from_secs(60) {
            break later;
        }
    };
    assert_eq!((later.status, later.header("idempotency-replayed")), (201, None));

    // An invalid request is not parsed, and a body is not waited for.
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {from}\r\nContent-Length: 16000\r\n\r\n{{"
    );
    let send_head = || {
        flood(&app, from, &event, 6);
        let mut stream = http::connect(app.url());
        stream.write_all(head.as_bytes()).expect("the server reads");
        http::read_all(stream)
    };
    // A busy machine may be so slow that it is not refused.
    let answer = std::iter::repeat_with(send_head).take(10).find(|answer| answer.status == 429);
    let answer = answer.expect("it is refused");
    limited_for(&answer);
    assert_eq!(answer.header("connection"), Some("close"));
}

/// A connection whose request has arrived in full stays open.
#[test]
fn a_refused_client_keeps_its_connection() {
    let app = limited();
    let event = app.create(1_000);
    flood(&app, "198.51.100.1", &event, 8);
    let mut stream = http::connect(app.url());
    let request = format!(
        "POST /events/{event}/register HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.1\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let mut answered = String::new();
    let mut buffer = [0; 16_384];
    for number in 1..=3 {
        stream.write_all(request.as_bytes()).expect("it is open");
        while answered.matches("\"request_id\"").count() < number {
            let length = http::read_some(&mut stream, &mut buffer).expect("it answers");
            assert_ne!(length, 0, "it closed after {answered}");
            answered.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }
    assert!(answered.contains("HTTP/1.1 429"), "{answered}");
}

#[test]
fn one_token_has_its_rate_wherever_it_comes_from() {
    let app = App::start_with(
        Data::sqlite(),
        &[PROXY, NO_CLIENT_RATE, ("TOKEN_RATE", "1"), ("TOKEN_BURST", "3")],
    );
    let event = app.create(10);
    let path = format!("/events/{event}/register");
    let send = |number: usize, token: &str| {
        let from = format!("198.51.100.{number}");
        let bearer = format!("Bearer {token}");
        let headers = [("X-Forwarded-For", from.as_str()), ("Authorization", &bearer)];
        ask(app.url(), "POST", &path, &headers, &json!({}))
    };
    let began = Instant::now();
    let answers: Vec<_> = (0..20).map(|number| send(number, "abc")).collect();
    let accepted = answers.iter().filter(|answer| answer.status != 429).count();
    let refilled = began.elapsed().as_secs() as usize + 1;
    assert!((3..=3 + refilled).contains(&accepted), "{accepted} of 20");
    let limited = answers.iter().find(|answer| answer.status == 429).expect("one is");
    assert_eq!(limited_for(limited), 1);
    assert_eq!(limited.header("ratelimit"), Some("\"token\";r=0;t=1"));
    assert_eq!(send(1, "abd").problem(), "validation", "another token has its own");
}

#[test]
fn proxies_are_believed_only_if_they_are_named() {
    let trusted = ("TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8");
    let started = |believed: &str| {
        let header = ("CLIENT_ADDRESS_HEADER", believed);
        let settings = [trusted, header, ("CLIENT_RATE", "1"), ("CLIENT_BURST", "100")];
        App::start_with(Data::sqlite(), &settings)
    };
    let remaining_at = |app: &App, name: &str, value: &str| {
        let answer = ask(app.url(), "POST", "/events", &[(name, value)], &json!({}));
        let limit = answer.header("ratelimit").expect("it is counted").to_owned();
        limit.split(['=', ';']).nth(2).and_then(|r| r.parse::<u32>().ok()).expect("a number")
    };
    // Each is used so often that it takes long to be as good as new.
    let ask_often_at = |app: &App, name: &str, value: &str| {
        assert_eq!(remaining_at(app, name, value), 99, "{value} is new");
        for _ in 0..30 {
            remaining_at(app, name, value);
        }
    };
    let app = started("Forwarded");
    let remaining = |value: &str| remaining_at(&app, "Forwarded", value);
    ask_often_at(&app, "Forwarded", "for=\"[2001:db8::1]:80\";proto=https");
    for value in [
        "for=1.2.3.4, for=\"[2001:db8:0:0:5::1]\", for=10.1.2.3;by=_x",
        "for=\"1.2.3.4, for=5.6.7.8\", For=\"[2001:db8::7]\"",
    ] {
        assert!(remaining(value) < 99, "{value} is the same network");
    }
    assert_eq!(remaining("for=\"[2001:db8:0:1::1]\""), 99, "another network");
    // A header that names no client counts for the proxy that sends it.
    ask_often_at(&app, "Forwarded", "for=unknown, for=10.9.9.9");
    assert!(remaining("for=nonsense, for=10.9.9.9") < 99);

    let app = started("X-Forwarded-For");
    let remaining = |value: &str| remaining_at(&app, "x-forwarded-for", value);
    ask_often_at(&app, "X-Forwarded-For", "1.2.3.4, 2001:db8::2");
    assert!(remaining("2001:db8::1") < 99, "the same network");
    assert_eq!(remaining("2001:db8:0:1::1"), 99, "another network");
    ask_often_at(&app, "X-Forwarded-For", "unknown, 10.9.9.9");
    assert!(remaining("nonsense, 10.9.9.9") < 99);

    let app = started("x-real-ip");
    ask_often_at(&app, "X-Real-IP", "2001:db8::1");
    assert!(remaining_at(&app, "X-Real-IP", "[2001:db8::2]:80") < 99, "the same network");

    // An untrusted proxy is logged once.
    let mut app = App::start(Data::sqlite());
    for _ in 0..3 {
        app.post("/events", &json!({}));
        ask(app.url(), "POST", "/events", &[("Forwarded", "for=198.51.100.1")], &json!({}));
    }
    app.server.terminate();
    assert_eq!(
        app.server.stderr().matches("TRUSTED_PROXIES").count(),
        2,
        "one line names it twice"
    );
}
