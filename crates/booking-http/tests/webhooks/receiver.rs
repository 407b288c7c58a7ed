//! A receiver of webhooks over plain sockets, which records all messages and gives the set answers.

use crate::common::described::fault_of_message;
use crate::common::http::read_some;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait for an expected message: a retry is after 6 s, a lease ends after 10.
const WITHIN: Duration = Duration::from_secs(60);

/// A message as it came, and the answer to it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) status: u16,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map_or("", |(_, value)| value)
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body is JSON")
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().expect("it has a type").to_owned()
    }

    pub(crate) fn version(&self) -> u64 {
        self.json()["data"]["version"].as_u64().expect("it has a version")
    }

    pub(crate) fn is_of(&self, event: &str) -> bool {
        self.json()["data"]["event_id"] == event
    }

    /// Whether one of its signatures is that secret's (Standard Webhooks 1.0.0).
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let key = secret.strip_prefix("whsec_").expect("it says what it is");
        let key = STANDARD.decode(key).expect("it is base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length will do");
        mac.update(format!("{}.{}.", self.id(), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let own = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures().any(|signature| signature == own)
    }

    /// Whether one of its signatures is of the server's key with that public half.
    pub(crate) fn is_signed_by_key(&self, whpk: &str) -> bool {
        let key = whpk.strip_prefix("whpk_").expect("it says what it is");
        let key = STANDARD.decode(key).expect("it is base64");
        let key: [u8; 32] = key.try_into().expect("32 bytes");
        let key = VerifyingKey::from_bytes(&key).expect("it is a key");
        let signed = format!("{}.{}.", self.id(), self.header("webhook-timestamp"));
        let signed = [signed.as_bytes(), &self.body].concat();
        self.signatures().filter_map(|one| one.strip_prefix("v1a,")).any(|signature| {
            let signature = STANDARD.decode(signature).expect("it is base64");
            let signature = Signature::from_slice(&signature).expect("64 bytes");
            key.verify_strict(&signed, &signature).is_ok()
        })
    }

    pub(crate) fn signatures(&self) -> impl Iterator<Item = &str> {
        self.header("webhook-signature").split(' ')
    }
}

/// It runs until the test ends.
pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    received: Mutex<Vec<Message>>,
    status: AtomicU16,
    holds: AtomicBool,
}

impl Receiver {
    /// One that takes everything.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            status: AtomicU16::new(200),
            holds: AtomicBool::new(false),
        });
        let of_listener = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_listener);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { url, shared }
    }

    /// From now on it answers so.
    pub(crate) fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// From now on it answers no request, or all requests again.
    pub(crate) fn hold(&self, holds: bool) {
        self.shared.holds.store(holds, Ordering::SeqCst);
    }

    /// All messages. Each has to match the description of the API.
    #[track_caller]
    pub(crate) fn received(&self) -> Vec<Message> {
        let received = self.shared.received.lock().expect("no panic").clone();
        for message in &received {
            assert_eq!(fault_of_message(&message.json()), None, "{message:?}");
            for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
                assert_ne!(message.header(name), "", "{name}: {message:?}");
            }
        }
        received
    }

    /// The messages about an event.
    pub(crate) fn of(&self, event: &str) -> Vec<Message> {
        let mut received = self.received();
        received.retain(|message| message.is_of(event));
        received
    }

    /// The versions of an event in its messages, in the order of their first arrival.
    pub(crate) fn versions(&self, event: &str) -> Vec<u64> {
        let mut versions = Vec::new();
        for version in self.of(event).iter().map(Message::version) {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        versions
    }

    /// Waits until the messages satisfy a condition.
    #[track_caller]
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        mut see: impl FnMut(&[Message]) -> Option<T>,
    ) -> T {
        until(what, || see(&self.received()))
    }

    /// Waits until an event's versions up to `last` have come, from `first` on, in order.
    #[track_caller]
    pub(crate) fn wait_for_versions(&self, event: &str, first: u64, last: u64) {
        let all: Vec<u64> = (first..=last).collect();
        until(&format!("versions {first} to {last}"), || {
            (self.versions(event).len() >= all.len()).then_some(())
        });
        assert_eq!(self.versions(event), all);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(WITHIN))?;
        let Some((headers, body)) = read(&mut stream)? else { return Ok(()) };
        let since = Instant::now();
        while self.holds.load(Ordering::SeqCst) && since.elapsed() < WITHIN {
            thread::sleep(Duration::from_millis(5));
        }
        let status = self.status.load(Ordering::SeqCst);
        self.received.lock().expect("no panic").push(Message { headers, body, status });
        // The body of its answer, which no client must see.
        let said = "the receiver's own secret";
        write!(
            stream,
            "HTTP/1.1 {status} Whatever\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{said}",
            said.len()
        )
    }
}

type Request = (Vec<(String, String)>, Vec<u8>);

/// Reads a request by its length; `None` if there is none.
fn read(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let headers: Vec<(String, String)> = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize =
                length.and_then(|(_, value)| value.parse().ok()).expect("bodies have lengths");
            if bytes.len() >= end + 4 + length {
                return Ok(Some((headers, bytes[end + 4..end + 4 + length].to_vec())));
            }
        }
        match read_some(stream, &mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Polls until there is a value.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut see: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = see() {
            return seen;
        }
        assert!(since.elapsed() < WITHIN, "not within {WITHIN:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
