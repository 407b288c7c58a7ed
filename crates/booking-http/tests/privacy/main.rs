//! Personal data: what is stored, logged and visible to others; and how it is erased.

#[path = "../common/mod.rs"]
mod common;
mod erasing;
mod former;
mod headers;
mod keeping;
mod logs;
