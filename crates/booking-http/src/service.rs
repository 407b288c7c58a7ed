//! The state that handlers share: the store, the queue in front of it, shared reads, tickets, limits and metrics.

pub(crate) mod agenda;
mod batch_loader;
pub(crate) mod bulkhead;
pub(crate) mod known_addresses;
pub(crate) mod link_recovery;
pub(crate) mod live;
mod reads;
pub(crate) mod search;
pub(crate) mod signing_keys;
mod single_flight;
pub(crate) mod tickets;
pub(crate) mod webhooks;

use crate::api::base_url::BaseUrl;
use crate::auth::callers::RegistrationAuth;
use crate::extract::path::DeliveryId;
use crate::limits::{ClientLimits, Confirming, Holds, REFUSAL_PAUSE, Seats};
use crate::problem::ApiError;
use crate::service::bulkhead::{AT_ONCE_ON_SQLITE, Bulkhead};
use crate::service::known_addresses::{Known, KnownAddresses};
use crate::service::link_recovery::LinkRecovery;
use crate::service::live::Live;
use crate::service::reads::Reads;
use crate::service::search::Search;
use crate::service::tickets::Tickets;
use crate::service::webhooks::Webhooks;
use crate::telemetry::MetricsAt;
use crate::telemetry::cell_map::CellMapState;
use crate::telemetry::lag::LastLag;
use crate::telemetry::metrics::{Metrics, Snapshot};
use crate::telemetry::readiness::{Readiness, Ready};
use crate::telemetry::request_id;
use actix_web::rt::time::sleep;
use booking_admission::{Admission, SubmitError};
use booking_cells::CELLS_MAX;
use booking_core::{
    BookingStore, Caller, Command, EventCommand, EventId, IdempotencyKey, Outcome, Registration,
    RegistrationId, Retention, StoreError,
};
use booking_delivery::mail::Breaker;
use booking_delivery::{Sender, Supervisor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::sync::mpsc::Receiver;

/// One for the whole process, shared by its workers.
pub(crate) struct Service {
    pub(crate) store: Arc<dyn BookingStore>,
    pub(crate) reads: Reads,
    /// The search among the people of an event.
    pub(crate) search: Search,
    pub(crate) admission: Admission,
    /// The limits of writes that bypass the queue: one for each cell of the store, so that one that does not answer
    /// delays no other.
    bulkheads: Vec<Bulkhead>,
    pub(crate) tickets: Tickets,
    pub(crate) webhooks: Webhooks,
    /// The recovery of lost links, where mail is sent.
    pub(crate) link_recovery: Option<LinkRecovery>,
    /// The last measured lag of delivery.
    pub(crate) lag: LastLag,
    /// The supervisor of delivery and the other background tasks.
    pub(crate) delivering: Supervisor,
    pub(crate) background: Supervisor,
    /// Whether the mail server is there.
    pub(crate) mail_server: Breaker,
    /// The default retention of an event's personal data.
    pub(crate) retention: Option<Retention>,
    pub(crate) holds: Holds,
    pub(crate) seats: Seats,
    pub(crate) confirming: Confirming,
    /// Whether mail goes out.
    pub(crate) mail_is_on: bool,
    known_addresses: KnownAddresses,
    /// The watchers of events.
    pub(crate) live: Arc<Live>,
    /// The prefix of links that are followed later, if it is known.
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) metrics_at: MetricsAt,
    /// The map of cells that this server follows.
    pub(crate) cell_map: CellMapState,
    readiness: Readiness,
    under_way: AtomicUsize,
    stopping: AtomicBool,
    stopped: Notify,
}

impl Service {
    pub(crate) fn new(
        store: Arc<dyn BookingStore>,
        admission: Admission,
        tickets: Tickets,
        limits: &ClientLimits,
    ) -> Self {
        Self {
            reads: Reads::new(Arc::clone(&store)),
            search: Search::new(Arc::clone(&store)),
            webhooks: Webhooks::new(Arc::clone(&store)),
            link_recovery: None,
            lag: LastLag::default(),
            delivering: Supervisor::default(),
            background: Supervisor::default(),
            mail_server: Breaker::default(),
            bulkheads: bulkheads(&*store, AT_ONCE_ON_SQLITE),
            store,
            admission,
            tickets,
            retention: None,
            holds: Holds::new(limits),
            seats: Seats::new(limits),
            confirming: Confirming::default(),
            mail_is_on: false,
            known_addresses: KnownAddresses::default(),
            live: Arc::new(Live::new(usize::MAX, limits.client_live_max)),
            base_url: None,
            metrics: Arc::new(Metrics::new()),
            metrics_at: MetricsAt::Here,
            cell_map: CellMapState::default(),
            readiness: Readiness::default(),
            under_way: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            stopped: Notify::new(),
        }
    }

    /// The same, with this default retention for new events.
    pub(crate) fn with_retention(self, retention: Option<Retention>) -> Self {
        Self { retention, ..self }
    }

    /// The same, with or without mail.
    pub(crate) fn with_mail(self, mail_is_on: bool) -> Self {
        Self { mail_is_on, ..self }
    }

    /// The same, with this prefix of links.
    pub(crate) fn with_base_url(self, base_url: Option<BaseUrl>) -> Self {
        Self { base_url, ..self }
    }

    /// The same, with at most so many connections that watch events.
    pub(crate) fn with_live_max(self, max: usize, limits: &ClientLimits) -> Self {
        Self { live: Arc::new(Live::new(max, limits.client_live_max)), ..self }
    }

    /// The same, counting in `metrics`, which are served at `metrics_at`.
    pub(crate) fn with_metrics(self, metrics: Arc<Metrics>, metrics_at: MetricsAt) -> Self {
        Self { metrics, metrics_at, ..self }
    }

    /// The same, with cells of this version of their map.
    pub(crate) fn with_cell_map(self, version: u64) -> Self {
        Self { cell_map: CellMapState::of(version), ..self }
    }

    /// The same, with `sender` for webhooks.
    pub(crate) fn with_sender(self, sender: Sender, allows_private: bool) -> Self {
        Self { webhooks: self.webhooks.sent_by(sender, allows_private), ..self }
    }

    /// The same, with `link_recovery` for lost links.
    pub(crate) fn with_link_recovery(self, link_recovery: Option<LinkRecovery>) -> Self {
        Self { link_recovery, ..self }
    }

    /// The same, with at most `at_once` writes beside the queue at a time.
    pub(crate) fn with_bulkhead(self, at_once: usize) -> Self {
        Self { bulkheads: bulkheads(&*self.store, at_once), ..self }
    }

    /// The bulkhead of writes that belong to no event.
    pub(crate) fn bulkhead(&self) -> &Bulkhead {
        &self.bulkheads[0]
    }

    /// Runs a write that bypasses the queue, and belongs to no event.
    pub(crate) async fn write_limited<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, SubmitError> {
        self.write_behind(self.bulkhead(), work).await
    }

    /// The same for an event that is to be created.
    pub(crate) async fn write_limited_of<T>(
        &self,
        event_id: EventId,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, SubmitError> {
        let cell = usize::from(self.store.lane_of(event_id).cell);
        let bulkhead = self.bulkheads.get(cell).unwrap_or(self.bulkhead());
        self.write_behind(bulkhead, work).await
    }

    async fn write_behind<T>(
        &self,
        bulkhead: &Bulkhead,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, SubmitError> {
        let done = bulkhead.run(work).await;
        if let Err(SubmitError::Overloaded) = done {
            sleep(REFUSAL_PAUSE).await;
        }
        done
    }

    /// Executes a command, as part of the current request.
    pub(crate) async fn submit(&self, item: EventCommand) -> Result<Outcome, SubmitError> {
        let item = item.with_request_id(request_id::current());
        let outcome = self.admission.submit(item).await;
        match &outcome {
            Ok(outcome) => self.search.note(outcome),
            Err(SubmitError::Overloaded) => sleep(REFUSAL_PAUSE).await,
            Err(_) => {}
        }
        outcome
    }

    /// Executes a command about a registration, for the caller of its route.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is no such registration; why it was not executed.
    pub(crate) async fn submit_for(
        &self,
        holder: RegistrationAuth,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<Outcome, ApiError> {
        let (event_id, caller) = match holder.is_mailed {
            false => (self.reads.event_of(holder.id).await?, holder.caller),
            true => {
                let registration = self.store.registration(holder.id).await?;
                let registration = registration.ok_or(ApiError::NotFound)?;
                (registration.event_id, self.caller_about(&registration, holder).await)
            }
        };
        let item = EventCommand::new(event_id, caller, command).with_key(key);
        Ok(self.submit(item).await?)
    }

    /// The caller who asks about `registration`: the bearer of a mailed link's token is the attendee it was mailed
    /// to.
    async fn caller_about(&self, registration: &Registration, holder: RegistrationAuth) -> Caller {
        let (Caller::Attendee(shown), true) = (holder.caller, holder.is_mailed) else {
            return holder.caller;
        };
        let manager = self.tickets.mailed_to(registration, shown).await;
        manager.map_or(holder.caller, Caller::Attendee)
    }

    /// Whether the resource of this path is on its way to or from this store, or was moved away. If the store
    /// fails, the answer stays that it was not found.
    pub(crate) async fn has_moved(&self, path: &str) -> bool {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        while let Some(part) = parts.next() {
            let moved = match part {
                "events" | "e" => match parts.next().map(str::parse) {
                    Some(Ok(id)) => self.store.is_moving(id).await,
                    _ => continue,
                },
                "registrations" | "r" => match parts.next().map(str::parse) {
                    Some(Ok(id)) => self.store.may_be_moving(id).await,
                    _ => continue,
                },
                "deliveries" => match parts.next().map(str::parse) {
                    Some(Ok(DeliveryId { event_id, .. })) => self.store.is_moving(event_id).await,
                    _ => continue,
                },
                _ => continue,
            };
            return moved.unwrap_or(false) || self.may_go_by_an_old_map().await;
        }
        false
    }

    /// Whether a missing resource may be where a newer map has it: a server with that map may have created it
    /// there. One look at the home each, which requests for existing resources do not pay.
    async fn may_go_by_an_old_map(&self) -> bool {
        let version = self.cell_map.version();
        if version == 0 || self.cell_map.is_new() {
            return version != 0;
        }
        match self.store.stored_map().await {
            Ok(stored) => stored.is_some_and(|stored| stored.version > version),
            // It cannot be known.
            Err(_) => true,
        }
    }

    /// The private link of a registration, to be mailed to its holder; `None` if this server's URL is not known, or
    /// the registration has no token.
    pub(crate) fn mailed_link(&self, registration: &Registration) -> Option<String> {
        let token = self.tickets.mail_token(registration)?;
        Some(self.base_url.as_ref()?.of_registration(registration.id, &token))
    }

    /// A registration, for callers who may read it: its event's organizer, and the holder of its token.
    ///
    /// # Errors
    /// [`ApiError::NotFound`], [`ApiError::Forbidden`], the store's.
    pub(crate) async fn registration(
        &self,
        holder: RegistrationAuth,
    ) -> Result<Registration, ApiError> {
        let registration = self.store.registration(holder.id).await?.ok_or(ApiError::NotFound)?;
        match self.caller_about(&registration, holder).await {
            Caller::Attendee(hash) if registration.token_hash == Some(hash) => {}
            Caller::Attendee(_) => return Err(ApiError::Forbidden),
            manager => self.reads.check_manages(manager, registration.event_id).await?,
        }
        Ok(registration)
    }

    /// Queues a mail to the attendee about a registration that was requested again. The caller does not wait for
    /// it.
    pub(crate) fn notify_of_registration(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
    ) {
        self.known_addresses.hand_on((event_id, registration_id));
    }

    /// The receiver of that queue, for its one task.
    pub(crate) fn take_known_addresses(&self) -> Option<Receiver<Known>> {
        self.known_addresses.take_receiver()
    }

    /// Whether this server should get requests.
    pub(crate) async fn ready(&self) -> Ready {
        let (is_stopping, has_other_keys) = (self.is_stopping(), self.tickets.has_others());
        let ready = self.readiness.check(is_stopping, has_other_keys, self.store.health()).await;
        ready
            .with_delivery(self.lag.report(self.delivering.down(), self.mail_server.away_for()))
            .with_background(self.background.down())
            .with_cells(&self.store.cells(), self.cell_map.is_outdated())
    }

    /// The metrics, as `/metrics` shows them.
    pub(crate) async fn metrics_text(&self) -> String {
        let now = Snapshot {
            ready: self.ready().await,
            requests_under_way: self.requests_under_way(),
            live_watchers: self.live.watchers(),
            queue_commands: self.admission.depth(),
            queue_age: self.admission.age(),
            connections: self.store.connections(),
            cells: self.store.cells(),
            cell_map_version: self.cell_map.version(),
            cell_map_is_outdated: self.cell_map.is_outdated(),
            cell_map_publishing_for: self.cell_map.publishing_for().unwrap_or_default(),
            lag: self.lag.get(),
            mail_server_away: self.mail_server.away_for(),
            tasks: [self.delivering.tasks(), self.background.tasks()].concat(),
        };
        self.metrics.show(&now, self.store.totals()).await
    }

    /// Counts a request as under way until the returned guard is dropped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(Arc::clone(self))
    }

    pub(crate) fn requests_under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// From now on every response asks its client to close the connection, and all watchers are disconnected.
    pub(crate) fn begin_stopping(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stopped.notify_waiters();
        self.live.end();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Returns when it stops.
    pub(crate) async fn stopped(&self) {
        // Before the check, so that a stop that begins after it is not missed.
        let stopped = self.stopped.notified();
        if !self.is_stopping() {
            stopped.await;
        }
    }
}

/// One for each cell that a store may come to have, also for one that is being emptied, or one for the store.
fn bulkheads(store: &dyn BookingStore, at_once: usize) -> Vec<Bulkhead> {
    let count = if store.cells().is_empty() { 1 } else { CELLS_MAX + 1 };
    (0..count).map(|_| Bulkhead::new(at_once)).collect()
}

/// A request that is under way.
pub(crate) struct UnderWay(Arc<Service>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}
