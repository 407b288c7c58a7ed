//! Routes facts and runs the workers that deliver them, beside requests.

mod room;

use crate::limits::{
    CLAIM_EVERY, ENDPOINTS_EVERY, MAILS_AT_ONCE, PURGE_EVERY, READS_AT_ONCE, REMIND_EVERY,
    ROUTE_EVERY, ROUTE_PAUSE, ROUTE_PAUSE_FACTOR, ROUTE_PAUSE_MAX, ROUTE_PAUSE_NO_SINKS,
    SETTLE_PAUSE, SHOW_MAIL_EVERY, STORE_PAUSE,
};
use crate::mail::Admits;
use crate::mail_lane;
use crate::postman::Postman;
use crate::reminders;
use crate::steps::Steps;
use crate::supervisor::Supervisor;
use crate::webhook::schedule::is_given_up;
use crate::webhook_lane::{self, Sender};
use booking_core::{
    BookingStore, Endpoint, EndpointChange, EndpointId, ErrorChain, Lane, LaneStep, LeaseId,
    PageLimit, SettledMail, SinkId, StoreError, WhyDisabled,
};
use chrono::Utc;
use room::Room;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

/// Notifies a dispatcher that there may be something to deliver, so that it does not wait for its
/// next poll. Clones notify the same dispatcher. A lost hint costs only [`ROUTE_EVERY`].
#[derive(Debug, Clone, Default)]
pub struct Hint(Arc<Notify>);

impl Hint {
    /// Reports that a transaction was committed.
    pub fn give(&self) {
        self.0.notify_one();
    }
}

/// Delivers what is in a store, beside any number of other dispatchers on the same one.
#[derive(Debug)]
pub struct Dispatcher {
    store: Arc<dyn BookingStore>,
    sender: Sender,
    postman: Option<Arc<Postman>>,
    hint: Hint,
    /// Some lanes may be due.
    routed: Notify,
    /// Some mails may be due.
    mailed: Notify,
    /// Workers' progress, to be written.
    steps: Steps<LaneStep>,
    /// Results of mails, to be written.
    settling: Steps<SettledMail>,
    /// Permits to read facts.
    reads: Semaphore,
    /// The endpoints, and the number of active lanes of each sink.
    room: Mutex<Room>,
    supervisor: Supervisor,
}

impl Dispatcher {
    /// Creates a dispatcher that sends webhooks by `sender`, and mail by `postman` if there is one.
    pub fn new(
        store: Arc<dyn BookingStore>,
        sender: Sender,
        postman: Option<Arc<Postman>>,
        hint: Hint,
    ) -> Self {
        Self {
            store,
            sender,
            postman,
            hint,
            routed: Notify::new(),
            mailed: Notify::new(),
            steps: Steps::default(),
            settling: Steps::default(),
            reads: Semaphore::new(READS_AT_ONCE),
            room: Mutex::default(),
            supervisor: Supervisor::default(),
        }
    }

    /// The same, with its loops registered with `supervisor`.
    #[must_use]
    pub fn supervised_by(self, supervisor: Supervisor) -> Self {
        Self { supervisor, ..self }
    }

    /// Delivers until `stopped` is done. Unfinished work is left as it is: another dispatcher takes
    /// it over once its lease is over. A loop that panics is restarted, and its unfinished work is
    /// left in the same way.
    pub async fn run_until(self, stopped: impl Future<Output = ()>) {
        let this = Arc::new(self);
        let mut loops = JoinSet::new();
        this.keep(&mut loops, "route_facts", Self::route);
        this.keep(&mut loops, "walk_lanes", Self::walk_lanes);
        this.keep(&mut loops, "write_steps", Self::write_steps);
        this.keep(&mut loops, "read_endpoints", Self::read_endpoints);
        this.keep(&mut loops, "purge_deliveries", Self::purge);
        if this.postman.is_some() {
            this.keep(&mut loops, "show_mail", Self::show_mail);
            this.keep(&mut loops, "send_mails", Self::send_mails);
            this.keep(&mut loops, "settle_mails", Self::settle_mails);
            this.keep(&mut loops, "remind", Self::remind);
        }
        stopped.await;
        loops.shutdown().await;
    }

    /// Runs a loop in `loops`, and restarts it if it panics.
    fn keep<W: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        loops: &mut JoinSet<()>,
        name: &'static str,
        begin: fn(Arc<Self>) -> W,
    ) {
        let this = Arc::clone(self);
        loops.spawn(async move { this.supervisor.keep(name, || begin(Arc::clone(&this))).await });
    }

    /// Removes finished workers.
    fn reap(&self, workers: &mut JoinSet<()>, name: &'static str) {
        while let Some(ended) = workers.try_join_next() {
            if ended.is_err_and(|error| error.is_panic()) {
                // Its lease ends, and the work is retried.
                self.supervisor.panicked(name);
            }
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        // It is consistent between any two calls.
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates and extends lanes.
    async fn route(self: Arc<Self>) {
        let (mut log, mut took) = (StoreLog::new("route what happened"), Duration::ZERO);
        // Otherwise what happened while no server was running would not be mailed.
        while self.postman.is_some() && log.take(self.store.show_mail().await).is_none() {
            sleep(STORE_PAUSE).await;
        }
        loop {
            let _ = timeout(ROUTE_EVERY, self.hint.0.notified()).await;
            // What is committed meanwhile is routed with it: each routing costs the store a transaction.
            sleep(match self.has_sinks() {
                true => (took * ROUTE_PAUSE_FACTOR).clamp(ROUTE_PAUSE, ROUTE_PAUSE_MAX),
                false => ROUTE_PAUSE_NO_SINKS,
            })
            .await;
            loop {
                let began = Instant::now();
                let routed = self.store.route_facts(PageLimit::MAX).await;
                took = began.elapsed();
                match log.take(routed) {
                    Some(0) => break,
                    Some(routed) => {
                        self.routed.notify_one();
                        if routed < PageLimit::MAX.get() as u64 {
                            break;
                        }
                    }
                    None => {
                        sleep(STORE_PAUSE).await;
                        break;
                    }
                }
            }
        }
    }

    /// Whether there are any sinks, as far as this server knows.
    fn has_sinks(&self) -> bool {
        self.postman.is_some() || self.room().has_endpoints()
    }

    /// Reads the list of endpoints.
    async fn read_endpoints(self: Arc<Self>) {
        let mut log = StoreLog::new("read the endpoints of webhooks");
        let mut ticks = interval(ENDPOINTS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(endpoints) = log.take(self.store.endpoints().await) else { continue };
            let endpoints = endpoints.into_iter().map(|one| (one.id, Arc::new(one))).collect();
            self.room().set_endpoints(endpoints);
        }
    }

    /// Claims lanes and has a worker walk each.
    async fn walk_lanes(self: Arc<Self>) {
        let mut log = StoreLog::new("find what is to be sent");
        let mut workers = JoinSet::new();
        loop {
            let _ = timeout(CLAIM_EVERY, self.routed.notified()).await;
            // Repeat as long as there were more than fitted.
            loop {
                self.reap(&mut workers, "lane_worker");
                let wanted = self.room().wanted(self.postman.is_some());
                if wanted.is_empty() {
                    break;
                }
                let lease = LeaseId::from(Uuid::now_v7());
                let claimed = self.store.claim_lanes(&wanted, lease).await;
                let Some(lanes) = log.take(claimed) else {
                    sleep(STORE_PAUSE).await;
                    break;
                };
                if lanes.is_empty() {
                    break;
                }
                for lane in lanes {
                    // Before it starts: it may be stopped before that.
                    let under_way = UnderWay::begin(&self, lane.sink);
                    workers.spawn(async move {
                        under_way.dispatcher.walk(lane, lease).await;
                        under_way.end();
                    });
                }
            }
        }
    }

    /// Writes workers' progress.
    async fn write_steps(self: Arc<Self>) {
        let advance = async |steps: Arc<[LaneStep]>| self.store.advance(&steps).await;
        let lane_of = |step: &LaneStep| self.store.lane_of(step.event_id);
        self.steps.write_all(Duration::ZERO, lane_of, advance).await;
    }

    /// Writes the results of mails.
    async fn settle_mails(self: Arc<Self>) {
        let settle = async |mails: Arc<[SettledMail]>| self.store.settle_mails(&mails).await;
        let lane_of = |mail: &SettledMail| self.store.lane_of(mail.event_id);
        self.settling.write_all(SETTLE_PAUSE, lane_of, settle).await;
    }

    /// Walks one lane for one worker's turn.
    async fn walk(&self, lane: Lane, lease: LeaseId) {
        let walked = match lane.sink.endpoint() {
            None => {
                let (store, steps, reads) = (&*self.store, &self.steps, &self.reads);
                mail_lane::walk(store, steps, reads, lane, lease).await.map(|made| {
                    if made {
                        self.mailed.notify_one();
                    }
                })
            }
            Some(id) => match self.endpoint(id) {
                Some(endpoint) => self.walk_to(&endpoint, lane, lease).await,
                // The endpoint was deleted meanwhile, and the lane with it.
                None => Ok(()),
            },
        };
        if let Err(error) = walked {
            // Its lease ends, and another worker goes on from where it was.
            log::warn!("event {}: cannot deliver: {}", lane.event_id, ErrorChain(&error));
        }
    }

    fn endpoint(&self, id: EndpointId) -> Option<Arc<Endpoint>> {
        self.room().endpoint(id)
    }

    async fn walk_to(
        &self,
        endpoint: &Endpoint,
        lane: Lane,
        lease: LeaseId,
    ) -> Result<(), StoreError> {
        let (store, steps, reads) = (&*self.store, &self.steps, &self.reads);
        let went_well =
            webhook_lane::walk(store, steps, reads, &self.sender, endpoint, lane, lease).await?;
        let Some(went_well) = went_well else { return Ok(()) };
        let was_failing = self.room().note(endpoint.id, went_well);
        let must_note = match went_well {
            true => was_failing || endpoint.failing_since.is_some(),
            false => endpoint.failing_since.is_none(),
        };
        // Written when it changes, not for each message.
        if must_note {
            self.store.note_endpoint(endpoint.id, went_well).await?;
        }
        let fails_long = |since| is_given_up(since, Utc::now());
        if !went_well && endpoint.failing_since.is_some_and(fails_long) {
            log::warn!("webhook {} has failed for so long that it is disabled", endpoint.id);
            let enabled = Some(Err(WhyDisabled::Failing));
            let change = EndpointChange { enabled, ..EndpointChange::default() };
            self.store.change_endpoint(endpoint.id, change).await?;
        }
        Ok(())
    }

    /// Records that this server sends mail.
    async fn show_mail(self: Arc<Self>) {
        let mut log = StoreLog::new("say that mail is sent here");
        let mut ticks = interval(SHOW_MAIL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if log.take(self.store.show_mail().await).is_none() {
                ticks.reset_after(STORE_PAUSE);
            }
        }
    }

    /// Claims mails and has them sent: several together, since each claim costs the store a
    /// transaction, and none while the mail server is away.
    async fn send_mails(self: Arc<Self>) {
        let postman = self.postman.as_ref().expect("there is one where mail is sent");
        let mut log = StoreLog::new("find mails to be sent");
        let mut workers = JoinSet::new();
        loop {
            let _ = timeout(CLAIM_EVERY, self.mailed.notified()).await;
            self.reap(&mut workers, "mail_worker");
            loop {
                let most = match postman.admits() {
                    Admits::All => MAILS_AT_ONCE,
                    Admits::One => 1,
                    Admits::Nobody => 0,
                };
                let room = most.saturating_sub(workers.len());
                if room == 0 || room < most / 2 {
                    // Look again when one is finished.
                    break;
                }
                let lease = LeaseId::from(Uuid::now_v7());
                let Some(mails) = log.take(self.store.claim_mails(room, lease).await) else {
                    sleep(STORE_PAUSE).await;
                    break;
                };
                if mails.is_empty() {
                    break;
                }
                for mail in mails {
                    let (this, postman) = (Arc::clone(&self), Arc::clone(postman));
                    workers.spawn(async move {
                        let (store, settling, reads) = (&*this.store, &this.settling, &this.reads);
                        let delivered = postman.deliver(store, settling, reads, mail, lease).await;
                        if let Err(error) = delivered {
                            log::warn!("a mail was not settled: {}", ErrorChain(&error));
                        }
                        this.mailed.notify_one();
                    });
                }
            }
        }
    }

    /// Creates reminder mails of events that are due for one.
    async fn remind(self: Arc<Self>) {
        let mut log = StoreLog::new("find whom to remind");
        let mut ticks = interval(REMIND_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match log.take(reminders::make(&*self.store).await) {
                Some(true) => self.mailed.notify_one(),
                Some(false) => {}
                None => ticks.reset_after(STORE_PAUSE),
            }
        }
    }

    /// Purges old records, in steps.
    async fn purge(self: Arc<Self>) {
        let mut log = StoreLog::new("forget what was delivered long ago");
        loop {
            // Servers that start together do not purge together.
            sleep(PURGE_EVERY.mul_f64(0.5 + fastrand::f64())).await;
            while log.take(self.store.purge_deliveries(PageLimit::MAX).await).is_some_and(|n| n > 0)
            {
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// An active lane, until this is dropped.
struct UnderWay {
    dispatcher: Arc<Dispatcher>,
    sink: SinkId,
}

impl UnderWay {
    fn begin(dispatcher: &Arc<Dispatcher>, sink: SinkId) -> Self {
        dispatcher.room().begin(sink);
        Self { dispatcher: Arc::clone(dispatcher), sink }
    }

    /// The lane may be due again, or another lane may be waiting for room.
    fn end(self) {
        let dispatcher = Arc::clone(&self.dispatcher);
        drop(self);
        dispatcher.routed.notify_one();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.dispatcher.room().end(self.sink);
    }
}

/// Logs when the store begins to fail at an operation and when it recovers, not each failure.
struct StoreLog {
    what: &'static str,
    fails: bool,
}

impl StoreLog {
    fn new(what: &'static str) -> Self {
        Self { what, fails: false }
    }

    fn take<T>(&mut self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(value) => {
                if std::mem::take(&mut self.fails) {
                    log::info!("delivery: can {} again", self.what);
                }
                Some(value)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.fails, true) {
                    log::warn!("delivery: cannot {}: {}", self.what, ErrorChain(&error));
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
