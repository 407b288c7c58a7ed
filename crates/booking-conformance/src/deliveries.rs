//! Tools for the cases of delivery.

use crate::tools::*;
use booking_core::{
    BookingStore, Delivery, DeliveryState, Endpoint, EndpointSecret, EndpointUrl, Event, EventId,
    Lane, LaneNext, LaneStep, LeaseId, Mail, MailId, MailKind, MailStep, NewEndpoint, NewMail,
    PageLimit, RecordedFact, SettledMail, SinkId, Version, WebhookType,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use uuid::Uuid;

/// More than there are lanes of any sink in these cases.
pub(crate) const MANY: usize = 1_000;

pub(crate) fn limit(limit: u32) -> PageLimit {
    PageLimit::parse(limit).expect("a valid limit")
}

pub(crate) fn url(path: &str) -> EndpointUrl {
    EndpointUrl::parse(&format!("https://hooks.example.org/{path}"), false).expect("a valid URL")
}

/// An endpoint of that organizer, or of none, for all events.
pub(crate) fn new_endpoint(owner: Option<u8>) -> NewEndpoint {
    let secret = EndpointSecret::new([owner.unwrap_or(99); 32]);
    let new = NewEndpoint::new(Uuid::now_v7().into(), url(""), secret);
    NewEndpoint { organizer_id: owner.map(organizer_id), ..new }
}

pub(crate) async fn add_endpoint(store: &dyn BookingStore, new: NewEndpoint) -> Endpoint {
    store.create_endpoint(new).await.expect("the store answers").expect("there is room")
}

/// An endpoint for all events without an organizer, as a sink.
pub(crate) async fn add_sink(store: &dyn BookingStore) -> SinkId {
    add_endpoint(store, new_endpoint(None)).await.id.into()
}

pub(crate) async fn make_organizer(store: &dyn BookingStore, number: u8) {
    let made = store.create_token(new_token(organizer(number), number)).await;
    made.expect("the store answers").expect("there is room");
}

pub(crate) async fn create_of(store: &dyn BookingStore, owner: Option<u8>) -> Event {
    let new = new_event("An event", 99);
    let new = new.with(|new| new.organizer_id = owner.map(organizer_id)).expect("in order");
    store.create_event(new).await.expect("the store answers")
}

pub(crate) fn new_lease() -> LeaseId {
    Uuid::now_v7().into()
}

/// Routes all new facts, and returns how many rows of them there were.
pub(crate) async fn route(store: &dyn BookingStore) -> u64 {
    let mut routed = 0;
    loop {
        match store.route_facts(limit(7)).await.expect("the store answers") {
            0 => return routed,
            more => routed += more,
        }
    }
}

/// Claims the lanes of `sink` that are due, in the order of their events.
pub(crate) async fn claim_of(store: &dyn BookingStore, sink: SinkId, lease: LeaseId) -> Vec<Lane> {
    let claimed = store.claim_lanes(&[(sink, MANY)], lease).await;
    let mut claimed = claimed.expect("the store answers");
    claimed.sort_by_key(|lane| lane.event_id);
    claimed
}

/// Claims the one lane of `sink` that is due.
pub(crate) async fn claim_one(store: &dyn BookingStore, sink: SinkId, lease: LeaseId) -> Lane {
    let mut claimed = claim_of(store, sink, lease).await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

/// The step of a lane that is done up to its target.
pub(crate) fn done(lane: &Lane, lease: LeaseId, next: LaneNext) -> LaneStep {
    let step = LaneStep::new(lane, lease, next);
    LaneStep { version: lane.target, position: None, attempts: 0, ..step }
}

pub(crate) async fn advance(store: &dyn BookingStore, step: LaneStep) -> bool {
    store.advance(&[step]).await.expect("the store answers") == [true]
}

/// Routes new facts, advances all lanes of `sink` that are due, and returns their events.
pub(crate) async fn deliver_all(store: &dyn BookingStore, sink: SinkId) -> BTreeSet<EventId> {
    route(store).await;
    let lease = new_lease();
    let mut events = BTreeSet::new();
    for lane in claim_of(store, sink, lease).await {
        assert!(advance(store, done(&lane, lease, LaneNext::Release)).await, "{lane:?}");
        events.insert(lane.event_id);
    }
    events
}

pub(crate) async fn facts_after(
    store: &dyn BookingStore,
    event_id: EventId,
    version: Version,
    at_most: u32,
) -> Vec<RecordedFact> {
    store.facts_after(event_id, version, limit(at_most)).await.expect("the store answers")
}

/// A delivered message of that version on `lane`.
pub(crate) fn arrived(lane: &Lane, version: u64) -> Delivery {
    Delivery {
        endpoint_id: lane.sink.endpoint().expect("it is no mail"),
        event_id: lane.event_id,
        version: Version::new(version),
        kind: WebhookType::Confirmed,
        state: DeliveryState::Delivered,
        attempts: 1,
        tried_at: DateTime::<Utc>::UNIX_EPOCH,
        status: Some(204),
        failure: None,
    }
}

pub(crate) fn new_mail(event_id: EventId, kind: MailKind) -> NewMail {
    let id = MailId::from(Uuid::now_v7());
    NewMail::new(id, event_id, new_registration_id(event_id), kind, Version::new(2))
}

pub(crate) async fn claim_mails(store: &dyn BookingStore, lease: LeaseId) -> Vec<Mail> {
    store.claim_mails(MANY, lease).await.expect("the store answers")
}

pub(crate) async fn settle(
    store: &dyn BookingStore,
    mail: NewMail,
    lease: LeaseId,
    step: MailStep,
) -> bool {
    let settled = store.settle_mails(&[settled(mail, lease, step)]).await;
    let settled = settled.expect("the store answers");
    assert_eq!(settled.len(), 1);
    settled[0]
}

pub(crate) fn settled(mail: NewMail, lease: LeaseId, step: MailStep) -> SettledMail {
    SettledMail::new(&mail, lease, step)
}

pub(crate) fn wait(span: TimeDelta, clock: &ManualClock) {
    clock.advance_micros(span.num_microseconds().expect("a short span"));
}
