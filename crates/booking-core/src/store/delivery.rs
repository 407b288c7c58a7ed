use crate::{
    Backlog, Delivery, DeliveryCursor, DueLane, EmailAddress, Endpoint, EndpointChange, EndpointId,
    EventId, Lane, LaneStep, LeaseId, Mail, NewEndpoint, NewMail, Page, PageLimit, Person,
    RecordedFact, Registration, RegistrationCursor, RegistrationId, SettledMail, SinkId,
    StoreError, Version,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt;

/// Keeps where facts go and how far they have come: what carries them out (`booking-delivery`) keeps nothing
/// itself.
///
/// A fact is written by the transaction that made it true, and is new until it was *routed*:
/// [`route_facts`](Self::route_facts) finds those that are new, makes or lengthens the *lanes* of their events,
/// one for each sink that they are for, and they are not new any more. Workers
/// [claim](Self::claim_lanes) lanes that are due, read the [facts](Self::facts_after) after their version, and
/// write how far they have come ([`advance`](Self::advance)). A lane and a mail are a worker's for
/// [`LEASE`](crate::LEASE); what it writes under a lease that it has lost changes nothing.
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
/// // 32 random bytes, by which the receiver knows whose messages they are.
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
/// // Now a message of each is sent. The lane is given back for what happens next.
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
/// Beside each row of facts whether it is new, with an index of those that are, or for each event from which
/// version on they are: the hot path writes nothing else. Then six tables: the endpoints; when a server that sends
/// mail was there last; the lanes, by event and sink; the deliveries, by event, endpoint and version; the mails, by
/// event and id; the attendees whose seats were given to another, by event, registration and version
/// ([`EventChange::former_holders`](crate::EventChange::former_holders)). That last one alone is personal: all other
/// mails are rendered from the registration when they are sent. It is written by the transaction that decided, and
/// only if facts are for mail then; its rows go with their mails, with [what is
/// erased](crate::EventChange::erased), and after [`DELIVERIES_KEPT`](crate::DELIVERIES_KEPT).
/// All times are the store's. In the tables of `booking-conformance` (`tables/delivery.rs`) these are
/// `DeliveryTables`. When people are to be reminded is on the event's row, where edits write it
/// ([`EditedEvent::remind_at`](crate::EditedEvent::remind_at)).
#[async_trait]
pub trait DeliveryStore: fmt::Debug + Send + Sync {
    /// Keeps an endpoint. One that is there already under its id is returned as it is: asking again is safe.
    /// `None` if its organizer has [`ENDPOINTS_MAX`](crate::ENDPOINTS_MAX) already.
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError>;

    /// Every endpoint, oldest first, those that are disabled included.
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError>;

    /// Changes an endpoint, and returns it as it is then; `None` if there is none with this id.
    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError>;

    /// Writes how it goes with an endpoint: `false` notes since when it fails, unless that is known; `true`
    /// forgets it.
    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError>;

    /// Deletes an endpoint with its lanes and deliveries, and tells whether it was there.
    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError>;

    /// Says that a server is there that sends mail: facts are for mail, too, for the next
    /// [`MAIL_SEEN_KEPT`](crate::MAIL_SEEN_KEPT).
    async fn show_mail(&self) -> Result<(), StoreError>;

    /// Routes up to `limit` rows of facts that are new, or all that are of up to `limit` events where a store keeps
    /// by event what is, and tells how many of these; 0 if nothing is new. A fact is for mail, if a server that
    /// sends it was seen, and for each endpoint of its event's organizer that is for all events or for this
    /// one, disabled ones included. A lane that is made begins before the first fact of its event that is new;
    /// one that had nothing to do is due at once. Several may route at the same time.
    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError>;

    /// Claims lanes that are due: of each sink in `wanted` up to so many, longest due first. If nobody hears of
    /// a claim because the answer was lost, they are due again once the lease has ended.
    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError>;

    /// Which lanes [`claim_lanes`](Self::claim_lanes) would claim, and since when they are due. Nothing becomes of them
    /// by that: it is for a store of several, which has to choose among their lanes.
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

    /// Writes how far workers have come, each on a lane of its own, in one transaction, and tells of each in turn
    /// whether the lane was still its worker's; if not, nothing of its step is written. A delivery that is in the
    /// log already is overwritten. A lane is not its worker's any more once it was released; one whose lease has
    /// merely ended is, as long as nobody else has claimed it.
    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError>;

    /// The registrations of an event after `after`, oldest first, whose rows say that they are live, whatever
    /// has become of the event: those who are to hear of it. `None` if there is no such event.
    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError>;

    /// Up to `limit` live registrations of `user_email`, which is in its canonical spelling, of events that are
    /// neither cancelled nor over, newest event first: it looks at each such event, and is for an attendee who
    /// has lost the link.
    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError>;

    /// An endpoint's log, with the latest try first.
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

    /// Writes into an endpoint's log what was sent beside its lane, because an organizer asked for it. It must be
    /// there already, else nothing is written.
    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError>;

    /// Lets what waits for another try be tried at once: the lanes of `sink`, or of all, and their mails; those
    /// mails that were given up, too, as if they had never been tried. Tells how many.
    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError>;

    /// Gives up whatever is to be done for `sink`, and tells for how many events or mails. Mails that are stuck
    /// are then given up for good, and no [former holder](Self::former_holder) is kept any more.
    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError>;

    /// Keeps mails to be sent, beside any lane; one that is there already is left as it is.
    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError>;

    /// Claims up to `at_most` mails that are due, longest due first.
    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError>;

    /// Who had a registration until that version of its event gave it to another attendee, as long as that is kept for
    /// the mail that tells them.
    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError>;

    /// Writes what became of mails, each another, in one transaction, and tells of each in turn whether it was still the
    /// worker's; if not, nothing of it is written. What is kept of a [former holder](Self::former_holder) goes with a
    /// mail to them ([`MailKind::HandedOver`](crate::MailKind::HandedOver)) that was sent or dropped; one that is
    /// stuck may be tried again.
    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError>;

    /// Up to `limit` events of which people are to be reminded by now, longest overdue first, with the time at which
    /// they were to be: where nobody reminded them in between, that may be long ago.
    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError>;

    /// Takes note that the attendees of an event that were to be reminded at `remind_at` are: nobody is any more at that time. If
    /// it is another one by now, because of an edit, nothing changes. This makes no version and no fact.
    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// How far delivery lags behind, but for endpoints that are disabled. It reads what is undone, and so is not for every second.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// Deletes up to `limit` deliveries that were tried last, mails that were done, and former holders that were kept,
    /// [`DELIVERIES_KEPT`](crate::DELIVERIES_KEPT) ago, and tells how many in all.
    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError>;
}
