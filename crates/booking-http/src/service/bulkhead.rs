//! A bulkhead for writes that do not go through the queue of seats: creating events, purging idempotency records.
//!
//! Each of them is a transaction of its own, and as many as clients like would leave the store no time for seats.
//! So few run at a time, few wait, and the next is refused as overload.

use booking_admission::SubmitError;
use booking_core::StoreError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How many wait for their turn; the next is refused at once.
pub(crate) const WAITING_MAX: usize = 512;
/// The longest that one waits.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How many run at a time where each has a connection of its own; seats need the other connections.
pub(crate) const AT_ONCE_ON_POSTGRES: usize = 2;
/// The same where all writes take turns.
pub(crate) const AT_ONCE_ON_SQLITE: usize = 1;

/// Lets a few through at a time.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    turns: Semaphore,
    waiting: AtomicUsize,
}

impl Bulkhead {
    /// As many at a time as `at_once`.
    pub(crate) fn new(at_once: usize) -> Self {
        Self { turns: Semaphore::new(at_once), waiting: AtomicUsize::new(0) }
    }

    /// Does `work` when it has its turn.
    ///
    /// # Errors
    /// [`SubmitError::Overloaded`] if too many wait or it waited too long, and then nothing was done; the store's.
    pub(crate) async fn run<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, SubmitError> {
        let slot = WaitingSlot::among(&self.waiting).ok_or(SubmitError::Overloaded)?;
        let turn = timeout(WAIT_MAX, self.turns.acquire()).await;
        drop(slot);
        let _turn = turn.map_err(|_| SubmitError::Overloaded)?.expect("nobody closes it");
        work.await.map_err(SubmitError::Store)
    }
}

/// A place in the queue, until it is dropped.
struct WaitingSlot<'a>(&'a AtomicUsize);

impl<'a> WaitingSlot<'a> {
    fn among(waiting: &'a AtomicUsize) -> Option<Self> {
        let slot = Self(waiting);
        let before = waiting.fetch_add(1, Ordering::SeqCst);
        // Dropped again if there is no room.
        (before < WAITING_MAX).then_some(slot)
    }
}

impl Drop for WaitingSlot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::future::{pending, ready};

    #[actix_web::test]
    async fn few_writes_run_few_wait_and_the_next_is_refused() {
        let bulkhead = Bulkhead::new(2);
        let mut under_way: Vec<_> =
            (0..2).map(|_| Box::pin(bulkhead.run(pending::<Result<(), StoreError>>()))).collect();
        for one in &mut under_way {
            assert!(one.now_or_never().is_none());
        }
        let mut waiting: Vec<_> =
            (0..WAITING_MAX).map(|_| Box::pin(bulkhead.run(ready(Ok(()))))).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none(), "it has no turn yet");
        }
        let refused = bulkhead.run(ready(Ok(()))).await;
        assert!(matches!(refused, Err(SubmitError::Overloaded)), "{refused:?}");
        // A caller that goes away makes room, and its write is not executed.
        drop(waiting.pop());
        let mut last = Box::pin(bulkhead.run(ready(Ok(()))));
        assert!((&mut last).now_or_never().is_none());
        drop(under_way.pop());
        for one in waiting {
            one.await.expect("it is done");
        }
        last.await.expect("it is done");
    }

    #[actix_web::test]
    async fn a_failed_write_gives_its_turn_back() {
        let bulkhead = Bulkhead::new(1);
        for _ in 0..3 {
            let error = StoreError::unavailable(std::io::Error::other("on purpose"));
            let failed = bulkhead.run(ready(Err::<(), _>(error))).await;
            assert!(matches!(failed, Err(SubmitError::Store(_))), "{failed:?}");
        }
        bulkhead.run(ready(Ok(()))).await.expect("it is done");
    }
}
