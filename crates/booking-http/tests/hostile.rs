//! Input that is wrong gets a clear answer and changes nothing.

mod common;

use common::{App, Data, http};
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn bodies_that_are_no_json_are_malformed() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    let deep = "[".repeat(5_000);
    let bodies: [&[u8]; 14] = [
        b"",
        b" ",
        b"{",
        b"{\"name\":",
        b"{'name':1}",
        b"{}x",
        b"{\"name\":\"a\"},",
        b"nul",
        b"+1",
        b"\xef\xbb\xbf{}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":NaN}",
        deep.as_bytes(),
    ];
    for body in bodies {
        for path in ["/events".to_owned(), format!("/events/{event}/register")] {
            let answer = app.post_bytes(&path, body);
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (400, "malformed_json"),
                "{shown}"
            );
        }
    }
    assert_unchanged(&app, &event);
}

#[test]
fn input_that_is_not_valid_is_told_in_full() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    let long = "x".repeat(201);
    for (body, pointers) in [
        (json!({}), vec!["/name", "/capacity"]),
        (json!([]), vec![""]),
        (json!("name"), vec![""]),
        (json!(null), vec![""]),
        (json!({"name": "", "capacity": 0}), vec!["/name", "/capacity"]),
        (json!({"name": " ", "capacity": 1.5}), vec!["/name", "/capacity"]),
        (
            json!({"name": 1, "description": [], "capacity": "5"}),
            vec!["/name", "/description", "/capacity"],
        ),
        (json!({"name": null, "capacity": null}), vec!["/name", "/capacity"]),
        (json!({"name": long, "capacity": 100_001}), vec!["/name", "/capacity"]),
        (
            json!({"name": "a\u{0}b", "description": "\r\n", "capacity": -1}),
            vec!["/name", "/description", "/capacity"],
        ),
        (json!({"name": "a", "capacity": 5, "id": "x", "a/b~c": 1}), vec!["/a~1b~0c", "/id"]),
        (
            json!({"name": "a", "capacity": 5, "description": "x".repeat(10_001)}),
            vec!["/description"],
        ),
    ] {
        let answer = app.post("/events", &body);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{body}");
        assert_eq!(answer.pointers(), pointers, "{body}");
    }
    let huge = br#"{"name":"a","capacity":123456789012345678901234567890}"#;
    assert_eq!(app.post_bytes("/events", huge).pointers(), ["/capacity"]);
    let twice = br#"{"name":"a","name":"b","capacity":5}"#;
    assert_eq!(app.post_bytes("/events", twice).pointers(), ["/name"]);
    for email in ["", "ada", "a@b", "Ada <a@b.org>", "a\u{202e}@b.org", "a b@c.org", "a\n@b.org"] {
        let answer = app.register(&event, email);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{email:?}");
        assert_eq!(answer.pointers(), ["/user_email"]);
    }
    let register = format!("/events/{event}/register");
    for body in [json!({}), json!({"email": "a@b.org"}), json!({"user_email": ["a@b.org"]})] {
        assert_eq!(app.post(&register, &body).problem(), "validation", "{body}");
    }
    assert_unchanged(&app, &event);
}

#[test]
fn a_body_must_be_said_to_be_json() {
    let app = App::start(Data::sqlite());
    let body = br#"{"name":"a","capacity":5}"#;
    let send = |headers: &[(&str, &str)]| http::send(app.url(), "POST", "/events", headers, body);
    for headers in [
        &[][..],
        &[("Content-Type", "text/plain")],
        &[("Content-Type", "application/x-www-form-urlencoded")],
        &[("Content-Type", "application/jsonp")],
        &[("Content-Type", "application/json; charset=latin1")],
        &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
    ] {
        let answer = send(headers);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (415, "unsupported_media_type"),
            "{headers:?}"
        );
    }
    for content_type in [
        "application/json",
        "Application/JSON; Charset=\"UTF-8\"",
        "application/json ;charset=utf-8",
    ] {
        assert_eq!(send(&[("Content-Type", content_type)]).status, 201, "{content_type}");
    }
}

#[test]
fn a_body_has_a_greatest_length() {
    let app = App::start(Data::sqlite());
    let body = |length: usize| {
        let frame = r#"{"name":"a","capacity":5}"#;
        format!("{frame}{}", " ".repeat(length - frame.len()))
    };
    assert_eq!(app.post_bytes("/events", body(16 * 1_024).as_bytes()).status, 201);
    let answer = app.post_bytes("/events", body(16 * 1_024 + 1).as_bytes());
    assert_eq!((answer.status, answer.problem().as_str()), (413, "too_large"));
    assert_eq!(answer.header("connection"), Some("close"));

    // Without a length said beforehand it is counted.
    let mut stream = http::connect(app.url());
    stream
        .write_all(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("the server reads");
    for _ in 0..20 {
        let chunk = format!("{:x}\r\n{}\r\n", 1_024, " ".repeat(1_024));
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let answer = http::read_all(stream);
    assert_eq!((answer.status, answer.problem().as_str()), (413, "too_large"));
}

#[test]
fn a_body_that_drips_is_cut_off() {
    let app = App::start_with(Data::sqlite(), &[("BODY_SECONDS", "1")]);
    let began = Instant::now();
    let mut stream = http::connect(app.url());
    stream
        .write_all(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        .expect("the server reads");
    let mut dripping = stream.try_clone().expect("it can be cloned");
    let drip = std::thread::spawn(move || {
        while dripping.write_all(b" ").is_ok() && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let answer = http::read_all(stream);
    assert_eq!((answer.status, answer.problem().as_str()), (408, "timeout"));
    assert!(began.elapsed() < Duration::from_secs(8), "and the connection is closed");
    drip.join().expect("no panic");
}

#[test]
fn other_methods_are_told_which_there_are() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    for (path, allow) in [
        ("/".to_owned(), "GET, HEAD"),
        ("/health".to_owned(), "GET, HEAD"),
        ("/events".to_owned(), "GET, HEAD, POST"),
        (format!("/events/{event}"), "GET, HEAD"),
        (format!("/events/{event}/register"), "POST"),
        (format!("/events/{event}/registrations"), "GET, HEAD"),
    ] {
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let answer = http::send(app.url(), method, &path, &[], b"");
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some(allow)),
                "{method} {path}"
            );
            assert_eq!(answer.problem(), "method_not_allowed");
        }
    }
    assert_eq!(app.get(&format!("/events/{event}/register")).status, 405);
    assert_unchanged(&app, &event);
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    for path in ["/", "/events", "/health", "/problems", &format!("/events/{event}")] {
        let get = app.get(path);
        let head = http::send(app.url(), "HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "content-length", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
    assert_eq!(http::send(app.url(), "HEAD", "/nothing", &[], b"").status, 404);
}

#[test]
fn a_request_id_is_taken_over_if_it_is_sane() {
    let app = App::start(Data::sqlite());
    let ask = |id: &str| {
        let answer = http::send(app.url(), "GET", "/nothing", &[("X-Request-Id", id)], b"");
        answer.problem();
        answer.header("x-request-id").expect("always there").to_owned()
    };
    assert_eq!(ask("order-42_a.b:c"), "order-42_a.b:c");
    assert_eq!(ask(&"a".repeat(128)), "a".repeat(128));
    for insane in ["", "a b", "<script>", "a\"b", &"a".repeat(129)] {
        let id = ask(insane);
        assert_ne!(id, insane);
        assert_eq!(id.len(), 36, "a UUID: {id}");
    }
    let answer = app.get("/health");
    assert!(answer.header("x-request-id").is_some());
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// Events stay as they were, and there are no others.
fn assert_unchanged(app: &App, event: &str) {
    let events = app.get("/events").json();
    assert_eq!(events.as_array().map(Vec::len), Some(1));
    assert_eq!((&events[0]["id"], &events[0]["booked_count"]), (&json!(event), &json!(0)));
}
