//! `booking-load chaos`.

use anyhow::Context;
use booking_load::chaos::{Chaos, Counts, Plan};
use clap::Args;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the intermittent fault is checked.
const TICK: Duration = Duration::from_millis(100);
/// How often the counts are printed.
const REPORT_EVERY: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct ChaosArgs {
    /// Where to listen, on loopback.
    #[arg(long, default_value = "127.0.0.1:6432")]
    listen: SocketAddr,
    /// Where PostgreSQL listens, on loopback.
    #[arg(long, default_value = "127.0.0.1:5432")]
    upstream: SocketAddr,
    /// The share of COMMITs that never arrive, as the connection is cut.
    #[arg(long, default_value_t = 0.0)]
    cut_before: f64,
    /// The share of COMMITs that arrive and whose answers do not.
    #[arg(long, default_value_t = 0.0)]
    cut_after: f64,
    /// The share of COMMITs that are late.
    #[arg(long, default_value_t = 0.0)]
    delay: f64,
    /// By how much they are.
    #[arg(long, default_value_t = 100)]
    delay_milliseconds: u64,
    /// How long everything takes on its way, in each direction.
    #[arg(long, default_value_t = 0)]
    latency_milliseconds: u64,
    /// Cut every connection after so many seconds, again and again.
    #[arg(long)]
    cut_all_every_seconds: Option<u64>,
    /// Let nothing through after so many seconds, again and again.
    #[arg(long)]
    black_hole_every_seconds: Option<u64>,
    /// For so many seconds.
    #[arg(long, default_value_t = 5)]
    black_hole_seconds: u64,
    /// What chances are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl ChaosArgs {
    /// Runs until it is killed.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let plan = Plan {
            cut_before_commit: self.cut_before,
            cut_after_commit: self.cut_after,
            delay_commit: self.delay,
            delay: Duration::from_millis(self.delay_milliseconds),
            latency: Duration::from_millis(self.latency_milliseconds),
            is_black_hole: false,
        };
        let chaos = Chaos::start(self.listen, self.upstream, plan.clone(), self.seed)
            .await
            .with_context(|| format!("cannot listen at {}", self.listen))?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "chaos on {} before {}", chaos.address(), self.upstream)?;
        stdout.flush()?;
        let seconds = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        let (mut cut, mut hole) = (Instant::now(), Instant::now());
        let (mut reported, mut last_reported) = (Instant::now(), Counts::default());
        loop {
            sleep(TICK).await;
            if seconds(self.cut_all_every_seconds).is_some_and(|every| cut.elapsed() >= every) {
                chaos.cut_all();
                cut = Instant::now();
            }
            let every = seconds(self.black_hole_every_seconds);
            if every.is_some_and(|every| hole.elapsed() >= every) {
                chaos.set(Plan { is_black_hole: true, ..plan.clone() });
                sleep(Duration::from_secs(self.black_hole_seconds)).await;
                chaos.set(plan.clone());
                hole = Instant::now();
            }
            if reported.elapsed() >= REPORT_EVERY && chaos.counts() != last_reported {
                last_reported = chaos.counts();
                eprintln!("{last_reported:?}");
                reported = Instant::now();
            }
        }
    }
}
