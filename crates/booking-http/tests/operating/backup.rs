//! A backup that is made in the middle of a sale, and its content.

use crate::common::acts::{act, done, hold, id, path, ticket};
use crate::common::{App, Data, ask, run};
use booking_testkit::PgBinaries;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const SEATS: u32 = 20_000;
/// How many acknowledgements a backup waits for, and how many it lets come while it is made.
const BEFORE: usize = 60;

/// Backs up `data` as its operator would, and restores that elsewhere.
fn back_up_and_restore(data: &Data) -> Data {
    match data {
        Data::Sqlite(_) => {
            let restored = Data::sqlite();
            let [(_, file)] = restored.settings().try_into().expect("one setting");
            let output = backup(data, &file);
            assert!(output.status.success(), "{output:?}");
            restored
        }
        Data::Postgres(database) => {
            let folder = tempfile::tempdir().expect("a directory");
            let dump = folder.path().join("booking.dump");
            let restored = booking_testkit::shared().database(None);
            let tool = |name: &str, last: &str, options: &[&str]| {
                let program = PgBinaries::find().postgres.with_file_name(name);
                let output = Command::new(program).args(options).arg(last).output();
                let output = output.expect("PostgreSQL's clients are installed");
                assert!(output.status.success(), "{output:?}");
            };
            let file = dump.to_str().expect("UTF-8");
            tool("pg_dump", database.url(), &["--format=custom", "--file", file]);
            let options = ["--no-owner", "--exit-on-error", "--dbname", restored.url()];
            tool("pg_restore", file, &options);
            Data::Postgres(restored)
        }
    }
}

fn backup(data: &Data, file: &str) -> std::process::Output {
    Command::new(crate::common::PROGRAM)
        .args(["backup", file])
        .env_clear()
        .envs(data.settings())
        .output()
        .expect("the program can be run")
}

/// The addresses of an event's registrations.
fn registered(app: &App, event: &str) -> BTreeSet<String> {
    let answer = app.get(&format!("/events/{event}/registrations"));
    assert_eq!(answer.status, 200);
    assert!(answer.header("link").is_none(), "one page is enough for this test");
    let listed = answer.json();
    let listed = listed.as_array().expect("a list");
    let addresses = listed.iter().map(|row| row["user_email"].as_str().expect("one").to_owned());
    addresses.collect()
}

crate::on_both_stores! { writes_acknowledged_before_a_backup_are_in_it }

fn writes_acknowledged_before_a_backup_are_in_it(data: Data) {
    let app = App::start(data);
    let event = app.create(SEATS);
    let first = done(&app.register(&event, "first@example.org"), 201);
    let first_ticket = ticket(&app, &first);
    let held = done(&hold(&app, &event, "held@example.org"), 201);

    let acknowledged = Mutex::new(BTreeSet::from(["first@example.org".to_owned()]));
    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let count = || acknowledged.lock().expect("no panic").len();
    let url = app.url().to_owned();
    let (before, restored) = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // 900 at most, so that one page lists them all.
                while !stop.load(Ordering::SeqCst) && count() < 900 {
                    let address =
                        format!("guest-{}@example.org", next.fetch_add(1, Ordering::SeqCst));
                    let body = json!({"user_email": address});
                    let register = format!("/events/{event}/register");
                    assert_eq!(ask(&url, "POST", &register, &[], &body).status, 201);
                    acknowledged.lock().expect("no panic").insert(address);
                }
            });
        }
        while count() < BEFORE {
            thread::sleep(Duration::from_millis(5));
        }
        let before = acknowledged.lock().expect("no panic").clone();
        let restored = back_up_and_restore(&app.data);
        stop.store(true, Ordering::SeqCst);
        (before, restored)
    });
    assert!(count() > before.len(), "the sale went on while the backup was made");
    drop(app);

    let output = run("audit", &restored.settings());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let app = App::start(restored);
    let found = registered(&app, &event);
    let missing: Vec<_> = before.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:?} were acknowledged before");
    let acknowledged = acknowledged.into_inner().expect("no panic");
    let never = found.difference(&acknowledged).filter(|address| *address != "held@example.org");
    assert!(never.count() <= 2, "at most those whose answers were on their way");
    // The keys of tickets and of manage tokens are in the store, so in the backup too.
    let scan = app.post(&format!("/events/{event}/check-ins"), &json!({"ticket": first_ticket}));
    assert_eq!(id(&done(&scan, 201)), id(&first));
    let bearer = format!("Bearer {}", held["manage_token"].as_str().expect("a token"));
    let headers = [("Authorization", bearer.as_str())];
    assert_eq!(app.ask("GET", &path(&held), &headers, &Value::Null).status, 200);
    assert_eq!(act(&app, &held, "confirm").status, 200);
    app.assert_audit_is_clean();
}

/// The reason for the subcommand: acknowledged writes are in the log beside the file.
#[test]
fn a_copy_of_the_file_alone_is_no_backup() {
    let app = App::start(Data::sqlite());
    let event = app.create(5);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let [(_, file)] = app.data.settings().try_into().expect("one setting");
    let copied = Data::sqlite();
    let [(_, copy)] = copied.settings().try_into().expect("one setting");
    std::fs::copy(&file, &copy).expect("copied");
    let copied = App::start(copied);
    assert_eq!(copied.get(&format!("/events/{event}")).status, 404);
}

#[test]
fn a_backup_replaces_nothing_and_leaves_nothing_when_it_fails() {
    let data = Data::sqlite();
    let app = App::start(data);
    let [(_, file)] = app.data.settings().try_into().expect("one setting");
    let folder = Path::new(&file).parent().expect("a folder");
    let refused = |data: &Data, file: &str, why: &str| {
        let output = backup(data, file);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    let taken = folder.join("taken");
    std::fs::write(&taken, "somebody's").expect("written");
    let (taken, made) = (taken.display().to_string(), folder.join("made").display().to_string());
    refused(&app.data, &taken, "exists already");
    refused(&app.data, &taken, "name a file that is not there");
    let nowhere = folder.join("nowhere").display().to_string();
    refused(&app.data, &format!("{nowhere}/copy.db"), "make it first");
    refused(&app.data, &format!("{nowhere}/copy.db"), &format!("no folder {nowhere} "));
    assert_eq!(std::fs::read(&taken).expect("it is there"), b"somebody's");
    refused(&app.data, &format!("{taken}/below"), "could not be kept");
    refused(&Data::sqlite(), &made, "there is no database");
    let output = run("backup", &app.data.settings());
    assert_eq!(output.status.code(), Some(2), "without a file it is no command");

    let output = backup(&app.data, &made);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("0 differences"), "{output:?}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&made).expect("made"));
    assert_eq!(mode & 0o777, 0o600);
    let left = folder.read_dir().expect("a folder").map(|entry| entry.expect("one").file_name());
    let left: BTreeSet<String> = left.map(|name| name.to_string_lossy().into_owned()).collect();
    let expected = ["booking.db", "booking.db-shm", "booking.db-wal", "made", "taken"];
    assert_eq!(left, expected.map(str::to_owned).into());
    // A database whose seats do not add up can be backed up, too, with a warning.
    let connection = rusqlite::Connection::open(&file).expect("opened");
    app.create(5);
    connection.execute("UPDATE events SET booked_count = 2", []).expect("changed");
    let output = backup(&app.data, &format!("{made}-2"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("the seats taken"), "{output:?}");
    assert!(Path::new(&format!("{made}-2")).is_file());
}

#[test]
fn postgres_has_tools_of_its_own() {
    let data = Data::postgres();
    let output = backup(&data, "/nowhere/at/all");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("pg_dump"), "{said}");
}
