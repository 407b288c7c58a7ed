//! One cell: its store, and how that answered.

use booking_core::{BookingStore, CellName, CellState, ErrorChain, SeatLane, StoreError};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// How many fan-out requests may be in progress at a cell that did not answer the last request; others skip it.
pub const SILENT_ASKED_MAX: usize = 4;
/// How often a cell's copies of endpoints are compared with the home's while facts are routed.
pub const COPIES_CHECKED_EVERY: Duration = Duration::from_secs(10);

/// Why a cell, or a batch over several cells, has no answer.
#[derive(Debug, Error)]
pub(crate) enum CellError {
    #[error("cell {0} took too long")]
    Slow(CellName),
    #[error("cell {0} does not answer, and is asked already")]
    NotAsked(CellName),
    #[error("a part of a batch for several cells was written, and another was not")]
    Part(#[source] StoreError),
    #[error("the event is on its way from one cell to another, and does not come")]
    Between,
    #[error("cell {0} has organizers' tokens that the home does not have, and no room")]
    NoRoom(CellName),
}

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) name: CellName,
    pub(crate) lane: SeatLane,
    pub(crate) store: Arc<dyn BookingStore>,
    known: Arc<Known>,
}

/// What is known of a cell, shared by all maps that contain it.
#[derive(Debug)]
struct Known {
    /// Whether it answered the last request.
    answers: AtomicBool,
    /// Whether it can serve, by its last report.
    serves: AtomicBool,
    /// How many fan-out requests are in progress here.
    asked: AtomicUsize,
    copies: Mutex<Copies>,
}

/// What is known of a cell's copies of the home's tokens and endpoints.
#[derive(Debug)]
struct Copies {
    /// How often the cell may have missed a copy, and how many of these misses were repaired.
    missed: u64,
    made_good: u64,
    checked_at: Option<Instant>,
}

/// What has to be done about a cell's copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Compare them: another server may have missed one.
    Check,
    /// Repair them: one was missed here, or may have been. Holds how many misses are repaired once
    /// this is done.
    MakeGood(u64),
}

impl Cell {
    pub(crate) fn new(name: CellName, lane: SeatLane, store: Arc<dyn BookingStore>) -> Self {
        let known = Known {
            answers: AtomicBool::new(true),
            serves: AtomicBool::new(true),
            asked: AtomicUsize::new(0),
            // What the cell missed before this server started is unknown.
            copies: Mutex::new(Copies { missed: 1, made_good: 0, checked_at: None }),
        };
        Self { name, lane, store, known: Arc::new(known) }
    }

    /// The same cell in another map. It shares what calls under the previous map learn about it.
    pub(crate) fn renamed(&self, name: CellName, lane: SeatLane) -> Self {
        Self { name, lane, store: Arc::clone(&self.store), known: Arc::clone(&self.known) }
    }

    pub(crate) fn state(&self) -> CellState {
        let is_up = self.answers() && self.known.serves.load(Ordering::Relaxed);
        CellState { name: self.name.clone(), is_up }
    }

    /// Whether it answered the last request.
    pub(crate) fn answers(&self) -> bool {
        self.known.answers.load(Ordering::Relaxed)
    }

    /// Records whether the cell can serve.
    pub(crate) fn note_serves(&self, serves: bool) {
        self.known.serves.store(serves, Ordering::Relaxed);
    }

    /// Records whether the cell answered.
    pub(crate) fn note<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        match &answer {
            Err(error @ StoreError::Unavailable(_)) => self.note_silence(error),
            Err(error) => {
                // A fan-out goes on with the other cells and hides the reason from its caller, so
                // it is logged here.
                log::error!("cell {}: {}", self.name, ErrorChain(error));
            }
            Ok(_) => self.note_answer(),
        }
        answer
    }

    /// Records the result of a request for one event. A refusal may be caused by that event alone: its row is
    /// locked, say.
    pub(crate) fn note_done<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_ok() {
            self.note_answer();
        }
        done
    }

    fn note_answer(&self) {
        if !self.answers() && !self.known.answers.swap(true, Ordering::Relaxed) {
            log::info!("cell {} answers again", self.name);
            // The cell may have missed changes while it was silent.
            self.note_missed();
        }
    }

    fn note_silence(&self, why: &StoreError) {
        if self.known.answers.swap(false, Ordering::Relaxed) {
            log::warn!("cell {} does not answer: {}", self.name, ErrorChain(why));
        }
    }

    /// Counts a fan-out request as in progress here until the guard is dropped; `None` if the cell is to be
    /// skipped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> Option<PendingRequest> {
        let before = self.known.asked.fetch_add(1, Ordering::Relaxed);
        let asked = PendingRequest(Arc::clone(self));
        (self.answers() || before < SILENT_ASKED_MAX).then_some(asked)
    }

    pub(crate) fn not_asked(&self) -> StoreError {
        StoreError::unavailable(CellError::NotAsked(self.name.clone()))
    }

    /// The answer of a request that was begun here, if it comes before `until`.
    pub(crate) async fn wait_for<T>(
        &self,
        task: JoinHandle<Result<T, StoreError>>,
        until: Option<Instant>,
    ) -> Result<T, StoreError> {
        let ended = match until {
            None => task.await,
            Some(until) => match timeout_at(until, task).await {
                Ok(ended) => ended,
                // The request goes on by itself. The cell counts as silent until it answers one.
                Err(_) => return Err(self.note_slow()),
            },
        };
        ended.unwrap_or_else(|failed| match failed.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(ended) => Err(StoreError::unavailable(ended)),
        })
    }

    /// Records that the cell did not answer in time.
    pub(crate) fn note_slow(&self) -> StoreError {
        let error = StoreError::unavailable(CellError::Slow(self.name.clone()));
        self.note_silence(&error);
        error
    }

    fn copies(&self) -> MutexGuard<'_, Copies> {
        // No call leaves it half changed, so a poisoned lock is safe to use.
        self.known.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the cell may lack something that the home has, or have something that the home
    /// has deleted.
    pub(crate) fn note_missed(&self) {
        self.copies().missed += 1;
    }

    /// What has to be done about its copies now.
    pub(crate) fn copies_due(&self) -> Due {
        let Copies { missed, made_good, checked_at } = *self.copies();
        if missed != made_good {
            return Due::MakeGood(missed);
        }
        let is_fresh = checked_at.is_some_and(|at| at.elapsed() < COPIES_CHECKED_EVERY);
        if is_fresh { Due::Nothing } else { Due::Check }
    }

    /// Makes the next check compare its copies, however recent the last one was.
    pub(crate) fn check_copies_now(&self) {
        self.copies().checked_at = None;
    }

    /// Records that `done` was carried out.
    pub(crate) fn note_copies(&self, done: Due) {
        let mut copies = self.copies();
        copies.checked_at = Some(Instant::now());
        if let Due::MakeGood(missed) = done {
            copies.made_good = copies.made_good.max(missed);
        }
    }
}

/// A fan-out request in progress at one cell.
pub(crate) struct PendingRequest(Arc<Cell>);

impl PendingRequest {
    pub(crate) fn cell(&self) -> &Cell {
        &self.0
    }
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        self.0.known.asked.fetch_sub(1, Ordering::Relaxed);
    }
}
