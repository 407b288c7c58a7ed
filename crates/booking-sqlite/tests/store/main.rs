//! What is particular to the store in one file: opening it, breaking it, what it finds broken, and what
//! can be seen only in its rows.

mod auditing;
mod common;
mod conformance;
mod delivering;
mod failing;
mod histories;
mod keeping;
mod migrating;
mod moving;
mod opening;
mod organizers;
mod passing;
mod repeating;
mod running_out;
mod troubled;
