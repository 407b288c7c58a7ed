use crate::CellName;
use std::sync::atomic::{AtomicBool, Ordering};

/// The health of a store: whether it can be used now. That it answers at all is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreHealth {
    /// Whether it takes writes: a standby does not.
    pub takes_writes: bool,
    /// How many migrations of this program have not been applied to it. Those of a newer program may have been: they
    /// only add.
    pub migrations_missing: usize,
    /// Why writes fail although the store answers; `None` if they succeed, or if it takes none.
    pub trouble: Option<WriteTrouble>,
}

impl StoreHealth {
    /// A healthy store.
    pub const WELL: Self = Self { takes_writes: true, migrations_missing: 0, trouble: None };
}

/// Why writes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteTrouble {
    /// The open files are no longer the ones that have their names, so that writes would be lost.
    FilesMoved,
    /// A probe write like a sale's was tried, to be rolled back, and failed.
    Failing,
}

/// The recent writes of a store, so that reporting its health costs a sale nothing: right after a commit no probe is
/// needed.
#[derive(Debug, Default)]
pub struct WriteWatch {
    committed: AtomicBool,
    failed: AtomicBool,
    reported: AtomicBool,
}

/// How the writes of a store went since the last call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lately {
    /// Some were committed, and none failed.
    Committed,
    /// There were none, so a probe is needed.
    Quiet,
    /// One failed, and no probe has succeeded since.
    Failed,
}

impl WriteWatch {
    /// A write was committed. An earlier failure still counts: it may be of another kind.
    pub fn committed(&self) {
        self.committed.store(true, Ordering::Relaxed);
    }

    /// A write failed.
    pub fn failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// How it went since the last call.
    pub fn lately(&self) -> Lately {
        let committed = self.committed.swap(false, Ordering::Relaxed);
        match self.failed.load(Ordering::Relaxed) {
            true => Lately::Failed,
            false if committed => Lately::Committed,
            false => Lately::Quiet,
        }
    }

    /// A probe failed. Returns whether that is news, so that it is logged once.
    pub fn is_news_of_trouble(&self) -> bool {
        !self.reported.swap(true, Ordering::Relaxed)
    }

    /// A probe succeeded, and so would a write. Returns whether that is news.
    pub fn is_news_of_recovery(&self) -> bool {
        self.failed.store(false, Ordering::Relaxed);
        self.reported.swap(false, Ordering::Relaxed)
    }
}

/// Sums over the published events, from their rows: what time alone has changed since is counted once it is settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many events there are.
    pub events: u64,
    /// How many seats they have.
    pub capacity: u64,
    /// How many of those are taken: confirmed, held, offered.
    pub booked: u64,
    /// How many are held or offered.
    pub held: u64,
    /// How many people wait.
    pub waiting: u64,
}

/// How a store's connections are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    /// The most that there may be.
    pub max: usize,
    /// How many are open.
    pub open: usize,
    /// How many of those are unused.
    pub idle: usize,
    /// How many callers wait for one.
    pub waiting: usize,
}

/// The state of a cell when it was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellState {
    /// Its name.
    pub name: CellName,
    /// Whether it answered, and was usable.
    pub is_up: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_decides_the_health() {
        let watch = WriteWatch::default();
        assert_eq!(watch.lately(), Lately::Quiet);
        watch.committed();
        assert_eq!((watch.lately(), watch.lately()), (Lately::Committed, Lately::Quiet));
        watch.committed();
        watch.failed();
        assert_eq!((watch.lately(), watch.lately()), (Lately::Failed, Lately::Failed));
        assert!(watch.is_news_of_trouble() && !watch.is_news_of_trouble());
        assert!(watch.is_news_of_recovery() && !watch.is_news_of_recovery());
        assert_eq!(watch.lately(), Lately::Quiet);
        // Creating events may work where selling seats does not.
        watch.failed();
        watch.committed();
        assert_eq!(watch.lately(), Lately::Failed);
    }
}
