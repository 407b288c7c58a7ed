//! Goes by the map of cells that the home keeps, as it is changed, and reads CELLS_FILE again when it is told to.

use crate::service::Service;
use booking_cells::MAP_CHECKED_EVERY;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// The least time between two looks, however often a cell refuses what another map gives it.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the publication of a map may take, which is four writes and a copy of the organizers: whoever is longer about it was
/// stopped, most likely.
const PUBLISHING_SLOW: Duration = Duration::from_secs(20);
/// How often it is told what keeps this server from going by a newer map.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The cells of a server.
pub(crate) trait Cells {
    /// Looks whether the home keeps a newer map, and goes by that from now on; by the file as it is now, too, if it `reads_file`.
    fn look(&self, reads_file: bool) -> impl Future<Output = Looked>;

    /// Returns when a cell has refused an event as not its own: the map is old.
    fn outdated(&self) -> impl Future<Output = ()>;
}

/// What has come of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The version of the map that is gone by.
    pub(crate) version: u64,
    /// What the home keeps beside that; `None` if that could not be found out.
    pub(crate) kept: Option<Kept>,
    /// What everybody is to go by next, if somebody has begun to bring that about, as the home keeps it; `None` if it could not
    /// be asked.
    pub(crate) next: Option<Option<String>>,
    /// What went wrong: all is as it was.
    pub(crate) trouble: Option<String>,
}

/// The map that the home keeps, to a server that goes by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It goes by that, or by a later one.
    GoneBy,
    /// A newer one.
    Newer,
    /// Another of the same version: all cells were told since that they are these, or the home got another first.
    Another,
}

/// SIGHUP, for what hears it, which is begun anew when it panics. From when this is made on the process does not end of it.
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
    let (mut failures, mut is_told_slow) = (LookFailures::default(), false);
    while !service.is_stopping() {
        let is_told = tokio::select! {
            () = hang_ups.next() => true,
            _ = ticks.tick() => false,
            () = cells.outdated() => false,
        };
        let looked = cells.look(is_told).await;
        let is_outdated = looked.kept.map(|kept| kept != Kept::GoneBy);
        service.cell_map.note(looked.version, is_outdated);
        if let Some(next) = &looked.next {
            service.cell_map.note_next(next.as_deref());
        }
        let publishing_for = service.cell_map.publishing_for();
        let is_slow = publishing_for.is_some_and(|since| since >= PUBLISHING_SLOW);
        if is_slow && !is_told_slow {
            log::warn!(
                "a change of the cells was begun {} s ago at least, and nobody goes by it yet: until `booking-http cells resume` \
                 goes on, new events that are to change cells are put up nowhere",
                publishing_for.unwrap_or_default().as_secs()
            );
        }
        is_told_slow = is_slow;
        match looked.trouble {
            Some(why) if is_told => {
                log::error!("CELLS_FILE was read again, and changes nothing: {why}");
            }
            Some(why) => failures.log(looked.kept, &why),
            None if is_told => log::info!("CELLS_FILE was read again"),
            None => failures = LookFailures::default(),
        }
        sleep(PAUSE).await;
    }
}

/// Hears SIGHUP where there is no CELLS_FILE.
pub(crate) async fn hear(_: Arc<Service>, hang_ups: HangUps) {
    loop {
        hang_ups.next().await;
        log::info!("SIGHUP changes nothing: there is no CELLS_FILE to be read again");
    }
}

/// That looking for the map fails, which is logged now and then as long as it does.
#[derive(Default)]
struct LookFailures {
    logged_at: Option<Instant>,
}

impl LookFailures {
    fn log(&mut self, kept: Option<Kept>, why: &str) {
        if self.logged_at.is_some_and(|logged_at| logged_at.elapsed() < LOG_EVERY) {
            return;
        }
        self.logged_at = Some(Instant::now());
        match kept {
            Some(Kept::Newer) => log::error!(
                "there is a newer map of the cells, which this server cannot go by; events that have moved are 503 here: {why}"
            ),
            Some(Kept::Another) => log::error!(
                "the cells' home keeps another map of the same version, which this server cannot go by; what this server has for \
                 one of them may be another database: {why}"
            ),
            Some(Kept::GoneBy) | None => {
                log::warn!("could not look whether there is a newer map of the cells: {why}");
            }
        }
    }
}
