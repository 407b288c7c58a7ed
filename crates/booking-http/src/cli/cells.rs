//! `booking-http cells`: makes the cells that CELLS_FILE names, and tells how they are.

use crate::config::{CellsConfig, Config, StoreConfig, store};
use anyhow::bail;
use booking_core::ErrorChain;
use std::io::{Write, stdout};
use std::process::ExitCode;

/// What is to be done about cells.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub(super) enum CellsCommand {
    /// Tell where each cell is, which events it has by the last byte of their ids, and whether it can be worked with
    Status,
    /// Make those schemas, files and tables that are not there yet; what is there stays as it is
    Create,
}

impl CellsCommand {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let StoreConfig::Cells(cells) = &config.store else {
            bail!("there are no cells without CELLS_FILE");
        };
        match self {
            Self::Status => status(config, cells).await,
            Self::Create => {
                let mut out = stdout();
                for (name, applied) in store::create_cells(config, cells).await? {
                    match applied.is_empty() {
                        true => writeln!(out, "{name}  is there")?,
                        false => writeln!(out, "{name}  applied: {}", applied.join(", "))?,
                    }
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Prints a line for each cell. Fails if one cannot be worked with.
async fn status(config: &Config, cells: &CellsConfig) -> anyhow::Result<ExitCode> {
    let mut out = stdout();
    writeln!(out, "map version {}, home {}", cells.map.version(), cells.map.cells()[0].name)?;
    let mut code = ExitCode::SUCCESS;
    for (spec, opened) in store::look_at_cells(config, cells).await {
        let health = match opened {
            Ok(store) => match (store.health().await, store.totals().await) {
                (Ok(health), Ok(totals)) if health.takes_writes && health.trouble.is_none() => {
                    format!("up  {} published events, {} seats taken", totals.events, totals.booked)
                }
                (Ok(health), _) if !health.takes_writes => "down: it takes no writes".to_owned(),
                (Ok(_), Ok(_)) => "down: writes fail".to_owned(),
                (Err(error), _) | (_, Err(error)) => format!("down: {}", ErrorChain(&error)),
            },
            Err(error) => format!("down: {error:#}"),
        };
        if !health.starts_with("up") {
            code = ExitCode::FAILURE;
        }
        let (name, node, schema) = (&spec.name, &spec.node, &spec.schema);
        writeln!(out, "{:02x}-{:02x}  {name}  {node}/{schema}  {health}", spec.first, spec.last)?;
    }
    Ok(code)
}
