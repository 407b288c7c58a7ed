//! A search finds the same as a look at each registration.

use super::*;
use booking_conformance::MemoryStore;
use booking_core::prelude::*;
use booking_core::{
    Caller, Capacity, CapacityMax, CheckIn, Claim, Command, Correct, EmailAddress, EventCommand,
    EventName, Execution, Hold, HoldTtl, Listed, NewEvent, Outcome, Person, PersonName, SearchText,
    Status, WhenBusy,
};
use tokio::time::{pause, resume, sleep};
use uuid::Uuid;

/// More than two blocks, and more than whole chunks of the next.
const PEOPLE: usize = 4_096 + 64 + 7;

const FIRST: [&str; 7] = ["Zoë", "Łukasz", "Anna", "Jürgen", "Nguyễn Thị", "Ana Maria", "Bo"];
const LAST: [&str; 5] = ["Straßer", "Andersson", "Kowalska", "Ånström", "Li"];

fn person(number: usize) -> Person {
    let name = format!("{} {}", FIRST[number % 7], LAST[number / 7 % 5]);
    Person {
        name: (!number.is_multiple_of(11)).then(|| PersonName::parse(&name).expect("valid")),
        ..EmailAddress::parse(&format!("p{number}@example.org")).expect("valid").into()
    }
}

async fn execute(store: &MemoryStore, event_id: EventId, commands: Vec<Command>) -> Vec<Outcome> {
    let item = |command| EventCommand::new(event_id, Caller::Operator, command);
    let batch: Vec<_> = commands.into_iter().map(item).collect();
    let executed = store.execute(&batch, WhenBusy::Wait).await.expect("it answers");
    let decided = executed.into_iter().map(|execution| match execution {
        Execution::Decided(outcome) => outcome,
        Execution::Busy => panic!("it waits"),
        Execution::Unknown => panic!("no commit was lost"),
    });
    decided.collect()
}

fn claim(event_id: EventId, number: usize) -> Claim {
    let registration_id = RegistrationId::beside(event_id, Uuid::now_v7());
    Claim { registration_id, person: person(number), token_hash: None }
}

async fn event_of(store: &MemoryStore, people: usize) -> EventId {
    event_called(Uuid::now_v7().into(), store, people).await
}

async fn event_called(id: EventId, store: &MemoryStore, people: usize) -> EventId {
    let name = EventName::parse("An event").expect("valid");
    let seats = Capacity::parse(10_000, CapacityMax::default()).expect("valid");
    let new = NewEvent::new(id, name, seats);
    let event_id = store.create_event(new).await.expect("it answers").id;
    let commands = (0..people).map(|number| match number % 13 {
        5 => Command::Hold(Hold::new(claim(event_id, number), HoldTtl::MAX)),
        _ => Command::Register(claim(event_id, number).into()),
    });
    let made = execute(store, event_id, commands.collect()).await;
    assert!(made.iter().all(|outcome| outcome.registration().is_some()));
    event_id
}

async fn all(store: &MemoryStore, event_id: EventId) -> Vec<Registration> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.registrations(event_id, Listed::All, after, PageLimit::MAX).await;
        let page = page.expect("it answers").expect("it is there");
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// The ids of all matches, page by page, and the total of the first page.
async fn found(
    search: &Search,
    event_id: EventId,
    filter: &RegistrationFilter,
    limit: u32,
) -> (Vec<RegistrationId>, Option<Total>) {
    let limit = PageLimit::parse(limit).expect("valid");
    let (mut ids, mut after, mut total) = (Vec::new(), None, None);
    loop {
        let found = search.find(event_id, filter, after, limit).await;
        let found = found.unwrap_or_else(|error| panic!("{error}"));
        assert!(found.page.items.len() <= limit.get());
        ids.extend(found.page.items.iter().map(|row| row.id));
        if after.is_none() {
            total = found.total;
        }
        after = found.page.next;
        if after.is_none() {
            return (ids, total);
        }
    }
}

/// Lets time pass, without waiting for it. Searches must not be under way: they run on threads, for which a paused clock
/// does not wait.
async fn time_passes(time: Duration) {
    pause();
    sleep(time).await;
    resume();
}

/// All that may be asked of these.
fn filters() -> Vec<RegistrationFilter> {
    let texts =
        ["zoe", "ander", "S", "ss", "li", "a m", "nguyen thi an", "p41", "@example", "xyz", "p4"];
    let texts = texts.map(|text| Some(SearchText::parse(text).expect("valid")));
    let mut filters = Vec::new();
    for text in texts.into_iter().chain([None]) {
        for listed in [Listed::Seated, Listed::All] {
            filters.push(RegistrationFilter { listed, text: text.clone(), ..Default::default() });
        }
        for (status, checked_in) in [
            (Some(Status::Cancelled), None),
            (Some(Status::Held), None),
            (None, Some(true)),
            (Some(Status::Confirmed), Some(false)),
            (Some(Status::Expired), None),
        ] {
            let listed = Listed::All;
            filters.push(RegistrationFilter { listed, status, checked_in, text: text.clone() });
        }
    }
    filters
}

async fn assert_finds_all(search: &Search, store: &MemoryStore, event_id: EventId) {
    let everybody = all(store, event_id).await;
    for (number, filter) in filters().into_iter().enumerate() {
        let expected: Vec<_> =
            everybody.iter().filter(|row| filter.takes(row)).map(|row| row.id).collect();
        let limit = if number.is_multiple_of(6) { 100 } else { 1_000 };
        let (ids, total) = found(search, event_id, &filter, limit).await;
        let what = filter.text.as_ref().map(SearchText::as_str);
        assert_eq!(ids, expected, "{what:?} {filter:?}, {limit}");
        assert_eq!(total, Some(Total::All(expected.len() as u64)), "{what:?} {filter:?}");
    }
}

#[tokio::test]
async fn a_search_finds_the_current_registrations() {
    let store = MemoryStore::default();
    let event_id = event_of(&store, PEOPLE).await;
    let search = Search::new(Arc::new(store.clone()));
    assert_finds_all(&search, &store, event_id).await;

    // Each kind of change, in the first chunk, in the middle and at the end.
    let rows = all(&store, event_id).await;
    let mut commands = Vec::new();
    for at in [0, 1, 63, 64, 70, 2_000, 2_047, 2_048, 4_095, 4_096, PEOPLE - 1] {
        let (row, registration_id) = (&rows[at], rows[at].id);
        commands.push(match at % 4 {
            0 => Command::Cancel { registration_id },
            1 if row.status == Status::Confirmed => {
                Command::CheckIn(CheckIn::new(registration_id, 0, Uuid::now_v7()))
            }
            2 => Command::Erase { registration_id },
            _ => {
                let name = Some(Some(PersonName::parse("Xyz Andersson").expect("valid")));
                Command::Correct(Correct { name, ..Correct::new(registration_id) })
            }
        });
    }
    execute(&store, event_id, commands).await;
    let more =
        (PEOPLE..PEOPLE + 70).map(|number| Command::Register(claim(event_id, number).into()));
    execute(&store, event_id, more.collect()).await;
    assert_finds_all(&search, &store, event_id).await;

    // Some register, others leave meanwhile, and new ones are changed before the next search.
    for turn in 0..4 {
        let mut commands = Vec::new();
        for number in 0..6 {
            let came = claim(event_id, PEOPLE + 70 + turn * 6 + number);
            let (known, new) = (rows[200 + turn * 6 + number].id, came.registration_id);
            commands.push(Command::Register(came.into()));
            commands.extend(match (turn + number) % 3 {
                0 => None,
                1 => Some(Command::Cancel { registration_id: known }),
                _ => Some(Command::Cancel { registration_id: new }),
            });
        }
        execute(&store, event_id, commands).await;
        assert_finds_all(&search, &store, event_id).await;
    }

    execute(&store, event_id, vec![Command::CancelEvent]).await;
    assert_finds_all(&search, &store, event_id).await;
}

/// The cached version after the arrivals through this server were added.
async fn known_to(search: &Search, event_id: EventId) -> Option<u64> {
    let cached = search.cached(event_id);
    let mut people = cached.people.lock().await;
    people.take_in(std::mem::take(&mut *lock(&cached.arrivals)));
    people.facts_to.map(Version::get)
}

#[tokio::test]
async fn arrivals_through_this_server_are_cached_up_to_the_first_gap() {
    let store = MemoryStore::default();
    let event_id = event_of(&store, 70).await;
    let search = Search::new(Arc::new(store.clone()));
    let came = |number| Command::Register(claim(event_id, number).into());
    let nobody_looks = execute(&store, event_id, vec![came(70)]).await;
    search.note(&nobody_looks[0]);
    assert_finds_all(&search, &store, event_id).await;
    assert_eq!(known_to(&search, event_id).await, Some(72));

    // The outcomes arrive in another order than they were decided in.
    let outcomes = execute(&store, event_id, (71..171).map(came).collect()).await;
    outcomes.iter().rev().for_each(|outcome| search.note(outcome));
    assert_eq!(known_to(&search, event_id).await, Some(172));
    assert_finds_all(&search, &store, event_id).await;

    // Another server had one of them, and has cancelled one who registered through this.
    let mut commands: Vec<_> = (171..191).map(came).collect();
    let cancelled = all(&store, event_id).await[3].id;
    commands.insert(15, Command::Cancel { registration_id: cancelled });
    let outcomes = execute(&store, event_id, commands).await;
    let others = [5, 15];
    let ours = outcomes.iter().enumerate().filter(|(at, _)| !others.contains(at));
    ours.for_each(|(_, outcome)| search.note(outcome));
    assert_eq!(known_to(&search, event_id).await, Some(177));
    assert_finds_all(&search, &store, event_id).await;
    assert_eq!(known_to(&search, event_id).await, Some(193));
}

#[tokio::test]
async fn commits_that_a_failover_lost_are_dropped_from_the_cache() {
    let (before, after) = (MemoryStore::default(), MemoryStore::default());
    let event_id = event_of(&before, 70).await;
    event_called(event_id, &after, 60).await;
    let mut search = Search::new(Arc::new(before.clone()));
    assert_finds_all(&search, &before, event_id).await;
    // It is behind the cache.
    search.store = Arc::new(after.clone());
    assert_finds_all(&search, &after, event_id).await;
    // It has assigned the version of one registration to another.
    let came = |number| vec![Command::Register(claim(event_id, number).into())];
    let other = MemoryStore::default();
    event_called(event_id, &other, 60).await;
    search.note(&execute(&other, event_id, came(3_000)).await[0]);
    execute(&after, event_id, came(4_000)).await;
    found(&search, event_id, &RegistrationFilter::default(), 1_000).await;
    assert_finds_all(&search, &after, event_id).await;
}

#[tokio::test]
async fn an_erased_person_is_dropped_from_the_arrivals() {
    let store = MemoryStore::default();
    let event_id = event_of(&store, 3).await;
    let search = Search::new(Arc::new(store.clone()));
    let arrivals = || lock(&lock(&search.events)[&event_id].arrivals).len();
    found(&search, event_id, &RegistrationFilter::default(), 10).await;
    let came = claim(event_id, 3);
    let registration_id = came.registration_id;
    for (command, remaining) in
        [(Command::Register(came.into()), 1), (Command::Erase { registration_id }, 0)]
    {
        search.note(&execute(&store, event_id, vec![command]).await[0]);
        assert_eq!(arrivals(), remaining);
    }
    assert_finds_all(&search, &store, event_id).await;
}

#[tokio::test]
async fn arrivals_are_cached_for_a_while_and_bounded() {
    let store = MemoryStore::default();
    let event_id = event_of(&store, 3).await;
    let search = Search::new(Arc::new(store.clone()));
    let arrivals = || lock(&lock(&search.events)[&event_id].arrivals).len();
    found(&search, event_id, &RegistrationFilter::default(), 10).await;
    let outcome =
        execute(&store, event_id, vec![Command::Register(claim(event_id, 3).into())]).await;
    for _ in 0..ARRIVALS_MAX + 10 {
        search.note(&outcome[0]);
    }
    assert_eq!(arrivals(), ARRIVALS_MAX);
    time_passes(ARRIVALS_FOR + Duration::from_secs(1)).await;
    search.note(&outcome[0]);
    assert_eq!(arrivals(), 0);
    assert_finds_all(&search, &store, event_id).await;
}

#[tokio::test]
async fn an_event_too_large_for_the_cache_is_searched_all_the_same() {
    let store = MemoryStore::default();
    let event_id = event_of(&store, 2_500).await;
    let small = Search { bytes_max: 10_000, ..Search::new(Arc::new(store.clone())) };
    let text = Some(SearchText::parse("kowal").expect("valid"));
    let filter = RegistrationFilter { text, ..RegistrationFilter::default() };
    let expected: Vec<_> = all(&store, event_id)
        .await
        .iter()
        .filter(|row| filter.takes(row))
        .map(|row| row.id)
        .collect();
    for _ in 0..2 {
        assert_eq!(found(&small, event_id, &filter, 100).await, (expected.clone(), None));
    }
    assert_eq!(lock(&small.events)[&event_id].bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_events_searched_last_stay_cached() {
    let store = MemoryStore::default();
    let search = Search::new(Arc::new(store.clone()));
    let one = event_of(&store, 70).await;
    let filter = RegistrationFilter::default();
    found(&search, one, &filter, 10).await;
    let bytes = lock(&search.events)[&one].bytes.load(Ordering::Relaxed);
    assert!(bytes > 70 * 20, "{bytes}");
    // There is room for two of them.
    let search = Search { bytes_max: 2 * bytes + bytes / 2, ..search };
    let (two, three) = (event_of(&store, 70).await, event_of(&store, 70).await);
    for event_id in [two, one, three] {
        found(&search, event_id, &filter, 10).await;
    }
    let mut remaining: Vec<_> = lock(&search.events).keys().copied().collect();
    remaining.sort_unstable();
    let mut expected = [one, three];
    expected.sort_unstable();
    assert_eq!(remaining, expected);
}

#[tokio::test]
async fn events_that_are_not_searched_are_dropped() {
    let store = MemoryStore::default();
    let search = Search::new(Arc::new(store.clone()));
    let event_id = event_of(&store, 3).await;
    found(&search, event_id, &RegistrationFilter::default(), 10).await;
    time_passes(IDLE_MAX / 2).await;
    found(&search, event_id, &RegistrationFilter::default(), 10).await;
    time_passes(IDLE_MAX - Duration::from_secs(60)).await;
    assert_eq!(lock(&search.events).len(), 1);
    time_passes(Duration::from_secs(61)).await;
    assert_eq!(lock(&search.events).len(), 0);
}

#[tokio::test]
async fn a_search_of_a_missing_event_is_not_found() {
    let search = Search::new(Arc::new(MemoryStore::default()));
    let nowhere = search.find(Uuid::nil().into(), &Default::default(), None, PageLimit::MAX).await;
    assert!(matches!(nowhere, Err(ApiError::NotFound)));
}
