//! Wrong clocks: the store's jumps by hours, back and forth, in the middle of a sale; and the server's differs from
//! it by hours. Every decision is right by the store's time when it was made, and no version is lost or assigned
//! twice.

use crate::common::Data;
use crate::embedded::{fast_clock, serve};
use crate::{load, reach, turn};
use booking_core::{BookingStore, Clock};
use booking_load::judge::judge;
use booking_load::workload::{WorkloadOptions, run};
use booking_pg::{PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The length of a minute, the shortest hold.
const MINUTE: Duration = Duration::from_millis(250);
/// How long a clock shows one time and the time after it, before it jumps.
const STEADY: Duration = Duration::from_millis(60);
/// How far it jumps at most, either way. Less than the lifetime of an idempotency record; a refusal's lasts for
/// minutes only, and is purged here.
const HOURS: i64 = 5;

/// A clock that is right every other time, and wrong by up to so many hours in between.
fn jumping_clock() -> Clock {
    let (right, began) = (fast_clock(MINUTE), Instant::now());
    Arc::new(move || {
        let turn = (began.elapsed().as_millis() / STEADY.as_millis()) as i64;
        // 7 has no factor in common with the 11 hours from -5 to 5, so each of them has its turn.
        let hours = if turn % 2 == 0 { 0 } else { turn * 7 % (2 * HOURS + 1) - HOURS };
        right() + TimeDelta::hours(hours)
    })
}

/// A clock that is always wrong by the same.
fn wrong_clock(hours: i64) -> Clock {
    let right = fast_clock(MINUTE);
    Arc::new(move || right() + TimeDelta::hours(hours))
}

/// A server on a store with this clock, and the store's data.
fn on(data: &Data, clock: Clock) -> String {
    match data {
        Data::Sqlite(folder) => {
            let path = folder.path().join("booking.db");
            serve(move || async move {
                let options = Options { clock: Some(clock), ..Options::default() };
                let store = SqliteStore::open(path, options).await;
                Arc::new(store.expect("it can be opened")) as Arc<dyn BookingStore>
            })
        }
        Data::Postgres(database) => {
            let url = database.url().to_owned();
            serve(move || async move {
                let options = PgOptions::parse(&url).expect("valid");
                let options = PgOptions { clock: Some(clock), ..options };
                let store = PgStore::connect(&options, Duration::from_secs(20)).await;
                Arc::new(store.expect("it is there")) as Arc<dyn BookingStore>
            })
        }
    }
}

async fn a_sale(data: Data, clocks: &[Clock]) {
    let _turn = turn().await;
    let urls: Vec<String> = clocks.iter().map(|clock| on(&data, Arc::clone(clock))).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    // With clocks that jump it cannot be checked whether it was time to close: a refusal has no time of its own.
    let options =
        WorkloadOptions { operations: 1_500, seats: 30, hours_within: None, ..load(&urls) };
    let reached = ["Registered", "Held -> Confirmed", "Held -> Expired", "answer: replayed"];
    reach(&reached, async || {
        let (history, _) = run(options.clone()).await.expect("it can be run");
        judge(&history).permitting("refusal_forgotten")
    })
    .await;
    let audit = crate::common::run("audit", &data.settings());
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_breaks_nothing_on_sqlite() {
    a_sale(Data::sqlite(), &[jumping_clock()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_breaks_nothing_on_postgres() {
    a_sale(Data::postgres(), &[jumping_clock()]).await;
}

/// Two servers over one database, ten hours apart: as between the two sides of a failover, all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_that_do_not_agree_on_the_time_break_nothing() {
    a_sale(Data::postgres(), &[wrong_clock(-HOURS), wrong_clock(HOURS)]).await;
}
