//! The organizer's desk: finding people, counting them, admitting them without a ticket, export and import.

mod common;

use chrono::{TimeDelta, Utc};
use common::acts::{act, done, give_up, hold, path, refused, wait_for};
use common::{App, Data, http};
use serde_json::{Value, json};

on_both_stores! {
    people_are_found_by_a_part_of_their_name_or_address
    a_search_finds_the_current_state
    counts_show_the_state_of_the_event
    a_guest_is_admitted_without_a_ticket
    the_organizer_registers_outside_the_hours
    a_table_of_people_is_exported
    answers_are_exported_and_imported
    a_large_table_is_complete
    a_table_of_people_is_imported
    an_invalid_table_is_refused
    events_are_found_by_name_and_date
    an_event_is_copied
    one_calendar_has_the_upcoming_events
}

fn register_as(app: &App, event: &str, email: &str, name: &str) -> Value {
    let body = json!({"user_email": email, "name": name});
    done(&app.post(&format!("/events/{event}/register"), &body), 201)
}

/// The addresses on a listing's page, and its total.
fn listed(app: &App, event: &str, query: &str) -> (Vec<String>, String) {
    let answer = app.get(&format!("/events/{event}/registrations{query}"));
    let rows = done(&answer, 200);
    let emails = rows
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| row["user_email"].as_str().expect("an address").to_owned());
    (emails.collect(), answer.header("booking-total").unwrap_or_default().to_owned())
}

#[track_caller]
fn assert_listed(app: &App, event: &str, query: &str, expected: &[&str]) {
    let (emails, total) = listed(app, event, query);
    assert_eq!(emails, expected, "{query}");
    assert_eq!(total, expected.len().to_string(), "{query}");
}

fn people_are_found_by_a_part_of_their_name_or_address(data: Data) {
    let app = App::start(data);
    let (event, other) = (app.create(10), app.create(10));
    register_as(&app, &event, "zoe@bücher.example", "Zoë Straßer");
    register_as(&app, &event, "lukasz@example.org", "Łukasz 100% Kowalski");
    register_as(&app, &event, "li_1@example.com", "Li");
    done(&app.register(&event, "nobody@example.com"), 201);
    register_as(&app, &other, "zoe@example.org", "Zoë Straßer");

    let (zoe, lukasz, li, nobody) = (
        "zoe@xn--bcher-kva.example",
        "lukasz@example.org",
        "li_1@example.com",
        "nobody@example.com",
    );
    let cases: &[(&str, &[&str])] = &[
        ("?q=zoe", &[zoe]),
        ("?q=STRASSER", &[zoe]),
        ("?q=%20stra%C3%9F%20", &[zoe]),
        ("?q=b%C3%BCcher", &[zoe]),
        ("?q=xn--b", &[zoe]),
        ("?q=ukasz", &[lukasz]),
        // Every character in it is literal.
        ("?q=%25", &[lukasz]),
        ("?q=_", &[li]),
        ("?q=%27", &[]),
        ("?q=li", &[li]),
        ("?q=example.com", &[li, nobody]),
        ("?q=o", &[zoe, lukasz, li, nobody]),
        ("?q=zoe%20li", &[]),
        ("?q=", &[zoe, lukasz, li, nobody]),
        ("", &[zoe, lukasz, li, nobody]),
    ];
    for (query, expected) in cases {
        assert_listed(&app, &event, query, expected);
    }

    // Page by page, each with the same people.
    let mut next = Some(format!("/events/{event}/registrations?limit=1&q=EXAMPLE.COM"));
    let mut found = Vec::new();
    while let Some(path) = next {
        let answer = app.get(&path);
        assert_eq!(answer.header("booking-total"), Some("2"));
        found.extend(done(&answer, 200).as_array().expect("an array").clone());
        let link = answer.header("link").map(str::to_owned);
        next = link.map(|link| link[1..].split('>').next().expect("an address").to_owned());
    }
    let found: Vec<_> = found.iter().map(|row| row["user_email"].as_str()).collect();
    assert_eq!(found, [Some(li), Some(nobody)]);

    for (query, pointer) in [
        ("?q=%00", "/q"),
        ("?status=gone", "/status"),
        ("?checked_in=1", "/checked_in"),
        ("?q=a&q=b", "/q"),
    ] {
        let answer = app.get(&format!("/events/{event}/registrations{query}"));
        assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.to_owned()]), "{query}");
    }
    let nowhere = "/events/00000000-0000-7000-8000-000000000000";
    for path in ["registrations?q=zoe", "registrations?status=held", "counts"] {
        refused(&app.get(&format!("{nowhere}/{path}")), 404, "not_found");
    }
}

fn a_search_finds_the_current_state(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    let ada = register_as(&app, &event, "ada@example.org", "Ada Lovelace");
    let grace = register_as(&app, &event, "grace@example.org", "Grace Hopper");
    done(&hold(&app, &event, "held@example.org"), 201);
    done(&wait_for(&app, &event, "waits@example.org"), 202);
    let everybody =
        ["ada@example.org", "grace@example.org", "held@example.org", "waits@example.org"];
    assert_listed(&app, &event, "?q=EXAMPLE&status=all", &everybody);
    assert_listed(&app, &event, "?status=waitlisted", &everybody[3..]);
    assert_listed(&app, &event, "?status=held&q=held", &everybody[2..3]);
    assert_listed(&app, &event, "?status=held&q=ada", &[]);
    assert_listed(&app, &event, "?status=all", &everybody);

    // A corrected name is found, and the former one is not.
    let body = json!({"name": "Augusta King"});
    done(&app.ask("PATCH", &path(&ada), &[], &body), 200);
    assert_listed(&app, &event, "?q=augusta", &everybody[..1]);
    assert_listed(&app, &event, "?q=lovelace", &[]);
    // So is the new holder.
    let body = json!({"user_email": "barbara@example.org", "name": "Barbara Liskov"});
    done(&app.post(&format!("{}/transfer", path(&grace)), &body), 200);
    assert_listed(&app, &event, "?q=hopper", &[]);
    assert_listed(&app, &event, "?q=liskov", &["barbara@example.org"]);

    done(&give_up(&app, &ada), 200);
    assert_listed(&app, &event, "?q=augusta", &[]);
    assert_listed(&app, &event, "?q=augusta&status=cancelled", &everybody[..1]);
    assert_listed(&app, &event, "?status=offered", &everybody[3..]);
    assert_listed(&app, &event, "?checked_in=true", &[]);

    done(&act_on_event(&app, &event, "cancel"), 200);
    assert_listed(&app, &event, "?q=liskov", &[]);
    assert_listed(&app, &event, "?status=cancelled&q=liskov", &["barbara@example.org"]);

    // An erased person is not found by their former name.
    assert!(app.run("erase --email barbara@example.org").status.success());
    assert_listed(&app, &event, "?status=all&q=liskov", &[]);
    assert_listed(&app, &event, "?status=all&q=erased", &[]);
}

fn act_on_event(app: &App, event: &str, what: &str) -> http::Answer {
    app.ask("POST", &format!("/events/{event}/{what}"), &[], &Value::Null)
}

fn counts_show_the_state_of_the_event(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    let counts = || done(&app.get(&format!("/events/{event}/counts")), 200);
    let expected = |confirmed, held, waitlisted, offered, cancelled| {
        json!({
            "confirmed": confirmed, "held": held, "waitlisted": waitlisted, "offered": offered,
            "cancelled": cancelled, "expired": 0, "checked_in": 0,
            "total": confirmed + held + waitlisted + offered + cancelled,
        })
    };
    assert_eq!(counts(), expected(0, 0, 0, 0, 0));
    let ada = done(&app.register(&event, "ada@example.org"), 201);
    let held = done(&hold(&app, &event, "held@example.org"), 201);
    done(&hold(&app, &event, "too@example.org"), 201);
    done(&wait_for(&app, &event, "waits@example.org"), 202);
    assert_eq!(counts(), expected(1, 2, 1, 0, 0));
    done(&act(&app, &held, "confirm"), 200);
    done(&give_up(&app, &ada), 200);
    assert_eq!(counts(), expected(1, 1, 0, 1, 1));
}

fn a_guest_is_admitted_without_a_ticket(data: Data) {
    let app = App::start(data);
    let (event, other) = (app.create(3), app.create(3));
    let ada = done(&app.register(&event, "ada@example.org"), 201);
    let waits = done(&hold(&app, &event, "held@example.org"), 201);
    let elsewhere = done(&app.register(&other, "ada@example.org"), 201);
    let let_in = |body: &Value| app.post(&format!("/events/{event}/check-ins"), body);
    let named = |registration: &Value| let_in(&json!({"registration_id": registration["id"]}));

    let inside = done(&named(&ada), 201);
    assert_eq!((&inside["id"], &inside["timing"]), (&ada["id"], &json!("on_time")));
    assert!(inside["checked_in_at"].is_string());
    assert_listed(&app, &event, "?checked_in=true", &["ada@example.org"]);
    assert_listed(&app, &event, "?checked_in=false", &["held@example.org"]);
    let counts = done(&app.get(&format!("/events/{event}/counts")), 200);
    assert_eq!(counts["checked_in"], 1);
    refused(&named(&ada), 409, "already_checked_in");
    refused(&named(&waits), 409, "ticket_refused");
    // A registration of another event, or of none.
    refused(&named(&elsewhere), 404, "not_found");
    let nobody = json!({"registration_id": "00000000-0000-7000-8000-000000000000"});
    refused(&let_in(&nobody), 404, "not_found");
    for (body, pointer) in [
        (json!({}), "/ticket"),
        (json!({"registration_id": "x"}), "/registration_id"),
        (json!({"registration_id": null}), "/registration_id"),
        (json!({"ticket": "x", "registration_id": ada["id"]}), "/registration_id"),
    ] {
        let answer = let_in(&body);
        assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.to_owned()]), "{body}");
    }
    let key = common::key("let in");
    let (body, headers) =
        (json!({"registration_id": elsewhere["id"]}), [("Idempotency-Key", key.as_str())]);
    let path = format!("/events/{other}/check-ins");
    let first = done(&app.ask("POST", &path, &headers, &body), 201);
    assert_eq!(done(&app.ask("POST", &path, &headers, &body), 201), first);
}

fn the_organizer_registers_outside_the_hours(data: Data) {
    let token = common::make_token(&data, "Jazz club");
    let app = App::start(data);
    let new = json!({"name": "Not yet", "capacity": 2, "status": "draft", "opens_at": "2099-01-01T00:00:00Z"});
    let event = done(&app.ask_as(&token, "POST", "/events", &new), 201);
    let path = format!("/events/{}", event["id"].as_str().expect("an id"));
    let register = format!("{path}/register");
    let body = |who: &str, as_organizer: Value| json!({"user_email": format!("{who}@example.org"), "as_organizer": as_organizer});
    let ask = |body: &Value| app.ask_as(&token, "POST", &register, body);
    refused(&ask(&body("ada", json!(false))), 409, "closed");
    refused(&ask(&body("ada", Value::Null)), 409, "closed");
    let ada = done(&ask(&body("ada", json!(true))), 201);
    assert_eq!(ada["status"], "confirmed");
    refused(&app.post(&register, &body("eve", json!(true))), 404, "not_found");
    done(&app.ask_as(&token, "PATCH", &path, &json!({"status": "published"})), 200);
    refused(&app.post(&register, &body("eve", json!(true))), 403, "forbidden");
    refused(&app.post(&register, &body("eve", json!(false))), 409, "closed");
    done(&ask(&body("grace", json!(true))), 201);
    refused(&ask(&body("edsger", json!(true))), 409, "sold_out");
    let wrong = ask(&body("edsger", json!("yes")));
    assert_eq!((wrong.status, wrong.pointers()), (400, vec!["/as_organizer".to_owned()]));
}

fn table(app: &App, event: &str, query: &str) -> http::Answer {
    app.get(&format!("/events/{event}/registrations.csv{query}"))
}

fn text(answer: &http::Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("it is UTF-8")
}

fn a_table_of_people_is_exported(data: Data) {
    let app = App::start(data);
    let event = app.create(5);
    let ali = register_as(&app, &event, "+ali@example.org", "-Ali \"the\" Great, Jr.");
    let zoe = register_as(&app, &event, "zoe@example.org", "Zoë");
    let gone = done(&app.register(&event, "=gone@example.org"), 201);
    done(&give_up(&app, &gone), 200);
    let check_in = json!({"registration_id": zoe["id"]});
    let zoe = done(&app.post(&format!("/events/{event}/check-ins"), &check_in), 201);
    let gone = done(&app.get(&path(&gone)), 200);

    let answer = table(&app, &event, "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let name = format!("attachment; filename=\"registrations-{event}.csv\"");
    assert_eq!(answer.header("content-disposition"), Some(name.as_str()));
    let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let row = |row: &Value, email: &str, name: &str| {
        let (id, status) = (word(row, "id"), word(row, "status"));
        let (inside, made) = (word(row, "checked_in_at"), word(row, "created_at"));
        format!("{id},{email},{name},{status},{inside},{made},\r\n")
    };
    let expected = [
        "registration_id,user_email,name,status,checked_in_at,created_at,expires_at\r\n".to_owned(),
        row(&ali, "\"'+ali@example.org\"", "\"'-Ali \"\"the\"\" Great, Jr.\""),
        row(&zoe, "zoe@example.org", "Zoë"),
        row(&gone, "\"'=gone@example.org\"", ""),
    ];
    assert_eq!(text(&answer), expected.concat());
    let with_bom = text(&table(&app, &event, "?bom=true"));
    assert_eq!(with_bom, format!("\u{feff}{}", expected.concat()));
    assert_eq!(text(&table(&app, &event, "?bom=false")), expected.concat());

    // A client that has it already need not read it again, until it changes.
    let tag = answer.header("etag").expect("it has a tag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let csv = format!("/events/{event}/registrations.csv");
    let again = || app.ask("GET", &csv, &[("If-None-Match", &tag)], &Value::Null).status;
    assert_eq!(again(), 304);
    done(&give_up(&app, &ali), 200);
    assert_eq!(again(), 200);
    let head = app.ask("HEAD", &csv, &[], &Value::Null);
    assert_eq!((head.status, head.body.len()), (200, 0));
    let wrong = table(&app, &event, "?bom=1");
    assert_eq!((wrong.status, wrong.pointers()), (400, vec!["/bom".to_owned()]));
    refused(&table(&app, "00000000-0000-7000-8000-000000000000", ""), 404, "not_found");
}

fn answers_are_exported_and_imported(data: Data) {
    let app = App::start(data);
    let event = app.create(9);
    let questions = json!({"questions": [
        {"key": "diet", "kind": "choice", "wording": "Food?", "required": true, "options": [
            {"key": "all", "label": "Everything"}, {"key": "vegan", "label": "Plants"},
        ]},
        {"key": "days", "kind": "several", "wording": "When?", "options": [
            {"key": "sat", "label": "Saturday"}, {"key": "sun", "label": "Sunday"},
        ]},
        {"key": "car", "kind": "yes_no", "wording": "By car?"},
        {"key": "film", "kind": "consent", "wording": "I may be filmed."},
        {"key": "note", "kind": "text", "wording": "Anything else?"},
    ]});
    done(&app.post(&format!("/events/{event}/questions"), &questions), 200);
    let answers = json!({
        "diet": "vegan", "days": ["sat", "sun"], "car": false, "film": 1, "note": "-1+\n=2, \"x\"",
    });
    let ada = json!({"user_email": "ada@example.org", "answers": answers});
    done(&app.post(&format!("/events/{event}/register"), &ada), 201);
    let along = text(&table(&app, &event, ""));
    let (head, rows) = along.split_once("\r\n").expect("a head");
    assert!(
        head.ends_with(",answer:diet,answer:days,answer:car,answer:film,answer:note"),
        "{head}"
    );
    assert!(rows.ends_with(",vegan,sat sun,false,1,\"'-1+\n'=2, \"\"x\"\"\"\r\n"), "{rows}");

    // Into another event with the same questions.
    let copy = done(&app.ask("POST", &format!("/events/{event}/copy"), &[], &Value::Null), 201);
    let copy = copy["id"].as_str().expect("an id");
    let people = format!(
        "{along},grace@example.org,,,,,,,,,,\r\n,eve@example.org,,,,,,meat,sat mon,maybe,2,\r\n\
        ,bob@example.org,,,,,,all,mon,,,\r\n"
    );
    for query in ["", "?apply=true"] {
        let imported = done(&import(&app, copy, query, &people), 200);
        assert_eq!(
            (&imported["counts"]["registered"], &imported["counts"]["invalid"]),
            (&json!(2), &json!(2))
        );
        let why = |row: usize| imported["rows"][row]["detail"].as_str().expect("a text").to_owned();
        assert_eq!(why(2), "answer:car must be true or false");
        assert_eq!(why(3), "answer:days must be an array of keys of its options");
    }
    let rows = done(&app.get(&format!("/events/{copy}/registrations")), 200);
    assert_eq!(rows[0]["answers"], answers);
    assert_eq!(rows[1]["answers"], Value::Null, "whom the organizer brings in need not answer");
    let unknown = import(&app, copy, "", "email,answer:shoes\n");
    assert_eq!((unknown.status, unknown.pointers()), (400, vec!["/answer:shoes".to_owned()]));
    app.assert_audit_is_clean();
}

/// More than one page of a listing.
fn a_large_table_is_complete(data: Data) {
    let app = App::start(data);
    let event = app.create(5_000);
    let mut people = "email,name\n".to_owned();
    for number in 0..2_345 {
        people.push_str(&format!("p{number}@example.org,Person {number}\n"));
    }
    let imported = done(&import(&app, &event, "?apply=true", &people), 200);
    assert_eq!(imported["counts"]["registered"], 2_345);
    let table = text(&table(&app, &event, ""));
    let rows: Vec<_> =
        table.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>()).collect();
    assert_eq!(rows.len(), 2_345);
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row[1], format!("p{number}@example.org"), "in the order of the table");
    }
    // An export is imported again, and changes nothing.
    let before = done(&app.get(&format!("/events/{event}")), 200);
    let again = done(&import(&app, &event, "?apply=true", &table), 200);
    assert_eq!(again["counts"]["already_registered"], 2_345);
    assert_eq!(done(&app.get(&format!("/events/{event}")), 200), before);
    app.assert_audit_is_clean();
}

fn import(app: &App, event: &str, query: &str, table: &str) -> http::Answer {
    let path = format!("/events/{event}/registrations/import{query}");
    http::send(app.url(), "POST", &path, &[("Content-Type", "text/csv")], table.as_bytes())
}

fn a_table_of_people_is_imported(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    done(&app.register(&event, "here@example.org"), 201);
    let people = "Email;Name;Status\r\n\
        ada@example.org;'=Ada;\r\n\
        HERE@example.org;Here;confirmed\r\n\
        ada@Example.org;Ada again;\r\n\
        gone@example.org;Gone;cancelled\r\n\
        nobody;No;\r\n\
        grace@example.org;;\r\n\
        late@example.org;Late;\r\n";
    let verdicts = |answer: &Value| -> Vec<String> {
        let rows = answer["rows"].as_array().expect("an array").iter();
        rows.map(|row| row["verdict"].as_str().expect("a word").to_owned()).collect()
    };
    let expected = [
        "registered",
        "already_registered",
        "duplicate",
        "skipped",
        "invalid",
        "registered",
        "refused",
    ];
    let counts = |registered, already, refused| {
        json!({
            "registered": registered, "already_registered": already, "duplicate": 1, "skipped": 1,
            "invalid": 1, "refused": refused,
        })
    };
    let before = done(&app.get(&format!("/events/{event}")), 200);
    for query in ["", "?apply=false"] {
        let tried = done(&import(&app, &event, query, people), 200);
        assert_eq!(
            (&tried["dry_run"], verdicts(&tried)),
            (&json!(true), expected.map(str::to_owned).to_vec())
        );
        assert_eq!(tried["counts"], counts(2, 1, 1));
        let lines = tried["rows"].as_array().expect("an array").iter();
        assert_eq!(
            lines.map(|row| row["line"].as_u64()).collect::<Vec<_>>(),
            (2..9).map(Some).collect::<Vec<_>>()
        );
        assert_eq!(tried["rows"][6]["code"], "sold_out");
        assert_eq!(done(&app.get(&format!("/events/{event}")), 200), before, "nothing is done");
    }
    let done_so = done(&import(&app, &event, "?apply=true", people), 200);
    assert_eq!(
        (&done_so["dry_run"], verdicts(&done_so)),
        (&json!(false), expected.map(str::to_owned).to_vec())
    );
    assert_eq!(done_so["counts"], counts(2, 1, 1));
    assert_listed(&app, &event, "", &["here@example.org", "ada@example.org", "grace@example.org"]);
    assert_listed(&app, &event, "?q=%3Dada", &["ada@example.org"]);
    let ada = done_so["rows"][0]["registration_id"].as_str().expect("an id");
    assert_eq!(done(&app.get(&format!("/registrations/{ada}")), 200)["name"], "=Ada");

    // Sent again it changes nothing; but a person who found no seat may get one by now.
    let again = done(&import(&app, &event, "?apply=true", people), 200);
    assert_eq!(again["counts"], counts(0, 3, 1));
    assert_eq!(again["rows"][0]["registration_id"], ada);
    done(&app.ask("PATCH", &format!("/events/{event}"), &[], &json!({"capacity": 4})), 200);
    let later = done(&import(&app, &event, "?apply=true", people), 200);
    assert_eq!(later["counts"], counts(1, 3, 0));
    assert_eq!(done(&app.get(&format!("/events/{event}")), 200)["booked_count"], 4);

    done(&act_on_event(&app, &event, "cancel"), 200);
    for query in ["", "?apply=true"] {
        let closed = done(&import(&app, &event, query, "email\nnew@example.org\n"), 200);
        assert_eq!(closed["rows"][0]["code"], "closed", "{query}");
    }
    assert_eq!(done(&import(&app, &event, "", "email\n"), 200)["rows"], json!([]));
    app.assert_audit_is_clean();
}

fn an_invalid_table_is_refused(data: Data) {
    let app = App::start(data);
    let event = app.create(3);
    for (table, pointer) in
        [("name\nAda\n", "/user_email"), ("email,telephone\n", "/telephone"), ("\n", "")]
    {
        let answer = import(&app, &event, "", table);
        assert_eq!(
            (answer.status, answer.pointers()),
            (400, vec![pointer.to_owned()]),
            "{table:?}"
        );
    }
    let wrong = import(&app, &event, "?dry_run=false", "email\n");
    assert_eq!((wrong.status, wrong.pointers()), (400, vec!["/dry_run".to_owned()]));
    let path = format!("/events/{event}/registrations/import");
    let send = |kind: &str, body: &[u8]| {
        http::send(app.url(), "POST", &path, &[("Content-Type", kind)], body)
    };
    refused(&send("application/json", b"{}"), 415, "unsupported_media_type");
    refused(&send("text/csv; charset=latin1", b"email\n"), 415, "unsupported_media_type");
    assert_eq!(send("text/csv", b"email\n\xff@example.org\n").status, 400);
    assert_eq!(send("text/csv; charset=utf-8", b"email\n").status, 200);
    let long = vec![b'\n'; 10 * 1_024 * 1_024 + 1];
    refused(&send("text/csv", &long), 413, "too_large");
    let nowhere = import(&app, "00000000-0000-7000-8000-000000000000", "", "email\n");
    refused(&nowhere, 404, "not_found");
}

/// An event that starts and ends so many days from now.
fn put_up(app: &App, name: &str, days: Option<(i64, i64)>) -> Value {
    let instant = |days: i64| (Utc::now() + TimeDelta::days(days)).to_rfc3339();
    let mut body = json!({"name": name, "capacity": 5});
    if let Some((from, to)) = days {
        (body["starts_at"], body["ends_at"]) = (instant(from).into(), instant(to).into());
    }
    done(&app.post("/events", &body), 201)
}

fn events_are_found_by_name_and_date(data: Data) {
    let app = App::start(data);
    let never = put_up(&app, "Någonting", None);
    let later = put_up(&app, "Jazz in June", Some((30, 31)));
    let gone = put_up(&app, "Jazz, long gone", Some((-30, -29)));
    let soon = put_up(&app, "Blues", Some((3, 4)));
    let yesterday = put_up(&app, "Jazz of yesterday", Some((-2, -1)));
    let found = |query: &str| -> Vec<Value> {
        let mut next = Some(format!("/events?limit=2&{query}"));
        let mut found = Vec::new();
        while let Some(path) = next {
            let answer = app.get(&path);
            found.extend(done(&answer, 200).as_array().expect("an array").clone());
            let link = answer.header("link").map(str::to_owned);
            next = link.map(|link| link[1..].split('>').next().expect("an address").to_owned());
        }
        found.into_iter().map(|event| event["name"].clone()).collect()
    };
    let names =
        |events: &[&Value]| events.iter().map(|event| event["name"].clone()).collect::<Vec<_>>();
    let in_days = |days: i64| {
        let time = (Utc::now() + TimeDelta::days(days)).to_rfc3339();
        time.replace('+', "%2B")
    };
    for (query, expected) in [
        ("".to_owned(), vec![&yesterday, &soon, &gone, &later, &never]),
        ("sort=starts_at".to_owned(), vec![&gone, &yesterday, &soon, &later, &never]),
        ("when=upcoming".to_owned(), vec![&soon, &later, &never]),
        ("when=past".to_owned(), vec![&yesterday, &gone]),
        ("q=JAZZ".to_owned(), vec![&gone, &yesterday, &later]),
        ("q=jazz&when=upcoming".to_owned(), vec![&later]),
        ("q=nagon".to_owned(), vec![&never]),
        ("q=%25".to_owned(), vec![]),
        (format!("from={}&to={}", in_days(-3), in_days(10)), vec![&yesterday, &soon]),
        (format!("from={}", in_days(10)), vec![&later]),
    ] {
        assert_eq!(found(&query), names(&expected), "{query}");
    }
    for (query, pointer) in [("when=now", "/when"), ("from=today", "/from"), ("sort=name", "/sort")]
    {
        let answer = app.get(&format!("/events?{query}"));
        assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.to_owned()]), "{query}");
    }
}

fn an_event_is_copied(data: Data) {
    let app = App::start(data);
    let body = json!({
        "name": "Jazz", "description": "Loud", "capacity": 3, "venue": "Here", "timezone": "Europe/Berlin",
        "starts_at": "2099-05-01T17:00:00Z", "ends_at": "2099-05-01T19:30:00Z",
        "opens_at": "2020-04-01T17:00:00Z", "closes_at": "2099-05-01T16:00:00Z",
        "language": "de", "remind_hours": 24, "offer_ttl_seconds": 600, "waitlist_enabled": false,
        "organizer_name": "Jazz Club", "contact": "club@jazz.example", "unlisted": true,
    });
    let first = done(&app.post("/events", &body), 201);
    let event = first["id"].as_str().expect("an id");
    done(&app.register(event, "ada@example.org"), 201);
    let path = format!("/events/{event}/copy");
    let key = common::key("a copy");
    let headers = [("Idempotency-Key", key.as_str())];
    let again = json!({"name": "Jazz again", "starts_at": "2099-05-08T18:00:00Z"});
    let answer = app.ask("POST", &path, &headers, &again);
    let copy = done(&answer, 201);
    let location = format!("/events/{}", copy["id"].as_str().expect("an id"));
    assert_eq!(answer.header("location"), Some(location.as_str()));
    let mut expected = first.clone();
    for (name, value) in [
        ("id", copy["id"].clone()),
        ("created_at", copy["created_at"].clone()),
        ("name", json!("Jazz again")),
        ("status", json!("draft")),
        ("starts_at", json!("2099-05-08T18:00:00Z")),
        ("ends_at", json!("2099-05-08T20:30:00Z")),
        ("over_at", json!("2099-05-08T20:30:00Z")),
        ("opens_at", json!("2020-04-08T18:00:00Z")),
        ("closes_at", json!("2099-05-08T17:00:00Z")),
    ] {
        expected[name] = value;
    }
    assert_eq!(copy, expected, "as it was, and nobody is registered");
    assert_eq!(done(&app.ask("POST", &path, &headers, &again), 201), copy, "once for a key");

    let same = done(&app.ask("POST", &path, &[], &Value::Null), 201);
    assert_eq!((&same["name"], &same["starts_at"]), (&first["name"], &first["starts_at"]));
    let someday = done(&app.post(&path, &json!({"starts_at": null})), 201);
    for name in ["starts_at", "ends_at", "opens_at", "closes_at"] {
        assert_eq!(someday[name], Value::Null, "{name}");
    }
    let nowhere = "/events/00000000-0000-7000-8000-000000000000/copy";
    refused(&app.post(nowhere, &json!({})), 404, "not_found");
    a_copy_has_the_event_s_questions(&app, event, &path);
}

/// But none of its former questions.
fn a_copy_has_the_event_s_questions(app: &App, event: &str, path: &str) {
    let diet =
        json!({"key": "diet", "kind": "text", "wording": "What do you eat?", "required": true});
    let car = json!({"key": "car", "kind": "yes_no", "wording": "Do you come by car?"});
    let ask = |questions: &[&Value]| {
        let body = json!({"questions": questions});
        done(&app.post(&format!("/events/{event}/questions"), &body), 200)
    };
    let asked = |event: &Value| {
        let event = event["id"].as_str().expect("an id");
        let questions = done(&app.get(&format!("/events/{event}/questions")), 200);
        let keys = questions.as_array().expect("an array").iter();
        keys.map(|question| question["key"].clone()).collect::<Vec<_>>()
    };
    ask(&[&diet, &car]);
    let body = json!({"user_email": "eats@example.org", "answers": {"diet": "Bread", "car": true}});
    done(&app.post(&format!("/events/{event}/register"), &body), 201);
    ask(&[&diet]);
    let key = common::key("a copy that asks");
    let headers = [("Idempotency-Key", key.as_str())];
    let copy = done(&app.ask("POST", path, &headers, &Value::Null), 201);
    assert_eq!(copy["has_questions"], true);
    assert_eq!(asked(&copy), ["diet"]);
    assert_eq!(done(&app.ask("POST", path, &headers, &Value::Null), 201), copy, "once for a key");
    // There are no answers yet, and so it may become another one.
    let other = json!({"questions": [{"key": "diet", "kind": "yes_no", "wording": "Do you eat?"}]});
    let path = format!("/events/{}/questions", copy["id"].as_str().expect("an id"));
    done(&app.post(&path, &other), 200);
}

fn one_calendar_has_the_upcoming_events(data: Data) {
    let app = App::start_with(data, &[("BASE_URL", "https://booking.example")]);
    let soon = put_up(&app, "Blues; and more", Some((3, 4)));
    put_up(&app, "Some day", None);
    put_up(&app, "Long gone", Some((-3, -2)));
    let off = put_up(&app, "Called off", Some((5, 6)));
    done(&act_on_event(&app, off["id"].as_str().expect("an id"), "cancel"), 200);
    let draft = json!({"name": "Not yet", "capacity": 1, "status": "draft", "starts_at": "2099-01-01T00:00:00Z"});
    done(&app.post("/events", &draft), 201);

    let answer = app.get("/events.ics");
    assert_eq!(answer.header("content-type"), Some("text/calendar; charset=utf-8"));
    let calendar = text(&answer);
    assert!(calendar.starts_with("BEGIN:VCALENDAR\r\n") && calendar.ends_with("END:VCALENDAR\r\n"));
    let summaries: Vec<_> = calendar.lines().filter(|line| line.starts_with("SUMMARY:")).collect();
    assert_eq!(summaries, ["SUMMARY:Blues\\; and more", "SUMMARY:Called off"]);
    assert!(calendar.contains("STATUS:CANCELLED"));
    assert!(calendar.contains(&format!("UID:{}", soon["id"].as_str().expect("an id"))));
    let tag = answer.header("etag").expect("it has a tag").to_owned();
    let again = || app.ask("GET", "/events.ics", &[("If-None-Match", &tag)], &Value::Null).status;
    assert_eq!(again(), 304);
    // A sale does not change it, another event does.
    done(&app.register(soon["id"].as_str().expect("an id"), "ada@example.org"), 201);
    assert_eq!(again(), 304);
    put_up(&app, "One more", Some((7, 8)));
    assert_eq!(again(), 200);
}
