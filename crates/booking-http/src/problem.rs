//! Every error, as clients get it: `application/problem+json` (RFC 9457).

mod auth_error;
mod extras;
mod rate_limited;
pub(crate) mod shape;

pub(crate) use auth_error::AuthError;
pub(crate) use extras::{TICKET_REASONS, TicketFault, void_reason};
pub(crate) use rate_limited::{LimitKind, RateLimited};

use crate::words;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CONNECTION, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use booking_admission::SubmitError;
use booking_core::{HoldTtl, Language, Refusal, Role, StoreError};
use chrono::{DateTime, Utc};
use extras::Extras;
use serde::Serialize;
use shape::Shape;
use std::time::{Duration, SystemTime};
use thiserror::Error;
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, Type};

/// On an answer that was given before.
pub(crate) const REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));

/// Why a request was not granted.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    #[error("the body is not valid JSON: {0}")]
    MalformedJson(String),
    #[error("the input is not valid")]
    Validation(Vec<FieldError>),
    #[error("the header {name} {detail}")]
    InvalidHeader { name: &'static str, detail: &'static str },
    #[error("{0}")]
    Unauthenticated(AuthError),
    #[error("this token is not for this registration")]
    Forbidden,
    #[error(
        "the role of this organizer's token is {has}; this takes the role {wants}, or one that may do more"
    )]
    RoleForbids { has: Role, wants: Role },
    #[error(
        "this organizer's token is for some of its events alone, and this is about none of them"
    )]
    LimitedToken,
    #[error(
        "while anybody is the organizer here, this server is not asked by this name; see ALLOWED_HOSTS, or make \
         an organizer's token"
    )]
    HostNotAllowed,
    #[error("another website's page asked for this, and may not; nothing was changed")]
    CrossSite,
    #[error("there is nothing here")]
    NotFound,
    #[error("this method is not for this address")]
    MethodNotAllowed { allow: &'static str },
    #[error("the body has more than {max} bytes")]
    TooLarge { max: usize },
    #[error("the query has more than {max} bytes")]
    QueryTooLong { max: usize },
    #[error(
        "the body must be what this address takes, which is application/json or text/csv, in UTF-8, without content encoding"
    )]
    UnsupportedMediaType,
    #[error("the body did not arrive in time")]
    BodyTimeout,
    #[error("the body ended early")]
    BodyBroken,
    #[error("only a confirmed registration has a ticket")]
    NotConfirmed,
    #[error("{0}")]
    TicketRefused(TicketFault),
    #[error("{refusal}")]
    Refused {
        refusal: Refusal,
        /// Whether it is the answer that the same request got before.
        is_replay: bool,
    },
    #[error("{}", .0.of)]
    RateLimited(RateLimited),
    #[error("as many watch events as may; what is asked for can be read all the same")]
    TooManyWatchers {
        /// When it is worth another try.
        wait: Duration,
    },
    #[error("the command was not executed")]
    Submit(#[source] SubmitError),
    #[error("the store could not answer")]
    Store(#[source] StoreError),
    #[error("the server made a mistake")]
    Panic,
    /// An error of the framework, from before the request reached us.
    #[error("the request cannot be served: {status}")]
    Framework { status: StatusCode },
}

/// What is wrong with one part of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// A JSON pointer (RFC 6901) into the body, or the name of a query parameter or a header after a
    /// slash.
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl ApiError {
    /// The detail that clients may see. For internal errors it says how to go on, and nothing of their causes.
    fn public_detail(&self) -> String {
        match self {
            Self::MalformedJson(_)
            | Self::Validation(_)
            | Self::InvalidHeader { .. }
            | Self::Unauthenticated(_)
            | Self::Forbidden
            | Self::RoleForbids { .. }
            | Self::LimitedToken
            | Self::HostNotAllowed
            | Self::CrossSite
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::TooLarge { .. }
            | Self::QueryTooLong { .. }
            | Self::UnsupportedMediaType
            | Self::BodyTimeout
            | Self::BodyBroken
            | Self::NotConfirmed
            | Self::TicketRefused(_)
            | Self::Refused { .. }
            | Self::RateLimited(_)
            | Self::TooManyWatchers { .. }
            | Self::Framework { .. } => self.to_string(),
            Self::Submit(SubmitError::Overloaded) => {
                "Too many requests are waiting. Nothing was changed; try again.".into()
            }
            Self::Submit(SubmitError::ShuttingDown) => {
                "This server is stopping. Nothing was changed; try again.".into()
            }
            Self::Submit(SubmitError::Store(error)) | Self::Store(error) => match error {
                StoreError::Unavailable(_) => {
                    "The store cannot be reached. Nothing was changed; try again.".into()
                }
                StoreError::CommitUnknown(_) => {
                    "It is not known whether this was done. Ask again to find out.".into()
                }
                StoreError::Broken(_) => {
                    "Something is wrong on our side. The request id leads to what it is.".into()
                }
            },
            Self::Panic => {
                "Something is wrong on our side. The request id leads to what it is.".into()
            }
        }
    }

    /// Whether the rest of a body may still be on the connection.
    fn ends_connection(&self) -> bool {
        match self {
            Self::TooLarge { .. }
            | Self::BodyTimeout
            | Self::BodyBroken
            | Self::UnsupportedMediaType => true,
            Self::MalformedJson(_)
            | Self::Validation(_)
            | Self::InvalidHeader { .. }
            | Self::Unauthenticated(_)
            | Self::Forbidden
            | Self::RoleForbids { .. }
            | Self::LimitedToken
            | Self::HostNotAllowed
            | Self::CrossSite
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::QueryTooLong { .. }
            | Self::NotConfirmed
            | Self::TicketRefused(_)
            | Self::Refused { .. }
            | Self::RateLimited(_)
            | Self::TooManyWatchers { .. }
            | Self::Submit(_)
            | Self::Store(_)
            | Self::Panic
            | Self::Framework { .. } => false,
        }
    }
}

/// Why a request was not granted (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Problem<'a> {
    /// Where it is explained, on this server.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    /// For people, in the language of `Content-Language`; it may change.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    #[schema(schema_with = codes)]
    code: &'static str,
    /// The detail again, for clients of the first contract.
    error: &'a str,
    /// It leads to the server's log.
    request_id: &'a str,
    /// With `all_held`: the earliest instant at which a held seat can come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_at: Option<DateTime<Utc>>,
    /// With `already_checked_in`: when that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checked_in_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = reasons)]
    reason: Option<&'static str>,
    /// With `validation` and `invalid_header`: all that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
}

/// What every code is one of.
fn codes() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What went wrong, for programs. It stays the same for good."))
        .enum_values(Some(shape::ALL.iter().map(|shape| shape.code)))
}

/// Why a ticket is refused.
fn reasons() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("With `ticket_refused`: why, for programs."))
        .enum_values(Some(TICKET_REASONS))
}

/// The code of `error`.
pub(crate) fn code(error: &ApiError) -> &'static str {
    Shape::of(error).code
}

/// The code of `error`, its title, and its public detail: for a page that shows them to people.
pub(crate) fn describe(error: &ApiError) -> (&'static str, &'static str, String) {
    let shape = Shape::of(error);
    (shape.code, shape.title, error.public_detail())
}

/// Begins the response for `error`: all of it but for its body.
pub(crate) fn begin(error: &ApiError) -> HttpResponseBuilder {
    let shape = Shape::of(error);
    let mut response = HttpResponse::build(shape.status);
    let retry_at = Extras::of(error).retry_at;
    if let Some(after) = shape.retry_after.or(retry_at.map(time_until)) {
        response.insert_header((RETRY_AFTER, HeaderValue::from(whole_seconds(after))));
    }
    if let ApiError::MethodNotAllowed { allow } = error {
        response.insert_header((ALLOW, HeaderValue::from_static(allow)));
    }
    if let ApiError::Unauthenticated(auth_error) = error {
        let challenge = HeaderValue::from_static(auth_error.challenge());
        response.insert_header((WWW_AUTHENTICATE, challenge));
    }
    if let ApiError::Refused { is_replay: true, .. } = error {
        response.insert_header(REPLAYED);
    }
    if error.ends_connection() {
        response.force_close();
        response.insert_header((CONNECTION, HeaderValue::from_static("close")));
    }
    response
}

/// Writes `error` as the response to the request at `path` with the id `request_id`, in `language`.
pub(crate) fn response(
    error: &ApiError,
    path: &str,
    request_id: &str,
    language: Language,
) -> HttpResponse<BoxBody> {
    response_below("", error, path, request_id, language)
}

/// The same, on a server whose pages are below `base`.
pub(crate) fn response_below(
    base: &str,
    error: &ApiError,
    path: &str,
    request_id: &str,
    language: Language,
) -> HttpResponse<BoxBody> {
    let shape = Shape::of(error);
    let public_detail = error.public_detail();
    let detail = words::detail(&public_detail, language);
    let extras = Extras::of(error);
    let mut response = begin(error);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
    response.insert_header((CONTENT_LANGUAGE, HeaderValue::from_static(language.as_str())));
    let problem = Problem {
        // The page that explains it, on this server.
        kind: format!("{base}/problems#{}", shape.code),
        title: words::title(shape.code, shape.title, language),
        status: shape.status.as_u16(),
        detail: &detail,
        // `OPTIONS *` and CONNECT name no path.
        instance: if path.starts_with('/') { path } else { "/" },
        code: shape.code,
        error: &detail,
        request_id,
        retry_at: extras.retry_at,
        checked_in_at: extras.checked_in_at,
        reason: extras.reason,
        errors: extras.errors.map(|errors| in_language(errors, language)),
    };
    // A struct of texts, numbers and times is always valid JSON.
    response.body(serde_json::to_vec(&problem).unwrap_or_default())
}

/// The errors of the fields, in `language`.
fn in_language(errors: Vec<FieldError>, language: Language) -> Vec<FieldError> {
    let said = errors.into_iter().map(|FieldError { pointer, detail }| {
        let detail = words::detail(&detail, language).into_owned();
        FieldError { pointer, detail }
    });
    said.collect()
}

/// The longest `Retry-After` for a seat: as long as it can be held. To come too early costs a request, and where
/// the store's clock and ours are hours apart it would be hours.
const SEAT_RETRY_MAX: Duration = Duration::from_secs(HoldTtl::SECONDS_MAX as u64);

/// The time until then, if it is in the future: the store's clock and ours need not agree, and a replayed answer
/// may be of an instant that has passed.
fn time_until(instant: DateTime<Utc>) -> Duration {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let millis = u64::try_from((instant - now).num_milliseconds()).unwrap_or(0);
    Duration::from_millis(millis).min(SEAT_RETRY_MAX)
}

/// A second at least.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).div_ceil(1_000).max(1)
}

/// Lets handlers and extractors return it; `edge` writes the body, since it knows the request.
impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        Shape::of(self).status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { refusal, is_replay: false }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        Self::Submit(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_wrong_store_clock_does_not_raise_retry_after_to_hours() {
        let in_hours = |hours| {
            let instant = DateTime::<Utc>::from(SystemTime::now()) + TimeDelta::hours(hours);
            whole_seconds(time_until(instant))
        };
        assert_eq!(in_hours(5), 1_800);
        assert_eq!(in_hours(-5), 1);
    }
}
