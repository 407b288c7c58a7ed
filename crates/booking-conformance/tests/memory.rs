//! The oracle passes its own suite, and the suite catches an oracle without its lock.

use async_trait::async_trait;
use booking_conformance::{DeliveryFlaw, Fixture, MemoryStore, cases};
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

/// How often a race is run that one run in many must lose.
const RACES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_the_races_fail() {
    // In some runs nothing comes between a decision and its writing.
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

/// Checks that the suite catches facts that are delivered wrongly.
async fn assert_flaw_caught(flaw: DeliveryFlaw) {
    // In some runs no reader looks at the wrong moment.
    for _ in 0..RACES {
        let flawed = Memory(MemoryStore::default().with_delivery_flaw(flaw));
        let race = tokio::spawn(async move { cases::no_fact_is_ever_skipped(&flawed).await });
        if race.await.is_err_and(|failure| failure.is_panic()) {
            return;
        }
    }
    panic!("the suite did not notice {flaw:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_delivered_before_their_commit_are_caught() {
    assert_flaw_caught(DeliveryFlaw::BeforeCommit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_by_sequence_number_is_caught() {
    assert_flaw_caught(DeliveryFlaw::BySequence).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_waitlist_rule_a_newcomer_gets_the_seat() {
    let unguarded = || MemoryStore::default().without_rule(Rule::QueueFirst);
    assert_caught(unguarded(), |store| Box::pin(cases::a_long_waitlist_is_served_in_order(store)))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_expiry_rule_a_seat_is_lost() {
    let eternal = || MemoryStore::default().without_rule(Rule::Expiry);
    assert_caught(eternal(), |store| {
        Box::pin(cases::a_seat_is_free_the_instant_its_hold_expires(store))
    })
    .await;
    assert_caught(eternal(), |store| {
        Box::pin(cases::an_expired_offer_goes_to_the_next_in_line(store))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ownership_another_organizer_manages() {
    let lawless = MemoryStore::default().without_rule(Rule::Ownership);
    assert_caught(lawless, |store| {
        Box::pin(cases::an_organizer_manages_only_its_own_events(store))
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
        Box::pin(cases::only_the_address_owner_learns_that_it_is_registered(store))
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
