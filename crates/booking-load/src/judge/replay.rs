//! Replays one event in the order of its versions.
//!
//! This is a model of the rules that is independent of the server's: it never decides, but checks of each change
//! that happened whether it was allowed then.

use super::breach::Breach;
use super::coverage::Coverage;
use super::exchanges::Exchange;
use super::facts::{Fact, Facts};
use super::history::{EndEvent, EndRegistration, Hours, Kind, Request, TokenMark};
use super::known::Known;
use super::status::Status;
use super::times::Times;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The most missing versions that are reported.
const GAPS_MAX: u64 = 10_000;

/// The state of a registration from one version on.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) version: u64,
    pub(super) status: Status,
    pub(super) user_email: String,
    pub(super) name: Option<String>,
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// Later ends that it had before the event's own was moved earlier, which is no change of it.
    pub(super) later_ends: Vec<DateTime<Utc>>,
    pub(super) is_checked_in: bool,
    /// The number of its transfers, each of which invalidates its tickets.
    pub(super) transfers: u32,
    /// Its holder's token, if a client got it.
    pub(super) token: Option<TokenMark>,
}

/// From which version on, and until before which, an address was live, and by which registration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) id: Uuid,
}

/// An event's counts at one version.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) capacity: u32,
    pub(super) taken: u32,
    pub(super) waiting: u32,
    /// How many had left the waitlist until then.
    pub(super) left_queue: u32,
    pub(super) hours: Hours,
}

impl Counts {
    /// Whether a registration at that time would have got a seat.
    pub(super) fn has_seat(&self) -> bool {
        self.taken < self.capacity && self.waiting == 0
    }
}

/// The result of a replay.
#[derive(Default)]
pub(super) struct Replay {
    /// By version; the first is that of version 0, when there was nothing.
    pub(super) counts: Vec<Counts>,
    pub(super) people: HashMap<Uuid, Vec<Moment>>,
    /// When an address was live.
    pub(super) live: HashMap<String, Vec<Span>>,
    pub(super) cancelled_at: Option<u64>,
    /// The waitlist, by the version at which each joined.
    pub(super) queue: BTreeMap<u64, Uuid>,
}

/// Replays all changes.
pub(super) fn replay(
    facts: &Facts,
    exchanges: &[Exchange<'_>],
    rows: &[&EndRegistration],
    end: Option<&EndEvent>,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) -> Replay {
    let known = Known::of(exchanges, rows);
    let created = exchanges.iter().find_map(|exchange| match exchange.operation.request {
        Request::Create { capacity, offer_ttl_seconds, .. } => Some((capacity, offer_ttl_seconds)),
        _ => None,
    });
    let (capacity, offer_ttl) =
        created.unwrap_or((end.map_or(0, |end| end.shown.capacity), Some(86_400)));
    let mut player = Player {
        known,
        offer_ttl: offer_ttl.map(|seconds| TimeDelta::seconds(seconds.into())),
        now: Counts { capacity, ..Counts::default() },
        out: Replay { counts: vec![Counts::default()], ..Replay::default() },
        breaches,
        coverage,
    };
    let times = Times::of(facts);
    let last = facts.keys().next_back().copied().unwrap_or_default();
    // An absurdly high version must not keep us for ever.
    let last = last.min(facts.len() as u64 + GAPS_MAX);
    for version in 1..=last {
        let Some(fact) = facts.get(&version) else {
            player.breaches.push(Breach::VersionMissing { version });
            player.out.counts.push(player.now);
            continue;
        };
        player.play(version, fact, exchanges);
        player.out.counts.push(player.now);
        player.look_for_idle_seats(version, fact, &times, facts.get(&(version + 1)));
    }
    player.out
}

struct Player<'a, 'b> {
    known: Known<'a>,
    offer_ttl: Option<TimeDelta>,
    now: Counts,
    out: Replay,
    breaches: &'b mut Vec<Breach>,
    coverage: &'b mut Coverage,
}

impl Player<'_, '_> {
    fn play(&mut self, version: u64, fact: &Fact, exchanges: &[Exchange<'_>]) {
        let Some(id) = fact.registration else { return self.play_event(version, fact, exchanges) };
        let before = self.out.people.get(&id).and_then(|moments| moments.last()).cloned();
        let from = before.as_ref().map(|moment| moment.status);
        let no_transition = Breach::NoTransition { version, id, from, kind: fact.kind };
        if self.out.cancelled_at.is_some() {
            self.breaches.push(no_transition);
            return;
        }
        self.check_hours(version, id, fact);
        match (before, fact.kind) {
            (None, Kind::Registered | Kind::Held | Kind::Waitlisted) => {
                self.create(version, id, fact);
            }
            (Some(before), kind) if is_transition(&before, fact) => {
                self.coverage.count(&format!("{:?} -> {kind:?}", before.status));
                self.change(version, id, fact, &before);
            }
            (None | Some(_), _) => self.breaches.push(no_transition),
        }
        if self.now.taken > self.now.capacity {
            let Counts { taken, capacity, .. } = self.now;
            self.breaches.push(Breach::Oversold { version, taken, capacity });
        }
    }

    fn play_event(&mut self, version: u64, fact: &Fact, exchanges: &[Exchange<'_>]) {
        self.coverage.count(&format!("{:?}", fact.kind));
        if fact.kind == Kind::EventCancelled {
            self.out.cancelled_at = Some(version);
            let left_queue = self.now.left_queue + self.now.waiting;
            let Counts { capacity, hours, .. } = self.now;
            self.now = Counts { capacity, hours, left_queue, ..Counts::default() };
            self.out.queue.clear();
            for spans in self.out.live.values_mut() {
                end_span(spans, version);
            }
        }
        if let Some(Request::Edit { capacity, hours, .. }) =
            fact.edit.map(|edit| &exchanges[edit].operation.request)
        {
            if let Some(hours) = hours {
                self.coverage.count("EventEdited: hours");
                self.now.hours = *hours;
                self.end_offers();
            }
            self.now.capacity = *capacity;
            if self.now.taken > *capacity {
                let (taken, capacity) = (self.now.taken, *capacity);
                self.breaches.push(Breach::Oversold { version, taken, capacity });
            }
        }
    }

    /// No seat is given in an event that is over, and no new registration is made once its doors have closed, by
    /// the store's clock at the decision.
    fn check_hours(&mut self, version: u64, id: Uuid, fact: &Fact) {
        let Some(at) = fact.recorded_at else { return };
        let has_passed = |end: Option<DateTime<Utc>>| end.is_some_and(|end| end <= at);
        let comes = matches!(fact.kind, Kind::Registered | Kind::Held | Kind::Waitlisted);
        let gets = matches!(fact.kind, Kind::Offered | Kind::Confirmed | Kind::Transferred);
        if (comes || gets) && has_passed(self.now.hours.over_at()) {
            self.breaches.push(Breach::AfterTheEnd { version, id });
        }
        if comes && has_passed(self.now.hours.closes_at) {
            self.breaches.push(Breach::AfterClosing { version, id });
        }
    }

    /// No offer lasts longer than the event, even if the event's end was moved earlier after the offer.
    fn end_offers(&mut self) {
        let Some(over_at) = self.now.hours.over_at() else { return };
        for moment in self.out.people.values_mut().filter_map(|moments| moments.last_mut()) {
            if let Some(end) = moment.expires_at.filter(|end| over_at < *end)
                && moment.status == Status::Offered
            {
                moment.later_ends.push(end);
                moment.expires_at = Some(over_at);
            }
        }
    }

    /// A new registration.
    fn create(&mut self, version: u64, id: Uuid, fact: &Fact) {
        self.coverage.count(&format!("{:?}", fact.kind));
        let holder = self.known.first_holder(id);
        let (user_email, name) = (holder.user_email.to_owned(), holder.name.map(str::to_owned));
        self.go_live(version, id, &user_email);
        let status = match fact.kind {
            Kind::Waitlisted => Status::Waitlisted,
            Kind::Held => Status::Held,
            _ => Status::Confirmed,
        };
        if status == Status::Waitlisted {
            if self.now.has_seat() {
                self.breaches.push(Breach::WaitedInVain { version, id });
            }
            self.now.waiting += 1;
            self.out.queue.insert(version, id);
        } else {
            if let Some((_, &ahead)) = self.out.queue.first_key_value() {
                self.breaches.push(Breach::QueueJumped { version, id, ahead });
            }
            self.now.taken += 1;
        }
        let moment = Moment {
            version,
            status,
            user_email,
            name,
            expires_at: self.known.hold_end(id).filter(|_| status == Status::Held),
            later_ends: Vec::new(),
            is_checked_in: false,
            transfers: 0,
            token: self.known.token(id, version),
        };
        self.out.people.entry(id).or_default().push(moment);
    }

    /// A change of an existing registration, by an allowed transition.
    fn change(&mut self, version: u64, id: Uuid, fact: &Fact, before: &Moment) {
        let mut next = Moment { version, later_ends: Vec::new(), ..before.clone() };
        let is_late = before.expires_at.zip(fact.recorded_at).map(|(end, at)| end <= at);
        match fact.kind {
            Kind::Offered | Kind::Confirmed if before.status == Status::Waitlisted => {
                self.serve(version, id, fact.kind);
                self.now.taken += 1;
                if fact.kind == Kind::Offered {
                    next.status = Status::Offered;
                    let ends = fact.recorded_at.zip(self.offer_ttl).map(|(at, ttl)| at + ttl);
                    let over_at = self.now.hours.over_at().filter(|over_at| ends > Some(*over_at));
                    if over_at.is_some() {
                        self.coverage.count("an offer as long as the event");
                    }
                    next.expires_at = over_at.or(ends);
                } else {
                    next.status = Status::Confirmed;
                }
            }
            Kind::Confirmed => {
                if is_late == Some(true) {
                    self.breaches.push(Breach::ConfirmedLate { version, id });
                }
                (next.status, next.expires_at) = (Status::Confirmed, None);
            }
            Kind::Expired => {
                if is_late == Some(false) {
                    self.breaches.push(Breach::ExpiredEarly { version, id });
                }
                self.leave(version, id, before);
                (next.status, next.expires_at) = (Status::Expired, None);
            }
            Kind::Cancelled => {
                self.leave(version, id, before);
                (next.status, next.expires_at) = (Status::Cancelled, None);
            }
            Kind::Transferred => {
                let transferred_to = self.known.transferred(id, version);
                if transferred_to.is_some_and(|to| to.user_email == before.user_email) {
                    // That would be a correction, and the ticket would stay valid.
                    let from = Some(before.status);
                    self.breaches.push(Breach::NoTransition { version, id, from, kind: fact.kind });
                }
                let to = transferred_to.unwrap_or_else(|| self.known.last(id));
                next.name = to.name.map(str::to_owned);
                next.transfers += 1;
                self.move_to_address(version, id, &mut next, to.user_email);
                self.renew_token(version, id, &mut next);
            }
            Kind::Corrected => {
                let (name, user_email) = self.known.corrected(id, version);
                next.name = name.map(str::to_owned);
                if let Some(to) = user_email.filter(|to| *to != before.user_email) {
                    self.move_to_address(version, id, &mut next, to);
                    self.renew_token(version, id, &mut next);
                }
            }
            Kind::LinkRenewed => self.renew_token(version, id, &mut next),
            Kind::CheckedIn => next.is_checked_in = true,
            _ => next.is_checked_in = false,
        }
        if next.token.is_none() {
            // A client that missed the first answer may have got this one.
            next.token = self.known.token(id, version);
        }
        self.out.people.entry(id).or_default().push(next);
    }

    /// Moves it to another address.
    fn move_to_address(&mut self, version: u64, id: Uuid, next: &mut Moment, to: &str) {
        let from = std::mem::replace(&mut next.user_email, to.to_owned());
        end_span(self.out.live.entry(from).or_default(), version);
        self.go_live(version, id, to);
    }

    /// Gives it another token, which must be one that it never had.
    fn renew_token(&mut self, version: u64, id: Uuid, next: &mut Moment) {
        next.token = self.known.token(id, version);
        let moments = self.out.people.get(&id).map_or(&[][..], Vec::as_slice);
        if next.token.is_some() && moments.iter().any(|moment| moment.token == next.token) {
            self.breaches.push(Breach::TokenKept { version, id });
        }
    }

    /// Removes the registration that gets a seat from the waitlist, of which it must be the head.
    fn serve(&mut self, version: u64, id: Uuid, kind: Kind) {
        let place = self.out.people[&id][0].version;
        if let Some((&first, &ahead)) = self.out.queue.first_key_value()
            && first != place
        {
            self.breaches.push(Breach::QueueJumped { version, id, ahead });
        }
        if (kind == Kind::Offered) != self.offer_ttl.is_some() {
            let from = Some(Status::Waitlisted);
            self.breaches.push(Breach::NoTransition { version, id, from, kind });
        }
        self.out.queue.remove(&place);
        self.now.waiting -= 1;
        self.now.left_queue += 1;
    }

    fn leave(&mut self, version: u64, id: Uuid, before: &Moment) {
        if before.status == Status::Waitlisted {
            self.out.queue.remove(&self.out.people[&id][0].version);
            self.now.waiting -= 1;
            self.now.left_queue += 1;
        } else {
            self.now.taken -= 1;
        }
        end_span(self.out.live.entry(before.user_email.clone()).or_default(), version);
    }

    fn go_live(&mut self, version: u64, id: Uuid, user_email: &str) {
        let spans = self.out.live.entry(user_email.to_owned()).or_default();
        if spans.last().is_some_and(|span| span.until > version) {
            self.breaches.push(Breach::EmailTwice { version, id });
        }
        spans.push(Span { from: version, until: u64::MAX, id });
    }

    /// A free seat goes to the head of the waitlist in the transaction that freed it, unless the event is over:
    /// only expiries come between.
    fn look_for_idle_seats(
        &mut self,
        version: u64,
        fact: &Fact,
        times: &Times,
        next: Option<&Fact>,
    ) {
        let Counts { taken, capacity, hours, .. } = self.now;
        let Some((_, &id)) = self.out.queue.first_key_value().filter(|_| taken < capacity) else {
            return;
        };
        if next.is_some_and(|next| next.is_serving() || next.kind == Kind::Expired) {
            return;
        }
        let is_over = hours.over_at().is_some_and(|over_at| match fact.recorded_at {
            Some(at) => over_at <= at,
            None => times.may_have_come(over_at, version),
        });
        if is_over {
            self.coverage.count("a seat that nobody gets, as the event is over");
        } else {
            self.breaches.push(Breach::WaitedInVain { version, id });
        }
    }
}

fn end_span(spans: &mut [Span], version: u64) {
    if let Some(span) = spans.iter_mut().find(|span| span.until == u64::MAX) {
        span.until = version;
    }
}

/// The table of transitions of existing registrations.
fn is_transition(before: &Moment, fact: &Fact) -> bool {
    let is_system = fact.is_serving();
    match (before.status, fact.kind) {
        (Status::Held | Status::Offered, Kind::Confirmed) => !is_system,
        (Status::Held | Status::Offered, Kind::Expired) => true,
        (Status::Waitlisted, Kind::Offered | Kind::Confirmed) => is_system,
        (Status::Confirmed, Kind::Cancelled | Kind::Transferred | Kind::CheckedIn) => {
            !before.is_checked_in
        }
        (before, Kind::Corrected | Kind::LinkRenewed) => before.is_live(),
        (Status::Confirmed, Kind::CheckInUndone) => before.is_checked_in,
        (Status::Held | Status::Offered | Status::Waitlisted, Kind::Cancelled) => true,
        _ => false,
    }
}
