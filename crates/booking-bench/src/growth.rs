//! What a registration and a page cost when a database has become large.

use crate::arena::{Arena, Servers, Side};
use crate::connection::Connection;
use crate::cpu::{self, Split};
use crate::generator::{self, Pace};
use crate::results::{latencies, millis};
use crate::workload::{Field, HOT};
use anyhow::ensure;
use hdrhistogram::Histogram;
use std::time::Duration;
use tokio::time::Instant;

/// Registrations on one event, and events.
const REGISTRATIONS: u64 = 1_000_000;
const EVENTS: usize = 100_000;
const CONNECTIONS: usize = 256;
/// How many pages of each kind are asked for.
const PAGES: u64 = 2_000;
const WINDOW: Duration = Duration::from_secs(4);

/// Fills both stores, and returns the report.
///
/// # Errors
///
/// If an answer or a store is not as it must be.
pub(crate) async fn run(arena: &mut Arena) -> anyhow::Result<String> {
    let mut text = format!(
        "## Growth\n\n{REGISTRATIONS} registrations on one event, {EVENTS} events, {CONNECTIONS} connections. \
         CPU is the server's and the database's time for each registration; pages have 100 items.\n\n\
         | store | CPU µs at first | in the end | grows by | page of registrations, p99 ms | page of events, \
         p99 ms | server MB at most |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    );
    text.push_str(&grow("PostgreSQL", &mut arena.postgres).await?);
    text.push_str(&grow("SQLite", &mut arena.sqlite).await?);
    Ok(text)
}

async fn grow(name: &str, side: &mut Side) -> anyhow::Result<String> {
    let field = side.lay_out(HOT.ground).await?;
    let mut registered = 0;
    let first = cost(side, &field, &mut registered).await?;
    let mut last = first;
    while registered < REGISTRATIONS {
        eprintln!("growth, {name}: {registered} registrations");
        last = cost(side, &field, &mut registered).await?;
    }
    side.add_crowd(EVENTS).await?;

    let mut connection = Connection::open(side.addresses(Servers::One)?[0]).await?;
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
    let micros = |split: Split| (split.server + split.database).as_secs_f64() * 1e6;
    Ok(format!(
        "| {name} | {:.1} | {:.1} | {:.0} % | {:.2} | {:.2} | {} |\n",
        micros(first),
        micros(last),
        100.0 * (micros(last) / micros(first) - 1.0),
        millis(registrations.value_at_quantile(0.99)),
        millis(events.value_at_quantile(0.99)),
        cpu::memory_peak_bytes(side.pid()).unwrap_or_default() / 1_000_000,
    ))
}

/// Registers for a while, and tells what each took.
async fn cost(side: &mut Side, field: &Field, registered: &mut u64) -> anyhow::Result<Split> {
    let mut load = side.load(Servers::One, CONNECTIONS, HOT, Pace::Closed, WINDOW)?;
    load.warm_up = Duration::ZERO;
    let meter = side.meter();
    let (before, began) = (meter.read(), side.next_number());
    let outcome = generator::run(load, field.clone(), began).await?;
    let used = meter.read() - before;
    let count = outcome.next_number - began;
    *registered += count;
    side.settle(&outcome, field)?;
    Ok(used / count)
}

/// Asks for a page; the path of the next one.
async fn page(
    connection: &mut Connection,
    path: &str,
    latency: &mut Histogram<u64>,
) -> anyhow::Result<Option<String>> {
    let asked = Instant::now();
    let answer = connection
        .exchange(format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").as_bytes())
        .await?;
    latency.saturating_record(u64::try_from(asked.elapsed().as_micros())?);
    ensure!(answer.status == 200, "{path} is answered {}", answer.status);
    Ok(answer.next_page())
}
