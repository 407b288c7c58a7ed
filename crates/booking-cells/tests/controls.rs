//! The suite catches cells that make mistakes.

#![cfg(feature = "negative-control")]

mod common;

use booking_cells::{CellFlaw, CellStore};
use booking_conformance::cases;
use common::{Backend, Cells};
use std::pin::Pin;

/// How often a case is run: now and then all events happen to lie in one cell, or in the right order.
const RUNS: usize = 20;

type Case = for<'a> fn(&'a Cells) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

async fn assert_caught(alter: fn(CellStore) -> CellStore, case: Case) {
    for _ in 0..RUNS {
        let flawed = Cells::of(8, &[Backend::memory]).altered(alter);
        let run = tokio::spawn(async move { case(&flawed).await });
        if run.await.is_err_and(|failure| failure.is_panic()) {
            return;
        }
    }
    panic!("the suite did not notice the mistake");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_in_the_wrong_cell_is_noticed() {
    let alter = |store: CellStore| store.with_flaw(CellFlaw::WrongCell);
    assert_caught(alter, |cells| Box::pin(cases::an_event_is_read_back(cells))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_not_merged_are_noticed() {
    let alter = |store: CellStore| store.with_flaw(CellFlaw::Unmerged);
    assert_caught(alter, |cells| Box::pin(cases::events_are_listed_newest_first_in_pages(cells)))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_in_another_order_are_noticed() {
    let alter = |store: CellStore| store.with_flaw(CellFlaw::OutOfOrder);
    assert_caught(alter, |cells| Box::pin(cases::a_batch_over_many_events_answers_in_order(cells)))
        .await;
}
