//! What is stored of people, what is logged, what others may see; and how it goes away again.

#[path = "../common/mod.rs"]
mod common;
mod erasing;
mod former;
mod headers;
mod keeping;
mod logs;
