//! Events that confirm addresses, over real HTTP, on both stores: a claim gets the same answer, whether or not the
//! address is registered.

mod common;

use common::acts::{done, edit, hold, id, path, refused, token, wait_for};
use common::http::Answer;
use common::{App, Data, key, make_token};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

on_both_stores! {
    a_claim_is_answered_alike_for_every_address
    a_replay_reveals_no_more_than_the_first_answer
    a_sold_out_event_refuses_every_address_alike
    a_held_seat_is_confirmed_by_its_own_token_alone
    a_transfer_reveals_no_registration
    on_an_open_server_every_claim_is_a_visitors
    without_mail_no_address_is_confirmed
    a_registered_address_counts_as_a_new_one
}

/// A server that writes its mails into a folder, and the folder.
fn start(data: Data, more: &[(&'static str, &str)]) -> (App, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", folder.path().display());
    let mut settings = vec![
        ("MAIL_URL", url.as_str()),
        ("MAIL_FROM", "desk@booking.example"),
        ("BASE_URL", "https://booking.example"),
    ];
    settings.extend(more);
    (App::start_with(data, &settings), folder)
}

/// The same with an organizer, and an event of its own at which Ada is registered.
struct Desk {
    app: App,
    _mails: TempDir,
    organizer: String,
    event: String,
    ada: Value,
}

impl Desk {
    fn open(data: Data, capacity: u32, more: &[(&'static str, &str)]) -> Self {
        let organizer = make_token(&data, "Desk");
        let (app, mails) = start(data, more);
        let body = json!({"name": "By mail", "capacity": capacity, "confirm_address": true});
        let event = done(&app.ask_as(&organizer, "POST", "/events", &body), 201);
        assert_eq!(event["confirm_address"], true);
        let event = id(&event).to_owned();
        let register = format!("/events/{event}/register");
        let body = json!({"user_email": "ada@example.org"});
        // The event's organizer sees who is registered, and registers people as ever.
        let ada = done(&app.ask_as(&organizer, "POST", &register, &body), 201);
        assert_eq!(ada["status"], "confirmed");
        refused(&app.ask_as(&organizer, "POST", &register, &body), 409, "already_registered");
        Self { app, _mails: mails, organizer, event, ada }
    }

    /// All that was ever registered.
    fn all(&self) -> Vec<Value> {
        let path = format!("/events/{}/registrations?status=all", self.event);
        let all = self.app.ask_as(&self.organizer, "GET", &path, &Value::Null);
        done(&all, 200).as_array().expect("an array").clone()
    }

    fn of(&self, email: &str) -> Value {
        let mut all = self.all();
        all.retain(|row| row["user_email"] == email);
        all.pop().unwrap_or_else(|| panic!("{email} has none"))
    }

    fn version(&self) -> Value {
        self.app.get(&format!("/events/{}", self.event)).json()["version"].clone()
    }
}

/// Every way to ask for a seat.
fn ways(app: &App, event: &str, email: &str) -> [Answer; 4] {
    let holds = format!("/events/{event}/holds");
    [
        app.register(event, email),
        wait_for(app, event, email),
        hold(app, event, email),
        app.post(&holds, &json!({"user_email": email, "name": "N", "ttl_seconds": 60})),
    ]
}

fn a_claim_is_answered_alike_for_every_address(data: Data) {
    let desk = Desk::open(data, 50, &[]);
    let (app, event) = (&desk.app, desk.event.as_str());
    let began = Instant::now();
    let first = app.register(event, "fresh@example.org");
    assert!(began.elapsed() >= Duration::from_millis(100), "no sooner than any other");
    assert_eq!((first.status, first.json()), (202, json!({"status": "confirmation_sent"})));
    let expected = first.comparable();
    let held = desk.of("fresh@example.org");
    assert_eq!((&held["status"], held.get("manage_token")), (&json!("held"), None));

    // An address with a seat, one with a hold, and one with neither.
    let version = desk.version();
    for email in ["ada@example.org", " ADA@Example.org ", "fresh@example.org"] {
        for answer in ways(app, event, email) {
            assert_eq!(answer.comparable(), expected, "{email}");
        }
    }
    assert_eq!(desk.version(), version, "nothing was changed");
    for number in 0..4 {
        let email = format!("fresh{number}@example.org");
        let answers = ways(app, event, &email);
        assert_eq!(answers[number].comparable(), expected, "{email}");
    }
    assert_eq!(desk.all().len(), 6, "each address once");

    // An ended registration counts as none.
    let ended = app.ask_as(&desk.organizer, "DELETE", &path(&desk.ada), &Value::Null);
    assert_eq!(done(&ended, 200)["status"], "cancelled");
    assert_eq!(app.register(event, "ada@example.org").comparable(), expected);
    assert_ne!(id(&desk.of("ada@example.org")), id(&desk.ada));
    // Invalid input is reported alike for every address.
    for email in ["ada@example.org", "nobody@example.org"] {
        let body = json!({"user_email": email, "on_full": "perhaps"});
        let wrong = app.post(&format!("/events/{event}/register"), &body);
        refused(&wrong, 400, "validation");
    }
    app.assert_audit_is_clean();
}

fn a_replay_reveals_no_more_than_the_first_answer(data: Data) {
    let desk = Desk::open(data, 50, &[]);
    let (app, event) = (&desk.app, desk.event.as_str());
    for route in ["register", "holds"] {
        let ask = |email: &str, name: &str| {
            let key = key(&format!("{route} {email}"));
            let body = json!({"user_email": email, "name": name});
            let path = format!("/events/{event}/{route}");
            app.ask("POST", &path, &[("Idempotency-Key", &key)], &body)
        };
        let fresh = format!("{route}@example.org");
        let [known, made] = ["ada@example.org", &fresh].map(|email| ask(email, "A"));
        assert_eq!((made.status, known.comparable()), (202, made.comparable()));
        let [known, made] = ["ada@example.org", &fresh].map(|email| ask(email, "A"));
        assert_eq!(made.header("idempotency-replayed"), Some("true"));
        assert_eq!((made.status, known.comparable()), (202, made.comparable()));
        for email in ["ada@example.org", &fresh] {
            refused(&ask(email, "B"), 422, "idempotency_key_reused");
        }
        let ended = app.ask_as(&desk.organizer, "DELETE", &path(&desk.of(&fresh)), &Value::Null);
        done(&ended, 200);
        assert_eq!(ask(&fresh, "A").comparable(), made.comparable(), "whatever became of it");
    }
}

fn a_sold_out_event_refuses_every_address_alike(data: Data) {
    let desk = Desk::open(data, 2, &[]);
    let (app, event) = (&desk.app, desk.event.as_str());
    let emails = ["ada@example.org", "grace@example.org", "nobody@example.org"];
    assert_eq!(app.register(event, "grace@example.org").status, 202);
    for email in emails {
        refused(&app.register(event, email), 409, "all_held");
        refused(&hold(app, event, email), 409, "all_held");
    }
    let grace = path(&desk.of("grace@example.org"));
    let confirm = format!("{grace}/confirm");
    done(&app.ask_as(&desk.organizer, "POST", &confirm, &Value::Null), 200);
    for email in emails {
        refused(&app.register(event, email), 409, "sold_out");
        refused(&hold(app, event, email), 409, "sold_out");
    }
    // A claim for the waitlist takes a place, or has one, or has a seat: only a mail tells which.
    let waits = emails.map(|email| wait_for(app, event, email).comparable());
    assert!(waits.iter().all(|answer| *answer == waits[0] && answer.0 == 202), "{waits:?}");
    assert_eq!(desk.of("nobody@example.org")["status"], "waitlisted");
    // A waiter is not seated unasked, though the event makes no offers.
    let at_once = json!({"offer_ttl_seconds": null});
    let path_of = format!("/events/{event}");
    done(&app.ask_as(&desk.organizer, "PATCH", &path_of, &at_once), 200);
    done(&app.ask_as(&desk.organizer, "DELETE", &grace, &Value::Null), 200);
    assert_eq!(desk.of("nobody@example.org")["status"], "offered");
    done(&app.ask_as(&desk.organizer, "POST", &format!("{path_of}/cancel"), &Value::Null), 200);
    for email in emails {
        refused(&app.register(event, email), 409, "closed");
        refused(&wait_for(app, event, email), 409, "closed");
    }
    app.assert_audit_is_clean();
}

fn a_held_seat_is_confirmed_by_its_own_token_alone(data: Data) {
    let desk = Desk::open(data, 5, &[]);
    let app = &desk.app;
    assert_eq!(app.register(&desk.event, "grace@example.org").status, 202);
    let grace = desk.of("grace@example.org");
    let confirm = format!("{}/confirm", path(&grace));
    refused(&app.post(&confirm, &json!({})), 401, "unauthenticated");
    refused(&app.ask_as(token(&desk.ada), "POST", &confirm, &Value::Null), 403, "forbidden");
    let link = format!("{}/link", path(&grace));
    let link = done(&app.ask_as(&desk.organizer, "POST", &link, &Value::Null), 200);
    let own = app.ask_as(token(&link), "POST", &confirm, &Value::Null);
    assert_eq!(done(&own, 200)["status"], "confirmed");
}

fn a_transfer_reveals_no_registration(data: Data) {
    let desk = Desk::open(data, 5, &[]);
    let (app, own) = (&desk.app, token(&desk.ada));
    assert_eq!(app.register(&desk.event, "grace@example.org").status, 202);
    let version = desk.version();
    let transfer = format!("{}/transfer", path(&desk.ada));
    for email in ["grace@example.org", "nobody@example.org", "ada@example.org"] {
        let answer = app.ask_as(own, "POST", &transfer, &json!({"user_email": email}));
        refused(&answer, 409, "not_transferable");
        let corrected = app.ask_as(own, "PATCH", &path(&desk.ada), &json!({"user_email": email}));
        refused(&corrected, 403, "forbidden");
    }
    assert_eq!(desk.version(), version, "nothing was changed");
    let body = json!({"user_email": "kay@example.org"});
    let given = app.ask_as(&desk.organizer, "POST", &transfer, &body);
    assert_eq!(done(&given, 200)["user_email"], "kay@example.org");
}

fn on_an_open_server_every_claim_is_a_visitors(data: Data) {
    let (app, _mails) = start(data, &[]);
    let body = json!({"name": "By mail", "capacity": 5, "confirm_address": true});
    let made = done(&app.post("/events", &body), 201);
    let event = id(&made);
    let first = app.register(event, "ada@example.org");
    assert_eq!(first.status, 202);
    for answer in ways(&app, event, "ada@example.org") {
        assert_eq!(answer.comparable(), first.comparable());
    }
    let all = app.get(&format!("/events/{event}/registrations")).json();
    assert_eq!((all[0]["status"].clone(), all.as_array().map(Vec::len)), (json!("held"), Some(1)));
    let instant = |value: &Value| {
        let text = value.as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(text).expect("an instant")
    };
    let lasts = instant(&all[0]["expires_at"]) - instant(&all[0]["created_at"]);
    assert_eq!(lasts.num_seconds(), 1_800);
    // Once the event no longer confirms addresses, a seat is a seat.
    done(&edit(&app, event, &json!({"confirm_address": false})), 200);
    assert_eq!(done(&app.register(event, "grace@example.org"), 201)["status"], "confirmed");
    refused(&app.register(event, "grace@example.org"), 409, "already_registered");
}

fn without_mail_no_address_is_confirmed(data: Data) {
    let organizer = make_token(&data, "Desk");
    let other = make_token(&data, "Another");
    let app = App::start(data);
    let asks = json!({"name": "a", "capacity": 1, "confirm_address": true});
    let answer = app.ask_as(&organizer, "POST", "/events", &asks);
    refused(&answer, 400, "validation");
    assert_eq!(answer.pointers(), ["/confirm_address"]);
    let plain = json!({"name": "a", "capacity": 1, "confirm_address": false});
    let event = done(&app.ask_as(&organizer, "POST", "/events", &plain), 201);
    let path = format!("/events/{}", id(&event));
    let answer = app.ask_as(&organizer, "PATCH", &path, &json!({"confirm_address": true}));
    refused(&answer, 400, "validation");
    assert_eq!(answer.pointers(), ["/confirm_address"]);
    for body in [json!({"confirm_address": false}), json!({"name": "b"})] {
        done(&app.ask_as(&organizer, "PATCH", &path, &body), 200);
    }
    // A caller learns nothing of another's registration.
    let answer = app.ask_as(&other, "PATCH", &path, &json!({"confirm_address": true}));
    refused(&answer, 404, "not_found");
    refused(&app.post("/events", &asks), 401, "unauthenticated");
}

/// Else a client that asks often enough could count the registered addresses.
fn a_registered_address_counts_as_a_new_one(data: Data) {
    let desk = Desk::open(data, 50, &[("EMAIL_HOLDS_MAX", "2")]);
    let (app, event) = (&desk.app, desk.event.as_str());
    for email in ["ada@example.org", "nobody@example.org"] {
        let answers: Vec<u16> = (0..3).map(|_| app.register(event, email).status).collect();
        assert_eq!(answers, [202, 202, 429], "{email}");
        refused(&hold(app, event, email), 429, "rate_limited");
    }
}
