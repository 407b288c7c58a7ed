//! What operators see of delivery: its thread, and a mail server that is down.

use super::{get, metrics, soon};
use crate::common::{App, Data};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;

const AWAY: &str = "booking_mail_server_away_seconds";

#[test]
fn a_mail_server_that_is_down_is_reported() {
    // No process listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").expect("there is a port").local_addr();
    let url = format!("smtp://127.0.0.1:{}", port.expect("it has one").port());
    let settings = [
        ("MAIL_URL", url.as_str()),
        ("MAIL_FROM", "tickets@jazz.example"),
        ("BASE_URL", "http://127.0.0.1:8080"),
    ];
    let mut app = App::start_with(Data::sqlite(), &settings);
    let delivery = |app: &App| -> Value {
        let ready = get(&app.server, "/readyz");
        assert_eq!(ready.status, 200, "that is no reason to send it no requests");
        ready.json()["checks"]["delivery"].clone()
    };
    assert_eq!((delivery(&app), metrics(&app)[AWAY]), (Value::Null, 0.0));
    let event = app.create(5);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let away_seconds = soon("it is told of", || {
        let report = delivery(&app);
        report["mail_server_away_seconds"].as_u64().filter(|seconds| *seconds > 1)
    });
    assert!(metrics(&app)[AWAY] >= away_seconds as f64);
    let log = app.server.stderr();
    assert_eq!(log.matches("all mails wait").count(), 1, "once, and not for each try: {log}");
    assert!(!log.contains("ada@example.org"), "{log}");
    assert!(app.server.terminate().success(), "nobody waits for it when the server is to end");
}

/// The niceness of each thread of a process, by its name: a higher one is scheduled later.
#[cfg(target_os = "linux")]
fn priorities(pid: u32) -> BTreeMap<String, i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut found = BTreeMap::new();
    for thread in threads {
        // One may have ended.
        let path = thread.expect("it can be read").path().join("stat");
        let Ok(stat) = fs::read_to_string(path) else { continue };
        let (_, rest) = stat.split_once('(').expect("a name");
        let (name, rest) = rest.rsplit_once(") ").expect("a name");
        // The state is the third field, and this the nineteenth (proc_pid_stat(5)).
        let nice = rest.split(' ').nth(16).expect("it has so many");
        found.insert(name.to_owned(), nice.parse().expect("a number"));
    }
    found
}

#[cfg(target_os = "linux")]
#[test]
fn delivery_has_a_lower_priority_than_requests() {
    let app = App::start(Data::sqlite());
    let behind = |found: &BTreeMap<String, i32>| (found["booking-http"] + 10).min(19);
    // It has its name first, and steps back then.
    let found = soon("delivery has a thread that comes after others", || {
        Some(priorities(app.server.pid()))
            .filter(|found| found.get("delivery").is_some_and(|nice| *nice == behind(found)))
    });
    let own = found["booking-http"];
    let workers: Vec<_> = found.iter().filter(|(name, _)| name.starts_with("actix")).collect();
    assert!(!workers.is_empty(), "{found:?}");
    assert!(workers.iter().all(|(_, nice)| **nice == own), "{found:?}");
    assert_eq!(found["sqlite-writer"], own, "whoever wants it to write: {found:?}");
}
