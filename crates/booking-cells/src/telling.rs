//! Distinguishing cells from other databases, whose tables look the same.
//!
//! Each cell is assigned once: it stores the id of its map, by which it belongs to these cells, and which bytes it has.
//! If an operator mistypes a URL, the store that is opened belongs to other cells, or to none. The home's map has the
//! id once all cells are assigned: from then on an unassigned store is none of them.

use crate::map::{CellMap, CellSpec, MapError};
use booking_core::{
    BookingStore, CellBytes, CellName, MapId, MoveStore, StoreError, StoredBytes, StoredMap,
};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// How often the assignment is retried, if another process assigns cells or changes the map at the same
/// moment.
const TRIES_MAX: usize = 5;

/// Why a store is not the cell that a map has in its place.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotTheCell {
    /// It did not answer.
    #[error("cell {0} failed")]
    Store(CellName, #[source] StoreError),
    /// It is unassigned, or stores no map's id, and all of them were assigned.
    #[error(
        "what is there was never told that it is cell {0}: it is another database, or was restored from a backup from before \
         that; if it is the right one, `booking-http cells adopt {0}` tells it so"
    )]
    NotTold(CellName),
    /// It belongs to another map.
    #[error("what is there is one of other cells than cell {0}, of another map")]
    OfOthers(CellName),
    /// It is the home of other cells.
    #[error("what is there is the home of other cells than cell {0}")]
    Home(CellName),
    /// It is assigned other bytes than the map says.
    #[error(
        "what is there was told to have events whose ids end in {assigned}, and cell {cell} has {has}: it is another cell, or was \
         restored from a backup from before cells were changed; or the home has lost that they were, and the same change made \
         again goes on"
    )]
    OtherBytes {
        /// The cell that the map has there.
        cell: CellName,
        /// The bytes that it is assigned.
        assigned: Bytes,
        /// The bytes that the map says.
        has: Bytes,
    },
    /// It was assigned by a later map than the home stores.
    #[error(
        "cell {0} was told by a later map than the home keeps: restore the home as it was last"
    )]
    Later(CellName),
    /// The home stores another map now.
    #[error("somebody has changed the cells at this moment; begin again")]
    Changed,
    /// What the home stores is no map.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// Bytes, formatted for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub Option<CellBytes>);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => bytes.fmt(f),
            None => f.write_str("no byte"),
        }
    }
}

/// What a cell of a map stores if all of its cells are assigned, by this map or one of a later version.
pub fn assignment_of(map: &CellMap, cell: &CellName) -> Option<StoredBytes> {
    Some(StoredBytes { version: map.version(), bytes: map.bytes_of(cell), map: Some(map.id()?) })
}

/// Makes sure that `store` is the cell that `map` calls `cell`, as far as it is assigned. If the two differ, `home` is
/// asked for its map: that may have been changed since `map` was read, or be changing.
///
/// # Errors
/// [`NotTheCell`].
pub async fn check_cell(
    map: &CellMap,
    cell: &CellName,
    store: &dyn BookingStore,
    home: &dyn BookingStore,
) -> Result<(), NotTheCell> {
    let failed = |error| NotTheCell::Store(cell.clone(), error);
    let assigned = store.stored_bytes().await.map_err(failed)?;
    let (assigned, of) = match (assigned, map.id()) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err(NotTheCell::NotTold(cell.clone())),
        (Some(assigned), of) => (assigned, of),
    };
    match (of, assigned.map) {
        (Some(of), Some(assigned)) if of != assigned => {
            return Err(NotTheCell::OfOthers(cell.clone()));
        }
        (Some(_), None) => return Err(NotTheCell::NotTold(cell.clone())),
        _ => {}
    }
    let has = map.bytes_of(cell);
    if assigned.bytes == has {
        return Ok(());
    }
    let stored = home.stored_map().await.map_err(|error| failed_home(map, error))?;
    let texts = stored.into_iter().flat_map(|StoredMap { map, next, .. }| [Some(map), next]);
    for text in texts.flatten() {
        // A map with nodes that are unknown here is a later one.
        let other = CellMap::from_text(&text, map.nodes().to_vec());
        let other = other.map_err(|_| NotTheCell::Changed)?;
        if other.version() > map.version() && other.bytes_of(cell) == assigned.bytes {
            return Ok(());
        }
    }
    Err(NotTheCell::OtherBytes {
        cell: cell.clone(),
        assigned: Bytes(assigned.bytes),
        has: Bytes(has),
    })
}

fn failed_home(map: &CellMap, error: StoreError) -> NotTheCell {
    NotTheCell::Store(map.cells()[0].name.clone(), error)
}

/// What the home stores, and the map in it; there must be one.
async fn stored_map_in(
    home: &dyn MoveStore,
    map: &CellMap,
) -> Result<(StoredMap, CellMap), NotTheCell> {
    let stored = home.stored_map().await.map_err(|error| failed_home(map, error))?;
    let stored = stored.ok_or(NotTheCell::Changed)?;
    let now = CellMap::from_text(&stored.map, map.nodes().to_vec())?;
    Ok((stored, now))
}

/// Has the home store that all cells of `known` are assigned, unless it stores something else than `stored` by now:
/// `false` then.
async fn store_assigned(
    home: &dyn MoveStore,
    stored: &StoredMap,
    known: &CellMap,
) -> Result<bool, NotTheCell> {
    let after = StoredMap { map: known.to_text(), ..stored.clone() };
    home.replace_map(Some(stored), &after).await.map_err(|error| failed_home(known, error))
}

/// Refuses a store that is the home of other cells.
async fn refuse_home(spec: &CellSpec, store: &dyn MoveStore) -> Result<(), NotTheCell> {
    match store.stored_map().await {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(NotTheCell::Home(spec.name.clone())),
        Err(error) => Err(NotTheCell::Store(spec.name.clone(), error)),
    }
}

/// Refuses a store that is assigned other bytes than its cell.
fn refuse_other_bytes(spec: &CellSpec, assigned: StoredBytes) -> Result<(), NotTheCell> {
    let has = Some(spec.bytes());
    if assigned.bytes == has {
        return Ok(());
    }
    let (assigned, has) = (Bytes(assigned.bytes), Bytes(has));
    Err(NotTheCell::OtherBytes { cell: spec.name.clone(), assigned, has })
}

/// Assigns the cells of a map, each by its store in the order of [`CellMap::cells`], unless all were assigned before,
/// and has the home store that they are. The home stores `map` already. Returns the map that it stores now: `map`, or
/// what another process has made of it. Nothing is assigned while a change is under way.
///
/// # Errors
/// [`NotTheCell`]: one of them is not what the map has there. Then none was assigned, unless another process assigns
/// one differently at the same moment.
///
/// # Panics
/// If there are not as many cells as stores.
pub async fn assign_cells(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
    new_id: &(dyn Fn() -> MapId + Sync),
) -> Result<CellMap, NotTheCell> {
    for _ in 0..TRIES_MAX {
        let (stored, now) = stored_map_in(&*stores[0], map).await?;
        if now.id().is_some() || now.change().is_some() || stored.next.is_some() {
            return Ok(now);
        }
        if now != *map {
            return Err(NotTheCell::Changed);
        }
        assert_eq!(stores.len(), now.cells().len(), "a store for each cell");
        let known = read_assignments(&now, stores).await?;
        let id = known[0].and_then(|assigned| assigned.map).unwrap_or_else(new_id);
        if !assign_all(&now, stores, &known, id).await? {
            continue;
        }
        let known = now.known_by(id);
        if store_assigned(&*stores[0], &stored, &known).await? {
            log::info!("{} cells were told that they are these, and no others", stores.len());
            return Ok(known);
        }
    }
    Err(NotTheCell::Changed)
}

/// What each of them was assigned before; all of that is consistent.
async fn read_assignments(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
) -> Result<Vec<Option<StoredBytes>>, NotTheCell> {
    let mut known = Vec::new();
    // The home is assigned first, and so is read last: what another was assigned, the home was
    // assigned before.
    for (spec, store) in map.cells().iter().zip(stores).rev() {
        let failed = |error| NotTheCell::Store(spec.name.clone(), error);
        known.push(store.stored_bytes().await.map_err(failed)?);
        if known.len() < stores.len() {
            refuse_home(spec, &**store).await?;
        }
    }
    known.reverse();
    let of_home = known[0].and_then(|assigned| assigned.map);
    for (spec, assigned) in map.cells().iter().zip(&known) {
        let Some(assigned) = assigned else { continue };
        if assigned.map.is_some() && assigned.map != of_home {
            return Err(NotTheCell::OfOthers(spec.name.clone()));
        }
        refuse_other_bytes(spec, *assigned)?;
    }
    Ok(known)
}

/// Assigns those that are unassigned; `false` if another process assigns one differently at this
/// moment.
async fn assign_all(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
    known: &[Option<StoredBytes>],
    id: MapId,
) -> Result<bool, NotTheCell> {
    for ((spec, store), known) in map.cells().iter().zip(stores).zip(known) {
        if known.is_some_and(|known| known.map == Some(id)) {
            continue;
        }
        let version = known.map_or(map.version(), |known| known.version);
        let assigned = StoredBytes { version, bytes: Some(spec.bytes()), map: Some(id) };
        let stored = store.keep_to(assigned).await;
        if !stored.map_err(|error| NotTheCell::Store(spec.name.clone(), error))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes sure that none of the cells that a file names belongs to a map, or stores one, where the home stores none: it
/// is not their home then. The bytes that they may be assigned have to be those of `map`.
///
/// # Errors
/// [`NotTheCell`].
pub async fn check_none_is_assigned(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
) -> Result<(), NotTheCell> {
    let known = read_assignments(map, stores).await?;
    for (CellSpec { name, .. }, assigned) in map.cells().iter().zip(known) {
        if assigned.is_some_and(|assigned| assigned.map.is_some()) {
            return Err(NotTheCell::OfOthers(name.clone()));
        }
    }
    Ok(())
}

/// Makes the home of a map that of its cells again, if it was restored from a backup from before all of them were
/// assigned, and so stores `map` without an id: the others say which cells they are. They come in the order of
/// [`CellMap::cells`]; those that are unassigned, or store no map's id, are none of these until they are assigned.
/// Returns the map that the home stores now.
///
/// # Errors
/// [`NotTheCell`]: none of the others is assigned, they do not agree, or one is not what the map has there. Nothing is
/// changed then, unless another process changes the cells at the same moment.
///
/// # Panics
/// If there are not as many cells as stores.
pub async fn adopt_home(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
) -> Result<CellMap, NotTheCell> {
    assert_eq!(stores.len(), map.cells().len(), "a store for each cell");
    let (spec, home) = (&map.cells()[0], &stores[0]);
    let (stored, now) = stored_map_in(&**home, map).await?;
    if now != *map || now.id().is_some() || now.change().is_some() || stored.next.is_some() {
        return Err(NotTheCell::Changed);
    }
    let id = id_of_others(map, stores).await?;
    let assigned = home.stored_bytes().await.map_err(|error| failed_home(map, error))?;
    if assigned.and_then(|assigned| assigned.map).is_some_and(|of| of != id) {
        return Err(NotTheCell::OfOthers(spec.name.clone()));
    }
    let assigned = StoredBytes { version: map.version(), bytes: Some(spec.bytes()), map: Some(id) };
    if !home.keep_to(assigned).await.map_err(|error| failed_home(map, error))? {
        return Err(NotTheCell::Later(spec.name.clone()));
    }
    let known = now.known_by(id);
    match store_assigned(&**home, &stored, &known).await? {
        true => Ok(known),
        false => Err(NotTheCell::Changed),
    }
}

/// The id of the map of all cells but the home, as far as they are assigned.
async fn id_of_others(map: &CellMap, stores: &[Arc<dyn MoveStore>]) -> Result<MapId, NotTheCell> {
    let mut id = None;
    for (spec, store) in map.cells().iter().zip(stores).skip(1) {
        let name = || spec.name.clone();
        let failed = |error| NotTheCell::Store(name(), error);
        refuse_home(spec, &**store).await?;
        let Some(assigned) = store.stored_bytes().await.map_err(failed)? else { continue };
        if assigned.map.is_some() && id.is_some() && assigned.map != id {
            return Err(NotTheCell::OfOthers(name()));
        }
        id = id.or(assigned.map);
        refuse_other_bytes(spec, assigned)?;
        if assigned.version > map.version() {
            return Err(NotTheCell::Later(name()));
        }
    }
    id.ok_or_else(|| NotTheCell::NotTold(map.cells()[0].name.clone()))
}
