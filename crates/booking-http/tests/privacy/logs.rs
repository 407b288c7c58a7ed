//! A log never holds an address, a name, a key or a token, whatever the request and whatever fails. The log of
//! every server that any test starts is searched for addresses and tokens when it ends (`booking_testkit::leak`);
//! here everything is logged that can be.

use crate::common::acts::*;
use crate::common::{App, Data, http, spoil};
use crate::on_both_stores;
use booking_testkit::{Cluster, ClusterOptions, leak};
use serde_json::{Value, json};

on_both_stores! {
    no_request_logs_personal_data
    no_failure_of_the_store_logs_personal_data
}

const EMAIL: &str = "ada.lovelace@privacy.example";
const NAME: &str = "Ada Byron Lovelace";
const KEY: &str = "an-idempotency-key-of-hers";
/// Texts that must not be in any line, in lower case.
const PERSONAL: [&str; 4] = ["lovelace", "privacy.example", "an-idempotency-key", "ada byron"];
const EVERYTHING: [(&str, &str); 1] = [("RUST_LOG", "trace")];

/// Ends the server, and searches its whole log.
#[track_caller]
fn assert_revealed_nothing_of(mut app: App, secrets: &[String]) {
    assert!(app.server.terminate().success());
    let said = [app.server.stdout(), app.server.stderr()].concat();
    assert!(said.contains("route=/events/{id}/register"), "it logs requests: {said}");
    let lower = said.to_lowercase();
    for personal in PERSONAL {
        assert!(!lower.contains(personal), "{personal}: {said}");
    }
    for secret in secrets {
        assert!(!said.contains(secret), "a secret: {said}");
    }
    assert_eq!(leak(&said), None);
}

fn no_request_logs_personal_data(data: Data) {
    let app = App::start_with(data, &EVERYTHING);
    let event = app.create(1);
    let who = json!({"user_email": EMAIL, "name": NAME});
    let ask = |method: &str, path: &str, body: &Value| {
        app.ask(method, path, &[("Idempotency-Key", KEY)], body)
    };
    let register = format!("/events/{event}/register");
    let seat = done(&ask("POST", &register, &who), 201);
    let token = token(&seat).to_owned();
    let text = ticket(&app, &seat);
    let bearer = format!("Bearer {token}");
    let mut paths = vec![register.clone(), format!("/events/{event}/holds"), path(&seat)];
    for what in ["ticket", "ticket.svg", "history", "confirm", "transfer"] {
        paths.push(format!("{}/{what}", path(&seat)));
    }
    paths.extend(["/webhooks", "/registrations/find"].map(str::to_owned));
    for what in ["registrations", "check-ins", "check-ins/batch", "cancel", "calendar.ics"] {
        paths.push(format!("/events/{event}/{what}"));
    }
    // Personal data where it does not belong: in the path, in the query, in every header that is read.
    paths.push(format!("/registrations/{token}"));
    paths.push(format!("/events/{EMAIL}/register?user_email={EMAIL}&cursor={token}"));
    paths.push(format!("/events?cursor={EMAIL}"));
    paths.push(format!("/{EMAIL}"));
    let bodies = [
        who.clone(),
        json!({"user_email": format!("{EMAIL} "), "name": 7, EMAIL: EMAIL, "on_full": EMAIL}),
        json!({"ticket": text}),
        json!({"ticket": EMAIL}),
        json!({"scans": [{"id": EMAIL, "ticket": text, "scanned_at": EMAIL}]}),
        Value::Null,
    ];
    for path in &paths {
        for method in ["GET", "POST", "PATCH"] {
            let bodies = if method == "POST" { &bodies[..] } else { &bodies[5..] };
            for body in bodies {
                for headers in [
                    vec![("Idempotency-Key", KEY)],
                    vec![("Authorization", bearer.as_str())],
                    vec![("Authorization", EMAIL), ("If-Match", EMAIL), ("X-Request-Id", EMAIL)],
                ] {
                    app.ask(method, path, &headers, body);
                }
            }
        }
    }
    for raw in [
        format!("{{\"user_email\": \"{EMAIL}\""),
        format!("{{\"user_email\": \"{EMAIL}\", \"user_email\": \"{EMAIL}\"}}"),
        format!("{{\"user_email\": \"{EMAIL}\", \"name\": \"{NAME}{}\"}}", "x".repeat(20_000)),
    ] {
        app.post_bytes(&register, raw.as_bytes());
    }
    for header in ["Content-Length", "Transfer-Encoding", "Host", "Expect", "Cookie", "Forwarded"] {
        // The server may close without an answer.
        let _ = http::try_send(app.url(), "POST", &register, &[(header, EMAIL)], b"");
    }
    done(&transfer(&app, &seat, &format!("x.{EMAIL}")), 409);
    assert_revealed_nothing_of(app, &[token, text]);
}

/// The classic leaks: a constraint that is broken, whose DETAIL quotes the row, and a value that cannot be
/// read.
fn no_failure_of_the_store_logs_personal_data(data: Data) {
    let app = App::start_with(data, &EVERYTHING);
    let event = app.create(3);
    let register = |email: &str, key: &str| {
        let body = json!({"user_email": email, "name": NAME});
        let path = format!("/events/{event}/register");
        app.ask("POST", &path, &[("Idempotency-Key", &crate::common::key(key))], &body)
    };
    let seat = done(&register(EMAIL, KEY), 201);
    spoil(
        &app.data,
        "UPDATE registrations SET user_email = replace(user_email, '@', '<');
         UPDATE idempotency_records SET outcome = replace(outcome, '@', '<');",
    );
    assert_eq!(app.get(&path(&seat)).status, 500);
    assert_eq!(app.get(&format!("/events/{event}/registrations")).status, 500);
    assert_eq!(act(&app, &seat, "confirm").status, 500);
    assert_eq!(register(EMAIL, KEY).status, 500, "its record cannot be read");
    spoil(
        &app.data,
        match app.data {
            Data::Postgres(_) => {
                "ALTER TABLE registrations ADD CONSTRAINT nobody CHECK (created_at IS NULL) NOT VALID"
            }
            Data::Sqlite(_) => {
                "CREATE TRIGGER nobody BEFORE INSERT ON registrations
                 BEGIN SELECT RAISE(ABORT, 'not now'); END"
            }
        },
    );
    assert_eq!(register(&format!("b.{EMAIL}"), "b").status, 500);
    assert_revealed_nothing_of(app, &[token(&seat).to_owned()]);
}

/// The lines that PostgreSQL logs about failing statements, as far as we can set that.
#[test]
fn postgresql_logs_no_statement_parameters() {
    let settings = vec!["log_parameter_max_length_on_error = -1".to_owned()];
    let cluster = Cluster::start(ClusterOptions { settings, durable: false, ..Default::default() });
    let data = Data::Postgres(cluster.database(None));
    let app = App::start(data);
    let event = app.create(2);
    done(&app.register(&event, EMAIL), 201);
    let block = "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'not now'; END $$;
        CREATE TRIGGER no BEFORE INSERT ON registrations EXECUTE FUNCTION no()";
    app.data.database().sql(block);
    assert_eq!(app.register(&event, &format!("b.{EMAIL}")).status, 500);
    let log = cluster.log();
    assert!(log.contains("not now") && log.contains("INSERT INTO registrations"), "{log}");
    assert!(!log.contains("privacy.example"), "{log}");
}
