//! The whole life of an event, over real HTTP, on both stores.

mod common;

use common::acts::{act, done, edit, event, give_up, hold, id, path, refused, transfer, wait_for};
use common::{App, Data, http, spoil};
use serde_json::{Value, json};

on_both_stores! {
    an_event_has_every_given_field
    an_edit_changes_the_given_fields
    an_edit_can_require_a_version
    an_event_of_another_history_is_sent_again
    doors_open_and_close
    a_cancelled_event_takes_everything_with_it
    a_reminder_is_due_until_it_is_done
    an_event_goes_into_a_calendar
}

fn an_event_has_every_given_field(data: Data) {
    let app = App::start(data);
    let body = json!({
        "name": "Jazz", "capacity": 3, "description": null, "status": "draft",
        "starts_at": "2027-05-01T19:00:00+02:00", "ends_at": "2027-05-01T21:00:00Z",
        "timezone": "Europe/Berlin", "venue": " The cellar ",
        "opens_at": "2027-04-01T00:00:00.123456789Z", "closes_at": "2027-05-01T16:00:00Z",
        "waitlist_enabled": false, "offer_ttl_seconds": 3_600, "language": "de", "remind_hours": 48,
        "organizer_name": " Jazz Club ", "contact": "https://jazz.example", "unlisted": true,
    });
    let made = done(&app.post("/events", &body), 201);
    for (name, value) in [
        ("status", json!("draft")),
        ("description", json!("")),
        ("starts_at", json!("2027-05-01T17:00:00Z")),
        ("ends_at", json!("2027-05-01T21:00:00Z")),
        ("timezone", json!("Europe/Berlin")),
        ("venue", json!("The cellar")),
        ("opens_at", json!("2027-04-01T00:00:00.123456Z")),
        ("closes_at", json!("2027-05-01T16:00:00Z")),
        ("waitlist_enabled", json!(false)),
        ("offer_ttl_seconds", json!(3_600)),
        ("language", json!("de")),
        ("remind_hours", json!(48)),
        ("confirm_address", json!(false)),
        ("organizer_name", json!("Jazz Club")),
        ("contact", json!("https://jazz.example/")),
        ("unlisted", json!(true)),
        ("waitlist_count", json!(0)),
        ("version", json!(1)),
    ] {
        assert_eq!(made[name], value, "{name}");
    }
    assert_eq!(event(&app, id(&made)), made);
    assert_eq!(app.get("/events").json(), json!([made]));

    let plain = done(&app.post("/events", &json!({"name": "Plain", "capacity": 1})), 201);
    assert_eq!((&plain["status"], &plain["waitlist_enabled"]), (&json!("published"), &json!(true)));
    assert_eq!(plain["offer_ttl_seconds"], 86_400);
    assert_eq!((&plain["language"], &plain["remind_hours"]), (&json!("en"), &Value::Null));
    assert_eq!((&plain["organizer_name"], &plain["contact"]), (&Value::Null, &Value::Null));
    assert_eq!(plain["unlisted"], false);
    let nulls = json!({
        "name": "Nulls", "capacity": 1, "status": null, "starts_at": null, "ends_at": null,
        "timezone": null, "venue": null, "opens_at": null, "closes_at": null,
        "waitlist_enabled": null, "offer_ttl_seconds": null, "language": null, "remind_hours": null,
        "confirm_address": null, "organizer_name": null, "contact": null, "unlisted": null,
    });
    let nulls = done(&app.post("/events", &nulls), 201);
    assert_eq!((&nulls["status"], &nulls["venue"]), (&json!("published"), &Value::Null));
    assert_eq!(nulls["offer_ttl_seconds"], Value::Null, "a freed seat is given at once");
}

fn an_edit_changes_the_given_fields(data: Data) {
    let app = App::start(data);
    let body = json!({
        "name": "Jazz", "description": "Loud", "capacity": 3, "venue": "Here",
        "starts_at": "2027-05-01T17:00:00Z", "timezone": "Europe/Berlin",
    });
    let made = done(&app.post("/events", &body), 201);
    let concert = id(&made);
    let answer =
        edit(&app, concert, &json!({"name": " Blues ", "venue": null, "description": null}));
    let edited = done(&answer, 200);
    assert!(answer.header("etag").is_some_and(|tag| tag.starts_with("\"2-")));
    let mut expected = made.clone();
    for (name, value) in [
        ("name", json!("Blues")),
        ("venue", Value::Null),
        ("description", json!("")),
        ("version", json!(2)),
    ] {
        expected[name] = value;
    }
    assert_eq!(edited, expected);
    assert_eq!(event(&app, concert), expected);
    // An edit without a change makes no version.
    assert_eq!(done(&edit(&app, concert, &json!({})), 200), expected);
    assert_eq!(done(&edit(&app, concert, &json!({"name": "Blues"})), 200), expected);

    done(&app.register(concert, "ada@example.org"), 201);
    done(&app.register(concert, "grace@example.org"), 201);
    refused(&edit(&app, concert, &json!({"capacity": 1})), 409, "capacity_below_booked");
    assert_eq!(done(&edit(&app, concert, &json!({"capacity": 2})), 200)["available"], 0);
    let too_early = json!({"ends_at": "2027-05-01T16:59:59Z"});
    refused(&edit(&app, concert, &too_early), 400, "validation");
    app.assert_audit_is_clean();
}

fn an_edit_can_require_a_version(data: Data) {
    let app = App::start(data);
    let concert = app.create(3);
    let edit = |version: &str, name: &str| {
        let address = format!("/events/{concert}");
        app.ask("PATCH", &address, &[("If-Match", version)], &json!({"name": name}))
    };
    let tag = app.get(&format!("/events/{concert}")).header("etag").expect("one").to_owned();
    assert_eq!(done(&edit(&tag, "First"), 200)["version"], 2);
    refused(&edit(&tag, "Second"), 412, "version_mismatch");
    assert_eq!(done(&edit(&tag, "First"), 200)["version"], 2, "it is as it was asked to be");
    assert_eq!(done(&edit("*", "Third"), 200)["version"], 3);

    // A list of tags matches if one of them does, and a client that knows only the version may send that.
    let tag = app.get(&format!("/events/{concert}")).header("etag").expect("one").to_owned();
    refused(&edit(&format!("W/{tag}"), "Weak"), 412, "version_mismatch");
    for never in ["\"x\"", "\"03\"", "\"99999999999999999999\"", "\"1\", \"2\"", "\"\""] {
        refused(&edit(never, "Never"), 412, "version_mismatch");
    }
    let other = format!("{}0\"", tag.trim_end_matches('"'));
    refused(&edit(&other, "Another history"), 412, "version_mismatch");
    let list = format!("\"1\" ,, W/\"7\",{tag}");
    assert_eq!(done(&edit(&list, "Fourth"), 200)["version"], 4);
    assert_eq!(done(&edit("\"4\"", "Fifth"), 200)["version"], 5);
    let address = format!("/events/{concert}");
    let lines = [("If-Match", "\"1\""), ("If-Match", "\"5\"")];
    assert_eq!(
        done(&app.ask("PATCH", &address, &lines, &json!({"name": "Sixth"})), 200)["version"],
        6
    );
}

/// A restored backup that came to the same version by other changes is not what a client has.
fn an_event_of_another_history_is_sent_again(data: Data) {
    let app = App::start(data);
    let concert = app.create(3);
    let address = format!("/events/{concert}");
    let tag = app.get(&address).header("etag").expect("one").to_owned();
    let ask = |tag: &str| http::send(app.url(), "GET", &address, &[("If-None-Match", tag)], b"");
    assert_eq!(ask(&tag).status, 304);
    let (version, micros) = tag.trim_matches('"').split_once('-').expect("two parts");
    let made_at = i64::from_str_radix(micros, 16).expect("hexadecimal");
    for other in [
        format!("\"{version}\""),
        format!("\"{version}-{:x}\"", made_at - 1),
        format!("\"{version}-{}\"", micros.to_uppercase() + "A"),
    ] {
        assert_eq!(ask(&other).status, 200, "{other}");
    }
}

fn doors_open_and_close(data: Data) {
    let app = App::start(data);
    let create = |body: Value| {
        let mut event = json!({"name": "a", "capacity": 5});
        event.as_object_mut().expect("one").extend(body.as_object().expect("one").clone());
        id(&done(&app.post("/events", &event), 201)).to_owned()
    };
    let closed = [
        create(json!({"status": "draft"})),
        create(json!({"opens_at": "2999-01-01T00:00:00Z"})),
        create(json!({"closes_at": "2020-01-01T00:00:00Z"})),
    ];
    for event in &closed {
        refused(&app.register(event, "ada@example.org"), 409, "closed");
        refused(&hold(&app, event, "ada@example.org"), 409, "closed");
        refused(&wait_for(&app, event, "ada@example.org"), 409, "closed");
    }
    for (event, change) in closed.iter().zip([
        json!({"status": "published"}),
        json!({"opens_at": "2020-01-01T00:00:00Z"}),
        json!({"closes_at": null}),
    ]) {
        assert_eq!(done(&edit(&app, event, &change), 200)["status"], "published");
        assert_eq!(app.register(event, "ada@example.org").status, 201, "{change}");
    }
}

fn a_cancelled_event_takes_everything_with_it(data: Data) {
    let app = App::start(data);
    let concert = app.create(2);
    let seated = done(&app.register(&concert, "ada@example.org"), 201);
    let held = done(&hold(&app, &concert, "grace@example.org"), 201);
    let waiting = done(&wait_for(&app, &concert, "hedy@example.org"), 202);
    let cancel = || app.ask("POST", &format!("/events/{concert}/cancel"), &[], &Value::Null);
    let answer = cancel();
    let cancelled = done(&answer, 200);
    let version = format!("\"{}-", cancelled["version"]);
    assert!(answer.header("etag").is_some_and(|tag| tag.starts_with(&version)));
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!((&cancelled["booked_count"], &cancelled["waitlist_count"]), (&json!(0), &json!(0)));
    assert_eq!(done(&cancel(), 200), cancelled, "twice is the same");
    for registration in [&seated, &held, &waiting] {
        let shown = app.get(&path(registration)).json();
        assert_eq!((&shown["status"], &shown["position"]), (&json!("cancelled"), &Value::Null));
        refused(&act(&app, registration, "confirm"), 409, "closed");
        refused(&transfer(&app, registration, "eve@example.org"), 409, "closed");
        assert_eq!(done(&give_up(&app, registration), 200)["status"], "cancelled");
    }
    refused(&app.register(&concert, "late@example.org"), 409, "closed");
    refused(&edit(&app, &concert, &json!({"name": "b"})), 409, "closed");
    assert_eq!(app.get(&format!("/events/{concert}/registrations")).json(), json!([]));
    app.assert_audit_is_clean();
}

fn an_event_goes_into_a_calendar(data: Data) {
    let app = App::start(data);
    let plain = app.create(1);
    refused(&app.get(&format!("/events/{plain}/calendar.ics")), 404, "not_found");
    let body =
        json!({"name": "Jazz, late", "capacity": 1, "starts_at": "2027-05-01T19:00:00+02:00"});
    let concert = done(&app.post("/events", &body), 201);
    let answer = app.get(&format!("/events/{}/calendar.ics", id(&concert)));
    assert_eq!(answer.header("content-type"), Some("text/calendar; charset=utf-8"));
    let text = String::from_utf8(answer.body.clone()).expect("it is text");
    for line in
        [&format!("UID:{}", id(&concert)), "DTSTART:20270501T170000Z", r"SUMMARY:Jazz\, late"]
    {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line} is not in\n{text}");
    }
    assert!(!text.contains("\r\nURL"), "nobody said where it is reached: {text}");
    // A sale does not change it; an edit of what people see does.
    let file = || {
        let answer = app.get(&format!("/events/{}/calendar.ics", id(&concert)));
        String::from_utf8(answer.body.clone()).expect("it is text")
    };
    let ask_again = |method: &str, tag: &str| {
        let path = format!("/events/{}/calendar.ics", id(&concert));
        app.ask(method, &path, &[("If-None-Match", tag)], &Value::Null)
    };
    let tag = answer.header("etag").expect("it has one").to_owned();
    done(&app.register(id(&concert), "ada@example.org"), 201);
    assert_eq!(file(), text);
    for method in ["GET", "HEAD"] {
        for known in [tag.as_str(), "*", &format!("\"x\", W/{tag}")] {
            let answer = ask_again(method, known);
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{method} {known}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
        }
    }
    done(&edit(&app, id(&concert), &json!({"description": "Loud"})), 200);
    let changed = ask_again("GET", &tag);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    assert!(file().contains("\r\nSEQUENCE:0\r\n"), "{}", file());
    done(&edit(&app, id(&concert), &json!({"venue": "Hall 1"})), 200);
    assert!(file().contains("\r\nSEQUENCE:1\r\n"), "{}", file());
    done(&act_on_event(&app, id(&concert), "cancel"), 200);
    assert!(file().contains("\r\nSEQUENCE:2\r\n") && file().contains("\r\nSTATUS:CANCELLED\r\n"));
    // An event in a year that no calendar supports is refused.
    for year in ["0000", "10000", "-001"] {
        let body =
            json!({"name": "a", "capacity": 1, "starts_at": format!("{year}-05-01T19:00:00Z")});
        assert_eq!(app.post("/events", &body).pointers(), ["/starts_at"], "{year}");
    }
}

/// Links begin with the operator's URL, whatever host name a request uses.
#[test]
fn links_in_a_calendar_file_use_the_base_url() {
    let base = ("BASE_URL", "https://booking.example.org/");
    let app = App::start_with(Data::sqlite(), &[base]);
    let body = json!({"name": "Jazz", "capacity": 1, "starts_at": "2027-05-01T19:00:00Z"});
    let concert = done(&app.post("/events", &body), 201);
    let answer = app.get(&format!("/events/{}/calendar.ics", id(&concert)));
    let text = String::from_utf8(answer.body).expect("it is text").replace("\r\n ", "");
    let url = format!("\r\nURL:https://booking.example.org/e/{}\r\n", id(&concert));
    assert!(text.contains(&url), "{text}");
}

fn act_on_event(app: &App, event: &str, act: &str) -> http::Answer {
    app.ask("POST", &format!("/events/{event}/{act}"), &[], &Value::Null)
}

/// When the reminder of the only event is due, in seconds after 1970, by its row.
fn remind_at(data: &Data) -> Option<i64> {
    match data {
        Data::Postgres(database) => {
            let rows = database.sql("SELECT extract(epoch FROM remind_at)::bigint FROM events");
            rows[0][0].as_ref().map(|text| text.parse().expect("a number"))
        }
        Data::Sqlite(folder) => {
            let path = folder.path().join("booking.db");
            let connection = rusqlite::Connection::open(path).expect("it can be opened");
            let micros = "SELECT remind_at / 1000000 FROM events";
            connection.query_row(micros, [], |row| row.get(0)).expect("it can be read")
        }
    }
}

fn a_reminder_is_due_until_it_is_done(data: Data) {
    let app = App::start(data);
    let seconds = |text: &str| {
        let time = chrono::DateTime::parse_from_rfc3339(text).expect("an instant");
        Some(time.timestamp())
    };
    let body = json!({
        "name": "Jazz", "capacity": 3, "starts_at": "2099-05-01T19:00:00Z", "remind_hours": 24,
        "status": "draft",
    });
    let made = done(&app.post("/events", &body), 201);
    let concert = id(&made);
    let change = |body: Value| drop(done(&edit(&app, concert, &body), 200));
    assert_eq!(remind_at(&app.data), None, "nobody can come yet");
    change(json!({"status": "published"}));
    assert_eq!(remind_at(&app.data), seconds("2099-04-30T19:00:00Z"));
    change(json!({"remind_hours": 1}));
    assert_eq!(remind_at(&app.data), seconds("2099-05-01T18:00:00Z"));
    spoil(&app.data, "UPDATE events SET remind_at = NULL");
    change(json!({"name": "Blues", "venue": "Here"}));
    assert_eq!(
        remind_at(&app.data),
        None,
        "it is done, and nothing says that it is to be done again"
    );
    change(json!({"starts_at": "2099-06-01T19:00:00Z"}));
    assert_eq!(remind_at(&app.data), seconds("2099-06-01T18:00:00Z"), "of another time");
    change(json!({"starts_at": "2001-06-01T19:00:00Z"}));
    assert_eq!(remind_at(&app.data), None, "it is too late for that");
    change(json!({"starts_at": "2099-06-01T19:00:00Z"}));
    let cancel = format!("/events/{concert}/cancel");
    done(&app.ask("POST", &cancel, &[], &Value::Null), 200);
    assert_eq!(remind_at(&app.data), None);
}
