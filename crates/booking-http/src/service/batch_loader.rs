//! A batch loader: look-ups by key that come at the same time share one read of the store.

use crate::problem::ApiError;
use crate::util::locks::lock;
use booking_admission::SubmitError;
use booking_core::{SeatLane, StoreError};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// A loader for each lane of a store: a database that does not answer delays only its own callers.
pub(crate) struct LaneLoaders<K, V>(Mutex<HashMap<SeatLane, Arc<BatchLoader<K, V>>>>);

impl<K, V> Default for LaneLoaders<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, V> LaneLoaders<K, V> {
    /// The loader of a lane, of which a store has few.
    pub(crate) fn of(&self, lane: SeatLane) -> Arc<BatchLoader<K, V>> {
        Arc::clone(lock(&self.0).entry(lane).or_default())
    }
}

/// The most look-ups of one read.
const BATCH_KEYS_MAX: usize = 512;
/// The most look-ups that wait. One more is refused at once.
const WAITING_MAX: usize = 16_384;

/// Look-ups by key. Those that come while others are under way go into the next read together, so that thousands a
/// second cost a few statements. Nothing is cached.
pub(crate) struct BatchLoader<K, V> {
    queue: Arc<Mutex<Queue<K, V>>>,
}

struct Queue<K, V> {
    waiting: VecDeque<Lookup<K, V>>,
    is_under_way: bool,
}

struct Lookup<K, V> {
    key: K,
    reply: oneshot::Sender<Result<V, StoreError>>,
}

impl<K, V> Default for BatchLoader<K, V> {
    fn default() -> Self {
        let queue = Queue { waiting: VecDeque::new(), is_under_way: false };
        Self { queue: Arc::new(Mutex::new(queue)) }
    }
}

impl<K, V> BatchLoader<K, V>
where
    K: Clone + Send + 'static,
    V: Send + 'static,
{
    /// The value of `key` in a batch that `read` loads: `values[i]` is that of `keys[i]`. The read begins after
    /// this call.
    ///
    /// # Errors
    /// The store's, [`SubmitError::Overloaded`] if too many wait, [`ApiError::Panic`] if `read` does.
    pub(crate) async fn get<R>(
        &self,
        key: K,
        read: impl Fn(Vec<K>) -> R + Send + 'static,
    ) -> Result<V, ApiError>
    where
        R: Future<Output = Result<Vec<V>, StoreError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        if let Some(flight) = self.join(Lookup { key, reply })? {
            // A task of its own, since the first caller may go away.
            tokio::spawn(flight.run(read));
        }
        Ok(answer.await.map_err(|_| ApiError::Panic)??)
    }

    /// Adds the caller to the queue. The first one has to start the reading.
    fn join(&self, lookup: Lookup<K, V>) -> Result<Option<Flight<K, V>>, SubmitError> {
        let mut queue = lock(&self.queue);
        if queue.waiting.len() == WAITING_MAX {
            return Err(SubmitError::Overloaded);
        }
        queue.waiting.push_back(lookup);
        if std::mem::replace(&mut queue.is_under_way, true) {
            return Ok(None);
        }
        Ok(Some(Flight { queue: Arc::clone(&self.queue), landed: false }))
    }
}

/// Reads, one after the other, until no caller waits.
struct Flight<K, V> {
    queue: Arc<Mutex<Queue<K, V>>>,
    landed: bool,
}

impl<K: Clone, V> Flight<K, V> {
    async fn run<R>(mut self, read: impl Fn(Vec<K>) -> R)
    where
        R: Future<Output = Result<Vec<V>, StoreError>>,
    {
        // Lets other tasks that are ready join the batch, without a delay.
        yield_now().await;
        while let Some(lookups) = self.next() {
            let keys: Vec<_> = lookups.iter().map(|lookup| lookup.key.clone()).collect();
            // A caller that has gone does not get the answer.
            match read(keys).await {
                Ok(values) => {
                    assert_eq!(values.len(), lookups.len(), "a value for each key");
                    for (lookup, value) in lookups.into_iter().zip(values) {
                        let _ = lookup.reply.send(Ok(value));
                    }
                }
                Err(error) => {
                    for lookup in lookups {
                        let _ = lookup.reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// The next batch of callers; `None`, and the end, if there are none.
    fn next(&mut self) -> Option<Vec<Lookup<K, V>>> {
        let mut queue = lock(&self.queue);
        let mut lookups = Vec::new();
        while lookups.len() < BATCH_KEYS_MAX
            && let Some(lookup) = queue.waiting.pop_front()
        {
            if !lookup.reply.is_closed() {
                lookups.push(lookup);
            }
        }
        if lookups.is_empty() {
            queue.is_under_way = false;
            self.landed = true;
            return None;
        }
        Some(lookups)
    }
}

/// A read that panicked must not leave callers behind who wait for ever.
impl<K, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        if !self.landed {
            let mut queue = lock(&self.queue);
            queue.waiting.clear();
            queue.is_under_way = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    /// A read that doubles, once it is released, and records how many keys it got at once.
    struct Source {
        reads: Mutex<Vec<usize>>,
        gate: Semaphore,
    }

    impl Source {
        fn open_for(reads: usize) -> Arc<Self> {
            Arc::new(Self { reads: Mutex::default(), gate: Semaphore::new(reads) })
        }

        async fn read(self: Arc<Self>, keys: Vec<u32>) -> Result<Vec<u32>, StoreError> {
            lock(&self.reads).push(keys.len());
            self.gate.acquire().await.expect("nobody closes it").forget();
            Ok(keys.iter().map(|key| 2 * key).collect())
        }
    }

    async fn get(lookups: &BatchLoader<u32, u32>, source: &Arc<Source>, key: u32) -> Option<u32> {
        let source = Arc::clone(source);
        lookups.get(key, move |keys| Arc::clone(&source).read(keys)).await.ok()
    }

    #[actix_web::test]
    async fn calls_during_a_read_share_the_next_batch() {
        let (lookups, source) = (BatchLoader::default(), Source::open_for(0));
        let early = get(&lookups, &source, 7).shared();
        assert_eq!(early.clone().now_or_never(), None);
        while lock(&source.reads).is_empty() {
            yield_now().await;
        }
        let late = join_all((0..600).map(|key| get(&lookups, &source, key))).shared();
        assert_eq!(late.clone().now_or_never(), None);
        source.gate.add_permits(3);
        assert_eq!(early.await, Some(14));
        assert_eq!(late.await, (0..600).map(|key| Some(2 * key)).collect::<Vec<_>>());
        assert_eq!(*lock(&source.reads), [1, BATCH_KEYS_MAX, 600 - BATCH_KEYS_MAX]);
        source.gate.add_permits(1);
        assert_eq!(get(&lookups, &source, 1).await, Some(2), "and then again");
    }

    #[actix_web::test]
    async fn the_number_of_waiting_look_ups_is_bounded() {
        let (lookups, source) = (BatchLoader::default(), Source::open_for(0));
        let all =
            join_all((0..=WAITING_MAX as u32).map(|key| get(&lookups, &source, key))).shared();
        assert_eq!(all.clone().now_or_never(), None);
        source.gate.add_permits(WAITING_MAX);
        let refused = all.await.into_iter().filter(Option::is_none).count();
        assert_eq!(refused, 1);
    }

    #[actix_web::test]
    async fn a_read_that_fails_or_panics_does_not_affect_later_ones() {
        let lookups = BatchLoader::default();
        let broken = lookups.get(1, async |_| -> Result<Vec<u32>, _> { panic!("on purpose") });
        assert!(matches!(broken.await, Err(ApiError::Panic)));
        let failing = lookups
            .get(1, async |_| Err(StoreError::unavailable(std::io::Error::other("on purpose"))));
        assert!(matches!(failing.await, Err(ApiError::Store(StoreError::Unavailable(_)))));
        assert_eq!(get(&lookups, &Source::open_for(1), 4).await, Some(8));
    }
}
