//! How many seats are held at once by one client, and for one e-mail address: so that one client cannot keep the
//! seats of many events, or of one under many names, from others.
//!
//! The store knows no clients, so it is counted here, by this process alone: a hold takes a slot, until it is
//! confirmed, released or expired. Confirmed through another server, or gone with its event, it has its slot until
//! its end. Of an address only a keyed hash is stored.

use super::ClientLimits;
use super::quota::{Limit, Permit, Quota};
use crate::net::client::Client;
use crate::problem::{LimitKind, RateLimited};
use crate::util::locks::lock;
use booking_admission::SubmitError;
use booking_core::{EmailAddress, HoldTtl, KeyHash, Outcome, RegistrationId};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The most holds that are counted. Further ones are not, so that a sale is never refused for lack of memory here.
/// They take 440 bytes each, so that it is 88 MB.
const HOLDS_COUNTED_MAX: usize = 200_000;

/// The holds that were made through this server.
pub(crate) struct Holds {
    client_max: Option<NonZeroU32>,
    email_max: Option<NonZeroU32>,
    counted_max: usize,
    hasher: RandomState,
    quota: Mutex<Quota>,
}

impl Holds {
    pub(crate) fn new(limits: &ClientLimits) -> Self {
        Self {
            client_max: limits.client_holds_max,
            email_max: limits.email_holds_max,
            counted_max: HOLDS_COUNTED_MAX,
            hasher: RandomState::new(),
            quota: Mutex::default(),
        }
    }

    /// Takes a slot for a hold that is to be made under `id`. A repeated request under its key has the slot that it
    /// took.
    ///
    /// # Errors
    /// If there are too many already; with the time until the first of them ends.
    pub(crate) fn take(
        &self,
        client: Option<Client>,
        email: &EmailAddress,
        id: RegistrationId,
        key: Option<KeyHash>,
        ttl: HoldTtl,
    ) -> Result<Permit, RateLimited> {
        self.take_at(Instant::now(), client, email, id, key, ttl)
    }

    fn take_at(
        &self,
        now: Instant,
        client: Option<Client>,
        email: &EmailAddress,
        id: RegistrationId,
        key: Option<KeyHash>,
        ttl: HoldTtl,
    ) -> Result<Permit, RateLimited> {
        let of_client = client.zip(self.client_max).map(|(client, max)| {
            let owner = self.hasher.hash_one(("client", client));
            Limit { owner, max, of: LimitKind::ClientHolds }
        });
        let of_email = self.email_max.map(|max| {
            let owner = self.hasher.hash_one(("e-mail", email.as_str()));
            Limit { owner, max, of: LimitKind::EmailHolds }
        });
        let ends = now + Duration::from_secs(ttl.seconds().into());
        self.lock().take(now, [of_client, of_email], id, key, ends, self.counted_max)
    }

    /// Gives the slot back if no hold was made, and else moves it to the hold.
    pub(crate) fn settle(&self, permit: &Permit, outcome: &Result<Outcome, SubmitError>) {
        self.lock().settle(permit, outcome, |outcome| match outcome {
            Outcome::Held(registration) | Outcome::ToConfirm(registration) => Some(registration.id),
            _ => None,
        });
    }

    /// Gives back the slot of a hold that has ended, if it has one.
    pub(crate) fn free(&self, id: RegistrationId) {
        self.lock().remove(id);
    }

    /// A panic while it was locked would at worst leave a hold counted wrongly.
    fn lock(&self) -> MutexGuard<'_, Quota> {
        lock(&self.quota)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Refusal, Registration, Status, StoreError, Version};
    use chrono::DateTime;
    use uuid::Uuid;

    fn holds(client_max: u32, email_max: u32) -> Holds {
        let settings = [("CLIENT_HOLDS_MAX", client_max), ("EMAIL_HOLDS_MAX", email_max)];
        let lookup = |name: &str| {
            settings.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_string())
        };
        Holds::new(&ClientLimits::of(&lookup))
    }

    fn client(last: u8) -> Option<Client> {
        Some(Client::of([192, 0, 2, last].into()))
    }

    fn id(number: u128) -> RegistrationId {
        Uuid::from_u128(number).into()
    }

    fn key(byte: u8) -> Option<KeyHash> {
        Some(KeyHash::new([byte; 32]))
    }

    fn held(id: RegistrationId) -> Outcome {
        Outcome::Held(Registration {
            id,
            event_id: Uuid::nil().into(),
            person: EmailAddress::parse("ada@example.org").expect("valid").into(),
            status: Status::Held,
            expires_at: None,
            position: None,
            check_in: None,
            generation: 0,
            token_hash: None,
            created_version: Version::new(1),
            event_version: Version::new(1),
            created_at: DateTime::UNIX_EPOCH,
        })
    }

    fn cause() -> std::io::Error {
        std::io::Error::other("on purpose")
    }

    struct Try<'a>(&'a Holds, Instant);

    impl Try<'_> {
        fn take(
            &self,
            client: Option<Client>,
            email: &str,
            number: u128,
            key: Option<KeyHash>,
            seconds: i64,
        ) -> Result<Permit, RateLimited> {
            let email = EmailAddress::parse(email).expect("valid");
            let ttl = HoldTtl::parse(seconds).expect("valid");
            self.0.take_at(self.1, client, &email, id(number), key, ttl)
        }

        fn count(&self) -> usize {
            let quota = self.0.lock();
            let keyed = quota.by_id.values().filter(|slot| slot.key.is_some()).count();
            assert_eq!((quota.by_id.len(), quota.by_key.len()), (quota.by_end.len(), keyed));
            assert_eq!(quota.by_owner.len(), quota.counts.values().sum::<u32>() as usize);
            quota.by_id.len()
        }
    }

    #[test]
    fn each_client_and_each_address_has_its_slots() {
        let holds = holds(2, 3);
        let now = Instant::now();
        let at = Try(&holds, now);
        assert!(at.take(client(1), "a@x.org", 1, None, 600).is_ok());
        assert!(at.take(client(1), "b@x.org", 2, None, 60).is_ok());
        let too_many = at.take(client(1), "c@x.org", 3, None, 60).err().expect("refused");
        assert_eq!(too_many.of, LimitKind::ClientHolds);
        assert_eq!(too_many.wait, Duration::from_secs(60), "until the first of them ends");
        // For requests from this machine only the addresses are counted.
        for number in 4..6 {
            assert!(at.take(None, "a@x.org", number, None, 300).is_ok());
        }
        let too_many = at.take(client(2), "a@x.org", 6, None, 60).err().expect("refused");
        assert_eq!((too_many.of, too_many.wait.as_secs()), (LimitKind::EmailHolds, 300));
        assert_eq!(at.count(), 4, "what is refused takes no slot");

        let at = Try(&holds, now + Duration::from_secs(60));
        assert!(at.take(client(1), "c@x.org", 7, None, 60).is_ok(), "one has run out");
        holds.free(id(1));
        assert!(at.take(client(1), "a@x.org", 8, None, 60).is_ok(), "one was given up");
        let at = Try(&holds, now + Duration::from_secs(3_600));
        assert!(at.take(client(9), "z@x.org", 9, None, 60).is_ok());
        assert_eq!((at.count(), holds.lock().counts.len()), (1, 2), "nothing else is kept");
    }

    #[test]
    fn a_slot_moves_to_the_hold_that_was_made() {
        let holds = holds(9, 9);
        let at = Try(&holds, Instant::now());
        let unavailable = || Err(SubmitError::Store(StoreError::unavailable(cause())));
        let unknown = || Err(SubmitError::Store(StoreError::commit_unknown(cause())));
        for (outcome, slots) in [
            (Ok(held(id(1))), 1),
            (Ok(Outcome::Refused(Refusal::SoldOut)), 0),
            (Ok(Outcome::Replayed(Box::new(held(id(7))))), 0),
            (Err(SubmitError::Overloaded), 0),
            (unavailable(), 0),
            (unknown(), 1),
        ] {
            let permit = at.take(client(1), "a@x.org", 1, None, 60).expect("there is room");
            holds.settle(&permit, &outcome);
            assert_eq!(at.count(), slots, "{outcome:?}");
            holds.free(id(1));
        }
        // A client that hangs up does not show the outcome of its hold.
        let _ = at.take(client(1), "a@x.org", 2, None, 60).expect("there is room");
        assert_eq!(at.count(), 1);
    }

    #[test]
    fn the_same_request_again_takes_no_other_slot() {
        let holds = holds(1, 1);
        let at = Try(&holds, Instant::now());
        let first = at.take(client(1), "a@x.org", 1, key(1), 60).expect("there is room");
        holds.settle(&first, &Err(SubmitError::Store(StoreError::commit_unknown(cause()))));
        let again = at.take(client(1), "a@x.org", 2, key(1), 60).expect("it has its slot");
        holds.settle(&again, &Err(SubmitError::Overloaded));
        assert_eq!(at.count(), 1, "the first may have been made");
        let again = at.take(client(1), "a@x.org", 3, key(1), 60).expect("it has its slot");
        holds.settle(&again, &Ok(held(id(3))));
        // Another request under the same key is refused, and does not take the slot of the first.
        let other = at.take(client(1), "b@x.org", 5, key(1), 60).expect("it has the key's slot");
        holds.settle(&other, &Ok(Outcome::Refused(Refusal::KeyReused)));
        assert_eq!(at.count(), 1);
        holds.free(id(1));
        assert!(at.take(client(1), "a@x.org", 4, key(2), 60).is_err(), "it was the third try's");
        holds.free(id(3));
        assert_eq!(at.count(), 0);
    }

    /// Two attempts under one key, of which the second one makes the hold. Whatever the outcome of the first, and
    /// whichever settles first, it is counted.
    #[test]
    fn a_hold_of_the_second_attempt_has_a_slot_whichever_settles_first() {
        let replayed = || Ok(Outcome::Replayed(Box::new(held(id(2)))));
        let others: [fn() -> Result<Outcome, SubmitError>; 4] = [
            || Err(SubmitError::Overloaded),
            || Err(SubmitError::Store(StoreError::unavailable(cause()))),
            || Err(SubmitError::Store(StoreError::commit_unknown(cause()))),
            // It had another body.
            || Ok(Outcome::Refused(Refusal::KeyReused)),
        ];
        let outcomes = others.iter().map(|other| other()).chain([replayed()]);
        for (number, of_first) in outcomes.enumerate() {
            for first_settles_first in [true, false] {
                let holds = holds(1, 1);
                let at = Try(&holds, Instant::now());
                let take = |number| at.take(client(1), "a@x.org", number, key(1), 60);
                let first = take(1).expect("there is room");
                let second = take(2).expect("it has its slot");
                let mut tries = [(&first, &of_first), (&second, &Ok(held(id(2))))];
                if !first_settles_first {
                    tries.reverse();
                }
                holds.settle(tries[0].0, tries[0].1);
                // A third attempt comes in between, and gets the same answer.
                let third = take(3).expect("there is a slot, or room for one");
                holds.settle(tries[1].0, tries[1].1);
                holds.settle(&third, &replayed());
                let what = format!("outcome {number}, first told first: {first_settles_first}");
                assert_eq!(at.count(), 1, "{what}");
                let more = at.take(client(1), "a@x.org", 4, key(2), 60);
                assert!(more.is_err(), "{what}");
                holds.free(id(2));
                assert_eq!(at.count(), 0, "{what}");
            }
        }
    }

    /// A registration that was made long ago has no slot any more, and a replay does not give it one.
    #[test]
    fn a_replay_takes_no_slot() {
        let holds = holds(1, 1);
        let at = Try(&holds, Instant::now());
        for number in 1..=3 {
            let permit = at.take(client(1), "a@x.org", number, key(1), 60).expect("there is room");
            holds.settle(&permit, &Ok(Outcome::Replayed(Box::new(held(id(9))))));
            assert_eq!(at.count(), 0);
        }
        // Given up before its outcome came.
        let permit = at.take(client(1), "a@x.org", 4, key(1), 60).expect("there is room");
        holds.free(id(4));
        holds.settle(&permit, &Ok(held(id(4))));
        assert_eq!(at.count(), 0);
    }

    #[test]
    fn nothing_is_counted_without_a_limit_or_beyond_the_bound() {
        let unlimited = holds(0, 0);
        let at = Try(&unlimited, Instant::now());
        for number in 0..50 {
            assert!(at.take(client(1), "a@x.org", number, None, 60).is_ok());
        }
        assert_eq!(at.count(), 0);
        let bounded = Holds { counted_max: 3, ..holds(0, 2) };
        let at = Try(&bounded, Instant::now());
        for number in 0..50 {
            assert!(at.take(None, &format!("{number}@x.org"), number, None, 60).is_ok());
        }
        assert_eq!(at.count(), 3);
    }
}
