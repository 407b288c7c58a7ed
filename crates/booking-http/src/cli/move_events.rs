//! `booking-http move`: moves events from one store to another, while both are served.

use crate::config::{Config, store};
use crate::util::locks::lock;
use anyhow::{Context, bail};
use booking_cells::{MoveObserver, Mover, Step};
use booking_core::{EventId, MoveId};
use std::sync::Mutex;
use std::time::Duration;
use uuid::Uuid;

/// How many events are looked for at once.
const LOOKED_FOR: usize = 500;

/// Where from, where to, and what.
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
}

/// What is told of a move while it goes on, a line for each event.
#[derive(Default)]
struct Told {
    now: Mutex<Sofar>,
}

#[derive(Default, Clone, Copy)]
struct Sofar {
    rows: u64,
    frozen: Option<Duration>,
}

impl MoveObserver for Told {
    fn reached(&self, _: EventId, step: Step) -> bool {
        // It is whole between any two of its writes.
        let mut now = lock(&self.now);
        match step {
            Step::Copied(rows) | Step::CaughtUp(rows) => now.rows += rows,
            Step::Activated(frozen) => now.frozen = frozen,
            Step::Begun
            | Step::MadeRoom
            | Step::Frozen
            | Step::Compared
            | Step::HandedOver
            | Step::Cleared(_)
            | Step::Moved => {}
        }
        true
    }
}

/// Moves events. One that cannot be moved keeps no other from it.
pub(super) async fn run(config: &Config, arguments: MoveArguments) -> anyhow::Result<()> {
    let MoveArguments { from, to, events } = arguments;
    let (from, to) = (place(&from).context("--from")?, place(&to).context("--to")?);
    if from == to {
        bail!("--from and --to are the same");
    }
    let (from, from_name) = store::open_to_move(&from, config).await.context("--from")?;
    let (to, to_name) = store::open_to_move(&to, config).await.context("--to")?;
    let told = Told::default();
    let mover = Mover {
        from: &*from,
        to: &*to,
        from_name: &from_name,
        to_name: &to_name,
        new_id: &|| MoveId::from(Uuid::now_v7()),
        observer: &told,
    };
    mover.copy_shared().await.context("organizers, tokens, webhooks and keys")?;
    let (mut moved, mut failed) = (0_u64, 0_u64);
    if events.is_empty() {
        let mut after = None;
        loop {
            let found = from.events_to_move(after, LOOKED_FOR).await?;
            let Some(last) = found.last() else { break };
            after = Some(*last);
            for event in found {
                count(move_one(&mover, &told, event).await, &mut moved, &mut failed);
            }
        }
    } else {
        for event in events {
            count(move_one(&mover, &told, event).await, &mut moved, &mut failed);
        }
    }
    println!("{moved} events are at {to_name}, {failed} could not be moved");
    match failed {
        0 => Ok(()),
        _ => bail!("not everything was moved; it is safe to run this again"),
    }
}

fn count(is_moved: bool, moved: &mut u64, failed: &mut u64) {
    match is_moved {
        true => *moved += 1,
        false => *failed += 1,
    }
}

/// Moves an event and says how that went.
async fn move_one(mover: &Mover<'_>, told: &Told, event: EventId) -> bool {
    *lock(&told.now) = Sofar::default();
    match mover.move_event(event).await {
        Ok(()) => {
            let Sofar { rows, frozen } = *lock(&told.now);
            match frozen {
                Some(frozen) => {
                    println!("event {event}: {rows} rows, frozen for {} ms", frozen.as_millis());
                }
                None => println!("event {event}: it had left before"),
            }
            true
        }
        Err(error) => {
            eprintln!("event {event}: {:#}", anyhow::Error::new(error));
            false
        }
    }
}

/// What an argument says, or the file that it names.
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
