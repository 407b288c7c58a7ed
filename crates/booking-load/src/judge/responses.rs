//! Responses, against what was so while their requests were under way.

use super::breach::Breach;
use super::coverage::Coverage;
use super::exchanges::Exchange;
use super::facts::Facts;
use super::history::{EventView, FinalResponse, Kind, RegistrationView, Request, TokenMark};
use super::refusals;
use super::replay::Replay;
use super::status::Status;
use super::times::Times;
use super::window::{Window, moments_in};
use std::collections::HashMap;

/// The order in real time of what was asked and answered.
struct Clock {
    /// When a version had been told, with the newest told until then.
    told: Vec<(u64, u64)>,
    /// When a version's request was sent, with the oldest made by any sent then or later.
    sent: Vec<(u64, u64)>,
    last: u64,
}

impl Clock {
    fn of(asked: &[Exchange<'_>], made: &HashMap<u64, usize>, last: u64) -> Self {
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

    fn window(&self, asked: &Exchange<'_>) -> Window {
        let told = self.told.partition_point(|(at, _)| *at < asked.invoked_at);
        let after = told.checked_sub(1).map_or(0, |last| self.told[last].1);
        let sent = self.sent.partition_point(|(at, _)| *at <= asked.answered_at);
        let before = self.sent.get(sent).map_or(self.last, |(_, version)| version - 1);
        Window { after, before: before.min(self.last) }
    }
}

/// Which request made a version: of those that were told so the one that was sent first, as asking for
/// what is so already is told the same.
fn makers(asked: &[Exchange<'_>], facts: &Facts) -> HashMap<u64, usize> {
    let mut made: HashMap<u64, usize> = HashMap::new();
    for (at, one) in asked.iter().enumerate() {
        let Some(version) = one.success().and_then(version_of) else { continue };
        let Some(fact) = facts.get(&version) else { continue };
        let is_maker = match (&one.operation.request, fact.kind) {
            (Request::Register { .. }, Kind::Registered | Kind::Waitlisted)
            | (Request::Hold { .. }, Kind::Held)
            | (Request::Cancel { .. }, Kind::Cancelled)
            | (Request::Transfer { .. }, Kind::Transferred | Kind::Corrected)
            | (Request::Correct { .. }, Kind::Corrected)
            | (Request::RenewLink { .. }, Kind::LinkRenewed)
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

fn version_of(decided: &FinalResponse) -> Option<u64> {
    let registration = decided.registration.as_ref().map(|shown| shown.event_version);
    registration.or(decided.event.as_ref().map(|event| event.version))
}

/// Checks every answer of an event.
pub(super) fn check(
    asked: &[Exchange<'_>],
    facts: &Facts,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) {
    let last = replay.counts.len() as u64 - 1;
    let made = makers(asked, facts);
    let clock = Clock::of(asked, &made, last);
    let times = Times::of(facts);
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
            refusals::check(asked, code, window, replay, &times, breaches, coverage);
            continue;
        }
        coverage.count(&format!("{}: {}", request.kind(), decided.status));
        if let Some(shown) = &decided.registration {
            check_shown(request, shown, window, replay, breaches, coverage);
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
fn check_shown(
    request: &Request,
    shown: &RegistrationView,
    window: Window,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) {
    let (id, version) = (shown.id, shown.event_version);
    let moments = replay.people.get(&id).map_or(&[][..], Vec::as_slice);
    let Some(moment) = moments.iter().find(|moment| moment.version == version) else {
        breaches.push(Breach::ChangeMissing { version, id });
        return;
    };
    if let Request::Visit { token, .. } = request {
        check_visit(*token, shown, window, replay, breaches);
    }
    let mut differs = |what| breaches.push(Breach::AnswerDiffers { version, id, what });
    // Whatever was live in a cancelled event counts as ended, and its row says nothing of it.
    let was_cancelled = replay.cancelled_at.is_some_and(|at| at <= window.before)
        && matches!(shown.status, Status::Cancelled | Status::Expired);
    // Nor of a hold or an offer that has run out, until the next change tidies it.
    let has_run_out = matches!(request, Request::Visit { .. })
        && matches!(moment.status, Status::Held | Status::Offered)
        && shown.status == Status::Expired;
    let has_ended = was_cancelled || has_run_out;
    if shown.status != moment.status && !has_ended {
        differs("status");
    }
    if shown.user_email != moment.user_email {
        differs("user_email");
    }
    if shown.name != moment.name {
        differs("name");
    }
    if shown.checked_in_at.is_some() != moment.is_checked_in {
        differs("checked_in_at");
    }
    let ends = |end| if has_ended { None } else { Some(end) };
    if let Some(end) = moment.expires_at
        && shown.expires_at != ends(end)
        && !moment.later_ends.iter().any(|end| shown.expires_at == Some(*end))
    {
        differs("expires_at");
    }
    if !is_as_asked(request, shown) {
        differs("what was asked for");
    }
    // A repetition of what was asked may find that it has got another one since.
    if shown.token.is_some() && moment.token != shown.token {
        differs("manage_token");
    }
    if matches!(request, Request::RenewLink { .. }) && shown.token.is_none() {
        differs("manage_token");
    }
    let at = |version: u64| replay.counts.get(version as usize).copied().unwrap_or_default();
    if let (Request::CheckIn { .. }, Some(came_at)) = (request, shown.checked_in_at) {
        // By the hours when it was decided, which may have been edited since.
        let may_be = (version..=window.before.max(version))
            .any(|version| shown.timing == Some(at(version).hours.timing(came_at)));
        match shown.timing.filter(|_| may_be) {
            Some(timing) => coverage.count(&format!("check_in: {timing:?}")),
            None => differs("timing"),
        }
    }
    let Some(position) = shown.position else { return };
    // The place when the queue was joined, less those who can have left it until the answer.
    let (then, later) = (at(moments[0].version), at(window.before.max(version)));
    let left = later.left_queue.saturating_sub(then.left_queue);
    if !(then.waiting.saturating_sub(left).max(1)..=then.waiting).contains(&position) {
        differs("position");
    }
}

/// Whether a holder who looks was shown what was so at some time while they did, and had a right to.
fn check_visit(
    token: TokenMark,
    shown: &RegistrationView,
    window: Window,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
) {
    let (id, version) = (shown.id, shown.event_version);
    let Window { after, before } = window;
    if moments_in(replay, id, window).all(|moment| moment.version != version) {
        breaches.push(Breach::OutOfOrder { version, after, before });
    }
    // Where nobody heard which token it has, it may be this one.
    if moments_in(replay, id, window).all(|moment| moment.token.is_some_and(|good| good != token)) {
        breaches.push(Breach::DeadToken { version, id });
    }
}

/// Whether what was to be put right is so.
fn is_as_asked(request: &Request, shown: &RegistrationView) -> bool {
    let has = |wanted: &Option<String>| wanted.as_ref().is_none_or(|to| *to == shown.user_email);
    match request {
        Request::Correct { name, user_email, .. } => {
            shown.name.as_ref() == Some(name) && has(user_email)
        }
        _ => true,
    }
}

fn check_event(event: &EventView, replay: &Replay, breaches: &mut Vec<Breach>) {
    let version = usize::try_from(event.version).unwrap_or(usize::MAX);
    let Some(then) = replay.counts.get(version) else {
        // That a version is told of which nobody made is found in the end.
        return;
    };
    // What has run out and is not tidied counts less, and has no version yet.
    let is_less = !event.is_settled && event.booked_count < then.taken;
    if event.hours != then.hours {
        breaches.push(Breach::HoursDiffer { version: event.version });
    }
    let same = (event.capacity, event.waitlist_count) == (then.capacity, then.waiting);
    if !(is_less || event.booked_count == then.taken) || !same {
        let (booked_count, taken) = (event.booked_count, then.taken);
        breaches.push(Breach::ReadDiffers { version: event.version, booked_count, taken });
    }
}
