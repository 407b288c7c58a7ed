//! Recovery of lost links: the queue of addresses and its limits. A caller learns nothing by it.

use crate::util::failure_log::SampledLog;
use crate::util::locks::lock;
use booking_core::EmailAddress;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

/// How many addresses wait for a look-up. Those beyond get no mail.
const WAITING_MAX: usize = 256;
/// How many mails an address gets within [`WINDOW`] on request.
const MAILS_MAX: u32 = 3;
/// The period in which they are counted, from the first of them on.
const WINDOW: Duration = Duration::from_secs(3_600);
/// The most addresses that are counted, each stored as a keyed hash. Others get no mail until there is room: 2 MB.
const ADDRESSES_MAX: usize = 65_536;
/// How often expired ones are removed, if the table is full.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// Queues requests, and answers nothing.
pub(crate) struct LinkRecovery {
    asked: Sender<EmailAddress>,
    mails: Mails,
    dropped: SampledLog,
}

impl LinkRecovery {
    /// A queue, and its receiver.
    pub(crate) fn new() -> (Self, Receiver<EmailAddress>) {
        let (asked, to_be_found) = channel(WAITING_MAX);
        (Self { asked, mails: Mails::new(), dropped: SampledLog::new() }, to_be_found)
    }

    /// Queues the look-up of an address: its result is for the mailbox alone.
    pub(crate) fn ask(&self, user_email: EmailAddress) {
        if self.may_mail(&user_email)
            && self.asked.try_send(user_email).is_err()
            && let Some(others) = self.dropped.sample(Instant::now())
        {
            log::warn!(
                "too many look for their links at once: one of them, and {others} before, get no mail"
            );
        }
    }

    /// Counts one more mail that an unauthenticated client has sent to an address, and returns whether it is within
    /// the limit.
    pub(crate) fn may_mail(&self, user_email: &EmailAddress) -> bool {
        self.mails.count(user_email, Instant::now())
    }
}

/// How many mails addresses have got lately.
struct Mails {
    hasher: RandomState,
    counted: Mutex<Counted>,
}

struct Counted {
    by_address: HashMap<u64, (Instant, u32)>,
    tidied_at: Option<Instant>,
}

impl Mails {
    fn new() -> Self {
        let counted = Counted { by_address: HashMap::new(), tidied_at: None };
        Self { hasher: RandomState::new(), counted: Mutex::new(counted) }
    }

    /// Counts one more, and returns whether it is within the limit.
    fn count(&self, user_email: &EmailAddress, now: Instant) -> bool {
        let address = self.hasher.hash_one(user_email.as_str());
        let mut counted = lock(&self.counted);
        counted.tidy(now);
        let is_full = counted.by_address.len() >= ADDRESSES_MAX;
        match counted.by_address.get_mut(&address) {
            Some((since, count)) if now.duration_since(*since) < WINDOW => {
                *count = count.saturating_add(1);
                *count <= MAILS_MAX
            }
            Some(first) => {
                *first = (now, 1);
                true
            }
            None if is_full => false,
            None => {
                counted.by_address.insert(address, (now, 1));
                true
            }
        }
    }
}

impl Counted {
    fn tidy(&mut self, now: Instant) {
        let is_tidy = self.tidied_at.is_some_and(|at| now.duration_since(at) < TIDY_EVERY);
        if self.by_address.len() < ADDRESSES_MAX || is_tidy {
            return;
        }
        self.tidied_at = Some(now);
        self.by_address.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> EmailAddress {
        EmailAddress::parse(&format!("p{number}@example.org")).expect("valid")
    }

    #[test]
    fn an_address_gets_few_mails_an_hour() {
        let (mails, now) = (Mails::new(), Instant::now());
        let count = |who, at| mails.count(&address(who), now + at);
        assert_eq!([0; 5].map(|_| count(1, Duration::ZERO)), [true, true, true, false, false]);
        assert!(count(2, Duration::ZERO), "another has its own");
        assert!(!count(1, WINDOW - Duration::from_millis(1)));
        assert_eq!([0; 4].map(|_| count(1, WINDOW)), [true, true, true, false]);
    }

    #[test]
    fn counted_addresses_are_bounded_and_tidied() {
        let (mails, now) = (Mails::new(), Instant::now());
        for who in 0..ADDRESSES_MAX {
            assert!(mails.count(&address(who), now));
        }
        assert!(!mails.count(&address(ADDRESSES_MAX), now), "there is no room");
        assert!(mails.count(&address(0), now), "who is known keeps what is theirs");
        assert!(mails.count(&address(ADDRESSES_MAX), now + WINDOW));
        assert_eq!(lock(&mails.counted).by_address.len(), 1);
    }

    #[test]
    fn the_queue_is_bounded_and_the_rest_are_dropped() {
        let (link_recovery, mut to_be_found) = LinkRecovery::new();
        for who in 0..WAITING_MAX + 5 {
            link_recovery.ask(address(who));
        }
        let waiting = std::iter::from_fn(|| to_be_found.try_recv().ok()).count();
        assert_eq!(waiting, WAITING_MAX);
        for _ in 0..5 {
            link_recovery.ask(address(WAITING_MAX + 10));
        }
        let waiting = std::iter::from_fn(|| to_be_found.try_recv().ok()).count();
        assert_eq!(waiting, MAILS_MAX as usize);
    }
}
