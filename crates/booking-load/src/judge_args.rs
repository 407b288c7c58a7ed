//! `booking-load judge`.

use anyhow::Context;
use booking_load::api::Api;
use booking_load::judge::{History, Verdict, judge};
use booking_load::receivers::{Behaviour, Receivers};
use booking_load::token::OrganizerToken;
use booking_load::workload::{self, Pace, WorkloadOptions};
use clap::Args;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Every so manieth message is compared with the API's state at that moment.
const LOOK_BACK_EVERY: u64 = 20;

#[derive(Args)]
pub(crate) struct JudgeArgs {
    /// A server; several that share a database if given more than once.
    #[arg(long = "url", default_value = "http://127.0.0.1:8080")]
    urls: Vec<String>,
    /// A file with an organizer's token, for servers that are not open; else BOOKING_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How many requests.
    #[arg(long, default_value_t = 20_000)]
    operations: u64,
    /// Go on until SIGTERM or SIGINT instead, and then judge.
    #[arg(long, conflicts_with = "operations")]
    until_stopped: bool,
    /// How many clients at once.
    #[arg(long, default_value_t = 32)]
    clients: u32,
    /// How many events.
    #[arg(long, default_value_t = 8)]
    events: u32,
    /// The seats of each. Four times as many people want one.
    #[arg(long, default_value_t = 100)]
    seats: u32,
    /// Which share of the requests gives something up.
    #[arg(long, default_value_t = 0.2)]
    cancel_share: f64,
    /// How far from now the hours lie that one event in four is given again and again; 0 gives none.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    hours_within_seconds: u64,
    /// What the requests are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long one answer may take.
    #[arg(long, default_value_t = 15)]
    answer_timeout_seconds: u64,
    /// For how long the same request is sent again while nothing is decided.
    #[arg(long, default_value_t = 60)]
    decide_within_seconds: u64,
    /// Write what was asked, answered and read to this file, one JSON object a line.
    #[arg(long)]
    history: Option<PathBuf>,
    /// Judge this file, and run nothing.
    #[arg(long, conflicts_with_all = ["urls", "history"])]
    check: Option<PathBuf>,
    /// Have webhooks tell a receiver of it, and judge that too: good, dead, stalling:SECONDS or flapping:SHARE; several if
    /// given more than once.
    #[arg(long = "webhooks", value_name = "KIND", conflicts_with = "check")]
    receivers: Vec<Behaviour>,
    /// How long they may be told nothing after the load while they were not told of everything.
    #[arg(long, default_value_t = 60)]
    arrive_within_seconds: u64,
    /// Fail if this never occurred, by its name in the report.
    #[arg(long)]
    reach: Vec<String>,
}

impl JudgeArgs {
    pub(crate) fn run(&self, runtime: &Runtime) -> anyhow::Result<Verdict> {
        let history = match &self.check {
            Some(path) => read(path).with_context(|| path.display().to_string())?,
            None => {
                let (history, pace) = runtime.block_on(self.ask_and_listen())?;
                eprintln!(
                    "load: {:.1} s; slowest answer {:.3} s, slowest decision {:.3} s, longest time \
                     without a change {:.3} s",
                    pace.load.as_secs_f64(),
                    pace.slowest.as_secs_f64(),
                    pace.slowest_decision.as_secs_f64(),
                    pace.longest_standstill.as_secs_f64()
                );
                history
            }
        };
        if let Some(path) = &self.history {
            write(&history, path).with_context(|| path.display().to_string())?;
        }
        Ok(judge(&history))
    }

    /// Runs the workload, with receivers if there are to be some.
    async fn ask_and_listen(&self) -> anyhow::Result<(History, Pace)> {
        if self.receivers.is_empty() {
            return self.ask().await;
        }
        let options = self.options()?;
        let url = options.urls.first().context("at least one URL is needed")?;
        let api = Api::new(url, options.limits.clone())?.with_token(options.token.clone());
        let receivers = Receivers::start(&self.receivers, LOOK_BACK_EVERY)?;
        receivers.subscribe(&api).await?;
        let asked = self.ask().await;
        let (mut history, pace) = match asked {
            Ok(asked) => asked,
            Err(error) => {
                receivers.unsubscribe(&api).await;
                return Err(error);
            }
        };
        let within = Duration::from_secs(self.arrive_within_seconds);
        let arrived = receivers.finish(&mut history, pace.began, within).await;
        receivers.unsubscribe(&api).await;
        match arrived {
            Some(after) => eprintln!("webhooks: all there {:.3} s later", after.as_secs_f64()),
            None => eprintln!("webhooks: NOT EVERYTHING ARRIVED"),
        }
        Ok((history, pace))
    }

    async fn ask(&self) -> anyhow::Result<(History, Pace)> {
        if !self.until_stopped {
            return workload::run(self.options()?).await;
        }
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let stopped = async {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
        };
        let (history, pace, ()) = workload::run_during(self.options()?, stopped).await?;
        Ok((history, pace))
    }

    /// Whether every required entry occurred; prints those that did not.
    pub(crate) fn reached(&self, verdict: &Verdict) -> bool {
        let wanted: Vec<&str> = self.reach.iter().map(String::as_str).collect();
        let missing = verdict.coverage.missing(&wanted);
        for what in &missing {
            eprintln!("never occurred: {what}");
        }
        missing.is_empty()
    }

    fn options(&self) -> anyhow::Result<WorkloadOptions> {
        let mut options = WorkloadOptions {
            token: OrganizerToken::find(self.token_file.as_deref())?,
            operations: self.operations,
            clients: self.clients,
            events: self.events,
            seats: self.seats,
            cancel_share: self.cancel_share,
            hours_within: Some(Duration::from_secs(self.hours_within_seconds))
                .filter(|within| !within.is_zero()),
            seed: self.seed,
            decide_within: Duration::from_secs(self.decide_within_seconds),
            ..WorkloadOptions::at(self.urls.clone())
        };
        options.limits.answer = Duration::from_secs(self.answer_timeout_seconds);
        Ok(options)
    }
}

fn read(path: &Path) -> anyhow::Result<History> {
    let mut history = History::default();
    for (number, line) in BufReader::new(File::open(path)?).lines().enumerate() {
        history.read_line(&line?).with_context(|| format!("line {}", number + 1))?;
    }
    Ok(history)
}

fn write(history: &History, path: &Path) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for record in history.records() {
        serde_json::to_writer(&mut file, &record)?;
        file.write_all(b"\n")?;
    }
    Ok(file.flush()?)
}
