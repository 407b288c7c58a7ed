use crate::{AnswerFault, Event, QuestionKey, Registration, RegistrationId, Timing, Version};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The answer to a [`Command`](crate::Command).
///
/// A program that answers clients matches it without a wildcard, and so [`Refusal`], [`TicketVoid`] and
/// [`StoreError`](crate::StoreError): a new variant needs its own text, and the compiler finds where. So none of them
/// is `#[non_exhaustive]`, and another variant is another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The attendee has a seat.
    Confirmed(Registration),
    /// The attendee has a seat for a while.
    Held(Registration),
    /// The attendee waits for a seat.
    Waitlisted(Registration),
    /// A seat is held, or a waitlist place kept, for the owner of the address, who confirms it by a mailed link: see
    /// [`EventRules::confirms_address`](crate::EventRules::confirms_address). The caller is told no more than for
    /// [`KnownAddress`](Self::KnownAddress).
    ToConfirm(Registration),
    /// The address has this live registration already. Only its owner may be told, by mail.
    KnownAddress(RegistrationId),
    /// The registration has ended, now or before.
    Cancelled(Registration),
    /// Another attendee has the seat now.
    Transferred(Registration),
    /// The attendee's name or address was corrected.
    Corrected(Registration),
    /// The attendee has a new token to manage it with.
    LinkRenewed(Registration),
    /// The attendee is checked in.
    CheckedIn(Admitted),
    /// The attendee is not checked in, now or before.
    CheckInUndone(Registration),
    /// The personal data of the registration is erased.
    Erased(Registration),
    /// The event is as it was asked to be.
    EventChanged(Box<Event>),
    /// The event is settled, and due personal data erased, as much as one transaction may.
    Settled,
    /// Nothing was changed, for this reason.
    Refused(Refusal),
    /// The stored answer of the same request, under the same idempotency key.
    Replayed(Box<Outcome>),
}

impl Outcome {
    /// The registration in the outcome.
    pub fn registration(&self) -> Option<&Registration> {
        match self {
            Self::Confirmed(registration)
            | Self::Held(registration)
            | Self::Waitlisted(registration)
            | Self::ToConfirm(registration)
            | Self::Cancelled(registration)
            | Self::Transferred(registration)
            | Self::Corrected(registration)
            | Self::LinkRenewed(registration)
            | Self::CheckedIn(Admitted { registration, .. })
            | Self::CheckInUndone(registration)
            | Self::Erased(registration) => Some(registration),
            Self::Replayed(first) => first.registration(),
            Self::KnownAddress(_) | Self::EventChanged(_) | Self::Settled | Self::Refused(_) => {
                None
            }
        }
    }
}

/// The result of one command of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every one is the large one")]
pub enum Execution {
    /// It was decided, and what was decided is durable.
    Decided(Outcome),
    /// It was not decided, because another transaction holds the event's row, or because the store of its part of the
    /// batch failed. Only with [`WhenBusy::Skip`](crate::WhenBusy::Skip).
    Busy,
    /// It may have been decided and be durable, as with [`StoreError::CommitUnknown`](crate::StoreError::CommitUnknown),
    /// which is the answer if nothing is known of any command of the batch.
    Unknown,
}

/// An attendee who was checked in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The registration. Serialized as its fields, which is all that earlier versions stored.
    #[serde(flatten)]
    pub registration: Registration,
    /// Whether the attendee is early, in time or late.
    #[serde(default)]
    pub timing: Timing,
}

/// Why a command changed nothing. A refusal is an answer, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// There is no such event.
    #[error("there is no such event")]
    EventNotFound,
    /// The event is being moved to another store, or was. Nothing was changed; repeat the command later, or where the
    /// event is now.
    #[error("this event is being moved to another place; try again")]
    EventMoving,
    /// There is no such registration.
    #[error("there is no such registration")]
    RegistrationNotFound,
    /// Every seat is taken, or will go to the waitlist.
    #[error("every seat of this event is taken")]
    SoldOut,
    /// Every seat is taken, but some are only held.
    #[error("every seat that is left is being held; one may come free at {}", rfc3339(retry_at))]
    AllHeld {
        /// The earliest instant at which a hold or an offer may expire.
        retry_at: DateTime<Utc>,
    },
    /// This e-mail address has a live registration already.
    #[error("this e-mail address is registered for this event already")]
    AlreadyRegistered,
    /// The event is not open, by its state or its hours, or is over.
    #[error("this event is not open for that")]
    Closed,
    /// The hold or the offer has ended.
    #[error("the time to confirm this has run out")]
    HoldExpired,
    /// The attendee waits, and no seat has come free.
    #[error("no seat has come free for this registration yet")]
    NotOffered,
    /// The attendee was checked in, and a used seat cannot be cancelled.
    #[error("somebody was let in on this registration, so it cannot be cancelled")]
    NotCancellable,
    /// Only a confirmed, unused seat can be transferred.
    #[error("this registration cannot be transferred")]
    NotTransferable,
    /// Only a live registration that was not erased can be corrected.
    #[error("this registration has ended, so nothing can be corrected")]
    NotCorrectable,
    /// The ticket was used before.
    #[error("this ticket was checked in before, at {}", rfc3339(checked_in_at))]
    AlreadyCheckedIn {
        /// When.
        checked_in_at: DateTime<Utc>,
    },
    /// The ticket is not valid for this event any more.
    #[error("this ticket is not valid: {reason}")]
    TicketVoid {
        /// Why not.
        reason: TicketVoid,
    },
    /// More seats are taken than the event would have.
    #[error("{booked_count} seats are taken, so there cannot be fewer")]
    CapacityBelowBooked {
        /// How many are taken.
        booked_count: u32,
    },
    /// The event would end before it begins, or close before it opens.
    #[error("an event cannot end before it begins, nor close before it opens")]
    OutOfOrder,
    /// An answer does not fit the event's questions, or a required one is missing.
    #[error("the answer to {key} {why}")]
    AnswerRefused {
        /// The question.
        key: QuestionKey,
        /// What is wrong.
        why: AnswerFault,
    },
    /// An attendee has answered a question, which can only be retired from then on.
    #[error("somebody has answered {key}: it can be left out, and not be made another")]
    QuestionAnswered {
        /// The question.
        key: QuestionKey,
    },
    /// More answered questions, or more wordings of one, would have to be stored than the limit.
    #[error("this event has asked too much already for more to be kept")]
    TooManyQuestions,
    /// The event is not at the version that the caller named.
    #[error("the event has changed: it is at version {current}")]
    VersionMismatch {
        /// Its version.
        current: Version,
    },
    /// This idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The caller may not do that to this registration.
    #[error("this is not yours to change")]
    Forbidden,
}

/// Why a ticket with a valid signature is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketVoid {
    /// Its registration was cancelled, or never confirmed.
    #[error("the registration was cancelled")]
    Cancelled,
    /// Its seat was transferred to another attendee, who has a ticket of their own.
    #[error("the seat was given to somebody else")]
    Transferred,
    /// There is no registration that it could be for.
    #[error("no such registration is known")]
    Unknown,
}

fn rfc3339(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_str, to_string};

    /// As versions without a `Person` type stored it under an idempotency key.
    #[test]
    fn an_admitted_outcome_of_an_earlier_version_is_read() {
        let whose = r#""user_email":"ada@example.org","name":"Ada""#;
        let kept = format!(
            r#"{{"checked_in":{{"id":"0190f1c5-01b3-7d20-8c4f-5e11223344e7","event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7",{whose},"status":"confirmed","expires_at":null,"position":null,"check_in":null,"generation":1,"token_hash":null,"created_version":2,"event_version":3,"created_at":"2026-05-01T19:00:00Z"}}}}"#
        );
        let read: Outcome = from_str(&kept).expect("it was always read");
        let written = to_string(&read).expect("plain data");
        assert!(written.contains(&format!(",{whose},")), "{written}");
        assert_eq!(from_str::<Outcome>(&written).ok(), Some(read));
    }
}
