//! The limits of what one client may do to a server and to the others: how often, how much, how slowly.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
mod connections;
mod creating;
mod holds;
mod long;
mod rates;
mod resets;
mod seats;
mod slow;
