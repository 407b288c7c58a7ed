use crate::cell::{Cell, CellError};
use crate::found::Cache;
use crate::map::{CellMap, CellSpec};
use booking_core::{BookingStore, CellBytes, EventId, RegistrationId, SeatLane, StoreError};
use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// The position of the home among the cells: it has the byte 00.
pub(crate) const HOME: usize = 0;

/// How often a server looks whether the home stores a newer map.
pub const MAP_CHECKED_EVERY: Duration = Duration::from_secs(2);
/// The longest that a request for an event waits while that is between two cells. It takes milliseconds, unless the
/// mover was stopped there.
pub const BETWEEN_WAIT: Duration = Duration::from_millis(500);
/// The pause before it asks again.
const BETWEEN_PAUSE: Duration = Duration::from_millis(10);

/// Many stores as one. The [crate] says how.
///
/// It needs a Tokio runtime with time enabled. A call that asks several cells asks each in a task of its own.
#[derive(Debug)]
pub struct CellStore {
    /// The cells in use. A call uses those that there were when it began, to its end.
    now: RwLock<Arc<Cells>>,
    /// Notified when an event was refused because the map is old.
    pub(crate) refused: Notify,
}

/// The cells of one version of the map.
#[derive(Debug)]
pub(crate) struct Cells {
    map: CellMap,
    /// The nodes of this map and of those before. A node's position is its number, which no other node ever gets.
    nodes: Vec<String>,
    pub(crate) cells: Vec<Arc<Cell>>,
    pub(crate) change: Option<Change>,
    /// The cells of registrations whose ids lead elsewhere.
    pub(crate) found: Cache<RegistrationId, u8>,
    /// The cell at which the next request begins that asks them one by one.
    pub(crate) turn: AtomicUsize,
    /// When mail was last reported as sent here.
    pub(crate) mail_shown_at: Arc<Mutex<Option<Instant>>>,
    #[cfg(feature = "negative-control")]
    flaw: Option<CellFlaw>,
}

/// A change that is under way: an event of these bytes is in one of two cells.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) bytes: CellBytes,
    /// The cell that they leave.
    pub(crate) from: usize,
    /// Events that are not in the source: none comes back, and new ones are created in the target.
    gone: Cache<EventId, ()>,
}

/// A mistake, for the negative controls.
#[cfg(feature = "negative-control")]
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellFlaw {
    /// An event is created in a cell where it is not looked up.
    WrongCell,
    /// Pages of cells are concatenated.
    Unmerged,
    /// So are the outcomes of a batch.
    OutOfOrder,
    /// Events are looked up in the map's cell alone, even while they still have to go there.
    OnlyWhereTheyGo,
    /// Whether the event of a registration is between two cells is decided by its id alone.
    BetweenByIdAlone,
}

impl CellStore {
    /// The cells of `map`, with their stores in the order of [`CellMap::all`].
    ///
    /// # Panics
    /// If there are not as many stores as cells.
    pub fn new(map: &CellMap, stores: Vec<Arc<dyn BookingStore>>) -> Self {
        Self::of(Cells::new(map, stores, None))
    }

    fn of(cells: Cells) -> Self {
        Self { now: RwLock::new(Arc::new(cells)), refused: Notify::new() }
    }

    /// Uses another map from now on, with its stores in the order of [`CellMap::all`]. Calls that have begun finish
    /// with the previous one.
    ///
    /// # Panics
    /// If there are not as many cells as stores.
    pub fn install(&self, map: &CellMap, stores: Vec<Arc<dyn BookingStore>>) {
        let cells = Arc::new(Cells::new(map, stores, Some(&self.now())));
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = cells;
    }

    /// The map in use.
    pub fn map(&self) -> CellMap {
        self.now().map.clone()
    }

    /// Returns when a cell has refused a new event that this map assigns to it: the map is old, and the home stores
    /// another. Several refusals before it is awaited count as one.
    pub async fn outdated(&self) {
        self.refused.notified().await;
    }

    /// A negative control: the tests must catch it.
    #[cfg(feature = "negative-control")]
    #[doc(hidden)]
    #[must_use]
    pub fn with_flaw(self, flaw: CellFlaw) -> Self {
        let now = self.now();
        let stores = now.cells.iter().map(|cell| Arc::clone(&cell.store)).collect();
        Self::of(Cells { flaw: Some(flaw), ..Cells::new(&now.map, stores, None) })
    }

    /// The cells in use now.
    pub(crate) fn now(&self) -> Arc<Cells> {
        // It is replaced as a whole, so a poisoned lock is safe to use.
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Cells {
    fn new(map: &CellMap, stores: Vec<Arc<dyn BookingStore>>, before: Option<&Self>) -> Self {
        assert_eq!(stores.len(), map.all().count(), "a store for each cell");
        let mut nodes = before.map(|before| before.nodes.clone()).unwrap_or_default();
        for node in map.nodes() {
            if !nodes.contains(node) {
                nodes.push(node.clone());
            }
        }
        let node_of = |spec: &CellSpec| {
            let at = nodes.iter().position(|node| *node == spec.node);
            u16::try_from(at.unwrap_or_default()).unwrap_or(u16::MAX)
        };
        let cells = map.all().zip(stores).zip(0..).map(|((spec, store), cell)| {
            let lane = SeatLane { node: node_of(spec), cell };
            let before = before.into_iter().flat_map(|before| &before.cells);
            // What is known of it stays: whether it answers, and what it lacks.
            match before.into_iter().find(|one| Arc::ptr_eq(&one.store, &store)) {
                Some(same) => Arc::new(same.renamed(spec.name.clone(), lane)),
                None => Arc::new(Cell::new(spec.name.clone(), lane, store)),
            }
        });
        let change = map.change().map(|change| Change {
            bytes: change.bytes,
            from: map.place_of(&change.from).expect("a change is from one of the cells"),
            gone: Cache::default(),
        });
        Self {
            cells: cells.collect(),
            nodes,
            change,
            map: map.clone(),
            found: Cache::default(),
            turn: AtomicUsize::new(0),
            mail_shown_at: before
                .map(|before| Arc::clone(&before.mail_shown_at))
                .unwrap_or_default(),
            #[cfg(feature = "negative-control")]
            flaw: before.and_then(|before| before.flaw),
        }
    }

    #[cfg(feature = "negative-control")]
    pub(crate) fn has_flaw(&self, flaw: CellFlaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The position of the cell that the map has for `id`.
    pub(crate) fn leads_to(&self, id: Uuid) -> usize {
        self.map.cell_of(id)
    }

    pub(crate) fn cell_of_byte(&self, byte: u8) -> usize {
        self.map.cell_of_byte(byte)
    }

    /// The position of the cell that `id` may not have left yet for the one that the map has for it.
    pub(crate) fn may_still_be_in(&self, id: Uuid) -> Option<usize> {
        #[cfg(feature = "negative-control")]
        if self.has_flaw(CellFlaw::OnlyWhereTheyGo) {
            return None;
        }
        let change = self.change.as_ref()?;
        let [.., byte] = id.into_bytes();
        change.bytes.has(byte).then_some(change.from)
    }

    /// The position of the cell to ask for each of these events.
    pub(crate) async fn places_of(
        &self,
        events: impl Iterator<Item = EventId> + Clone,
    ) -> Vec<usize> {
        let mut places: Vec<usize> = events.clone().map(|id| self.leads_to(id.as_uuid())).collect();
        let Some(Change { from, gone, .. }) = &self.change else { return places };
        let may_stay =
            |id: &EventId| self.may_still_be_in(id.as_uuid()).is_some() && gone.get(*id).is_none();
        let asked: BTreeSet<EventId> = events.clone().filter(may_stay).collect();
        if asked.is_empty() {
            return places;
        }
        let asked: Vec<EventId> = asked.into_iter().collect();
        let cell = &self.cells[*from];
        // If it fails, it is asked for all of them, and then returns its error.
        if let Ok(found) = cell.note_done(cell.store.availability(&asked).await) {
            for (id, found) in asked.iter().zip(found) {
                if found.is_none() {
                    gone.insert(*id, ());
                }
            }
        }
        for (place, id) in places.iter_mut().zip(events) {
            if may_stay(&id) {
                *place = *from;
            }
        }
        places
    }

    /// The position of the cell to ask for an event.
    pub(crate) async fn place_of(&self, event: EventId) -> usize {
        match self.may_still_be_in(event.as_uuid()) {
            None => self.leads_to(event.as_uuid()),
            Some(_) => self.places_of([event].into_iter()).await[0],
        }
    }

    pub(crate) async fn cell_of(&self, event: EventId) -> &Arc<Cell> {
        &self.cells[self.place_of(event).await]
    }

    /// Asks for something of an event. While the event is on its way between two cells it is asked again until it has
    /// arrived, and is never reported as missing.
    pub(crate) async fn of_served<'a, T, R>(
        &'a self,
        event: EventId,
        ask: impl Fn(&'a Cell) -> R,
    ) -> Result<Option<T>, StoreError>
    where
        R: Future<Output = Result<Option<T>, StoreError>>,
    {
        let until = Instant::now() + BETWEEN_WAIT;
        loop {
            let answer = ask(self.cell_of(event).await).await?;
            let is_between = || self.is_between(event.as_uuid(), |store| store.is_moving(event));
            if answer.is_some() || !is_between().await? {
                return Ok(answer);
            }
            wait_until(until).await?;
        }
    }

    /// Whether `id` may be on its way from one cell to the other, by the answer of the other.
    pub(crate) async fn is_between<'a, R>(
        &'a self,
        id: Uuid,
        ask: impl FnOnce(&'a dyn BookingStore) -> R,
    ) -> Result<bool, StoreError>
    where
        R: Future<Output = Result<bool, StoreError>>,
    {
        match self.may_still_be_in(id) {
            None => Ok(false),
            Some(_) => {
                let cell: &'a Cell = &self.cells[self.leads_to(id)];
                cell.note_done(ask(&*cell.store).await)
            }
        }
    }

    /// The cell of everything that belongs to no event.
    pub(crate) fn home(&self) -> &Arc<Cell> {
        &self.cells[HOME]
    }

    /// The only cell, if there is just one: nothing has to be merged then.
    pub(crate) fn only(&self) -> Option<&Cell> {
        match &self.cells[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Asks an event's cell for something of it.
    pub(crate) async fn of_event<'a, T, R>(
        &'a self,
        event: EventId,
        ask: impl FnOnce(&'a dyn BookingStore) -> R,
    ) -> Result<T, StoreError>
    where
        R: Future<Output = Result<T, StoreError>>,
    {
        let cell: &'a Cell = self.cell_of(event).await;
        cell.note_done(ask(&*cell.store).await)
    }
}

/// Waits for a moment, unless it is later than `until`.
pub(crate) async fn wait_until(until: Instant) -> Result<(), StoreError> {
    if Instant::now() > until {
        return Err(StoreError::unavailable(CellError::Between));
    }
    sleep(BETWEEN_PAUSE).await;
    Ok(())
}
