//! Whole dispatchers that write mails into folders, by a clock that the test advances. It begins
//! now, since the sender of a mail reads the real one.

mod telling;

use crate::mail::{Composer, MailConfig, MailUrl, Mailer};
use crate::reminders::{make, make_all_of};
use crate::webhook::client::{ClientOptions, WebhookClient};
use crate::webhook::signature::{PresentKey, ServerKey};
use crate::{Dispatcher, Hint, Links, Postman, Sender, Supervisor};
use booking_conformance::{ManualClock, MemoryStore};
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Clock, Command, DeliveryStore, EmailAddress, Event,
    EventCommand, EventId, EventName, Execution, Hold, HoldTtl, LeaseId, MailKind, NewEvent,
    OrganizerId, OrganizerName, Outcome, PageLimit, ReadStore, Registration, RegistrationId,
    RemindHours, SeatStore, SigningSeed, WhenBusy,
};
use chrono::{TimeDelta, Utc};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Far longer than any step takes.
const WITHIN: Duration = Duration::from_secs(30);
const HOUR: i64 = 3_600_000_000;

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

fn store() -> (MemoryStore, ManualClock) {
    let clock = ManualClock::at_micros(Utc::now().timestamp_micros());
    (MemoryStore::default().with_clock(clock.as_clock()), clock)
}

fn new_event(name: &str, seats: i64) -> NewEvent {
    let name = EventName::parse(name).expect("a valid name");
    let capacity = Capacity::parse(seats, CapacityMax::HIGHEST).expect("a valid capacity");
    NewEvent::new(Uuid::now_v7().into(), name, capacity)
}

/// Creates an event with reminders due in so many hours, a day before it begins.
async fn create(store: &MemoryStore, clock: &ManualClock, name: &str, hours: i64) -> Event {
    let new = new_event(name, 9).with(|new| {
        new.details.starts_at = Some(clock.now() + TimeDelta::hours(hours + 24));
        new.details.remind_hours = RemindHours::parse(24).ok();
    });
    store.create_event(new.expect("in order")).await.expect("the store answers")
}

async fn execute(store: &MemoryStore, event: &Event, command: Command) -> Outcome {
    execute_by(store, event, Caller::Operator, command).await
}

async fn execute_by(
    store: &MemoryStore,
    event: &Event,
    caller: Caller,
    command: Command,
) -> Outcome {
    let command = EventCommand::new(event.id, caller, command);
    let executions = store.execute(&[command], WhenBusy::Wait).await.expect("the store answers");
    match executions.into_iter().next() {
        Some(Execution::Decided(outcome)) => outcome,
        other => panic!("nothing was decided: {other:?}"),
    }
}

fn claim(event: &Event, who: &str) -> Claim {
    let id = RegistrationId::beside(event.id, Uuid::now_v7());
    Claim::new(id, EmailAddress::parse(&format!("{who}@example.org")).expect("an address"))
}

async fn register(store: &MemoryStore, event: &Event, who: &str) -> RegistrationId {
    match execute(store, event, Command::Register(claim(event, who).into())).await {
        Outcome::Confirmed(registration) => registration.id,
        other => panic!("not confirmed: {other:?}"),
    }
}

/// Routes all facts up to now, so that the only mails are reminders.
async fn mark_all_routed(store: &MemoryStore) {
    while store.route_facts(PageLimit::MAX).await.expect("the store answers") > 0 {}
}

fn dispatcher(store: &MemoryStore, folder: &Path) -> Dispatcher {
    let url = format!("file://{}", folder.display());
    let url = MailUrl::parse(&url).expect("it is a folder's");
    let from = "tickets@jazz.example".parse().expect("it is one");
    let config = MailConfig { url, from, reply_to: None, tls_ca: None };
    let mailer = Mailer::new(&config.url, None).expect("it is prepared");
    let composer = Composer::new(&config, "https://booking.example.org");
    let postman = Arc::new(Postman::new(composer, mailer, Arc::new(MadeUp)));
    let client = WebhookClient::new(&ClientOptions::default()).expect("it is prepared");
    let key = PresentKey::new(ServerKey::of(&SigningSeed::new([7; 32])));
    let sender = Sender::new(client, key);
    Dispatcher::new(Arc::new(store.clone()), sender, Some(postman), Hint::default())
}

/// Runs dispatchers until there is no new fact, no reminder and no mail left, and returns all mails
/// that they have sent.
async fn sent(store: &MemoryStore, dispatchers: usize) -> Vec<String> {
    let folders: Vec<_> = (0..dispatchers).map(|_| TempDir::new().expect("a folder")).collect();
    let is_done = || async {
        loop {
            let due = store.due_reminders(PageLimit::MAX).await.expect("the store answers");
            let backlog = store.backlog().await.expect("the store answers");
            let is_told = backlog.oldest_unrouted.is_none() && backlog.sinks.is_empty();
            if is_told && due.is_empty() && backlog.mails_due == 0 {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let running =
        folders.iter().map(|folder| dispatcher(store, folder.path()).run_until(is_done()));
    let running = futures_util::future::join_all(running);
    timeout(WITHIN, running).await.expect("it is done in time");
    let mut mails = Vec::new();
    for folder in &folders {
        for file in fs::read_dir(folder.path()).expect("it is there") {
            let mail = fs::read(file.expect("it is read").path()).expect("it is there");
            mails.push(String::from_utf8_lossy(&mail).into_owned());
        }
    }
    mails
}

/// The recipient and subject of each mail.
async fn notified(store: &MemoryStore, dispatchers: usize) -> Vec<String> {
    let mut notified = Vec::new();
    for mail in sent(store, dispatchers).await {
        let header = |name: &str| mail.lines().find_map(|line| line.strip_prefix(name));
        let (to, subject) = (header("To: "), header("Subject: "));
        notified.push(format!("{}: {}", to.expect("a To"), subject.expect("a Subject")));
    }
    notified.sort_unstable();
    notified
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_attendee_with_a_seat_is_reminded_once() {
    let (store, clock) = store();
    let soon = create(&store, &clock, "Jazz", 1).await;
    let later = create(&store, &clock, "Blues", 2).await;
    let called_off = create(&store, &clock, "Rock", 1).await;
    for event in [&soon, &later, &called_off] {
        register(&store, event, "ada").await;
        register(&store, event, "kay").await;
        let registration_id = register(&store, event, "gone").await;
        execute(&store, event, Command::Cancel { registration_id }).await;
        let ttl = HoldTtl::parse(60).expect("a valid time");
        let hold = Hold { claim: claim(event, "held"), ttl };
        execute(&store, event, Command::Hold(hold)).await;
    }
    execute(&store, &called_off, Command::CancelEvent).await;
    mark_all_routed(&store).await;

    clock.advance_micros(HOUR);
    assert_eq!(
        notified(&store, 2).await,
        ["ada@example.org: Soon: Jazz", "kay@example.org: Soon: Jazz"],
        "by one of two, and of the other event it is not the time yet"
    );
    clock.advance_micros(HOUR);
    assert_eq!(
        notified(&store, 1).await,
        ["ada@example.org: Soon: Blues", "kay@example.org: Soon: Blues"],
        "and not once more of what was before"
    );
}

#[tokio::test]
async fn a_restarted_reminder_creates_the_same_mails() {
    let (store, clock) = store();
    let event = create(&store, &clock, "Jazz", 1).await;
    let (ada, kay) = (register(&store, &event, "ada").await, register(&store, &event, "kay").await);
    clock.advance_micros(HOUR);
    let remind_at = clock.now();
    // It created the mails, but has not recorded that.
    assert!(make_all_of(&store, event.id, remind_at).await.expect("the store answers"));
    assert!(make(&store).await.expect("the store answers"));
    assert!(!make(&store).await.expect("the store answers"), "that is done");
    let claimed = async || {
        let lease = LeaseId::from(Uuid::now_v7());
        let claimed = store.claim_mails(9, lease).await.expect("the store answers");
        assert!(claimed.iter().all(|mail| mail.mail.kind == MailKind::Reminder), "{claimed:?}");
        let mut claimed: Vec<_> = claimed.iter().map(|mail| mail.mail.registration_id).collect();
        claimed.sort_unstable();
        claimed
    };
    let mut both = [ada, kay];
    both.sort_unstable();
    assert_eq!(claimed().await, both);

    // The control: at another time they are different mails.
    let another = remind_at + TimeDelta::hours(1);
    assert!(make_all_of(&store, event.id, another).await.expect("the store answers"));
    assert_eq!(claimed().await, both);
}

/// A server that begins to send mail does not remind of past events.
#[tokio::test]
async fn no_attendee_is_reminded_of_a_past_event() {
    let (store, clock) = store();
    let event = create(&store, &clock, "Jazz", -25).await;
    register(&store, &event, "ada").await;
    let due = store.due_reminders(PageLimit::MAX).await.expect("the store answers");
    assert_eq!(due.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [event.id]);
    assert!(!make(&store).await.expect("the store answers"));
    assert_eq!(store.due_reminders(PageLimit::MAX).await.expect("the store answers"), []);
    assert_eq!(store.backlog().await.expect("the store answers").mails_due, 0);
    assert!(store.event(event.id).await.expect("the store answers").is_some());
}

/// Waits until the condition holds.
async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(WITHIN, waiting).await.expect("it is so in time");
}

/// The loop that asks the store next panics, again and again, and later facts are still delivered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivery_recovers_after_its_loops_panic() {
    let breaks = Arc::<AtomicBool>::default();
    let of_clock = Arc::clone(&breaks);
    let clock: Clock = Arc::new(move || {
        assert!(!of_clock.swap(false, Ordering::SeqCst), "on purpose");
        Utc::now()
    });
    let store = MemoryStore::default().with_clock(clock);
    let folder = TempDir::new().expect("a folder");
    let supervisor = Supervisor::default().pausing(Duration::from_millis(5));
    let dispatcher = dispatcher(&store, folder.path()).supervised_by(supervisor.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(dispatcher.run_until(async { drop(stopped.await) }));
    let restarts = || supervisor.tasks().iter().map(|task| task.restarts).sum::<u64>();
    for round in 1..=6 {
        breaks.store(true, Ordering::SeqCst);
        until(|| restarts() == round).await;
    }
    until(|| supervisor.down() == 0).await;
    let (_, times) = self::store();
    let event = create(&store, &times, "Jazz", 1).await;
    register(&store, &event, "ada").await;
    let is_written = || fs::read_dir(folder.path()).expect("it is there").count() > 0;
    until(is_written).await;
    assert_eq!(restarts(), 6, "{:?}", supervisor.tasks());
    drop(stop);
    timeout(WITHIN, running).await.expect("it ends when it is told to").expect("without a panic");
}
