//! Single flight: requests for the same key at the same time share one read.

use crate::util::locks::lock;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// Answers by key. While a key is being read, callers who ask for the same wait for the next read, which then is
/// for all of them: no caller gets a value that was read before the call, and so everyone reads their own writes.
/// Nothing is cached.
pub(crate) struct SingleFlight<K, V> {
    under_way: Arc<UnderWay<K, V>>,
}

/// The keys that are being read, each with the callers who wait for its next read.
type UnderWay<K, V> = Mutex<HashMap<K, Vec<oneshot::Sender<V>>>>;

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self { under_way: Arc::default() }
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// The value of `read`, which begins after this call. `None` if it panicked.
    pub(crate) async fn get<R>(&self, key: K, read: impl Fn() -> R + Send + 'static) -> Option<V>
    where
        R: Future<Output = V> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        if let Some(flight) = self.join(key, reply) {
            // A task of its own, since the first caller may go away.
            tokio::spawn(flight.run(read));
        }
        answer.await.ok()
    }

    /// Adds the caller to the queue. The first one has to start the reading.
    fn join(&self, key: K, reply: oneshot::Sender<V>) -> Option<Flight<K, V>> {
        let mut under_way = lock(&self.under_way);
        if let Some(waiting) = under_way.get_mut(&key) {
            waiting.push(reply);
            return None;
        }
        under_way.insert(key.clone(), vec![reply]);
        Some(Flight { key, under_way: Arc::clone(&self.under_way), landed: false })
    }
}

/// The reads of one key, one after the other, until no caller waits.
struct Flight<K: Eq + Hash, V> {
    key: K,
    under_way: Arc<UnderWay<K, V>>,
    landed: bool,
}

impl<K: Eq + Hash, V: Clone> Flight<K, V> {
    async fn run<R: Future<Output = V>>(mut self, read: impl Fn() -> R) {
        // Lets other tasks that are ready join, without a delay.
        yield_now().await;
        while let Some(waiting) = self.next() {
            let value = read().await;
            for reply in waiting {
                // A caller that has gone does not get it.
                let _ = reply.send(value.clone());
            }
        }
    }

    /// The waiting callers; `None`, and the end, if there are none.
    fn next(&mut self) -> Option<Vec<oneshot::Sender<V>>> {
        let mut under_way = lock(&self.under_way);
        let waiting = under_way.get_mut(&self.key).map(std::mem::take).unwrap_or_default();
        if waiting.is_empty() {
            under_way.remove(&self.key);
            self.landed = true;
            return None;
        }
        Some(waiting)
    }
}

/// A read that panicked must not leave its key behind, with callers who wait for ever.
impl<K: Eq + Hash, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        if !self.landed {
            lock(&self.under_way).remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Semaphore;

    /// A read that answers with its number, once it is released.
    #[derive(Default)]
    struct Source {
        reads: AtomicU32,
        gate: Option<Semaphore>,
    }

    impl Source {
        fn gated() -> Arc<Self> {
            Arc::new(Self { gate: Some(Semaphore::new(0)), ..Self::default() })
        }

        fn open(&self, reads: usize) {
            self.gate.as_ref().expect("it has a gate").add_permits(reads);
        }

        async fn read(self: Arc<Self>) -> u32 {
            let number = 1 + self.reads.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &self.gate {
                gate.acquire().await.expect("nobody closes it").forget();
            }
            number
        }
    }

    async fn get(reads: &SingleFlight<&'static str, u32>, source: &Arc<Source>) -> Option<u32> {
        let source = Arc::clone(source);
        reads.get("key", move || Arc::clone(&source).read()).await
    }

    async fn until_read(source: &Source, times: u32) {
        while source.reads.load(Ordering::SeqCst) < times {
            yield_now().await;
        }
    }

    #[actix_web::test]
    async fn a_caller_during_a_read_shares_the_next_one() {
        let (reads, source) = (SingleFlight::default(), Source::gated());
        let early = get(&reads, &source).shared();
        assert_eq!(early.clone().now_or_never(), None);
        until_read(&source, 1).await;
        let late = join_all((0..100).map(|_| get(&reads, &source))).shared();
        assert_eq!(late.clone().now_or_never(), None);
        source.open(2);
        assert_eq!(early.await, Some(1), "it was read for those who had asked");
        assert_eq!(late.await, vec![Some(2); 100], "one read, begun after they asked");
        source.open(1);
        assert_eq!(get(&reads, &source).await, Some(3), "nothing is kept");
        assert!(lock(&reads.under_way).is_empty());
    }

    #[actix_web::test]
    async fn a_caller_that_leaves_does_not_affect_the_others() {
        let (reads, source) = (SingleFlight::default(), Source::gated());
        let mut left = Box::pin(get(&reads, &source));
        assert_eq!((&mut left).now_or_never(), None);
        let other = get(&reads, &source).shared();
        assert_eq!(other.clone().now_or_never(), None);
        drop(left);
        source.open(1);
        assert_eq!(other.await, Some(1));
    }

    #[actix_web::test]
    async fn a_read_that_panics_does_not_affect_later_ones() {
        let reads = SingleFlight::default();
        let broken = reads.get("key", async || -> u32 { panic!("on purpose") });
        assert_eq!(broken.await, None);
        assert_eq!(get(&reads, &Arc::default()).await, Some(1));
    }
}
