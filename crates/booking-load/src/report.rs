//! Reports, for people and for programs.

use crate::options::FlashOptions;
use crate::storm::Tally;
use crate::verify::{Client, ClientResult, Violation};
use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};
use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

/// How many breaches of one rule are printed in full.
const EXAMPLES_MAX: usize = 5;

/// The outcome of a flash sale.
#[derive(Debug, Clone, Serialize)]
pub struct FlashReport {
    /// The event that was created.
    pub event_id: String,
    /// The servers that were stormed.
    pub urls: Vec<String>,
    /// The number of seats.
    pub seats: u32,
    /// The number of clients that wanted one.
    pub clients: u32,
    /// The number of concurrent clients.
    pub concurrency: usize,
    /// All answers, retries included, by status and code.
    pub answers: Vec<AnswerCount>,
    /// Requests that got no answer, by kind.
    pub transport_errors: Vec<TransportErrorCount>,
    /// The number of retries.
    pub retries: u64,
    /// Latencies of the answers.
    pub latency: Latency,
    /// From the first request to the last final answer.
    #[serde(rename = "wall_seconds", serialize_with = "as_seconds")]
    pub wall: Duration,
    /// Answers of any kind per second of that time.
    pub answers_per_second: f64,
    /// CPU time of the whole process in that time, to 10 ms: the cost of the generator itself, unless the server
    /// runs in the same process. `None` where the system does not report it.
    #[serde(rename = "process_cpu_seconds", serialize_with = "as_optional_seconds")]
    pub process_cpu: Option<Duration>,
    /// The clients whose answer was a seat, in the order of the clients.
    pub winners: Vec<Winner>,
    /// All breaches.
    pub violations: Vec<Violation>,
}

/// The count of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerCount {
    /// The status.
    pub status: u16,
    /// The code of the problem, if there was one.
    pub code: Option<String>,
    /// How often.
    pub count: u64,
}

/// The count of one kind of failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransportErrorCount {
    /// A stable name.
    pub kind: &'static str,
    /// How often.
    pub count: u64,
    /// The first message of this kind.
    pub example: String,
}

/// Quantiles, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "quantiles have no more to them than their names")]
pub struct Latency {
    pub p50_micros: u64,
    pub p90_micros: u64,
    pub p99_micros: u64,
    pub max_micros: u64,
}

impl Latency {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            p50_micros: histogram.value_at_quantile(0.5),
            p90_micros: histogram.value_at_quantile(0.9),
            p99_micros: histogram.value_at_quantile(0.99),
            max_micros: histogram.max(),
        }
    }
}

/// A client whose answer was a seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Winner {
    /// `None` if the answer with the id was lost and a retry said that the address has a seat.
    pub registration_id: Option<String>,
    /// Its address.
    pub email: String,
}

/// The measurements of the storm.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    pub(crate) process_cpu: Option<Duration>,
}

impl FlashReport {
    pub(crate) fn new(
        event_id: String,
        options: &FlashOptions,
        tally: &Tally,
        measured: Measured,
        clients: &[Client],
        violations: Vec<Violation>,
    ) -> Self {
        let answers = tally.answers.iter().map(|((status, code), &count)| AnswerCount {
            status: *status,
            code: code.clone(),
            count,
        });
        let transport_errors = tally.transport_errors.iter().map(|(&kind, (count, example))| {
            TransportErrorCount { kind, count: *count, example: example.clone() }
        });
        let answers: Vec<_> = answers.collect();
        let answer_count: u64 = answers.iter().map(|answer| answer.count).sum();
        let seconds = measured.wall.as_secs_f64().max(f64::MIN_POSITIVE);
        Self {
            event_id,
            urls: options.urls.clone(),
            seats: options.seats,
            clients: options.clients,
            concurrency: options.concurrency,
            answers,
            transport_errors: transport_errors.collect(),
            retries: tally.retries,
            latency: Latency::of(&tally.latency),
            wall: measured.wall,
            answers_per_second: answer_count as f64 / seconds,
            process_cpu: measured.process_cpu,
            winners: clients.iter().filter_map(winner).collect(),
            violations,
        }
    }

    /// Whether no rule was broken.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// The number of answers of any kind.
    pub fn answer_count(&self) -> u64 {
        self.answers.iter().map(|answer| answer.count).sum()
    }

    /// The number of answers with this status and code.
    pub fn count(&self, status: u16, code: Option<&str>) -> u64 {
        let is_it =
            |answer: &&AnswerCount| (answer.status, answer.code.as_deref()) == (status, code);
        self.answers.iter().find(is_it).map_or(0, |answer| answer.count)
    }
}

fn winner(client: &Client) -> Option<Winner> {
    let ClientResult::Won { registration_id } = &client.result else { return None };
    Some(Winner { registration_id: registration_id.clone(), email: client.email.clone() })
}

impl fmt::Display for FlashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, seats, concurrency, .. } = self;
        writeln!(f, "{clients} clients for {seats} seats, {concurrency} at once")?;
        writeln!(f, "event {} at {}\n", self.event_id, self.urls.join(", "))?;
        for AnswerCount { status, code, count } in &self.answers {
            writeln!(f, "{count:>10}  {status} {}", code.as_deref().unwrap_or_default())?;
        }
        for TransportErrorCount { kind, count, example } in &self.transport_errors {
            writeln!(f, "{count:>10}  {kind} ({example})")?;
        }
        writeln!(f, "{:>10}  asked again", self.retries)?;
        writeln!(f, "{:>10}  told that they won\n", self.winners.len())?;
        self.fmt_speed(f)?;
        self.fmt_violations(f)
    }
}

impl FlashReport {
    fn fmt_speed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50_micros, p90_micros, p99_micros, max_micros } = self.latency;
        let [p50, p90, p99, max] =
            [p50_micros, p90_micros, p99_micros, max_micros].map(|micros| micros as f64 / 1_000.0);
        writeln!(
            f,
            "latency    p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, max {max:.1} ms"
        )?;
        let seconds = self.wall.as_secs_f64();
        writeln!(f, "time       {seconds:.3} s, {:.0} answers/s", self.answers_per_second)?;
        if let Some(cpu) = self.process_cpu {
            let each = cpu.as_secs_f64() * 1e6 / self.answer_count().max(1) as f64;
            let cpu = cpu.as_secs_f64();
            writeln!(f, "generator  {cpu:.2} s of CPU, {each:.1} µs an answer")?;
        }
        Ok(())
    }

    /// The first few of each rule in full, so that 20,000 breaches of one do not hide those of another.
    fn fmt_violations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return writeln!(f, "verified   every answer holds, on {} server(s)", self.urls.len());
        }
        writeln!(f, "\n{} VIOLATIONS", self.violations.len())?;
        for group in self.violations.chunk_by(|a, b| key(a) == key(b)) {
            let server = group[0].server.as_deref().unwrap_or("answers");
            for violation in &group[..group.len().min(EXAMPLES_MAX)] {
                writeln!(f, "  {server}: {}", violation.breach)?;
            }
            if group.len() > EXAMPLES_MAX {
                writeln!(f, "  {server}: … and {} more like it", group.len() - EXAMPLES_MAX)?;
            }
        }
        Ok(())
    }
}

fn key(violation: &Violation) -> (&Option<String>, Discriminant<crate::verify::Breach>) {
    (&violation.server, discriminant(&violation.breach))
}

pub(crate) fn as_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

pub(crate) fn as_optional_seconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}
