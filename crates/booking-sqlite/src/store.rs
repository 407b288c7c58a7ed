use crate::connection::{BUSY_TIMEOUT, absolute, off_runtime, open_writer};
use crate::errors::{Failure, OpenError};
use crate::execute::{self, Lookup};
use crate::files::{Files, Named};
use crate::migrate::{Migrated, migrate_blocking};
use crate::readers::{READERS_DEFAULT, Readers};
use crate::schema;
use crate::transaction::Work;
use crate::writer::{Isolation, Session, Urgency, Writer};
use crate::{
    audit, create, erasure, former_holders, health, history, keeping, keys, leftovers, organizers,
    queries, records, ways,
};
use async_trait::async_trait;
use booking_core::{
    Agenda, AuditReport, Availability, Caller, Clock, Connections, EmailAddress, Event,
    EventCommand, EventCursor, EventId, Execution, HistoryEntry, IdempotencyKey, KeyStore, Listed,
    NewEvent, NewToken, Observer, OrganizerId, OrganizerStore, OrganizerToken, Outcome, Page,
    PageLimit, Questions, ReadStore, Registration, RegistrationCounts, RegistrationCursor,
    RegistrationId, SeatStore, SigningSeed, StartCursor, StoreError, StoreHealth, StoredBytes,
    StoredMap, TicketKey, TokenId, Totals, Unobserved, UpkeepStore, WhenBusy, WriteTrouble,
};
use chrono::{DateTime, SubsecRound, Utc};
use rusqlite::Connection;
use std::fmt;
use std::mem;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A store in one SQLite file. The [crate] says how it works.
///
/// It needs a Tokio runtime with time enabled. Dropping it ends its thread, after the current job.
pub struct SqliteStore {
    path: PathBuf,
    files: Arc<Files>,
    clock: Clock,
    writer: Writer,
    readers: Readers,
    lookup: Lookup,
    newer: Vec<String>,
}

/// How to open a [`SqliteStore`].
///
/// It is not `#[non_exhaustive]`, which would forbid `..Options::default()`: with that, a new field breaks
/// nothing.
#[derive(Clone)]
pub struct Options {
    /// The clock; `None` for the system's, which here is the database's own.
    pub clock: Option<Clock>,
    /// How many connections read at once.
    pub readers: NonZeroU8,
    /// How long to wait for the write lock while another process holds it.
    pub busy_timeout: Duration,
    /// Observes the store's work.
    pub observer: Arc<dyn Observer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: None,
            readers: READERS_DEFAULT,
            busy_timeout: BUSY_TIMEOUT,
            observer: Arc::new(Unobserved),
        }
    }
}

impl SqliteStore {
    /// Opens the database at `path`, creates it if there is none, and brings it to the schema of this
    /// crate. Any number of processes may do this at once.
    ///
    /// # Errors
    /// [`OpenError`], which names the file.
    pub async fn open(path: impl Into<PathBuf>, options: Options) -> Result<Self, OpenError> {
        Self::open_isolated(path.into(), options, true, Isolation::Transaction).await
    }

    /// Opens the database at `path`, which must exist with all its tables: nothing is created, and nothing
    /// is migrated.
    ///
    /// # Errors
    /// [`OpenError`], which names the file.
    pub async fn open_existing(
        path: impl Into<PathBuf>,
        options: Options,
    ) -> Result<Self, OpenError> {
        Self::open_isolated(path.into(), options, false, Isolation::Transaction).await
    }

    /// The negative control: a store in which each statement is a transaction. The conformance
    /// suite must catch it.
    #[cfg(feature = "negative-control")]
    #[doc(hidden)]
    pub async fn open_without_transactions(
        path: impl Into<PathBuf>,
        options: Options,
    ) -> Result<Self, OpenError> {
        Self::open_isolated(path.into(), options, true, Isolation::None).await
    }

    async fn open_isolated(
        path: PathBuf,
        options: Options,
        makes_it: bool,
        isolation: Isolation,
    ) -> Result<Self, OpenError> {
        off_runtime(&path.clone(), move || {
            let path = absolute(&path)?;
            let newer = match makes_it {
                true => {
                    let Migrated { newer, .. } = migrate_blocking(&path)?;
                    newer
                }
                false => schema::open_checked(&path)?.1,
            };
            let before = Named::now(&path)?;
            let connection = open_writer(&path, options.busy_timeout)?;
            let files = Arc::new(Files::opened(&path, &before)?);
            let session = Session {
                path: path.clone(),
                files: Arc::clone(&files),
                busy_timeout: options.busy_timeout,
                isolation,
                observer: options.observer,
                watch: Arc::default(),
                connection: Some(connection),
            };
            let writer = Writer::start(session)
                .map_err(|source| OpenError::Thread { path: path.clone(), source })?;
            Ok(Self {
                clock: options.clock.unwrap_or_else(|| Arc::new(Utc::now)),
                writer,
                readers: Readers::new(path.clone(), Arc::clone(&files), options.readers),
                files,
                newer,
                lookup: Lookup::default(),
                path,
            })
        })
        .await
    }

    /// The migrations of a newer program that had been applied when this was opened. By their own account this
    /// program can work with them.
    pub fn newer_migrations(&self) -> &[String] {
        &self.newer
    }

    /// Where the data is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database's file, independent of its name.
    pub(crate) fn file_identity(&self) -> String {
        self.files.identity()
    }

    /// Runs `work` in the writer, at the clock's time once it has the lock.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection, &Clock) -> Result<Work<T>, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_as(Urgency::Others, work).await
    }

    pub(crate) async fn write_as<T: Send + 'static>(
        &self,
        urgency: Urgency,
        mut work: impl FnMut(&Connection, &Clock) -> Result<Work<T>, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let clock = Arc::clone(&self.clock);
        self.writer.run(urgency, move |connection| work(connection, &clock)).await
    }

    /// Removes erased data from the log.
    pub(crate) async fn empty_log(&self) {
        let (path, files) = (self.path.clone(), Arc::clone(&self.files));
        let emptied = off_runtime(&self.path, move || {
            // Another file has another log.
            if files.check().is_ok() {
                erasure::empty_log(&path);
            }
            Ok(())
        });
        // Without a thread it is left to the next erasure.
        let _ = emptied.await;
    }

    /// Runs `query` in a reader, at the store's time.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection, DateTime<Utc>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let clock = Arc::clone(&self.clock);
        self.readers.read(move |connection| query(connection, clock().trunc_subsecs(6))).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl SeatStore for SqliteStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        let created =
            self.write(move |connection, clock| create::create_event(connection, &new, clock));
        created.await?.map_err(StoreError::unavailable)
    }

    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        let created = self.write(move |connection, clock| {
            create::create_event_once(connection, &new, key, clock)
        });
        created.await?.map_err(StoreError::unavailable)
    }

    async fn execute(
        &self,
        batch: &[EventCommand],
        // SQLite has one lock for all events.
        _: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let is_erasing = erasure::is_erasing(batch);
        let (batch, lookup) = (batch.to_vec(), self.lookup.clone());
        let mut again = false;
        let executed = self.write_as(Urgency::Seats, move |connection, clock| {
            let again = mem::replace(&mut again, true);
            execute::execute(connection, &batch, clock, &lookup, again)
        });
        let executions = executed.await?;
        if is_erasing {
            self.empty_log().await;
        }
        Ok(executions)
    }
}

#[async_trait]
impl ReadStore for SqliteStore {
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(move |connection, now| queries::read_event(connection, id, now)).await
    }

    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError> {
        self.read(move |connection, _| queries::read_questions(connection, id)).await
    }

    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection, now| queries::read_availability(connection, &ids, now)).await
    }

    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        self.read(move |connection, now| {
            queries::list_events(connection, caller, after, limit, now)
        })
        .await
    }

    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError> {
        self.read(move |connection, now| {
            queries::list_events_by_start(connection, caller, agenda, after, limit, now)
        })
        .await
    }

    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.read(move |connection, now| {
            queries::list_registrations(connection, event_id, listed, after, limit, now)
        })
        .await
    }

    async fn registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection, now| {
            queries::registrations_by_id(connection, event_id, &ids, now)
        })
        .await
    }

    async fn registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        let addresses = addresses.to_vec();
        self.read(move |connection, now| {
            queries::registrations_by_address(connection, event_id, &addresses, now)
        })
        .await
    }

    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError> {
        self.read(move |connection, now| queries::count_registrations(connection, event_id, now))
            .await
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        self.read(move |connection, now| queries::read_registration(connection, id, now)).await
    }

    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection, _| queries::events_by_registration(connection, &ids)).await
    }

    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError> {
        self.read(move |connection, _| history::history(connection, id, limit)).await
    }

    async fn is_moving(&self, event: EventId) -> Result<bool, StoreError> {
        self.read(move |connection, now| ways::is_elsewhere(connection, event, now)).await
    }

    async fn may_be_moving(&self, registration: RegistrationId) -> Result<bool, StoreError> {
        let id = registration.as_uuid();
        self.read(move |connection, now| ways::may_be(connection, id, now)).await
    }
}

#[async_trait]
impl OrganizerStore for SqliteStore {
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError> {
        self.write(move |connection, clock| organizers::create_token(connection, &new, clock)).await
    }

    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError> {
        self.read(|connection, _| organizers::list_tokens(connection)).await
    }

    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError> {
        self.write(move |connection, clock| organizers::revoke_token(connection, id, clock)).await
    }

    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        // Looked up by a reader, so that no write waits for it.
        let found =
            self.read(move |connection, _| organizers::of_nobody(connection, limit)).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let mut again = false;
        self.write(move |connection, _| {
            let again = mem::replace(&mut again, true);
            organizers::assign(connection, organizer_id, &found, again)
        })
        .await
    }
}

#[async_trait]
impl KeyStore for SqliteStore {
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError> {
        self.read(|connection, _| keys::list(connection)).await
    }

    async fn add_signing_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
    ) -> Result<(), StoreError> {
        self.write(move |connection, clock| keys::add(connection, seed, only_first, clock)).await
    }

    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.write(move |connection, clock| keys::show(connection, &keys, clock)).await
    }

    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError> {
        self.read(keys::list_shown).await
    }
}

#[async_trait]
impl UpkeepStore for SqliteStore {
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.read(move |connection, now| queries::due_events(connection, limit, now)).await
    }

    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.read(move |connection, now| queries::erasable_events(connection, limit, now)).await
    }

    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError> {
        let email = user_email.clone();
        self.read(move |connection, _| queries::registrations_of(connection, &email, limit)).await
    }

    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        // Looked up by a reader, so that no write waits for it.
        let email = user_email.clone();
        let found =
            self.read(move |connection, _| records::of_address(connection, &email, limit)).await?;
        match found.is_empty() {
            true => Ok(0),
            false => {
                let deleted = self.write(move |connection, _| records::delete(connection, &found));
                let deleted = deleted.await?;
                self.empty_log().await;
                Ok(deleted)
            }
        }
    }

    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let email = user_email.clone();
        let erased =
            self.write(move |connection, _| former_holders::erase(connection, &email, limit));
        let erased = erased.await?;
        // Even if there is none any more: the log may still have one whose mail was sent.
        self.empty_log().await;
        Ok(erased)
    }

    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let purging_records =
            self.write(move |connection, clock| records::purge(connection, limit, clock));
        let records = purging_records.await?;
        let left = limit.get().saturating_sub(records as usize);
        if left == 0 {
            return Ok(records);
        }
        let purging =
            self.write(move |connection, clock| leftovers::purge(connection, left, clock));
        let purged = purging.await?;
        if purged.is_personal {
            self.empty_log().await;
        }
        // The limit applies to each table: it may be more.
        Ok(records + purged.rows.min(left as u64))
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.read(|connection, _| audit::count(connection)).await
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        if self.files.check().is_err() {
            let trouble = Some(WriteTrouble::FilesMoved);
            return Ok(StoreHealth { takes_writes: true, migrations_missing: 0, trouble });
        }
        let health = self.read(|connection, _| health::health(connection)).await?;
        if !health.takes_writes || health.migrations_missing > 0 {
            return Ok(health);
        }
        let trouble = health::trouble(&self.writer, &self.clock).await;
        Ok(StoreHealth { trouble, ..health })
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        self.read(|connection, _| health::totals(connection)).await
    }

    /// The connections of the readers. The writer's is not shared.
    fn connections(&self) -> Connections {
        self.readers.connections()
    }

    async fn stored_map(&self) -> Result<Option<StoredMap>, StoreError> {
        self.read(|connection, _| keeping::find_map(connection)).await
    }

    async fn stored_bytes(&self) -> Result<Option<StoredBytes>, StoreError> {
        self.read(|connection, _| keeping::find_bytes(connection)).await
    }
}
