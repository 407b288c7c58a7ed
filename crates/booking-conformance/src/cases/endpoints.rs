//! Webhook endpoints, and their delivery logs.

use crate::Fixture;
use crate::deliveries::*;
use crate::tools::*;
use booking_core::{
    BookingStore, Delivery, DeliveryState, ENDPOINTS_MAX, Endpoint, EndpointChange, EndpointId,
    EndpointSecret, FORMER_SECRET_KEPT, LaneNext, LaneStep, NewEndpoint, TypeFilter, Version,
    WebhookType, WhyDisabled,
};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

async fn change(
    store: &dyn BookingStore,
    id: EndpointId,
    change: EndpointChange,
) -> Option<Endpoint> {
    store.change_endpoint(id, change).await.expect("the store answers")
}

/// An endpoint is stored with all its fields; a change touches only the fields that it sets, and is made once however
/// often it is repeated.
pub async fn an_endpoint_is_stored_and_changed(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    make_organizer(&*store, 1).await;
    let event = create_of(&*store, Some(1)).await.id;
    let endpoints = async || store.endpoints().await.expect("the store answers");
    assert_eq!(endpoints().await, []);

    let types = TypeFilter::only([WebhookType::Offered, WebhookType::EventChanged]);
    let new = NewEndpoint {
        event_id: Some(event),
        url: url("a?b=c"),
        types: types.expect("there are some"),
        includes_person: true,
        ..new_endpoint(Some(1))
    };
    let first = add_endpoint(&*store, new.clone()).await;
    let NewEndpoint { id, organizer_id, event_id, url: kept_url, types, includes_person, secret } =
        new.clone();
    let expected = Endpoint {
        id,
        organizer_id,
        event_id,
        url: kept_url,
        types,
        includes_person,
        secret,
        former_secret: None,
        disabled: None,
        failing_since: None,
        created_at: clock.now(),
    };
    assert_eq!(first, expected);
    clock.advance_micros(1);
    assert_eq!(add_endpoint(&*store, new).await, first, "asked again");
    let second = add_endpoint(&*store, new_endpoint(None)).await;
    assert_eq!((second.organizer_id, second.event_id), (None, None));
    assert_eq!(endpoints().await, [first.clone(), second.clone()]);

    let nothing = EndpointChange::default();
    assert_eq!(change(&*store, id, nothing.clone()).await.as_ref(), Some(&first));
    assert_eq!(change(&*store, Uuid::now_v7().into(), nothing.clone()).await, None);
    let other = EndpointSecret::new([7; 32]);
    let all = EndpointChange {
        url: Some(url("other")),
        types: Some(TypeFilter::ALL),
        includes_person: Some(false),
        secret: Some(other),
        enabled: None,
    };
    let until = clock.now() + FORMER_SECRET_KEPT;
    let changed = Endpoint {
        url: url("other"),
        types: TypeFilter::ALL,
        includes_person: false,
        secret: other,
        former_secret: Some((first.secret, until)),
        ..first.clone()
    };
    for _ in 0..2 {
        assert_eq!(change(&*store, id, all.clone()).await.as_ref(), Some(&changed));
        clock.advance_micros(SECOND);
    }

    // It fails since then, and is disabled once.
    let failing_since = Some(clock.now());
    for goes_well in [false, false, true, true] {
        store.note_endpoint(id, goes_well).await.expect("the store answers");
        clock.advance_micros(SECOND);
        let expected = failing_since.filter(|_| !goes_well);
        assert_eq!(endpoints().await[0].failing_since, expected, "{goes_well}");
    }
    store.note_endpoint(id, false).await.expect("the store answers");
    store.note_endpoint(Uuid::now_v7().into(), false).await.expect("the store answers");
    let failing = Endpoint { failing_since: Some(clock.now()), ..changed.clone() };
    let set = |enabled| EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
    let enabled = change(&*store, id, set(Ok(()))).await;
    assert_eq!(enabled.as_ref(), Some(&failing), "it was not disabled");
    let disabled = Some((clock.now(), WhyDisabled::Gone));
    let expected = Endpoint { disabled, ..failing };
    for why in [WhyDisabled::Gone, WhyDisabled::Failing, WhyDisabled::ByOrganizer] {
        assert_eq!(change(&*store, id, set(Err(why))).await.as_ref(), Some(&expected));
        clock.advance_micros(SECOND);
    }
    assert_eq!(change(&*store, id, nothing).await, Some(expected));
    assert_eq!(change(&*store, id, set(Ok(()))).await, Some(changed.clone()));
    let elsewhere = fixture.open(None).await;
    assert_eq!(elsewhere.endpoints().await.expect("it answers"), [changed, second]);
}

/// An organizer never has more endpoints than the limit, however many are added at once.
pub async fn the_endpoint_limit_is_never_exceeded(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    make_organizer(&*store, 1).await;
    make_organizer(&*store, 2).await;
    let first = add_endpoint(&*store, new_endpoint(Some(1))).await;
    for _ in 1..ENDPOINTS_MAX - 2 {
        add_endpoint(&*store, new_endpoint(Some(1))).await;
    }
    let mut racers = JoinSet::new();
    for _ in 0..6 {
        let store = Arc::clone(&store);
        racers.spawn(async move { store.create_endpoint(new_endpoint(Some(1))).await });
    }
    let made = racers.join_all().await;
    let made = made.into_iter().filter_map(|made| made.expect("the store answers")).count();
    assert_eq!(made, 2);
    let full = store.create_endpoint(new_endpoint(Some(1))).await.expect("the store answers");
    assert_eq!(full, None);
    let again = NewEndpoint { id: first.id, ..new_endpoint(Some(1)) };
    assert_eq!(add_endpoint(&*store, again).await, first, "what is there is there");
    for owner in [Some(2), None] {
        add_endpoint(&*store, new_endpoint(owner)).await;
    }
    assert_eq!(store.endpoints().await.expect("the store answers").len(), ENDPOINTS_MAX + 2);
    assert!(store.delete_endpoint(first.id).await.expect("the store answers"));
    add_endpoint(&*store, new_endpoint(Some(1))).await;
}

/// An endpoint's log lists each message once, with its last attempt, latest first.
pub async fn deliveries_are_listed_latest_attempt_first(fixture: &dyn Fixture) {
    let clock = ManualClock::default();
    let store = fixture.open(Some(clock.as_clock())).await;
    let sink = add_sink(&*store).await;
    let id = sink.endpoint().expect("it is one");
    let other = add_sink(&*store).await;
    let events = [create(&*store, 9).await.id, create(&*store, 9).await.id];
    execute(&*store, &events.map(|event| register(event, "ada"))).await;
    route(&*store).await;
    let lease = new_lease();
    let mut expected = Vec::new();
    for lane in claim_of(&*store, sink, lease).await {
        clock.advance_micros(SECOND);
        let tried_at = clock.now();
        let failure = Some("the connection was refused".to_owned());
        let failed = Delivery {
            state: DeliveryState::Retrying,
            kind: WebhookType::EventPublished,
            status: None,
            failure,
            ..arrived(&lane, 1)
        };
        let mut step = done(&lane, lease, LaneNext::GoOn);
        step.deliveries = vec![failed];
        assert!(advance(&*store, step.clone()).await);
        // Both arrive in the same instant.
        step.deliveries = vec![Delivery { attempts: 2, ..arrived(&lane, 1) }, arrived(&lane, 2)];
        assert!(advance(&*store, LaneStep { next: LaneNext::Release, ..step.clone() }).await);
        expected.extend(step.deliveries.into_iter().map(|sent| Delivery { tried_at, ..sent }));
    }
    expected.reverse();
    let listed = async |at_most| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = store.deliveries(id, after, limit(at_most)).await;
            let page = page.expect("the store answers");
            assert!(page.items.len() <= at_most as usize);
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    };
    for at_most in [1, 2, 3, 4, 100] {
        assert_eq!(listed(at_most).await, expected, "{at_most} on a page");
    }
    let log = store.deliveries(other.endpoint().expect("it is one"), None, limit(9)).await;
    assert_eq!(log.expect("the store answers").items, []);

    let find = async |id, event, version| {
        let found = store.delivery(id, event, Version::new(version)).await;
        found.expect("the store answers")
    };
    let last = expected.pop().expect("there are four");
    assert_eq!(find(id, last.event_id, last.version.get()).await.as_ref(), Some(&last));
    assert_eq!(find(id, last.event_id, 3).await, None);
    assert_eq!(find(Uuid::now_v7().into(), last.event_id, 1).await, None);
    // One is sent again on request, and fails.
    clock.advance_micros(SECOND);
    let state = DeliveryState::Dead;
    let (status, failure) = (Some(500), Some("it was answered by 500".to_owned()));
    let noted = Delivery { state, attempts: 3, status, failure, ..last };
    store.note_delivery(noted.clone()).await.expect("the store answers");
    let never_sent = Delivery { version: Version::new(3), ..noted.clone() };
    store.note_delivery(never_sent).await.expect("the store answers");
    expected.insert(0, Delivery { tried_at: clock.now(), ..noted });
    assert_eq!(listed(100).await, expected);
}

/// An endpoint is deleted with everything it owns, even while a worker has it, and nothing of another is.
pub async fn an_endpoint_is_deleted_with_its_lanes_and_log(fixture: &dyn Fixture) {
    let store = fixture.open(None).await;
    let (sink, other) = (add_sink(&*store).await, add_sink(&*store).await);
    let events = [create(&*store, 9).await.id, create(&*store, 9).await.id];
    route(&*store).await;
    let lease = new_lease();
    let mut leased = Vec::new();
    for sink in [sink, other] {
        for lane in claim_of(&*store, sink, lease).await {
            let mut step = done(&lane, lease, LaneNext::GoOn);
            step.deliveries = vec![arrived(&lane, 1)];
            assert!(advance(&*store, step.clone()).await);
            leased.push(step);
        }
    }
    let id = sink.endpoint().expect("it is one");
    let log = async |id| {
        let log = store.deliveries(id, None, limit(9)).await;
        log.expect("the store answers").items.len()
    };
    assert_eq!(log(id).await, 2);
    for was_there in [true, false] {
        assert_eq!(store.delete_endpoint(id).await.expect("the store answers"), was_there);
        assert_eq!(log(id).await, 0);
    }
    assert_eq!(store.endpoints().await.expect("the store answers").len(), 1);
    for step in leased {
        let is_there = step.sink == other;
        assert_eq!(advance(&*store, LaneStep { next: LaneNext::Release, ..step }).await, is_there);
    }
    assert_eq!(log(id).await, 0);
    execute(&*store, &events.map(|event| register(event, "ada"))).await;
    route(&*store).await;
    assert_eq!(claim_of(&*store, sink, new_lease()).await, []);
    assert_eq!(claim_of(&*store, other, new_lease()).await.len(), 2);
    assert_eq!(log(other.endpoint().expect("it is one")).await, 2);
}
