//! Opening the store that the configuration names.

use crate::config::cell_stores::{Opening, Tables, migrate_cells, open_cells, open_existing_cells};
use crate::config::live_cells::LiveCells;
use crate::config::{CellPlace, CellsConfig, Config, StoreConfig};
use anyhow::{Context, ensure};
use booking_core::prelude::*;
use booking_core::{AuditReport, Observer, Unobserved};
use booking_pg::{PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
use std::sync::Arc;

/// A store, and its description for people.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn BookingStore>,
    /// The kind of the store and the place of its data.
    pub(crate) description: String,
    /// Its cells, if it has some: they may change.
    pub(crate) cells: Option<Arc<LiveCells>>,
}

/// Opens the store, creates it if it is missing, and migrates its tables.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Opened> {
    open_observed(config, Arc::new(Unobserved)).await
}

/// The same, with an `observer` of its work.
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
            Ok(Opened { store: Arc::new(store), description, cells: None })
        }
        StoreConfig::Sqlite(path) => {
            let store = SqliteStore::open(path, Options { observer, ..Options::default() }).await?;
            let place = format!("SQLite in {}", store.path().display());
            let description = described(place, store.newer_migrations());
            Ok(Opened { store: Arc::new(store), description, cells: None })
        }
        StoreConfig::Cells(cells) => {
            let opening =
                Opening { tables: Tables::BringUpToDate, wait: config.store_wait, observer };
            let opened = open_cells(cells, &opening).await?;
            let (count, version) = (opened.stores.len(), opened.map.version());
            let description = format!("{count} cells, of version {version} of their map");
            let store = Arc::new(opened.to_store());
            let cells = LiveCells::new(
                Arc::clone(&store),
                opened.stores,
                CellsConfig::clone(cells),
                opening,
            );
            Ok(Opened { store, description, cells: Some(Arc::new(cells)) })
        }
    }
}

/// Opens a store that must exist with all its tables: a wrong name is an error, and does not create another store.
pub(crate) async fn open_existing(config: &Config) -> anyhow::Result<Arc<dyn BookingStore>> {
    match &config.store {
        StoreConfig::Postgres(options) => Ok(Arc::new(connect_existing(options, config).await?)),
        StoreConfig::Sqlite(path) => {
            Ok(Arc::new(SqliteStore::open_existing(path, Options::default()).await?))
        }
        StoreConfig::Cells(cells) => Ok(Arc::new(open_existing_cells(config, cells).await?)),
    }
}

/// Opens one of the stores of a move, which must exist with all its tables: a URL of PostgreSQL, or the path of an
/// SQLite file. Returns its description for people, too.
pub(crate) async fn open_to_move(
    place: &str,
    config: &Config,
) -> anyhow::Result<(Arc<dyn MoveStore>, String)> {
    let place = match place.contains("://") {
        false => CellPlace::Sqlite(place.strip_prefix("sqlite:").unwrap_or(place).into()),
        true => CellPlace::Postgres(Box::new(PgOptions::parse(place)?)),
    };
    open_place_to_move(&place, config).await
}

/// The same at any place. A store with tables of a newer version is refused: this program would leave behind what
/// it does not know.
pub(crate) async fn open_place_to_move(
    place: &CellPlace,
    config: &Config,
) -> anyhow::Result<(Arc<dyn MoveStore>, String)> {
    let (store, name, newer): (Arc<dyn MoveStore>, _, _) = match place {
        CellPlace::Sqlite(path) => {
            let store = SqliteStore::open_existing(path, Options::default()).await?;
            let name = format!("SQLite in {}", store.path().display());
            let newer = store.newer_migrations().to_vec();
            (Arc::new(store), name, newer)
        }
        CellPlace::Postgres(options) => {
            let name = format!("PostgreSQL at {}", options.location());
            let store = connect(options, config).await?;
            let newer = store.check_tables().await.with_context(|| name.clone())?;
            (Arc::new(store), name, newer)
        }
    };
    ensure!(
        newer.is_empty(),
        "{name} has tables of a newer version ({}), and this one would not move all that is in them",
        newer.join(", ")
    );
    Ok((store, name))
}

/// Recounts every event of a store that must exist. Nothing is written, so that a read-only role can do it, and a
/// standby too.
pub(crate) async fn audit(config: &Config) -> anyhow::Result<AuditReport> {
    match &config.store {
        StoreConfig::Postgres(options) => {
            Ok(connect_existing(options, config).await?.audit().await?)
        }
        StoreConfig::Sqlite(path) => Ok(booking_sqlite::audit(path).await?),
        StoreConfig::Cells(_) => Ok(open_existing(config).await?.audit().await?),
    }
}

pub(super) async fn connect(options: &PgOptions, config: &Config) -> anyhow::Result<PgStore> {
    let store = PgStore::connect(options, config.store_wait).await;
    store.with_context(|| format!("PostgreSQL at {}", options.location()))
}

async fn connect_existing(options: &PgOptions, config: &Config) -> anyhow::Result<PgStore> {
    let store = connect(options, config).await?;
    let checked = store.check_tables().await;
    checked.with_context(|| format!("PostgreSQL at {}", options.location()))?;
    Ok(store)
}

/// The description of where the data is, for people.
fn described(place: String, newer: &[String]) -> String {
    match newer {
        [] => place,
        newer => format!(
            "{place}, with tables of a newer version ({}), which says that this one can work with them",
            newer.join(", ")
        ),
    }
}

/// Migrates the store's tables; returns the migrations that ran.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<Vec<String>> {
    match &config.store {
        StoreConfig::Postgres(options) => {
            let store = connect(options, config).await?;
            let migrated = store.migrate().await;
            migrated.with_context(|| format!("PostgreSQL at {}", options.location()))
        }
        StoreConfig::Sqlite(path) => Ok(booking_sqlite::migrate(path).await?),
        StoreConfig::Cells(cells) => migrate_cells(config, cells).await,
    }
}
