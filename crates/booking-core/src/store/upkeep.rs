use crate::{
    AuditReport, CellState, Connections, EmailAddress, EventId, PageLimit, RegistrationId,
    StoreError, StoreHealth, StoredBytes, StoredMap, Totals,
};
use async_trait::async_trait;
use std::fmt;

/// Finds work that is due by time, personal data to be erased, and the state of the store.
///
/// The work found here is done by commands, like all other changes: [`Settle`](crate::Command::Settle),
/// [`Erase`](crate::Command::Erase), [`EraseDue`](crate::Command::EraseDue). The `Sweeper` of `booking-admission` sends
/// them on time.
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
/// [`due_events`](Self::due_events) uses [`EventChange::due_at`](crate::EventChange::due_at) as it was written,
/// [`erasable_events`](Self::erasable_events) [`EditedEvent::erase_at`](crate::EditedEvent::erase_at): both are columns
/// of the event's row, and need an index. An audit recounts rows and facts ([`EventCount`](crate::EventCount)), and
/// [`AuditReport::of`] checks the rules. In the tables of `booking-conformance` (`tables.rs`) that is
/// `EventTable::count`.
///
/// # What a store deletes
///
/// Idempotency records: [`purge_records`](Self::purge_records) those that no longer
/// [`hold`](crate::IdempotencyRecord::holds), [`purge_records_of`](Self::purge_records_of) those whose
/// [`Outcome::registration`](crate::Outcome::registration) has the address. Both purge the records of events and those
/// of requests that created one; in the tables this is `Tables::purge_records`. Beside them the former holders with an
/// address ([`purge_former_holders_of`](Self::purge_former_holders_of)), and nothing else.
#[async_trait]
pub trait UpkeepStore: fmt::Debug + Send + Sync {
    /// Events that time alone has changed, longest overdue first: for [`Command::Settle`](crate::Command::Settle).
    /// Where events are in several places, each place has its own order, and all get their share.
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError>;

    /// Events with personal data due to be erased, longest overdue first: for
    /// [`Command::EraseDue`](crate::Command::EraseDue).
    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError>;

    /// Up to `limit` registrations of any event and in any state whose address is `user_email`, which is in its
    /// canonical spelling, or is another spelling of it: for [`Command::Erase`](crate::Command::Erase). It reads every
    /// registration, and blocks no other caller meanwhile.
    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError>;

    /// Deletes up to `limit` idempotency records that hold `user_email`, in any spelling, and returns how many. A
    /// record may hold an address that has no registration any more, because the seat was transferred.
    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError>;

    /// Deletes up to `limit` [former holders](crate::DeliveryStore::former_holder) whose address is `user_email`, which
    /// is in its canonical spelling, and returns how many. A former holder may have no registration any more.
    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError>;

    /// Deletes up to `limit` expired idempotency records, and returns how many. Where events are moved, it also deletes
    /// outdated traces of moves: that an event arrived [a while ago](crate::MOVED_LATELY), that a move had begun, and
    /// the room and rows of an event that did not arrive ([`ROOM_KEPT`](crate::ROOM_KEPT)).
    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError>;

    /// Recounts every event against its rows, in one consistent view.
    async fn audit(&self) -> Result<AuditReport, StoreError>;

    /// Asks the store for its health. An `Err` is an answer too.
    async fn health(&self) -> Result<StoreHealth, StoreError>;

    /// Sums over all published events. It reads every event, so do not call it every second.
    async fn totals(&self) -> Result<Totals, StoreError>;

    /// The store's connections at this moment, without a call to the database.
    fn connections(&self) -> Connections;

    /// The state of its cells, as last known, without a call to them. A store that is one database has none.
    fn cells(&self) -> Vec<CellState> {
        Vec::new()
    }

    /// The map stored here, if this is the home cell and a map was stored
    /// ([`MoveStore::replace_map`](crate::MoveStore::replace_map)).
    async fn stored_map(&self) -> Result<Option<StoredMap>, StoreError> {
        Ok(None)
    }

    /// The bytes and the map set by [`MoveStore::keep_to`](crate::MoveStore::keep_to), if any.
    async fn stored_bytes(&self) -> Result<Option<StoredBytes>, StoreError> {
        Ok(None)
    }
}
