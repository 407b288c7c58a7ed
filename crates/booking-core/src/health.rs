/// How a store is: whether it can be worked with now. That it answers at all is a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreHealth {
    /// Whether it takes writes: a standby does not.
    pub takes_writes: bool,
    /// How many migrations of this program have not been applied to it. Those of a newer program may
    /// have been: they only add.
    pub migrations_missing: usize,
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
