use crate::{
    Backlog, Delivery, DeliveryCursor, DueLane, EmailAddress, Endpoint, EndpointChange, EndpointId,
    EventId, Lane, LaneStep, LeaseId, Mail, NewEndpoint, NewMail, Page, PageLimit, Person,
    RecordedFact, Registration, RegistrationCursor, RegistrationId, SettledMail, SinkId,
    StoreError, Version,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt;

/// Stores where facts go and how far they have come: the dispatcher (`booking-delivery`) keeps no state itself.
///
/// A fact is written by the transaction that made it true, and is new until it was *routed*:
/// [`route_facts`](Self::route_facts) finds new facts, creates or extends the *lanes* of their events, one for each
/// sink that they are for, and marks them as not new. Workers [claim](Self::claim_lanes) lanes that are due, read the
/// [facts](Self::facts_after) after the lane's version, and write how far they have come ([`advance`](Self::advance)).
/// A lane and a mail belong to a worker for [`LEASE`](crate::LEASE); what it writes under a lease that it has lost
/// changes nothing.
///
/// ```
/// use booking_core::prelude::*;
/// use booking_core::{
///     EndpointSecret, EndpointUrl, FactKind, LaneNext, LaneStep, LeaseId, NewEndpoint, PageLimit, SinkId,
/// };
/// # use booking_core::{Capacity, CapacityMax, EventName, NewEvent};
/// use uuid::Uuid;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = booking_conformance::MemoryStore::default();
/// let url = EndpointUrl::parse("https://hooks.example.org/booking", false)?;
/// // 32 random bytes, by which the receiver verifies the sender.
/// let new = NewEndpoint::new(Uuid::now_v7().into(), url, EndpointSecret::new([7; 32]));
/// let sink = SinkId::from(store.create_endpoint(new).await?.expect("there is room").id);
/// # let seats = Capacity::parse(30, CapacityMax::default())?;
/// # let meetup = NewEvent::new(Uuid::now_v7().into(), EventName::parse("Rust meetup")?, seats);
/// let event = store.create_event(meetup).await?;
///
/// while store.route_facts(PageLimit::MAX).await? > 0 {}
/// let lease = LeaseId::from(Uuid::now_v7());
/// let lane = store.claim_lanes(&[(sink, 1)], lease).await?.remove(0);
/// let facts = store.facts_after(event.id, lane.version, PageLimit::MAX).await?;
/// assert_eq!(facts[0].fact.kind, FactKind::EventCreated);
/// // Now a message of each fact is sent. The lane is released for later facts.
/// let mut step = LaneStep::new(&lane, lease, LaneNext::Release);
/// step.version = lane.target;
/// assert_eq!(store.advance(&[step]).await?, [true]);
/// assert!(store.claim_lanes(&[(sink, 1)], lease).await?.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # What a store writes
///
/// Beside each row of facts whether it is new, with an index of new rows, or for each event from which version on they
/// are: the hot path writes nothing else. Then six tables: the endpoints; when a server that sends mail was last there;
/// the lanes, by event and sink; the deliveries, by event, endpoint and version; the mails, by event and id; the former
/// holders, by event, registration and version ([`EventChange::former_holders`](crate::EventChange::former_holders)).
/// The last one alone holds personal data: all other mails are rendered from the registration when they are sent. It is
/// written by the transaction that decided, and only if facts are for mail then; its rows are deleted with their mails,
/// with [erased registrations](crate::EventChange::erased), and after [`DELIVERIES_KEPT`](crate::DELIVERIES_KEPT). All
/// times are the store's. In the tables of `booking-conformance` (`tables/delivery.rs`) these are `DeliveryTables`. The
/// reminder time is on the event's row, where edits write it
/// ([`EditedEvent::remind_at`](crate::EditedEvent::remind_at)).
#[async_trait]
pub trait DeliveryStore: fmt::Debug + Send + Sync {
    /// Stores an endpoint. One that exists already under its id is returned unchanged: repeating the call is safe.
    /// `None` if its organizer has [`ENDPOINTS_MAX`](crate::ENDPOINTS_MAX) already.
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError>;

    /// Every endpoint, oldest first, disabled ones included.
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError>;

    /// Changes an endpoint, and returns it; `None` if there is none with this id.
    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError>;

    /// Records whether deliveries to an endpoint succeed: `false` stores since when it fails, unless that is stored
    /// already; `true` clears it.
    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError>;

    /// Deletes an endpoint with its lanes and deliveries, and returns whether it existed.
    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError>;

    /// Records that a server is there that sends mail: facts are for mail, too, for the next
    /// [`MAIL_SEEN_KEPT`](crate::MAIL_SEEN_KEPT).
    async fn show_mail(&self) -> Result<(), StoreError>;

    /// Routes up to `limit` rows of new facts, or all new facts of up to `limit` events where a store marks them by
    /// event, and returns how many rows or events; 0 if nothing is new. A fact is for mail, if a server that sends it
    /// was seen, and for each endpoint of its event's organizer that is for all events or for this one, disabled ones
    /// included. A new lane begins before the first new fact of its event; a lane that had nothing to do is due at
    /// once. Several callers may route at the same time.
    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError>;

    /// Claims lanes that are due: of each sink in `wanted` up to so many, longest due first. If the answer is lost,
    /// they are due again once the lease has ended.
    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError>;

    /// The lanes that [`claim_lanes`](Self::claim_lanes) would claim, and since when they are due. It claims nothing:
    /// it is for a store made of several, which has to choose among their lanes.
    async fn due_lanes(&self, wanted: &[(SinkId, usize)]) -> Result<Vec<DueLane>, StoreError>;

    /// Up to `limit` facts of an event after `version`, in order.
    async fn facts_after(
        &self,
        event_id: EventId,
        version: Version,
        limit: PageLimit,
    ) -> Result<Vec<RecordedFact>, StoreError>;

    /// The fact that made `version`, if there is one.
    async fn fact(
        &self,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<RecordedFact>, StoreError>;

    /// Writes how far workers have come, each on its own lane, in one transaction, and returns for each in turn whether
    /// the lane was still its worker's; if not, nothing of its step is written. A delivery that is in the log already
    /// is overwritten. A worker loses its lane when it releases it; if its lease has merely ended, only when another
    /// worker claims it.
    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError>;

    /// The registrations of an event after `after`, oldest first, whose rows are live, even if the event was cancelled:
    /// the recipients of its mails. `None` if there is no such event.
    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError>;

    /// Up to `limit` live registrations of `user_email`, which is in its canonical spelling, of events that are neither
    /// cancelled nor over, newest event first: it reads each such event, and is for an attendee who has lost the link.
    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError>;

    /// An endpoint's log, latest attempt first.
    async fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError>;

    /// One message of an endpoint's log.
    async fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError>;

    /// Writes into an endpoint's log a message that was sent beside its lane, because an organizer requested it. It
    /// must be in the log already, else nothing is written.
    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError>;

    /// Makes everything that waits for a retry due at once: the lanes of `sink`, or of all, and their mails; stuck
    /// mails too, as if they had never been tried. Returns how many.
    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError>;

    /// Drops everything that is to be done for `sink`, and returns for how many events or mails. Stuck mails are then
    /// dropped for good, and no [former holder](Self::former_holder) is kept any more.
    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError>;

    /// Stores mails to be sent, beside any lane; existing ones are left unchanged. A store that events leave answers
    /// [`StoreError::Unavailable`] if one of their events is not there: another attempt stores them where it is.
    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError>;

    /// Claims up to `at_most` mails that are due, longest due first.
    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError>;

    /// The holder of a registration until that version of its event transferred it, as long as they are stored for the
    /// mail that notifies them.
    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError>;

    /// Writes the results of mails, all different, in one transaction, and returns for each in turn whether the mail
    /// was still the worker's; if not, nothing of it is written. A [former holder](Self::former_holder) is deleted with
    /// the mail to them ([`MailKind::HandedOver`](crate::MailKind::HandedOver)) once that was sent or dropped; a stuck
    /// one may be retried.
    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError>;

    /// Up to `limit` events whose reminder is due, longest overdue first, with the reminder time: if no server sent
    /// reminders in between, that may be long ago.
    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError>;

    /// Records that the attendees of an event were reminded for `remind_at`: no reminder is due for that time any more.
    /// If an edit has changed the time since, nothing changes. This makes no version and no fact.
    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// How far delivery lags behind, without disabled endpoints. It reads all undone work, so do not call it every
    /// second.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// Deletes up to `limit` deliveries last tried, mails done, and former holders stored
    /// [`DELIVERIES_KEPT`](crate::DELIVERIES_KEPT) ago, and returns how many in all.
    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError>;
}
