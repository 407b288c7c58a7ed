//! Runs work that can wait on a thread of its own, so that requests get the processors first.

use crate::limits::{BLOCKING_THREADS_MAX, SHUTDOWN_WITHIN};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Runs the future that `begin` returns on its own thread and runtime, until it ends or this future is
/// dropped.
///
/// On Linux the thread, and those on which its runtime blocks, run [`NICE`](crate::limits::NICE)
/// steps below the caller's priority. Connections, timers and tasks created there
/// belong to that runtime and end with it: do not share them with other runtimes.
///
/// # Errors
/// If the system cannot start a thread or a runtime.
///
/// # Panics
/// If the future panics.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sender, receiver) = tokio::sync::oneshot::channel();
/// let ended = booking_delivery::run_apart("example", || async {
///     let _ = sender.send(std::thread::current().name().map(str::to_owned));
/// });
/// ended.await.expect("there is a thread");
/// assert_eq!(receiver.await.expect("it was told").as_deref(), Some("example"));
/// # }
/// ```
pub async fn run_apart<W: Future<Output = ()>>(
    name: &str,
    begin: impl FnOnce() -> W + Send + 'static,
) -> io::Result<()> {
    // Whatever happens to this future, the thread is notified of its end.
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = work_apart(name, || run(begin, stopped)).await;
    drop(stop);
    ended?
}

/// Runs `work`, which waits for nothing, on a thread of its own that has as low a priority. Once begun it runs to its end,
/// also if this future is dropped.
///
/// # Errors
/// If the system cannot start a thread.
///
/// # Panics
/// If `work` does.
pub async fn work_apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (sender, done) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        lower_priority();
        // The receiver may be gone.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    })?;
    match done.await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(io::Error::other("its thread has ended without a word")),
    }
}

fn run<W: Future<Output = ()>>(
    begin: impl FnOnce() -> W,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("apart")
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            () = begin() => {}
            _ = stopped => {}
        }
    });
    // Pending name look-ups are not waited for.
    runtime.shutdown_timeout(SHUTDOWN_WITHIN);
    Ok(())
}

/// Lowers the priority of this thread and of those that it starts.
#[cfg(target_os = "linux")]
fn lower_priority() {
    use crate::limits::NICE;
    use rustix::process::{getpriority_process, setpriority_process};
    // On Linux each thread has its own priority, and `None` is the calling thread.
    let stepped = getpriority_process(None).and_then(|now| setpriority_process(None, now + NICE));
    if let Err(error) = stepped {
        log::warn!("what can wait has the same claim to a processor as what cannot: {error}");
    }
}

/// Other systems have one priority for all threads of a process.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    /// Far longer than any step takes.
    const WITHIN: Duration = Duration::from_secs(30);

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn work_runs_at_low_priority_and_its_panic_is_the_callers() {
        use crate::limits::NICE;
        use rustix::process::getpriority_process;
        let nice = || getpriority_process(None).expect("the system says it");
        let before = nice();
        let there = work_apart("apart", nice).await.expect("there is a thread");
        assert_eq!((there, nice()), ((before + NICE).min(19), before));
        let panics = tokio::spawn(work_apart("apart", || panic!("the test says so")));
        let panicked: io::Result<()> = match panics.await {
            Ok(result) => result,
            Err(error) => return assert!(error.is_panic()),
        };
        panic!("it did not panic: {panicked:?}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_thread_and_its_blocking_pool_run_at_low_priority() {
        use crate::limits::NICE;
        use rustix::process::getpriority_process;
        let nice = || getpriority_process(None).expect("the system says it");
        let before = nice();
        let (sender, receiver) = oneshot::channel();
        let ended = run_apart("apart", move || async move {
            let blocking = tokio::task::spawn_blocking(nice).await.expect("it does not panic");
            let _ = sender.send((nice(), blocking));
        });
        ended.await.expect("there is a thread");
        let lower = (before + NICE).min(19);
        assert_eq!(receiver.await.expect("it was told"), (lower, lower));
        let here = tokio::task::spawn_blocking(nice).await.expect("it does not panic");
        assert_eq!((nice(), here), (before, before), "nobody else is behind");
    }

    #[tokio::test]
    async fn a_panic_on_the_thread_reaches_the_caller() {
        let running = tokio::spawn(run_apart("apart", || async {
            sleep(Duration::from_millis(1)).await;
            panic!("on purpose");
        }));
        let panic = running.await.expect_err("it panics").into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    }

    /// Sets its flag when it is dropped.
    struct DropFlag(Arc<AtomicBool>);

    impl Drop for DropFlag {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn an_aborted_caller_stops_the_thread() {
        let is_dropped = Arc::<AtomicBool>::default();
        let flag = DropFlag(Arc::clone(&is_dropped));
        let (sender, receiver) = oneshot::channel();
        let running = run_apart("apart", move || async move {
            let _flag = flag;
            let _ = sender.send(());
            std::future::pending::<()>().await;
        });
        let running = tokio::spawn(running);
        receiver.await.expect("it has begun");
        assert!(!is_dropped.load(Ordering::SeqCst));
        running.abort();
        let ends = async {
            while !is_dropped.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(WITHIN, ends).await.expect("it ends");
    }
}
