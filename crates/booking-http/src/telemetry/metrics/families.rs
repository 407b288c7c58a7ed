//! The metrics themselves.

use super::described::{Described, METRICS};
use super::unix_seconds;
use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use std::time::SystemTime;

/// Seconds that a request may take: the waits of `Limits` are within.
const REQUEST_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];
/// Seconds that a part of a transaction may take, up to the store's own limits.
const STORE_SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Sizes of batches, up to the largest that can be set.
const COMMANDS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 2_048.0, 10_000.0];

/// Each of [`METRICS`], with its values.
pub(super) struct Families {
    pub(super) registry: Registry,
    pub(super) requests: IntCounterVec,
    pub(super) request_duration: HistogramVec,
    pub(super) requests_under_way: IntGauge,
    pub(super) live_watchers: IntGauge,
    pub(super) live_messages: IntCounter,
    pub(super) problems: IntCounterVec,
    pub(super) ready: IntGaugeVec,
    pub(super) queue_commands: IntGauge,
    pub(super) queue_age: Gauge,
    pub(super) queue_shed: IntCounter,
    pub(super) batch_commands: Histogram,
    pub(super) batches: IntGaugeVec,
    pub(super) batch_wait: Histogram,
    pub(super) batch_failures: IntCounterVec,
    pub(super) lock: Histogram,
    pub(super) commit: Histogram,
    pub(super) transaction: Histogram,
    pub(super) retries: IntCounter,
    pub(super) commits_lost: IntCounter,
    pub(super) connections: IntGaugeVec,
    pub(super) connections_max: IntGauge,
    pub(super) connections_waiting: IntGauge,
    pub(super) cells_up: IntGaugeVec,
    pub(super) cells_map_version: IntGauge,
    pub(super) cells_map_outdated: IntGauge,
    pub(super) cells_map_publishing: Gauge,
    pub(super) events: IntGauge,
    pub(super) seats: IntGauge,
    pub(super) seats_taken: IntGauge,
    pub(super) seats_held: IntGauge,
    pub(super) waiting: IntGauge,
    pub(super) delivery_oldest: IntGaugeVec,
    pub(super) delivery_lanes: IntGaugeVec,
    pub(super) mails: IntGaugeVec,
    pub(super) mail_server_away: IntGauge,
    pub(super) task_panics: IntCounterVec,
    pub(super) task_up: IntGaugeVec,
    pub(super) sweeps: IntCounterVec,
    pub(super) audits: IntCounterVec,
    pub(super) audit_differences: IntGauge,
    pub(super) audit_timestamp: Gauge,
}

impl Families {
    pub(super) fn new() -> Self {
        let registry = Registry::new();
        let of = &registry;
        let families = Self {
            requests: counters(of, "booking_http_requests_total"),
            request_duration: {
                let described = described("booking_http_request_duration_seconds");
                let options = histogram_options(described, REQUEST_SECONDS);
                registered(of, HistogramVec::new(options, described.labels))
            },
            requests_under_way: gauge(of, "booking_http_requests_in_flight"),
            live_watchers: gauge(of, "booking_live_watchers"),
            live_messages: counter(of, "booking_live_messages_total"),
            problems: counters(of, "booking_problems_total"),
            ready: gauges(of, "booking_ready"),
            queue_commands: gauge(of, "booking_queue_commands"),
            queue_age: float_gauge(of, "booking_queue_age_seconds"),
            queue_shed: counter(of, "booking_queue_shed_total"),
            batch_commands: histogram(of, "booking_batch_commands", COMMANDS),
            batches: gauges(of, "booking_batches_in_flight"),
            batch_wait: histogram(of, "booking_batch_wait_seconds", STORE_SECONDS),
            batch_failures: counters(of, "booking_batch_failures_total"),
            lock: histogram(of, "booking_store_lock_seconds", STORE_SECONDS),
            commit: histogram(of, "booking_store_commit_seconds", STORE_SECONDS),
            transaction: histogram(of, "booking_store_transaction_seconds", STORE_SECONDS),
            retries: counter(of, "booking_store_retries_total"),
            commits_lost: counter(of, "booking_store_commits_lost_total"),
            connections: gauges(of, "booking_store_connections"),
            connections_max: gauge(of, "booking_store_connections_max"),
            connections_waiting: gauge(of, "booking_store_connections_waiting"),
            cells_up: gauges(of, "booking_cells_up"),
            cells_map_version: gauge(of, "booking_cells_map_version"),
            cells_map_outdated: gauge(of, "booking_cells_map_outdated"),
            cells_map_publishing: float_gauge(of, "booking_cells_map_publishing_seconds"),
            events: gauge(of, "booking_events"),
            seats: gauge(of, "booking_seats"),
            seats_taken: gauge(of, "booking_seats_taken"),
            seats_held: gauge(of, "booking_seats_held"),
            waiting: gauge(of, "booking_waiting"),
            delivery_oldest: gauges(of, "booking_delivery_oldest_seconds"),
            delivery_lanes: gauges(of, "booking_delivery_lanes"),
            mails: gauges(of, "booking_mails"),
            mail_server_away: gauge(of, "booking_mail_server_away_seconds"),
            task_panics: counters(of, "booking_task_panics_total"),
            task_up: gauges(of, "booking_task_up"),
            sweeps: counters(of, "booking_sweeps_total"),
            audits: counters(of, "booking_audits_total"),
            audit_differences: gauge(of, "booking_audit_differences"),
            audit_timestamp: float_gauge(of, "booking_audit_timestamp_seconds"),
            registry,
        };
        families.begin();
        families
    }

    /// Shows at 0 what has not happened yet: an alert cannot look at a series that is missing.
    fn begin(&self) {
        for (family, label_values) in [
            (&self.batch_failures, ["unavailable", "commit_unknown", "broken"].as_slice()),
            (&self.sweeps, &["done", "failed"]),
            (&self.audits, &["clean", "differences", "failed"]),
            (&self.problems, &["internal", "outcome_unknown", "overloaded", "unavailable"]),
        ] {
            for value in label_values {
                family.with_label_values(&[*value]);
            }
        }
        self.batches.with_label_values(&["0"]);
        let build = gauges(&self.registry, "booking_build_info");
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let start = float_gauge(&self.registry, "process_start_time_seconds");
        start.set(unix_seconds(SystemTime::now()));
    }
}

pub(super) fn gauge(registry: &Registry, name: &str) -> IntGauge {
    registered(registry, IntGauge::with_opts(options(described(name))))
}

pub(super) fn float_counter(registry: &Registry, name: &str) -> Counter {
    registered(registry, Counter::with_opts(options(described(name))))
}

fn float_gauge(registry: &Registry, name: &str) -> Gauge {
    registered(registry, Gauge::with_opts(options(described(name))))
}

fn gauges(registry: &Registry, name: &str) -> IntGaugeVec {
    let described = described(name);
    registered(registry, IntGaugeVec::new(options(described), described.labels))
}

fn counter(registry: &Registry, name: &str) -> IntCounter {
    registered(registry, IntCounter::with_opts(options(described(name))))
}

fn counters(registry: &Registry, name: &str) -> IntCounterVec {
    let described = described(name);
    registered(registry, IntCounterVec::new(options(described), described.labels))
}

fn histogram(registry: &Registry, name: &str, buckets: &[f64]) -> Histogram {
    registered(registry, Histogram::with_opts(histogram_options(described(name), buckets)))
}

fn described(name: &str) -> &'static Described {
    let described = METRICS.iter().find(|metric| metric.name == name);
    described.expect("every metric that is counted is described")
}

fn options(described: &Described) -> Opts {
    Opts::new(described.name, described.help)
}

fn histogram_options(described: &Described, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts::new(described.name, described.help).buckets(buckets.to_vec())
}

fn registered<T: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<T>,
) -> T {
    let metric = metric.expect("a name and labels that Prometheus knows");
    registry.register(Box::new(metric.clone())).expect("each is registered once");
    metric
}
