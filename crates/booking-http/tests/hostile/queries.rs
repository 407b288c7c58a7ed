//! Queries that are long, repeat themselves, or have unknown parameters: whatever they are made of, they cost as
//! much as their length, and are not read before authorization.

use crate::common::{App, Data, make_token};
use serde_json::Value;

/// The longest query that is read, in bytes.
const BYTES_MAX: usize = 2_048;
/// The most errors that are reported.
const ERRORS_MAX: usize = 250;

/// Different names, up to so many bytes: each of them had to be compared with all before it.
fn many_names(bytes: usize) -> String {
    let mut query = String::new();
    for number in 0.. {
        let name = format!("{number:x}&");
        if query.len() + name.len() > bytes {
            break;
        }
        query.push_str(&name);
    }
    query
}

#[test]
fn a_query_costs_no_more_than_its_length() {
    let app = App::start(Data::sqlite());
    for bytes in [BYTES_MAX + 1, 8_000, 60_000] {
        for query in ["a".repeat(bytes), "a&".repeat(bytes / 2 + 1), many_names(bytes + 6)] {
            assert!(query.len() > BYTES_MAX);
            for path in ["/events", "/health", "/"] {
                let answer = app.get(&format!("{path}?{query}"));
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
                    (414, "too_large"),
                    "{path}"
                );
                assert!(answer.body.len() < 1_000, "{path}");
            }
        }
    }
    // The longest one is answered with a bounded number of errors.
    for (query, errors) in [
        (many_names(BYTES_MAX), ERRORS_MAX),
        ("limit=1&".repeat(BYTES_MAX / 8), 1),
        ("a&".repeat(BYTES_MAX / 2), 1),
        ("a".repeat(BYTES_MAX), 1),
    ] {
        let answer = app.get(&format!("/events?{query}"));
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{query}");
        assert_eq!(answer.pointers().len(), errors, "{query}");
    }
}

#[test]
fn authorization_comes_before_validation() {
    let data = Data::sqlite();
    let token = make_token(&data, "Jazz club");
    let app = App::start(data);
    let id = "00000000-0000-7000-8000-000000000000";
    let [long, unknown] = [many_names(60_000), "x=1&x=2&limit=0".to_owned()];
    for (method, path) in [
        ("GET", format!("/events/{id}/registrations")),
        ("GET", format!("/registrations/{id}")),
        ("POST", "/events".to_owned()),
        ("POST", format!("/events/{id}/cancel")),
        ("DELETE", format!("/registrations/{id}")),
    ] {
        for query in [&long, &unknown] {
            let asked = format!("{path}?{query}");
            let answer = app.ask(method, &asked, &[], &Value::Null);
            assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthenticated"));
            let wrong = app.ask_as(&format!("{token}x"), method, &asked, &Value::Null);
            assert_eq!(wrong.status, 401, "{method} {path}");
        }
    }
    // An unknown token is reported before the query on public routes, too.
    let answer = app.ask_as("org_x", "GET", &format!("/events?{long}"), &Value::Null);
    assert_eq!(answer.status, 401);
    let listed = format!("/events?{unknown}");
    assert_eq!(app.get(&listed).pointers(), ["/x", "/limit"]);
}

/// Every address of the API takes its own parameters, and others none.
#[test]
fn every_address_refuses_unknown_parameters() {
    let app = App::start(Data::sqlite());
    let event = app.create(3);
    let seat = app.register(&event, "ada@example.org").json();
    let seat = seat["id"].as_str().expect("an id");
    for path in [
        "/events".to_owned(),
        format!("/events/{event}"),
        format!("/events/{event}/registrations"),
        format!("/events/{event}/calendar.ics"),
        format!("/registrations/{seat}"),
        format!("/registrations/{seat}/history"),
        format!("/registrations/{seat}/ticket"),
        format!("/registrations/{seat}/ticket.svg"),
        "/tickets/keys".to_owned(),
        "/organizer".to_owned(),
        "/health".to_owned(),
        "/livez".to_owned(),
        "/readyz".to_owned(),
        "/metrics".to_owned(),
    ] {
        let answer = app.get(&format!("{path}?utm_source=mail"));
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{path}");
        assert_eq!(answer.pointers(), ["/utm_source"], "{path}");
        assert_ne!(app.get(&path).status, 400, "{path}");
    }
    // Writes take none, and do nothing then.
    for (method, path) in [
        ("POST", format!("/events/{event}/cancel?limit=1")),
        ("POST", format!("/registrations/{seat}/confirm?x")),
        ("DELETE", format!("/registrations/{seat}?force=true")),
    ] {
        let answer = app.ask(method, &path, &[], &Value::Null);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{path}");
    }
    assert_eq!(app.get(&format!("/registrations/{seat}")).json()["status"], "confirmed");
    assert_eq!(app.get(&format!("/events/{event}")).json()["status"], "published");
    // Pages and their assets ignore their query.
    for path in
        ["/", "/problems", "/docs", "/templates/index.html", "/static/js/main.js", "/favicon.ico"]
    {
        assert_eq!(app.get(&format!("{path}?fbclid=1&fbclid=1&limit=x")).status, 200, "{path}");
    }
}
