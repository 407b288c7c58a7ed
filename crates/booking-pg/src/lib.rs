//! The PostgreSQL store of Booking.
//!
//! A batch is one transaction: the rows of its events are locked in one statement, in the order of
//! their ids; what the commands need is loaded; [`decide_batch`](booking_core::decide_batch) decides;
//! what changed is written in three statements, whatever the size of the batch; COMMIT. It takes two
//! round trips, because statements that do not need each other's answers go out together.
//!
//! | to find | look in |
//! | --- | --- |
//! | the transaction itself | `execute.rs` |
//! | retries, time limits, commits of unknown outcome | `transaction.rs` |
//! | which SQLSTATE means what | `error.rs` |
//! | every statement | `sql/<entity>/<verb>.sql` |
//! | the tables | `migrations/postgres` at the top of the workspace |

mod audit;
mod connection;
mod create;
mod error;
mod execute;
mod migrate;
mod options;
mod read;
mod rows;
mod sql;
mod store;
mod tls;
mod transaction;

pub use error::ConnectError;
pub use options::{OptionsError, PgOptions, TlsMode};
pub use store::PgStore;
