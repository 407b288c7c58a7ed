//! Events whose rows somebody else holds.

use crate::batch::Waiting;
use booking_core::EventId;
use std::collections::{HashMap, VecDeque};

/// The commands of events whose row somebody else held when we came by, apart from all others and each event's in their
/// order. An event is among them until none of its commands is left; as long, its new ones queue here too.
#[derive(Default)]
pub(crate) struct HeldEvents {
    waiting: HashMap<EventId, VecDeque<Waiting>>,
    /// Those that have something to do and no batch under way, longest waiting first.
    ready: VecDeque<EventId>,
    under_way: usize,
}

impl HeldEvents {
    /// Takes a command whose event is among them; gives back any other.
    pub(crate) fn join(&mut self, waiting: Waiting) -> Option<Waiting> {
        match self.waiting.get_mut(&waiting.0.event_id) {
            Some(others) => {
                others.push_back(waiting);
                None
            }
            None => Some(waiting),
        }
    }

    /// Takes commands whose events were busy.
    pub(crate) fn add(&mut self, busy: Vec<Waiting>) {
        for waiting in busy {
            let event_id = waiting.0.event_id;
            let others = self.waiting.entry(event_id).or_insert_with(|| {
                self.ready.push_back(event_id);
                VecDeque::new()
            });
            others.push_back(waiting);
        }
    }

    /// The event whose turn it is, if no more than `at_once` are waited for then.
    pub(crate) fn next(&mut self, at_once: usize) -> Option<EventId> {
        if self.under_way < at_once { self.ready.pop_front() } else { None }
    }

    /// Takes the first command of an event.
    pub(crate) fn pop(&mut self, event_id: EventId) -> Option<Waiting> {
        self.waiting.get_mut(&event_id).and_then(VecDeque::pop_front)
    }

    /// Nothing of an event is left.
    pub(crate) fn remove(&mut self, event_id: EventId) {
        self.waiting.remove(&event_id);
    }

    /// A batch of one of them begins.
    pub(crate) fn begin(&mut self) {
        self.under_way += 1;
    }

    /// That of an event has ended.
    pub(crate) fn end(&mut self, event_id: EventId) {
        self.under_way -= 1;
        self.ready.push_back(event_id);
    }
}
