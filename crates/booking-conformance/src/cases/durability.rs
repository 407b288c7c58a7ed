//! Acknowledged writes are stored: in every field, without gaps, as a whole, and after the store was closed.

use crate::Fixture;
use crate::deliveries::*;
use crate::tools::*;
use booking_core::{
    AskedQuestions, AuditReport, Backlog, BookingStore, Caller, CheckIn, Claim, Command, Contact,
    Delivery, DeliveryState, Description, Edit, Endpoint, Event, EventCommand, EventId,
    EventStatus, FactKind, Fingerprint, HistoryEntry, Hold, HoldTtl, IdempotencyKey, KeyHash,
    LaneNext, LaneStep, Language, Listed, MailKind, NewEvent, NewEventFields, OrganizerName,
    OrganizerToken, Outcome, PageLimit, Person, PersonName, Question, QuestionKey, QuestionKind,
    Questions, Registration, RegistrationId, RemindHours, Retention, SetQuestions, SigningSeed,
    SinkId, Status, TicketKey, TimeZone, Totals, Venue, Version, Wording,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use uuid::Uuid;

fn key(number: u8) -> IdempotencyKey {
    let (hash, fingerprint) = (KeyHash::new([number; 32]), Fingerprint::new([number; 32]));
    IdempotencyKey::new(hash, fingerprint)
}

fn edit(event_id: EventId, edit: Edit) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Edit(Box::new(edit)))
}

/// A claim with its optional fields: a name, a manage token.
fn claim_with(event_id: EventId, who: &str, called: Option<&str>, token: Option<u8>) -> Claim {
    let name = called.map(|called| PersonName::parse(called).expect("a valid name"));
    let person = Person { name, ..Person::from(address(who)) };
    Claim { person, token_hash: token.map(token_hash), ..claim(event_id, who) }
}

fn register_with(event_id: EventId, claim: Claim) -> EventCommand {
    EventCommand::new(event_id, Caller::Operator, Command::Register(claim.into()))
}

/// Events that set one optional field each, and one that sets them all.
fn events_that_say_something(clock: &ManualClock) -> Vec<NewEvent> {
    let now = clock.now();
    let (starts_at, ends_at) = (now + TimeDelta::days(2), now + TimeDelta::days(3));
    let mut all = new_event("With everything", 5).into_fields();
    all.organizer_id = Some(organizer_id(1));
    all.details.description = Description::parse("Doors at 19:00").expect("valid");
    (all.details.starts_at, all.details.ends_at) = (Some(starts_at), Some(ends_at));
    all.details.timezone = TimeZone::parse("Europe/Berlin").ok();
    all.details.venue = Venue::parse("Quasimodo").ok();
    all.details.retention = Retention::parse(30).ok();
    all.details.language = Language::De;
    all.details.remind_hours = RemindHours::parse(48).ok();
    all.details.organizer_name = OrganizerName::parse("Jazz Club").ok();
    all.details.contact = Contact::parse("club@jazz.example").ok();
    all.details.is_unlisted = true;
    all.rules.opens_at = Some(now - TimeDelta::days(1));
    all.rules.closes_at = Some(now + TimeDelta::days(1));
    all.rules.waitlist_enabled = false;
    all.rules.offer_ttl = None;
    all.rules.conceals_registered = true;
    all.rules.confirms_address = true;
    let say: [fn(&mut NewEventFields, &NewEventFields); 18] = [
        |new, all| new.organizer_id = all.organizer_id,
        |new, all| new.details.description = all.details.description.clone(),
        |new, all| new.details.starts_at = all.details.starts_at,
        |new, all| new.details.ends_at = all.details.ends_at,
        |new, all| new.details.timezone = all.details.timezone.clone(),
        |new, all| new.details.venue = all.details.venue.clone(),
        |new, all| new.details.retention = all.details.retention,
        |new, all| new.details.language = all.details.language,
        |new, all| new.details.remind_hours = all.details.remind_hours,
        |new, all| new.details.organizer_name = all.details.organizer_name.clone(),
        |new, all| new.details.contact = all.details.contact.clone(),
        |new, all| new.details.is_unlisted = all.details.is_unlisted,
        |new, all| new.rules.opens_at = all.rules.opens_at,
        |new, all| new.rules.closes_at = all.rules.closes_at,
        |new, all| new.rules.waitlist_enabled = all.rules.waitlist_enabled,
        |new, all| new.rules.offer_ttl = all.rules.offer_ttl,
        |new, all| new.rules.conceals_registered = all.rules.conceals_registered,
        |new, all| new.rules.confirms_address = all.rules.confirms_address,
    ];
    let mut events: Vec<_> = say
        .into_iter()
        .map(|say| new_event("With one thing", 5).with(|new| say(new, &all)).expect("in order"))
        .collect();
    events.push(all.check().expect("in order"));
    events
}

/// Each optional field is stored where it was set, and nowhere else.
pub async fn every_optional_field_is_stored(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let token = store.create_token(new_token(organizer(1), 1)).await;
    token.expect("the store answers").expect("there is room");
    let mut events = Vec::new();
    for new in events_that_say_something(&clock) {
        let event = store.create_event(new.clone()).await.expect("the store answers");
        assert_eq!(event, new.created_at(clock.now()));
        events.push(event);
    }
    let event = create(&*store, 9).await;
    let mut seats = Vec::new();
    for (who, called, token) in [
        ("a", None, None),
        ("b", Some("Bee"), None),
        ("c", None, Some(3)),
        ("d", Some("Di"), Some(4)),
    ] {
        let claim = claim_with(event.id, who, called, token);
        let seat = confirmed(execute_one(&*store, register_with(event.id, claim.clone())).await);
        assert_eq!((&seat.person, seat.token_hash), (&claim.person, claim.token_hash));
        seats.push(seat);
    }
    let made = clock.now();
    clock.advance_micros(SECOND);
    for (seat, scanned_at) in seats.iter_mut().zip([None, Some(made)]) {
        let (registration_id, scan_id) = (seat.id, Uuid::now_v7());
        let scan = CheckIn { registration_id, generation: 0, scan_id, scanned_at };
        let outcome = execute_one(
            &*store,
            EventCommand::new(event.id, Caller::Operator, Command::CheckIn(scan)),
        )
        .await;
        *seat = outcome.registration().cloned().expect("it is let in");
        let inside = seat.check_in.expect("it is inside");
        assert_eq!((inside.scan_id, inside.at), (scan_id, scanned_at.unwrap_or(clock.now())));
    }
    let store = fixture.reopen(store, Some(clock.as_clock())).await;
    for event in events {
        assert_eq!(read(&*store, event.id).await, event);
    }
    for seat in &seats {
        assert_eq!(look(&*store, seat.id).await, *seat);
    }
    assert_eq!(read_registrations(&*store, event.id, PageLimit::MAX).await, seats);
}

/// Each change makes the next version, which is in its outcome and in the history; a refusal makes none.
pub async fn versions_follow_one_another_without_gaps(fixture: &dyn Fixture) {
    let mut store = fixture.open(None).await;
    let event = create(&*store, 2).await;
    assert_eq!(event.version, Version::FIRST);
    let ada = confirmed(execute_one(&*store, register(event.id, "ada")).await);
    assert_eq!(ada.event_version, Version::new(2));
    let batch = [
        hold(event.id, "grace", 600),
        register(event.id, "ada"),
        queue_up(event.id, "kay"),
        register(event.id, "nobody"),
    ];
    let outcomes = execute(&*store, &batch).await;
    let (grace, kay) = (held(outcomes[0].clone()), waitlisted(outcomes[2].clone()));
    assert_eq!((grace.event_version, kay.event_version), (Version::new(3), Version::new(4)));
    assert_eq!(read(&*store, event.id).await.version, Version::new(4));

    store = fixture.reopen(store, None).await;
    confirmed(execute_one(&*store, confirm(&grace)).await);
    let more = Edit { capacity: Some(capacity(3)), ..Edit::default() };
    // It is confirmed on the seat that is added: two changes.
    let Outcome::EventChanged(after) = execute_one(&*store, edit(event.id, more)).await else {
        panic!("it can have more seats")
    };
    assert_eq!(after.version, Version::new(7));
    assert_eq!(read(&*store, event.id).await.version, Version::new(7));
    let mut versions = Vec::new();
    for person in [&ada, &grace, &kay] {
        let history = store.history(person.id, PageLimit::MAX).await.expect("the store answers");
        versions.extend(history.expect("it is there").iter().map(|entry| entry.version.get()));
    }
    versions.sort_unstable();
    // The first and the sixth are the event's own.
    assert_eq!(versions, [2, 3, 4, 5, 7]);
    assert_audit_is_clean(&*store).await;
}

/// A batch is one transaction, over however many events: once it is answered, all of it is stored.
pub async fn a_batch_over_many_events_is_atomic(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let mut events = Vec::new();
    for _ in 0..4 {
        events.push(create(&*store, 2).await.id);
    }
    let mut batch = Vec::new();
    for who in ["ada", "grace", "kay"] {
        batch.extend(events.iter().map(|event| queue_up(*event, who)));
    }
    for (item, number) in batch.iter_mut().zip(1..) {
        item.key = Some(key(number));
    }
    let outcomes = execute(&*store, &batch).await;
    let store = fixture.reopen(store, None).await;
    for event in &events {
        let rows = read_listed(&*store, *event, Listed::All, PageLimit::MAX).await;
        assert_eq!(rows.len(), 3, "a part of the batch is missing");
        let event = read(&*store, *event).await;
        assert_eq!((event.booked_count, event.waitlist_count), (2, 1));
        assert_eq!(event.version, Version::new(4));
    }
    for (item, outcome) in batch.iter().zip(outcomes) {
        let registration = outcome.registration().expect("each has something").clone();
        assert_eq!(look(&*store, registration.id).await, registration);
        assert_eq!(execute_one(&*store, item.clone()).await, replayed(outcome));
    }
    assert_audit_is_clean(&*store).await;
}

fn replayed(outcome: Outcome) -> Outcome {
    Outcome::Replayed(Box::new(outcome))
}

/// Every answer that a store gives.
#[derive(Debug, PartialEq)]
struct Answers {
    events: Vec<Event>,
    seen: Vec<Event>,
    rows: Vec<Vec<Registration>>,
    people: Vec<Registration>,
    histories: Vec<Vec<HistoryEntry>>,
    events_by_registration: Vec<Option<EventId>>,
    of_address: Vec<(EventId, RegistrationId)>,
    due: Vec<EventId>,
    erasable: Vec<EventId>,
    reminders: Vec<(EventId, DateTime<Utc>)>,
    questions: Vec<Option<Questions>>,
    seeds: Vec<SigningSeed>,
    ticket_keys: Vec<TicketKey>,
    tokens: Vec<OrganizerToken>,
    totals: Totals,
    audit: AuditReport,
    endpoints: Vec<Endpoint>,
    log: Vec<Delivery>,
    backlog: Backlog,
}

async fn ask_everything(store: &dyn BookingStore) -> Answers {
    let events = read_events(store, Caller::Operator, PageLimit::MAX).await;
    let (mut rows, mut people, mut histories) = (Vec::new(), Vec::new(), Vec::new());
    for event in &events {
        rows.push(read_listed(store, event.id, Listed::All, PageLimit::MAX).await);
    }
    for row in rows.iter().flatten() {
        people.push(look(store, row.id).await);
        let history = store.history(row.id, PageLimit::MAX).await.expect("the store answers");
        histories.push(history.expect("it is there"));
    }
    let mut questions = Vec::new();
    for event in &events {
        questions.push(store.questions(event.id).await.expect("the store answers"));
    }
    let ids: Vec<_> = people.iter().map(|person| person.id).collect();
    let mut of_address =
        store.registrations_of(&address("ada"), PageLimit::MAX).await.expect("it answers");
    of_address.sort_unstable();
    let endpoints = store.endpoints().await.expect("the store answers");
    let mut log = Vec::new();
    for endpoint in &endpoints {
        let page = store.deliveries(endpoint.id, None, PageLimit::MAX).await;
        log.extend(page.expect("the store answers").items);
    }
    Answers {
        seen: read_events(store, Caller::Organizer(organizer_id(1)), PageLimit::MAX).await,
        events_by_registration: store
            .events_by_registration(&ids)
            .await
            .expect("the store answers"),
        due: store.due_events(PageLimit::MAX).await.expect("the store answers"),
        erasable: store.erasable_events(PageLimit::MAX).await.expect("the store answers"),
        reminders: store.due_reminders(PageLimit::MAX).await.expect("the store answers"),
        questions,
        seeds: store.signing_seeds().await.expect("the store answers"),
        ticket_keys: store.ticket_keys().await.expect("the store answers"),
        tokens: store.tokens().await.expect("the store answers"),
        totals: store.totals().await.expect("the store answers"),
        audit: store.audit().await.expect("the store answers"),
        backlog: store.backlog().await.expect("the store answers"),
        endpoints,
        log,
        events,
        rows,
        people,
        histories,
        of_address,
    }
}

/// The events of [`fill`], which writes to every table of a store.
struct Filled {
    /// Its one seat is held, and three wait.
    queue: EventId,
    waiting: Vec<Registration>,
    holder: Registration,
    /// The commands that had keys, with their outcomes.
    keyed: Vec<(EventCommand, Outcome)>,
    created_once: Outcome,
}

async fn fill(store: &dyn BookingStore, clock: &ManualClock) -> Filled {
    let mut tokens = Vec::new();
    for (of, number) in [(1, 1), (1, 2), (2, 3)] {
        clock.advance_micros(1);
        let made = store.create_token(new_token(organizer(of), number)).await;
        tokens.push(made.expect("the store answers").expect("there is room").id);
    }
    store.revoke_token(tokens[1]).await.expect("the store answers");
    for seed in [7, 8] {
        let seed = SigningSeed::new([seed; 32]);
        store.add_signing_seed(seed, false).await.expect("the store answers");
    }
    let shown = [TicketKey::new([5; 32]), TicketKey::new([4; 32])];
    store.show_ticket_keys(&shown).await.expect("the store answers");

    store.show_mail().await.expect("the store answers");
    let sink = add_endpoint(store, new_endpoint(Some(1))).await.id.into();
    clock.advance_micros(1);
    add_endpoint(store, new_endpoint(None)).await;

    let owned = new_event("Owned", 3)
        .with(|new| new.organizer_id = Some(organizer_id(1)))
        .expect("in order");
    let owned = store.create_event(owned).await.expect("the store answers").id;
    let taken = register_with(owned, claim_with(owned, "ada", Some("Ada"), Some(11)));
    let seat = confirmed(execute_one(store, taken).await);
    execute_one(store, transfer(&seat, "heir", Some(12))).await;
    let gone = confirmed(execute_one(store, register(owned, "grace")).await);
    execute_one(store, cancel(&gone)).await;

    let cancelled = create(store, 3).await.id;
    confirmed(execute_one(store, register(cancelled, "ada")).await);
    execute_one(store, EventCommand::new(cancelled, Caller::Operator, Command::CancelEvent)).await;

    let wording = Wording::parse("What do you eat?").expect("valid");
    let diet = QuestionKey::parse("diet").expect("a valid key");
    let question = Question::new(diet, QuestionKind::Text, wording);
    let asked = AskedQuestions::parse(vec![question]).expect("it is one");
    let set = Command::SetQuestions(Box::new(SetQuestions { if_match: None, asked }));
    execute_one(store, EventCommand::new(owned, Caller::Operator, set)).await;

    // These three change by time alone, and no command settles them.
    let soon = new_event("Soon", 2)
        .with(|soon| {
            soon.details.starts_at = Some(clock.now() + TimeDelta::hours(1));
            soon.details.remind_hours = RemindHours::parse(1).ok();
        })
        .expect("in order");
    store.create_event(soon).await.expect("the store answers");
    let over = new_event("Over", 2)
        .with(|over| {
            over.details.ends_at = Some(clock.now() + TimeDelta::seconds(30));
            over.details.retention = Retention::parse(0).ok();
        })
        .expect("in order");
    let over = store.create_event(over).await.expect("the store answers").id;
    confirmed(execute_one(store, register(over, "ada")).await);
    let due = create(store, 1).await.id;
    held(execute_one(store, hold(due, "ada", 60)).await);
    waitlisted(execute_one(store, queue_up(due, "grace")).await);
    clock.advance_micros(60 * SECOND);

    let queue = create(store, 1).await.id;
    let claim = claim_with(queue, "holder", Some("Holder"), Some(13));
    let ttl = HoldTtl::parse(1_800).expect("valid");
    let taken = EventCommand::new(queue, Caller::Operator, Command::Hold(Hold { claim, ttl }));
    let mut keyed = Vec::new();
    for (command, number) in
        [taken, register(queue, "late"), queue_up(queue, "kay")].into_iter().zip(21..)
    {
        let command = command.with_key(Some(key(number)));
        keyed.push((command.clone(), execute_one(store, command).await));
    }
    assert!(matches!(keyed[1].1, Outcome::Refused(_)), "{:?}", keyed[1].1);
    let (holder, mut waiting) = (held(keyed[0].1.clone()), vec![waitlisted(keyed[2].1.clone())]);
    for who in ["lin", "ida"] {
        waiting.push(waitlisted(execute_one(store, queue_up(queue, who)).await));
    }
    let created_once = store.create_event_once(new_event_under(key(24), "Once", 3), key(24)).await;
    let created_once = created_once.expect("the store answers");
    deliver_some(store, sink).await;
    Filled { queue, waiting, holder, keyed, created_once }
}

/// Delivers some of the facts: one message is sent, another fails, and a mail is queued.
async fn deliver_some(store: &dyn BookingStore, sink: SinkId) {
    let lease = new_lease();
    route(store).await;
    let lane = claim_one(store, sink, lease).await;
    let retry = LaneNext::RetryAfter(TimeDelta::hours(1));
    let mut step = LaneStep { attempts: 1, ..done(&lane, lease, retry) };
    step.version = lane.version.next();
    step.deliveries = vec![arrived(&lane, 1), arrived(&lane, 2)];
    step.deliveries[1].state = DeliveryState::Retrying;
    step.mails = vec![new_mail(lane.event_id, MailKind::Confirmed)];
    assert!(advance(store, step).await);
}

/// What was acknowledged before a store was closed is there when it is opened again, and the store goes on from there.
pub async fn acknowledged_writes_survive_reopening(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let mut store = fixture.open(Some(clock.as_clock())).await;
    let filled = fill(&*store, &clock).await;
    let before = ask_everything(&*store).await;
    let to_do = [before.due.len(), before.erasable.len(), before.reminders.len()];
    assert_eq!(to_do, [1, 1, 1]);
    for _ in 0..2 {
        store = reopen(fixture, store, &clock).await;
        assert_eq!(ask_everything(&*store).await, before);
    }

    for (command, answer) in &filled.keyed {
        assert_eq!(execute_one(&*store, command.clone()).await, replayed(answer.clone()));
    }
    // As a client repeats it, with another event id.
    let again = store.create_event_once(new_event_under(key(24), "Once", 3), key(24)).await;
    assert_eq!(again.expect("the store answers"), replayed(filled.created_once));
    assert_eq!(ask_everything(&*store).await, before, "nothing was done again");

    // The waitlist goes on where it was.
    let version = read(&*store, filled.queue).await.version;
    execute_one(&*store, cancel(&filled.holder)).await;
    let store = reopen(fixture, store, &clock).await;
    let mut places = Vec::new();
    for person in &filled.waiting {
        let now = look(&*store, person.id).await;
        places.push((now.status, now.position));
    }
    let expected =
        [(Status::Offered, None), (Status::Waitlisted, Some(1)), (Status::Waitlisted, Some(2))];
    assert_eq!(places, expected);
    let now = read(&*store, filled.queue).await;
    assert_eq!((now.version, now.rules.status), (version.next().next(), EventStatus::Published));
    let history = store.history(filled.waiting[0].id, PageLimit::MAX).await.expect("it answers");
    let kinds: Vec<_> = history.expect("it is there").iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [FactKind::Waitlisted, FactKind::Offered]);
    assert_audit_is_clean(&*store).await;
}

async fn reopen(
    fixture: &dyn Fixture,
    store: Arc<dyn BookingStore>,
    clock: &ManualClock,
) -> Arc<dyn BookingStore> {
    assert_eq!(Arc::strong_count(&store), 1, "somebody else has it open");
    fixture.reopen(store, Some(clock.as_clock())).await
}
