//! The JSON of requests, and how it becomes domain values.

mod answers;
mod check_in;
mod claims;
mod events;
mod find;
mod questions;
mod webhooks;

pub(crate) use answers::Confirm;
pub(crate) use check_in::{CheckIn, CheckInBatch, Scan};
pub(crate) use claims::{Correct, Hold, Register, Transfer};
pub(crate) use events::{CopyEvent, CreateEvent, EditEvent};
pub(crate) use find::Find;
pub(crate) use questions::SetQuestions;
pub(crate) use webhooks::{CreateWebhook, EditWebhook, include_schema};
