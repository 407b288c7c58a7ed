//! The PostgreSQL store of Booking.
//!
//! ```no_run
//! use booking_core::prelude::*;
//! use booking_pg::{PgOptions, PgStore};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = PgOptions::parse("postgresql://user:password@localhost/booking")?;
//! let store = PgStore::connect(&options, Duration::from_secs(30)).await?;
//! store.migrate().await?;
//! assert!(store.health().await?.takes_writes);
//! # Ok(())
//! # }
//! ```
//!
//! A batch is one transaction: the rows of its events are locked in one statement, in the order of
//! their ids; what the commands need is loaded; [`decide_batch`](booking_core::decide_batch) decides;
//! what changed is written in a few statements, whatever the size of the batch; COMMIT. It takes two
//! round trips, because statements that do not need each other's answers go out together. Only an
//! event on which holds have expired, where attendees wait for a free seat, or that is edited takes
//! one more.
//!
//! | to find | look in |
//! | --- | --- |
//! | the transaction itself | `execute.rs`: what it reads, `load.rs`; what it writes, `write.rs` |
//! | retries, time limits, commits of unknown outcome | `transaction.rs`; ends that nobody waits for, `rollback.rs` |
//! | the name of a transaction in PostgreSQL's own views and logs | `session.rs` |
//! | which SQLSTATE means what | `error.rs` |
//! | from rows to domain types, and back | `rows.rs`, `delivery_rows.rs`, `columns.rs` |
//! | which events a cell accepts, and the map of cells that a home stores | `keeping.rs` |
//! | delivery of facts | `delivery.rs`, and what it names |
//! | every statement | `sql/<entity>/<verb>.sql`; the columns of a registration, which they name, `sql.rs` |
//! | the tables | `migrations/postgres` at the top of the workspace |

mod assignment;
mod audit;
mod columns;
mod connection;
mod create;
mod delivery;
mod delivery_rows;
mod endpoints;
mod erasure;
mod error;
mod execute;
mod former_holders;
mod health;
mod hosts;
mod keeping;
mod keys;
mod lanes;
mod load;
mod mails;
mod migrate;
mod moving;
mod options;
mod organizers;
mod parameters;
mod read;
mod read_registrations;
mod records;
mod rollback;
mod rows;
mod script;
mod session;
mod spellings;
mod sql;
mod store;
mod tls;
mod transaction;
mod url;
mod write;

pub use error::ConnectError;
pub use hosts::keep_no_connections_here;
pub use options::{OptionsError, PgOptions, PlanCacheMode, TlsMode};
#[doc(hidden)]
pub use sql::statements;
pub use store::PgStore;
