//! The real surface over a store of a test's own, inside this process.

use crate::common::http::try_send;
use booking_core::{BookingStore, Clock};
use booking_http::config::Config;
use booking_http::serve_store;
use booking_testkit::free_port;
use chrono::{TimeDelta, Utc};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A clock in which a minute is `real` long.
pub(crate) fn fast_clock(real: Duration) -> Clock {
    let (began, began_at) = (Instant::now(), Utc::now());
    let factor = 60.0 / real.as_secs_f64();
    Arc::new(move || {
        let passed = began.elapsed().as_secs_f64() * factor;
        began_at + TimeDelta::microseconds((passed * 1e6) as i64)
    })
}

/// Serves the store that `open` makes, on the runtime that it is to live in, for as long as this
/// process runs. Returns where.
pub(crate) fn serve<F: Future<Output = Arc<dyn BookingStore>>>(
    open: impl FnOnce() -> F + Send + 'static,
) -> String {
    let port = free_port();
    thread::spawn(move || {
        let settings = move |name: &str| match name {
            "PORT" => Some(port.to_string()),
            "SHUTDOWN_SECONDS" => Some("1".to_owned()),
            _ => None,
        };
        let config = Config::read(&settings).expect("the settings are valid");
        actix_web::rt::System::new().block_on(async move {
            let store = open().await;
            serve_store(&config, store, "a test's own store").await.expect("it serves");
        });
    });
    let url = format!("http://127.0.0.1:{port}");
    let since = Instant::now();
    while try_send(&url, "GET", "/health", &[], b"").is_err() {
        assert!(since.elapsed() < STARTS_WITHIN, "the embedded server does not start");
        thread::sleep(Duration::from_millis(20));
    }
    url
}
