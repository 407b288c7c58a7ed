//! What a store that is one of many cells stores: the bytes of which it accepts events, and, in their home, the map.
//! The writer creates events and changes these, one after the other.

use crate::errors::Failure;
use crate::rows::{broken, column};
use crate::sql;
use crate::transaction::Work;
use booking_core::{CellBytes, ForeignByte, KNOWS_BYTES, StoreError, StoredBytes, StoredMap};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

/// A version of a map as its column stores it.
pub(crate) fn stored(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(StoreError::broken)
}

/// Whether the store accepts events whose ids end in this byte.
pub(crate) fn has(
    connection: &Connection,
    ForeignByte(byte): ForeignByte,
) -> Result<bool, Failure> {
    let Some(assigned) = find_bytes(connection)? else { return Ok(true) };
    Ok(assigned.bytes.is_some_and(|bytes| bytes.has(byte)))
}

pub(crate) fn find_bytes(connection: &Connection) -> Result<Option<StoredBytes>, Failure> {
    let mut find = connection.prepare_cached(sql::CELL_BYTES_FIND)?;
    let mut found = find.query([])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let version: i64 = column(row, 0, "cell_bytes.version")?;
    let first: Option<u8> = column(row, 1, "cell_bytes.first_byte")?;
    let last: Option<u8> = column(row, 2, "cell_bytes.last_byte")?;
    let map: Option<[u8; 16]> = column(row, 3, "cell_bytes.map_id")?;
    Ok(Some(StoredBytes {
        version: version.try_into().map_err(broken("cell_bytes.version"))?,
        bytes: first.zip(last).map(|(first, last)| CellBytes { first, last }),
        map: map.map(|map| Uuid::from_bytes(map).into()),
    }))
}

/// Stores an assignment, whose version is stored as `version`. Programs that know of no assignments may still open the
/// file if it has all bytes.
pub(crate) fn keep_to(
    connection: &Connection,
    version: i64,
    StoredBytes { bytes, map, .. }: StoredBytes,
) -> Result<Work<bool>, Failure> {
    let (first, last) = (bytes.map(|bytes| bytes.first), bytes.map(|bytes| bytes.last));
    let map = map.map(|map| map.as_uuid().into_bytes());
    let mut keep = connection.prepare_cached(sql::CELL_BYTES_KEEP)?;
    if keep.execute(params![version, first, last, map])? == 0 {
        return Ok(Work::Unchanged(false));
    }
    if bytes != Some(CellBytes::ALL) {
        connection.prepare_cached(sql::SCHEMA_RAISE)?.execute([KNOWS_BYTES])?;
    }
    Ok(Work::Changed(true))
}

pub(crate) fn find_map(connection: &Connection) -> Result<Option<StoredMap>, Failure> {
    let mut find = connection.prepare_cached(sql::CELL_MAP_FIND)?;
    let mut found = find.query([])?;
    found.next()?.map(map).transpose()
}

fn map(row: &Row<'_>) -> Result<StoredMap, Failure> {
    let version: i64 = column(row, 0, "cell_map.version")?;
    Ok(StoredMap {
        version: version.try_into().map_err(broken("cell_map.version"))?,
        map: column(row, 1, "cell_map.map")?,
        next: column(row, 2, "cell_map.next")?,
    })
}

/// Stores another map, whose version is stored as `version`. Programs that do not know of maps may still open the file:
/// the map is that of their settings, until a store is assigned bytes.
pub(crate) fn replace_map(
    connection: &Connection,
    before: Option<&StoredMap>,
    after: &StoredMap,
    version: i64,
) -> Result<Work<bool>, Failure> {
    let stored = find_map(connection)?;
    if stored.as_ref() == Some(after) {
        return Ok(Work::Unchanged(true));
    }
    if stored.as_ref() != before {
        return Ok(Work::Unchanged(false));
    }
    let mut upsert = connection.prepare_cached(sql::CELL_MAP_UPSERT)?;
    upsert.execute(params![version, after.map, after.next])?;
    Ok(Work::Changed(true))
}
