//! Load generator and verifier for any server that speaks the API of Booking.
//!
//! [`flash::run`] creates an event, lets many clients storm it at once and then reads the event back, on every
//! server, to prove that the answers match the system's state. [`workload::run`] sends every kind of request and
//! records it, [`judge::judge`] judges the record, [`chaos::Chaos`] makes the database fail meanwhile, and
//! [`receivers::Receivers`] receive the webhook messages. The same calls serve tests: [`api::Api`] is a small typed
//! client of the contract.
//!
//! The generator shares a machine with what it measures, so its own cost is kept small and is part of every report:
//! one task per connection drives both the request and the connection, and nothing is allocated per connection but
//! its buffers.

pub mod api;
mod backoff;
pub mod chaos;
pub mod client;
mod connection;
pub mod cpu;
pub mod flash;
pub mod judge;
pub mod link;
mod options;
pub mod receivers;
pub mod report;
mod storm;
pub mod token;
pub mod verify;
pub mod watch;
pub mod webhooks;
pub mod workload;
