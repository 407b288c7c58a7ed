//! A server under ten times as many clients as its capacity.

use crate::arena::Arena;
use crate::connection::Connection;
use crate::cpu;
use crate::generator::{self, Pace};
use crate::latency::{latencies, millis};
use crate::request::{Requests, get};
use crate::results::Spread;
use crate::side::Servers;
use crate::workload::{self, Action, Field, HOT};
use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until};

/// A queue's capacity, and the number of clients.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    /// The queue's capacity, in commands. Small, so that a load generator on the same cores can fill it, and the
    /// server's default.
    queue: usize,
    /// On a connection each.
    clients: usize,
    /// The number of connections that the goodput is compared with.
    at_peak: usize,
}

const CROWDS: [Crowd; 3] = [
    Crowd { queue: 16_384, clients: 2_560, at_peak: 256 },
    Crowd { queue: 128, clients: 1_280, at_peak: 96 },
    Crowd { queue: 512, clients: 5_120, at_peak: 384 },
];
/// The interval of health checks.
const HEALTH_EVERY: Duration = Duration::from_millis(20);
/// How long to keep watching after the storm.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// What refused clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// They retry at once.
    RetryAtOnce,
    /// They wait as long as `Retry-After` says, give or take a half.
    BackOff,
}

struct Storm {
    address: SocketAddr,
    field: Field,
    manners: Manners,
    ends: Instant,
    next_number: Cell<u64>,
    booked: RefCell<Histogram<u64>>,
    refused: RefCell<Histogram<u64>>,
}

/// Storms servers in both ways, and returns the report.
///
/// # Errors
///
/// If an answer is neither 201 nor `overloaded`, or the store does not match the answers.
pub(crate) async fn run(
    arena: &mut Arena,
    rounds: u32,
    window: Duration,
) -> anyhow::Result<String> {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let mut text = format!(
        "## Overload\n\nPostgreSQL. Medians of {rounds} rounds; the peak is measured before and after each storm.\n\n\
         | queue | clients | goodput, of the peak of | refusals a second | refusal p99 ms | /health p99 ms | server MB | \
         lone client p99 ms before, and after {} s |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
        AFTERWARDS.as_secs()
    );
    for crowd in CROWDS {
        for manners in [Manners::RetryAtOnce, Manners::BackOff] {
            let mut storms = Vec::new();
            for round in 1..=rounds {
                eprintln!("{crowd:?}, {manners:?}: round {round}");
                storms.push(storm(arena, manners, crowd, window).await?);
            }
            let median = |figure: fn(&Figures) -> f64| {
                let spread = Spread::of(storms.iter().map(figure).collect());
                spread.map_or(f64::NAN, |spread| spread.median)
            };
            let _ = writeln!(
                text,
                "| {} | {} that {} | {:.2}, {} connections | {:.0} | {:.1} | {:.1} | {:.0} | {:.2}, {:.2} |",
                crowd.queue,
                crowd.clients,
                match manners {
                    Manners::RetryAtOnce => "retry at once",
                    Manners::BackOff => "back off",
                },
                median(|storm| storm.goodput),
                crowd.at_peak,
                median(|storm| storm.refusals_per_second),
                median(|storm| storm.refusal_p99_millis),
                median(|storm| storm.health_p99_millis),
                median(|storm| storm.server_megabytes),
                median(|storm| storm.before_p99_millis),
                median(|storm| storm.after_p99_millis),
            );
        }
    }
    Ok(text)
}

/// A server's measurements in a storm.
struct Figures {
    /// As a share of the peak.
    goodput: f64,
    refusals_per_second: f64,
    refusal_p99_millis: f64,
    health_p99_millis: f64,
    server_megabytes: f64,
    before_p99_millis: f64,
    after_p99_millis: f64,
}

async fn storm(
    arena: &mut Arena,
    manners: Manners,
    crowd: Crowd,
    window: Duration,
) -> anyhow::Result<Figures> {
    arena.postgres.restart_with(&[("QUEUE_MAX", crowd.queue.to_string())]);
    let peak_before = closed(arena, crowd.at_peak, window).await?;
    let before = closed(arena, 1, window).await?;

    let side = &mut arena.postgres;
    let field = side.prepare_events(workload::HOT.ground).await?;
    let address = side.addresses(Servers::One)?[0];
    let mut connections = Vec::with_capacity(crowd.clients);
    for _ in 0..crowd.clients {
        connections.push(Connection::open(address).await?);
    }
    let storm = Rc::new(Storm {
        address,
        field: field.clone(),
        manners,
        ends: Instant::now() + 2 * window,
        next_number: Cell::new(side.next_number()),
        booked: RefCell::new(latencies()),
        refused: RefCell::new(latencies()),
    });
    let health = spawn_local(health(Rc::clone(&storm)));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn_local(Rc::clone(&storm).client(connection));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a client panicked")??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let health = health.await??;
    sleep(AFTERWARDS).await;

    let storm = Rc::into_inner(storm).context("everybody has ended")?;
    let (booked, refused) = (storm.booked.into_inner(), storm.refused.into_inner());
    let outcome = generator::Outcome::of(booked.len(), storm.next_number.get());
    let side = &mut arena.postgres;
    side.settle(&outcome, &field)?;
    let memory = cpu::memory_peak_bytes(side.pid()).unwrap_or_default();
    let after = closed(arena, 1, window).await?;
    let peak_after = closed(arena, crowd.at_peak, window).await?;
    let at_peak = (peak_before.answered + peak_after.answered) as f64 / (2 * window).as_secs_f64();
    let p99 = |latency: &Histogram<u64>| millis(latency.value_at_quantile(0.99));
    Ok(Figures {
        goodput: booked.len() as f64 / seconds / at_peak,
        refusals_per_second: refused.len() as f64 / seconds,
        refusal_p99_millis: p99(&refused),
        health_p99_millis: p99(&health),
        server_megabytes: memory as f64 / 1e6,
        before_p99_millis: p99(&before.latency),
        after_p99_millis: p99(&after.latency),
    })
}

/// Registrations on a hot event in a closed loop.
async fn closed(
    arena: &mut Arena,
    connections: usize,
    window: Duration,
) -> anyhow::Result<generator::Outcome> {
    let side = &mut arena.postgres;
    let field = side.prepare_events(HOT.ground).await?;
    let load = side.load(Servers::One, connections, HOT, Pace::Closed, window)?;
    Ok(side.run(load, &field).await?.outcome)
}

async fn health(storm: Rc<Storm>) -> anyhow::Result<Histogram<u64>> {
    let mut connection = Connection::open(storm.address).await?;
    let mut latency = latencies();
    let request = get(&storm.address.to_string(), "/health");
    while Instant::now() < storm.ends {
        let began = Instant::now();
        let answer = connection.exchange(request.as_bytes()).await?;
        anyhow::ensure!(answer.status == 200, "the server is not healthy: {}", answer.status);
        latency.saturating_record(micros(began));
        sleep_until(began + HEALTH_EVERY).await;
    }
    Ok(latency)
}

impl Storm {
    async fn client(self: Rc<Self>, mut connection: Connection) -> anyhow::Result<()> {
        let mut requests = Requests::new(&self.address.to_string());
        while Instant::now() < self.ends {
            let email = self.next_number.replace(self.next_number.get() + 1);
            let action = Action::Register { event: 0, email: workload::scramble(email) };
            self.until_answered(&mut connection, requests.bytes(&self.field, action)).await?;
        }
        Ok(())
    }

    async fn until_answered(
        &self,
        connection: &mut Connection,
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        loop {
            let began = Instant::now();
            let answer = connection.exchange(bytes).await?;
            match answer.status {
                201 => {
                    self.booked.borrow_mut().saturating_record(micros(began));
                    return Ok(());
                }
                503 if answer.says_overloaded() => {
                    self.refused.borrow_mut().saturating_record(micros(began));
                }
                status => bail!("a stormy {status}: {}", String::from_utf8_lossy(answer.body)),
            }
            if Instant::now() >= self.ends {
                return Ok(());
            }
            if self.manners == Manners::BackOff {
                // 0.5 to 1.5 s, so that they do not all retry together.
                sleep(Duration::from_millis(
                    500 + u64::from(began.elapsed().subsec_nanos() % 1_000),
                ))
                .await;
            }
        }
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
