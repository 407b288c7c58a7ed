use crate::{
    Event, EventCommand, EventId, Execution, IdempotencyKey, NewEvent, Outcome, StoreError,
    WhenBusy,
};
use async_trait::async_trait;
use std::fmt;

/// With which others an event may share a transaction, and where that takes place. Events of one lane may be in one
/// batch; batches of several cells of one node have its one machine to share.
///
/// What facts go along is another [`Lane`](crate::Lane).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct SeatLane {
    /// The machine, by its number.
    pub node: u16,
    /// The database on it, by its number. No two nodes have cells of one number.
    pub cell: u16,
}

/// Puts up events and gives out their seats: the part of a store that must never be wrong.
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
/// // An answer that was lost is asked for again, and there is still one seat taken.
/// assert_eq!(store.execute(&batch, WhenBusy::Wait).await?, executions);
/// # Ok(())
/// # }
/// ```
///
/// # What a store writes
///
/// A store decides nothing. It loads an [`EventState`](crate::EventState) under the lock of the event's row,
/// has [`decide_batch`](crate::decide_batch()) answer, and writes each [`EventChange`](crate::EventChange) as
/// it is, in the transaction that has the lock. The time of the decision is read once, after the lock, and cut to
/// the microsecond: what is decided and what is written have the same. Whatever is left out of a change is missed:
///
/// | of the change | is written | and is missed by |
/// | --- | --- | --- |
/// | `counts`, `version`, `due_at` | on the event's row. With any `facts`, its `changed_at` is the time of the decision, too | the next decision, [`UpkeepStore::due_events`](crate::UpkeepStore::due_events), the audit |
/// | `edited` | on the event's row: its details, capacity, rules, `details_changed_at`, `sequence`; `erase_at` and `remind_at` as they are, also `None`; `cancelled_version` and `erased_to` only if they are there, else they stay | [`UpkeepStore::erasable_events`](crate::UpkeepStore::erasable_events), [`DeliveryStore::due_reminders`](crate::DeliveryStore::due_reminders), [`EventState::unerased`](crate::EventState::unerased), histories |
/// | `edited.asks` | on the event's row, always | visitors, who could leave out what they have to answer |
/// | `questions` | as the event's, in place of what was | [`EventState::questions`](crate::EventState::questions), [`ReadStore::questions`](crate::ReadStore::questions) |
/// | `edited.offers_end_by` | on the event's offers that last longer, as their end, before `registrations` | an offer of an event that is over, which could still be confirmed |
/// | `replaced`, then `registrations` | the rows with these ids *of this event* are deleted, and those of `registrations` inserted, without their `position`, which is counted when it is asked for. An id names a registration of one event: another event may have a row with the same one | everybody |
/// | `facts` | one row each, under the event and the version that it made: the first made [`first_version`](crate::EventChange::first_version), and so on; with the time of the decision | histories, what leaves by them, the audit |
/// | `former_holders` | if [`facts are for mail`](crate::DeliveryStore::show_mail) now, one row each, under the event, the registration and the version; before them those of the registrations that are [`erased`](crate::EventChange::erased) are deleted | the mail that tells them, [`DeliveryStore::former_holder`](crate::DeliveryStore::former_holder); and what is not deleted outlives an erasure |
/// | `purges_records`, then `records` | what is kept under the event's idempotency keys is deleted if it says so, then `records` are kept; one that is there under the same key is overwritten | a request that is sent again |
///
/// [`create_event`](Self::create_event) writes the row of [`NewEvent::created_at`] with counts of zero, the fact
/// [`of_creation`](crate::Fact::of_creation) as its version 1, `erase_at` and `remind_at` as
/// [`EventDetails::erase_at`](crate::EventDetails::erase_at) and
/// [`EventDetails::remind_at`](crate::EventDetails::remind_at) say, and [`Version::FIRST`](crate::Version::FIRST)
/// as what it is erased to.
///
/// [`create_event_once`](Self::create_event_once) first looks for a record under the hash of the key. One that still
/// [`holds`](crate::IdempotencyRecord::holds) [`answer`](crate::IdempotencyRecord::answer)s, and nothing is written.
/// Else it does what `create_event` does, and keeps
/// [`IdempotencyRecord::new`](crate::IdempotencyRecord::new) of the outcome in the same transaction. A store of several
/// databases keeps both in the one that the key leads to.
///
/// The tables of `booking-conformance` (`EventTable`, in its `tables.rs`, and for former holders `DeliveryTables`) do
/// all of this in maps: they are what the suite compares a store with.
#[async_trait]
pub trait SeatStore: fmt::Debug + Send + Sync {
    /// Puts up an event, at [`Version::FIRST`](crate::Version::FIRST), with no seat taken. An event
    /// that is there already under its id is returned as it is: asking again is safe.
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError>;

    /// The same, but for the same request only once: as [`EventCommand::key`] does for commands. The
    /// outcome is [`Outcome::EventChanged`], that replayed, or
    /// [`Refusal::KeyReused`](crate::Refusal::KeyReused). These keys are not an event's, and are kept apart.
    ///
    /// The id is to be [`beside`](EventId::beside) the key. A store of several databases may give one that is not
    /// another last byte; the outcome says which.
    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError>;

    /// Executes a batch in one transaction: locks the rows of its events in the order of their ids,
    /// looks at the clock, loads what the commands need
    /// ([`EventState::load_plan`](crate::EventState::load_plan)), lets [`decide`](crate::decide()) decide,
    /// writes, commits.
    ///
    /// `executions[i]` answers `batch[i]`, and the outcomes are as if the commands had been executed
    /// one by one in the order of `batch`. When this returns `Ok`, what was decided is durable. An
    /// event that does not exist is [`Refusal::EventNotFound`](crate::Refusal::EventNotFound).
    ///
    /// On `Err` nothing was written, except for [`StoreError::CommitUnknown`]; executing the same
    /// batch again is always safe and finds its own registrations.
    async fn execute(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError>;

    /// Where an event is, or would be: which events may share a batch. It asks nobody, and may be another one when it
    /// is asked again, if the events of a store were moved. A store that is one database has one lane.
    fn lane_of(&self, _event: EventId) -> SeatLane {
        SeatLane::default()
    }

    /// How many batches of different events `node` does well to execute at the same time. One, unless a store says
    /// otherwise: more are of no use where all that writes takes turns.
    fn batches_at_once(&self, _node: u16) -> usize {
        1
    }
}
