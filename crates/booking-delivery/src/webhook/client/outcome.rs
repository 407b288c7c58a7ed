//! Results of tries.

use chrono::{DateTime, Utc};
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::{Response, StatusCode};
use std::time::Duration;

/// The result of a try, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The result.
    pub outcome: Outcome,
    /// From the name look-up to the answer.
    pub took: Duration,
}

/// The result of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Delivered: the receiver answered with this status, a 2xx.
    Done(u16),
    /// The receiver wants no more messages (410): the endpoint is to be disabled.
    Gone,
    /// It has to be retried.
    Failed {
        /// The status that the receiver answered with, if it did.
        status: Option<u16>,
        /// Why it failed.
        reason: Reason,
        /// When the receiver asked for the retry (429 and 503 alone).
        retry_after: Option<Duration>,
    },
}

/// Why a try failed. It holds nothing that the receiver sent: an organizer must not be able to read internal
/// services through webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Its name has no address.
    CannotResolve,
    /// Its address is blocked: see [`addresses`](crate::webhook::addresses).
    AddressRefused,
    /// No connection could be made.
    CannotConnect,
    /// The TLS handshake failed: the certificate is for another name, from an unknown authority, or expired.
    TlsFailed,
    /// There was no answer in time.
    Timeout,
    /// The connection ended before there was an answer, or the answer was not HTTP.
    BrokenAnswer,
    /// The response head is too long.
    AnswerTooLarge,
    /// It answered with a redirect, which is not followed.
    Redirected,
    /// It answered with another status than 2xx.
    Status,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::CannotResolve,
        Self::AddressRefused,
        Self::CannotConnect,
        Self::TlsFailed,
        Self::Timeout,
        Self::BrokenAnswer,
        Self::AnswerTooLarge,
        Self::Redirected,
        Self::Status,
    ];

    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CannotResolve => "cannot_resolve",
            Self::AddressRefused => "address_refused",
            Self::CannotConnect => "cannot_connect",
            Self::TlsFailed => "tls_failed",
            Self::Timeout => "timeout",
            Self::BrokenAnswer => "broken_answer",
            Self::AnswerTooLarge => "answer_too_large",
            Self::Redirected => "redirected",
            Self::Status => "status",
        }
    }

    pub(super) fn of(error: &hyper::Error) -> Self {
        match error.is_parse_too_large() {
            true => Self::AnswerTooLarge,
            false => Self::BrokenAnswer,
        }
    }
}

impl Outcome {
    pub(super) const fn without_answer(reason: Reason) -> Self {
        Self::Failed { status: None, reason, retry_after: None }
    }

    /// The outcome of a response head that came at `now`.
    pub(super) fn of<B>(answer: &Response<B>, now: DateTime<Utc>) -> Self {
        let status = answer.status();
        let failed = |reason, retry_after| Self::Failed {
            status: Some(status.as_u16()),
            reason,
            retry_after,
        };
        match status {
            _ if status.is_success() => Self::Done(status.as_u16()),
            StatusCode::GONE => Self::Gone,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                failed(Reason::Status, retry_after(answer.headers(), now))
            }
            _ if status.is_redirection() => failed(Reason::Redirected, None),
            _ => failed(Reason::Status, None),
        }
    }
}

/// RFC 9110, section 10.2.3: seconds, or a time.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    (at.to_utc() - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, retry_after: Option<&str>) -> Outcome {
        let mut answer = Response::builder().status(status);
        if let Some(retry_after) = retry_after {
            answer = answer.header(RETRY_AFTER, retry_after);
        }
        let now = DateTime::from_timestamp(1_777_662_000, 0).expect("in range");
        Outcome::of(&answer.body(()).expect("an answer"), now)
    }

    fn waits(status: u16, retry_after: &str) -> Option<u64> {
        match outcome(status, Some(retry_after)) {
            Outcome::Failed { retry_after, .. } => retry_after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_status_determines_the_outcome() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(outcome(status, None), Outcome::Done(status));
        }
        assert_eq!(outcome(410, None), Outcome::Gone);
        for (status, reason) in [
            (301, Reason::Redirected),
            (302, Reason::Redirected),
            (304, Reason::Redirected),
            (307, Reason::Redirected),
            (308, Reason::Redirected),
            (400, Reason::Status),
            (401, Reason::Status),
            (404, Reason::Status),
            (429, Reason::Status),
            (500, Reason::Status),
            (503, Reason::Status),
            (999, Reason::Status),
        ] {
            let failed = Outcome::Failed { status: Some(status), reason, retry_after: None };
            assert_eq!(outcome(status, None), failed);
        }
    }

    #[test]
    fn retry_after_is_parsed_as_seconds_or_a_date() {
        assert_eq!(waits(429, "120"), Some(120));
        assert_eq!(waits(503, " 7 "), Some(7));
        assert_eq!(waits(503, "Fri, 01 May 2026 19:01:00 GMT"), Some(60));
        for nonsense in
            ["Fri, 01 May 2026 18:59:00 GMT", "-1", "soon", "1.5", "99999999999999999999"]
        {
            assert_eq!(waits(503, nonsense), None, "{nonsense}");
        }
        assert_eq!(waits(500, "120"), None);
    }
}
