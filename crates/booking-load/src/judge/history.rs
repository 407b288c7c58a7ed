//! What a run writes down: every request and its answer, and what the servers hold in the end.
//!
//! As a file it is one JSON object a line, so that a run that was cut short can be read too.

use super::receipts::{Endpoint, Receipt};
use super::status::{Actor, Status};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One run, whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Every request, in any order.
    pub operations: Vec<Operation>,
    /// Every event as it was read when nothing was under way any more.
    pub events: Vec<EndEvent>,
    /// Every registration of those events, likewise.
    pub registrations: Vec<EndRegistration>,
    /// Every endpoint of webhooks that had a receiver of this run.
    pub endpoints: Vec<Endpoint>,
    /// Everything that those were sent until all had it, or that was waited for in vain.
    pub receipts: Vec<Receipt>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A request and its answer.
    Operation(Box<Operation>),
    /// An event in the end.
    Event(EndEvent),
    /// A registration in the end.
    Registration(EndRegistration),
    /// An endpoint of webhooks.
    Endpoint(Endpoint),
    /// What a receiver was sent.
    Receipt(Box<Receipt>),
}

/// One request. A request that is sent again under its key is another operation with the same key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Who asked.
    pub client: u32,
    /// When it was sent, in microseconds since the run began.
    pub invoked_at: u64,
    /// When the answer was there, or there was none to be had, likewise.
    pub answered_at: u64,
    /// The event that it was about.
    pub event_id: Uuid,
    /// What names the request. All that writes has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What was asked.
    pub request: Request,
    /// What came back.
    pub answer: Answer,
}

/// What was asked.
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
    /// `PATCH /registrations/{id}` with a name that nothing else gives, so that it always changes
    /// something; as the holder who shows `token`, else as the organizer
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
    /// `GET /registrations/{id}` as the holder who shows `token`
    Visit { id: Uuid, token: TokenMark },
    /// `POST /events/{id}/check-ins` with the registration's ticket
    CheckIn { id: Uuid },
    /// `DELETE /events/{id}/check-ins/{id}`
    UndoCheckIn { id: Uuid },
    /// `PATCH /events/{id}` with a name that no other edit gives, so that it always changes something
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

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What was decided, for good.
    Decided(FinalResponse),
    /// 429, 500 or 503, or there was no connection: by the contract nothing was changed, and nothing
    /// is remembered.
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

/// An answer that says what was decided.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FinalResponse {
    /// The status.
    pub status: u16,
    /// The code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Whether the server says that it gave this answer before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The registration in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationView>,
    /// The event in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventView>,
}

impl FinalResponse {
    /// Whether what was asked for is so.
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
    /// Which `manage_token` was told with it, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenMark>,
}

/// Tells one `manage_token` from another, and nobody what it is.
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

/// When an event takes place, and when its doors close. What is not said is never.
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
    /// A day: for so long an event lasts whose end nobody said, and whoever comes earlier than that
    /// before its beginning comes early.
    const DAY: TimeDelta = TimeDelta::hours(24);

    /// From when on the event is over: nobody gets anything any more.
    pub fn over_at(self) -> Option<DateTime<Utc>> {
        self.ends_at.or(self.starts_at.map(|start| start + Self::DAY))
    }

    /// From when on nobody new may come.
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
    /// Whether the version names this state: false while a hold has run out and nobody has tidied.
    #[serde(default = "yes")]
    pub is_settled: bool,
}

fn yes() -> bool {
    true
}

/// An event as it was in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndEvent {
    /// Its id.
    pub id: Uuid,
    /// What is told of it.
    #[serde(flatten)]
    pub shown: EventView,
}

/// A registration as it was in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndRegistration {
    /// Whose it is.
    pub event_id: Uuid,
    /// What is told of it.
    #[serde(flatten)]
    pub shown: RegistrationView,
    /// What happened to it. It is read for whatever time can have changed or more than one could
    /// touch; what became of the others, the answers tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Entry>>,
}

/// Something that happened to a registration, as the server tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The version of the event that it made.
    pub version: u64,
    /// When, by the store's clock.
    pub recorded_at: DateTime<Utc>,
    /// What.
    pub kind: Kind,
    /// Who did it: `attendee`, `organizer`, or `system` for time and the queue.
    pub actor: Actor,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub enum Kind {
    EventCreated,
    /// Any edit: the answer to one does not tell whether it published or moved the event.
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
    /// Adds what one line of a file says.
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

    /// All of it as records, in the order in which requests were sent.
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
