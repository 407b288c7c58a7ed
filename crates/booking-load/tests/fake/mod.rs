//! A small server with just enough of the contract, which it breaks on request. Written by hand, so that it costs
//! little next to the generator that is measured against it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

const PAGE_ROWS: usize = 100;
/// The secret of every webhook endpoint: the bytes from 0 to 31.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PATH_REGISTER: &str = "POST /events/e1/register ";

/// How the server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quirk {
    /// It does not.
    Honest,
    /// It gives one seat more than there are.
    Oversells,
    /// It does not list the third winner.
    LosesWinner,
    /// Every third client's first try is answered with 503.
    Sheds,
    /// Every third client's first answer is cut off in the middle, its seat taken.
    HangsUp,
    /// Every third client's first try is answered with 504, its seat taken.
    Unknown,
    /// Every third client's first try is never answered, its seat taken.
    Silent,
    /// A tenth of the clients are refused with a 400.
    Picky,
    /// The registrations come newest first.
    NewestFirst,
    /// Its answer to a registration is no JSON.
    Gibberish,
    /// As soon as half of the seats are taken it answers that they are sold out.
    Undersells,
}

#[derive(Default)]
pub(crate) struct State {
    capacity: usize,
    rows: Vec<String>,
    /// By e-mail address: the number of tries, and whether it has a seat.
    clients: HashMap<String, (u32, bool)>,
    /// How many webhook endpoints were created.
    webhooks: u32,
}

/// What to write, and whether to go on afterwards.
enum Reply {
    Whole(String),
    /// Half of it, then hang up.
    Half(String),
    Never,
}

/// A running server. It survives connection errors, and stops when dropped.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    quirk: Quirk,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Fake {
    pub(crate) async fn start(quirk: Quirk) -> Self {
        Self::serve("127.0.0.1:0", quirk, Arc::default()).await
    }

    /// A second server on the same state, which may misbehave in another way.
    pub(crate) async fn beside(&self, quirk: Quirk) -> Self {
        Self::serve("127.0.0.1:0", quirk, Arc::clone(&self.state)).await
    }

    /// Cuts every connection at once and restarts at the same address after `pause`.
    pub(crate) async fn restart(self, pause: Duration) -> Self {
        let (address, quirk, state) = (self.address.to_string(), self.quirk, self.state.clone());
        drop(self);
        tokio::time::sleep(pause).await;
        Self::serve(&address, quirk, state).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many seats are taken.
    pub(crate) fn taken(&self) -> usize {
        self.state.lock().expect("no test panics with it").rows.len()
    }

    pub(crate) async fn serve(address: &str, quirk: Quirk, state: Arc<Mutex<State>>) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(converse(stream, quirk, Arc::clone(&shared)));
            }
        });
        Self { address, quirk, state, accepting }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse(mut stream: TcpStream, quirk: Quirk, state: Arc<Mutex<State>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    loop {
        while !is_whole(&buffer) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let request = String::from_utf8_lossy(&buffer).into_owned();
        buffer.clear();
        let reply = state.lock().expect("no test panics with it").reply(&request, quirk);
        match reply {
            Reply::Whole(text) => stream.write_all(text.as_bytes()).await?,
            Reply::Half(text) => return stream.write_all(&text.as_bytes()[..text.len() / 2]).await,
            Reply::Never => std::future::pending().await,
        }
    }
}

/// Requests are never pipelined here, so the buffer holds at most one.
fn is_whole(buffer: &[u8]) -> bool {
    let Some(head_end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).to_ascii_lowercase();
    let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
        rest.split("\r\n").next().and_then(|n| n.parse().ok()).expect("a length is a number")
    });
    buffer.len() >= head_end + 4 + length
}

impl State {
    fn reply(&mut self, request: &str, quirk: Quirk) -> Reply {
        if request.starts_with(PATH_REGISTER) {
            return self.register(string_in(request, "user_email"), quirk);
        }
        Reply::Whole(if request.starts_with("POST /events ") {
            let capacity = request.rsplit_once("\"capacity\":").expect("there is one").1;
            *self = Self::default();
            self.capacity = capacity.trim_end_matches('}').parse().expect("a number");
            self.event("201 Created")
        } else if request.starts_with("GET /events/e1 ") {
            self.event("200 OK")
        } else if let Some(query) = request.strip_prefix("GET /events/e1/registrations") {
            self.page(query, quirk)
        } else if request.starts_with("POST /webhooks ") {
            self.webhooks += 1;
            let (number, secret) = (self.webhooks, WEBHOOK_SECRET);
            let id = format!("00000000-0000-0000-0000-{number:012}");
            answer("201 Created", "", &format!(r#"{{"id":"{id}","secret":"{secret}","later":1}}"#))
        } else if request.starts_with("DELETE /webhooks/") {
            answer("204 No Content", "", "")
        } else if request.starts_with("GET /health ") {
            answer("200 OK", "", r#"{"status":"ok"}"#)
        } else {
            problem("404 Not Found", "not_found", "")
        })
    }

    fn register(&mut self, email: &str, quirk: Quirk) -> Reply {
        let order = self.clients.len();
        let (tries, has_seat) = self.clients.entry(email.to_owned()).or_default();
        *tries += 1;
        let first_of_three = *tries == 1 && order.is_multiple_of(3);
        if quirk == Quirk::Picky && order.is_multiple_of(10) {
            return Reply::Whole(problem("400 Bad Request", "validation", ""));
        }
        if quirk == Quirk::Sheds && first_of_three {
            let shed = problem("503 Service Unavailable", "overloaded", "retry-after: 0\r\n");
            return Reply::Whole(shed);
        }
        if *has_seat {
            return Reply::Whole(problem("409 Conflict", "already_registered", ""));
        }
        let seats = match quirk {
            Quirk::Oversells => self.capacity + 1,
            Quirk::Undersells => self.capacity / 2,
            _ => self.capacity,
        };
        if self.rows.len() >= seats {
            return Reply::Whole(problem("409 Conflict", "sold_out", ""));
        }
        *has_seat = true;
        let number = self.rows.len();
        let row = format!(
            r#"{{"id":"r{number}","event_id":"e1","user_email":"{email}","created_at":"2030-01-01T00:00:00.{number:06}Z"}}"#
        );
        self.rows.push(row.clone());
        let created = answer("201 Created", "", &row);
        match quirk {
            Quirk::HangsUp if first_of_three => Reply::Half(created),
            Quirk::Unknown if first_of_three => {
                Reply::Whole(problem("504 Gateway Timeout", "outcome_unknown", ""))
            }
            Quirk::Silent if first_of_three => Reply::Never,
            Quirk::Gibberish => Reply::Whole(answer("201 Created", "", "ok!")),
            _ => Reply::Whole(created),
        }
    }

    fn event(&self, status: &str) -> String {
        let (capacity, booked) = (self.capacity, self.rows.len());
        let body = format!(
            r#"{{"id":"e1","name":"n","capacity":{capacity},"booked_count":{booked},"created_at":"2030-01-01T00:00:00Z","later":1}}"#
        );
        answer(status, "location: /events/e1\r\n", &body)
    }

    fn page(&self, query: &str, quirk: Quirk) -> String {
        let mut rows: Vec<_> = self.rows.iter().map(String::as_str).collect();
        match quirk {
            Quirk::LosesWinner if rows.len() > 2 => drop(rows.remove(2)),
            Quirk::NewestFirst => rows.reverse(),
            _ => {}
        }
        let from = query.strip_prefix("?cursor=").and_then(|rest| rest.split(' ').next());
        let from: usize = from.map_or(0, |from| from.parse().expect("our own cursor"));
        let to = rows.len().min(from + PAGE_ROWS);
        let mut headers = String::new();
        if to < rows.len() {
            // A relative link, and one that must be ignored.
            let _ = write!(headers, "link: <x>; rel=\"prev\", <?cursor={to}>; rel=\"next\"\r\n");
        }
        answer("200 OK", &headers, &format!("[{}]", rows[from..to].join(",")))
    }
}

fn string_in<'a>(request: &'a str, name: &str) -> &'a str {
    let (_, rest) = request.split_once(&format!("\"{name}\":\"")).expect("it is there");
    rest.split('"').next().expect("split gives one at least")
}

fn problem(status: &str, code: &str, headers: &str) -> String {
    answer(status, headers, &format!(r#"{{"code":"{code}","detail":"as it is"}}"#))
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}
