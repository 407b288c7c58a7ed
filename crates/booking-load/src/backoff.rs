//! Retries after a failure: how many, and with which pauses.

use std::time::{Duration, Instant};

/// The first pause before a retry.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// Pauses double up to this.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// A longer `Retry-After` is cut to this, or a load test would sleep for minutes.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

/// How long clients retry while they get no decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// For this long after its first failure a client retries, however often.
    pub(crate) tolerate_outages: Duration,
    /// After that, the number of further retries.
    pub(crate) retries: u32,
}

/// The rest of one client's retries. A client ends with its first decision, so its failures are always consecutive.
#[derive(Debug)]
pub(crate) struct Backoff {
    retries_left: u32,
    tolerate: Duration,
    first_failure: Option<Instant>,
    pause: Duration,
}

impl Backoff {
    pub(crate) fn new(retry_policy: RetryPolicy) -> Self {
        Self {
            retries_left: retry_policy.retries,
            tolerate: retry_policy.tolerate_outages,
            first_failure: None,
            pause: PAUSE_MIN,
        }
    }

    /// The pause before the retry after a failure; `None` to give up.
    pub(crate) fn after_failure(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let first_failure = *self.first_failure.get_or_insert_with(Instant::now);
        if first_failure.elapsed() >= self.tolerate {
            self.retries_left = self.retries_left.checked_sub(1)?;
        }
        let pause = match retry_after {
            Some(asked) => asked.clamp(PAUSE_MIN, RETRY_AFTER_MAX),
            None => self.pause,
        };
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        // Spread, so that clients that failed together do not return together.
        Some(pause.mul_f64(1.0 + fastrand::f64() / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(tolerate_outages: Duration, retries: u32) -> Backoff {
        Backoff::new(RetryPolicy { tolerate_outages, retries })
    }

    #[test]
    fn retries_run_out_and_pauses_grow() {
        let mut backoff = backoff(Duration::ZERO, 2);
        let first = backoff.after_failure(None).expect("two are left");
        let second = backoff.after_failure(None).expect("one is left");
        assert!(first >= PAUSE_MIN && second >= PAUSE_MIN * 2, "{first:?} {second:?}");
        assert_eq!(backoff.after_failure(None), None);
    }

    #[test]
    fn a_tolerated_outage_uses_up_no_retries() {
        let mut backoff = backoff(Duration::from_secs(3600), 0);
        for _ in 0..100 {
            let pause = backoff.after_failure(None).expect("an hour has not passed");
            assert!(pause <= PAUSE_MAX * 3 / 2, "{pause:?}");
        }
    }

    #[test]
    fn retry_after_is_honoured_and_capped() {
        let mut backoff = backoff(Duration::ZERO, 10);
        let one = backoff.after_failure(Some(Duration::from_secs(1))).expect("ten are left");
        assert!(one >= Duration::from_secs(1), "{one:?}");
        let day = backoff.after_failure(Some(Duration::from_secs(86_400))).expect("nine are left");
        assert!(day <= RETRY_AFTER_MAX * 3 / 2, "{day:?}");
    }
}
