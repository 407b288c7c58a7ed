//! The program as its operator sees it: start, settings, logs, CORS, stopping.

#[path = "../common/mod.rs"]
mod common;
mod crates;
mod described;
mod documents;
mod languages;
mod rooms;

use booking_testkit::{Cluster, ClusterOptions, Database, ServerProcess, run_sql};
use common::{App, Data, PROGRAM, http, make_token, run, start_on};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn the_program_logs_where_it_listens_and_where_the_data_is() {
    let app = App::start(Data::sqlite());
    assert!(app.server.stdout().contains("listening on http://127.0.0.1:"));
    let stdout = app.server.stdout();
    assert!(stdout.contains("SQLite in /") && stdout.contains("booking.db"), "{stdout}");
    let app = App::start(Data::postgres());
    let stdout = app.server.stdout();
    assert!(stdout.contains("PostgreSQL at 127.0.0.1:"), "{stdout}");
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let folder = tempfile::tempdir().expect("it is made");
    let db = folder.path().join("x.db").display().to_string();
    let output = run("serve", &[("PORT", port.clone()), ("BOOKING_DB", db)]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(stderr.contains(&port) && stderr.contains("PORT"), "{stderr}");
}

#[test]
fn all_invalid_settings_are_reported_before_anything_starts() {
    let settings = [("PORT", "x".to_owned()), ("QUEUE_MAX", "0".to_owned())];
    let output = run("serve", &settings);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("PORT: ") && stderr.contains("QUEUE_MAX: "), "{stderr}");
    assert_eq!(run("dance", &[]).status.code(), Some(2));
    let help = run("--help", &[("PORT", "x".to_owned())]);
    assert!(help.status.success() && help.stdout.starts_with(b"Event registration"));
}

#[test]
fn a_missing_database_ends_the_program_with_its_name() {
    let port = booking_testkit::free_port();
    let url = format!("postgres://ada:secret@127.0.0.1:{port}/nowhere");
    let output = run("serve", &[("DATABASE_URL", url), ("DB_WAIT_SECONDS", "0".into())]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(stderr.contains(&format!("127.0.0.1:{port}/nowhere")), "{stderr}");
    assert!(!stderr.contains("secret"), "{stderr}");
}

#[test]
fn healthcheck_asks_the_server_on_this_machine() {
    let app = App::start(Data::sqlite());
    let port = app.url().rsplit(':').next().expect("a port").to_owned();
    assert!(run("healthcheck", &[("PORT", port.clone())]).status.success());
    let from_inside = [("PORT", port), ("BIND", "0.0.0.0".to_owned())];
    assert!(run("healthcheck", &from_inside).status.success());
    let nobody = [("PORT", booking_testkit::free_port().to_string())];
    assert!(!run("healthcheck", &nobody).status.success());
}

#[test]
fn the_log_has_a_line_for_each_request_and_no_e_mail_address() {
    let mut app = App::start(Data::sqlite());
    let event = app.create(1);
    assert_eq!(app.register(&event, "secret.person@example.org").status, 201);
    assert_eq!(app.register(&event, "secret.person@example.org").status, 409);
    assert_eq!(app.register(&event, "not valid secret.person").status, 400);
    let path = "/registrations/00000000-0000-7000-8000-000000000000";
    let bearer = [("Authorization", "Bearer secret.person"), ("Idempotency-Key", "secret.person")];
    assert_eq!(http::send(app.url(), "GET", path, &bearer, b"").status, 404);
    assert_eq!(http::send(app.url(), "DELETE", path, &bearer, b"").status, 404);
    app.server.terminate();
    let log = app.server.stderr();
    for expected in [
        "method=POST route=/events status=201 micros=",
        "method=POST route=/events/{id}/register status=201",
        "method=POST route=/events/{id}/register status=409",
        "method=POST route=/events/{id}/register status=400",
        "method=DELETE route=/registrations/{id} status=404",
        "request_id=",
    ] {
        assert!(log.contains(expected), "{expected} is not in\n{log}");
    }
    assert!(!log.contains("secret.person"), "{log}");
}

#[test]
fn other_origins_may_call_only_if_the_setting_allows_it() {
    let origin = ("Origin", "https://shop.example");
    let allowed =
        |answer: &http::Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    let preflight = |app: &App| {
        let asked = "authorization,content-type,idempotency-key,if-match,last-event-id";
        let answers = ["POST", "PATCH", "DELETE"].map(|method| {
            let headers = [
                origin,
                ("Access-Control-Request-Method", method),
                ("Access-Control-Request-Headers", asked),
            ];
            http::send(app.url(), "OPTIONS", "/events", &headers, b"")
        });
        let [first, others @ ..] = answers;
        for other in others {
            assert_eq!((other.status, allowed(&other)), (first.status, allowed(&first)));
        }
        first
    };
    let closed = App::start(Data::sqlite());
    assert_eq!(allowed(&preflight(&closed)), None);
    let simple = http::send(closed.url(), "GET", "/events", &[origin], b"");
    assert_eq!(allowed(&simple), None);
    // No CORS headers at all: OPTIONS is a method like others, and no answer depends on an origin.
    let refused = preflight(&closed);
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(simple.header("access-control-expose-headers"), None);
    assert!(!simple.header("vary").is_some_and(|vary| vary.contains("Origin")), "{simple:?}");

    let listed = App::start_with(
        Data::sqlite(),
        &[("CORS_ORIGINS", "https://shop.example, https://b.example")],
    );
    assert_eq!(allowed(&preflight(&listed)).as_deref(), Some("https://shop.example"));
    let simple = http::send(listed.url(), "GET", "/events", &[origin], b"");
    assert_eq!((simple.status, allowed(&simple).as_deref()), (200, Some("https://shop.example")));
    let refused = http::send(listed.url(), "GET", "/nothing", &[origin], b"");
    assert_eq!(
        (refused.problem().as_str(), allowed(&refused).as_deref()),
        ("not_found", Some("https://shop.example"))
    );
    let stranger =
        http::send(listed.url(), "GET", "/events", &[("Origin", "https://evil.example")], b"");
    assert_eq!(allowed(&stranger), None);

    let data = Data::sqlite();
    make_token(&data, "Jazz club");
    let any = App::start_with(data, &[("CORS_ORIGINS", "*")]);
    assert_eq!(allowed(&preflight(&any)).as_deref(), Some("*"));
}

#[test]
fn configured_keys_are_the_only_ones() {
    let seeds = ["07".repeat(32), "08".repeat(32)];
    let both = format!("{},{}", seeds[0], seeds[1]);
    let app = App::start_with(Data::sqlite(), &[("TICKET_KEY", &both)]);
    let keys = app.get("/tickets/keys").json();
    let kids: Vec<_> = keys["keys"].as_array().expect("one").iter().map(|k| &k["kid"]).collect();
    assert_eq!((kids.len(), kids[0]), (2, &serde_json::json!("fe812c12f3ab4ce6")));

    let mut settings = app.data.settings();
    settings.push(("TICKET_KEY", seeds[1].clone()));
    let output = run("rotate-keys", &settings);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && stderr.contains("TICKET_KEY"), "{stderr}");

    // Without the setting the store has a key of its own, always the same.
    let stored = |app: &App| app.get("/tickets/keys").json()["keys"].clone();
    let app = App { server: start_on(&app.data, &[]), data: app.data };
    let own = stored(&app);
    assert!(own.as_array().is_some_and(|own| own.len() == 1 && !kids.contains(&&own[0]["kid"])));
    let app = App { server: start_on(&app.data, &[]), data: app.data };
    assert_eq!(stored(&app), own);
}

/// How long an expected change may take, on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

/// An event's row that a psql session locks until it is released.
struct HeldRow {
    database: Database,
    holding: std::thread::JoinHandle<()>,
}

impl HeldRow {
    /// Returns once it is held.
    fn of(app: &App, event: &str) -> Self {
        let database = app.data.database().clone();
        database.sql("CREATE TABLE let_go (so int)");
        let sql = format!(
            "BEGIN; SELECT 1 FROM events WHERE id = '{event}' FOR UPDATE; \
             DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM let_go) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$; \
             COMMIT"
        );
        let url = database.url().to_owned();
        let holding = std::thread::spawn(move || {
            run_sql(&url, &sql).expect("it answers");
        });
        let held = Self { database, holding };
        held.wait_until("wait_event = 'PgSleep'");
        held
    }

    /// Waits until a write of the event waits for the row.
    fn wait_until_wanted(&self) {
        self.wait_until("wait_event_type = 'Lock'");
    }

    /// Waits until a session is like that.
    fn wait_until(&self, like: &str) {
        let since = Instant::now();
        let sql =
            format!("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND {like}");
        while self.database.sql(&sql).is_empty() {
            assert!(since.elapsed() < SEEN_WITHIN, "no session has {like}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn let_go(self) {
        self.database.sql("INSERT INTO let_go VALUES (1)");
        self.holding.join().expect("no panic");
        self.database.sql("DROP TABLE let_go");
    }
}

/// Registers from a thread of its own.
fn registering(app: &App, event: &str, email: &str) -> std::thread::JoinHandle<http::Answer> {
    let (url, path) = (app.url().to_owned(), format!("/events/{event}/register"));
    let body = serde_json::json!({ "user_email": email }).to_string();
    std::thread::spawn(move || {
        http::send(&url, "POST", &path, &[("Content-Type", "application/json")], body.as_bytes())
    })
}

#[test]
fn stopping_finishes_what_is_under_way() {
    for signal in ["TERM", "INT"] {
        let mut app = App::start(Data::postgres());
        let event = app.create(1);
        let held = HeldRow::of(&app, &event);
        let waiting = registering(&app, &event, "ada@example.org");
        held.wait_until_wanted();
        // An unused connection does not keep the server from stopping.
        let idle = http::connect(app.url());
        app.server.signal(signal);
        // Some time later, it is still under way.
        assert!(
            app.server.wait(Duration::from_millis(500)).is_none(),
            "SIG{signal}: it is awaited"
        );
        held.let_go();
        let status = app.server.wait(SEEN_WITHIN).expect("it ends");
        assert!(status.success(), "SIG{signal}: {status}");
        assert_eq!(waiting.join().expect("no panic").status, 201, "SIG{signal}");
        drop(idle);
        app.assert_audit_is_clean();
    }
}

#[test]
fn a_held_row_does_not_delay_other_events() {
    let app = App::start_with(Data::postgres(), &[("DB_POOL_SIZE", "2")]);
    let (wanted, free) = (app.create(100), app.create(100));
    let held = HeldRow::of(&app, &wanted);
    let waiting = registering(&app, &wanted, "ada@example.org");
    held.wait_until_wanted();
    let began = Instant::now();
    for who in 0..20 {
        assert_eq!(app.register(&free, &format!("{who}@example.org")).status, 201);
    }
    println!("20 registrations took {:?} beside a row that is held", began.elapsed());
    assert!(!waiting.is_finished(), "the row was held while the others were served");
    held.let_go();
    assert_eq!(waiting.join().expect("no panic").status, 201);
}

#[test]
fn a_full_queue_is_reported_at_once() {
    let app = App::start_with(Data::postgres(), &[("QUEUE_MAX", "1")]);
    let event = app.create(100);
    let held = HeldRow::of(&app, &event);
    let waiting = registering(&app, &event, "ada@example.org");
    held.wait_until_wanted();
    let shed = app.register(&event, "grace@example.org");
    assert_eq!((shed.status, shed.problem().as_str()), (503, "overloaded"));
    assert!(shed.header("retry-after").is_some());
    assert_eq!(app.get("/health").status, 200);
    assert!(!waiting.is_finished(), "the one in the queue still waits");
    held.let_go();
    assert_eq!(waiting.join().expect("no panic").status, 201);
    // Its place is free a moment after it was answered, so that whoever waits for places waits for answers.
    let since = Instant::now();
    let mut again = app.register(&event, "grace@example.org");
    while again.status == 503 && since.elapsed() < SEEN_WITHIN {
        again = app.register(&event, "grace@example.org");
    }
    assert_eq!(again.status, 201);
}

#[test]
fn a_database_outage_is_reported_and_recovered_from() {
    let cluster = Cluster::start(ClusterOptions { durable: false, ..ClusterOptions::default() });
    let settings = [("DATABASE_URL", cluster.url("postgres"))];
    let server = ServerProcess::start(Path::new(PROGRAM), &settings);
    let post = |path: &str, body: &[u8]| {
        http::send(server.url(), "POST", path, &[("Content-Type", "application/json")], body)
    };
    let event = post("/events", br#"{"name":"a","capacity":5}"#).json();
    let path = format!("/events/{}/register", event["id"].as_str().expect("an id"));
    cluster.kill9();
    for answer in [
        post(&path, br#"{"user_email":"ada@example.org"}"#),
        http::send(server.url(), "GET", "/events", &[], b""),
    ] {
        assert_eq!((answer.status, answer.problem().as_str()), (503, "unavailable"));
        assert!(answer.header("retry-after").is_some());
    }
    cluster.restart();
    assert_eq!(post(&path, br#"{"user_email":"ada@example.org"}"#).status, 201);
    assert_eq!(http::send(server.url(), "GET", "/events", &[], b"").status, 200);
}

#[test]
fn two_servers_share_one_database() {
    let data = Data::postgres();
    let first = App::start(data);
    let second = start_on(&first.data, &[]);
    let event = first.create(1);
    assert_eq!(first.register(&event, "ada@example.org").status, 201);
    let body = br#"{"user_email":"grace@example.org"}"#;
    let headers = [("Content-Type", "application/json")];
    let path = format!("/events/{event}/register");
    let late = http::send(second.url(), "POST", &path, &headers, body);
    assert_eq!(late.problem(), "sold_out");
}

#[test]
fn pages_come_with_a_policy_that_forbids_inline_script() {
    let app = App::start(Data::sqlite());
    for path in ["/", "/templates/index.html", "/problems", "/docs"] {
        let page = app.get(path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        let policy = page.header("content-security-policy").expect("there is one");
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let text = String::from_utf8(page.body.clone()).expect("it is text");
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!text.contains(inline), "{path} has {inline}");
        }
        // Every asset of the page is served.
        for part in text.split(['"', '\'']).filter(|part| part.starts_with("/static/")) {
            assert_eq!(app.get(part).status, 200, "{part}");
        }
        let tag = page.header("etag").expect("there is one");
        let again = http::send(app.url(), "GET", path, &[("If-None-Match", tag)], b"");
        assert_eq!(again.status, 304);
    }
}

#[test]
fn every_problem_is_explained() {
    let app = App::start(Data::sqlite());
    let page = String::from_utf8(app.get("/problems").body).expect("it is text");
    let source = include_str!("../../src/problem/shape.rs");
    // Every text there is a code or a title, and titles begin with a capital.
    let codes: Vec<&str> = source
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| text.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    assert_eq!(codes.len(), 33, "{codes:?}");
    for code in codes {
        assert!(page.contains(&format!("id=\"{code}\"")), "{code} is not explained");
    }
}

#[test]
fn an_open_server_stays_on_this_machine_unless_allowed() {
    let data = Data::sqlite();
    let mut settings = data.settings();
    settings.extend([("BIND", "0.0.0.0".to_owned()), ("PORT", "0".to_owned())]);
    let output = run("serve", &settings);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(stderr.contains("token create") && stderr.contains("ALLOW_OPEN"), "{stderr}");
    let maybe = run("serve", &[("ALLOW_OPEN", "maybe".to_owned())]);
    assert_eq!(maybe.status.code(), Some(2));

    let open = start_on(&data, &[("BIND", "0.0.0.0"), ("ALLOW_OPEN", "true")]);
    assert_eq!(http::send(open.url(), "GET", "/organizer", &[], b"").status, 200);
    assert!(open.stderr().contains("open: anybody"), "{}", open.stderr());
}
