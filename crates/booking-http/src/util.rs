//! Helpers that any program could use: none depends on bookings or on HTTP.

pub(crate) mod failure_log;
pub(crate) mod locks;
pub(crate) mod ttl_cache;
