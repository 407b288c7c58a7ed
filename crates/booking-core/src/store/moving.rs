//! Moving an event from one store to another while both are served: what a store has to do for it, and which rows there
//! are of an event.

use crate::{
    BookingStore, CellBytes, EventId, MoveId, StoreError, StoredBytes, StoredMap, Version,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// For how long a store believes that the mover of an event is still there, once it has heard of it. Until then
/// nobody else moves it, and if it is frozen nobody changes it; after that it is as if nobody had begun.
pub const MOVE_LEASE: TimeDelta = TimeDelta::seconds(10);

/// For how long a store says of an event that has come that it is on its way: a server that looked for it before it came, and
/// then where it is, is to ask again.
pub const MOVED_LATELY: TimeDelta = TimeDelta::seconds(10);

/// How many mails that are due or stuck may leave with an event. They leave with its row, in one piece, and while that goes
/// on nobody can change the event: an event with more of them is not [handed over](MoveStore::hand_over). So many had an event
/// frozen for 1.0 to 2.7 s, by whatever stores, twice as many for 2.4 to 3.9 s: in a program without optimization, on two cores
/// that eight others wanted, too.
pub const LEAVING_MAILS_MAX: usize = 10_000;

/// For how long room that was [made](MoveStore::begin_arriving) for an event is kept, if it does not arrive: its mover
/// is believed to have given up. All of it is where it is served, or was: rows are deleted there once it is served
/// here, and not before. So nothing is lost by it, even if the event has left for here: then it is copied anew.
pub const ROOM_KEPT: TimeDelta = TimeDelta::days(7);

/// The migration that a program has to know not to sell an event that is being handed over, and to know all that an event
/// may arrive with.
pub const KNOWS_MOVES: i32 = 20;

/// A store whose events can be moved to another, of the same or of another kind.
///
/// The event's own row decides where an event is served: it is in one store, or for a moment in none. All other rows are
/// copied before it, in pages, while it is sold ([`moved_rows`](Self::moved_rows), [`take_in`](Self::take_in)); without
/// that row nobody sees them. Then it is [frozen](Self::freeze), what changed meanwhile is copied, and
/// [`hand_over`](Self::hand_over) takes the row away and leaves its state behind in one transaction; only with that state can the
/// other store [put it up](Self::activate). Whatever is killed in between, what has come of a move is in the two stores
/// ([`place_of`](Self::place_of)), and the next who moves the event goes on from there.
///
/// A mover is known by a [`MoveId`], which each of them makes anew. A store takes nothing from one whose place
/// another has taken, so that a mover that slept for an hour does no harm.
///
/// The order of it, for an event that is small and that nothing else moves. The `Mover` of `booking-cells` does it for any:
/// it copies most while the event is sold, compares both stores before the event leaves, and goes on where another stopped.
///
/// ```
/// use booking_core::{EventId, MOVED_TABLES, MoveId, MoveStore, StoreError};
///
/// /// Tells whether the event has moved; if not, it is sold where it was.
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
///     // From here on nothing changes it, for as long as a lease lasts.
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
    /// What this store is, whatever people call it, and however and by whom it is reached: two that say the same at one time
    /// are one, and two that do not are two. It is not long, and has no secret in it. It may be another once a server was
    /// started again.
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

    /// Up to `limit` events after `after`, in the order of their ids, for which there is room here, and which have not arrived.
    async fn events_arriving(
        &self,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventId>, StoreError>;

    /// How many mails of an event are due or stuck, and would leave with it. Of more than [`LEAVING_MAILS_MAX`] it is one
    /// more than that.
    async fn mails_to_leave(&self, event: EventId) -> Result<usize, StoreError>;

    /// Takes the moving of an event for `mover`, for [`MOVE_LEASE`], and tells where it stands. `None` if it is not
    /// served here, or another mover has it. `to` is what people call the other store.
    async fn begin_leaving(
        &self,
        event: EventId,
        mover: MoveId,
        to: &str,
    ) -> Result<Option<Mark>, StoreError>;

    /// Keeps it for another [`MOVE_LEASE`]. `false` if it is not `mover`'s any more.
    async fn go_on_leaving(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError>;

    /// Lets nobody change the event for [`MOVE_LEASE`], and keeps it for as long: whatever is asked of it is
    /// [`Refusal::EventMoving`](crate::Refusal::EventMoving). `None` if it is not `mover`'s any more.
    async fn freeze(&self, event: EventId, mover: MoveId) -> Result<Option<Mark>, StoreError>;

    /// Gives it back: it is sold as before, and anybody may move it.
    async fn stay(&self, event: EventId, mover: MoveId) -> Result<(), StoreError>;

    /// Up to `limit` rows of an event after the row `after`, as JSON objects in the order of the table's
    /// [`page`](MovedTable::page). With `since`, those that may have changed after that at least.
    async fn moved_rows(
        &self,
        event: EventId,
        table: &'static MovedTable,
        since: Option<Mark>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;

    /// What there is of an event, to be held against the same of the other store. Records count that were made after
    /// `records_from`.
    async fn count_moved(
        &self,
        event: EventId,
        records_from: DateTime<Utc>,
    ) -> Result<MovedCounts, StoreError>;

    /// Ends the serving of an event here if it is frozen, `mover`'s, and still at `version`: in one transaction its row,
    /// its lanes and the mails that are due or stuck are taken away and kept as the state that is returned: as they are at that
    /// moment, whatever was about to write them. The rest stays until it is [cleared](Self::clear), and nobody writes it any
    /// more: what workers have written since it was frozen can be copied then. Done again it returns the same. `None` if it was
    /// not to be, or has [too many mails](Self::mails_to_leave): then it is as it was.
    async fn hand_over(
        &self,
        event: EventId,
        mover: MoveId,
        version: Version,
    ) -> Result<Option<LeftEvent>, StoreError>;

    /// Has an event that left by `mover` be put up by the move `to`, and by `mover` no more: for a mover that finds that what was
    /// copied is not where it went. Done again it returns the same. `None` if it did not leave so, or is known to have arrived.
    async fn pass_on(
        &self,
        event: EventId,
        mover: MoveId,
        to: MoveId,
    ) -> Result<Option<LeftEvent>, StoreError>;

    /// Makes room for an event that `mover` brings. `false` if it is served here, left from here with a state that is kept
    /// yet, or ends in a byte that this store [does not keep to](Self::keep_to_bytes). `from` is what people call the other store.
    async fn begin_arriving(
        &self,
        event: EventId,
        mover: MoveId,
        from: &str,
    ) -> Result<bool, StoreError>;

    /// Writes rows of an event that arrives, in place of those that are there under their keys. `false` if it is not
    /// `mover`'s.
    async fn take_in(
        &self,
        event: EventId,
        mover: MoveId,
        table: &'static MovedTable,
        rows: &[String],
    ) -> Result<bool, StoreError>;

    /// Serves an event from now on, whose rows are all here and which has left the other store with that state. `false` if
    /// it is not to arrive from that move. Of an event that is served already it is `true`.
    async fn activate(&self, event: EventId, left: &LeftEvent) -> Result<bool, StoreError>;

    /// Deletes up to `limit` rows of an event that left or arrives by `mover`, of each table, and tells how many. 0 if there
    /// are none, or that is not so.
    async fn clear(&self, event: EventId, mover: MoveId, limit: usize) -> Result<u64, StoreError>;

    /// An event that left by `mover` has arrived, and nothing of it is here: forgets the state that it left with. That it was
    /// here is known for good.
    async fn forget_left(&self, event: EventId, mover: MoveId) -> Result<(), StoreError>;

    /// Gives up the room that `mover` has for an event of which nothing is here any more ([`clear`](Self::clear)): it is not on
    /// its way here, then, and nothing is known of it. `false` if the room is not `mover`'s, or the event is served here.
    async fn give_up_room(&self, event: EventId, mover: MoveId) -> Result<bool, StoreError>;

    /// All rows of a table that is of no event, as JSON objects, oldest first.
    async fn shared_rows(&self, table: &'static MovedTable) -> Result<Vec<String>, StoreError>;

    /// Adds those of `rows` that are not here.
    async fn add_shared(
        &self,
        table: &'static MovedTable,
        rows: &[String],
    ) -> Result<(), StoreError>;

    /// Puts up events from now on whose ids end in one of the bytes that are `told` alone, or none: any other is
    /// [`ForeignByte`](crate::ForeignByte). Once this has returned no other is put up by anybody, also not by those who had begun to. What
    /// is here stays, and an answer that is kept under an idempotency key is given as before. `false`, and nothing is changed, if it
    /// was told so by a map of a later version, or is one of other cells. Of which cells it is one it is told once: `None` changes
    /// nothing about that. A store that was never told puts up any.
    async fn keep_to(&self, told: StoredBytes) -> Result<bool, StoreError>;

    /// The same, of whatever cells it is one.
    async fn keep_to_bytes(
        &self,
        version: u64,
        bytes: Option<CellBytes>,
    ) -> Result<bool, StoreError> {
        self.keep_to(StoredBytes { version, bytes, map: None }).await
    }

    /// Keeps `after` in place of `before`, which is what [`stored_map`](crate::UpkeepStore::stored_map) said. `false`, and nothing is changed, if
    /// that is not what is kept now. Done again it is `true`.
    async fn replace_map(
        &self,
        before: Option<&StoredMap>,
        after: &StoredMap,
    ) -> Result<bool, StoreError>;
}

/// Where an event is, as far as one store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Not here, and nothing is known of it.
    Unknown,
    /// Here.
    Served,
    /// On its way here.
    Arriving(MoveId),
    /// It was here. With its state, until it is known to have arrived and nothing of it is here any more.
    Left {
        /// Who moved it.
        mover: MoveId,
        /// What people call the store that it was moved to.
        to: String,
        /// What the other store puts it up with.
        state: Option<LeftEvent>,
    },
}

/// What an event is put up with by the store that it arrives in: the move, the event's row, its lanes, the mails that are
/// due or stuck, and which facts are new, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftEvent {
    /// The move by which it left: another's rows are not those that belong to it.
    pub mover: MoveId,
    /// A JSON object: `event`, `lanes`, `mails`, `new_from`.
    pub state: String,
}

/// Where a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The version of the event.
    pub version: Version,
    /// The store's time.
    pub at: DateTime<Utc>,
}

/// What there is of an event beside its row. Two stores that have the same have all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MovedCounts {
    /// How many registrations.
    pub registrations: i64,
    /// The sum of the versions that they were changed by last.
    pub registration_versions: i64,
    /// How many rows of facts.
    pub facts: i64,
    /// How many versions those made.
    pub fact_versions: i64,
    /// The last of them.
    pub fact_version_last: i64,
    /// How many answers are kept for requests that may come again.
    pub records: i64,
    /// Of how many it is kept that they gave their seat away.
    pub former_holders: i64,
    /// How many bytes its questions have.
    pub question_bytes: i64,
}

/// What a column holds, and how JSON says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedKind {
    /// A UUID: its text with hyphens.
    Uuid,
    /// Several: an array of them.
    Uuids,
    /// Bytes: `\x` and their hexadecimal digits.
    Bytes,
    /// An instant: as RFC 3339 has it, to the microsecond.
    Time,
    /// A whole number.
    Number,
    /// True or false.
    Truth,
    /// A text.
    Text,
}

/// Which rows of a table are an event's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedScope {
    /// Those with its id in `event_id`.
    Event,
    /// Records of requests that put it up: of no event, with its id in `outcome`.
    PutUp,
    /// None: the table is of no event.
    Shared,
}

/// How to know the rows that may have changed since a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedSince {
    /// Any may.
    Any,
    /// By the version of their last change; and offers, whose end an edit changes.
    Registrations,
    /// By the last version that they tell of.
    Facts,
    /// By the time that they are kept from, which for a refusal is earlier than it was.
    Records,
    /// By the time of the last try.
    Deliveries,
    /// By when they were done.
    Mails,
}

/// A table that an event has rows in, the same in every store.
#[derive(Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// What it is called.
    pub name: &'static str,
    /// Its columns that are moved, with what they hold.
    pub columns: &'static [(&'static str, MovedKind)],
    /// Which name a row.
    pub key: &'static [&'static str],
    /// Which put an event's rows in order, no two alike.
    pub page: &'static [&'static str],
    /// Whose they are.
    pub scope: MovedScope,
    /// Which of them may be others.
    pub since: MovedSince,
    /// How many may be moved together: some are long.
    pub rows_max: usize,
}

/// How much later than the time that it says something may have been committed: records have the time at which their
/// event's row was locked, so that this is for clocks that are set; deliveries and mails that at which their statement began.
const RECORDED_WITHIN: TimeDelta = TimeDelta::seconds(2);
const WRITTEN_WITHIN: TimeDelta = TimeDelta::seconds(15);

impl MovedTable {
    /// From when on rows may have changed since a mark that say when they did.
    pub fn changed_from(&self, since: Mark) -> DateTime<Utc> {
        match self.since {
            MovedSince::Records => since.at - RECORDED_WITHIN,
            _ => since.at - WRITTEN_WITHIN,
        }
    }

    /// The kind of a column.
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

/// The event's own row: the only one that says that it is served.
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

/// How far its facts have come: with the row.
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

/// Mails: those that are due or stuck with the row, the others before it.
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

/// What is copied before the row.
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

/// The keys that tickets were signed with: they are copied, and stay where they were, too.
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

/// What events refer to: it is copied, and stays where it was, too. Tokens and endpoints lead to organizers, so those come
/// first.
pub const MOVED_ORGANIZERS: &[MovedTable] = &[
    // Without which no mail is made of what happens to their events.
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
