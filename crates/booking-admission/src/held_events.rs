//! Events whose rows somebody else holds.

use crate::batch::Waiting;
use booking_core::EventId;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The commands of events whose row somebody else held when we came by, apart from all others and each event's in their
/// order. An event is among them until none of its commands is left; as long, its new ones queue here too.
#[derive(Default)]
pub(crate) struct HeldEvents {
    waiting: HashMap<EventId, VecDeque<Waiting>>,
    /// By the node that they are on: one that does not answer keeps nobody waiting on another.
    nodes: BTreeMap<u16, OfNode>,
    /// Those that have a batch under way, with their nodes.
    under_way: HashMap<EventId, u16>,
}

#[derive(Default)]
struct OfNode {
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

    /// Takes commands whose events were busy, which are on these nodes.
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

    /// An event whose turn it is, and its node, if no more than `at_once` are waited for there then.
    pub(crate) fn next(&mut self, at_once: usize) -> Option<(u16, EventId)> {
        let mut with_room =
            self.nodes.iter_mut().filter(|(_, of_node)| of_node.under_way < at_once);
        with_room.find_map(|(node, of_node)| Some((*node, of_node.ready.pop_front()?)))
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
    pub(crate) fn begin(&mut self, event_id: EventId, node: u16) {
        self.nodes.entry(node).or_default().under_way += 1;
        self.under_way.insert(event_id, node);
    }

    /// That of an event has ended.
    pub(crate) fn end(&mut self, event_id: EventId) {
        let node = self.under_way.remove(&event_id).expect("it has begun");
        let of_node = self.nodes.entry(node).or_default();
        of_node.under_way -= 1;
        of_node.ready.push_back(event_id);
    }
}
