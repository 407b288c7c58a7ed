//! Checks responses against the states there were while their requests were in progress.

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

/// The order in real time of requests and answers.
struct Clock {
    /// When a version was answered, with the newest answered until then.
    answered: Vec<(u64, u64)>,
    /// When a version's request was sent, with the oldest made by any sent then or later.
    sent: Vec<(u64, u64)>,
    last: u64,
}

impl Clock {
    fn of(exchanges: &[Exchange<'_>], made: &HashMap<u64, usize>, last: u64) -> Self {
        let mut answered: Vec<(u64, u64)> = exchanges
            .iter()
            .filter_map(|exchange| Some((exchange.answered_at, version_of(exchange.success()?)?)))
            .collect();
        answered.sort_unstable();
        let mut newest = 0;
        for (_, version) in &mut answered {
            newest = newest.max(*version);
            *version = newest;
        }
        let mut sent: Vec<(u64, u64)> =
            made.iter().map(|(version, &at)| (exchanges[at].invoked_at, *version)).collect();
        sent.sort_unstable();
        let mut oldest = u64::MAX;
        for (_, version) in sent.iter_mut().rev() {
            oldest = oldest.min(*version);
            *version = oldest;
        }
        Self { answered, sent, last }
    }

    fn window(&self, exchange: &Exchange<'_>) -> Window {
        let answered = self.answered.partition_point(|(at, _)| *at < exchange.invoked_at);
        let after = answered.checked_sub(1).map_or(0, |last| self.answered[last].1);
        let sent = self.sent.partition_point(|(at, _)| *at <= exchange.answered_at);
        let before = self.sent.get(sent).map_or(self.last, |(_, version)| version - 1);
        Window { after, before: before.min(self.last) }
    }
}

/// The request that made each version: of those that were answered with it the one that was sent first, as a
/// request for what is already so gets the same version.
fn makers(exchanges: &[Exchange<'_>], facts: &Facts) -> HashMap<u64, usize> {
    let mut made: HashMap<u64, usize> = HashMap::new();
    for (at, one) in exchanges.iter().enumerate() {
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
            if one.invoked_at < exchanges[*first].invoked_at {
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
    exchanges: &[Exchange<'_>],
    facts: &Facts,
    replay: &Replay,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) {
    let last = replay.counts.len() as u64 - 1;
    let made = makers(exchanges, facts);
    let clock = Clock::of(exchanges, &made, last);
    let times = Times::of(facts);
    for (version, at) in made {
        let Window { after, before } = clock.window(&exchanges[at]);
        if version <= after {
            breaches.push(Breach::OutOfOrder { version, after, before });
        }
    }
    for exchange in exchanges {
        let Some(decided) = exchange.decided else { continue };
        let window = clock.window(exchange);
        let request = &exchange.operation.request;
        if !decided.is_success() {
            let code = decided.code.as_deref().unwrap_or("(no code)");
            coverage.count(&format!("{}: {} {code}", request.kind(), decided.status));
            refusals::check(exchange, code, window, replay, &times, breaches, coverage);
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

/// Whether a registration had the shown state at that version.
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
    // A live registration of a cancelled event counts as ended, but its row does not show it.
    let was_cancelled = replay.cancelled_at.is_some_and(|at| at <= window.before)
        && matches!(shown.status, Status::Cancelled | Status::Expired);
    // Nor does an expired hold's or offer's row, until the next change sweeps it.
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
    // A replayed answer may show a token that was replaced since.
    if shown.token.is_some() && moment.token != shown.token {
        differs("manage_token");
    }
    if matches!(request, Request::RenewLink { .. }) && shown.token.is_none() {
        differs("manage_token");
    }
    let at = |version: u64| replay.counts.get(version as usize).copied().unwrap_or_default();
    if let (Request::CheckIn { .. }, Some(came_at)) = (request, shown.checked_in_at) {
        // By the hours at the decision, which may have been edited since.
        let may_be = (version..=window.before.max(version))
            .any(|version| shown.timing == Some(at(version).hours.timing(came_at)));
        match shown.timing.filter(|_| may_be) {
            Some(timing) => coverage.count(&format!("check_in: {timing:?}")),
            None => differs("timing"),
        }
    }
    let Some(position) = shown.position else { return };
    // The position when it joined, less the registrations that can have left the waitlist until the answer.
    let (then, later) = (at(moments[0].version), at(window.before.max(version)));
    let left = later.left_queue.saturating_sub(then.left_queue);
    if !(then.waiting.saturating_sub(left).max(1)..=then.waiting).contains(&position) {
        differs("position");
    }
}

/// Whether a holder's read showed a state of that time, and the token was valid.
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
    // If no client got its token, it may be this one.
    if moments_in(replay, id, window).all(|moment| moment.token.is_some_and(|good| good != token)) {
        breaches.push(Breach::DeadToken { version, id });
    }
}

/// Whether the correction was applied.
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
        // A version that no change made is reported at the end.
        return;
    };
    // Expired holds that were not swept count less, and have no version yet.
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
