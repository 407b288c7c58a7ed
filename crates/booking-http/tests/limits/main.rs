//! What one client may do to a server and to the others: how often, how much, how slowly.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
mod creating;
mod holds;
mod rates;
mod slow;
