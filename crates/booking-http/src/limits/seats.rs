//! How many seats of one event one client takes within an hour: so that no client gets all of them in a second,
//! under as many names.
//!
//! A registration, a hold and a place in the queue count once each, for an hour, whatever their outcome: if giving
//! a seat back made room for another, there would be no limit on how often; and a client that could queue under any
//! number of names would get every seat that comes free. Requests with an organizer's token do not count: they are
//! for its own events alone and register people at a desk. It is counted by this process alone, as holds are.

use super::ClientLimits;
use super::quota::{Limit, Permit, Quota};
use crate::net::client::Client;
use crate::problem::{LimitKind, RateLimited};
use crate::util::locks::lock;
use booking_admission::SubmitError;
use booking_core::{Caller, EventId, KeyHash, Outcome, RegistrationId};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// For how long a seat counts.
const COUNTED_FOR: Duration = Duration::from_secs(3_600);
/// The most seats that are counted. Further ones are not, so that a sale is never refused for lack of memory here.
/// One takes no more memory than a hold.
const SEATS_COUNTED_MAX: usize = 200_000;

/// The seats that were taken through this server within the last hour.
pub(crate) struct Seats {
    max: Option<NonZeroU32>,
    counted_max: usize,
    hasher: RandomState,
    quota: Mutex<Quota>,
}

impl Seats {
    pub(crate) fn new(limits: &ClientLimits) -> Self {
        Self {
            max: limits.client_seats_max,
            counted_max: SEATS_COUNTED_MAX,
            hasher: RandomState::new(),
            quota: Mutex::default(),
        }
    }

    /// Takes a slot for a seat of `event` that `caller` is to get under `id`. A repeated request under its key has
    /// the slot that it took.
    ///
    /// # Errors
    /// If there are too many already; with the time until the first of them expires.
    pub(crate) fn take(
        &self,
        client: Option<Client>,
        caller: Caller,
        event: EventId,
        id: RegistrationId,
        key: Option<KeyHash>,
    ) -> Result<Permit, RateLimited> {
        self.take_at(Instant::now(), client, caller, event, id, key)
    }

    fn take_at(
        &self,
        now: Instant,
        client: Option<Client>,
        caller: Caller,
        event: EventId,
        id: RegistrationId,
        key: Option<KeyHash>,
    ) -> Result<Permit, RateLimited> {
        let client = client.filter(|_| !matches!(caller, Caller::Organizer(_)));
        let limit = client.zip(self.max).map(|(client, max)| {
            let owner = self.hasher.hash_one((client, event));
            Limit { owner, max, of: LimitKind::ClientSeats }
        });
        let ends = now + COUNTED_FOR;
        self.lock().take(now, [limit, None], id, key, ends, self.counted_max)
    }

    /// Gives the slot back if no seat was taken, and else moves it to the registration.
    pub(crate) fn settle(&self, permit: &Permit, outcome: &Result<Outcome, SubmitError>) {
        self.lock().settle(permit, outcome, |outcome| match outcome {
            Outcome::Confirmed(registration)
            | Outcome::Held(registration)
            | Outcome::Waitlisted(registration)
            | Outcome::ToConfirm(registration) => Some(registration.id),
            _ => None,
        });
    }

    /// Gives back the slot of a request that is not submitted.
    pub(crate) fn give_back(&self, permit: &Permit) {
        self.lock().give_back(permit);
    }

    /// A panic while it was locked would at worst leave a seat counted wrongly.
    fn lock(&self) -> MutexGuard<'_, Quota> {
        lock(&self.quota)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{OrganizerId, Refusal};
    use uuid::Uuid;

    fn seats(max: u32) -> Seats {
        let lookup = |name: &str| (name == "CLIENT_SEATS_MAX").then(|| max.to_string());
        Seats::new(&ClientLimits::of(&lookup))
    }

    fn client(last: u8) -> Option<Client> {
        Some(Client::of([192, 0, 2, last].into()))
    }

    fn take(
        seats: &Seats,
        now: Instant,
        client: Option<Client>,
        event: u128,
        number: u128,
    ) -> Result<Permit, RateLimited> {
        let (event, id) = (Uuid::from_u128(event).into(), Uuid::from_u128(number).into());
        seats.take_at(now, client, Caller::Anyone, event, id, None)
    }

    #[test]
    fn each_client_has_so_many_of_each_event_within_an_hour() {
        let seats = seats(2);
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(take(&seats, at(0), client(1), 1, 1).is_ok());
        assert!(take(&seats, at(600), client(1), 1, 2).is_ok());
        let too_many = take(&seats, at(900), client(1), 1, 3).err().expect("refused");
        assert_eq!((too_many.of, too_many.wait.as_secs()), (LimitKind::ClientSeats, 2_700));
        assert!(take(&seats, at(900), client(1), 2, 4).is_ok(), "another event");
        assert!(take(&seats, at(900), client(2), 1, 5).is_ok(), "another client");
        for number in 10..20 {
            assert!(take(&seats, at(900), None, 1, number).is_ok(), "this machine");
        }
        assert!(take(&seats, at(3_600), client(1), 1, 6).is_ok(), "the window slides");
        assert!(take(&seats, at(3_601), client(1), 1, 7).is_err());
        assert_eq!(seats.lock().by_id.len(), 4);
    }

    #[test]
    fn a_refused_claim_takes_no_slot() {
        let seats = seats(1);
        let now = Instant::now();
        for outcome in [
            Ok(Outcome::Refused(Refusal::SoldOut)),
            Ok(Outcome::Refused(Refusal::AlreadyRegistered)),
            Err(SubmitError::Overloaded),
        ] {
            let permit = take(&seats, now, client(1), 1, 1).expect("there is room");
            seats.settle(&permit, &outcome);
        }
        let permit = take(&seats, now, client(1), 1, 2).expect("there is room");
        seats.give_back(&permit);
        assert!(take(&seats, now, client(1), 1, 3).is_ok());
        assert!(take(&seats, now, client(1), 1, 4).is_err());
    }

    /// Else a client could see by how many it may take which addresses are registered.
    #[test]
    fn a_registered_address_counts_as_a_new_one() {
        let seats = seats(1);
        let now = Instant::now();
        let known = Uuid::from_u128(9).into();
        let permit = take(&seats, now, client(1), 1, 1).expect("there is room");
        seats.settle(&permit, &Ok(Outcome::KnownAddress(known)));
        assert!(take(&seats, now, client(1), 1, 2).is_err());
        // The owner of that registration has a slot of their own.
        let own = take(&seats, now, client(2), 1, 9).expect("there is room");
        seats.settle(&own, &Ok(Outcome::KnownAddress(known)));
        assert_eq!(seats.lock().by_id.len(), 2);
        assert_eq!(seats.lock().by_end.len(), 2);
    }

    #[test]
    fn an_organizer_s_own_desk_is_not_counted() {
        let (seats, now) = (seats(1), Instant::now());
        let organizer = Caller::Organizer(OrganizerId::from(Uuid::nil()));
        for (caller, taken) in [(organizer, 5), (Caller::OpenOrganizer, 1), (Caller::Anyone, 0)] {
            let may = |number: &u128| {
                let (event, id) = (Uuid::nil().into(), Uuid::from_u128(*number).into());
                seats.take_at(now, client(1), caller, event, id, None).is_ok()
            };
            assert_eq!((1..=5).filter(may).count(), taken, "{caller:?}");
        }
    }

    #[test]
    fn seats_counted_are_bounded_and_no_limit_counts_none() {
        let (unlimited, now) = (seats(0), Instant::now());
        let bounded = Seats { counted_max: 3, ..seats(1) };
        for number in 0..50 {
            assert!(take(&unlimited, now, client(1), 1, number).is_ok());
            assert!(take(&bounded, now, client(number as u8), number, number).is_ok());
        }
        assert_eq!((unlimited.lock().by_id.len(), bounded.lock().by_id.len()), (0, 3));
    }
}
