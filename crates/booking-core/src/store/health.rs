use crate::CellName;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a store is: whether it can be worked with now. That it answers at all is a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreHealth {
    /// Whether it takes writes: a standby does not.
    pub takes_writes: bool,
    /// How many migrations of this program have not been applied to it. Those of a newer program may
    /// have been: they only add.
    pub migrations_missing: usize,
    /// Why writes do not go well although the store answers; `None` if they do, or if it takes none.
    pub trouble: Option<WriteTrouble>,
}

impl StoreHealth {
    /// A store that can be worked with.
    pub const WELL: Self = Self { takes_writes: true, migrations_missing: 0, trouble: None };
}

/// Why writes do not go well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteTrouble {
    /// The files that are open are not those that are there by their names any more, so that what is
    /// written would be lost.
    FilesMoved,
    /// Something like a sale was tried, to be taken back, and failed.
    Failing,
}

/// What a store remembers of its writes, so that telling how it is costs a sale nothing: what was committed
/// a moment ago need not be tried.
#[derive(Debug, Default)]
pub struct WriteWatch {
    committed: AtomicBool,
    failed: AtomicBool,
    told: AtomicBool,
}

/// How the writes of a store went since that was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lately {
    /// Some were committed, and none failed.
    Committed,
    /// There were none, so that nobody knows.
    Quiet,
    /// One failed, and nothing that was tried to find out has gone well since.
    Failed,
}

impl WriteWatch {
    /// Something was committed. What failed may fail again all the same: it need not be of the same kind.
    pub fn committed(&self) {
        self.committed.store(true, Ordering::Relaxed);
    }

    /// Something that was to be written was not.
    pub fn failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// How it went since this was asked last.
    pub fn lately(&self) -> Lately {
        let committed = self.committed.swap(false, Ordering::Relaxed);
        match self.failed.load(Ordering::Relaxed) {
            true => Lately::Failed,
            false if committed => Lately::Committed,
            false => Lately::Quiet,
        }
    }

    /// What was tried failed. Tells whether that is news, so that the log says it once.
    pub fn is_news_of_trouble(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// What was tried went well, and so would a write. Tells whether that is news.
    pub fn is_news_of_recovery(&self) -> bool {
        self.failed.store(false, Ordering::Relaxed);
        self.told.swap(false, Ordering::Relaxed)
    }
}

/// Sums over the published events, as their rows state them: what time alone has changed since is
/// counted when it is tidied.
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
    /// How many of those nobody uses.
    pub idle: usize,
    /// How many callers wait for one.
    pub waiting: usize,
}

/// How a cell was when something was last asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellState {
    /// Its name.
    pub name: CellName,
    /// Whether it answered, and could be worked with.
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
        // Events can be put up where no seat can be sold.
        watch.failed();
        watch.committed();
        assert_eq!(watch.lately(), Lately::Failed);
    }
}
