//! The description of the API, as it is served, and the checks of answers against it.

use crate::common::described::{fault, fault_of_message, fault_of_seats, template};
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
fn described_answers_pass_and_others_are_reported() {
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
fn headers_are_described_for_the_answers_that_have_them() {
    let with = |method: &str, path: &str, status, body: &Value, header: &str| {
        let mut answer = answer(status, "application/json", body);
        if status >= 400 {
            answer.headers[1].1 = "application/problem+json".to_owned();
        }
        answer.headers.push((header.to_owned(), "x".to_owned()));
        fault(method, path, &answer)
    };
    let register = format!("/events/{ID}/register");
    let (made, sold_out) = (registration(), problem("sold_out"));
    for header in ["idempotency-replayed", "ratelimit", "RateLimit-Policy", "vary"] {
        assert_eq!(with("POST", &register, 201, &made, header), None, "{header}");
        assert_eq!(with("POST", &register, 409, &sold_out, header), None, "{header}");
    }
    for header in ["etag", "Location", "link", "retry-after", "www-authenticate"] {
        assert!(with("POST", &register, 201, &made, header).is_some(), "{header}");
    }
    // Some operations store nothing under the key, and reads have none.
    let ticket = format!("/registrations/{ID}/ticket");
    let not_confirmed = problem("not_confirmed");
    assert!(with("GET", &ticket, 409, &not_confirmed, "Idempotency-Replayed").is_some());
    let find = json!({"status": "accepted"});
    assert!(with("POST", "/registrations/find", 202, &find, "Idempotency-Replayed").is_some());
    assert_eq!(with("POST", "/registrations/find", 202, &find, "RateLimit"), None);
}

#[test]
fn messages_are_checked_against_the_description_too() {
    let message = |kind: &str, data: Value| json!({"type": kind, "timestamp": "2026-05-01T19:00:00.123456Z", "data": data});
    let of_event = |status: &str| json!({"event_id": ID, "version": 1, "status": status, "actor": "organizer"});
    let of_registration = |more: (&str, Value)| {
        let mut data =
            json!({"event_id": ID, "version": 2, "registration_id": ID, "actor": "attendee"});
        data[more.0] = more.1;
        message("registration.held", data)
    };
    for good in [
        message("event.published", of_event("published")),
        message("webhook.test", json!({"endpoint_id": ID})),
        of_registration(("status", json!("held"))),
        of_registration(("person", json!({"user_email": "ada@example.org", "name": null}))),
    ] {
        assert_eq!(fault_of_message(&good), None, "{good}");
    }
    for bad in [
        message("event.published", of_event("held")),
        message("event.published", json!({"event_id": ID})),
        message("event.surprise", of_event("published")),
        message("registration.held", of_event("published")),
        message("webhook.test", of_event("published")),
        of_registration(("status", json!("published"))),
        of_registration(("user_email", json!("ada@example.org"))),
        of_registration(("person", json!("Ada"))),
        json!(7),
    ] {
        assert!(fault_of_message(&bad).is_some(), "{bad}");
    }
    let mut seats = json!({
        "event_id": ID, "capacity": 2, "booked_count": 1, "available": 1, "waitlist_count": 0,
        "status": "published", "version": 2,
    });
    assert_eq!(fault_of_seats(&seats), None);
    seats["available"] = json!(-1);
    assert!(fault_of_seats(&seats).is_some());
}

#[test]
fn the_more_literal_address_matches() {
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
fn the_description_is_public_and_cached_until_it_changes() {
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

    // Clients use the server that the description was read from, if no URL is set.
    assert_eq!(document.get("servers"), None);

    let base = ("BASE_URL", "https://booking.example.org/");
    let app = App::start_with(Data::sqlite(), &[("CAPACITY_MAX", "7"), base]);
    let document = app.get("/openapi.json").json();
    let capacity = &document["components"]["schemas"]["CreateEvent"]["properties"]["capacity"];
    assert_eq!(capacity["maximum"], 7);
    assert_eq!(document["servers"], json!([{"url": "https://booking.example.org"}]));
}
