//! Events whose rows another transaction holds.

use crate::batch::Waiting;
use booking_core::EventId;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The commands of events whose rows were locked by another transaction, apart from all others and in order per event.
/// An event stays here until none of its commands is left; meanwhile its new commands queue here too.
#[derive(Default)]
pub(crate) struct HeldEvents {
    waiting: HashMap<EventId, VecDeque<Waiting>>,
    /// By node: one that does not answer delays no event of another.
    nodes: BTreeMap<u16, OfNode>,
    /// Events with a batch under way, with their nodes.
    under_way: HashMap<EventId, u16>,
}

#[derive(Default)]
struct OfNode {
    /// Events with commands and no batch under way, longest waiting first.
    ready: VecDeque<EventId>,
    under_way: usize,
}

impl HeldEvents {
    /// Takes a command whose event is held; returns any other.
    pub(crate) fn join(&mut self, waiting: Waiting) -> Option<Waiting> {
        match self.waiting.get_mut(&waiting.0.event_id) {
            Some(others) => {
                others.push_back(waiting);
                None
            }
            None => Some(waiting),
        }
    }

    /// Takes commands whose events were busy on these nodes.
    pub(crate) fn add(&mut self, busy: Vec<Waiting>, node_of: impl Fn(EventId) -> u16) {
        for waiting in busy {
            let event_id = waiting.0.event_id;
            let others = self.waiting.entry(event_id).or_insert_with(|| {
                self.nodes.entry(node_of(event_id)).or_default().ready.push_back(event_id);
                VecDeque::new()
            });
            others.push_back(waiting);
        }
    }

    /// The next event to execute, and its node, if fewer than `at_once` are waited for there.
    pub(crate) fn next(&mut self, at_once: usize) -> Option<(u16, EventId)> {
        let mut with_room =
            self.nodes.iter_mut().filter(|(_, of_node)| of_node.under_way < at_once);
        with_room.find_map(|(node, of_node)| Some((*node, of_node.ready.pop_front()?)))
    }

    /// Takes the first command of an event.
    pub(crate) fn pop(&mut self, event_id: EventId) -> Option<Waiting> {
        self.waiting.get_mut(&event_id).and_then(VecDeque::pop_front)
    }

    /// Removes an event that has no commands left.
    pub(crate) fn remove(&mut self, event_id: EventId) {
        self.waiting.remove(&event_id);
    }

    /// A batch of a held event begins.
    pub(crate) fn begin(&mut self, event_id: EventId, node: u16) {
        self.nodes.entry(node).or_default().under_way += 1;
        self.under_way.insert(event_id, node);
    }

    /// The batch of an event has ended.
    pub(crate) fn end(&mut self, event_id: EventId) {
        let node = self.under_way.remove(&event_id).expect("it has begun");
        let of_node = self.nodes.entry(node).or_default();
        of_node.under_way -= 1;
        of_node.ready.push_back(event_id);
    }
}
