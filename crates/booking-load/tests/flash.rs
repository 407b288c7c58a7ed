//! The storm and its verifier, against servers that keep the contract and servers that break it.

mod fake;

use booking_load::client::Limits;
use booking_load::flash::{self, FlashOptions};
use booking_load::report::FlashReport;
use booking_load::verify::Breach;
use fake::{Fake, Quirk};
use std::time::Duration;
use tokio::net::TcpStream;

const SEATS: u32 = 250;
const CLIENTS: u32 = 600;

fn options(fake: &Fake) -> FlashOptions {
    FlashOptions {
        seats: SEATS,
        clients: CLIENTS,
        concurrency: 20,
        timeout: Duration::from_secs(60),
        ..FlashOptions::at(fake.url())
    }
}

async fn storm(quirk: Quirk) -> FlashReport {
    let fake = Fake::start(quirk).await;
    flash::run(options(&fake)).await.expect("the server is there")
}

/// The rules that were broken, each once.
fn rules(report: &FlashReport) -> Vec<String> {
    let mut rules: Vec<_> = report
        .violations
        .iter()
        .map(|violation| {
            let json = serde_json::to_value(violation).expect("plain data");
            json["rule"].as_str().expect("a tag").to_owned()
        })
        .collect();
    rules.dedup();
    rules
}

#[tokio::test]
async fn an_honest_server_is_clean() {
    let report = storm(Quirk::Honest).await;
    assert_eq!(report.violations, []);
    assert_eq!(report.count(201, None), u64::from(SEATS));
    assert_eq!(report.count(409, Some("sold_out")), u64::from(CLIENTS - SEATS));
    assert_eq!(report.answer_count(), u64::from(CLIENTS));
    assert_eq!((report.transport_errors.len(), report.retries), (0, 0));
    assert_eq!(report.winners.len(), SEATS as usize);
    assert!(report.winners.iter().all(|winner| winner.registration_id.is_some()));
    assert!(report.latency.max_micros >= report.latency.p50_micros);
}

#[tokio::test]
async fn every_client_wins_where_seats_outnumber_clients() {
    let fake = Fake::start(Quirk::Honest).await;
    let options = FlashOptions { seats: 50, clients: 20, concurrency: 64, ..options(&fake) };
    let report = flash::run(options).await.expect("the server is there");
    assert_eq!(report.violations, []);
    assert_eq!(report.winners.len(), 20);
}

#[tokio::test]
async fn overselling_is_caught() {
    let report = storm(Quirk::Oversells).await;
    assert_eq!(rules(&report), ["oversold", "list_oversold"]);
    let text = report.to_string();
    assert!(text.contains("oversold: 251 clients were told that they won 250 seats"), "{text}");
}

#[tokio::test]
async fn underselling_is_caught() {
    assert_eq!(rules(&storm(Quirk::Undersells).await), ["undersold"]);
}

#[tokio::test]
async fn a_lost_winner_is_caught() {
    let report = storm(Quirk::LosesWinner).await;
    assert_eq!(rules(&report), ["wrong_count", "lost_winner"]);
}

#[tokio::test]
async fn a_list_in_the_wrong_order_is_caught() {
    assert_eq!(rules(&storm(Quirk::NewestFirst).await), ["out_of_order"]);
}

#[tokio::test]
async fn wrong_refusals_are_caught() {
    assert_eq!(rules(&storm(Quirk::Picky).await), ["unexpected_refusal"]);
}

#[tokio::test]
async fn an_answer_that_is_no_registration_is_caught() {
    assert_eq!(rules(&storm(Quirk::Gibberish).await), ["undersold", "garbled_answer"]);
}

#[tokio::test]
async fn clients_that_were_shed_retry() {
    let report = storm(Quirk::Sheds).await;
    assert_eq!(report.violations, []);
    assert_eq!(report.count(503, Some("overloaded")), u64::from(CLIENTS / 3));
    assert_eq!(report.retries, u64::from(CLIENTS / 3));
    assert_eq!(report.count(201, None), u64::from(SEATS));
}

#[tokio::test]
async fn a_lost_answer_is_retried() {
    // The timeout is long enough that a slow answer does not count as lost, and short for the lost ones.
    let (patient, brief) = (Duration::from_secs(60), Duration::from_millis(500));
    for (quirk, kind, answer) in
        [(Quirk::HangsUp, "hung_up", patient), (Quirk::Silent, "answer_timeout", brief)]
    {
        let fake = Fake::start(quirk).await;
        let limits = Limits { answer, ..Limits::default() };
        let report = flash::run(FlashOptions { limits, ..options(&fake) }).await.expect("it is up");
        assert_eq!(report.violations, [], "{quirk:?}");
        let again = report.count(409, Some("already_registered"));
        assert!(again > 0, "{quirk:?}");
        let [errors] = report.transport_errors.as_slice() else { panic!("{report}") };
        assert_eq!(errors.kind, kind);
        assert!(errors.count >= again, "{report}");
        assert_eq!(report.winners.len(), SEATS as usize);
        let without_id = report.winners.iter().filter(|winner| winner.registration_id.is_none());
        assert_eq!(without_id.count() as u64, again);
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_retried() {
    let report = storm(Quirk::Unknown).await;
    assert_eq!(report.violations, []);
    let unknown = report.count(504, Some("outcome_unknown"));
    assert!(unknown > 0);
    assert_eq!(report.count(409, Some("already_registered")), unknown);
}

#[tokio::test]
async fn several_servers_share_the_load_and_are_verified_each() {
    let first = Fake::start(Quirk::Honest).await;
    let second = first.beside(Quirk::LosesWinner).await;
    let urls = vec![first.url(), second.url()];
    let report = flash::run(FlashOptions { urls, ..options(&first) }).await.expect("both are up");
    assert_eq!(rules(&report), ["wrong_count", "lost_winner"]);
    let blamed = report.violations.iter().all(|it| it.server.as_ref() == Some(&second.url()));
    assert!(blamed, "{report}");
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_is_waited_for() {
    let fake = Fake::start(Quirk::Honest).await;
    let options = FlashOptions {
        clients: 5_000,
        seats: 4_500,
        retries: 0,
        tolerate_outages: Duration::from_secs(60),
        ..options(&fake)
    };
    let storm = tokio::spawn(flash::run(options));
    while fake.taken() < 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let fake = fake.restart(Duration::from_millis(300)).await;
    let report = storm.await.expect("no panic").expect("it was there at first");
    assert_eq!(report.violations, []);
    assert_eq!(fake.taken(), 4_500);
    assert!(report.transport_errors.iter().any(|it| it.kind == "cannot_connect"), "{report}");
}

#[tokio::test]
async fn a_server_that_stays_away_leaves_clients_unanswered() {
    let fake = Fake::start(Quirk::Honest).await;
    let options = FlashOptions { clients: 5_000, seats: 4_500, retries: 0, ..options(&fake) };
    let storm = tokio::spawn(flash::run(options));
    while fake.taken() < 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(fake);
    let report = storm.await.expect("no panic").expect("it was there at first");
    assert_eq!(rules(&report), ["no_final_answer", "unreadable"]);
    assert!(report.violations[1].server.is_some());
}

#[tokio::test]
async fn a_storm_that_runs_out_of_time_ends() {
    let fake = Fake::start(Quirk::Silent).await;
    let limits = Limits { answer: Duration::from_secs(60), ..Limits::default() };
    let options = FlashOptions { timeout: Duration::from_millis(200), limits, ..options(&fake) };
    let report = flash::run(options).await.expect("the server is there");
    assert!(
        matches!(report.violations[0].breach, Breach::NoFinalAnswer { clients, .. } if clients > 0),
        "{report}"
    );
}

#[tokio::test]
async fn nothing_to_measure_is_an_error() {
    let stopped = Fake::start(Quirk::Honest).await;
    let options = FlashOptions { retries: 0, ..options(&stopped) };
    let address = stopped.address;
    drop(stopped);
    // The listener closes with its task, which may take a moment.
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let error = flash::run(options.clone()).await.expect_err("nobody is there");
    assert!(format!("{error:#}").contains("cannot connect"), "{error:#}");
    for options in [
        FlashOptions { urls: vec![], ..options.clone() },
        FlashOptions { urls: vec!["https://tls.example".into()], ..options.clone() },
        FlashOptions { seats: 0, ..options.clone() },
        FlashOptions { concurrency: 0, ..options },
    ] {
        flash::run(options).await.expect_err("makes no sense");
    }
}
