//! The organizer's desk during a sale: all attendees are exported as a table, some are searched by a part of their
//! name, and others are imported.

use crate::arena::Arena;
use crate::connection::Connection;
use crate::cpu;
use crate::generator::Pace;
use crate::latency::{latencies, millis};
use crate::report::thousands;
use crate::request::{get, name_of};
use crate::results::Spread;
use crate::side::{Ran, Servers, Side};
use crate::stream::stream;
use crate::workload::{Field, NAMED, scramble};
use anyhow::ensure;
use hdrhistogram::Histogram;
use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// The number of concurrent buyers.
const CONNECTIONS: usize = 256;
/// The rate at which the first attendees register, if the server can.
const ARRIVALS_PER_SECOND: f64 = 20_000.0;
/// The searches without a sale.
const SEARCHES: u64 = 1_000;
/// The interval of searches during a sale.
const SEARCH_EVERY: Duration = Duration::from_millis(200);
/// How often seats are sold with searches, each time between two sales without. After more of them the event would have more
/// attendees than a server keeps in memory for searches.
const TURNS: u32 = 6;
/// The pause before each sale: the server follows sales for so long after a search.
const SEARCH_ENDS_AFTER: Duration = Duration::from_secs(11);
/// The shortest and the longest search text, in letters.
const PART: (u64, u64) = (4, 8);

/// An event, and its organizer's desk.
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    pub(crate) event: String,
    /// The numbers of its attendees.
    people: Range<u64>,
    /// The number of searches so far.
    searches: u64,
}

/// The result of a round.
struct Round {
    /// Seats a second without other work.
    seats: f64,
    /// CPU time of server and database per seat.
    micros: f64,
    /// The sale during an export of all attendees.
    exported: Against,
    /// How much more memory that took.
    megabytes_more: f64,
}

/// What searches came to.
struct Searches {
    /// The latency of the first one, which reads all attendees.
    first: f64,
    idle: Histogram<u64>,
    busy: Histogram<u64>,
    /// The sale of each turn.
    searched: Vec<Against>,
}

/// What a sale came to.
struct Sale {
    seats_per_second: f64,
    /// CPU time of server and database for each seat.
    micros: f64,
}

/// A sale with other work, against the mean of the sales before it and after it: so a machine that slows down steadily
/// changes nothing.
struct Against {
    /// Seats a second.
    seats: f64,
    /// CPU time for each seat.
    micros: f64,
    /// Seats a second of the sale after, against the sale before: how much the machine changed meanwhile.
    alone: f64,
}

impl Against {
    fn of(sale: &Sale, before: &Sale, after: &Sale) -> Self {
        let of_mean =
            |figure: fn(&Sale) -> f64| 2.0 * figure(sale) / (figure(before) + figure(after));
        Self {
            seats: of_mean(|sale| sale.seats_per_second),
            micros: of_mean(|sale| sale.micros),
            alone: after.seats_per_second / before.seats_per_second,
        }
    }
}

/// Puts so many attendees on an event in both stores, and returns the report.
///
/// # Errors
///
/// If an answer or a store is wrong.
pub(crate) async fn run(
    arena: &mut Arena,
    people: u64,
    rounds: u32,
    window: Duration,
) -> anyhow::Result<String> {
    let mut text = format!(
        "## The desk\n\n{} people of one event, for which {CONNECTIONS} connections register more; medians of {rounds} rounds and of {TURNS} turns, of {} s. \
         A sale with other work is measured against the mean of two without, one before it and one after it; *after, before* is the second of these against the first, and says how much the machine changed. \
         CPU is the server's and the database's time for each seat.\n\n\
         | store | seats a second | CPU µs | seats during an export | after, before | MB more | MB with searches | first search ms | search p50, p99 ms | \
         the same during a sale | seats during searches | after, before | CPU a seat then |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        thousands(people as f64),
        window.as_secs_f64(),
    );
    for (name, side) in [("PostgreSQL", &mut arena.postgres), ("SQLite", &mut arena.sqlite)] {
        text.push_str(&measure(name, side, people, rounds, window).await?);
    }
    Ok(text)
}

async fn measure(
    name: &str,
    side: &mut Side,
    people: u64,
    rounds: u32,
    window: Duration,
) -> anyhow::Result<String> {
    eprintln!("desk, {name}: {people} people come");
    let field = side.prepare_events(NAMED.ground).await?;
    let first = side.next_number();
    let pace = Pace::Open { per_second: ARRIVALS_PER_SECOND };
    let time = Duration::from_secs_f64(people as f64 / ARRIVALS_PER_SECOND);
    let mut load = side.load(Servers::One, CONNECTIONS, NAMED, pace, time)?;
    load.warm_up = Duration::ZERO;
    side.run(load, &field).await?;
    // Its memory then holds nothing else.
    side.restart_with(&[]);
    let mut desk = Desk::of(side, &field)?;
    desk.people = first..side.next_number();
    eprintln!("desk, {name}: searches");
    let searches = desk.searches(side, &field, window).await?;
    let megabytes = memory(side.pid());
    side.restart_with(&[]);
    desk.address = side.addresses(Servers::One)?[0];
    let mut figures = Vec::new();
    for round in 1..=rounds {
        eprintln!("desk, {name}: round {round}");
        figures.push(desk.round(side, &field, window).await?);
    }
    let of_rounds = |figure: fn(&Round) -> f64| spread(figures.iter().map(figure));
    let of_turns = |figure: fn(&Against) -> f64| spread(searches.searched.iter().map(figure));
    let share = |Spread { median, min, max }| format!("**{median:.3} ×** ({min:.3} to {max:.3})");
    let at = |latency: &Histogram<u64>| {
        let [p50, p99] = [0.5, 0.99].map(|part| millis(latency.value_at_quantile(part)));
        format!("{p50:.1}, {p99:.1} of {}", latency.len())
    };
    Ok(format!(
        "| {name} | {} | {:.1} | {} | {} | {:.1} | {megabytes:.0} | {:.0} | {} | {} | {} | {} | {} |\n",
        thousands(of_rounds(|round| round.seats).median),
        of_rounds(|round| round.micros).median,
        share(of_rounds(|round| round.exported.seats)),
        share(of_rounds(|round| round.exported.alone)),
        of_rounds(|round| round.megabytes_more).max,
        searches.first,
        at(&searches.idle),
        at(&searches.busy),
        share(of_turns(|turn| turn.seats)),
        share(of_turns(|turn| turn.alone)),
        share(of_turns(|turn| turn.micros)),
    ))
}

fn spread(figures: impl Iterator<Item = f64>) -> Spread {
    let none = Spread { median: f64::NAN, min: f64::NAN, max: f64::NAN };
    Spread::of(figures.collect()).unwrap_or(none)
}

/// The most memory that a process has had in use, in MB.
fn memory(pid: u32) -> f64 {
    cpu::memory_peak_bytes(pid).unwrap_or_default() as f64 / 1e6
}

/// Sells while `other` runs, which learns when the sale is over; returns what came of the sale, and the task's result.
async fn sell_while<T>(
    side: &mut Side,
    field: &Field,
    window: Duration,
    other: impl AsyncFnOnce(&Cell<bool>) -> anyhow::Result<T>,
) -> anyhow::Result<(Sale, T)> {
    let load = side.load(Servers::One, CONNECTIONS, NAMED, Pace::Closed, window)?;
    let (Ran { outcome, cpu, .. }, other) = side.run_while(load, field, other).await?;
    let sale = Sale {
        seats_per_second: outcome.answered as f64 / outcome.counted.as_secs_f64(),
        micros: cpu.of_the_product().as_secs_f64() * 1e6,
    };
    Ok((sale, other))
}

/// Sells with nothing else going on.
async fn sell(side: &mut Side, field: &Field, window: Duration) -> anyhow::Result<Sale> {
    Ok(sell_while(side, field, window, async |_| Ok(())).await?.0)
}

/// Sells with nothing else going on, once the server follows no sale for searches any more.
async fn sell_after_pause(
    side: &mut Side,
    field: &Field,
    window: Duration,
) -> anyhow::Result<Sale> {
    sleep(SEARCH_ENDS_AFTER).await;
    sell(side, field, window).await
}

impl Desk {
    /// A desk for the first event.
    ///
    /// # Errors
    ///
    /// If its server has no address.
    pub(crate) fn of(side: &Side, field: &Field) -> anyhow::Result<Self> {
        Ok(Self {
            address: side.addresses(Servers::One)?[0],
            event: field.events[0].clone(),
            people: 0..0,
            searches: 0,
        })
    }

    async fn round(
        &mut self,
        side: &mut Side,
        field: &Field,
        window: Duration,
    ) -> anyhow::Result<Round> {
        let pid = side.pid();
        cpu::reset_memory_peak(pid)?;
        let alone = sell(side, field, window).await?;
        let at_most = memory(pid);

        cpu::reset_memory_peak(pid)?;
        let there = side.next_number() - self.people.start;
        let exporting = async |is_over: &Cell<bool>| {
            while !is_over.get() {
                let mut lines = 0;
                self.export(|part| lines += lines_of(part)).await?;
                // The first line is the header.
                let rows = lines - 1;
                ensure!(rows >= there, "a table of {there} people has {rows} rows");
            }
            Ok(())
        };
        let (exported, ()) = sell_while(side, field, window, exporting).await?;
        let at_most_then = memory(pid);
        let after = sell_after_pause(side, field, window).await?;

        Ok(Round {
            seats: alone.seats_per_second,
            micros: alone.micros,
            exported: Against::of(&exported, &alone, &after),
            megabytes_more: at_most_then - at_most,
        })
    }

    /// Searches while nothing is sold, and then in every other sale.
    async fn searches(
        &mut self,
        side: &mut Side,
        field: &Field,
        window: Duration,
    ) -> anyhow::Result<Searches> {
        let mut connection = Connection::open(self.address).await?;
        let first = millis(self.search(&mut connection).await?);
        let (mut idle, mut busy) = (latencies(), latencies());
        for _ in 0..SEARCHES {
            idle.saturating_record(self.search(&mut connection).await?);
        }
        let mut searched = Vec::new();
        let mut before = sell_after_pause(side, field, window).await?;
        for _ in 0..TURNS {
            // Reads the registrations of the sale before.
            self.search(&mut connection).await?;
            sleep(SEARCH_ENDS_AFTER).await;
            let searching = async |is_over: &Cell<bool>| {
                while !is_over.get() {
                    let began = Instant::now();
                    busy.saturating_record(self.search(&mut connection).await?);
                    sleep_until(began + SEARCH_EVERY).await;
                }
                Ok(())
            };
            let (sale, ()) = sell_while(side, field, window, searching).await?;
            let after = sell_after_pause(side, field, window).await?;
            searched.push(Against::of(&sale, &before, &after));
            before = after;
        }
        Ok(Searches { first, idle, busy, searched })
    }

    /// Searches for a part of a name; returns the latency in microseconds.
    async fn search(&mut self, connection: &mut Connection) -> anyhow::Result<u64> {
        self.searches += 1;
        let random = scramble(self.searches);
        let Range { start, end } = self.people;
        let name = name_of(scramble(start + random % (end - start)));
        let length = PART.0 + (random >> 32) % (PART.1 - PART.0 + 1);
        let at = (random >> 40) % (name.len() as u64 - length + 1);
        let part = name[at as usize..(at + length) as usize].replace(' ', "%20");
        let path = format!("/events/{}/registrations?limit=50&q={part}", self.event);
        let began = Instant::now();
        let answer = connection.get(&path).await?;
        let micros = u64::try_from(began.elapsed().as_micros())?;
        let is_found = answer.status == 200 && answer.body.starts_with(b"[{");
        ensure!(is_found, "{path} is answered {}, and they are there", answer.status);
        Ok(micros)
    }

    /// Exports the table of all attendees, part by part.
    async fn export(&self, each: impl FnMut(&[u8])) -> anyhow::Result<()> {
        let path = format!("/events/{}/registrations.csv", self.event);
        let request = get(&self.address.to_string(), &path);
        stream(self.address, request.as_bytes(), each).await
    }

    /// The complete table.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub(crate) async fn table(&self) -> anyhow::Result<Vec<u8>> {
        let mut table = Vec::new();
        self.export(|part| table.extend_from_slice(part)).await?;
        Ok(table)
    }
}

/// The number of line ends in it.
pub(crate) fn lines_of(part: &[u8]) -> u64 {
    part.iter().filter(|byte| **byte == b'\n').count() as u64
}
