//! Events that move from one store to another in the middle of a sale, while the mover is killed again and again.

use crate::common::http::try_send;
use crate::common::{Data, PROGRAM, run};
use crate::{QUIET, assert_clean, judged_beside_moves, load, turn};
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data as Shared};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use booking_core::prelude::*;
use booking_core::{
    Caller, Capacity, CapacityMax, Claim, Command, EmailAddress, EventCommand, EventName,
    Execution, NewEvent, Outcome, RegistrationId, WhenBusy,
};
use booking_load::client::{HttpClient, Limits};
use booking_sqlite::{Options, SqliteStore};
use booking_testkit::{ServerProcess, free_port};
use std::path::Path;
use std::process::{self, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often the mover is killed here.
const KILLS: u32 = 6;
/// How long a mover runs before it is killed: a growing multiple of that, so that each dies at another step.
const KILLED_AFTER: Duration = Duration::from_millis(60);
const TIMES: u32 = 6;
/// How many have registered for how many events in a store of many, and how often its mover is killed.
const MANY: (u32, u32) = (100_000, 20);
const MANY_KILLS: u32 = 20;
/// How many register at a time there.
const AT_ONCE: usize = 500;
const MOVED_WITHIN: Duration = Duration::from_secs(600);
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const LIMITS: Limits = Limits { answer: Duration::from_secs(60), connect: Duration::from_secs(30) };
/// The end-to-end headers, which are forwarded between the two connections.
const PASSED_ON: [&str; 9] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "etag",
    "retry-after",
    "idempotency-replayed",
    "location",
    "link",
];

/// Both places, in the order in which a client that knows both asks them.
struct Places([HttpClient; 2]);

/// Asks one place, and where that answers that the event is moving, the other; if that answers so, too, or is not
/// there, the client gets that and retries.
async fn ask(request: HttpRequest, body: Bytes, places: Shared<Places>) -> HttpResponse {
    let mut answered = HttpResponse::new(StatusCode::BAD_GATEWAY);
    for client in &places.0 {
        let base = client.base().as_str().trim_end_matches('/');
        let uri = format!("{base}{}", request.uri()).parse().expect("it is one");
        let method = request.method().as_str().parse().expect("a method");
        let json = (!body.is_empty()).then(|| body.to_vec());
        // The types of the other library are found by where they go.
        let headers = PASSED_ON.iter().filter(|name| **name != "content-type").filter_map(|name| {
            let value = request.headers().get(*name)?.to_str().ok()?;
            Some((name.parse().expect("a name"), value.parse().expect("it was one")))
        });
        let called = client.call(method, uri, json, headers.collect());
        let Ok(answer) = called.await else { continue };
        let status = StatusCode::from_u16(answer.status.as_u16()).expect("a status");
        let is_moving = String::from_utf8_lossy(&answer.body).contains("\"event_moving\"");
        let mut response = HttpResponse::build(status);
        for name in PASSED_ON {
            if let Some(value) = answer.headers.get(name) {
                response.insert_header((name, value.as_bytes()));
            }
        }
        answered = response.body(answer.body);
        if !is_moving {
            break;
        }
    }
    answered
}

/// Serves both places as one, for as long as this process runs. Returns the address.
fn both(urls: [String; 2]) -> String {
    let port = free_port();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let clients =
                    urls.each_ref().map(|url| HttpClient::new(url, LIMITS).expect("a URL"));
                let places = Shared::new(Places(clients));
                App::new().app_data(places).default_service(web::to(ask))
            });
            let server = server.workers(2).bind(("127.0.0.1", port)).expect("the port is free");
            server.run().await.expect("it serves");
        });
    });
    let url = format!("http://127.0.0.1:{port}");
    let since = Instant::now();
    while try_send(&url, "GET", "/health", &[], b"").is_err() {
        assert!(since.elapsed() < STARTS_WITHIN, "it does not start");
        thread::sleep(Duration::from_millis(20));
    }
    url
}

/// `booking-http move`, which ends by itself or is killed after so long. Its output, if it was not done.
fn move_all(from: &str, to: &str, killed_after: Option<Duration>) -> Result<(), String> {
    let mut mover = process::Command::new(PROGRAM)
        .args(["move", "--from", from, "--to", to])
        .env_clear()
        .env(QUIET.0, QUIET.1)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is there");
    if let Some(after) = killed_after {
        thread::sleep(after);
        // It may have ended.
        let _ = mover.kill();
    }
    let output = mover.wait_with_output().expect("it ends");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

async fn moved_in_a_sale(from: &Data, to: &Data, killed: u32) {
    let start = |data: &Data| {
        let mut settings = data.settings();
        settings.extend([(QUIET.0, QUIET.1.to_owned()), ("PORT", free_port().to_string())]);
        ServerProcess::start(Path::new(PROGRAM), &settings)
    };
    let (old, new) = (start(from), start(to));
    let url = both([old.url().to_owned(), new.url().to_owned()]);
    let (from_place, to_place) = (from.place(), to.place());
    let (verdict, pace, kills) = judged_beside_moves(load(&[&url]), move |_| {
        thread::sleep(Duration::from_secs(1));
        let mut kills = 0;
        for kill in 0..killed {
            let after = KILLED_AFTER * (kill % TIMES + 1);
            kills += u32::from(move_all(&from_place, &to_place, Some(after)).is_err());
        }
        // Its lease may have to end first.
        let since = Instant::now();
        while let Err(why) = move_all(&from_place, &to_place, None) {
            assert!(since.elapsed() < MOVED_WITHIN, "they are never moved: {why}");
            thread::sleep(Duration::from_millis(200));
        }
        kills
    })
    .await;
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
    println!(
        "{kills} of {killed} movers were killed: slowest decision {:?}",
        pace.slowest_decision
    );
    for data in [from, to] {
        let audit = run("audit", &data.settings());
        assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
    }
    drop((old, new));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_move_to_postgres_in_a_sale_lose_nothing() {
    let _turn = turn().await;
    moved_in_a_sale(&Data::sqlite(), &Data::postgres(), KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_move_back_to_sqlite_in_a_sale_lose_nothing() {
    let _turn = turn().await;
    moved_in_a_sale(&Data::postgres(), &Data::sqlite(), KILLS).await;
}

/// Registers many in a store in one file that no server uses yet.
async fn fill(path: &Path) {
    let store = SqliteStore::open(path, Options::default()).await.expect("opened");
    let (people, events) = MANY;
    for _ in 0..events {
        let name = EventName::parse("An event of before").expect("valid");
        let seats = Capacity::parse((people / events).into(), CapacityMax::HIGHEST);
        let new = NewEvent::new(Uuid::now_v7().into(), name, seats.expect("valid"));
        let event_id = store.create_event(new).await.expect("it answers").id;
        let commands = (0..people / events).map(|number| {
            let address = EmailAddress::parse(&format!("before{number}@example.org"));
            let id = RegistrationId::beside(event_id, Uuid::now_v7());
            let register = Command::Register(Claim::new(id, address.expect("valid")).into());
            EventCommand::new(event_id, Caller::Operator, register)
        });
        for batch in commands.collect::<Vec<_>>().chunks(AT_ONCE) {
            let executed = store.execute(batch, WhenBusy::Wait).await.expect("it answers");
            assert!(executed.iter().all(|execution| {
                matches!(execution, Execution::Decided(Outcome::Confirmed(_)))
            }));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: scripts/soak.sh runs it"]
async fn a_store_of_many_that_moves_to_postgres_in_a_sale_loses_nothing() {
    let _turn = turn().await;
    let (from, to) = (Data::sqlite(), Data::postgres());
    let (Data::Sqlite(folder), Data::Postgres(database)) = (&from, &to) else { unreachable!() };
    fill(&folder.path().join("booking.db")).await;
    moved_in_a_sale(&from, &to, MANY_KILLS).await;
    let moved = database.sql(
        "SELECT count(*) FROM registrations WHERE user_email LIKE 'before%' AND status = 'confirmed'",
    );
    assert_eq!(moved, [[Some(MANY.0.to_string())]]);
}
