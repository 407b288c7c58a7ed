//! Latencies.

use hdrhistogram::Histogram;

/// For latencies in microseconds, to three digits, up to a minute.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000, 3).expect("these bounds are allowed")
}

/// Microseconds as milliseconds.
pub(crate) fn millis(micros: u64) -> f64 {
    micros as f64 / 1e3
}
