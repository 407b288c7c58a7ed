//! One cell: its store, and how that answered.

use booking_core::{BookingStore, CellName, CellState, ErrorChain, SeatLane, StoreError};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// How many calls of all cells may be under way at one that did not answer the last; it is passed over by others.
pub const SILENT_ASKED_MAX: usize = 4;
/// How often a cell is looked at for whether its copies of endpoints are those of the home, while facts are routed.
pub const COPIES_CHECKED_EVERY: Duration = Duration::from_secs(10);

/// Why a cell has no answer, or a batch of several has none.
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

/// What is known of a cell, whatever map it is in.
#[derive(Debug)]
struct Known {
    /// Whether it answered when it was asked last.
    answers: AtomicBool,
    /// Whether it can be worked with, by what it said of that last.
    serves: AtomicBool,
    /// How many calls of all cells are under way here.
    asked: AtomicUsize,
    copies: Mutex<Copies>,
}

/// What is known of a cell's copies of what the home has.
#[derive(Debug)]
struct Copies {
    /// How often one may have been missed, and how many of those times were made good.
    missed: u64,
    made_good: u64,
    checked_at: Option<Instant>,
}

/// What is to be done about a cell's copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// To see whether another server has missed one.
    Check,
    /// One was missed here, or nobody knows; once this is done, so many were made good.
    MakeGood(u64),
}

impl Cell {
    pub(crate) fn new(name: CellName, lane: SeatLane, store: Arc<dyn BookingStore>) -> Self {
        let known = Known {
            answers: AtomicBool::new(true),
            serves: AtomicBool::new(true),
            asked: AtomicUsize::new(0),
            // Nobody knows what happened before.
            copies: Mutex::new(Copies { missed: 1, made_good: 0, checked_at: None }),
        };
        Self { name, lane, store, known: Arc::new(known) }
    }

    /// The same cell in another map. What somebody who goes by the one before finds out of it is known here, too.
    pub(crate) fn renamed(&self, name: CellName, lane: SeatLane) -> Self {
        Self { name, lane, store: Arc::clone(&self.store), known: Arc::clone(&self.known) }
    }

    pub(crate) fn state(&self) -> CellState {
        let is_up = self.answers() && self.known.serves.load(Ordering::Relaxed);
        CellState { name: self.name.clone(), is_up }
    }

    /// Whether it answered when it was asked last.
    pub(crate) fn answers(&self) -> bool {
        self.known.answers.load(Ordering::Relaxed)
    }

    /// It said whether it can be worked with.
    pub(crate) fn note_serves(&self, serves: bool) {
        self.known.serves.store(serves, Ordering::Relaxed);
    }

    /// Takes note of what it answered.
    pub(crate) fn note<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        match &answer {
            Err(error @ StoreError::Unavailable(_)) => self.note_silence(error),
            Err(error) => {
                // Whoever asks all cells goes on with the others, and shows nobody the reason.
                log::error!("cell {}: {}", self.name, ErrorChain(error));
            }
            Ok(_) => self.note_answer(),
        }
        answer
    }

    /// Takes note of what it did for one event. What that is refused may be because of the event alone: its row is
    /// held, say.
    pub(crate) fn note_done<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_ok() {
            self.note_answer();
        }
        done
    }

    fn note_answer(&self) {
        if !self.answers() && !self.known.answers.swap(true, Ordering::Relaxed) {
            log::info!("cell {} answers again", self.name);
            // What happened meanwhile it may have missed.
            self.note_missed();
        }
    }

    fn note_silence(&self, why: &StoreError) {
        if self.known.answers.swap(false, Ordering::Relaxed) {
            log::warn!("cell {} does not answer: {}", self.name, ErrorChain(why));
        }
    }

    /// Counts a call of all cells as under way here until the guard is dropped; `None` if it is to be passed over.
    pub(crate) fn begin_request(self: &Arc<Self>) -> Option<PendingRequest> {
        let before = self.known.asked.fetch_add(1, Ordering::Relaxed);
        let asked = PendingRequest(Arc::clone(self));
        (self.answers() || before < SILENT_ASKED_MAX).then_some(asked)
    }

    pub(crate) fn not_asked(&self) -> StoreError {
        StoreError::unavailable(CellError::NotAsked(self.name.clone()))
    }

    /// What a call that was begun here answers, if it does `until` then.
    pub(crate) async fn wait_for<T>(
        &self,
        task: JoinHandle<Result<T, StoreError>>,
        until: Option<Instant>,
    ) -> Result<T, StoreError> {
        let ended = match until {
            None => task.await,
            Some(until) => match timeout_at(until, task).await {
                Ok(ended) => ended,
                // It goes on by itself, and will be told from silence when it is answered.
                Err(_) => return Err(self.note_slow()),
            },
        };
        ended.unwrap_or_else(|failed| match failed.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(ended) => Err(StoreError::unavailable(ended)),
        })
    }

    /// Takes note that it was waited for in vain.
    pub(crate) fn note_slow(&self) -> StoreError {
        let error = StoreError::unavailable(CellError::Slow(self.name.clone()));
        self.note_silence(&error);
        error
    }

    fn copies(&self) -> MutexGuard<'_, Copies> {
        // It is whole between any two of its calls.
        self.known.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It may lack something that the home has, or have what that has no more.
    pub(crate) fn note_missed(&self) {
        self.copies().missed += 1;
    }

    /// What is to be done about that now.
    pub(crate) fn copies_due(&self) -> Due {
        let Copies { missed, made_good, checked_at } = *self.copies();
        if missed != made_good {
            return Due::MakeGood(missed);
        }
        let is_fresh = checked_at.is_some_and(|at| at.elapsed() < COPIES_CHECKED_EVERY);
        if is_fresh { Due::Nothing } else { Due::Check }
    }

    /// Whatever was seen of its copies is to be looked at again.
    pub(crate) fn check_copies_now(&self) {
        self.copies().checked_at = None;
    }

    /// Something was done about it.
    pub(crate) fn note_copies(&self, done: Due) {
        let mut copies = self.copies();
        copies.checked_at = Some(Instant::now());
        if let Due::MakeGood(missed) = done {
            copies.made_good = copies.made_good.max(missed);
        }
    }
}

/// A call of all cells that is under way at one.
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
