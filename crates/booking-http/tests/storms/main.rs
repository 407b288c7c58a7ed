//! Thousands of clients at once, and everything dying in the middle of it.

#[path = "../common/mod.rs"]
mod common;
// By names that scripts/test.sh can tell from all others.
#[path = "flash.rs"]
mod storm_flash;
#[path = "holds.rs"]
mod storm_holds;
