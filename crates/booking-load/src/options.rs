//! The options of a flash sale.

use crate::backoff::RetryPolicy;
use crate::client::Limits;
use crate::token::OrganizerToken;
use std::time::Duration;

/// What to run, and against which servers.
#[derive(Debug, Clone)]
pub struct FlashOptions {
    /// The servers, at least one. They share one database; the load is spread over all of them.
    pub urls: Vec<String>,
    /// The event's organizer, where servers require one.
    pub token: Option<OrganizerToken>,
    /// The capacity of the event that is created.
    pub seats: u32,
    /// The number of clients that want a seat, each with an address of its own.
    pub clients: u32,
    /// The number of concurrent clients, each on a connection of its own.
    pub concurrency: usize,
    /// How long the storm may take. A client without a final answer by then is a violation.
    pub timeout: Duration,
    /// The timeout of one call.
    pub limits: Limits,
    /// For this long after its first failure a client retries, however often: for servers that are killed and
    /// restarted meanwhile.
    pub tolerate_outages: Duration,
    /// After that, the number of further retries.
    pub retries: u32,
    /// Whether to show a progress bar on stderr, if that is a terminal.
    pub progress: bool,
}

impl FlashOptions {
    /// 20,000 clients for 1,000 seats, 1,000 at once, on one server.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            token: None,
            seats: 1_000,
            clients: 20_000,
            concurrency: 1_000,
            timeout: Duration::from_secs(120),
            limits: Limits::default(),
            tolerate_outages: Duration::ZERO,
            retries: 10,
            progress: false,
        }
    }

    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy { tolerate_outages: self.tolerate_outages, retries: self.retries }
    }
}
