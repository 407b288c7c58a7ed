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
use futures_util::future::BoxFuture;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
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
    /// What was taken out of the queue and could not begin yet: nothing where there is one cell and one batch at a time.
    lanes: Lanes,
    held: HeldEvents,
}

/// A batch that has been through the store, or so far that others of the same events may begin.
struct Finished {
    whose: Whose,
    /// What is left until it is answered.
    rest: Option<BoxFuture<'static, Vec<Waiting>>>,
    /// Those whose events were busy.
    busy: Vec<Waiting>,
}

/// Where a batch came from.
#[derive(Debug, Clone, Copy)]
enum Whose {
    /// The queue: of these lanes, to be executed on this node.
    Queue { node: u16, lanes: LaneSet },
    /// An event whose row somebody else holds.
    Held(EventId),
    /// From the queue: what was executed on this node, others may go on, and it is answered when it is durable.
    Released(u16),
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

    /// Takes `first` and whatever else has come.
    async fn take_with(&mut self, first: Waiting) {
        // Lets others that are ready join, without making anybody wait.
        yield_now().await;
        let place = self.place_of(&first);
        if self.lanes.is_empty() && self.nodes.takes_one_alone(place.node) {
            self.start_at_once(place, first);
        } else {
            self.wait_in_lane(place, first);
            self.take_all();
        }
    }

    /// Starts a batch of `first` and whatever else has come, which needs not wait in lanes before: nothing does, and
    /// there is no other batch that it might be for. What is of another cell goes into a lane all the same.
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

    /// Takes all that has come into the lanes.
    fn take_all(&mut self) {
        while let Ok(waiting) = self.queue.try_recv() {
            let place = self.place_of(&waiting);
            self.wait_in_lane(place, waiting);
        }
    }

    /// Has a command wait in its lane, if there is room for more that wait for its node.
    fn wait_in_lane(&mut self, place: SeatLane, waiting: Waiting) {
        match self.nodes.wait(place.node) {
            true => self.lanes.push(place, waiting),
            false => self.shed(waiting.1),
        }
    }

    /// Where a command goes that was taken out of the queue.
    fn place_of(&mut self, (item, caller): &Waiting) -> SeatLane {
        // Whoever is next in the queue came no earlier.
        self.queue_age.move_to(caller.since());
        let place = self.store.lane_of(item.event_id);
        self.nodes.note(place.node, &*self.store);
        place
    }

    /// Starts as many batches as may begin, of what is in the lanes.
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
                self.start(Whose::Held(event_id), batch);
            }
        }
    }

    /// Passes on a command that may go into a batch of the queue.
    fn admitted(&mut self, waiting: Waiting) -> Option<Waiting> {
        let waiting = self.still_wanted(waiting)?;
        self.held.join(waiting)
    }

    /// Passes on a command whose caller is still there and has not waited too long.
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
        self.start(Whose::Queue { node, lanes }, batch);
    }

    fn start(&mut self, whose: Whose, batch: Vec<Waiting>) {
        let (store, observer) = (Arc::clone(&self.store), Arc::clone(&self.observer));
        let waited = batch.first().map_or(Duration::ZERO, |(_, caller)| caller.since().elapsed());
        observer.observe(Observation::BatchStarted { commands: batch.len(), waited });
        let when_busy = match whose {
            Whose::Held(_) => WhenBusy::Wait,
            Whose::Queue { .. } | Whose::Released(_) => WhenBusy::Skip,
        };
        let is_free = Arc::new(Notify::new());
        let told = Arc::clone(&is_free);
        let executed = async move {
            let released = move || told.notify_one();
            execute(store.as_ref(), observer.as_ref(), batch, when_busy, &released).await
        };
        let executed = AssertUnwindSafe(executed).catch_unwind().map(|busy| {
            busy.unwrap_or_else(|_| {
                log::error!("the store panicked; the callers of its batch were told that its outcome is unknown");
                Vec::new()
            })
        });
        let mut executed = executed.boxed();
        self.under_way.spawn(async move {
            tokio::select! {
                biased;
                busy = &mut executed => Finished { whose, rest: None, busy },
                () = is_free.notified(), if matches!(whose, Whose::Queue { .. }) => {
                    Finished { whose, rest: Some(executed), busy: Vec::new() }
                }
            }
        });
    }

    fn finish(&mut self, Finished { whose, rest, busy }: Finished) {
        match whose {
            Whose::Queue { node, lanes } => {
                self.lanes.end(lanes);
                let batches = match rest {
                    None => self.nodes.end(node),
                    Some(rest) => {
                        let whose = Whose::Released(node);
                        self.under_way.spawn(rest.map(move |busy| Finished {
                            whose,
                            rest: None,
                            busy,
                        }));
                        self.nodes.release(node)
                    }
                };
                self.observer.observe(Observation::BatchesUnderWay { node, batches });
            }
            Whose::Held(event_id) => self.held.end(event_id),
            Whose::Released(node) => self.nodes.answer(node),
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
