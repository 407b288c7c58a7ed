//! Sockets: how they are listened on, how many there may be, and which client is at the other end.

pub(crate) mod client;
pub(crate) mod connections;
pub(crate) mod forwarded;
pub(crate) mod transport;
