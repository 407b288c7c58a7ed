//! The whole life of a registration, over real HTTP, on both stores: every transition, and every
//! refusal.

mod common;

use common::acts::{
    act, done, edit, event, give_up, hold, id, path, refused, token, transfer, wait_for,
};
use common::{App, Data, http, start_on};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_stores! {
    a_registrations_id_ends_as_its_events_does
    a_hold_becomes_a_seat
    held_seats_are_reported_as_held
    waiters_are_served_in_their_order
    without_offers_a_freed_seat_is_confirmed_at_once
    a_seat_is_cancelled_once
    a_seat_is_transferred
    a_token_is_for_its_registration_alone
    a_history_lists_every_change
    all_registrations_ever_can_be_listed
    missing_resources_are_not_found
}

/// With such an end that it leads to its event's cell.
fn a_registrations_id_ends_as_its_events_does(data: Data) {
    let app = App::start(data);
    // Among several events, since one's last byte may equal another's by chance.
    let mut ids = std::collections::HashSet::new();
    for _ in 0..8 {
        let concert = app.create(2);
        let made = [
            done(&app.register(&concert, "ada@example.org"), 201),
            done(&hold(&app, &concert, "grace@example.org"), 201),
            done(&wait_for(&app, &concert, "hedy@example.org"), 202),
        ];
        for registration in &made {
            let made = id(registration);
            assert_eq!(made[34..], concert[34..], "{made} of {concert}");
            assert_eq!(made.as_bytes()[14], b'7', "a UUIDv7");
            assert!(ids.insert(made.to_owned()), "{made} twice");
        }
        assert_eq!(done(&act(&app, &made[1], "confirm"), 200)["id"], made[1]["id"]);
        let listed = app.get(&format!("/events/{concert}/registrations")).json();
        let listed: Vec<_> = listed.as_array().expect("a list").iter().map(id).collect();
        assert_eq!(listed, [id(&made[0]), id(&made[1])]);
    }
    app.assert_audit_is_clean();
}

fn a_hold_becomes_a_seat(data: Data) {
    let app = App::start(data);
    let concert = app.create(2);
    let body = json!({"user_email": "ada@example.org", "name": " Ada ", "ttl_seconds": 60});
    let held = done(&app.post(&format!("/events/{concert}/holds"), &body), 201);
    assert_eq!((&held["status"], &held["name"]), (&json!("held"), &json!("Ada")));
    let time = |field: &str| -> chrono::DateTime<chrono::Utc> {
        held[field].as_str().and_then(|text| text.parse().ok()).expect("a time")
    };
    assert_eq!((time("expires_at") - time("created_at")).num_seconds(), 60);
    assert_eq!(event(&app, &concert)["booked_count"], 1);
    refused(&app.register(&concert, "ada@example.org"), 409, "already_registered");
    refused(&act(&app, &held, "transfer"), 415, "unsupported_media_type");
    refused(&transfer(&app, &held, "eve@example.org"), 409, "not_transferable");

    let confirmed = done(&act(&app, &held, "confirm"), 200);
    assert_eq!(
        (&confirmed["status"], &confirmed["expires_at"]),
        (&json!("confirmed"), &Value::Null)
    );
    assert!(confirmed.get("manage_token").is_none(), "it is told once");
    assert_eq!(confirmed["event_version"], 3);
    assert_eq!(done(&act(&app, &held, "confirm"), 200), confirmed, "twice is the same");
    assert_eq!(app.get(&path(&held)).json(), confirmed);
    assert_eq!(event(&app, &concert)["booked_count"], 1);
    app.assert_audit_is_clean();
}

fn held_seats_are_reported_as_held(data: Data) {
    let app = App::start(data);
    let concert = app.create(1);
    let held = done(&hold(&app, &concert, "ada@example.org"), 201);
    for answer in
        [hold(&app, &concert, "grace@example.org"), app.register(&concert, "grace@example.org")]
    {
        refused(&answer, 409, "all_held");
        assert_eq!(answer.json()["retry_at"], held["expires_at"]);
        let seconds: u64 = answer.header("retry-after").and_then(|s| s.parse().ok()).expect("one");
        assert!((590..=600).contains(&seconds), "{seconds}");
    }
    assert_eq!(done(&act(&app, &held, "confirm"), 200)["status"], "confirmed");
    let answer = hold(&app, &concert, "grace@example.org");
    refused(&answer, 409, "sold_out");
    assert_eq!(answer.header("retry-after"), None);
}

fn waiters_are_served_in_their_order(data: Data) {
    let app = App::start(data);
    let concert = app.create(1);
    let seated = done(&wait_for(&app, &concert, "ada@example.org"), 201);
    assert_eq!((&seated["status"], &seated["position"]), (&json!("confirmed"), &Value::Null));
    let first = done(&wait_for(&app, &concert, "grace@example.org"), 202);
    let second = done(&wait_for(&app, &concert, "hedy@example.org"), 202);
    for (waiting, position) in [(&first, 1), (&second, 2)] {
        assert_eq!(waiting["status"], "waitlisted");
        assert_eq!((&waiting["position"], token(waiting).len()), (&json!(position), 43));
    }
    let shown = event(&app, &concert);
    assert_eq!((&shown["booked_count"], &shown["waitlist_count"]), (&json!(1), &json!(2)));
    refused(&wait_for(&app, &concert, "grace@example.org"), 409, "already_registered");
    refused(&app.register(&concert, "late@example.org"), 409, "sold_out");
    refused(&hold(&app, &concert, "late@example.org"), 409, "sold_out");
    refused(&act(&app, &first, "confirm"), 409, "not_offered");

    assert_eq!(done(&give_up(&app, &seated), 200)["status"], "cancelled");
    let offered = app.get(&path(&first)).json();
    assert_eq!((&offered["status"], &offered["position"]), (&json!("offered"), &Value::Null));
    assert!(offered["expires_at"].is_string());
    assert_eq!(app.get(&path(&second)).json()["position"], 1, "it moved up");
    refused(&app.register(&concert, "late@example.org"), 409, "sold_out");
    assert_eq!(done(&act(&app, &first, "confirm"), 200)["status"], "confirmed");
    assert_eq!(done(&give_up(&app, &second), 200)["position"], Value::Null);
    let shown = event(&app, &concert);
    assert_eq!((&shown["booked_count"], &shown["waitlist_count"]), (&json!(1), &json!(0)));

    // Without a waitlist there is none to join.
    done(&edit(&app, &concert, &json!({"waitlist_enabled": false})), 200);
    refused(&wait_for(&app, &concert, "late@example.org"), 409, "sold_out");
    app.assert_audit_is_clean();
}

fn without_offers_a_freed_seat_is_confirmed_at_once(data: Data) {
    let app = App::start(data);
    let body = json!({"name": "a", "capacity": 1, "offer_ttl_seconds": null});
    let concert = done(&app.post("/events", &body), 201);
    let seated = done(&app.register(id(&concert), "ada@example.org"), 201);
    let waiting = done(&wait_for(&app, id(&concert), "grace@example.org"), 202);
    done(&give_up(&app, &seated), 200);
    assert_eq!(app.get(&path(&waiting)).json()["status"], "confirmed");
    // A raised capacity serves the next waiter in the same transaction.
    let next = done(&wait_for(&app, id(&concert), "hedy@example.org"), 202);
    let edited = done(&edit(&app, id(&concert), &json!({"capacity": 2})), 200);
    assert_eq!((&edited["booked_count"], &edited["waitlist_count"]), (&json!(2), &json!(0)));
    assert_eq!(app.get(&path(&next)).json()["status"], "confirmed");
}

fn a_seat_is_cancelled_once(data: Data) {
    let app = App::start(data);
    let concert = app.create(1);
    let registered = done(&app.register(&concert, "ada@example.org"), 201);
    let cancelled = done(&give_up(&app, &registered), 200);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(done(&give_up(&app, &registered), 200), cancelled, "twice is the same");
    refused(&act(&app, &registered, "confirm"), 409, "hold_expired");
    refused(&transfer(&app, &registered, "eve@example.org"), 409, "not_transferable");
    assert_eq!(event(&app, &concert)["booked_count"], 0);
    // The address is free again, and so is the seat.
    assert_eq!(done(&app.register(&concert, "ada@example.org"), 201)["status"], "confirmed");
    app.assert_audit_is_clean();
}

fn a_seat_is_transferred(data: Data) {
    let app = App::start(data);
    let concert = app.create(3);
    let registered = done(&app.register(&concert, "ada@example.org"), 201);
    done(&app.register(&concert, "hedy@example.org"), 201);
    let before = app.get(&format!("{}/ticket", path(&registered))).json();
    refused(&transfer(&app, &registered, "hedy@example.org"), 409, "already_registered");
    let body = json!({"user_email": "Grace@example.org", "name": "Grace"});
    let bearer = format!("Bearer {}", token(&registered));
    let as_ada = [("Authorization", bearer.as_str())];
    let address = format!("{}/transfer", path(&registered));
    let transferred = done(&app.ask("POST", &address, &as_ada, &body), 200);
    assert_eq!(id(&transferred), id(&registered));
    assert_eq!(transferred["user_email"], "grace@example.org");
    assert_eq!(
        (&transferred["name"], &transferred["status"]),
        (&json!("Grace"), &json!("confirmed"))
    );
    assert_ne!(token(&transferred), token(&registered));

    let ask = |token: &str| {
        let bearer = format!("Bearer {token}");
        http::send(app.url(), "GET", &path(&registered), &[("Authorization", &bearer)], b"")
    };
    refused(&ask(token(&registered)), 403, "forbidden");
    assert_eq!(done(&ask(token(&transferred)), 200)["user_email"], "grace@example.org");
    let after = app.get(&format!("{}/ticket", path(&registered))).json();
    assert_ne!(after["ticket"], before["ticket"]);
    assert_eq!(event(&app, &concert)["booked_count"], 2);
    done(&app.register(&concert, "ada@example.org"), 201);
    app.assert_audit_is_clean();
}

fn a_token_is_for_its_registration_alone(data: Data) {
    let app = App::start(data);
    let concert = app.create(3);
    let ada = done(&app.register(&concert, "ada@example.org"), 201);
    let eve = done(&app.register(&concert, "eve@example.org"), 201);
    let own = format!("Bearer {}", token(&ada));
    for wrong in [format!("Bearer {}", token(&eve)), "Bearer wrong".into(), format!("{own}=")] {
        for (method, below, body) in [
            ("GET", "", Value::Null),
            ("HEAD", "", Value::Null),
            ("GET", "/history", Value::Null),
            ("GET", "/ticket", Value::Null),
            ("GET", "/ticket.svg", Value::Null),
            ("DELETE", "", Value::Null),
            ("POST", "/confirm", Value::Null),
            ("POST", "/transfer", json!({"user_email": "eve2@example.org"})),
        ] {
            let address = format!("{}{below}", path(&ada));
            let answer = app.ask(method, &address, &[("Authorization", &wrong)], &body);
            assert_eq!(answer.status, 403, "{method} {address}");
            if method != "HEAD" {
                assert_eq!(answer.problem(), "forbidden");
            }
        }
    }
    assert_eq!(event(&app, &concert)["version"], 3, "and nothing came of it");
    let headers = [("Authorization", own.as_str())];
    for (method, below) in [("GET", ""), ("GET", "/history"), ("GET", "/ticket"), ("DELETE", "")] {
        let address = format!("{}{below}", path(&ada));
        assert_eq!(app.ask(method, &address, &headers, &Value::Null).status, 200, "{address}");
    }
}

fn a_history_lists_every_change(data: Data) {
    let app = App::start(data);
    let concert = app.create(1);
    let held = done(&hold(&app, &concert, "ada@example.org"), 201);
    let bearer = format!("Bearer {}", token(&held));
    let confirm = format!("{}/confirm", path(&held));
    done(&app.ask("POST", &confirm, &[("Authorization", &bearer)], &Value::Null), 200);
    let waiting = done(&wait_for(&app, &concert, "grace@example.org"), 202);
    done(&give_up(&app, &held), 200);
    let history = |registration: &Value| {
        let entries = app.get(&format!("{}/history", path(registration))).json();
        let entries = entries.as_array().expect("an array").clone();
        assert!(entries.iter().all(|entry| entry["recorded_at"].is_string()));
        entries
            .iter()
            .map(|e| format!("{} {} {}", e["version"], e["kind"], e["actor"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    let expected = ["2 held attendee", "3 confirmed attendee", "5 cancelled organizer"];
    assert_eq!(history(&held), expected);
    assert_eq!(history(&waiting), ["4 waitlisted attendee", "6 offered system"]);
}

fn all_registrations_ever_can_be_listed(data: Data) {
    let app = App::start(data);
    let concert = app.create(2);
    let gone = done(&app.register(&concert, "0@example.org"), 201);
    done(&app.register(&concert, "1@example.org"), 201);
    done(&hold(&app, &concert, "2@example.org"), 409);
    done(&give_up(&app, &gone), 200);
    done(&hold(&app, &concert, "3@example.org"), 201);
    done(&wait_for(&app, &concert, "4@example.org"), 202);
    let list = format!("/events/{concert}/registrations");
    let listed = |address: &str| {
        let items = app.get(address).json();
        let items = items.as_array().expect("an array").clone();
        items
            .iter()
            .map(|item| format!("{} {}", item["user_email"], item["status"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    let seated = ["1@example.org confirmed", "3@example.org held"];
    assert_eq!(listed(&list), seated);
    assert_eq!(listed(&format!("{list}?status=seated")), seated);
    let all = [
        "0@example.org cancelled",
        "1@example.org confirmed",
        "3@example.org held",
        "4@example.org waitlisted",
    ];
    assert_eq!(listed(&format!("{list}?status=all")), all);
    let mut next = Some(format!("{list}?status=all&limit=1"));
    let mut pages = Vec::new();
    while let Some(address) = next {
        pages.extend(listed(&address));
        let link = app.get(&address).header("link").map(str::to_owned);
        next = link.and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
    }
    assert_eq!(pages, all);
    assert_eq!(listed(&format!("{list}?status=waitlisted")), ["4@example.org waitlisted"]);
    refused(&app.get(&format!("{list}?status=waiting")), 400, "validation");
}

fn missing_resources_are_not_found(data: Data) {
    let app = App::start(data);
    let concert = app.create(1);
    let nobody = json!({"user_email": "ada@example.org"});
    for missing in ["00000000-0000-7000-8000-000000000000", "42", concert.as_str()] {
        let registration = format!("/registrations/{missing}");
        for (method, below, body) in [
            ("GET", "", &Value::Null),
            ("GET", "/history", &Value::Null),
            ("GET", "/ticket", &Value::Null),
            ("GET", "/ticket.svg", &Value::Null),
            ("DELETE", "", &Value::Null),
            ("POST", "/confirm", &Value::Null),
            ("POST", "/transfer", &nobody),
        ] {
            let address = format!("{registration}{below}");
            refused(&app.ask(method, &address, &[], body), 404, "not_found");
        }
        let undo = format!("/events/{concert}/check-ins/{missing}");
        refused(&app.ask("DELETE", &undo, &[], &Value::Null), 404, "not_found");
        if missing == concert {
            continue;
        }
        let event = format!("/events/{missing}");
        let ticket = json!({"ticket": "x"});
        let scan = json!({"id": concert, "ticket": "x", "scanned_at": "2026-01-01T00:00:00Z"});
        let batch = json!({"scans": [scan]});
        for (method, below, body) in [
            ("PATCH", "", &json!({"name": "b"})),
            ("POST", "/cancel", &Value::Null),
            ("POST", "/holds", &nobody),
            ("POST", "/check-ins", &ticket),
            ("POST", "/check-ins/batch", &batch),
            ("GET", "/calendar.ics", &Value::Null),
        ] {
            let address = format!("{event}{below}");
            refused(&app.ask(method, &address, &[], body), 404, "not_found");
            let key = common::key("k");
            let key = [("Idempotency-Key", key.as_str())];
            refused(&app.ask(method, &address, &key, body), 404, "not_found");
        }
    }
}

/// An expired hold no longer counts, and the sweeper gives its seat to the next waiter.
#[test]
fn time_ends_holds_and_the_sweeper_serves_the_queue() {
    let app = App::start_with(Data::postgres(), &[("SWEEP_SECONDS", "0")]);
    let concert = app.create(1);
    let held = done(&hold(&app, &concert, "ada@example.org"), 201);
    let waiting = done(&wait_for(&app, &concert, "grace@example.org"), 202);
    let address = format!("/events/{concert}");
    let tag = app.get(&address).header("etag").expect("it is settled").to_owned();
    // The hold ended an hour ago.
    app.data.database().sql(
        "UPDATE registrations SET expires_at = now() - interval '1 hour' WHERE status = 'held'; \
         UPDATE events SET due_at = now() - interval '1 hour'",
    );
    assert_eq!(app.get(&path(&held)).json()["status"], "expired");
    // No version has that state yet, and so the page that a client has is not the current one.
    let shown = http::send(app.url(), "GET", &address, &[("If-None-Match", &tag)], b"");
    assert_eq!((shown.status, shown.header("etag")), (200, None));
    assert_eq!(shown.json()["booked_count"], 0);
    assert_eq!(app.get(&path(&waiting)).json()["status"], "waitlisted");

    let sweeping = start_on(&app.data, &[("SWEEP_SECONDS", "1")]);
    let began = Instant::now();
    while app.get(&path(&waiting)).json()["status"] != "offered" {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody swept");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(sweeping);
    refused(&act(&app, &held, "confirm"), 409, "hold_expired");
    assert!(app.get(&address).header("etag").is_some());
    app.assert_audit_is_clean();
}
