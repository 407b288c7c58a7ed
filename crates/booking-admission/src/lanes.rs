//! Commands taken out of the queue that are in no batch yet, and which of them may go into one.

use crate::batch::Waiting;
use booking_core::{EventId, SeatLane};
use std::collections::VecDeque;
use std::time::Instant;

/// One for each last byte of an event's id. The byte says in which cell an event lies, so a lane is of one cell; but it
/// stays the same when the event is moved, so no event is ever in two lanes.
const LANES: usize = 256;
/// The most commands whose room an empty lane keeps. After a rush all lanes together keep a few megabytes.
const KEPT_COMMANDS: usize = 64;

/// Commands in lanes, each first in, first out. While a batch is under way, no other batch takes from the lanes of its
/// commands: so no event is in two batches at once, and its commands stay in their order.
pub(crate) struct Lanes {
    /// Each command with its event's place when it came: a batch is of one cell, so it stops taking from a lane at the
    /// first command of another cell.
    waiting: Vec<VecDeque<(SeatLane, Waiting)>>,
    under_way: LaneSet,
    commands: usize,
}

/// A set of lanes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LaneSet([u64; LANES / 64]);

/// The commands of a cell that may go into a batch now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) place: SeatLane,
    pub(crate) commands: usize,
    /// Since when the first of them has been waiting.
    pub(crate) oldest: Instant,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self {
            waiting: (0..LANES).map(|_| VecDeque::new()).collect(),
            under_way: LaneSet::default(),
            commands: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.commands == 0
    }

    /// Whether a command that has just come may go into a batch: its lane is empty and not under way.
    pub(crate) fn is_clear_for(&self, event_id: EventId) -> bool {
        let lane = lane_of(event_id);
        !self.under_way.contains(lane) && self.waiting[usize::from(lane)].is_empty()
    }

    pub(crate) fn push(&mut self, place: SeatLane, waiting: Waiting) {
        self.waiting[usize::from(lane_of(waiting.0.event_id))].push_back((place, waiting));
        self.commands += 1;
    }

    /// Since when the first command for a node has been waiting, whether its lane is under way or not.
    pub(crate) fn oldest_of(&self, node: u16) -> Option<Instant> {
        if self.is_empty() {
            return None;
        }
        let firsts = self.waiting.iter().filter_map(VecDeque::front);
        let of_node = firsts.filter(|(place, _)| place.node == node);
        of_node.map(|(_, waiting)| waiting.1.since()).min()
    }

    /// The commands that may go into batches, by cell.
    pub(crate) fn ready(&self) -> Vec<Ready> {
        let mut ready: Vec<Ready> = Vec::new();
        for (lane, place, since) in self.clear() {
            let commands = self.waiting[usize::from(lane)].len();
            // Lanes of one cell mostly are neighbours.
            match ready.iter_mut().rev().find(|cell| cell.place == place) {
                Some(cell) => {
                    cell.commands += commands;
                    cell.oldest = cell.oldest.min(since);
                }
                None => ready.push(Ready { place, commands, oldest: since }),
            }
        }
        ready
    }

    /// The lanes from which a batch of this cell may take, longest waiting first.
    pub(crate) fn ready_of(&self, place: SeatLane) -> Vec<u8> {
        let of_cell = self.clear().filter(|(_, at, _)| *at == place);
        let mut lanes: Vec<_> = of_cell.map(|(lane, _, since)| (since, lane)).collect();
        lanes.sort_unstable();
        lanes.into_iter().map(|(_, lane)| lane).collect()
    }

    /// Takes the first command of a lane, if it is of this cell.
    pub(crate) fn pop(&mut self, lane: u8, place: SeatLane) -> Option<Waiting> {
        let waiting = &mut self.waiting[usize::from(lane)];
        if waiting.front()?.0 != place {
            return None;
        }
        let (_, first) = waiting.pop_front()?;
        if waiting.is_empty() && waiting.capacity() > KEPT_COMMANDS {
            *waiting = VecDeque::new();
        }
        self.commands -= 1;
        Some(first)
    }

    /// A batch of commands from these lanes begins.
    pub(crate) fn begin(&mut self, lanes: LaneSet) {
        for (all, some) in self.under_way.0.iter_mut().zip(lanes.0) {
            assert_eq!(*all & some, 0, "a lane is in one batch at a time");
            *all |= some;
        }
    }

    /// The batch of these lanes has ended.
    pub(crate) fn end(&mut self, lanes: LaneSet) {
        for (all, some) in self.under_way.0.iter_mut().zip(lanes.0) {
            *all &= !some;
        }
    }

    /// The non-empty lanes that are not under way, with the cell of each one's first command and since when it has been
    /// waiting.
    fn clear(&self) -> impl Iterator<Item = (u8, SeatLane, Instant)> {
        let lanes = if self.is_empty() { None } else { Some(0..=u8::MAX) };
        let lanes = lanes.into_iter().flatten();
        lanes.filter(move |lane| !self.under_way.contains(*lane)).filter_map(move |lane| {
            let (place, waiting) = self.waiting[usize::from(lane)].front()?;
            Some((lane, *place, waiting.1.since()))
        })
    }
}

impl LaneSet {
    /// The lanes of a batch.
    pub(crate) fn of(batch: &[Waiting]) -> Self {
        let mut lanes = Self::default();
        for (item, _) in batch {
            let lane = lane_of(item.event_id);
            lanes.0[usize::from(lane / 64)] |= 1 << (lane % 64);
        }
        lanes
    }

    fn contains(&self, lane: u8) -> bool {
        self.0[usize::from(lane / 64)] & (1 << (lane % 64)) != 0
    }
}

fn lane_of(event_id: EventId) -> u8 {
    let [.., last] = event_id.as_uuid().into_bytes();
    last
}
