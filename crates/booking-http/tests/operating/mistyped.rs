//! Names of databases that do not exist, and missing permissions.

use crate::common::{App, Data, PROGRAM, run, start_on};
use crate::{allow, as_anybody, stderr};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

/// Commands that use an existing database, and must not create it.
const ON_WHAT_IS_THERE: &[&str] = &[
    "audit",
    "erase --email nobody@example.org",
    "rotate-keys",
    "deliveries list",
    "deliveries retry",
    "deliveries drop --mail --yes",
    "token list",
    "token revoke 019606a8-0000-7000-8000-000000000000",
    "backup copy.db",
];

#[test]
fn only_commands_that_may_create_a_database_do() {
    let folder = tempfile::tempdir().expect("a directory");
    let mistyped = folder.path().join("boking.db");
    let settings = [("BOOKING_DB", mistyped.display().to_string())];
    for arguments in ON_WHAT_IS_THERE {
        let output = run(arguments, &settings);
        assert!(!output.status.success(), "{arguments}: {output:?}");
        let message = stderr(&output);
        assert!(message.contains(&mistyped.display().to_string()), "{arguments}: {message}");
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 0, "{arguments}");
    }
    assert!(run("migrate", &settings).status.success());
    assert!(run("audit", &settings).status.success());
    let token = folder.path().join("token.db").display().to_string();
    let made = run("token list", &[("BOOKING_DB", token.clone())]);
    assert!(!made.status.success());
    let made = Command::new(PROGRAM)
        .args(["token", "create", "--name", "Ada"])
        .env_clear()
        .env("BOOKING_DB", &token)
        .output();
    assert!(made.expect("it can be run").status.success());
    assert!(run("token list", &[("BOOKING_DB", token)]).status.success());
}

/// All commands that open a database.
fn on_any_database() -> impl Iterator<Item = &'static str> {
    ON_WHAT_IS_THERE.iter().copied().chain(["serve", "migrate", "token create --name Ada"])
}

#[test]
fn a_folder_is_no_database_and_the_setting_is_named() {
    let folder = tempfile::tempdir().expect("a directory");
    let (inside, file) = (folder.path().join("inside"), folder.path().join("booking.db"));
    fs::create_dir(&inside).expect("created");
    let (inside, file) = (inside.display().to_string(), file.display().to_string());
    for (given, meant) in [
        (inside.clone(), format!("{inside}/booking.db")),
        (format!("{inside}/"), format!("{inside}/booking.db")),
        (format!("{file}/"), file.clone()),
        (format!("{file}//"), file),
    ] {
        for arguments in on_any_database() {
            let output = run(arguments, &[("BOOKING_DB", given.clone())]);
            let message = stderr(&output);
            assert!(!output.status.success(), "{given}: {arguments}");
            assert!(
                message.contains("BOOKING_DB") && message.contains(&meant),
                "{arguments}: {message}"
            );
        }
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "{given}");
        assert_eq!(fs::read_dir(&inside).expect("read").count(), 0, "{given}");
    }
    // One that is there is a file with a slash behind it.
    let settings = [("BOOKING_DB", folder.path().join("there.db").display().to_string())];
    assert!(run("migrate", &settings).status.success());
    let [(name, there)] = settings;
    let output = run("migrate", &[(name, format!("{there}/"))]);
    let message = stderr(&output);
    assert!(!output.status.success() && message.contains("BOOKING_DB"), "{message}");
}

/// A setting in another encoding is not an unset one: that would be another database.
#[test]
fn a_setting_that_is_not_utf_8_is_named_and_nothing_is_created() {
    let folder = tempfile::tempdir().expect("a directory");
    for name in ["DATABASE_URL", "DB_PASSWORD", "BOOKING_DB", "BASE_URL", "TICKET_KEY", "RUST_LOG"]
    {
        for arguments in on_any_database() {
            let output = Command::new(PROGRAM)
                .args(arguments.split(' '))
                .env_clear()
                .env(name, OsStr::from_bytes(b"postgres://a:p\xe4ss@h/x"))
                .current_dir(folder.path())
                .output()
                .expect("it can be run");
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{name}: {arguments}: {message}");
            assert!(message.contains(&format!("{name}: is not UTF-8")), "{arguments}: {message}");
            assert!(!message.contains("postgres://"), "{arguments}: {message}");
            assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 0, "{arguments}");
        }
    }
}

/// The last acknowledged writes are in the log alone, and any process that opened the database would delete it.
#[test]
fn a_wal_without_its_database_is_left_alone_and_reported() {
    let app = App::start_with(Data::sqlite(), &[("SWEEP_SECONDS", "0")]);
    app.create(2);
    let App { mut server, data } = app;
    let Data::Sqlite(folder) = &data else { unreachable!("it was made as one") };
    let (file, log) = (folder.path().join("booking.db"), folder.path().join("booking.db-wal"));
    fs::remove_file(&file).expect("deleted");
    server.kill9();
    let left = fs::read(&log).expect("it is there");
    assert!(!left.is_empty(), "the event is in it");
    for arguments in on_any_database() {
        let output = run(arguments, &data.settings());
        let message = stderr(&output);
        assert!(!output.status.success(), "{arguments}: {message}");
        for named in [&file, &log] {
            assert!(message.contains(&format!("{} ", named.display())), "{arguments}: {message}");
        }
        assert!(fs::read(&log).is_ok_and(|now| now == left), "{arguments} changed the log");
        assert!(!file.exists(), "{arguments} made another database");
    }
}

/// Another program's database: no command changes it, or puts anything beside it.
#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("diary.db");
    let theirs = rusqlite::Connection::open(&file).expect("opened");
    theirs.execute_batch("CREATE TABLE diary (day)").expect("made");
    drop(theirs);
    let before = fs::read(&file).expect("read");
    let settings = [("BOOKING_DB", file.display().to_string())];
    for arguments in on_any_database() {
        let output = run(arguments, &settings);
        let message = stderr(&output);
        assert!(!output.status.success() && message.contains("tables"), "{arguments}: {message}");
        assert!(message.contains(&settings[0].1), "{arguments}: {message}");
        assert_eq!(fs::read(&file).expect("read"), before, "{arguments}");
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "{arguments}");
    }
}

#[test]
fn a_path_is_reported_in_full() {
    let folder = tempfile::tempdir().expect("a directory");
    let output = Command::new(PROGRAM)
        .arg("audit")
        .env_clear()
        .env("BOOKING_DB", "boking.db")
        .current_dir(folder.path())
        .output()
        .expect("it can be run");
    let message = stderr(&output);
    let whole = fs::canonicalize(folder.path()).expect("it is there").join("boking.db");
    assert!(
        !output.status.success() && message.contains(&whole.display().to_string()),
        "{message}"
    );
}

#[test]
fn an_empty_database_stays_empty() {
    let database = booking_testkit::shared().database(None);
    let settings = [("DATABASE_URL", database.url().to_owned())];
    for arguments in ON_WHAT_IS_THERE {
        let output = run(arguments, &settings);
        assert!(!output.status.success(), "{arguments}: {output:?}");
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(database.sql(tables)[0][0].as_deref(), Some("0"), "{arguments}");
    }
    let message = stderr(&run("audit", &settings));
    assert!(message.contains("no tables") && message.contains(database.name()), "{message}");
}

/// How an older program treats newer tables.
#[test]
fn rolling_back_is_possible_where_the_tables_say_so() {
    let data = Data::postgres();
    data.database().sql(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
         VALUES (999, 'from_the_future', '2030-01-01T00:00:00Z', '1')",
    );
    let server = start_on(&data, &[]);
    assert!(server.stdout().contains("V999__from_the_future"), "{}", server.stdout());
    drop(server);
    data.database().sql("UPDATE schema_compatibility SET needs_from = 999");
    let output = run("serve", &data.settings());
    let message = stderr(&output);
    assert!(!output.status.success() && message.contains("V999__from_the_future"), "{message}");
}

/// A server that may only use existing tables.
#[test]
fn a_server_needs_no_more_than_its_rows() {
    let data = Data::postgres();
    let settings = [("DATABASE_URL", data.database().url_of_least_rights())];
    let server = booking_testkit::ServerProcess::start(Path::new(PROGRAM), &settings);
    let app = App { server, data };
    let event = app.create(2);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    assert_eq!(crate::readiness(&app.server, 200), crate::checks("ok", "ok", "ok"));
    for arguments in [
        "audit",
        "token list",
        "rotate-keys",
        "deliveries list",
        "deliveries retry",
        "erase --email ada@example.org",
    ] {
        let output = run(arguments, &settings);
        assert!(output.status.success(), "{arguments}: {output:?}");
    }
}

/// Runs `booking-http audit` as a user who may read the files and write nowhere.
fn audit_as_reader(data: &Data, folder: &Path) -> Output {
    let (mut command, _) = as_anybody(folder);
    command.arg("audit").envs(data.settings()).output().expect("it can be run")
}

#[test]
fn a_user_with_read_permission_can_audit_beside_a_server() {
    let app = App::start_with(Data::sqlite(), &[("SWEEP_SECONDS", "0")]);
    let event = app.create(2);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let Data::Sqlite(folder) = &app.data else { unreachable!("it was made as one") };
    let shared = tempfile::tempdir().expect("a directory");
    for file in fs::read_dir(folder.path()).expect("read") {
        allow(&file.expect("read").path(), 0o644);
    }
    allow(folder.path(), 0o555);
    let output = audit_as_reader(&app.data, shared.path());
    assert!(output.status.success(), "{output:?}");
    let message = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(message.contains("1 events, 1 registrations, 0 differences"), "{message}");

    let App { mut server, data } = app;
    let Data::Sqlite(folder) = &data else { unreachable!("it was made as one") };
    allow(folder.path(), 0o755);
    assert!(server.terminate().success());
    // The last process that closes it leaves nothing beside it.
    assert!(run("audit", &data.settings()).status.success(), "its owner can");
    assert!(!folder.path().join("booking.db-shm").exists());
    allow(folder.path(), 0o555);
    let output = audit_as_reader(&data, shared.path());
    allow(folder.path(), 0o755);
    let message = stderr(&output);
    assert!(
        !output.status.success() && message.contains("while a server has it open"),
        "{message}"
    );
}
