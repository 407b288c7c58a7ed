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

/// Makes, signs and sends messages.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Arc<WebhookClient>,
    key: PresentKey,
}

/// What became of one try.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// The message's type.
    pub kind: WebhookType,
    /// What the receiver made of it.
    pub outcome: Outcome,
}

impl Sender {
    /// One that sends by `client` what it signs with whatever `key` is then, and with each endpoint's secret.
    pub fn new(client: WebhookClient, key: PresentKey) -> Self {
        Self { client: Arc::new(client), key }
    }

    /// The same, for another runtime ([`WebhookClient::apart`]).
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { client: Arc::new(self.client.apart()), key: self.key.clone() }
    }

    /// Tries once to send what a fact tells. `None` if it tells nothing.
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

    /// Tries once to send what is sent to try an endpoint.
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

/// Whose a registration is now, if it is of an event of the endpoint's own organizer still: events can be given away.
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

/// In which state an event is, where a fact about it does not say that itself.
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

/// Sends what there is for as long as it is this worker's turn. Tells whether the last message went well, if one
/// was tried.
///
/// # Errors
/// The store's. What was sent and is not written down is sent again, under the same id.
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
        // What came after it was claimed may not be for it, and is routed to it if it is.
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
                    // Workers hear of it a moment later, and are not to ask again until then.
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
                        // Others are not to wait for it for ever.
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

/// What a receiver answered, if it did.
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
    /// What has happened since it was written down.
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

    /// Sends one message, and keeps the lane meanwhile. `None` if it was lost.
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
        // The first is at once.
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

    /// Takes down that a fact is behind us.
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

    /// Writes down how far it is. Tells whether the lane was still this worker's.
    async fn step(&mut self, next: LaneNext) -> Result<bool, StoreError> {
        let mut step = LaneStep::new(&self.lane, self.lease, next);
        step.deliveries = std::mem::take(&mut self.deliveries);
        self.stepped = Instant::now();
        self.steps.write(step).await
    }
}
