//! `booking-http deliveries`: lists pending and failed deliveries, retries and drops them.

use crate::config::{Config, store};
use anyhow::{Context, bail};
use booking_core::{
    Backlog, BookingStore, CellName, Endpoint, EndpointId, SinkBacklog, SinkId, StoreError,
};
use chrono::{DateTime, SecondsFormat, Utc};
use std::io::{Write, stdout};

/// The subcommands for deliveries.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub(super) enum DeliveriesCommand {
    /// List what is still to be delivered, by webhook and by mail: how much, since when, and what failed
    List,
    /// Have what failed, or was given up, be tried again at once
    Retry {
        #[command(flatten)]
        of: OneOrAll,
    },
    /// Give up all that is still to be delivered to one webhook, or by mail: nobody gets it any more
    Drop {
        #[command(flatten)]
        of: One,
        /// Yes, nobody is to get it
        #[arg(long)]
        yes: bool,
    },
}

// One destination or all. Not a doc comment: clap would show that in place of the command's own.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[group(multiple = false)]
pub(super) struct OneOrAll {
    /// Of this webhook alone
    #[arg(long, value_name = "ID")]
    webhook: Option<EndpointId>,
    /// Mail alone
    #[arg(long)]
    mail: bool,
}

// One destination.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct One {
    /// Of this webhook
    #[arg(long, value_name = "ID")]
    webhook: Option<EndpointId>,
    /// Mail
    #[arg(long)]
    mail: bool,
}

impl DeliveriesCommand {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List => list(config).await,
            Self::Retry { of } => retry(config, of).await,
            Self::Drop { yes: false, .. } => {
                bail!("what is dropped nobody ever gets; say so with --yes")
            }
            Self::Drop { of, yes: true } => drop_all(config, of).await,
        }
    }
}

/// The webhook with this `id`. An unknown one has nothing pending, which would look as if all were well; and mail
/// has an id of its own kind, which is not accepted here.
async fn webhook(store: &dyn BookingStore, id: EndpointId) -> anyhow::Result<Endpoint> {
    let endpoints = store.endpoints().await?;
    let found = endpoints.into_iter().find(|endpoint| endpoint.id == id);
    found.with_context(|| format!("there is no webhook {id}"))
}

/// Prints the backlog of delivery, a line for each destination with pending deliveries, worst first.
async fn list(config: &Config) -> anyhow::Result<()> {
    let store = store::open_existing(config).await?;
    let (backlog, disabled) = (store.backlog().await?, disabled(&*store).await?);
    // By the answers to the requests just now.
    let away = store.cells().into_iter().filter(|cell| !cell.is_up).map(|cell| cell.name);
    let mut out = stdout().lock();
    for line in lines(&backlog, &disabled, &away.collect::<Vec<_>>()) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The webhooks that are disabled: what waits for them is in no backlog.
async fn disabled(store: &dyn BookingStore) -> Result<Vec<Endpoint>, StoreError> {
    let mut endpoints = store.endpoints().await?;
    endpoints.retain(|endpoint| endpoint.disabled.is_some());
    Ok(endpoints)
}

fn lines(backlog: &Backlog, disabled: &[Endpoint], away: &[CellName]) -> Vec<String> {
    let mut lines: Vec<String> = backlog.sinks.iter().map(line).collect();
    if lines.len() == Backlog::SINKS_MAX {
        lines.push("and more webhooks".to_owned());
    }
    if backlog.mails_due > 0 {
        let since = when(backlog.oldest_mail);
        lines.push(format!("mails: {} to be sent, the oldest since {since}", backlog.mails_due));
    }
    if backlog.mails_stuck > 0 {
        lines.push(format!("mails: {} given up; retry --mail sends them", backlog.mails_stuck));
    }
    if backlog.oldest_unrouted.is_some() {
        let since = when(backlog.oldest_unrouted);
        lines.push(format!("not yet looked at: what happened since {since}"));
    }
    if lines.is_empty() {
        let but = match (away, disabled) {
            ([], []) => "",
            ([], _) => ", but for what is disabled",
            _ => ", as far as is known",
        };
        lines.push(format!("everything is delivered{but}"));
    }
    lines.extend(
        away.iter()
            .map(|cell| format!("cell {cell} does not answer: what waits there is not told")),
    );
    lines.extend(disabled.iter().filter_map(line_of_disabled));
    lines
}

fn line_of_disabled(endpoint: &Endpoint) -> Option<String> {
    let (since, why) = endpoint.disabled?;
    let (id, since, why) = (endpoint.id, when(Some(since)), why.as_str());
    Some(format!("webhook {id}: disabled since {since} ({why}); what happens is kept for it"))
}

fn line(sink: &SinkBacklog) -> String {
    let SinkBacklog { lanes, failing, .. } = sink;
    let name = match sink.sink.endpoint() {
        Some(id) => format!("webhook {id}"),
        None => "mail".to_owned(),
    };
    format!("{name}: {lanes} events wait, since {}; {failing} failed", when(sink.oldest))
}

fn when(instant: Option<DateTime<Utc>>) -> String {
    instant.map_or("-".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

async fn retry(config: &Config, of: OneOrAll) -> anyhow::Result<()> {
    let store = store::open_existing(config).await?;
    let webhook = match of.webhook {
        Some(id) => Some(webhook(&*store, id).await?),
        None => None,
    };
    let sink = webhook.as_ref().map(|webhook| SinkId::from(webhook.id));
    let count = store.retry_deliveries(sink.or(of.mail.then_some(SinkId::MAIL))).await?;
    println!("to be tried again at once: {count} events or mails");
    if let Some(line) = webhook.as_ref().and_then(line_of_disabled) {
        println!("{line}");
    }
    Ok(())
}

async fn drop_all(config: &Config, of: One) -> anyhow::Result<()> {
    let store = store::open_existing(config).await?;
    let sink = match of.webhook {
        Some(id) => SinkId::from(webhook(&*store, id).await?.id),
        // There is one of the two.
        None => SinkId::MAIL,
    };
    let count = store.drop_deliveries(sink).await?;
    println!("given up: what there was for {count} events or mails");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_destination_has_its_line() {
        let lines = |backlog: &Backlog| super::lines(backlog, &[], &[]);
        assert_eq!(lines(&Backlog::default()), ["everything is delivered"]);
        let away = [CellName::parse("c7").expect("a valid name")];
        assert_eq!(
            super::lines(&Backlog::default(), &[], &away),
            [
                "everything is delivered, as far as is known",
                "cell c7 does not answer: what waits there is not told",
            ]
        );
        let at = DateTime::from_timestamp(1_777_662_000, 0);
        let sink = |id| SinkBacklog { sink: SinkId::from(id), lanes: 3, failing: 1, oldest: at };
        let backlog = Backlog {
            oldest_unrouted: at,
            sinks: vec![sink(Uuid::from_u128(7)), sink(Uuid::nil())],
            mails_due: 5,
            oldest_mail: at,
            mails_stuck: 2,
        };
        assert_eq!(
            lines(&backlog),
            [
                "webhook 00000000-0000-0000-0000-000000000007: 3 events wait, since 2026-05-01T19:00:00Z; 1 failed",
                "mail: 3 events wait, since 2026-05-01T19:00:00Z; 1 failed",
                "mails: 5 to be sent, the oldest since 2026-05-01T19:00:00Z",
                "mails: 2 given up; retry --mail sends them",
                "not yet looked at: what happened since 2026-05-01T19:00:00Z",
            ]
        );
    }
}
