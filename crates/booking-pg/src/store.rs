use crate::connection::{self, Lease, PgPool};
use crate::error::{ConnectError, PgError};
use crate::options::PgOptions;
use crate::rollback::Rollbacks;
use crate::session::SessionName;
use crate::sql::{self, Sql};
use async_trait::async_trait;
use booking_core::{
    Agenda, AuditReport, Availability, Caller, CellName, Clock, Connections, EmailAddress,
    ErrorChain, Event, EventCommand, EventCursor, EventId, Execution, HistoryEntry, IdempotencyKey,
    KeyStore, Listed, NewEvent, NewToken, Observer, OrganizerId, OrganizerStore, OrganizerToken,
    Outcome, Page, PageLimit, Questions, ReadStore, Registration, RegistrationCounts,
    RegistrationCursor, RegistrationId, SeatStore, SigningSeed, StartCursor, StoreError,
    StoreHealth, StoredBytes, StoredMap, TicketKey, TokenId, Totals, UpkeepStore, WhenBusy,
    WriteWatch,
};
use chrono::{DateTime, SubsecRound, Utc};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Events and registrations in PostgreSQL, 15 or newer.
pub struct PgStore {
    pub(crate) pool: PgPool,
    /// Connections that go back into the pool once their ROLLBACK is answered.
    pub(crate) rollbacks: Rollbacks,
    pub(crate) clock: Option<Clock>,
    pub(crate) locking: Locking,
    pub(crate) observer: Arc<dyn Observer>,
    /// The name of our sessions, unless a batch has one of its own.
    pub(crate) session: SessionName,
    /// How recent writes went.
    pub(crate) writes: WriteWatch,
    /// Whether the last batch refused a command that may have been executed before, so that the next one probably
    /// will. A guess, which only saves a round trip.
    pub(crate) refuses: AtomicBool,
    location: String,
}

/// Waits for all transactions that create an event, since `event/insert` locks the table, too, if only against this;
/// and the next of them begin once it is committed, so that they see the new assignment. A row lock would not do as
/// long as there is no row. A transaction that only reads the table, as a backup does, is not waited for.
const KEEP_TO_LOCK: &str = "LOCK TABLE cell_bytes IN EXCLUSIVE MODE";

/// How rows are locked, how the assignment is read when an event is created, and how a changed event is written.
#[derive(Clone, Copy)]
pub(crate) struct Locking {
    pub(crate) wait: Sql,
    pub(crate) skip: Sql,
    pub(crate) create: Sql,
    pub(crate) keep_to: &'static str,
    pub(crate) update: Sql,
    pub(crate) edit: Sql,
}

/// The pause between two attempts to reach a database that is starting.
const CONNECT_PAUSE: Duration = Duration::from_millis(300);

impl PgStore {
    /// Opens a store, waiting up to `limit` for a database that is still starting. The tables must
    /// exist, or be created by [`PgStore::migrate`].
    ///
    /// # Errors
    /// [`ConnectError`]; a database that refuses the connection (a wrong password, say) is not
    /// waited for.
    pub async fn connect(options: &PgOptions, limit: Duration) -> Result<Self, ConnectError> {
        let store = Self::unconnected(options)?;
        for name in &options.ignored {
            log::info!("the parameter {name} in the URL changes nothing here");
        }
        let deadline = Instant::now() + limit;
        let mut announced = false;
        while let Err(error) = store.check_durability().await {
            match &error {
                _ if !error.may_be_starting() => return Err(ConnectError::refused(error)),
                _ if Instant::now() + CONNECT_PAUSE >= deadline => {
                    return Err(ConnectError::Unreachable { limit, source: error.into() });
                }
                _ if !announced => {
                    log::info!(
                        "waiting for the database at {}: {}",
                        store.location,
                        ErrorChain(&error)
                    );
                    announced = true;
                }
                _ => {}
            }
            sleep(CONNECT_PAUSE).await;
        }
        Ok(store)
    }

    /// A store that does not connect yet, and whose database may be away: for a server that can go on with other
    /// stores. What [`connect`](Self::connect) and [`check_tables`](Self::check_tables) would find out shows when it is
    /// used.
    ///
    /// # Errors
    /// [`ConnectError::Options`].
    pub fn unconnected(options: &PgOptions) -> Result<Self, ConnectError> {
        Ok(Self {
            pool: connection::pool(options).map_err(ConnectError::Options)?,
            rollbacks: Rollbacks::default(),
            clock: options.clock.clone(),
            locking: Locking {
                wait: sql::EVENT_LOCK,
                skip: sql::EVENT_LOCK_SKIP,
                create: sql::EVENT_INSERT,
                keep_to: KEEP_TO_LOCK,
                update: sql::EVENT_UPDATE,
                edit: sql::EVENT_EDIT,
            },
            observer: Arc::clone(&options.observer),
            session: SessionName::of(&options.config),
            writes: WriteWatch::default(),
            refuses: AtomicBool::new(false),
            location: options.location(),
        })
    }

    /// Creates a schema for another store, unless it exists. This store keeps its own.
    ///
    /// # Errors
    /// [`ConnectError::Schema`].
    pub async fn create_schema(&self, name: &CellName) -> Result<(), ConnectError> {
        // IF NOT EXISTS alone would need the right to create one all the same.
        let script = format!(
            "DO $$ BEGIN IF to_regnamespace('\"{name}\"') IS NULL THEN \
             CREATE SCHEMA IF NOT EXISTS \"{name}\"; END IF; END $$"
        );
        let made = async {
            let connection = Lease::from(&self.pool).await?;
            connection.script("CREATE SCHEMA", &script).await?;
            connection.give_back();
            Ok::<_, PgError>(())
        };
        made.await.map_err(|error| ConnectError::Schema(error.into()))
    }

    /// Where the data is, for operators.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }

    /// How many connections the store may open.
    pub fn pool_size(&self) -> usize {
        self.pool.status().max_size
    }

    /// The negative control: a store whose transactions lock nothing. The tests must catch it.
    #[cfg(feature = "negative-control")]
    #[doc(hidden)]
    #[must_use]
    pub fn without_row_lock(self) -> Self {
        let none = sql::EVENT_LOCK_NONE;
        Self { locking: Locking { wait: none, skip: none, ..self.locking }, ..self }
    }

    /// The negative control: a store that writes a change to whatever version an event is in. The tests must catch it.
    #[cfg(feature = "negative-control")]
    #[doc(hidden)]
    #[must_use]
    pub fn without_version_check(self) -> Self {
        let unchecked = |sql: Sql, check: &str, version: &str| {
            assert!(sql.text.contains(check), "{}", sql.text);
            Sql { text: sql.text.replace(check, version).leak(), ..sql }
        };
        let update = "CASE WHEN events.version = made.decided_upon THEN made.version END";
        let update = unchecked(sql::EVENT_UPDATE, update, "made.version");
        let edit = "CASE WHEN events.version = $35::bigint THEN $5::bigint END";
        let edit = unchecked(sql::EVENT_EDIT, edit, "coalesce($5::bigint, $35::bigint)");
        Self { locking: Locking { update, edit, ..self.locking }, ..self }
    }

    /// The negative control: a store that checks whether an event belongs to it, and does not hold that until the
    /// event exists. The tests must catch it.
    #[cfg(feature = "negative-control")]
    #[doc(hidden)]
    #[must_use]
    pub fn without_bytes_lock(self) -> Self {
        let unlocked = sql::EVENT_INSERT.text.replace("FOR SHARE", "");
        let create = Sql { text: unlocked.leak(), ..sql::EVENT_INSERT };
        Self { locking: Locking { create, keep_to: "SELECT 1", ..self.locking }, ..self }
    }

    /// The test's time, if it is to be used instead of the database's.
    pub(crate) fn clock_time(&self) -> Option<DateTime<Utc>> {
        self.clock.as_ref().map(|clock| clock().trunc_subsecs(6))
    }

    async fn check_durability(&self) -> Result<(), PgError> {
        let connection = Lease::from(&self.pool).await?;
        let rows = connection.fetch(sql::SESSION_DURABILITY, &[]).await?;
        connection.give_back();
        for (column, setting) in ["fsync", "synchronous_commit"].into_iter().enumerate() {
            if !rows.iter().all(|row| row.get::<_, bool>(column)) {
                log::warn!(
                    "{setting} is off at {}: a crash of the database can lose registrations that \
                     were acknowledged",
                    self.location
                );
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait]
impl SeatStore for PgStore {
    async fn create_event(&self, new: NewEvent) -> Result<Event, StoreError> {
        self.insert_event(&new).await
    }

    async fn create_event_once(
        &self,
        new: NewEvent,
        key: IdempotencyKey,
    ) -> Result<Outcome, StoreError> {
        self.insert_event_once(&new, key).await
    }

    async fn execute(
        &self,
        batch: &[EventCommand],
        when_busy: WhenBusy,
    ) -> Result<Vec<Execution>, StoreError> {
        self.execute_batch(batch, when_busy).await
    }

    /// Half of the connections: the others are for reads, and for all other writes.
    fn batches_at_once(&self, _node: u16) -> usize {
        (self.pool_size() / 2).max(1)
    }
}

#[async_trait]
impl ReadStore for PgStore {
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.find_event(id).await
    }

    async fn questions(&self, id: EventId) -> Result<Option<Questions>, StoreError> {
        self.find_questions(id).await
    }

    async fn availability(&self, ids: &[EventId]) -> Result<Vec<Option<Availability>>, StoreError> {
        self.find_availability(ids).await
    }

    async fn events(
        &self,
        caller: Caller,
        after: Option<EventCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, EventCursor>, StoreError> {
        self.list_events(caller, after, limit).await
    }

    async fn events_by_start(
        &self,
        caller: Caller,
        agenda: Agenda,
        after: Option<StartCursor>,
        limit: PageLimit,
    ) -> Result<Page<Event, StartCursor>, StoreError> {
        self.list_events_by_start(caller, agenda, after, limit).await
    }

    async fn registrations(
        &self,
        event_id: EventId,
        listed: Listed,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        self.list_registrations(event_id, listed, after, limit).await
    }

    async fn registrations_by_id(
        &self,
        event_id: EventId,
        ids: &[RegistrationId],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        self.find_registrations_by_id(event_id, ids).await
    }

    async fn registrations_by_address(
        &self,
        event_id: EventId,
        addresses: &[EmailAddress],
    ) -> Result<Option<Vec<Option<Registration>>>, StoreError> {
        self.find_registrations_by_address(event_id, addresses).await
    }

    async fn registration_counts(
        &self,
        event_id: EventId,
    ) -> Result<Option<RegistrationCounts>, StoreError> {
        self.count_registrations(event_id).await
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        self.find_registration(id).await
    }

    async fn events_by_registration(
        &self,
        ids: &[RegistrationId],
    ) -> Result<Vec<Option<EventId>>, StoreError> {
        self.find_events_by_registration(ids).await
    }

    async fn history(
        &self,
        id: RegistrationId,
        limit: PageLimit,
    ) -> Result<Option<Vec<HistoryEntry>>, StoreError> {
        self.find_history(id, limit).await
    }

    async fn is_moving(&self, event: EventId) -> Result<bool, StoreError> {
        self.is_event_elsewhere(event).await
    }

    async fn may_be_moving(&self, registration: RegistrationId) -> Result<bool, StoreError> {
        self.may_registration_be_elsewhere(registration).await
    }
}

#[async_trait]
impl OrganizerStore for PgStore {
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError> {
        self.insert_token(&new).await
    }

    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError> {
        self.list_tokens().await
    }

    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError> {
        self.mark_revoked(id).await
    }

    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.assign_events_of_nobody(organizer_id, limit).await
    }
}

#[async_trait]
impl KeyStore for PgStore {
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError> {
        self.list_signing_seeds().await
    }

    async fn add_signing_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
    ) -> Result<(), StoreError> {
        self.insert_signing_seed(seed, only_first).await
    }

    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError> {
        self.upsert_ticket_keys(keys).await
    }

    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError> {
        self.list_ticket_keys().await
    }
}

#[async_trait]
impl UpkeepStore for PgStore {
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.list_events_by(sql::EVENT_DUE, limit).await
    }

    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        self.list_events_by(sql::EVENT_ERASABLE, limit).await
    }

    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError> {
        self.find_registrations_of(user_email, limit).await
    }

    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.delete_records_of(user_email, limit).await
    }

    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        self.delete_former_holders_of(user_email, limit).await
    }

    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let purged = self.delete_records(limit).await?;
        match limit.get().saturating_sub(purged as usize) {
            0 => Ok(purged),
            // The limit applies to each table: it may be more.
            left => Ok(purged + self.purge_moves(left).await?.min(left as u64)),
        }
    }

    async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.recount().await
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.ask_health().await
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        self.sum_up().await
    }

    fn connections(&self) -> Connections {
        let status = self.pool.status();
        Connections {
            max: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    async fn stored_map(&self) -> Result<Option<StoredMap>, StoreError> {
        self.find_map().await
    }

    async fn stored_bytes(&self) -> Result<Option<StoredBytes>, StoreError> {
        self.find_bytes().await
    }
}
