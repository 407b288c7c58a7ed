//! Files that are deleted, renamed, replaced, truncated or overwritten under the store.

use crate::common::{Database, ManualClock, chain, confirm, create, register};
use booking_core::prelude::*;
use booking_core::{Event, StoreError, StoreHealth, WhenBusy, WriteTrouble};
use booking_sqlite::{Options, SqliteStore};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const WELL: StoreHealth = StoreHealth { takes_writes: true, migrations_missing: 0, trouble: None };

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// SQLite locks nothing in this file, so the test may open and close it.
fn open_log(database: &Database) -> File {
    let log = beside(&database.path(), "-wal");
    OpenOptions::new().write(true).open(log).expect("opened")
}

/// Sets a file's length in a process of its own: if this one closed the file, SQLite would lose its locks.
fn set_length(path: &Path, bytes: u64) {
    let mut truncate = Command::new("truncate");
    let truncate = truncate.args(["-s", &bytes.to_string()]).arg(path).status();
    assert!(truncate.expect("it can be run").success());
}

/// What a file holds, read by a process of its own.
fn copy_apart(path: &Path) -> Vec<u8> {
    let read = Command::new("cat").arg(path).output().expect("it can be run");
    assert!(read.status.success());
    read.stdout
}

/// Writes over a part of a file, in a process of its own.
fn write_apart(path: &Path, at: usize, bytes: &[u8]) {
    let mut write = Command::new("dd");
    write.arg(format!("of={}", path.display())).arg(format!("seek={at}"));
    write.args(["bs=1", "conv=notrunc", "status=none"]).stdin(Stdio::piped());
    let mut write = write.spawn().expect("it can be run");
    write.stdin.take().expect("piped").write_all(bytes).expect("written");
    assert!(write.wait().expect("it ends").success());
}

/// Asserts that nothing can be written or read, and that the store says why.
async fn assert_unusable(store: &SqliteStore, event: &Event, why: &str) {
    for _ in 0..2 {
        let batch = [register(event.id, "late")];
        let failure = store.execute(&batch, WhenBusy::Wait).await.expect_err(why);
        assert!(matches!(failure, StoreError::Unavailable(_)), "{why}: {failure:?}");
        assert!(chain(&failure).contains("booking.db"), "{why}: {}", chain(&failure));
        let failure = store.create_event(crate::common::new_event(1)).await.expect_err(why);
        assert!(matches!(failure, StoreError::Unavailable(_)), "{why}: {failure:?}");
        let failure = store.event(event.id).await.expect_err(why);
        assert!(matches!(failure, StoreError::Unavailable(_)), "{why}: {failure:?}");
        let health = store.health().await.expect("that is known");
        assert_eq!(health.trouble, Some(WriteTrouble::FilesMoved), "{why}");
    }
}

/// The test moves something away and back, by `away` and `back`.
async fn assert_noticed_and_healed(
    why: &str,
    away: impl Fn(&Database, &Path),
    back: impl Fn(&Database, &Path),
) {
    let (database, elsewhere) = (Database::new(), tempfile::tempdir().expect("a directory"));
    let store = database.open().await;
    let event = create(&store, 10).await;
    confirm(&store, register(event.id, "ada")).await;
    assert_eq!(store.health().await.expect("the store answers"), WELL);
    away(&database, elsewhere.path());
    assert_unusable(&store, &event, why).await;
    back(&database, elsewhere.path());
    confirm(&store, register(event.id, "grace")).await;
    assert_eq!(store.health().await.expect("the store answers"), WELL, "{why}");
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (2, vec![]), "{why}");
}

#[tokio::test]
async fn a_file_that_is_moved_is_noticed_until_it_is_back() {
    for suffix in ["", "-wal", "-shm"] {
        let away = |database: &Database, elsewhere: &Path| {
            fs::rename(beside(&database.path(), suffix), elsewhere.join("moved")).expect("moved");
        };
        let back = |database: &Database, elsewhere: &Path| {
            fs::rename(elsewhere.join("moved"), beside(&database.path(), suffix)).expect("moved");
        };
        assert_noticed_and_healed(&format!("booking.db{suffix}"), away, back).await;
    }
}

#[tokio::test]
async fn a_replaced_file_is_noticed() {
    let away = |database: &Database, elsewhere: &Path| {
        fs::rename(database.path(), elsewhere.join("moved")).expect("moved");
        // As an operator who restores a copy while the server runs.
        fs::copy(elsewhere.join("moved"), database.path()).expect("copied");
    };
    let back = |database: &Database, elsewhere: &Path| {
        fs::rename(elsewhere.join("moved"), database.path()).expect("moved");
    };
    assert_noticed_and_healed("a copy", away, back).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_moved_and_a_link_that_leads_elsewhere_are_noticed() {
    let outer = tempfile::tempdir().expect("a directory");
    let (folder, moved) = (outer.path().join("folder"), outer.path().join("moved"));
    fs::create_dir(&folder).expect("created");
    let link = outer.path().join("booking.db");
    std::os::unix::fs::symlink(folder.join("booking.db"), &link).expect("linked");
    let direct = SqliteStore::open(folder.join("booking.db"), Options::default()).await;
    let direct = direct.expect("opened");
    let linked = SqliteStore::open(&link, Options::default()).await.expect("opened");
    let event = create(&direct, 10).await;
    fs::rename(&folder, &moved).expect("moved");
    assert_unusable(&direct, &event, "the folder").await;
    assert_unusable(&linked, &event, "the folder behind the link").await;
    fs::rename(&moved, &folder).expect("moved");
    confirm(&direct, register(event.id, "ada")).await;
    confirm(&linked, register(event.id, "grace")).await;
    fs::remove_file(&link).expect("deleted");
    fs::write(&link, vec![0; 4_096]).expect("written");
    assert_unusable(&linked, &event, "the link").await;
    confirm(&direct, register(event.id, "lin")).await;
}

#[tokio::test]
async fn a_file_that_is_deleted_or_emptied_is_noticed() {
    type Spoil = fn(&Path);
    let spoilers: [(&str, Spoil); 3] = [
        ("deleted", |path| fs::remove_file(path).expect("deleted")),
        ("emptied", |path| drop(fs::File::create(path).expect("emptied"))),
        ("written over", |path| fs::write(path, "not a database").expect("written")),
    ];
    for (why, spoil) in spoilers {
        let database = Database::new();
        let store = database.open().await;
        let event = create(&store, 10).await;
        confirm(&store, register(event.id, "ada")).await;
        spoil(&database.path());
        assert_unusable(&store, &event, why).await;
    }
}

/// The file is deleted between the check and the end of COMMIT: that is not acknowledged.
#[tokio::test]
async fn a_commit_to_a_file_that_was_just_deleted_is_not_acknowledged() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let deletes = Arc::new(AtomicBool::new(false));
    let clock = {
        let (path, deletes, clock) = (database.path(), Arc::clone(&deletes), clock.clone());
        move || {
            // The clock is read inside the transaction.
            if deletes.swap(false, Ordering::SeqCst) {
                fs::remove_file(&path).expect("deleted");
            }
            clock.now()
        }
    };
    let options = Options { clock: Some(Arc::new(clock)), ..Options::default() };
    let store = database.open_with(options).await;
    let event = create(&store, 10).await;
    deletes.store(true, Ordering::SeqCst);
    let failure = store.execute(&[register(event.id, "ada")], WhenBusy::Wait).await;
    let failure = failure.expect_err("the file is gone");
    assert!(matches!(failure, StoreError::CommitUnknown(_)), "{failure:?}");
    assert_unusable(&store, &event, "deleted in between").await;
}

/// Other stores that open and close the file are no problem.
#[tokio::test]
async fn other_processes_may_open_and_close_the_file() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 10).await;
    for who in 0..5 {
        let other = database.open().await;
        confirm(&other, register(event.id, who)).await;
        drop(other);
        let connection = database.connect();
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM").expect("done");
        drop(connection);
        confirm(&store, register(event.id, 100 + who)).await;
        assert_eq!(store.health().await.expect("the store answers"), WELL);
    }
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (10, vec![]));
}

/// The file is in its place, but what was acknowledged is not in it any more.
#[cfg(unix)]
#[tokio::test]
async fn a_log_that_is_cut_off_or_written_over_is_noticed() {
    use std::os::unix::fs::FileExt;
    type Spoil = fn(&File, u64);
    /// The stamp of a log: its last frame with a page of 4 KiB, and the salts in its header.
    const FRAME: u64 = 24 + 4_096;
    let spoilers: [(&str, Spoil); 9] = [
        ("emptied", |log, _| log.set_len(0).expect("cut")),
        ("its header alone", |log, _| log.set_len(32).expect("cut")),
        ("half of it", |log, bytes| log.set_len(bytes / 2).expect("cut")),
        ("a frame less", |log, bytes| log.set_len(bytes - FRAME).expect("cut")),
        ("a byte less", |log, bytes| log.set_len(bytes - 1).expect("cut")),
        ("zeros", |log, bytes| {
            log.set_len(0).and_then(|()| log.set_len(bytes)).expect("cut and made longer");
        }),
        ("no header", |log, _| log.write_all_at(&[0; 32], 0).expect("written")),
        ("other salts", |log, _| log.write_all_at(&[0xA5; 8], 16).expect("written")),
        ("no last frame", |log, bytes| {
            log.write_all_at(&[0; FRAME as usize], bytes - FRAME).expect("written");
        }),
    ];
    for (why, spoil) in spoilers {
        let away = |database: &Database, elsewhere: &Path| {
            let bytes = fs::copy(beside(&database.path(), "-wal"), elsewhere.join("log"));
            spoil(&open_log(database), bytes.expect("copied"));
        };
        let back = |database: &Database, elsewhere: &Path| {
            let log = fs::read(elsewhere.join("log")).expect("read");
            open_log(database).write_all_at(&log, 0).expect("written");
        };
        assert_noticed_and_healed(why, away, back).await;
    }
}

/// The log is truncated between the check and the end of COMMIT: what is written then lies behind a hole.
#[tokio::test]
async fn a_commit_to_a_log_that_was_just_truncated_is_not_acknowledged() {
    let (database, clock) = (Database::new(), ManualClock::new());
    let cuts = Arc::new(AtomicBool::new(false));
    let clock = {
        let (path, cuts, clock) = (database.path(), Arc::clone(&cuts), clock.clone());
        move || {
            // The clock is read inside the transaction.
            if cuts.swap(false, Ordering::SeqCst) {
                let log = OpenOptions::new().write(true).open(beside(&path, "-wal"));
                log.expect("opened").set_len(32).expect("cut");
            }
            clock.now()
        }
    };
    let options = Options { clock: Some(Arc::new(clock)), ..Options::default() };
    let store = database.open_with(options).await;
    let event = create(&store, 10).await;
    cuts.store(true, Ordering::SeqCst);
    let failure = store.execute(&[register(event.id, "ada")], WhenBusy::Wait).await;
    let failure = failure.expect_err("there is a hole before it");
    assert!(matches!(failure, StoreError::CommitUnknown(_)), "{failure:?}");
    assert_unusable(&store, &event, "cut off in between").await;
}

/// SQLite has it in memory: touching what is gone would end the process by a signal, this test too.
#[tokio::test]
async fn an_index_that_is_cut_off_is_noticed_and_nothing_is_lost() {
    for left in [0, 100, 4_096, 16_384, 32_767] {
        let (database, elsewhere) = (Database::new(), tempfile::tempdir().expect("a directory"));
        let store = database.open().await;
        let event = create(&store, 10).await;
        confirm(&store, register(event.id, "ada")).await;
        let index = beside(&database.path(), "-shm");
        let bytes = fs::metadata(&index).expect("it is there").len();
        set_length(&index, left);
        assert_unusable(&store, &event, &format!("{left} bytes")).await;
        // As long as it was, and filled with zeros: what a process makes of it that opens it now.
        set_length(&index, bytes);
        assert_unusable(&store, &event, &format!("{left} bytes and zeros")).await;
        drop(store);
        // What a restarted process finds.
        let again = elsewhere.path().join("again.db");
        fs::copy(database.path(), &again).expect("copied");
        fs::copy(beside(&database.path(), "-wal"), beside(&again, "-wal")).expect("copied");
        let store = SqliteStore::open(&again, Options::default()).await.expect("opened");
        confirm(&store, register(event.id, "grace")).await;
        let report = store.audit().await.expect("the store answers");
        assert_eq!((report.registrations, report.differences), (2, vec![]));
    }
}

#[tokio::test]
async fn a_database_that_lost_pages_is_noticed() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 10).await;
    confirm(&store, register(event.id, "ada")).await;
    // From here on everything is in the database itself.
    database.connect().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("done");
    assert_well(&store).await;
    let bytes = fs::metadata(database.path()).expect("it is there").len();
    set_length(&database.path(), bytes - 4_096);
    assert_unusable(&store, &event, "a page less").await;
}

/// Before the log is copied into it, only its earlier length says how long it has to be.
#[tokio::test]
async fn a_database_that_lost_pages_while_its_log_was_not_copied_is_noticed() {
    for pages_left in [1, 10] {
        let database = Database::new();
        let store = database.open().await;
        let event = create(&store, 10).await;
        confirm(&store, register(event.id, "ada")).await;
        let bytes = fs::metadata(database.path()).expect("it is there").len();
        assert!(bytes > 11 * 4_096, "{bytes}");
        set_length(&database.path(), pages_left * 4_096);
        assert_unusable(&store, &event, &format!("{pages_left} pages left")).await;
        set_length(&database.path(), bytes - 4_096);
        assert_unusable(&store, &event, "all but a page").await;
    }
}

/// Only SQLite itself shortens a database, and only when the log is copied.
#[tokio::test]
async fn a_database_may_be_made_smaller_by_its_own_means() {
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 100).await;
    let other = database.connect();
    let bytes = || fs::metadata(database.path()).expect("it is there").len();
    let mut shortened = 0;
    for (round, how) in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"].into_iter().enumerate() {
        let grow = "CREATE TABLE more (c); INSERT INTO more VALUES (zeroblob(1000000));
            PRAGMA wal_checkpoint(TRUNCATE)";
        let checkpoint = format!("PRAGMA wal_checkpoint({how})");
        let emptying = "PRAGMA wal_checkpoint(TRUNCATE)";
        let changes = [grow, "DROP TABLE more", "VACUUM", checkpoint.as_str(), emptying];
        let before = bytes();
        for (step, change) in changes.into_iter().enumerate() {
            other.execute_batch(change).expect("done");
            assert_well(&store).await;
            confirm(&store, register(event.id, format!("{round}-{step}"))).await;
            assert_well(&store).await;
        }
        shortened += usize::from(bytes() < before + 1_000_000);
    }
    assert_eq!(shortened, 4, "it was longer by a million bytes each time");
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (20, vec![]));
}

/// A checkpoint of another process has found that nothing was committed since it began, and shortens the database
/// while something is. It cannot be held up there, so this does what it does, in its order.
#[tokio::test]
async fn a_database_that_is_shortened_just_after_a_commit_is_not_taken_for_a_spoilt_one() {
    const FRAMES_AT: usize = 16;
    const PAGES_AT: usize = 20;
    const ATTEMPTED_AT: usize = 128;
    let database = Database::new();
    let store = database.open().await;
    let event = create(&store, 10).await;
    let other = database.connect();
    let shrink = "CREATE TABLE more (c); INSERT INTO more VALUES (zeroblob(1000000));
        PRAGMA wal_checkpoint(TRUNCATE); DROP TABLE more; VACUUM";
    other.execute_batch(shrink).expect("done");
    let long = fs::metadata(database.path()).expect("it is there").len();
    let index = copy_apart(&beside(&database.path(), "-shm"));
    write_apart(&beside(&database.path(), "-shm"), ATTEMPTED_AT, &index[FRAMES_AT..][..4]);
    let pages = index[PAGES_AT..].first_chunk().copied().map(u32::from_ne_bytes);
    let short = u64::from(pages.expect("a header")) * 4_096;
    assert!(short + 1_000_000 <= long, "{short} {long}");

    confirm(&store, register(event.id, "ada")).await;
    assert_well(&store).await;
    set_length(&database.path(), short);
    assert_well(&store).await;
    confirm(&store, register(event.id, "grace")).await;
    set_length(&database.path(), short - 4_096);
    assert_unusable(&store, &event, "a page less than the checkpoint leaves").await;
    set_length(&database.path(), short);
    other.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("done");
    assert_well(&store).await;
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (2, vec![]));
}

async fn assert_well(store: &SqliteStore) {
    assert_eq!(store.health().await.expect("the store answers"), WELL);
}

/// What backups and other tools do while the server runs: they copy the log into the database, begin it anew,
/// truncate it, and write to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_processes_may_copy_and_truncate_the_log_under_load() {
    const REGISTRATIONS: usize = 200;
    /// Room for the writer between two of them.
    const PAUSE: Duration = Duration::from_millis(1);
    let database = Database::new();
    let store = Arc::new(database.open().await);
    let event = create(&store, 10_000).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (other, stopped) = (database.connect(), Arc::clone(&stop));
    let checkpoints = thread::spawn(move || {
        let mut cut = 0;
        while !stopped.load(Ordering::SeqCst) {
            for mode in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
                let checkpoint = format!("PRAGMA wal_checkpoint({mode})");
                let row = other.query_row(&checkpoint, [], |row| row.get::<_, bool>(0));
                cut += usize::from(mode == "TRUNCATE" && row.is_ok_and(|is_busy| !is_busy));
                thread::sleep(PAUSE);
            }
            // It may find the database locked for too long.
            let _ = other.execute_batch("VACUUM");
            thread::sleep(PAUSE);
        }
        cut
    });
    let mut registering = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let store = Arc::clone(&store);
        registering.spawn(async move {
            for who in 0..REGISTRATIONS / 4 {
                confirm(&store, register(event.id, format!("{worker}-{who}"))).await;
                store.event(event.id).await.expect("the store answers");
                assert_well(&store).await;
            }
        });
    }
    registering.join_all().await;
    stop.store(true, Ordering::SeqCst);
    assert!(checkpoints.join().expect("no panic") > 0, "it was cut off meanwhile");
    let report = store.audit().await.expect("the store answers");
    assert_eq!((report.registrations, report.differences), (REGISTRATIONS as u64, vec![]));
}
