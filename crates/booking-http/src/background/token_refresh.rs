//! Reads the organizers' tokens again and again, so that tokens made or revoked elsewhere take effect here, too.

use crate::auth::token_cache::TokenCache;
use crate::service::Service;
use crate::util::failure_log::FailureLog;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often tokens are read again. It is how long a server takes to see a new or a revoked token, while the store
/// can be reached.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Refreshes `tokens` until the server stops. While the store cannot be reached, the tokens that were read last
/// stay valid.
pub(crate) async fn run(service: Arc<Service>, tokens: Arc<TokenCache>) {
    let mut ticks = interval(READ_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = FailureLog::default();
    while !service.is_stopping() {
        ticks.tick().await;
        let read = tokens.read_again(service.store.as_ref()).await;
        failures.record("read the organizers' tokens", read);
    }
}
