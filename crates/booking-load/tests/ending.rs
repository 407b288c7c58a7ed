//! The final state is read as one state: if something changes while it is read, it is read again; if it contradicts
//! itself, or keeps changing, it is judged and not waited for.

use booking_load::client::Limits;
use booking_load::judge::{Verdict, judge};
use booking_load::workload::{WorkloadOptions, run};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const EVENT: &str = "01900000-0000-7000-8000-00000000000e";
const GRACE: &str = "01900000-0000-7000-8000-000000000001";

/// What the server does with its one hold.
#[derive(Debug, Clone, Copy)]
enum Plot {
    /// Its clock is ahead while registrations are listed: the hold shows as ended, and ends only once they have
    /// been listed so many times.
    EndsWhileItIsRead { lists: u32 },
    /// Its count never matches its rows.
    Miscounts,
    /// Its version increases at every read of the event.
    NeverRests,
}

/// A server with an event of two seats and, from the beginning, a hold that no client requested: the judge may
/// report only that.
struct Server {
    plot: Plot,
    lists: u32,
    looks: u64,
}

impl Server {
    fn has_ended(&self) -> bool {
        match self.plot {
            Plot::EndsWhileItIsRead { lists } => self.lists >= lists,
            Plot::Miscounts | Plot::NeverRests => true,
        }
    }

    fn answer(&mut self, request: &str) -> String {
        let path = request.split(' ').nth(1).expect("a request line");
        if request.starts_with("POST /events ") {
            return answer("201 Created", None, &event(0, 1));
        }
        if path == format!("/events/{EVENT}") {
            self.looks += 1;
            let booked_count = match self.plot {
                Plot::Miscounts => 1,
                _ => u32::from(!self.has_ended()),
            };
            let version = match self.plot {
                Plot::NeverRests => 3 + self.looks,
                _ => 2 + u64::from(self.has_ended()),
            };
            return answer("200 OK", Some(version), &event(booked_count, version));
        }
        if path.starts_with(&format!("/events/{EVENT}/registrations")) {
            let rows = format!("[{}]", registration(2 + u32::from(self.has_ended())));
            self.lists += 1;
            return answer("200 OK", None, &rows);
        }
        if path == format!("/registrations/{GRACE}/history") {
            let mut entries = entry(2, "held", "attendee");
            if self.has_ended() {
                entries = format!("{entries},{}", entry(3, "expired", "system"));
            }
            return answer("200 OK", None, &format!("[{entries}]"));
        }
        panic!("it is not asked for {request}")
    }
}

fn event(booked_count: u32, version: u64) -> String {
    format!(
        r#"{{"id":"{EVENT}","capacity":2,"booked_count":{booked_count},"waitlist_count":0,
            "version":{version},"created_at":"2030-01-01T00:00:00Z"}}"#
    )
}

/// Ended, as a clock that is ahead shows it.
fn registration(version: u32) -> String {
    format!(
        r#"{{"id":"{GRACE}","user_email":"grace@example.org","status":"expired","expires_at":null,
            "position":null,"checked_in_at":null,"event_version":{version}}}"#
    )
}

fn entry(version: u32, kind: &str, actor: &str) -> String {
    format!(
        r#"{{"version":{version},"recorded_at":"2030-01-01T00:0{version}:00Z","kind":"{kind}","actor":"{actor}"}}"#
    )
}

fn answer(status: &str, version: Option<u64>, body: &str) -> String {
    let tag = version.map_or(String::new(), |version| format!("etag: \"{version}\"\r\n"));
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{tag}content-length: {length}\r\n\r\n{body}"
    )
}

async fn converse(mut stream: TcpStream, server: Arc<Mutex<Server>>) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        while !is_whole(&buffer) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let request = String::from_utf8_lossy(&buffer).into_owned();
        buffer.clear();
        let answer = server.lock().expect("no test panics with it").answer(&request);
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// Requests are never pipelined here, so the buffer holds at most one.
fn is_whole(buffer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(buffer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
        rest.split("\r\n").next().and_then(|length| length.parse().ok()).expect("a number")
    });
    body.len() >= length
}

/// Sends no request to a server with this plot, and judges its final state.
async fn verdict(plot: Plot) -> Verdict {
    let server = Arc::new(Mutex::new(Server { plot, lists: 0, looks: 0 }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let serving = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(converse(stream, Arc::clone(&server)));
        }
    });
    let options = WorkloadOptions {
        operations: 0,
        clients: 1,
        events: 1,
        seats: 2,
        // Long enough that a slow server does not count as silent.
        limits: Limits { answer: Duration::from_secs(60), ..Limits::default() },
        ..WorkloadOptions::at(vec![url])
    };
    let (history, _) = run(options).await.expect("it can be read");
    serving.abort();
    judge(&history)
}

/// All breaches except the hold itself, which no client requested.
fn others(verdict: &Verdict) -> usize {
    assert_eq!(verdict.count("phantom"), 1, "{verdict}");
    verdict.violations.len() - 1
}

#[tokio::test]
async fn a_hold_that_ends_during_the_read_is_read_again() {
    // It is listed twice each time: once to find holds, and once to be judged.
    for lists in [0, 1, 2, 3, 4, 5] {
        let verdict = verdict(Plot::EndsWhileItIsRead { lists }).await;
        assert_eq!(others(&verdict), 0, "after {lists} lists: {verdict}");
        assert_eq!(verdict.coverage.of("Held -> Expired"), 1, "{verdict}");
    }
}

/// The negative control: reading again does not hide a server's mistakes.
#[tokio::test]
async fn a_server_whose_count_contradicts_its_rows_is_caught() {
    let verdict = verdict(Plot::Miscounts).await;
    assert!(verdict.count("event_differs") > 0, "{verdict}");
}

#[tokio::test]
async fn a_server_that_never_stops_changing_is_judged_as_it_is() {
    let verdict = verdict(Plot::NeverRests).await;
    assert!(verdict.count("event_differs") > 0, "{verdict}");
}
