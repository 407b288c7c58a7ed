//! Restarts tasks that panic.

use crate::limits::{RESTART_PAUSE, RESTART_PAUSE_MAX, STEADY_AFTER};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Restarts tasks that have panicked, and knows their state. Clones share it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use booking_delivery::Supervisor;
/// use std::time::Duration;
///
/// let supervisor = Supervisor::default().pausing(Duration::from_millis(1));
/// let tries = std::cell::Cell::new(0);
/// let task = || async {
///     tries.set(tries.get() + 1);
///     assert!(tries.get() > 2, "a mistake");
/// };
/// supervisor.keep("try", task).await;
/// assert_eq!((tries.get(), supervisor.tasks()[0].restarts), (3, 2));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Supervisor {
    tasks: Arc<Mutex<BTreeMap<&'static str, State>>>,
    pause: Duration,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    is_down: bool,
    restarts: u64,
}

/// The state of a supervised task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: &'static str,
    /// Whether it has panicked, and waits for its restart.
    pub is_down: bool,
    /// How often it has panicked.
    pub restarts: u64,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self { tasks: Arc::default(), pause: RESTART_PAUSE }
    }
}

impl Supervisor {
    /// The same, with a first pause of this length: each that follows soon is twice as long.
    #[must_use]
    pub fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Registers a task before it starts, so that it is listed from then on.
    pub fn announce(&self, name: &'static str) {
        self.note(name, |_| {});
    }

    /// Runs the future that `begin` returns. Whenever it panics it is restarted, after [`RESTART_PAUSE`] and then
    /// twice as long each time, up to [`RESTART_PAUSE_MAX`]; after [`STEADY_AFTER`] without a panic the pause is
    /// the first again. A task that ends by itself is not restarted.
    pub async fn keep<W: Future<Output = ()>>(&self, name: &'static str, begin: impl Fn() -> W) {
        let mut pause = self.pause;
        self.announce(name);
        loop {
            let began = Instant::now();
            let run = async { begin().await };
            // Its own state is gone with it.
            let ended = AssertUnwindSafe(run).catch_unwind().await;
            if ended.is_ok() {
                return;
            }
            if began.elapsed() >= STEADY_AFTER {
                pause = self.pause;
            }
            self.note(name, |state| *state = State { is_down: true, restarts: state.restarts + 1 });
            // The panic itself has been logged.
            log::error!("{name} has panicked, and is begun anew in {} ms", pause.as_millis());
            sleep(pause).await;
            pause = (pause * 2).min(RESTART_PAUSE_MAX);
            self.note(name, |state| state.is_down = false);
        }
    }

    /// Counts a panic of one of many short tasks that share a name, and are not restarted here.
    pub fn panicked(&self, name: &'static str) {
        self.note(name, |state| state.restarts += 1);
    }

    /// Every task that there is or was, by its name.
    pub fn tasks(&self) -> Vec<Task> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = tasks.iter();
        tasks
            .map(|(&name, &State { is_down, restarts })| Task { name, is_down, restarts })
            .collect()
    }

    /// How many of them are down.
    pub fn down(&self) -> u64 {
        self.tasks().iter().map(|task| u64::from(task.is_down)).sum()
    }

    fn note(&self, name: &'static str, change: impl FnOnce(&mut State)) {
        // It is consistent between any two calls.
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        change(tasks.entry(name).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn break_down() {
        panic!("on purpose");
    }

    #[tokio::test]
    async fn a_panicked_task_is_restarted_and_a_finished_one_is_not() {
        let supervisor = Supervisor::default().pausing(Duration::from_millis(1));
        let begun = AtomicU64::new(0);
        let task = || async {
            if begun.fetch_add(1, Ordering::SeqCst) < 5 {
                // It panics in the middle of its work, and is not restarted at once.
                sleep(Duration::from_millis(1)).await;
                break_down();
            }
        };
        supervisor.keep("task", task).await;
        assert_eq!(begun.load(Ordering::SeqCst), 6);
        let task = Task { name: "task", is_down: false, restarts: 5 };
        assert_eq!(supervisor.tasks(), [task]);
    }

    #[tokio::test]
    async fn a_panicked_task_is_down_until_its_restart() {
        let supervisor = Supervisor::default().pausing(Duration::from_secs(3_600));
        let keeping = supervisor.clone();
        let broken = tokio::spawn(async move {
            keeping.keep("broken", || async { break_down() }).await;
        });
        let keeping = supervisor.clone();
        let well = tokio::spawn(async move { keeping.keep("well", pending::<()>).await });
        while supervisor.tasks().len() < 2 || supervisor.down() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let task = |name, is_down, restarts| Task { name, is_down, restarts };
        assert_eq!(supervisor.tasks(), [task("broken", true, 1), task("well", false, 0)]);
        assert_eq!(supervisor.down(), 1);
        broken.abort();
        well.abort();
    }

    #[test]
    fn a_short_tasks_panics_are_counted_and_it_is_never_down() {
        let supervisor = Supervisor::default();
        supervisor.panicked("worker");
        supervisor.panicked("worker");
        assert_eq!(supervisor.tasks(), [Task { name: "worker", is_down: false, restarts: 2 }]);
        assert_eq!(supervisor.down(), 0);
    }
}
