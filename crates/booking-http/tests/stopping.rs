//! Stopping under load, seen from persistent connections, as browsers and proxies have them: only the server closes
//! a connection here.

mod common;

use common::{App, Data, http};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Connections that always have a request under way.
const BUSY: usize = 32;
/// Connections that never had a request, and those that had one.
const IDLE: usize = 4;
/// How many answers there are before the signal: each connection has had several.
const ANSWERS_BEFORE: u64 = 20 * BUSY as u64;
/// How long the server may go on, by its setting; it is to need far less.
const SHUTDOWN_SECONDS: u64 = 20;
/// How many more requests a connection may be served without `Connection: close`, once another got it.
const FURTHER_MAX: u64 = 1;
/// A busy machine takes its time until the load is there.
const UNDER_WAY_WITHIN: Duration = Duration::from_secs(60);

on_both_stores! {
    every_client_is_answered_with_connection_close
    a_connection_that_is_idle_is_closed_cleanly
}

/// What happened on one connection.
#[derive(Debug, Default)]
struct Seen {
    answers: u64,
    /// Answered without `Connection: close`, although the request was sent after another connection had got it.
    further: u64,
    /// Why it did not end as it should.
    wrong: Option<String>,
}

/// Sends one request after the other on a connection, until an answer says that it is the last, and then waits for
/// the end.
fn ask_until_close(
    mut stream: TcpStream,
    request: impl Fn(u64) -> String,
    answered: &AtomicU64,
    first_close: &OnceLock<()>,
) -> Seen {
    let (mut seen, mut rest) = (Seen::default(), Vec::new());
    loop {
        let is_late = first_close.get().is_some();
        if let Err(error) = stream.write_all(request(seen.answers).as_bytes()) {
            seen.wrong = Some(format!("request {} could not be sent: {error}", seen.answers));
            return seen;
        }
        let answer = match http::read_next(&mut stream, &mut rest) {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                seen.wrong = Some(format!("request {} has no answer", seen.answers));
                return seen;
            }
            Err(error) => {
                seen.wrong = Some(format!("request {}: {error}", seen.answers));
                return seen;
            }
        };
        seen.answers += 1;
        answered.fetch_add(1, Ordering::SeqCst);
        if !matches!(answer.status, 200 | 201) {
            seen.wrong = Some(format!("{answer:?}"));
            return seen;
        }
        if answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            let _ = first_close.set(());
            seen.wrong = unclean_end(&mut stream, &rest);
            return seen;
        }
        seen.further += u64::from(is_late);
    }
}

/// How the end of an idle connection is wrong, if it is.
fn unclean_end(stream: &mut TcpStream, rest: &[u8]) -> Option<String> {
    if !rest.is_empty() {
        return Some(format!("something came after the last answer: {rest:?}"));
    }
    match http::read_some(stream, &mut [0; 1]) {
        Ok(0) => None,
        Ok(_) => Some("something came after the last answer".to_owned()),
        Err(error) => Some(format!("it did not end cleanly: {error}")),
    }
}

fn every_client_is_answered_with_connection_close(data: Data) {
    let shutdown = SHUTDOWN_SECONDS.to_string();
    let settings = [("DRAIN_SECONDS", "0"), ("SHUTDOWN_SECONDS", &shutdown), ("RUST_LOG", "warn")];
    let mut app = App::start_with(data, &settings);
    let event = app.create(100_000);
    let (answered, first_close) = (AtomicU64::new(0), OnceLock::new());
    let registering = |who: usize, number: u64| {
        let body = json!({"user_email": format!("{who}.{number}@example.org")}).to_string();
        let length = body.len();
        format!(
            "POST /events/{event}/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let reading = format!("GET /events/{event} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let url = app.url().to_owned();
    let (seen, stopped_after) = thread::scope(|scope| {
        let busy: Vec<_> = (0..BUSY)
            .map(|who| {
                let stream = http::connect(&url);
                let (answered, first_close) = (&answered, &first_close);
                let (registering, reading) = (&registering, &reading);
                scope.spawn(move || {
                    let request = |number| match who % 2 {
                        0 => registering(who, number),
                        _ => reading.clone(),
                    };
                    ask_until_close(stream, request, answered, first_close)
                })
            })
            .collect();
        let since = Instant::now();
        while answered.load(Ordering::SeqCst) < ANSWERS_BEFORE {
            if since.elapsed() > UNDER_WAY_WITHIN {
                // Or the clients would run for ever.
                app.server.kill9();
                panic!("the load does not get going");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let since = Instant::now();
        app.server.signal("TERM");
        let status = app.server.wait(Duration::from_secs(2 * SHUTDOWN_SECONDS));
        let stopped_after = since.elapsed();
        if status.is_none() {
            app.server.kill9();
        }
        let status = status.expect("it ends");
        assert!(status.success(), "{status}");
        let seen = busy.into_iter().map(|busy| busy.join().expect("no panic"));
        (seen.collect::<Vec<Seen>>(), stopped_after)
    });
    let answers: u64 = seen.iter().map(|seen| seen.answers).sum();
    println!("{answers} answers; ended {stopped_after:?} after SIGTERM");
    for (who, seen) in seen.iter().enumerate() {
        assert_eq!(seen.wrong, None, "connection {who}: {seen:?}");
        assert!(seen.further <= FURTHER_MAX, "connection {who}: {seen:?}");
    }
    let limit = Duration::from_secs(SHUTDOWN_SECONDS) / 2;
    assert!(stopped_after < limit, "it took {stopped_after:?}");
    app.assert_audit_is_clean();
}

/// No request was sent on it, or none is under way: it is closed cleanly, and not reset.
fn a_connection_that_is_idle_is_closed_cleanly(data: Data) {
    let mut app = App::start_with(data, &[("DRAIN_SECONDS", "0")]);
    let mut silent: Vec<TcpStream> = (0..IDLE).map(|_| http::connect(app.url())).collect();
    let mut used: Vec<TcpStream> = (0..IDLE).map(|_| http::connect(app.url())).collect();
    for stream in &mut used {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .expect("the server reads");
        let answer = http::read_next(stream, &mut Vec::new()).expect("it is read");
        assert_eq!(answer.expect("there is one").status, 200);
    }
    app.server.signal("TERM");
    let status = app.server.wait(Duration::from_secs(60)).expect("it ends");
    assert!(status.success(), "{status}");
    for stream in silent.iter_mut().chain(&mut used) {
        assert_eq!(unclean_end(stream, &[]), None);
    }
    // And no new client is accepted.
    let address = app.url().strip_prefix("http://").expect("a plain URL");
    let refused = TcpStream::connect(address).and_then(|mut late| late.read(&mut [0; 1]));
    assert_eq!(refused.expect_err("nobody listens").kind(), ErrorKind::ConnectionRefused);
}

/// The negative control: a connection that is reset, or left without an answer, differs from one that ends cleanly.
#[test]
fn a_cut_connection_differs_from_a_clean_end() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let request = |_| "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned();
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for (said, reads_all, is_clean) in
        [(answer, true, true), (answer, false, false), ("", true, false)]
    {
        let serving = thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().expect("it is asked");
                // A close with unread input resets the connection (RFC 1122, section 4.2.2.13).
                let mut buffer = vec![0; if reads_all { 1_024 } else { 8 }];
                let length = stream.read(&mut buffer).expect("it is asked");
                assert!(length > 0, "it is asked");
                stream.write_all(said.as_bytes()).expect("somebody listens");
            });
            let (answered, first_close) = (AtomicU64::new(0), OnceLock::new());
            ask_until_close(http::connect(&url), request, &answered, &first_close)
        });
        assert_eq!(serving.wrong.is_none(), is_clean, "{said:?}: {serving:?}");
    }
}
