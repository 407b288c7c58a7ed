//! The task that takes commands from the queue and sends them through the store in batches.

use crate::batch::{Caller, Waiting, execute};
use crate::bell::Bell;
use crate::held_events::HeldEvents;
use crate::lanes::{LaneSet, Lanes};
use crate::nodes::{Next, Nodes};
use crate::queue_age::QueueAge;
use crate::{Limits, SubmitError};
use booking_core::{BookingStore, EventId, Observation, Observer, SeatLane, WhenBusy};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};

pub(crate) struct Driver {
    store: Arc<dyn BookingStore>,
    limits: Limits,
    queue: mpsc::Receiver<Waiting>,
    queue_age: Arc<QueueAge>,
    bell: Arc<Bell>,
    observer: Arc<dyn Observer>,
    queue_is_open: bool,
    under_way: JoinSet<Finished>,
    nodes: Nodes,
    /// Commands taken out of the queue that could not start yet: none with one cell and one batch at a time.
    lanes: Lanes,
    held: HeldEvents,
}

/// A batch that has been through the store.
struct Finished {
    source: Source,
    /// The commands whose events were busy.
    busy: Vec<Waiting>,
}

/// Where a batch came from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// The queue: commands of these lanes, to be executed on this node.
    Queue { node: u16, lanes: LaneSet },
    /// An event whose row another transaction holds.
    Held(EventId),
}

impl Driver {
    pub(crate) fn new(
        store: Arc<dyn BookingStore>,
        limits: Limits,
        queue: mpsc::Receiver<Waiting>,
        queue_age: Arc<QueueAge>,
        bell: Arc<Bell>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            store,
            limits,
            queue,
            queue_age,
            bell,
            observer,
            queue_is_open: true,
            under_way: JoinSet::new(),
            nodes: Nodes::new(&limits),
            lanes: Lanes::new(),
            held: HeldEvents::default(),
        }
    }

    pub(crate) async fn run(mut self) {
        loop {
            let (is_idle, has_room) = (self.nodes.any_is_idle(), self.nodes.any_has_room());
            tokio::select! {
                biased;
                Some(finished) = self.under_way.join_next() => {
                    // Only the runtime's end cancels a batch; panics are caught within it.
                    let Ok(finished) = finished else { return };
                    self.finish(finished);
                }
                first = self.queue.recv(), if self.queue_is_open && is_idle => {
                    match first {
                        Some(first) => self.take_with(first).await,
                        None => self.queue_is_open = false,
                    }
                }
                () = self.bell.rung(), if self.queue_is_open && !is_idle && has_room => {
                    self.take_all();
                }
                else => return,
            }
            self.start_batches();
            self.start_held();
            self.note_age();
        }
    }

    /// Takes `first` and everything else that is queued.
    async fn take_with(&mut self, first: Waiting) {
        // Lets other ready callers join, without making any wait.
        yield_now().await;
        let place = self.place_of(&first);
        if self.lanes.is_empty() && self.nodes.takes_one_alone(place.node) {
            self.start_at_once(place, first);
        } else {
            self.wait_in_lane(place, first);
            self.take_all();
        }
    }

    /// Starts a batch of `first` and everything else that is queued, past the lanes: they are empty, and no other batch
    /// could take these commands. Commands of another cell go into a lane all the same.
    fn start_at_once(&mut self, place: SeatLane, first: Waiting) {
        let mut batch = Vec::new();
        let mut next = Some((place, first));
        while let Some((at, waiting)) = next {
            if at == place && self.lanes.is_clear_for(waiting.0.event_id) {
                batch.extend(self.admitted(waiting));
            } else {
                self.wait_in_lane(at, waiting);
            }
            if batch.len() == self.limits.batch_commands_max {
                break;
            }
            next = self.queue.try_recv().ok().map(|waiting| (self.place_of(&waiting), waiting));
        }
        self.start_of_queue(place, batch);
    }

    /// Moves everything that is queued into the lanes.
    fn take_all(&mut self) {
        while let Ok(waiting) = self.queue.try_recv() {
            let place = self.place_of(&waiting);
            self.wait_in_lane(place, waiting);
        }
    }

    /// Puts a command into its lane, or sheds it if too many wait for its node.
    fn wait_in_lane(&mut self, place: SeatLane, waiting: Waiting) {
        match self.nodes.wait(place.node) {
            true => self.lanes.push(place, waiting),
            false => self.shed(waiting.1),
        }
    }

    /// The node and cell of a command just taken out of the queue.
    fn place_of(&mut self, (item, caller): &Waiting) -> SeatLane {
        // The next command in the queue came no earlier.
        self.queue_age.move_to(caller.since());
        let place = self.store.lane_of(item.event_id);
        self.nodes.note(place.node, &*self.store);
        place
    }

    /// Starts as many batches from the lanes as may begin.
    fn start_batches(&mut self) {
        let wanted = loop {
            match self.nodes.next(&self.lanes.ready()) {
                Next::Begin { place, share } => self.start_of_lanes(place, share),
                Next::Wait { commands } => break commands,
            }
        };
        self.bell.set(wanted, || self.queue.len());
    }

    /// Starts a batch of whole lanes, longest waiting first, until it has its share.
    fn start_of_lanes(&mut self, place: SeatLane, share: usize) {
        let commands_max = self.limits.batch_commands_max.max(1);
        let mut batch = Vec::new();
        for lane in self.lanes.ready_of(place) {
            if batch.len() >= share.min(commands_max) {
                break;
            }
            while batch.len() < commands_max
                && let Some(waiting) = self.lanes.pop(lane, place)
            {
                self.nodes.go_on(place.node);
                batch.extend(self.admitted(waiting));
            }
        }
        self.start_of_queue(place, batch);
    }

    /// Starts as many batches of held events as may run.
    fn start_held(&mut self) {
        while let Some((node, event_id)) = self.held.next(self.limits.busy_events_max) {
            let mut batch = Vec::new();
            while batch.len() < self.limits.batch_commands_max
                && let Some(waiting) = self.held.pop(event_id)
            {
                batch.extend(self.still_wanted(waiting));
            }
            if batch.is_empty() {
                self.held.remove(event_id);
            } else {
                self.held.begin(event_id, node);
                self.start(Source::Held(event_id), batch);
            }
        }
    }

    /// Returns a command that may go into a batch of the queue; others join their held event.
    fn admitted(&mut self, waiting: Waiting) -> Option<Waiting> {
        let waiting = self.still_wanted(waiting)?;
        self.held.join(waiting)
    }

    /// Returns a command whose caller is still there and has not waited too long.
    fn still_wanted(&self, (item, caller): Waiting) -> Option<Waiting> {
        if caller.is_gone() {
            return None;
        }
        if caller.since().elapsed() > self.limits.queue_age_max {
            self.shed(caller);
            return None;
        }
        Some((item, caller))
    }

    fn shed(&self, caller: Caller) {
        self.observer.observe(Observation::Shed);
        caller.answer(Err(SubmitError::Overloaded));
    }

    fn start_of_queue(&mut self, place: SeatLane, batch: Vec<Waiting>) {
        if batch.is_empty() {
            return;
        }
        let (node, lanes) = (place.node, LaneSet::of(&batch));
        self.lanes.begin(lanes);
        let batches = self.nodes.begin(node);
        self.observer.observe(Observation::BatchesUnderWay { node, batches });
        self.start(Source::Queue { node, lanes }, batch);
    }

    fn start(&mut self, source: Source, batch: Vec<Waiting>) {
        let (store, observer) = (Arc::clone(&self.store), Arc::clone(&self.observer));
        let waited = batch.first().map_or(Duration::ZERO, |(_, caller)| caller.since().elapsed());
        observer.observe(Observation::BatchStarted { commands: batch.len(), waited });
        let when_busy = match source {
            Source::Held(_) => WhenBusy::Wait,
            Source::Queue { .. } => WhenBusy::Skip,
        };
        self.under_way.spawn(async move {
            let executed = AssertUnwindSafe(execute(store.as_ref(), observer.as_ref(), batch, when_busy));
            let busy = executed.catch_unwind().await.unwrap_or_else(|_| {
                log::error!("the store panicked; the callers of its batch were told that its outcome is unknown");
                Vec::new()
            });
            Finished { source, busy }
        });
    }

    fn finish(&mut self, Finished { source, busy }: Finished) {
        match source {
            Source::Queue { node, lanes } => {
                self.lanes.end(lanes);
                let batches = self.nodes.end(node);
                self.observer.observe(Observation::BatchesUnderWay { node, batches });
            }
            Source::Held(event_id) => self.held.end(event_id),
        }
        self.held.add(busy, |event_id| self.store.lane_of(event_id).node);
    }

    fn note_age(&self) {
        for node in self.nodes.numbers() {
            self.queue_age.set_first(node, self.lanes.oldest_of(node));
        }
        if self.queue.is_empty() {
            self.queue_age.move_to(Instant::now());
        }
    }
}
