//! The progress of events that are moved: a line for each.

use crate::util::locks::lock;
use booking_cells::{MoveError, MoveObserver, Step};
use booking_core::{ErrorChain, EventId};
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

/// Observes a mover, and prints its progress.
#[derive(Default)]
pub(super) struct Progress {
    now: Mutex<Now>,
    /// Whether a line is printed for each event once it is moved, with how many are left.
    counts_down: bool,
}

#[derive(Default)]
struct Now {
    sofar: Sofar,
    /// How many events are still to be moved.
    left: u64,
    /// The events whose failure was reported.
    failed: HashSet<EventId>,
}

#[derive(Default, Clone, Copy)]
struct Sofar {
    rows: u64,
    frozen: Option<Duration>,
}

impl Progress {
    /// Prints a line for each of `left` events once it is moved.
    pub(super) fn of(left: u64) -> Self {
        Self { now: Mutex::new(Now { left, ..Now::default() }), counts_down: true }
    }

    /// The line about an event that was moved.
    pub(super) fn line(&self, event: EventId) -> String {
        let mut now = lock(&self.now);
        let Sofar { rows, frozen } = std::mem::take(&mut now.sofar);
        let mut line = match frozen {
            Some(frozen) => {
                format!("event {event}: {rows} rows, frozen for {} ms", frozen.as_millis())
            }
            None => format!("event {event}: it had left before"),
        };
        if self.counts_down {
            now.left = now.left.saturating_sub(1);
            line.push_str(&format!("; {} left", now.left));
        }
        line
    }

    /// Nothing was done yet for the next event.
    pub(super) fn begin(&self) {
        lock(&self.now).sofar = Sofar::default();
    }
}

impl MoveObserver for Progress {
    fn reached(&self, event: EventId, step: Step) -> bool {
        // It is consistent between any two of its writes.
        let mut now = lock(&self.now);
        match step {
            Step::Begun => now.sofar = Sofar::default(),
            Step::Copied(rows) | Step::CaughtUp(rows) => now.sofar.rows += rows,
            Step::Activated(frozen) => now.sofar.frozen = frozen,
            Step::Moved if self.counts_down => {
                drop(now);
                println!("{}", self.line(event));
            }
            Step::MadeRoom
            | Step::Frozen
            | Step::Compared
            | Step::HandedOver
            | Step::Cleared(_)
            | Step::Moved => {}
        }
        true
    }

    fn failed(&self, event: EventId, error: &MoveError) {
        let mut now = lock(&self.now);
        now.sofar = Sofar::default();
        // It is retried, and fails for the same reason most often.
        if now.failed.insert(event) {
            eprintln!("event {event}: {}", ErrorChain(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn progress_reports_moved_events_and_how_many_are_left() {
        let event = EventId::from(Uuid::from_u128(7));
        let progress = Progress::of(2);
        for step in [Step::Begun, Step::Copied(40), Step::CaughtUp(2)] {
            assert!(progress.reached(event, step));
        }
        progress.reached(event, Step::Activated(Some(Duration::from_millis(30))));
        assert_eq!(
            progress.line(event),
            format!("event {event}: 42 rows, frozen for 30 ms; 1 left")
        );
        // A move that another process began is completed without copying.
        progress.reached(event, Step::Activated(None));
        assert_eq!(progress.line(event), format!("event {event}: it had left before; 0 left"));
        assert_eq!(progress.line(event), format!("event {event}: it had left before; 0 left"));
        let one = Progress::default();
        one.reached(event, Step::Moved);
        assert_eq!(one.line(event), format!("event {event}: it had left before"));
    }
}
