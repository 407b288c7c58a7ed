use crate::cell::Cell;
use crate::found::Found;
use crate::map::CellMap;
use booking_core::{BookingStore, SeatLane, StoreError};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;
use uuid::Uuid;

/// Where the home is among the cells: it has the byte 00.
pub(crate) const HOME: usize = 0;

/// Many stores as one. The [crate] says how.
///
/// It needs a Tokio runtime with time enabled. A call that asks several cells asks each in a task of its own.
#[derive(Debug)]
pub struct CellStore {
    map: CellMap,
    pub(crate) cells: Vec<Arc<Cell>>,
    pub(crate) found: Found,
    /// At which cell the next begins who asks them one by one.
    pub(crate) turn: AtomicUsize,
    /// When somebody said last here that mail is sent.
    pub(crate) mail_shown_at: Mutex<Option<Instant>>,
    #[cfg(feature = "negative-control")]
    flaw: Option<CellFlaw>,
}

/// A mistake, for the negative controls.
#[cfg(feature = "negative-control")]
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellFlaw {
    /// An event is put up where nobody looks for it.
    WrongCell,
    /// Pages of cells are put one behind the other.
    Unmerged,
    /// So are the outcomes of a batch.
    OutOfOrder,
}

impl CellStore {
    /// The cells of `map`, each with its store: those are in the order of [`CellMap::cells`].
    ///
    /// # Panics
    /// If there are not as many of both.
    pub fn new(map: &CellMap, stores: Vec<Arc<dyn BookingStore>>) -> Self {
        assert_eq!(stores.len(), map.cells().len(), "a store for each cell");
        let cells = map.cells().iter().zip(stores).zip(0..);
        let cells = cells.map(|((spec, store), cell)| {
            let lane = SeatLane { node: map.node_of(spec), cell };
            Arc::new(Cell::new(spec.name.clone(), lane, store))
        });
        Self {
            cells: cells.collect(),
            map: map.clone(),
            found: Found::default(),
            turn: AtomicUsize::new(0),
            mail_shown_at: Mutex::new(None),
            #[cfg(feature = "negative-control")]
            flaw: None,
        }
    }

    /// Which cell has which events.
    pub fn map(&self) -> &CellMap {
        &self.map
    }

    /// A negative control: the tests must catch it.
    #[cfg(feature = "negative-control")]
    #[doc(hidden)]
    #[must_use]
    pub fn with_flaw(self, flaw: CellFlaw) -> Self {
        Self { flaw: Some(flaw), ..self }
    }

    #[cfg(feature = "negative-control")]
    pub(crate) fn has_flaw(&self, flaw: CellFlaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Where what is called by `id` lies, if it lies where its id says.
    pub(crate) fn place_of(&self, id: Uuid) -> usize {
        self.map.cell_of(id)
    }

    pub(crate) fn cell_of(&self, id: Uuid) -> &Arc<Cell> {
        &self.cells[self.place_of(id)]
    }

    /// The cell of what is no event's.
    pub(crate) fn home(&self) -> &Arc<Cell> {
        &self.cells[HOME]
    }

    /// The store of the only cell, if there is one alone: nothing has to be put together then.
    pub(crate) fn only(&self) -> Option<&Cell> {
        match &self.cells[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Asks the cell of an event for something of it.
    pub(crate) async fn of_event<'a, T, R>(
        &'a self,
        id: Uuid,
        ask: impl FnOnce(&'a dyn BookingStore) -> R,
    ) -> Result<T, StoreError>
    where
        R: Future<Output = Result<T, StoreError>>,
    {
        let cell: &'a Cell = self.cell_of(id);
        cell.note_done(ask(&*cell.store).await)
    }
}
