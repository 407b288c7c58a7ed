//! Outcomes as HTTP responses: status, headers and body.

use crate::api::responses::{EventBody, RegistrationBody, ToConfirmBody};
use crate::auth::manage_token::ManageToken;
use crate::extract::conditional::etag;
use crate::problem::{ApiError, REPLAYED};
use crate::service::tickets::{Issued, Tickets};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use booking_core::{Event, EventTag, Outcome, Registration, Timing};

/// The result of a command that was not refused.
pub(crate) struct CommandResult<T> {
    pub(crate) what: T,
    /// Whether it is the answer that the same request got before.
    pub(crate) is_replay: bool,
    /// Whether the registration was put on the waitlist.
    is_waitlisted: bool,
    /// Whether a check-in was early, in time or late.
    timing: Option<Timing>,
}

impl<T> CommandResult<T> {
    /// Begins the answer.
    pub(crate) fn answer(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        if self.is_replay {
            response.insert_header(REPLAYED);
        }
        response
    }
}

impl CommandResult<Registration> {
    /// The registration in an outcome.
    ///
    /// # Errors
    /// The refusal, if it is one.
    pub(crate) fn registration(outcome: Outcome) -> Result<Self, ApiError> {
        let (outcome, is_replay) = split_replay(outcome);
        let is_waitlisted = matches!(outcome, Outcome::Waitlisted(_));
        let mut timing = None;
        let what = match outcome {
            Outcome::Confirmed(registration)
            | Outcome::Held(registration)
            | Outcome::Waitlisted(registration)
            | Outcome::Cancelled(registration)
            | Outcome::Transferred(registration)
            | Outcome::Corrected(registration)
            | Outcome::LinkRenewed(registration)
            | Outcome::CheckInUndone(registration)
            | Outcome::Erased(registration) => registration,
            Outcome::CheckedIn(admitted) => {
                timing = Some(admitted.timing);
                admitted.registration
            }
            Outcome::Refused(refusal) => return Err(ApiError::Refused { refusal, is_replay }),
            Outcome::ToConfirm(_)
            | Outcome::KnownAddress(_)
            | Outcome::EventChanged(_)
            | Outcome::Settled
            | Outcome::Replayed(_) => return Err(unexpected_outcome()),
        };
        Ok(Self { what, is_replay, is_waitlisted, timing })
    }

    /// The token to show with it, if the registration's token is `issued` or one derived like it.
    pub(crate) async fn token(&self, tickets: &Tickets, issued: &Issued) -> Option<ManageToken> {
        tickets.token_of(&self.what, self.is_replay, issued).await
    }

    /// 201 for a new registration; 202 if it waits.
    pub(crate) fn status(&self) -> StatusCode {
        if self.is_waitlisted { StatusCode::ACCEPTED } else { StatusCode::CREATED }
    }

    /// The new registration, with that status.
    pub(crate) fn made(&self, token: Option<&ManageToken>) -> HttpResponse {
        self.shown(self.status(), token)
    }

    /// 200: it is as it was asked to be.
    pub(crate) fn changed(&self, token: Option<&ManageToken>) -> HttpResponse {
        self.shown(StatusCode::OK, token)
    }

    fn shown(&self, status: StatusCode, token: Option<&ManageToken>) -> HttpResponse {
        let body = RegistrationBody::from(&self.what)
            .with_token(token.map(ManageToken::as_str))
            .with_timing(self.timing);
        self.answer(status).json(body)
    }
}

impl CommandResult<Box<Event>> {
    /// The event in an outcome.
    ///
    /// # Errors
    /// The refusal, if it is one.
    pub(crate) fn event(outcome: Outcome) -> Result<Self, ApiError> {
        let (outcome, is_replay) = split_replay(outcome);
        match outcome {
            Outcome::EventChanged(what) => {
                Ok(Self { what, is_replay, is_waitlisted: false, timing: None })
            }
            Outcome::Refused(refusal) => Err(ApiError::Refused { refusal, is_replay }),
            Outcome::Confirmed(_)
            | Outcome::Held(_)
            | Outcome::Waitlisted(_)
            | Outcome::ToConfirm(_)
            | Outcome::KnownAddress(_)
            | Outcome::Cancelled(_)
            | Outcome::Transferred(_)
            | Outcome::Corrected(_)
            | Outcome::LinkRenewed(_)
            | Outcome::CheckedIn(_)
            | Outcome::CheckInUndone(_)
            | Outcome::Erased(_)
            | Outcome::Settled
            | Outcome::Replayed(_) => Err(unexpected_outcome()),
        }
    }

    /// 200, with the tag for `If-Match`.
    pub(crate) fn changed(&self) -> HttpResponse {
        let tag = etag(EventTag::from(&*self.what));
        self.answer(StatusCode::OK).insert_header(tag).json(EventBody::from(&*self.what))
    }
}

/// Whether it is a replay, if only a mail may reveal the outcome; `None` for all other outcomes.
pub(crate) fn by_mail(outcome: &Outcome) -> Option<bool> {
    let (first, is_replay) = match outcome {
        Outcome::Replayed(first) => (&**first, true),
        outcome => (outcome, false),
    };
    matches!(first, Outcome::ToConfirm(_) | Outcome::KnownAddress(_)).then_some(is_replay)
}

/// 202: a mail tells the owner of the address, and this reveals nothing to the client.
pub(crate) fn to_confirm(is_replay: bool) -> HttpResponse {
    let mut response = HttpResponse::Accepted();
    if is_replay {
        response.insert_header(REPLAYED);
    }
    response.json(ToConfirmBody::SENT)
}

/// The original outcome, and whether it is a replay.
pub(crate) fn split_replay(outcome: Outcome) -> (Outcome, bool) {
    match outcome {
        Outcome::Replayed(first) => (*first, true),
        outcome => (outcome, false),
    }
}

/// An outcome that no store may return for that command.
pub(crate) fn unexpected_outcome() -> ApiError {
    log::error!("the store answered another command than was asked");
    ApiError::Panic
}
