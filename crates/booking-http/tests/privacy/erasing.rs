//! `booking-http erase`, beside servers and without them.

use crate::common::acts::*;
use crate::common::{App, Data, PROGRAM, http, spoil};
use crate::on_both_stores;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output, Stdio};

on_both_stores! {
    an_erased_address_leaves_no_trace
    an_address_is_erased_in_every_spelling
    erasing_during_a_sale_leaves_counts_correct
    an_incomplete_erasure_is_completed_when_it_is_repeated
    an_invalid_address_is_refused_and_not_repeated
}

const NAME: &str = "Ada Byron Lovelace";

/// Runs `booking-http erase`, with these lines on its standard input.
pub(crate) fn erase(data: &Data, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .arg("erase")
        .args(arguments)
        .env_clear()
        .envs(data.settings())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may have ended by now, having no use for it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Every row of every table, or every byte of every file: without the server, which would keep the
/// write-ahead log.
pub(crate) fn everything_stored(data: &Data) -> Vec<u8> {
    match data {
        Data::Sqlite(folder) => {
            let files = folder.path().read_dir().expect("it is there").map(|file| {
                std::fs::read(file.expect("it can be listed").path()).expect("it can be read")
            });
            files.collect::<Vec<_>>().concat()
        }
        Data::Postgres(database) => {
            let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
            let mut text = String::new();
            for table in database.sql(tables).concat().into_iter().flatten() {
                let rows = database.sql(&format!("SELECT t::text FROM {table} AS t"));
                rows.concat().into_iter().flatten().for_each(|row| text.push_str(&row));
            }
            text.into_bytes()
        }
    }
}

pub(crate) fn holds(stored: &[u8], text: &str) -> bool {
    stored.windows(text.len()).any(|window| window == text.as_bytes())
}

fn register_named(app: &App, event: &str, email: &str, key: &str) -> Value {
    let body = json!({"user_email": email, "name": NAME, "on_full": "waitlist"});
    let key = crate::common::key(key);
    let headers = [("Idempotency-Key", key.as_str())];
    let answer = app.ask("POST", &format!("/events/{event}/register"), &headers, &body);
    assert!([201, 202].contains(&answer.status), "{answer:?}");
    answer.json()
}

fn an_erased_address_leaves_no_trace(data: Data) {
    let email = "ada.lovelace@privacy.example";
    let mut app = App::start(data);
    let [first, second, third] = [3, 1, 2].map(|seats| app.create(seats));
    let seat = register_named(&app, &first, email, "a key of hers");
    register_named(&app, &second, email, "another");
    done(&transfer(&app, &seat, "grace@example.org"), 200);
    let again = register_named(&app, &first, email, "a third");
    let waiting = done(&wait_for(&app, &second, "kay@example.org"), 202);
    let given_up = register_named(&app, &third, email, "a fourth");
    done(&give_up(&app, &given_up), 200);
    let seats_before = event(&app, &first)["booked_count"].clone();
    app.server.terminate();
    let before = everything_stored(&app.data);
    assert!(holds(&before, email) && holds(&before, NAME), "what is looked for is there");

    let output = erase(&app.data, &["--email", " Ada.Lovelace@PRIVACY.example "], "");
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output).to_lowercase();
    assert!(text.contains("3 registrations of 3 events"), "{text}");
    assert!(!text.contains("lovelace"), "{text}");
    let after = everything_stored(&app.data);
    for personal in [email, "lovelace", NAME] {
        assert!(!holds(&after, personal), "{personal} is still there");
    }
    assert!(holds(&after, "grace@example.org") && holds(&after, "kay@example.org"));

    let app = App::start(app.data);
    app.assert_audit_is_clean();
    let offered = app.get(&path(&waiting)).json();
    assert_eq!(offered["status"], "offered", "the seat is somebody else's");
    let erased = app.get(&path(&again)).json();
    assert_eq!((&erased["status"], &erased["name"]), (&json!("cancelled"), &Value::Null));
    let expected = format!("erased-{}@erased.invalid", id(&again));
    assert_eq!(erased["user_email"], expected.as_str());
    let history = app.get(&format!("{}/history", path(&again))).json();
    let kinds: Vec<_> = history.as_array().expect("an array").iter().collect();
    let kinds: Vec<_> = kinds.iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["registered", "cancelled", "erased"]);
    assert_eq!(event(&app, &first)["booked_count"], seats_before.as_u64().expect("a number") - 1);
    let bearer = format!("Bearer {}", token(&again));
    let stranger = [("Authorization", bearer.as_str())];
    let answer = app.ask("GET", &path(&again), &stranger, &Value::Null);
    refused(&answer, 403, "forbidden");
    // The address is as free as any other, and its placeholder is no valid address.
    done(&app.register(&first, email), 201);
    refused(&app.register(&first, &expected), 400, "validation");
    let nothing_left = erase(&app.data, &[], "nobody@example.org\n");
    assert!(said(&nothing_left).contains("0 registrations of 0 events"), "{nothing_left:?}");
}

/// A server of an earlier version, which still runs during an upgrade, knows more than one spelling of an address.
fn an_address_is_erased_in_every_spelling(data: Data) {
    let canonical = "ada@xn--bcher-kva.example";
    let app = App::start(data);
    let [first, second] = [1, 1].map(|seats| app.create(seats));
    let one = register_named(&app, &first, canonical, "a key of hers");
    spoil(
        &app.data,
        &format!(
            "UPDATE registrations SET user_email = 'ada@bücher.example'; \
             UPDATE idempotency_records SET outcome = replace(outcome, '{canonical}', 'ada@bücher.example')"
        ),
    );
    let other = register_named(&app, &second, canonical, "another");
    let quoted = format!(
        "UPDATE registrations SET user_email = '\"ada\"@bücher.example' WHERE user_email = '{canonical}'"
    );
    spoil(&app.data, &quoted);
    let output = erase(&app.data, &["--email", "ADA@Bücher.example"], "");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("2 registrations of 2 events"), "{}", said(&output));
    for registration in [&one, &other] {
        let erased = format!("erased-{}@erased.invalid", id(registration));
        assert_eq!(app.get(&path(registration)).json()["user_email"], erased.as_str());
    }
    if let Data::Postgres(_) = &app.data {
        let stored = everything_stored(&app.data);
        assert!(!holds(&stored, "bücher") && !holds(&stored, canonical));
    }
    let again = erase(&app.data, &["--email", canonical], "");
    assert!(said(&again).contains("0 registrations of 0 events"), "{}", said(&again));
}

fn erasing_during_a_sale_leaves_counts_correct(data: Data) {
    let app = App::start(data);
    let other = crate::common::start_on(&app.data, &[]);
    let event = app.create(40);
    std::thread::scope(|scope| {
        for (n, url) in [app.url(), other.url()].into_iter().cycle().take(4).enumerate() {
            let path = format!("/events/{event}/register");
            scope.spawn(move || {
                for who in 0..10 {
                    let body = json!({"user_email": format!("p{n}-{who}@example.org")});
                    let headers = [("Content-Type", "application/json")];
                    let bytes = body.to_string().into_bytes();
                    assert_eq!(http::send(url, "POST", &path, &headers, &bytes).status, 201);
                }
            });
        }
        // Two at once, of the same people, some of whom have registered by now.
        for _ in 0..2 {
            let data = &app.data;
            scope.spawn(move || {
                let lines: String = (0..4).map(|n| format!("p{n}-3@example.org\n")).collect();
                let output = erase(data, &[], &lines);
                assert!(output.status.success(), "{}", said(&output));
            });
        }
    });
    let lines: String = (0..4).map(|n| format!("p{n}-3@example.org\n")).collect();
    assert!(erase(&app.data, &[], &lines).status.success());
    assert_eq!(crate::common::acts::event(&app, &event)["booked_count"], 36);
    let all = app.get(&format!("/events/{event}/registrations?status=all")).json();
    let all = all.as_array().expect("an array");
    let erased =
        |row: &&Value| row["user_email"].as_str().is_some_and(|e| e.starts_with("erased-"));
    assert_eq!((all.len(), all.iter().filter(erased).count()), (40, 4));
    app.assert_audit_is_clean();
}

fn an_incomplete_erasure_is_completed_when_it_is_repeated(data: Data) {
    let app = App::start(data);
    let events = [1, 1, 1].map(|seats| app.create(seats));
    let seats = [0, 1, 2].map(|n| done(&app.register(&events[n], "ada@example.org"), 201));
    let mend = refuse_changes(&app.data, &events[1]);
    let output = erase(&app.data, &["--email", "ada@example.org"], "");
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("run this again"), "{}", said(&output));
    assert!(!said(&output).contains("ada@"), "{}", said(&output));
    let owners = || seats.each_ref().map(|seat| app.get(&path(seat)).json()["user_email"].clone());
    let is_theirs = |owners: [Value; 3]| owners.map(|owner| owner == "ada@example.org");
    assert_eq!(is_theirs(owners()), [false, true, false], "the others are erased");
    spoil(&app.data, mend);
    let output = erase(&app.data, &["--email", "ada@example.org"], "");
    assert!(said(&output).contains("1 registrations of 1 events"), "{}", said(&output));
    assert_eq!(is_theirs(owners()), [false; 3]);
    app.assert_audit_is_clean();
}

/// Makes the erasure of registrations of an event fail; returns the statement that undoes that.
pub(crate) fn refuse_changes(data: &Data, event: &str) -> &'static str {
    let (keep, mend) = match data {
        Data::Postgres(_) => (
            format!(
                "ALTER TABLE registrations ADD CONSTRAINT no
                 CHECK (event_id <> '{event}' OR user_email NOT LIKE 'erased-%')"
            ),
            "ALTER TABLE registrations DROP CONSTRAINT no",
        ),
        Data::Sqlite(_) => (
            format!(
                "CREATE TRIGGER no BEFORE DELETE ON registrations
                 WHEN OLD.event_id = x'{}' BEGIN SELECT RAISE(ABORT, 'no'); END",
                event.replace('-', "")
            ),
            "DROP TRIGGER no",
        ),
    };
    spoil(data, &keep);
    mend
}

fn an_invalid_address_is_refused_and_not_repeated(data: Data) {
    for (arguments, input) in
        [(&["--email", "ada.lovelace"][..], ""), (&[], ""), (&[], "b@example.org\nada.lovelace")]
    {
        let output = erase(&data, arguments, input);
        assert!(!output.status.success());
        assert!(!said(&output).contains("lovelace"), "{}", said(&output));
    }
    let app = App::start(data);
    let event = app.create(1);
    done(&app.register(&event, "b@example.org"), 201);
    assert!(!erase(&app.data, &[], "b@example.org\nada.lovelace").status.success());
    assert_eq!(crate::common::acts::event(&app, &event)["booked_count"], 1, "all or none");
}
