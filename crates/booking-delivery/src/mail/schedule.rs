//! When a mail that could not be sent is retried.

use chrono::TimeDelta;

/// How long to wait after each failed try. After one more the mail is given up: people can look their registration
/// up at any time, and nobody wants to hear a week later that a seat was held for them.
pub const PAUSES: [TimeDelta; 10] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(30),
    TimeDelta::minutes(2),
    TimeDelta::minutes(10),
    TimeDelta::minutes(30),
    TimeDelta::hours(1),
    TimeDelta::hours(3),
    TimeDelta::hours(6),
    TimeDelta::hours(12),
    TimeDelta::hours(24),
];

/// By what part of itself a pause may be longer, so that mails that failed together are not retried together.
const JITTER: f64 = 0.2;

/// The pause after the `failed`-th failed try; `None` if there is no further try.
pub fn pause_after(failed: u32) -> Option<TimeDelta> {
    let at = usize::try_from(failed.saturating_sub(1)).ok()?;
    PAUSES.get(at).copied()
}

/// The pause, longer by `chance`, from 0 to 1, of its largest jitter.
#[must_use]
pub fn with_jitter(pause: TimeDelta, chance: f64) -> TimeDelta {
    let longer = pause.as_seconds_f64() * JITTER * chance.clamp(0.0, 1.0) * 1_000.0;
    pause + TimeDelta::milliseconds(longer as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert!(PAUSES.is_sorted_by(|before, after| before < after));
        assert_eq!(pause_after(0), Some(PAUSES[0]), "whoever counts from none");
        assert_eq!(pause_after(1), Some(TimeDelta::seconds(5)));
        assert_eq!(pause_after(10), Some(TimeDelta::hours(24)));
        assert_eq!(pause_after(11), None);
        assert_eq!(pause_after(u32::MAX), None);
    }

    #[test]
    fn mails_that_failed_together_are_retried_apart() {
        let pause = TimeDelta::seconds(100);
        assert_eq!(with_jitter(pause, 0.0), pause);
        assert_eq!(with_jitter(pause, 0.5), TimeDelta::seconds(110));
        assert_eq!(with_jitter(pause, 7.0), TimeDelta::seconds(120));
    }
}
