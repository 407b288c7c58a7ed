//! A store that answers and cannot write: clients get 503, and so does the load balancer.

use crate::common::{App, Data, ask, run};
use crate::{checks, readiness, soon};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Enough for the first registrations, and soon full.
const TMPFS_SIZE: &str = "size=2m";

#[test]
fn a_deleted_database_file_is_reported() {
    let app = App::start_with(Data::sqlite(), &[("SWEEP_SECONDS", "0")]);
    let event = app.create(5);
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    let Data::Sqlite(folder) = &app.data else { unreachable!("it was made as one") };
    let (here, away) = (folder.path().join("booking.db"), folder.path().join("away.db"));
    fs::rename(&here, &away).expect("moved");
    for _ in 0..3 {
        let answer = app.register(&event, "ada@example.org");
        assert_eq!((answer.status, answer.problem().as_str()), (503, "unavailable"));
        assert_eq!(app.get(&format!("/events/{event}")).status, 503);
    }
    assert_eq!(readiness(&app.server, 503), checks("ok", "file_moved", "ok"));
    let log = app.server.stderr();
    let errors = log.lines().filter(|line| line.contains("ERROR") && line.contains("booking.db"));
    assert_eq!(errors.count(), 1, "{log}");

    fs::rename(&away, &here).expect("moved");
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    app.assert_audit_is_clean();
    fs::remove_file(&here).expect("deleted");
    assert_eq!(app.register(&event, "grace@example.org").status, 503);
    assert_eq!(readiness(&app.server, 503), checks("ok", "file_moved", "ok"));
}

/// The file stays, but acknowledged writes are lost, or memory is gone that SQLite uses: the server logs it and
/// continues, until it is asked to stop.
#[test]
fn a_truncated_database_file_is_reported() {
    for suffix in ["-wal", "-shm"] {
        let app = App::start_with(Data::sqlite(), &[("SWEEP_SECONDS", "0")]);
        let event = app.create(5);
        assert_eq!(app.register(&event, "ada@example.org").status, 201);
        assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
        let Data::Sqlite(folder) = &app.data else { unreachable!("it was made as one") };
        let cut = folder.path().join(format!("booking.db{suffix}"));
        fs::OpenOptions::new().write(true).open(&cut).and_then(|f| f.set_len(0)).expect("cut");
        for who in ["grace@example.org", "lin@example.org"] {
            let answer = app.register(&event, who);
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (503, "unavailable"),
                "{suffix}"
            );
            assert_eq!(app.get(&format!("/events/{event}")).status, 503, "{suffix}");
        }
        assert_eq!(readiness(&app.server, 503), checks("ok", "file_moved", "ok"), "{suffix}");
        let log = app.server.stderr();
        let errors = log.lines().filter(|line| line.contains("ERROR") && line.contains(suffix));
        assert_eq!(errors.count(), 1, "{log}");
        let App { mut server, data } = app;
        assert!(server.terminate().success(), "{suffix}");
        if suffix == "-shm" {
            let app = App::start(data);
            let event = app.get(&format!("/events/{event}")).json();
            assert_eq!(event["booked_count"], 1, "nothing is lost");
            app.assert_audit_is_clean();
        }
    }
}

#[test]
fn a_dropped_table_is_reported() {
    let app = App::start_with(Data::postgres(), &[("SWEEP_SECONDS", "0")]);
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    let database = app.data.database().clone();
    database.sql("ALTER TABLE facts RENAME TO gone");
    assert_eq!(readiness(&app.server, 503), checks("ok", "writes_fail", "ok"));
    database.sql("ALTER TABLE gone RENAME TO facts");
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
}

/// A small disk. Only root may mount one.
struct Disk(TempDir);

impl Disk {
    fn mounted() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", TMPFS_SIZE, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn make_room(&self) {
        let size = Command::new("mount").args(["-o", "remount,size=64m"]).arg(self.path()).status();
        assert!(size.is_ok_and(|status| status.success()), "it was mounted before");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// SQLite's disk is full: nothing was written, so it is 503 and not 504. As an ordinary user, who may not mount,
/// only the store's own tests fill one.
#[test]
fn a_disk_without_room_under_sqlite_is_503_and_heals() {
    let Some(disk) = Disk::mounted() else { return };
    let folder = tempfile::tempdir_in(disk.path()).expect("a folder can be made");
    let app = App::start_with(Data::Sqlite(folder), &[("SWEEP_SECONDS", "0")]);
    let event = app.create(100_000);
    let path = format!("/events/{event}/register");
    let mut seats = 0;
    let full = (0..10_000).find_map(|who| {
        let email = format!("{:0>60}{who}@example.org", "");
        let answer = ask(app.url(), "POST", &path, &[], &json!({"user_email": email}));
        seats += u32::from(answer.status == 201);
        (answer.status != 201).then_some(answer)
    });
    let full = full.expect("it is full soon");
    assert_eq!((full.status, full.problem().as_str()), (503, "unavailable"), "{full:?}");
    assert!(seats > 0);
    assert_eq!(readiness(&app.server, 503), checks("ok", "writes_fail", "ok"));
    disk.make_room();
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    soon("a seat", || (app.register(&event, "ada@example.org").status == 201).then_some(()));
    assert_eq!(app.get(&format!("/events/{event}")).json()["booked_count"], seats + 1);
    app.assert_audit_is_clean();
    drop(app);
}

#[test]
fn a_backup_without_room_explains_itself_and_leaves_nothing() {
    let Some(disk) = Disk::mounted() else { return };
    let data = Data::sqlite();
    assert!(run("migrate", &data.settings()).status.success());
    let Data::Sqlite(folder) = &data else { unreachable!("it was made as one") };
    let connection = rusqlite::Connection::open(folder.path().join("booking.db")).expect("opened");
    let ballast = "CREATE TABLE ballast (b); INSERT INTO ballast VALUES (randomblob(4194304))";
    connection.execute_batch(ballast).expect("written");
    drop(connection);
    let copy = disk.path().join("copy.db").display().to_string();
    let output = run(&format!("backup {copy}"), &data.settings());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("no room"), "{message}");
    assert!(message.contains(&copy) && message.contains("another disk"), "{message}");
    assert_eq!(fs::read_dir(disk.path()).expect("read").count(), 0);
}
