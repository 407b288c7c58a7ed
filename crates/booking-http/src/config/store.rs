//! Opening the store that the configuration names.

use crate::config::{CellPlace, CellsConfig, Config, StoreConfig};
use anyhow::{Context, anyhow};
use booking_cells::{CellSpec, CellStore};
use booking_core::prelude::*;
use booking_core::{AuditReport, CellName, Observer, Unobserved};
use booking_pg::{ConnectError, PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
use futures_util::future::join_all;
use std::path::Path;
use std::sync::Arc;

/// A store, and what people call it.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn BookingStore>,
    /// Which kind it is and where its data is.
    pub(crate) description: String,
}

/// Opens the store, makes it if there is none, and brings its tables up to date.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Opened> {
    open_observed(config, Arc::new(Unobserved)).await
}

/// The same, and has it tell `observer` how its work goes.
pub(crate) async fn open_observed(
    config: &Config,
    observer: Arc<dyn Observer>,
) -> anyhow::Result<Opened> {
    match &config.store {
        StoreConfig::Postgres(options) => {
            let options = &PgOptions { observer, ..PgOptions::clone(options) };
            let store = connect(options, config).await?;
            let at = || format!("PostgreSQL at {}", options.location());
            store.migrate().await.with_context(at)?;
            let newer = store.check_tables().await.with_context(at)?;
            let description = described(at(), &newer);
            Ok(Opened { store: Arc::new(store), description })
        }
        StoreConfig::Sqlite(path) => {
            let store = SqliteStore::open(path, Options { observer, ..Options::default() }).await?;
            let place = format!("SQLite in {}", store.path().display());
            let description = described(place, store.newer_migrations());
            Ok(Opened { store: Arc::new(store), description })
        }
        StoreConfig::Cells(cells) => {
            let store = open_cells(config, cells, &observer, Tables::BringUpToDate).await?;
            let (count, version) = (cells.places.len(), cells.map.version());
            let description = format!("{count} cells, of version {version} of their map");
            Ok(Opened { store: Arc::new(store), description })
        }
    }
}

/// Opens a store that must be there with all its tables: who names it wrongly hears so, and has not made
/// another one.
pub(crate) async fn open_existing(config: &Config) -> anyhow::Result<Arc<dyn BookingStore>> {
    match &config.store {
        StoreConfig::Postgres(options) => Ok(Arc::new(connect_existing(options, config).await?)),
        StoreConfig::Sqlite(path) => {
            Ok(Arc::new(SqliteStore::open_existing(path, Options::default()).await?))
        }
        StoreConfig::Cells(cells) => {
            let observer: Arc<dyn Observer> = Arc::new(Unobserved);
            Ok(Arc::new(open_cells(config, cells, &observer, Tables::MustBeThere).await?))
        }
    }
}

/// Opens one of the stores of a move, which must be there with all its tables: a URL of PostgreSQL, or the path of an SQLite
/// file. Tells what people call it, too.
pub(crate) async fn open_to_move(
    place: &str,
    config: &Config,
) -> anyhow::Result<(Arc<dyn MoveStore>, String)> {
    if !place.contains("://") {
        let path = place.strip_prefix("sqlite:").unwrap_or(place);
        let store = SqliteStore::open_existing(path, Options::default()).await?;
        let name = format!("SQLite in {}", store.path().display());
        return Ok((Arc::new(store), name));
    }
    let options = PgOptions::parse(place)?;
    let store = connect_existing(&options, config).await?;
    Ok((Arc::new(store), format!("PostgreSQL at {}", options.location())))
}

/// Recounts every event of a store that must be there. Nothing is written, so that a role that may only read can
/// do it, and a standby too.
pub(crate) async fn audit(config: &Config) -> anyhow::Result<AuditReport> {
    match &config.store {
        StoreConfig::Postgres(options) => {
            Ok(connect_existing(options, config).await?.audit().await?)
        }
        StoreConfig::Sqlite(path) => Ok(booking_sqlite::audit(path).await?),
        StoreConfig::Cells(_) => Ok(open_existing(config).await?.audit().await?),
    }
}

async fn connect(options: &PgOptions, config: &Config) -> anyhow::Result<PgStore> {
    let store = PgStore::connect(options, config.store_wait).await;
    store.with_context(|| format!("PostgreSQL at {}", options.location()))
}

async fn connect_existing(options: &PgOptions, config: &Config) -> anyhow::Result<PgStore> {
    let store = connect(options, config).await?;
    let checked = store.check_tables().await;
    checked.with_context(|| format!("PostgreSQL at {}", options.location()))?;
    Ok(store)
}

/// What people are told of where the data is.
fn described(place: String, newer: &[String]) -> String {
    match newer {
        [] => place,
        newer => format!(
            "{place}, with tables of a newer version ({}), which says that this one can work with them",
            newer.join(", ")
        ),
    }
}

/// Brings the store's tables up to date; tells which migrations that took.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<Vec<String>> {
    match &config.store {
        StoreConfig::Postgres(options) => {
            let store = connect(options, config).await?;
            let migrated = store.migrate().await;
            migrated.with_context(|| format!("PostgreSQL at {}", options.location()))
        }
        StoreConfig::Sqlite(path) => Ok(booking_sqlite::migrate(path).await?),
        StoreConfig::Cells(cells) => {
            let (mut applied, mut failed) = (Vec::new(), None);
            for (spec, place) in cells.map.cells().iter().zip(&cells.places) {
                let of_cell = match place {
                    CellPlace::Sqlite(path) if !path.exists() => Err(is_missing(path)),
                    _ => migrate_cell(config, place).await,
                };
                match of_cell.with_context(|| format!("cell {}", spec.name)) {
                    Ok(of_cell) => {
                        applied.extend(of_cell.iter().map(|step| format!("{} {step}", spec.name)));
                    }
                    // One that is away keeps none of the others from it.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            match failed {
                Some(error) if !applied.is_empty() => {
                    Err(error.context(format!("applied: {}", applied.join(", "))))
                }
                Some(error) => Err(error),
                None => Ok(applied),
            }
        }
    }
}

/// What is done about the tables of a cell when it is opened. They are made by [`create_cells`] alone: an empty cell
/// in a place that somebody mistyped would hide what is in the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tables {
    BringUpToDate,
    MustBeThere,
}

/// Opens all cells. One that does not answer is opened all the same, and is used when it does: the others have no part
/// in that. It fails if none answers.
async fn open_cells(
    config: &Config,
    cells: &CellsConfig,
    observer: &Arc<dyn Observer>,
    tables: Tables,
) -> anyhow::Result<CellStore> {
    let opening = cells.places.iter().map(|place| open_cell(config, place, observer, tables));
    let (mut stores, mut silent) = (Vec::new(), Vec::new());
    for (spec, opened) in cells.map.cells().iter().zip(join_all(opening).await) {
        let in_cell = || format!("cell {}", spec.name);
        match opened.with_context(in_cell)? {
            Ok(store) => stores.push(store),
            Err(Silent { store, why }) => {
                stores.push(store);
                silent.push((&spec.name, why));
            }
        }
    }
    if silent.len() == stores.len() {
        let (name, why) = silent.swap_remove(0);
        return Err(anyhow!(why).context(format!("no cell answers, and so not cell {name}")));
    }
    for (name, why) in silent {
        log::warn!(
            "cell {name} does not answer, and its events cannot be had until it does: {:#}",
            anyhow!(why)
        );
    }
    Ok(CellStore::new(&cells.map, stores))
}

/// A cell whose database does not answer.
struct Silent {
    store: Arc<dyn BookingStore>,
    why: ConnectError,
}

async fn open_cell(
    config: &Config,
    place: &CellPlace,
    observer: &Arc<dyn Observer>,
    tables: Tables,
) -> anyhow::Result<Result<Arc<dyn BookingStore>, Silent>> {
    let observer = Arc::clone(observer);
    match place {
        CellPlace::Postgres(options) => {
            let options = &PgOptions { observer, ..PgOptions::clone(options) };
            let at = || format!("PostgreSQL at {}", options.location());
            let store = match PgStore::connect(options, config.store_wait).await {
                Ok(store) => store,
                Err(why @ ConnectError::Unreachable { .. }) => {
                    let store = Arc::new(PgStore::unconnected(options).with_context(at)?);
                    return Ok(Err(Silent { store, why }));
                }
                Err(error) => return Err(anyhow!(error).context(HOW_TO_MAKE).context(at())),
            };
            match (store.check_tables().await, tables) {
                (Ok(_), _) => {}
                (Err(ConnectError::OutOfDate { .. }), Tables::BringUpToDate) => {
                    store.migrate().await.with_context(at)?;
                }
                (Err(error @ ConnectError::NotMigrated), _) => {
                    return Err(anyhow!(error).context(HOW_TO_MAKE).context(at()));
                }
                (Err(error), _) => return Err(anyhow!(error).context(at())),
            }
            Ok(Ok(Arc::new(store)))
        }
        CellPlace::Sqlite(path) => {
            let options = Options { observer, ..Options::default() };
            if !path.exists() {
                return Err(is_missing(path));
            }
            let store = match tables {
                Tables::BringUpToDate => SqliteStore::open(path, options).await?,
                Tables::MustBeThere => SqliteStore::open_existing(path, options).await?,
            };
            Ok(Ok(Arc::new(store)))
        }
    }
}

fn is_missing(path: &Path) -> anyhow::Error {
    anyhow!("there is no file {}; {HOW_TO_MAKE}", path.display())
}

const HOW_TO_MAKE: &str = "`booking-http cells create` makes cells that are not there yet";

/// Makes the schemas, files and tables of all cells that are not there yet. Tells of each cell which migrations that
/// took.
pub(crate) async fn create_cells(
    config: &Config,
    cells: &CellsConfig,
) -> anyhow::Result<Vec<(CellName, Vec<String>)>> {
    let mut made = Vec::new();
    for (spec, place) in cells.map.cells().iter().zip(&cells.places) {
        let of_cell = create_cell(config, place).await;
        made.push((spec.name.clone(), of_cell.with_context(|| format!("cell {}", spec.name))?));
    }
    Ok(made)
}

async fn create_cell(config: &Config, place: &CellPlace) -> anyhow::Result<Vec<String>> {
    match place {
        CellPlace::Postgres(options) => {
            if let Some(schema) = &options.schema {
                let beside = PgOptions { schema: None, ..PgOptions::clone(options) };
                let at = || format!("PostgreSQL at {}", beside.location());
                connect(&beside, config).await?.create_schema(schema).await.with_context(at)?;
            }
        }
        CellPlace::Sqlite(path) => {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                let made = std::fs::create_dir_all(folder);
                made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
            }
        }
    }
    migrate_cell(config, place).await
}

async fn migrate_cell(config: &Config, place: &CellPlace) -> anyhow::Result<Vec<String>> {
    match place {
        CellPlace::Postgres(options) => {
            let store = connect(options, config).await?;
            let migrated = store.migrate().await;
            migrated.with_context(|| format!("PostgreSQL at {}", options.location()))
        }
        CellPlace::Sqlite(path) => Ok(booking_sqlite::migrate(path).await?),
    }
}

/// Opens each cell by itself, to see how it is.
pub(crate) async fn look_at_cells<'a>(
    config: &Config,
    cells: &'a CellsConfig,
) -> Vec<(&'a CellSpec, anyhow::Result<Arc<dyn BookingStore>>)> {
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    let places = cells.places.iter();
    let opening = places.map(|place| open_cell(config, place, &observer, Tables::MustBeThere));
    let opened = join_all(opening).await.into_iter().map(|opened| match opened {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(Silent { why, .. })) => Err(anyhow!(why)),
        Err(error) => Err(error),
    });
    cells.map.cells().iter().zip(opened).collect()
}
