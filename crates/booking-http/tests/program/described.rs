//! The description of the API, as it is served, and what holds answers against it.

use crate::common::described::{fault, template};
use crate::common::http::{Answer, send};
use crate::common::{App, Data};
use booking_core::CapacityMax;
use serde_json::{Value, json};

const ID: &str = "0190f1c5-01b3-7d20-8c4f-5e11223344e7";

fn answer(status: u16, kind: &str, body: &Value) -> Answer {
    let headers = [("x-request-id", "a"), ("content-type", kind)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Answer { status, headers, body: body.to_string().into_bytes() }
}

fn registration() -> Value {
    json!({
        "id": ID, "event_id": ID, "user_email": "ada@example.org", "name": null, "status": "confirmed",
        "expires_at": null, "position": null, "checked_in_at": null, "event_version": 2,
        "created_at": "2026-05-01T19:00:00Z", "manage_token": "abc",
    })
}

fn problem(code: &str) -> Value {
    json!({
        "type": "/problems#x", "title": "X", "status": 409, "detail": "x", "error": "x",
        "instance": "/", "code": code, "request_id": "a",
    })
}

#[test]
fn what_is_described_passes_and_what_is_not_is_noticed() {
    let (json_type, problem_type) = ("application/json", "application/problem+json");
    let path = format!("/events/{ID}/register?x");
    let of = |status, kind, body| fault("POST", &path, &answer(status, kind, &body));
    assert_eq!(of(201, json_type, registration()), None);
    assert_eq!(of(409, problem_type, problem("sold_out")), None);
    // Two bodies under one status.
    assert_eq!(of(202, json_type, registration()), None);
    assert_eq!(of(202, json_type, json!({"status": "confirmation_sent"})), None);
    let without = |name: &str| {
        let mut body = registration();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    let with = |name: &str, value: Value| {
        let mut body = registration();
        body[name] = value;
        body
    };
    for (status, kind, body) in [
        (200, json_type, registration()),
        (201, "text/plain", registration()),
        (201, json_type, json!([registration()])),
        (201, json_type, without("expires_at")),
        (201, json_type, with("surprise", json!(1))),
        (201, json_type, with("status", json!("lost"))),
        (201, json_type, json!({"status": "confirmation_sent"})),
        (202, json_type, json!({"status": "confirmed"})),
        (202, json_type, without("expires_at")),
        (201, json_type, with("id", json!("7"))),
        (201, json_type, with("created_at", json!("yesterday"))),
        (201, json_type, with("event_version", json!("2"))),
        (409, json_type, problem("sold_out")),
        (409, problem_type, problem("not_confirmed")),
        (409, problem_type, problem("surprise")),
        (418, problem_type, problem("sold_out")),
    ] {
        assert!(of(status, kind, body.clone()).is_some(), "{status} {kind} {body}");
    }
    assert!(fault("PATCH", &path, &answer(200, json_type, &registration())).is_some());
    assert!(fault("PATCH", &path, &answer(405, problem_type, &problem("x"))).is_none());
    assert!(fault("GET", "/nowhere", &answer(200, json_type, &json!(1))).is_none());
}

#[test]
fn the_longer_said_address_is_the_one() {
    let batch = format!("/events/{ID}/check-ins/batch");
    assert_eq!(template(&batch), Some("/events/{id}/check-ins/batch"));
    let undo = format!("/events/{ID}/check-ins/{ID}");
    assert_eq!(template(&undo), Some("/events/{id}/check-ins/{registration_id}"));
    let find = "/registrations/find";
    assert_eq!(template(find), Some(find));
    assert_eq!(template("/webhooks/keys"), Some("/webhooks/keys"));
    assert_eq!(template("/events"), Some("/events"));
    for path in ["/events/", "/", "//events", "/events/x/y"] {
        assert_eq!(template(path), None, "{path}");
    }
}

#[test]
fn it_is_served_to_everybody_and_kept_until_it_changes() {
    let app = App::start(Data::sqlite());
    let shown = app.get("/openapi.json");
    let document = shown.json();
    let same: Value =
        serde_json::from_str(&booking_http::openapi(CapacityMax::default())).expect("JSON");
    assert_eq!((shown.status, &document), (200, &same));
    let tag = shown.header("etag").expect("there is one");
    let ask =
        |method, headers: &[(&str, &str)]| send(app.url(), method, "/openapi.json", headers, b"");
    assert_eq!(ask("GET", &[("If-None-Match", tag)]).status, 304);
    let short = ask("GET", &[("Accept-Encoding", "gzip")]);
    assert_eq!(short.header("content-encoding"), Some("gzip"));
    assert!(short.body.len() * 4 < shown.body.len(), "{} bytes", short.body.len());
    let head = ask("HEAD", &[]);
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(tag)));
    assert_eq!(ask("POST", &[]).header("allow"), Some("GET, HEAD"));
    assert_eq!(app.get("/openapi.json?x").problem(), "validation");

    let app = App::start_with(Data::sqlite(), &[("CAPACITY_MAX", "7")]);
    let document = app.get("/openapi.json").json();
    let capacity = &document["components"]["schemas"]["CreateEvent"]["properties"]["capacity"];
    assert_eq!(capacity["maximum"], 7);
}
