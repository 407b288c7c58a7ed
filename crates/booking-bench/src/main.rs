//! The benchmark: `scripts/bench.sh`, or see [README.md](../README.md).

mod arena;
mod cells;
mod chart;
mod connection;
mod cpu;
mod desk;
mod far;
mod generator;
mod growth;
mod import;
mod latency;
mod ledger;
mod machine;
mod overload;
mod pgbench;
mod plan;
mod report;
mod request;
mod results;
mod shared;
mod side;
mod stream;
mod workload;

use anyhow::Context;
use arena::{Arena, On};
use cells::Cell;
use clap::Parser;
use machine::Machine;
use plan::{AT_A_RATE, ROUND};
use report::Run;
use results::Results;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::LocalSet;

/// Measures Booking beside the yardsticks, and verifies in SQL what every run left behind.
#[derive(Debug, Parser)]
struct Arguments {
    /// One round of one second each.
    #[arg(long)]
    quick: bool,
    /// Only cells whose names contain one of these.
    #[arg(long, num_args = 1..)]
    only: Vec<String>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long each time.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Where to write results.md and chart.svg; nowhere if left out.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Instead of all that: what is left of a server that is asked for too much.
    #[arg(long)]
    overload: bool,
    /// Instead of all that: what things cost when a database has become large.
    #[arg(long)]
    growth: bool,
    /// Instead of all that: what an organizer does while seats are sold, and what it costs the sale.
    #[arg(long)]
    desk: bool,
    /// For the desk: how many people there are.
    #[arg(long, default_value_t = 1_000_000)]
    people: u64,
    /// The server; the one beside this program if left out.
    #[arg(long)]
    server: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.rounds, arguments.seconds) = (1, 1.0);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, run(&arguments))
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let server = match &arguments.server {
        Some(server) => server.clone(),
        None => std::env::current_exe()?.with_file_name("booking-http"),
    };
    eprintln!("setting up");
    let here = std::env::current_dir()?;
    let wanted = |cell: &&Cell| {
        arguments.only.is_empty() || arguments.only.iter().any(|part| cell.key.contains(part))
    };
    let measures_cells = !arguments.overload && !arguments.growth && !arguments.desk;
    let is_wanted = |on: On| ROUND.iter().filter(wanted).any(|cell| cell.on == on);
    let wants = |on: On| match measures_cells {
        true => is_wanted(on),
        // The desk has people of its own.
        false => !arguments.desk && [On::Postgres, On::Sqlite].contains(&on),
    };
    let mut arena = Arena::set_up(&server, &here, wants).await?;
    let machine = Machine::look(&arena.database, arena.folder.path())?;
    eprintln!("{machine}");

    let window = Duration::from_secs_f64(arguments.seconds);
    let run = Run {
        command: format!("scripts/bench.sh {}", command_line()).trim_end().to_owned(),
        date: chrono::Utc::now().format("%Y-%m-%d").to_string(),
        rounds: arguments.rounds,
        seconds: arguments.seconds,
    };
    if !measures_cells {
        println!("`{}`, {}. {machine}.\n", run.command, run.date);
        if arguments.overload {
            println!("{}", overload::run(&mut arena, arguments.rounds, window).await?);
        }
        if arguments.growth {
            println!("{}", growth::run(&mut arena).await?);
        }
        if arguments.desk {
            let Arguments { people, rounds, .. } = *arguments;
            println!("{}", desk::run(&mut arena, people, rounds, window).await?);
            println!("{}", import::run(&mut arena, people).await?);
        }
        return Ok(());
    }

    let mut results = Results::default();
    for round in 1..=arguments.rounds {
        for cell in ROUND.iter().filter(wanted) {
            measure(&mut arena, cell, window, &mut results, round).await?;
        }
    }
    for round in 1..=arguments.rounds {
        for cell in AT_A_RATE.iter().filter(wanted) {
            measure(&mut arena, cell, window, &mut results, round).await?;
        }
    }

    let text = report::markdown(&run, &machine, &results);
    println!("{text}");
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("results.md"), text)?;
        if let Some(chart) = chart::svg(&results) {
            fs::write(folder.join("chart.svg"), chart)?;
        }
        eprintln!("written to {}", folder.display());
    }
    Ok(())
}

/// What it was called with, but for where to find and put things.
fn command_line() -> String {
    let mut shown = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" | "--server" => drop(arguments.next()),
            _ => shown.push(argument),
        }
    }
    shown.join(" ")
}

async fn measure(
    arena: &mut Arena,
    cell: &Cell,
    window: Duration,
    results: &mut Results,
    round: u32,
) -> anyhow::Result<()> {
    let rate_of = |key: &str| results.rate(key).map(|rate| rate.median);
    let sample = arena
        .measure(cell, window, rate_of)
        .await
        .with_context(|| format!("{} failed", cell.key))?;
    eprintln!(
        "round {round}: {:<24} {:>9}/s  p50 {:>8.2} ms{}",
        cell.key,
        report::thousands(sample.per_second),
        sample.p50.as_secs_f64() * 1e3,
        sample
            .p99
            .map_or(String::new(), |p99| format!("  p99 {:>8.2} ms", p99.as_secs_f64() * 1e3)),
    );
    results.add(cell.key, sample);
    Ok(())
}
