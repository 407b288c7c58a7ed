//! Cells for the tests, of any store.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::allow_attributes,
    reason = "each test file uses a part of it"
)]

use async_trait::async_trait;
use booking_cells::{CellMap, CellSpec, CellStore, MapChange, MoveObserver, Mover, NewCell, Step};
use booking_conformance::{Fixture, MemoryStore};
use booking_core::{BookingStore, CellName, Clock, EventId, MoveId, MoveStore};
use booking_pg::{PgOptions, PgStore, PlanCacheMode};
use booking_sqlite::{Options, SqliteStore};
use booking_testkit::{CitusSchema, Database, Template};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

const REACHABLE_WITHIN: Duration = Duration::from_secs(60);

/// So many cells, called `c0`, `c1` and so on, with the bytes divided evenly.
pub(crate) fn map(cells: usize) -> CellMap {
    let first = |at: usize| at * 256 / cells;
    let specs = (0..cells).map(|at| {
        let schema = format!("c{at}");
        CellSpec {
            name: CellName::parse(&schema).expect("a valid name"),
            node: "here".to_owned(),
            schema,
            first: first(at) as u8,
            last: (first(at + 1) - 1) as u8,
        }
    });
    CellMap::new(1, vec!["here".to_owned()], specs.collect()).expect("they are a map")
}

pub(crate) fn named(name: &str) -> CellName {
    CellName::parse(name).expect("a valid name")
}

/// A cell for a change to add.
pub(crate) fn new_cell(name: &str) -> NewCell {
    NewCell { name: named(name), node: "here".to_owned(), schema: name.to_owned() }
}

/// The id of a new mover.
pub(crate) fn new_mover() -> MoveId {
    Uuid::now_v7().into()
}

/// A mover between two stores, which observers may stop.
pub(crate) fn mover<'a>(
    from: &'a dyn MoveStore,
    to: &'a dyn MoveStore,
    observer: &'a dyn MoveObserver,
) -> Mover<'a> {
    Mover { from, to, from_name: "there", to_name: "here", new_id: &new_mover, observer }
}

/// An observer that stops nothing.
pub(crate) struct Unwatched;

impl MoveObserver for Unwatched {
    fn reached(&self, _: EventId, _: Step) -> bool {
        true
    }
}

/// Where a cell's data is.
#[derive(Debug)]
pub(crate) enum Backend {
    Memory(MemoryStore),
    Sqlite(Folder),
    Postgres(Database),
    Citus(CitusSchema),
}

/// A folder with a database, which can be taken away.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        // There are many files, and none has to outlive the machine.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = Self(folder.expect("a folder"));
        std::fs::create_dir(folder.here()).expect("a folder in it");
        folder
    }

    fn here(&self) -> PathBuf {
        self.0.path().join("here")
    }

    fn away(&self) -> PathBuf {
        self.0.path().join("away")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.here().join("booking.db")
    }

    /// The file to open, with our tables. They are created once and copied: creating them each time would take most of
    /// a test's time.
    async fn file_with_tables(&self) -> PathBuf {
        static EMPTY: OnceCell<Vec<u8>> = OnceCell::const_new();
        let file = self.file();
        if self.here().is_dir() && !file.exists() {
            let empty = EMPTY.get_or_init(async || {
                let folder = tempfile::tempdir().expect("a folder");
                let file = folder.path().join("booking.db");
                booking_sqlite::migrate(&file).await.expect("the migrations run");
                std::fs::read(&file).expect("it can be read")
            });
            std::fs::write(&file, empty.await).expect("it can be written");
        }
        file
    }

    /// From now on the store in it answers that it is unavailable.
    pub(crate) fn take_away(&self) {
        std::fs::rename(self.here(), self.away()).expect("it can be moved");
    }

    pub(crate) fn bring_back(&self) {
        std::fs::rename(self.away(), self.here()).expect("it can be moved");
    }
}

impl Backend {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryStore::default())
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(Folder::new())
    }

    /// A database of its own with our tables.
    pub(crate) fn postgres() -> Self {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            booking_testkit::shared().template_async("cell", async |url| {
                connect(&url, None).await.migrate().await.expect("the migrations run");
            })
        });
        Self::Postgres(booking_testkit::shared().database(Some(template)))
    }

    /// A schema of its own with our tables, in a Citus.
    pub(crate) fn citus() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("booking_check_move_{}", MADE.fetch_add(1, Ordering::Relaxed));
        Self::Citus(CitusSchema::create(&name, async |url| {
            connect(&url, None).await.migrate().await.expect("the migrations run");
        }))
    }

    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        match (self, clock) {
            (Self::Memory(store), Some(clock)) => Arc::new(store.clone().with_clock(clock)),
            (Self::Memory(store), None) => Arc::new(store.clone()),
            (_, clock) => self.open_to_move(clock).await,
        }
    }

    /// The same as a store that events can be moved from and to.
    pub(crate) async fn open_to_move(&self, clock: Option<Clock>) -> Arc<dyn MoveStore> {
        match self {
            Self::Memory(_) => panic!("nobody else can have what is in memory"),
            Self::Sqlite(folder) => {
                let options = Options { clock, ..Options::default() };
                Arc::new(
                    SqliteStore::open(folder.file_with_tables().await, options)
                        .await
                        .expect("opened"),
                )
            }
            Self::Postgres(database) => Arc::new(connect(database.url(), clock).await),
            Self::Citus(schema) => Arc::new(connect_to_citus(schema, clock).await),
        }
    }

    /// Its tables and their columns.
    pub(crate) fn columns(&self) -> Vec<(String, String)> {
        let pairs = match self {
            Self::Memory(_) => panic!("there are none"),
            Self::Sqlite(folder) => texts(
                &Connection::open(folder.file()).expect("opened"),
                "SELECT m.name || '.' || c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
                 WHERE m.type = 'table'",
            ),
            Self::Postgres(database) => {
                let all = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                           WHERE table_schema = 'public'";
                database.sql(all).into_iter().flatten().flatten().collect()
            }
            Self::Citus(_) => panic!("they are those of PostgreSQL"),
        };
        let pair = |pair: String| pair.split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned()));
        pairs.into_iter().filter_map(pair).collect()
    }

    fn dump(&self) -> Vec<u8> {
        match self {
            Self::Memory(store) => store.dump().into_bytes(),
            Self::Sqlite(folder) => dump_file(&folder.file()),
            Self::Postgres(database) => database.dump(),
            Self::Citus(schema) => schema.dump(),
        }
    }
}

async fn connect(url: &str, clock: Option<Clock>) -> PgStore {
    connect_with(PgOptions { clock, ..PgOptions::parse(url).expect("a valid URL") }).await
}

async fn connect_to_citus(schema: &CitusSchema, clock: Option<Clock>) -> PgStore {
    let options = PgOptions::parse(schema.url()).expect("a valid URL");
    connect_with(PgOptions { clock, plan_cache_mode: PlanCacheMode::Auto, ..options }).await
}

async fn connect_with(options: PgOptions) -> PgStore {
    let options = PgOptions { pool_size: 3, ..options };
    PgStore::connect(&options, REACHABLE_WITHIN).await.expect("it is there")
}

/// The rows of all tables, hashes in hexadecimal digits, and the bytes of the files.
fn dump_file(path: &Path) -> Vec<u8> {
    let connection = Connection::open(path).expect("opened");
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("copied");
    let mut dump = Vec::new();
    for table in texts(&connection, "SELECT name FROM sqlite_master WHERE type = 'table'") {
        for column in texts(&connection, &format!("SELECT name FROM pragma_table_info('{table}')"))
        {
            let values = format!(
                "SELECT CASE typeof(\"{column}\") WHEN 'blob' THEN lower(hex(\"{column}\")) \
                 ELSE CAST(coalesce(\"{column}\", '') AS TEXT) END FROM \"{table}\""
            );
            for value in texts(&connection, &values) {
                dump.extend([value.as_bytes(), b"\n"].concat());
            }
        }
    }
    dump.extend(std::fs::read(path).expect("it can be read"));
    dump.extend(std::fs::read(path.with_extension("db-wal")).unwrap_or_default());
    dump
}

/// The rows of a query of one text.
fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut query = connection.prepare(sql).expect("it is SQL");
    let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("there are rows");
    rows.collect::<Result<Vec<_>, _>>().expect("each is a text")
}

/// Stores of several cells over the same data.
pub(crate) struct Cells {
    pub(crate) backends: Vec<Backend>,
    map: CellMap,
    /// Applied to each store.
    alter: fn(CellStore) -> CellStore,
}

impl Cells {
    /// So many cells, with backends taken in turn from `kinds`.
    pub(crate) fn of(cells: usize, kinds: &[fn() -> Backend]) -> Self {
        let backends = kinds.iter().cycle().take(cells).map(|kind| kind());
        Self { backends: backends.collect(), map: map(cells), alter: |store| store }
    }

    /// The same while one of them is split: `cells` is their number in the end.
    pub(crate) fn while_one_is_split(cells: usize, kinds: &[fn() -> Backend]) -> Self {
        let to = new_cell("split_off");
        let split = MapChange::Split { cell: named("c0"), at: 0x20, to };
        let map = map(cells - 1).changed(&split).expect("it can be");
        Self { map, ..Self::of(cells, kinds) }
    }

    /// The same while one of them is moved: `cells` includes the one that has no events in the end.
    pub(crate) fn while_one_is_moved(cells: usize, kinds: &[fn() -> Backend]) -> Self {
        let moved = MapChange::Move { cell: named("c1"), to: new_cell("moved_to") };
        let map = map(cells - 1).changed(&moved).expect("it can be");
        Self { map, ..Self::of(cells, kinds) }
    }

    /// The same, with `alter` applied to each store.
    pub(crate) fn altered(self, alter: fn(CellStore) -> CellStore) -> Self {
        Self { alter, ..self }
    }

    pub(crate) async fn open_cells(&self, clock: Option<Clock>) -> CellStore {
        let mut stores = Vec::new();
        for backend in &self.backends {
            stores.push(backend.open(clock.clone()).await);
        }
        (self.alter)(CellStore::new(&self.map, stores))
    }

    /// The folder of a cell whose data is in one.
    pub(crate) fn folder(&self, at: usize) -> &Folder {
        match &self.backends[at] {
            Backend::Sqlite(folder) => folder,
            other => panic!("it is no folder: {other:?}"),
        }
    }
}

#[async_trait]
impl Fixture for Cells {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        Arc::new(self.open_cells(clock).await)
    }

    async fn dump_everything(&self) -> Vec<u8> {
        self.backends.iter().flat_map(Backend::dump).collect()
    }
}

/// Runs each of these tests, which take a function that makes a backend, on SQLite and on
/// PostgreSQL.
macro_rules! kinds {
    ($($test:ident)*) => {
        mod sqlite {
            use super::common::Backend;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(Backend::sqlite).await;
                }
            )*
        }

        mod postgres {
            use super::common::Backend;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(Backend::postgres).await;
                }
            )*
        }
    };
}

pub(crate) use kinds;

/// Lets a mover go on until a step.
pub(crate) struct Until(pub(crate) fn(Step) -> bool);

impl MoveObserver for Until {
    fn reached(&self, _: EventId, step: Step) -> bool {
        !(self.0)(step)
    }
}

/// Runs a function after each step, before the mover goes on, which may stop it there.
pub(crate) struct Meanwhile<F>(pub(crate) F);

impl<F: Fn(Step) -> bool + Send + Sync> MoveObserver for Meanwhile<F> {
    fn reached(&self, _: EventId, step: Step) -> bool {
        (self.0)(step)
    }
}

/// Blocks on `work` in synchronous code.
pub(crate) fn now<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}
