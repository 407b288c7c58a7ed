//! `booking-http cells`: creates the cells that CELLS_FILE names, prints their state, and changes them.

use crate::cli::change_cells;
use crate::config::cell_stores::{Seen, create_cells, look_at_cells};
use crate::config::cells::byte;
use crate::config::{CellsConfig, Config, StoreConfig};
use anyhow::bail;
use booking_cells::{CellMap, CellSpec, MapChange, NewCell, count_to_go};
use booking_core::{CellName, ErrorChain, MoveStore};
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;

/// The subcommands for cells.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub(super) enum CellsCommand {
    /// Tell where each cell is, which events it has by the last byte of their ids, whether it can be worked with, and what is
    /// under way
    Status,
    /// Make those schemas, files and tables that are not there yet; what is there stays as it is
    Create,
    /// Have the upper part of a cell's events go to a new cell, while they are sold
    Split {
        /// The cell that is split
        #[arg(value_name = "NAME")]
        cell: CellName,
        /// The first of the bytes that go: two hexadecimal digits
        #[arg(long, value_name = "BYTE", value_parser = parse_byte)]
        at: u8,
        #[command(flatten)]
        to: NewCellArguments,
    },
    /// Have all events of a cell go to a new one, while they are sold
    Move {
        /// The cell that is moved; not the home, which has the byte 00
        #[arg(value_name = "NAME")]
        cell: CellName,
        #[command(flatten)]
        to: NewCellArguments,
    },
    /// Have all events of a cell go to the cell before it, while they are sold
    Drop {
        /// The cell that is dropped; not the home, which has the byte 00
        #[arg(value_name = "NAME")]
        cell: CellName,
    },
    /// Bring to an end what one of these has begun; safe to run again
    Resume,
    /// Have what was restored from a backup be a cell again, though it was not told that it is one, or had other events then
    Adopt {
        /// The cell that it is to be
        #[arg(value_name = "NAME")]
        cell: CellName,
    },
}

/// A cell that is to be.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub(super) struct NewCellArguments {
    /// What the new cell is called
    #[arg(long, value_name = "NAME")]
    pub(super) to: CellName,
    /// The node that it is to be on, as CELLS_FILE names it
    #[arg(long)]
    pub(super) node: String,
    /// Where it is to be there, if it is not called as the cell
    #[arg(long)]
    pub(super) schema: Option<CellName>,
}

fn parse_byte(text: &str) -> Result<u8, String> {
    byte(text).ok_or_else(|| "it is not 00 to ff".to_owned())
}

impl From<NewCellArguments> for NewCell {
    fn from(NewCellArguments { to, node, schema }: NewCellArguments) -> Self {
        let schema = schema.unwrap_or_else(|| to.clone()).to_string();
        Self { name: to, node, schema }
    }
}

impl CellsCommand {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let StoreConfig::Cells(cells) = &config.store else {
            bail!("there are no cells without CELLS_FILE");
        };
        let change = match self {
            Self::Status => return status(config, cells).await,
            Self::Create => return create(config, cells).await,
            Self::Resume => return change_cells::resume(config, cells).await,
            Self::Adopt { cell } => return change_cells::adopt(config, cells, &cell).await,
            Self::Split { cell, at, to } => MapChange::Split { cell, at, to: to.into() },
            Self::Move { cell, to } => MapChange::Move { cell, to: to.into() },
            Self::Drop { cell } => MapChange::Drop { cell },
        };
        change_cells::change(config, cells, &change).await
    }
}

async fn create(config: &Config, cells: &CellsConfig) -> anyhow::Result<ExitCode> {
    let mut out = stdout();
    for (name, applied) in create_cells(config, cells).await? {
        match applied.is_empty() {
            true => writeln!(out, "{name}  is there")?,
            false => writeln!(out, "{name}  applied: {}", applied.join(", "))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a line for each cell, and the change that is under way. Fails if a cell cannot be used, or servers would
/// not start.
async fn status(config: &Config, cells: &CellsConfig) -> anyhow::Result<ExitCode> {
    let mut out = stdout();
    let Seen { stored, map, stores } = look_at_cells(config, cells).await?;
    writeln!(out, "map version {}, home {}", map.version(), map.cells()[0].name)?;
    let mut code = ExitCode::SUCCESS;
    if cells.map.version() != map.version() {
        writeln!(out, "CELLS_FILE has version {}", cells.map.version())?;
    }
    if let Err(wrong) = cells.check(&map) {
        writeln!(out, "CELLS_FILE: {wrong}")?;
        code = ExitCode::FAILURE;
    }
    if stored.is_some() && map.id().is_none() {
        writeln!(
            out,
            "not all cells were told yet that they are these: the next start of a server does that, if all are there and nothing \
             is under way"
        )?;
    }
    let next = stored.and_then(|stored| stored.next);
    let next = next.and_then(|next| cells.map_of(&next).ok());
    if let Some(change) = next.as_ref().and_then(describe_change) {
        writeln!(out, "begun, and not gone by yet: {change}; `booking-http cells resume` goes on")?;
    }
    if let Some(change) = describe_change(&map) {
        let left = match from_of(&map, &stores) {
            Some(from) => count_to_go(&map, &**from).await.ok(),
            None => None,
        };
        let left = left.map_or_else(|| "an unknown number".to_owned(), |left| left.to_string());
        writeln!(
            out,
            "under way: {change}, {left} of them still to go; `booking-http cells resume` goes on if nobody does"
        )?;
    }
    for (spec, store) in map.all().zip(&stores) {
        let health = health_of(store).await;
        if !health.starts_with("up") {
            code = ExitCode::FAILURE;
        }
        let (name, node, schema) = (&spec.name, &spec.node, &spec.schema);
        let bytes = match map.cells().contains(spec) {
            true => spec.bytes().to_string(),
            false => "-----".to_owned(),
        };
        writeln!(out, "{bytes}  {name}  {node}/{schema}  {health}")?;
    }
    Ok(code)
}

/// The change that is under way in a map.
pub(super) fn describe_change(map: &CellMap) -> Option<String> {
    let change = map.change()?;
    Some(format!(
        "events whose ids end in {} go from {} to {}, by version {} of the map",
        change.bytes,
        change.from,
        change.to,
        map.version()
    ))
}

/// The store that events leave, if it could be opened.
fn from_of<'a>(
    map: &CellMap,
    stores: &'a [anyhow::Result<Arc<dyn MoveStore>>],
) -> Option<&'a Arc<dyn MoveStore>> {
    let change = map.change()?;
    let is_from = |(spec, _): &(&CellSpec, _)| spec.name == change.from;
    map.all().zip(stores).find(is_from)?.1.as_ref().ok()
}

async fn health_of(store: &anyhow::Result<Arc<dyn MoveStore>>) -> String {
    let store = match store {
        Ok(store) => store,
        Err(error) => return format!("down: {error:#}"),
    };
    match (store.health().await, store.totals().await) {
        (Ok(health), Ok(totals)) if health.takes_writes && health.trouble.is_none() => {
            format!("up  {} published events, {} seats taken", totals.events, totals.booked)
        }
        (Ok(health), _) if !health.takes_writes => "down: it takes no writes".to_owned(),
        (Ok(_), Ok(_)) => "down: writes fail".to_owned(),
        (Err(error), _) | (_, Err(error)) => format!("down: {}", ErrorChain(&error)),
    }
}
