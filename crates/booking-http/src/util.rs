//! What any program could use: it knows nothing of bookings or of HTTP.

pub(crate) mod failure_log;
pub(crate) mod locks;
pub(crate) mod ttl_cache;
