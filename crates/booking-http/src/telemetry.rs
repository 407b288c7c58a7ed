//! Metrics, readiness, and the log, for operators.

pub(crate) mod cell_map;
pub(crate) mod lag;
pub mod log_filter;
pub mod log_format;
pub(crate) mod metrics;
pub(crate) mod readiness;
pub(crate) mod request_id;

use std::net::SocketAddr;

/// Where metrics are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAt {
    /// Besides, on the same port.
    Here,
    /// At an address of their own.
    Apart(SocketAddr),
    /// Nowhere.
    Nowhere,
}
