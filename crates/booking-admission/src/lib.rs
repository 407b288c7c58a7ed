//! The queue in front of a store.
//!
//! Commands that arrive while a batch is under way gather into the next one, so that a rush of
//! thousands costs the store a few transactions. There is one queue for all events, first in, first
//! out, and no timer: a command that finds the queue idle starts at once.
//!
//! Batches of different events may run side by side ([`Limits::batches_per_node`]), if the store supports it and each
//! of them is full enough. Every event is in one lane of the queue, which is in one batch at a time, so its commands
//! stay in their order. A batch is of one cell of the store ([`SeatLane`](booking_core::SeatLane)), and nodes do not
//! wait for each other.
//!
//! An event whose row another transaction holds is waited for apart. Its commands wait there, in their order, while the
//! others go on.
//!
//! The queue decides nothing and stores nothing that matters: the data is right even if this process is killed.
//!
//! A [`Sweeper`] beside it does the work that falls due with time: it offers freed seats to attendees who wait.
//!
//! ```
//! # use booking_conformance::MemoryStore;
//! # use booking_core::*;
//! # use std::sync::Arc;
//! use booking_admission::{Admission, Limits};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Arc::new(MemoryStore::default());
//! # let event = store.create_event(NewEvent::new(
//! #     uuid::Uuid::now_v7().into(),
//! #     EventName::parse("Rust meetup")?,
//! #     Capacity::parse(30, CapacityMax::default())?,
//! # )).await?;
//! let admission = Admission::start(store, Limits::default());
//! let id = RegistrationId::beside(event.id, uuid::Uuid::now_v7());
//! let ada = Claim::new(id, EmailAddress::parse("ada@example.org")?);
//! let command = EventCommand::new(event.id, Caller::Anyone, Command::Register(ada.into()));
//! let outcome = admission.submit(command).await?;
//! assert!(matches!(outcome, Outcome::Confirmed(_)));
//! admission.drain().await;
//! # Ok(())
//! # }
//! ```

mod admission;
mod batch;
mod bell;
mod driver;
mod error;
mod failure_log;
mod held_events;
mod lanes;
mod limits;
mod nodes;
mod queue_age;
mod sweeper;

pub use admission::Admission;
pub use error::SubmitError;
pub use failure_log::FailureLog;
pub use limits::Limits;
pub use sweeper::Sweeper;
