//! The domain of Booking, and nothing else: no I/O, no runtime, no clock, no randomness.
//!
//! Every change of an event's seats is a [`Command`] that [`decide`] answers with an [`Outcome`],
//! against the state of the event as it was read under its row lock. A store (a [`BookingStore`])
//! does the locking, loading, writing and committing, and never decides anything itself.
//!
//! | to find | look in |
//! | --- | --- |
//! | who gets a seat | [`decide`] |
//! | what a store promises | [`BookingStore`], [`StoreError`] |
//! | what may be asked and answered | [`Command`], [`Outcome`], [`Refusal`] |
//! | what counts as valid input | [`EmailAddress`], [`EventName`], [`Description`], [`Capacity`] |
//!
//! # Embedding it in another service
//!
//! Text becomes a domain type once, at the edge; a store then answers commands. Any store will do:
//! this example uses the in-memory one of `booking-conformance`, a service uses `booking-pg` or
//! `booking-sqlite`, with `booking-admission` in front of it when many callers come at once.
//!
//! ```
//! use booking_core::{
//!     BookingStore, Capacity, CapacityMax, Command, Description, EmailAddress, EventCommand,
//!     EventId, EventName, Execution, NewEvent, Outcome, Refusal, Register, RegistrationId,
//!     WhenBusy,
//! };
//! use uuid::Uuid;
//!
//! async fn sign_up(
//!     store: &dyn BookingStore,
//!     event_id: EventId,
//!     email: &str,
//! ) -> Result<Outcome, Box<dyn std::error::Error>> {
//!     let command = Command::Register(Register {
//!         registration_id: RegistrationId::from(Uuid::now_v7()),
//!         user_email: EmailAddress::parse(email)?,
//!     });
//!     let batch = [EventCommand { event_id, command }];
//!     match store.execute(&batch, WhenBusy::Wait).await?.remove(0) {
//!         Execution::Decided(outcome) => Ok(outcome),
//!         Execution::Busy => unreachable!("WhenBusy::Wait waits"),
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = booking_conformance::MemoryStore::default();
//! let event = store
//!     .create_event(NewEvent {
//!         id: EventId::from(Uuid::now_v7()),
//!         name: EventName::parse("Rust meetup")?,
//!         description: Description::default(),
//!         capacity: Capacity::parse(1, CapacityMax::default())?,
//!     })
//!     .await?;
//!
//! let first = sign_up(&store, event.id, "Ada@Example.org").await?;
//! assert!(matches!(first, Outcome::Confirmed(seat) if seat.user_email.as_str() == "ada@example.org"));
//! let second = sign_up(&store, event.id, "grace@example.org").await?;
//! assert_eq!(second, Outcome::Refused(Refusal::SoldOut));
//! # Ok(())
//! # }
//! ```

mod audit;
mod capacity;
mod command;
mod decide;
mod email;
mod event;
mod id;
mod page;
mod registration;
mod store;
mod text;

pub use audit::{AuditReport, Difference, EventCount, EventStated};
pub use capacity::{Capacity, CapacityMax};
pub use command::{Command, EventCommand, Outcome, Refusal, Register};
pub use decide::{Decision, EventChange, EventState, Fact, decide, decide_batch};
pub use email::EmailAddress;
pub use event::{Event, NewEvent, Version};
pub use id::{EventId, RegistrationId};
pub use page::{EventCursor, Page, PageLimit, RegistrationCursor};
pub use registration::Registration;
pub use store::{BookingStore, Cause, Clock, Execution, StoreError, WhenBusy};
pub use text::{Description, EventName, Invalid};
