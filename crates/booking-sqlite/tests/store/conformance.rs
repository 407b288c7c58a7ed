//! The store passes the suite, and the suite catches the store without its transactions.

use async_trait::async_trait;
use booking_conformance::Fixture;
use booking_core::{BookingStore, Clock};
use booking_sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::OnceCell;

struct Sqlite {
    directory: TempDir,
    #[cfg(feature = "negative-control")]
    transactions: bool,
}

impl Sqlite {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            #[cfg(feature = "negative-control")]
            transactions: true,
        }
    }
}

/// A database with our tables. They are created once and copied: creating them each time would take most of a
/// case's time.
async fn with_tables() -> &'static [u8] {
    static TABLES: OnceCell<Vec<u8>> = OnceCell::const_new();
    let made = TABLES.get_or_init(async || {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("booking.db");
        booking_sqlite::migrate(&path).await.expect("the migrations run");
        std::fs::read(&path).expect("it can be read")
    });
    made.await
}

#[async_trait]
impl Fixture for Sqlite {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        let path = self.directory.path().join("booking.db");
        if !path.exists() {
            std::fs::write(&path, with_tables().await).expect("it can be written");
        }
        let options = Options { clock, ..Options::default() };
        #[cfg(feature = "negative-control")]
        if !self.transactions {
            let store = SqliteStore::open_without_transactions(path, options).await;
            return Arc::new(store.expect("opened"));
        }
        Arc::new(SqliteStore::open(path, options).await.expect("opened"))
    }

    /// The rows of all tables, and the bytes of the files: deleted data is overwritten there.
    async fn dump_everything(&self) -> Vec<u8> {
        let path = self.directory.path().join("booking.db");
        let connection = Connection::open(&path).expect("opened");
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("copied");
        let mut dump = Vec::new();
        for table in texts(&connection, "SELECT name FROM sqlite_master WHERE type = 'table'") {
            let columns = format!("SELECT name FROM pragma_table_info('{table}')");
            for column in texts(&connection, &columns) {
                // Bytes as hexadecimal digits, as JSON has hashes.
                let values = format!(
                    "SELECT CASE typeof(\"{column}\") WHEN 'blob' THEN lower(hex(\"{column}\")) \
                     ELSE CAST(coalesce(\"{column}\", '') AS TEXT) END FROM \"{table}\""
                );
                for value in texts(&connection, &values) {
                    dump.extend([value.as_bytes(), b"\n"].concat());
                }
            }
        }
        // The third file is an index of the log, without any data.
        dump.extend(std::fs::read(&path).expect("it can be read"));
        dump.extend(std::fs::read(path.with_extension("db-wal")).unwrap_or_default());
        dump
    }
}

/// The rows of a query of one text.
fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut query = connection.prepare(sql).expect("it is SQL");
    let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("there are rows");
    rows.collect::<Result<Vec<_>, _>>().expect("each is a text")
}

booking_conformance::suite!(Sqlite::new());

#[cfg(feature = "negative-control")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_transactions_the_races_fail() {
    let races = tokio::spawn(async {
        let unprotected = Sqlite { transactions: false, ..Sqlite::new() };
        booking_conformance::cases::a_race_of_two_instances_gives_out_exactly_the_seats(
            &unprotected,
        )
        .await;
    });
    let failure = races.await.expect_err("the suite did not notice that the transactions are gone");
    let panic = failure.into_panic();
    let reason = panic.downcast_ref::<String>().expect("a panic with a message");
    // Two writers decided on the same state, which the second notices as it writes.
    assert!(reason.contains("Broken"), "it failed for another reason: {reason}");
}
