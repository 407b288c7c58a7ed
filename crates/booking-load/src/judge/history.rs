//! The record of a run: every request and its answer, and the servers' final state.
//!
//! As a file it is one JSON object a line, so that an interrupted run can be read too.

use super::receipts::{Endpoint, Receipt};
use super::status::{Actor, Status};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The complete record of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Every request, in any order.
    pub operations: Vec<Operation>,
    /// Every event as it was read when no request was in progress any more.
    pub events: Vec<EndEvent>,
    /// Every registration of those events, likewise.
    pub registrations: Vec<EndRegistration>,
    /// Every webhook endpoint with a receiver of this run.
    pub endpoints: Vec<Endpoint>,
    /// Every message that those received until all were complete, or the wait timed out.
    pub receipts: Vec<Receipt>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A request and its answer.
    Operation(Box<Operation>),
    /// The final state of an event.
    Event(EndEvent),
    /// The final state of a registration.
    Registration(EndRegistration),
    /// A webhook endpoint.
    Endpoint(Endpoint),
    /// A message that a receiver got.
    Receipt(Box<Receipt>),
}

/// One try of a request. A retry under the same key is another operation with the same key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The client.
    pub client: u32,
    /// When it was sent, in microseconds since the run began.
    pub invoked_at: u64,
    /// When the answer arrived, or was given up, likewise.
    pub answered_at: u64,
    /// The event that it was about.
    pub event_id: Uuid,
    /// The idempotency key. All writes have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The request.
    pub request: Request,
    /// The answer.
    pub answer: Answer,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub enum Request {
    /// `POST /events`
    Create { capacity: u32, waitlist_enabled: bool, offer_ttl_seconds: Option<u32> },
    /// `POST /events/{id}/register`
    Register { user_email: String, waits: bool },
    /// `POST /events/{id}/holds`
    Hold { user_email: String, ttl_seconds: u32 },
    /// `POST /registrations/{id}/confirm`
    Confirm { id: Uuid },
    /// `DELETE /registrations/{id}`
    Cancel { id: Uuid },
    /// `POST /registrations/{id}/transfer`
    Transfer {
        id: Uuid,
        user_email: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// `PATCH /registrations/{id}` with a name that nothing else uses, so that it always changes something; as the
    /// holder with `token`, else as the organizer
    Correct {
        id: Uuid,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_email: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<TokenMark>,
    },
    /// `POST /registrations/{id}/link`
    RenewLink { id: Uuid },
    /// `GET /registrations/{id}` as the holder with `token`
    Visit { id: Uuid, token: TokenMark },
    /// `POST /events/{id}/check-ins` with the registration's ticket
    CheckIn { id: Uuid },
    /// `DELETE /events/{id}/check-ins/{id}`
    UndoCheckIn { id: Uuid },
    /// `PATCH /events/{id}` with a name that no other edit uses, so that it always changes something
    Edit {
        name: String,
        capacity: u32,
        if_version: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hours: Option<Hours>,
    },
    /// `POST /events/{id}/cancel`
    CancelEvent,
    /// `GET /events/{id}`
    Read,
}

impl Request {
    /// A stable name for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Register { .. } => "register",
            Self::Hold { .. } => "hold",
            Self::Confirm { .. } => "confirm",
            Self::Cancel { .. } => "cancel",
            Self::Transfer { .. } => "transfer",
            Self::Correct { .. } => "correct",
            Self::RenewLink { .. } => "renew_link",
            Self::Visit { .. } => "visit",
            Self::CheckIn { .. } => "check_in",
            Self::UndoCheckIn { .. } => "undo_check_in",
            Self::Edit { .. } => "edit",
            Self::CancelEvent => "cancel_event",
            Self::Read => "read",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A final decision.
    Decided(FinalResponse),
    /// 429, 500 or 503, or no connection: by the contract nothing was changed, and nothing is remembered.
    Undone {
        /// The status; 0 without a connection.
        status: u16,
    },
    /// No answer, 502 or 504: it may have been done.
    Unknown {
        /// A stable name of the reason.
        why: String,
    },
}

/// An answer with a decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FinalResponse {
    /// The status.
    pub status: u16,
    /// The code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Whether the server marks it as a replay of an earlier answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// Its registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationView>,
    /// Its event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventView>,
}

impl FinalResponse {
    /// Whether the request succeeded.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A registration as an answer shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct RegistrationView {
    pub id: Uuid,
    pub user_email: String,
    #[serde(default)]
    pub name: Option<String>,
    pub status: Status,
    pub expires_at: Option<DateTime<Utc>>,
    pub position: Option<u32>,
    pub checked_in_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    pub event_version: u64,
    /// The mark of the `manage_token` in it, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenMark>,
}

/// Distinguishes one `manage_token` from another, without revealing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenMark(pub u64);

impl TokenMark {
    /// The mark of a token: FNV-1a, which is the same in every build.
    pub fn of(token: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(token.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
    }
}

/// Whether a check-in was early, in time or late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub enum Timing {
    Early,
    OnTime,
    Late,
}

/// When an event takes place, and when its doors close. An unknown time is never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct Hours {
    #[serde(default)]
    pub starts_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub ends_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub closes_at: Option<DateTime<Utc>>,
}

impl Hours {
    /// A day: an event without an end lasts so long, and a check-in earlier than that before its beginning is
    /// early.
    const DAY: TimeDelta = TimeDelta::hours(24);

    /// From when on the event is over: no seat is given any more.
    pub fn over_at(self) -> Option<DateTime<Utc>> {
        self.ends_at.or(self.starts_at.map(|start| start + Self::DAY))
    }

    /// From when on no new registration is made.
    pub fn doors_close_at(self) -> Option<DateTime<Utc>> {
        self.closes_at.into_iter().chain(self.over_at()).min()
    }

    /// Whether a check-in at `at` is early, in time or late.
    pub fn timing(self, at: DateTime<Utc>) -> Timing {
        if self.over_at().is_some_and(|end| end <= at) {
            Timing::Late
        } else if self.starts_at.is_some_and(|start| start - Self::DAY > at) {
            Timing::Early
        } else {
            Timing::OnTime
        }
    }
}

/// An event as an answer shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct EventView {
    pub capacity: u32,
    pub booked_count: u32,
    pub waitlist_count: u32,
    pub version: u64,
    #[serde(flatten)]
    pub hours: Hours,
    /// Whether the version identifies this state: false while a hold has expired and was not swept.
    #[serde(default = "yes")]
    pub is_settled: bool,
}

fn yes() -> bool {
    true
}

/// The final state of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndEvent {
    /// Its id.
    pub id: Uuid,
    /// Its state.
    #[serde(flatten)]
    pub shown: EventView,
}

/// The final state of a registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndRegistration {
    /// Its event.
    pub event_id: Uuid,
    /// Its state.
    #[serde(flatten)]
    pub shown: RegistrationView,
    /// Its history. It is read for all registrations that time or several clients could have changed; what happened
    /// to the others is known from the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Entry>>,
}

/// A change of a registration, as the server reports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The version of the event that it made.
    pub version: u64,
    /// When, by the store's clock.
    pub recorded_at: DateTime<Utc>,
    /// What changed.
    pub kind: Kind,
    /// Who did it: `attendee`, `organizer`, or `system` for time and the queue.
    pub actor: Actor,
}

/// Kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub enum Kind {
    EventCreated,
    /// Any edit: its answer does not say whether it published or moved the event.
    EventEdited,
    EventCancelled,
    Registered,
    Held,
    Waitlisted,
    Confirmed,
    Offered,
    Expired,
    Cancelled,
    Transferred,
    Corrected,
    LinkRenewed,
    CheckedIn,
    CheckInUndone,
}

impl History {
    /// Adds a record from one line of a file.
    ///
    /// # Errors
    ///
    /// If the line is no record.
    pub fn read_line(&mut self, line: &str) -> Result<(), serde_json::Error> {
        match serde_json::from_str(line)? {
            Record::Operation(operation) => self.operations.push(*operation),
            Record::Event(event) => self.events.push(event),
            Record::Registration(registration) => self.registrations.push(registration),
            Record::Endpoint(endpoint) => self.endpoints.push(endpoint),
            Record::Receipt(receipt) => self.receipts.push(*receipt),
        }
        Ok(())
    }

    /// The history as records, in the order in which requests were sent.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let mut order: Vec<_> = self.operations.iter().collect();
        order.sort_by_key(|operation| (operation.invoked_at, operation.client));
        let operations = order.into_iter().cloned().map(Box::new).map(Record::Operation);
        let events = self.events.iter().cloned().map(Record::Event);
        let registrations = self.registrations.iter().cloned().map(Record::Registration);
        let endpoints = self.endpoints.iter().cloned().map(Record::Endpoint);
        let receipts = self.receipts.iter().cloned().map(Box::new).map(Record::Receipt);
        operations.chain(events).chain(registrations).chain(endpoints).chain(receipts)
    }
}
