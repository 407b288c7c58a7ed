//! One event, played again in the order of its versions.
//!
//! This is a model of the rules in other words than the server's: it never decides, it only asks of
//! each change that happened whether it may have happened then.

use super::asked::Asked;
use super::breach::Breach;
use super::coverage::Coverage;
use super::facts::{Fact, Facts};
use super::history::{EndEvent, EndRegistration, Kind, Request, Shown, Status};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// More versions than these that nobody made are not looked for.
const GAPS_MAX: u64 = 10_000;

/// How a registration was from one version on.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) version: u64,
    pub(super) status: Status,
    pub(super) user_email: String,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) is_checked_in: bool,
}

/// How an event's counts were at one version.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) capacity: u32,
    pub(super) taken: u32,
    pub(super) waiting: u32,
    /// How many had left the queue until then.
    pub(super) left_queue: u32,
}

impl Counts {
    /// Whether whoever came then would have got a seat.
    pub(super) fn has_seat(&self) -> bool {
        self.taken < self.capacity && self.waiting == 0
    }
}

/// What came of it.
#[derive(Default)]
pub(super) struct Replay {
    /// By version; the first is that of version 0, when there was nothing.
    pub(super) counts: Vec<Counts>,
    pub(super) people: HashMap<Uuid, Vec<Moment>>,
    /// When an address was live: from which version, and until before which.
    pub(super) live: HashMap<String, Vec<(u64, u64)>>,
    pub(super) cancelled_at: Option<u64>,
    /// Who waits, by the version with which they began to.
    pub(super) queue: BTreeMap<u64, Uuid>,
}

/// What is known of a registration beside its facts.
struct Known<'a> {
    emails: HashMap<Uuid, &'a str>,
    transfers: HashMap<(Uuid, u64), &'a str>,
    hold_ends: HashMap<Uuid, DateTime<Utc>>,
    last: HashMap<Uuid, &'a Shown>,
}

impl<'a> Known<'a> {
    fn of(asked: &[Asked<'a>], rows: &[&'a EndRegistration]) -> Self {
        let (mut emails, mut transfers) = (HashMap::new(), HashMap::new());
        let mut hold_ends = HashMap::new();
        for asked in asked {
            let Some(shown) = asked.success().and_then(|decided| decided.registration.as_ref())
            else {
                continue;
            };
            match &asked.operation.request {
                Request::Register { user_email, .. } => {
                    emails.insert(shown.id, user_email.as_str());
                }
                Request::Hold { user_email, .. } => {
                    emails.insert(shown.id, user_email.as_str());
                    hold_ends.extend(shown.expires_at.map(|end| (shown.id, end)));
                }
                Request::Transfer { id, user_email } => {
                    transfers.insert((*id, shown.event_version), user_email.as_str());
                }
                _ => {}
            }
        }
        let last = rows.iter().map(|row| (row.shown.id, &row.shown)).collect();
        Self { emails, transfers, hold_ends, last }
    }
}

/// Plays all of it.
pub(super) fn replay(
    facts: &Facts,
    asked: &[Asked<'_>],
    rows: &[&EndRegistration],
    end: Option<&EndEvent>,
    breaches: &mut Vec<Breach>,
    coverage: &mut Coverage,
) -> Replay {
    let known = Known::of(asked, rows);
    let created = asked.iter().find_map(|asked| match asked.operation.request {
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
    let last = facts.keys().next_back().copied().unwrap_or_default();
    // A version out of this world must not keep us for ever.
    let last = last.min(facts.len() as u64 + GAPS_MAX);
    for version in 1..=last {
        let Some(fact) = facts.get(&version) else {
            player.breaches.push(Breach::VersionMissing { version });
            player.out.counts.push(player.now);
            continue;
        };
        player.play(version, fact, asked);
        player.out.counts.push(player.now);
        player.look_for_idle_seats(version, facts.get(&(version + 1)));
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
    fn play(&mut self, version: u64, fact: &Fact, asked: &[Asked<'_>]) {
        let Some(id) = fact.registration else { return self.play_event(version, fact, asked) };
        let before = self.out.people.get(&id).and_then(|moments| moments.last()).cloned();
        let from = before.as_ref().map(|moment| moment.status);
        let no_transition = Breach::NoTransition { version, id, from, kind: fact.kind };
        if self.out.cancelled_at.is_some() {
            self.breaches.push(no_transition);
            return;
        }
        match (before, fact.kind) {
            (None, Kind::Registered | Kind::Held | Kind::Waitlisted) => {
                self.come(version, id, fact);
            }
            (Some(before), kind) if is_transition(&before, fact) => {
                self.coverage.count(&format!("{:?} -> {kind:?}", before.status));
                self.go_on(version, id, fact, before);
            }
            (None | Some(_), _) => self.breaches.push(no_transition),
        }
        if self.now.taken > self.now.capacity {
            let Counts { taken, capacity, .. } = self.now;
            self.breaches.push(Breach::Oversold { version, taken, capacity });
        }
    }

    fn play_event(&mut self, version: u64, fact: &Fact, asked: &[Asked<'_>]) {
        self.coverage.count(&format!("{:?}", fact.kind));
        if fact.kind == Kind::EventCancelled {
            self.out.cancelled_at = Some(version);
            let left_queue = self.now.left_queue + self.now.waiting;
            self.now = Counts { capacity: self.now.capacity, left_queue, ..Counts::default() };
            self.out.queue.clear();
            for spans in self.out.live.values_mut() {
                end_span(spans, version);
            }
        }
        if let Some(Request::Edit { capacity, .. }) =
            fact.edit.map(|edit| &asked[edit].operation.request)
        {
            self.now.capacity = *capacity;
            if self.now.taken > *capacity {
                let (taken, capacity) = (self.now.taken, *capacity);
                self.breaches.push(Breach::Oversold { version, taken, capacity });
            }
        }
    }

    /// Somebody new.
    fn come(&mut self, version: u64, id: Uuid, fact: &Fact) {
        self.coverage.count(&format!("{:?}", fact.kind));
        let last = self.known.last.get(&id);
        let email = self.known.emails.get(&id).copied();
        let user_email =
            email.or(last.map(|last| last.user_email.as_str())).unwrap_or_default().to_owned();
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
        let expires_at = self.known.hold_ends.get(&id).copied().filter(|_| status == Status::Held);
        let moment = Moment { version, status, user_email, expires_at, is_checked_in: false };
        self.out.people.entry(id).or_default().push(moment);
    }

    /// Somebody who is there, by a transition that there is.
    fn go_on(&mut self, version: u64, id: Uuid, fact: &Fact, before: Moment) {
        let mut next = Moment { version, ..before.clone() };
        let is_late = before.expires_at.zip(fact.recorded_at).map(|(end, at)| end <= at);
        match fact.kind {
            Kind::Offered | Kind::Confirmed if before.status == Status::Waitlisted => {
                self.serve(version, id, fact.kind);
                self.now.taken += 1;
                if fact.kind == Kind::Offered {
                    next.status = Status::Offered;
                    let ends = fact.recorded_at.zip(self.offer_ttl).map(|(at, ttl)| at + ttl);
                    next.expires_at = ends;
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
                self.leave(version, id, &before);
                (next.status, next.expires_at) = (Status::Expired, None);
            }
            Kind::Cancelled => {
                self.leave(version, id, &before);
                (next.status, next.expires_at) = (Status::Cancelled, None);
            }
            Kind::Transferred => {
                let to = self.known.transfers.get(&(id, version)).copied();
                let last = self.known.last.get(&id).map(|last| last.user_email.as_str());
                next.user_email = to.or(last).unwrap_or_default().to_owned();
                end_span(self.out.live.entry(before.user_email).or_default(), version);
                let to = next.user_email.clone();
                self.go_live(version, id, &to);
            }
            Kind::CheckedIn => next.is_checked_in = true,
            _ => next.is_checked_in = false,
        }
        self.out.people.entry(id).or_default().push(next);
    }

    /// Takes whoever is served from the queue, of which it must be the head.
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
        if spans.last().is_some_and(|(_, until)| *until > version) {
            self.breaches.push(Breach::EmailTwice { version, id });
        }
        spans.push((version, u64::MAX));
    }

    /// A seat that is free goes to whoever waits in the transaction that freed it: nothing but what
    /// time ended comes between.
    fn look_for_idle_seats(&mut self, version: u64, next: Option<&Fact>) {
        let Counts { taken, capacity, .. } = self.now;
        let Some((_, &id)) = self.out.queue.first_key_value().filter(|_| taken < capacity) else {
            return;
        };
        if !next.is_some_and(|next| next.is_serving() || next.kind == Kind::Expired) {
            self.breaches.push(Breach::WaitedInVain { version, id });
        }
    }
}

fn end_span(spans: &mut [(u64, u64)], version: u64) {
    if let Some((_, until)) = spans.iter_mut().find(|(_, until)| *until == u64::MAX) {
        *until = version;
    }
}

/// The table of transitions, for those who are there.
fn is_transition(before: &Moment, fact: &Fact) -> bool {
    let is_system = fact.is_serving();
    match (before.status, fact.kind) {
        (Status::Held | Status::Offered, Kind::Confirmed) => !is_system,
        (Status::Held | Status::Offered, Kind::Expired) => true,
        (Status::Waitlisted, Kind::Offered | Kind::Confirmed) => is_system,
        (Status::Confirmed, Kind::Cancelled | Kind::Transferred | Kind::CheckedIn) => {
            !before.is_checked_in
        }
        (Status::Confirmed, Kind::CheckInUndone) => before.is_checked_in,
        (Status::Held | Status::Offered | Status::Waitlisted, Kind::Cancelled) => true,
        _ => false,
    }
}
