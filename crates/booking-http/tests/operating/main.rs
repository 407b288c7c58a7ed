//! What operators see and do: probes, metrics, the log, requests in the database's own views, backups.

mod backup;
#[path = "../common/mod.rs"]
mod common;
mod mail;
mod messages;
mod mistyped;
mod moving;
mod unwritable;

use booking_testkit::{Cluster, ClusterOptions, ServerProcess};
use common::http::{Answer, send, try_send};
use common::{App, Data, PROGRAM, start_on};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(60);

fn get(server: &ServerProcess, path: &str) -> Answer {
    send(server.url(), "GET", path, &[], b"")
}

/// Polls until there is a value.
#[track_caller]
fn soon<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(since.elapsed() < SOON, "not within {SOON:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until `/readyz` has this status, and returns its checks.
#[track_caller]
fn readiness(server: &ServerProcess, status: u16) -> Value {
    let answer = soon(&format!("/readyz answers {status}"), || {
        Some(get(server, "/readyz")).filter(|answer| answer.status == status)
    });
    let body = answer.json();
    assert_eq!(body["status"], if status == 200 { "ready" } else { "not_ready" });
    body["checks"].clone()
}

fn checks(server: &str, store: &str, migrations: &str) -> Value {
    json!({"server": server, "store": store, "migrations": migrations})
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// The program, to be run without settings as a user with no rights of its own, and that user's number. It is
/// copied to `folder`: other users may not read where it was built.
fn as_anybody(folder: &Path) -> (Command, u32) {
    const NOBODY_UID: u32 = 65_534;
    let program = folder.join("booking-http");
    // In a process of its own: a program that another test starts meanwhile would inherit the open file, and no
    // program runs that is open for writing.
    let install = Command::new("install").args(["-m", "755", PROGRAM]).arg(&program).status();
    assert!(install.expect("there is install").success());
    allow(folder, 0o755);
    let mut command = Command::new(program);
    command.env_clear();
    match fs::metadata(folder).expect("it is there").uid() {
        // Root may write everywhere.
        0 => {
            command.uid(NOBODY_UID).gid(NOBODY_UID);
            (command, NOBODY_UID)
        }
        user => (command, user),
    }
}

/// The value of each series.
fn metrics(app: &App) -> BTreeMap<String, f64> {
    let answer = app.get("/metrics");
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body).expect("text");
    let series = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        (series.to_owned(), value.parse().expect("a number"))
    });
    series.collect()
}

on_both_stores! {
    probes_are_answered
    metrics_count_requests_and_outcomes
    every_metric_of_the_manual_is_shown_and_no_other
}

fn probes_are_answered(data: Data) {
    let app = App::start(data);
    for path in ["/health", "/livez"] {
        assert_eq!(app.get(path).json(), json!({"status": "ok"}));
    }
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(send(app.url(), "HEAD", path, &[], b"").status, 200);
        assert_eq!(app.get(path).header("cache-control"), Some("no-store"));
        let refused = app.post(path, &json!({}));
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    }
}

#[test]
fn without_its_database_a_server_lives_and_is_not_ready() {
    let cluster = Cluster::start(ClusterOptions::default());
    let database = cluster.database(None);
    let app = App::start(Data::Postgres(database.clone()));
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    cluster.kill9();
    assert_eq!(readiness(&app.server, 503), checks("ok", "unreachable", "unknown"));
    assert_eq!(app.get("/livez").status, 200);
    let body = String::from_utf8(app.get("/readyz").body).expect("text");
    assert!(!body.contains("127.0.0.1") && !body.contains("refused"), "{body}");
    let shown = metrics(&app);
    assert_eq!(shown["booking_ready{check=\"store\"}"], 0.0);
    cluster.restart();
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    database.sql("DELETE FROM refinery_schema_history WHERE version = 2");
    assert_eq!(readiness(&app.server, 503), checks("ok", "ok", "missing"));
}

#[test]
fn a_stopping_server_reports_it_before_it_refuses_clients() {
    let mut app = App::start_with(Data::sqlite(), &[("DRAIN_SECONDS", "5")]);
    let event = app.create(5);
    assert_eq!(readiness(&app.server, 200), checks("ok", "ok", "ok"));
    app.server.signal("TERM");
    assert_eq!(readiness(&app.server, 503), checks("stopping", "ok", "ok"));
    // A client that connects meanwhile is served, and asked to connect elsewhere next time.
    let answer = app.register(&event, "ada@example.org");
    assert_eq!((answer.status, answer.header("connection")), (201, Some("close")));
    let status = app.server.wait(SOON).expect("it ends");
    assert!(status.success(), "{status}");
}

fn metrics_count_requests_and_outcomes(data: Data) {
    let app = App::start(data);
    let event = app.create(2);
    for (email, status) in [("ada", 201), ("ada", 409), ("grace", 201), ("joan", 409)] {
        assert_eq!(app.register(&event, &format!("{email}@example.org")).status, status);
    }
    let held = app.create(3);
    let hold = json!({"user_email": "ada@example.org"});
    assert_eq!(app.post(&format!("/events/{held}/holds"), &hold).status, 201);
    // Neither unknown addresses nor unknown methods make series.
    for n in 0..20 {
        assert_eq!(app.get(&format!("/nothing/{n}")).status, 404);
        let method = format!("METHOD{n}");
        assert_eq!(send(app.url(), &method, "/events", &[], b"").status, 405);
    }
    let seen = metrics(&app);
    let requests = |route: &str, method: &str, status: u16| {
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        seen[&format!("booking_http_requests_total{{{labels}}}")]
    };
    assert_eq!(requests("/events/{id}/register", "POST", 201), 2.0);
    assert_eq!(requests("/events/{id}/register", "POST", 409), 2.0);
    assert_eq!(requests("/events", "POST", 201), 2.0);
    assert_eq!(requests("/events", "other", 405), 20.0);
    assert_eq!(requests("-", "GET", 404), 20.0);
    let expected = [
        (
            "booking_http_request_duration_seconds_count{method=\"POST\",route=\"/events/{id}/register\"}",
            4.0,
        ),
        ("booking_http_requests_in_flight", 1.0),
        ("booking_problems_total{code=\"sold_out\"}", 1.0),
        ("booking_problems_total{code=\"already_registered\"}", 1.0),
        ("booking_problems_total{code=\"not_found\"}", 20.0),
        ("booking_queue_commands", 0.0),
        ("booking_queue_age_seconds", 0.0),
        ("booking_queue_shed_total", 0.0),
        ("booking_batch_failures_total{error=\"unavailable\"}", 0.0),
        ("booking_store_commits_lost_total", 0.0),
        ("booking_events", 2.0),
        ("booking_seats", 5.0),
        ("booking_seats_taken", 3.0),
        ("booking_seats_held", 1.0),
        ("booking_waiting", 0.0),
        ("booking_ready{check=\"server\"}", 1.0),
        ("booking_store_connections_waiting", 0.0),
    ];
    for (series, value) in expected {
        assert_eq!(seen.get(series), Some(&value), "{series} in {seen:#?}");
    }
    assert!(seen["booking_batches_in_flight{node=\"0\"}"] <= 4.0, "{seen:#?}");
    // Of the sweeper there may be more.
    for series in [
        "booking_batch_commands_count",
        "booking_batch_wait_seconds_count",
        "booking_store_lock_seconds_count",
        "booking_store_transaction_seconds_count",
    ] {
        assert!(seen[series] >= 5.0, "{series} in {seen:#?}");
    }
    assert!(seen["booking_store_commit_seconds_count"] >= 3.0, "{seen:#?}");
    assert!(seen["process_resident_memory_bytes"] > 1e6 && seen["process_open_fds"] > 3.0);
    assert!(seen["process_start_time_seconds"] > 1.7e9);
    assert!(seen["process_max_fds"] >= seen["process_open_fds"]);
    soon("a sweep", || {
        (metrics(&app)["booking_sweeps_total{result=\"done\"}"] > 0.0).then_some(())
    });
    let all = format!("{seen:?}");
    assert!(!all.contains('@') && !all.contains(&event), "nothing personal: {all}");
}

fn every_metric_of_the_manual_is_shown_and_no_other(data: Data) {
    let app = App::start(data);
    app.get("/health");
    let text = String::from_utf8(app.get("/metrics").body).expect("text");
    let shown = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let shown: BTreeSet<(&str, &str)> = shown.collect();
    let manual = include_str!("../../../../docker/OPERATING.md");
    let rows = manual.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let (name, kind) = (cells.next()?.strip_suffix('`')?, cells.next()?);
        ["counter", "gauge", "histogram"].contains(&kind).then_some((name, kind))
    });
    assert_eq!(shown, rows.collect());
}

/// Every metric in an alert is one of ours, and each alert has a runbook.
#[test]
fn alerts_use_existing_metrics() {
    let rules = include_str!("../../../../docker/alerts.yaml");
    let manual = include_str!("../../../../docker/OPERATING.md");
    let names = |text: &'static str| {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("booking_") || word.starts_with("process_"))
    };
    let looked_at: BTreeSet<&str> = names(rules).collect();
    assert!(looked_at.len() > 10, "{looked_at:?}");
    for name in looked_at {
        let family = name.strip_suffix("_bucket").unwrap_or(name);
        assert!(manual.contains(&format!("| `{family}` | ")), "{family} is no metric");
    }
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let documented = manual
        .lines()
        .filter_map(|line| line.strip_prefix("| `Booking")?.split_once('`'))
        .map(|(name, _)| format!("Booking{name}"));
    assert_eq!(alerts.collect::<Vec<_>>(), documented.collect::<Vec<_>>());
}

#[test]
fn metrics_are_where_they_are_set_to_be() {
    let app = App::start_with(Data::sqlite(), &[("METRICS_BIND", "off")]);
    assert_eq!(app.get("/metrics").status, 404);
    let app = App::start_with(Data::sqlite(), &[("METRICS_BIND", "127.0.0.1:0")]);
    assert_eq!(app.get("/metrics").status, 404);
    let stdout = app.server.stdout();
    let apart = stdout.split_once("metrics at ").expect("it says where").1;
    let apart = apart.split_once("/metrics").expect("it says where").0;
    let shown = send(apart, "GET", "/metrics", &[], b"");
    assert_eq!(shown.status, 200);
    assert!(String::from_utf8_lossy(&shown.body).contains("booking_http_requests_total"));
    // That is another server than that of the API.
    let other = try_send(apart, "GET", "/events", &[], b"").expect("it answers");
    assert_eq!(other.status, 404, "and nothing else is there");
}

#[test]
fn a_difference_that_an_audit_finds_is_counted_and_logged() {
    let data = Data::postgres();
    let app = App::start_with(data, &[("AUDIT_SECONDS", "1"), ("SWEEP_SECONDS", "0")]);
    let event = app.create(5);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    app.data.database().sql("UPDATE events SET booked_count = 2");
    let found = soon("an audit", || {
        let seen = metrics(&app);
        (seen["booking_audit_differences"] > 0.0).then_some(seen)
    });
    assert!(found["booking_audits_total{result=\"differences\"}"] >= 1.0, "{found:#?}");
    assert!(found["booking_audit_timestamp_seconds"] > 1.7e9);
    soon("it is logged", || {
        let log = app.server.stderr();
        (log.contains("ERROR") && log.contains("the seats taken are those")).then_some(())
    });
}

#[test]
fn the_log_is_text_or_an_object_on_each_line() {
    for format in ["text", "json"] {
        let mut app = App::start_with(Data::sqlite(), &[("LOG_FORMAT", format)]);
        let id = [("X-Request-Id", "order-42")];
        assert_eq!(send(app.url(), "GET", "/events", &id, b"").status, 200);
        let forged = [("X-Request-Id", "x y"), ("Referer", "\"}{\"level\":\"ERROR\"")];
        send(app.url(), "FORGED", "/forged\"%0a{\"level\":\"ERROR\"}", &forged, b"");
        assert!(app.server.terminate().success());
        let log = app.server.stderr();
        assert!(!log.contains("ERROR"), "{log}");
        if format == "text" {
            assert!(log.contains("INFO  access] method=GET route=/events status=200"), "{log}");
            assert!(log.lines().all(|line| line.starts_with("[20")), "{log}");
            continue;
        }
        let lines: Vec<Value> =
            log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        for line in &lines {
            for field in ["ts", "level", "target", "message"] {
                assert!(line[field].is_string(), "{line}");
            }
        }
        let asked = lines.iter().find(|line| line["request_id"] == "order-42").expect("a line");
        assert_eq!((&asked["target"], &asked["status"]), (&json!("access"), &json!(200)));
        assert_eq!((&asked["route"], &asked["method"]), (&json!("/events"), &json!("GET")));
        assert!(asked["micros"].is_u64());
    }
}

#[test]
fn a_request_that_waits_for_a_row_is_found_in_the_database_by_its_id() {
    let data = Data::postgres();
    let app = App::start(data);
    let event = app.create(1);
    let database = app.data.database().clone();
    let holder = std::thread::spawn({
        let database = database.clone();
        let lock = format!(
            "BEGIN; SELECT 1 FROM events WHERE id = '{event}' FOR UPDATE; SELECT pg_sleep(30)"
        );
        move || booking_testkit::run_sql(database.socket_url(), &lock)
    });
    let asleep =
        "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    soon("the row is held", || {
        (!database.sql(&format!("SELECT pid {asleep}")).is_empty()).then_some(())
    });
    let body = json!({"user_email": "ada@example.org"});
    let headers = [("X-Request-Id", "order-42")];
    let register = format!("/events/{event}/register");
    std::thread::scope(|scope| {
        let url = app.url().to_owned();
        let asking = scope.spawn(move || common::ask(&url, "POST", &register, &headers, &body));
        let waiting = "SELECT application_name FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let name = soon("somebody waits", || database.sql(waiting).pop());
        assert_eq!(name[0].as_deref(), Some("booking order-42"));
        database.sql(&format!("SELECT pg_terminate_backend(pid) {asleep}"));
        assert_eq!(asking.join().expect("no panic").status, 201);
    });
    assert!(holder.join().expect("no panic").is_err(), "it was terminated");
}

#[test]
fn two_servers_count_for_themselves_and_know_the_same_totals() {
    let data = Data::postgres();
    let other = start_on(&data, &[]);
    let app = App::start(data);
    let event = app.create(3);
    assert_eq!(app.register(&event, "ada@example.org").status, 201);
    let text = String::from_utf8(get(&other, "/metrics").body).expect("text");
    assert!(text.contains("\nbooking_seats_taken 1\n"), "{text}");
    assert!(!text.contains("/register"), "{text}");
}
