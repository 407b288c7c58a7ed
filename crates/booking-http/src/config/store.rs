//! Opening the store that the configuration names.

use crate::config::{Config, StoreConfig};
use anyhow::Context;
use booking_core::prelude::*;
use booking_core::{AuditReport, Observer, Unobserved};
use booking_pg::{PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
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
    }
}

/// Recounts every event of a store that must be there. Nothing is written, so that a role that may only read can
/// do it, and a standby too.
pub(crate) async fn audit(config: &Config) -> anyhow::Result<AuditReport> {
    match &config.store {
        StoreConfig::Postgres(options) => {
            Ok(connect_existing(options, config).await?.audit().await?)
        }
        StoreConfig::Sqlite(path) => Ok(booking_sqlite::audit(path).await?),
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
    }
}
