//! The first contract, over real HTTP, on both stores.

mod common;

use common::{App, Data, http};
use serde_json::{Value, json};

on_both_stores! {
    an_event_is_created_and_shown
    a_registration_takes_a_seat
    a_full_event_and_a_second_registration_are_conflicts
    missing_resources_are_not_found
    listings_are_paged_by_links
    an_event_that_has_not_changed_is_not_sent_again
    a_thousand_refusals_in_a_row_are_answered
    audit_and_migrate_are_subcommands
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn an_event_is_created_and_shown(data: Data) {
    let app = App::start(data);
    let body = json!({"name": " Jazz ", "description": "Doors\nat 7", "capacity": 30});
    let created = app.post("/events", &body);
    assert_eq!(created.status, 201, "{created:?}");
    let event = created.json();
    let id = event["id"].as_str().expect("an id");
    assert_eq!(created.header("location"), Some(format!("/events/{id}").as_str()));
    let expected = [
        "available",
        "booked_count",
        "capacity",
        "closes_at",
        "conceal_registered",
        "confirm_address",
        "contact",
        "created_at",
        "description",
        "ends_at",
        "has_questions",
        "id",
        "language",
        "name",
        "offer_ttl_seconds",
        "opens_at",
        "organizer_name",
        "over_at",
        "remind_hours",
        "retention_days",
        "starts_at",
        "status",
        "timezone",
        "unlisted",
        "venue",
        "version",
        "waitlist_count",
        "waitlist_enabled",
    ];
    assert_eq!(keys(&event), expected);
    assert_eq!((&event["name"], &event["description"]), (&json!("Jazz"), &json!("Doors\nat 7")));
    assert_eq!((&event["capacity"], &event["booked_count"]), (&json!(30), &json!(0)));
    assert_eq!(id.as_bytes()[14], b'7', "a UUIDv7");
    let created_at = event["created_at"].as_str().expect("a time");
    assert!(created_at.ends_with('Z') && created_at.contains('T'), "{created_at}");

    assert_eq!(app.get(&format!("/events/{id}")).json(), event);
    assert_eq!(app.get("/events").json(), json!([event]));
    let plain = app.post("/events", &json!({"name": "Plain", "capacity": 1})).json();
    assert_eq!(plain["description"], "");
    assert_eq!(app.get("/health").json(), json!({"status": "ok"}));
    app.assert_audit_is_clean();
}

fn a_registration_takes_a_seat(data: Data) {
    let app = App::start(data);
    let event = app.create(2);
    let created = app.register(&event, " Ada@Example.ORG ");
    assert_eq!(created.status, 201, "{created:?}");
    let mut registration = created.json();
    let expected = [
        "checked_in_at",
        "created_at",
        "event_id",
        "event_version",
        "expires_at",
        "id",
        "manage_token",
        "name",
        "position",
        "status",
        "user_email",
    ];
    assert_eq!(keys(&registration), expected);
    let token = registration["manage_token"].as_str().expect("a token").to_owned();
    assert_eq!(token.len(), 43, "{token}");
    assert_eq!(registration["user_email"], "ada@example.org");
    assert_eq!(registration["event_id"], event.as_str());
    let list = app.get(&format!("/events/{event}/registrations")).json();
    // The token is shown once, to the attendee who registered.
    registration.as_object_mut().expect("an object").remove("manage_token");
    assert_eq!(list, json!([registration]));
    let shown = app.get(&format!("/events/{event}")).json();
    assert_eq!((&shown["booked_count"], &shown["available"]), (&json!(1), &json!(1)));
    assert_eq!(shown["version"], registration["event_version"]);
}

fn a_full_event_and_a_second_registration_are_conflicts(data: Data) {
    let app = App::start(data);
    let event = app.create(1);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let again = app.register(&event, "ADA@example.org");
    assert_eq!((again.status, again.problem().as_str()), (409, "already_registered"));
    let late = app.register(&event, "grace@example.org");
    assert_eq!((late.status, late.problem().as_str()), (409, "sold_out"));
    assert_eq!(app.get(&format!("/events/{event}")).json()["booked_count"], 1);
}

fn missing_resources_are_not_found(data: Data) {
    let app = App::start(data);
    for id in ["00000000-0000-7000-8000-000000000000", "42", "x'; --", "%00", "..%2f", "é"] {
        let id = id.replace(' ', "%20").replace('é', "%C3%A9");
        for answer in [
            app.get(&format!("/events/{id}")),
            app.get(&format!("/events/{id}/registrations")),
            app.register(&id, "ada@example.org"),
        ] {
            assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"), "{id}");
        }
    }
    for path in ["/nothing", "/events/", "/EVENTS", "/static/", "/static/../Cargo.toml", "//"] {
        let answer = app.get(path);
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"), "{path}");
    }
}

fn listings_are_paged_by_links(data: Data) {
    let app = App::start(data);
    let events: Vec<String> = (0..5).map(|_| app.create(10)).collect();
    for who in 0..5 {
        assert_eq!(app.register(&events[0], &format!("{who}@example.org")).status, 201);
    }
    let follow = |first: String, member: &str| {
        let mut next = Some(first);
        let mut items = Vec::new();
        while let Some(path) = next {
            let page = app.get(&path);
            assert_eq!(page.status, 200, "{page:?}");
            let page_items = page.json();
            let page_items = page_items.as_array().expect("an array");
            assert!(!page_items.is_empty() && page_items.len() <= 2);
            items.extend(page_items.iter().map(|i| i[member].as_str().expect("text").to_owned()));
            next = page.header("link").map(|link| {
                let (target, relation) = link.split_once('>').expect("a link");
                assert_eq!(relation, "; rel=\"next\"");
                target.trim_start_matches('<').to_owned()
            });
        }
        items
    };
    let newest_first: Vec<_> = events.iter().rev().cloned().collect();
    assert_eq!(follow("/events?limit=2".into(), "id"), newest_first);
    let oldest_first: Vec<_> = (0..5).map(|who| format!("{who}@example.org")).collect();
    let list = format!("/events/{}/registrations", events[0]);
    assert_eq!(follow(format!("{list}?limit=2"), "user_email"), oldest_first);
    assert_eq!(app.get("/events").header("link"), None);

    for query in ["limit=0", "limit=1001", "limit=x", "cursor=x", "limit=-1&cursor=%00"] {
        for path in ["/events", &list] {
            let answer = app.get(&format!("{path}?{query}"));
            assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{query}");
        }
    }
    // Well-formed cursors that no listing gave out.
    let id = &events[0];
    for cursor in [format!("9223372036854775807_{id}"), format!("-1_{id}"), format!("0_{id}")] {
        let status = app.get(&format!("/events?cursor={cursor}")).status;
        assert!([200, 400].contains(&status), "{cursor}: {status}");
    }
    assert_eq!(app.get(&format!("{list}?cursor=9223372036854775807")).json(), json!([]));
}

fn an_event_that_has_not_changed_is_not_sent_again(data: Data) {
    let app = App::start(data);
    let event = app.create(2);
    let path = format!("/events/{event}");
    let shown = app.get(&path);
    let tag = shown.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with(&format!("\"{}-", shown.json()["version"])), "{tag}");
    let ask = |tag: &str| http::send(app.url(), "GET", &path, &[("If-None-Match", tag)], b"");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"0\", {tag}"), "*".into()] {
        let answer = ask(&known);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    assert_eq!(ask(&tag).status, 200);
}

/// The reference's server hangs after its first refusal, when its transaction is never ended.
fn a_thousand_refusals_in_a_row_are_answered(data: Data) {
    let settings: &[_] = match data {
        Data::Postgres(_) => &[("DB_POOL_SIZE", "2"), ("RUST_LOG", "warn")],
        Data::Sqlite(_) => &[("RUST_LOG", "warn")],
    };
    let app = App::start_with(data, settings);
    let event = app.create(1);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    for turn in 0..1_000 {
        let refused = app.register(&event, &format!("late-{turn}@example.org"));
        assert_eq!((refused.status, refused.problem().as_str()), (409, "sold_out"));
    }
    let other = app.create(1);
    assert_eq!(app.register(&other, "ada@example.org").status, 201);
    assert_eq!(app.get("/events").status, 200);
    app.assert_audit_is_clean();
}

fn audit_and_migrate_are_subcommands(data: Data) {
    let app = App::start(data);
    let event = app.create(5);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let clean = app.run("audit");
    assert!(clean.status.success());
    let text = String::from_utf8_lossy(&clean.stdout).into_owned();
    assert!(text.contains("1 events, 1 registrations, 0 differences"), "{text}");
    let migrated = app.run("migrate");
    assert!(migrated.status.success());
    assert!(String::from_utf8_lossy(&migrated.stdout).contains("up to date"));
}

#[test]
fn audit_fails_when_a_row_was_changed_by_hand() {
    let app = App::start(Data::postgres());
    let event = app.create(5);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    app.data.database().sql("UPDATE events SET booked_count = 4");
    let output = app.run("audit");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&event) && text.contains("the event says 4"), "{text}");
}
