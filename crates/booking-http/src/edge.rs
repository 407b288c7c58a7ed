//! What every request and every response passes through, before and after its route.

pub(crate) mod cors;
pub(crate) mod cross_site;
pub(crate) mod host_header;
pub(crate) mod middleware;
mod slow_clients;
