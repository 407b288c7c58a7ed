//! Booking over HTTP: what `booking-http` is made of.
//!
//! A request goes `edge` (request id, log, panics) → `routes` (extract, submit, present) →
//! `booking-admission` → a store, and its outcome comes back the same way. Whatever goes wrong on it
//! leaves as a problem, through `problem`.
//!
//! | to find | look in |
//! | --- | --- |
//! | which address does what | `routes` |
//! | what is taken | `host`, `body`, `json`, `fields`, `requests`; `path`, `page`, `caching` |
//! | who asks, whether they may, and whether it is the same request again | `identity`, `access`, `rights`, `idempotency` |
//! | what is answered | `present`, `wire`, `problem`, `calendar`, `qr`; `base_url` |
//! | tickets and tokens, and the secrets behind them | `tickets`, `tokens`, `seeds`, `scans` |
//! | how much one client may ask for | `limits` |
//! | reads that are shared, and look-ups that go together | `reads`, `coalesce`, `gather` |
//! | connections, and slow clients | `transport`, `connections`, `unread` |
//! | what runs beside requests | `sweeper`, `auditor`, `access`, `shutdown` |
//! | what operators see | `metrics`, `readiness`, `log_format`, `own_words`, `causes` |

mod access;
mod assets;
mod auditor;
mod base_url;
mod beside;
mod body;
mod caching;
mod calendar;
mod causes;
mod coalesce;
pub mod command;
mod compress;
pub mod config;
mod connections;
mod cors;
mod edge;
mod erase;
mod fields;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod gather;
mod healthcheck;
mod host;
mod idempotency;
mod identity;
mod json;
mod kept;
mod limits;
mod locked;
pub mod log_format;
mod metrics;
mod organizers;
pub mod own_words;
mod page;
mod path;
mod present;
mod problem;
mod qr;
mod query;
mod readiness;
mod reads;
mod requests;
mod rights;
mod routes;
mod scans;
mod seeds;
mod server;
mod service;
mod settings;
mod shutdown;
mod sites;
mod store;
mod sweeper;
mod tickets;
mod tokens;
mod transport;
mod unread;
mod wire;

pub use server::serve_store;

/// The examples in the README are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
