//! Quotas: each owner has a number of slots, and each is taken for a while.

use crate::problem::{LimitKind, RateLimited};
use booking_admission::SubmitError;
use booking_core::{KeyHash, Outcome, Refusal, RegistrationId, StoreError};
use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A permit: the slot that a request has taken. It stays taken unless [`Quota::settle`] sees that nothing was made:
/// a client that hangs up may have got a seat all the same.
#[must_use]
pub(crate) struct Permit {
    id: RegistrationId,
    /// Whether this request took it, and not an earlier attempt.
    is_new: bool,
    /// The slot for this attempt.
    own: Slot,
}

/// A keyed hash of the owner of slots; the key is this process's own.
pub(super) type Owner = u64;

/// How many slots an owner may have, and the limit that a refusal names.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) owner: Owner,
    pub(super) max: NonZeroU32,
    pub(super) of: LimitKind,
}

#[derive(Clone, Copy)]
pub(super) struct Slot {
    owners: [Option<Owner>; 2],
    ends: Instant,
    pub(super) key: Option<KeyHash>,
}

impl Slot {
    /// Whether it has an owner: else it is not counted.
    fn has_owner(&self) -> bool {
        self.owners != [None, None]
    }
}

#[derive(Default)]
pub(super) struct Quota {
    pub(super) by_id: HashMap<RegistrationId, Slot>,
    pub(super) by_key: HashMap<KeyHash, RegistrationId>,
    pub(super) by_end: BTreeSet<(Instant, RegistrationId)>,
    pub(super) by_owner: BTreeSet<(Owner, Instant, RegistrationId)>,
    pub(super) counts: HashMap<Owner, u32>,
}

impl Quota {
    /// Takes a slot that ends at `ends`, for the registration that is to be made under `id`. A repeated request
    /// under its key has the slot that it took. With `counted_max` slots already it is not counted.
    ///
    /// # Errors
    /// If there are too many already; with the time until the first of them ends.
    pub(super) fn take(
        &mut self,
        now: Instant,
        limits: [Option<Limit>; 2],
        id: RegistrationId,
        key: Option<KeyHash>,
        ends: Instant,
        counted_max: usize,
    ) -> Result<Permit, RateLimited> {
        self.remove_ended(now);
        let own = Slot { owners: limits.map(|limit| limit.map(|limit| limit.owner)), ends, key };
        if let Some(id) = key.and_then(|key| self.by_key.get(&key)) {
            return Ok(Permit { id: *id, is_new: false, own });
        }
        let too_many = limits
            .iter()
            .flatten()
            .filter_map(|limit| {
                let wait = self.wait(limit.owner, limit.max, now)?;
                Some(RateLimited { of: limit.of, wait })
            })
            .max_by_key(|limited| limited.wait);
        if let Some(too_many) = too_many {
            return Err(too_many);
        }
        if self.by_id.len() < counted_max && own.has_owner() {
            self.add(id, own);
        }
        Ok(Permit { id, is_new: true, own })
    }

    /// Gives the slot back if nothing was made, and else moves it to the registration that `made` returns.
    pub(super) fn settle(
        &mut self,
        permit: &Permit,
        outcome: &Result<Outcome, SubmitError>,
        made: impl Fn(&Outcome) -> Option<RegistrationId>,
    ) {
        match outcome {
            // The registration that was made then has a slot of its own, or needs none any more.
            Ok(Outcome::Replayed(_)) if permit.is_new => self.give_back(permit),
            Ok(Outcome::Replayed(first)) => {
                if let Some(id) = made(first) {
                    self.rename(permit.id, id);
                }
            }
            // That was another request: the slot belongs to the one that had the key first.
            Ok(Outcome::Refused(Refusal::KeyReused)) => self.give_back(permit),
            // To the client that looks as if something was made, and so it counts as if it was.
            Ok(Outcome::KnownAddress(_)) => self.move_slot(permit, permit.id),
            Ok(outcome) => match made(outcome) {
                Some(id) => self.move_slot(permit, id),
                None => {
                    self.remove(permit.id);
                }
            },
            // It may have been made.
            Err(SubmitError::Store(StoreError::CommitUnknown(_))) => {}
            // This attempt made nothing; the outcome of an earlier one is not known.
            Err(_) => self.give_back(permit),
        }
    }

    /// Gives a slot back, unless an earlier attempt took it.
    pub(super) fn give_back(&mut self, permit: &Permit) {
        if permit.is_new {
            self.remove(permit.id);
        }
    }

    /// Moves a slot to the registration that this attempt made. The attempt that took the slot may have settled
    /// first, and may have given it back since it made nothing: then this one takes its own.
    fn move_slot(&mut self, permit: &Permit, made: RegistrationId) {
        let slot = match permit.own.key.filter(|_| !permit.is_new) {
            // If its own slot is missing, it has expired, or the registration was given up already.
            None => self.remove(permit.id),
            Some(key) => {
                let of_key = self.by_key.get(&key).copied().and_then(|id| self.remove(id));
                // Beyond the bound this adds no more slots than there are requests under way.
                of_key.or_else(|| Some(permit.own).filter(Slot::has_owner))
            }
        };
        if let Some(slot) = slot {
            self.add(made, slot);
        }
    }

    fn add(&mut self, id: RegistrationId, slot: Slot) {
        self.by_end.insert((slot.ends, id));
        for owner in slot.owners.into_iter().flatten() {
            self.by_owner.insert((owner, slot.ends, id));
            *self.counts.entry(owner).or_default() += 1;
        }
        if let Some(key) = slot.key {
            self.by_key.insert(key, id);
        }
        self.by_id.insert(id, slot);
    }

    /// Gives back the slot of this registration, if there is one.
    pub(super) fn remove(&mut self, id: RegistrationId) -> Option<Slot> {
        let slot = self.by_id.remove(&id)?;
        self.by_end.remove(&(slot.ends, id));
        for owner in slot.owners.into_iter().flatten() {
            self.by_owner.remove(&(owner, slot.ends, id));
            let count = self.counts.get_mut(&owner).expect("each slot of an owner is counted");
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&owner);
            }
        }
        if let Some(key) = &slot.key {
            self.by_key.remove(key);
        }
        Some(slot)
    }

    /// Moves a slot to another registration, if an earlier attempt took it for one that will not be made.
    fn rename(&mut self, id: RegistrationId, as_id: RegistrationId) {
        if id != as_id
            && let Some(slot) = self.remove(id)
        {
            self.add(as_id, slot);
        }
    }

    fn remove_ended(&mut self, now: Instant) {
        while let Some((ends, id)) = self.by_end.first().copied()
            && ends <= now
        {
            self.remove(id);
        }
    }

    /// The time until the first of an owner's slots ends, if all are taken.
    fn wait(&self, owner: Owner, max: NonZeroU32, now: Instant) -> Option<Duration> {
        if *self.counts.get(&owner)? < max.get() {
            return None;
        }
        // Ended slots are removed by now, so that the first after it is the owner's first.
        let (_, ends, _) = self.by_owner.range((owner, now, Uuid::nil().into())..).next()?;
        Some(ends.duration_since(now))
    }
}
