//! A thread of its own for what can wait, so that what cannot has the processors first.

use crate::limits::{BLOCKING_THREADS_MAX, LEFT_WITHIN};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Runs what `begin` makes on a thread and a runtime of their own, until it ends or this is dropped.
///
/// On Linux the thread, and those on which its runtime lets others block, have [`NICE`](crate::limits::NICE) less of a claim to a processor
/// than whoever calls this. What is made there is of that runtime and ends with it: connections, timers and tasks are not
/// to be shared with others.
///
/// # Errors
/// If the system has no thread, or nothing for a runtime.
///
/// # Panics
/// As what it runs does.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (tell, told) = tokio::sync::oneshot::channel();
/// let ended = booking_delivery::run_apart("example", || async {
///     let _ = tell.send(std::thread::current().name().map(str::to_owned));
/// });
/// ended.await.expect("there is a thread");
/// assert_eq!(told.await.expect("it was told").as_deref(), Some("example"));
/// # }
/// ```
pub async fn run_apart<W: Future<Output = ()>>(
    name: &str,
    begin: impl FnOnce() -> W + Send + 'static,
) -> io::Result<()> {
    // Whatever becomes of this future, the thread hears of its end.
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, ended) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let run = AssertUnwindSafe(|| run(begin, stopped));
        // Nobody need be there any more.
        let _ = tell.send(catch_unwind(run));
    })?;
    let ended = ended.await;
    drop(stop);
    match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(io::Error::other("its thread has ended without a word")),
    }
}

fn run<W: Future<Output = ()>>(
    begin: impl FnOnce() -> W,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    step_back();
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
    // Whoever looks a name up is not waited for.
    runtime.shutdown_timeout(LEFT_WITHIN);
    Ok(())
}

/// Lets this thread, and those that it starts, come after the others.
#[cfg(target_os = "linux")]
fn step_back() {
    use crate::limits::NICE;
    use rustix::process::{getpriority_process, setpriority_process};
    // On Linux each thread has a priority of its own, and `None` is the one that asks.
    let stepped = getpriority_process(None).and_then(|now| setpriority_process(None, now + NICE));
    if let Err(error) = stepped {
        log::warn!("what can wait has the same claim to a processor as what cannot: {error}");
    }
}

/// Elsewhere a process has one for all of its threads.
#[cfg(not(target_os = "linux"))]
fn step_back() {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    /// Far longer than anything takes.
    const WITHIN: Duration = Duration::from_secs(30);

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_can_wait_comes_after_what_cannot() {
        use crate::limits::NICE;
        use rustix::process::getpriority_process;
        let nice = || getpriority_process(None).expect("the system says it");
        let before = nice();
        let (tell, told) = oneshot::channel();
        let ended = run_apart("apart", move || async move {
            let blocking = tokio::task::spawn_blocking(nice).await.expect("it does not panic");
            let _ = tell.send((nice(), blocking));
        });
        ended.await.expect("there is a thread");
        let lower = (before + NICE).min(19);
        assert_eq!(told.await.expect("it was told"), (lower, lower));
        let here = tokio::task::spawn_blocking(nice).await.expect("it does not panic");
        assert_eq!((nice(), here), (before, before), "nobody else is behind");
    }

    #[tokio::test]
    async fn what_panics_there_panics_here() {
        let running = tokio::spawn(run_apart("apart", || async {
            sleep(Duration::from_millis(1)).await;
            panic!("on purpose");
        }));
        let panic = running.await.expect_err("it panics").into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    }

    /// Sets what it is told to when it goes.
    struct Goes(Arc<AtomicBool>);

    impl Drop for Goes {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_ends() {
        let has_gone = Arc::<AtomicBool>::default();
        let goes = Goes(Arc::clone(&has_gone));
        let (tell, told) = oneshot::channel();
        let running = run_apart("apart", move || async move {
            let _goes = goes;
            let _ = tell.send(());
            std::future::pending::<()>().await;
        });
        let running = tokio::spawn(running);
        told.await.expect("it has begun");
        assert!(!has_gone.load(Ordering::SeqCst));
        running.abort();
        let ends = async {
            while !has_gone.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(WITHIN, ends).await.expect("it ends");
    }
}
