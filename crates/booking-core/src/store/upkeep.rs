use crate::{
    AuditReport, CellState, Connections, EmailAddress, EventId, PageLimit, RegistrationId,
    StoreError, StoreHealth, StoredBytes, StoredMap, Totals,
};
use async_trait::async_trait;
use std::fmt;

/// Finds what time has brought and what is to be erased, and tells how the store is.
///
/// What is found here is done by commands, as everything else: [`Settle`](crate::Command::Settle),
/// [`Erase`](crate::Command::Erase), [`EraseDue`](crate::Command::EraseDue). The `Sweeper` of
/// `booking-admission` does that on time.
///
/// ```
/// use booking_conformance::{ManualClock, MemoryStore};
/// use booking_core::prelude::*;
/// use booking_core::{
///     Caller, Claim, Command, EmailAddress, EventCommand, Hold, HoldTtl, PageLimit, RegistrationId,
///     WhenBusy,
/// };
/// # use booking_core::{Capacity, CapacityMax, EventName, NewEvent};
/// use uuid::Uuid;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = ManualClock::default();
/// let store = MemoryStore::default().with_clock(clock.as_clock());
/// # let seats = Capacity::parse(30, CapacityMax::default())?;
/// # let meetup = NewEvent::new(Uuid::now_v7().into(), EventName::parse("Rust meetup")?, seats);
/// # let event = store.create_event(meetup).await?;
/// let id = RegistrationId::beside(event.id, Uuid::now_v7());
/// let ada = Claim::new(id, EmailAddress::parse("ada@example.org")?);
/// let hold = Command::Hold(Hold::new(ada, HoldTtl::parse(60)?));
/// let hold = EventCommand::new(event.id, Caller::Anyone, hold);
/// store.execute(&[hold], WhenBusy::Wait).await?;
/// assert!(store.due_events(PageLimit::MAX).await?.is_empty());
///
/// clock.advance_micros(60_000_000);
/// assert_eq!(store.due_events(PageLimit::MAX).await?, [event.id]);
/// let settle = EventCommand::new(event.id, Caller::Operator, Command::Settle);
/// store.execute(&[settle], WhenBusy::Wait).await?;
/// assert!(store.due_events(PageLimit::MAX).await?.is_empty());
/// assert!(store.audit().await?.differences.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # What a store reads
///
/// [`due_events`](Self::due_events) goes by [`EventChange::due_at`](crate::EventChange::due_at) as it was written,
/// [`erasable_events`](Self::erasable_events) by [`EditedEvent::erase_at`](crate::EditedEvent::erase_at): both
/// are columns of the event's row, and want an index. An audit recounts rows and facts
/// ([`EventCount`](crate::EventCount)), and [`AuditReport::of`] says what must hold. In the tables of
/// `booking-conformance` (`tables.rs`) that is `EventTable::count`.
///
/// # What a store deletes
///
/// Records of idempotency keys: [`purge_records`](Self::purge_records) those that no longer
/// [`hold`](crate::IdempotencyRecord::holds), [`purge_records_of`](Self::purge_records_of) those whose
/// [`Outcome::registration`](crate::Outcome::registration) is of the address. Both look at the records of events
/// and at those of requests that put one up; in the tables this is `Tables::purge_records`. Beside them the former holders of
/// seats, if they are of an address
/// ([`purge_former_holders_of`](Self::purge_former_holders_of)), and nothing else.
#[async_trait]
pub trait UpkeepStore: fmt::Debug + Send + Sync {
    /// Events on which time alone has something to do, longest overdue first: for
    /// [`Command::Settle`](crate::Command::Settle). Where events are in several places, that is each place's order, and
    /// all have their share.
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError>;

    /// Events of which something is to be erased, longest overdue first: for
    /// [`Command::EraseDue`](crate::Command::EraseDue).
    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError>;

    /// Up to `limit` registrations of any event and in any state that are of `user_email`, which is in its
    /// canonical spelling, or are in another one: for [`Command::Erase`](crate::Command::Erase). It reads every
    /// registration there is, and keeps nobody waiting meanwhile.
    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError>;

    /// Deletes up to `limit` records of idempotency keys that hold `user_email`, in any spelling, and tells how
    /// many. One may, although no registration is of it any more: its seat was given to another attendee.
    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError>;

    /// Deletes up to `limit` [former holders](crate::DeliveryStore::former_holder) whose address is `user_email`, which
    /// is in its canonical spelling, and tells how many. An attendee who gave a seat away may have no registration any more.
    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError>;

    /// Deletes up to `limit` records of idempotency keys that have run out, and tells how many. Where events are moved, it does the same
    /// with what is left of moves and says nothing any more: that one came [a while ago](crate::MOVED_LATELY), that a move
    /// of one had begun, and room with all that is in it for one that did not come ([`ROOM_KEPT`](crate::ROOM_KEPT)).
    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError>;

    /// Recounts every event against its rows, in one consistent view.
    async fn audit(&self) -> Result<AuditReport, StoreError>;

    /// Asks the store how it is. An `Err` is an answer too.
    async fn health(&self) -> Result<StoreHealth, StoreError>;

    /// Sums over all published events. It looks at every event, and so is not for every second.
    async fn totals(&self) -> Result<Totals, StoreError>;

    /// How the store's connections are used at this moment, without asking it anything.
    fn connections(&self) -> Connections;

    /// How its cells are, as far as is known without asking them anything. A store that is one database has none.
    fn cells(&self) -> Vec<CellState> {
        Vec::new()
    }

    /// The map that is kept here, if this is the home of many cells and one was written down
    /// ([`MoveStore::replace_map`](crate::MoveStore::replace_map)).
    async fn stored_map(&self) -> Result<Option<StoredMap>, StoreError> {
        Ok(None)
    }

    /// What it was told of the cell that it is ([`MoveStore::keep_to`](crate::MoveStore::keep_to)), if it was told anything.
    async fn stored_bytes(&self) -> Result<Option<StoredBytes>, StoreError> {
        Ok(None)
    }
}
