//! The client's address behind real proxies, whatever clients send in the headers that proxies write.
//!
//! Clients differ by their source address: all of 127.0.0.0/8 is this machine on Linux. On macOS each address has
//! to be made first, as in `ifconfig lo0 alias 127.0.0.10`.

#[path = "../common/mod.rs"]
mod common;
mod haproxy;
mod nginx;

use common::acts::{done, refused};
use common::http::{self, Answer};
use common::sse::{Item, Watch};
use common::{App, Data};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(30);
/// The limits of clients: writes, and holds.
const BURST: usize = 5;
const HOLDS_MAX: usize = 3;

/// The lines by which a client pretends to be another, which is `@`.
const FORGERIES: &[&str] = &[
    "",
    "Forwarded: for=@",
    "forwarded: For=\"@:4711\";proto=https;by=127.0.0.1",
    "Forwarded: for=@, for=127.0.0.1",
    "X-Forwarded-For: @",
    "x-forwarded-for: @",
    "X-Forwarded-For: @, 127.0.0.1",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-For: ::1, [::ffff:127.0.0.1]:80",
    // Input that might make the proxy's own entry unreadable.
    "X-Forwarded-For: @, \"",
    "X-Forwarded-For: unknown",
    "Forwarded: for=\"@",
    "Forwarded: for=_hidden, for=\"",
    "X-Forwarded-For:",
    // Both, and several lines of each.
    "Forwarded: for=@\r\nX-Forwarded-For: @",
    "X-Forwarded-For: @\r\nForwarded: for=@",
    "X-Forwarded-For: @\r\nX-Forwarded-For: @\r\nX-Forwarded-For: 127.0.0.1",
    "Forwarded: for=@\r\nForwarded: for=@\r\nForwarded: for=127.0.0.1",
    "Forwarded: for=@\r\nX-Forwarded-For: @\r\nForwarded: for=\"\r\nX-Forwarded-For: _",
    // The headers that other proxies write.
    "X-Real-IP: @\r\nX-Client-IP: @\r\nCF-Connecting-IP: @\r\nTrue-Client-IP: @\r\nX-Forwarded: for=@",
    "X_Forwarded_For: @",
    // A proxy that honoured this would remove its own entry again.
    "Connection: close, X-Forwarded-For, Forwarded, X-Real-IP\r\nX-Forwarded-For: @",
];

/// A client's address, unique for each test of each forgery.
fn source(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, u8::try_from(number).expect("there are not so many forgeries"))
}

/// Posts to `url` from `source`, with these header lines as they are, in which `@` is `pretended`.
#[track_caller]
fn post(
    url: &str,
    source: Ipv4Addr,
    path: &str,
    (forgery, pretended): (&str, &str),
    body: &Value,
) -> Answer {
    let body = body.to_string();
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n",
        body.len()
    );
    if !forgery.contains("Connection:") {
        head.push_str("Connection: close\r\n");
    }
    if !forgery.is_empty() {
        head.push_str(&forgery.replace('@', pretended));
        head.push_str("\r\n");
    }
    let mut stream = connect_from(source, url);
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("the proxy reads");
    http::read_all(stream)
}

#[track_caller]
fn connect_from(source: Ipv4Addr, url: &str) -> TcpStream {
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    let address: SocketAddr = address.expect("a plain URL");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let bound = socket.bind(&SocketAddr::from((source, 0)).into());
    bound.unwrap_or_else(|error| panic!("{source} is no address of this machine: {error}"));
    socket.connect(&address.into()).expect("the proxy accepts");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(WITHIN)).expect("it is open");
    stream
}

/// A server that trusts the proxy on this machine, in the header `believed`, and limits how often each client
/// writes.
fn limited(believed: &str) -> App {
    App::start_with(
        Data::sqlite(),
        &[
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("CLIENT_ADDRESS_HEADER", believed),
            ("CLIENT_RATE", "1"),
            ("CLIENT_BURST", "5"),
        ],
    )
}

/// The same, but with a limit on how many seats each client holds.
fn limited_in_holds(believed: &str) -> App {
    App::start_with(
        Data::sqlite(),
        &[
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("CLIENT_ADDRESS_HEADER", believed),
            ("CLIENT_RATE", "0"),
            ("CLIENT_HOLDS_MAX", "3"),
        ],
    )
}

/// An event of a server, behind a proxy.
struct Sale<'a> {
    url: &'a str,
    event: String,
}

impl<'a> Sale<'a> {
    fn start(app: &App, url: &'a str) -> Self {
        Self { url, event: app.create(5_000) }
    }

    /// Registers another address.
    #[track_caller]
    fn register(&self, source: Ipv4Addr, forged: (&str, &str)) -> Answer {
        let answer = self.take("register", source, forged);
        assert!([201, 429].contains(&answer.status), "{forged:?}: {answer:?}");
        answer
    }

    /// Holds a seat for another address.
    #[track_caller]
    fn hold(&self, source: Ipv4Addr, forged: (&str, &str)) -> Answer {
        self.take("holds", source, forged)
    }

    #[track_caller]
    fn take(&self, what: &str, source: Ipv4Addr, forged: (&str, &str)) -> Answer {
        let path = format!("/events/{}/{what}", self.event);
        let email = format!("{}@example.org", uuid::Uuid::now_v7());
        post(self.url, source, &path, forged, &json!({"user_email": email}))
    }

    /// How many of 20 writes from `source` are accepted, each of which pretends to be a new client; and how many
    /// were refilled meanwhile, at most.
    #[track_caller]
    fn flood(&self, source: Ipv4Addr, forgery: &str) -> (usize, usize) {
        let began = Instant::now();
        let accepted = (0..20)
            .filter(|number| {
                let pretended = format!("198.51.100.{number}");
                self.register(source, (forgery, &pretended)).status == 201
            })
            .count();
        (accepted, began.elapsed().as_secs() as usize + 1)
    }
}

/// A change arrives at once through a proxy that would rather buffer more, and the end is passed on.
#[track_caller]
fn assert_streams_pass(app: &mut App, url: &str) {
    let event = app.create(5);
    let path = format!("/events/{event}/live");
    let mut stream = Watch::over(connect_from(source(10), url), &path, &[]).expect("a stream");
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.seats()["booked_count"], 0);
    for number in 1..=3 {
        done(&app.register(&event, &format!("{number}@example.org")), 201);
        stream.until(|seats| seats["booked_count"] == number);
    }
    assert_eq!(stream.next(), Item::Comment, "it is kept, though nothing happens");
    app.server.terminate();
    assert_eq!(stream.next(), Item::End);
}

/// No client gets more than one address may by its headers, and no other gets less.
#[track_caller]
fn assert_rates_hold(app: &App, url: &str) {
    let sale = Sale::start(app, url);
    for (number, forgery) in FORGERIES.iter().enumerate() {
        let (forger, victim) = (source(10 + number), source(110 + number));
        let (accepted, refilled) = sale.flood(forger, forgery);
        assert!(
            (BURST..=BURST + refilled).contains(&accepted),
            "{accepted} of 20 were accepted with {forgery:?}"
        );
        for _ in 0..BURST {
            sale.register(forger, (forgery, &victim.to_string()));
        }
        let answer = sale.register(victim, ("", ""));
        let standing = answer.header("ratelimit").unwrap_or_default();
        let is_new = standing.starts_with(&format!("\"client\";r={};", BURST - 1));
        assert!(is_new && answer.status == 201, "{forgery:?} left {victim} with {standing:?}");
    }
    app.assert_audit_is_clean();
}

/// The same for the seats that one address may hold.
#[track_caller]
fn assert_holds_are_bounded(app: &App, url: &str) {
    let sale = Sale::start(app, url);
    for (number, forgery) in FORGERIES.iter().enumerate() {
        let (forger, victim) = (source(10 + number), source(110 + number));
        for number in 0..HOLDS_MAX {
            done(&sale.hold(forger, (forgery, &format!("198.51.100.{number}"))), 201);
        }
        for pretended in ["198.51.100.77", "127.0.0.1", &victim.to_string()] {
            refused(&sale.hold(forger, (forgery, pretended)), 429, "rate_limited");
        }
        for _ in 0..HOLDS_MAX {
            done(&sale.hold(victim, ("", "")), 201);
        }
    }
    app.assert_audit_is_clean();
}
