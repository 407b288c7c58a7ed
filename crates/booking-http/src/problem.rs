//! Everything that goes wrong, as it is told to clients: `application/problem+json` (RFC 9457).

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use booking_admission::SubmitError;
use booking_core::{Refusal, StoreError};
use serde::Serialize;
use std::time::Duration;
use thiserror::Error;

/// When a full queue is worth another try.
const OVERLOADED_RETRY: Duration = Duration::from_secs(1);
/// When a store that cannot be reached is worth another try.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(2);

/// Why a request has no answer of its own.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    #[error("the body is not valid JSON: {0}")]
    MalformedJson(String),
    #[error("the input is not valid")]
    Validation(Vec<FieldError>),
    #[error("there is nothing here")]
    NotFound,
    #[error("this method is not for this address")]
    MethodNotAllowed { allow: &'static str },
    #[error("the body has more than {max} bytes")]
    TooLarge { max: usize },
    #[error("the body must be application/json in UTF-8, without content encoding")]
    UnsupportedMediaType,
    #[error("the body did not arrive in time")]
    BodyTimeout,
    #[error("the body ended early")]
    BodyBroken,
    #[error("{0}")]
    Refused(Refusal),
    #[error("the command was not executed")]
    Submit(#[source] SubmitError),
    #[error("the store could not answer")]
    Store(#[source] StoreError),
    #[error("the server made a mistake")]
    Panic,
    /// What the framework found wrong with a request before we saw it.
    #[error("the request cannot be served: {status}")]
    Framework { status: StatusCode },
}

/// What is wrong with one part of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// A JSON pointer (RFC 6901) into the body, or the name of a query parameter after a slash.
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

/// How an error is told.
struct Shape {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    retry_after: Option<Duration>,
}

impl Shape {
    const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, retry_after: None }
    }

    const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

const OUTCOME_UNKNOWN: Shape =
    Shape::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", "Outcome unknown");
const UNAVAILABLE: Shape =
    Shape::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable")
        .retry_after(UNAVAILABLE_RETRY);
const INTERNAL: Shape = Shape::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error");
const NOT_FOUND: Shape = Shape::new(StatusCode::NOT_FOUND, "not_found", "Not found");
const METHOD_NOT_ALLOWED: Shape =
    Shape::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed");
const TOO_LARGE: Shape = Shape::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large");
const INVALID_HEADER: Shape =
    Shape::new(StatusCode::BAD_REQUEST, "invalid_header", "Invalid header");

impl ApiError {
    fn shape(&self) -> Shape {
        match self {
            Self::MalformedJson(_) | Self::BodyBroken => {
                Shape::new(StatusCode::BAD_REQUEST, "malformed_json", "Malformed JSON")
            }
            Self::Validation(_) => {
                Shape::new(StatusCode::BAD_REQUEST, "validation", "Invalid input")
            }
            Self::NotFound => NOT_FOUND,
            Self::MethodNotAllowed { .. } => METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => TOO_LARGE,
            Self::UnsupportedMediaType => Shape::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Unsupported media type",
            ),
            Self::BodyTimeout => Shape::new(StatusCode::REQUEST_TIMEOUT, "timeout", "Timeout"),
            Self::Refused(refusal) => refusal_shape(*refusal),
            Self::Submit(error) => submit_shape(error),
            Self::Store(error) => store_shape(error),
            Self::Panic => INTERNAL,
            Self::Framework { status } => framework_shape(*status),
        }
    }

    /// What a client may know. Of our own failures it learns what to do, and nothing of their causes.
    fn public_detail(&self) -> String {
        match self {
            Self::MalformedJson(_)
            | Self::Validation(_)
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::TooLarge { .. }
            | Self::UnsupportedMediaType
            | Self::BodyTimeout
            | Self::BodyBroken
            | Self::Refused(_)
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
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::Refused(_)
            | Self::Submit(_)
            | Self::Store(_)
            | Self::Panic
            | Self::Framework { .. } => false,
        }
    }
}

fn refusal_shape(refusal: Refusal) -> Shape {
    match refusal {
        Refusal::EventNotFound => NOT_FOUND,
        Refusal::SoldOut => Shape::new(StatusCode::CONFLICT, "sold_out", "Sold out"),
        Refusal::AlreadyRegistered => {
            Shape::new(StatusCode::CONFLICT, "already_registered", "Already registered")
        }
    }
}

fn submit_shape(error: &SubmitError) -> Shape {
    match error {
        SubmitError::Overloaded => {
            Shape::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded")
                .retry_after(OVERLOADED_RETRY)
        }
        SubmitError::ShuttingDown => UNAVAILABLE,
        SubmitError::Store(error) => store_shape(error),
    }
}

fn store_shape(error: &StoreError) -> Shape {
    match error {
        StoreError::Unavailable(_) => UNAVAILABLE,
        StoreError::CommitUnknown(_) => OUTCOME_UNKNOWN,
        StoreError::Broken(_) => INTERNAL,
    }
}

fn framework_shape(status: StatusCode) -> Shape {
    match status {
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => METHOD_NOT_ALLOWED,
        StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
        status if status.is_client_error() => Shape { status, ..INVALID_HEADER },
        _ => INTERNAL,
    }
}

/// The body of a problem.
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'static str,
    /// The detail again, for clients of the first contract.
    error: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a [FieldError]>,
}

/// Writes `error` as the answer to the request at `path` with the id `request_id`.
pub(crate) fn response(error: &ApiError, path: &str, request_id: &str) -> HttpResponse<BoxBody> {
    let shape = error.shape();
    let detail = error.public_detail();
    let problem = Problem {
        // Where the page that explains it is, on this very server.
        kind: format!("/problems#{}", shape.code),
        title: shape.title,
        status: shape.status.as_u16(),
        detail: &detail,
        instance: path,
        code: shape.code,
        error: &detail,
        request_id,
        errors: match error {
            ApiError::Validation(errors) => Some(errors),
            _ => None,
        },
    };
    let mut response = HttpResponse::build(shape.status);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
    if let Some(after) = shape.retry_after {
        response.insert_header((RETRY_AFTER, HeaderValue::from(after.as_secs())));
    }
    if let ApiError::MethodNotAllowed { allow } = error {
        response.insert_header((ALLOW, HeaderValue::from_static(allow)));
    }
    if error.ends_connection() {
        response.force_close();
        response.insert_header((CONNECTION, HeaderValue::from_static("close")));
    }
    // A struct of texts and numbers has no value that JSON cannot hold.
    response.body(serde_json::to_vec(&problem).unwrap_or_default())
}

/// So that handlers and extractors can return it; `edge` writes the body, since it knows the request.
impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.shape().status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
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
