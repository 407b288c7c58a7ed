//! What runs beside requests until the server stops.

pub(crate) mod auditor;
pub(crate) mod sweeper;
