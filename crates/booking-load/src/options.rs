//! What a flash sale is run with.

use crate::backoff::RetryPolicy;
use crate::client::Limits;
use crate::token::OrganizerToken;
use std::time::Duration;

/// What to run, and against what.
#[derive(Debug, Clone)]
pub struct FlashOptions {
    /// The servers, at least one. They share one database; the load is spread over all of them.
    pub urls: Vec<String>,
    /// Whose the event is, where the servers are not open to anybody.
    pub token: Option<OrganizerToken>,
    /// The capacity of the event that is created.
    pub seats: u32,
    /// How many clients want a seat, each with an address of its own.
    pub clients: u32,
    /// How many of them are there at once, each on a connection of its own.
    pub concurrency: usize,
    /// How long the storm may take. A client without a final answer by then is a violation.
    pub timeout: Duration,
    /// How long one call may wait.
    pub limits: Limits,
    /// For this long after its first failure a client goes on asking whatever happens: for servers
    /// that are killed and started again meanwhile.
    pub tolerate_outages: Duration,
    /// After that, how many more times it asks.
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
