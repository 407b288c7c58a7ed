//! Many stores of Booking as one, for deployments that outgrow one database.
//!
//! A *cell* is a store with all its tables. Each event is in one of them, by the last byte of its id, with everything
//! that belongs to it. [`CellMap`] says which cell has which bytes, and a [`CellStore`] over their stores is a
//! [`BookingStore`](booking_core::BookingStore) like any other. A sale is still one transaction in one cell.
//!
//! ```
//! use booking_cells::{CellMap, CellSpec, CellStore};
//! use booking_conformance::MemoryStore;
//! use booking_core::prelude::*;
//! use booking_core::{
//!     Caller, Capacity, CapacityMax, CellBytes, CellName, EventName, NewEvent, PageLimit,
//! };
//! use std::sync::Arc;
//! use uuid::Uuid;
//!
//! fn cell(name: &str, first: u8, last: u8) -> Result<CellSpec, booking_core::Invalid> {
//!     Ok(CellSpec::new(CellName::parse(name)?, "db1", CellBytes { first, last }))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cells = vec![cell("low", 0x00, 0x7f)?, cell("high", 0x80, 0xff)?];
//! let map = CellMap::new(1, vec!["db1".to_owned()], cells)?;
//! // Any stores will do, also of different kinds: the store of each cell, in the map's order.
//! let stores: Vec<Arc<dyn BookingStore>> =
//!     vec![Arc::new(MemoryStore::default()), Arc::new(MemoryStore::default())];
//! let store = CellStore::new(&map, stores.clone());
//!
//! let seats = Capacity::parse(30, CapacityMax::default())?;
//! for name in ["Rust meetup", "Jazz night"] {
//!     store.create_event(NewEvent::new(Uuid::now_v7().into(), EventName::parse(name)?, seats)).await?;
//! }
//! let listed = store.events(Caller::Anyone, None, PageLimit::MAX).await?;
//! assert_eq!((listed.items.len(), listed.missing.len()), (2, 0));
//! let id = listed.items[0].id;
//! let at = map.cell_of(id.as_uuid());
//! assert!(stores[at].event(id).await?.is_some(), "it is there, and nowhere else");
//! # Ok(())
//! # }
//! ```
//!
//! # What lies where
//!
//! | what | where |
//! | --- | --- |
//! | an event, its registrations, facts, keys' answers, lanes, deliveries, mails | in the cell of the last byte of the event's id |
//! | the answer to a request that put up an event under a key | in the cell of the last byte of the key's hash, as the event itself ([`EventId::beside`](booking_core::EventId::beside)) |
//! | tokens, keys for tickets, endpoints | in the *home*: the cell of the byte 00 |
//! | copies of tokens and endpoints, which an event's cell needs to name its organizer and to find its sinks | in every other cell |
//!
//! A registration's id ends as its event's does ([`RegistrationId::beside`](booking_core::RegistrationId::beside)), and
//! so leads to the same cell. One that does not is looked up in every other cell, once: where it was found is cached.
//!
//! # When a cell is down
//!
//! A request about one event is answered by its cell, or fails: [`StoreError::Unavailable`](booking_core::StoreError).
//! A request about all events is answered by the cells that are there: a page and an audit name the cells that are
//! missing ([`Page::missing`](booking_core::Page::missing)), and background work finds what is due in the others. A
//! cell that did not answer is not waited for again before it has answered something ([`SILENT_WAIT`]). What an
//! operator starts and must be done everywhere (erasing an address, retrying and dropping deliveries) is done where it
//! can be, and then fails. Without the home no tokens and ticket keys can be read; servers that have read them go on.
//!
//! | to find | look in |
//! | --- | --- |
//! | which cell has which bytes | `map.rs` |
//! | how all cells are asked, and how long they are waited for | `fan_out.rs`, `cell.rs` |
//! | how pages are made of pages | `merge.rs` |
//! | where a registration is looked for | `lookup.rs`, `found.rs` |
//! | how copies are kept up to date | `copies.rs` |
//! | how events are moved from one store to another, of any kind ([`Mover`]) | `moving.rs` |
//! | how the map is changed while it is in use ([`Resharder`]) | `resharding.rs` |
//! | how cells are distinguished from other databases ([`assign_cells`], [`check_cell`]) | `telling.rs` |

mod cell;
mod copies;
mod delivery;
mod fan_out;
mod found;
mod keys;
mod lookup;
mod map;
mod merge;
mod moving;
mod organizers;
mod reading;
mod resharding;
mod seats;
mod store;
mod telling;
mod upkeep;

pub use cell::{COPIES_CHECKED_EVERY, SILENT_ASKED_MAX};
pub use fan_out::{ANSWER_WAIT, HEALTH_WAIT, SILENT_WAIT};
pub use found::FOUND_MAX;
pub use map::{CELLS_MAX, CellChange, CellMap, CellSpec, MapChange, MapError, NewCell, Unreadable};
pub use moving::{
    CLEAR_ROWS, COPIES_MAX, FREEZE_ROWS_MAX, MoveError, MoveObserver, Mover, ROUNDS_MAX,
    SharedCopy, Side, Step,
};
pub use resharding::{
    ChangeState, EVENTS_AT_ONCE, MAP_SEEN_WITHIN, Moved, PASSES_MAX, ReshardError, Resharder,
    change_state, count_to_go,
};
#[cfg(feature = "negative-control")]
#[doc(hidden)]
pub use store::CellFlaw;
pub use store::{BETWEEN_WAIT, CellStore, MAP_CHECKED_EVERY};
pub use telling::{
    Bytes, NotTheCell, adopt_home, assign_cells, assignment_of, check_cell, check_none_is_assigned,
};
