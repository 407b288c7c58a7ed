//! The domain of Booking, and nothing else: no I/O, no runtime, no clock, no randomness.
//!
//! Every change of an event's seats is a [`Command`] that [`decide`] answers with an [`Outcome`],
//! against the state of the event as it was read under its row lock. A store (a [`BookingStore`])
//! does the locking, loading, writing and committing, and never decides anything itself.
//!
//! # A seat booked
//!
//! Text becomes a domain type once, at the edge; a store then answers commands. Any store will do:
//! this example uses the in-memory one of `booking-conformance`, a service uses `booking-pg` or
//! `booking-sqlite`.
//!
//! ```
//! use booking_core::{
//!     BookingStore, Caller, Capacity, CapacityMax, Claim, Command, EmailAddress, EventCommand,
//!     EventId, EventName, Execution, NewEvent, Outcome, Refusal, RegistrationId, WhenBusy,
//! };
//! use uuid::Uuid;
//!
//! /// Registers a visitor, with a visitor's rights.
//! async fn sign_up(
//!     store: &dyn BookingStore,
//!     event_id: EventId,
//!     email: &str,
//! ) -> Result<Outcome, Box<dyn std::error::Error>> {
//!     let id = RegistrationId::beside(event_id, Uuid::now_v7());
//!     let claim = Claim::new(id, EmailAddress::parse(email)?);
//!     let command = Command::Register(claim.into());
//!     let batch = [EventCommand::new(event_id, Caller::Anyone, command)];
//!     match store.execute(&batch, WhenBusy::Wait).await?.remove(0) {
//!         Execution::Decided(outcome) => Ok(outcome),
//!         Execution::Busy => unreachable!("WhenBusy::Wait waits"),
//!         Execution::Unknown => Err("whether there is a seat is not known: ask again".into()),
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store: &dyn BookingStore = &booking_conformance::MemoryStore::default();
//! let event = store
//!     .create_event(NewEvent::new(
//!         EventId::from(Uuid::now_v7()),
//!         EventName::parse("Rust meetup")?,
//!         Capacity::parse(1, CapacityMax::default())?,
//!     ))
//!     .await?;
//!
//! let first = sign_up(store, event.id, "Ada@Example.org").await?;
//! assert!(matches!(first, Outcome::Confirmed(seat) if seat.person.user_email.as_str() == "ada@example.org"));
//! let second = sign_up(store, event.id, "grace@example.org").await?;
//! assert_eq!(second, Outcome::Refused(Refusal::SoldOut));
//! # Ok(())
//! # }
//! ```
//!
//! From here on:
//!
//! 1. Put the queue of `booking-admission` in front of the store if many requests come at once. It takes the same
//!    commands, and gathers them into batches.
//! 2. Run its `Sweeper` beside it, which offers freed seats to the waitlist, and erases personal data past its
//!    retention. The data is correct without it; waiting attendees would be offered a seat later.
//! 3. Name the caller of each command: [`Caller`] says what each may do. Authenticate callers before.
//! 4. Give each request that may be repeated an [`IdempotencyKey`], or the same [`RegistrationId`].
//!
//! # A store of your own
//!
//! 1. Implement the six parts of [`BookingStore`], each under `#[async_trait]` of the crate of that name. Begin
//!    with [`SeatStore`], whose docs say which parts of a decision to write, and what fails without them.
//! 2. Use `EventTable` of `booking-conformance` as a model: the rows of an event in maps, in one file; and
//!    `DeliveryTables` for [`DeliveryStore`].
//! 3. Run the suite, `booking_conformance::suite!`, until it is green. Its cases say what is wrong, and they find
//!    common mistakes: `tests/journal` there is a complete store over a file of JSON lines, with mistakes that can
//!    be switched on.
//!
//! | a store keeps | by | [`decide`] needs |
//! | --- | --- | --- |
//! | events: [`Event`], with [`SeatCounts`], `due_at`, `erase_at`, `remind_at`, `erased_to`, `cancelled_version` | their id | [`EventState::new`], [`StoredDetails`] |
//! | registrations: [`Registration`], without its position | the event and their id; no two live ones of an event have one address | those that [`EventState::load_plan`] asks for |
//! | an event's [`Questions`], and on its row whether there are any | the event | [`EventState::asks`], and the rest where [`EventState::load_plan`] asks for it |
//! | facts: [`Fact`], with the time | the event and the version | nothing |
//! | answers under idempotency keys: [`IdempotencyRecord`] | the event and the key's hash; for created events, the hash alone | those of the commands' keys |
//! | organizers' tokens ([`OrganizerToken`]), keys ([`SigningSeed`], [`TicketKey`]) | their id; themselves | nothing |
//! | which facts are new, endpoints ([`Endpoint`]), lanes ([`Lane`]), deliveries ([`Delivery`]), mails ([`Mail`]) | the event, and their sink, version or id; endpoints by theirs alone | nothing |
//!
//! A store that keeps registrations as JSON must serialize them by [`Stored`]: serialized by themselves they have no
//! `token_hash`, and an attendee with nothing but the link could no longer manage theirs. Parse stored texts by
//! `parse_stored` where a type has it, which also accepts the values of earlier versions.
//!
//! # Compatibility
//!
//! Values that you create start with a constructor ([`EventCommand::new`], [`Claim::new`], [`Hold::new`],
//! [`NewEvent::new`], [`NewEndpoint::new`], …) or a `default`; set the rest by their fields, which are public.
//!
//! Types that are `#[non_exhaustive]` may have more fields or variants at any time: [`Organizer`], [`IdempotencyKey`],
//! [`Question`] with its parts, [`EventQuestion`], [`Difference`]; [`Observation`], [`Invalid`], [`SchemaError`]. The rest
//! is exhaustive on purpose, and grows with another minor version only, since each of these breaks the build of
//! the code that must not overlook it:
//!
//! | exhaustive | because |
//! | --- | --- |
//! | [`Command`] and what it is made of: [`Claim`], [`Correct`], [`CorrectedAddress`], [`RenewLink`], [`Edit`], …; [`Person`], [`Registration`] | the suite destructures them, to set each field in its histories, and to check whether it is personal |
//! | [`Outcome`], [`Refusal`], [`StoreError`] | they are matched without a wildcard: a new variant needs an answer |
//! | what a store writes or reads back: [`EventChange`], [`EditedEvent`], [`NewEventFields`], [`NewToken`], [`NewEndpoint`], [`EndpointChange`], [`LaneStep`], [`NewMail`], [`SettledMail`], [`Delivery`], [`StoredDetails`], …; what it says of itself: [`StoreHealth`], [`EventCount`] | a store that does not know a field would lose it |
//!
//! # Where things are
//!
//! | to find | look in |
//! | --- | --- |
//! | who gets a seat | [`decide`] |
//! | who may do what | [`Caller`] |
//! | what a store promises | [`BookingStore`] and its parts, [`StoreError`] |
//! | commands and their answers | [`Command`], [`Outcome`], [`Refusal`] |
//! | which status follows which | the table in this crate's README; in the sources `decide/transitions`, and its moves in `decide/seats.rs` |
//! | what a batch reads | [`EventState::load_plan`] |
//! | what counts as valid input | [`EmailAddress`], [`EventName`], [`Capacity`], [`HoldTtl`], … |
//! | what a store does for an event to be moved to another | [`MoveStore`] |
//! | what stores in SQL share | [`Columns`], [`Migration`] and [`Schema`], [`WriteWatch`], [`AskedBy`] |

mod decide;
mod store;
mod values;

pub use decide::asked_by::AskedBy;
pub use decide::change::{EditedEvent, EventChange, FormerHolder};
pub use decide::command::{
    Caller, CheckIn, Claim, Command, Correct, CorrectedAddress, Edit, EventCommand, Hold,
    IdempotencyKey, OnFull, Register, RenewLink, SetQuestions, SoughtIds, Transfer,
};
pub use decide::idempotency::IdempotencyRecord;
pub use decide::load_plan::{ERASED_MAX, LoadPlan, SETTLED_MAX};
pub use decide::outcome::{Admitted, Execution, Outcome, Refusal, TicketVoid};
#[doc(hidden)]
pub use decide::rule::Rule;
pub use decide::state::{EventState, SeatCounts, StoredDetails};
pub use decide::stored::Stored;
pub use decide::{Decision, decide, decide_batch, refuse_moving};
// For tests that leave a rule out on purpose: not part of the public API.
#[doc(hidden)]
pub use decide::{decide_batch_by, decide_without};
pub use store::audit::{AuditReport, Difference, EventCount, EventStated};
pub use store::cell_map::{CellBytes, ForeignByte, KNOWS_BYTES, StoredBytes, StoredMap};
pub use store::columns::{Columns, RuleColumns, StatementText};
pub use store::delivery::DeliveryStore;
pub use store::error_chain::ErrorChain;
pub use store::health::{
    CellState, Connections, Lately, StoreHealth, Totals, WriteTrouble, WriteWatch,
};
pub use store::keys::KeyStore;
pub use store::moving::{
    KNOWS_MOVES, LEAVING_MAILS_MAX, LeftEvent, MOVE_LEASE, MOVED_EVENT, MOVED_KEYS, MOVED_LANES,
    MOVED_LATELY, MOVED_MAILS, MOVED_ORGANIZERS, MOVED_TABLES, Mark, MoveStore, MovedCounts,
    MovedKind, MovedScope, MovedSince, MovedTable, Place, ROOM_KEPT,
};
pub use store::observe::{Observation, Observer, Unobserved};
pub use store::organizers::OrganizerStore;
pub use store::reading::ReadStore;
pub use store::schema::{Migration, Needed, Schema, SchemaError};
pub use store::seats::{SeatLane, SeatStore};
pub use store::upkeep::UpkeepStore;
pub use store::{BookingStore, Cause, Clock, StoreError, WhenBusy};
pub use values::agenda::{Agenda, StartCursor, When};
pub use values::answers::{Answer, AnswerFault, Answers, AnswersChange};
pub use values::capacity::{Capacity, CapacityMax};
pub use values::cell::CellName;
pub use values::contact::Contact;
pub use values::delivery::{
    Backlog, DELIVERIES_KEPT, Delivery, DeliveryCursor, DeliveryState, DueLane, ENDPOINTS_MAX,
    Endpoint, EndpointChange, FAILURE_BYTES_MAX, FORMER_SECRET_KEPT, FactSource, LEASE, Lane,
    LaneNext, LaneStep, LeaseId, MAIL_SEEN_KEPT, Mail, MailId, MailStep, NewEndpoint, NewMail,
    RecordedFact, SettledMail, SinkBacklog, SinkId, WhyDisabled,
};
pub use values::email::EmailAddress;
pub use values::event::{
    Availability, Event, EventDetails, EventRules, EventStatus, EventTimes, NewEvent,
    NewEventFields, Timing, Version,
};
pub use values::fact::{Actor, Fact, FactKind, HistoryEntry};
pub use values::id::{EndpointId, EventId, MapId, MoveId, OrganizerId, RegistrationId, TokenId};
pub use values::mail::{Language, MailKind};
pub use values::organizer::{
    NewToken, Organizer, OrganizerToken, Role, TOKEN_EVENTS_MAX, TOKENS_MAX,
};
pub use values::page::{EventCursor, PAGE_BYTES_MAX, Page, PageLimit, RegistrationCursor};
pub use values::person::Person;
pub use values::precondition::{EventTag, Precondition};
pub use values::question::{
    AskedQuestions, EventQuestion, FormerWording, OPTIONS_MAX, QUESTIONS_KEPT_MAX, QUESTIONS_MAX,
    Question, QuestionKey, QuestionKind, QuestionOption, Questions, WORDINGS_MAX,
};
pub use values::registration::{CheckedIn, Listed, Registration, RegistrationCounts, Status};
pub use values::request_id::RequestId;
pub use values::search::{RegistrationFilter, SearchText, folded};
pub use values::secret::{EndpointSecret, Fingerprint, KeyHash, SigningSeed, TicketKey, TokenHash};
pub use values::text::{
    AnswerText, Description, EventName, Invalid, OptionLabel, OrganizerName, PersonName, Venue,
    Wording,
};
pub use values::time::{
    HoldTtl, OfferTtl, RemindHours, Retention, TimeZone, parse_device_time, parse_instant,
};
pub use values::webhook::{EndpointUrl, TypeFilter, WebhookType};

/// The parts of a store, so that their methods can be called on a store of a known type.
///
/// ```
/// use booking_core::prelude::*;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = booking_conformance::MemoryStore::default();
/// assert!(store.health().await?.takes_writes);
/// # Ok(())
/// # }
/// ```
pub mod prelude {
    #[doc(no_inline)]
    pub use crate::{
        BookingStore, DeliveryStore, KeyStore, MoveStore, OrganizerStore, ReadStore, SeatStore,
        UpkeepStore,
    };
}
