//! Follows the map of cells that the home stores, and reads CELLS_FILE again on request.

use crate::service::Service;
use booking_cells::MAP_CHECKED_EVERY;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// The least time between two checks, however often a cell refuses an event of another map.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the publication of a map may take, which is four writes and a copy of the organizers: a command that
/// takes longer was stopped, most likely.
const PUBLISHING_SLOW: Duration = Duration::from_secs(20);
/// How often the log says why this server cannot follow a newer map.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The cells of a server.
pub(crate) trait Cells {
    /// Checks whether the home stores a newer map, and follows it from now on; also the file as it is now, if
    /// `reads_file`.
    fn look(&self, reads_file: bool) -> impl Future<Output = Looked>;

    /// Returns when a cell has refused an event as not its own: the map is old.
    fn outdated(&self) -> impl Future<Output = ()>;
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The version of the map that is followed.
    pub(crate) version: u64,
    /// What the home stores compared to that; `None` if it could not be asked.
    pub(crate) stored: Option<Stored>,
    /// The map that is being published, if there is one, as the home stores it; `None` if the home could not be
    /// asked.
    pub(crate) next: Option<Option<String>>,
    /// What went wrong: nothing was changed.
    pub(crate) trouble: Option<String>,
}

/// The map that the home stores, compared to the one that the server follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The one that the server follows, or an earlier one.
    Current,
    /// A newer one.
    Newer,
    /// Another of the same version: the cells were assigned since, or the home got another first.
    Another,
}

/// SIGHUP, for the task that listens for it, which is restarted when it panics. Once this is made the signal does
/// not end the process.
#[derive(Clone)]
pub(crate) struct HangUps(Option<Arc<Mutex<Signal>>>);

impl HangUps {
    pub(crate) fn listen() -> Self {
        match signal(SignalKind::hangup()) {
            Ok(signal) => Self(Some(Arc::new(Mutex::new(signal)))),
            Err(error) => {
                log::error!("SIGHUP cannot be received: {error}");
                Self(None)
            }
        }
    }

    async fn next(&self) {
        let Some(signal) = &self.0 else { return pending().await };
        if signal.lock().await.recv().await.is_none() {
            pending::<()>().await;
        }
    }
}

/// Looks until the server stops.
pub(crate) async fn run(service: Arc<Service>, cells: Arc<impl Cells>, hang_ups: HangUps) {
    let mut ticks = interval(MAP_CHECKED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut failures, mut is_slow_logged) = (LookFailures::default(), false);
    while !service.is_stopping() {
        let is_requested = tokio::select! {
            () = hang_ups.next() => true,
            _ = ticks.tick() => false,
            () = cells.outdated() => false,
        };
        let looked = cells.look(is_requested).await;
        let is_outdated = looked.stored.map(|stored| stored != Stored::Current);
        service.cell_map.note(looked.version, is_outdated);
        if let Some(next) = &looked.next {
            service.cell_map.note_next(next.as_deref());
        }
        let publishing_for = service.cell_map.publishing_for();
        let is_slow = publishing_for.is_some_and(|since| since >= PUBLISHING_SLOW);
        if is_slow && !is_slow_logged {
            log::warn!(
                "a change of the cells was begun {} s ago at least, and nobody goes by it yet: until `booking-http cells resume` \
                 goes on, new events that are to change cells are put up nowhere",
                publishing_for.unwrap_or_default().as_secs()
            );
        }
        is_slow_logged = is_slow;
        match looked.trouble {
            Some(why) if is_requested => {
                log::error!("CELLS_FILE was read again, and changes nothing: {why}");
            }
            Some(why) => failures.log(looked.stored, &why),
            None if is_requested => log::info!("CELLS_FILE was read again"),
            None => failures = LookFailures::default(),
        }
        sleep(PAUSE).await;
    }
}

/// Receives SIGHUP where there is no CELLS_FILE.
pub(crate) async fn hear(_: Arc<Service>, hang_ups: HangUps) {
    loop {
        hang_ups.next().await;
        log::info!("SIGHUP changes nothing: there is no CELLS_FILE to be read again");
    }
}

/// Failures of the check for a new map, which are logged now and then as long as they last.
#[derive(Default)]
struct LookFailures {
    logged_at: Option<Instant>,
}

impl LookFailures {
    fn log(&mut self, stored: Option<Stored>, why: &str) {
        if self.logged_at.is_some_and(|logged_at| logged_at.elapsed() < LOG_EVERY) {
            return;
        }
        self.logged_at = Some(Instant::now());
        match stored {
            Some(Stored::Newer) => log::error!(
                "there is a newer map of the cells, which this server cannot go by; events that have moved are 503 here: {why}"
            ),
            Some(Stored::Another) => log::error!(
                "the cells' home keeps another map of the same version, which this server cannot go by; what this server has for \
                 one of them may be another database: {why}"
            ),
            Some(Stored::Current) | None => {
                log::warn!("could not look whether there is a newer map of the cells: {why}");
            }
        }
    }
}
