//! The embedded store of Booking: one SQLite file, no server, and the same guarantees as with one.
//!
//! ```
//! use booking_core::prelude::*;
//! use booking_core::{Caller, PageLimit};
//! use booking_sqlite::{Options, SqliteStore};
//!
//! # #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("booking.db");
//! let store = SqliteStore::open(&path, Options::default()).await?;
//! assert!(store.events(Caller::Operator, None, PageLimit::MAX).await?.items.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # How it keeps its promises
//!
//! - Every write is a job for one thread, which owns the one connection that may write, and is one
//!   `BEGIN IMMEDIATE` transaction. Other processes may have the same file open: SQLite's write lock
//!   lets one transaction in at a time, so [`WhenBusy`](booking_core::WhenBusy) makes no difference
//!   here and no command is ever answered as busy. A caller that cannot get the lock in
//!   [`BUSY_TIMEOUT`] gets the error that the store is unavailable.
//! - `journal_mode=WAL` lets readers go on during a write, `synchronous=FULL` makes COMMIT wait for
//!   the disk. A transaction can be read only after that, so that whatever is read is durable.
//! - The file has to be on a local disk: the write-ahead log needs memory shared by all processes
//!   that have the file open.
//! - Nothing is written to or read from a file that its path does not name any more, because it was deleted,
//!   renamed or replaced: the store is unavailable until it is back. The same applies if committed data was cut
//!   off from the write-ahead log.
//! - Every wait has a limit: [`BUSY_TIMEOUT`], [`JOBS_MAX`], [`JOB_WAIT_MAX`], [`ANSWER_WAIT_MAX`],
//!   [`READER_WAIT_MAX`], [`OPEN_WAIT_MAX`].

mod audit;
mod backup;
mod connection;
mod create;
mod delivery;
mod delivery_rows;
mod endpoints;
mod erasure;
mod errors;
mod execute;
mod files;
mod former_holders;
mod health;
mod history;
mod keeping;
mod keys;
mod lanes;
mod leftovers;
mod load;
mod mails;
mod migrate;
mod moved_rows;
mod moving;
mod organizers;
mod ownership;
mod paths;
#[cfg(test)]
mod plans;
mod queries;
mod readers;
mod records;
mod rows;
mod schema;
mod spellings;
mod sql;
mod store;
mod transaction;
mod wal;
mod ways;
mod write;
mod writer;

pub use audit::audit;
pub use backup::{BackupError, backup};
pub use connection::{BUSY_TIMEOUT, OPEN_WAIT_MAX};
pub use errors::OpenError;
pub use migrate::migrate;
pub use readers::{READER_WAIT_MAX, READERS_DEFAULT};
pub use store::{Options, SqliteStore};
pub use writer::{ANSWER_WAIT_MAX, JOB_WAIT_MAX, JOBS_MAX};
