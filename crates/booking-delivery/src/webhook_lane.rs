//! One event's messages to one endpoint, in order.

use crate::limits::{FACTS_AT_ONCE, RENEW_EVERY, STEP_EVERY, STEP_MAX, TURN};
use crate::webhook::client::{Client, Outcome};
use crate::webhook::payload::{self, Subject};
use crate::webhook::schedule;
use crate::webhook::signature::{Signer, message_id};
use booking_core::{
    BookingStore, Delivery, DeliveryState, Endpoint, EndpointChange, EventStatus, FactKind, Lane,
    LaneNext, LaneStep, LeaseId, PageLimit, Person, RecordedFact, StoreError, WebhookType,
    WhyDisabled,
};
use chrono::{TimeDelta, Utc};
use std::sync::Arc;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Makes, signs and sends messages.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    signer: Arc<Signer>,
}

/// What became of one try.
#[derive(Debug)]
pub struct Try {
    /// The message's type.
    pub kind: WebhookType,
    /// What the receiver made of it.
    pub outcome: Outcome,
}

impl Sender {
    /// One that sends by `client` what `signer` has signed.
    pub fn new(client: Client, signer: Arc<Signer>) -> Self {
        Self { client, signer }
    }

    /// What is signed with, to be shown to receivers.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Tries once to send what a fact tells, as it is told now. `None` if it tells nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn send(
        &self,
        store: &dyn BookingStore,
        endpoint: &Endpoint,
        lane: &Lane,
        recorded: &RecordedFact,
    ) -> Result<Option<Try>, StoreError> {
        let Some(kind) = WebhookType::of(recorded.fact.kind) else { return Ok(None) };
        let person = match recorded.fact.registration_id.filter(|_| endpoint.includes_person) {
            Some(id) => store.registration(id).await?.map(|registration| registration.person),
            None => None,
        };
        let subject = Subject {
            event_id: lane.event_id,
            event_status: event_status(store, lane, recorded.fact.kind).await?,
            person: person.filter(|person: &Person| !person.is_erased()),
        };
        let body = payload::body(kind, recorded, &subject);
        let id = message_id(lane.event_id, recorded.version);
        let outcome = self.post(endpoint, &id, body).await;
        Ok(Some(Try { kind, outcome }))
    }

    /// Signs a message and sends it, once.
    pub async fn post(&self, endpoint: &Endpoint, id: &str, body: Vec<u8>) -> Outcome {
        let now = Utc::now();
        let former = endpoint.former_secret.as_ref().filter(|(_, until)| *until > now);
        let former = former.map(|(secret, _)| secret);
        let signed = self.signer.sign(&endpoint.secret, former, id, now, &body);
        self.client.post(&endpoint.url, &signed, body).await
    }
}

/// What state an event's change left it in. What was only edited may have been changed again since; then it is told as
/// it is.
async fn event_status(
    store: &dyn BookingStore,
    lane: &Lane,
    kind: FactKind,
) -> Result<Option<EventStatus>, StoreError> {
    Ok(match kind {
        FactKind::EventCreated | FactKind::EventPublished => Some(EventStatus::Published),
        FactKind::EventCancelled => Some(EventStatus::Cancelled),
        FactKind::EventDrafted => Some(EventStatus::Draft),
        FactKind::EventEdited | FactKind::EventMoved => {
            store.event(lane.event_id).await?.map(|event| event.rules.status)
        }
        _ => None,
    })
}

/// Sends what there is for as long as it is this worker's turn. Tells whether the last message went well, if one
/// was tried.
///
/// # Errors
/// The store's. What was sent and is not written down is sent again, under the same id.
pub(crate) async fn walk(
    store: &dyn BookingStore,
    sender: &Sender,
    endpoint: &Endpoint,
    lane: Lane,
    lease: LeaseId,
) -> Result<Option<bool>, StoreError> {
    let mut walk = Walk::new(store, lane, lease);
    let mut went_well = None;
    let limit = PageLimit::parse(FACTS_AT_ONCE).expect("it is a page's");
    loop {
        let facts = store.facts_after(lane.event_id, walk.lane.version, limit).await?;
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
                    walk.step(LaneNext::Release).await?;
                    let enabled = Some(Err(WhyDisabled::Gone));
                    let change = EndpointChange { enabled, ..EndpointChange::default() };
                    store.change_endpoint(endpoint.id, change).await?;
                    return Ok(Some(false));
                }
                Outcome::Failed { retry_after, .. } => {
                    went_well = Some(false);
                    walk.lane.attempts += 1;
                    let Some(wait) = schedule::wait(walk.lane.attempts, retry_after) else {
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
        if is_last {
            walk.step(LaneNext::Release).await?;
            return Ok(went_well);
        }
    }
}

/// A worker's turn at a lane.
struct Walk<'a> {
    store: &'a dyn BookingStore,
    lane: Lane,
    lease: LeaseId,
    began: Instant,
    /// What has happened since it was written down.
    deliveries: Vec<Delivery>,
    stepped: Instant,
}

impl<'a> Walk<'a> {
    fn new(store: &'a dyn BookingStore, lane: Lane, lease: LeaseId) -> Self {
        let now = Instant::now();
        Self { store, lane, lease, began: now, deliveries: Vec::new(), stepped: now }
    }

    /// Sends one message, and keeps the lane meanwhile. `None` if it was lost.
    async fn send(
        &mut self,
        sender: &Sender,
        endpoint: &Endpoint,
        recorded: &RecordedFact,
    ) -> Result<Option<Try>, StoreError> {
        let lane = self.lane;
        let sending = sender.send(self.store, endpoint, &lane, recorded);
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
            status: tried.outcome.status(),
            failure: tried.outcome.failure(),
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
        let step = LaneStep {
            event_id: self.lane.event_id,
            sink: self.lane.sink,
            lease: self.lease,
            version: self.lane.version,
            position: self.lane.position,
            attempts: self.lane.attempts,
            deliveries: std::mem::take(&mut self.deliveries),
            mails: Vec::new(),
            next,
        };
        self.stepped = Instant::now();
        self.store.advance(step).await
    }
}
