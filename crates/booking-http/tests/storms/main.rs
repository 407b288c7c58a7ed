//! Thousands of clients at once, and everything dying in the middle of it.

#[path = "../common/mod.rs"]
mod common;
// By names that scripts/test.sh can tell from all others: it runs them beside those.
#[path = "flash.rs"]
mod apart_flash;
#[path = "holds.rs"]
mod apart_holds;
