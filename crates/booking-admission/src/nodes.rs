//! The machines on which batches are executed, and when another batch begins there.

use crate::Limits;
use crate::lanes::Ready;
use booking_core::{BookingStore, SeatLane};

/// How many commands make a batch full enough to run beside another. With fewer it is better to wait for that one: the
/// store's work per batch, which they would share, costs it as much as some dozens of commands.
const FULL_ENOUGH_COMMANDS: usize = 64;

/// With several nodes, at most this part of the queue may wait for one of them: so if it hangs, there is room for the
/// others.
const NODE_SHARE: usize = 2;

/// The nodes seen so far: each is added when its first command is taken out of the queue, which may be only after a
/// batch elsewhere has ended.
pub(crate) struct Nodes {
    batches_per_node: usize,
    full_enough: usize,
    /// The most commands that may wait for one of several nodes.
    waiting_max: usize,
    known: Vec<Node>,
}

struct Node {
    number: u16,
    batches_max: usize,
    under_way: usize,
    /// How many commands for it were taken out of the queue and are in no batch yet.
    waiting: usize,
}

/// What the driver does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Begin a batch of this cell, with so many commands or a few more.
    Begin { place: SeatLane, share: usize },
    /// Look again when a batch has ended, or after so many more commands.
    Wait { commands: usize },
}

impl Nodes {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            batches_per_node: limits.batches_per_node,
            full_enough: limits.batch_commands_max.clamp(1, FULL_ENOUGH_COMMANDS),
            waiting_max: (limits.queue_commands_max / NODE_SHARE).max(1),
            known: Vec::new(),
        }
    }

    /// Adds a node, unless it is known.
    pub(crate) fn note(&mut self, number: u16, store: &dyn BookingStore) {
        if !self.known.iter().any(|node| node.number == number) {
            let batches_max = self.batches_per_node.min(store.batches_at_once(number)).max(1);
            self.known.push(Node { number, batches_max, under_way: 0, waiting: 0 });
        }
    }

    /// The nodes seen so far.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u16> {
        self.known.iter().map(|node| node.number)
    }

    /// Counts a command that has to wait for a node. `false` if too many wait already.
    pub(crate) fn wait(&mut self, number: u16) -> bool {
        let (is_one_of_several, waiting_max) = (self.known.len() > 1, self.waiting_max);
        let node = self.known_node(number);
        let may_wait = !is_one_of_several || node.waiting < waiting_max;
        node.waiting += usize::from(may_wait);
        may_wait
    }

    /// A waiting command goes into a batch.
    pub(crate) fn go_on(&mut self, number: u16) {
        self.known_node(number).waiting -= 1;
    }

    /// Whether a new command might start at once; also true before the first has come.
    pub(crate) fn any_is_idle(&self) -> bool {
        self.known.is_empty() || self.known.iter().any(|node| node.under_way == 0)
    }

    /// Whether a busy node might take another batch.
    pub(crate) fn any_has_room(&self) -> bool {
        self.known.iter().any(|node| (1..node.batches_max).contains(&node.under_way))
    }

    /// Whether a batch may begin on a node, and no other beside it before it ends.
    pub(crate) fn takes_one_alone(&self, number: u16) -> bool {
        let node = self.known.iter().find(|node| node.number == number);
        node.is_some_and(|node| node.batches_max == 1 && node.under_way == 0)
    }

    /// Which batch begins next, if any does. On each node it is the turn of the cell whose first command has waited
    /// longest, and no other goes before it: so no cell starves.
    pub(crate) fn next(&self, ready: &[Ready]) -> Next {
        let mut wanted = usize::MAX;
        for node in self.known.iter().filter(|node| node.under_way < node.batches_max) {
            let cells = ready.iter().filter(|cell| cell.place.node == node.number);
            let first = cells.min_by_key(|cell| cell.oldest);
            let commands = first.map_or(0, |cell| cell.commands);
            match first {
                Some(cell) if node.under_way == 0 || commands >= self.full_enough => {
                    // Enough for several: each takes its share of the lanes. One that took all of them would leave none
                    // for another until it ends.
                    let room = node.batches_max - node.under_way;
                    let batches = (commands / self.full_enough).clamp(1, room);
                    return Next::Begin { place: cell.place, share: commands.div_ceil(batches) };
                }
                // An idle node takes commands however few they are.
                _ if node.under_way > 0 => wanted = wanted.min(self.full_enough - commands),
                _ => {}
            }
        }
        Next::Wait { commands: wanted }
    }

    /// A batch begins; returns how many are then under way.
    pub(crate) fn begin(&mut self, number: u16) -> usize {
        let node = self.known_node(number);
        node.under_way += 1;
        assert!(node.under_way <= node.batches_max, "{} batches on a node", node.under_way);
        node.under_way
    }

    /// A batch has ended; returns how many are still under way.
    pub(crate) fn end(&mut self, number: u16) -> usize {
        let node = self.known_node(number);
        node.under_way -= 1;
        node.under_way
    }

    fn known_node(&mut self, number: u16) -> &mut Node {
        let node = self.known.iter_mut().find(|node| node.number == number);
        node.expect("it was heard of before a batch began there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn nodes(under_way: &[(u16, usize)], batches_max: usize) -> Nodes {
        let limits = Limits { batches_per_node: batches_max, ..Limits::default() };
        let known = under_way.iter();
        let known =
            known.map(|&(number, under_way)| Node { number, batches_max, under_way, waiting: 0 });
        Nodes { known: known.collect(), ..Nodes::new(&limits) }
    }

    fn ready(node: u16, cell: u16, commands: usize, age: u64) -> Ready {
        // An `Instant` before the machine was started may not exist.
        let oldest = Instant::now() + Duration::from_secs(1_000 - age);
        Ready { place: SeatLane { node, cell }, commands, oldest }
    }

    fn begin(node: u16, cell: u16, share: usize) -> Next {
        Next::Begin { place: SeatLane { node, cell }, share }
    }

    #[test]
    fn an_idle_node_starts_a_batch_of_any_size() {
        assert_eq!(nodes(&[(0, 0)], 4).next(&[ready(0, 0, 1, 0)]), begin(0, 0, 1));
        assert_eq!(nodes(&[(0, 0)], 4).next(&[ready(0, 0, 127, 0)]), begin(0, 0, 127));
        assert_eq!(nodes(&[(0, 0)], 4).next(&[]), Next::Wait { commands: usize::MAX });
        assert!(nodes(&[(0, 0)], 4).any_is_idle() && !nodes(&[(0, 0)], 4).any_has_room());
    }

    #[test]
    fn another_batch_begins_if_it_is_full_enough() {
        let one = nodes(&[(0, 1)], 2);
        assert!(!one.any_is_idle() && one.any_has_room());
        assert_eq!(one.next(&[]), Next::Wait { commands: 64 });
        assert_eq!(one.next(&[ready(0, 0, 63, 0)]), Next::Wait { commands: 1 });
        assert_eq!(one.next(&[ready(0, 0, 64, 0)]), begin(0, 0, 64));
        let both = nodes(&[(0, 2)], 2);
        assert!(!both.any_is_idle() && !both.any_has_room());
        assert_eq!(both.next(&[ready(0, 0, 500, 0)]), Next::Wait { commands: usize::MAX });
        let alone = nodes(&[(0, 1)], 1);
        assert!(!alone.any_has_room());
        assert_eq!(alone.next(&[ready(0, 0, 500, 0)]), Next::Wait { commands: usize::MAX });
    }

    #[test]
    fn commands_for_several_batches_are_shared_among_them() {
        assert_eq!(nodes(&[(0, 0)], 4).next(&[ready(0, 0, 128, 0)]), begin(0, 0, 64));
        assert_eq!(nodes(&[(0, 0)], 4).next(&[ready(0, 0, 1_001, 0)]), begin(0, 0, 251));
        assert_eq!(nodes(&[(0, 2)], 4).next(&[ready(0, 0, 1_000, 0)]), begin(0, 0, 500));
        assert_eq!(nodes(&[(0, 0)], 1).next(&[ready(0, 0, 1_000, 0)]), begin(0, 0, 1_000));
    }

    #[test]
    fn the_cell_that_has_waited_longest_goes_first_and_is_not_passed() {
        let cells = [ready(0, 0, 500, 1), ready(0, 1, 3, 2)];
        assert_eq!(nodes(&[(0, 0)], 4).next(&cells), begin(0, 1, 3));
        assert_eq!(nodes(&[(0, 1)], 4).next(&cells), Next::Wait { commands: 61 });
        // Another node's load does not matter.
        let cells = [ready(0, 0, 3, 2), ready(1, 1, 1, 1)];
        assert_eq!(nodes(&[(0, 1), (1, 0)], 4).next(&cells), begin(1, 1, 1));
    }

    #[test]
    fn a_batch_is_never_more_than_full() {
        let limits = Limits { batches_per_node: 2, batch_commands_max: 5, ..Limits::default() };
        let known = vec![Node { number: 0, batches_max: 2, under_way: 1, waiting: 0 }];
        let nodes = Nodes { known, ..Nodes::new(&limits) };
        assert_eq!(nodes.next(&[ready(0, 0, 4, 0)]), Next::Wait { commands: 1 });
        assert_eq!(nodes.next(&[ready(0, 0, 5, 0)]), begin(0, 0, 5));
    }
}
