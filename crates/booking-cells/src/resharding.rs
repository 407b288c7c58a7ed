//! Changing which cell has which events, while they are sold.
//!
//! ```text
//! home              the cell that they leave   the cell that they go to
//! next = the new map                                                       so that whoever comes next ends what was begun
//!                                              keeps to what it is to have nobody asks it for that yet
//!                   keeps to what it is left                               new events are put up nowhere
//! map = the new map                                                        from here on they are in the other
//!   servers see it                                                         they look in the first, and then in the other
//!                   each event ───────────────►                            `Mover`
//! map without the change                                                   they look in the other alone
//! ```
//!
//! Whatever is killed in this, [`change_state`] says what there is to be done, and doing it again does nothing. What keeps an
//! event from being put up twice is that a cell refuses those that it is not to have: a server that goes by an older map is
//! refused, and learns so that there is another. What keeps it from being lost is the order: whoever does not find it in the
//! first cell finds it in the other, or hears there that it is on its way, and none goes back as long as this lasts.

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

/// How long it takes until every server that runs goes by a new map: each looks every
/// [`MAP_CHECKED_EVERY`], and then opens what is new to it. Until then no event is moved, so that those who see it later
/// refuse nobody.
pub const MAP_SEEN_WITHIN: Duration = MAP_CHECKED_EVERY.saturating_mul(2);
/// How often all events of a cell are gone through for those that are to be moved, if some could not be.
pub const PASSES_MAX: usize = 3;
/// How many events whoever moves many looks for at once.
pub const EVENTS_AT_ONCE: usize = 500;

/// Why a map was not changed, or events not moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReshardError {
    /// A cell did not do what it was asked for.
    #[error("cell {0} failed")]
    Cell(CellName, #[source] StoreError),
    /// What is kept is no map, or the change cannot be made.
    #[error(transparent)]
    Map(#[from] MapError),
    /// What events refer to could not be copied.
    #[error("organizers, their tokens and webhooks could not be copied")]
    Shared(#[source] MoveError),
    /// Somebody else changes the map, or has changed it since it was looked at.
    #[error("somebody else has changed the map; look at how it is now")]
    Changed,
    /// The home keeps none.
    #[error("the home keeps no map")]
    NoMap,
    /// The observer had it stop.
    #[error("it was stopped")]
    Stopped,
}

/// What the home keeps, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeState {
    /// Nothing.
    Settled(CellMap),
    /// Somebody has begun to [publish](Resharder::publish) another, and nobody goes by that yet.
    Publishing {
        /// What everybody goes by.
        before: CellMap,
        /// What they are to go by.
        after: CellMap,
    },
    /// Events are to be moved, and the change to be [ended](Resharder::go_on).
    Changing(CellMap),
}

/// How many events were moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Those that are where they were to go, by this or before.
    pub moved: u64,
    /// Those that could not be moved. The change has not ended as long as there are any.
    pub failed: u64,
}

/// The state of a change of the map. `first` is kept in the home if that keeps none; its nodes are those of all maps.
///
/// # Errors
/// [`ReshardError`]: the home does not answer, or what it keeps is no map on these nodes.
pub async fn change_state(
    home: &dyn MoveStore,
    first: &CellMap,
) -> Result<ChangeState, ReshardError> {
    let name = &first.cells()[0].name;
    let of_home = |error| ReshardError::Cell(name.clone(), error);
    let mut kept = home.stored_map().await.map_err(of_home)?;
    if kept.is_none() {
        let first = StoredMap { version: first.version(), map: first.to_text(), next: None };
        // If somebody else was before, theirs is kept.
        home.replace_map(None, &first).await.map_err(of_home)?;
        kept = home.stored_map().await.map_err(of_home)?;
    }
    let StoredMap { map, next, .. } = kept.ok_or(ReshardError::NoMap)?;
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

/// How many events are still to go in a change that is under way in `map`, out of the store that they leave; none, if no change
/// is.
///
/// # Errors
/// The store's.
pub async fn count_to_go(map: &CellMap, from: &dyn MoveStore) -> Result<u64, StoreError> {
    let Some(CellChange { bytes, .. }) = map.change() else { return Ok(0) };
    let (mut count, mut to_go) = (0, ToGo::of(bytes, from));
    while let Some(page) = to_go.next_page().await? {
        count += page.len() as u64;
    }
    Ok(count)
}

/// Goes through the events of some bytes that are in a store, or have left it and are not known to have arrived.
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

/// The cells of a change.
pub struct Resharder<'a> {
    /// The cell that keeps the map: that of the byte 00, in every version.
    pub home: &'a dyn MoveStore,
    /// The cell that events leave.
    pub from: &'a dyn MoveStore,
    /// The cell that they go to.
    pub to: &'a dyn MoveStore,
    /// How long it takes until every server goes by a new map: [`MAP_SEEN_WITHIN`], where servers look as often as they should.
    pub seen_within: Duration,
    /// Makes a name that nobody has, for each attempt to move an event.
    pub new_id: &'a (dyn Fn() -> MoveId + Sync),
    /// Who watches.
    pub observer: &'a dyn MoveObserver,
}

impl fmt::Debug for Resharder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resharder")
    }
}

/// The change of a map, and the cells that it is between.
fn parts(map: &CellMap) -> Result<(CellChange, &CellSpec, &CellSpec), ReshardError> {
    let change = map.change().ok_or(ReshardError::Changed)?;
    let named = |name: &CellName| map.all().find(|cell| cell.name == *name);
    match (named(&change.from), named(&change.to)) {
        (Some(from), Some(to)) => Ok((change, from, to)),
        _ => Err(ReshardError::Changed),
    }
}

/// What a place is called in the cell that an event leaves, and in the one that it goes to.
fn place_name(cell: &CellSpec) -> String {
    format!("{}/{}", cell.node, cell.schema)
}

impl Resharder<'_> {
    /// Has everybody go by `after` from now on, which is `before` [changed](CellMap::changed). Done again it does nothing.
    ///
    /// # Errors
    /// [`ReshardError`]. Everybody goes by `before` then, or by `after`; as long as it is not known by which, no new event
    /// is put up of those that are to go.
    pub async fn publish(&self, before: &CellMap, after: &CellMap) -> Result<(), ReshardError> {
        let (change, from, to) = parts(after)?;
        let home = &before.cells()[0].name;
        let of = |name: &CellName| {
            let name = name.clone();
            move |error| ReshardError::Cell(name, error)
        };
        let kept = self.home.stored_map().await.map_err(of(home))?.ok_or(ReshardError::NoMap)?;
        let done = StoredMap { version: after.version(), map: after.to_text(), next: None };
        if kept == done {
            return Ok(());
        }
        if CellMap::from_text(&kept.map, before.nodes().to_vec())? != *before {
            return Err(ReshardError::Changed);
        }
        let begun = StoredMap { next: Some(after.to_text()), ..kept.clone() };
        let settled = StoredMap { next: None, ..kept };
        if !self.home.replace_map(Some(&settled), &begun).await.map_err(of(home))? {
            return Err(ReshardError::Changed);
        }
        // Before anything is there: who the organizers are, and that mail is sent.
        let (from_name, to_name) = (place_name(from), place_name(to));
        let mover = self.mover(&from_name, &to_name);
        mover.copy_organizers().await.map_err(ReshardError::Shared)?;
        // In this order: nobody looks in the other yet.
        for (store, cell) in [(self.to, &to.name), (self.from, &from.name)] {
            let bytes = after.bytes_of(cell);
            let told = StoredBytes { version: after.version(), bytes, map: after.id() };
            if !store.keep_to(told).await.map_err(of(cell))? {
                return Err(ReshardError::Changed);
            }
        }
        log::debug!("{} are put up in cell {} from now on", change.bytes, to.name);
        match self.home.replace_map(Some(&begun), &done).await.map_err(of(home))? {
            true => Ok(()),
            false => Err(ReshardError::Changed),
        }
    }

    /// Moves the events of a change that is under way in `map`, and ends it once none is left. Done again it does what is left
    /// to be done.
    ///
    /// # Errors
    /// [`ReshardError`]. Whatever was moved is where it was to go, all else where it was.
    pub async fn go_on(&self, map: &CellMap) -> Result<Moved, ReshardError> {
        let (change, from, to) = parts(map)?;
        sleep(self.seen_within).await;
        let (from_name, to_name) = (place_name(from), place_name(to));
        let mover = self.mover(&from_name, &to_name);
        let mut moved = 0;
        for pass in 1.. {
            mover.copy_organizers().await.map_err(ReshardError::Shared)?;
            let of_pass = self.move_all(&mover, map, change.bytes, &from.name).await?;
            moved += of_pass.moved;
            match of_pass {
                Moved { moved: 0, failed: 0 } => break,
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

    /// Moves each event of these bytes that there is, as long as `map` is what is gone by: who slept may find it changed, and
    /// changed back.
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
                let kept = self.home.stored_map().await;
                let of_home = |error| ReshardError::Cell(map.cells()[0].name.clone(), error);
                if kept.map_err(of_home)?.is_none_or(|kept| kept.version != map.version()) {
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

    /// No event is left where they were: nobody has to look there any more.
    async fn end(&self, map: &CellMap) -> Result<(), ReshardError> {
        let home = &map.cells()[0].name;
        let of_home = |error| ReshardError::Cell(home.clone(), error);
        let kept = self.home.stored_map().await.map_err(of_home)?.ok_or(ReshardError::NoMap)?;
        let settled = map.settled();
        let done = StoredMap { version: settled.version(), map: settled.to_text(), next: None };
        if kept == done {
            return Ok(());
        }
        let is_ours = CellMap::from_text(&kept.map, map.nodes().to_vec())? == *map;
        if is_ours && self.home.replace_map(Some(&kept), &done).await.map_err(of_home)? {
            return Ok(());
        }
        Err(ReshardError::Changed)
    }
}
