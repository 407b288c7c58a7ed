//! Booking over HTTP: what `booking-http` is made of.
//!
//! A request goes `edge` (request id, log, panics) → `routes` (extract, submit, present) →
//! `booking-admission` → a store, and its outcome comes back the same way. Whatever goes wrong on it
//! leaves as a problem, through `problem`.

mod assets;
mod body;
mod caching;
mod coalesce;
pub mod command;
pub mod config;
mod edge;
mod healthcheck;
mod page;
mod problem;
mod reads;
mod requests;
mod routes;
mod server;
mod service;
mod settings;
mod shutdown;
mod store;
mod unread;
mod wire;

/// The examples in the README are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
