//! What the tests and benches of Booking run against: throwaway PostgreSQL clusters, the server
//! program, and a browser driver.
//!
//! | to get | use |
//! | --- | --- |
//! | an empty or migrated database of one's own | [`shared`], [`Cluster::database`], [`Cluster::template`] |
//! | a PostgreSQL to kill, freeze and restart | [`Cluster::start`] |
//! | a standby of it, to fail over to | [`Cluster::start_standby`] |
//! | a schema that a Citus of yours has distributed | [`CitusSchema`] |
//! | a running `booking-http` | [`ServerProcess`] |
//! | to know that a log holds nothing personal or secret | [`leak()`]; servers are checked when they are dropped |
//! | HAProxy or nginx in front of it | [`ProxyProcess`] |
//! | a `WebDriver` with headless Chromium | [`ChromeDriver`] |
//! | the same, with browsers that are started once and used by many tests | [`Browsers`] |
//!
//! Everything blocks, starts real processes and panics with what those processes printed, which is the best that a
//! test can do with such an error. It can all be called from async tests too, since nothing here needs (or blocks
//! on) the caller's runtime.
//!
//! Nothing outlives the test process. Each process started here has a guard, a small shell that
//! waits at the other end of a pipe: when the pipe closes, for whatever reason (also kill -9), the
//! guard stops what it guards and removes its directory.
//!
//! ```no_run
//! let cluster = booking_testkit::shared();
//! let template = cluster.template_async("migrated", async |url| {
//!     // booking_pg::migrate(&url).await
//!     # let _ = url;
//! });
//! let database = cluster.database(Some(&template));
//! println!("{}", database.url());
//! ```

mod binaries;
mod browsers;
mod chrome;
mod chromium;
mod citus;
mod cluster;
mod database;
mod devtools;
mod guard;
mod installation;
mod leak;
mod output;
mod port;
mod process;
mod proxy;
mod server;

pub use binaries::PgBinaries;
pub use browsers::{Browsers, Lease};
pub use chrome::ChromeDriver;
pub use citus::CitusSchema;
pub use cluster::{Cluster, shared};
pub use database::{Database, Rows, Template, run_sql};
pub use installation::ClusterOptions;
pub use leak::leak;
pub use port::free_port;
pub use proxy::ProxyProcess;
pub use server::ServerProcess;
