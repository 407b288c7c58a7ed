//! What is particular to the store in one file: opening it, breaking it, and what it finds broken.

mod auditing;
mod common;
mod failing;
mod opening;
