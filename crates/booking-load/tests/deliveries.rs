//! The judge on deliveries: a correct dispatcher is clean, and each incorrect one is caught.
//!
//! The dispatchers and their store are simulated: transactions on several events at once, each of which takes a
//! number from one sequence and commits later, after others that took theirs later, or is rolled back.

use booking_load::judge::{
    Actor, Answer, EndEvent, EndRegistration, Endpoint, EventView, FinalResponse, History, Hours,
    Message, MessageData, MessageStatus, MessageType, Operation, Receipt, RegistrationView,
    Request, Status, Verdict, judge,
};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use uuid::Uuid;

const EVENTS: usize = 3;
const SEATS: u32 = 1_000;
/// The people who want a seat at each event.
const PEOPLE: u32 = 40;
const ENDPOINTS: [Uuid; 2] = [Uuid::from_u128(0xA), Uuid::from_u128(0xB)];
/// The microseconds of a step.
const STEP: u64 = 1_000;

fn event_id(event: usize) -> Uuid {
    Uuid::from_u128(0xE000 + event as u128)
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

/// How a dispatcher finds what to send.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cursor {
    /// For each event the version up to which it has sent.
    Version,
    /// For all events the number up to which it has sent.
    Sequence,
    /// As the first, but it reads uncommitted facts.
    Uncommitted,
}

/// A fact in the store.
#[derive(Debug, Clone)]
struct Row {
    sequence: u64,
    event: usize,
    version: u64,
    registration: Option<Uuid>,
    is_committed: bool,
}

/// An open transaction: its row, and its client.
#[derive(Clone, Copy)]
struct Open {
    row: usize,
    person: u32,
    invoked_at: u64,
}

struct Sale {
    random: fastrand::Rng,
    time: u64,
    rows: Vec<Row>,
    sequence: u64,
    open: [Option<Open>; EVENTS],
    /// The people still to be seated. A client whose transaction was rolled back retries after all others.
    line: [VecDeque<u32>; EVENTS],
    history: History,
    cursor: Cursor,
    sent: [u64; EVENTS],
    sent_sequence: u64,
}

impl Sale {
    fn new(cursor: Cursor, seed: u64) -> Self {
        let mut sale = Self {
            random: fastrand::Rng::with_seed(seed),
            time: STEP,
            rows: Vec::new(),
            sequence: 0,
            open: Default::default(),
            line: std::array::from_fn(|_| (0..PEOPLE).collect()),
            history: History::default(),
            cursor,
            sent: [0; EVENTS],
            sent_sequence: 0,
        };
        let endpoints = ENDPOINTS.map(|id| Endpoint { id, is_complete: true });
        sale.history.endpoints.extend(endpoints);
        for event in 0..EVENTS {
            let row = sale.insert(event, 1, None);
            sale.rows[row].is_committed = true;
            let request = Request::Create {
                capacity: SEATS,
                waitlist_enabled: false,
                offer_ttl_seconds: None,
            };
            let event_view = Some(sale.view(event));
            let decided =
                FinalResponse { status: 201, event: event_view, ..FinalResponse::default() };
            sale.note(event, format!("event-{event}"), 0, request, Answer::Decided(decided));
        }
        sale
    }

    /// Seats all people, and sends their messages.
    fn run(cursor: Cursor, seed: u64) -> History {
        let mut sale = Self::new(cursor, seed);
        loop {
            sale.dispatch();
            sale.time += STEP;
            let event = sale.random.usize(..EVENTS);
            match sale.open[event].take() {
                Some(open) => sale.end(event, open),
                None => sale.begin(event),
            }
            let is_busy =
                (0..EVENTS).any(|event| sale.open[event].is_some() || !sale.line[event].is_empty());
            if !is_busy {
                break;
            }
        }
        sale.dispatch();
        for event in 0..EVENTS {
            let shown = sale.view(event);
            sale.history.events.push(EndEvent { id: event_id(event), shown });
        }
        sale.history
    }

    fn insert(&mut self, event: usize, version: u64, registration: Option<Uuid>) -> usize {
        self.sequence += 1;
        let sequence = self.sequence;
        self.rows.push(Row { sequence, event, version, registration, is_committed: false });
        self.rows.len() - 1
    }

    /// The committed version of an event.
    fn version(&self, event: usize) -> u64 {
        let rows = self.rows.iter().filter(|row| row.event == event && row.is_committed);
        rows.map(|row| row.version).max().unwrap_or_default()
    }

    fn view(&self, event: usize) -> EventView {
        let version = self.version(event);
        EventView {
            capacity: SEATS,
            booked_count: u32::try_from(version - 1).expect("they have seats"),
            waitlist_count: 0,
            version,
            hours: Hours::default(),
            is_settled: true,
        }
    }

    /// A transaction locks its event, and so makes the version after the last.
    fn begin(&mut self, event: usize) {
        let Some(person) = self.line[event].pop_front() else { return };
        let version = self.version(event) + 1;
        // A new id at each try.
        let id = Uuid::from_u128(u128::from(self.sequence + 1) << 64);
        let row = self.insert(event, version, Some(id));
        self.open[event] = Some(Open { row, person, invoked_at: self.time - STEP / 4 });
    }

    fn end(&mut self, event: usize, open: Open) {
        let Open { row, person, invoked_at } = open;
        let user_email = format!("p{person}@load.example");
        let request = Request::Register { user_email: user_email.clone(), waits: false };
        let key = format!("{event}-{person}");
        if self.random.u8(..5) == 0 {
            self.rows[row].version = u64::MAX;
            self.line[event].push_back(person);
            return self.note(event, key, invoked_at, request, Answer::Undone { status: 503 });
        }
        self.rows[row].is_committed = true;
        let Row { version, registration, .. } = self.rows[row];
        let shown = RegistrationView {
            id: registration.expect("a seat is somebody's"),
            user_email,
            name: None,
            status: Status::Confirmed,
            expires_at: None,
            position: None,
            checked_in_at: None,
            timing: None,
            event_version: version,
            token: None,
        };
        let end =
            EndRegistration { event_id: event_id(event), shown: shown.clone(), history: None };
        self.history.registrations.push(end);
        let registration = Some(shown);
        let decided = FinalResponse { status: 201, registration, ..FinalResponse::default() };
        self.note(event, key, invoked_at, request, Answer::Decided(decided));
    }

    fn note(
        &mut self,
        event: usize,
        key: String,
        invoked_at: u64,
        request: Request,
        answer: Answer,
    ) {
        self.history.operations.push(Operation {
            client: 1,
            invoked_at,
            answered_at: self.time + STEP / 4,
            event_id: event_id(event),
            key: Some(key),
            request,
            answer,
        });
    }

    /// Sends whatever the dispatcher considers new.
    fn dispatch(&mut self) {
        let mut rows: Vec<Row> = self.rows.clone();
        rows.retain(|row| row.version != u64::MAX && self.is_new_to_cursor(row));
        rows.sort_by_key(|row| match self.cursor {
            Cursor::Sequence => row.sequence,
            Cursor::Version | Cursor::Uncommitted => row.version,
        });
        for row in rows {
            self.sent[row.event] = row.version;
            self.sent_sequence = row.sequence.max(self.sent_sequence);
            for endpoint in ENDPOINTS {
                self.send(endpoint, &row);
            }
        }
    }

    fn is_new_to_cursor(&self, row: &Row) -> bool {
        match self.cursor {
            Cursor::Version => row.is_committed && row.version > self.sent[row.event],
            Cursor::Sequence => row.is_committed && row.sequence > self.sent_sequence,
            Cursor::Uncommitted => row.version > self.sent[row.event],
        }
    }

    fn send(&mut self, endpoint: Uuid, row: &Row) {
        let event_id = event_id(row.event);
        let (r#type, status, actor) = match row.registration {
            None => (MessageType::EventPublished, MessageStatus::Published, Actor::Organizer),
            Some(_) => (MessageType::Confirmed, MessageStatus::Confirmed, Actor::Attendee),
        };
        let data = MessageData {
            event_id,
            version: row.version,
            registration_id: row.registration,
            status: Some(status),
            actor,
        };
        self.history.receipts.push(Receipt {
            endpoint,
            received_at: self.time,
            id: format!("msg_{}_{}", event_id.simple(), row.version),
            is_signed: true,
            is_accepted: true,
            seen_version: Some(self.version(row.event)),
            message: Some(Message { r#type, timestamp: now(), data }),
        });
    }
}

fn good() -> History {
    Sale::run(Cursor::Version, 1)
}

#[test]
fn a_cursor_of_versions_over_what_is_committed_is_clean() {
    for seed in 0..20 {
        let verdict = judge(&Sale::run(Cursor::Version, seed));
        assert!(verdict.is_clean(), "{seed}: {verdict}");
        let changes = EVENTS * (PEOPLE as usize + 1);
        assert_eq!((verdict.changes, verdict.messages), (changes, changes * ENDPOINTS.len()));
        assert_eq!(verdict.coverage.of("message: event.published") as usize, EVENTS * 2);
        assert!(verdict.coverage.of("answer: not now") > 0, "some were rolled back: {verdict}");
    }
}

/// The transaction that takes a number first may commit last: its fact is skipped, and no message is sent of it.
#[test]
fn a_cursor_of_sequence_numbers_is_caught() {
    for seed in 0..20 {
        let verdict = judge(&Sale::run(Cursor::Sequence, seed));
        assert!(verdict.count("message_lost") > 0, "{seed}: {verdict}");
    }
}

#[test]
fn sending_before_the_commit_is_caught() {
    for seed in 0..20 {
        let mut history = Sale::run(Cursor::Uncommitted, seed);
        let verdict = judge(&history);
        assert!(verdict.count("message_before_commit") > 0, "{seed}: {verdict}");
        // Also where no receiver looks back: what was rolled back was sent, and what came in its place was not.
        for receipt in &mut history.receipts {
            receipt.seen_version = None;
        }
        let verdict = judge(&history);
        assert!(verdict.count("message_differs") > 0, "{seed}: {verdict}");
    }
}

/// A receipt of the first endpoint: of that version of the first event.
fn receipt(history: &mut History, version: u64) -> &mut Receipt {
    let receipts = history.receipts.iter_mut();
    receipts
        .filter(|receipt| receipt.endpoint == ENDPOINTS[0])
        .find(|receipt| {
            let data = &receipt.message.as_ref().expect("it is one").data;
            (data.event_id, data.version) == (event_id(0), version)
        })
        .expect("it was told")
}

fn message(history: &mut History, version: u64) -> &mut Message {
    receipt(history, version).message.as_mut().expect("it is one")
}

fn remove(history: &mut History, version: u64) -> Receipt {
    let removed = receipt(history, version).clone();
    history.receipts.retain(|receipt| *receipt != removed);
    removed
}

fn last(history: &History) -> u64 {
    history.events[0].shown.version
}

type Change = (&'static str, &'static str, fn(&mut History));

/// Corruptions of correct deliveries, and the rule that each breaks.
const CORRUPTIONS: &[Change] = &[
    ("a message that never came", "message_lost", |history| drop(remove(history, 7))),
    ("the last that never came", "message_lost", |history| {
        let last = last(history);
        remove(history, last);
    }),
    ("one that was never taken", "message_lost", |history| {
        receipt(history, 7).is_accepted = false;
    }),
    ("two in the other order", "message_out_of_order", |history| {
        let (first, second) = (receipt(history, 7).received_at, receipt(history, 8).received_at);
        receipt(history, 7).received_at = second;
        receipt(history, 8).received_at = first;
    }),
    ("one passed over for a while", "message_out_of_order", |history| {
        let again = receipt(history, 7).clone();
        receipt(history, 7).is_accepted = false;
        history.receipts.push(Receipt { received_at: u64::MAX, ..again });
    }),
    ("the same under another id", "message_under_another_id", |history| {
        let again = receipt(history, 7).clone();
        history.receipts.push(Receipt { id: "msg_another".into(), ..again });
    }),
    ("another under the same id", "message_under_another_id", |history| {
        let id = receipt(history, 7).id.clone();
        let again = receipt(history, 8).clone();
        history.receipts.push(Receipt { id, ..again });
    }),
    ("one before anybody asked", "message_before_commit", |history| {
        receipt(history, 7).received_at = 0;
    }),
    ("one before it could be read", "message_before_commit", |history| {
        receipt(history, 7).seen_version = Some(6);
    }),
    ("one of what never was", "message_of_nothing", |history| {
        let last = last(history);
        let mut another = receipt(history, last).clone();
        another.id = "msg_of_nothing".into();
        another.seen_version = None;
        another.message.as_mut().expect("it is one").data.version = last + 1;
        history.receipts.push(another);
    }),
    ("another status", "message_differs", |history| {
        message(history, 7).data.status = Some(MessageStatus::Held);
    }),
    ("no status", "message_differs", |history| message(history, 7).data.status = None),
    ("another registration", "message_differs", |history| {
        message(history, 7).data.registration_id = Some(Uuid::from_u128(99));
    }),
    ("a registration where it is the event", "message_differs", |history| {
        message(history, 1).data.registration_id = Some(Uuid::from_u128(99));
    }),
    ("another type", "message_differs", |history| {
        message(history, 7).r#type = MessageType::Held;
    }),
    ("an event that was called off", "message_differs", |history| {
        message(history, 1).data.status = Some(MessageStatus::Cancelled);
    }),
    ("one that is not signed", "message_unsigned", |history| {
        receipt(history, 7).is_signed = false;
    }),
    ("something that is no message", "message_unreadable", |history| {
        let again = receipt(history, 7).clone();
        history.receipts.push(Receipt { message: None, ..again });
    }),
];

#[test]
fn every_wrong_delivery_is_caught() {
    for &(name, rule, corrupt) in CORRUPTIONS {
        let mut history = good();
        corrupt(&mut history);
        let verdict: Verdict = judge(&history);
        assert!(verdict.count(rule) > 0, "{name}: {verdict}");
        // The breach names the endpoint.
        let blamed = verdict.violations.iter().all(|it| it.breach.endpoint() == Some(ENDPOINTS[0]));
        assert!(blamed, "{name}: {verdict}");
    }
}

/// Correct deliveries that look like one of those.
const HARMLESS: &[Change] = &[
    ("the same again, later", "message: again", |history| {
        let again = receipt(history, 7).clone();
        history.receipts.push(Receipt { received_at: u64::MAX, ..again });
    }),
    ("one that was taken at the second try", "message: not taken", |history| {
        let again = receipt(history, 7).clone();
        receipt(history, 7).is_accepted = false;
        history.receipts.push(Receipt { received_at: again.received_at + 1, ..again });
    }),
    ("one of an event that was there before", "message: of no event of the run", |history| {
        let mut another = receipt(history, 7).clone();
        another.id = "msg_of_another".into();
        another.message.as_mut().expect("it is one").data.event_id = Uuid::from_u128(99);
        history.receipts.push(another);
    }),
    ("a receiver that is never there", "message: event.published", |history| {
        history.receipts.retain(|receipt| receipt.endpoint != ENDPOINTS[0]);
        history.endpoints[0].is_complete = false;
    }),
];

#[test]
fn correct_deliveries_that_look_wrong_are_clean() {
    for &(name, reached, change) in HARMLESS {
        let mut history = good();
        change(&mut history);
        let verdict = judge(&history);
        assert!(verdict.is_clean(), "{name}: {verdict}");
        assert_eq!(verdict.coverage.missing(&[reached]), [""; 0], "{name}");
    }
}

#[test]
fn deliveries_survive_a_round_trip_through_a_file() {
    let good = good();
    let mut read = History::default();
    for record in good.records() {
        let line = serde_json::to_string(&record).expect("it is plain data");
        read.read_line(&line).expect("it is a record");
    }
    assert_eq!(judge(&read).to_string(), judge(&good).to_string());
    assert_eq!((read.endpoints, read.receipts), (good.endpoints, good.receipts));
}

/// As the server sends them, with more fields than are read.
#[test]
fn messages_of_the_contract_are_parsed() {
    let text = r#"{"type":"registration.check_in_undone","timestamp":"2026-05-01T19:00:00.123456Z","data":{
        "event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7","version":42,"status":"confirmed","actor":"organizer",
        "registration_id":"0190f1c5-01b3-7d20-8c4f-5e11223344e7","person":{"user_email":"a@b.example","name":null}}}"#;
    let message: Message = serde_json::from_str(text).expect("it is one");
    assert_eq!(message.r#type, MessageType::CheckInUndone);
    assert_eq!(message.data.status, Some(MessageStatus::Confirmed));
    assert_eq!((message.data.version, message.data.actor), (42, Actor::Organizer));
    for text in ["{}", r#"{"type":"webhook.test","timestamp":"2026-05-01T19:00:00Z","data":{}}"#] {
        assert!(serde_json::from_str::<Message>(text).is_err(), "{text}");
    }
}
