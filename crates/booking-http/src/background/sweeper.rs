//! Applies what time alone changes, for as long as the server runs.

use crate::service::Service;
use booking_admission::Sweeper;
use booking_core::{Observer, PageLimit};
use std::sync::Arc;
use std::time::Duration;

/// Sweeps until the server stops. Purging takes turns with the other writes that bypass the queue.
pub(crate) async fn run(service: Arc<Service>, every: Duration) {
    let purging = Arc::clone(&service);
    let purge = move |limit: PageLimit| {
        let service = Arc::clone(&purging);
        async move { service.bulkhead().run(service.store.purge_records(limit)).await }
    };
    let observer: Arc<dyn Observer> = service.metrics.clone();
    let sweeper = Sweeper::new(Arc::clone(&service.store), service.admission.clone())
        .every(every)
        .observed_by(observer)
        .purging_by(purge);
    sweeper.run_until(service.stopped()).await;
}
