//! Checks whether each refusal had its reason while its request was in progress.

use super::breach::Breach;
use super::coverage::Coverage;
use super::exchanges::Exchange;
use super::history::{Hours, Request};
use super::replay::{Moment, Replay};
use super::status::Status;
use super::times::Times;
use super::window::{Window, moments_in};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Whether a refusal had its reason at some version that the request may have seen.
pub(super) fn check(
    exchange: &Exchange<'_>,
    code: &str,
    window: Window,
    replay: &Replay,
    times: &Times,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) {
    let request = &exchange.operation.request;
    let Window { after, before } = window;
    let counts = || (after..=before).filter_map(|version| replay.counts.get(version as usize));
    let at_some_moment = |is: &dyn Fn(&Moment) -> bool| {
        named(request).is_some_and(|id| moments_in(replay, id, window).any(is))
    };
    let is_justified = match (request, code) {
        (Request::Register { .. } | Request::Hold { .. }, "sold_out" | "all_held") => {
            may_be_open(request, window, replay, times) && counts().any(|counts| !counts.has_seat())
        }
        (
            Request::Register { user_email, .. } | Request::Hold { user_email, .. },
            "already_registered",
        ) => {
            may_be_open(request, window, replay, times) && is_live(user_email, None, window, replay)
        }
        (Request::Transfer { id, user_email, name }, "already_registered") => {
            // The present holder's address may be refused, unless only a name is corrected.
            is_live(user_email, name.as_ref().map(|_| *id), window, replay)
        }
        (Request::Correct { id, user_email: Some(user_email), .. }, "already_registered") => {
            is_live(user_email, Some(*id), window, replay)
        }
        (_, "closed") => {
            let is_cancelled = replay.cancelled_at.is_some_and(|at| at <= before);
            let is_closed = is_cancelled || may_be_closed(request, window, replay, times);
            if is_closed && !is_cancelled {
                coverage.count(&format!("{}: closed by its hours", request.kind()));
            }
            is_closed
        }
        (Request::Confirm { .. }, "hold_expired") => {
            at_some_moment(&|moment| matches!(moment.status, Status::Cancelled | Status::Expired))
        }
        (Request::Confirm { .. }, "not_offered") => {
            at_some_moment(&|moment| moment.status == Status::Waitlisted)
        }
        (Request::Cancel { .. }, "not_cancellable")
        | (Request::CheckIn { .. }, "already_checked_in") => {
            at_some_moment(&|moment| moment.is_checked_in)
        }
        (Request::Transfer { .. }, "not_transferable") => {
            at_some_moment(&|moment| moment.status != Status::Confirmed || moment.is_checked_in)
        }
        (
            Request::Correct { .. } | Request::RenewLink { .. } | Request::Transfer { .. },
            "not_correctable",
        ) => at_some_moment(&|moment| !moment.status.is_live()),
        (
            Request::Visit { token, .. } | Request::Correct { token: Some(token), .. },
            "forbidden",
        ) => at_some_moment(&|moment| moment.token != Some(*token)),
        (Request::CheckIn { id }, "ticket_refused") => replay.people.get(id).is_some_and(|all| {
            // It ended, or was transferred since its ticket was fetched. A correction is no reason.
            all.iter().any(|moment| {
                moment.version <= before
                    && (matches!(moment.status, Status::Cancelled | Status::Expired)
                        || moment.transfers > 0)
            })
        }),
        (Request::Edit { capacity, .. }, "capacity_below_booked") => {
            counts().any(|counts| *capacity < counts.taken)
        }
        (Request::Edit { if_version: Some(expected), .. }, "version_mismatch") => {
            after != before || after != *expected
        }
        _ => {
            let (status, code) =
                (exchange.decided.map_or(0, |decided| decided.status), code.to_owned());
            let request = request.kind();
            breaches.push(Breach::Unexpected { request, status, code: Some(code) });
            return;
        }
    };
    if !is_justified {
        let (request, code) = (request.kind(), code.to_owned());
        breaches.push(Breach::Unjustified { request, code, after, before });
    }
}

/// Whether an address had a live registration other than an excluded one.
fn is_live(user_email: &str, but: Option<Uuid>, window: Window, replay: &Replay) -> bool {
    let spans = replay.live.get(user_email).map_or(&[][..], Vec::as_slice);
    let is_in = |from: u64, until: u64| from <= window.before && window.after < until;
    spans.iter().any(|span| is_in(span.from, span.until) && but != Some(span.id))
}

/// From when on the event's hours refuse such a request, if ever.
fn refused_from(request: &Request, hours: Hours) -> Option<DateTime<Utc>> {
    match request {
        Request::Register { .. } | Request::Hold { .. } => hours.doors_close_at(),
        Request::Confirm { .. } | Request::Transfer { .. } => hours.over_at(),
        // Existing registrations can be checked in, corrected and cancelled at any hour.
        _ => None,
    }
}

/// Whether the hours may have been the reason for the refusal.
fn may_be_closed(request: &Request, window: Window, replay: &Replay, times: &Times) -> bool {
    let wants_something = match request {
        Request::Confirm { id } => {
            moments_in(replay, *id, window).any(|moment| moment.status != Status::Confirmed)
        }
        // A transfer to the present holder is a correction.
        Request::Transfer { id, user_email, name: Some(_) } => {
            moments_in(replay, *id, window).any(|moment| moment.user_email != *user_email)
        }
        _ => true,
    };
    wants_something
        && (window.after..=window.before).any(|version| {
            let hours = replay.counts.get(version as usize).map(|counts| counts.hours);
            let from = hours.and_then(|hours| refused_from(request, hours));
            from.is_some_and(|from| times.may_have_come(from, version))
        })
}

/// Whether the hours may have allowed it: they are checked before anything else.
fn may_be_open(request: &Request, window: Window, replay: &Replay, times: &Times) -> bool {
    (window.after..=window.before).any(|version| {
        let hours = replay.counts.get(version as usize).map(|counts| counts.hours);
        let from = hours.and_then(|hours| refused_from(request, hours));
        from.is_none_or(|from| !times.must_have_come(from, version))
    })
}

/// The registration that a request names.
pub(crate) fn named(request: &Request) -> Option<Uuid> {
    match request {
        Request::Confirm { id }
        | Request::Cancel { id }
        | Request::Transfer { id, .. }
        | Request::Correct { id, .. }
        | Request::RenewLink { id }
        | Request::Visit { id, .. }
        | Request::CheckIn { id }
        | Request::UndoCheckIn { id } => Some(*id),
        Request::Create { .. }
        | Request::Register { .. }
        | Request::Hold { .. }
        | Request::Edit { .. }
        | Request::CancelEvent
        | Request::Read => None,
    }
}
