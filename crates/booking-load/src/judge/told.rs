//! What callers were told, against what was so while they asked.

use super::asked::Asked;
use super::breach::Breach;
use super::coverage::Coverage;
use super::facts::Facts;
use super::history::{Decided, Kind, Request, Shown, ShownEvent, Status};
use super::replay::{Moment, Replay};
use std::collections::HashMap;
use uuid::Uuid;

/// What was so while a request was under way: the versions that it may have seen.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// The newest that had been answered before it was sent.
    after: u64,
    /// The newest that can have been made before its answer.
    before: u64,
}

/// The order in real time of what was asked and answered.
struct Clock {
    /// When a version had been told, with the newest told until then.
    told: Vec<(u64, u64)>,
    /// When a version's request was sent, with the oldest made by any sent then or later.
    sent: Vec<(u64, u64)>,
    last: u64,
}

impl Clock {
    fn of(asked: &[Asked<'_>], made: &HashMap<u64, usize>, last: u64) -> Self {
        let mut told: Vec<(u64, u64)> = asked
            .iter()
            .filter_map(|asked| Some((asked.answered_at, version_of(asked.success()?)?)))
            .collect();
        told.sort_unstable();
        let mut newest = 0;
        for (_, version) in &mut told {
            newest = newest.max(*version);
            *version = newest;
        }
        let mut sent: Vec<(u64, u64)> =
            made.iter().map(|(version, &at)| (asked[at].invoked_at, *version)).collect();
        sent.sort_unstable();
        let mut oldest = u64::MAX;
        for (_, version) in sent.iter_mut().rev() {
            oldest = oldest.min(*version);
            *version = oldest;
        }
        Self { told, sent, last }
    }

    fn window(&self, asked: &Asked<'_>) -> Window {
        let told = self.told.partition_point(|(at, _)| *at < asked.invoked_at);
        let after = told.checked_sub(1).map_or(0, |last| self.told[last].1);
        let sent = self.sent.partition_point(|(at, _)| *at <= asked.answered_at);
        let before = self.sent.get(sent).map_or(self.last, |(_, version)| version - 1);
        Window { after, before: before.min(self.last) }
    }
}

/// Which request made a version: of those that were told so the one that was sent first, as asking for
/// what is so already is told the same.
fn makers(asked: &[Asked<'_>], facts: &Facts) -> HashMap<u64, usize> {
    let mut made: HashMap<u64, usize> = HashMap::new();
    for (at, one) in asked.iter().enumerate() {
        let Some(version) = one.success().and_then(version_of) else { continue };
        let Some(fact) = facts.get(&version) else { continue };
        let is_maker = match (&one.operation.request, fact.kind) {
            (Request::Register { .. }, Kind::Registered | Kind::Waitlisted)
            | (Request::Hold { .. }, Kind::Held)
            | (Request::Cancel { .. }, Kind::Cancelled)
            | (Request::Transfer { .. }, Kind::Transferred)
            | (Request::CheckIn { .. }, Kind::CheckedIn)
            | (Request::UndoCheckIn { .. }, Kind::CheckInUndone)
            | (Request::CancelEvent, Kind::EventCancelled) => true,
            (Request::Confirm { .. }, Kind::Confirmed) => !fact.is_serving(),
            _ => false,
        };
        if is_maker {
            let first = made.entry(version).or_insert(at);
            if one.invoked_at < asked[*first].invoked_at {
                *first = at;
            }
        }
    }
    made.extend(facts.iter().filter_map(|(version, fact)| Some((*version, fact.edit?))));
    made
}

fn version_of(decided: &Decided) -> Option<u64> {
    let registration = decided.registration.as_ref().map(|shown| shown.event_version);
    registration.or(decided.event.as_ref().map(|event| event.version))
}

/// Checks every answer of an event.
pub(super) fn check(
    asked: &[Asked<'_>],
    facts: &Facts,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) {
    let last = replay.counts.len() as u64 - 1;
    let made = makers(asked, facts);
    let clock = Clock::of(asked, &made, last);
    for (version, at) in made {
        let Window { after, before } = clock.window(&asked[at]);
        if version <= after {
            breaches.push(Breach::OutOfOrder { version, after, before });
        }
    }
    for asked in asked {
        let Some(decided) = asked.decided else { continue };
        let window = clock.window(asked);
        let request = &asked.operation.request;
        if !decided.is_success() {
            let code = decided.code.as_deref().unwrap_or("(no code)");
            coverage.count(&format!("{}: {} {code}", request.kind(), decided.status));
            check_refusal(asked, code, window, replay, breaches);
            continue;
        }
        coverage.count(&format!("{}: {}", request.kind(), decided.status));
        if let Some(shown) = &decided.registration {
            check_shown(shown, window, replay, breaches);
        }
        if let Some(event) = &decided.event {
            check_event(event, replay, breaches);
        }
        let Some(version) = version_of(decided) else {
            let (request, status) = (request.kind(), decided.status);
            breaches.push(Breach::Unexpected { request, status, code: None });
            continue;
        };
        let Window { after, before } = window;
        let is_stale = matches!(request, Request::Read) && version < after;
        if version > before || is_stale {
            breaches.push(Breach::OutOfOrder { version, after, before });
        }
    }
}

/// Whether a registration was at that version as an answer shows it.
fn check_shown(shown: &Shown, window: Window, replay: &Replay, breaches: &mut Vec<Breach>) {
    let (id, version) = (shown.id, shown.event_version);
    let moments = replay.people.get(&id).map_or(&[][..], Vec::as_slice);
    let Some(moment) = moments.iter().find(|moment| moment.version == version) else {
        breaches.push(Breach::ChangeMissing { version, id });
        return;
    };
    let mut differs = |what| breaches.push(Breach::AnswerDiffers { version, id, what });
    // Whatever was live in a cancelled event counts as ended, and its row says nothing of it.
    let was_called_off = replay.cancelled_at.is_some_and(|at| at <= window.before)
        && matches!(shown.status, Status::Cancelled | Status::Expired);
    if shown.status != moment.status && !was_called_off {
        differs("status");
    }
    if shown.user_email != moment.user_email {
        differs("user_email");
    }
    if shown.checked_in_at.is_some() != moment.is_checked_in {
        differs("checked_in_at");
    }
    let ends = |moment: &Moment| moment.expires_at.filter(|_| !was_called_off);
    if moment.expires_at.is_some() && shown.expires_at != ends(moment) {
        differs("expires_at");
    }
    let Some(position) = shown.position else { return };
    // The place when the queue was joined, less those who can have left it until the answer.
    let at = |version: u64| replay.counts.get(version as usize).copied().unwrap_or_default();
    let (then, later) = (at(version), at(window.before.max(version)));
    let left = later.left_queue.saturating_sub(then.left_queue);
    if !(then.waiting.saturating_sub(left).max(1)..=then.waiting).contains(&position) {
        differs("position");
    }
}

fn check_event(event: &ShownEvent, replay: &Replay, breaches: &mut Vec<Breach>) {
    let version = usize::try_from(event.version).unwrap_or(usize::MAX);
    let Some(then) = replay.counts.get(version) else {
        // That a version is told of which nobody made is found in the end.
        return;
    };
    // What has run out and is not tidied counts less, and has no version yet.
    let is_less = !event.is_settled && event.booked_count < then.taken;
    let same = (event.capacity, event.waitlist_count) == (then.capacity, then.waiting);
    if !(is_less || event.booked_count == then.taken) || !same {
        let (booked_count, taken) = (event.booked_count, then.taken);
        breaches.push(Breach::ReadDiffers { version: event.version, booked_count, taken });
    }
}

/// Whether a refusal had its reason at some version that the request may have seen.
fn check_refusal(
    asked: &Asked<'_>,
    code: &str,
    window: Window,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
) {
    let request = &asked.operation.request;
    let Window { after, before } = window;
    let counts = || (after..=before).filter_map(|version| replay.counts.get(version as usize));
    let somebody = |is: &dyn Fn(&Moment) -> bool| {
        named(request).is_some_and(|id| moments_in(replay, id, window).any(is))
    };
    let is_justified = match (request, code) {
        (Request::Register { .. } | Request::Hold { .. }, "sold_out" | "all_held") => {
            counts().any(|counts| !counts.has_seat())
        }
        (
            Request::Register { user_email, .. }
            | Request::Hold { user_email, .. }
            | Request::Transfer { user_email, .. },
            "already_registered",
        ) => replay.live.get(user_email).is_some_and(|spans| {
            spans.iter().any(|(from, until)| *from <= before && after < *until)
        }),
        (_, "closed") => replay.cancelled_at.is_some_and(|at| at <= before),
        (Request::Confirm { .. }, "hold_expired") => {
            somebody(&|moment| matches!(moment.status, Status::Cancelled | Status::Expired))
        }
        (Request::Confirm { .. }, "not_offered") => {
            somebody(&|moment| moment.status == Status::Waitlisted)
        }
        (Request::Cancel { .. }, "not_cancellable")
        | (Request::CheckIn { .. }, "already_checked_in") => {
            somebody(&|moment| moment.is_checked_in)
        }
        (Request::Transfer { .. }, "not_transferable") => {
            somebody(&|moment| moment.status != Status::Confirmed || moment.is_checked_in)
        }
        (Request::CheckIn { id }, "ticket_refused") => replay.people.get(id).is_some_and(|all| {
            // It ended, or it is somebody else's since its ticket was fetched.
            all.iter().any(|moment| {
                moment.version <= before
                    && (moment.status != Status::Confirmed
                        || moment.user_email != all[0].user_email)
            })
        }),
        (Request::Edit { capacity, .. }, "capacity_below_booked") => {
            counts().any(|counts| *capacity < counts.taken)
        }
        (Request::Edit { if_version: Some(asked), .. }, "version_mismatch") => {
            after != before || after != *asked
        }
        _ => {
            let (status, code) =
                (asked.decided.map_or(0, |decided| decided.status), code.to_owned());
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

/// The registration that a request names.
pub(crate) fn named(request: &Request) -> Option<Uuid> {
    match request {
        Request::Confirm { id }
        | Request::Cancel { id }
        | Request::Transfer { id, .. }
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

/// How a registration was at any time of a window.
fn moments_in(replay: &Replay, id: Uuid, window: Window) -> impl Iterator<Item = &Moment> {
    let moments = replay.people.get(&id).map_or(&[][..], Vec::as_slice);
    let first = moments.partition_point(|moment| moment.version <= window.after).saturating_sub(1);
    moments[first..].iter().take_while(move |moment| moment.version <= window.before)
}
