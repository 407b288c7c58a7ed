//! Requests as values: from a number to a request, and its expected answer.

use std::ops::Range;
use std::rc::Rc;

/// Seats enough for any run.
pub(crate) const PLENTY: u32 = 100_000_000;

/// One request. Events are named by their place in the [`Field`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// `POST /events/{id}/register`
    Register {
        /// The event.
        event: usize,
        /// The number that makes the address.
        email: u64,
    },
    /// The same with a name.
    RegisterNamed {
        /// The event.
        event: usize,
        /// The number that makes address and name.
        email: u64,
    },
    /// `POST /events/{id}/holds`
    Hold {
        /// The event.
        event: usize,
        /// The number that makes the address.
        email: u64,
    },
    /// `POST /registrations/{id}/confirm`
    Confirm {
        /// Its place in [`Field::made`].
        registration: usize,
    },
    /// `DELETE /registrations/{id}`
    Cancel {
        /// Its place in [`Field::made`].
        registration: usize,
    },
    /// `POST /bench/{id}/register`: the same request, answered without queue and store.
    RegisterNothing {
        /// The event.
        event: usize,
        /// The number that makes the address.
        email: u64,
    },
    /// `GET /events/{id}`
    ShowEvent {
        /// The event.
        event: usize,
    },
    /// `GET /events?limit=100`
    ListEvents,
}

/// The expected answer to a request. Any other ends the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// 201, and a seat is taken.
    Booked,
    /// 201, and nothing is stored.
    Echoed,
    /// 409 `sold_out`
    SoldOut,
    /// 409 `already_registered`
    AlreadyRegistered,
    /// 200, of a read.
    Shown,
    /// 200, and a hold is a seat.
    Kept,
    /// 200, and a seat is free again.
    Freed,
}

impl Expected {
    /// Its change of the seats taken.
    pub(crate) fn seats(self) -> i64 {
        match self {
            Self::Booked => 1,
            Self::Freed => -1,
            Self::Echoed | Self::SoldOut | Self::AlreadyRegistered | Self::Shown | Self::Kept => 0,
        }
    }

    /// Whether an answer is this one.
    pub(crate) fn is(self, status: u16, body: &[u8]) -> bool {
        match self {
            Self::Booked | Self::Echoed => status == 201,
            Self::SoldOut => status == 409 && holds(body, br#""code":"sold_out""#),
            Self::AlreadyRegistered => {
                status == 409 && holds(body, br#""code":"already_registered""#)
            }
            Self::Shown | Self::Kept | Self::Freed => status == 200,
        }
    }
}

/// The events that a run starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground {
    /// The number of new events, or `None` for the thousand that every database of a run begins with.
    pub(crate) new_events: Option<usize>,
    /// The seats of each new event.
    pub(crate) capacity: u32,
    /// How many of them are taken on the first one beforehand.
    pub(crate) registered: u64,
}

/// The events once they are prepared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Field {
    /// The ids of the events.
    pub(crate) events: Vec<String>,
    /// The numbers whose addresses are registered on the first one.
    pub(crate) registered: Range<u64>,
    /// The ids of the registrations that the load before created on the first one, and the number that uses the
    /// first of them: each is used once.
    pub(crate) made: Rc<Vec<String>>,
    pub(crate) made_from: u64,
}

impl Field {
    /// How many numbers there are to use.
    pub(crate) fn numbers(&self) -> u64 {
        if self.made.is_empty() { u64::MAX } else { self.made.len() as u64 }
    }

    fn place(&self, n: u64) -> usize {
        usize::try_from(n - self.made_from).expect("no more than are made")
    }
}

/// A kind of load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    /// The events that it needs.
    pub(crate) ground: Ground,
    /// The request of a number. Numbers are never used twice, so that addresses are not either.
    pub(crate) action: fn(&Field, u64) -> Action,
    /// The expected answer to a registration.
    pub(crate) registering: Expected,
}

impl Workload {
    /// Whether the server answers it without its store.
    pub(crate) fn needs_no_store(&self) -> bool {
        self.registering == Expected::Echoed
    }

    /// The expected answer to an action.
    pub(crate) fn expected(&self, action: Action) -> Expected {
        match action {
            Action::Register { .. }
            | Action::RegisterNamed { .. }
            | Action::RegisterNothing { .. }
            | Action::Hold { .. } => self.registering,
            Action::Confirm { .. } => Expected::Kept,
            Action::Cancel { .. } => Expected::Freed,
            Action::ShowEvent { .. } | Action::ListEvents => Expected::Shown,
        }
    }
}

const ONE_EVENT: Ground = Ground { new_events: Some(1), capacity: PLENTY, registered: 0 };
const CROWD: Ground = Ground { new_events: None, ..ONE_EVENT };

/// Registrations on one event, all confirmed.
pub(crate) const HOT: Workload = Workload {
    ground: ONE_EVENT,
    action: |_, n| Action::Register { event: 0, email: scramble(n) },
    registering: Expected::Booked,
};

/// The same with names.
pub(crate) const NAMED: Workload =
    Workload { action: |_, n| Action::RegisterNamed { event: 0, email: scramble(n) }, ..HOT };

/// Registrations on 1,000 events, each equally likely.
pub(crate) const EVEN: Workload = Workload {
    ground: CROWD,
    action: |field, n| Action::Register { event: any(n, field.events.len()), email: scramble(n) },
    registering: Expected::Booked,
};

/// Four of five registrations on one event, the rest on 999.
pub(crate) const SKEWED: Workload = Workload {
    ground: CROWD,
    action: |field, n| {
        let event = if any(n, 5) < 4 { 0 } else { 1 + any(n ^ 1, field.events.len() - 1) };
        Action::Register { event, email: scramble(n) }
    },
    registering: Expected::Booked,
};

/// Registrations on an event without a seat left.
pub(crate) const SOLD_OUT: Workload = Workload {
    ground: Ground { new_events: Some(1), capacity: 100, registered: 100 },
    registering: Expected::SoldOut,
    ..HOT
};

/// Registrations of addresses that are registered already.
pub(crate) const DUPLICATES: Workload = Workload {
    ground: Ground { registered: 1_000, ..ONE_EVENT },
    action: |Field { registered, .. }, n| {
        let known = registered.start + n % (registered.end - registered.start);
        Action::Register { event: 0, email: scramble(known) }
    },
    registering: Expected::AlreadyRegistered,
};

/// The page of one event, repeatedly.
pub(crate) const EVENT: Workload =
    Workload { action: |_, _| Action::ShowEvent { event: 0 }, ..HOT };

/// The list of the 100 newest events.
pub(crate) const LIST: Workload =
    Workload { ground: CROWD, action: |_, _| Action::ListEvents, ..HOT };

/// A realistic sale: nine read the event while one registers.
pub(crate) const MIX: Workload = Workload {
    action: |field, n| match any(n, 10) {
        0 => (HOT.action)(field, n),
        _ => Action::ShowEvent { event: 0 },
    },
    ..HOT
};

/// HTTP alone.
pub(crate) const HTTP: Workload = Workload {
    action: |_, n| Action::RegisterNothing { event: 0, email: scramble(n) },
    registering: Expected::Echoed,
    ..HOT
};

/// Registrations on 64 events, while other clients want the one before them.
pub(crate) const OTHERS: Workload = Workload {
    ground: Ground { new_events: Some(65), ..ONE_EVENT },
    action: |field, n| Action::Register {
        event: 1 + any(n, field.events.len() - 1),
        email: scramble(n),
    },
    registering: Expected::Booked,
};

/// Holds on one event.
pub(crate) const HOLD: Workload =
    Workload { action: |_, n| Action::Hold { event: 0, email: scramble(n) }, ..HOT };

/// Confirmations of those holds.
pub(crate) const CONFIRM: Workload =
    Workload { action: |field, n| Action::Confirm { registration: field.place(n) }, ..HOT };

/// Cancellations of created registrations.
pub(crate) const CANCEL: Workload =
    Workload { action: |field, n| Action::Cancel { registration: field.place(n) }, ..HOT };

/// One of `count`, each equally likely.
fn any(n: u64, count: usize) -> usize {
    // Another sequence than that of the addresses.
    let random = scramble(n ^ 0x5bd1_e995_0000_0000) >> 32;
    ((random * count as u64) >> 32) as usize
}

/// A number that looks random, another one for each `n` (the finalizer of splitmix64). Attendees do not register in
/// the order of their addresses, and an index takes random keys at another price.
pub(crate) fn scramble(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Whether `bytes` contains `text`.
pub(crate) fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts_by_event(workload: Workload, events: usize) -> Vec<u32> {
        let field = Field { events: vec![String::new(); events], ..Field::default() };
        let mut counts = vec![0; events];
        for n in 7_000_000..7_100_000 {
            match (workload.action)(&field, n) {
                Action::Register { event, .. } => counts[event] += 1,
                other => panic!("{other:?}"),
            }
        }
        counts
    }

    #[test]
    fn even_load_reaches_every_event_about_as_often() {
        let counts = counts_by_event(EVEN, 1_000);
        assert!(counts.iter().all(|count| (50..=150).contains(count)), "{counts:?}");
    }

    #[test]
    fn skewed_load_is_four_fifths_on_the_first() {
        let counts = counts_by_event(SKEWED, 1_000);
        assert!((79_000..81_000).contains(&counts[0]), "{}", counts[0]);
        assert!(counts[1..].iter().all(|&count| count > 0 && count < 60), "{counts:?}");
    }

    #[test]
    fn no_seller_uses_the_locked_event() {
        assert_eq!(counts_by_event(OTHERS, 65)[0], 0);
    }

    #[test]
    fn duplicates_use_registered_addresses() {
        let field = Field { events: vec![String::new()], registered: 50..60, ..Field::default() };
        let known: Vec<u64> = (50..60).map(scramble).collect();
        for n in 1_000..1_020 {
            let Action::Register { email, .. } = (DUPLICATES.action)(&field, n) else { panic!() };
            assert!(known.contains(&email));
        }
    }

    #[test]
    fn a_mix_is_nine_reads_and_one_registration() {
        let field = Field { events: vec![String::new()], ..Field::default() };
        let is_read = |n: &u64| matches!((MIX.action)(&field, *n), Action::ShowEvent { .. });
        let reads = (0..10_000).filter(is_read).count();
        assert!((8_800..9_200).contains(&reads), "{reads}");
    }

    #[test]
    fn a_refusal_is_recognized_by_its_code() {
        let body = br#"{"status":409,"code":"sold_out"}"#;
        assert!(Expected::SoldOut.is(409, body));
        assert!(!Expected::AlreadyRegistered.is(409, body));
        assert!(!Expected::Booked.is(409, body));
    }
}
