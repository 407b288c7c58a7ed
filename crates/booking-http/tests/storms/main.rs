//! Thousands of clients at once, and everything dying in the middle of it.

#[path = "../common/mod.rs"]
mod common;
mod flash;
mod holds;
