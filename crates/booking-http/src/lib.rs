//! Booking over HTTP: the parts of `booking-http`.
//!
//! A request goes `edge` (request id, log, panics) → `routes` (extract, submit, respond) → `booking-admission` → a
//! store, and its outcome comes back the same way. Every error on it leaves as a problem, through `problem`.
//!
//! The modules are rooms in a row. Each uses only those above it here, which `tests/program/rooms.rs` checks.
//! `config` comes late, since it holds the settings of all of them in their own types; `server` hands each its
//! part, and none can see another's.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `util` | locks, a TTL cache, the log of failures that go on |
//! | `words` | which language a request wishes for, and what problems say in it |
//! | `problem` | every error, as problem+json |
//! | `settings` | every setting's name, default and meaning, and the reader of the environment |
//! | `net` | sockets, connections, and where a request comes from |
//! | `extract` | bodies, fields, JSON, paths, queries, idempotency keys, conditional requests |
//! | `api` | requests and responses as values, and how they are described; pagination, QR codes, compression |
//! | `auth` | authentication: organizers' tokens, manage tokens |
//! | `limits` | how much one client may ask for |
//! | `telemetry` | metrics, readiness, the log, request ids |
//! | `service` | what handlers work with: the queue, shared reads, tickets and their keys |
//! | `pages` | the pages that the server renders: templates, descriptions, what is filled in |
//! | `background` | periodic work: sweeping, auditing, refreshing tokens and ticket keys |
//! | `edge` | what every request passes: CORS, other sites, `Host`, slow clients, its line in the log |
//! | `routes` | which address does what |
//! | `config` | all settings as one struct, and the store that they name |
//! | `server` | listening, serving, stopping |
//! | `cli` | the subcommands |
//! | `fuzz` | what the fuzz targets call, with what each promises; in tests and for them alone |

mod api;
mod auth;
mod background;
pub mod cli;
pub mod config;
mod edge;
mod extract;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod limits;
mod net;
mod pages;
mod problem;
mod routes;
mod server;
mod service;
mod settings;
pub mod telemetry;
mod util;
mod words;

pub use routes::openapi;
pub use server::serve_store;

/// The examples in the README are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
