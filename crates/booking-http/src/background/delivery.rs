//! Delivers facts by mail and webhooks, in the background, and measures how far delivery lags behind.

use crate::auth::token_cache::TokenCache;
use crate::service::Service;
use crate::telemetry::lag::Lag;
use crate::telemetry::metrics::Metrics;
use crate::util::failure_log::FailureLog;
use booking_core::{
    EventId, Observation, Observer, OrganizerId, OrganizerName, Registration, StoreError,
};
use booking_delivery::{Dispatcher, Hint, Links, Postman, Sender, run_apart};
use booking_pg::keep_no_connections_here;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often the lag of delivery is measured.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The longest that a look may take.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// Delivers until the server stops, on a thread of its own: signing and composing take no time from requests for
/// seats. What is under way then is another server's after its lease.
///
/// # Panics
/// If no thread can be started. It is restarted like any task that has panicked.
pub(crate) async fn run(
    service: Arc<Service>,
    sender: Sender,
    postman: Option<Arc<Postman>>,
    hint: Hint,
) {
    let ended = run_apart("delivery", move || {
        keep_no_connections_here();
        let dispatcher = Dispatcher::new(Arc::clone(&service.store), sender, postman, hint);
        let dispatcher = dispatcher.supervised_by(service.delivering.clone());
        async move { dispatcher.run_until(service.stopped()).await }
    });
    if let Err(error) = ended.await {
        panic!("delivery has no thread: {error}");
    }
}

/// Measures the lag until the server stops, whichever server delivers.
pub(crate) async fn watch(service: Arc<Service>) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = FailureLog::default();
    while !service.is_stopping() {
        ticks.tick().await;
        let too_slow = |_| StoreError::unavailable(io::Error::from(io::ErrorKind::TimedOut));
        let looked = timeout(LOOK_WITHIN, service.store.backlog()).await;
        let backlog = looked.map_err(too_slow).flatten();
        service.lag.set(backlog.as_ref().ok().map(Lag::from));
        failures.record("look how far delivery lags behind", backlog.map(drop));
    }
}

/// Reports everything to metrics, and wakes delivery when there may be something to deliver.
#[derive(Debug)]
pub(crate) struct Hinting {
    metrics: Arc<Metrics>,
    hint: Hint,
}

impl Hinting {
    pub(crate) fn new(metrics: Arc<Metrics>, hint: Hint) -> Self {
        Self { metrics, hint }
    }
}

impl Observer for Hinting {
    fn observe(&self, observation: Observation<'_>) {
        self.metrics.observe(observation);
        if matches!(observation, Observation::Committed(_)) {
            self.hint.give();
        }
    }
}

/// What mails need of this server: links, tickets and names.
pub(crate) struct MailLinks {
    service: Arc<Service>,
    tokens: Arc<TokenCache>,
}

impl MailLinks {
    pub(crate) fn new(service: Arc<Service>, tokens: Arc<TokenCache>) -> Self {
        Self { service, tokens }
    }
}

impl Links for MailLinks {
    fn private_link(&self, registration: &Registration) -> Option<String> {
        self.service.mailed_link(registration)
    }

    fn event_link(&self, event_id: EventId) -> Option<String> {
        Some(self.service.base_url.as_ref()?.of_event(event_id))
    }

    fn ticket(&self, registration: &Registration) -> String {
        self.service.tickets.sign(registration).ticket
    }

    fn organizer(&self, id: OrganizerId) -> Option<OrganizerName> {
        self.tokens.organizer_name(id)
    }
}

impl fmt::Debug for MailLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailLinks").finish_non_exhaustive()
    }
}
