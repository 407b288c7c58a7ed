use crate::{
    Event, EventCommand, EventId, Execution, IdempotencyKey, NewEvent, Outcome, StoreError,
    WhenBusy,
};
use async_trait::async_trait;
use std::fmt;

/// Which events may share a transaction, and where it is executed. Events of one lane may be in one batch; batches of
/// several cells of one node share its machine.
///
/// Facts are delivered along another kind of [`Lane`](crate::Lane).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct SeatLane {
    /// The machine, by its number.
    pub node: u16,
    /// The database on it, by its number. No two nodes have cells of one number.
    pub cell: u16,
}

/// Creates events and gives out their seats: the part of a store that must never be wrong.
///
/// ```
/// use booking_core::prelude::*;
/// use booking_core::{
///     Caller, Capacity, CapacityMax, Claim, Command, EmailAddress, EventCommand, EventName,
///     Execution, NewEvent, Outcome, RegistrationId, WhenBusy,
/// };
/// use uuid::Uuid;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = booking_conformance::MemoryStore::default();
/// let seats = Capacity::parse(30, CapacityMax::default())?;
/// let meetup = NewEvent::new(Uuid::now_v7().into(), EventName::parse("Rust meetup")?, seats);
/// let event = store.create_event(meetup).await?;
///
/// let id = RegistrationId::beside(event.id, Uuid::now_v7());
/// let ada = Claim::new(id, EmailAddress::parse("ada@example.org")?);
/// let batch = [EventCommand::new(event.id, Caller::Anyone, Command::Register(ada.into()))];
/// let executions = store.execute(&batch, WhenBusy::Wait).await?;
/// assert!(matches!(executions[0], Execution::Decided(Outcome::Confirmed(_))));
/// // A command repeated after a lost answer: still one seat is taken.
/// assert_eq!(store.execute(&batch, WhenBusy::Wait).await?, executions);
/// # Ok(())
/// # }
/// ```
///
/// # What a store writes
///
/// A store decides nothing. It loads an [`EventState`](crate::EventState) under the lock of the event's row, calls
/// [`decide_batch`](crate::decide_batch()), and writes each [`EventChange`](crate::EventChange) as it is, in the
/// transaction that has the lock. The time of the decision is read once, after the lock, and cut to the microsecond: it
/// is the same for what is decided and what is written. The last column says what fails if a part is not written:
///
/// | part of the change | where it is written | who misses it |
/// | --- | --- | --- |
/// | `counts`, `version`, `due_at` | on the event's row. With any `facts`, its `changed_at` is the time of the decision, too | the next decision, [`UpkeepStore::due_events`](crate::UpkeepStore::due_events), the audit |
/// | `edited` | on the event's row: its details, capacity, rules, `details_changed_at`, `sequence`; `erase_at` and `remind_at` as they are, also `None`; `cancelled_version` and `erased_to` only if they are `Some` | [`UpkeepStore::erasable_events`](crate::UpkeepStore::erasable_events), [`DeliveryStore::due_reminders`](crate::DeliveryStore::due_reminders), [`EventState::unerased`](crate::EventState::unerased), histories |
/// | `edited.asks` | on the event's row, always | visitors, who could leave out required answers |
/// | `questions` | as the event's, replacing the stored ones | [`EventState::questions`](crate::EventState::questions), [`ReadStore::questions`](crate::ReadStore::questions) |
/// | `edited.offers_end_by` | on the event's offers that last longer, as their end, before `registrations` | an offer of an event that is over, which could still be confirmed |
/// | `replaced`, then `registrations` | the rows with these ids *of this event* are deleted, and those of `registrations` inserted, without their `position`, which is counted when it is asked for. An id names a registration of one event: another event may have a row with the same one | every read |
/// | `facts` | one row each, under the event and the version that it made: the first made [`first_version`](crate::EventChange::first_version), and so on; with the time of the decision | histories, deliveries, the audit |
/// | `former_holders` | if [`facts are for mail`](crate::DeliveryStore::show_mail) now, one row each, under the event, the registration and the version; before them those of the registrations that are [`erased`](crate::EventChange::erased) are deleted | the mail that notifies them, [`DeliveryStore::former_holder`](crate::DeliveryStore::former_holder); and what is not deleted outlives an erasure |
/// | `purges_records`, then `records` | the event's idempotency records are deleted if it is set, then `records` are stored; an existing one under the same key is overwritten | a repeated request |
///
/// [`create_event`](Self::create_event) writes the row of [`NewEvent::created_at`] with counts of zero, the fact
/// [`of_creation`](crate::Fact::of_creation) as its version 1, `erase_at` and `remind_at` from
/// [`EventDetails::erase_at`](crate::EventDetails::erase_at) and
/// [`EventDetails::remind_at`](crate::EventDetails::remind_at), and [`Version::FIRST`](crate::Version::FIRST) as
/// `erased_to`.
///
/// [`create_event_once`](Self::create_event_once) first looks up the record under the hash of the key. If it still
/// [`holds`](crate::IdempotencyRecord::holds), its [`answer`](crate::IdempotencyRecord::answer) is returned, and
/// nothing is written. Otherwise it does what `create_event` does, and stores
/// [`IdempotencyRecord::new`](crate::IdempotencyRecord::new) of the outcome in the same transaction. A store of several
/// databases keeps both in the one that the key points to.
///
/// The tables of `booking-conformance` (`EventTable`, in its `tables.rs`, and for former holders `DeliveryTables`) do
/// all of this in maps: the suite compares a store with them.
#[async_trait]
pub trait SeatStore: fmt::Debug + Send + Sync {
    /// Creates an event, at [`Version::FIRST`](crate::Version::FIRST), with no seat taken. An event that exists already
    /// under its id is returned unchanged: repeating the call is safe.
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError>;

    /// The same, but once per request: as [`EventCommand::key`] does for commands. The outcome is
    /// [`Outcome::EventChanged`], that replayed, or [`Refusal::KeyReused`](crate::Refusal::KeyReused). These keys
    /// belong to no event, and are stored apart.
    ///
    /// The id should be [`beside`](EventId::beside) the key. If it is not, a store of several databases may give it
    /// another last byte; the outcome has the id.
    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError>;

    /// Executes a batch in one transaction: locks the rows of its events in the order of their ids, reads the clock,
    /// loads what the commands need ([`EventState::load_plan`](crate::EventState::load_plan)), calls
    /// [`decide`](crate::decide()), writes, commits.
    ///
    /// `executions[i]` answers `batch[i]`, and the outcomes are as if the commands had been executed one by one in the
    /// order of `batch`. When this returns `Ok`, the decisions are durable; only what became of commands that are
    /// [`Execution::Unknown`] is not known. A command to an unknown event is
    /// [`Refusal::EventNotFound`](crate::Refusal::EventNotFound).
    ///
    /// On `Err` nothing was written, except for [`StoreError::CommitUnknown`]; executing the same batch again is always
    /// safe and finds its own registrations, with each command as one that was
    /// [sent before](EventCommand::sent_again).
    async fn execute(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError>;

    /// Where an event is, or would be: which events may share a batch. It makes no call, and the result may change, if
    /// events of a store were moved. A store that is one database has one lane.
    fn lane_of(&self, _event: EventId) -> SeatLane {
        SeatLane::default()
    }

    /// How many batches of different events `node` should execute at the same time. One by default: more are of no use
    /// where writes take turns.
    fn batches_at_once(&self, _node: u16) -> usize {
        1
    }
}
