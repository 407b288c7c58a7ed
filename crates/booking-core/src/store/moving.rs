//! Moving an event from one store to another while both are in use: what a store has to do for it, and which rows
//! belong to an event.

use crate::{
    BookingStore, CellBytes, EventId, MoveId, StoreError, StoredBytes, StoredMap, Version,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// How long a store assumes that the mover of an event is alive after its last call. Until then no other mover takes
/// the event, and if it is frozen no command changes it; after that it is as if the move had not begun.
pub const MOVE_LEASE: TimeDelta = TimeDelta::seconds(10);

/// How long a store reports an arrived event as moving: a server that looked for it here before it arrived, and then
/// where it was, is to repeat the request.
pub const MOVED_LATELY: TimeDelta = TimeDelta::seconds(10);

/// How many mails that are due or stuck may leave with an event. They leave with its row, in one transaction, during
/// which the event cannot be changed: an event with more of them is not [handed over](MoveStore::hand_over). So many
/// froze an event for 1.0 to 2.7 s, with any pair of stores, twice as many for 2.4 to 3.9 s: in an unoptimized build,
/// on two cores that eight other processes wanted, too.
pub const LEAVING_MAILS_MAX: usize = 10_000;

/// How long the room [made](MoveStore::begin_arriving) for an event is kept, if it does not arrive: its mover is then
/// assumed to have given up. Rows are deleted in the old store only once the event is served in the new one. So nothing
/// is lost, even if the event has left for here: then it is copied anew.
pub const ROOM_KEPT: TimeDelta = TimeDelta::days(7);

/// The migration from which on programs sell no event that is being handed over, and know every table that an event may
/// arrive with.
pub const KNOWS_MOVES: i32 = 20;

/// A store whose events can be moved to another, of the same or of another kind.
///
/// The event's own row decides where an event is served: it is in one store, or for a moment in none. All other rows
/// are copied before it, in pages, while it is sold ([`moved_rows`](Self::moved_rows), [`take_in`](Self::take_in));
/// without that row they are not visible. Then the event is [frozen](Self::freeze), later changes are copied, and
/// [`hand_over`](Self::hand_over) deletes the row and stores its state in one transaction; only with that state can the
/// other store [serve it](Self::activate). If the mover is killed in between, both stores know how far it came
/// ([`place_of`](Self::place_of)), and the next mover of the event goes on from there.
///
/// A mover is identified by a [`MoveId`], a new one for each. A store refuses calls of a mover whose place another has
/// taken, so a mover that slept for an hour does no harm.
///
/// The steps, for a small event that no other mover takes. The `Mover` of `booking-cells` does it for any event: it
/// copies most while the event is sold, compares both stores before the event leaves, and goes on where another mover
/// stopped.
///
/// ```
/// use booking_core::{EventId, MOVED_TABLES, MoveId, MoveStore, StoreError};
///
/// /// Returns whether the event has moved; if not, it is sold where it was.
/// async fn move_event(
///     from: &dyn MoveStore,
///     to: &dyn MoveStore,
///     event: EventId,
///     mover: MoveId,
/// ) -> Result<bool, StoreError> {
///     if from.begin_leaving(event, mover, "the new store").await?.is_none()
///         || !to.begin_arriving(event, mover, "the old store").await?
///     {
///         return Ok(false);
///     }
///     // From here on the event cannot change, for as long as a lease lasts.
///     let Some(frozen) = from.freeze(event, mover).await? else { return Ok(false) };
///     for table in MOVED_TABLES {
///         let mut after = None;
///         loop {
///             let rows =
///                 from.moved_rows(event, table, None, after.as_deref(), table.rows_max).await?;
///             if rows.is_empty() {
///                 break;
///             }
///             to.take_in(event, mover, table, &rows).await?;
///             after = rows.last().cloned();
///         }
///     }
///     let Some(left) = from.hand_over(event, mover, frozen.version).await? else {
///         return Ok(false);
///     };
///     let is_there = to.activate(event, &left).await?;
///     while from.clear(event, mover, 1_000).await? > 0 {}
///     from.forget_left(event, mover).await?;
///     Ok(is_there)
/// }
/// ```
#[async_trait]
pub trait MoveStore: BookingStore {
    /// Identifies this store, under whatever name and by whatever connection it is reached: two stores that return the
    /// same at one time are one, and two that do not are two. It is short, and has no secret in it. It may change when
    /// a server is restarted.
    async fn identity(&self) -> Result<String, StoreError>;

    /// Where an event is, as far as this store knows.
    async fn place_of(&self, event: EventId) -> Result<Place, StoreError>;

    /// Up to `limit` events after `after`, in the order of their ids, that are served here or have left and are not
    /// known to have arrived.
    async fn events_to_move(
        &self,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError>;

    /// Up to `limit` events after `after`, in the order of their ids, that have room here and have not arrived.
    async fn events_arriving(
        &self,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError>;

    /// How many mails of an event are due or stuck, and would leave with it. If more than [`LEAVING_MAILS_MAX`], one
    /// more than that.
    async fn mails_to_leave(&self, event: EventId) -> Result<usize, StoreError>;

    /// Reserves the move of an event for `mover`, for [`MOVE_LEASE`], and returns its mark. `None` if it is not served
    /// here, or another mover has it. `to` is the name of the other store.
    async fn begin_leaving(
        &self,
        event: EventId,
        mover: MoveId,
        to: &str,
    ) -> Result<Option<Mark>, StoreError>;

    /// Renews the lease for another [`MOVE_LEASE`]. `false` if it is not `mover`'s any more.
    async fn go_on_leaving(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError>;

    /// Freezes the event for [`MOVE_LEASE`], and renews the lease: every command is then
    /// [`Refusal::EventMoving`](crate::Refusal::EventMoving). `None` if it is not `mover`'s any more.
    async fn freeze(&self, event: EventId, mover: MoveId) -> Result<Option<Mark>, StoreError>;

    /// Ends the move: the event is sold as before, and any mover may take it.
    async fn stay(&self, event: EventId, mover: MoveId) -> Result<(), StoreError>;

    /// Up to `limit` rows of an event after the row `after`, as JSON objects in the order of the table's
    /// [`page`](MovedTable::page). With `since`, at least all rows that may have changed after that.
    async fn moved_rows(
        &self,
        event: EventId,
        table: &'static MovedTable,
        since: Option<Mark>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;

    /// Counts of an event's rows, to be compared with the other store's. Records count if made after `records_from`.
    async fn count_moved(
        &self,
        event: EventId,
        records_from: DateTime<Utc>,
    ) -> Result<MovedCounts, StoreError>;

    /// Stops serving an event here if it is frozen, `mover`'s, and still at `version`: in one transaction its row, its
    /// lanes and its due or stuck mails are deleted and stored as the returned state, as they are at that moment, even
    /// if a worker was about to write them. The other rows stay until they are [cleared](Self::clear), and are not
    /// written any more: what workers have written since the freeze can then be copied. Repeated, it returns the same.
    /// `None` if the conditions do not hold, or there are [too many mails](Self::mails_to_leave): then nothing is
    /// changed.
    async fn hand_over(
        &self,
        event: EventId,
        mover: MoveId,
        version: Version,
    ) -> Result<Option<LeftEvent>, StoreError>;

    /// Has an event that left by `mover` arrive by the move `to` instead: for a mover that finds that the copied rows
    /// are not where it went. Repeated, it returns the same. `None` if it did not leave so, or is known to have
    /// arrived.
    async fn pass_on(
        &self,
        event: EventId,
        mover: MoveId,
        to: MoveId,
    ) -> Result<Option<LeftEvent>, StoreError>;

    /// Makes room for an event that `mover` brings, or takes over the room that it has. `false` if it is served here,
    /// left from here with a state that is still stored, or has no room yet and ends in a byte that this store
    /// [does not own](Self::keep_to_bytes). `from` is the name of the other store.
    async fn begin_arriving(
        &self,
        event: EventId,
        mover: MoveId,
        from: &str,
    ) -> Result<bool, StoreError>;

    /// Writes rows of an arriving event, replacing those with the same keys. `false` if it is not `mover`'s.
    async fn take_in(
        &self,
        event: EventId,
        mover: MoveId,
        table: &'static MovedTable,
        rows: &[String],
    ) -> Result<bool, StoreError>;

    /// Serves an event from now on, whose rows are all here and which has left the other store with that state. `false`
    /// if it does not arrive by that move. `true` if it is served already.
    async fn activate(&self, event: EventId, left: &LeftEvent) -> Result<bool, StoreError>;

    /// Deletes up to `limit` rows of an event that left or arrives by `mover`, of each table, and returns how many. 0
    /// if there are none, or the event did not leave or arrive so.
    async fn clear(&self, event: EventId, mover: MoveId, limit: usize) -> Result<u64, StoreError>;

    /// Deletes the state of an event that left by `mover`, has arrived, and has no rows here. That it was here stays
    /// recorded for good.
    async fn forget_left(&self, event: EventId, mover: MoveId) -> Result<(), StoreError>;

    /// Gives up the room that `mover` has for an event that has no rows here any more ([`clear`](Self::clear)): the
    /// event is then unknown here. `false` if the room is not `mover`'s, or the event is served here.
    async fn give_up_room(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError>;

    /// All rows of a table that belongs to no event, as JSON objects, oldest first.
    async fn shared_rows(&self, table: &'static MovedTable) -> Result<Vec<String>, StoreError>;

    /// Adds those of `rows` that do not exist here.
    async fn add_shared(
        &self,
        table: &'static MovedTable,
        rows: &[String],
    ) -> Result<(), StoreError>;

    /// From now on creates only events whose ids end in one of the `assigned` bytes, or none: any other is
    /// [`ForeignByte`](crate::ForeignByte). Once this has returned, no other is created by any caller, not even one
    /// that had begun to. Existing events stay, and stored answers of idempotency keys are returned as before. `false`,
    /// and nothing is changed, if a map of a later version has set it, or one of other cells. The map it belongs to is
    /// set once: `None` changes nothing about that. A store without an assignment creates any event.
    async fn keep_to(&self, assigned: StoredBytes) -> Result<bool, StoreError>;

    /// The same, whatever map it belongs to.
    async fn keep_to_bytes(
        &self,
        version: u64,
        bytes: Option<CellBytes>,
    ) -> Result<bool, StoreError> {
        self.keep_to(StoredBytes { version, bytes, map: None }).await
    }

    /// Replaces `before`, as returned by [`stored_map`](crate::UpkeepStore::stored_map), with `after`. `false`, and
    /// nothing is changed, if another map is stored now. Repeated, it is `true`.
    async fn replace_map(
        &self,
        before: Option<&StoredMap>,
        after: &StoredMap,
    ) -> Result<bool, StoreError>;
}

/// Where an event is, as far as one store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is unknown here.
    Unknown,
    /// Here.
    Served,
    /// On its way here.
    Arriving(MoveId),
    /// It was here. With its state, until it is known to have arrived and has no rows here any more.
    Left {
        /// The move that took it.
        mover: MoveId,
        /// The name of the store that it was moved to.
        to: String,
        /// The state that the other store needs to serve it.
        state: Option<LeftEvent>,
    },
}

/// What the receiving store needs to serve an event: the move, the event's row, its lanes, its due or stuck mails, and
/// which facts are new, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftEvent {
    /// The move by which it left: rows copied by another move do not belong to it.
    pub mover: MoveId,
    /// A JSON object: `event`, `lanes`, `mails`, `new_from`.
    pub state: String,
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The version of the event.
    pub version: Version,
    /// The store's time.
    pub at: DateTime<Utc>,
}

/// Counts of an event's rows beside its own. Two stores with equal counts have the same rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MovedCounts {
    /// How many registrations.
    pub registrations: i64,
    /// The sum of the versions of their last changes.
    pub registration_versions: i64,
    /// How many rows of facts.
    pub facts: i64,
    /// How many versions those made, and registrations that are [their own facts](crate::EventChange::facts_to_store).
    pub fact_versions: i64,
    /// The last of these versions.
    pub fact_version_last: i64,
    /// How many idempotency records.
    pub records: i64,
    /// How many former holders.
    pub former_holders: i64,
    /// How many bytes its questions have.
    pub question_bytes: i64,
}

/// The type of a column, and its form in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedKind {
    /// A UUID: its text with hyphens.
    Uuid,
    /// Several: an array of them.
    Uuids,
    /// Bytes: `\x` and their hexadecimal digits.
    Bytes,
    /// An instant: as in RFC 3339, to the microsecond.
    Time,
    /// A whole number.
    Number,
    /// True or false.
    Truth,
    /// A text.
    Text,
}

/// Which rows of a table belong to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedScope {
    /// Those with its id in `event_id`.
    Event,
    /// Records of requests that created it: of no event, with its id in `outcome`.
    PutUp,
    /// None: the table belongs to no event.
    Shared,
}

/// How to find the rows that may have changed since a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedSince {
    /// Any may.
    Any,
    /// By the version of their last change; and offers, whose end an edit changes.
    Registrations,
    /// By the last version that they record.
    Facts,
    /// By the time that they are kept from, which for a refusal is earlier than its decision.
    Records,
    /// By the time of the last attempt.
    Deliveries,
    /// By when they were done.
    Mails,
}

/// A table that an event has rows in, the same in every store.
#[derive(Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: &'static str,
    /// The columns that are moved, with their types.
    pub columns: &'static [(&'static str, MovedKind)],
    /// The columns that identify a row.
    pub key: &'static [&'static str],
    /// The columns that order an event's rows, all different.
    pub page: &'static [&'static str],
    /// Which rows belong to an event.
    pub scope: MovedScope,
    /// Which of them may have changed.
    pub since: MovedSince,
    /// How many may be moved together: some are long.
    pub rows_max: usize,
}

/// How much later than its recorded time a row may have been committed: records have the time at which their event's
/// row was locked, so that this covers clock adjustments; deliveries and mails the time at which their statement began.
const RECORDED_WITHIN: TimeDelta = TimeDelta::seconds(2);
const WRITTEN_WITHIN: TimeDelta = TimeDelta::seconds(15);

impl MovedTable {
    /// The recorded time from which on rows may have changed since a mark.
    pub fn changed_from(&self, since: Mark) -> DateTime<Utc> {
        match self.since {
            MovedSince::Records => since.at - RECORDED_WITHIN,
            _ => since.at - WRITTEN_WITHIN,
        }
    }

    /// The type of a column.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn kind(&self, column: &str) -> MovedKind {
        let found = self.columns.iter().find(|(name, _)| *name == column);
        found.expect("a key is made of columns").1
    }

    /// The names of the columns, as SQL lists them.
    pub fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

use MovedKind::{Bytes, Number, Text, Time, Truth, Uuid, Uuids};

/// The event's own row: it alone makes a store serve the event.
pub const MOVED_EVENT: MovedTable = MovedTable {
    name: "events",
    columns: &[
        ("id", Uuid),
        ("organizer_id", Uuid),
        ("capacity", Number),
        ("booked_count", Number),
        ("held_count", Number),
        ("waitlist_count", Number),
        ("version", Number),
        ("due_at", Time),
        ("status", Text),
        ("opens_at", Time),
        ("closes_at", Time),
        ("waitlist_enabled", Truth),
        ("offer_ttl_seconds", Number),
        ("conceal_registered", Truth),
        ("confirm_address", Truth),
        ("changed_at", Time),
        ("details_changed_at", Time),
        ("sequence", Number),
        ("cancelled_version", Number),
        ("created_at", Time),
        ("starts_at", Time),
        ("ends_at", Time),
        ("retention_days", Number),
        ("erase_at", Time),
        ("erased_to", Number),
        ("language", Text),
        ("remind_hours", Number),
        ("remind_at", Time),
        ("timezone", Text),
        ("venue", Text),
        ("name", Text),
        ("description", Text),
        ("asks", Truth),
        ("organizer_name", Text),
        ("contact", Text),
        ("unlisted", Truth),
    ],
    key: &["id"],
    page: &["id"],
    scope: MovedScope::Event,
    since: MovedSince::Any,
    rows_max: 1,
};

/// The lanes: they move with the row.
pub const MOVED_LANES: MovedTable = MovedTable {
    name: "delivery_lanes",
    columns: &[
        ("event_id", Uuid),
        ("sink_id", Uuid),
        ("version", Number),
        ("target", Number),
        ("position", Number),
        ("attempts", Number),
        ("lease", Uuid),
        ("due_at", Time),
    ],
    key: &["event_id", "sink_id"],
    page: &["sink_id"],
    scope: MovedScope::Event,
    since: MovedSince::Any,
    rows_max: 500,
};

/// Mails: due or stuck ones move with the row, the others before it.
pub const MOVED_MAILS: MovedTable = MovedTable {
    name: "mails",
    columns: &[
        ("event_id", Uuid),
        ("id", Uuid),
        ("registration_id", Uuid),
        ("kind", Text),
        ("version", Number),
        ("state", Text),
        ("attempts", Number),
        ("made_at", Time),
        ("lease", Uuid),
        ("due_at", Time),
        ("failure", Text),
        ("done_at", Time),
    ],
    key: &["event_id", "id"],
    page: &["id"],
    scope: MovedScope::Event,
    since: MovedSince::Mails,
    rows_max: 500,
};

const RECORD_COLUMNS: &[(&str, MovedKind)] = &[
    ("event_id", Uuid),
    ("key_hash", Bytes),
    ("fingerprint", Bytes),
    ("recorded_at", Time),
    ("outcome", Text),
];

/// The tables copied before the row.
pub const MOVED_TABLES: &[MovedTable] = &[
    MovedTable {
        name: "registrations",
        columns: &[
            ("event_id", Uuid),
            ("event_version", Number),
            ("changed_version", Number),
            ("id", Uuid),
            ("user_email", Text),
            ("name", Text),
            ("status", Text),
            ("expires_at", Time),
            ("generation", Number),
            ("token_hash", Bytes),
            ("checked_in_at", Time),
            ("scan_id", Uuid),
            ("created_at", Time),
            ("answers", Text),
        ],
        key: &["id", "event_id"],
        page: &["event_version"],
        scope: MovedScope::Event,
        since: MovedSince::Registrations,
        rows_max: 500,
    },
    MovedTable {
        name: "facts",
        columns: &[
            ("event_id", Uuid),
            ("version_first", Number),
            ("version_last", Number),
            ("recorded_at", Time),
            ("body", Text),
        ],
        key: &["event_id", "version_first"],
        page: &["version_first"],
        scope: MovedScope::Event,
        since: MovedSince::Facts,
        // Each has the facts of a whole batch.
        rows_max: 64,
    },
    MovedTable {
        name: "idempotency_records",
        columns: RECORD_COLUMNS,
        key: &["event_id", "key_hash"],
        page: &["key_hash"],
        scope: MovedScope::Event,
        since: MovedSince::Records,
        rows_max: 500,
    },
    MovedTable {
        name: "idempotency_records",
        columns: RECORD_COLUMNS,
        key: &["event_id", "key_hash"],
        page: &["key_hash"],
        scope: MovedScope::PutUp,
        since: MovedSince::Any,
        rows_max: 100,
    },
    MovedTable {
        name: "former_holders",
        columns: &[
            ("event_id", Uuid),
            ("registration_id", Uuid),
            ("version", Number),
            ("user_email", Text),
            ("name", Text),
            ("made_at", Time),
        ],
        key: &["event_id", "registration_id", "version"],
        page: &["registration_id", "version"],
        scope: MovedScope::Event,
        since: MovedSince::Any,
        rows_max: 500,
    },
    MovedTable {
        name: "deliveries",
        columns: &[
            ("event_id", Uuid),
            ("endpoint_id", Uuid),
            ("version", Number),
            ("kind", Text),
            ("state", Text),
            ("attempts", Number),
            ("tried_at", Time),
            ("status", Number),
            ("failure", Text),
        ],
        key: &["event_id", "endpoint_id", "version"],
        page: &["endpoint_id", "version"],
        scope: MovedScope::Event,
        since: MovedSince::Deliveries,
        rows_max: 500,
    },
    MOVED_MAILS,
    MovedTable {
        name: "event_questions",
        columns: &[("event_id", Uuid), ("body", Text)],
        key: &["event_id"],
        page: &["event_id"],
        scope: MovedScope::Event,
        since: MovedSince::Any,
        rows_max: 1,
    },
];

/// The keys that tickets were signed with: they are copied, and also stay where they were.
pub const MOVED_KEYS: &[MovedTable] = &[
    MovedTable {
        name: "signing_keys",
        columns: &[("seed", Bytes), ("created_at", Time)],
        key: &["seed"],
        page: &["created_at"],
        scope: MovedScope::Shared,
        since: MovedSince::Any,
        rows_max: 500,
    },
    MovedTable {
        name: "ticket_keys",
        columns: &[("public_key", Bytes), ("seen_at", Time)],
        key: &["public_key"],
        page: &["seen_at"],
        scope: MovedScope::Shared,
        since: MovedSince::Any,
        rows_max: 500,
    },
];

/// Rows that events refer to: they are copied, and also stay where they were. Tokens and endpoints refer to organizers,
/// so those come first.
pub const MOVED_ORGANIZERS: &[MovedTable] = &[
    // Without these rows no mail is made for facts of their events.
    MovedTable {
        name: "mail_senders",
        columns: &[("only_row", Truth), ("seen_at", Time)],
        key: &["only_row"],
        page: &["seen_at"],
        scope: MovedScope::Shared,
        since: MovedSince::Any,
        rows_max: 1,
    },
    MovedTable {
        name: "organizers",
        columns: &[("id", Uuid), ("name", Text), ("created_at", Time)],
        key: &["id"],
        page: &["created_at"],
        scope: MovedScope::Shared,
        since: MovedSince::Any,
        rows_max: 500,
    },
    MovedTable {
        name: "organizer_tokens",
        columns: &[
            ("id", Uuid),
            ("organizer_id", Uuid),
            ("token_hash", Bytes),
            ("created_at", Time),
            ("revoked_at", Time),
            ("role", Text),
            ("event_ids", Uuids),
        ],
        key: &["id"],
        page: &["created_at"],
        scope: MovedScope::Shared,
        since: MovedSince::Any,
        rows_max: 500,
    },
    MovedTable {
        name: "webhook_endpoints",
        columns: &[
            ("id", Uuid),
            ("organizer_id", Uuid),
            ("event_id", Uuid),
            ("url", Text),
            ("types", Text),
            ("includes_person", Truth),
            ("secret", Bytes),
            ("former_secret", Bytes),
            ("former_secret_until", Time),
            ("disabled_at", Time),
            ("disabled_why", Text),
            ("failing_since", Time),
            ("created_at", Time),
        ],
        key: &["id"],
        page: &["created_at"],
        scope: MovedScope::Shared,
        since: MovedSince::Any,
        rows_max: 500,
    },
];
