//! Logging of persistent failures: each kind at most so often, so that an outage does not fill the log.

pub(crate) use booking_admission::FailureLog;

use crate::util::locks::lock;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// How often a failure of many requests is logged.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Samples failures that many requests share, as while the store is away: the first is logged, and then one a
/// second, with how many were not. A line for each would add to the load.
pub(crate) struct SampledLog(Mutex<Sampled>);

struct Sampled {
    logged_at: Option<Instant>,
    count: u64,
}

impl SampledLog {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Sampled { logged_at: None, count: 0 }))
    }

    /// If a failure at `now` is to be logged: how many before it were not.
    pub(crate) fn sample(&self, now: Instant) -> Option<u64> {
        let mut unlogged = lock(&self.0);
        if unlogged.logged_at.is_some_and(|logged_at| now.duration_since(logged_at) < SAMPLE_EVERY)
        {
            unlogged.count += 1;
            return None;
        }
        unlogged.logged_at = Some(now);
        Some(std::mem::take(&mut unlogged.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_outage_the_first_failure_is_logged_and_then_one_a_second() {
        let outage = SampledLog::new();
        let began = Instant::now();
        let after = |millis| outage.sample(began + Duration::from_millis(millis));
        assert_eq!(after(0), Some(0));
        for millis in 1..=999 {
            assert_eq!(after(millis), None);
        }
        assert_eq!(after(1_000), Some(999));
        assert_eq!(after(1_001), None);
        assert_eq!(after(60_000), Some(1));
        assert_eq!(after(61_000), Some(0));
        // Two threads that read the clock in another order than they come here.
        assert_eq!(after(60_500), None);
    }
}
