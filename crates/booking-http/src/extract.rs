//! Strict extractors of requests, for handlers.

pub(crate) mod body;
pub(crate) mod conditional;
pub(crate) mod fields;
pub(crate) mod form;
pub(crate) mod idempotency_key;
pub(crate) mod json;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod upload;
