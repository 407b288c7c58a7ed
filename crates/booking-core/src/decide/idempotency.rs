use crate::decide::stored;
use crate::{EventId, Fingerprint, IdempotencyKey, KeyHash, Outcome};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What was answered to a request that may come again. It can be serialized for stores, with the hashes of
/// tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// What it is looked up by.
    pub hash: KeyHash,
    /// What was asked.
    pub fingerprint: Fingerprint,
    /// What was answered.
    #[serde(with = "stored::OutcomeForm")]
    pub outcome: Outcome,
    /// The instant, to the microsecond, from which it is kept for [`KEPT`](Self::KEPT): the store's time when
    /// it was. A refusal is to be kept for less, and has one that is as much earlier.
    pub recorded_at: DateTime<Utc>,
}

impl IdempotencyRecord {
    /// For how long a request that comes again is answered the same: 24 hours.
    pub const KEPT: TimeDelta = TimeDelta::hours(24);
    /// The same for a refusal: as long as clients try again after an answer that was lost. Whoever may ask at
    /// all can have as many of these as it likes, and nothing was changed.
    pub const REFUSAL_KEPT: TimeDelta = TimeDelta::minutes(10);

    /// Of what was answered `now` to a request under `key`.
    pub fn new(key: IdempotencyKey, outcome: Outcome, now: DateTime<Utc>) -> Self {
        // Kept in this way all that stores have to know is the one limit, and one index serves to forget.
        let recorded_at = match &outcome {
            Outcome::Refused(_) => now - (Self::KEPT - Self::REFUSAL_KEPT),
            _ => now,
        };
        Self { hash: key.hash, fingerprint: key.fingerprint, outcome, recorded_at }
    }

    /// Whether it still counts at `now`.
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

    /// The answer to a request with `fingerprint` that is to put up `event` under the same key. Where this is of that very
    /// event, it is what the same request has answered before, whose COMMIT was lost: it has not come again.
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
