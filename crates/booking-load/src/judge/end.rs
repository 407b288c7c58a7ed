//! Checks the servers' final state against the result of the replay.

use super::breach::Breach;
use super::exchanges::Exchange;
use super::history::{EndEvent, EndRegistration, RegistrationView, Request};
use super::replay::{Moment, Replay};
use super::status::Status;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Checks that no registration is lost, none is there without a request, and every row is as it was made.
pub(super) fn check(
    exchanges: &[Exchange<'_>],
    rows: &[&EndRegistration],
    end: Option<&EndEvent>,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
) {
    let mut by_id: HashMap<Uuid, &RegistrationView> = HashMap::with_capacity(rows.len());
    for row in rows {
        if by_id.insert(row.shown.id, &row.shown).is_some() {
            breaches.push(Breach::ListedTwice { id: row.shown.id });
        }
    }
    let mut acknowledged = HashSet::with_capacity(rows.len());
    for exchange in exchanges {
        if matches!(exchange.operation.request, Request::Register { .. } | Request::Hold { .. })
            && let Some(shown) =
                exchange.success().and_then(|decided| decided.registration.as_ref())
            && acknowledged.insert(shown.id)
            && !by_id.contains_key(&shown.id)
        {
            breaches.push(Breach::Lost { id: shown.id });
        }
    }
    // A client whose answer was lost may have one.
    let open =
        exchanges.iter().filter(|exchange| exchange.is_open).filter_map(|exchange| match &exchange
            .operation
            .request
        {
            Request::Register { user_email, .. } | Request::Hold { user_email, .. } => {
                Some(user_email.as_str())
            }
            _ => None,
        });
    let open: HashSet<&str> = open.collect();
    let places: HashMap<Uuid, u32> =
        replay.queue.values().zip(1..).map(|(id, place)| (*id, place)).collect();
    for (id, row) in by_id {
        if !acknowledged.contains(&id) && !open.contains(row.user_email.as_str()) {
            breaches.push(Breach::Phantom { id });
        }
        match replay.people.get(&id).and_then(|moments| moments.last()) {
            None => breaches.push(Breach::ChangeMissing { version: row.event_version, id }),
            Some(last) => check_row(row, last, places.get(&id).copied(), replay, breaches),
        }
    }
    match end {
        None => breaches.push(Breach::EventMissing),
        Some(end) => check_event(end, replay, breaches),
    }
}

fn check_row(
    row: &RegistrationView,
    last: &Moment,
    place: Option<u32>,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
) {
    let mut differs = |what| breaches.push(Breach::RowDiffers { id: row.id, what });
    let was_cancelled = replay.cancelled_at.is_some()
        && last.status.is_live()
        && matches!(row.status, Status::Cancelled | Status::Expired);
    if row.status != last.status && !was_cancelled {
        differs("status");
    }
    if row.event_version != last.version {
        differs("event_version");
    }
    if row.user_email != last.user_email {
        differs("user_email");
    }
    if row.name != last.name {
        differs("name");
    }
    if row.checked_in_at.is_some() != last.is_checked_in {
        differs("checked_in_at");
    }
    if row.position != place {
        differs("position");
    }
    if !was_cancelled && last.expires_at.is_some() && row.expires_at != last.expires_at {
        differs("expires_at");
    }
}

fn check_event(end: &EndEvent, replay: &Replay, breaches: &mut Vec<Breach>) {
    let last = replay.counts.last().copied().unwrap_or_default();
    let shown = &end.shown;
    if shown.hours != last.hours {
        breaches.push(Breach::HoursDiffer { version: shown.version });
    }
    for (what, shown, replayed) in [
        ("version", shown.version, replay.counts.len() as u64 - 1),
        ("booked_count", shown.booked_count.into(), last.taken.into()),
        ("waitlist_count", shown.waitlist_count.into(), last.waiting.into()),
        ("capacity", shown.capacity.into(), last.capacity.into()),
    ] {
        if shown != replayed {
            breaches.push(Breach::EventDiffers { what, shown, replayed });
        }
    }
}
