//! A cache of one answer with a time to live, which is filled once for all callers that wait.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// A value that the store is asked for at most once in a while and within a limit, however many callers need it and
/// however often.
pub(crate) struct TtlCache<T> {
    good_for: Duration,
    within: Duration,
    last: Mutex<Option<(Instant, Option<T>)>>,
}

impl<T: Copy> TtlCache<T> {
    pub(crate) fn new(good_for: Duration, within: Duration) -> Self {
        Self { good_for, within, last: Mutex::default() }
    }

    /// The last answer, or else what `ask` returns now; `None` if that took too long or failed. A caller that comes
    /// while it is being asked waits for the same answer.
    pub(crate) async fn get<E>(&self, ask: impl Future<Output = Result<T, E>>) -> Option<T> {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < self.good_for
        {
            return answer;
        }
        let answer = timeout(self.within, ask).await.ok().and_then(Result::ok);
        *last = Some((Instant::now(), answer));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::pending;

    #[actix_web::test]
    async fn a_ttl_cache_refreshes_when_it_expires_and_gives_up_on_a_timeout() {
        let asked = Cell::new(0);
        let ask = async |answer: Result<u32, ()>| {
            asked.set(asked.get() + 1);
            answer
        };
        let cache = TtlCache::new(Duration::from_secs(600), Duration::from_secs(600));
        assert_eq!(cache.get(ask(Err(()))).await, None);
        assert_eq!(cache.get(ask(Ok(1))).await, None, "that there was none is kept too");
        assert_eq!(asked.get(), 1);
        let cache = TtlCache::new(Duration::ZERO, Duration::from_millis(20));
        assert_eq!(cache.get(ask(Ok(1))).await, Some(1));
        assert_eq!(cache.get(pending::<Result<u32, ()>>()).await, None);
        assert_eq!(cache.get(ask(Ok(2))).await, Some(2));
    }
}
