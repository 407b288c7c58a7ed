pub(crate) mod audit;
pub(crate) mod columns;
pub(crate) mod error_chain;
pub(crate) mod health;
pub(crate) mod observe;
pub(crate) mod schema;

use crate::{
    AuditReport, Caller, Connections, EmailAddress, Event, EventCommand, EventCursor, EventId,
    Execution, HistoryEntry, IdempotencyKey, Listed, NewEvent, NewToken, OrganizerId,
    OrganizerToken, Outcome, Page, PageLimit, Registration, RegistrationCursor, RegistrationId,
    SigningSeed, StoreHealth, TicketKey, TokenId, Totals,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Where events and registrations are kept, and the judge of every seat.
///
/// Correctness never rests on the memory of one process: any number of stores, in any number of
/// processes, may work on the same data, and be killed at any instant.
///
/// `booking-conformance` has the cases that every implementation must pass.
#[async_trait]
pub trait BookingStore: fmt::Debug + Send + Sync {
    /// Puts up an event, at [`Version::FIRST`](crate::Version::FIRST), with no seat taken. An event
    /// that is there already under its id is returned as it is: asking again is safe.
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError>;

    /// The same, but for the same request only once: as [`EventCommand::key`] does for commands. The
    /// outcome is [`Outcome::EventChanged`], that replayed, or
    /// [`Refusal::KeyReused`](crate::Refusal::KeyReused).
    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError>;

    /// The event, or `None` if there is none with this id. What has run out is not counted, swept or
    /// not.
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError>;

    /// The events after `after`, newest first: all that `caller` [sees](Caller::sees).
    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError>;

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

    /// A registration as it is now, with its position in the queue; `None` if there is none with this
    /// id.
    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError>;

    /// The event of each registration: `events[i]` is that of `ids[i]`. It never changes.
    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError>;

    /// What happened to a registration, oldest first: the last `limit` facts about it, and that its
    /// event was called off, if it was and the registration was live. `None` if there is no such
    /// registration.
    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError>;

    /// Events on which time alone has something to do, longest overdue first: for
    /// [`Command::Settle`](crate::Command::Settle).
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError>;

    /// Deletes up to `limit` records of idempotency keys that have run out, and tells how many.
    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError>;

    /// Up to `limit` registrations of any event and in any state that are of `user_email`, which is in its
    /// canonical spelling, or are in another one: for [`Command::Erase`](crate::Command::Erase). It reads every
    /// registration there is, and keeps nobody waiting meanwhile.
    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError>;

    /// Deletes up to `limit` records of idempotency keys that hold `user_email`, in any spelling, and tells how
    /// many. One may, although no registration is of it any more: its seat was given to somebody else.
    async fn forget_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError>;

    /// Events of which something is to be erased, longest overdue first: for
    /// [`Command::EraseDue`](crate::Command::EraseDue).
    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError>;

    /// The seeds of the keys that tickets were ever signed with, newest first.
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError>;

    /// Keeps another seed, as the newest. With `only_first` it is kept only if there is none yet.
    async fn add_signing_seed(&self, seed: SigningSeed, only_first: bool)
    -> Result<(), StoreError>;

    /// Says that a server signs tickets with these keys now, and so vouches for what they signed.
    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError>;

    /// The keys that any server has shown in the last [`TicketKey::KEPT`], in the order of their bytes.
    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError>;

    /// Keeps a token, for the organizer of that name, who is made if there is none. A token that is there
    /// already under its id is returned as it is: asking again is safe. `None` if there are
    /// [`TOKENS_MAX`](crate::TOKENS_MAX) already.
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError>;

    /// Every organizer's token there ever was, newest first.
    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError>;

    /// Makes a token worthless, and returns it; one that was revoked before is as it was. `None` if there
    /// is none with this id.
    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError>;

    /// Gives up to `limit` events that are nobody's to `organizer_id`, which must be there, and tells how
    /// many. There may be more as long as that is not zero: an event whose row somebody else holds for long is
    /// left for the next time.
    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError>;

    /// Executes a batch in one transaction: locks the rows of its events in the order of their ids,
    /// loads what the commands need ([`EventState::load_plan`](crate::EventState::load_plan)), lets
    /// [`decide`](crate::decide()) decide, writes, commits.
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

    /// Recounts every event against its rows, in one consistent view.
    async fn audit(&self) -> Result<AuditReport, StoreError>;

    /// Asks the store how it is. An `Err` is an answer too.
    async fn health(&self) -> Result<StoreHealth, StoreError>;

    /// Sums over all published events. It looks at every event, and so is not for every second.
    async fn totals(&self) -> Result<Totals, StoreError>;

    /// How the store's connections are used at this moment, without asking it anything.
    fn connections(&self) -> Connections;
}

/// What [`BookingStore::execute`] does about an event whose row somebody else has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBusy {
    /// Answers its commands with [`Execution::Busy`] and decides the others at once. A store that has
    /// one lock for everything has no others, and waits.
    Skip,
    /// Waits for the row, as long as the store's limits allow.
    Wait,
}

/// Where a store takes its time from if not from its database: for tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The error beneath a [`StoreError`]. Shared, because one failure is told to every caller of a
/// batch.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a store could not answer.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The store cannot be reached, or took too long. Nothing was written.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// The answer to COMMIT never came, and executing again did not find out in time either. Ask
    /// again under the same ids.
    #[error("the store did not say whether it committed")]
    CommitUnknown(#[source] Cause),
    /// The store holds or answered something that must not be. Nothing was written; a bug, or
    /// somebody who wrote around us.
    #[error("the store broke a rule")]
    Broken(#[source] Cause),
}

impl StoreError {
    /// [`StoreError::Unavailable`] because of `cause`.
    pub fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(cause))
    }

    /// [`StoreError::CommitUnknown`] because of `cause`.
    pub fn commit_unknown(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::CommitUnknown(Arc::new(cause))
    }

    /// [`StoreError::Broken`] because of `cause`.
    pub fn broken(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Broken(Arc::new(cause))
    }
}
