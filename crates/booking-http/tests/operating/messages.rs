//! Messages to operators: the content of the log and of errors at start, and what they omit.

use crate::common::http::send;
use crate::common::{App, Data, PROGRAM, ask, make_token_with, run, start_on};
use crate::{as_anybody, on_both_stores, stderr};
use booking_testkit::{Cluster, ClusterOptions, ServerProcess};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// An outage is logged once a second, however often requests fail.
#[test]
fn an_outage_is_logged_once_a_second_and_not_for_each_request() {
    const ASKED: usize = 40;
    let cluster = Cluster::start(ClusterOptions { durable: false, ..ClusterOptions::default() });
    let settings = [("DATABASE_URL", cluster.url("postgres"))];
    let server = ServerProcess::start(Path::new(PROGRAM), &settings);
    cluster.kill9();
    let began = Instant::now();
    let url = server.url();
    let ask = || {
        // Each requests something else, so that no two share an answer.
        let path = format!("/events/{}", uuid::Uuid::now_v7());
        let answer = send(url, "GET", &path, &[], b"");
        assert_eq!((answer.status, answer.problem().as_str()), (503, "unavailable"));
    };
    std::thread::scope(|scope| {
        for _ in 0..ASKED {
            scope.spawn(ask);
        }
    });
    let seconds = began.elapsed().as_secs() as usize;
    let count = |log: &str| log.lines().filter(|line| line.contains("] request ")).count();
    crate::soon("it is told", || (count(&server.stderr()) > 0).then_some(()));
    let log = server.stderr();
    assert!(count(&log) <= seconds + 2, "in {seconds} s:\n{log}");
    // The next line counts those that were not logged.
    std::thread::sleep(Duration::from_millis(1_100));
    ask();
    crate::soon("it is told how many failed", || {
        server.stderr().contains(" others failed alike").then_some(())
    });
}

/// Probes come each second of each day: while all is well they leave nothing in the log, and are counted all
/// the same.
#[test]
fn successful_probes_are_not_logged() {
    const PROBES: [&str; 4] = ["/health", "/livez", "/readyz", "/metrics"];
    let (mut app, mut talkative) = (
        App::start(Data::sqlite()),
        App::start_with(Data::sqlite(), &[("RUST_LOG", "info,access=debug")]),
    );
    for app in [&app, &talkative] {
        for path in PROBES {
            assert_eq!(app.get(path).status, 200, "{path}");
        }
        assert_eq!(app.get("/events").status, 200);
        // A refused probe is no success.
        assert_eq!(app.ask("POST", "/livez", &[], &Value::Null).status, 405);
    }
    for (app, lines) in [(&mut app, 0), (&mut talkative, 1)] {
        app.server.terminate();
        let log = app.server.stderr();
        for path in PROBES {
            let line = format!("access] method=GET route={path} status=200");
            assert_eq!(log.matches(&line).count(), lines, "{path}:\n{log}");
        }
        assert!(log.contains("INFO  access] method=GET route=/events status=200"), "{log}");
        assert!(log.contains("INFO  access] method=POST route=/livez status=405"), "{log}");
    }
}

on_both_stores! {
    commands_other_than_migrate_log_no_migrations
}

fn commands_other_than_migrate_log_no_migrations(data: Data) {
    let token = make_token_with(&data, "Jazz club", &[]);
    assert!(!token.message.contains("migrat"), "{}", token.message);
    let audited = run("audit", &data.settings());
    assert!(audited.status.success());
    let message = stderr(&audited);
    assert!(!message.contains("migrat"), "{message}");
    drop(data);
}

/// The other side of it.
#[test]
fn migrate_logs_migrations() {
    let migrated = run("migrate", &Data::sqlite().settings());
    assert!(stderr(&migrated).contains("migrat"), "{migrated:?}");
    let mut app = App::start(Data::sqlite());
    app.server.terminate();
    assert!(app.server.stderr().contains("migrat"), "{}", app.server.stderr());
}

/// A misspelt level is a module without lines, by the rules of such filters: all else is left out.
#[test]
fn a_misspelt_log_filter_is_reported() {
    let run_with = |filter: &str| {
        let mut settings = Data::sqlite().settings();
        settings.push(("RUST_LOG", filter.to_owned()));
        // The folder is gone by now, so that this fails where the filter does not.
        let output = run("audit", &settings);
        (output.status.code(), stderr(&output))
    };
    for (filter, word) in [("wran", "\"wran\""), ("info,accesss=off", "\"accesss\"")] {
        let (code, message) = run_with(filter);
        assert!(message.contains("RUST_LOG: ") && message.contains(word), "{filter}: {message}");
        assert_eq!(code, Some(1), "{filter}: it is no reason not to begin");
    }
    let (code, refused) = run_with("info,access=maybe");
    assert!(code == Some(2) && refused.contains("RUST_LOG: "), "{refused}");
    for filter in ["warn", "info,access=off", "booking_http=debug"] {
        assert!(!run_with(filter).1.contains("RUST_LOG"), "{filter}");
    }
}

/// The program is not installed outside of its container.
#[test]
fn hints_lead_out_of_a_container() {
    let data = Data::sqlite();
    let mut settings = data.settings();
    settings.extend([("BIND", "0.0.0.0".to_owned()), ("PORT", "0".to_owned())]);
    let log_with = |more: &[(&'static str, &str)]| {
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let output = run("serve", &settings.iter().cloned().chain(more).collect::<Vec<_>>());
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        stderr(&output)
    };
    let outside = log_with(&[]);
    assert!(outside.contains("`booking-http token create") && !outside.contains("docker"));
    let inside = log_with(&[("BOOKING_CONTAINER", "true")]);
    assert!(!inside.contains("booking-http token"), "{inside}");
    for hint in [
        "docker run --rm --volume booking:/data booking token create --name NAME",
        "docker compose run --rm app token create --name NAME",
        "--env ALLOW_OPEN=true",
    ] {
        assert!(inside.contains(hint), "{inside}");
    }
    let open = start_on(&data, &[("BOOKING_CONTAINER", "true")]);
    crate::soon("it is said to be open", || {
        open.stderr().contains("docker compose run --rm app token create").then_some(())
    });
    assert_eq!(ask(open.url(), "GET", "/organizer", &[], &Value::Null).json()["open"], json!(true));
}

/// As a folder of the host's in a container whose user is not its owner.
#[test]
#[cfg(target_os = "linux")]
fn a_folder_without_write_permission_is_named() {
    let own = tempfile::tempdir().expect("a directory can be made");
    let (mut command, user) = as_anybody(own.path());
    command.env("PORT", "0").env("BOOKING_DB", "/usr/booking-test.db");
    let output = command.current_dir("/").output().expect("it runs");
    let message = stderr(&output);
    assert!(!output.status.success(), "{message}");
    let whose = format!("this is user {user}, and /usr is user 0's");
    for hint in [whose, format!("chown {user} /usr")] {
        assert!(message.contains(&hint), "{hint} is not in {message}");
    }
}

/// A container is restarted again and again with a password that was changed in its settings alone; its log has to
/// say what would help.
#[test]
fn a_wrong_database_password_has_its_own_message() {
    let cluster = Cluster::start(ClusterOptions {
        durable: false,
        access: Some(vec!["host all all 127.0.0.1/32 scram-sha-256".into()]),
        ..ClusterOptions::default()
    });
    let began = Instant::now();
    let settings = [
        ("DB_HOST", "127.0.0.1".to_owned()),
        ("DB_PORT", cluster.port().to_string()),
        ("DB_PASSWORD", "hunter2hunter2".to_owned()),
    ];
    let output = run("serve", &settings);
    let message = stderr(&output);
    assert!(!output.status.success() && !message.contains("hunter2"), "{message}");
    assert!(message.contains("ALTER ROLE") && message.contains("eventbooking"), "{message}");
    assert!(began.elapsed() < Duration::from_secs(20), "it is not waited for");
}
