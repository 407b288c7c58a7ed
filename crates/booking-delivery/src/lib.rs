//! Carries what was decided to people and programs: mail and webhooks, in each event's order, at least once.

mod apart;
pub mod calendar;
mod dispatcher;
pub mod limits;
pub mod mail;
mod mail_lane;
mod postman;
mod reminders;
mod steps;
mod supervisor;
pub mod webhook;
mod webhook_lane;

pub use apart::{run_apart, work_apart};
pub use dispatcher::{Dispatcher, Hint};
pub use postman::{Links, Postman};
pub use supervisor::{Supervisor, Task};
pub use webhook_lane::{Sender, Try, failure, status};
