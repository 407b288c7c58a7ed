//! Every operation, by many clients at once while things fail, and judged to the last answer.
//!
//! The judge itself is checked twice: `booking-load/tests/judge.rs` corrupts histories, and `controls` breaks
//! servers.

mod beside;
#[path = "../common/mod.rs"]
mod common;
mod embedded;
mod soak;
// With names by which scripts/test.sh recognizes them: it runs them beside all others.
#[path = "calm.rs"]
mod apart_calm;
#[path = "cell_moves.rs"]
mod apart_cell_moves;
#[path = "clocks.rs"]
mod apart_clocks;
#[path = "controls.rs"]
mod apart_controls;
#[path = "cuts.rs"]
mod apart_cuts;
#[path = "deliveries.rs"]
mod apart_deliveries;
#[path = "disk_full.rs"]
mod apart_disk_full;
#[path = "hangs.rs"]
mod apart_hangs;
#[path = "kills.rs"]
mod apart_kills;
#[path = "moves.rs"]
mod apart_moves;
#[path = "power_cut.rs"]
mod apart_power_cut;

use booking_load::client::Limits;
use booking_load::judge::{Verdict, judge};
use booking_load::workload::{self, Pace, WorkloadOptions, run_during};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Without a line in the log for each request, nor a warning for each deliberate fault.
const QUIET: (&str, &str) = ("RUST_LOG", "off");

/// Two loads at a time, however many threads the tests have: each waits for a part of its time, and
/// more would only slow each other down, where answers are timed.
async fn turn() -> SemaphorePermit<'static> {
    static TWO_AT_A_TIME: Semaphore = Semaphore::const_new(2);
    TWO_AT_A_TIME.acquire().await.expect("it is never closed")
}

/// A load for servers that share a database.
fn load(urls: &[&str]) -> WorkloadOptions {
    let urls = urls.iter().map(|&url| url.to_owned()).collect();
    WorkloadOptions {
        clients: 16,
        events: 4,
        seats: 60,
        // Far more than the server's own limit, so that its own answer arrives on any machine.
        limits: Limits { answer: Duration::from_secs(60), connect: Duration::from_secs(30) },
        ..WorkloadOptions::at(urls)
    }
}

/// Asks for as long as `faults` go on, and judges.
async fn judged<T>(
    options: WorkloadOptions,
    faults: impl Future<Output = T>,
) -> (Verdict, Pace, T) {
    let (history, pace, out) = run_during(options, faults).await.expect("it can be run");
    (judge(&history), pace, out)
}

/// How many requests to send while events move, if that is set, as `scripts/soak.sh` does.
const MOVES_OPERATIONS: &str = "MOVES_OPERATIONS";

/// Sends as many requests as are set, or until `moves` end, and judges. The moves are notified of the last answer;
/// where nothing is set, at once.
async fn judged_beside_moves<T: Send + 'static>(
    options: WorkloadOptions,
    moves: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> (Verdict, Pace, T) {
    let is_over = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&is_over);
    let moves = blocking(move || moves(&until));
    let Ok(operations) = std::env::var(MOVES_OPERATIONS) else {
        is_over.store(true, Ordering::Relaxed);
        return judged(options, moves).await;
    };
    let operations = operations.parse().expect("a number of requests");
    let load = async {
        let ran = workload::run(WorkloadOptions { operations, ..options }).await;
        is_over.store(true, Ordering::Relaxed);
        ran.expect("it can be run")
    };
    let ((history, pace), out) = tokio::join!(load, moves);
    (judge(&history), pace, out)
}

#[track_caller]
fn assert_clean(verdict: &Verdict, reached: &[&str]) {
    assert!(verdict.is_clean(), "{verdict}");
    // It changes nothing, and a retry may succeed: but nothing that fails here is a reason for it.
    assert_eq!(verdict.coverage.of("answer: 500"), 0, "{verdict}");
    assert_eq!(verdict.coverage.missing(reached), [""; 0], "{verdict}");
}

/// How long the loads may take together that reach everything that a test waits for.
const REACHED_WITHIN: Duration = Duration::from_secs(300);

/// Runs loads, each of which has to be clean, until everything in `wanted` was reached: rare cases, and matters of
/// time, are up to chance and to the machine in each of them.
async fn reach(wanted: &[&str], mut load: impl AsyncFnMut() -> Verdict) {
    let until = Instant::now() + REACHED_WITHIN;
    let mut missing = wanted.to_vec();
    while !missing.is_empty() {
        assert!(Instant::now() < until, "never reached: {missing:?}");
        let verdict = load().await;
        assert_clean(&verdict, &[]);
        missing = verdict.coverage.missing(&missing);
    }
}

/// Judges servers whose rule is broken, until one of these breaches was found: whether the fault does harm is up to
/// chance and to the machine, too.
async fn assert_caught(rules: &[&str], mut verdict: impl AsyncFnMut() -> Verdict) {
    let until = Instant::now() + REACHED_WITHIN;
    loop {
        let verdict = verdict().await;
        if rules.iter().any(|rule| verdict.count(rule) > 0) {
            return;
        }
        assert!(Instant::now() < until, "none of {rules:?} was seen: {verdict}");
    }
}

/// Runs blocking code beside the load.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("no panic")
}
