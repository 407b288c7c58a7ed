//! The domain of Booking, and nothing else: no I/O, no runtime, no clock, no randomness.
//!
//! Every change of an event's seats is a [`Command`] that [`decide`] answers with an [`Outcome`],
//! against the state of the event as it was read under its row lock. A store (a [`BookingStore`])
//! does the locking, loading, writing and committing, and never decides anything itself.
//!
//! | to find | look in |
//! | --- | --- |
//! | who gets a seat | [`decide`] |
//! | who may do what | [`Caller`] |
//! | what a store promises | [`BookingStore`], [`StoreError`] |
//! | what may be asked and answered | [`Command`], [`Outcome`], [`Refusal`] |
//! | who may go from which status to which | `transitions`, and its moves in `seats` |
//! | what a batch has to read | [`EventState::load_plan`] |
//! | what counts as valid input | [`EmailAddress`], [`EventName`], [`Capacity`], [`HoldTtl`], … |
//!
//! # Embedding it in another service
//!
//! Text becomes a domain type once, at the edge; a store then answers commands. Any store will do:
//! this example uses the in-memory one of `booking-conformance`, a service uses `booking-pg` or
//! `booking-sqlite`, with `booking-admission` in front of it when many callers come at once.
//!
//! ```
//! use booking_core::{
//!     BookingStore, Capacity, CapacityMax, Claim, Command, EmailAddress, EventCommand, EventId,
//!     EventName, Execution, NewEvent, Outcome, Refusal, RegistrationId, WhenBusy,
//! };
//! use uuid::Uuid;
//!
//! async fn sign_up(
//!     store: &dyn BookingStore,
//!     event_id: EventId,
//!     email: &str,
//! ) -> Result<Outcome, Box<dyn std::error::Error>> {
//!     let id = RegistrationId::beside(event_id, Uuid::now_v7());
//!     let claim = Claim::new(id, EmailAddress::parse(email)?);
//!     let batch = [EventCommand::new(event_id, Command::Register(claim.into()))];
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
//!     .create_event(NewEvent::new(
//!         EventId::from(Uuid::now_v7()),
//!         EventName::parse("Rust meetup")?,
//!         Capacity::parse(1, CapacityMax::default())?,
//!     ))
//!     .await?;
//!
//! let first = sign_up(&store, event.id, "Ada@Example.org").await?;
//! assert!(matches!(first, Outcome::Confirmed(seat) if seat.person.user_email.as_str() == "ada@example.org"));
//! let second = sign_up(&store, event.id, "grace@example.org").await?;
//! assert_eq!(second, Outcome::Refused(Refusal::SoldOut));
//! # Ok(())
//! # }
//! ```

mod decide;
mod store;
mod values;

pub use decide::asked_by::AskedBy;
pub use decide::change::{EditedEvent, EventChange};
pub use decide::command::{
    Caller, CheckIn, Claim, Command, Correct, CorrectedAddress, Edit, EventCommand, Hold,
    IdempotencyKey, OnFull, Register, RenewLink, Transfer,
};
pub use decide::idempotency::IdempotencyRecord;
pub use decide::load_plan::{ERASED_MAX, LoadPlan, SETTLED_MAX};
pub use decide::outcome::{Admitted, Execution, Outcome, Refusal, TicketVoid};
pub use decide::state::{EventState, SeatCounts, StoredDetails};
pub use decide::{Decision, Rule, decide, decide_batch};
#[doc(hidden)]
pub use decide::{decide_batch_by, decide_without};
pub use store::audit::{AuditReport, Difference, EventCount, EventStated};
pub use store::columns::{Columns, StatementText};
pub use store::error_chain::ErrorChain;
pub use store::health::{Connections, Lately, StoreHealth, Totals, WriteTrouble, WriteWatch};
pub use store::observe::{Observation, Observer, Unobserved};
pub use store::schema::{Migration, Needed, Schema, SchemaError};
pub use store::{BookingStore, Cause, Clock, StoreError, WhenBusy};
pub use values::capacity::{Capacity, CapacityMax};
pub use values::email::EmailAddress;
pub use values::event::{
    Event, EventDetails, EventRules, EventStatus, EventTimes, NewEvent, Timing, Version,
};
pub use values::fact::{Actor, Fact, FactKind, HistoryEntry};
pub use values::id::{EventId, OrganizerId, RegistrationId, TokenId};
pub use values::organizer::{NewToken, Organizer, OrganizerToken, TOKENS_MAX};
pub use values::page::{EventCursor, PAGE_BYTES_MAX, Page, PageLimit, RegistrationCursor};
pub use values::person::Person;
pub use values::precondition::{EventTag, Precondition};
pub use values::registration::{CheckedIn, Listed, Registration, Status};
pub use values::request_id::RequestId;
pub use values::secret::{Fingerprint, KeyHash, SigningSeed, TicketKey, TokenHash};
pub use values::text::{Description, EventName, Invalid, OrganizerName, PersonName, Venue};
pub use values::time::{HoldTtl, OfferTtl, Retention, TimeZone, parse_device_time, parse_instant};
