//! Watching events: event streams over plain sockets, on both stores, of one server and of two.

mod common;

use common::acts::{self, done, edit, refused};
use common::sse::{Item, Watch};
use common::{App, Data, ask, http, make_token, make_token_with, spoil, start_on};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest wait for an expected state.
const WITHIN: Duration = Duration::from_secs(60);
/// Long enough for several readings of the store.
const SILENCE: Duration = Duration::from_millis(1_500);
/// How long a server with many watchers may take to stop; it is to need less than one second.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

on_both_stores! {
    a_watcher_gets_each_change
    a_known_version_is_not_sent
    several_events_are_watched_together
    an_invalid_stream_is_refused_before_it_begins
    an_expired_hold_is_reported_before_it_is_swept
    edits_and_the_end_of_an_event_are_streamed
    all_streams_end_when_the_server_stops
    a_stalled_watcher_gets_only_the_newest_state
}

fn watch(app: &App, path: &str) -> Watch {
    Watch::open(app.url(), path, &[]).expect("it is a stream")
}

fn live(event: &str) -> String {
    format!("/events/{event}/live")
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WITHIN, "it never comes true: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The value of a metric that has no labels.
fn metric(app: &App, name: &str) -> u64 {
    let page = String::from_utf8(app.get("/metrics").body).expect("it is text");
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}: {page}")).parse().expect("a whole number")
}

fn a_watcher_gets_each_change(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    // One that is long enough to be compressed, if any part of a stream were.
    let mut stream =
        Watch::open(app.url(), &live(&event), &[("Accept-Encoding", "gzip")]).expect("a stream");
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(stream.header("x-accel-buffering"), Some("no"));
    assert_eq!(stream.header("x-content-type-options"), Some("nosniff"));
    for none in ["content-encoding", "content-length", "transfer-encoding"] {
        assert_eq!(stream.header(none), None, "{none}");
    }
    assert!(stream.header("x-request-id").is_some());
    assert!(matches!(stream.next(), Item::Retry(2_000..6_000)));
    let first = stream.seats();
    let expected = json!({
        "event_id": event, "capacity": 3, "booked_count": 0, "available": 3, "waitlist_count": 0,
        "status": "published", "version": 1,
    });
    assert_eq!(first, expected);
    assert_eq!(metric(&app, "booking_live_watchers"), 1);

    let ada = done(&app.register(&event, "ada@example.org"), 201);
    let received = stream.seats();
    assert_eq!(
        (&received["booked_count"], &received["version"]),
        (&json!(1), &ada["event_version"])
    );
    done(&app.register(&event, "grace@example.org"), 201);
    done(&app.register(&event, "edsger@example.org"), 201);
    let full = stream.until(|seats| seats["booked_count"] == 3);
    assert_eq!((&full["available"], &full["version"]), (&json!(0), &json!(4)));
    done(&acts::wait_for(&app, &event, "late@example.org"), 202);
    stream.until(|seats| seats["waitlist_count"] == 1);
    stream.is_silent(SILENCE);

    // A new watcher gets the state at once, and one that is gone is noticed.
    assert_eq!(watch(&app, &live(&event)).seats()["version"], 5);
    until("the other one is gone", || metric(&app, "booking_live_watchers") == 1);
    drop(stream);
    until("nobody watches", || metric(&app, "booking_live_watchers") == 0);
    assert!(metric(&app, "booking_live_messages_total") >= 5);
    app.assert_audit_is_clean();
}

fn a_known_version_is_not_sent(data: Data) {
    let app = App::start(data);
    let event = app.create(9);
    done(&app.register(&event, "ada@example.org"), 201);
    let path = live(&event);
    let asks: [(String, &[(&str, &str)]); 5] = [
        (format!("{path}?since=2"), &[]),
        (path.clone(), &[("Last-Event-ID", "2")]),
        // The last id of a reconnecting browser.
        (format!("{path}?since=1"), &[("Last-Event-ID", "2")]),
        (format!("{path}?since=1000"), &[]),
        (format!("/live?events={event}&since=1"), &[("Last-Event-ID", "2")]),
    ];
    let mut streams: Vec<Watch> = asks
        .iter()
        .map(|(path, headers)| Watch::open(app.url(), path, headers).expect("a stream"))
        .collect();
    for stream in &mut streams {
        stream.is_silent(SILENCE / 3);
    }
    done(&app.register(&event, "grace@example.org"), 201);
    for (stream, (path, _)) in streams.iter_mut().zip(&asks) {
        assert_eq!(stream.seats()["version"], 3, "{path}");
    }
    // And for an older one, or an invalid one, the state is sent.
    for last in ["2", "", "x", "-1", "99999999999999999999999"] {
        let headers = [("Last-Event-ID", last)];
        let mut stream = Watch::open(app.url(), &path, &headers).expect("a stream");
        assert_eq!(stream.seats()["version"], 3, "{last}");
    }
}

fn several_events_are_watched_together(data: Data) {
    let app = App::start(data);
    let ids: Vec<String> = (0..100).map(|_| app.create(5)).collect();
    let mut all = watch(&app, &format!("/live?events={}", ids.join("%2C")));
    let mut received: Vec<String> = (0..ids.len())
        .map(|_| all.seats()["event_id"].as_str().expect("an id").to_owned())
        .collect();
    received.sort();
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(received, expected);

    let mut some = watch(&app, &format!("/live?events={},{},{}&since=,1", ids[0], ids[1], ids[2]));
    let first: Vec<Value> =
        [some.seats(), some.seats()].map(|seats| seats["event_id"].clone()).into();
    assert!(!first.contains(&json!(ids[1])), "its version is known: {first:?}");
    some.is_silent(SILENCE / 3);
    done(&app.register(&ids[1], "ada@example.org"), 201);
    done(&app.register(&ids[99], "ada@example.org"), 201);
    assert_eq!(some.seats()["event_id"], ids[1]);
    some.is_silent(SILENCE / 3);
    let changed: Vec<Value> =
        [all.seats(), all.seats()].map(|seats| seats["event_id"].clone()).into();
    for id in [&ids[1], &ids[99]] {
        assert!(changed.contains(&json!(id)), "{changed:?}");
    }
}

fn an_invalid_stream_is_refused_before_it_begins(data: Data) {
    let owner = make_token(&data, "Jazz club");
    let app = App::start(data);
    let put_up = |status: &str| {
        let body = json!({"name": "Jazz", "capacity": 5, "status": status});
        acts::id(&done(&app.ask_as(&owner, "POST", "/events", &body), 201)).to_owned()
    };
    let (event, draft) = (put_up("published"), put_up("draft"));
    let nobody = "00000000-0000-7000-8000-000000000001";
    let not_found = [
        live(nobody),
        live("x"),
        live(&draft),
        format!("/live?events={draft}"),
        format!("/live?events={event},{draft}"),
        format!("/live?events={event},{nobody}"),
    ];
    for path in not_found {
        refused(&app.get(&path), 404, "not_found");
    }
    let many = vec![event.as_str(); 101].join(",");
    for (path, pointer) in [
        ("/live".to_owned(), "/events"),
        ("/live?events=".to_owned(), "/events"),
        (format!("/live?events={event},{event}"), "/events"),
        (format!("/live?events={many}"), "/events"),
        (format!("/live?events={event}&since=x"), "/since"),
        (format!("/live?events={event}&limit=1"), "/limit"),
        (format!("{}?since=x", live(&event)), "/since"),
        (format!("{}?events=x", live(&event)), "/events"),
    ] {
        let answer = app.get(&path);
        refused(&answer, 400, "validation");
        assert_eq!(answer.pointers(), [pointer], "{path}");
    }
    refused(&app.get(&format!("/live?{}", "x".repeat(8_193))), 414, "too_large");
    refused(&app.post(&live(&event), &Value::Null), 405, "method_not_allowed");
    refused(&app.ask_as("org_unknown", "GET", &live(&event), &Value::Null), 401, "unauthenticated");

    // Its head alone; that opens no stream.
    let head = http::send(app.url(), "HEAD", &live(&event), &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0), "{head:?}");
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    assert_eq!(metric(&app, "booking_live_watchers"), 0);

    let bearer = format!("Bearer {owner}");
    let headers = [("Authorization", bearer.as_str())];
    let mut own = Watch::open(app.url(), &live(&draft), &headers).expect("a stream");
    assert_eq!(own.seats()["status"], "draft");
}

fn an_expired_hold_is_reported_before_it_is_swept(data: Data) {
    let now = match &data {
        Data::Sqlite(_) => "1",
        Data::Postgres(_) => "now() - interval '1 hour'",
    };
    let app = App::start_with(data, &[("SWEEP_SECONDS", "0")]);
    let event = app.create(2);
    done(&acts::hold(&app, &event, "ada@example.org"), 201);
    let mut stream = watch(&app, &live(&event));
    let mut knows = watch(&app, &format!("{}?since=2", live(&event)));
    let held = stream.seats();
    assert_eq!((&held["booked_count"], &held["version"]), (&json!(1), &json!(2)));
    knows.is_silent(SILENCE / 3);
    let run_out = format!(
        "UPDATE registrations SET expires_at = {now} WHERE status = 'held'; UPDATE events SET due_at = {now}"
    );
    spoil(&app.data, &run_out);
    for stream in [&mut stream, &mut knows] {
        let free = stream.seats();
        assert_eq!((&free["booked_count"], &free["available"]), (&json!(0), &json!(2)));
        assert_eq!(free["version"], 2, "nobody has written anything");
    }
    // A new watcher that claims that version does not have that state.
    let mut late = watch(&app, &format!("{}?since=2", live(&event)));
    assert_eq!(late.seats()["booked_count"], 0);
}

fn edits_and_the_end_of_an_event_are_streamed(data: Data) {
    let app = App::start(data);
    let event = app.create(2);
    let mut stream = watch(&app, &live(&event));
    stream.seats();
    done(&edit(&app, &event, &json!({"capacity": 7})), 200);
    assert_eq!(stream.until(|seats| seats["version"] == 2)["available"], 7);
    done(&app.post(&format!("/events/{event}/cancel"), &json!({})), 200);
    stream.until(|seats| seats["status"] == "cancelled");
    stream.is_silent(SILENCE / 3);
}

fn all_streams_end_when_the_server_stops(data: Data) {
    let mut app = App::start(data);
    let (event, other) = (app.create(2), app.create(2));
    let mut streams: Vec<Watch> = (0..50).map(|_| watch(&app, &live(&event))).collect();
    streams.push(watch(&app, &format!("/live?events={event},{other}")));
    for stream in &mut streams {
        stream.seats();
    }
    let stalled = narrow(app.url());
    let stalled = Watch::over(stalled, &live(&event), &[]).expect("a stream");
    let began = Instant::now();
    app.server.signal("TERM");
    let status = app.server.wait(WITHIN).expect("it ends");
    let took = began.elapsed();
    println!("stopped {took:?} after SIGTERM");
    assert!(status.success() && took < STOPPED_WITHIN, "{status}, {took:?}");
    for stream in &mut streams {
        until("it ends", || stream.next() == Item::End);
    }
    drop(stalled);
}

/// A connection whose client buffers next to nothing before it reads.
fn narrow(url: &str) -> TcpStream {
    let address: SocketAddr =
        url.strip_prefix("http://").and_then(|text| text.parse().ok()).expect("a plain URL");
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4 * 1_024).expect("it can be set");
    socket.connect(&address.into()).expect("the server accepts");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(WITHIN)).expect("it is open");
    stream
}

/// A client that stalls during a long sale and then reads finds the newest state, and as much as fits on the way
/// there.
fn a_stalled_watcher_gets_only_the_newest_state(data: Data) {
    const EVENTS: usize = 40;
    const ROUNDS: usize = 12;
    let app = App::start(data);
    let ids: Vec<String> = (0..EVENTS).map(|_| app.create(ROUNDS as u32)).collect();
    let path = format!("/live?events={}", ids.join(","));
    let mut stalled = Watch::over(narrow(app.url()), &path, &[]).expect("a stream");
    let mut beside = watch(&app, &path);
    for round in 1..=ROUNDS {
        for id in &ids {
            done(&app.register(id, &format!("{round}@example.org")), 201);
        }
        // The negative control: a client that reads gets every round.
        let mut received = 0;
        while received < EVENTS {
            received += usize::from(beside.seats()["booked_count"] == round);
        }
    }
    let (mut messages, mut booked) = (0, vec![0; EVENTS]);
    while booked.iter().any(|booked| *booked != ROUNDS as u64) {
        let seats = stalled.seats();
        let place = ids.iter().position(|id| seats["event_id"] == *id).expect("one of them");
        let now = seats["booked_count"].as_u64().expect("a number");
        assert!(now >= booked[place], "it goes back: {seats}");
        booked[place] = now;
        messages += 1;
    }
    println!("{messages} messages of {}", EVENTS * (ROUNDS + 1));
    // The messages that the kernel had taken, and one for each.
    assert!(messages < EVENTS * ROUNDS / 2, "{messages} messages were queued");
}

/// Whichever server decides, and whichever is watched.
#[test]
fn a_change_on_one_server_is_streamed_by_the_other() {
    let app = App::start(Data::postgres());
    let other = start_on(&app.data, &[]);
    let event = app.create(1_000);
    let mut here = watch(&app, &live(&event));
    let mut there = Watch::open(other.url(), &live(&event), &[]).expect("a stream");
    let (mut slowest, mut sum) = (Duration::ZERO, Duration::ZERO);
    for number in 1..=20 {
        let url = if number % 2 == 0 { app.url() } else { other.url() };
        let body = json!({"user_email": format!("{number}@example.org")});
        let path = format!("/events/{event}/register");
        done(&ask(url, "POST", &path, &[], &body), 201);
        let began = Instant::now();
        for stream in [&mut here, &mut there] {
            stream.until(|seats| seats["booked_count"] == number);
        }
        slowest = slowest.max(began.elapsed());
        sum += began.elapsed();
    }
    // On an idle machine it is within half a second.
    let mean = sum / 20;
    println!("told after {slowest:?} at the most, {mean:?} in the mean");
    assert!(slowest < WITHIN / 2);
}

/// A connection without messages is neither idle nor silent, and ends when its organizer's token does.
#[test]
fn silence_is_broken_and_a_revoked_watcher_gets_no_more() {
    let data = Data::sqlite();
    let owner = make_token_with(&data, "Jazz club", &[]);
    let app = App::start_with(data, &[("IDLE_SECONDS", "1"), ("HEAD_SECONDS", "1")]);
    let body = json!({"name": "Not yet", "capacity": 5, "status": "draft"});
    let draft = done(&app.ask_as(&owner.secret, "POST", "/events", &body), 201);
    let bearer = format!("Bearer {}", owner.secret);
    let headers = [("Authorization", bearer.as_str())];
    let mut stream = Watch::open(app.url(), &live(acts::id(&draft)), &headers).expect("a stream");
    stream.seats();
    let began = Instant::now();
    assert_eq!(stream.next(), Item::Comment);
    assert!(began.elapsed() > Duration::from_secs(5), "it comes only after a while");
    assert!(app.run(&format!("token revoke {}", owner.id)).status.success());
    until("the stream ends", || stream.next() == Item::End);
}

#[test]
fn watchers_are_limited() {
    let app = App::start_with(Data::sqlite(), &[("LIVE_MAX", "2")]);
    let event = app.create(2);
    let first = watch(&app, &live(&event));
    let _second = watch(&app, &format!("/live?events={event}"));
    let full = app.get(&live(&event));
    refused(&full, 503, "overloaded");
    let wait: u64 = full.header("retry-after").and_then(|s| s.parse().ok()).expect("it says when");
    assert!((20..40).contains(&wait), "{wait}");
    assert_eq!(app.get(&format!("/events/{event}")).status, 200, "it can be read all the same");
    drop(first);
    until("there is a place", || Watch::open(app.url(), &live(&event), &[]).is_ok());

    let none = App::start_with(Data::sqlite(), &[("LIVE_MAX", "0")]);
    let event = none.create(2);
    refused(&none.get(&live(&event)), 503, "overloaded");
}

#[test]
fn a_client_watches_on_so_many_connections() {
    let settings = [("TRUSTED_PROXIES", "127.0.0.1"), ("CLIENT_LIVE_MAX", "2")];
    let app = App::start_with(Data::sqlite(), &settings);
    let event = app.create(2);
    let from = |client: &str| Watch::open(app.url(), &live(&event), &[("X-Forwarded-For", client)]);
    let first = from("198.51.100.1").expect("a stream");
    let _second = from("198.51.100.1").expect("a stream");
    let refusal = from("198.51.100.1").expect_err("that is one too many");
    refused(&refusal, 429, "rate_limited");
    assert!(refusal.header("retry-after").is_some());
    let _other = from("198.51.100.2").expect("another client's are its own");
    drop(first);
    until("there is a place", || from("198.51.100.1").is_ok());
}

/// Clients send nothing on a stream, and bytes of one that does are not read for ever. They are no request either.
#[test]
fn input_on_a_stream_is_ignored() {
    use std::io::Write;
    let app = App::start(Data::sqlite());
    let event = app.create(2);
    let stream = http::connect(app.url());
    let mut talks = stream.try_clone().expect("it can be");
    let mut watching = Watch::over(stream, &live(&event), &[]).expect("a stream");
    watching.seats();
    let request = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    talks.write_all(request.as_bytes()).expect("it is taken");
    watching.is_silent(SILENCE / 3);
    until("it is ended", || talks.write_all(&[b'x'; 8 * 1_024]).is_err());
    assert_eq!(app.get("/events").json().as_array().map(Vec::len), Some(1));
}

/// An HTTP/1.0 client gets no chunks, and a pipelined request behind a stream is not executed.
#[test]
fn an_http_1_0_client_watches_and_its_pipelined_requests_are_dropped() {
    use std::io::Write;
    let app = App::start(Data::sqlite());
    let event = app.create(2);
    let path = live(&event);
    let mut stream = http::connect(app.url());
    stream
        .write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())
        .expect("it is taken");
    let (mut received, mut buffer) = (String::new(), [0; 4_096]);
    while !received.contains("event: seats\n") {
        let length = http::read_some(&mut stream, &mut buffer).expect("it goes on");
        assert!(length > 0, "it ended early: {received}");
        received.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let (head, _) = received.split_once("\r\n\r\n").expect("a head");
    let head = head.to_ascii_lowercase();
    assert!(head.contains(" 200 ") && !head.contains("transfer-encoding"), "{head}");
    drop(stream);

    let body = r#"{"user_email":"ada@example.org"}"#;
    let both = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /events/{event}/register HTTP/1.1\r\nHost: \
         localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = http::connect(app.url());
    stream.write_all(both.as_bytes()).expect("it is taken");
    // It ends, or continues as a stream: either way no seat is taken.
    stream.set_read_timeout(Some(SILENCE)).expect("it is open");
    while http::read_some(&mut stream, &mut buffer).is_ok_and(|length| length > 0) {}
    assert_eq!(acts::event(&app, &event)["booked_count"], 0);
    until("nobody is left", || {
        drop(stream.shutdown(std::net::Shutdown::Both));
        metric(&app, "booking_live_watchers") == 0
    });
}
