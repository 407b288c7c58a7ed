//! Sockets: listening, limits on connections, and the client at the other end.

pub(crate) mod client;
pub(crate) mod connections;
pub(crate) mod forwarded;
pub(crate) mod transport;
