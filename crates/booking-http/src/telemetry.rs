//! What operators see: metrics, readiness, and the log.

pub mod log_filter;
pub mod log_format;
pub(crate) mod metrics;
pub(crate) mod readiness;
