//! Files that somebody deletes, renames or replaces under the store.

use crate::common::{Database, Hands, chain, confirm, create, register};
use booking_core::{BookingStore, Event, StoreError, StoreHealth, WhenBusy, WriteTrouble};
use booking_sqlite::{Options, SqliteStore};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WELL: StoreHealth = StoreHealth { takes_writes: true, migrations_missing: 0, trouble: None };

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Makes sure that nothing is written, nothing is shown, and the store says why.
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

/// What is moved away and back: `away` and `back` do it.
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
async fn another_file_of_the_same_name_is_not_the_same() {
    let away = |database: &Database, elsewhere: &Path| {
        fs::rename(database.path(), elsewhere.join("moved")).expect("moved");
        // As whoever brings back a copy does while the server runs.
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

/// Between the look at the file and the end of COMMIT it is deleted all the same: that is not acknowledged.
#[tokio::test]
async fn what_is_committed_to_a_file_that_was_just_deleted_is_not_acknowledged() {
    let (database, hands) = (Database::new(), Hands::new());
    let deletes = Arc::new(AtomicBool::new(false));
    let clock = {
        let (path, deletes, hands) = (database.path(), Arc::clone(&deletes), hands.clone());
        move || {
            // The clock is read inside the transaction.
            if deletes.swap(false, Ordering::SeqCst) {
                fs::remove_file(&path).expect("deleted");
            }
            hands.now()
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

/// Stores that come and go beside it are no reason to complain.
#[tokio::test]
async fn others_may_open_and_close_the_same_file() {
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
