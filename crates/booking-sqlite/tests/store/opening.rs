//! Opening a database: by many at once, and in vain.

use crate::common::{Database, chain, confirm, create, register};
use booking_core::prelude::*;
use booking_sqlite::{BackupError, OpenError, Options, SqliteStore, migrate};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const OPENERS: usize = 40;
const PROCESSES: usize = 6;
/// Makes a process of this test file one of those that open this database.
const PATH_VARIABLE: &str = "BOOKING_SQLITE_TEST_OPEN";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_an_empty_database_at_once() {
    for _ in 0..5 {
        let database = Database::new();
        let mut openers = JoinSet::new();
        for _ in 0..OPENERS {
            openers.spawn(SqliteStore::open(database.path(), Options::default()));
        }
        let stores: Vec<_> = openers.join_all().await;
        for store in &stores {
            let store = store.as_ref().unwrap_or_else(|error| panic!("{}", chain(error)));
            confirm(store, register(create(store, 1).await.id, "ada")).await;
        }
        let store = stores[0].as_ref().expect("checked above");
        let report = store.audit().await.expect("the store answers");
        assert_eq!((report.events, report.differences), (OPENERS as u64, vec![]));
    }
}

#[tokio::test]
async fn the_one_writer_takes_one_batch_at_a_time() {
    let database = Database::new();
    let store = SqliteStore::open(database.path(), Options::default()).await;
    assert_eq!(store.expect("opened").batches_at_once(0), 1);
}

#[tokio::test]
async fn many_processes_may_open_an_empty_database_at_once() {
    if let Some(path) = std::env::var_os(PATH_VARIABLE) {
        let store = SqliteStore::open(path, Options::default()).await.expect("opened");
        confirm(&store, register(create(&store, 1).await.id, "ada")).await;
        return;
    }
    let database = Database::new();
    let children: Vec<Child> = (0..PROCESSES).map(|_| spawn_opener(&database.path())).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let report = database.open().await.audit().await.expect("the store answers");
    assert_eq!((report.events, report.differences), (PROCESSES as u64, vec![]));
}

fn spawn_opener(path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "opening::many_processes_may_open_an_empty_database_at_once"])
        .env(PATH_VARIABLE, path)
        .stdout(Stdio::null())
        .spawn()
        .expect("started")
}

#[tokio::test]
async fn migrating_is_done_once() {
    let database = Database::new();
    let applied = migrate(database.path()).await.expect("migrated");
    assert_eq!(applied[0], "V1__create_events_and_registrations");
    assert_eq!(migrate(database.path()).await.expect("migrated"), <[String; 0]>::default());
    assert_eq!(database.open().await.path(), database.path());
}

/// As a newer program would leave it, whose tables require programs that know at least `needs`.
fn migrate_later(database: &Database, needs: i32) {
    let later = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (999, 'from_the_future', '2030-01-01T00:00:00Z', '1');
        CREATE TABLE from_the_future (c);";
    let needed = format!("UPDATE schema_compatibility SET needs_from = {needs}");
    database.connect().execute_batch(&format!("{later} {needed}")).expect("written");
}

#[tokio::test]
async fn a_compatible_later_migration_is_accepted() {
    let database = Database::new();
    assert_eq!(database.open().await.newer_migrations(), <[String; 0]>::default());
    migrate_later(&database, 6);
    assert_eq!(migrate(database.path()).await.expect("nothing to do"), <[String; 0]>::default());
    let store = database.open().await;
    assert_eq!(store.newer_migrations(), ["V999__from_the_future"]);
    confirm(&store, register(create(&store, 1).await.id, "ada")).await;
    let health = store.health().await.expect("the store answers");
    assert_eq!((health.migrations_missing, health.trouble), (0, None));
    let existing = SqliteStore::open_existing(database.path(), Options::default()).await;
    assert_eq!(existing.expect("opened").newer_migrations().len(), 1);
    let report = booking_sqlite::audit(database.path()).await.expect("recounted");
    assert_eq!((report.registrations, report.differences), (1, vec![]));
}

#[tokio::test]
async fn a_migration_that_is_not_ours_is_refused() {
    let database = Database::new();
    migrate(database.path()).await.expect("migrated");
    migrate_later(&database, 999);
    let error = migrate(database.path()).await.expect_err("unknown");
    assert!(matches!(error, OpenError::Migrate { .. }), "{error:?}");
    assert!(chain(&error).contains("from_the_future"), "{}", chain(&error));
    let error = SqliteStore::open(database.path(), Options::default()).await.expect_err("unknown");
    assert!(chain(&error).contains("migration 999"), "{}", chain(&error));
    booking_sqlite::audit(database.path()).await.expect_err("unknown");
    // One of ours that was changed, and tables that do not say what they require.
    for spoil in [
        "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
        "DELETE FROM refinery_schema_history WHERE version = 2",
        "DROP TABLE schema_compatibility",
    ] {
        let database = Database::new();
        migrate(database.path()).await.expect("migrated");
        migrate_later(&database, 1);
        migrate(database.path()).await.expect("it says that it can be worked with");
        database.connect().execute_batch(spoil).expect("written");
        let error = migrate(database.path()).await.expect_err(spoil);
        assert!(matches!(error, OpenError::Migrate { .. }), "{spoil}: {error:?}");
    }
}

#[tokio::test]
async fn open_existing_creates_nothing() {
    let open = |path: PathBuf| SqliteStore::open_existing(path, Options::default());
    let database = Database::new();
    let error = open(database.path()).await.expect_err("there is none");
    assert!(matches!(error, OpenError::NotThere { .. }), "{error:?}");
    assert!(error.to_string().contains(&database.path().display().to_string()), "{error}");
    let error = booking_sqlite::audit(database.path()).await.expect_err("there is none");
    assert!(matches!(error, OpenError::NotThere { .. }), "{error:?}");
    let left = fs::read_dir(database.path().parent().expect("a folder")).expect("read").count();
    assert_eq!(left, 0, "nothing was made");

    // An empty file, and another program's database.
    for tables in ["", "CREATE TABLE diary (day)"] {
        let database = Database::new();
        fs::write(database.path(), "").expect("written");
        database.connect().execute_batch(tables).expect("written");
        let before = fs::read(database.path()).expect("read");
        let error = open(database.path()).await.expect_err("it is not ours");
        assert!(matches!(error, OpenError::NotMigrated { .. }), "{error:?}");
        let error = booking_sqlite::audit(database.path()).await.expect_err("it is not ours");
        assert!(matches!(error, OpenError::NotMigrated { .. }), "{error:?}");
        assert_eq!(fs::read(database.path()).expect("read"), before, "it is as it was");
    }

    let database = Database::new();
    migrate(database.path()).await.expect("migrated");
    let older = "DELETE FROM refinery_schema_history
        WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    database.connect().execute_batch(older).expect("written");
    let error = open(database.path()).await.expect_err("it is older");
    assert!(matches!(error, OpenError::OutOfDate { .. }), "{error:?}");
}

/// What a killed process leaves: copies of the database and of its log, with a registration.
async fn killed(to: &Database) {
    let database = Database::new();
    let store = database.open().await;
    confirm(&store, register(create(&store, 1).await.id, "ada")).await;
    fs::copy(database.path(), to.path()).expect("copied");
    fs::copy(log_of(&database.path()), log_of(&to.path())).expect("copied");
}

fn log_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

/// SQLite would delete the log, and what was acknowledged with it.
#[tokio::test]
async fn a_log_without_its_database_is_kept_and_nothing_is_created() {
    for is_emptied in [true, false] {
        let (database, elsewhere) = (Database::new(), tempfile::tempdir().expect("a directory"));
        let (path, copy) = (database.path(), elsewhere.path().join("copy.db"));
        killed(&database).await;
        let whole = fs::read(&path).expect("read");
        match is_emptied {
            true => fs::write(&path, "").expect("emptied"),
            false => fs::remove_file(&path).expect("deleted"),
        }
        let folder = path.parent().expect("a folder").to_path_buf();
        let before = contents(&folder);
        let backup = booking_sqlite::backup(&path, &copy).await.expect_err("there is nothing");
        let BackupError::Open(backup) = backup else { panic!("{backup:?}") };
        for error in [
            SqliteStore::open(&path, Options::default()).await.expect_err("it is gone"),
            SqliteStore::open_existing(&path, Options::default()).await.expect_err("it is gone"),
            migrate(&path).await.expect_err("it is gone"),
            booking_sqlite::audit(&path).await.expect_err("it is gone"),
            backup,
        ] {
            assert!(matches!(error, OpenError::LogAlone { .. }), "{error:?}");
            let message = error.to_string();
            for file in [&path, &log_of(&path)] {
                assert!(message.contains(&format!("{} ", file.display())), "{message}");
            }
        }
        assert_eq!(contents(&folder), before, "nothing was done");
        assert!(!copy.exists());
        // As the error advised.
        fs::write(&path, whole).expect("put back");
        let report = database.open().await.audit().await.expect("the store answers");
        assert_eq!((report.registrations, report.differences), (1, vec![]));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_log_is_found_where_a_link_leads_to_nothing() {
    let (database, elsewhere) = (Database::new(), tempfile::tempdir().expect("a directory"));
    let link = elsewhere.path().join("link.db");
    killed(&database).await;
    fs::remove_file(database.path()).expect("deleted");
    std::os::unix::fs::symlink(database.path(), &link).expect("linked");
    let error = SqliteStore::open(&link, Options::default()).await.expect_err("it is gone");
    assert!(matches!(error, OpenError::LogAlone { .. }), "{error:?}");
    assert!(log_of(&database.path()).exists());
    // Without a log it is where a new database is created.
    fs::remove_file(log_of(&database.path())).expect("deleted");
    SqliteStore::open(&link, Options::default()).await.expect("made");
    assert!(database.path().exists());
}

/// The negative control: what SQLite itself leaves behind at any instant can be opened.
#[tokio::test]
async fn the_files_of_a_killed_process_can_be_opened() {
    let database = Database::new();
    killed(&database).await;
    let report = database.open().await.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (1, vec![]));
    // Before anything was committed: a database without tables, or not even that, and a log without a byte.
    for database_too in [true, false] {
        let database = Database::new();
        if database_too {
            database.connect().execute_batch("PRAGMA journal_mode = WAL").expect("begun");
        }
        fs::write(log_of(&database.path()), "").expect("written");
        let store = database.open().await;
        confirm(&store, register(create(&store, 1).await.id, "ada")).await;
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_created_is_named() {
    let database = Database::new();
    let inside_nothing = database.path().join("booking.db");
    let error = SqliteStore::open(&inside_nothing, Options::default()).await.expect_err("nowhere");
    assert!(matches!(error, OpenError::NoDirectory { .. }), "{error:?}");
    assert!(error.to_string().contains(&inside_nothing.display().to_string()), "{error}");

    fs::create_dir(database.path()).expect("created");
    let error = SqliteStore::open(database.path(), Options::default()).await.expect_err("taken");
    assert!(matches!(error, OpenError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains(&database.path().display().to_string()), "{error}");

    let error = migrate("").await.expect_err("no path");
    assert!(matches!(error, OpenError::Path { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_kept() {
    let database = Database::new();
    let text = "Dear diary, ".repeat(1_000);
    fs::write(database.path(), &text).expect("written");
    let error = SqliteStore::open(database.path(), Options::default()).await.expect_err("a diary");
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert!(error.to_string().contains(&database.path().display().to_string()), "{error}");
    assert_eq!(fs::read_to_string(database.path()).expect("read"), text);
}

/// The files of a folder, by name.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).expect("read").map(|file| file.expect("read"));
    let named = |file: fs::DirEntry| {
        let name = file.file_name().to_string_lossy().into_owned();
        (name, fs::read(file.path()).expect("read"))
    };
    files.map(named).collect()
}

/// Another program's database: its journal mode does not change, and nothing is created beside it.
#[tokio::test]
async fn a_database_of_another_program_stays_as_it_is() {
    let foreign = [
        "CREATE TABLE diary (day)",
        "CREATE VIEW days AS SELECT 1",
        "PRAGMA journal_mode = WAL; CREATE TABLE diary (day)",
        // Also one that records its migrations in the same way.
        "CREATE TABLE refinery_schema_history (version INTEGER, name TEXT, applied_on TEXT, checksum TEXT);
         INSERT INTO refinery_schema_history VALUES (1, 'diary', '2030-01-01T00:00:00Z', '1')",
    ];
    for made in foreign {
        let (database, elsewhere) = (Database::new(), tempfile::tempdir().expect("a directory"));
        database.connect().execute_batch(made).expect("made");
        let folder = database.path().parent().expect("a folder").to_path_buf();
        let before = contents(&folder);
        assert_eq!(before.len(), 1, "{made}");
        for error in [
            SqliteStore::open(database.path(), Options::default()).await.expect_err(made),
            SqliteStore::open_existing(database.path(), Options::default()).await.expect_err(made),
            migrate(database.path()).await.expect_err(made),
            booking_sqlite::audit(database.path()).await.expect_err(made),
        ] {
            let is_refused = matches!(
                error,
                OpenError::OtherProgram { .. }
                    | OpenError::NotMigrated { .. }
                    | OpenError::Migrate { .. }
            );
            assert!(is_refused, "{made}: {error:?}");
            assert!(chain(&error).contains("booking.db"), "{made}: {error}");
            assert_eq!(contents(&folder), before, "{made}");
        }
        let copy = elsewhere.path().join("copy.db");
        booking_sqlite::backup(database.path(), &copy).await.expect_err(made);
        assert_eq!(contents(&folder), before, "{made}");
        assert!(!copy.exists());
    }
}

/// The same while its program has it open.
#[tokio::test]
async fn a_database_that_another_program_uses_is_refused() {
    let database = Database::new();
    let theirs = database.connect();
    let made = "PRAGMA journal_mode = WAL; CREATE TABLE diary (day)";
    theirs.execute_batch(made).expect("made");
    let log = format!("{}-wal", database.path().display());
    let before = fs::read(&log).expect("read");
    let error = migrate(database.path()).await.expect_err("it is theirs");
    assert!(matches!(error, OpenError::OtherProgram { .. }), "{error:?}");
    assert!(error.to_string().contains("BOOKING_DB"), "{error}");
    assert_eq!(fs::read(&log).expect("read"), before);
}

#[tokio::test]
async fn a_damaged_database_is_named() {
    let database = Database::new();
    migrate(database.path()).await.expect("migrated");
    let mut bytes = fs::read(database.path()).expect("read");
    // The header stays, so that it still looks like a database.
    bytes[100..].fill(0xA5);
    fs::write(database.path(), bytes).expect("written");
    let error = SqliteStore::open(database.path(), Options::default()).await.expect_err("damaged");
    assert!(error.to_string().contains(&database.path().display().to_string()), "{error}");
    assert!(chain(&error).contains("malformed"), "{}", chain(&error));
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_a_new_database() {
    use std::os::unix::fs::PermissionsExt;
    for is_touched in [false, true] {
        let database = Database::new();
        if is_touched {
            fs::write(database.path(), "").expect("written");
            let everybody = fs::Permissions::from_mode(0o644);
            fs::set_permissions(database.path(), everybody).expect("it is ours");
        }
        let _store = database.open().await;
        let log = format!("{}-wal", database.path().display());
        for file in [database.path(), log.into()] {
            let mode = fs::metadata(&file).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
    }
    // A database in use keeps the permissions that its owner gave it.
    let database = Database::new();
    migrate(database.path()).await.expect("migrated");
    let group = fs::Permissions::from_mode(0o660);
    fs::set_permissions(database.path(), group).expect("it is ours");
    let _store = database.open().await;
    let mode = fs::metadata(database.path()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}

#[tokio::test]
async fn dropping_the_store_ends_its_thread() {
    // SQLite removes the log when the last connection is closed, and the thread has the last. A log that cannot be
    // copied at that moment stays, for the next process that opens the file; a thread that goes on keeps it every time.
    for _ in 0..3 {
        let database = Database::new();
        let store = database.open().await;
        create(&store, 1).await;
        let log = format!("{}-wal", database.path().display());
        assert!(Path::new(&log).exists());
        drop(store);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            if !Path::new(&log).exists() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    panic!("the thread still has its connection");
}
