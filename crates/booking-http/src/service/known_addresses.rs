//! Registrations that were requested again, which only the owner of the address may learn: they are queued for a
//! mail. The caller does not wait for that, and cannot see whether there was one.

use crate::util::failure_log::SampledLog;
use crate::util::locks::lock;
use booking_core::{EventId, RegistrationId};
use std::sync::Mutex;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;

/// The most that are queued. Further ones are dropped: the attendee has to ask once more.
const WAITING_MAX: usize = 1_024;

/// A registration and its event.
pub(crate) type Known = (EventId, RegistrationId);

/// The queue of registrations to be mailed about.
pub(crate) struct KnownAddresses {
    sender: Sender<Known>,
    receiver: Mutex<Option<Receiver<Known>>>,
    dropped: SampledLog,
}

impl Default for KnownAddresses {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let receiver = Mutex::new(Some(receiver));
        Self { sender, receiver, dropped: SampledLog::new() }
    }
}

impl KnownAddresses {
    /// Queues a registration, at once and without waiting.
    pub(crate) fn hand_on(&self, known: Known) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(known)
            && let Some(unlogged) = self.dropped.sample(Instant::now())
        {
            log::warn!(
                "{WAITING_MAX} mails about registrations that were asked for again wait already; {} more were \
                 dropped",
                unlogged + 1
            );
        }
    }

    /// The receiver of the queue, once.
    pub(crate) fn take_receiver(&self) -> Option<Receiver<Known>> {
        lock(&self.receiver).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_queue_is_bounded_and_further_ones_are_dropped() {
        let known = KnownAddresses::default();
        let number = |number: usize| -> Known {
            let id = Uuid::from_u128(number as u128);
            (id.into(), id.into())
        };
        for each in 0..WAITING_MAX + 10 {
            known.hand_on(number(each));
        }
        let mut receiver = known.take_receiver().expect("nobody has it yet");
        assert!(known.take_receiver().is_none());
        for each in 0..WAITING_MAX {
            assert_eq!(receiver.try_recv().ok(), Some(number(each)));
        }
        assert!(receiver.try_recv().is_err(), "the others were dropped");
        known.hand_on(number(1));
        assert_eq!(receiver.try_recv().ok(), Some(number(1)), "there is room again");
        drop(receiver);
        known.hand_on(number(2));
    }
}
