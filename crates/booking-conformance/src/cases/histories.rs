//! Generated histories of all commands and reads, with jumps in time, against the oracle.

use crate::Fixture;
use crate::history::{FIXED_SEED, Stores, compare_with_oracle};
use uuid::Uuid;

/// How many steps a history has by default.
const STEPS: usize = 1_500;

/// How many steps a store is open for where it is reopened.
const STEPS_BETWEEN: usize = 75;

/// Steps of each history: a soak sets `BOOKING_HISTORY_STEPS` to more.
fn steps() -> usize {
    let asked = std::env::var("BOOKING_HISTORY_STEPS").ok();
    asked.map_or(STEPS, |steps| steps.parse().expect("BOOKING_HISTORY_STEPS is a number"))
}

/// Every answer of a generated history equals the oracle's.
pub async fn generated_histories_agree_with_the_oracle(fixture: &dyn Fixture) {
    compare_with_oracle(fixture, Stores::One, FIXED_SEED, steps()).await;
}

/// The same, with each step on one of two instances.
pub async fn generated_histories_over_two_instances_agree_with_the_oracle(fixture: &dyn Fixture) {
    compare_with_oracle(fixture, Stores::Two, Uuid::now_v7().as_u64_pair().1, steps()).await;
}

/// The same on a store that is closed and opened again at intervals.
pub async fn generated_histories_through_reopenings_agree_with_the_oracle(fixture: &dyn Fixture) {
    let seed = Uuid::now_v7().as_u64_pair().1;
    compare_with_oracle(fixture, Stores::Reopened(STEPS_BETWEEN), seed, steps()).await;
}
