use crate::{
    Agenda, Availability, Caller, EmailAddress, Event, EventCursor, EventId, HistoryEntry, Listed,
    Page, PageLimit, Questions, Registration, RegistrationCounts, RegistrationCursor,
    RegistrationId, StartCursor, StoreError,
};
use async_trait::async_trait;
use std::fmt;

/// Reads of a store. Nothing here locks or writes.
///
/// ```
/// use booking_core::prelude::*;
/// use booking_core::{Caller, Listed, PageLimit};
/// # use booking_core::{Capacity, CapacityMax, EventName, NewEvent};
/// # use uuid::Uuid;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = booking_conformance::MemoryStore::default();
/// # let seats = Capacity::parse(30, CapacityMax::default())?;
/// # let meetup = NewEvent::new(Uuid::now_v7().into(), EventName::parse("Rust meetup")?, seats);
/// # store.create_event(meetup).await?;
/// let events = store.events(Caller::Anyone, None, PageLimit::default()).await?.items;
/// assert_eq!(events[0].details.name.as_str(), "Rust meetup");
/// assert_eq!(store.event(events[0].id).await?.as_ref(), Some(&events[0]));
///
/// let seated = store.registrations(events[0].id, Listed::Seated, None, PageLimit::MAX).await?;
/// assert!(seated.expect("there is such an event").items.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # What a store reads
///
/// Committed data, as of the store's time: an expired hold counts for nothing, whatever its row says.
/// [`Registration::as_of`] applies that to a registration; an event's `booked_count` excludes expired holds and offers,
/// and `is_settled` says whether there are any.
///
/// [`Page::new`] makes a page from one row more than requested. [`EventCursor`] and [`RegistrationCursor`] define the
/// order; a waitlist position is one more than how many wait whose `created_version` is smaller. A history is the facts
/// about a registration of one event; if the event was cancelled,
/// [`EditedEvent::cancelled_version`](crate::EditedEvent::cancelled_version) names the fact that belongs to the history
/// of every live registration.
///
/// In the tables of `booking-conformance` (`tables.rs`) these are `EventTable::event`, `with_position` and
/// `history`.
#[async_trait]
pub trait ReadStore: fmt::Debug + Send + Sync {
    /// The event, or `None` if there is none with this id. Expired holds are not counted, swept or not.
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError>;

    /// An event's current and retired questions, or `None` if there is no such event. It has none until
    /// [`Command::SetQuestions`](crate::Command::SetQuestions) sets them.
    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError>;

    /// The availability of each event: `availability[i]` is that of `ids[i]`, and equals what [`event`](Self::event)
    /// says. It is called for all watched events, several times a second, so it reads nothing else of them.
    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError>;

    /// The events after `after`, newest first, that listings [show](Caller::finds) to `caller`.
    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError>;

    /// The events of `agenda` after `after` in its order that listings [show](Caller::finds) to `caller`. The store's
    /// time decides whether an event is over.
    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError>;

    /// The registrations of an event after `after`, oldest first, or `None` if there is no such event. Expired holds
    /// are shown as expired, and registrations that were live in a cancelled event as cancelled. Without waitlist
    /// positions.
    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError>;

    /// Registrations of an event by id, as [`registrations`](Self::registrations) shows them: `found[i]` is that of
    /// `ids[i]`. `None` if there is no such event. At most one id more than a page may have items.
    async fn registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError>;

    /// Those registrations of an event that have these addresses and are live now: `found[i]` is that of
    /// `addresses[i]`. `None` if there is no such event. At most as many addresses as a page may have items.
    async fn registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError>;

    /// How many registrations of an event are in which state now, of all ever made, or `None` if there is no such
    /// event. It must not read each of them: there may be millions.
    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError>;

    /// A registration as it is now, with its waitlist position; `None` if there is none with this id.
    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError>;

    /// The event of each registration: `events[i]` is that of `ids[i]`. It never changes.
    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError>;

    /// The same for registrations that lie where their ids point, or where they were found before. A store of several
    /// databases reads no other database, so that one that is down does not affect the others; `None` then means that
    /// it may be elsewhere. A store that is one database has nowhere else to look.
    async fn events_where_ids_lead(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        self.events_by_registration(ids).await
    }

    /// Whether an event that is not here is being moved here, arrived [just now](crate::MOVED_LATELY), or was moved
    /// away: then the caller should repeat the request, or send it elsewhere. Always `false` for a store that no event
    /// was ever moved to or from.
    async fn is_moving(&self, _event: EventId) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The same for a registration: whether any event that it could belong to, by its id, is one of those.
    async fn may_be_moving(&self, _registration: RegistrationId) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The history of a registration, oldest first: the last `limit` facts about it, and the cancellation of its event,
    /// if the registration was live then. `None` if there is no such registration.
    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError>;
}
