//! `booking-load webhooks`, and receivers beside other workloads.

use anyhow::Context;
use booking_load::api::Api;
use booking_load::receivers::{Behaviour, Receivers};
use booking_load::token::OrganizerToken;
use booking_load::webhooks::{self, WebhookOptions, WebhookReport};
use booking_load::workload::{Mix, WorkloadOptions};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

#[derive(Args)]
pub(crate) struct WebhooksArgs {
    /// A server; several that share a database if given more than once.
    #[arg(long = "url", default_value = "http://127.0.0.1:8080")]
    urls: Vec<String>,
    /// A file with an organizer's token, for servers that are not open; else BOOKING_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A receiver: good, dead, stalling:SECONDS or flapping:SHARE; several if given more than once.
    #[arg(long = "receiver", value_name = "KIND", default_value = "good")]
    receivers: Vec<Behaviour>,
    /// How many requests.
    #[arg(long, default_value_t = 20_000)]
    operations: u64,
    /// How many of them a second; as many as are answered if left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// What is asked for.
    #[arg(long, value_enum, default_value_t = MixArg::Sale)]
    mix: MixArg,
    /// How many clients at once.
    #[arg(long, default_value_t = 64)]
    clients: u32,
    /// How many events.
    #[arg(long, default_value_t = 1)]
    events: u32,
    /// The seats of each.
    #[arg(long, default_value_t = 100_000)]
    seats: u32,
    /// What the requests are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long no message may arrive after the load while some are missing.
    #[arg(long, default_value_t = 60)]
    arrive_within_seconds: u64,
    /// Hold each so manieth message against what the API tells at that moment; 0 for none.
    #[arg(long, default_value_t = 100)]
    look_back_every: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum MixArg {
    /// Registrations and holds, some of which are confirmed or given up.
    Sale,
    /// Everything that can be asked, as the judge does.
    Everything,
}

impl WebhooksArgs {
    pub(crate) async fn run(self) -> anyhow::Result<WebhookReport> {
        let load = WorkloadOptions {
            token: OrganizerToken::find(self.token_file.as_deref())?,
            operations: self.operations,
            clients: self.clients,
            events: self.events,
            seats: self.seats,
            seed: self.seed,
            rate: self.rate,
            mix: match self.mix {
                MixArg::Sale => Mix::Sale,
                MixArg::Everything => Mix::Everything,
            },
            // A sale has none.
            hours_within: match self.mix {
                MixArg::Sale => None,
                MixArg::Everything => WorkloadOptions::at(Vec::new()).hours_within,
            },
            ..WorkloadOptions::at(self.urls)
        };
        webhooks::run(WebhookOptions {
            load,
            receivers: self.receivers,
            arrive_within: Duration::from_secs(self.arrive_within_seconds),
            look_back_every: self.look_back_every,
        })
        .await
    }
}

/// How long no message may arrive after another load, while some are missing.
const ARRIVE_WITHIN: Duration = Duration::from_secs(60);

/// Receivers beside a workload that does not know of them, so that it can be compared with the same without.
pub(crate) struct BackgroundReceivers {
    receivers: Receivers,
    api: Api,
}

impl BackgroundReceivers {
    pub(crate) async fn start(behaviours: &[Behaviour], api: Api) -> anyhow::Result<Self> {
        let receivers = Receivers::start(behaviours, 0)?;
        receivers.subscribe(&api).await?;
        Ok(Self { receivers, api })
    }

    /// Waits until everything of an event has arrived, and prints that. Returns whether it has.
    pub(crate) async fn end(self, event_id: &str) -> anyhow::Result<bool> {
        let event_id: Uuid = event_id.parse().context("the event's id is none")?;
        let version = self.api.event_version(event_id).await?;
        let arrived = self.receivers.arrived(&[(event_id, version)], ARRIVE_WITHIN).await;
        self.receivers.unsubscribe(&self.api).await;
        for receiver in self.receivers.all() {
            let count = receiver.received().len();
            eprintln!(
                "webhooks: {count} messages for {version} changes ({})",
                receiver.behaviour()
            );
        }
        match arrived {
            Some(after) => eprintln!("webhooks: all there {:.3} s later", after.as_secs_f64()),
            None => eprintln!("webhooks: NOT EVERYTHING ARRIVED"),
        }
        Ok(arrived.is_some())
    }
}
