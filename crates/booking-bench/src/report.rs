//! The report, in Markdown.

use crate::arena::On;
use crate::cells::{Cell, Kind, Sample};
use crate::cpu::Split;
use crate::machine::Machine;
use crate::plan::{AT_A_RATE, COMPARISONS, Comparison, ROUND, Target, What};
use crate::results::{Results, Spread};
use std::fmt::Write;
use std::time::Duration;

/// How the run was made.
#[derive(Debug)]
pub(crate) struct Run {
    /// The command line.
    pub(crate) command: String,
    /// The date.
    pub(crate) date: String,
    /// The number of rounds.
    pub(crate) rounds: u32,
    /// The seconds of each measurement.
    pub(crate) seconds: f64,
}

/// Writes the whole report.
pub(crate) fn markdown(run: &Run, machine: &Machine, results: &Results) -> String {
    let mut text = format!(
        "# Results\n\n`{}`, {}: {} rounds, {} s each. Medians, with the lowest and the highest.\n\n\
         {machine}. Load generator, servers and PostgreSQL share the cores.\n\n",
        run.command, run.date, run.rounds, run.seconds
    );
    text.push_str(
        "## Ratios\n\nWithin each round, as the machine is another one a minute later.\n\n\
         CPU is that of server and database for each request, in microseconds.\n\n\
         | workload | compared with | is | to be | CPU µs |\n| --- | --- | --- | --- | --- |\n",
    );
    for comparison in COMPARISONS {
        if let Some(ratio) = results.compare(comparison) {
            let cpu = [comparison.of, comparison.by].map(|key| cpu_of(key, results));
            let _ = writeln!(text, "{} {} |", ratio_row(comparison, ratio), cpu.join(" against "));
        }
    }
    text.push_str(
        "\n## Figures\n\nCPU is the time of each request in microseconds: server + database + load \
         generator.\n\n\
         | workload | store | connections | a second | p50 ms | p99 ms | CPU µs |\n\
         | --- | --- | --: | --: | --: | --: | --- |\n",
    );
    for cell in ROUND.iter().chain(AT_A_RATE) {
        if let Some(row) = figure_row(cell, results) {
            let _ = writeln!(text, "{row}");
        }
    }
    text
}

/// A request's CPU time, if it was measured.
fn cpu_of(key: &str, results: &Results) -> String {
    let micros = |sample: &Sample| Some(sample.cpu?.of_the_product().as_secs_f64() * 1e6);
    results.spread(key, micros).map_or("–".into(), |spread| format!("{:.0}", spread.median))
}

fn ratio_row(comparison: &Comparison, ratio: Spread) -> String {
    let (unit, digits) = match comparison.what {
        What::Rate | What::P50 | What::Cpu => (" ×", if ratio.median < 3.0 { 2 } else { 1 }),
        What::P99Growth => (" ms more", 1),
    };
    let target = match comparison.target {
        Target::AtLeast(target) => format!("at least {target}"),
        Target::AtMost(target) => format!("at most {target}"),
        Target::None => String::new(),
    };
    let mark = match comparison.target.is_reached_by(ratio.median) {
        Some(true) => " ✓",
        Some(false) => " ✗",
        None => "",
    };
    let Spread { median, min, max } = ratio;
    let what = match comparison.what {
        What::Rate => "",
        What::P50 => ", p50",
        What::Cpu => ", CPU of server and database",
        What::P99Growth => ", p99",
    };
    format!(
        "| {}{what} | {} | **{median:.digits$}{unit}** ({min:.digits$} to {max:.digits$}) | {target}{mark} |",
        name(comparison.of),
        name(comparison.by),
    )
}

/// A cell's name where no column shows its store and connections.
pub(crate) fn name(key: &str) -> String {
    let Some(cell) = ROUND.iter().chain(AT_A_RATE).find(|cell| cell.key == key) else {
        return key.to_owned();
    };
    let store = match cell.kind {
        Kind::Closed(workload, _) if workload.needs_no_store() => String::new(),
        Kind::Pgbench(_) | Kind::PgbenchAlone => ", pgbench".into(),
        _ => format!(", {}", store(cell)),
    };
    match cell.connections {
        0 | 1 => format!("{}{store}", cell.title),
        connections => format!("{}{store}, {connections} connections", cell.title),
    }
}

fn store(cell: &Cell) -> &'static str {
    match cell.on {
        On::Postgres => "PostgreSQL",
        On::PostgresOne => "PostgreSQL, batches of one",
        On::PostgresFar => "PostgreSQL 1 ms away",
        On::OneDatabase => "PostgreSQL, one database",
        On::EightCells => "two PostgreSQL, 8 cells",
        On::Sqlite => "SQLite",
        On::SqliteOne => "SQLite, batches of one",
    }
}

fn figure_row(cell: &Cell, results: &Results) -> Option<String> {
    let rate = results.rate(cell.key)?;
    let millis = |figure: fn(&Sample) -> Option<Duration>| {
        let spread = results.spread(cell.key, |s| figure(s).map(|time| time.as_secs_f64() * 1e3));
        spread.map_or("".into(), |spread| format!("{:.2}", spread.median))
    };
    let cpu = |part: fn(&Split) -> Duration| {
        let spread =
            results.spread(cell.key, |s| s.cpu.as_ref().map(|cpu| part(cpu).as_secs_f64() * 1e6));
        spread.map(|spread| format!("{:.0}", spread.median))
    };
    let split = [cpu(|cpu| cpu.server), cpu(|cpu| cpu.database), cpu(|cpu| cpu.generator)];
    let split: Vec<String> = split.into_iter().flatten().collect();
    let store = match cell.kind {
        Kind::Closed(workload, _) if workload.needs_no_store() => "none",
        Kind::Pgbench(_) | Kind::PgbenchAlone => "pgbench",
        _ => store(cell),
    };
    let connections = match cell.connections {
        0 => "best of 1, 8, 32".to_owned(),
        connections => connections.to_string(),
    };
    Some(format!(
        "| {} | {store} | {connections} | {} ({} to {}) | {} | {} | {} |",
        cell.title,
        thousands(rate.median),
        thousands(rate.min),
        thousands(rate.max),
        millis(|sample| Some(sample.p50)),
        millis(|sample| sample.p99),
        split.join(" + "),
    ))
}

/// A count with commas.
pub(crate) fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_marked_with_its_target() {
        let comparison = Comparison {
            of: "hot-pg-256",
            by: "http-256",
            what: What::Rate,
            target: Target::AtLeast(0.42),
        };
        let row = ratio_row(&comparison, Spread { median: 0.5, min: 0.4, max: 0.61 });
        assert_eq!(
            row,
            "| one hot event, PostgreSQL, 256 connections | HTTP alone, 256 connections | \
             **0.50 ×** (0.40 to 0.61) | at least 0.42 ✓ |"
        );
        let row = ratio_row(&comparison, Spread { median: 0.41, min: 0.4, max: 0.43 });
        assert!(row.ends_with("at least 0.42 ✗ |"), "{row}");
    }

    #[test]
    fn counts_have_commas() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(20_000.0), "20,000");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
    }
}
