//! The status, code and title of each error.

use crate::problem::{ApiError, RateLimited};
use actix_web::http::StatusCode;
use booking_admission::SubmitError;
use booking_core::{Refusal, StoreError};
use std::time::Duration;

/// When a full queue is worth another try.
const OVERLOADED_RETRY: Duration = Duration::from_secs(1);
/// When a store that cannot be reached is worth another try.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(2);

/// How an error is told.
pub(crate) struct Shape {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) retry_after: Option<Duration>,
}

impl Shape {
    const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, retry_after: None }
    }

    const fn conflict(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, title)
    }

    const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The shape of `error`.
    pub(crate) fn of(error: &ApiError) -> Self {
        match error {
            ApiError::MalformedJson(_) | ApiError::BodyBroken => {
                Self::new(StatusCode::BAD_REQUEST, "malformed_json", "Malformed JSON")
            }
            ApiError::Validation(_) => VALIDATION,
            ApiError::InvalidHeader { .. } => INVALID_HEADER,
            ApiError::Unauthenticated(_) => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Unauthenticated")
            }
            ApiError::Forbidden | ApiError::HostNotAllowed => FORBIDDEN,
            ApiError::CrossSite => CROSS_SITE,
            ApiError::NotFound => NOT_FOUND,
            ApiError::MethodNotAllowed { .. } => METHOD_NOT_ALLOWED,
            ApiError::TooLarge { .. } => TOO_LARGE,
            ApiError::QueryTooLong { .. } => {
                Shape { status: StatusCode::URI_TOO_LONG, ..TOO_LARGE }
            }
            ApiError::UnsupportedMediaType => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Unsupported media type",
            ),
            ApiError::BodyTimeout => Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "Timeout"),
            ApiError::NotConfirmed => Self::conflict("not_confirmed", "Not confirmed"),
            ApiError::TicketRefused(_) => TICKET_REFUSED,
            ApiError::Refused { refusal, .. } => of_refusal(refusal),
            ApiError::RateLimited(RateLimited { wait, .. }) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests")
                    .retry_after(*wait)
            }
            ApiError::TooManyWatchers { wait } => OVERLOADED.retry_after(*wait),
            ApiError::Submit(error) => of_submit(error),
            ApiError::Store(error) => of_store(error),
            ApiError::Panic => INTERNAL,
            ApiError::Framework { status } => of_framework(*status),
        }
    }
}

const VALIDATION: Shape = Shape::new(StatusCode::BAD_REQUEST, "validation", "Invalid input");
const INVALID_HEADER: Shape =
    Shape::new(StatusCode::BAD_REQUEST, "invalid_header", "Invalid header");
const FORBIDDEN: Shape = Shape::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden");
const CROSS_SITE: Shape =
    Shape::new(StatusCode::FORBIDDEN, "cross_site", "Asked by another website");
const NOT_FOUND: Shape = Shape::new(StatusCode::NOT_FOUND, "not_found", "Not found");
const METHOD_NOT_ALLOWED: Shape =
    Shape::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed");
const TOO_LARGE: Shape = Shape::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large");
const TICKET_REFUSED: Shape = Shape::conflict("ticket_refused", "Ticket refused");
const INTERNAL: Shape = Shape::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error");
const UNAVAILABLE: Shape =
    Shape::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable")
        .retry_after(UNAVAILABLE_RETRY);
const OVERLOADED: Shape = Shape::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded")
    .retry_after(OVERLOADED_RETRY);
const OUTCOME_UNKNOWN: Shape =
    Shape::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", "Outcome unknown");

fn of_refusal(refusal: &Refusal) -> Shape {
    match refusal {
        Refusal::EventNotFound | Refusal::RegistrationNotFound => NOT_FOUND,
        Refusal::SoldOut => Shape::conflict("sold_out", "Sold out"),
        Refusal::AllHeld { .. } => Shape::conflict("all_held", "Every seat is taken or held"),
        Refusal::AlreadyRegistered => Shape::conflict("already_registered", "Already registered"),
        Refusal::Closed => Shape::conflict("closed", "Closed"),
        Refusal::HoldExpired => Shape::conflict("hold_expired", "Too late to confirm"),
        Refusal::NotOffered => Shape::conflict("not_offered", "Still waiting"),
        Refusal::NotCancellable => Shape::conflict("not_cancellable", "Not cancellable"),
        Refusal::NotTransferable => Shape::conflict("not_transferable", "Not transferable"),
        Refusal::NotCorrectable => Shape::conflict("not_correctable", "Not correctable"),
        Refusal::AlreadyCheckedIn { .. } => {
            Shape::conflict("already_checked_in", "Already checked in")
        }
        Refusal::TicketVoid { .. } => TICKET_REFUSED,
        Refusal::CapacityBelowBooked { .. } => {
            Shape::conflict("capacity_below_booked", "Fewer seats than are taken")
        }
        Refusal::OutOfOrder => VALIDATION,
        Refusal::VersionMismatch { .. } => {
            Shape::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", "The event has changed")
        }
        Refusal::KeyReused => Shape::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "Idempotency-Key used before",
        ),
        Refusal::Forbidden => FORBIDDEN,
    }
}

fn of_submit(error: &SubmitError) -> Shape {
    match error {
        SubmitError::Overloaded => OVERLOADED,
        SubmitError::ShuttingDown => UNAVAILABLE,
        SubmitError::Store(error) => of_store(error),
    }
}

fn of_store(error: &StoreError) -> Shape {
    match error {
        StoreError::Unavailable(_) => UNAVAILABLE,
        StoreError::CommitUnknown(_) => OUTCOME_UNKNOWN,
        StoreError::Broken(_) => INTERNAL,
    }
}

fn of_framework(status: StatusCode) -> Shape {
    match status {
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => METHOD_NOT_ALLOWED,
        StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
        status if status.is_client_error() => Shape { status, ..INVALID_HEADER },
        _ => INTERNAL,
    }
}
