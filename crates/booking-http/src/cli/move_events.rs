//! `booking-http move`: moves events from one store to another, while both are served.

use crate::cli::progress::Progress;
use crate::config::{Config, store};
use anyhow::{Context, bail};
use booking_cells::{EVENTS_AT_ONCE, Mover, SharedCopy};
use booking_core::{EventId, MoveId};
use uuid::Uuid;

/// What is copied beside events, for the message that it was not.
const SHARED: &str = "organizers, tokens, webhooks and keys";

/// The source, the target, and the events.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub(super) struct MoveArguments {
    /// Where they are: postgres://…, the path of an SQLite file, or @ and a file that has one of these in it
    #[arg(long, value_name = "URL")]
    from: String,
    /// Where they go to; its tables must be there
    #[arg(long, value_name = "URL")]
    to: String,
    /// The id of an event to be moved, and no other than those named so; all, if none is
    #[arg(long = "event", value_name = "ID")]
    events: Vec<EventId>,
    /// Give up moves that were begun and are not to be ended: delete what has arrived at --to of events that did not leave
    #[arg(long)]
    abandon: bool,
}

/// Moves events. One that cannot be moved does not stop the others.
pub(super) async fn run(config: &Config, arguments: MoveArguments) -> anyhow::Result<()> {
    let MoveArguments { from, to, events, abandon } = arguments;
    let (from, to) = (place(&from).context("--from")?, place(&to).context("--to")?);
    if from == to {
        bail!("--from and --to are the same");
    }
    let (from, from_name) = store::open_to_move(&from, config).await.context("--from")?;
    let (to, to_name) = store::open_to_move(&to, config).await.context("--to")?;
    let progress = Progress::default();
    let mover = Mover {
        from: &*from,
        to: &*to,
        from_name: &from_name,
        to_name: &to_name,
        new_id: &|| MoveId::from(Uuid::now_v7()),
        observer: &progress,
    };
    mover.check_apart().await?;
    if abandon {
        return abandon_all(&mover, events).await;
    }
    let mut shared = SharedCopy::default();
    let (mut moved, mut failed) = (0_u64, 0_u64);
    let mut after = None;
    let mut named = events.chunks(EVENTS_AT_ONCE);
    loop {
        // Each time: tokens may be created or revoked while this runs.
        mover.copy_shared_again(&mut shared).await.context(SHARED)?;
        let found = match events.is_empty() {
            true => from.events_to_move(after, EVENTS_AT_ONCE).await?,
            false => named.next().unwrap_or_default().to_vec(),
        };
        let Some(last) = found.last() else { break };
        after = Some(*last);
        for event in found {
            count(move_one(&mover, &progress, event).await, &mut moved, &mut failed);
        }
    }
    println!("{moved} events are at {to_name}, {failed} could not be moved");
    match failed {
        0 => Ok(()),
        _ => bail!("not everything was moved; it is safe to run this again"),
    }
}

/// Abandons the moves of some events, or of all that are on their way, page by page: those that cannot be abandoned
/// stay where they are, and do not stop the others.
async fn abandon_all(mover: &Mover<'_>, events: Vec<EventId>) -> anyhow::Result<()> {
    let (mut given_up, mut failed) = (0_u64, 0_u64);
    let (mut after, mut named) = (None, events.chunks(EVENTS_AT_ONCE));
    loop {
        let found = match events.is_empty() {
            true => mover.to.events_arriving(after, EVENTS_AT_ONCE).await?,
            false => named.next().unwrap_or_default().to_vec(),
        };
        let Some(last) = found.last() else { break };
        after = Some(*last);
        for event in found {
            count(abandon_one(mover, event).await, &mut given_up, &mut failed);
        }
    }
    println!("{given_up} moves are given up, {failed} are not");
    match failed {
        0 => Ok(()),
        _ => bail!("not every move was given up; it is safe to run this again"),
    }
}

/// Abandons the move of an event and prints the result.
async fn abandon_one(mover: &Mover<'_>, event: EventId) -> bool {
    match mover.abandon(event).await {
        Ok(was_there) => {
            let deleted = if was_there { "" } else { "nothing of it was there; " };
            println!("event {event}: {deleted}it stays at {}", mover.from_name);
            true
        }
        Err(error) => {
            eprintln!("event {event}: {:#}", anyhow::Error::new(error));
            false
        }
    }
}

fn count(is_done: bool, done: &mut u64, failed: &mut u64) {
    match is_done {
        true => *done += 1,
        false => *failed += 1,
    }
}

/// Moves an event and prints the result.
async fn move_one(mover: &Mover<'_>, progress: &Progress, event: EventId) -> bool {
    progress.begin();
    match mover.move_event(event).await {
        Ok(()) => {
            println!("{}", progress.line(event));
            true
        }
        Err(error) => {
            eprintln!("event {event}: {:#}", anyhow::Error::new(error));
            false
        }
    }
}

/// The value of an argument, or the content of the file that it names.
fn place(argument: &str) -> anyhow::Result<String> {
    let Some(file) = argument.strip_prefix('@') else { return Ok(argument.to_owned()) };
    let read = std::fs::read_to_string(file);
    Ok(read.with_context(|| format!("cannot read {file}"))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_may_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "postgres://a:b@c/d\n").expect("it can be written");
        let argument = format!("@{}", file.path().display());
        assert_eq!(place(&argument).expect("it is there"), "postgres://a:b@c/d");
        assert_eq!(place("booking.db").expect("it is one"), "booking.db");
        assert!(place("@/nowhere").is_err());
    }
}
