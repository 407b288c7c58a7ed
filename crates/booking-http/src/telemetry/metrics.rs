//! The metrics, for Prometheus: names and units by its conventions, the manual's table of them, and their
//! rendering.
//!
//! Every counter that is updated while requests are served is an atomic; nothing is formatted before it is scraped.
//! No label holds client input, so that there is a bounded number of series.

mod described;
mod families;
mod process;
mod requests;

pub(crate) use requests::Route;

use crate::telemetry::lag::{Lag, age_seconds, begun_seconds};
use crate::telemetry::readiness::Ready;
use crate::util::locks::lock;
use crate::util::ttl_cache::TtlCache;
use booking_cells::ANSWER_WAIT;
use booking_core::{CellState, Connections, Observation, Observer, StoreError, Totals};
use booking_delivery::Task;
use chrono::{DateTime, Utc};
use families::Families;
use process::Process;
use prometheus::TextEncoder;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use std::{fmt, mem};

/// The content type of a page of metrics (Prometheus' exposition formats, the text format).
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long the sums over all events are cached: each reads every event.
const TOTALS_GOOD_FOR: Duration = Duration::from_secs(10);
/// The longest wait for them.
const TOTALS_WITHIN: Duration = Duration::from_secs(3);
// Of several cells one may hang, and is skipped in time.
const _: () = assert!(ANSWER_WAIT.as_millis() < TOTALS_WITHIN.as_millis());

/// The label of a store that is one database and no cell.
const NO_CELL: &str = "-";

/// The state of the server at this instant.
pub(crate) struct Snapshot {
    pub(crate) requests_under_way: usize,
    /// On how many connections events are watched.
    pub(crate) live_watchers: usize,
    pub(crate) queue_commands: usize,
    /// How long the oldest command in the queue has waited.
    pub(crate) queue_age: Duration,
    /// The store's.
    pub(crate) connections: Connections,
    /// The states of the store's cells, if it has some.
    pub(crate) cells: Vec<CellState>,
    /// The version of their map that the server follows, and whether it cannot follow a newer one.
    pub(crate) cell_map_version: u64,
    pub(crate) cell_map_is_outdated: bool,
    /// For how long another map has been pending, as this server has seen.
    pub(crate) cell_map_publishing_for: Duration,
    pub(crate) ready: Ready,
    /// How far delivery lags behind, if the store has answered.
    pub(crate) lag: Option<Lag>,
    /// For how long the mail server has been unreachable, if it is.
    pub(crate) mail_server_away: Option<Duration>,
    /// The background tasks.
    pub(crate) tasks: Vec<Task>,
}

/// Everything that is counted.
pub(crate) struct Metrics {
    families: Families,
    process: Option<Process>,
    totals: TtlCache<Totals>,
    /// Held while panics of tasks are added up: of two concurrent scrapes one adds the new ones.
    adding_panics: Mutex<()>,
    /// The cells that are shown: those that have left the map are removed.
    cells_shown: Mutex<BTreeSet<String>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let families = Families::new();
        let metrics = Self {
            process: Process::register(&families),
            totals: TtlCache::new(TOTALS_GOOD_FOR, TOTALS_WITHIN),
            adding_panics: Mutex::default(),
            cells_shown: Mutex::default(),
            families,
        };
        // Until it is known: an alert cannot look at a series that is missing.
        metrics.show_lag(&Lag::default());
        metrics
    }

    /// A request was answered with a problem.
    pub(crate) fn problem(&self, code: &'static str) {
        self.families.problems.with_label_values(&[code]).inc();
    }

    /// A watcher was sent a state.
    pub(crate) fn live_message(&self) {
        self.families.live_messages.inc();
    }

    /// A recount found so many differences; `None` if it failed.
    pub(crate) fn audited(&self, differences: Option<usize>) {
        let families = &self.families;
        let result = match differences {
            None => "failed",
            Some(0) => "clean",
            Some(_) => "differences",
        };
        families.audits.with_label_values(&[result]).inc();
        if let Some(differences) = differences {
            // Set first, so that a scrape with the result has its time.
            families.audit_timestamp.set(unix_seconds(SystemTime::now()));
            families.audit_differences.set(differences as i64);
        }
    }

    /// The page of metrics, as they are now. `totals` is asked only if the cached ones are too old.
    pub(crate) async fn show(
        &self,
        now: &Snapshot,
        totals: impl Future<Output = Result<Totals, StoreError>>,
    ) -> String {
        let families = &self.families;
        families.requests_under_way.set(now.requests_under_way as i64);
        families.live_watchers.set(now.live_watchers as i64);
        families.queue_commands.set(now.queue_commands as i64);
        families.queue_age.set(now.queue_age.as_secs_f64());
        let connections = now.connections;
        families.connections_max.set(connections.max as i64);
        let used = connections.open.saturating_sub(connections.idle);
        families.connections.with_label_values(&["used"]).set(used as i64);
        families.connections.with_label_values(&["idle"]).set(connections.idle as i64);
        families.connections_waiting.set(connections.waiting as i64);
        let ready = now.ready;
        let checks =
            [("server", ready.server), ("store", ready.store), ("migrations", ready.migrations)];
        for (check, found) in checks {
            families.ready.with_label_values(&[check]).set(i64::from(found == "ok"));
        }
        self.show_cells(now);
        // Where the store does not answer, `booking_ready` shows it, and these stay as they were.
        if let Some(totals) = self.totals.get(totals).await {
            families.events.set(totals.events as i64);
            families.seats.set(totals.capacity as i64);
            families.seats_taken.set(totals.booked as i64);
            families.seats_held.set(totals.held as i64);
            families.waiting.set(totals.waiting as i64);
        }
        if let Some(lag) = &now.lag {
            self.show_lag(lag);
        }
        let away = now.mail_server_away.map_or(0, begun_seconds);
        families.mail_server_away.set(away as i64);
        self.show_tasks(&now.tasks);
        if let Some(process) = &self.process {
            process.look();
        }
        // All of our names are valid, and writing to a String cannot fail.
        TextEncoder::new().encode_to_string(&families.registry.gather()).unwrap_or_default()
    }
}

impl Metrics {
    fn show_cells(&self, now: &Snapshot) {
        let families = &self.families;
        let mut shown = lock(&self.cells_shown);
        let mut stale = mem::take(&mut *shown);
        let mut cell_up = |name: &str, is_up: bool| {
            families.cells_up.with_label_values(&[name]).set(i64::from(is_up));
            stale.remove(name);
            shown.insert(name.to_owned());
        };
        if now.cells.is_empty() {
            cell_up(NO_CELL, now.ready.store == "ok");
        }
        now.cells.iter().for_each(|cell| cell_up(cell.name.as_str(), cell.is_up));
        for name in stale {
            // It was there.
            let _ = families.cells_up.remove_label_values(&[&name]);
        }
        families.cells_map_version.set(i64::try_from(now.cell_map_version).unwrap_or(i64::MAX));
        families.cells_map_outdated.set(i64::from(now.cell_map_is_outdated));
        families.cells_map_publishing.set(now.cell_map_publishing_for.as_secs_f64());
    }

    fn show_tasks(&self, tasks: &[Task]) {
        let families = &self.families;
        let _adding = lock(&self.adding_panics);
        for task in tasks {
            families.task_up.with_label_values(&[task.name]).set(i64::from(!task.is_down));
            let panics = families.task_panics.with_label_values(&[task.name]);
            panics.inc_by(task.restarts.saturating_sub(panics.get()));
        }
    }

    fn show_lag(&self, lag: &Lag) {
        let families = &self.families;
        let now = DateTime::<Utc>::from(SystemTime::now());
        let (webhooks, mail) = (&lag.webhooks, &lag.mail);
        for (sink, oldest) in
            [("none", lag.oldest_unrouted), ("webhook", webhooks.oldest), ("mail", mail.oldest)]
        {
            let seconds = age_seconds(oldest, now);
            families.delivery_oldest.with_label_values(&[sink]).set(seconds as i64);
        }
        for (sink, of_kind) in [("webhook", webhooks), ("mail", mail)] {
            let lanes = |state| families.delivery_lanes.with_label_values(&[sink, state]);
            lanes("waiting").set(of_kind.lanes.saturating_sub(of_kind.failing) as i64);
            lanes("failing").set(of_kind.failing as i64);
        }
        for (state, mails) in [("due", lag.mails_due), ("stuck", lag.mails_stuck)] {
            families.mails.with_label_values(&[state]).set(mails as i64);
        }
    }
}

impl Observer for Metrics {
    fn observe(&self, observation: Observation<'_>) {
        let families = &self.families;
        match observation {
            Observation::Shed => families.queue_shed.inc(),
            Observation::BatchStarted { commands, waited } => {
                families.batch_commands.observe(commands as f64);
                families.batch_wait.observe(waited.as_secs_f64());
            }
            Observation::BatchesUnderWay { node, batches } => {
                families.batches.with_label_values(&[&node.to_string()]).set(batches as i64);
            }
            Observation::BatchFailed(error) => {
                families.batch_failures.with_label_values(&[failure(error)]).inc();
            }
            Observation::Locked(took) => families.lock.observe(took.as_secs_f64()),
            Observation::Committed(took) => families.commit.observe(took.as_secs_f64()),
            Observation::Executed(took) => families.transaction.observe(took.as_secs_f64()),
            Observation::Retried => families.retries.inc(),
            Observation::CommitLost => families.commits_lost.inc(),
            Observation::Swept { done } => {
                let result = if done { "done" } else { "failed" };
                families.sweeps.with_label_values(&[result]).inc();
            }
            // Every observation of today has an arm above.
            _ => {}
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn failure(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) => "unavailable",
        StoreError::CommitUnknown(_) => "commit_unknown",
        StoreError::Broken(_) => "broken",
    }
}

fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
