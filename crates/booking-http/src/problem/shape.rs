//! The status, code and title of each error. The description of the API is made of them, too.

use crate::problem::{ApiError, RateLimited};
use actix_web::http::StatusCode;
use booking_admission::SubmitError;
use booking_core::{Refusal, StoreError};
use std::time::Duration;

/// The `Retry-After` of a full queue.
const OVERLOADED_RETRY: Duration = Duration::from_secs(1);
/// The `Retry-After` of an event that is being moved.
const MOVING_RETRY: Duration = Duration::from_secs(1);
/// The `Retry-After` of a store that cannot be reached.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(2);

/// How an error is presented.
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
            ApiError::MalformedJson(_) | ApiError::BodyBroken => MALFORMED_JSON,
            ApiError::Validation(_) => VALIDATION,
            ApiError::InvalidHeader { .. } => INVALID_HEADER,
            ApiError::Unauthenticated(_) => UNAUTHENTICATED,
            ApiError::Forbidden
            | ApiError::RoleForbids { .. }
            | ApiError::LimitedToken
            | ApiError::HostNotAllowed => FORBIDDEN,
            ApiError::CrossSite => CROSS_SITE,
            ApiError::NotFound => NOT_FOUND,
            ApiError::MethodNotAllowed { .. } => METHOD_NOT_ALLOWED,
            ApiError::TooLarge { .. } => TOO_LARGE,
            ApiError::QueryTooLong { .. } => QUERY_TOO_LONG,
            ApiError::UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE,
            ApiError::BodyTimeout => TIMEOUT,
            ApiError::NotConfirmed => NOT_CONFIRMED,
            ApiError::TicketRefused(_) => TICKET_REFUSED,
            ApiError::Refused { refusal, .. } => of_refusal(refusal),
            ApiError::RateLimited(RateLimited { wait, .. }) => RATE_LIMITED.retry_after(*wait),
            ApiError::TooManyWatchers { wait } => OVERLOADED.retry_after(*wait),
            ApiError::Submit(error) => of_submit(error),
            ApiError::Store(error) => of_store(error),
            ApiError::Panic => INTERNAL,
            ApiError::Framework { status } => of_framework(*status),
        }
    }
}

/// All shapes, each with its usual status.
pub(crate) const ALL: &[Shape] = &[
    MALFORMED_JSON,
    VALIDATION,
    INVALID_HEADER,
    UNAUTHENTICATED,
    FORBIDDEN,
    CROSS_SITE,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    TIMEOUT,
    SOLD_OUT,
    ALL_HELD,
    ALREADY_REGISTERED,
    CLOSED,
    HOLD_EXPIRED,
    NOT_OFFERED,
    NOT_CONFIRMED,
    NOT_CANCELLABLE,
    NOT_TRANSFERABLE,
    NOT_CORRECTABLE,
    ALREADY_CHECKED_IN,
    TICKET_REFUSED,
    CAPACITY_BELOW_BOOKED,
    QUESTION_ANSWERED,
    VERSION_MISMATCH,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    KEY_REUSED,
    RATE_LIMITED,
    INTERNAL,
    OVERLOADED,
    EVENT_MOVING,
    UNAVAILABLE,
    OUTCOME_UNKNOWN,
];

pub(crate) const MALFORMED_JSON: Shape =
    Shape::new(StatusCode::BAD_REQUEST, "malformed_json", "Malformed JSON");
pub(crate) const VALIDATION: Shape =
    Shape::new(StatusCode::BAD_REQUEST, "validation", "Invalid input");
pub(crate) const INVALID_HEADER: Shape =
    Shape::new(StatusCode::BAD_REQUEST, "invalid_header", "Invalid header");
pub(crate) const UNAUTHENTICATED: Shape =
    Shape::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Unauthenticated");
pub(crate) const FORBIDDEN: Shape = Shape::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden");
pub(crate) const CROSS_SITE: Shape =
    Shape::new(StatusCode::FORBIDDEN, "cross_site", "Asked by another website");
pub(crate) const NOT_FOUND: Shape = Shape::new(StatusCode::NOT_FOUND, "not_found", "Not found");
pub(crate) const METHOD_NOT_ALLOWED: Shape =
    Shape::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed");
pub(crate) const TOO_LARGE: Shape =
    Shape::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large");
pub(crate) const QUERY_TOO_LONG: Shape = Shape { status: StatusCode::URI_TOO_LONG, ..TOO_LARGE };
pub(crate) const UNSUPPORTED_MEDIA_TYPE: Shape = Shape::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "Unsupported media type",
);
pub(crate) const TIMEOUT: Shape = Shape::new(StatusCode::REQUEST_TIMEOUT, "timeout", "Timeout");
pub(crate) const NOT_CONFIRMED: Shape = Shape::conflict("not_confirmed", "Not confirmed");
pub(crate) const TICKET_REFUSED: Shape = Shape::conflict("ticket_refused", "Ticket refused");
pub(crate) const INTERNAL: Shape =
    Shape::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error");
pub(crate) const UNAVAILABLE: Shape =
    Shape::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable")
        .retry_after(UNAVAILABLE_RETRY);
/// A frozen event is sold again a moment later, here or elsewhere.
pub(crate) const EVENT_MOVING: Shape =
    Shape::new(StatusCode::SERVICE_UNAVAILABLE, "event_moving", "Being moved")
        .retry_after(MOVING_RETRY);
pub(crate) const OUTCOME_UNKNOWN: Shape =
    Shape::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", "Outcome unknown");

pub(crate) const SOLD_OUT: Shape = Shape::conflict("sold_out", "Sold out");
/// Its time depends on the hold that ends first.
pub(crate) const ALL_HELD: Shape = Shape::conflict("all_held", "Every seat is taken or held");
pub(crate) const ALREADY_REGISTERED: Shape =
    Shape::conflict("already_registered", "Already registered");
pub(crate) const CLOSED: Shape = Shape::conflict("closed", "Closed");
pub(crate) const HOLD_EXPIRED: Shape = Shape::conflict("hold_expired", "Too late to confirm");
pub(crate) const NOT_OFFERED: Shape = Shape::conflict("not_offered", "Still waiting");
pub(crate) const NOT_CANCELLABLE: Shape = Shape::conflict("not_cancellable", "Not cancellable");
pub(crate) const NOT_TRANSFERABLE: Shape = Shape::conflict("not_transferable", "Not transferable");
pub(crate) const NOT_CORRECTABLE: Shape = Shape::conflict("not_correctable", "Not correctable");
pub(crate) const ALREADY_CHECKED_IN: Shape =
    Shape::conflict("already_checked_in", "Already checked in");
pub(crate) const CAPACITY_BELOW_BOOKED: Shape =
    Shape::conflict("capacity_below_booked", "Fewer seats than are taken");
pub(crate) const QUESTION_ANSWERED: Shape =
    Shape::conflict("question_answered", "Answered already");
pub(crate) const VERSION_MISMATCH: Shape =
    Shape::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", "The event has changed");
pub(crate) const KEY_REUSED: Shape = Shape::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency_key_reused",
    "Idempotency-Key used before",
);
/// Its time depends on the rate.
pub(crate) const RATE_LIMITED: Shape =
    Shape::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests");
pub(crate) const OVERLOADED: Shape =
    Shape::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded")
        .retry_after(OVERLOADED_RETRY);

fn of_refusal(refusal: &Refusal) -> Shape {
    match refusal {
        Refusal::EventNotFound | Refusal::RegistrationNotFound => NOT_FOUND,
        Refusal::EventMoving => EVENT_MOVING,
        Refusal::SoldOut => SOLD_OUT,
        Refusal::AllHeld { .. } => ALL_HELD,
        Refusal::AlreadyRegistered => ALREADY_REGISTERED,
        Refusal::Closed => CLOSED,
        Refusal::HoldExpired => HOLD_EXPIRED,
        Refusal::NotOffered => NOT_OFFERED,
        Refusal::NotCancellable => NOT_CANCELLABLE,
        Refusal::NotTransferable => NOT_TRANSFERABLE,
        Refusal::NotCorrectable => NOT_CORRECTABLE,
        Refusal::AlreadyCheckedIn { .. } => ALREADY_CHECKED_IN,
        Refusal::TicketVoid { .. } => TICKET_REFUSED,
        Refusal::CapacityBelowBooked { .. } => CAPACITY_BELOW_BOOKED,
        Refusal::OutOfOrder | Refusal::AnswerRefused { .. } | Refusal::TooManyQuestions => {
            VALIDATION
        }
        Refusal::QuestionAnswered { .. } => QUESTION_ANSWERED,
        Refusal::VersionMismatch { .. } => VERSION_MISMATCH,
        Refusal::KeyReused => KEY_REUSED,
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
