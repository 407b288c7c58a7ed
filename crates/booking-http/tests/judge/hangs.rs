//! Hanging dependencies: a database behind a black hole, a server that is stopped while it holds a lock.

use crate::apart_cuts::{assert_audit_is_clean, server_behind_chaos};
use crate::common::{App, Data, http, start_on};
use crate::{QUIET, assert_clean, blocking, judged, load, turn};
use booking_load::chaos::Plan;
use serde_json::json;
use std::time::{Duration, Instant};

/// The longest that a write may take: 5 s to find its event, 10 s to be decided.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// How much every answer may take beyond its limit, and after a fault, on a busy machine. Less than the client's
/// own timeout, so that it is the server that answers.
const BEYOND: Duration = Duration::from_secs(20);
const BACK_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_database_is_answered_for_in_time() {
    let _turn = turn().await;
    let data = Data::postgres();
    let (server, chaos) = server_behind_chaos(&data).await;
    let url = server.url().to_owned();
    let (verdict, pace, back_after) = judged(load(&[server.url()]), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        chaos.set(Plan { is_black_hole: true, ..Plan::default() });
        tokio::time::sleep(Duration::from_secs(12)).await;
        chaos.set(Plan::default());
        blocking(move || seconds_until_a_seat_is_given(&url)).await
    })
    .await;
    assert_clean(&verdict, &["Registered"]);
    // Requests in the batch that hangs get the one, and requests that wait longer than the hole lasts the other.
    let counts = ["answer: not now", "answer: unknown"].map(|answer| verdict.coverage.of(answer));
    assert_ne!(counts, [0, 0], "nobody noticed: {verdict}");
    assert!(pace.slowest < ANSWERED_WITHIN + BEYOND, "{pace:?}");
    assert_audit_is_clean(&data);
    println!("black hole: slowest answer {:?}, back after {back_after:?}", pace.slowest);
}

/// How long it takes until a client gets a seat of a new event.
fn seconds_until_a_seat_is_given(url: &str) -> Duration {
    let since = Instant::now();
    let headers = [("Content-Type", "application/json")];
    loop {
        let body = json!({"name": "After", "capacity": 1}).to_string();
        let event = http::try_send(url, "POST", "/events", &headers, body.as_bytes());
        if let Ok(event) = event
            && event.status == 201
        {
            let path = format!("/events/{}/register", event.json()["id"].as_str().expect("an id"));
            let body = json!({"user_email": "ada@example.org"}).to_string();
            let answer = http::try_send(url, "POST", &path, &headers, body.as_bytes());
            if answer.is_ok_and(|answer| answer.status == 201) {
                return since.elapsed();
            }
        }
        assert!(since.elapsed() < BACK_WITHIN, "it does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server that is stopped for 7 s while it holds rows: the database releases them after 5 s, and what the server
/// does with its dead connection when it wakes changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_stopped_with_a_lock_holds_the_others_up_for_five_seconds() {
    let _turn = turn().await;
    let app = App::start_with(Data::postgres(), &[QUIET]);
    let other = start_on(&app.data, &[QUIET]);
    let options =
        booking_load::workload::WorkloadOptions { events: 1, ..load(&[app.url(), other.url()]) };
    let (data, mut server) = (app.data, app.server);
    let database = data.database().clone();
    let (verdict, pace, server) = judged(options, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        blocking(move || {
            // Stopped at any moment it may hold nothing: then it is tried again.
            for _ in 0..200 {
                server.pause();
                let holding = database.sql(
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                     AND state = 'idle in transaction' AND application_name LIKE 'booking%'",
                );
                // The other server may be between two round trips at this instant; it is not 50 ms later.
                std::thread::sleep(Duration::from_millis(50));
                if !holding.is_empty() && is_held(&database) {
                    std::thread::sleep(Duration::from_secs(7));
                    server.resume();
                    return server;
                }
                server.resume();
                std::thread::sleep(Duration::from_millis(20));
            }
            panic!("the server was never stopped with a lock");
        })
        .await
    })
    .await;
    assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled"]);
    println!("stopped with a lock: slowest decision {:?}", pace.slowest_decision);
    App { data, server }.assert_audit_is_clean();
}

/// Whether a transaction has been idle for longer than a working server's would be.
fn is_held(database: &booking_testkit::Database) -> bool {
    let held = database.sql(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
         AND state = 'idle in transaction' AND state_change < clock_timestamp() - interval '40 ms'",
    );
    !held.is_empty()
}
