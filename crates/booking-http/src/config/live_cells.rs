//! Follows the map that the home stores, while that and CELLS_FILE are changed.

use crate::background::cell_map::{Cells, Looked, Stored};
use crate::config::cell_stores::{OpenCell, Opening, cells_file_error, warn_of_silent};
use crate::config::{CellPlace, CellsConfig};
use anyhow::{Context, anyhow, bail, ensure};
use booking_cells::{CellMap, CellSpec, CellStore, NotTheCell, assignment_of, check_cell};
use booking_core::prelude::*;
use booking_core::{StoreError, StoredMap};
use futures_util::future::try_join_all;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long to wait for a cell that is opened while others sell.
const OPEN_WAIT: Duration = Duration::from_secs(1);

/// The cells of a server that runs.
pub(crate) struct LiveCells {
    store: Arc<CellStore>,
    opening: Opening,
    /// How many files the first stores may have open.
    store_files: u64,
    followed: Mutex<Followed>,
}

/// What the server follows beside the map, which its store has.
struct Followed {
    file: CellsConfig,
    /// In the order of the map, so that the home is the first.
    stores: Vec<OpenCell>,
}

impl Followed {
    fn home(&self) -> &OpenCell {
        &self.stores[0]
    }
}

impl LiveCells {
    /// The cells of `store`, which were opened at the places in `file`.
    pub(super) fn new(
        store: Arc<CellStore>,
        stores: Vec<OpenCell>,
        file: CellsConfig,
        opening: Opening,
    ) -> Self {
        let opening = Opening { wait: OPEN_WAIT, ..opening };
        let store_files = file.store_files(&store.map());
        Self { store, opening, store_files, followed: Mutex::new(Followed { file, stores }) }
    }

    /// How many files the first stores may have open.
    pub(crate) fn store_files(&self) -> u64 {
        self.store_files
    }

    /// The version of the map that it follows.
    pub(crate) fn version(&self) -> u64 {
        self.store.map().version()
    }

    /// Follows the newest map from now on, and the file as it is now if `reads_file`, or if the file as it was does
    /// not name all nodes of the map: one may be new. Returns what the home stores, if it could be asked, and what
    /// went wrong: then nothing was changed.
    async fn follow_newest(
        &self,
        reads_file: bool,
    ) -> (Option<Option<StoredMap>>, anyhow::Result<()>) {
        let mut followed = self.followed.lock().await;
        let asked = followed.home().store.stored_map().await;
        let (asked, mut done) = match asked.context("the map that the home keeps cannot be read") {
            Ok(stored) => (Some(stored), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let stored = asked.clone().flatten();
        let is_newer = stored.as_ref().is_some_and(|stored| self.is_newer(stored));
        if is_newer {
            let file = followed.file.clone();
            done = self.follow(&mut followed, file, stored.as_ref()).await;
        }
        if reads_file || is_newer && done.is_err() {
            done = match followed.file.read_again().map_err(cells_file_error) {
                Ok(file) => self.follow(&mut followed, file, stored.as_ref()).await,
                Err(wrong) if reads_file => Err(wrong),
                Err(_) => done,
            };
        }
        (asked, done)
    }

    /// Whether the home stores another map than the current one. One of the same version differs where this server
    /// began with its file's, as the home did not answer or stored none, and the home got another first.
    fn is_newer(&self, stored: &StoredMap) -> bool {
        let now = self.store.map();
        let is_another =
            || CellMap::from_text(&stored.map, now.nodes().to_vec()).as_ref() != Ok(&now);
        stored.version > now.version() || stored.version == now.version() && is_another()
    }

    /// Follows `file` from now on, and the map that the home stores if that is newer than the current one.
    async fn follow(
        &self,
        followed: &mut Followed,
        file: CellsConfig,
        stored: Option<&StoredMap>,
    ) -> anyhow::Result<()> {
        let now = self.store.map();
        let mut known = followed.stores.clone();
        let home = self.opened(&known, &file, &now.cells()[0], None).await?;
        let of_new_home;
        let stored = if home.key == followed.home().key {
            stored
        } else {
            of_new_home = stored_by_new_home(&home, &now).await?;
            known.push(home.clone());
            Some(&of_new_home)
        };
        let newer = stored.filter(|stored| self.is_newer(stored));
        let text = newer.map_or_else(|| now.to_text(), |stored| stored.map.clone());
        let map = file.map_of(&text).map_err(cells_file_error)?;
        file.check(&map).map_err(cells_file_error)?;
        file.places(&map).map_err(cells_file_error)?;
        let of_map = Some((&map, &*home.store));
        let stores = map.all().map(|spec| self.opened(&known, &file, spec, of_map));
        let mut stores = try_join_all(stores).await?;
        if now.id().is_none() && map.id().is_some() {
            // They were assigned after these stores were opened.
            for (spec, cell) in map.all().zip(&mut stores) {
                let in_cell = || format!("cell {}", spec.name);
                match check_cell(&map, &spec.name, &*cell.store, &*home.store).await {
                    // It is checked when it answers. A file is where it was opened.
                    Err(NotTheCell::Store(_, StoreError::Unavailable(_))) => {
                        let place = file.place_of(spec).map_err(cells_file_error)?;
                        if let CellPlace::Postgres(options) = place {
                            let is_cell = assignment_of(&map, &spec.name);
                            let store = self.opening.unconnected(&options, is_cell);
                            cell.store = store.with_context(in_cell)?;
                        }
                    }
                    checked => checked.with_context(in_cell)?,
                }
            }
        }
        let are_same = stores.len() == followed.stores.len()
            && stores.iter().zip(&followed.stores).all(|(new, old)| new.key == old.key);
        if map != now || !are_same {
            self.store.install(&map, stores.iter().map(|cell| Arc::clone(&cell.store)).collect());
            let (count, version) = (stores.len(), map.version());
            log::info!("{count} cells, of version {version} of their map, are gone by from now on");
        }
        *followed = Followed { file, stores };
        Ok(())
    }

    /// The store of a cell: one of `known`, if it is where it was. Another has to be what a map has there; that map
    /// comes with the home which stores it.
    async fn opened(
        &self,
        known: &[OpenCell],
        file: &CellsConfig,
        spec: &CellSpec,
        of_map: Option<(&CellMap, &dyn BookingStore)>,
    ) -> anyhow::Result<OpenCell> {
        let no_node = || cells_file_error(format!("names no node {}", spec.node));
        let key = file.key_of(spec).ok_or_else(no_node)?;
        if let Some(open) = known.iter().find(|open| open.key == key) {
            return Ok(open.clone());
        }
        let place = file.place_of(spec).map_err(cells_file_error)?;
        let in_cell = || format!("cell {}", spec.name);
        let is_cell = of_map.and_then(|(map, _)| assignment_of(map, &spec.name));
        let store: Arc<dyn BookingStore> = match self.opening.open(&place, is_cell).await {
            Ok(Ok(store)) => {
                if let Some((map, home)) = of_map {
                    check_cell(map, &spec.name, &*store, home).await.with_context(in_cell)?;
                }
                store
            }
            // A mistake in the file must not remove a cell that answers.
            Ok(Err(silent)) if known.iter().any(|open| open.key.is_of_the_cell_of(&key)) => {
                return Err(anyhow!(silent.why).context(in_cell()));
            }
            Ok(Err(silent)) => {
                warn_of_silent(&spec.name, &anyhow!(silent.why));
                silent.store
            }
            Err(error) => return Err(error.context(in_cell())),
        };
        Ok(OpenCell { key, store })
    }
}

/// The map that a home stores which has moved to another place. It has to be the same home: one that stores a map,
/// and none from before.
async fn stored_by_new_home(home: &OpenCell, now: &CellMap) -> anyhow::Result<StoredMap> {
    let stored = home.store.stored_map().await;
    let stored = stored.context("the map cannot be read where CELLS_FILE has the home by now")?;
    let Some(stored) = stored else {
        bail!("where CELLS_FILE has the home by now no map is kept");
    };
    let is_same = || CellMap::from_text(&stored.map, now.nodes().to_vec()).as_ref() == Ok(now);
    ensure!(
        stored.version > now.version() || stored.version == now.version() && is_same(),
        "where CELLS_FILE has the home by now version {} of a map is kept, and this server goes by another of version {}",
        stored.version,
        now.version()
    );
    if now.id().is_some() {
        let name = &now.cells()[0].name;
        let checked = check_cell(now, name, &*home.store, &*home.store).await;
        checked.with_context(|| format!("cell {name}"))?;
    }
    Ok(stored)
}

impl Cells for LiveCells {
    async fn look(&self, reads_file: bool) -> Looked {
        let (asked, done) = self.follow_newest(reads_file).await;
        let version = self.version();
        let stored = |stored: &StoredMap| match self.is_newer(stored) {
            false => Stored::Current,
            true if stored.version > version => Stored::Newer,
            true => Stored::Another,
        };
        Looked {
            version,
            stored: asked.as_ref().and_then(Option::as_ref).map(stored),
            next: asked.map(|stored| stored.and_then(|stored| stored.next)),
            trouble: done.err().map(|error| format!("{error:#}")),
        }
    }

    async fn outdated(&self) {
        self.store.outdated().await;
    }
}

impl fmt::Debug for LiveCells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveCells").finish_non_exhaustive()
    }
}
