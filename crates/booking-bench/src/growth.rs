//! The cost of a registration and of a page in a large database.

use crate::arena::Arena;
use crate::connection::Connection;
use crate::cpu;
use crate::generator::Pace;
use crate::latency::{latencies, millis};
use crate::report::thousands;
use crate::results::Spread;
use crate::side::{Servers, Side};
use crate::workload::{Field, HOT};
use anyhow::ensure;
use hdrhistogram::Histogram;
use std::time::Duration;
use tokio::time::Instant;

/// Registrations on one event, and events.
const REGISTRATIONS: u64 = 1_000_000;
const EVENTS: usize = 100_000;
const CONNECTIONS: usize = 256;
/// The requests for pages of each kind.
const PAGES: u64 = 2_000;
const WINDOW: Duration = Duration::from_secs(4);
/// How often small and large are compared.
const ROUNDS: usize = 7;
/// The server's own limit of a batch.
const BATCH: usize = 512;

/// Fills both stores, and returns the report.
///
/// # Errors
///
/// If an answer or a store is wrong.
pub(crate) async fn run(arena: &mut Arena) -> anyhow::Result<String> {
    let mut text = format!(
        "## Growth\n\n{} registrations on one event among {} events, beside a new event in a small \
         database, {CONNECTIONS} connections, {ROUNDS} rounds. CPU is the server's and the database's time \
         for each registration; pages have 100 items.\n\n\
         | store | CPU µs, small | large | grows by | page of registrations, p99 ms | page of events, p99 ms | \
         server MB at most |\n| --- | --- | --- | --- | --- | --- | --- |\n",
        thousands(REGISTRATIONS as f64),
        thousands(EVENTS as f64),
    );
    // The servers with batches of one have their own databases, and use whole batches here.
    for small in [&mut arena.postgres_one, &mut arena.sqlite_one] {
        small.restart_with(&[("BATCH_MAX", BATCH.to_string())]);
    }
    text.push_str(&grow("PostgreSQL", &mut arena.postgres, &mut arena.postgres_one).await?);
    text.push_str(&grow("SQLite", &mut arena.sqlite, &mut arena.sqlite_one).await?);
    Ok(text)
}

async fn grow(name: &str, large: &mut Side, small: &mut Side) -> anyhow::Result<String> {
    let field = large.prepare_events(HOT.ground).await?;
    large.add_crowd(EVENTS).await?;
    let mut registered = 0;
    while registered < REGISTRATIONS {
        eprintln!("growth, {name}: {registered} registrations");
        registered += cost(large, &field).await?.count;
    }

    let (mut small_micros, mut large_micros, mut growth) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let new = small.prepare_events(HOT.ground).await?;
        let at_first = cost(small, &new).await?;
        let in_the_end = cost(large, &field).await?;
        registered += in_the_end.count;
        small_micros.push(at_first.micros);
        large_micros.push(in_the_end.micros);
        growth.push(100.0 * (in_the_end.micros / at_first.micros - 1.0));
    }

    let mut connection = Connection::open(large.addresses(Servers::One)?[0]).await?;
    let event = &field.events[0];
    let mut registrations = latencies();
    for n in 0..PAGES {
        let cursor = 1 + n * (registered / PAGES);
        let path = format!("/events/{event}/registrations?limit=100&cursor={cursor}");
        page(&mut connection, &path, &mut registrations).await?;
    }
    let mut events = latencies();
    let mut next = Some("/events?limit=100".to_owned());
    while let Some(path) = next {
        next = page(&mut connection, &path, &mut events).await?;
    }
    ensure!(
        events.len() * 100 >= EVENTS as u64,
        "the list of events ended after {} pages",
        events.len()
    );
    let median = |figures| Spread::of(figures).map_or(f64::NAN, |spread: Spread| spread.median);
    Ok(format!(
        "| {name} | {:.1} | {:.1} | {:.0} % | {:.2} | {:.2} | {} |\n",
        median(small_micros),
        median(large_micros),
        median(growth),
        millis(registrations.value_at_quantile(0.99)),
        millis(events.value_at_quantile(0.99)),
        cpu::memory_peak_bytes(large.pid()).unwrap_or_default() / 1_000_000,
    ))
}

/// The cost of registrations.
struct Cost {
    count: u64,
    /// CPU time of server and database per registration.
    micros: f64,
}

/// Registers for a while.
async fn cost(side: &mut Side, field: &Field) -> anyhow::Result<Cost> {
    let mut load = side.load(Servers::One, CONNECTIONS, HOT, Pace::Closed, WINDOW)?;
    load.warm_up = Duration::ZERO;
    let ran = side.run(load, field).await?;
    let micros = ran.cpu.of_the_product().as_secs_f64() * 1e6;
    Ok(Cost { count: ran.requests, micros })
}

/// Reads a page; returns the path of the next one.
async fn page(
    connection: &mut Connection,
    path: &str,
    latency: &mut Histogram<u64>,
) -> anyhow::Result<Option<String>> {
    let began = Instant::now();
    let answer = connection.get(path).await?;
    latency.saturating_record(u64::try_from(began.elapsed().as_micros())?);
    ensure!(answer.status == 200, "{path} is answered {}", answer.status);
    Ok(answer.next_page())
}
