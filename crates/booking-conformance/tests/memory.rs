//! The oracle passes its own suite, and the suite catches an oracle whose lock was taken out.

use async_trait::async_trait;
use booking_conformance::{Fixture, MemoryStore, cases};
use booking_core::{BookingStore, Clock, Rule};
use std::pin::Pin;
use std::sync::Arc;

/// Not durable: the data is the fixture's, and so outlives its stores.
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

    async fn dump_everything(&self) -> Vec<u8> {
        self.0.dump().into_bytes()
    }
}

booking_conformance::suite!(Memory(MemoryStore::default()));

#[test]
fn every_case_is_in_the_suite() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cases");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let source: String = files
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("it can be read"))
        .collect();
    let mut written: Vec<_> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
        .collect();
    let mut run = SUITE_CASES.to_vec();
    written.sort_unstable();
    run.sort_unstable();
    assert_eq!(run, written);
}

/// How often a race is run that somebody has to lose.
const RACES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_the_races_fail() {
    // Now and then nobody happens to come between a decision and its writing.
    for _ in 0..RACES {
        let unlocked = Memory(MemoryStore::default().without_lock());
        let race = tokio::spawn(async move {
            cases::a_race_for_one_event_gives_out_exactly_its_seats(&unlocked).await;
        });
        if race.await.is_err_and(|failure| failure.is_panic()) {
            return;
        }
    }
    panic!("the suite did not notice what is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_waitlist_guard_a_passer_by_wins() {
    let unguarded = || MemoryStore::default().without_rule(Rule::QueueFirst);
    assert_caught(unguarded(), |store| Box::pin(cases::a_long_queue_is_served_in_order(store)))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_expiry_rule_a_seat_is_lost() {
    let eternal = || MemoryStore::default().without_rule(Rule::Expiry);
    assert_caught(eternal(), |store| {
        Box::pin(cases::a_seat_is_back_in_the_instant_in_which_its_hold_ends(store))
    })
    .await;
    assert_caught(eternal(), |store| Box::pin(cases::an_offer_that_lapses_is_passed_on(store)))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ownership_another_organizer_manages() {
    let lawless = MemoryStore::default().without_rule(Rule::Ownership);
    assert_caught(lawless, |store| {
        Box::pin(cases::an_organizer_manages_its_own_events_alone(store))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_confirmation_a_stranger_finds_out_who_is_registered() {
    let trusting = || MemoryStore::default().without_rule(Rule::AddressConfirmed);
    assert_caught(trusting(), |store| {
        Box::pin(cases::a_visitors_seat_is_held_until_its_address_is_confirmed(store))
    })
    .await;
    assert_caught(trusting(), |store| {
        Box::pin(cases::only_whoever_has_an_address_hears_that_it_is_registered(store))
    })
    .await;
}

/// Checks that a case fails on a store that is broken on purpose.
async fn assert_caught(
    broken: MemoryStore,
    case: impl for<'a> FnOnce(&'a Memory) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>
    + Send
    + 'static,
) {
    let caught = tokio::spawn(async move { case(&Memory(broken)).await });
    let failure = caught.await.expect_err("the suite did not notice what is missing");
    assert!(failure.is_panic());
}
