//! The task that takes commands from the queue and sends them through the store in batches.

use crate::batch::{Waiting, execute};
use crate::queue_age::QueueAge;
use crate::{Limits, SubmitError};
use booking_core::{BookingStore, EventId, Observation, Observer, WhenBusy};
use futures_util::FutureExt;
use std::collections::{HashMap, VecDeque};
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
    observer: Arc<dyn Observer>,
    queue_is_open: bool,
    /// The batches under way: at most one of the queue, and one of each running lane.
    under_way: JoinSet<Finished>,
    queue_is_under_way: bool,
    lanes: HashMap<EventId, Lane>,
    /// The lanes that have something to do and do not run yet, longest waiting first.
    lanes_ready: VecDeque<EventId>,
    lanes_running: usize,
}

/// The commands of an event whose row somebody else held when we came by, in their order. It lasts
/// until it is empty; as long, the event's new commands queue here too.
type Lane = VecDeque<Waiting>;

/// A batch that has been through the store.
struct Finished {
    /// The event, if it was a lane's.
    lane: Option<EventId>,
    /// Those whose events were busy.
    busy: Vec<Waiting>,
}

impl Driver {
    pub(crate) fn new(
        store: Arc<dyn BookingStore>,
        limits: Limits,
        queue: mpsc::Receiver<Waiting>,
        queue_age: Arc<QueueAge>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            store,
            limits,
            queue,
            queue_age,
            observer,
            queue_is_open: true,
            under_way: JoinSet::new(),
            queue_is_under_way: false,
            lanes: HashMap::new(),
            lanes_ready: VecDeque::new(),
            lanes_running: 0,
        }
    }

    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                Some(finished) = self.under_way.join_next() => {
                    // Only the runtime's end cancels a batch; panics are caught within it.
                    let Ok(finished) = finished else { return };
                    self.finish(finished);
                }
                first = self.queue.recv(), if self.queue_is_open && !self.queue_is_under_way => {
                    match first {
                        Some(first) => self.start_queue(first).await,
                        None => self.queue_is_open = false,
                    }
                }
                else => return,
            }
            self.start_lanes();
        }
    }

    /// Starts a batch of `first` and whatever else has come.
    async fn start_queue(&mut self, first: Waiting) {
        // Lets others that are ready join, without making anybody wait.
        yield_now().await;
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(waiting) = next {
            // Whoever is next in the queue came no earlier.
            self.queue_age.move_to(waiting.1.since());
            if let Some((item, caller)) = self.still_wanted(waiting) {
                match self.lanes.get_mut(&item.event_id) {
                    Some(lane) => lane.push_back((item, caller)),
                    None => batch.push((item, caller)),
                }
            }
            if batch.len() == self.limits.batch_commands_max {
                break;
            }
            next = self.queue.try_recv().ok();
        }
        if self.queue.is_empty() {
            self.queue_age.move_to(Instant::now());
        }
        if !batch.is_empty() {
            self.queue_is_under_way = true;
            self.start(None, batch);
        }
    }

    /// Starts as many lanes as may run.
    fn start_lanes(&mut self) {
        while self.lanes_running < self.limits.busy_events_max
            && let Some(event_id) = self.lanes_ready.pop_front()
        {
            let mut batch = Vec::new();
            while batch.len() < self.limits.batch_commands_max
                && let Some(waiting) = self.lanes.get_mut(&event_id).and_then(Lane::pop_front)
            {
                batch.extend(self.still_wanted(waiting));
            }
            if batch.is_empty() {
                self.lanes.remove(&event_id);
            } else {
                self.lanes_running += 1;
                self.start(Some(event_id), batch);
            }
        }
    }

    /// Passes on a command whose caller is still there and has not waited too long.
    fn still_wanted(&self, (item, caller): Waiting) -> Option<Waiting> {
        if caller.is_gone() {
            return None;
        }
        if caller.since().elapsed() > self.limits.queue_age_max {
            self.observer.observe(Observation::Shed);
            caller.answer(Err(SubmitError::Overloaded));
            return None;
        }
        Some((item, caller))
    }

    fn start(&mut self, lane: Option<EventId>, batch: Vec<Waiting>) {
        let (store, observer) = (Arc::clone(&self.store), Arc::clone(&self.observer));
        let waited = batch.first().map_or(Duration::ZERO, |(_, caller)| caller.since().elapsed());
        observer.observe(Observation::BatchStarted { commands: batch.len(), waited });
        let when_busy = if lane.is_some() { WhenBusy::Wait } else { WhenBusy::Skip };
        self.under_way.spawn(async move {
            let executed = AssertUnwindSafe(execute(store.as_ref(), observer.as_ref(), batch, when_busy));
            let busy = executed.catch_unwind().await.unwrap_or_else(|_| {
                log::error!("the store panicked; the callers of its batch were told that its outcome is unknown");
                Vec::new()
            });
            Finished { lane, busy }
        });
    }

    fn finish(&mut self, Finished { lane, busy }: Finished) {
        match lane {
            None => self.queue_is_under_way = false,
            Some(event_id) => {
                self.lanes_running -= 1;
                self.lanes_ready.push_back(event_id);
            }
        }
        for waiting in busy {
            let event_id = waiting.0.event_id;
            let lane = self.lanes.entry(event_id).or_insert_with(|| {
                self.lanes_ready.push_back(event_id);
                Lane::new()
            });
            lane.push_back(waiting);
        }
    }
}
