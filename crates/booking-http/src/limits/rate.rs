//! Rate limits, by the generic cell rate algorithm (GCRA), with bounded memory.

use super::{SET_MAX, number};
use crate::settings::Reader;
use crate::util::locks::lock;
use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// The most keys that are counted separately. Those beyond share the limit of one, until others have been quiet for
/// so long that they count as new. They take 108 bytes each, so that it is 7 MB.
const KEYS_MAX: usize = 65_536;
/// How often quiet keys are removed, if there are many.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// Fewer are not worth it.
const TIDY_KEYS_MIN: usize = 1_024;

/// How often, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many a second, in the long run.
    pub per_second: NonZeroU32,
    /// How many at once, after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// Reads a rate; 0 a second means that there is no limit.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        rate: &'static str,
        burst: &'static str,
    ) -> Option<Self> {
        let burst = reader.within(burst, 1, SET_MAX);
        let burst = NonZeroU32::new(burst as u32).unwrap_or(NonZeroU32::MIN);
        number(reader, rate).map(|per_second| Self { per_second, burst })
    }

    /// The whole seconds after which a full burst is possible again.
    fn window_seconds(self) -> u32 {
        self.burst.get().div_ceil(self.per_second.get())
    }
}

/// Counts requests, for each key.
pub(crate) struct Limiter<K: Hash + Eq + Copy, C: Clock = MonotonicClock> {
    name: &'static str,
    rate: Rate,
    limiter: RateLimiter<K, Table<K>, C, StateInformationMiddleware>,
    tidied_at: Mutex<C::Instant>,
    tidy_keys_min: usize,
}

/// The state of a key after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuotaState {
    name: &'static str,
    rate: Rate,
    /// How many more requests are possible right now.
    remaining: u32,
    /// The time until the next request is possible, if this one was refused.
    wait: Option<Duration>,
}

impl<K: Hash + Eq + Copy> Limiter<K> {
    /// A limiter with this `name` in headers.
    pub(crate) fn new(name: &'static str, rate: Rate) -> Self {
        Self::with_clock(name, rate, KEYS_MAX, MonotonicClock)
    }
}

impl<K: Hash + Eq + Copy, C: Clock> Limiter<K, C> {
    fn with_clock(name: &'static str, rate: Rate, keys_max: usize, clock: C) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let tidied_at = Mutex::new(clock.now());
        let tidy_keys_min = TIDY_KEYS_MIN.min(keys_max);
        let limiter = RateLimiter::new(quota, Table::new(keys_max), clock);
        Self { name, rate, limiter, tidied_at, tidy_keys_min }
    }

    /// Counts one more request under `key`, unless it is refused: that counts for nothing.
    pub(crate) fn count(&self, key: K) -> QuotaState {
        self.tidy();
        let (remaining, wait) = match self.limiter.check_key(&key) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(self.limiter.clock().now()))),
        };
        QuotaState { name: self.name, rate: self.rate, remaining, wait }
    }

    /// Removes the keys that count as new again.
    fn tidy(&self) {
        if self.limiter.len() < self.tidy_keys_min {
            return;
        }
        let now = self.limiter.clock().now();
        {
            let mut tidied_at = lock(&self.tidied_at);
            if Duration::from(now.duration_since(*tidied_at)) < TIDY_EVERY {
                return;
            }
            *tidied_at = now;
        }
        self.limiter.retain_recent();
    }
}

impl QuotaState {
    /// The time to wait, if it was refused.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// The quota policy, as in the `RateLimit-Policy` field (draft-ietf-httpapi-ratelimit-headers-11,
    /// section 3.1).
    pub(crate) fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.rate.burst, self.rate.window_seconds())
    }

    /// The service limit, as in the `RateLimit` field (section 4.1). As rates are a whole number a second, one more
    /// is possible a second later at most.
    pub(crate) fn limit(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, whole_seconds(self.wait))
    }
}

/// The whole seconds of a wait, one at least.
fn whole_seconds(wait: Option<Duration>) -> u64 {
    wait.unwrap_or_default().as_millis().div_ceil(1_000).max(1) as u64
}

/// For each key, when it will count as new. The library's own tables have no bound.
struct Table<K> {
    states: Mutex<States<K>>,
    keys_max: usize,
}

struct States<K> {
    by_key: HashMap<K, Nanos>,
    /// The same for all keys that came when the table was full.
    others: Option<Nanos>,
}

impl<K> Table<K> {
    fn new(keys_max: usize) -> Self {
        let states = States { by_key: HashMap::new(), others: None };
        Self { states: Mutex::new(states), keys_max }
    }

    fn lock(&self) -> MutexGuard<'_, States<K>> {
        lock(&self.states)
    }
}

impl<K: Hash + Eq + Copy> StateStore for Table<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.lock();
        if let Some(state) = states.by_key.get_mut(key) {
            let (answer, next) = decide(Some(*state))?;
            *state = next;
            return Ok(answer);
        }
        if states.by_key.len() < self.keys_max {
            let (answer, next) = decide(None)?;
            states.by_key.insert(*key, next);
            return Ok(answer);
        }
        let (answer, next) = decide(states.others)?;
        states.others = Some(next);
        Ok(answer)
    }
}

impl<K: Hash + Eq + Copy> ShrinkableKeyedStateStore<K> for Table<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        let mut states = self.lock();
        states.by_key.retain(|_, state| *state > drop_below);
        states.by_key.shrink_to(TIDY_KEYS_MIN);
    }

    fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    fn is_empty(&self) -> bool {
        self.lock().by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn limiter(per_second: u32, burst: u32, keys_max: usize) -> Limiter<u32, FakeRelativeClock> {
        let number = |n| NonZeroU32::new(n).expect("not 0");
        let rate = Rate { per_second: number(per_second), burst: number(burst) };
        Limiter::with_clock("test", rate, keys_max, FakeRelativeClock::default())
    }

    fn advance(limiter: &Limiter<u32, FakeRelativeClock>, by: Duration) {
        limiter.limiter.clock().advance(by);
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let limiter = limiter(4, 10, 100);
        for remaining in (0..10).rev() {
            let quota = limiter.count(1);
            assert_eq!((quota.remaining, quota.wait), (remaining, None));
        }
        for _ in 0..3 {
            assert_eq!(limiter.count(1).wait(), Some(SECOND / 4), "what is refused costs nothing");
        }
        assert_eq!(limiter.count(2).wait(), None, "another has its own");
        advance(&limiter, SECOND / 4);
        assert_eq!(limiter.count(1).wait(), None);
        assert_eq!(limiter.count(1).wait(), Some(SECOND / 4));
        advance(&limiter, SECOND * 60);
        assert_eq!(limiter.count(1).remaining, 9);
    }

    #[test]
    fn rate_limit_headers_are_as_the_draft_says() {
        let limiter = limiter(4, 10, 100);
        let first = limiter.count(1);
        assert_eq!(first.policy(), "\"test\";q=10;w=3");
        assert_eq!(first.limit(), "\"test\";r=9;t=1");
        for _ in 0..9 {
            limiter.count(1);
        }
        assert_eq!(limiter.count(1).limit(), "\"test\";r=0;t=1");
        assert_eq!(whole_seconds(Some(SECOND * 3 / 2)), 2);
    }

    #[test]
    fn keys_are_bounded_and_tidied() {
        let limiter = limiter(1, 2, 10);
        for key in 0..10 {
            assert_eq!(limiter.count(key).wait(), None);
        }
        // The table is full, so that new keys count together.
        assert_eq!([10, 11, 12].map(|key| limiter.count(key).wait.is_some()), [false, false, true]);
        assert_eq!(limiter.count(0).wait(), None, "who is known keeps what is theirs");
        assert_eq!(limiter.limiter.len(), 10);
        advance(&limiter, SECOND * 5);
        assert_eq!([20, 21, 22].map(|key| limiter.count(key).wait), [None; 3]);
        assert_eq!(limiter.limiter.len(), 3);
    }
}
