//! The JSON that is taken: how it becomes values of the domain.

mod claims;
mod door;
mod events;

pub(crate) use claims::{Correct, Hold, Register, Transfer, Who};
pub(crate) use door::{CheckIn, CheckInBatch, Scan};
pub(crate) use events::{CreateEvent, EditEvent};
