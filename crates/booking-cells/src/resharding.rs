//! Changing which cell has which events, while they are sold.
//!
//! ```text
//! home              the cell that they leave   the cell that they go to
//! next = the new map                                                       so that the next process ends what was begun
//!                                              keeps to what it is to have no server asks it for that yet
//!                   keeps to what it is left                               new events are created nowhere
//! map = the new map                                                        from here on they are in the other
//!   servers see it                                                         they look in the first, and then in the other
//!                   each event ───────────────►                            `Mover`
//! map without the change                                                   they look in the other alone
//! ```
//!
//! If the resharder is killed anywhere in this, [`change_state`] reports what is left to be done, and repeating a step
//! does nothing. No event is created twice, because a cell refuses those that it is not to have: a server with an older
//! map is refused, and learns that way that there is another. No event is lost, because of the order: a request that
//! does not find it in the first cell finds it in the other, or is answered there that it is on its way, and none goes
//! back as long as this lasts.

use crate::map::{CellChange, CellMap, CellSpec, MapError};
use crate::moving::{MoveError, MoveObserver, Mover};
use crate::store::MAP_CHECKED_EVERY;
use booking_core::{
    CellBytes, CellName, EventId, MoveId, MoveStore, StoreError, StoredBytes, StoredMap,
};
use std::fmt;
use std::time::Duration;
use thiserror::Error;
use tokio::time::sleep;

/// How long it takes until every running server uses a new map: each looks every [`MAP_CHECKED_EVERY`], and then opens
/// the cells that are new to it. Until then no event is moved, so that servers which see it later refuse no client.
pub const MAP_SEEN_WITHIN: Duration = MAP_CHECKED_EVERY.saturating_mul(2);
/// How often all events of a cell are gone through, if some could not be moved.
pub const PASSES_MAX: usize = 3;
/// How many events are read at once to find those that are to be moved.
pub const EVENTS_AT_ONCE: usize = 500;

/// Why a map was not changed, or events not moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReshardError {
    /// A cell did not do what it was asked for.
    #[error("cell {0} failed")]
    Cell(CellName, #[source] StoreError),
    /// What is stored is no map, or the change cannot be made.
    #[error(transparent)]
    Map(#[from] MapError),
    /// What events refer to could not be copied.
    #[error("organizers, their tokens and webhooks could not be copied")]
    Shared(#[source] MoveError),
    /// Another process changes the map, or has changed it since it was read.
    #[error("somebody else has changed the map; look at how it is now")]
    Changed,
    /// The home stores no map.
    #[error("the home keeps no map")]
    NoMap,
    /// The observer stopped it.
    #[error("it was stopped")]
    Stopped,
}

/// What the home stores, and what is left to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeState {
    /// Nothing.
    Settled(CellMap),
    /// A process has begun to [publish](Resharder::publish) another map, and no server uses it yet.
    Publishing {
        /// The map in use.
        before: CellMap,
        /// The map that is to be used.
        after: CellMap,
    },
    /// Events have to be moved, and the change [ended](Resharder::go_on).
    Changing(CellMap),
}

/// How many events were moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Events that are where they were to go, moved now or before.
    pub moved: u64,
    /// Events that could not be moved. The change does not end as long as there are any.
    pub failed: u64,
}

/// Reads the state of a change of the map. `first` is stored in the home if that stores none; its nodes are those of
/// all maps.
///
/// # Errors
/// [`ReshardError`]: the home does not answer, or what it stores is no map on these nodes.
pub async fn change_state(
    home: &dyn MoveStore,
    first: &CellMap,
) -> Result<ChangeState, ReshardError> {
    let name = &first.cells()[0].name;
    let of_home = |error| ReshardError::Cell(name.clone(), error);
    let mut stored = home.stored_map().await.map_err(of_home)?;
    if stored.is_none() {
        let first = StoredMap { version: first.version(), map: first.to_text(), next: None };
        // If another process was first, its map stays.
        home.replace_map(None, &first).await.map_err(of_home)?;
        stored = home.stored_map().await.map_err(of_home)?;
    }
    let StoredMap { map, next, .. } = stored.ok_or(ReshardError::NoMap)?;
    let map = CellMap::from_text(&map, first.nodes().to_vec())?;
    Ok(match next {
        Some(next) => {
            let after = CellMap::from_text(&next, first.nodes().to_vec())?;
            ChangeState::Publishing { before: map, after }
        }
        None if map.change().is_some() => ChangeState::Changing(map),
        None => ChangeState::Settled(map),
    })
}

/// How many events still have to leave `from` in the change that is under way in `map`; none, if there is no change.
///
/// # Errors
/// The store's.
pub async fn count_to_go(map: &CellMap, from: &dyn MoveStore) -> Result<u64, StoreError> {
    let Some(CellChange { bytes, .. }) = map.change() else { return Ok(0) };
    let (mut count, mut to_go) = (0, ToGo::of(bytes, from));
    while let Some(page) = to_go.next_page().await? {
        count += page.len() as u64;
    }
    Ok(count + arriving_in(from, bytes).await?.len() as u64)
}

/// The events of some bytes that have room in a store, and may still arrive there.
async fn arriving_in(store: &dyn MoveStore, bytes: CellBytes) -> Result<Vec<EventId>, StoreError> {
    let (mut arriving, mut after) = (Vec::new(), None);
    loop {
        let page = store.events_arriving(after, EVENTS_AT_ONCE).await?;
        let is_last = page.len() < EVENTS_AT_ONCE;
        after = page.last().copied();
        arriving.extend(page.into_iter().filter(|event| bytes.has_event(*event)));
        if is_last {
            return Ok(arriving);
        }
    }
}

/// Iterates over the events of some bytes that are in a store, or have left it and are not known to have
/// arrived.
struct ToGo<'a> {
    from: &'a dyn MoveStore,
    bytes: CellBytes,
    after: Option<EventId>,
    is_over: bool,
}

impl<'a> ToGo<'a> {
    fn of(bytes: CellBytes, from: &'a dyn MoveStore) -> Self {
        Self { from, bytes, after: None, is_over: false }
    }

    /// Those among the next [`EVENTS_AT_ONCE`] of the store; `None` after the last.
    async fn next_page(&mut self) -> Result<Option<Vec<EventId>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        let mut found = self.from.events_to_move(self.after, EVENTS_AT_ONCE).await?;
        self.is_over = found.len() < EVENTS_AT_ONCE;
        self.after = found.last().copied();
        found.retain(|event| self.bytes.has_event(*event));
        Ok(Some(found))
    }
}

/// Changes a map, and moves events between the two cells of the change.
pub struct Resharder<'a> {
    /// The cell that keeps the map: that of the byte 00, in every version.
    pub home: &'a dyn MoveStore,
    /// The cell that events leave.
    pub from: &'a dyn MoveStore,
    /// The cell that they go to.
    pub to: &'a dyn MoveStore,
    /// How long it takes until every server uses a new map: [`MAP_SEEN_WITHIN`], if servers look as often as they
    /// should.
    pub seen_within: Duration,
    /// Makes a unique id for each attempt to move an event.
    pub new_id: &'a (dyn Fn() -> MoveId + Sync),
    /// Is notified of each step.
    pub observer: &'a dyn MoveObserver,
}

impl fmt::Debug for Resharder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resharder")
    }
}

/// The change of a map, and its two cells.
fn parts(map: &CellMap) -> Result<(CellChange, &CellSpec, &CellSpec), ReshardError> {
    let change = map.change().ok_or(ReshardError::Changed)?;
    let named = |name: &CellName| map.all().find(|cell| cell.name == *name);
    match (named(&change.from), named(&change.to)) {
        (Some(from), Some(to)) => Ok((change, from, to)),
        _ => Err(ReshardError::Changed),
    }
}

/// The name of a place, as the two cells of a move store it.
fn place_name(cell: &CellSpec) -> String {
    format!("{}/{}", cell.node, cell.schema)
}

impl Resharder<'_> {
    /// Has every server use `after` from now on, which is `before` [changed](CellMap::changed). Repeating it does
    /// nothing.
    ///
    /// # Errors
    /// [`ReshardError`]. Servers use `before` then, or `after`; as long as it is not known which, no new event is
    /// created of those that are to move.
    pub async fn publish(&self, before: &CellMap, after: &CellMap) -> Result<(), ReshardError> {
        let (change, from, to) = parts(after)?;
        let home = &before.cells()[0].name;
        let of = |name: &CellName| {
            let name = name.clone();
            move |error| ReshardError::Cell(name, error)
        };
        let stored = self.home.stored_map().await.map_err(of(home))?.ok_or(ReshardError::NoMap)?;
        let done = StoredMap { version: after.version(), map: after.to_text(), next: None };
        if stored == done {
            return Ok(());
        }
        if CellMap::from_text(&stored.map, before.nodes().to_vec())? != *before {
            return Err(ReshardError::Changed);
        }
        let begun = StoredMap { next: Some(after.to_text()), ..stored.clone() };
        let settled = StoredMap { next: None, ..stored };
        if !self.home.replace_map(Some(&settled), &begun).await.map_err(of(home))? {
            return Err(ReshardError::Changed);
        }
        // Before any event arrives: the organizers, and whether mail is sent.
        let (from_name, to_name) = (place_name(from), place_name(to));
        let mover = self.mover(&from_name, &to_name);
        mover.copy_organizers().await.map_err(ReshardError::Shared)?;
        // In this order: no server reads the target yet.
        for (store, cell) in [(self.to, &to.name), (self.from, &from.name)] {
            let bytes = after.bytes_of(cell);
            let assigned = StoredBytes { version: after.version(), bytes, map: after.id() };
            if !store.keep_to(assigned).await.map_err(of(cell))? {
                return Err(ReshardError::Changed);
            }
        }
        log::debug!("{} are put up in cell {} from now on", change.bytes, to.name);
        match self.home.replace_map(Some(&begun), &done).await.map_err(of(home))? {
            true => Ok(()),
            false => Err(ReshardError::Changed),
        }
    }

    /// Moves the events of a change that is under way in `map`, and ends it once none is left. Repeating it does what
    /// is left to be done.
    ///
    /// Events that are on their way into the source from a store outside count as failed: it ends only once they have
    /// arrived, and are moved too, or their move was abandoned.
    ///
    /// # Errors
    /// [`ReshardError`]. Events that were moved are in the target, all others in the source.
    pub async fn go_on(&self, map: &CellMap) -> Result<Moved, ReshardError> {
        let (change, from, to) = parts(map)?;
        sleep(self.seen_within).await;
        let (from_name, to_name) = (place_name(from), place_name(to));
        let mover = self.mover(&from_name, &to_name);
        let mut moved = 0;
        for pass in 1.. {
            // Before it looks for events: no other gets room there any more.
            let arriving = arriving_in(self.from, change.bytes).await;
            let arriving =
                arriving.map_err(|error| ReshardError::Cell(from.name.clone(), error))?;
            mover.copy_organizers().await.map_err(ReshardError::Shared)?;
            let of_pass = self.move_all(&mover, map, change.bytes, &from.name).await?;
            moved += of_pass.moved;
            match of_pass {
                Moved { moved: 0, failed: 0 } if arriving.is_empty() => break,
                Moved { moved: 0, failed: 0 } => {
                    for event in &arriving {
                        self.observer.failed(*event, &MoveError::Arriving);
                    }
                    return Ok(Moved { moved, failed: arriving.len() as u64 });
                }
                Moved { failed, .. } if failed > 0 && pass >= PASSES_MAX => {
                    return Ok(Moved { moved, failed });
                }
                // Once more, to see that none is left.
                Moved { .. } => {}
            }
        }
        self.end(map).await?;
        Ok(Moved { moved, failed: 0 })
    }

    fn mover<'a>(&'a self, from_name: &'a str, to_name: &'a str) -> Mover<'a> {
        Mover {
            from: self.from,
            to: self.to,
            from_name,
            to_name,
            new_id: self.new_id,
            observer: self.observer,
        }
    }

    /// Moves each event of these bytes, as long as `map` is the stored one: a process that slept may find it changed,
    /// and changed back.
    async fn move_all(
        &self,
        mover: &Mover<'_>,
        map: &CellMap,
        bytes: CellBytes,
        from: &CellName,
    ) -> Result<Moved, ReshardError> {
        let (mut of_pass, mut to_go) = (Moved::default(), ToGo::of(bytes, self.from));
        loop {
            let page = to_go.next_page().await;
            let page = page.map_err(|error| ReshardError::Cell(from.clone(), error))?;
            let Some(page) = page else { return Ok(of_pass) };
            for event in page {
                let stored = self.home.stored_map().await;
                let of_home = |error| ReshardError::Cell(map.cells()[0].name.clone(), error);
                if stored.map_err(of_home)?.is_none_or(|stored| stored.version != map.version()) {
                    return Err(ReshardError::Changed);
                }
                match mover.move_event(event).await {
                    Ok(()) => of_pass.moved += 1,
                    Err(MoveError::Stopped) => return Err(ReshardError::Stopped),
                    Err(error) => {
                        self.observer.failed(event, &error);
                        of_pass.failed += 1;
                    }
                }
            }
        }
    }

    /// Ends the change: no event is left in the source, and no server has to look there any more.
    async fn end(&self, map: &CellMap) -> Result<(), ReshardError> {
        let home = &map.cells()[0].name;
        let of_home = |error| ReshardError::Cell(home.clone(), error);
        let stored = self.home.stored_map().await.map_err(of_home)?.ok_or(ReshardError::NoMap)?;
        let settled = map.settled();
        let done = StoredMap { version: settled.version(), map: settled.to_text(), next: None };
        if stored == done {
            return Ok(());
        }
        let is_ours = CellMap::from_text(&stored.map, map.nodes().to_vec())? == *map;
        if is_ours && self.home.replace_map(Some(&stored), &done).await.map_err(of_home)? {
            return Ok(());
        }
        Err(ReshardError::Changed)
    }
}
