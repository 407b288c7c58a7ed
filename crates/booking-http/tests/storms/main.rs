//! Thousands of clients at once, and everything dying in the middle of it.

#[path = "../common/mod.rs"]
mod common;
// With names by which scripts/test.sh recognizes them: it runs them beside all others.
#[path = "flash.rs"]
mod apart_flash;
#[path = "holds.rs"]
mod apart_holds;
