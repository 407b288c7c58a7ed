//! What caches may store and other sites may learn: no personal data.

use crate::common::acts::*;
use crate::common::{App, Data};
use crate::on_both_stores;
use serde_json::{Value, json};

on_both_stores! {
    no_cache_stores_personal_answers
}

fn no_cache_stores_personal_answers(data: Data) {
    let app = App::start(data);
    let event = app.create(2);
    let email = json!({"user_email": "ada@example.org"});
    let register = format!("/events/{event}/register");
    let seat = done(&app.post(&register, &email), 201);
    let seat_path = path(&seat);
    let scan = json!({"ticket": ticket(&app, &seat)});
    let asked = [
        ("GET", format!("/events/{event}/registrations"), Value::Null, 200),
        ("GET", seat_path.clone(), Value::Null, 200),
        ("HEAD", seat_path.clone(), Value::Null, 200),
        ("GET", format!("{seat_path}/history"), Value::Null, 200),
        ("GET", format!("{seat_path}/ticket"), Value::Null, 200),
        ("GET", format!("{seat_path}/ticket.svg"), Value::Null, 200),
        ("POST", register.clone(), email.clone(), 409),
        ("POST", register, json!({"user_email": "grace@example.org"}), 201),
        ("POST", format!("/events/{event}/holds"), email, 409),
        ("POST", format!("{seat_path}/confirm"), Value::Null, 200),
        ("POST", format!("{seat_path}/transfer"), json!({"user_email": "kay@example.org"}), 200),
        ("POST", format!("/events/{event}/check-ins"), scan, 409),
        ("DELETE", format!("/events/{event}/check-ins/{}", id(&seat)), Value::Null, 200),
        ("DELETE", seat_path, Value::Null, 200),
        ("GET", format!("/registrations/{event}"), Value::Null, 404),
    ];
    for (method, path, body, status) in asked {
        let answer = app.ask(method, &path, &[], &body);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {path}");
        assert_eq!(answer.header("set-cookie"), None, "{method} {path}");
    }
    // A link from a page sends no referrer, which may be a private link's address.
    for path in
        ["/", "/problems", "/events", &format!("/events/{event}"), "/nothing", "/js/main.js"]
    {
        let answer = app.get(path);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
    let policy = app.get("/");
    let policy = policy.header("content-security-policy").expect("there is one");
    let sources = policy.split(|c: char| c == ';' || c.is_whitespace());
    let of_others =
        |source: &&str| source.contains("://") || source.contains('*') || *source == "https:";
    assert_eq!(sources.filter(of_others).count(), 0, "{policy}");
}
