//! Opening the cells that CELLS_FILE and the map in the home name.

use crate::config::cells::PlaceKey;
use crate::config::store::{connect, open_place_to_move};
use crate::config::{CellPlace, CellsConfig, Config};
use anyhow::{Context, anyhow};
use booking_cells::{
    CellMap, CellSpec, CellStore, ChangeState, NotTheCell, ReshardError, assign_cells,
    assignment_of, change_state, check_cell, check_none_is_assigned,
};
use booking_core::prelude::*;
use booking_core::{CellName, MapId, Observer, StoreError, StoredBytes, StoredMap, Unobserved};
use booking_pg::{ConnectError, PgOptions, PgStore};
use booking_sqlite::{Options, SqliteStore};
use futures_util::future::join_all;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What happens to the tables of a cell when it is opened. They are made by [`create_cells`] alone: an empty cell
/// in a mistyped place would hide the data in the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tables {
    BringUpToDate,
    MustBeThere,
}

/// How cells are opened.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) tables: Tables,
    /// How long to wait for a database that is starting.
    pub(super) wait: Duration,
    pub(super) observer: Arc<dyn Observer>,
}

/// All cells, as they were opened.
pub(super) struct OpenCells {
    pub(super) map: CellMap,
    /// In the order of [`CellMap::all`].
    pub(super) stores: Vec<OpenCell>,
}

/// The store of a cell, and the place that it was opened at.
#[derive(Clone)]
pub(super) struct OpenCell {
    pub(super) key: PlaceKey,
    pub(super) store: Arc<dyn BookingStore>,
}

/// A cell whose database does not answer.
pub(super) struct Silent {
    pub(super) store: Arc<dyn MoveStore>,
    pub(super) why: ConnectError,
}

impl OpenCells {
    /// All of them as one.
    pub(super) fn to_store(&self) -> CellStore {
        CellStore::new(&self.map, self.stores.iter().map(|cell| Arc::clone(&cell.store)).collect())
    }
}

/// Opens all cells: first the home, whose stored map counts. One that does not answer is opened all the same, and
/// is used when it does: the others are not affected. It fails if none answers, and for a command if the home does
/// not. Where tables are migrated the home stores the file's map, if it stores none, and all cells are assigned, if
/// they were not: once all are as the file says, and at the next start if one fails meanwhile. It fails where one
/// that answers is not what the map has there.
pub(super) async fn open_cells(
    cells: &CellsConfig,
    opening: &Opening,
) -> anyhow::Result<OpenCells> {
    let (opened, unassigned) = open_and_assign(cells, opening).await?;
    if let Some(why) = unassigned {
        log::warn!(
            "cells could not be told that they are these, which the next start does: {:#}",
            anyhow!(why)
        );
    }
    Ok(opened)
}

/// The same, and returns why cells were not assigned, if that failed.
async fn open_and_assign(
    cells: &CellsConfig,
    opening: &Opening,
) -> anyhow::Result<(OpenCells, Option<NotTheCell>)> {
    let home = opening.open(&cells.home().map_err(cells_file_error)?, None).await;
    let home = home.with_context(|| in_cell(&cells.map.cells()[0]))?;
    let home = match (home, opening.tables) {
        // Without the home it is not known which cells there are, and a command would skip some and report that all
        // is done.
        (Err(silent), Tables::MustBeThere) => {
            return Err(anyhow!(silent.why).context(in_cell(&cells.map.cells()[0])));
        }
        (home, _) => home,
    };
    let (map, is_stored) = match &home {
        Ok(home) => match stored_map(cells, &**home).await? {
            Some(map) => (map, true),
            None => (cells.map.clone(), false),
        },
        // Without the home there is only the file's map, and little can be done.
        Err(_) => (cells.map.clone(), false),
    };
    let places = cells.places(&map).map_err(cells_file_error)?;
    let others = map.all().zip(&places).skip(1);
    let others = others.map(|(spec, place)| opening.open(place, assignment_of(&map, &spec.name)));
    let opened = [Ok(home)].into_iter().chain(join_all(others).await);
    let (mut stores, mut silent) = (Vec::new(), Vec::new());
    for (spec, opened) in map.all().zip(opened) {
        let (store, why) = match opened.with_context(|| in_cell(spec))? {
            Ok(store) => (store, None),
            Err(Silent { store, why }) => (store, Some(why)),
        };
        silent.extend(why.map(|why| (spec.name.clone(), anyhow!(why))));
        stores.push(store);
    }
    let home = Arc::clone(&stores[0]);
    for ((spec, place), store) in map.all().zip(&places).zip(&mut stores) {
        if silent.iter().any(|(name, _)| *name == spec.name) {
            continue;
        }
        let checked = check_cell(&map, &spec.name, &**store, &*home).await;
        let is_needed = opening.tables == Tables::MustBeThere && spec == &map.cells()[0];
        match (checked, place) {
            // It went away after it was opened, and is checked when it is back.
            (
                Err(NotTheCell::Store(_, why @ StoreError::Unavailable(_))),
                CellPlace::Postgres(options),
            ) if !is_needed => {
                let unconnected = opening.unconnected(options, assignment_of(&map, &spec.name));
                *store = unconnected.with_context(|| in_cell(spec))?;
                silent.push((spec.name.clone(), anyhow!(why)));
            }
            (checked, _) => checked.with_context(|| in_cell(spec))?,
        }
    }
    if silent.len() == stores.len() {
        let (name, why) = silent.swap_remove(0);
        return Err(why.context(format!("no cell answers, and so not cell {name}")));
    }
    let mut unassigned = None;
    let map = match opening.tables == Tables::BringUpToDate && silent.is_empty() {
        true => match store_and_assign(cells, &map, is_stored, &stores).await {
            Ok(known) => known,
            Err(NotTheCell::Changed) if !is_stored => return Err(NotTheCell::Changed.into()),
            Err(why @ (NotTheCell::Store(..) | NotTheCell::Changed)) => {
                unassigned = Some(why);
                map
            }
            Err(why) => return Err(why.into()),
        },
        false => map,
    };
    for (name, why) in &silent {
        warn_of_silent(name, why);
    }
    let stores = map.all().zip(stores).map(|(spec, store)| {
        let key = cells.key_of(spec).context("every place has a node")?;
        Ok(OpenCell { key, store })
    });
    let stores = stores.collect::<anyhow::Result<_>>()?;
    Ok((OpenCells { map, stores }, unassigned))
}

/// Has the home store the file's map, unless one is stored, and assigns all cells, unless they are assigned. Returns
/// the map to follow.
async fn store_and_assign(
    cells: &CellsConfig,
    map: &CellMap,
    is_stored: bool,
    stores: &[Arc<dyn MoveStore>],
) -> Result<CellMap, NotTheCell> {
    if map.id().is_some() || map.change().is_some() {
        return Ok(map.clone());
    }
    let home = &*stores[0];
    let of_home = |error| NotTheCell::Store(map.cells()[0].name.clone(), error);
    let is_ours = |other: &CellMap| other.version() == map.version() && other.all().eq(map.all());
    let stored = match is_stored {
        true => map.clone(),
        false => {
            let unassigned = check_none_is_assigned(map, stores).await;
            // Unless another server has begun to do the same at this moment.
            if home.stored_map().await.map_err(of_home)?.is_none() {
                unassigned?;
            }
            // Once it is stored, a mistake in it cannot be corrected in the file any more.
            store_first(cells, home).await?
        }
    };
    let known = match stored.id() {
        None if is_ours(&stored) => {
            assign_cells(&stored, stores, &|| MapId::from(Uuid::now_v7())).await?
        }
        _ => stored,
    };
    if !is_ours(&known) {
        return Err(NotTheCell::Changed);
    }
    // Another server may have assigned them by its map.
    for (spec, store) in known.all().zip(stores) {
        check_cell(&known, &spec.name, &**store, home).await?;
    }
    Ok(known)
}

/// The map that the home stores, and that counts; `None` if it stores none.
async fn stored_map(cells: &CellsConfig, home: &dyn MoveStore) -> anyhow::Result<Option<CellMap>> {
    let Some(stored) = home.stored_map().await.context("the map that the home keeps")? else {
        return Ok(None);
    };
    let map = cells.map_of(&stored.map).map_err(cells_file_error)?;
    cells.check(&map).map_err(cells_file_error)?;
    if cells.differs(&map) {
        let (counts, of_file) = (map.version(), cells.map.version());
        log::info!(
            "cells are those of version {counts} of the map, which the home keeps; CELLS_FILE has version {of_file}"
        );
    }
    Ok(Some(map))
}

/// Has the home store the file's map, if it stores none. Returns the stored one.
async fn store_first(cells: &CellsConfig, home: &dyn MoveStore) -> Result<CellMap, NotTheCell> {
    match change_state(home, &cells.map).await {
        Ok(ChangeState::Settled(map) | ChangeState::Changing(map)) => Ok(map),
        Ok(ChangeState::Publishing { before, .. }) => Ok(before),
        Err(ReshardError::Cell(name, error)) => Err(NotTheCell::Store(name, error)),
        Err(ReshardError::Map(error)) => Err(NotTheCell::Map(error)),
        Err(_) => Err(NotTheCell::Changed),
    }
}

pub(super) fn warn_of_silent(name: &CellName, why: &anyhow::Error) {
    log::warn!("cell {name} does not answer, and its events cannot be had until it does: {why:#}");
}

impl Opening {
    /// As commands do: they make nothing.
    fn of_a_command(config: &Config) -> Self {
        let (tables, observer) = (Tables::MustBeThere, Arc::new(Unobserved));
        Self { tables, wait: config.store_wait, observer }
    }

    /// Opens a cell whose database has to answer.
    async fn open_answering(&self, place: &CellPlace) -> anyhow::Result<Arc<dyn MoveStore>> {
        self.open(place, None).await?.map_err(|Silent { why, .. }| anyhow!(why))
    }

    /// A cell that is not connected to yet: it is used once its database answers, if it is assigned as that cell.
    pub(super) fn unconnected(
        &self,
        options: &PgOptions,
        is_cell: Option<StoredBytes>,
    ) -> anyhow::Result<Arc<dyn MoveStore>> {
        let observer = Arc::clone(&self.observer);
        let options = &PgOptions { observer, is_cell, ..PgOptions::clone(options) };
        let store = PgStore::unconnected(options);
        Ok(Arc::new(store.with_context(|| format!("PostgreSQL at {}", options.location()))?))
    }

    /// Opens a cell, or else one whose database does not answer: that is used once it does, if it is assigned as that
    /// cell. The caller has to check one that answers ([`check_cell`]).
    pub(super) async fn open(
        &self,
        place: &CellPlace,
        is_cell: Option<StoredBytes>,
    ) -> anyhow::Result<Result<Arc<dyn MoveStore>, Silent>> {
        let observer = Arc::clone(&self.observer);
        match place {
            CellPlace::Postgres(options) => {
                let options = &PgOptions { observer, ..PgOptions::clone(options) };
                let at = || format!("PostgreSQL at {}", options.location());
                let store = match PgStore::connect(options, self.wait).await {
                    Ok(store) => store,
                    Err(why @ ConnectError::Unreachable { .. }) => {
                        return Ok(Err(Silent { store: self.unconnected(options, is_cell)?, why }));
                    }
                    Err(error) => return Err(anyhow!(error).context(HOW_TO_MAKE).context(at())),
                };
                match (store.check_tables().await, self.tables) {
                    (Ok(_), _) => {}
                    (Err(ConnectError::OutOfDate { .. }), Tables::BringUpToDate) => {
                        store.migrate().await.with_context(at)?;
                    }
                    (Err(error @ ConnectError::NotMigrated), _) => {
                        return Err(anyhow!(error).context(HOW_TO_MAKE).context(at()));
                    }
                    (Err(error), _) => return Err(anyhow!(error).context(at())),
                }
                Ok(Ok(Arc::new(store)))
            }
            CellPlace::Sqlite(path) => {
                let options = Options { observer, ..Options::default() };
                if !path.exists() {
                    return Err(is_missing(path));
                }
                let store = match self.tables {
                    Tables::BringUpToDate => SqliteStore::open(path, options).await?,
                    Tables::MustBeThere => SqliteStore::open_existing(path, options).await?,
                };
                Ok(Ok(Arc::new(store)))
            }
        }
    }
}

/// Opens all cells for a command, which creates and stores nothing.
pub(super) async fn open_existing_cells(
    config: &Config,
    cells: &CellsConfig,
) -> anyhow::Result<CellStore> {
    Ok(open_cells(cells, &Opening::of_a_command(config)).await?.to_store())
}

/// Migrates the tables of all cells; returns the migrations that ran, each with its cell. One that does not answer
/// does not stop the others.
pub(super) async fn migrate_cells(
    config: &Config,
    cells: &CellsConfig,
) -> anyhow::Result<Vec<String>> {
    let (mut applied, mut failed) = (Vec::new(), None);
    let mut note = |spec: &CellSpec, done: anyhow::Result<Vec<String>>| match done
        .with_context(|| in_cell(spec))
    {
        Ok(steps) => applied.extend(steps.iter().map(|step| format!("{} {step}", spec.name))),
        Err(error) => failed = failed.take().or(Some(error)),
    };
    let home = migrate_existing(config, &cells.home().map_err(cells_file_error)?).await;
    let map = match home.is_ok() {
        true => map_of_home(config, cells).await?,
        false => cells.map.clone(),
    };
    note(&cells.map.cells()[0], home);
    let places = cells.places(&map).map_err(cells_file_error)?;
    for (spec, place) in map.all().zip(&places).skip(1) {
        note(spec, migrate_existing(config, place).await);
    }
    match failed {
        Some(error) if !applied.is_empty() => {
            Err(error.context(format!("applied: {}", applied.join(", "))))
        }
        Some(error) => Err(error),
        None => Ok(applied),
    }
}

async fn migrate_existing(config: &Config, place: &CellPlace) -> anyhow::Result<Vec<String>> {
    match place {
        CellPlace::Sqlite(path) if !path.exists() => Err(is_missing(path)),
        _ => migrate_cell(config, place).await,
    }
}

/// The current map, where the home can be opened.
async fn map_of_home(config: &Config, cells: &CellsConfig) -> anyhow::Result<CellMap> {
    let home = open_existing_home(config, cells).await?;
    Ok(stored_map(cells, &*home).await?.unwrap_or_else(|| cells.map.clone()))
}

async fn open_existing_home(
    config: &Config,
    cells: &CellsConfig,
) -> anyhow::Result<Arc<dyn MoveStore>> {
    let home = cells.home().map_err(cells_file_error)?;
    let home = Opening::of_a_command(config).open_answering(&home).await;
    home.with_context(|| in_cell(&cells.map.cells()[0]))
}

fn is_missing(path: &Path) -> anyhow::Error {
    anyhow!("there is no file {}; {HOW_TO_MAKE}", path.display())
}

const HOW_TO_MAKE: &str = "`booking-http cells create` makes cells that are not there yet";

fn in_cell(spec: &CellSpec) -> String {
    format!("cell {}", spec.name)
}

/// The fault of the file, as an error.
#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped by")]
pub(crate) fn cells_file_error(why: String) -> anyhow::Error {
    anyhow!("CELLS_FILE: {why}")
}

/// Creates the missing schemas, files and tables of all cells, and has the home store the map if it stores none.
/// Returns the migrations that ran in each cell.
pub(crate) async fn create_cells(
    config: &Config,
    cells: &CellsConfig,
) -> anyhow::Result<Vec<(CellName, Vec<String>)>> {
    let of_file = &cells.map.cells()[0];
    let home = cells.home().map_err(cells_file_error)?;
    let applied = create_cell(config, &home).await.with_context(|| in_cell(of_file))?;
    let map = map_of_home(config, cells).await?;
    let mut made = vec![(of_file.name.clone(), applied)];
    let places = cells.places(&map).map_err(cells_file_error)?;
    for (spec, place) in map.all().zip(&places).skip(1) {
        let applied = create_cell(config, place).await.with_context(|| in_cell(spec))?;
        made.push((spec.name.clone(), applied));
    }
    // Only now: once it is stored, a mistake in it cannot be corrected in the file any more.
    let opening = Opening { tables: Tables::BringUpToDate, ..Opening::of_a_command(config) };
    match open_and_assign(cells, &opening).await? {
        (_, Some(why)) => Err(why.into()),
        (_, None) => Ok(made),
    }
}

/// Creates the schema or the file, and the tables, of a cell that may exist. Returns the migrations that ran.
pub(crate) async fn create_cell(config: &Config, place: &CellPlace) -> anyhow::Result<Vec<String>> {
    match place {
        CellPlace::Postgres(options) => {
            if let Some(schema) = &options.schema {
                let beside = PgOptions { schema: None, ..PgOptions::clone(options) };
                let at = || format!("PostgreSQL at {}", beside.location());
                connect(&beside, config).await?.create_schema(schema).await.with_context(at)?;
            }
        }
        CellPlace::Sqlite(path) => {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                let made = std::fs::create_dir_all(folder);
                made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
            }
        }
    }
    migrate_cell(config, place).await
}

async fn migrate_cell(config: &Config, place: &CellPlace) -> anyhow::Result<Vec<String>> {
    match place {
        CellPlace::Postgres(options) => {
            let store = connect(options, config).await?;
            let migrated = store.migrate().await;
            migrated.with_context(|| format!("PostgreSQL at {}", options.location()))
        }
        CellPlace::Sqlite(path) => Ok(booking_sqlite::migrate(path).await?),
    }
}

/// Opens the home, to read the map and to change it.
pub(crate) async fn open_home(
    config: &Config,
    cells: &CellsConfig,
) -> anyhow::Result<Arc<dyn MoveStore>> {
    let home = cells.home().map_err(cells_file_error)?;
    let opened = open_place_to_move(&home, config).await;
    let (home, _) = opened.with_context(|| in_cell(&cells.map.cells()[0]))?;
    Ok(home)
}

/// Opens a cell of `map` that events are moved from or to.
pub(crate) async fn open_cell_to_move(
    config: &Config,
    cells: &CellsConfig,
    spec: &CellSpec,
) -> anyhow::Result<Arc<dyn MoveStore>> {
    let place = cells.place_of(spec).map_err(cells_file_error)?;
    let (store, _) = open_place_to_move(&place, config).await.with_context(|| in_cell(spec))?;
    Ok(store)
}

/// The states of the cells when each is opened by itself.
pub(crate) struct Seen {
    /// The map that the home stores; `None` if it stores none yet, or cannot be asked.
    pub(crate) stored: Option<StoredMap>,
    /// The current map, as far as it is known.
    pub(crate) map: CellMap,
    /// In the order of [`CellMap::all`].
    pub(crate) stores: Vec<anyhow::Result<Arc<dyn MoveStore>>>,
}

/// Opens each cell by itself, to find its state.
///
/// # Errors
/// If the home stores a map with nodes that the file does not name.
pub(crate) async fn look_at_cells(config: &Config, cells: &CellsConfig) -> anyhow::Result<Seen> {
    let opening = Opening::of_a_command(config);
    let home = opening.open_answering(&cells.home().map_err(cells_file_error)?).await;
    let stored = match &home {
        Ok(home) => home.stored_map().await.context("the map that the home keeps")?,
        Err(_) => None,
    };
    let map = match &stored {
        Some(stored) => cells.map_of(&stored.map).map_err(cells_file_error)?,
        None => cells.map.clone(),
    };
    let places = cells.places(&map).map_err(cells_file_error)?;
    let others = places.iter().skip(1).map(|place| opening.open_answering(place));
    let opened = [home].into_iter().chain(join_all(others).await).collect::<Vec<_>>();
    let home = opened[0].as_ref().ok().cloned();
    let mut stores = Vec::new();
    for (spec, opened) in map.all().zip(opened) {
        stores.push(match (opened, &home) {
            (Ok(store), Some(home)) => {
                let checked = check_cell(&map, &spec.name, &*store, &**home).await;
                checked.map(|()| store).map_err(|why| anyhow!(why))
            }
            (opened, _) => opened,
        });
    }
    Ok(Seen { stored, map, stores })
}
