//! The flash sale, and the same with everything dying in the middle of it.

use crate::common::{self, App, Data, PROGRAM, http, start_on};
use booking_load::client::Limits;
use booking_load::flash::{FlashOptions, run};
use booking_load::report::FlashReport;
use booking_testkit::{Cluster, ClusterOptions, ServerProcess, free_port};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long clients retry while servers do not answer.
const OUTAGE: Duration = Duration::from_secs(120);
/// How long to wait for a sale to be in full swing.
const STARTED_WITHIN: Duration = Duration::from_secs(60);

/// Without a line in the log for each of tens of thousands of requests.
pub(crate) const QUIET: (&str, &str) = ("RUST_LOG", "warn");

/// On a busy machine a client may wait for its own turn after it has connected.
pub(crate) const PATIENT: (&str, &str) = ("HEAD_SECONDS", "120");

/// A sale whose clients wait for an answer for as long as a busy machine takes.
fn sale(url: &str) -> FlashOptions {
    let limits = Limits { answer: Duration::from_secs(60), connect: Duration::from_secs(30) };
    FlashOptions { limits, ..FlashOptions::at(url) }
}

/// Runs a sale, one at a time: three storms at once would only slow each other down.
async fn storm(options: FlashOptions) -> FlashReport {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    run(options).await.expect("it can be run")
}

fn assert_sold(report: &FlashReport, seats: usize) {
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert_eq!(report.winners.len(), seats);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_want_a_thousand_seats_on_sqlite() {
    let app = App::start_with(Data::sqlite(), &[QUIET, PATIENT]);
    let report = storm(sale(app.url())).await;
    assert_sold(&report, 1_000);
    app.assert_audit_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_want_a_thousand_seats_on_postgres() {
    let app = App::start_with(Data::postgres(), &[QUIET, PATIENT]);
    let report = storm(sale(app.url())).await;
    assert_sold(&report, 1_000);
    app.assert_audit_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_want_a_thousand_seats_of_two_servers() {
    let app = App::start_with(Data::postgres(), &[QUIET, PATIENT]);
    let second = start_on(&app.data, &[QUIET, PATIENT]);
    let mut options = sale(app.url());
    options.urls.push(second.url().to_owned());
    let report = storm(options).await;
    assert_sold(&report, 1_000);
    app.assert_audit_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_the_middle_loses_nothing_on_sqlite() {
    kill_the_server_in_the_middle(Data::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_the_middle_loses_nothing_on_postgres() {
    kill_the_server_in_the_middle(Data::postgres()).await;
}

async fn kill_the_server_in_the_middle(data: Data) {
    let port = free_port().to_string();
    let settings = [QUIET, PATIENT, ("PORT", port.as_str())];
    let mut server = start_on(&data, &settings);
    let sale = tokio::spawn(run(sale_through_an_outage(server.url())));
    for third in 1..=2 {
        wait_until_booked(server.url(), third * 1_000).await;
        server.kill9();
        server = start_on(&data, &settings);
    }
    let report = sale.await.expect("no panic").expect("it can be run");
    assert_sold(&report, 3_000);
    App { server, data }.assert_audit_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_killed_in_the_middle_loses_nothing() {
    let cluster = Cluster::start(ClusterOptions::default());
    let settings = [
        ("DATABASE_URL", cluster.url("postgres")),
        ("RUST_LOG", "error".to_owned()),
        (PATIENT.0, PATIENT.1.to_owned()),
    ];
    let server = ServerProcess::start(Path::new(PROGRAM), &settings);
    let sale = tokio::spawn(run(sale_through_an_outage(server.url())));
    wait_until_booked(server.url(), 1_000).await;
    let cluster = tokio::task::spawn_blocking(move || {
        cluster.kill9();
        cluster.restart();
        cluster
    })
    .await
    .expect("it starts again");
    let report = sale.await.expect("no panic").expect("it can be run");
    assert_sold(&report, 3_000);
    let audit = common::run("audit", &settings);
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
    drop((server, cluster));
}

/// A sale whose seats outlast the outage, so that it hits successful clients.
fn sale_through_an_outage(url: &str) -> FlashOptions {
    FlashOptions {
        seats: 3_000,
        clients: 4_000,
        concurrency: 64,
        tolerate_outages: OUTAGE,
        ..FlashOptions::at(url)
    }
}

/// Returns once the newest event has so many registrations.
async fn wait_until_booked(url: &str, count: u64) {
    let url = url.to_owned();
    let waiting = tokio::task::spawn_blocking(move || {
        loop {
            let events = http::send(&url, "GET", "/events?limit=1", &[], b"").json();
            if events[0]["booked_count"].as_u64().is_some_and(|booked| booked >= count) {
                return;
            }
            assert_ne!(events, json!(null));
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    tokio::time::timeout(STARTED_WITHIN, waiting).await.expect("it gets going").expect("no panic");
}
