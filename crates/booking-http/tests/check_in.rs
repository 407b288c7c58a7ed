//! Tickets and check-ins, over real HTTP, on both stores.

mod common;

use booking_ticket::{Keyring, PublicKey, SigningKey, TicketClaims};
use common::acts::{done, give_up, hold, id, path, refused, transfer};
use common::http::{Answer, send};
use common::{App, Data, ask, http, spoil, start_on};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;
use uuid::Uuid;

on_both_stores! {
    a_ticket_can_be_checked_without_the_server
    only_a_confirmed_registration_has_a_ticket
    of_fifty_concurrent_scanners_one_admits
    invalid_tickets_are_refused_with_a_reason
    white_space_around_a_ticket_an_id_or_a_token_is_dropped
    a_check_in_can_be_undone
    offline_scans_are_sent_later
    tickets_outlive_their_keys
    a_ticket_signed_by_another_servers_own_key_is_valid
    tickets_of_the_store_s_keys_stay_valid_beside_a_ticket_key
}

fn white_space_around_a_ticket_an_id_or_a_token_is_dropped(data: Data) {
    let app = App::start(data);
    let concert = app.create(9);
    for (number, (before, after)) in
        [("", "\r"), ("", "\r\n"), (" \t", " "), ("\u{feff}", "\u{a0}\n"), ("\n", "")]
            .iter()
            .enumerate()
    {
        let ada = register(&app, &concert, &format!("{number}@example.org"));
        let padded = |text: &str| format!("{before}{text}{after}");
        let ticket = ticket(&app, &ada);
        done(&check_in(&app, &concert, &padded(&ticket)), 201);
        // Sent again by a device, under an id that was copied in the same way.
        let mut sent = scan(&padded(&ticket), "2026-05-01T20:00:00Z");
        sent["id"] = padded(&Uuid::now_v7().to_string()).into();
        let results = done(&send_scans(&app, &concert, &[sent]), 200);
        assert_eq!(results["results"][0]["result"], "already_checked_in");
    }
    let ada = register(&app, &concert, "ada@example.org");
    let token = ada["manage_token"].as_str().expect("a token");
    let shown = http::send(
        app.url(),
        "GET",
        &format!("/registrations/%20{}%0D%0A", id(&ada)),
        &[("Authorization", &format!("Bearer \t {token} \t"))],
        b"",
    );
    assert_eq!(done(&shown, 200)["id"], ada["id"]);
    // White space inside stays.
    let ticket = ticket(&app, &ada);
    let (first, second) = ticket.split_at(70);
    refused(&check_in(&app, &concert, &format!("{first} {second}")), 409, "ticket_refused");
}

fn register(app: &App, event: &str, email: &str) -> Value {
    done(&app.register(event, email), 201)
}

fn ticket(app: &App, registration: &Value) -> String {
    let ticket = done(&app.get(&format!("{}/ticket", path(registration))), 200);
    ticket["ticket"].as_str().expect("a ticket").to_owned()
}

fn check_in(app: &App, event: &str, ticket: &str) -> Answer {
    app.post(&format!("/events/{event}/check-ins"), &json!({"ticket": ticket}))
}

fn send_scans(app: &App, event: &str, scans: &[Value]) -> Answer {
    app.post(&format!("/events/{event}/check-ins/batch"), &json!({"scans": scans}))
}

fn scan(ticket: &str, scanned_at: &str) -> Value {
    json!({"id": Uuid::now_v7(), "ticket": ticket, "scanned_at": scanned_at})
}

/// The public keys as a scanner takes them along.
fn keyring(app: &App) -> Keyring {
    let jwks = done(&app.get("/tickets/keys"), 200);
    let keys = jwks["keys"].as_array().expect("an array");
    keys.iter()
        .map(|jwk| {
            let key = PublicKey::from_bytes(&decoded(jwk["x"].as_str().expect("a key")));
            let key = key.expect("a good one");
            assert_eq!(*jwk, serde_json::to_value(key.jwk()).expect("JSON"));
            key
        })
        .collect()
}

fn decoded(text: &str) -> [u8; 32] {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url");
    bytes.try_into().expect("32 bytes")
}

fn a_ticket_can_be_checked_without_the_server(data: Data) {
    let app = App::start(data);
    let concert = app.create(2);
    let ada = register(&app, &concert, "ada@example.org");
    let answer = app.get(&format!("{}/ticket", path(&ada)));
    let shown = done(&answer, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!((&shown["registration_id"], &shown["event_id"]), (&ada["id"], &json!(concert)));
    let text = shown["ticket"].as_str().expect("a ticket");
    assert_eq!(text.len(), 146);
    let claims = TicketClaims {
        event_id: concert.parse().expect("an id"),
        registration_id: id(&ada).parse().expect("an id"),
        generation: 0,
    };
    assert_eq!(keyring(&app).verify(text), Ok(claims));
    let keys = app.get("/tickets/keys").json();
    assert_eq!(keys["keys"][0]["kid"], shown["key_id"]);
    assert_eq!(ticket(&app, &ada), text, "it is the same ticket whenever it is asked for");

    let drawn = app.get(&format!("{}/ticket.svg", path(&ada)));
    assert_eq!((drawn.status, drawn.header("content-type")), (200, Some("image/svg+xml")));
    let svg = String::from_utf8(drawn.body.clone()).expect("it is text");
    assert!(svg.starts_with("<?xml") && svg.ends_with("</svg>"), "{svg}");
}

fn only_a_confirmed_registration_has_a_ticket(data: Data) {
    let app = App::start(data);
    let concert = app.create(1);
    let held = done(&hold(&app, &concert, "ada@example.org"), 201);
    for below in ["ticket", "ticket.svg"] {
        refused(&app.get(&format!("{}/{below}", path(&held))), 409, "not_confirmed");
    }
    done(&give_up(&app, &held), 200);
    refused(&app.get(&format!("{}/ticket", path(&held))), 409, "not_confirmed");
}

fn of_fifty_concurrent_scanners_one_admits(data: Data) {
    let app = App::start(data);
    let concert = app.create(2);
    let ada = register(&app, &concert, "ada@example.org");
    let ticket = ticket(&app, &ada);
    let (url, ready) = (app.url().to_owned(), Barrier::new(50));
    let (address, body) = (format!("/events/{concert}/check-ins"), json!({"ticket": ticket}));
    let answers: Vec<Answer> = thread::scope(|scope| {
        let scan = || {
            ready.wait();
            ask(&url, "POST", &address, &[], &body)
        };
        let scanners: Vec<_> = (0..50).map(|_| scope.spawn(scan)).collect();
        scanners.into_iter().map(|scanner| scanner.join().expect("no panic")).collect()
    });
    let (let_in, rest): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 201);
    assert_eq!((let_in.len(), rest.len()), (1, 49));
    let first = let_in[0].json();
    assert_eq!(id(&first), id(&ada));
    assert!(first["checked_in_at"].is_string());
    for answer in rest {
        refused(answer, 409, "already_checked_in");
        assert_eq!(answer.json()["checked_in_at"], first["checked_in_at"]);
    }
    assert_eq!(app.get(&path(&ada)).json()["checked_in_at"], first["checked_in_at"]);
    refused(&give_up(&app, &ada), 409, "not_cancellable");
    refused(&transfer(&app, &ada, "eve@example.org"), 409, "not_transferable");
    app.assert_audit_is_clean();
}

fn invalid_tickets_are_refused_with_a_reason(data: Data) {
    let app = App::start(data);
    let (concert, other) = (app.create(9), app.create(9));
    let ada = register(&app, &concert, "ada@example.org");
    let good = ticket(&app, &ada);
    let elsewhere = ticket(&app, &register(&app, &other, "ada@example.org"));
    let gone = register(&app, &concert, "gone@example.org");
    let given_up = ticket(&app, &gone);
    done(&give_up(&app, &gone), 200);
    let seller = register(&app, &concert, "seller@example.org");
    let sold = ticket(&app, &seller);
    done(&transfer(&app, &seller, "buyer@example.org"), 200);
    let forger = SigningKey::from_seed(&[9; 32]);
    let claims = keyring(&app).verify(&good).expect("it is good");
    let altered = good.replacen(&good[60..61], if &good[60..61] == "A" { "B" } else { "A" }, 1);
    let mut scans = Vec::new();
    for (bad, reason) in [
        ("https://example.org".to_owned(), "not_a_ticket"),
        (format!("{good}."), "not_a_ticket"),
        (String::new(), "not_a_ticket"),
        (forger.sign(&claims), "forged"),
        (elsewhere, "other_event"),
        (given_up, "cancelled"),
        (sold, "transferred"),
    ] {
        let answer = check_in(&app, &concert, &bad);
        refused(&answer, 409, "ticket_refused");
        assert_eq!(answer.json()["reason"], reason, "{bad}");
        scans.push((scan(&bad, "2026-01-01T00:00:00Z"), reason));
    }
    let answer = check_in(&app, &concert, &altered);
    refused(&answer, 409, "ticket_refused");

    // The same, sent together.
    let sent: Vec<_> = scans.iter().map(|(scan, _)| scan.clone()).collect();
    let results = done(&send_scans(&app, &concert, &sent), 200);
    for ((scan, reason), result) in scans.iter().zip(results["results"].as_array().expect("one")) {
        assert_eq!((&result["id"], &result["result"]), (&scan["id"], &json!("refused")));
        assert_eq!(result["reason"], *reason);
        assert!(result["detail"].is_string() && result["checked_in_at"].is_null(), "{result}");
    }

    // The first holder's ticket is valid, and so is the one that was not transferred.
    assert_eq!(check_in(&app, &concert, &ticket(&app, &seller)).status, 201);
    assert_eq!(check_in(&app, &concert, &good).status, 201);
    let cancel = format!("/events/{concert}/cancel");
    done(&app.ask("POST", &cancel, &[], &Value::Null), 200);
    refused(&check_in(&app, &concert, &good), 409, "closed");
    let results = done(&send_scans(&app, &concert, &[scan(&good, "2026-01-01T00:00:00Z")]), 200);
    assert_eq!(results["results"][0]["reason"], "closed");
}

fn a_check_in_can_be_undone(data: Data) {
    let app = App::start(data);
    let concert = app.create(2);
    let ada = register(&app, &concert, "ada@example.org");
    let ticket = ticket(&app, &ada);
    done(&check_in(&app, &concert, &ticket), 201);
    let undo = |event: &str| {
        let address = format!("/events/{event}/check-ins/{}", id(&ada));
        app.ask("DELETE", &address, &[], &Value::Null)
    };
    refused(&undo(&app.create(1)), 404, "not_found");
    let undone = done(&undo(&concert), 200);
    assert_eq!((&undone["id"], &undone["checked_in_at"]), (&ada["id"], &Value::Null));
    assert_eq!(done(&undo(&concert), 200), undone, "twice is the same");
    done(&check_in(&app, &concert, &ticket), 201);
    let history = app.get(&format!("{}/history", path(&ada))).json();
    let kinds: Vec<_> =
        history.as_array().expect("one").iter().map(|e| e["kind"].clone()).collect();
    assert_eq!(kinds, ["registered", "checked_in", "check_in_undone", "checked_in"]);
}

fn offline_scans_are_sent_later(data: Data) {
    let app = App::start(data);
    let concert = app.create(60);
    let tickets: Vec<_> = (0..50)
        .map(|who| ticket(&app, &register(&app, &concert, &format!("{who}@example.org"))))
        .collect();
    done(&check_in(&app, &concert, &tickets[7]), 201);
    // By a clock that is years behind: a guest is not admitted before they are registered.
    let early = "2026-01-01T19:00:00.5Z";
    let made_at = |who: usize| {
        let list = app.get(&format!("/events/{concert}/registrations")).json();
        list[who]["created_at"].clone()
    };
    let mut scans: Vec<_> = tickets[..48].iter().map(|ticket| scan(ticket, early)).collect();
    scans.push(scan(&tickets[0], "2026-01-01T19:00:01Z"));
    scans.push(scan(&tickets[48], "2999-01-01T00:00:00Z"));
    let answered = done(&send_scans(&app, &concert, &scans), 200);
    let results = answered["results"].as_array().expect("an array");
    assert_eq!(results.len(), 50);
    let ids = |items: &[Value]| items.iter().map(|item| item["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(results), ids(&scans), "in their order");
    for (position, result) in results.iter().enumerate() {
        let expected = match position {
            7 | 48 => "already_checked_in",
            _ => "checked_in",
        };
        assert_eq!(result["result"], expected, "{position}");
        assert!(result["registration_id"].is_string());
    }
    assert_eq!(results[0]["checked_in_at"], made_at(0), "when it was made, at the earliest");
    assert_eq!(results[0]["timing"], "on_time");
    assert_eq!((&results[7]["timing"], &results[48]["timing"]), (&Value::Null, &Value::Null));
    assert_eq!(results[48]["checked_in_at"], results[0]["checked_in_at"]);
    assert!(!results[49]["checked_in_at"].as_str().expect("a time").starts_with("2999"));
    let version = app.get(&format!("/events/{concert}")).json()["version"].clone();
    assert_eq!(
        done(&send_scans(&app, &concert, &scans), 200),
        answered,
        "telling again changes nothing"
    );
    assert_eq!(app.get(&format!("/events/{concert}")).json()["version"], version);
    app.assert_audit_is_clean();
}

/// A key is added while servers run: earlier signatures stay valid, and each server learns of it from the first
/// ticket that it does not know.
fn tickets_outlive_their_keys(data: Data) {
    let app = App::start(data);
    let concert = app.create(5);
    let ada = register(&app, &concert, "ada@example.org");
    let grace = register(&app, &concert, "grace@example.org");
    let old = ticket(&app, &ada);
    let output = app.run("rotate-keys");
    assert!(output.status.success(), "{output:?}");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let second = App { server: start_on(&app.data, &[]), data: app.data };
    let new = done(&second.get(&format!("{}/ticket", path(&grace))), 200);
    assert!(listed.contains(new["key_id"].as_str().expect("an id")), "{listed}");
    let keys = second.get("/tickets/keys").json();
    let kids: BTreeSet<_> =
        keys["keys"].as_array().expect("one").iter().map(|k| k["kid"].to_string()).collect();
    assert_eq!(kids.len(), 2);
    done(&check_in(&second, &concert, &old), 201);

    let first = App { server: app.server, data: second.data };
    let body = json!({"ticket": new["ticket"]});
    done(&first.post(&format!("/events/{concert}/check-ins"), &body), 201);
    assert_eq!(first.get("/tickets/keys").json(), keys);
    drop(second.server);
}

/// An installation before it had a `TICKET_KEY`: people have had its tickets for months. The server that signed
/// them is gone, and its published keys have expired.
fn tickets_of_the_store_s_keys_stay_valid_beside_a_ticket_key(data: Data) {
    const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";
    let with_key = |data: Data| App::start_with(data, &[("TICKET_KEY", KEY)]);
    let stopped = |App { mut server, data }: App| {
        assert!(server.terminate().success());
        spoil(&data, "DELETE FROM ticket_keys");
        data
    };
    let app = App::start(data);
    let concert = app.create(5);
    let [ada, grace, joan] =
        ["ada", "grace", "joan"].map(|who| register(&app, &concert, &format!("{who}@example.org")));
    let earlier = [ticket(&app, &ada), ticket(&app, &grace)];
    let claims = keyring(&app).verify(&earlier[1]).expect("it is good");
    assert!(app.run("rotate-keys").status.success(), "and there may be several");

    let app = with_key(stopped(app));
    done(&check_in(&app, &concert, &earlier[0]), 201);
    let now = ticket(&app, &joan);
    assert_ne!(now[..12], earlier[0][..12], "another key signs");
    done(&check_in(&app, &concert, &now), 201);
    // Offline doors have the same keys.
    assert_eq!(keyring(&app).iter().count(), 3);
    assert_eq!(keyring(&app).verify(&earlier[1]), Ok(claims));
    assert!(app.server.stderr().contains("signing_keys"), "{}", app.server.stderr());
    assert!(app.get("/readyz").json()["checks"]["tickets"].is_null(), "nobody else signs");
    // Keys that neither the settings nor the store ever had.
    let forged = SigningKey::from_seed(&[9; 32]).sign(&claims);
    assert_eq!(check_in(&app, &concert, &forged).json()["reason"], "forged");

    // Which ends with the rows.
    let data = stopped(app);
    spoil(&data, "DELETE FROM signing_keys");
    let app = with_key(data);
    assert_eq!(check_in(&app, &concert, &earlier[1]).json()["reason"], "forged");
    assert!(!app.server.stderr().contains("signing_keys"), "{}", app.server.stderr());
}

/// A server with a configured key, one without, and one with another: none of them calls the others' tickets
/// forged, and all of them report that there are several keys.
fn a_ticket_signed_by_another_servers_own_key_is_valid(data: Data) {
    let (one, other) = ("07".repeat(32), "08".repeat(32));
    let first = App::start(data);
    assert!(first.get("/readyz").json()["checks"]["tickets"].is_null());
    assert!(!first.server.stderr().contains("TICKET_KEY"), "{}", first.server.stderr());
    let second = start_on(&first.data, &[("TICKET_KEY", &one)]);
    let third = start_on(&first.data, &[("TICKET_KEY", &other)]);
    let urls = [first.url(), second.url(), third.url()];
    let concert = first.create(20);
    let mut scanned = 0;
    for (position, signer) in urls.iter().enumerate() {
        for (door, scanner) in urls.iter().enumerate() {
            let email = format!("person{position}{door}@example.org");
            let holder = register(&first, &concert, &email);
            let ticket = format!("{}/ticket", path(&holder));
            let signed = ask(signer, "GET", &ticket, &[], &Value::Null);
            let body = json!({"ticket": done(&signed, 200)["ticket"]});
            let answer = ask(scanner, "POST", &format!("/events/{concert}/check-ins"), &[], &body);
            done(&answer, 201);
            scanned += 1;
        }
    }
    assert_eq!(scanned, 9);
    for server in [&first.server, &second, &third] {
        let ready = send(server.url(), "GET", "/readyz", &[], b"");
        assert_eq!(ready.status, 200);
        assert_eq!(ready.json()["checks"]["tickets"], "other_keys");
    }
    for server in [&second, &third] {
        assert!(
            server.stderr().contains("TICKET_KEY"),
            "it says so at its start: {}",
            server.stderr()
        );
    }
    // A key that no server has published.
    let holder = register(&first, &concert, "last@example.org");
    let claims = keyring(&first).verify(&ticket(&first, &holder)).expect("it is good");
    let forged = SigningKey::from_seed(&[9; 32]).sign(&claims);
    for url in urls {
        let body = json!({"ticket": forged});
        let answer = ask(url, "POST", &format!("/events/{concert}/check-ins"), &[], &body);
        assert_eq!(answer.json()["reason"], "forged");
    }
}
