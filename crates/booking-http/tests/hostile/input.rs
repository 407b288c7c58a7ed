//! Bodies, headers and methods that are wrong.

use crate::common::{App, Data, http};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

/// By then a connection with a timeout of a second is closed, on a busy machine; and none for being idle.
const CLOSED_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn a_body_that_is_not_json_is_malformed() {
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
fn every_invalid_field_is_reported() {
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
            json!({"name": "a\u{0}b", "description": "\u{0}", "capacity": -1}),
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
fn newer_fields_are_read_as_strictly() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    let assert_refused = |method: &str, path: &str, body: Value, pointers: &[&str]| {
        let answer = app.ask(method, path, &[], &body);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{body}");
        assert_eq!(answer.pointers(), pointers, "{method} {path} {body}");
    };
    let all_wrong = json!({
        "name": 1, "capacity": 0, "starts_at": "today", "ends_at": 5, "timezone": "Mars/Base",
        "venue": " ", "status": "cancelled", "opens_at": "2026-05-01", "closes_at": true,
        "waitlist_enabled": "yes", "offer_ttl_seconds": 59, "language": "fr", "remind_hours": 721,
        "confirm_address": 1, "organizer_name": "", "contact": "javascript:x", "unlisted": 0,
    });
    let pointers = [
        "/name",
        "/capacity",
        "/starts_at",
        "/ends_at",
        "/timezone",
        "/venue",
        "/language",
        "/remind_hours",
        "/organizer_name",
        "/contact",
        "/unlisted",
        "/status",
        "/opens_at",
        "/closes_at",
        "/waitlist_enabled",
        "/offer_ttl_seconds",
        "/confirm_address",
    ];
    assert_refused("POST", "/events", all_wrong.clone(), &pointers);
    let reversed = json!({
        "name": "a", "capacity": 1, "starts_at": "2026-05-01T20:00:00Z",
        "ends_at": "2026-05-01T21:59:59+02:00", "opens_at": "2026-05-01T00:00:00Z",
        "closes_at": "2026-04-30T23:59:59Z",
    });
    assert_refused("POST", "/events", reversed, &["/ends_at", "/closes_at"]);

    let path = format!("/events/{event}");
    let mut pointers = pointers.to_vec();
    pointers.sort_unstable();
    let answer = app.ask("PATCH", &path, &[], &all_wrong);
    let mut reported = answer.pointers();
    reported.sort_unstable();
    assert_eq!(reported, pointers);
    for name in [
        "name",
        "capacity",
        "status",
        "waitlist_enabled",
        "language",
        "confirm_address",
        "unlisted",
    ] {
        assert_refused("PATCH", &path, json!({name: null}), &[&format!("/{name}")]);
    }
    assert_refused("PATCH", &path, json!({"status": "draft"}), &["/status"]);
    assert_refused("PATCH", &path, json!({"booked_count": 0}), &["/booked_count"]);
    // Which field is wrong depends on the event, so the error is for the whole body.
    let ends_first =
        json!({"starts_at": "2026-05-01T20:00:00Z", "ends_at": "2026-05-01T19:00:00Z"});
    assert_refused("PATCH", &path, ends_first, &[""]);

    let register = format!("{path}/register");
    let body = json!({"user_email": "a@b.org", "on_full": "queue", "name": "\u{7}"});
    assert_refused("POST", &register, body, &["/name", "/on_full"]);
    let holds = format!("{path}/holds");
    for ttl in [json!(59), json!(1_801), json!("600"), json!(600.5)] {
        let body = json!({"user_email": "a@b.org", "ttl_seconds": ttl});
        assert_refused("POST", &holds, body, &["/ttl_seconds"]);
    }
    let cancel = format!("{path}/cancel");
    assert_refused("POST", &cancel, json!({"reason": "rain"}), &["/reason"]);
    assert_refused("POST", &cancel, json!([]), &[""]);

    let check_ins = format!("{path}/check-ins");
    assert_refused("POST", &check_ins, json!({"ticket": 7}), &["/ticket"]);
    let batch = format!("{check_ins}/batch");
    let scan = json!({
        "id": "00000000-0000-7000-8000-000000000000", "ticket": "x",
        "scanned_at": "2026-05-01T20:00:00Z",
    });
    assert_refused("POST", &batch, json!({}), &["/scans"]);
    assert_refused("POST", &batch, json!({"scans": []}), &["/scans"]);
    assert_refused("POST", &batch, json!({"scans": vec![scan.clone(); 51]}), &["/scans"]);
    let wrong = json!({"id": "1", "scanned_at": "", "x": 1});
    let pointers =
        ["/scans/1/id", "/scans/1/ticket", "/scans/1/scanned_at", "/scans/1/x", "/scans/2"];
    assert_refused("POST", &batch, json!({"scans": [scan, wrong, 7]}), &pointers);
    assert_unchanged(&app, &event);
}

#[test]
fn an_optional_body_may_be_left_out() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    let id = app.register(&event, "ada@example.org").json();
    let confirm = format!("/registrations/{}/confirm", id["id"].as_str().expect("an id"));
    let send = |headers: &[(&str, &str)], body: &[u8]| {
        http::send(app.url(), "POST", &confirm, headers, body)
    };
    let json_type = ("Content-Type", "application/json");
    assert_eq!(send(&[], b"").status, 200);
    assert_eq!(send(&[json_type], b"").status, 200);
    assert_eq!(send(&[json_type], b" {} ").status, 200);
    assert_eq!(send(&[], b"{}").problem(), "unsupported_media_type");
    assert_eq!(send(&[json_type], b" ").problem(), "malformed_json");
    assert_eq!(send(&[json_type], b"null").problem(), "validation");
    let long = " ".repeat(16 * 1_024 + 1);
    assert_eq!(send(&[json_type], long.as_bytes()).problem(), "too_large");
}

#[test]
fn headers_that_are_not_well_formed_are_refused() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    let path = format!("/events/{event}");
    let edit = |headers: &[(&str, &str)]| app.ask("PATCH", &path, headers, &json!({"name": "b"}));
    let long = "k".repeat(256);
    let many = vec!["\"1\""; 17].join(",");
    for (headers, pointer) in [
        (&[("If-Match", "3")][..], "/If-Match"),
        (&[("If-Match", "\"1")], "/If-Match"),
        (&[("If-Match", "\"1\" \"2\"")], "/If-Match"),
        (&[("If-Match", "w/\"1\"")], "/If-Match"),
        (&[("If-Match", "*, \"1\"")], "/If-Match"),
        (&[("If-Match", "\"1\""), ("If-Match", "*")], "/If-Match"),
        (&[("If-Match", ",")], "/If-Match"),
        (&[("If-Match", &many)], "/If-Match"),
        (&[("Idempotency-Key", "")], "/Idempotency-Key"),
        (&[("Idempotency-Key", "a\tb")], "/Idempotency-Key"),
        (&[("Idempotency-Key", "é")], "/Idempotency-Key"),
        (&[("Idempotency-Key", &long)], "/Idempotency-Key"),
        (&[("Idempotency-Key", "a"), ("Idempotency-Key", "a")], "/Idempotency-Key"),
    ] {
        let answer = edit(headers);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid_header"));
        assert_eq!(answer.pointers(), [pointer], "{headers:?}");
    }
    // A header for a proxy on the way is ignored where no authentication is needed.
    let proxied = [("Authorization", "Basic YTpi"), ("Content-Type", "application/json")];
    let body = br#"{"user_email":"ada@example.org"}"#;
    let registered =
        http::send(app.url(), "POST", &format!("{path}/register"), &proxied, body).json();
    let registration = format!("/registrations/{}", registered["id"].as_str().expect("an id"));
    for header in ["Basic YTpi", "Bearer", "Bearer a b", "token"] {
        let answer = http::send(app.url(), "GET", &registration, &[("Authorization", header)], b"");
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthenticated"));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(app.get(&path).json()["name"], "An event");
}

#[test]
fn a_body_needs_the_json_content_type() {
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
    let register = format!("/events/{}/register", app.create(5));
    let body = |frame: &str, length: usize| format!("{frame}{}", " ".repeat(length - frame.len()));
    for (path, frame, length) in [
        (register.as_str(), r#"{"user_email":"ada@example.org"}"#, 16 * 1_024),
        // The longest description determines the limit of an event's body.
        ("/events", r#"{"name":"a","capacity":5}"#, 16 * 1_024 + 12 * 10_000),
    ] {
        assert_eq!(app.post_bytes(path, body(frame, length).as_bytes()).status, 201);
        let answer = app.post_bytes(path, body(frame, length + 1).as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (413, "too_large"));
        assert_eq!(answer.header("connection"), Some("close"));
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(&length.to_string()), "{detail}");
    }

    // Without a `Content-Length` its bytes are counted.
    let mut stream = http::connect(app.url());
    stream
        .write_all(format!("POST {register} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes())
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

/// A body fits with every field at its limit, in every JSON encoding.
#[test]
fn the_longest_description_fits_however_it_is_spelt() {
    let app = App::start(Data::sqlite());
    let event = format!("/events/{}", app.create(5));
    let json_type = [("Content-Type", "application/json")];
    for (spelt, meant) in [
        ("\u{4e2d}", "\u{4e2d}"),
        (r"\u4e2d", "\u{4e2d}"),
        ("\u{1f39f}", "\u{1f39f}"),
        (r"\ud83c\udf9f", "\u{1f39f}"),
        (r"\u000d\u000a", "\n"),
        (r"\u000D", "\n"),
        (r"\u0061", "a"),
    ] {
        // All other texts have their longest length, too.
        let body = |count: usize| {
            let line = r"\ud83c\udf9f".repeat(200);
            let description = spelt.repeat(count);
            format!(
                r#"{{"name":"{line}","venue":"{line}","capacity":5,"description":"{description}"}}"#
            )
        };
        let assert_fits = |method: &str, path: &str, status: u16| {
            let fits = http::send(app.url(), method, path, &json_type, body(10_000).as_bytes());
            assert_eq!(fits.status, status, "{method} {spelt}");
            assert_eq!(fits.json()["description"], meant.repeat(10_000));
            let long = http::send(app.url(), method, path, &json_type, body(10_001).as_bytes());
            assert_eq!((long.status, long.pointers()), (400, vec!["/description".to_owned()]));
        };
        assert_fits("POST", "/events", 201);
        assert_fits("PATCH", &event, 200);
    }
}

#[test]
fn an_invisible_name_is_empty() {
    let app = App::start(Data::sqlite());
    let register = format!("/events/{}/register", app.create(50));
    let blank = [
        "\u{200b}",
        "\u{3164}",
        "\u{ad}",
        " \u{2800}\u{feff}",
        "\u{e0041}",
        "\u{301}",
        "\u{fffc}",
        "\u{115f}\u{1160}\u{ffa0}\u{34f}\u{fe0f}",
    ];
    for name in blank {
        for (path, body, pointer) in [
            ("/events", json!({"name": name, "capacity": 1}), "/name"),
            ("/events", json!({"name": "a", "venue": name, "capacity": 1}), "/venue"),
            (register.as_str(), json!({"user_email": "ada@example.org", "name": name}), "/name"),
        ] {
            let answer = app.post(path, &body);
            assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{body}");
            assert_eq!(answer.pointers(), [pointer]);
        }
    }
    let seen = json!({"name": "👩\u{200d}🚀 می\u{200c}خواهم", "capacity": 1});
    assert_eq!(app.post("/events", &seen).json()["name"], seen["name"]);
}

#[test]
fn every_spelling_of_an_address_has_one_seat() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    let seat = app.register(&event, "Ada@Bücher.example").json();
    assert_eq!(seat["user_email"], "ada@xn--bcher-kva.example");
    for spelt in
        ["ada@xn--bcher-kva.example", "\"a\\da\"@bu\u{308}cher.example", "ada@ｂücher。example"]
    {
        let again = app.register(&event, spelt);
        assert_eq!(
            (again.status, again.problem().as_str()),
            (409, "already_registered"),
            "{spelt}"
        );
    }
    let joined = app.register(&event, "ada@نامه\u{200c}ای.example").json();
    assert_eq!(joined["user_email"], "ada@xn--mgba3gch31f060k.example");
    let again = app.register(&event, "ada@xn--mgba3gch31f060k.example");
    assert_eq!(again.problem(), "already_registered");
    for refused in ["ada@foo_bar.example", "ada@xn--abc-.example", "\"a b\"@x.org"] {
        assert_eq!(app.register(&event, refused).pointers(), ["/user_email"], "{refused}");
    }
}

#[test]
fn a_body_that_drips_is_cut_off() {
    let app = App::start_with(Data::sqlite(), &[("BODY_SECONDS", "1")]);
    let began = Instant::now();
    let mut stream = http::connect(app.url());
    stream
        .write_all(b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        .expect("the server reads");
    let mut dripping = stream.try_clone().expect("it can be cloned");
    let drip = std::thread::spawn(move || {
        while dripping.write_all(b" ").is_ok() && began.elapsed() < CLOSED_WITHIN {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let answer = http::read_all(stream);
    assert_eq!((answer.status, answer.problem().as_str()), (408, "timeout"));
    assert!(began.elapsed() < CLOSED_WITHIN, "and the connection is closed");
    drip.join().expect("no panic");
}

#[test]
fn other_methods_get_405_with_allow() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    for (path, allow) in [
        ("/".to_owned(), "GET, HEAD"),
        ("/health".to_owned(), "GET, HEAD"),
        ("/events".to_owned(), "GET, HEAD, POST"),
        (format!("/events/{event}"), "GET, HEAD, PATCH"),
        (format!("/events/{event}/register"), "POST"),
        (format!("/events/{event}/holds"), "POST"),
        (format!("/events/{event}/cancel"), "POST"),
        (format!("/events/{event}/calendar.ics"), "GET, HEAD"),
        (format!("/events/{event}/check-ins"), "POST"),
        (format!("/events/{event}/check-ins/batch"), "POST"),
        (format!("/events/{event}/check-ins/{event}"), "DELETE"),
        (format!("/events/{event}/registrations"), "GET, HEAD"),
        (format!("/registrations/{event}"), "GET, HEAD, PATCH, DELETE"),
        (format!("/registrations/{event}/link"), "POST"),
        (format!("/registrations/{event}/confirm"), "POST"),
        (format!("/registrations/{event}/transfer"), "POST"),
        (format!("/registrations/{event}/history"), "GET, HEAD"),
        (format!("/registrations/{event}/ticket"), "GET, HEAD"),
        (format!("/registrations/{event}/ticket.svg"), "GET, HEAD"),
        ("/tickets/keys".to_owned(), "GET, HEAD"),
    ] {
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            if allow.contains(method) {
                continue;
            }
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
    for path in [
        "/",
        "/events",
        "/health",
        "/problems",
        "/docs",
        "/openapi.json",
        &format!("/events/{event}"),
    ] {
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
