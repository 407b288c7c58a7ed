use crate::connection::{BUSY_TIMEOUT, absolute, off_runtime, open_writer};
use crate::errors::OpenError;
use crate::migrate::migrate_blocking;
use crate::readers::{READERS_DEFAULT, Readers};
use crate::writer::{Isolation, Writer};
use crate::{audit, execute, queries};
use async_trait::async_trait;
use booking_core::{
    AuditReport, BookingStore, Clock, Event, EventCommand, EventCursor, EventId, Execution,
    NewEvent, Page, PageLimit, Registration, RegistrationCursor, StoreError, WhenBusy,
};
use chrono::Utc;
use std::fmt;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A store in one SQLite file. The [crate] says how it works.
///
/// It needs a Tokio runtime with time enabled. Dropping it ends its thread, after whatever that is
/// doing.
pub struct SqliteStore {
    path: PathBuf,
    clock: Clock,
    writer: Writer,
    readers: Readers,
}

/// How to open a [`SqliteStore`].
#[derive(Clone)]
pub struct Options {
    /// Where the time comes from; `None` for that of the system, which here is the database's own.
    pub clock: Option<Clock>,
    /// How many connections read at once.
    pub readers: NonZeroU8,
    /// How long to wait for the write lock while another process holds it.
    pub busy_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: None, readers: READERS_DEFAULT, busy_timeout: BUSY_TIMEOUT }
    }
}

impl SqliteStore {
    /// Opens the database at `path`, creates it if there is none, and brings it to the schema of this
    /// crate. Any number of processes may do this at once.
    ///
    /// # Errors
    /// [`OpenError`], which names the file.
    pub async fn open(path: impl Into<PathBuf>, options: Options) -> Result<Self, OpenError> {
        Self::open_isolated(path.into(), options, Isolation::Transaction).await
    }

    /// The negative control: a store whose statements each stand alone. The conformance suite must
    /// catch it.
    #[cfg(feature = "negative-control")]
    #[doc(hidden)]
    pub async fn open_without_transactions(
        path: impl Into<PathBuf>,
        options: Options,
    ) -> Result<Self, OpenError> {
        Self::open_isolated(path.into(), options, Isolation::None).await
    }

    async fn open_isolated(
        path: PathBuf,
        options: Options,
        isolation: Isolation,
    ) -> Result<Self, OpenError> {
        off_runtime(&path.clone(), move || {
            let path = absolute(&path)?;
            migrate_blocking(&path)?;
            let connection = open_writer(&path, options.busy_timeout)?;
            let writer = Writer::start(connection, path.clone(), options.busy_timeout, isolation)
                .map_err(|source| OpenError::Thread { path: path.clone(), source })?;
            Ok(Self {
                clock: options.clock.unwrap_or_else(|| Arc::new(Utc::now)),
                writer,
                readers: Readers::new(path.clone(), options.readers),
                path,
            })
        })
        .await
    }

    /// Where the data is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl BookingStore for SqliteStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        let clock = Arc::clone(&self.clock);
        self.writer.run(move |connection| execute::create_event(connection, &new, &clock)).await
    }

    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.readers.read(move |connection| queries::read_event(connection, id)).await
    }

    async fn events(
        &self,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        self.readers.read(move |connection| queries::list_events(connection, after, limit)).await
    }

    async fn registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.readers
            .read(move |connection| queries::list_registrations(connection, event_id, after, limit))
            .await
    }

    async fn execute(
        &self,
        batch: &[EventCommand],
        // SQLite has one lock, which no event has for itself.
        _: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let batch = batch.to_vec();
        let clock = Arc::clone(&self.clock);
        self.writer.run(move |connection| execute::execute(connection, &batch, &clock)).await
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.readers.read(audit::audit).await
    }
}
