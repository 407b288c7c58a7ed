//! Opening the store that the configuration names.

use crate::config::{Config, StoreConfig};
use anyhow::Context;
use booking_core::{BookingStore, Observer, Unobserved};
use booking_pg::{PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
use std::sync::Arc;

/// A store, and what people call it.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn BookingStore>,
    /// Which kind it is and where its data is.
    pub(crate) description: String,
}

/// Opens the store, with its tables up to date.
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
            let store = PgStore::connect(options, config.store_wait).await;
            let store = store.with_context(|| format!("PostgreSQL at {}", options.location()))?;
            store.migrate().await?;
            let description = format!("PostgreSQL at {}", options.location());
            Ok(Opened { store: Arc::new(store), description })
        }
        StoreConfig::Sqlite(path) => {
            let store = SqliteStore::open(path, Options { observer, ..Options::default() }).await?;
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let description = format!("SQLite in {}", path.display());
            Ok(Opened { store: Arc::new(store), description })
        }
    }
}

/// Brings the store's tables up to date; tells which migrations that took.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<Vec<String>> {
    match &config.store {
        StoreConfig::Postgres(options) => {
            let store = PgStore::connect(options, config.store_wait).await;
            let store = store.with_context(|| format!("PostgreSQL at {}", options.location()))?;
            Ok(store.migrate().await?)
        }
        StoreConfig::Sqlite(path) => Ok(booking_sqlite::migrate(path).await?),
    }
}
