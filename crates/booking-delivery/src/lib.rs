//! Carries what was decided to people and programs: mail and webhooks, in each event's order, at least once.

mod dispatcher;
pub mod limits;
mod mail_lane;
mod postman;
pub mod webhook;
mod webhook_lane;

pub use dispatcher::{Dispatcher, Hint};
pub use postman::Postman;
pub use webhook_lane::{Sender, Try};
