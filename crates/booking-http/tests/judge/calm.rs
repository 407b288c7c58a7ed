//! Nothing fails: both stores, two servers on one database, few connections.

use crate::common::{App, Data, make_token, start_on};
use crate::{QUIET, assert_clean, load, reach, turn};
use booking_load::judge::judge;
use booking_load::token::OrganizerToken;
use booking_load::workload::{WorkloadOptions, run};
use std::time::Duration;

/// Everything that happens without the passing of time: the shortest hold lasts a minute.
const REACHED: &[&str] = &[
    "Registered",
    "Held",
    "Waitlisted",
    "EventEdited",
    "Waitlisted -> Offered",
    "Waitlisted -> Confirmed",
    "Offered -> Confirmed",
    "Offered -> Cancelled",
    "Held -> Confirmed",
    "Held -> Cancelled",
    "Confirmed -> Cancelled",
    "Confirmed -> Transferred",
    "Confirmed -> CheckedIn",
    "Confirmed -> CheckInUndone",
    "register: 409 sold_out",
    "register: 409 all_held",
    "register: 409 already_registered",
    "hold: 409 all_held",
    "confirm: 409 hold_expired",
    "cancel: 409 not_cancellable",
    "transfer: 409 already_registered",
    "transfer: 409 not_transferable",
    "check_in: 409 already_checked_in",
    "edit: 409 capacity_below_booked",
    "edit: 412 version_mismatch",
    "Confirmed -> Corrected",
    "Waitlisted -> Corrected",
    "Confirmed -> LinkRenewed",
    "correct: 409 already_registered",
    "correct: 409 not_correctable",
    "visit: 200",
    "visit: 403 forbidden",
    "check_in: OnTime",
    "answer: replayed",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_registration_is_lost_on_sqlite() {
    thousands_of_requests(Data::sqlite(), None, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_registration_is_lost_on_postgres() {
    // The organizer has a token, and its crowd has none.
    let data = Data::postgres();
    let token = OrganizerToken::new(&make_token(&data, "Jazz club")).expect("it is one");
    thousands_of_requests(data, Some(token), &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_registration_is_lost_with_parallel_batches() {
    // Four commands are a full batch, so that there often are enough for another.
    let side_by_side = [("BATCHES_PER_NODE", "4"), ("BATCH_MAX", "4")];
    thousands_of_requests(Data::postgres(), None, &side_by_side).await;
}

/// Doors close and events end while all of that runs. Rarer cases, such as an offer that is as short as its event,
/// are reached by histories of a test's own and by `scripts/soak.sh`.
const ENDED: &[&str] = &[
    "EventEdited: hours",
    "register: closed by its hours",
    "hold: closed by its hours",
    "confirm: closed by its hours",
    "check_in: Late",
];

async fn thousands_of_requests(
    data: Data,
    token: Option<OrganizerToken>,
    settings: &[(&'static str, &str)],
) {
    let _turn = turn().await;
    let app = App::start_with(data, &[&[QUIET][..], settings].concat());
    let url = app.url().to_owned();
    let hours_within = Some(Duration::from_secs(1));
    let options =
        WorkloadOptions { token, operations: 6_000, events: 8, hours_within, ..load(&[&url]) };
    // The last event is cancelled with a tenth of the requests to come.
    let cancelled = ["EventCancelled", "register: 409 closed", "confirm: 409 closed"];
    reach(&[REACHED, ENDED, &cancelled].concat(), async || {
        let (history, _) = run(options.clone()).await.expect("it can be run");
        judge(&history)
    })
    .await;
    app.assert_audit_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_agree_over_one_database() {
    let _turn = turn().await;
    let app = App::start_with(Data::postgres(), &[QUIET]);
    let other = start_on(&app.data, &[QUIET]);
    // Few events, so that both compete for the same rows.
    let options = WorkloadOptions {
        operations: 2_500,
        events: 2,
        seats: 100,
        seed: 2,
        ..load(&[app.url(), other.url()])
    };
    let (history, _) = run(options).await.expect("it can be run");
    assert_clean(&judge(&history), &["Registered", "Confirmed -> Cancelled", "read: 200"]);
    app.assert_audit_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_connections_are_enough() {
    let _turn = turn().await;
    let app = App::start_with(Data::postgres(), &[QUIET, ("DB_POOL_SIZE", "2")]);
    let mut not_now = Vec::new();
    // A machine that stands still for seconds may be the reason of some.
    while not_now.last() != Some(&0) {
        assert!(not_now.len() < 5, "each time some were put off: {not_now:?}");
        let options = WorkloadOptions { operations: 1_500, seed: 3, ..load(&[app.url()]) };
        let (history, _) = run(options).await.expect("it can be run");
        let verdict = judge(&history);
        assert_clean(&verdict, &["Registered", "Confirmed -> Cancelled", "read: 200"]);
        not_now.push(verdict.coverage.of("answer: not now"));
    }
}
