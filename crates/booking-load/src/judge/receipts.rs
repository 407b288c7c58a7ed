//! What webhook receivers record.

use super::status::{Actor, Status};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An endpoint that was created before the events of the run, and so gets all their changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: Uuid,
    /// Whether its receiver accepts everything, so that nothing may be missing at the end.
    pub is_complete: bool,
}

/// One arrival of a message: a retry is another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The endpoint that it was sent to.
    pub endpoint: Uuid,
    /// When it was complete, in microseconds since the run began.
    pub received_at: u64,
    /// Its `webhook-id`.
    pub id: String,
    /// Whether it was signed with the endpoint's secret, just now.
    pub is_signed: bool,
    /// Whether the receiver acknowledged it.
    pub is_accepted: bool,
    /// The event's version as the API showed it then, if it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_version: Option<u64>,
    /// Its body; nothing if it is no message of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

/// The body of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What happened.
    pub r#type: MessageType,
    /// When, by the store's clock.
    pub timestamp: DateTime<Utc>,
    /// Its subject.
    pub data: MessageData,
}

/// The subject of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct MessageData {
    pub event_id: Uuid,
    pub version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<MessageStatus>,
    pub actor: Actor,
}

/// The subject of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub enum MessageType {
    #[serde(rename = "registration.confirmed")]
    Confirmed,
    #[serde(rename = "registration.held")]
    Held,
    #[serde(rename = "registration.waitlisted")]
    Waitlisted,
    #[serde(rename = "registration.offered")]
    Offered,
    #[serde(rename = "registration.expired")]
    Expired,
    #[serde(rename = "registration.cancelled")]
    Cancelled,
    #[serde(rename = "registration.transferred")]
    Transferred,
    #[serde(rename = "registration.checked_in")]
    CheckedIn,
    #[serde(rename = "registration.check_in_undone")]
    CheckInUndone,
    #[serde(rename = "registration.changed")]
    Changed,
    #[serde(rename = "event.published")]
    EventPublished,
    #[serde(rename = "event.changed")]
    EventChanged,
    #[serde(rename = "event.cancelled")]
    EventCancelled,
}

/// The status of the registration, or of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub enum MessageStatus {
    Confirmed,
    Held,
    Waitlisted,
    Offered,
    Cancelled,
    Expired,
    Draft,
    Published,
}

impl From<Status> for MessageStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Confirmed => Self::Confirmed,
            Status::Held => Self::Held,
            Status::Waitlisted => Self::Waitlisted,
            Status::Offered => Self::Offered,
            Status::Cancelled => Self::Cancelled,
            Status::Expired => Self::Expired,
        }
    }
}
