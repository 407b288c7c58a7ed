//! Webhooks as organizers manage them: their owners, and the messages that are sent on request.

use crate::limits::REFUSAL_PAUSE;
use crate::problem::ApiError;
use crate::service::single_flight::SingleFlight;
use actix_web::rt::time::sleep;
use booking_admission::SubmitError;
use booking_core::{
    BookingStore, Caller, Endpoint, EndpointId, EndpointUrl, OrganizerId, StoreError,
};
use booking_delivery::Sender;
use booking_delivery::webhook::addresses::Reach;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many messages are sent at once on request; one more is refused.
const SENT_AT_ONCE_MAX: usize = 8;

/// The result of reading every endpoint: one list for all concurrent callers.
type Endpoints = Result<Arc<[Endpoint]>, StoreError>;

/// The endpoints of one store.
pub(crate) struct Webhooks {
    store: Arc<dyn BookingStore>,
    endpoints: SingleFlight<(), Endpoints>,
    /// `None` where nothing can be sent.
    sender: Option<Sender>,
    allows_private: bool,
    turns: Semaphore,
}

impl Webhooks {
    /// The endpoints in `store`, without a sender.
    pub(crate) fn new(store: Arc<dyn BookingStore>) -> Self {
        Self {
            store,
            endpoints: SingleFlight::default(),
            sender: None,
            allows_private: false,
            turns: Semaphore::new(SENT_AT_ONCE_MAX),
        }
    }

    /// The same, with `sender`; also to this machine without TLS, if that is allowed.
    pub(crate) fn sent_by(self, sender: Sender, allows_private: bool) -> Self {
        Self { sender: Some(sender), allows_private, ..self }
    }

    /// The endpoints of `caller`, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn of(&self, caller: Caller) -> Result<Vec<Endpoint>, ApiError> {
        let all = self.all().await?;
        Ok(all.iter().filter(|endpoint| caller.manages(endpoint.organizer_id)).cloned().collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] also for one of another organizer; the store's.
    pub(crate) async fn get(&self, caller: Caller, id: EndpointId) -> Result<Endpoint, ApiError> {
        self.find(caller, id).await?.ok_or(ApiError::NotFound)
    }

    /// The same, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn find(
        &self,
        caller: Caller,
        id: EndpointId,
    ) -> Result<Option<Endpoint>, ApiError> {
        let all = self.all().await?;
        let found = all.iter().find(|endpoint| endpoint.id == id);
        Ok(found.filter(|endpoint| caller.manages(endpoint.organizer_id)).cloned())
    }

    async fn all(&self) -> Result<Arc<[Endpoint]>, ApiError> {
        let store = Arc::clone(&self.store);
        let read = move || {
            let store = Arc::clone(&store);
            async move { store.endpoints().await.map(Arc::<[Endpoint]>::from) }
        };
        Ok(self.endpoints.get((), read).await.ok_or(ApiError::Panic)??)
    }

    /// Whether messages may be sent to `url`, by the settings and as far as the URL shows it. Refusing it here
    /// spares the organizer a surprise; the check that counts is where a connection is made.
    pub(crate) fn allows(&self, url: &EndpointUrl) -> bool {
        let reach = if self.allows_private { Reach::Private } else { Reach::Public };
        let host = url.as_url().host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let leads_inside = address.is_ok_and(|address| !reach.allows(address));
        !leads_inside && EndpointUrl::parse(url.as_str(), self.allows_private).is_ok()
    }

    /// A turn at sending, and the sender. The response takes as long as the receiver's, so there are few.
    ///
    /// # Errors
    /// [`SubmitError::Overloaded`] if all turns are taken.
    pub(crate) async fn turn(&self) -> Result<(SemaphorePermit<'_>, Option<&Sender>), SubmitError> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok((turn, self.sender.as_ref()));
        }
        sleep(REFUSAL_PAUSE).await;
        Err(SubmitError::Overloaded)
    }
}

/// The organizer who owns what `caller` creates.
pub(crate) fn organizer_of(caller: Caller) -> Option<OrganizerId> {
    match caller {
        Caller::Organizer(id) => Some(id),
        Caller::Operator | Caller::OpenOrganizer | Caller::Anyone | Caller::Attendee(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_conformance::MemoryStore;

    #[test]
    fn a_url_to_a_private_address_is_refused_at_once() {
        let webhooks = |allows_private| Webhooks {
            allows_private,
            ..Webhooks::new(Arc::new(MemoryStore::default()))
        };
        let allows = |allows_private, url: &str| {
            let url = EndpointUrl::parse_stored(url).expect("a URL");
            webhooks(allows_private).allows(&url)
        };
        for url in ["https://example.org/", "https://1.1.1.1/", "https://[2606:4700::1111]/"] {
            assert!(allows(false, url) && allows(true, url), "{url}");
        }
        for url in ["https://10.0.0.1/", "https://2130706433/", "https://[::1]:8443/"] {
            assert!(!allows(false, url) && allows(true, url), "{url}");
        }
        assert!(!allows(false, "http://localhost:1/") && allows(true, "http://localhost:1/"));
        for url in ["https://169.254.169.254/", "https://[::ffff:169.254.169.254]/"] {
            assert!(!allows(false, url) && !allows(true, url), "{url}");
        }
    }

    #[actix_web::test]
    async fn few_are_sent_at_once() {
        let webhooks = Webhooks::new(Arc::new(MemoryStore::default()));
        let mut turns = Vec::new();
        for _ in 0..SENT_AT_ONCE_MAX {
            turns.push(webhooks.turn().await.expect("there is room").0);
        }
        assert!(matches!(webhooks.turn().await, Err(SubmitError::Overloaded)));
        turns.pop();
        assert!(webhooks.turn().await.is_ok());
    }
}
