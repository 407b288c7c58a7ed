use crate::{
    Agenda, Availability, Caller, EmailAddress, Event, EventCursor, EventId, HistoryEntry, Listed,
    Page, PageLimit, Questions, Registration, RegistrationCounts, RegistrationCursor,
    RegistrationId, StartCursor, StoreError,
};
use async_trait::async_trait;
use std::fmt;

/// Shows what a store keeps. Nothing here locks or writes.
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
/// What is committed, as it is at the store's time: a hold that has run out counts for nothing, whether its row
/// says so or not. [`Registration::as_of`] does that to a registration; of an event, `booked_count` is without
/// the holds and offers that have run out, and `is_settled` tells whether there are any.
///
/// Pages are made by [`Page::new`] of one row more than were asked for. What comes where is said by
/// [`EventCursor`] and [`RegistrationCursor`]; a position in the queue is one more than how many wait whose
/// `created_version` is smaller. A history is the facts about a registration of one event; where the event was
/// cancelled, [`EditedEvent::cancelled_version`](crate::EditedEvent::cancelled_version) names the fact that
/// belongs to the history of all that was live.
///
/// In the tables of `booking-conformance` (`tables.rs`) these are `EventTable::event`, `with_position` and
/// `history`.
#[async_trait]
pub trait ReadStore: fmt::Debug + Send + Sync {
    /// The event, or `None` if there is none with this id. What has run out is not counted, swept or
    /// not.
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError>;

    /// All that an event asks and has asked of those who come, or `None` if there is no such event. It asks nothing
    /// until [`Command::SetQuestions`](crate::Command::SetQuestions) says what.
    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError>;

    /// How full each event is: `availability[i]` is that of `ids[i]`, and says what [`event`](Self::event) would.
    /// Asked of all events that are watched, several times a second, so it reads nothing else of them.
    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError>;

    /// The events after `after`, newest first: all that `caller` [finds](Caller::finds).
    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError>;

    /// The events of `agenda` after `after` in its order: all of them that `caller` [finds](Caller::finds). What is over is so
    /// at the store's time.
    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError>;

    /// The registrations of an event after `after`, oldest first, or `None` if there is no such
    /// event. What has run out is shown as expired, and what was live in a cancelled event as
    /// cancelled. Without positions in the queue.
    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError>;

    /// Registrations of an event by their ids, as [`registrations`](Self::registrations) shows them: `found[i]` is
    /// that of `ids[i]`. `None` if there is no such event. At most one id more than a page may have items.
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

    /// How many registrations of an event are in which state now, of all that ever were, or `None` if there is no
    /// such event. It must not look at each of them: there may be millions.
    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError>;

    /// A registration as it is now, with its position in the queue; `None` if there is none with this
    /// id.
    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError>;

    /// The event of each registration: `events[i]` is that of `ids[i]`. It never changes.
    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError>;

    /// The same for those that lie where their ids lead, or where they were found before. A store of several databases
    /// asks nobody else, so that one of them that is away is nothing to the others; `None` then says that it may be
    /// elsewhere. A store that is one database has nothing else to ask.
    async fn events_where_ids_lead(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        self.events_by_registration(ids).await
    }

    /// Whether an event that is not here is on its way here, came [just now](crate::MOVED_LATELY), or was moved away: then it
    /// is not lost, and the caller is to ask again, or elsewhere. Of a store that no event was ever moved to or from it is `false`.
    async fn is_moving(&self, _event: EventId) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The same of a registration: whether any event that it could be of, by its id, is one of those.
    async fn may_be_moving(&self, _registration: RegistrationId) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// What happened to a registration, oldest first: the last `limit` facts about it, and that its
    /// event was cancelled, if it was and the registration was live. `None` if there is no such
    /// registration.
    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError>;
}
