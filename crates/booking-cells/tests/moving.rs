//! Events move between stores of any kind, and are in one place wherever the mover is stopped.

mod common;

/// Makes a test of each for every pair of kinds of stores that an event may be moved between.
macro_rules! in_all_pairs {
    ($($(#[$attribute:meta])* $test:ident)*) => {
        in_all_pairs!(sqlite_to_sqlite sqlite sqlite: $($(#[$attribute])* $test)*);
        in_all_pairs!(sqlite_to_postgres sqlite postgres: $($(#[$attribute])* $test)*);
        in_all_pairs!(postgres_to_sqlite postgres sqlite: $($(#[$attribute])* $test)*);
        in_all_pairs!(postgres_to_postgres postgres postgres: $($(#[$attribute])* $test)*);
        in_all_pairs!(sqlite_to_citus sqlite citus:
            $(#[ignore = "wants a Citus: scripts/check-citus.sh"] $test)*);
        in_all_pairs!(citus_to_sqlite citus sqlite:
            $(#[ignore = "wants a Citus: scripts/check-citus.sh"] $test)*);
    };
    ($name:ident $from:ident $to:ident: $($(#[$attribute:meta])* $test:ident)*) => {
        mod $name {
            use super::Backend;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                $(#[$attribute])*
                async fn $test() {
                    super::$test(Backend::$from, Backend::$to).await;
                }
            )*
        }
    };
}

mod moving {
    mod beside;
    mod giving_up;
    mod workers;
}

use booking_cells::{MoveError, MoveObserver, Mover, Step};
use booking_conformance::ManualClock;
use booking_core::prelude::*;
use booking_core::{
    Answer, AnswerText, Answers, AskedQuestions, Caller, Capacity, CapacityMax, CheckIn, Claim,
    Command, Delivery, DeliveryState, Description, EmailAddress, EndpointSecret, EndpointUrl,
    Event, EventCommand, EventId, EventName, Execution, Fingerprint, Hold, HoldTtl, IdempotencyKey,
    KeyHash, LaneNext, LaneStep, LeaseId, Listed, MOVE_LEASE, MOVED_KEYS, MOVED_LANES,
    MOVED_LATELY, MOVED_MAILS, MOVED_ORGANIZERS, MOVED_TABLES, MailKind, MailStep, MoveId,
    MovedKind, MovedScope, MovedTable, NewEndpoint, NewEvent, NewMail, NewToken, OfferTtl, OnFull,
    Organizer, OrganizerName, Outcome, PageLimit, Person, PersonName, Place, Question, QuestionKey,
    QuestionKind, Refusal, Register, Registration, RegistrationId, RemindHours, Retention, Role,
    SetQuestions, SettledMail, SigningSeed, SinkId, TimeZone, TokenHash, Transfer, TypeFilter,
    Venue, Version, WebhookType, WhenBusy, Wording,
};
use chrono::{DateTime, TimeDelta, Utc};
use common::{Backend, Until, mover, new_mover};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// Lets a mover go on for so many steps.
struct Steps(AtomicUsize);

impl Steps {
    fn all() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }
}

impl MoveObserver for Steps {
    fn reached(&self, _: EventId, _: Step) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) > 0
    }
}

/// Two stores with one clock.
struct Pair {
    clock: ManualClock,
    from: Arc<dyn MoveStore>,
    to: Arc<dyn MoveStore>,
    _backends: [Backend; 2],
}

impl Pair {
    async fn of(from: fn() -> Backend, to: fn() -> Backend) -> Self {
        let clock = ManualClock::default();
        let backends = [from(), to()];
        let opened_from = backends[0].open_to_move(Some(clock.as_clock())).await;
        let opened_to = backends[1].open_to_move(Some(clock.as_clock())).await;
        Self { clock, from: opened_from, to: opened_to, _backends: backends }
    }

    async fn move_all_of(&self, event: EventId) {
        let steps = Steps::all();
        let mover = mover(&*self.from, &*self.to, &steps);
        mover.copy_shared().await.expect("the stores answer");
        mover.move_event(event).await.expect("nothing is in its way");
    }

    /// How many stores serve the event.
    async fn served(&self, event: EventId) -> usize {
        let mut served = 0;
        for store in [&self.from, &self.to] {
            served += usize::from(store.event(event).await.expect("it answers").is_some());
        }
        served
    }

    fn wait_for_leases(&self) {
        let lease = MOVE_LEASE.num_microseconds().expect("it is short");
        self.clock.advance_micros(lease + 1);
    }
}

fn address(who: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@example.org")).expect("valid")
}

fn key(number: u8) -> IdempotencyKey {
    IdempotencyKey::new(KeyHash::new([number; 32]), Fingerprint::new([number.wrapping_add(1); 32]))
}

fn claim(event: EventId, who: &str) -> Claim {
    let id = RegistrationId::beside(event, Uuid::now_v7());
    Claim::new(id, address(who))
}

fn command(event: EventId, command: Command) -> EventCommand {
    EventCommand::new(event, Caller::Operator, command)
}

fn register(event: EventId, who: &str) -> EventCommand {
    let on_full = OnFull::Waitlist;
    let register = Register { on_full, ..Register::from(claim(event, who)) };
    command(event, Command::Register(register))
}

async fn ask(store: &dyn MoveStore, command: EventCommand) -> Outcome {
    let mut executed = store.execute(&[command], WhenBusy::Wait).await.expect("it answers");
    match executed.remove(0) {
        Execution::Decided(outcome) => outcome,
        Execution::Busy => panic!("it waits"),
        Execution::Unknown => panic!("no commit was lost"),
    }
}

async fn seat(store: &dyn MoveStore, command: EventCommand) -> Registration {
    let outcome = ask(store, command).await;
    outcome.registration().unwrap_or_else(|| panic!("{outcome:?}")).clone()
}

fn plain_event(seats: u32) -> NewEvent {
    let name = EventName::parse("Sale").expect("valid");
    let seats = Capacity::parse(seats.into(), CapacityMax::HIGHEST).expect("valid");
    NewEvent::new(Uuid::now_v7().into(), name, seats)
}

/// Has the event leave, and no more. Returns the id of the move.
async fn have_it_leave(pair: &Pair, event: EventId) -> MoveId {
    let stops = Until(|step| step == Step::HandedOver);
    let stopped = mover(&*pair.from, &*pair.to, &stops).move_event(event).await;
    assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
    left_by(&*pair.from, event).await
}

async fn left_by(store: &dyn MoveStore, event: EventId) -> MoveId {
    match store.place_of(event).await.expect("it answers") {
        Place::Left { mover, state: Some(_), .. } => mover,
        other => panic!("it has not left: {other:?}"),
    }
}

async fn clear_all(store: &dyn MoveStore, event: EventId, mover: MoveId) {
    while store.clear(event, mover, 9).await.expect("it answers") > 0 {}
}

/// An event with everything that an event can have.
struct Everything {
    new: NewEvent,
    event: EventId,
    asked: Vec<(EventCommand, Outcome)>,
    endpoint: SinkId,
}

async fn everything(store: &dyn MoveStore) -> Everything {
    let organizer =
        Organizer::new(Uuid::now_v7().into(), OrganizerName::parse("Club").expect("valid"));
    let token = NewToken::new(Uuid::now_v7().into(), organizer.clone(), TokenHash::new([9; 32]));
    store.create_token(token).await.expect("it answers").expect("there is room");
    store.add_signing_seed(SigningSeed::new([3; 32]), true).await.expect("it answers");
    store.show_mail().await.expect("it answers");

    let at =
        |day: i64| DateTime::from_timestamp_micros(1_760_000_000_000_001 + day * 86_400_000_000);
    let new = plain_event(4).with(|new| {
        new.id = EventId::beside(&key(200).hash, Uuid::now_v7());
        new.organizer_id = Some(organizer.id);
        new.details.description = Description::parse("Doors at 19:00").expect("valid");
        (new.details.starts_at, new.details.ends_at) = (at(9), at(10));
        new.details.timezone = Some(TimeZone::parse("Europe/Berlin").expect("a zone"));
        new.details.venue = Some(Venue::parse("Hall 1, \"Süd\"").expect("valid"));
        new.details.remind_hours = RemindHours::parse(24).ok();
        new.details.retention = Retention::parse(30).ok();
        new.rules.closes_at = at(8);
        new.rules.offer_ttl = OfferTtl::parse(600).ok();
        new.rules.conceals_registered = true;
    });
    let new = new.expect("in order");
    let outcome = store.create_event_once(new.clone(), key(200)).await.expect("it answers");
    assert!(matches!(outcome, Outcome::EventChanged(_)), "{outcome:?}");
    let event = new.id;
    let token = NewToken::new(Uuid::now_v7().into(), organizer.clone(), TokenHash::new([8; 32]));
    let token = NewToken { role: Role::Door, events: Some([event].into()), ..token };
    store.create_token(token).await.expect("it answers").expect("there is room");

    let wording = Wording::parse("What is on your badge?").expect("valid");
    let badge = QuestionKey::parse("badge").expect("valid");
    let question = Question::new(badge, QuestionKind::Text, wording);
    let asked = AskedQuestions::parse(vec![question]).expect("valid");
    let set = Command::SetQuestions(Box::new(SetQuestions { if_match: None, asked }));
    ask(store, command(event, set)).await;

    let mut answered = Vec::new();
    let mut ada = claim(event, "ada");
    let badge = Answer::Text(AnswerText::parse("Ada \u{1f680}").expect("valid"));
    let badge = (QuestionKey::parse("badge").expect("valid"), badge);
    ada.person.answers = Answers::parse([badge].into_iter().collect()).expect("short");
    ada.person.name = PersonName::parse("Ada O'Neill").ok();
    ada.token_hash = Some(TokenHash::new([7; 32]));
    let ada = command(event, Command::Register(ada.into())).with_key(Some(key(1)));
    answered.push((ada.clone(), ask(store, ada).await));
    let refused = command(event, Command::Register(claim(event, "ada").into()));
    let refused = refused.with_key(Some(key(2)));
    answered.push((refused.clone(), ask(store, refused).await));

    let bob = Command::Hold(Hold::new(claim(event, "bob"), HoldTtl::parse(900).expect("valid")));
    seat(store, command(event, bob)).await;
    let carl = seat(store, register(event, "carl")).await;
    let scan = CheckIn::new(carl.id, carl.generation, Uuid::now_v7());
    ask(store, command(event, Command::CheckIn(scan))).await;
    let dora = seat(store, register(event, "dora")).await;
    let to_erin = Transfer::new(dora.id, Person::from(address("erin")));
    let erin = seat(store, command(event, Command::Transfer(to_erin))).await;
    for who in ["finn", "gus", "hugo"] {
        assert!(matches!(ask(store, register(event, who)).await, Outcome::Waitlisted(_)), "{who}");
    }

    let endpoint = NewEndpoint {
        id: Uuid::now_v7().into(),
        organizer_id: Some(organizer.id),
        event_id: Some(event),
        url: EndpointUrl::parse("https://hooks.example.org/", false).expect("valid"),
        types: TypeFilter::ALL,
        includes_person: true,
        secret: EndpointSecret::new([5; 32]),
    };
    let endpoint = store.create_endpoint(endpoint).await.expect("it answers").expect("room").id;
    while store.route_facts(PageLimit::MAX).await.expect("it answers") > 0 {}
    let lease = LeaseId::from(Uuid::now_v7());
    let (sink, mail) = (SinkId::from(endpoint), |registration: &Registration| NewMail {
        id: Uuid::now_v7().into(),
        event_id: event,
        registration_id: registration.id,
        kind: MailKind::HandedOver,
        version: registration.event_version,
    });
    let lanes = store.claim_lanes(&[(sink, 9)], lease).await.expect("it answers");
    assert_eq!(lanes.len(), 1);
    let mails = [mail(&erin), mail(&carl), mail(&dora)];
    let delivery = Delivery {
        endpoint_id: endpoint,
        event_id: event,
        version: Version::FIRST,
        kind: WebhookType::ALL[0],
        state: DeliveryState::Delivered,
        attempts: 1,
        tried_at: DateTime::UNIX_EPOCH,
        status: Some(204),
        failure: None,
    };
    let step = LaneStep {
        event_id: event,
        sink,
        lease,
        version: Version::FIRST,
        position: None,
        attempts: 0,
        deliveries: vec![delivery],
        mails: mails.to_vec(),
        next: LaneNext::Release,
    };
    assert_eq!(store.advance(&[step]).await.expect("it answers"), [true]);
    assert_eq!(store.claim_mails(9, lease).await.expect("it answers").len(), 3);
    let steps = [
        MailStep::RetryAfter(TimeDelta::minutes(5), "421 later".to_owned()),
        MailStep::Sent,
        MailStep::Stuck("550 no".to_owned()),
    ];
    let settled = mails.iter().zip(steps).map(|(mail, step)| SettledMail {
        event_id: event,
        id: mail.id,
        lease,
        step,
    });
    let settled: Vec<_> = settled.collect();
    assert_eq!(store.settle_mails(&settled).await.expect("it answers"), [true; 3]);

    // Facts that were not routed yet, and an offer.
    let given_up = ask(store, command(event, Command::Cancel { registration_id: erin.id })).await;
    assert!(matches!(given_up, Outcome::Cancelled(_)), "{given_up:?}");
    Everything { new, event, asked: answered, endpoint: sink }
}

/// The tables with rows of an event, including those that leave with its own row.
fn tables_of_event() -> impl Iterator<Item = &'static MovedTable> {
    MOVED_TABLES.iter().chain([&MOVED_LANES])
}

/// All rows of an event, in one form for all kinds of stores.
async fn rows_of(store: &dyn MoveStore, event: EventId) -> Vec<(&'static str, Vec<Value>)> {
    let mut all = Vec::new();
    for table in tables_of_event() {
        let rows = store.moved_rows(event, table, None, None, 9_999).await.expect("it answers");
        let rows = rows.iter().map(|row| said_alike(table, row)).collect();
        all.push((table.name, rows));
    }
    all
}

/// Stores write instants in more than one way.
fn said_alike(table: &MovedTable, row: &str) -> Value {
    let mut row: Value = serde_json::from_str(row).expect("it is JSON");
    for (column, kind) in table.columns {
        let value = &mut row[*column];
        if *kind == MovedKind::Time
            && let Some(text) = value.as_str()
        {
            let time = DateTime::parse_from_rfc3339(text).expect("an instant");
            *value = time.with_timezone(&Utc).timestamp_micros().into();
        }
    }
    row
}

async fn everything_is_moved(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let there = everything(&*pair.from).await;
    let (event, limit) = (there.event, PageLimit::MAX);
    let (mut before, shown) = (rows_of(&*pair.from, event).await, pair.from.event(event).await);
    let shown: Event = shown.expect("it answers").expect("it is there");
    for (table, rows) in &before {
        assert!(!rows.is_empty(), "there is nothing in {table} to be moved");
    }
    let registrations = async |store: &dyn MoveStore| {
        let listed = store.registrations(event, Listed::All, None, limit).await;
        listed.expect("it answers").map(|page| page.items)
    };
    let listed = registrations(&*pair.from).await.expect("it is there");
    let questions = pair.from.questions(event).await.expect("it answers");
    let facts = pair.from.facts_after(event, Version::new(0), limit).await.expect("it answers");
    let backlog = pair.from.backlog().await.expect("it answers");

    pair.move_all_of(event).await;
    assert_eq!(pair.served(event).await, 1);
    let to = &*pair.to;
    assert_eq!(to.event(event).await.expect("it answers"), Some(shown.clone()));
    assert_eq!(registrations(to).await, Some(listed.clone()));
    assert_eq!(to.questions(event).await.expect("it answers"), questions);
    assert_eq!(to.facts_after(event, Version::new(0), limit).await.expect("it answers"), facts);
    assert_eq!(to.backlog().await.expect("it answers"), backlog);
    let mut after = rows_of(to, event).await;
    for rows in before.iter_mut().chain(&mut after) {
        rows.1.sort_by_key(ToString::to_string);
    }
    assert_eq!(after, before);
    for (command, outcome) in there.asked {
        let replayed = Outcome::Replayed(Box::new(outcome));
        assert_eq!(ask(to, command).await, replayed, "asked again under its key");
    }
    let created = to.create_event_once(there.new.clone(), key(200)).await.expect("it answers");
    assert!(matches!(&created, Outcome::EventChanged(same) if same.id == event), "{created:?}");
    assert_eq!(to.tokens().await.expect("it answers").len(), 2);
    assert_eq!(to.signing_seeds().await.expect("it answers"), [SigningSeed::new([3; 32])]);
    while to.route_facts(limit).await.expect("it answers") > 0 {}
    let lease = LeaseId::from(Uuid::now_v7());
    let lanes = to.claim_lanes(&[(there.endpoint, 9)], lease).await.expect("it answers");
    assert_eq!(lanes[0].target, shown.version, "what was new is new");
    for registration in &listed {
        let history = to.history(registration.id, limit).await.expect("it answers");
        assert!(history.is_some_and(|history| !history.is_empty()));
    }

    // The source has it no more, and does not report it as missing.
    let from = &*pair.from;
    assert!(from.is_moving(event).await.expect("it answers"));
    assert!(from.may_be_moving(listed[0].id).await.expect("it answers"));
    // For a caller that looked in the target before it came, and then asks whether it is moving.
    assert!(to.is_moving(event).await.expect("it answers"));
    assert!(to.may_be_moving(listed[0].id).await.expect("it answers"));
    pair.clock.advance_micros(MOVED_LATELY.num_microseconds().expect("a few"));
    assert!(!to.is_moving(event).await.expect("it answers"));
    assert!(!to.may_be_moving(listed[0].id).await.expect("it answers"));
    assert_eq!(from.registration(listed[0].id).await.expect("it answers"), None);
    let refused = ask(from, register(event, "late")).await;
    assert_eq!(refused, Outcome::Refused(Refusal::EventMoving));
    from.create_event(there.new).await.expect_err("it is elsewhere");
    assert_eq!(from.backlog().await.expect("it answers").sinks, []);
    let nothing = |(_, rows): &(&str, Vec<Value>)| rows.is_empty();
    let left = rows_of(from, event).await;
    let of_requests = |(table, _): &&(&str, Vec<Value>)| *table != "idempotency_records";
    assert!(left.iter().filter(of_requests).all(nothing), "{left:?}");
    for store in [from, to] {
        assert_eq!(store.audit().await.expect("it answers").differences, []);
    }

    // Repeated it does nothing, and the event moves back as it came.
    let version = async |store: &dyn MoveStore| {
        store.event(event).await.expect("it answers").map(|event| event.version)
    };
    pair.move_all_of(event).await;
    assert_eq!(version(to).await, Some(shown.version));
    let steps = Steps::all();
    mover(to, from, &steps).move_event(event).await.expect("nothing is in its way");
    assert_eq!((version(from).await, version(to).await), (Some(shown.version), None));
    let seat = ask(from, register(event, "late")).await;
    assert!(matches!(seat, Outcome::Waitlisted(_)), "{seat:?}");
}

/// After each of the steps the mover is stopped, as by a kill, and another continues.
async fn a_stopped_move_leaves_the_event_in_one_place(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    for stop_after in 0..usize::MAX {
        let event = pair.from.create_event(plain_event(99)).await.expect("it answers").id;
        let mut acknowledged = Vec::new();
        for who in ["ada", "bob"] {
            acknowledged.push(seat(&*pair.from, register(event, who)).await.id);
        }
        let steps = Steps(AtomicUsize::new(stop_after));
        let stopped = mover(&*pair.from, &*pair.to, &steps).move_event(event).await;
        let is_stopped = matches!(stopped, Err(MoveError::Stopped));
        assert!(is_stopped || stopped.is_ok(), "{stopped:?}");
        assert!(pair.served(event).await <= 1, "after {stop_after} steps");
        // A lease lasts until it expires, and so does a freeze.
        let (mut seats, place) = (0, pair.from.place_of(event).await.expect("it answers"));
        if is_stopped && place == Place::Served {
            let other = mover(&*pair.from, &*pair.to, &steps).move_event(event).await;
            assert!(matches!(other, Err(MoveError::Taken | MoveError::Stopped)), "{other:?}");
        }
        pair.wait_for_leases();
        for store in [&pair.from, &pair.to] {
            if let Outcome::Confirmed(seat) = ask(&**store, register(event, "carl")).await {
                acknowledged.push(seat.id);
                seats += 1;
            }
        }
        let is_between = matches!(place, Place::Left { .. }) && pair.served(event).await == 0;
        assert_eq!(seats, usize::from(!is_between), "after {stop_after} steps");

        let all = Steps::all();
        let again = mover(&*pair.from, &*pair.to, &all);
        again.move_event(event).await.expect("it goes on");
        again.move_event(event).await.expect("it is there");
        assert_eq!(pair.served(event).await, 1);
        for id in &acknowledged {
            let seat = pair.to.registration(*id).await.expect("it answers");
            assert!(seat.is_some(), "lost after {stop_after} steps");
        }
        let left = rows_of(&*pair.from, event).await;
        assert!(left.iter().all(|(_, rows)| rows.is_empty()), "{left:?}");
        if !is_stopped {
            assert!(stop_after > 8, "it has more steps");
            break;
        }
    }
    for store in [&pair.from, &pair.to] {
        assert_eq!(store.audit().await.expect("it answers").differences, []);
    }
}

/// A mover that slept takes the room of the one that continued, once that has the event leave; or the target forgets
/// what it was sent. The event is copied again, and the mover that slept activates nothing.
async fn an_event_lost_by_the_target_is_copied_again(from: fn() -> Backend, to: fn() -> Backend) {
    for sleeps in [true, false] {
        let pair = Pair::of(from, to).await;
        let (from, to) = (&*pair.from, &*pair.to);
        let event = everything(from).await.event;
        let before = rows_of(from, event).await;
        let first = have_it_leave(&pair, event).await;
        let taken_by = if sleeps { new_mover() } else { first };
        if sleeps {
            assert!(to.begin_arriving(event, taken_by, "from").await.expect("it answers"));
        }
        clear_all(to, event, taken_by).await;
        // Killed before it is complete there: no mover takes it for complete, as it did not leave by
        // that move.
        let stops = Until(|step| matches!(step, Step::Copied(_)));
        let stopped = mover(from, to, &stops).move_event(event).await;
        assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
        assert_eq!(left_by(from, event).await, first);

        mover(from, to, &Steps::all()).move_event(event).await.expect("it is brought anew");
        assert_eq!(pair.served(event).await, 1);
        assert!(to.place_of(event).await.expect("it answers") == Place::Served);
        let after = rows_of(to, event).await;
        let lanes = |(table, _): &&(&str, Vec<Value>)| *table != MOVED_LANES.name;
        assert!(after.iter().filter(lanes).eq(before.iter().filter(lanes)), "{after:?} {before:?}");
        // It is served already; but the state that it left with is no longer the first mover's.
        assert!(from.pass_on(event, first, new_mover()).await.expect("it answers").is_none());
        assert_eq!(to.audit().await.expect("it answers").differences, []);
    }
}

/// The target forgets that the event came after a part of it was deleted in the source: what is left is incomplete.
async fn a_partly_deleted_event_is_not_copied_again(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let event = everything(&*pair.from).await.event;
    let first = have_it_leave(&pair, event).await;
    assert!(pair.from.clear(event, first, 1).await.expect("it answers") > 0);
    for _ in 0..2 {
        let refused = mover(&*pair.from, &*pair.to, &Steps::all()).move_event(event).await;
        assert!(matches!(refused, Err(MoveError::Cleared)), "{refused:?}");
        assert_eq!(pair.served(event).await, 0);
        assert_eq!(left_by(&*pair.from, event).await, first);
        // Nor once nothing of it is left.
        clear_all(&*pair.to, event, first).await;
    }
}

/// The state that an event left with is all that remains of its row: no room is made in its place. Once it has arrived,
/// it may come back.
async fn the_leaving_state_is_kept_until_the_event_arrives(
    from: fn() -> Backend,
    to: fn() -> Backend,
) {
    let pair = Pair::of(from, to).await;
    let (from, to) = (&*pair.from, &*pair.to);
    let event = everything(from).await.event;
    let first = have_it_leave(&pair, event).await;
    assert!(!from.begin_arriving(event, new_mover(), "where").await.expect("it answers"));
    assert_eq!(left_by(from, event).await, first);
    let stops = Until(|step| matches!(step, Step::Activated(_)));
    let stopped = mover(from, to, &stops).move_event(event).await;
    assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
    assert_eq!(left_by(from, event).await, first);
    let seats = to.event(event).await.expect("it answers").expect("it is there").booked_count;
    let all = Steps::all();
    let back = Mover { from_name: "here", to_name: "there", ..mover(to, from, &all) };
    back.move_event(event).await.expect("it comes back");
    assert_eq!(pair.served(event).await, 1);
    let event = from.event(event).await.expect("it answers").expect("it is there");
    assert_eq!(event.booked_count, seats);
    assert_eq!(from.audit().await.expect("it answers").differences, []);
}

/// A frozen event cannot be changed until the freeze ends; and it leaves only as it was seen.
async fn an_event_leaves_only_while_it_is_frozen(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (store, to) = (&*pair.from, &*pair.to);
    let event = store.create_event(plain_event(9)).await.expect("it answers").id;
    let other = store.create_event(plain_event(9)).await.expect("it answers").id;
    let mine = new_mover();
    let mark = store.begin_leaving(event, mine, "to").await.expect("it answers").expect("its turn");
    assert!(store.begin_leaving(event, new_mover(), "to").await.expect("it answers").is_none());
    assert!(store.hand_over(event, mine, mark.version).await.expect("it answers").is_none());
    let sold = ask(store, register(event, "ada")).await;
    assert!(matches!(sold, Outcome::Confirmed(_)), "it is sold meanwhile: {sold:?}");
    assert!(store.freeze(event, new_mover()).await.expect("it answers").is_none());
    let frozen = store.freeze(event, mine).await.expect("it answers").expect("it is mine");
    assert_eq!(frozen.version.get(), mark.version.get() + 1);

    let batch = [register(event, "bob"), register(other, "bob")];
    let executed = store.execute(&batch, WhenBusy::Skip).await.expect("it answers");
    let [Execution::Decided(frozen_out), Execution::Decided(seat)] = &executed[..] else {
        panic!("{executed:?}")
    };
    assert_eq!(*frozen_out, Outcome::Refused(Refusal::EventMoving));
    assert!(matches!(seat, Outcome::Confirmed(_)), "the other is sold: {seat:?}");
    assert!(store.event(event).await.expect("it answers").is_some(), "it is shown");
    let registered = store.registrations_of(&address("ada"), PageLimit::MAX).await;
    let (_, ada) = registered.expect("it answers")[0];
    let erase = Command::Erase { registration_id: ada };
    let refused = ask(store, command(event, erase.clone())).await;
    assert_eq!(refused, Outcome::Refused(Refusal::EventMoving), "nor is anybody erased unseen");
    assert!(store.hand_over(event, mine, mark.version).await.expect("it answers").is_none());

    // The freeze expires by itself, and then the mover that froze the event cannot have it leave.
    pair.wait_for_leases();
    assert!(matches!(ask(store, command(event, erase)).await, Outcome::Erased(_)));
    assert!(store.hand_over(event, mine, frozen.version).await.expect("it answers").is_none());
    assert!(!store.go_on_leaving(event, mine).await.expect("it answers"));

    // The next mover has it then; the first, which slept, writes nothing any more.
    let his = new_mover();
    assert!(to.begin_arriving(event, mine, "from").await.expect("it answers"));
    let mark = store.begin_leaving(event, his, "to").await.expect("it answers").expect("its turn");
    assert!(to.begin_arriving(event, his, "from").await.expect("it answers"));
    let table = &MOVED_TABLES[0];
    let rows = store.moved_rows(event, table, None, None, 9).await.expect("it answers");
    assert!(!to.take_in(event, mine, table, &rows).await.expect("it answers"));
    assert_eq!(to.clear(event, mine, 9).await.expect("it answers"), 0);
    assert!(to.take_in(event, his, table, &rows).await.expect("it answers"));
    assert_eq!(to.registrations_of(&address("ada"), PageLimit::MAX).await.expect("it answers"), []);
    let refused = ask(to, register(event, "bob")).await;
    assert_eq!(refused, Outcome::Refused(Refusal::EventMoving), "it is not there yet");
    assert_eq!(to.audit().await.expect("it answers").differences, []);

    let frozen = store.freeze(event, his).await.expect("it answers").expect("it is his");
    assert!(frozen.version >= mark.version);
    let left = store.hand_over(event, his, frozen.version).await.expect("it answers");
    let left = left.expect("it is frozen");
    let again = store.hand_over(event, his, frozen.version).await.expect("it answers");
    assert_eq!(again.as_ref(), Some(&left), "done again");
    assert_eq!(pair.served(event).await, 0, "between the two it is served nowhere");
    let mut others = left.clone();
    others.mover = mine;
    assert!(!to.activate(event, &others).await.expect("it answers"), "it is another's");
    for _ in 0..2 {
        assert!(to.activate(event, &left).await.expect("it answers"));
        assert_eq!(pair.served(event).await, 1);
    }
    assert!(!to.begin_arriving(event, new_mover(), "from").await.expect("it answers"));
    assert_eq!(to.clear(event, his, 9).await.expect("it answers"), 0, "it is served");
}

/// A seat whose address somebody else had meanwhile, and gave up, is copied before that one.
async fn an_address_that_was_given_up_leaves_the_seat_of_its_holder(
    from: fn() -> Backend,
    to: fn() -> Backend,
) {
    let pair = Pair::of(from, to).await;
    let (store, to) = (&*pair.from, &*pair.to);
    let event = store.create_event(plain_event(9)).await.expect("it answers").id;
    let ada = seat(store, register(event, "ada")).await;
    let transfer = |who: &str| {
        let to = Transfer::new(ada.id, Person::from(address(who)));
        ask(store, command(event, Command::Transfer(to)))
    };
    assert!(matches!(transfer("bob").await, Outcome::Transferred(_)));
    let second = seat(store, register(event, "ada")).await;
    let cancelled =
        ask(store, command(event, Command::Cancel { registration_id: second.id })).await;
    assert!(matches!(cancelled, Outcome::Cancelled(_)), "{cancelled:?}");
    assert!(matches!(transfer("ada").await, Outcome::Transferred(_)));

    let mine = new_mover();
    store.begin_leaving(event, mine, "to").await.expect("it answers").expect("its turn");
    assert!(to.begin_arriving(event, mine, "from").await.expect("it answers"));
    let table = MOVED_TABLES.iter().find(|table| table.name == "registrations").expect("it is one");
    let mut after = None;
    for _ in 0..2 {
        let rows = store.moved_rows(event, table, None, after.as_deref(), 1).await;
        let rows = rows.expect("it answers");
        assert!(to.take_in(event, mine, table, &rows).await.expect("it answers"));
        after = rows.last().cloned();
    }
    let registrations = async |store: &dyn MoveStore| {
        let all = rows_of(store, event).await;
        all.into_iter().find(|(name, _)| *name == table.name)
    };
    assert_eq!(registrations(to).await, registrations(store).await);
}

/// While it sells as fast as it can, and seats are cancelled and taken again.
async fn a_sale_goes_on_through_a_move(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Arc::new(Pair::of(from, to).await);
    let event = pair.from.create_event(plain_event(100_000)).await.expect("it answers").id;
    let moved = Arc::new(AtomicU64::new(0));
    let selling: Vec<_> = (0..4_u32)
        .map(|seller| {
            let (pair, moved) = (Arc::clone(&pair), Arc::clone(&moved));
            tokio::spawn(async move {
                let (mut sold, mut number) = (Vec::new(), 0_u32);
                // For some time after it has arrived.
                while moved.load(Ordering::SeqCst) < 20 {
                    number += 1;
                    // Some addresses come again, whose seat was cancelled or not.
                    let person = if number % 2 == 0 { number } else { number % 50 };
                    let command = register(event, &format!("p{seller}-{person}"));
                    let mut outcome = ask(&*pair.from, command.clone()).await;
                    if outcome == Outcome::Refused(Refusal::EventMoving) {
                        outcome = ask(&*pair.to, command).await;
                        if matches!(outcome, Outcome::Confirmed(_)) {
                            moved.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    if let Outcome::Confirmed(seat) = outcome {
                        sold.push(seat.id);
                        if number % 3 == 0 {
                            let cancel = Command::Cancel { registration_id: seat.id };
                            ask(&*pair.from, self::command(event, cancel)).await;
                        }
                    } else {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
                sold
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    pair.move_all_of(event).await;
    for seller in selling {
        for id in seller.await.expect("no panic") {
            assert!(pair.to.registration(id).await.expect("it answers").is_some(), "lost: {id}");
        }
    }
    assert_eq!(pair.to.audit().await.expect("it answers").differences, []);
    let page = pair.to.registrations(event, Listed::All, None, PageLimit::MAX).await;
    let rows = page.expect("it answers").expect("it is there").items;
    let versions: BTreeSet<_> = rows.iter().map(|row| row.created_version).collect();
    assert_eq!(versions.len(), rows.len());
}

/// The negative control: an event that is activated in both stores, against the order of a move, is
/// noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_in_two_places_is_noticed() {
    let pair = Pair::of(Backend::sqlite, Backend::sqlite).await;
    let (from, to) = (&*pair.from, &*pair.to);
    let event = from.create_event(plain_event(9)).await.expect("it answers").id;
    let mine = new_mover();
    from.begin_leaving(event, mine, "to").await.expect("it answers").expect("its turn");
    let frozen = from.freeze(event, mine).await.expect("it answers").expect("it is mine");
    let left = from.hand_over(event, mine, frozen.version).await.expect("it answers");
    let left = left.expect("it is frozen");
    // The state that it left with is not overwritten before it is deleted.
    from.forget_left(event, mine).await.expect("it answers");
    for store in [to, from] {
        assert!(store.begin_arriving(event, mine, "elsewhere").await.expect("it answers"));
        assert!(store.activate(event, &left).await.expect("it answers"));
    }
    assert_eq!(pair.served(event).await, 2);
    let steps = Steps::all();
    let moved = mover(from, to, &steps).move_event(event).await;
    assert!(matches!(moved, Err(MoveError::Twice)), "{moved:?}");
    assert_ne!(to.audit().await.expect("it answers").differences, [], "nothing else is there");
}

/// How long an event was frozen.
#[derive(Default)]
struct Frozen(Mutex<Option<Duration>>);

impl MoveObserver for Frozen {
    fn reached(&self, _: EventId, step: Step) -> bool {
        if let Step::Activated(frozen) = step {
            *self.0.lock().expect("nobody panics with it") = frozen;
        }
        true
    }
}

/// A large event is frozen for no longer than a small one takes to move, while it sells.
async fn a_large_event_is_frozen_for_a_moment(from: fn() -> Backend, to: fn() -> Backend) {
    const SEATS: usize = 100_000;
    let pair = Arc::new(Pair::of(from, to).await);
    let event = pair.from.create_event(plain_event(SEATS as u32 + 1_000_000)).await;
    let event = event.expect("it answers").id;
    for batch in 0..SEATS / 500 {
        let batch: Vec<_> = (0..500)
            .map(|at| {
                let register = Register::from(claim(event, &format!("p{batch}-{at}")));
                command(event, Command::Register(register))
            })
            .collect();
        pair.from.execute(&batch, WhenBusy::Wait).await.expect("it answers");
    }
    let selling = {
        let pair = Arc::clone(&pair);
        tokio::spawn(async move {
            for number in 0.. {
                let sold = ask(&*pair.from, register(event, &format!("late{number}"))).await;
                if pair.to.event(event).await.expect("it answers").is_some() {
                    return number;
                }
                assert!(
                    matches!(sold, Outcome::Confirmed(_) | Outcome::Refused(Refusal::EventMoving)),
                    "{sold:?}"
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            0
        })
    };
    let (frozen, began) = (Frozen::default(), std::time::Instant::now());
    mover(&*pair.from, &*pair.to, &frozen).move_event(event).await.expect("nothing is in its way");
    let took = began.elapsed();
    let frozen = frozen.0.lock().expect("nobody panics with it").expect("it was");
    println!("{SEATS} registrations: moved in {took:?}, frozen for {frozen:?}");
    assert!(selling.await.expect("no panic") > 0);
    assert!(frozen < Duration::from_secs(1), "{frozen:?}");
}

in_all_pairs! {
    everything_is_moved
    a_stopped_move_leaves_the_event_in_one_place
    an_event_lost_by_the_target_is_copied_again
    a_partly_deleted_event_is_not_copied_again
    the_leaving_state_is_kept_until_the_event_arrives
    an_event_leaves_only_while_it_is_frozen
    an_address_that_was_given_up_leaves_the_seat_of_its_holder
    #[ignore = "it measures, and takes minutes"]
    a_large_event_is_frozen_for_a_moment
    a_sale_goes_on_through_a_move
}

/// A store's columns of tables with rows of events: those that are not moved are named here.
fn assert_all_is_moved(columns: &[(String, String)]) {
    let not_moved = [("facts", "is_new"), ("events", "frozen_until"), ("signing_keys", "id")];
    // Which facts are new is part of the state; where an event is on its way, every store records for itself.
    let own = ["new_facts", "moving_events"];
    let of_event =
        |table: &str| columns.iter().any(|(name, column)| name == table && column == "event_id");
    let all = || {
        tables_of_event()
            .chain(MOVED_KEYS)
            .chain(MOVED_ORGANIZERS)
            .chain([&booking_core::MOVED_EVENT, &MOVED_MAILS])
    };
    for (table, column) in columns {
        let (table, column) = (table.as_str(), column.as_str());
        let moved = all().find(|moved| moved.name == table);
        match moved {
            Some(moved) => assert!(
                moved.columns.iter().any(|(name, _)| *name == column)
                    || not_moved.contains(&(table, column)),
                "{table}.{column} is not moved"
            ),
            None => assert!(
                !of_event(table) || own.contains(&table),
                "{table} has rows of events, and is not moved"
            ),
        }
    }
    for table in all() {
        let has = columns.iter().filter(|(name, _)| name == table.name).count();
        assert!(has >= table.columns.len(), "{} has fewer columns than are moved", table.name);
    }
}

#[test]
fn every_table_and_column_of_an_event_is_moved_from_sqlite() {
    let backend = Backend::sqlite();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    drop(runtime.block_on(backend.open_to_move(None)));
    assert_all_is_moved(&backend.columns());
}

#[test]
fn every_table_and_column_of_an_event_is_moved_from_postgres() {
    assert_all_is_moved(&Backend::postgres().columns());
}

#[test]
#[should_panic(expected = "is not moved")]
fn a_missing_table_is_noticed() {
    assert_all_is_moved(&[("payments".to_owned(), "event_id".to_owned())]);
}

#[test]
fn creation_records_are_moved_and_shared_tables_are_not() {
    let scopes: Vec<_> = MOVED_TABLES.iter().map(|table| table.scope).collect();
    assert!(scopes.contains(&MovedScope::PutUp) && !scopes.contains(&MovedScope::Shared));
}
