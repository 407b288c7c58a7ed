//! Sends messages to organizers' endpoints, and nowhere else.

mod connection;
mod connector;
mod outcome;
mod pool;
mod resolver;
#[cfg(test)]
mod tests;
mod tls;

pub use outcome::{Outcome, Reason, Sent};
pub use resolver::{LOOKUP_WITHIN, LOOKUPS_PER_ORGANIZER_MAX, Resolver, SystemResolver};
pub use tls::RootsError;

use crate::webhook::addresses::Reach;
use crate::webhook::signature::SignedHeaders;
use booking_core::{EndpointUrl, OrganizerId};
use chrono::{DateTime, Utc};
use connector::Connector;
use http_body_util::Full;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use pool::{Leased, Pool};
use resolver::FairResolver;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout};
use url::Position;

/// The timeout of a try, from the name look-up to the response head.
pub const TRY_WITHIN: Duration = Duration::from_secs(15);

/// The `User-Agent`.
const AGENT: &str = concat!("Booking/", env!("CARGO_PKG_VERSION"));

/// Where messages may go, and how addresses are found.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The addresses that may be connected to.
    pub reach: Reach,
    /// A PEM file of authorities that are trusted beside the system's.
    pub extra_roots: Option<PathBuf>,
    /// Resolves names.
    pub resolver: Arc<dyn Resolver>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        let resolver = Arc::new(SystemResolver::default());
        Self { reach: Reach::default(), extra_roots: None, resolver }
    }
}

/// Sends messages, over connections that it keeps for a while.
///
/// For each connection the receiver's address is resolved and checked, right before the connection is made, to the
/// address that was checked. Redirects are not followed. Of an answer only the status is kept.
pub struct WebhookClient {
    connector: Connector,
    pool: Pool,
    /// [`TRY_WITHIN`], except in tests.
    within: Duration,
}

impl WebhookClient {
    /// A client.
    ///
    /// # Errors
    ///
    /// If the file of further authorities cannot be read. If the system has none, that is logged.
    pub fn new(options: &ClientOptions) -> Result<Self, RootsError> {
        let tls = tls::connector(options.extra_roots.as_deref())?;
        let resolver = FairResolver::new(Arc::clone(&options.resolver));
        let reach = options.reach;
        let connector = Connector { resolver, tls, reach, allows: Reach::allows };
        Ok(Self { connector, pool: Pool::default(), within: TRY_WITHIN })
    }

    /// The same, with its own connections: a kept connection is driven by the runtime that made it, and ends with it.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { connector: self.connector.clone(), pool: Pool::default(), within: self.within }
    }

    /// Checks whether a URL of `organizer` leads to an allowed address at this moment, which promises nothing for
    /// the next: to report a mistake to an organizer at once.
    ///
    /// # Errors
    ///
    /// [`Reason::CannotResolve`], [`Reason::AddressRefused`] or [`Reason::Timeout`].
    pub async fn check(
        &self,
        organizer: Option<OrganizerId>,
        url: &EndpointUrl,
    ) -> Result<(), Reason> {
        let looked_up = timeout(self.within, self.connector.addresses(organizer, url)).await;
        looked_up.unwrap_or(Err(Reason::Timeout)).map(drop)
    }

    /// Tries once to send a message of `organizer`, within [`TRY_WITHIN`]. After an error the receiver may have got
    /// it all the same, or twice if a kept connection broke.
    pub async fn send(
        &self,
        organizer: Option<OrganizerId>,
        url: &EndpointUrl,
        headers: &SignedHeaders,
        body: Bytes,
    ) -> Sent {
        let began = Instant::now();
        let request = request(url, headers, body);
        let tried = match request {
            Some(request) => timeout(self.within, self.try_to_send(organizer, url, request)).await,
            None => Ok(Err(Reason::CannotConnect)),
        };
        let outcome = match tried {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(reason)) => Outcome::without_answer(reason),
            Err(_) => Outcome::without_answer(Reason::Timeout),
        };
        Sent { outcome, took: began.elapsed() }
    }

    async fn try_to_send(
        &self,
        organizer: Option<OrganizerId>,
        url: &EndpointUrl,
        request: Request<Full<Bytes>>,
    ) -> Result<Outcome, Reason> {
        if let Some(mut leased) = self.pool.take(url) {
            match leased.connection.exchange(request.clone()).await {
                Ok(answer) => return Ok(self.finish(leased, answer).await),
                Err(error) if error.is_parse() => return Err(Reason::of(&error)),
                // The receiver closed it while it was idle, as it may at any time.
                Err(_) => {}
            }
        }
        let mut leased = Leased::new(self.connector.connect(organizer, url).await?, url);
        let answer = leased.connection.exchange(request).await.map_err(|e| Reason::of(&e))?;
        Ok(self.finish(leased, answer).await)
    }

    /// Turns the response head into an outcome, and keeps the connection if the answer was read to its end.
    async fn finish(&self, leased: Leased, answer: hyper::Response<Incoming>) -> Outcome {
        let outcome = Outcome::of(&answer, DateTime::<Utc>::from(SystemTime::now()));
        if connection::drain(answer.into_body()).await {
            self.pool.put(leased);
        }
        outcome
    }
}

/// `None` for a URL that HTTP cannot carry.
fn request(
    url: &EndpointUrl,
    headers: &SignedHeaders,
    body: Bytes,
) -> Option<Request<Full<Bytes>>> {
    let url = url.as_url();
    let request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::BeforePath])
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &headers.id)
        .header("webhook-timestamp", headers.timestamp)
        .header("webhook-signature", &headers.signature);
    request.body(Full::new(body)).ok()
}

impl fmt::Debug for WebhookClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookClient")
            .field("reach", &self.connector.reach)
            .finish_non_exhaustive()
    }
}
