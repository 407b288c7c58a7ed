//! Recounts every event against its rows now and then, in the background.

use crate::service::Service;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The most differences of one recount that are logged.
const LOGGED_MAX: usize = 20;

/// Recounts until the server stops.
pub(crate) async fn run(service: Arc<Service>, every: Duration) {
    while !service.is_stopping() {
        sleep(every).await;
        match service.store.audit().await {
            Ok(report) => {
                let differences = report.differences.len();
                let is_whole = report.missing.is_empty() || differences > 0;
                service.metrics.audited(is_whole.then_some(differences));
                for cell in &report.missing {
                    log::warn!("audit: cell {cell} could not be asked");
                }
                for difference in report.differences.iter().take(LOGGED_MAX) {
                    log::error!("audit: {difference}");
                }
                let (events, registrations) = (report.events, report.registrations);
                log::info!(
                    "audit: {events} events, {registrations} registrations, {differences} differences"
                );
            }
            Err(error) => {
                service.metrics.audited(None);
                log::warn!("audit: {error}");
            }
        }
    }
}
