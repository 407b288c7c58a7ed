//! The hottest reads, each shared by all callers at the same time, down to the bytes of the response.

use crate::api::compression::SLICE_BYTES;
use crate::api::pagination::PageBody;
use crate::api::responses::{EventBody, json};
use crate::problem::ApiError;
use crate::service::batch_loader::LaneLoaders;
use crate::service::single_flight::SingleFlight;
use crate::util::locks::lock;
use actix_web::web::Bytes;
use booking_core::{
    Agenda, Availability, BookingStore, Caller, Event, EventCursor, EventId, EventStatus, EventTag,
    OrganizerId, Page, PageLimit, RegistrationId, StoreError, When,
};
use futures_util::future::join_all;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// How many long pages are stored, of about a mebibyte each.
const PAGES_REMEMBERED_MAX: usize = 8;

/// An event as it is sent, and the fields that decide who may see it.
#[derive(Clone)]
pub(crate) struct EventAnswer {
    organizer_id: Option<OrganizerId>,
    status: EventStatus,
    /// The tag of the whole state; `None` if time alone has changed it since.
    pub(crate) tag: Option<EventTag>,
    pub(crate) json: Bytes,
    pub(crate) event: Arc<Event>,
}

/// The reads of one process.
pub(crate) struct Reads {
    store: Arc<dyn BookingStore>,
    events: SingleFlight<EventId, Result<Option<EventAnswer>, StoreError>>,
    event_pages:
        SingleFlight<(Caller, Option<EventCursor>, PageLimit), Result<PageBody, StoreError>>,
    first_events: SingleFlight<PageLimit, Result<Arc<Vec<Event>>, StoreError>>,
    events_by_registration: LaneLoaders<RegistrationId, Option<EventId>>,
    /// The same for registrations that are not where their ids lead: such a look-up waits for all cells.
    events_elsewhere: LaneLoaders<RegistrationId, Option<EventId>>,
    availability: LaneLoaders<EventId, Option<Availability>>,
    last_pages: Arc<LastPages>,
}

/// The long pages that were read last. No request is answered from here; but a client that reads the very same
/// again shares its bytes with those that have not read all of theirs yet, however many those are.
#[derive(Default)]
struct LastPages(Mutex<VecDeque<PageBody>>);

impl LastPages {
    /// `page`, sharing the stored bytes if they are equal.
    fn share(&self, page: PageBody) -> PageBody {
        if page.len() <= SLICE_BYTES {
            return page;
        }
        let mut pages = lock(&self.0);
        if let Some(same) = pages.iter().find(|other| other.is_same(&page)) {
            return same.clone();
        }
        if pages.len() == PAGES_REMEMBERED_MAX {
            pages.pop_front();
        }
        pages.push_back(page.clone());
        page
    }
}

impl Reads {
    pub(crate) fn new(store: Arc<dyn BookingStore>) -> Self {
        Self {
            store,
            events: SingleFlight::default(),
            event_pages: SingleFlight::default(),
            first_events: SingleFlight::default(),
            events_by_registration: LaneLoaders::default(),
            events_elsewhere: LaneLoaders::default(),
            availability: LaneLoaders::default(),
            last_pages: Arc::default(),
        }
    }

    /// One event, for `caller`.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] also for one that `caller` may not see; the store's.
    pub(crate) async fn event(&self, caller: Caller, id: EventId) -> Result<EventAnswer, ApiError> {
        let event = self.any_event(id).await?;
        let sees = caller.sees(event.organizer_id, event.status);
        if sees { Ok(event) } else { Err(ApiError::NotFound) }
    }

    /// Checks that `caller` manages an event.
    ///
    /// # Errors
    /// [`ApiError::NotFound`]; the store's.
    pub(crate) async fn check_manages(&self, caller: Caller, id: EventId) -> Result<(), ApiError> {
        let event = self.any_event(id).await?;
        if caller.manages(event.organizer_id) { Ok(()) } else { Err(ApiError::NotFound) }
    }

    /// The availability of events that `caller` may see.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is one that `caller` may not see; the store's.
    pub(crate) async fn availability(
        &self,
        caller: Caller,
        ids: &[EventId],
    ) -> Result<Vec<Availability>, ApiError> {
        let read = |id: &EventId| {
            let store = Arc::clone(&self.store);
            let read = move |ids: Vec<EventId>| {
                let store = Arc::clone(&store);
                async move { store.availability(&ids).await }
            };
            let id = *id;
            let loader = self.availability.of(self.store.lane_of(id));
            async move { loader.get(id, read).await }
        };
        let mut found = Vec::with_capacity(ids.len());
        for availability in join_all(ids.iter().map(read)).await {
            let availability = availability?.filter(|of| caller.sees(of.organizer_id, of.status));
            found.push(availability.ok_or(ApiError::NotFound)?);
        }
        Ok(found)
    }

    async fn any_event(&self, id: EventId) -> Result<EventAnswer, ApiError> {
        let store = Arc::clone(&self.store);
        let read = move || {
            let store = Arc::clone(&store);
            async move {
                let event = store.event(id).await?;
                Ok(event.map(|event| EventAnswer {
                    organizer_id: event.organizer_id,
                    status: event.rules.status,
                    tag: event.is_settled.then(|| EventTag::from(&event)),
                    json: json(&EventBody::from(&event)),
                    event: Arc::new(event),
                }))
            }
        };
        let event = self.events.get(id, read).await.ok_or(ApiError::Panic)??;
        event.ok_or(ApiError::NotFound)
    }

    /// A page of the listing at `path`, of all events that `caller` may see.
    pub(crate) async fn events(
        &self,
        caller: Caller,
        path: &'static str,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<PageBody, ApiError> {
        let (store, last_pages) = (Arc::clone(&self.store), Arc::clone(&self.last_pages));
        let read = move || {
            let (store, last_pages) = (Arc::clone(&store), Arc::clone(&last_pages));
            async move {
                let page = store.events(caller, after, limit).await?;
                let page = PageBody::of::<_, EventBody<'_>, _>(path, &page, limit, "");
                Ok(last_pages.share(page))
            }
        };
        Ok(self.event_pages.get((caller, after, limit), read).await.ok_or(ApiError::Panic)??)
    }

    /// The upcoming events, the next first, in the public view.
    pub(crate) async fn first_events(&self, limit: PageLimit) -> Result<Arc<Vec<Event>>, ApiError> {
        let store = Arc::clone(&self.store);
        let read = move || {
            let store = Arc::clone(&store);
            async move {
                let agenda = Agenda { from: None, to: None, when: Some(When::Upcoming) };
                let page = store.events_by_start(Caller::Anyone, agenda, None, limit).await?;
                Ok(Arc::new(page.items))
            }
        };
        Ok(self.first_events.get(limit, read).await.ok_or(ApiError::Panic)??)
    }

    /// The same for the few events in `ids` alone.
    pub(crate) async fn events_among(
        &self,
        caller: Caller,
        path: &'static str,
        ids: &[EventId],
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<PageBody, ApiError> {
        let key = |cursor: EventCursor| (cursor.created_at, cursor.id);
        let mut events = self.found_among(caller, ids).await?;
        events.retain(|event| after.is_none_or(|after| key(event.into()) < key(after)));
        events.sort_by_key(|event| Reverse(key(event.into())));
        let page = Page::new(events, limit);
        Ok(PageBody::of::<_, EventBody<'_>, EventCursor>(path, &page, limit, ""))
    }

    /// The events in `ids`, which are few, that `caller` may see.
    pub(crate) async fn found_among(
        &self,
        caller: Caller,
        ids: &[EventId],
    ) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::with_capacity(ids.len());
        for id in ids {
            let event = self.store.event(*id).await?;
            events.extend(event.filter(|event| caller.finds(event)));
        }
        Ok(events)
    }

    /// The event that a registration belongs to: commands for a registration go to its event's row, which the
    /// registration's address does not name.
    pub(crate) async fn event_of(&self, id: RegistrationId) -> Result<EventId, ApiError> {
        // It ends as its event's does.
        let lane = self.store.lane_of(id.as_uuid().into());
        let store = Arc::clone(&self.store);
        let read = move |ids: Vec<RegistrationId>| {
            let store = Arc::clone(&store);
            async move { store.events_where_ids_lead(&ids).await }
        };
        if let Some(event) = self.events_by_registration.of(lane).get(id, read).await? {
            return Ok(event);
        }
        if self.store.cells().len() < 2 {
            return Err(ApiError::NotFound);
        }
        let store = Arc::clone(&self.store);
        let read = move |ids: Vec<RegistrationId>| {
            let store = Arc::clone(&store);
            async move { store.events_by_registration(&ids).await }
        };
        self.events_elsewhere.of(lane).get(id, read).await?.ok_or(ApiError::NotFound)
    }
}
