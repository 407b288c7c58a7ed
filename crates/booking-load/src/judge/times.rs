//! What the store's clock can have shown at a decision.

use super::facts::Facts;
use chrono::{DateTime, Utc};

/// The times of changes, as far as they are known, in the order of their versions.
pub(super) struct Times {
    known: Vec<(u64, DateTime<Utc>)>,
    /// Whether they are in the order of time, too. A clock that was set back, or two servers whose clocks differ,
    /// may have shown anything in between.
    is_steady: bool,
}

impl Times {
    pub(super) fn of(facts: &Facts) -> Self {
        let known = facts.iter().filter_map(|(version, fact)| Some((*version, fact.recorded_at?)));
        let known: Vec<_> = known.collect();
        let is_steady = known.windows(2).all(|pair| pair[0].1 <= pair[1].1);
        Self { known, is_steady }
    }

    /// Whether `instant` may have passed at a decision on the state of `version`.
    pub(super) fn may_have_come(&self, instant: DateTime<Utc>, version: u64) -> bool {
        let next = self.known.partition_point(|(known, _)| *known <= version);
        !self.is_steady || self.known.get(next).is_none_or(|(_, latest)| instant <= *latest)
    }

    /// Whether `instant` must have passed by then.
    pub(super) fn must_have_come(&self, instant: DateTime<Utc>, version: u64) -> bool {
        let next = self.known.partition_point(|(known, _)| *known <= version);
        let last = next.checked_sub(1).map(|last| self.known[last].1);
        self.is_steady && last.is_some_and(|earliest| instant <= earliest)
    }
}
