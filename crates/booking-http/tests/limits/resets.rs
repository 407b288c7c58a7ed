//! Clients that have reset their connection before their address is read: their request is all there, and they are
//! not.

use crate::common::acts::{done, id};
use crate::common::http::{connect, read_next};
use crate::common::{App, Data, ask};
use crate::rates::{NO_CLIENT_RATE, PROXY, booked};
use serde_json::{Value, json};
use socket2::SockRef;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

/// How often a client tries. With few attempts the server may be so quick that it still sees the address.
const TRIES: usize = 200;
/// For everything that has to happen on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

/// How a client ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With a reset, as soon as the kernel has its request.
    Reset,
    /// In order, once it is answered.
    InOrder,
}

/// Sends [`TRIES`] claims, to `register` or to `holds`, from this machine: where a proxy on it is trusted that
/// names no clients, all of it is one client's.
fn take(app: &App, event: &str, how: &str, ending: Ending) {
    for number in 0..TRIES {
        let body = json!({"user_email": format!("{number}@example.org")}).to_string();
        let length = body.len();
        let request = format!(
            "POST /events/{event}/{how} HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = connect(app.url());
        stream.write_all(request.as_bytes()).expect("it is taken");
        match ending {
            Ending::Reset => {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("it can be set");
            }
            Ending::InOrder => {
                let answer = read_next(&mut stream, &mut Vec::new()).expect("it is answered");
                assert_eq!(answer.expect("nobody breaks it off").status, 201);
            }
        }
    }
}

/// The seats that are taken once nothing is being done any more: twice the same, a while apart.
fn booked_in_the_end(app: &App, event: &str) -> Value {
    let deadline = Instant::now() + WITHIN;
    loop {
        let before = booked(app, event);
        thread::sleep(Duration::from_secs(1));
        if booked(app, event) == before {
            return before;
        }
        assert!(Instant::now() < deadline, "it goes on and on");
    }
}

#[test]
fn a_reset_evades_no_limit() {
    const NO_SEATS_MAX: (&str, &str) = ("CLIENT_SEATS_MAX", "0");
    for (how, limits, most) in [
        ("register", [("CLIENT_SEATS_MAX", "3"), NO_CLIENT_RATE, PROXY], 3),
        ("holds", [("CLIENT_HOLDS_MAX", "3"), NO_CLIENT_RATE, PROXY], 3),
        // One more a second: fewer than this in the time that such a machine takes.
        ("register", [("CLIENT_RATE", "1"), NO_SEATS_MAX, PROXY], 100),
    ] {
        let app =
            App::start_with(Data::sqlite(), &[&limits[..], &[("CLIENT_BURST", "3")]].concat());
        // A client that creates it has used up nothing of the others' limits.
        let elsewhere = [("X-Forwarded-For", "198.51.100.1")];
        let body = json!({"name": "An event", "capacity": 1_000});
        let event = done(&ask(app.url(), "POST", "/events", &elsewhere, &body), 201);
        take(&app, id(&event), how, Ending::Reset);
        let booked = booked_in_the_end(&app, id(&event)).as_u64().expect("a number");
        assert!(booked <= most, "{booked} seats by {how} with {limits:?}");
        app.assert_audit_is_clean();
    }
}

/// The negative control: this is what the same client gets where nothing is limited.
#[test]
fn without_limits_the_same_client_gets_all_it_wants() {
    let settings = [PROXY, NO_CLIENT_RATE, ("CLIENT_SEATS_MAX", "0"), ("CLIENT_HOLDS_MAX", "0")];
    let app = App::start_with(Data::sqlite(), &settings);
    for how in ["register", "holds"] {
        let event = app.create(1_000);
        take(&app, &event, how, Ending::InOrder);
        assert_eq!(booked(&app, &event), json!(TRIES), "{how}");
    }
}
