//! Who may do what.

use crate::Fixture;
use crate::tools::*;
use booking_core::{
    BookingStore, Caller, CheckIn, Command, Edit, Event, EventCommand, EventId, EventRules,
    EventStatus, Listed, NewToken, OrganizerId, Outcome, PageLimit, Refusal, Role,
};
use tokio::task::JoinSet;
use uuid::Uuid;

const FORBIDDEN: Outcome = Outcome::Refused(Refusal::Forbidden);
const REGISTRATION_NOT_FOUND: Outcome = Outcome::Refused(Refusal::RegistrationNotFound);

/// Makes the organizers with these numbers.
async fn make_organizers<const N: usize>(store: &dyn BookingStore, numbers: [u8; N]) {
    for number in numbers {
        let made = store.create_token(new_token(organizer(number), number)).await;
        made.expect("the store answers").expect("there is room");
    }
}

async fn create_of(store: &dyn BookingStore, owner: Option<u8>, status: EventStatus) -> Event {
    create_as(store, owner, status, false).await
}

async fn create_as(
    store: &dyn BookingStore,
    owner: Option<u8>,
    status: EventStatus,
    is_unlisted: bool,
) -> Event {
    let rules = EventRules { status, ..EventRules::default() };
    let organizer_id = owner.map(organizer_id);
    let new = new_event("An event", 9)
        .with(|new| {
            new.organizer_id = organizer_id;
            new.rules = rules;
            new.details.is_unlisted = is_unlisted;
        })
        .expect("in order");
    store.create_event(new).await.expect("the store answers")
}

/// A token is stored under its id, listed with its organizer, and invalid once revoked.
pub async fn an_organizer_token_is_stored_and_revoked(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let tokens = async || store.tokens().await.expect("the store answers");
    let make = async |new| store.create_token(new).await.expect("it answers").expect("room");
    let revoke = async |id| store.revoke_token(id).await.expect("the store answers");
    assert_eq!(tokens().await, []);

    let new = new_token(organizer(1), 1);
    let first = make(new.clone()).await;
    assert_eq!((first.id, &first.organizer, first.hash), (new.id, &organizer(1), new.hash));
    assert_eq!((first.created_at, first.revoked_at), (clock.now(), None));
    clock.advance_micros(1);
    assert_eq!(make(new).await, first, "executed again");

    // The same name is the same organizer, and other names are others.
    let mut of_that_name = organizer(7);
    of_that_name.name = organizer(1).name;
    let second = make(new_token(of_that_name, 2)).await;
    assert_eq!((&second.organizer, second.created_at), (&organizer(1), clock.now()));
    clock.advance_micros(1);
    let other = make(new_token(organizer(2), 3)).await;
    assert_eq!(other.organizer, organizer(2));
    assert_eq!(tokens().await, [other.clone(), second.clone(), first.clone()]);

    clock.advance_micros(SECOND);
    let mut revoked = second.clone();
    revoked.revoked_at = Some(clock.now());
    assert_eq!(revoke(second.id).await.as_ref(), Some(&revoked));
    clock.advance_micros(SECOND);
    assert_eq!(revoke(second.id).await.as_ref(), Some(&revoked), "it was worthless before");
    assert_eq!(revoke(Uuid::now_v7().into()).await, None);
    let elsewhere = fixture.open(None).await;
    assert_eq!(elsewhere.tokens().await.expect("it answers"), [other, revoked, first]);
}

/// A token's role and its events are stored with it; by default it may do everything.
pub async fn an_organizer_token_has_its_role_and_its_events(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let make = async |new| store.create_token(new).await.expect("it answers").expect("room");
    let all = make(new_token(organizer(1), 1)).await;
    assert_eq!((all.role, &all.events), (Role::Owner, &None));
    let event = create_of(&*store, Some(1), EventStatus::Published).await;
    // Including an event that does not exist: checking the ids is the caller's task.
    let two = vec![event.id, Uuid::now_v7().into()];
    let mut made = vec![all];
    for (number, role) in (2..).zip(Role::ALL) {
        let events = [None, Some(Vec::new()), Some(two.clone())];
        let events = events.into_iter().filter(|events| role != Role::Owner || events.is_none());
        for (of, events) in (0..).zip(events) {
            let new = new_token(organizer(1), number + 10 * of);
            let new = NewToken { role, events: events.clone(), ..new };
            let token = make(new.clone()).await;
            assert_eq!((token.role, &token.events), (role, &events));
            assert_eq!(token.organizer, organizer(1), "whatever it may do");
            // Created again under its id with other fields, it stays as it was.
            let more = NewToken { role: Role::Owner, events: None, ..new };
            assert_eq!(make(more).await, token);
            made.push(token);
        }
    }
    let elsewhere = fixture.open(None).await.tokens().await.expect("it answers");
    assert_eq!(elsewhere.len(), made.len());
    assert!(made.iter().all(|token| elsewhere.contains(token)), "{elsewhere:?}");
    let last = made.last().expect("there are some");
    let revoked = store.revoke_token(last.id).await.expect("it answers").expect("it is there");
    assert_eq!((revoked.role, &revoked.events), (last.role, &last.events));
}

/// Tokens of one name that are created at the same time belong to one organizer.
pub async fn concurrent_tokens_of_one_name_share_one_organizer(fixture: &dyn Fixture) {
    let mut racers = JoinSet::new();
    for number in 0..8 {
        let store = fixture.open(None).await;
        racers.spawn(async move {
            let mut of_one_name = organizer(number);
            of_one_name.name = organizer(0).name;
            let made = store.create_token(new_token(of_one_name, number)).await;
            made.expect("the store answers").expect("there is room")
        });
    }
    let made = racers.join_all().await;
    assert!(made.iter().all(|token| token.organizer == made[0].organizer), "{made:?}");
    let kept = fixture.open(None).await.tokens().await.expect("the store answers");
    assert_eq!(kept.len(), made.len());
}

/// For an organizer another's event does not exist; for all others it is an ordinary event.
pub async fn an_organizer_manages_only_its_own_events(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    make_organizers(&*store, [1, 2]).await;
    let event = create_of(&*store, Some(1), EventStatus::Published).await;
    assert_eq!(event.organizer_id, Some(organizer_id(1)));
    let mut of_ada = claim(event.id, "ada");
    of_ada.token_hash = Some(token_hash(9));
    let command = Command::Register(of_ada.into());
    let ada = EventCommand::new(event.id, Caller::Anyone, command);
    let ada = confirmed(execute_one(&*store, ada).await);

    let of_event = [
        register(event.id, "eve"),
        hold(event.id, "eve", 60),
        EventCommand::new(event.id, Caller::Operator, check_in(ada.id)),
        EventCommand::new(
            event.id,
            Caller::Operator,
            Command::UndoCheckIn { registration_id: ada.id },
        ),
        rename(event.id),
        EventCommand::new(event.id, Caller::Operator, Command::CancelEvent),
    ];
    let of_registration = [confirm(&ada), transfer(&ada, "eve", None), cancel(&ada)];
    let before = read(&*store, event.id).await;
    let another = Caller::Organizer(organizer_id(2));
    for command in of_event.clone() {
        let answer = execute_one(&*store, command.clone().by(another)).await;
        assert_eq!(answer, EVENT_NOT_FOUND, "{command:?}");
    }
    for command in of_registration.clone() {
        let answer = execute_one(&*store, command.clone().by(another)).await;
        assert_eq!(answer, REGISTRATION_NOT_FOUND, "{command:?}");
    }
    for nobody in [Caller::Anyone, Caller::OpenOrganizer, Caller::Attendee(token_hash(8))] {
        // The first two are allowed to any caller.
        for command in &of_event[2..] {
            let answer = execute_one(&*store, command.clone().by(nobody)).await;
            assert_eq!(answer, EVENT_NOT_FOUND, "{command:?}");
        }
        for command in of_registration.clone() {
            let answer = execute_one(&*store, command.clone().by(nobody)).await;
            assert_eq!(answer, FORBIDDEN, "{command:?}");
        }
    }
    assert_eq!(read(&*store, event.id).await, before, "nothing was changed");

    // In one batch, each caller has only its own rights.
    let own = Caller::Organizer(organizer_id(1));
    let batch = [rename(event.id).by(another), rename(event.id).by(own)];
    let answers = execute(&*store, &batch).await;
    assert_eq!(answers[0], EVENT_NOT_FOUND);
    assert!(matches!(&answers[1], Outcome::EventChanged(event)
        if event.organizer_id == Some(organizer_id(1))));
    for command in of_event.into_iter().chain(of_registration) {
        let answer = execute_one(&*store, command.by(own)).await;
        assert!(answer != EVENT_NOT_FOUND && answer != REGISTRATION_NOT_FOUND, "{answer:?}");
    }
    let ended = read_listed(&*store, event.id, Listed::Seated, PageLimit::MAX).await;
    assert_eq!(ended, [], "it was cancelled");
    assert_audit_is_clean(&*store).await;
}

/// A draft exists only for its organizer, and `EventNotFound` is not stored under a key.
pub async fn a_draft_is_visible_only_to_its_organizer(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    make_organizers(&*store, [1]).await;
    let (own, closed) = (Caller::Organizer(organizer_id(1)), Outcome::Refused(Refusal::Closed));
    for (owner, manager) in [(Some(1), own), (None, Caller::OpenOrganizer)] {
        let event = create_of(&*store, owner, EventStatus::Draft).await.id;
        let key = booking_core::IdempotencyKey::new(
            booking_core::KeyHash::new([owner.unwrap_or_default(); 32]),
            booking_core::Fingerprint::new([1; 32]),
        );
        let request = register(event, "ada").by(Caller::Anyone).with_key(Some(key));
        assert_eq!(execute_one(&*store, request.clone()).await, EVENT_NOT_FOUND);
        assert_eq!(execute_one(&*store, register(event, "ada").by(manager)).await, closed);
        let publish = Edit { publish: true, ..Edit::default() };
        let publish = EventCommand::new(event, manager, Command::Edit(Box::new(publish)));
        assert!(matches!(execute_one(&*store, publish).await, Outcome::EventChanged(_)));
        confirmed(execute_one(&*store, request).await);
    }
}

/// The listing has the events that its caller may see, page by page.
pub async fn events_are_listed_only_for_callers_who_may_see_them(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    make_organizers(&*store, [1, 2]).await;
    let mut events = Vec::new();
    for status in EventStatus::ALL {
        for (at, owner) in [None, Some(1), Some(2), Some(1), None].into_iter().enumerate() {
            clock.advance_micros(1);
            // In a row, so that a page of only these would be empty.
            let is_unlisted = (1..4).contains(&at);
            events.push(create_as(&*store, owner, status, is_unlisted).await);
        }
    }
    events.reverse();
    let callers = [
        Caller::Operator,
        Caller::Organizer(organizer_id(1)),
        Caller::Organizer(organizer_id(2)),
        Caller::Organizer(organizer_id(3)),
        Caller::OpenOrganizer,
        Caller::Anyone,
        Caller::Attendee(token_hash(1)),
    ];
    for caller in callers {
        let finds = |event: &&Event| {
            let manages = caller.manages(event.organizer_id);
            let is_public = event.rules.status != EventStatus::Draft && !event.details.is_unlisted;
            manages || (is_public && !matches!(caller, Caller::Organizer(_)))
        };
        let expected: Vec<Event> = events.iter().filter(finds).cloned().collect();
        for limit in [1, 2, 100] {
            let limit = PageLimit::parse(limit).expect("a valid limit");
            let listed = read_events(&*store, caller, limit).await;
            assert_eq!(listed, expected, "{caller:?}, {limit:?}");
        }
    }
}

/// Events without an organizer can be assigned to one, during a sale too; events of an organizer cannot.
pub async fn unowned_events_are_assigned_to_an_organizer(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    make_organizers(&*store, [1, 2]).await;
    let others = create_of(&*store, Some(2), EventStatus::Published).await;
    let mut orphans = Vec::new();
    for _ in 0..5 {
        orphans.push(create_of(&*store, None, EventStatus::Published).await.id);
    }
    let mut buyers = JoinSet::new();
    for buyer in 0..4 {
        let (store, orphans) = (fixture.open(None).await, orphans.clone());
        buyers.spawn(async move {
            for round in 0..2 {
                let who = format!("b{buyer}.{round}");
                let batch: Vec<_> = orphans.iter().map(|event| register(*event, &who)).collect();
                for outcome in execute(&*store, &batch).await {
                    confirmed(outcome);
                }
            }
        });
    }
    let assign = async |by: OrganizerId, limit| {
        let limit = PageLimit::parse(limit).expect("a valid limit");
        store.assign_events(by, limit).await.expect("the store answers")
    };
    assert_eq!(assign(organizer_id(1), 2).await, 2);
    assert_eq!(assign(organizer_id(1), 100).await, 3);
    assert_eq!(assign(organizer_id(1), 100).await, 0);
    buyers.join_all().await;
    for event in orphans {
        let event = read(&*store, event).await;
        assert_eq!((event.organizer_id, event.booked_count), (Some(organizer_id(1)), 8));
        let own = rename(event.id).by(Caller::Organizer(organizer_id(1)));
        assert!(matches!(execute_one(&*store, own).await, Outcome::EventChanged(_)));
    }
    assert_eq!(read(&*store, others.id).await, others);
    assert_audit_is_clean(&*store).await;
}

fn rename(event_id: EventId) -> EventCommand {
    let name = booking_core::EventName::parse("Another name").expect("a valid name");
    let edit = Edit { name: Some(name), ..Edit::default() };
    EventCommand::new(event_id, Caller::Operator, Command::Edit(Box::new(edit)))
}

fn check_in(registration_id: booking_core::RegistrationId) -> Command {
    let scan_id = Uuid::now_v7();
    Command::CheckIn(CheckIn { registration_id, generation: 0, scan_id, scanned_at: None })
}
