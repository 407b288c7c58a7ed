//! A disk that is full: clients get 503, nothing is lost, and it heals when there is room.
//!
//! Root mounts a small tmpfs for the table of registrations. An ordinary user may not mount; then the
//! database is made to answer as it does with a full disk (SQLSTATE 53100), which tests all of ours and
//! nothing of PostgreSQL. SQLite's full disk is in `booking-sqlite/tests/store/failing.rs`.

use crate::common::{App, Data};
use crate::{QUIET, assert_clean, blocking, judged, load, turn};
use booking_testkit::Database;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Enough for the first registrations, and soon full.
const TMPFS_SIZE: &str = "size=768k,mode=0777";

/// How long it may take until it is full, or has room again, on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

/// A small disk, or a substitute for one.
enum Disk {
    Tmpfs(TempDir),
    Pretended,
}

impl Disk {
    fn under(database: &Database) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        if !mount(folder.path()) {
            return Self::Pretended;
        }
        let disk = Self::Tmpfs(folder);
        let Self::Tmpfs(folder) = &disk else { unreachable!("it was just made") };
        // PostgreSQL runs as another user, who needs access, and wants a folder of its own.
        allow(folder.path());
        let data = database.sql("SHOW data_directory")[0][0].clone().expect("it has one");
        let space = folder.path().join("space");
        fs::create_dir(&space).expect("it is ours");
        let owner = Command::new("chown").arg(format!("--reference={data}")).arg(&space).status();
        assert!(owner.is_ok_and(|status| status.success()), "root can give a folder away");
        database.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", space.display()));
        database.sql("ALTER TABLE registrations SET TABLESPACE small");
        disk
    }

    /// Leaves no room.
    fn fill(&self, database: &Database) {
        match self {
            Self::Tmpfs(folder) => {
                // Until not a byte more goes in.
                let _ = fs::write(folder.path().join("ballast"), vec![1; 1 << 20]);
            }
            Self::Pretended => drop(database.sql(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'; END $$; \
                 CREATE TRIGGER no_room BEFORE INSERT ON registrations EXECUTE FUNCTION no_room()",
            )),
        }
    }

    fn make_room(&self, database: &Database) {
        match self {
            Self::Tmpfs(folder) => {
                let ballast = folder.path().join("ballast");
                fs::remove_file(ballast).expect("it is there");
                let size = Command::new("mount")
                    .args(["-o", "remount,size=64m"])
                    .arg(folder.path())
                    .status();
                assert!(size.is_ok_and(|status| status.success()), "it was mounted before");
            }
            Self::Pretended => drop(database.sql("DROP TRIGGER no_room ON registrations")),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Tmpfs(folder) = self {
            // Lazily: PostgreSQL has files open in it.
            let _ = Command::new("umount").arg("-l").arg(folder.path()).status();
        }
    }
}

fn mount(folder: &Path) -> bool {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", TMPFS_SIZE, "tmpfs"])
        .arg(folder)
        .stderr(Stdio::null())
        .status();
    mounted.is_ok_and(|status| status.success())
}

fn allow(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_503_and_heals() {
    let _turn = turn().await;
    let app = App::start_with(Data::postgres(), &[QUIET]);
    let database = app.data.database().clone();
    let disk = Disk::under(&database);
    let url = app.url().to_owned();
    let (verdict, _, (back_after, disk)) = judged(load(&[app.url()]), async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        blocking(move || {
            disk.fill(&database);
            wait_for(&url, 503);
            std::thread::sleep(Duration::from_secs(1));
            disk.make_room(&database);
            let since = Instant::now();
            wait_for(&url, 201);
            (since.elapsed(), disk)
        })
        .await
    })
    .await;
    assert_clean(&verdict, &["Registered", "answer: not now"]);
    app.assert_audit_is_clean();
    let kind = if matches!(disk, Disk::Tmpfs(_)) { "tmpfs" } else { "pretended" };
    println!("disk full ({kind}): back after {back_after:?}");
    drop((app, disk));
}

/// Registers until an answer has this status.
fn wait_for(url: &str, status: u16) {
    use crate::common::ask;
    use serde_json::json;
    let event = ask(url, "POST", "/events", &[], &json!({"name": "Full", "capacity": 100_000}));
    let path = format!("/events/{}/register", event.json()["id"].as_str().expect("an id"));
    let since = Instant::now();
    for who in 0.. {
        let email = format!("{:0>60}{who}@example.org", "");
        let answer = ask(url, "POST", &path, &[], &json!({"user_email": email}));
        if answer.status == status {
            return;
        }
        assert!(matches!(answer.status, 201 | 503), "{answer:?}");
        assert!(since.elapsed() < SEEN_WITHIN, "never {status}");
    }
}
