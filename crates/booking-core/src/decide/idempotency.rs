use crate::decide::stored;
use crate::{EventId, Fingerprint, IdempotencyKey, KeyHash, Outcome};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The stored answer to a request that may come again. It can be serialized for stores; token hashes are included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// The key that it is looked up by.
    pub hash: KeyHash,
    /// Identifies the request.
    pub fingerprint: Fingerprint,
    /// The outcome.
    #[serde(with = "stored::OutcomeForm")]
    pub outcome: Outcome,
    /// The instant, to the microsecond, from which it is kept for [`KEPT`](Self::KEPT): the store's time of the
    /// decision. A refusal is kept for less, and has a time that is as much earlier.
    pub recorded_at: DateTime<Utc>,
}

impl IdempotencyRecord {
    /// How long a repeated request gets the same answer: 24 hours.
    pub const KEPT: TimeDelta = TimeDelta::hours(24);
    /// The same for a refusal: as long as clients retry after a lost answer. A client that may ask at all can make as
    /// many of these as it likes, and nothing was changed.
    pub const REFUSAL_KEPT: TimeDelta = TimeDelta::minutes(10);

    /// The record of an outcome at `now` of a request under `key`.
    pub fn new(key: IdempotencyKey, outcome: Outcome, now: DateTime<Utc>) -> Self {
        // This way stores need only the one limit, and one index serves to purge.
        let recorded_at = match &outcome {
            Outcome::Refused(_) => now - (Self::KEPT - Self::REFUSAL_KEPT),
            _ => now,
        };
        Self { hash: key.hash, fingerprint: key.fingerprint, outcome, recorded_at }
    }

    /// Whether it is still valid at `now`.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        now < self.recorded_at + Self::KEPT
    }

    /// The answer to a request with `fingerprint` under the same key.
    pub fn answer(&self, fingerprint: Fingerprint) -> Outcome {
        match self.fingerprint == fingerprint {
            true => Outcome::Replayed(Box::new(self.outcome.clone())),
            false => Outcome::Refused(crate::Refusal::KeyReused),
        }
    }

    /// The answer to a request with `fingerprint` that creates `event` under the same key. If the record is of that
    /// very event, it is this request's own earlier execution, whose COMMIT answer was lost: that is no replay.
    pub fn answer_to_whoever_puts_up(self, event: EventId, fingerprint: Fingerprint) -> Outcome {
        match &self.outcome {
            Outcome::EventChanged(put_up)
                if put_up.id == event && self.fingerprint == fingerprint =>
            {
                self.outcome
            }
            _ => self.answer(fingerprint),
        }
    }
}
