//! Telling cells from other databases, whose tables look the same.
//!
//! Each cell is told once which cells it is one of, by the id of their map, and which bytes it has. Whoever opens it by a file
//! in which somebody mistyped a URL finds that it is another, or none. The id is in the map that the home keeps once all of them
//! were told: from then on what was told nothing is none of them.

use crate::map::{CellMap, CellSpec, MapError};
use booking_core::{
    BookingStore, CellBytes, CellName, MapId, MoveStore, StoreError, StoredBytes, StoredMap,
};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// How often cells are told again, since somebody else tells them at the same moment or changes the map.
const TRIES_MAX: usize = 5;

/// Why a store is not the cell that a map has in its place.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotTheCell {
    /// It did not answer.
    #[error("cell {0} failed")]
    Store(CellName, #[source] StoreError),
    /// It was told nothing, or not of which cells it is one, and all of them were.
    #[error(
        "what is there was never told that it is cell {0}: it is another database, or was restored from a backup from before \
         that; if it is the right one, `booking-http cells adopt {0}` tells it so"
    )]
    NotTold(CellName),
    /// It is one of other cells.
    #[error("what is there is one of other cells than cell {0}, of another map")]
    OfOthers(CellName),
    /// It is the home of other cells.
    #[error("what is there is the home of other cells than cell {0}")]
    Home(CellName),
    /// It has other events than the map says.
    #[error(
        "what is there was told to have events whose ids end in {told}, and cell {cell} has {has}: it is another cell, or was \
         restored from a backup from before cells were changed; or the home has lost that they were, and the same change made \
         again goes on"
    )]
    OtherBytes {
        /// The cell that the map has there.
        cell: CellName,
        /// What the store was told.
        told: Bytes,
        /// What the map says.
        has: Bytes,
    },
    /// It was told by a later map than the home keeps.
    #[error(
        "cell {0} was told by a later map than the home keeps: restore the home as it was last"
    )]
    Later(CellName),
    /// The map that the home keeps is another now.
    #[error("somebody has changed the cells at this moment; begin again")]
    Changed,
    /// What the home keeps is no map.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// Bytes for people.
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

/// What a cell of a map is to have been told, if all of its cells were: by that, or by a map of a later version.
pub fn told_of(map: &CellMap, cell: &CellName) -> Option<StoredBytes> {
    Some(StoredBytes { version: map.version(), bytes: map.bytes_of(cell), map: Some(map.id()?) })
}

/// Makes sure that `store` is the cell that `map` calls `cell`, as far as it was told. `home` is asked what it keeps if that
/// differs: the map may have been changed since it was read, or is being changed.
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
    let told = store.stored_bytes().await.map_err(failed)?;
    let (told, of) = match (told, map.id()) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err(NotTheCell::NotTold(cell.clone())),
        (Some(told), of) => (told, of),
    };
    match (of, told.map) {
        (Some(of), Some(told)) if of != told => return Err(NotTheCell::OfOthers(cell.clone())),
        (Some(_), None) => return Err(NotTheCell::NotTold(cell.clone())),
        _ => {}
    }
    let has = map.bytes_of(cell);
    if told.bytes == has {
        return Ok(());
    }
    let kept = home.stored_map().await.map_err(|error| failed_home(map, error))?;
    let texts = kept.into_iter().flat_map(|StoredMap { map, next, .. }| [Some(map), next]);
    for text in texts.flatten() {
        // Of nodes that nobody knows here it is a later one.
        let other = CellMap::from_text(&text, map.nodes().to_vec());
        let other = other.map_err(|_| NotTheCell::Changed)?;
        if other.version() > map.version() && other.bytes_of(cell) == told.bytes {
            return Ok(());
        }
    }
    Err(NotTheCell::OtherBytes { cell: cell.clone(), told: Bytes(told.bytes), has: Bytes(has) })
}

fn failed_home(map: &CellMap, error: StoreError) -> NotTheCell {
    NotTheCell::Store(map.cells()[0].name.clone(), error)
}

/// What the home keeps, and the map in it; it keeps one.
async fn kept_by(home: &dyn MoveStore, map: &CellMap) -> Result<(StoredMap, CellMap), NotTheCell> {
    let kept = home.stored_map().await.map_err(|error| failed_home(map, error))?;
    let kept = kept.ok_or(NotTheCell::Changed)?;
    let now = CellMap::from_text(&kept.map, map.nodes().to_vec())?;
    Ok((kept, now))
}

/// Has the home keep that all cells of `known` were told, unless it keeps something else than `kept` by now: `false` then.
async fn keep_known(
    home: &dyn MoveStore,
    kept: &StoredMap,
    known: &CellMap,
) -> Result<bool, NotTheCell> {
    let after = StoredMap { map: known.to_text(), ..kept.clone() };
    home.replace_map(Some(kept), &after).await.map_err(|error| failed_home(known, error))
}

/// Refuses a store that is the home of others.
async fn refuse_home(spec: &CellSpec, store: &dyn MoveStore) -> Result<(), NotTheCell> {
    match store.stored_map().await {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(NotTheCell::Home(spec.name.clone())),
        Err(error) => Err(NotTheCell::Store(spec.name.clone(), error)),
    }
}

/// Refuses a store that was told to have other bytes than its cell.
fn refuse_other_bytes(spec: &CellSpec, told: StoredBytes) -> Result<(), NotTheCell> {
    let has = Some(spec.bytes());
    if told.bytes == has {
        return Ok(());
    }
    let (told, has) = (Bytes(told.bytes), Bytes(has));
    Err(NotTheCell::OtherBytes { cell: spec.name.clone(), told, has })
}

/// Tells the cells of a map that they are these, each by its store in the order of [`CellMap::cells`], unless all were told so
/// before, and has the home keep that they know it. The home keeps `map` already. Returns the map that it keeps now: `map`, or what
/// somebody has made of it. While a change is under way nothing is told.
///
/// # Errors
/// [`NotTheCell`]: one of them is not what the map has there. None was told anything then, unless somebody tells it otherwise at
/// the same moment.
///
/// # Panics
/// If there are not as many cells as stores.
pub async fn tell_cells(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
    new_id: &(dyn Fn() -> MapId + Sync),
) -> Result<CellMap, NotTheCell> {
    for _ in 0..TRIES_MAX {
        let (kept, now) = kept_by(&*stores[0], map).await?;
        if now.id().is_some() || now.change().is_some() || kept.next.is_some() {
            return Ok(now);
        }
        if now != *map {
            return Err(NotTheCell::Changed);
        }
        assert_eq!(stores.len(), now.cells().len(), "a store for each cell");
        let known = look_at_all(&now, stores).await?;
        let id = known[0].and_then(|told| told.map).unwrap_or_else(new_id);
        if !tell_all(&now, stores, &known, id).await? {
            continue;
        }
        let known = now.known_by(id);
        if keep_known(&*stores[0], &kept, &known).await? {
            log::info!("{} cells were told that they are these, and no others", stores.len());
            return Ok(known);
        }
    }
    Err(NotTheCell::Changed)
}

/// What each of them was told before; all of that is in order.
async fn look_at_all(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
) -> Result<Vec<Option<StoredBytes>>, NotTheCell> {
    let mut known = Vec::new();
    // The home is told first, and so is looked at last: what another was told it was told before.
    for (spec, store) in map.cells().iter().zip(stores).rev() {
        let failed = |error| NotTheCell::Store(spec.name.clone(), error);
        known.push(store.stored_bytes().await.map_err(failed)?);
        if known.len() < stores.len() {
            refuse_home(spec, &**store).await?;
        }
    }
    known.reverse();
    let of_home = known[0].and_then(|told| told.map);
    for (spec, told) in map.cells().iter().zip(&known) {
        let Some(told) = told else { continue };
        if told.map.is_some() && told.map != of_home {
            return Err(NotTheCell::OfOthers(spec.name.clone()));
        }
        refuse_other_bytes(spec, *told)?;
    }
    Ok(known)
}

/// Tells those that were not told; `false` if somebody tells one otherwise at this moment.
async fn tell_all(
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
        let told = StoredBytes { version, bytes: Some(spec.bytes()), map: Some(id) };
        let kept = store.keep_to(told).await;
        if !kept.map_err(|error| NotTheCell::Store(spec.name.clone(), error))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes sure that none of the cells that a file names was told of a map, or keeps one, where the home keeps none: it is not their
/// home then. What they were told beside that has to be what `map` says.
///
/// # Errors
/// [`NotTheCell`].
pub async fn check_none_is_told(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
) -> Result<(), NotTheCell> {
    let known = look_at_all(map, stores).await?;
    for (CellSpec { name, .. }, told) in map.cells().iter().zip(known) {
        if told.is_some_and(|told| told.map.is_some()) {
            return Err(NotTheCell::OfOthers(name.clone()));
        }
    }
    Ok(())
}

/// Has the home of a map be that of its cells again, where it was restored from a backup from before all of them were told that they
/// are these, and keeps `map`, which does not know it: the others say which cells they are. They come in the order of
/// [`CellMap::cells`]; those that were told nothing, or not of which cells they are one, are none of these then until they are told.
/// Returns the map that the home keeps now.
///
/// # Errors
/// [`NotTheCell`]: none of the others was told, they do not say the same, or one is not what the map has there. Nothing is changed
/// then, unless somebody changes the cells at the same moment.
///
/// # Panics
/// If there are not as many cells as stores.
pub async fn adopt_home(
    map: &CellMap,
    stores: &[Arc<dyn MoveStore>],
) -> Result<CellMap, NotTheCell> {
    assert_eq!(stores.len(), map.cells().len(), "a store for each cell");
    let (spec, home) = (&map.cells()[0], &stores[0]);
    let (kept, now) = kept_by(&**home, map).await?;
    if now != *map || now.id().is_some() || now.change().is_some() || kept.next.is_some() {
        return Err(NotTheCell::Changed);
    }
    let id = id_of_others(map, stores).await?;
    let told = home.stored_bytes().await.map_err(|error| failed_home(map, error))?;
    if told.and_then(|told| told.map).is_some_and(|of| of != id) {
        return Err(NotTheCell::OfOthers(spec.name.clone()));
    }
    let told = StoredBytes { version: map.version(), bytes: Some(spec.bytes()), map: Some(id) };
    if !home.keep_to(told).await.map_err(|error| failed_home(map, error))? {
        return Err(NotTheCell::Later(spec.name.clone()));
    }
    let known = now.known_by(id);
    match keep_known(&**home, &kept, &known).await? {
        true => Ok(known),
        false => Err(NotTheCell::Changed),
    }
}

/// Which cells all but the home say that they are, as far as they were told.
async fn id_of_others(map: &CellMap, stores: &[Arc<dyn MoveStore>]) -> Result<MapId, NotTheCell> {
    let mut id = None;
    for (spec, store) in map.cells().iter().zip(stores).skip(1) {
        let name = || spec.name.clone();
        let failed = |error| NotTheCell::Store(name(), error);
        refuse_home(spec, &**store).await?;
        let Some(told) = store.stored_bytes().await.map_err(failed)? else { continue };
        if told.map.is_some() && id.is_some() && told.map != id {
            return Err(NotTheCell::OfOthers(name()));
        }
        id = id.or(told.map);
        refuse_other_bytes(spec, told)?;
        if told.version > map.version() {
            return Err(NotTheCell::Later(name()));
        }
    }
    id.ok_or_else(|| NotTheCell::NotTold(map.cells()[0].name.clone()))
}
