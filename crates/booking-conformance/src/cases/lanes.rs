//! From facts to sinks: each fact goes to its sinks, once, and in the order of its event.

use crate::Fixture;
use crate::deliveries::*;
use crate::tools::*;
use booking_core::{
    BookingStore, EndpointChange, EventId, FactKind, LEASE, Lane, LaneNext, LaneStep,
    MAIL_SEEN_KEPT, NewEndpoint, PageLimit, SinkId, Version, WhyDisabled,
};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;
use uuid::Uuid;

fn micros(span: TimeDelta) -> i64 {
    span.num_microseconds().expect("a short span")
}

/// Facts go to the endpoints of their event's organizer that are for all its events or for that one, whether they are
/// enabled or not.
pub async fn facts_are_routed_to_their_endpoints(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    make_organizer(&*store, 1).await;
    make_organizer(&*store, 2).await;
    let mut events = Vec::new();
    for owner in [Some(1), Some(1), Some(2), None] {
        events.push(create_of(&*store, owner).await.id);
    }
    let bound = NewEndpoint { event_id: Some(events[1]), ..new_endpoint(Some(1)) };
    let elsewhere = NewEndpoint { event_id: Some(events[1]), ..new_endpoint(Some(2)) };
    let disabled = add_endpoint(&*store, new_endpoint(Some(1))).await.id;
    let enabled = Some(Err(WhyDisabled::Failing));
    let change = EndpointChange { enabled, ..EndpointChange::default() };
    store.change_endpoint(disabled, change).await.expect("it answers").expect("it is there");
    let sinks: [(SinkId, &[EventId]); 8] = [
        (add_endpoint(&*store, new_endpoint(Some(1))).await.id.into(), &events[..2]),
        (add_endpoint(&*store, new_endpoint(Some(2))).await.id.into(), &events[2..3]),
        (add_sink(&*store).await, &events[3..]),
        (add_endpoint(&*store, bound).await.id.into(), &events[1..2]),
        (add_endpoint(&*store, elsewhere).await.id.into(), &[]),
        (disabled.into(), &events[..2]),
        (SinkId::MAIL, &[]),
        (Uuid::now_v7().into(), &[]),
    ];
    assert!(route(&*store).await > 0);
    assert_eq!(route(&*store).await, 0, "they are not new any more");
    for (sink, expected) in &sinks {
        let lanes = claim_of(&*store, *sink, new_lease()).await;
        let of: BTreeSet<_> = lanes.iter().map(|lane| lane.event_id).collect();
        assert_eq!((lanes.len(), &of), (expected.len(), &expected.iter().copied().collect()));
        for lane in lanes {
            let (from, to) = (Version::new(0), Version::FIRST);
            assert_eq!((lane.sink, lane.version, lane.target), (*sink, from, to));
            assert_eq!((lane.position, lane.attempts), (None, 0));
        }
        assert_eq!(claim_of(&*store, *sink, new_lease()).await, [], "somebody has them");
    }

    // An endpoint that is added later gets only later facts.
    let late = add_endpoint(&*store, new_endpoint(Some(1))).await.id.into();
    assert_eq!(route(&*store).await, 0);
    assert_eq!(claim_of(&*store, late, new_lease()).await, []);
    confirmed(execute_one(&*store, register(events[0], "ada")).await);
    route(&*store).await;
    let lane = claim_one(&*store, late, new_lease()).await;
    assert_eq!((lane.event_id, lane.version.get(), lane.target.get()), (events[0], 1, 2));
}

/// Facts decided while no server sends mail are not for mail, and never will be.
pub async fn facts_are_routed_to_mail_while_a_server_sends_it(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let event = create(&*store, 9).await.id;
    let happen = async |who: &str| {
        confirmed(execute_one(&*store, register(event, who)).await);
        route(&*store).await;
        claim_of(&*store, SinkId::MAIL, new_lease()).await
    };
    assert_eq!(happen("ada").await, []);
    store.show_mail().await.expect("the store answers");
    let lanes = happen("grace").await;
    assert_eq!(lanes.len(), 1);
    assert_eq!((lanes[0].version.get(), lanes[0].target.get()), (2, 3));
    clock.advance_micros(micros(LEASE));
    assert_eq!(deliver_all(&*store, SinkId::MAIL).await, BTreeSet::from([event]));
    clock.advance_micros(micros(MAIL_SEEN_KEPT - LEASE) - 1);
    assert_eq!(happen("kay").await.len(), 1, "it was there a day ago");
    clock.advance_micros(micros(LEASE));
    assert_eq!(deliver_all(&*store, SinkId::MAIL).await, BTreeSet::from([event]));
    assert_eq!(happen("lin").await, [], "it was not there for a day");
    store.show_mail().await.expect("the store answers");
    let lanes = happen("ida").await;
    assert_eq!(lanes.len(), 1);
    let came_back = (lanes[0].version.get(), lanes[0].target.get());
    assert_eq!(came_back, (5, 6), "what lies between was not for it");
}

/// A lane returns all facts of its event in order, however many are in one row, and whatever is added meanwhile.
pub async fn a_lane_returns_every_fact_in_order(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let sink = add_sink(&*store).await;
    let event = create(&*store, 99).await.id;
    let batch: Vec<_> = (0..5).map(|number| register(event, number)).collect();
    let created_at = clock.now();
    clock.advance_micros(SECOND);
    execute(&*store, &batch).await;
    confirmed(execute_one(&*store, register(event, "ada")).await);
    route(&*store).await;

    let lease = new_lease();
    let lane = claim_one(&*store, sink, lease).await;
    assert_eq!((lane.version, lane.target), (Version::new(0), Version::new(7)));
    for at_most in [1, 2, 3, 7, 100] {
        let (mut version, mut seen) = (lane.version, Vec::new());
        loop {
            let facts = facts_after(&*store, event, version, at_most).await;
            assert!(facts.len() <= at_most as usize);
            let Some(last) = facts.last() else { break };
            version = last.version;
            seen.extend(facts);
        }
        let versions: Vec<_> = seen.iter().map(|fact| fact.version.get()).collect();
        assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7], "{at_most} at a time");
        assert_eq!((seen[0].fact.kind, seen[0].recorded_at), (FactKind::EventCreated, created_at));
        for fact in &seen[1..] {
            assert_eq!((fact.fact.kind, fact.recorded_at), (FactKind::Registered, clock.now()));
            let alone = store.fact(event, fact.version).await.expect("the store answers");
            assert_eq!(alone.as_ref(), Some(fact));
        }
    }
    for nothing in [0, 8, 9] {
        let none = store.fact(event, Version::new(nothing)).await.expect("the store answers");
        assert_eq!(none, None, "version {nothing}");
    }
    assert_eq!(facts_after(&*store, event, lane.target, 9).await, []);
    assert_eq!(facts_after(&*store, Uuid::now_v7().into(), Version::new(0), 9).await, []);

    // It has done version 3, and is halfway through 4, when there is more to do.
    let (version, position) = (Version::new(3), Some(Version::new(2)));
    let halfway = LaneStep { version, position, ..done(&lane, lease, LaneNext::GoOn) };
    assert!(advance(&*store, halfway.clone()).await);
    confirmed(execute_one(&*store, register(event, "grace")).await);
    route(&*store).await;
    assert_eq!(claim_of(&*store, sink, new_lease()).await, [], "it is somebody's");
    assert!(advance(&*store, LaneStep { next: LaneNext::Release, ..halfway }).await);
    let lease = new_lease();
    let lane = claim_one(&*store, sink, lease).await;
    assert_eq!((lane.version, lane.position, lane.target.get()), (version, position, 8));
    assert!(advance(&*store, done(&lane, lease, LaneNext::Release)).await);
    assert_eq!(claim_of(&*store, sink, new_lease()).await, [], "there is nothing to do");
    confirmed(execute_one(&*store, register(event, "kay")).await);
    route(&*store).await;
    let lane = claim_one(&*store, sink, new_lease()).await;
    assert_eq!((lane.version.get(), lane.position, lane.target.get()), (8, None, 9));
}

/// A lane belongs to its worker while the lease is renewed, and can be claimed by another worker soon after it is not.
/// A worker that has lost its lease writes nothing.
pub async fn an_expired_lease_writes_nothing(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let sink = add_sink(&*store).await;
    let endpoint = sink.endpoint().expect("it is one");
    let event = create(&*store, 9).await.id;
    route(&*store).await;
    let (ada, grace) = (new_lease(), new_lease());
    let lane = claim_one(&*store, sink, ada).await;
    let log = async || {
        let log = store.deliveries(endpoint, None, PageLimit::MAX).await;
        log.expect("the store answers").items.len()
    };
    let sent = |lease, next| LaneStep {
        deliveries: vec![arrived(&lane, 1)],
        mails: vec![new_mail(event, booking_core::MailKind::Confirmed)],
        ..done(&lane, lease, next)
    };
    let unsent = |lease| LaneStep { version: lane.version, ..done(&lane, lease, LaneNext::GoOn) };
    for lease in [grace, new_lease()] {
        assert!(!advance(&*store, sent(lease, LaneNext::Release)).await, "it is not theirs");
    }
    // Each of its two steps renews the lease.
    for _ in 0..2 {
        clock.advance_micros(micros(LEASE) - 1);
        assert_eq!(claim_of(&*store, sink, grace).await, []);
        assert!(advance(&*store, unsent(ada)).await);
        assert!(advance(&*store, unsent(ada)).await, "asked again");
    }
    // The lease has ended, and no other worker has claimed the lane.
    clock.advance_micros(micros(LEASE));
    assert!(advance(&*store, unsent(ada)).await);
    clock.advance_micros(micros(LEASE));
    assert_eq!(claim_one(&*store, sink, grace).await, lane, "nothing was done");
    assert!(!advance(&*store, sent(ada, LaneNext::GoOn)).await, "it is another's");
    let mails = store.claim_mails(MANY, ada).await.expect("the store answers");
    assert_eq!((log().await, mails), (0, vec![]), "it wrote all the same");

    assert!(advance(&*store, sent(grace, LaneNext::Release)).await);
    assert_eq!(log().await, 1);
    assert_eq!(store.claim_mails(MANY, ada).await.expect("the store answers").len(), 1);
    assert!(!advance(&*store, unsent(grace)).await, "it has given it back");
    assert_eq!(claim_of(&*store, sink, grace).await, [], "it is done");
}

/// Workers on different lanes write together: each gets its own result, in whatever order they come, and its deliveries
/// and mails are of its own event. A lost lane does not affect the others.
pub async fn steps_of_many_lanes_are_written_together(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let sink = add_sink(&*store).await;
    let endpoint = sink.endpoint().expect("it is one");
    for _ in 0..5 {
        create(&*store, 9).await;
    }
    route(&*store).await;
    let lease = new_lease();
    let mut lanes = claim_of(&*store, sink, lease).await;
    lanes.sort_by_key(|lane| std::cmp::Reverse(lane.event_id));
    assert_eq!(lanes.len(), 5);
    let mail = |lane: &Lane| new_mail(lane.event_id, booking_core::MailKind::Confirmed);
    let mut steps: Vec<_> = lanes
        .iter()
        .map(|lane| LaneStep {
            deliveries: vec![arrived(lane, 1)],
            mails: vec![mail(lane)],
            ..done(lane, lease, LaneNext::Release)
        })
        .collect();
    steps.swap(0, 3);
    steps[1].lease = new_lease();
    steps[2].next = LaneNext::GoOn;
    (steps[4].deliveries, steps[4].mails) = (Vec::new(), Vec::new());
    let written = store.advance(&steps).await.expect("the store answers");
    assert_eq!(written, [true, false, true, true, true]);
    assert!(store.advance(&[]).await.expect("the store answers").is_empty());

    let log = store.deliveries(endpoint, None, PageLimit::MAX).await.expect("the store answers");
    let logged: BTreeSet<_> = log.items.iter().map(|sent| sent.event_id).collect();
    let expected = BTreeSet::from([0, 2, 3].map(|at| steps[at].event_id));
    assert_eq!((log.items.len(), &logged), (3, &expected));
    let mails = store.claim_mails(MANY, lease).await.expect("the store answers");
    let mailed: BTreeSet<_> = mails.iter().map(|of| (of.mail.event_id, of.mail.id)).collect();
    let wanted = [0, 2, 3].map(|at| (steps[at].event_id, steps[at].mails[0].id));
    assert_eq!(mailed, BTreeSet::from(wanted));
    let again = store.advance(&steps).await.expect("the store answers");
    assert_eq!(again, [false, false, true, false, false], "only one has gone on");
}

/// A failed lane is due again after its delay, or at once on request, and goes on from where it was unless it is
/// dropped.
pub async fn failed_deliveries_are_retried_or_dropped(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let (sink, other) = (add_sink(&*store).await, add_sink(&*store).await);
    let event = create(&*store, 9).await.id;
    route(&*store).await;
    let fail = async |attempts: u32| {
        let lease = new_lease();
        let lane = claim_one(&*store, sink, lease).await;
        assert_eq!((lane.version, lane.attempts), (Version::new(0), attempts - 1));
        let (version, next) = (lane.version, LaneNext::RetryAfter(TimeDelta::minutes(1)));
        let failed = LaneStep { version, attempts, ..done(&lane, lease, next) };
        assert!(advance(&*store, failed).await);
        assert_eq!(claim_of(&*store, sink, new_lease()).await, []);
    };
    let retry = async |sink| store.retry_deliveries(sink).await.expect("the store answers");
    fail(1).await;
    clock.advance_micros(60 * SECOND - 1);
    assert_eq!(claim_of(&*store, sink, new_lease()).await, []);
    clock.advance_micros(1);
    fail(2).await;
    let backlog = store.backlog().await.expect("the store answers");
    let found = backlog.sinks.iter().map(|found| (found.sink, found.lanes, found.failing));
    assert_eq!(found.collect::<BTreeSet<_>>(), BTreeSet::from([(sink, 1, 1), (other, 1, 0)]));
    assert_eq!(retry(Some(other)).await, 0, "nothing of it has failed");
    assert_eq!(retry(Some(sink)).await, 1);
    fail(3).await;
    assert_eq!(retry(None).await, 1);
    assert_eq!(retry(None).await, 0, "it can be tried already");
    fail(4).await;

    let give_up = async |sink| store.drop_deliveries(sink).await.expect("the store answers");
    assert_eq!(give_up(sink).await, 1);
    assert_eq!(give_up(sink).await, 0);
    assert_eq!(retry(None).await, 0);
    confirmed(execute_one(&*store, register(event, "ada")).await);
    route(&*store).await;
    let lease = new_lease();
    let lane = claim_one(&*store, sink, lease).await;
    assert_eq!((lane.version, lane.target.get(), lane.attempts), (Version::FIRST, 2, 0));
    assert_eq!(give_up(sink).await, 1, "also under somebody's hands");
    assert!(!advance(&*store, done(&lane, lease, LaneNext::GoOn)).await);
    assert_eq!(claim_of(&*store, sink, new_lease()).await, []);
    let lane = claim_one(&*store, other, new_lease()).await;
    assert_eq!((lane.version, lane.target.get()), (Version::new(0), 2), "nobody gave that up");
}

/// As many lanes as wanted are claimed of each sink, longest due first.
pub async fn lanes_are_claimed_by_sink_longest_due_first(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let (one, other) = (add_sink(&*store).await, add_sink(&*store).await);
    let (began, mut events) = (clock.now(), Vec::new());
    for _ in 0..5 {
        events.push(create(&*store, 9).await.id);
        clock.advance_micros(1);
        route(&*store).await;
    }
    let claim = async |wanted: &[(SinkId, usize)]| {
        let claimed = store.claim_lanes(wanted, new_lease()).await.expect("the store answers");
        let lanes = claimed.iter().map(|lane| (lane.sink, lane.event_id));
        lanes.collect::<BTreeSet<_>>()
    };
    let of = |sink: SinkId, events: &[EventId]| -> BTreeSet<_> {
        events.iter().map(|event| (sink, *event)).collect()
    };
    // `due_lanes` lists what would be claimed.
    let look = async |wanted: &[(SinkId, usize)]| {
        let due = store.due_lanes(wanted).await.expect("the store answers");
        due.iter().map(|lane| (lane.sink, lane.event_id, lane.due_at)).collect::<Vec<_>>()
    };
    let since = |event: usize| began + TimeDelta::microseconds(event as i64 + 1);
    assert_eq!(look(&[]).await, []);
    let first = [0, 1].map(|event| (one, events[event], since(event)));
    for _ in 0..2 {
        assert_eq!(look(&[(one, 2), (Uuid::now_v7().into(), 9)]).await, first);
    }
    assert_eq!(look(&[(one, MANY), (other, MANY)]).await.len(), 10);
    assert_eq!(claim(&[]).await, of(one, &[]));
    assert_eq!(claim(&[(one, 0)]).await, of(one, &[]));
    let mut expected = of(one, &events[..2]);
    expected.extend(of(other, &events[..1]));
    assert_eq!(claim(&[(one, 2), (other, 1)]).await, expected);
    assert_eq!(claim(&[(other, 3)]).await, of(other, &events[1..4]));
    let mut expected = of(one, &events[2..]);
    expected.extend(of(other, &events[4..]));
    assert_eq!(claim(&[(other, MANY), (one, MANY)]).await, expected);
    assert_eq!(look(&[(one, MANY), (other, MANY)]).await, [], "somebody has them");
}

/// A refused command makes no fact.
pub async fn a_refusal_makes_no_fact(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let sink = add_sink(&*store).await;
    let event = create(&*store, 1).await.id;
    confirmed(execute_one(&*store, register(event, "ada")).await);
    assert_eq!(deliver_all(&*store, sink).await, BTreeSet::from([event]));
    let batch = [register(event, "ada"), register(event, "grace"), register(event, "kay")];
    let refused = execute(&*store, &batch).await;
    assert_eq!(refused, [ALREADY_REGISTERED, SOLD_OUT, SOLD_OUT]);
    let again = store.create_event(new_event("Again", 1)).await.expect("the store answers");
    let known = new_event("Again", 1).with(|new| new.id = again.id).expect("in order");
    assert_eq!(deliver_all(&*store, sink).await, BTreeSet::from([again.id]));
    store.create_event(known).await.expect("the store answers");
    assert_eq!(route(&*store).await, 0);
    assert_eq!(claim_of(&*store, sink, new_lease()).await, []);
    assert_eq!(facts_after(&*store, event, Version::new(2), 9).await, []);
}

/// The versions that workers have seen, by event.
type Seen = Arc<Mutex<BTreeMap<EventId, Vec<u64>>>>;

/// Routes facts and advances lanes while the sale goes on, and then until nothing is left.
async fn work(store: Arc<dyn BookingStore>, sink: SinkId, seen: Seen, sold: Arc<AtomicBool>) {
    let lease = new_lease();
    loop {
        let is_last = sold.load(Ordering::SeqCst);
        let routed = store.route_facts(limit(3)).await.expect("the store answers");
        let lanes = store.claim_lanes(&[(sink, 3)], lease).await.expect("the store answers");
        for lane in &lanes {
            let facts = facts_after(&*store, lane.event_id, lane.version, 1_000).await;
            let last = facts.last().map(|fact| fact.version);
            assert!(last >= Some(lane.target), "{lane:?} leads to what is not there: {facts:?}");
            let facts = facts.iter().filter(|fact| fact.version <= lane.target);
            let versions = facts.map(|fact| fact.version.get());
            let seen = Arc::clone(&seen);
            seen.lock()
                .expect("nobody panicked")
                .entry(lane.event_id)
                .or_default()
                .extend(versions);
            let released = advance(&*store, done(lane, lease, LaneNext::Release)).await;
            assert!(released, "nobody else may have had {lane:?}");
        }
        if is_last && routed == 0 && lanes.is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// With many sellers, routers and workers at once, each fact is seen once, after it was committed and in the order of
/// its event.
pub async fn no_fact_is_ever_skipped(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let sink = add_sink(&*store).await;
    let (seen, sold) = (Seen::default(), Arc::<AtomicBool>::default());
    let mut workers = JoinSet::new();
    for _ in 0..2 {
        let (store, sold) = (fixture.open(None).await, Arc::clone(&sold));
        workers.spawn(work(store, sink, Arc::clone(&seen), sold));
    }
    let mut sellers = JoinSet::new();
    for seller in 0..6 {
        let store = fixture.open(None).await;
        sellers.spawn(async move {
            let event = create(&*store, 99).await.id;
            for turn in 0..6 {
                let people = (0..=(turn + seller) % 3).map(|who| format!("{turn}-{who}"));
                let batch: Vec<_> = people.map(|who| register(event, who)).collect();
                execute(&*store, &batch).await;
            }
            read(&*store, event).await
        });
    }
    let events = sellers.join_all().await;
    sold.store(true, Ordering::SeqCst);
    workers.join_all().await;
    {
        let seen = seen.lock().expect("nobody panicked");
        for event in events {
            let all: Vec<_> = (1..=event.version.get()).collect();
            assert_eq!(seen.get(&event.id), Some(&all), "each version once, and in order");
        }
    }
    assert_eq!(store.backlog().await.expect("the store answers").sinks, []);
}
