//! Publishes the keys by which this server signs tickets to the other servers, again and again, and reads theirs.

use crate::service::Service;
use crate::util::failure_log::FailureLog;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often a server publishes its key and reads those of others. It is published much more often than it expires.
const SHOW_EVERY: Duration = Duration::from_secs(60);

/// Shows and reads keys until the server stops.
pub(crate) async fn run(service: Arc<Service>) {
    let mut ticks = interval(SHOW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once, and that was done before.
    ticks.tick().await;
    let mut failures = FailureLog::default();
    while !service.is_stopping() {
        ticks.tick().await;
        failures.record("read the ticket keys", service.tickets.read_again().await);
        failures.record("show the ticket keys", service.tickets.show().await);
    }
}
