//! When a failed message is retried, and when it is given up.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// The delay before each retry. Together they are a little more than three days.
pub const DELAYS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// By what part of itself a delay may be longer, so that messages that failed together are not retried together.
pub const JITTER: f64 = 0.2;

/// The longest delay that a receiver may ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * HOUR);

/// An endpoint with nothing but failures for so long is disabled.
pub const DISABLED_AFTER: TimeDelta = TimeDelta::days(5);

/// The delay after a message has failed so many times, 1 or more; `None` if it is dead. A receiver that asks for
/// more time gets it, up to [`RETRY_AFTER_MAX`].
pub fn delay(failures: u32, retry_after: Option<Duration>) -> Option<Duration> {
    delay_by(failures, retry_after, fastrand::f64())
}

/// The same with `chance`, from 0 to 1, in place of a random number.
fn delay_by(failures: u32, retry_after: Option<Duration>, chance: f64) -> Option<Duration> {
    let at = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let delay = *DELAYS.get(at)?;
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    Some(delay.max(asked).mul_f64(1.0 + JITTER * chance))
}

/// Whether to disable an endpoint that has failed since `failing_since`, without a success in between.
pub fn is_given_up(failing_since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - failing_since >= DISABLED_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_ten_times_over_three_days() {
        let waits: Vec<_> = (1..).map_while(|failures| delay_by(failures, None, 0.0)).collect();
        let seconds: Vec<_> = waits.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(delay(10, None), None);
        assert_eq!(delay(u32::MAX, Some(Duration::from_secs(1))), None);
        let total: Duration = waits.iter().sum();
        assert!(TimeDelta::from_std(total).is_ok_and(|total| total < DISABLED_AFTER));
    }

    #[test]
    fn messages_that_failed_together_are_retried_apart() {
        for failures in 1..=9 {
            let least = DELAYS[failures - 1];
            let failures = u32::try_from(failures).expect("few");
            let waits: Vec<_> = (0..100).filter_map(|_| delay(failures, None)).collect();
            assert!(waits.iter().all(|wait| (least..=least.mul_f64(1.0 + JITTER)).contains(wait)));
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }

    #[test]
    fn a_receivers_retry_after_is_capped() {
        let asks = |failures, seconds| delay_by(failures, Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asks(1, 60), Some(Duration::from_secs(60)));
        assert_eq!(asks(2, 60), Some(Duration::from_secs(300)), "it is not sooner for it");
        assert_eq!(asks(1, u64::MAX), Some(RETRY_AFTER_MAX));
    }

    #[test]
    fn an_endpoint_is_given_up_after_five_days() {
        let since = DateTime::from_timestamp(1_777_662_000, 0).expect("in range");
        assert!(!is_given_up(since, since + TimeDelta::days(5) - TimeDelta::microseconds(1)));
        assert!(is_given_up(since, since + TimeDelta::days(5)));
        assert!(!is_given_up(since, since - TimeDelta::hours(10)), "its clock may be another");
    }
}
