//! One event's messages to one endpoint, in order.

use crate::limits::{ENDPOINTS_EVERY, FACTS_AT_ONCE, RENEW_EVERY, STEP_EVERY, STEP_MAX, TURN};
use crate::steps::Steps;
use crate::webhook::client::{Outcome, WebhookClient};
use crate::webhook::payload::{self, WebhookMessage, message_id};
use crate::webhook::schedule;
use crate::webhook::signature::{PresentKey, Secrets, sign};
use booking_core::{
    BookingStore, Delivery, DeliveryState, Endpoint, EndpointChange, EventId, EventStatus,
    FactKind, Lane, LaneNext, LaneStep, LeaseId, PageLimit, Person, RecordedFact, RegistrationId,
    StoreError, WebhookType, WhyDisabled,
};
use chrono::{TimeDelta, Utc};
use hyper::body::Bytes;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Builds, signs and sends messages.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Arc<WebhookClient>,
    key: PresentKey,
}

/// The result of one try.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// The message's type.
    pub kind: WebhookType,
    /// The outcome of sending it.
    pub outcome: Outcome,
}

impl Sender {
    /// Creates a sender that sends by `client`, and signs with the present `key` and with each endpoint's secret.
    pub fn new(client: WebhookClient, key: PresentKey) -> Self {
        Self { client: Arc::new(client), key }
    }

    /// The same, for another runtime ([`WebhookClient::apart`]).
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { client: Arc::new(self.client.apart()), key: self.key.clone() }
    }

    /// Tries once to send the message of a fact. `None` if the fact has none.
    ///
    /// # Errors
    /// The store's.
    pub async fn send(
        &self,
        store: &dyn BookingStore,
        endpoint: &Endpoint,
        event_id: EventId,
        recorded: &RecordedFact,
    ) -> Result<Option<Try>, StoreError> {
        let RecordedFact { version, recorded_at, fact } = recorded;
        let Some(kind) = WebhookType::of(fact.kind) else { return Ok(None) };
        let person = match fact.registration_id.filter(|_| endpoint.includes_person) {
            Some(id) => person(store, endpoint, event_id, id).await?,
            None => None,
        };
        let message = WebhookMessage {
            fact,
            event_id,
            version: *version,
            recorded_at: *recorded_at,
            event_status: event_status(store, event_id, fact.kind).await?,
            person: person.as_ref(),
        };
        let Some(body) = message.body() else { return Ok(None) };
        let outcome = self.post(endpoint, &message_id(event_id, *version), body).await;
        Ok(Some(Try { kind, outcome }))
    }

    /// Tries once to send the message that tests an endpoint.
    pub async fn send_test(&self, endpoint: &Endpoint, id: &str) -> Outcome {
        self.post(endpoint, id, payload::test_body(endpoint.id, Utc::now())).await
    }

    async fn post(&self, endpoint: &Endpoint, id: &str, body: Vec<u8>) -> Outcome {
        let secrets = Secrets { present: endpoint.secret, former: endpoint.former_secret };
        let headers = sign(id, Utc::now(), &body, &secrets, &self.key.get());
        let (organizer, body) = (endpoint.organizer_id, Bytes::from(body));
        self.client.send(organizer, &endpoint.url, &headers, body).await.outcome
    }
}

/// A registration's present holder, if its event still belongs to the endpoint's organizer: events can be handed
/// over.
async fn person(
    store: &dyn BookingStore,
    endpoint: &Endpoint,
    event_id: EventId,
    id: RegistrationId,
) -> Result<Option<Person>, StoreError> {
    let event = store.event(event_id).await?;
    if event.is_none_or(|event| event.organizer_id != endpoint.organizer_id) {
        return Ok(None);
    }
    Ok(store.registration(id).await?.map(|registration| registration.person))
}

/// An event's status, where a fact about it does not determine it.
async fn event_status(
    store: &dyn BookingStore,
    event_id: EventId,
    kind: FactKind,
) -> Result<EventStatus, StoreError> {
    let event = match kind {
        FactKind::EventEdited | FactKind::EventMoved => store.event(event_id).await?,
        _ => None,
    };
    Ok(event.map_or(EventStatus::Published, |event| event.rules.status))
}

/// Sends pending messages for one worker's turn. Returns whether the last message was delivered, if one was tried.
///
/// # Errors
/// The store's. A message that was sent and not yet recorded is sent again, under the same id.
pub(crate) async fn walk(
    store: &dyn BookingStore,
    steps: &Steps<LaneStep>,
    reads: &Semaphore,
    sender: &Sender,
    endpoint: &Endpoint,
    lane: Lane,
    lease: LeaseId,
) -> Result<Option<bool>, StoreError> {
    let mut walk = Walk::new(store, steps, lane, lease);
    let mut went_well = None;
    let limit = PageLimit::parse(FACTS_AT_ONCE).expect("it is a page's");
    loop {
        let turn = reads.acquire().await;
        let mut facts = store.facts_after(lane.event_id, walk.lane.version, limit).await?;
        drop(turn);
        // Facts that came after it was claimed may not be for it, and are routed to it if they are.
        facts.retain(|recorded| recorded.version <= lane.target);
        let is_last = facts.len() < limit.get();
        for recorded in facts {
            let wants = WebhookType::of(recorded.fact.kind);
            if !wants.is_some_and(|kind| endpoint.types.takes(kind)) {
                walk.done(&recorded, None);
                continue;
            }
            let Some(tried) = walk.send(sender, endpoint, &recorded).await? else {
                return Ok(went_well);
            };
            match tried.outcome {
                Outcome::Done(_) => {
                    went_well = Some(true);
                    walk.done(&recorded, Some((&tried, DeliveryState::Delivered)));
                }
                Outcome::Gone => {
                    walk.lane.attempts += 1;
                    walk.log(&recorded, &tried, DeliveryState::Retrying);
                    // Workers learn of it a moment later, and must not send again until then.
                    let pause = TimeDelta::from_std(2 * ENDPOINTS_EVERY).unwrap_or_default();
                    walk.step(LaneNext::RetryAfter(pause)).await?;
                    let enabled = Some(Err(WhyDisabled::Gone));
                    let change = EndpointChange { enabled, ..EndpointChange::default() };
                    store.change_endpoint(endpoint.id, change).await?;
                    return Ok(Some(false));
                }
                Outcome::Failed { retry_after, .. } => {
                    went_well = Some(false);
                    walk.lane.attempts += 1;
                    let Some(wait) = schedule::delay(walk.lane.attempts, retry_after) else {
                        // Others must not wait for it for ever.
                        walk.done(&recorded, Some((&tried, DeliveryState::Dead)));
                        continue;
                    };
                    walk.log(&recorded, &tried, DeliveryState::Retrying);
                    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1));
                    walk.step(LaneNext::RetryAfter(wait)).await?;
                    return Ok(Some(false));
                }
            }
            if walk.is_turn_over() {
                walk.step(LaneNext::Release).await?;
                return Ok(went_well);
            }
            if walk.is_step_due() && !walk.step(LaneNext::GoOn).await? {
                return Ok(went_well);
            }
        }
        // Where nothing was for this endpoint, too: the lease must not end on the way.
        if is_last || walk.is_turn_over() {
            walk.step(LaneNext::Release).await?;
            return Ok(went_well);
        }
        if walk.is_step_due() && !walk.step(LaneNext::GoOn).await? {
            return Ok(went_well);
        }
    }
}

/// The receiver's status, if it answered.
pub fn status(outcome: Outcome) -> Option<u16> {
    match outcome {
        Outcome::Done(status) => Some(status),
        Outcome::Gone => Some(410),
        Outcome::Failed { status, .. } => status,
    }
}

/// Why a try failed, if it did.
pub fn failure(outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Done(_) => None,
        Outcome::Gone => Some("gone".to_owned()),
        Outcome::Failed { reason, .. } => Some(reason.as_str().to_owned()),
    }
}

/// A worker's turn at a lane.
struct Walk<'a> {
    store: &'a dyn BookingStore,
    steps: &'a Steps<LaneStep>,
    lane: Lane,
    lease: LeaseId,
    began: Instant,
    /// What has happened since the last write.
    deliveries: Vec<Delivery>,
    stepped: Instant,
}

impl<'a> Walk<'a> {
    fn new(
        store: &'a dyn BookingStore,
        steps: &'a Steps<LaneStep>,
        lane: Lane,
        lease: LeaseId,
    ) -> Self {
        let now = Instant::now();
        Self { store, steps, lane, lease, began: now, deliveries: Vec::new(), stepped: now }
    }

    /// Sends one message, and keeps the lane's lease meanwhile. `None` if it was lost.
    async fn send(
        &mut self,
        sender: &Sender,
        endpoint: &Endpoint,
        recorded: &RecordedFact,
    ) -> Result<Option<Try>, StoreError> {
        let (store, lane) = (self.store, self.lane);
        let sending = sender.send(store, endpoint, lane.event_id, recorded);
        tokio::pin!(sending);
        let mut renewals = interval(RENEW_EVERY);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first renewal is immediate.
        renewals.tick().await;
        loop {
            tokio::select! {
                tried = &mut sending => return tried,
                _ = renewals.tick() => {
                    if !self.step(LaneNext::GoOn).await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Notes that a fact is done.
    fn done(&mut self, recorded: &RecordedFact, tried: Option<(&Try, DeliveryState)>) {
        if let Some((tried, state)) = tried {
            if state != DeliveryState::Dead {
                self.lane.attempts += 1;
            }
            self.log(recorded, tried, state);
        }
        self.lane.version = recorded.version;
        self.lane.attempts = 0;
    }

    fn log(&mut self, recorded: &RecordedFact, tried: &Try, state: DeliveryState) {
        let endpoint_id = self.lane.sink.endpoint().expect("messages are sent to endpoints");
        self.deliveries.push(Delivery {
            endpoint_id,
            event_id: self.lane.event_id,
            version: recorded.version,
            kind: tried.kind,
            state,
            attempts: self.lane.attempts,
            tried_at: recorded.recorded_at,
            status: status(tried.outcome),
            failure: failure(tried.outcome),
        });
    }

    fn is_step_due(&self) -> bool {
        self.deliveries.len() >= STEP_MAX || self.stepped.elapsed() >= STEP_EVERY
    }

    fn is_turn_over(&self) -> bool {
        self.began.elapsed() >= TURN
    }

    /// Writes its progress. Returns whether the lease still held.
    async fn step(&mut self, next: LaneNext) -> Result<bool, StoreError> {
        let mut step = LaneStep::new(&self.lane, self.lease, next);
        step.deliveries = std::mem::take(&mut self.deliveries);
        self.stepped = Instant::now();
        self.steps.write(step).await
    }
}
