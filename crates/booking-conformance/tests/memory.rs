//! The oracle passes its own suite, and the suite catches an oracle whose lock was taken out.

use async_trait::async_trait;
use booking_conformance::{Fixture, MemoryStore, cases};
use booking_core::{BookingStore, Clock};
use std::sync::Arc;

struct Memory(MemoryStore);

#[async_trait]
impl Fixture for Memory {
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore> {
        let store = self.0.clone();
        Arc::new(match clock {
            Some(clock) => store.with_clock(clock),
            None => store,
        })
    }
}

booking_conformance::suite!(Memory(MemoryStore::default()));

#[test]
fn every_case_is_in_the_suite() {
    let source = include_str!("../src/cases.rs");
    let mut written: Vec<_> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
        .collect();
    let mut run = SUITE_CASES.to_vec();
    written.sort_unstable();
    run.sort_unstable();
    assert_eq!(run, written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_the_races_fail() {
    let races = tokio::spawn(async {
        let unlocked = Memory(MemoryStore::default().without_lock());
        cases::a_race_for_one_event_gives_out_exactly_its_seats(&unlocked).await;
    });
    let failure = races.await.expect_err("the suite did not notice that the lock is gone");
    assert!(failure.is_panic());
}
