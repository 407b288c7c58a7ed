//! Scanned tickets: verified here, and decided where their seats are.

use crate::api::openapi::schemas::{or_null, words};
use crate::api::requests::Scan;
use crate::api::responses::timings;
use crate::extract::idempotency_key::part;
use crate::problem::{ApiError, TICKET_REASONS, TicketFault, void_reason};
use crate::routes::responses::{split_replay, unexpected_outcome};
use crate::service::Service;
use booking_core::{
    Admitted, Caller, CheckIn, Command, EventCommand, EventId, IdempotencyKey, Outcome, Refusal,
    RegistrationId, Timing,
};
use booking_ticket::TicketClaims;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder};
use uuid::Uuid;

/// What became of scans that were sent together.
pub(crate) struct BatchResult {
    /// In the order of the scans.
    pub(crate) results: Vec<ScanBody>,
    /// Whether all of it is the answer that the same request got before.
    pub(crate) is_replay: bool,
}

/// What became of a scan, as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ScanResult)]
pub(crate) struct ScanBody {
    id: Uuid,
    #[schema(schema_with = results)]
    result: &'static str,
    #[schema(value_type = Option<Uuid>, required = true)]
    registration_id: Option<RegistrationId>,
    #[schema(required = true)]
    checked_in_at: Option<DateTime<Utc>>,
    #[schema(schema_with = timing_or_null, required = true)]
    timing: Option<Timing>,
    #[schema(schema_with = reasons, required = true)]
    reason: Option<&'static str>,
    #[schema(required = true)]
    detail: Option<String>,
}

const CHECKED_IN: &str = "checked_in";
const ALREADY_CHECKED_IN: &str = "already_checked_in";
const REFUSED: &str = "refused";

/// The result of every scan once the event is cancelled.
const CLOSED: &str = "closed";

fn results() -> ObjectBuilder {
    words([CHECKED_IN, ALREADY_CHECKED_IN, REFUSED])
}

fn reasons() -> Object {
    let reasons = words(TICKET_REASONS.into_iter().chain([CLOSED]));
    or_null(reasons.description(Some("Why it is refused, for programs")))
}

fn timing_or_null() -> Object {
    or_null(timings())
}

/// The registration in a ticket, if we signed it and it is for this event.
///
/// # Errors
/// [`ApiError::TicketRefused`]; the store's.
async fn verify(
    service: &Service,
    event_id: EventId,
    ticket: &str,
    shown_at: Instant,
) -> Result<TicketClaims, ApiError> {
    let claims = service.tickets.verify(ticket, shown_at).await?;
    match claims.event_id == event_id.as_uuid() {
        true => Ok(claims),
        false => Err(ApiError::TicketRefused(TicketFault::OtherEvent)),
    }
}

/// The same for a ticket alone.
///
/// # Errors
/// The same as [`verify`], and [`ApiError::NotFound`] if there is no such event.
pub(crate) async fn verify_for_event(
    service: &Service,
    caller: Caller,
    event_id: EventId,
    ticket: &str,
) -> Result<TicketClaims, ApiError> {
    let verified = verify(service, event_id, ticket, Instant::now()).await;
    if let Err(ApiError::TicketRefused(_)) = verified {
        // No later step looks the event up.
        service.reads.check_manages(caller, event_id).await?;
    }
    verified
}

/// The command that checks a ticket in.
pub(crate) fn command(
    claims: &TicketClaims,
    scan_id: Uuid,
    scanned_at: Option<DateTime<Utc>>,
) -> Command {
    Command::CheckIn(CheckIn {
        registration_id: claims.registration_id.into(),
        generation: claims.generation,
        scan_id,
        scanned_at,
    })
}

/// Submits scans, in their order and in as few transactions as possible. Each is identified by its id, so a
/// repetition changes nothing, with a key or without.
///
/// # Errors
/// Errors of the whole request: no such event, a key that was used for other scans, or that some were not decided.
/// They are to be sent again then.
pub(crate) async fn check_in_all(
    service: &Service,
    caller: Caller,
    event_id: EventId,
    scans: &[Scan],
    key: Option<IdempotencyKey>,
) -> Result<BatchResult, ApiError> {
    let mut is_replay = begin(service, caller, event_id, key).await?;
    let shown_at = Instant::now();
    let mut verified = Vec::with_capacity(scans.len());
    for scan in scans {
        verified.push(match verify(service, event_id, &scan.ticket, shown_at).await {
            Err(ApiError::TicketRefused(fault)) => Err(fault),
            claims => Ok(claims?),
        });
    }
    let submitted = scans.iter().zip(verified).enumerate().map(|(position, (scan, verified))| {
        let key = key.map(|key| part(key, position));
        async move {
            match verified {
                Ok(claims) => submit(service, caller, event_id, scan, &claims, key).await,
                Err(fault) => Ok((refused(scan, None, fault.reason(), &fault), true)),
            }
        }
    });
    let mut results = Vec::with_capacity(scans.len());
    for (result, is_known) in try_join_all(submitted).await? {
        is_replay &= is_known;
        results.push(result);
    }
    Ok(BatchResult { results, is_replay })
}

/// Checks that the event is the caller's, and that nothing else was requested under the key; returns whether this
/// was. A command that changes nothing takes the key for the request as a whole: its scans, which have keys of
/// their own, could not show that others were sent before.
async fn begin(
    service: &Service,
    caller: Caller,
    event_id: EventId,
    key: Option<IdempotencyKey>,
) -> Result<bool, ApiError> {
    service.reads.check_manages(caller, event_id).await?;
    if key.is_none() {
        return Ok(false);
    }
    let begin = EventCommand::new(event_id, Caller::Operator, Command::Settle).with_key(key);
    match split_replay(service.submit(begin).await?) {
        (Outcome::Refused(refusal), is_replay) => Err(ApiError::Refused { refusal, is_replay }),
        (_, is_replay) => Ok(is_replay),
    }
}

/// Has one scan decided; returns whether it was before, too.
async fn submit(
    service: &Service,
    caller: Caller,
    event_id: EventId,
    scan: &Scan,
    claims: &TicketClaims,
    key: Option<IdempotencyKey>,
) -> Result<(ScanBody, bool), ApiError> {
    let command = command(claims, scan.id, Some(scan.scanned_at));
    let item = EventCommand::new(event_id, caller, command).with_key(key);
    let (outcome, is_replay) = split_replay(service.submit(item).await?);
    let registration_id = Some(claims.registration_id.into());
    let result = match outcome {
        Outcome::CheckedIn(Admitted { registration, timing }) => {
            let at = registration.check_in.map(|check_in| check_in.at);
            ScanBody { timing: Some(timing), ..done(scan, CHECKED_IN, registration_id, at, None) }
        }
        Outcome::Refused(refusal) => match refusal {
            Refusal::AlreadyCheckedIn { checked_in_at: at } => {
                done(scan, ALREADY_CHECKED_IN, registration_id, Some(at), Some(&refusal))
            }
            Refusal::TicketVoid { reason } => {
                refused(scan, registration_id, void_reason(reason), &refusal)
            }
            Refusal::Closed => refused(scan, registration_id, CLOSED, &refusal),
            // Any other refusal is not about this scan alone.
            refusal => return Err(ApiError::Refused { refusal, is_replay }),
        },
        _ => return Err(unexpected_outcome()),
    };
    Ok((result, is_replay))
}

fn done(
    scan: &Scan,
    result: &'static str,
    registration_id: Option<RegistrationId>,
    checked_in_at: Option<DateTime<Utc>>,
    detail: Option<&Refusal>,
) -> ScanBody {
    let detail = detail.map(ToString::to_string);
    ScanBody {
        id: scan.id,
        result,
        registration_id,
        checked_in_at,
        timing: None,
        reason: None,
        detail,
    }
}

fn refused(
    scan: &Scan,
    registration_id: Option<RegistrationId>,
    reason: &'static str,
    detail: &dyn std::fmt::Display,
) -> ScanBody {
    let (reason, detail) = (Some(reason), Some(detail.to_string()));
    ScanBody {
        id: scan.id,
        result: REFUSED,
        registration_id,
        checked_in_at: None,
        timing: None,
        reason,
        detail,
    }
}
