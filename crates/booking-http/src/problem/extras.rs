//! Extension members of problems (RFC 9457, section 3.2), for programs.

use crate::problem::{ApiError, FieldError};
use booking_core::{Refusal, TicketVoid};
use chrono::{DateTime, Utc};
use thiserror::Error;

/// The members that only some problems have.
#[derive(Default)]
pub(crate) struct Extras {
    /// When a seat may come free.
    pub(crate) retry_at: Option<DateTime<Utc>>,
    /// When the ticket was used before.
    pub(crate) checked_in_at: Option<DateTime<Utc>>,
    /// Why the ticket is refused.
    pub(crate) reason: Option<&'static str>,
    /// All errors of the input.
    pub(crate) errors: Option<Vec<FieldError>>,
}

impl Extras {
    /// The members that `error` has.
    pub(crate) fn of(error: &ApiError) -> Self {
        match error {
            ApiError::Validation(errors) => Self::errors(errors.clone()),
            ApiError::InvalidHeader { name, detail } => Self::errors(vec![FieldError {
                pointer: format!("/{name}"),
                detail: (*detail).to_owned(),
            }]),
            ApiError::TicketRefused(fault) => {
                Self { reason: Some(fault.reason()), ..Self::default() }
            }
            ApiError::Refused { refusal, .. } => Self::of_refusal(refusal),
            ApiError::MalformedJson(_)
            | ApiError::Unauthenticated(_)
            | ApiError::Forbidden
            | ApiError::RoleForbids { .. }
            | ApiError::LimitedToken
            | ApiError::HostNotAllowed
            | ApiError::CrossSite
            | ApiError::NotFound
            | ApiError::MethodNotAllowed { .. }
            | ApiError::TooLarge { .. }
            | ApiError::QueryTooLong { .. }
            | ApiError::UnsupportedMediaType
            | ApiError::BodyTimeout
            | ApiError::BodyBroken
            | ApiError::NotConfirmed
            | ApiError::RateLimited(_)
            | ApiError::TooManyWatchers { .. }
            | ApiError::Submit(_)
            | ApiError::Store(_)
            | ApiError::Panic
            | ApiError::Framework { .. } => Self::default(),
        }
    }

    fn errors(errors: Vec<FieldError>) -> Self {
        Self { errors: Some(errors), ..Self::default() }
    }

    fn of_refusal(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::AllHeld { retry_at } => Self { retry_at: Some(*retry_at), ..Self::default() },
            Refusal::AlreadyCheckedIn { checked_in_at } => {
                Self { checked_in_at: Some(*checked_in_at), ..Self::default() }
            }
            Refusal::TicketVoid { reason } => {
                Self { reason: Some(void_reason(*reason)), ..Self::default() }
            }
            // Which of the two is wrong depends on the event, so the error is for the whole body.
            Refusal::OutOfOrder => Self::errors(vec![FieldError {
                pointer: String::new(),
                detail: refusal.to_string(),
            }]),
            Refusal::AnswerRefused { key, why } => Self::errors(vec![FieldError {
                pointer: format!("/answers/{key}"),
                detail: why.to_string(),
            }]),
            Refusal::TooManyQuestions => Self::errors(vec![FieldError {
                pointer: "/questions".into(),
                detail: refusal.to_string(),
            }]),
            Refusal::EventNotFound
            | Refusal::EventMoving
            | Refusal::QuestionAnswered { .. }
            | Refusal::RegistrationNotFound
            | Refusal::SoldOut
            | Refusal::AlreadyRegistered
            | Refusal::Closed
            | Refusal::HoldExpired
            | Refusal::NotOffered
            | Refusal::NotCancellable
            | Refusal::NotTransferable
            | Refusal::NotCorrectable
            | Refusal::CapacityBelowBooked { .. }
            | Refusal::VersionMismatch { .. }
            | Refusal::KeyReused
            | Refusal::Forbidden => Self::default(),
        }
    }
}

/// Why a ticket is refused before its event is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum TicketFault {
    #[error("this is not a ticket of ours")]
    NotATicket,
    #[error("this ticket is forged: it was not signed here")]
    Forged,
    #[error("this ticket is for another event")]
    OtherEvent,
}

impl TicketFault {
    /// Its name in JSON.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NotATicket => "not_a_ticket",
            Self::Forged => "forged",
            Self::OtherEvent => "other_event",
        }
    }
}

/// Every reason for which a ticket itself is refused.
pub(crate) const TICKET_REASONS: [&str; 6] = [
    TicketFault::NotATicket.reason(),
    TicketFault::Forged.reason(),
    TicketFault::OtherEvent.reason(),
    void_reason(TicketVoid::Cancelled),
    void_reason(TicketVoid::Transferred),
    void_reason(TicketVoid::Unknown),
];

/// The name in JSON of the reason for which a ticket that we signed is refused.
pub(crate) const fn void_reason(reason: TicketVoid) -> &'static str {
    match reason {
        TicketVoid::Cancelled => "cancelled",
        TicketVoid::Transferred => "transferred",
        TicketVoid::Unknown => "unknown",
    }
}
