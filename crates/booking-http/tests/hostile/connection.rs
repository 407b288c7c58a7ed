//! Bytes on one connection, and every answer that comes back on it.

use crate::common::http::{Answer, connect, parse, read_some};
use crate::common::{App, Data};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;

/// The state of a connection after the last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The next request on it is answered.
    Open,
    /// The server has closed it.
    Closed,
}

/// An answer's status and its problem's code: `""` for an answer without one, which is every success, and an error
/// from before there is a request to answer.
pub(crate) type Expected = (u16, &'static str);

/// Sends `bytes` as they are, and expects exactly these answers. That a connection is open is checked by another
/// request, so every wait is for bytes that must come.
#[track_caller]
pub(crate) fn exchange(app: &App, name: &str, bytes: &[u8], expected: &[Expected], then: Then) {
    let mut stream = connect(app.url());
    // A server that refuses early may have closed by now.
    let _ = stream.write_all(bytes);
    let mut answers = Answers { stream, rest: Vec::new() };
    let expect = |answers: &mut Answers, expected: Expected| {
        let answer = answers.next().unwrap_or_else(|| panic!("{name}: {expected:?} does not come"));
        let code = match answer.header("content-type") {
            Some("application/problem+json") => answer.problem(),
            _ => String::new(),
        };
        assert_eq!((answer.status, code.as_str()), expected, "{name}: {answer:?}");
    };
    for expected in expected {
        expect(&mut answers, *expected);
    }
    if then == Then::Open {
        let last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        answers.stream.write_all(last).unwrap_or_else(|error| panic!("{name}: {error}"));
        expect(&mut answers, (200, ""));
    }
    let more = answers.next();
    assert!(more.is_none(), "{name}: {more:?}");
}

struct Answers {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Answers {
    /// The next answer; `None` if the connection has ended.
    #[track_caller]
    fn next(&mut self) -> Option<Answer> {
        loop {
            let end = self.rest.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let mut answer = parse(&self.rest, end);
                let length = answer
                    .header("content-length")
                    .map_or(0, |length| length.parse::<usize>().expect("a length is a number"));
                if answer.body.len() >= length {
                    self.rest = answer.body.split_off(length);
                    return Some(answer);
                }
            }
            let mut buffer = [0; 16_384];
            match read_some(&mut self.stream, &mut buffer) {
                Ok(length @ 1..) => self.rest.extend_from_slice(&buffer[..length]),
                // A reset: the server has not read everything.
                Ok(0) => break,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("neither an answer nor the end: {error}"),
            }
        }
        let rest = String::from_utf8_lossy(&self.rest);
        assert!(rest.is_empty(), "a part of an answer: {rest}");
        None
    }
}

/// A server with one event of five seats, one of them taken.
pub(crate) struct Target {
    pub(crate) app: App,
    pub(crate) event: String,
}

impl Target {
    pub(crate) fn start(data: Data) -> Self {
        let app = App::start_with(data, &[("BODY_SECONDS", "2")]);
        let event = app.create(5);
        assert_eq!(app.register(&event, "ada@example.org").status, 201);
        Self { app, event }
    }

    /// No input has changed anything: the same event, the same seat, the same version.
    #[track_caller]
    pub(crate) fn assert_unchanged(&self) {
        let events = self.app.get("/events").json();
        assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
        let shown = ["id", "booked_count", "version", "name"].map(|name| &events[0][name]);
        assert_eq!(shown, [&json!(self.event), &json!(1), &json!(2), &json!("An event")]);
        self.app.assert_audit_is_clean();
        assert_eq!(self.app.get("/health").status, 200);
    }
}
