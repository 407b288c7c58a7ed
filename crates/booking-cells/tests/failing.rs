//! A cell that is away makes its own events unavailable, and nothing else.

mod common;

use booking_cells::CellStore;
use booking_conformance::ManualClock;
use booking_core::prelude::*;
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Command, EmailAddress, EndpointSecret, EndpointUrl,
    Event, EventCommand, EventId, EventName, Execution, KeyHash, LeaseId, NewEndpoint, NewEvent,
    NewToken, Organizer, OrganizerId, OrganizerName, Outcome, PageLimit, RegistrationId,
    SigningSeed, SinkId, StoreError, TokenHash, TypeFilter, WhenBusy,
};
use common::{Backend, Cells};
use uuid::Uuid;

/// A byte of each of three cells.
const BYTES: [u8; 3] = [0x10, 0x70, 0xf0];
const MANY: usize = 100;

fn three() -> Cells {
    Cells::of(3, &[Backend::sqlite])
}

fn new_event(at: usize, owner: Option<OrganizerId>) -> NewEvent {
    let mut bytes = Uuid::now_v7().into_bytes();
    bytes[15] = BYTES[at];
    let name = EventName::parse("An event").expect("valid");
    let seats = Capacity::parse(9, CapacityMax::default()).expect("valid");
    let new = NewEvent::new(Uuid::from_bytes(bytes).into(), name, seats);
    new.with(|new| new.organizer_id = owner).expect("in order")
}

async fn create(store: &CellStore, at: usize) -> Event {
    store.create_event(new_event(at, None)).await.expect("the cell answers")
}

fn register(event_id: EventId, id: RegistrationId, who: &str) -> EventCommand {
    let address = EmailAddress::parse(&format!("{who}@example.org")).expect("valid");
    let claim = Claim::new(id, address);
    EventCommand::new(event_id, Caller::Anyone, Command::Register(claim.into()))
}

/// Takes a seat, and returns the registration's id.
async fn sell(
    store: &CellStore,
    event_id: EventId,
    who: &str,
) -> Result<RegistrationId, StoreError> {
    let id = RegistrationId::beside(event_id, Uuid::now_v7());
    let sold = store.execute(&[register(event_id, id, who)], WhenBusy::Skip).await?;
    assert!(matches!(sold[..], [Execution::Decided(Outcome::Confirmed(_))]), "{sold:?}");
    Ok(id)
}

#[track_caller]
fn assert_away<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}

fn names(cells: &[booking_core::CellName]) -> Vec<&str> {
    cells.iter().map(booking_core::CellName::as_str).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_that_is_away_makes_only_its_own_events_unavailable() {
    let cells = three();
    let store = cells.open_cells(None).await;
    let events = [create(&store, 0).await, create(&store, 1).await, create(&store, 2).await];
    let ids = events.each_ref().map(|event| event.id);
    let mut seats = Vec::new();
    for id in ids {
        seats.push(sell(&store, id, "ada").await.expect("all are there"));
    }
    cells.folder(1).take_away();

    // Its events are unavailable, and not reported as missing.
    assert_away(&store.event(ids[1]).await);
    assert_away(&sell(&store, ids[1], "grace").await);
    assert_away(&store.create_event(new_event(1, None)).await);
    assert_away(&store.registration(seats[1]).await);
    assert_away(&store.events_by_registration(&seats).await);
    assert_away(&store.events_where_ids_lead(&seats[1..=1]).await);
    assert_away(&store.registration(Uuid::now_v7().into()).await);
    // All others go on.
    for at in [0, 2] {
        sell(&store, ids[at], "grace").await.expect("it has its own cell");
        assert_eq!(
            store.event(ids[at]).await.expect("it is there").map(|e| e.booked_count),
            Some(2)
        );
        assert!(store.registration(seats[at]).await.expect("it is there").is_some());
        let found = store.events_by_registration(&seats[at..=at]).await.expect("it is there");
        assert_eq!(found, [Some(ids[at])]);
        // An id that no registration has, in the same request, changes nothing for the other.
        let nobody = RegistrationId::beside(ids[at], Uuid::now_v7());
        let found = store.events_where_ids_lead(&[seats[at], nobody]).await.expect("it is there");
        assert_eq!(found, [Some(ids[at]), None]);
        assert_away(&store.events_by_registration(&[seats[at], nobody]).await);
        create(&store, at).await;
    }
    // In a batch over all cells, too: the commands of the others are decided, and the rest are to
    // be retried alone.
    let batch = ids.map(|id| register(id, RegistrationId::beside(id, Uuid::now_v7()), "kay"));
    let executions = store.execute(&batch, WhenBusy::Skip).await.expect("some are there");
    let busy = executions.iter().map(|execution| *execution == Execution::Busy);
    assert_eq!(busy.collect::<Vec<_>>(), [false, true, false]);
    let all = store.execute(&batch, WhenBusy::Wait).await;
    assert!(matches!(all, Err(StoreError::CommitUnknown(_))), "{all:?}");

    // Answers about all events name the missing cell.
    let page = store.events(Caller::Anyone, None, PageLimit::MAX).await.expect("some are there");
    assert_eq!((page.items.len(), names(&page.missing)), (4, vec!["c1"]));
    assert!(page.items.iter().all(|event| event.id != ids[1]));
    let report = store.audit().await.expect("some are there");
    assert_eq!((report.events, names(&report.missing)), (4, vec!["c1"]));
    assert_eq!(report.differences, []);
    assert_eq!(store.totals().await.expect("some are there").events, 4);
    let up = || store.cells().iter().map(|cell| cell.is_up).collect::<Vec<_>>();
    assert!(store.health().await.expect("some are there").takes_writes);
    assert_eq!(up(), [true, false, true]);
    // What has to be done everywhere is not reported as done.
    assert_away(&store.retry_deliveries(None).await);
    let ada = EmailAddress::parse("ada@example.org").expect("valid");
    assert_eq!(store.registrations_of(&ada, PageLimit::MAX).await.expect("found").len(), 2);
    let nobody = EmailAddress::parse("nobody@example.org").expect("valid");
    assert_away(&store.registrations_of(&nobody, PageLimit::MAX).await);

    cells.folder(1).bring_back();
    sell(&store, ids[1], "grace").await.expect("it is back");
    let page = store.events(Caller::Anyone, None, PageLimit::MAX).await.expect("all are there");
    assert_eq!((page.items.len(), names(&page.missing)), (5, vec![]));
    store.health().await.expect("all are there");
    assert_eq!(up(), [true, true, true]);
    assert_eq!(store.registrations_of(&nobody, PageLimit::MAX).await.expect("all"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_home_events_sell_but_tokens_are_unavailable() {
    let cells = three();
    let store = cells.open_cells(None).await;
    let event = create(&store, 2).await.id;
    store.create_token(new_token("The club", 1)).await.expect("it answers").expect("room");
    let sink = add_endpoint(&store).await;
    store.add_signing_seed(SigningSeed::new([1; 32]), true).await.expect("it answers");
    // Routing checks the copies of every cell.
    store.route_facts(PageLimit::MAX).await.expect("all are there");
    cells.folder(0).take_away();

    assert_away(&store.tokens().await);
    assert_away(&store.create_token(new_token("Others", 2)).await);
    assert_away(&store.signing_seeds().await);
    assert_away(&store.ticket_keys().await);
    assert_away(&store.endpoints().await);
    sell(&store, event, "ada").await.expect("it is elsewhere");
    assert!(store.route_facts(PageLimit::MAX).await.expect("some are there") > 0);
    let lanes = store.claim_lanes(&[(sink, MANY)], lease()).await.expect("some are there");
    assert_eq!(lanes.iter().map(|lane| lane.event_id).collect::<Vec<_>>(), [event]);
    assert!(store.health().await.expect("some are there").takes_writes);

    cells.folder(0).bring_back();
    assert_eq!(store.tokens().await.expect("it is back").len(), 1);
    assert_eq!(store.signing_seeds().await.expect("it is back").len(), 1);
}

fn new_token(name: &str, hash: u8) -> NewToken {
    let name = OrganizerName::parse(name).expect("valid");
    let organizer = Organizer::new(Uuid::now_v7().into(), name);
    NewToken::new(Uuid::now_v7().into(), organizer, TokenHash::new([hash; 32]))
}

fn lease() -> LeaseId {
    Uuid::now_v7().into()
}

/// An endpoint for events without an organizer.
async fn add_endpoint(store: &CellStore) -> SinkId {
    let new = NewEndpoint {
        id: Uuid::now_v7().into(),
        organizer_id: None,
        event_id: None,
        url: EndpointUrl::parse("https://hooks.example.org/", false).expect("valid"),
        types: TypeFilter::ALL,
        includes_person: false,
        secret: EndpointSecret::new([7; 32]),
    };
    store.create_endpoint(new).await.expect("the home answers").expect("there is room").id.into()
}

async fn delete_endpoint(store: &CellStore, sink: SinkId) {
    let id = sink.endpoint().expect("it is one");
    assert!(store.delete_endpoint(id).await.expect("the home answers"));
}

/// How many lanes new facts make for each of these sinks.
async fn lanes_of<const N: usize>(store: &CellStore, sinks: [SinkId; N]) -> [usize; N] {
    while store.route_facts(PageLimit::MAX).await.expect("some are there") > 0 {}
    let wanted = sinks.map(|sink| (sink, MANY));
    let lanes = store.claim_lanes(&wanted, lease()).await.expect("some are there");
    sinks.map(|sink| lanes.iter().filter(|lane| lane.sink == sink).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_that_comes_back_gets_missed_copies_before_routing() {
    let cells = three();
    // Another server, which has seen nothing fail, finds the difference by itself.
    for is_another in [false, true] {
        let (store, other) = (cells.open_cells(None).await, cells.open_cells(None).await);
        let deleted = add_endpoint(&store).await;
        let events = [create(&store, 1).await.id, create(&store, 2).await.id];
        assert_eq!(lanes_of(&store, [deleted]).await, [2]);
        cells.folder(1).take_away();
        let made = add_endpoint(&store).await;
        delete_endpoint(&store, deleted).await;
        store.show_mail().await.expect("the others answer");
        let new = new_token("Made meanwhile", 1 + u8::from(is_another));
        let club = store.create_token(new).await.expect("the home answers").expect("room");
        cells.folder(1).bring_back();

        let asked = if is_another { &other } else { &store };
        // An event names its organizer, whom this cell has never seen.
        let owned = new_event(1, Some(club.organizer.id));
        asked.create_event(owned).await.expect("it knows by now");
        for event in events {
            sell(asked, event, "ada").await.expect("all are there");
        }
        assert_eq!(lanes_of(asked, [made, deleted]).await, [2, 0]);
        if !is_another {
            assert_eq!(lanes_of(asked, [SinkId::MAIL]).await, [3], "mail is sent here");
        }
        delete_endpoint(&store, made).await;
    }
}

/// New facts that are nearly all in one cell are routed as soon as if there were no others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unused_share_of_a_limit_goes_to_busier_cells() {
    let cells = three();
    let store = cells.open_cells(None).await;
    for at in [0, 1].into_iter().chain([2; 20]) {
        create(&store, at).await;
    }
    let limit = |limit| PageLimit::parse(limit).expect("a valid limit");
    assert_eq!(store.route_facts(limit(12)).await.expect("all are there"), 12);
    assert_eq!(store.route_facts(limit(1)).await.expect("all are there"), 1);
    assert_eq!(store.route_facts(limit(2)).await.expect("all are there"), 2);
    assert_eq!(store.route_facts(PageLimit::MAX).await.expect("all are there"), 7);
    assert_eq!(store.route_facts(PageLimit::MAX).await.expect("all are there"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_created_under_a_key_is_found_by_the_key_alone() {
    let cells = three();
    let store = cells.open_cells(Some(ManualClock::default().as_clock())).await;
    let key = |byte| {
        booking_core::IdempotencyKey::new(
            KeyHash::new([byte; 32]),
            booking_core::Fingerprint::new([1; 32]),
        )
    };
    for (at, byte) in BYTES.into_iter().enumerate() {
        // An id that leads elsewhere is replaced by one that leads where the key does.
        let first = store.create_event_once(new_event((at + 1) % 3, None), key(byte)).await;
        let Ok(Outcome::EventChanged(event)) = first else { panic!("{first:?}") };
        assert_eq!(event.id.as_uuid().into_bytes()[15], byte);
        assert_eq!(store.event(event.id).await.expect("it answers").as_ref(), Some(&*event));
        for other in 0..3 {
            let again = store.create_event_once(new_event(other, None), key(byte)).await;
            let expected = Outcome::Replayed(Box::new(Outcome::EventChanged(event.clone())));
            assert_eq!(again.expect("it answers"), expected);
        }
    }
    let all = store.events(Caller::Anyone, None, PageLimit::MAX).await.expect("it answers");
    assert_eq!(all.items.len(), 3);
}
