//! What a store that is one of many cells stores: the bytes of which it accepts events, and, in their
//! home, the map.

use crate::error::PgError;
use crate::moving::perform;
use crate::sql;
use crate::store::PgStore;
use crate::transaction::write_some;
use booking_core::{CellBytes, KNOWS_BYTES, MapId, StoreError, StoredBytes, StoredMap};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// A version of a map as `bigint`.
fn stored(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(StoreError::broken)
}

/// A row of `cell_map/find`.
fn map(row: &Row) -> Result<StoredMap, PgError> {
    let version = u64::try_from(row.get::<_, i64>(0));
    let version = version.map_err(|_| PgError::Unreadable { column: "version" })?;
    Ok(StoredMap { version, map: row.get(1), next: row.get(2) })
}

/// A row of `cell_bytes/find`.
fn bytes(row: &Row) -> Result<StoredBytes, PgError> {
    let unreadable = |column| move |_| PgError::Unreadable { column };
    let version = u64::try_from(row.get::<_, i64>(0)).map_err(unreadable("version"))?;
    let first: Option<i32> = row.get(1);
    let last: Option<i32> = row.get(2);
    let byte =
        |byte: Option<i32>, column| byte.map(u8::try_from).transpose().map_err(unreadable(column));
    let both = byte(first, "first_byte")?.zip(byte(last, "last_byte")?);
    let bytes = both.map(|(first, last)| CellBytes { first, last });
    Ok(StoredBytes { version, bytes, map: row.get::<_, Option<Uuid>>(3).map(MapId::from) })
}

impl PgStore {
    /// Stores an assignment of bytes. Safe to repeat: the same version writes the same again. Programs that know of no
    /// assignments may still start if the store has all bytes.
    pub(crate) async fn write_bytes(&self, assigned: StoredBytes) -> Result<bool, StoreError> {
        let StoredBytes { version, bytes, map } = assigned;
        let (version, map) = (stored(version)?, map.map(MapId::as_uuid));
        let first = bytes.map(|bytes| i32::from(bytes.first));
        let last = bytes.map(|bytes| i32::from(bytes.last));
        let has_all = bytes == Some(CellBytes::ALL);
        self.move_in_transaction("keep_to_bytes", move |connection| {
            Box::pin(async move {
                let connection = &*connection;
                // In the order of a mover that makes room for an event, so that the two do not deadlock. If a later map
                // was stored there is nothing to raise.
                if !has_all {
                    perform(connection, sql::SCHEMA_RAISE, &[&KNOWS_BYTES]).await?;
                }
                connection.command(self.locking.keep_to).await?;
                let parameters: &[&(dyn ToSql + Sync)] = &[&version, &first, &last, &map];
                Ok(perform(connection, sql::CELL_BYTES_KEEP, parameters).await? > 0)
            })
        })
        .await
    }

    pub(crate) async fn find_bytes(&self) -> Result<Option<StoredBytes>, StoreError> {
        self.read(|connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::CELL_BYTES_FIND, &[]).await?;
                rows.first().map(bytes).transpose()
            })
        })
        .await
    }

    pub(crate) async fn find_map(&self) -> Result<Option<StoredMap>, StoreError> {
        self.read(|connection| {
            Box::pin(async move {
                let rows = connection.fetch(sql::CELL_MAP_FIND, &[]).await?;
                rows.first().map(map).transpose()
            })
        })
        .await
    }

    /// Stores another map. Programs that do not know of maps may still start: the map is that of their file, until a
    /// store is assigned bytes.
    pub(crate) async fn write_map(
        &self,
        before: Option<&StoredMap>,
        after: &StoredMap,
    ) -> Result<bool, StoreError> {
        after.check()?;
        let version = stored(after.version)?;
        let of_after: [&(dyn ToSql + Sync); 3] = [&version, &after.map, &after.next];
        let name = "replace_map";
        let written = match before {
            None => write_some(self, name, sql::CELL_MAP_INSERT, &of_after).await?,
            Some(before) => {
                let version = stored(before.version)?;
                let of_before: [&(dyn ToSql + Sync); 3] = [&version, &before.map, &before.next];
                let both = [of_after, of_before].concat();
                write_some(self, name, sql::CELL_MAP_REPLACE, &both).await?
            }
        };
        Ok(written == 1)
    }
}
