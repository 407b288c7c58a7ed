use crate::{AnswerFault, Event, QuestionKey, Registration, RegistrationId, Timing, Version};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The answer to a [`Command`](crate::Command).
///
/// A program that answers people matches it without a wildcard, and so [`Refusal`], [`TicketVoid`] and
/// [`StoreError`](crate::StoreError): what is new has to be told in its own words, and the compiler finds
/// where. So none of them is `#[non_exhaustive]`, and another variant is another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The attendee has a seat.
    Confirmed(Registration),
    /// The attendee has a seat for a while.
    Held(Registration),
    /// The attendee waits for a seat.
    Waitlisted(Registration),
    /// A seat is held, or a place in the queue kept, for whoever has the address: they confirm it by the link of
    /// a mail, see [`EventRules::confirms_address`](crate::EventRules::confirms_address). Whoever asked hears no
    /// more of it than of [`KnownAddress`](Self::KnownAddress).
    ToConfirm(Registration),
    /// The address has this live registration already. Only whoever has it may hear of that, by mail.
    KnownAddress(RegistrationId),
    /// The registration has ended, now or before.
    Cancelled(Registration),
    /// Another attendee has the seat now.
    Transferred(Registration),
    /// The attendee's name or address was put right.
    Corrected(Registration),
    /// The attendee manages it with another token.
    LinkRenewed(Registration),
    /// The attendee may go in.
    CheckedIn(Admitted),
    /// The attendee is not in, now or before.
    CheckInUndone(Registration),
    /// Nothing tells any more who the attendee was.
    Erased(Registration),
    /// The event is as it was asked to be.
    EventChanged(Box<Event>),
    /// What time changed is tidied, and what it asks to be erased, as much as one transaction may.
    Settled,
    /// Nothing was changed, for this reason.
    Refused(Refusal),
    /// The answer that the same request got before, under the same idempotency key.
    Replayed(Box<Outcome>),
}

impl Outcome {
    /// The registration that it tells of.
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

/// What became of one command of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every one is the large one")]
pub enum Execution {
    /// It was decided, and what was decided is durable.
    Decided(Outcome),
    /// It was not looked at, because another transaction holds the event's row. Only with
    /// [`WhenBusy::Skip`](crate::WhenBusy::Skip).
    Busy,
}

/// An attendee who may go in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Their registration. Kept as its fields, which is all that earlier versions kept.
    #[serde(flatten)]
    pub registration: Registration,
    /// Whether they are early, in time or late.
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
    /// The event is being moved to another store, or was. Nothing was changed; asked again later, or where it is now, it is
    /// decided.
    #[error("this event is being moved to another place; try again")]
    EventMoving,
    /// There is no such registration.
    #[error("there is no such registration")]
    RegistrationNotFound,
    /// Every seat is taken, or will go to an attendee who waits.
    #[error("every seat of this event is taken")]
    SoldOut,
    /// Every seat is taken, but some only for a while.
    #[error("every seat that is left is being held; one may come free at {}", rfc3339(retry_at))]
    AllHeld {
        /// The earliest instant at which a hold or an offer may run out.
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
    /// The attendee was checked in, and a seat that was used cannot be given up.
    #[error("somebody was let in on this registration, so it cannot be cancelled")]
    NotCancellable,
    /// Only a confirmed seat that was not used can be given to another attendee.
    #[error("this registration cannot be transferred")]
    NotTransferable,
    /// Only a live registration whose attendee was not erased can be put right.
    #[error("this registration has ended, so nothing can be corrected")]
    NotCorrectable,
    /// The ticket was used before.
    #[error("this ticket was checked in before, at {}", rfc3339(checked_in_at))]
    AlreadyCheckedIn {
        /// When.
        checked_in_at: DateTime<Utc>,
    },
    /// The ticket is not good for this event any more.
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
    /// An answer is none to what the event asks, or one that has to be there is missing.
    #[error("the answer to {key} {why}")]
    AnswerRefused {
        /// Of which question.
        key: QuestionKey,
        /// What is wrong.
        why: AnswerFault,
    },
    /// Somebody has answered a question, which can only be retired from then on.
    #[error("somebody has answered {key}: it can be left out, and not be made another")]
    QuestionAnswered {
        /// Which.
        key: QuestionKey,
    },
    /// More questions that were answered, or more wordings of one, would have to be kept than may.
    #[error("this event has asked too much already for more to be kept")]
    TooManyQuestions,
    /// The event is not at the version that the caller knows.
    #[error("the event has changed: it is at version {current}")]
    VersionMismatch {
        /// Its version.
        current: Version,
    },
    /// Something else was asked under this idempotency key.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The caller may not do that to this registration.
    #[error("this is not yours to change")]
    Forbidden,
}

/// Why a ticket whose signature is right is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketVoid {
    /// Its registration was cancelled, or never confirmed.
    #[error("the registration was cancelled")]
    Cancelled,
    /// Its seat was given to another attendee, who has a ticket of their own.
    #[error("the seat was given to somebody else")]
    Transferred,
    /// No registration is known that it could be for.
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

    /// As it was kept under an idempotency key by versions that knew of no person.
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
