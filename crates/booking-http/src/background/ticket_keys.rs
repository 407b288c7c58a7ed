//! Tells other servers again and again with which keys this one signs tickets, and reads with which they do.

use crate::service::Service;
use crate::util::failure_log::FailureLog;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often a server shows what it signs with, and looks what others do. It is shown much more often than
/// it is forgotten.
const SHOW_EVERY: Duration = Duration::from_secs(60);

/// Shows and reads keys until the server stops.
pub(crate) async fn run(service: Arc<Service>) {
    let mut ticks = interval(SHOW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is at once, and was done before.
    ticks.tick().await;
    let mut failures = FailureLog::default();
    while !service.is_stopping() {
        ticks.tick().await;
        failures.record("read the ticket keys", service.tickets.read_again().await);
        failures.record("show the ticket keys", service.tickets.show().await);
    }
}
