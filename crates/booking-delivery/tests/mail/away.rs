//! Whole dispatchers while the mail server is away, and once it is back.

use crate::sending::{away, message};
use crate::server::Server;
use booking_conformance::MemoryStore;
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Command, DeliveryStore, EmailAddress, Event,
    EventCommand, EventId, EventName, LeaseId, Mail, MailStep, NewEvent, NewMail, OrganizerId,
    OrganizerName, Registration, RegistrationId, SeatStore, SettledMail, SigningSeed, WhenBusy,
};
use booking_delivery::mail::{Admits, Breaker, Composer, MailConfig, MailUrl, Mailer};
use booking_delivery::webhook::client::{ClientOptions, WebhookClient};
use booking_delivery::webhook::signature::{PresentKey, ServerKey};
use booking_delivery::{Dispatcher, Hint, Links, Postman, Sender};
use chrono::{TimeDelta, Utc};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Far longer than any step takes.
const WITHIN: Duration = Duration::from_secs(60);
/// How long the server is away, at least: three tries are made meanwhile, after 1, 2 and 4 s.
const AWAY: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct MadeUp;

impl Links for MadeUp {
    fn private_link(&self, _: &Registration) -> Option<String> {
        Some("https://booking.example.org/#private".to_owned())
    }

    fn event_link(&self, _: EventId) -> Option<String> {
        None
    }

    fn ticket(&self, _: &Registration) -> String {
        "ticket".to_owned()
    }

    fn organizer(&self, _: OrganizerId) -> Option<OrganizerName> {
        None
    }
}

/// A dispatcher that runs until this is dropped.
struct Running {
    _stop: oneshot::Sender<()>,
    _task: JoinHandle<()>,
}

fn start(store: &MemoryStore, server: &Server, breaker: &Breaker) -> Running {
    let url = MailUrl::parse(&format!("smtp://127.0.0.1:{}", server.port)).expect("it is one");
    let from = "tickets@jazz.example".parse().expect("it is one");
    let config = MailConfig { url, from, reply_to: None, tls_ca: None };
    let mailer = Mailer::new(&config.url, None).expect("it is prepared");
    let mailer = mailer.watched_by(breaker.clone());
    let composer = Composer::new(&config, "https://booking.example.org");
    let postman = Arc::new(Postman::new(composer, mailer, Arc::new(MadeUp)));
    let client = WebhookClient::new(&ClientOptions::default()).expect("it is prepared");
    let key = PresentKey::new(ServerKey::of(&SigningSeed::new([7; 32])));
    let (sender, store) = (Sender::new(client, key), Arc::new(store.clone()));
    let dispatcher = Dispatcher::new(store, sender, Some(postman), Hint::default());
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(dispatcher.run_until(async { drop(stopped.await) }));
    Running { _stop: stop, _task: task }
}

async fn create(store: &MemoryStore, seats: usize) -> Event {
    let name = EventName::parse("Jazz").expect("a valid name");
    let capacity = Capacity::parse(seats as i64, CapacityMax::HIGHEST).expect("a valid capacity");
    let new = NewEvent::new(Uuid::now_v7().into(), name, capacity);
    let starts_at = Some(Utc::now() + TimeDelta::days(2));
    let new = new.with(|new| new.details.starts_at = starts_at).expect("in order");
    store.create_event(new).await.expect("the store answers")
}

async fn register(store: &MemoryStore, event: &Event, email: &str) {
    let id = RegistrationId::beside(event.id, Uuid::now_v7());
    let claim = Claim::new(id, EmailAddress::parse(email).expect("an address"));
    let command = Command::Register(claim.into());
    let command = EventCommand::new(event.id, Caller::Operator, command);
    store.execute(&[command], WhenBusy::Wait).await.expect("the store answers");
}

/// The due mails that no worker has claimed.
async fn unclaimed_mails(store: &MemoryStore) -> Vec<Mail> {
    let lease = LeaseId::from(Uuid::now_v7());
    let claimed = store.claim_mails(usize::MAX, lease).await.expect("the store answers");
    let put_back = claimed.iter().map(|claimed| {
        let NewMail { event_id, id, .. } = claimed.mail;
        SettledMail { event_id, id, lease, step: MailStep::PutBack }
    });
    let put_back: Vec<_> = put_back.collect();
    store.settle_mails(&put_back).await.expect("the store answers");
    claimed
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(WITHIN, waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

fn open_door(path: &Path) {
    fs::write(path, "").expect("there is room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_few_tries_are_made_and_no_mail_counts_one() {
    const MAILS: usize = 200;
    let folder = tempfile::tempdir().expect("there is room");
    let door = folder.path().join("open");
    let server = Server::start(&[format!("--let-in={}", door.display())]);
    let (store, breaker) = (MemoryStore::default(), Breaker::default());
    let running = start(&store, &server, &breaker);
    let event = create(&store, MAILS).await;
    for number in 0..MAILS {
        register(&store, &event, &format!("ada{number}@example.org")).await;
    }
    let due = async || store.backlog().await.expect("the store answers").mails_due == MAILS as u64;
    until("all mails are made", due).await;
    until("the server was found away", async || breaker.away_for().is_some()).await;
    sleep(AWAY).await;

    // As many as the most connections, and one after 1, 2 and 4 s.
    let refused = server.refused();
    assert!((2..=4 + 3).contains(&refused), "{refused} connections for {MAILS} mails");
    assert!(breaker.away_for().is_some_and(|away| away >= AWAY));
    let claimed = unclaimed_mails(&store).await;
    assert!(claimed.len() >= MAILS - 1, "one may be tried: {}", claimed.len());
    assert!(claimed.iter().all(|claimed| claimed.attempts == 0), "{claimed:?}");
    open_door(&door);
    until("the server was found again", async || breaker.admits() == Admits::All).await;
    let received = server.received(MAILS);
    let id = |bytes: Vec<u8>| {
        let mail = String::from_utf8(bytes).expect("it is ASCII");
        let line = mail.lines().find_map(|line| line.strip_prefix("Message-ID: "));
        line.expect("it has one").to_owned()
    };
    let ids: BTreeSet<_> = received.iter().map(|one| id(one.bytes())).collect();
    assert_eq!((received.len(), ids.len()), (MAILS, MAILS), "each once");
    assert_eq!(breaker.away_for(), None);
    drop(running);
}

/// The control: were each mail tried by itself, that many connections would be seen.
#[tokio::test]
async fn without_a_shared_breaker_every_mail_tries_the_server() {
    let server = Server::start(&["--let-in=/no/such/file"]);
    let url = MailUrl::parse(&format!("smtp://127.0.0.1:{}", server.port)).expect("it is one");
    let message = message(1, "ada@example.org");
    let ask = async |mailer: &Mailer| {
        let why = away(mailer.send(&message).await);
        assert!(why.starts_with("connecting: 421"), "{why}");
    };
    for asked in 1..=20 {
        ask(&Mailer::new(&url, None).expect("it is prepared")).await;
        assert_eq!(server.refused(), asked);
    }
    let one = Mailer::new(&url, None).expect("it is prepared");
    for _ in 0..20 {
        ask(&one).await;
    }
    assert!(server.refused() <= 20 + 5, "{}", server.refused());
}

/// The other one: a server that is reachable, and refuses a recipient for now, is not away. Each mail is tried by
/// itself, and the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_temporary_refusal_counts_for_that_mail_alone() {
    let server = Server::start(&[""; 0]);
    let (store, breaker) = (MemoryStore::default(), Breaker::default());
    let running = start(&store, &server, &breaker);
    let event = create(&store, 40).await;
    for number in 0..20 {
        register(&store, &event, &format!("later@{number}.example")).await;
        register(&store, &event, &format!("ada@{number}.example")).await;
    }
    let left = async || store.backlog().await.expect("the store answers").mails_due == 20;
    until("the others are sent", async || server.received(20).len() == 20 && left().await).await;
    assert_eq!(breaker.away_for(), None);
    // They come again after five seconds.
    let tried = async || {
        let claimed = unclaimed_mails(&store).await;
        claimed.iter().any(|claimed| claimed.attempts >= 1)
    };
    until("each is counted", tried).await;
    drop(running);
}
