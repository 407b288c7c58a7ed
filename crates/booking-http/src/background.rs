//! The background tasks. Each is restarted when it panics.

pub(crate) mod auditor;
pub(crate) mod cell_map;
pub(crate) mod delivery;
pub(crate) mod link_recovery;
pub(crate) mod live_reader;
pub(crate) mod sweeper;
pub(crate) mod ticket_keys;
pub(crate) mod token_refresh;
