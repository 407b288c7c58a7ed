//! What is read most: shared by those who ask at the same time, down to the bytes of the answer.

use crate::coalesce::Coalesced;
use crate::gather::Gathered;
use crate::page::PageBody;
use crate::problem::ApiError;
use crate::wire::{EventBody, json};
use actix_web::web::Bytes;
use booking_core::{
    BookingStore, EventCursor, EventId, Listed, PageLimit, RegistrationId, StoreError, Version,
};
use std::sync::Arc;

/// An event as it is sent.
#[derive(Clone)]
pub(crate) struct EventAnswer {
    /// The version that says everything that is shown; `None` if time alone has changed it since.
    pub(crate) version: Option<Version>,
    pub(crate) json: Bytes,
}

/// The reads of one process.
pub(crate) struct Reads {
    store: Arc<dyn BookingStore>,
    events: Coalesced<EventId, Result<Option<EventAnswer>, StoreError>>,
    event_pages: Coalesced<(Option<EventCursor>, PageLimit), Result<PageBody, StoreError>>,
    events_of: Gathered<RegistrationId, Option<EventId>>,
}

impl Reads {
    pub(crate) fn new(store: Arc<dyn BookingStore>) -> Self {
        Self {
            store,
            events: Coalesced::default(),
            event_pages: Coalesced::default(),
            events_of: Gathered::default(),
        }
    }

    /// One event.
    pub(crate) async fn event(&self, id: EventId) -> Result<EventAnswer, ApiError> {
        let store = Arc::clone(&self.store);
        let read = move || {
            let store = Arc::clone(&store);
            async move {
                let event = store.event(id).await?;
                Ok(event.map(|event| EventAnswer {
                    version: event.is_settled.then_some(event.version),
                    json: json(&EventBody::from(&event)),
                }))
            }
        };
        let event = self.events.get(id, read).await.ok_or(ApiError::Panic)??;
        event.ok_or(ApiError::NotFound)
    }

    /// A page of the listing at `path`, of all events.
    pub(crate) async fn events(
        &self,
        path: &'static str,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<PageBody, ApiError> {
        let store = Arc::clone(&self.store);
        let read = move || {
            let store = Arc::clone(&store);
            async move {
                let page = store.events(after, limit).await?;
                Ok(PageBody::of::<_, EventBody<'_>, _>(path, &page, limit, Listed::default()))
            }
        };
        Ok(self.event_pages.get((after, limit), read).await.ok_or(ApiError::Panic)??)
    }

    /// The event that a registration belongs to: what is asked of a registration goes to its event's
    /// row, which the registration's address does not name.
    pub(crate) async fn event_of(&self, id: RegistrationId) -> Result<EventId, ApiError> {
        let store = Arc::clone(&self.store);
        let read = move |ids: Vec<RegistrationId>| {
            let store = Arc::clone(&store);
            async move { store.events_of(&ids).await }
        };
        self.events_of.get(id, read).await?.ok_or(ApiError::NotFound)
    }
}
