//! `booking-load`: storms a server that speaks the API of Booking, and verifies what it says.

mod chaos_args;
mod judge_args;
mod watch_args;
mod webhooks_args;

use anyhow::Context;
use booking_load::api::Api;
use booking_load::client::Limits;
use booking_load::flash::{self, FlashOptions};
use booking_load::receivers::Behaviour;
use booking_load::report::FlashReport;
use booking_load::token::OrganizerToken;
use booking_load::watch;
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Load generator and verifier for any server that speaks the API of Booking.
///
/// Exits with 0 if every rule held, 1 if one was broken, 2 if nothing could be measured.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Threads that generate load. One is the cheapest by the request, and enough for most servers.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    threads: u8,
    /// Print the report as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// A flash sale: create an event, let many clients storm it at once, verify what it holds.
    Flash(FlashArgs),
    /// Ask for everything at once, write down what is answered, and judge it.
    Judge(judge_args::JudgeArgs),
    /// Ask while receivers of webhooks listen, and judge what was answered and what they were told.
    Webhooks(webhooks_args::WebhooksArgs),
    /// Have one event watched by many while it is sold, and tell how late they hear of it.
    Watch(watch_args::WatchArgs),
    /// Stand between a server and PostgreSQL and fail on purpose, until killed.
    Chaos(chaos_args::ChaosArgs),
}

#[derive(Args)]
struct FlashArgs {
    /// A server; several that share a database if given more than once.
    #[arg(long = "url", default_value = "http://127.0.0.1:8080")]
    urls: Vec<String>,
    /// A file with an organizer's token, for servers that are not open; else BOOKING_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Capacity of the event.
    #[arg(long, default_value_t = 1_000)]
    seats: u32,
    /// How many clients want a seat.
    #[arg(long, default_value_t = 20_000)]
    clients: u32,
    /// How many of them at once, each on a connection of its own.
    #[arg(long, default_value_t = 1_000)]
    concurrency: usize,
    /// How long the whole storm may take.
    #[arg(long, default_value_t = 120)]
    timeout_seconds: u64,
    /// How long one answer may take.
    #[arg(long, default_value_t = 10)]
    answer_timeout_seconds: u64,
    /// How long clients go on asking, whatever happens, before they start to count their retries.
    #[arg(long, default_value_t = 0)]
    tolerate_outages_seconds: u64,
    /// How often a client asks again while nothing is decided.
    #[arg(long, default_value_t = 10)]
    retries: u32,
    /// Have webhooks tell a receiver of it meanwhile: good, dead, stalling:SECONDS or flapping:SHARE; several if given
    /// more than once.
    #[arg(long = "webhooks", value_name = "KIND")]
    receivers: Vec<Behaviour>,
}

impl FlashArgs {
    /// Whether every rule held, with the report.
    async fn run(self) -> anyhow::Result<(FlashReport, bool)> {
        let receivers = self.receivers.clone();
        let options = self.options()?;
        if receivers.is_empty() {
            let report = flash::run(options).await?;
            let is_clean = report.is_clean();
            return Ok((report, is_clean));
        }
        let url = options.urls.first().context("at least one URL is needed")?;
        let api = Api::new(url, options.limits.clone())?.with_token(options.token.clone());
        let background = webhooks_args::BackgroundReceivers::start(&receivers, api).await?;
        let report = flash::run(options).await?;
        let arrived = background.end(&report.event_id).await?;
        let is_clean = report.is_clean() && arrived;
        Ok((report, is_clean))
    }

    fn options(self) -> anyhow::Result<FlashOptions> {
        Ok(FlashOptions {
            token: OrganizerToken::find(self.token_file.as_deref())?,
            urls: self.urls,
            seats: self.seats,
            clients: self.clients,
            concurrency: self.concurrency,
            timeout: Duration::from_secs(self.timeout_seconds),
            limits: Limits {
                answer: Duration::from_secs(self.answer_timeout_seconds),
                ..Limits::default()
            },
            tolerate_outages: Duration::from_secs(self.tolerate_outages_seconds),
            retries: self.retries,
            progress: true,
        })
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("booking-load: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every rule held.
fn run(cli: Cli) -> anyhow::Result<bool> {
    let mut runtime = match cli.threads {
        // No second thread to hand tasks to, and so none to wake.
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(cli.threads.into()).enable_all().build()?;
    match cli.command {
        Command::Flash(flash) => {
            let (report, is_clean) = runtime.block_on(flash.run())?;
            print(cli.json, &report)?;
            Ok(is_clean)
        }
        Command::Judge(judge) => {
            let verdict = judge.run(&runtime)?;
            print(cli.json, &verdict)?;
            Ok(verdict.is_clean() && judge.reached(&verdict))
        }
        Command::Webhooks(webhooks) => {
            let report = runtime.block_on(webhooks.run())?;
            print(cli.json, &report)?;
            Ok(report.is_clean())
        }
        Command::Watch(watch) => {
            let report = runtime.block_on(watch::run(watch.options()?))?;
            print(cli.json, &report)?;
            Ok(report.is_clean())
        }
        Command::Chaos(chaos) => runtime.block_on(chaos.run()).map(|()| true),
    }
}

fn print(
    as_json: bool,
    report: &(impl serde::Serialize + std::fmt::Display),
) -> anyhow::Result<()> {
    let text = match as_json {
        true => serde_json::to_string_pretty(report).context("cannot render the report")? + "\n",
        false => report.to_string(),
    };
    // Not print!, which panics if the reader closes the pipe.
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the report")
}
