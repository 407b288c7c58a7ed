//! Receivers written with the reference libraries of Standard Webhooks, for Python and for Node.js, accept our
//! messages, and no others.

use booking_core::{
    Actor, EmailAddress, EndpointSecret, EndpointUrl, EventStatus, Fact, FactKind, Person,
    PersonName, SigningSeed, Version,
};
use booking_delivery::webhook::addresses::Reach;
use booking_delivery::webhook::client::{ClientOptions, Outcome, Reason, WebhookClient};
use booking_delivery::webhook::payload::{WebhookMessage, message_id};
use booking_delivery::webhook::signature::{Secrets, ServerKey, SignedHeaders, sign};
use chrono::{DateTime, TimeDelta, Utc};
use hyper::body::Bytes;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;
use uuid::Uuid;

/// `scripts/test.sh` reads it here.
const NPM_VERSION: &str = "1.1.1";

const SECRET: EndpointSecret = EndpointSecret::new([0x5a; 32]);
const OTHER: EndpointSecret = EndpointSecret::new([0xa5; 32]);

/// A process that is killed when this is dropped.
struct Receiver {
    process: Child,
    port: u16,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Receiver {
    /// Starts a receiver, which prints its port.
    fn start(command: &mut Command) -> Self {
        let started = command.stdout(Stdio::piped()).spawn();
        let mut process = started.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it prints its port");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("{command:?} printed {line:?}"));
        Self { process, port }
    }

    async fn receive(&self, message: &(SignedHeaders, Vec<u8>)) -> Outcome {
        let options = ClientOptions { reach: Reach::Private, ..ClientOptions::default() };
        let client = WebhookClient::new(&options).expect("its authorities can be read");
        let url = format!("http://127.0.0.1:{}/hooks", self.port);
        let url = EndpointUrl::parse(&url, true).expect("this machine");
        let (headers, body) = message;
        client.send(None, &url, headers, Bytes::from(body.clone())).await.outcome
    }
}

/// What scripts/test.sh puts into the build folder.
fn fetched(below: &str) -> PathBuf {
    let folders = Path::new(env!("CARGO_TARGET_TMPDIR")).ancestors();
    let found = folders.map(|folder| folder.join(below)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("no {below} in the folder of the build: run scripts/test.sh once, which fetches it")
    })
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receivers").join(name)
}

fn python() -> Receiver {
    let mut command = Command::new(fetched("python/bin/python"));
    command.arg(script("receiver.py")).arg(SECRET.to_text());
    Receiver::start(&mut command)
}

fn node(key: &ServerKey) -> Receiver {
    let below = format!("standardwebhooks/{NPM_VERSION}/node_modules/standardwebhooks");
    let library = fetched(&below);
    let folder = library.ancestors().nth(2).expect("it lies in node_modules").to_owned();
    let mut command = Command::new(env::var_os("NODE").unwrap_or_else(|| "node".into()));
    command.arg(script("receiver.mjs")).arg(folder).arg(SECRET.to_text()).arg(key.public_text());
    Receiver::start(&mut command)
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

fn key() -> ServerKey {
    ServerKey::of(&SigningSeed::new([7; 32]))
}

/// A message that is sent at `at`, with a name that has to be escaped and one that is not ASCII.
fn message(at: DateTime<Utc>, secrets: &Secrets, key: &ServerKey) -> (SignedHeaders, Vec<u8>) {
    let fact = Fact {
        kind: FactKind::Registered,
        registration_id: Some(Uuid::from_u128(2).into()),
        actor: Actor::Attendee,
        previous: None,
    };
    let person = Person {
        name: Some(PersonName::parse("Ada \"Ł\" \\ 🚀").expect("valid")),
        ..EmailAddress::parse("ada@bücher.example").expect("valid").into()
    };
    let (event_id, version) = (Uuid::from_u128(1).into(), Version::new(42));
    let message = WebhookMessage {
        fact: &fact,
        event_id,
        version,
        recorded_at: at,
        event_status: EventStatus::Published,
        person: Some(&person),
    };
    let body = message.body().expect("it is told");
    (sign(&message_id(event_id, version), at, &body, secrets, key), body)
}

const fn only(present: EndpointSecret) -> Secrets {
    Secrets { present, former: None }
}

const GENUINE: Outcome = Outcome::Done(204);
const REFUSED: Outcome =
    Outcome::Failed { status: Some(400), reason: Reason::Status, retry_after: None };

async fn accepts_only_genuine_messages(receiver: &Receiver) {
    let ours = message(now(), &only(SECRET), &key());
    assert_eq!(receiver.receive(&ours).await, GENUINE);
    // A repeated message is accepted, and so is one under the previous secret.
    assert_eq!(receiver.receive(&ours).await, GENUINE);
    let former = Secrets { present: OTHER, former: Some((SECRET, now() + TimeDelta::hours(1))) };
    assert_eq!(receiver.receive(&message(now(), &former, &key())).await, GENUINE);
    let replaced = Secrets { former: Some((SECRET, now() - TimeDelta::hours(1))), ..former };
    assert_eq!(receiver.receive(&message(now(), &replaced, &key())).await, REFUSED);

    assert_eq!(receiver.receive(&message(now(), &only(OTHER), &key())).await, REFUSED);
    for minutes in [-10, 10] {
        let at = now() + TimeDelta::minutes(minutes);
        assert_eq!(receiver.receive(&message(at, &only(SECRET), &key())).await, REFUSED);
    }
    let mut changed = ours.clone();
    let at = changed.1.iter().position(|byte| *byte == b'4').expect("of the version");
    changed.1[at] = b'5';
    assert_eq!(receiver.receive(&changed).await, REFUSED);
    let mut renamed = ours.clone();
    renamed.0.id.push('0');
    assert_eq!(receiver.receive(&renamed).await, REFUSED);
}

#[tokio::test]
async fn the_python_library_accepts_only_genuine_messages() {
    accepts_only_genuine_messages(&python()).await;
}

#[tokio::test]
async fn the_node_library_accepts_only_genuine_messages() {
    accepts_only_genuine_messages(&node(&key())).await;
}

#[tokio::test]
async fn the_servers_signature_is_checked_too() {
    let other = ServerKey::of(&SigningSeed::new([8; 32]));
    let receiver = node(&other);
    assert_eq!(receiver.receive(&message(now(), &only(SECRET), &other)).await, GENUINE);
    assert_eq!(receiver.receive(&message(now(), &only(SECRET), &key())).await, REFUSED);
}
