//! Addresses and methods that are not what they seem.

use crate::common::http::send;
use crate::common::{Data, http};
use crate::connection::Then::Open;
use crate::connection::{Target, exchange};
use serde_json::Value;

#[test]
fn an_address_has_one_spelling() {
    let target = Target::start(Data::sqlite());
    let event = &target.event;
    let simple = event.replace('-', "");
    const NOT_FOUND: (u16, &str) = (404, "not_found");
    const INVALID: (u16, &str) = (400, "validation");
    const OK: (u16, &str) = (200, "");
    for (path, expected) in [
        ("/../etc/passwd", NOT_FOUND),
        ("/js/../../Cargo.toml", NOT_FOUND),
        ("/%2e%2e/%2e%2e/etc/passwd", NOT_FOUND),
        ("/..%2f..%2fetc/passwd", NOT_FOUND),
        ("/templates/..%2findex.html", NOT_FOUND),
        ("/..%5c..%5cboot.ini", NOT_FOUND),
        ("/%c0%ae%c0%ae/", NOT_FOUND),
        ("//etc/passwd", NOT_FOUND),
        ("//events", NOT_FOUND),
        ("/events/", NOT_FOUND),
        ("/events//", NOT_FOUND),
        ("/./events", NOT_FOUND),
        ("/events/.", NOT_FOUND),
        ("/x/../events", NOT_FOUND),
        ("/events%2F", NOT_FOUND),
        ("/events%00", NOT_FOUND),
        ("/events%20", NOT_FOUND),
        ("/events;v=1", NOT_FOUND),
        ("/EVENTS", NOT_FOUND),
        ("/%ff", NOT_FOUND),
        ("/%", NOT_FOUND),
        ("/%zz", NOT_FOUND),
        ("*", NOT_FOUND),
        // Characters that need no escape are equal with one (RFC 3986, section 6.2.2.2).
        ("/%65vents", OK),
        ("/events#f", OK),
        ("/events?limit=%31", OK),
        ("/events?%6cimit=1", OK),
        ("/events?limit=+1", INVALID),
        ("/events?limit=%2B1", INVALID),
        ("/events?limit=1%20", INVALID),
        ("/events?limit=01", OK),
        ("/events?limit=%00", INVALID),
        ("/events?limit=%ff", INVALID),
        ("/events?limit=1%", INVALID),
        ("/events?limit", INVALID),
        ("/events?limit=0&limit=1", INVALID),
        ("/events?limit=1&limit=1", INVALID),
        ("/events?cursor=%2B1_00000000000000000000000000000001", INVALID),
        ("/events?cursor=1_{00000000000000000000000000000001}", INVALID),
        ("/events?=&&&%=%", INVALID),
        ("/events?&&", OK),
        ("/events?utm_source=mail", INVALID),
        ("/?utm_source=mail&utm_source=mail", OK),
    ] {
        let bytes = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        exchange(&target.app, path, bytes.as_bytes(), &[expected], Open);
    }
    for (id, status) in [
        (event.clone(), 200),
        (simple.clone(), 200),
        (event.to_uppercase(), 200),
        (format!("{event}/"), 404),
        (format!("{{{event}}}"), 404),
        (format!("%7B{event}%7D"), 404),
        (format!("urn:uuid:{event}"), 404),
        (format!("{event}%00"), 404),
        // Only white space around an id is dropped.
        (format!("%20{event}"), 200),
        (format!("%20%09{event}%0D%0A"), 200),
        (format!("%EF%BB%BF{event}%C2%A0"), 200),
        (event.replacen('-', "%20", 1), 404),
        (format!("%E2%80%8B{event}"), 404),
        ("%20".to_owned(), 404),
        (format!("{event}'--"), 404),
        (format!("+{simple}"), 404),
        (simple.replacen('0', "%30", 1), 200),
        ("0".to_owned(), 404),
        ("..".to_owned(), 404),
    ] {
        let answer = target.app.get(&format!("/events/{id}"));
        assert_eq!(answer.status, status, "{id}");
    }
    target.assert_unchanged();
}

#[test]
fn only_the_request_line_determines_the_route() {
    let target = Target::start(Data::sqlite());
    let app = &target.app;
    let registrations = app.get(&format!("/events/{}/registrations", target.event)).json();
    let seat = format!("/registrations/{}", registrations[0]["id"].as_str().expect("an id"));
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"] {
        let answer = send(app.url(), "GET", &seat, &[(name, "DELETE")], b"");
        assert_eq!((answer.status, &answer.json()["status"]), (200, &Value::from("confirmed")));
        let answer = send(app.url(), "POST", &seat, &[(name, "DELETE")], b"");
        assert_eq!((answer.status, answer.problem().as_str()), (405, "method_not_allowed"));
    }
    for name in ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Host"] {
        let answer = send(app.url(), "GET", "/health", &[(name, &seat)], b"");
        assert_eq!((answer.status, &answer.json()["status"]), (200, &Value::from("ok")), "{name}");
    }
    let answer = send(app.url(), "GET", &format!("{seat}?_method=DELETE"), &[], b"");
    assert_eq!((answer.status, answer.pointers()), (400, vec!["/_method".to_owned()]));
    assert_eq!(app.get(&seat).json()["status"], "confirmed");
    // The host name of a request does not go into its answers.
    let headers = [("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example")];
    let listed = send(app.url(), "GET", "/events?limit=1", &headers, b"");
    assert!(!format!("{listed:?}").contains("evil.example"));
    let absolute = http::send(app.url(), "GET", "http://evil.example/nothing", &[], b"");
    assert_eq!(absolute.json()["instance"], "/nothing");
    target.assert_unchanged();
}
