//! Texts with a meaning elsewhere: in a database, on a page, in a spreadsheet, in a log. They come back byte for
//! byte, or not at all.

use crate::common::acts::done;
use crate::common::http::send;
use crate::common::{App, Data};
use crate::on_both_stores;
use serde_json::json;

on_both_stores! {
    texts_come_back_byte_for_byte
    one_person_has_one_seat_however_the_address_is_written
}

const TEXTS: [&str; 18] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE events; --",
    "\\'); SELECT pg_sleep(9); --",
    "$1 $$ %s %00 {0} {{7*7}} ${7*7}",
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\"quoted\", and; separated",
    "back\\slash \\n \\u0000",
    "\u{202e}gpj.exe",
    "zero\u{200b}width\u{feff}",
    "e\u{301} is not \u{e9}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{fffe}\u{ffff}\u{10ffff}",
    "NULL",
    "2026-11-25 INFO access: forged",
];

fn texts_come_back_byte_for_byte(data: Data) {
    let app = App::start(data);
    for text in TEXTS {
        let new = json!({"name": text, "description": text, "venue": text, "capacity": 2,
            "starts_at": "2027-01-01T00:00:00Z"});
        let made = done(&app.post("/events", &new), 201);
        let path = format!("/events/{}", made["id"].as_str().expect("an id"));
        let person = json!({"user_email": "ada@example.org", "name": text});
        let seat = done(&app.post(&format!("{path}/register"), &person), 201);
        assert_eq!(seat["name"], text);
        let shown = app.get(&path).json();
        for name in ["name", "description", "venue"] {
            assert_eq!(shown[name], text, "{name}");
        }
        let listed = app.get(&format!("{path}/registrations")).json();
        assert_eq!(listed[0]["name"], text);
        // Whatever its content type, it is not a page of ours.
        let answer = app.get(&path);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    // A text must not make a new line in a calendar.
    let lines = "first\nEND:VEVENT\nBEGIN:VEVENT\n\tATTACH:http://evil.example";
    let new = json!({"name": "a", "description": lines, "capacity": 1,
        "starts_at": "2027-01-01T00:00:00Z"});
    let made = done(&app.post("/events", &new), 201);
    assert_eq!(made["description"], lines);
    let path = format!("/events/{}/calendar.ics", made["id"].as_str().expect("an id"));
    let calendar = String::from_utf8(app.get(&path).body).expect("it is UTF-8");
    for line in ["BEGIN:VEVENT", "END:VEVENT"] {
        assert_eq!(calendar.lines().filter(|l| *l == line).count(), 1, "{calendar}");
    }
    assert!(!calendar.lines().any(|line| line.trim_start().starts_with("ATTACH")), "{calendar}");
    app.assert_audit_is_clean();
}

fn one_person_has_one_seat_however_the_address_is_written(data: Data) {
    let app = App::start(data);
    let event = app.create(10);
    let seat = done(&app.register(&event, "ren\u{e9}@example.org"), 201);
    assert_eq!(seat["user_email"], "ren\u{e9}@example.org");
    for same in [
        "rene\u{301}@example.org",
        "REN\u{c9}@EXAMPLE.ORG",
        "  rene\u{301}@Example.org\u{3000}",
        "RENE\u{301}@example.ORG",
    ] {
        assert_eq!(app.register(&event, same).problem(), "already_registered", "{same}");
    }
    // Other letters are other addresses, however alike they look: the stored form is compared.
    for other in [
        "rene@example.org",
        "ren\u{e9}@xn--exmple-4nf.org",
        "ren\u{e9}+1@example.org",
        "'or'1'='1@example.org",
    ] {
        let seat = done(&app.register(&event, other), 201);
        assert_eq!(seat["user_email"], other);
    }
    // The letters of a domain are normalized as in DNS.
    let same = app.register(&event, "ren\u{e9}@ex\u{430}mple.org");
    assert_eq!(same.problem(), "already_registered");
    for none in [
        "a\0@example.org",
        "a\r\nBcc: b@example.org",
        "a@example.org\r\n",
        "a@example.org\0",
        "a\u{200b}@example.org",
        "a\u{202e}@example.org",
        "a@exa\u{ad}mple.org",
        "\u{feff}a@example.org",
        "<script>@example.org",
        "a@example.org,b@example.org",
        "a@example.org;b@example.org",
        "mailto:a@example.org?cc=b@example.org",
        "a@localhost",
        "a@[127.0.0.1]",
    ] {
        // White space around it is dropped.
        if none.trim() == "a@example.org" {
            continue;
        }
        let answer = app.register(&event, none);
        assert_eq!(
            (answer.status, answer.pointers()),
            (400, vec!["/user_email".into()]),
            "{none:?}"
        );
    }
    let shown = app.get(&format!("/events/{event}")).json();
    assert_eq!(shown["booked_count"], 5);
    app.assert_audit_is_clean();
}

/// Whatever a client sends, one request is one line, and every line is one of ours.
#[test]
fn no_line_of_the_log_is_forged() {
    let mut app = App::start(Data::sqlite());
    let forged = "x%1b[2J%0d%0a2026-11-25T00:00:00Z INFO access method=GET forged";
    let headers = [
        ("X-Request-Id", forged),
        ("User-Agent", forged),
        ("Referer", forged),
        ("Authorization", forged),
        ("Idempotency-Key", forged),
        ("X-Forwarded-For", forged),
        ("Forwarded", forged),
    ];
    for path in ["/events%0d%0aforged", "/events?limit=%0d%0aforged", "/forged\u{7f}%1b"] {
        for method in ["GET", "POST", "FORGED"] {
            let body = json!({"name": "forged\nforged\r\nforged", "capacity": 1, "forged": "\n"});
            let body = if method == "GET" { Vec::new() } else { body.to_string().into_bytes() };
            send(app.url(), method, path, &headers, &body);
        }
    }
    assert!(app.server.terminate().success());
    let log = app.server.stderr();
    assert!(log.contains("access"), "it logs requests: {log}");
    // A method is a token, so it cannot hold more than a word.
    let lines = log.lines().filter(|line| line.contains("forged") || line.contains('\u{1b}'));
    assert_eq!(lines.collect::<Vec<_>>(), [""; 0]);
}
