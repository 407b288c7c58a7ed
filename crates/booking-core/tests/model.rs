//! The state machine, walked exhaustively within small bounds: every state into which a few people can bring an event,
//! and from each of them every command. The rules are stated here again, independently of `decide`, and the observed
//! transitions are compared with the table in README.md.

use booking_conformance::EventTable;
use booking_core::{
    Actor, Answers, AuditReport, Caller, Capacity, CapacityMax, CheckIn, Claim, Command, Correct,
    CorrectedAddress, Decision, Edit, EmailAddress, EventCommand, EventId, EventName, EventRules,
    EventStatus, FactKind, Hold, HoldTtl, NewEvent, OfferTtl, OnFull, Outcome, Person, PersonName,
    Refusal, Register, Registration, RenewLink, Retention, Rule, Status, TokenHash, Transfer,
    Version, decide_without,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use uuid::Uuid;

/// The bounds of the walk.
const PEOPLE: u8 = 3;
const PEOPLE_OF_SHORT: u8 = 2;
/// How many erased live registrations there may be at once.
const ERASED_LIVE_MAX: usize = 1;
const SEATS_MAX: u32 = 2;
/// Holds and offers last two of these.
const TICK_SECONDS: i64 = 30;
/// The same where a hold lasts as long as one can.
const LONG_TICK_SECONDS: i64 = 900;
const TTL_SECONDS: i64 = 60;

/// With more states than this the bounds are wrong.
const STATES_MAX: usize = 200_000;

/// A transition of one registration: from, command, to, and the change of the seats taken.
type Transition = (String, &'static str, String, i64);

/// The kind of event of a walk.
#[derive(Clone, Copy, Debug)]
struct Scene {
    /// Whether the waitlist is offered seats, and not confirmed at once.
    offers: bool,
    /// When the event is over, and personal data is to be erased: in ticks from the beginning of the walk.
    over_in: Option<i32>,
    /// Whether a full event conceals who is registered.
    conceals: bool,
    /// Whether registrations come from visitors, whose addresses are confirmed.
    confirms: bool,
    /// How many people there are: fewer where an end adds to the states.
    people: u8,
}

impl Scene {
    const ENDLESS: Self =
        Self { offers: true, over_in: None, conceals: false, confirms: false, people: PEOPLE };
    /// Over so soon that holds outlast it, and offers would.
    const SHORT: Self = Self { over_in: Some(3), people: PEOPLE_OF_SHORT, ..Self::ENDLESS };

    /// Conceals who is registered, and gives out only confirmed seats.
    const CONFIRMING: Self = Self { confirms: true, people: 2, ..Self::ENDLESS };

    fn tick(self) -> i64 {
        match (self.confirms, self.offers) {
            (false, _) => TICK_SECONDS,
            (true, true) => LONG_TICK_SECONDS,
            // There an offer lasts a day.
            (true, false) => 48 * LONG_TICK_SECONDS,
        }
    }

    /// The kinds of events.
    fn all() -> [Self; 4] {
        let at_once = |scene| Self { offers: false, ..scene };
        [
            Self::ENDLESS,
            at_once(Self { conceals: true, ..Self::ENDLESS }),
            Self { conceals: true, ..Self::SHORT },
            at_once(Self::SHORT),
        ]
    }
}

/// A state, and its time.
#[derive(Clone)]
struct Node {
    table: EventTable,
    now: DateTime<Utc>,
    /// How many registrations were ever made, to number the next.
    made: u128,
    scene: Scene,
    /// The rule that is left out, in a negative control.
    left_out: Option<Rule>,
}

impl Node {
    fn is_over(&self) -> bool {
        self.table.event(self.now).details.times().is_over(self.now)
    }
}

fn event_id() -> EventId {
    Uuid::from_u128(1).into()
}

fn address(who: u8) -> EmailAddress {
    EmailAddress::parse(&format!("person{who}@example.org")).expect("valid")
}

fn capacity(seats: u32) -> Capacity {
    Capacity::parse(seats.into(), CapacityMax::default()).expect("valid")
}

fn start(scene: Scene, left_out: Option<Rule>) -> Node {
    let Scene { offers, over_in, conceals, confirms, people: _ } = scene;
    let now = DateTime::from_timestamp_micros(1_750_000_000_123_456).expect("in range");
    let name = EventName::parse("An event").expect("valid");
    let offer_ttl = offers.then(|| OfferTtl::parse(TTL_SECONDS).expect("valid"));
    let rules = EventRules {
        offer_ttl,
        conceals_registered: conceals,
        confirms_address: confirms,
        ..EventRules::default()
    };
    let new = NewEvent::new(event_id(), name, capacity(1))
        .with(|new| {
            new.rules = rules;
            new.details.ends_at =
                over_in.map(|ticks| now + TimeDelta::seconds(scene.tick()) * ticks);
            new.details.retention = over_in.and(Retention::parse(0).ok());
        })
        .expect("in order");
    Node { table: EventTable::new(new, now), now, made: 0, scene, left_out }
}

/// Every command in a state; for ended registrations, only on the last one of each person.
fn everything(node: &Node) -> Vec<EventCommand> {
    let mut commands = Vec::new();
    let mut ask = |command| commands.push(EventCommand::new(event_id(), Caller::Operator, command));
    let new_id = Uuid::from_u128(100 + node.made).into();
    let people = node.scene.people;
    for who in 0..people {
        let claim = Claim::new(new_id, address(who));
        ask(Command::Register(claim.clone().into()));
        ask(Command::Register(Register {
            on_full: OnFull::Waitlist,
            ..Register::from(claim.clone())
        }));
        ask(Command::Hold(Hold { claim, ttl: HoldTtl::parse(TTL_SECONDS).expect("valid") }));
    }
    let rows = rows_that_matter(&node.table);
    let erased_live = rows.iter().filter(|row| row.is_erased()).count();
    for row in rows {
        let registration_id = row.id;
        if !node.is_over() || erased_live < ERASED_LIVE_MAX || row.is_erased() {
            ask(Command::Erase { registration_id });
        }
        ask(Command::Confirm { registration_id, answers: Answers::default() });
        ask(Command::Cancel { registration_id });
        ask(Command::UndoCheckIn { registration_id });
        for generation in [row.generation, row.generation + 1] {
            let scan_id = Uuid::from_u128(node.table.rows().count() as u128);
            let check_in = CheckIn { registration_id, generation, scan_id, scanned_at: None };
            ask(Command::CheckIn(check_in));
        }
        let name = PersonName::parse("Ada Lovelace").ok();
        ask(Command::Correct(Correct { name: Some(name), ..Correct::new(registration_id) }));
        let token_hash = TokenHash::new([row.generation as u8 + 2; 32]);
        ask(Command::RenewLink(RenewLink::new(registration_id, token_hash)));
        for who in 0..people {
            let user_email = address(who);
            let address = CorrectedAddress { user_email, token_hash: Some(token_hash) };
            let address = Some(address);
            ask(Command::Correct(Correct { address, ..Correct::new(registration_id) }));
        }
        for who in 0..people {
            ask(Command::Transfer(Transfer {
                registration_id,
                person: address(who).into(),
                token_hash: Some(TokenHash::new([row.generation as u8 + 1; 32])),
            }));
        }
    }
    for seats in 1..=SEATS_MAX {
        let edit = Edit { capacity: Some(capacity(seats)), ..Edit::default() };
        ask(Command::Edit(Box::new(edit)));
    }
    ask(Command::CancelEvent);
    ask(Command::EraseDue);
    ask(Command::Settle);
    for item in commands.iter_mut().filter(|item| node.scene.confirms && item.makes_registration())
    {
        item.caller = Caller::Anyone;
    }
    commands
}

/// The live ones, and the last ended one of each person.
fn rows_that_matter(table: &EventTable) -> Vec<&Registration> {
    let mut last_ended = BTreeMap::new();
    for row in table.rows().filter(|row| !row.status.is_live() && !row.is_erased()) {
        last_ended.insert(&row.person.user_email, row);
    }
    table.rows().filter(|row| row.status.is_live()).chain(last_ended.into_values()).collect()
}

/// The key of a state: without ids, versions or the past.
fn key(node: &Node) -> String {
    let ticks = |end: Option<DateTime<Utc>>| {
        let tick = node.scene.tick();
        end.map(|end| ((end - node.now).num_seconds().max(0) + tick - 1) / tick)
    };
    let event = node.table.event(node.now);
    let EventRules { status, closes_at, .. } = event.rules;
    let (is_closed, over) = (closes_at.is_some(), ticks(event.details.ends_at));
    let mut key =
        format!("{status:?} {is_closed} {over:?} {} {} |", event.capacity, event.is_settled);
    for row in rows_that_matter(&node.table) {
        let inside = row.check_in.is_some();
        let person = match row.is_erased() {
            true => "erased",
            false => &row.person.user_email.as_str()["person".len()..="person".len()],
        };
        key.push_str(&format!("{person} {:?} {:?} {inside} |", row.status, ticks(row.expires_at)));
    }
    key
}

fn decide_all(node: &Node, commands: &[&EventCommand]) -> Decision {
    let state = node.table.state(commands, node.now);
    decide_without(node.left_out, &state, commands, node.now)
}

/// Decides and writes `command` in a transaction of its own, and checks everything about it.
fn step(node: &Node, command: &EventCommand, seen: &mut BTreeSet<Transition>) -> (Node, Outcome) {
    let mut after = node.clone();
    let commands = [command];
    let decision = decide_all(node, &commands);
    let before = node.table.event(node.now);
    if let Some(change) = decision.change {
        after.table.write(change, node.now);
    }
    let outcome = decision.outcomes.into_iter().next().expect("one answer");
    let context =
        || format!("{} -- {:?} -> {outcome:?} -- {}", key(node), command.command, key(&after));
    let event = after.table.event(node.now);
    let rows: Vec<_> = after.table.rows().collect();

    // The written counts add up.
    let differences = AuditReport::of([after.table.count()]).differences;
    assert!(differences.is_empty(), "{differences:?} after {}", context());
    assert!(event.booked_count <= event.capacity.get(), "oversold: {}", context());
    let live: Vec<_> = rows.iter().filter(|row| row.status.is_live()).collect();
    let is_open = event.rules.status == EventStatus::Published;
    let addresses: HashSet<_> = live.iter().map(|row| &row.person.user_email).collect();
    assert_eq!(addresses.len(), live.len(), "an address twice: {}", context());
    // No attendee waits while a seat is free.
    let is_full = event.booked_count == event.capacity.get();
    let is_serving = is_open && !node.is_over();
    assert!(!is_serving || event.waitlist_count == 0 || is_full, "a seat idles: {}", context());
    // No offer lasts longer than the event.
    let offers = rows.iter().filter(|row| row.status == Status::Offered);
    for (end, over_at) in offers.flat_map(|row| row.expires_at.zip(event.details.times().over_at()))
    {
        assert!(end <= over_at, "an offer beyond the end: {}", context());
    }
    // Nothing expired is left, whatever the command.
    assert!(event.is_settled, "not settled: {}", context());
    assert!(!is_open || rows.iter().all(|row| !row.has_run_out(node.now)), "{}", context());
    if let Outcome::Refused(Refusal::SoldOut | Refusal::AllHeld { .. }) = outcome {
        assert!(is_full || event.waitlist_count > 0, "refused beside a free seat: {}", context());
    }

    // Who is registered is not reported where registration is closed, nor where it is concealed.
    if let (Outcome::Refused(Refusal::AlreadyRegistered), Command::Register(_) | Command::Hold(_)) =
        (&outcome, &command.command)
    {
        assert!(is_serving, "told after the end: {}", context());
        let waits = matches!(&command.command, Command::Register(register) if register.on_full == OnFull::Waitlist);
        let has_seat = !is_full && event.waitlist_count == 0;
        assert!(!node.scene.conceals || waits || has_seat, "told who is there: {}", context());
    }

    // Where addresses are confirmed, a claim reveals nothing about them.
    if node.scene.confirms && command.makes_registration() {
        let is_discreet = match &outcome {
            Outcome::ToConfirm(row) => {
                row.status != Status::Confirmed || before.version == event.version
            }
            Outcome::KnownAddress(_) => event.version == before.version,
            Outcome::Refused(refusal) => *refusal != Refusal::AlreadyRegistered,
            _ => false,
        };
        assert!(is_discreet, "told whoever asked: {}", context());
    }

    // A cancelled event does not change.
    let is_over = before.rules.status == EventStatus::Cancelled;
    let may_change = matches!(command.command, Command::Erase { .. } | Command::EraseDue);
    let unchanged = event.booked_count == 0 && event.rules.status == EventStatus::Cancelled;
    let unchanged = if may_change { unchanged } else { event == before };
    assert!(!is_over || unchanged, "a cancelled event changed: {}", context());

    // Each fact is a transition of its registration, or of the event.
    let find = |table: &EventTable, id| table.rows().find(|row| row.id == id).cloned();
    let mut promoted = Vec::new();
    let facts: Vec<_> = after.table.facts_since(before.version).collect();
    assert_eq!(event.version.get() - before.version.get(), facts.len() as u64, "{}", context());
    for (_, fact) in &facts {
        let Some(id) = fact.registration_id else { continue };
        let gives = matches!(
            fact.kind,
            FactKind::Registered
                | FactKind::Held
                | FactKind::Waitlisted
                | FactKind::Offered
                | FactKind::Confirmed
                | FactKind::Transferred
        );
        assert!(!gives || !node.is_over(), "given after the end: {}", context());
        let mut from = find(&node.table, id);
        let mut to = find(&after.table, id).expect("a fact is about a registration");
        // Only a cancellation for erasure makes two moves at once.
        let erased = facts.iter().find(|(_, fact)| fact.registration_id == Some(id));
        match fact.kind {
            FactKind::Cancelled => to.status = Status::Cancelled,
            FactKind::Erased if erased.is_some_and(|(_, first)| first != fact) => {
                assert_eq!(to.status, Status::Cancelled, "{}", context());
                from = Some(to.clone());
            }
            _ => {}
        }
        let taken = |row: &Registration| i64::from(row.status.takes_a_seat());
        let seats = taken(&to) - from.as_ref().map_or(0, taken);
        let name = from.as_ref().map_or("—", |row| row.status.as_str());
        seen.insert((name.into(), fact.kind.as_str(), to.status.as_str().into(), seats));
        let waited = from.as_ref().is_some_and(|row| row.status == Status::Waitlisted);
        if waited && matches!(fact.kind, FactKind::Offered | FactKind::Confirmed) {
            assert_eq!(fact.actor, Actor::System, "{}", context());
            promoted.push(to.created_version);
        }
        // No seat is confirmed without the attendee's consent.
        let unasked = fact.kind == FactKind::Confirmed && fact.actor == Actor::System;
        let unasked = unasked || fact.kind == FactKind::Registered;
        assert!(!node.scene.confirms || !unasked, "seated unasked: {}", context());
        // No newcomer passes the waitlist.
        if matches!(fact.kind, FactKind::Registered | FactKind::Held) {
            assert_eq!(event.waitlist_count, 0, "barged in: {}", context());
        }
    }
    // The waitlist is served from its head.
    assert!(promoted.is_sorted(), "out of order: {}", context());
    if let Some(last) = promoted.last() {
        let passed_over =
            rows.iter().any(|row| row.status == Status::Waitlisted && row.created_version < *last);
        assert!(!passed_over, "passed over: {}", context());
    }
    // Ended registrations do not change, nor do those without a fact.
    for row in node.table.rows() {
        let is_named = facts.iter().any(|(_, fact)| fact.registration_id == Some(row.id));
        let now = find(&after.table, row.id).expect("no row is ever deleted");
        let same = now == *row;
        assert!(same != is_named, "changed without a fact, or not changed with one: {}", context());
        assert!(!row.is_erased() || now.is_erased(), "somebody has it again: {}", context());
        let same = same || now == erased(row, now.event_version);
        assert!(row.status.is_live() || same, "it had ended: {}", context());
    }
    // Executed again, nothing changes, and the answer is the same.
    let again = decide_all(&after, &commands);
    assert_eq!(again.change, None, "again: {}", context());
    assert_eq!(again.outcomes, std::slice::from_ref(&outcome), "again: {}", context());

    if command.makes_registration() && after.table.rows().count() > node.table.rows().count() {
        after.made += 1;
    }
    (after, outcome)
}

/// A registration without its personal data.
fn erased(row: &Registration, event_version: Version) -> Registration {
    let person = Person::from(EmailAddress::erased(row.id));
    Registration { person, token_hash: None, event_version, ..row.clone() }
}

/// Walks through every state from `start`, and returns how many states and steps that were.
fn walk(
    start: Node,
    seen: &mut BTreeSet<Transition>,
    refusals: &mut BTreeSet<String>,
) -> (usize, usize) {
    let mut known = HashSet::from([key(&start)]);
    let mut next = VecDeque::from([start]);
    let mut steps = 0;
    let settle = EventCommand::new(event_id(), Caller::Operator, Command::Settle);
    while let Some(node) = next.pop_front() {
        let mut reach = |node: Node| {
            if known.insert(key(&node)) {
                next.push_back(node);
            }
        };
        let later = node.now + TimeDelta::seconds(node.scene.tick());
        reach(Node { now: later, ..node.clone() });
        // Settled first, so that each registration makes one move at a time.
        let (settled, _) = step(&node, &settle, seen);
        for command in everything(&node) {
            let (after, outcome) = step(&settled, &command, seen);
            // In one transaction the result is the same.
            let commands = [&command];
            let at_once = decide_all(&node, &commands);
            assert_eq!(
                at_once.outcomes,
                std::slice::from_ref(&outcome),
                "{} {command:?}",
                key(&node)
            );
            if let Outcome::Refused(refusal) = outcome {
                let name = format!("{refusal:?}");
                refusals.insert(name.split([' ', '{']).next().unwrap_or_default().to_owned());
            }
            steps += 1;
            // A person whose past was erased is like one without a past. Only live erased registrations are new states.
            let is_new = node.is_over() || !matches!(command.command, Command::Erase { .. });
            if is_new {
                reach(after);
            }
        }
        assert!(known.len() < STATES_MAX, "the bounds are too wide");
    }
    (known.len(), steps)
}

/// Walks through all of these, and returns the observed transitions.
fn walk_all(scenes: impl IntoIterator<Item = Scene>) -> BTreeSet<Transition> {
    let (mut seen, mut refusals) = (BTreeSet::new(), BTreeSet::new());
    for scene in scenes {
        let (states, steps) = walk(start(scene, None), &mut seen, &mut refusals);
        println!("model: {scene:?}: {states} states, {steps} steps");
    }
    println!("model: refusals: {refusals:?}");
    seen
}

/// With two people, which is fast enough to run at each change.
#[test]
fn every_state_of_two_people_is_sound() {
    let scenes = Scene::all().map(|scene| Scene { people: 2, ..scene });
    let (seen, documented) = (walk_all(scenes), documented());
    let unknown: Vec<_> = seen.difference(&documented).collect();
    assert!(unknown.is_empty(), "not in README.md's table of transitions: {unknown:?}");
}

#[test]
fn every_state_where_addresses_are_confirmed_is_sound() {
    let at_once = Scene { offers: false, ..Scene::CONFIRMING };
    let (seen, documented) = (walk_all([Scene::CONFIRMING, at_once]), documented());
    let unknown: Vec<_> = seen.difference(&documented).collect();
    assert!(unknown.is_empty(), "not in README.md's table of transitions: {unknown:?}");
}

#[test]
#[should_panic(expected = "told whoever asked")]
fn the_walk_catches_a_leak_of_who_is_registered() {
    let trusting = start(Scene::CONFIRMING, Some(Rule::AddressConfirmed));
    walk(trusting, &mut BTreeSet::new(), &mut BTreeSet::new());
}

#[test]
#[ignore = "takes a minute: scripts/test.sh long"]
fn every_state_within_the_bounds_is_sound() {
    assert_eq!(
        walk_all(Scene::all()),
        documented(),
        "the table of transitions in README.md, right, is not what is so"
    );
}

#[test]
#[should_panic(expected = "a seat idles")]
fn the_walk_catches_a_waitlist_that_is_not_served() {
    walk(start(Scene::ENDLESS, Some(Rule::QueueFirst)), &mut BTreeSet::new(), &mut BTreeSet::new());
}

#[test]
#[should_panic(expected = "not settled")]
fn the_walk_catches_holds_that_never_expire() {
    walk(start(Scene::ENDLESS, Some(Rule::Expiry)), &mut BTreeSet::new(), &mut BTreeSet::new());
}

#[test]
#[should_panic(expected = "after the end")]
fn the_walk_catches_a_finished_event_that_goes_on() {
    walk(start(Scene::SHORT, Some(Rule::EventEnd)), &mut BTreeSet::new(), &mut BTreeSet::new());
}

/// The transitions in README.md, between its two marks.
fn documented() -> BTreeSet<Transition> {
    let readme = include_str!("../README.md");
    let table = readme.split("<!-- transitions -->").nth(1).expect("README.md has the table");
    let kinds = [
        FactKind::Registered,
        FactKind::Held,
        FactKind::Waitlisted,
        FactKind::Confirmed,
        FactKind::Offered,
        FactKind::Expired,
        FactKind::Cancelled,
        FactKind::Transferred,
        FactKind::Corrected,
        FactKind::LinkRenewed,
        FactKind::CheckedIn,
        FactKind::CheckInUndone,
        FactKind::Erased,
    ];
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.filter(|line| !line.starts_with("| ---"))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let kind = kinds.iter().find(|kind| kind.as_str() == cells[1].trim_matches('`'));
            let kind = kind.unwrap_or_else(|| panic!("no such fact: {line}")).as_str();
            let seats = cells[3].replace('−', "-").parse().expect("a number of seats");
            (cells[0].to_owned(), kind, cells[2].to_owned(), seats)
        })
        .collect()
}
