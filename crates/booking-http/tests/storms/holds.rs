//! Ten thousand holds, with servers and database killed in the middle: every seat comes back when its
//! hold ends, and none twice.

use crate::apart_flash::{PATIENT, QUIET};
use crate::common::{self, App, Data, PROGRAM, http, start_on};
use booking_testkit::{Cluster, ClusterOptions, ServerProcess, free_port};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SEATS: usize = 10_000;
/// Clients that ask for a hold: more than there are seats.
const HOLDERS: usize = 11_000;
/// How many of the holders confirm.
const CONFIRMING: usize = 1_000;
/// Three times as long as the shortest hold there is: on a busy machine all of them are to be taken, and a tenth
/// confirmed, before the first one ends.
const HOLD_SECONDS: u64 = 180;
const CALLERS: usize = 32;
/// How long a client retries while the server is away.
const OUTAGE: Duration = Duration::from_secs(120);

/// No sweeper: seats come back by time alone.
const UNSWEPT: (&str, &str) = ("SWEEP_SECONDS", "0");

// One test, so that both wait for their holds to end in the same minute.
#[test]
fn holds_outlive_kills_and_give_every_seat_back_once() {
    thread::scope(|scope| {
        scope.spawn(on_sqlite);
        scope.spawn(on_postgres);
    });
}

fn on_sqlite() {
    let data = Data::sqlite();
    let port = free_port().to_string();
    let settings = [QUIET, PATIENT, UNSWEPT, ("PORT", port.as_str())];
    let mut server = start_on(&data, &settings);
    let sale = Sale::open(server.url());
    let held = thread::scope(|scope| {
        let holding = scope.spawn(|| sale.hold_all());
        for third in 1..=2 {
            sale.wait_until_booked(third * SEATS / 3);
            server.kill9();
            server = start_on(&data, &settings);
        }
        holding.join().expect("no caller panicked")
    });
    let confirmed = sale.confirm_some(&held);
    server.kill9();
    let server = start_on(&data, &settings);
    sale.claim_what_comes_back(&held, &confirmed);
    App { server, data }.assert_audit_is_clean();
}

fn on_postgres() {
    let cluster = Cluster::start(ClusterOptions::default());
    let port = free_port().to_string();
    let settings = [
        ("DATABASE_URL", cluster.url("postgres")),
        ("RUST_LOG", "error".to_owned()),
        ("SWEEP_SECONDS", "0".to_owned()),
        (PATIENT.0, PATIENT.1.to_owned()),
        ("PORT", port),
    ];
    let mut server = ServerProcess::start(Path::new(PROGRAM), &settings);
    let sale = Sale::open(server.url());
    let held = thread::scope(|scope| {
        let holding = scope.spawn(|| sale.hold_all());
        sale.wait_until_booked(SEATS / 3);
        server.kill9();
        server = ServerProcess::start(Path::new(PROGRAM), &settings);
        sale.wait_until_booked(2 * SEATS / 3);
        cluster.kill9();
        cluster.restart();
        holding.join().expect("no caller panicked")
    });
    let confirmed = sale.confirm_some(&held);
    cluster.kill9();
    cluster.restart();
    sale.claim_what_comes_back(&held, &confirmed);
    let audit = common::run("audit", &settings);
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
    drop(server);
}

/// An event whose seats are held, and how to ask for them.
struct Sale {
    url: String,
    event: String,
}

/// A hold, as its owner got it.
struct Held {
    id: String,
    expires_at: String,
}

impl Sale {
    fn open(url: &str) -> Self {
        let body = json!({"name": "Held", "capacity": SEATS, "waitlist_enabled": false});
        let mut sale = Self { url: url.to_owned(), event: String::new() };
        let event = sale.ask("POST", "/events", Some(&body), "open");
        sale.event = text(&event.1, "id");
        sale
    }

    /// Retries until there is an answer other than "not now", always under the same key.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>, key: &str) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let key = common::key(key);
        let mut headers = vec![("Idempotency-Key", key.as_str())];
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        let since = Instant::now();
        loop {
            match http::try_send(&self.url, method, path, &headers, body.as_bytes()) {
                Ok(answer) if answer.status < 500 => return (answer.status, answer.json()),
                // Not even a kill is a reason to fail: that would be hidden by asking again.
                Ok(answer) if !matches!(answer.status, 503 | 504) => panic!("{answer:?}"),
                Ok(_) | Err(_) => {
                    assert!(since.elapsed() < OUTAGE, "no answer to {method} {path}");
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    fn hold_all(&self) -> Vec<Held> {
        let path = format!("/events/{}/holds", self.event);
        let answers = in_parallel(HOLDERS, |who| {
            let email = format!("holder{who}@example.org");
            let body = json!({"user_email": email, "ttl_seconds": HOLD_SECONDS});
            self.ask("POST", &path, Some(&body), &format!("hold-{who}"))
        });
        let refused = answers.iter().filter(|(status, _)| *status == 409);
        assert!(refused.clone().all(|(_, problem)| problem["code"] == "all_held"));
        assert_eq!(refused.count(), HOLDERS - SEATS, "no seat is given twice, and none is lost");
        let held = answers.iter().filter(|(status, _)| *status == 201);
        held.map(|(_, hold)| Held { id: text(hold, "id"), expires_at: text(hold, "expires_at") })
            .collect()
    }

    /// Confirms a tenth, and returns which.
    fn confirm_some(&self, held: &[Held]) -> HashSet<String> {
        let answers = in_parallel(CONFIRMING, |at| {
            let id = &held[at * (SEATS / CONFIRMING)].id;
            let path = format!("/registrations/{id}/confirm");
            (id.clone(), self.ask("POST", &path, None, &format!("confirm-{at}")))
        });
        // A client that a kill has delayed for too long may be too late.
        let confirmed: HashSet<_> = answers
            .into_iter()
            .filter(|(_, (status, _))| *status == 200)
            .map(|(id, _)| id)
            .collect();
        assert!(confirmed.len() > CONFIRMING / 2, "{} could confirm", confirmed.len());
        confirmed
    }

    /// Waits until the last hold has expired, and then lets every client claim a seat.
    fn claim_what_comes_back(&self, held: &[Held], confirmed: &HashSet<String>) {
        let last = held.iter().map(|hold| hold.expires_at.as_str()).max().expect("there are some");
        let last: chrono::DateTime<chrono::Utc> = last.parse().expect("a time");
        while chrono::Utc::now() < last {
            thread::sleep(Duration::from_millis(100));
        }
        let left = SEATS - confirmed.len();
        assert_eq!(self.booked(), confirmed.len(), "what has run out counts for nothing");
        // The first claims come at once and are few: each finds a seat, without a sweeper.
        let path = format!("/events/{}/register", self.event);
        let answers = in_parallel(left + 500, |who| {
            let body = json!({"user_email": format!("claimer{who}@example.org")});
            self.ask("POST", &path, Some(&body), &format!("claim-{who}"))
        });
        let seats: HashSet<_> = answers
            .iter()
            .filter(|(status, _)| *status == 201)
            .map(|(_, seat)| text(seat, "id"))
            .collect();
        assert_eq!(seats.len(), left, "every seat that came back was given, and none twice");
        let refused = answers.iter().filter(|(status, _)| *status == 409);
        assert!(refused.clone().all(|(_, problem)| problem["code"] == "sold_out"));
        assert_eq!(refused.count(), 500);
        assert_eq!(self.booked(), SEATS);
        for hold in held.iter().filter(|hold| !confirmed.contains(&hold.id)).take(50) {
            let path = format!("/registrations/{}/confirm", hold.id);
            let late = self.ask("POST", &path, None, &format!("late-{}", hold.id));
            assert_eq!((late.0, &late.1["code"]), (409, &json!("hold_expired")));
        }
    }

    fn booked(&self) -> usize {
        let event = self.ask("GET", &format!("/events/{}", self.event), None, "read").1;
        let booked = event["booked_count"].as_u64().expect("a number");
        usize::try_from(booked).expect("it fits")
    }

    fn wait_until_booked(&self, count: usize) {
        let since = Instant::now();
        while self.booked() < count {
            assert!(since.elapsed() < OUTAGE, "the holds do not get going");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// Does `work` for each number below `count`, with [`CALLERS`] at once.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= count {
                            return done;
                        }
                        done.push(work(number));
                    }
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("no caller panicked")).collect()
    })
}
