//! `booking-http cells split`, `move`, `drop` and `resume`: has events go from one cell to another while both are served.

use crate::cli::cells::describe_change;
use crate::cli::progress::Progress;
use crate::config::cell_stores::{cells_file_error, create_cell, open_cell_to_move, open_home};
use crate::config::cells::to_toml;
use crate::config::{CellsConfig, Config};
use anyhow::{Context, bail, ensure};
use booking_cells::{
    CellChange, CellMap, CellSpec, ChangeState, MAP_SEEN_WITHIN, MapChange, Moved, Resharder,
    change_state, check_cell, count_to_go, told_of,
};
use booking_core::{CellName, MoveId, MoveStore, StoredBytes};
use std::process::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// How often all events that are left are tried. Each time begins with a wait until all servers have the map, and
/// all of these together are longer than what a mover that was killed has its event for.
const TRIES_MAX: usize = 4;

/// What there is to be done about whatever went wrong in the middle.
const NOT_ENDED: &str = "the change has not ended; `booking-http cells resume` goes on";

/// The stores of a change.
struct Ends {
    home: Arc<dyn MoveStore>,
    from: Arc<dyn MoveStore>,
    to: Arc<dyn MoveStore>,
}

/// Begins a change and brings it to its end.
pub(super) async fn change(
    config: &Config,
    cells: &CellsConfig,
    change: &MapChange,
) -> anyhow::Result<ExitCode> {
    let home = open_kept_home(config, cells).await?;
    let before = match change_state(&*home, &cells.map).await? {
        ChangeState::Settled(map) => map,
        ChangeState::Publishing { after, .. } | ChangeState::Changing(after) => {
            let under_way = describe_change(&after).unwrap_or_default();
            bail!("{under_way}: that comes first; `booking-http cells resume` brings it to its end")
        }
    };
    cells.check(&before).map_err(cells_file_error)?;
    let after = before.changed(change)?;
    cells.places(&after).map_err(cells_file_error)?;
    if let MapChange::Split { to, .. } | MapChange::Move { to, .. } = change {
        let spec = named(&after, &to.name)?;
        make(config, cells, &after, spec).await?;
    }
    let ends = Ends::open(config, cells, home, &before, &after).await?;
    ends.publish(&before, &after).await?;
    ends.finish(cells, &after).await
}

/// Brings a change to its end that somebody has begun.
pub(super) async fn resume(config: &Config, cells: &CellsConfig) -> anyhow::Result<ExitCode> {
    let home = open_kept_home(config, cells).await?;
    match change_state(&*home, &cells.map).await? {
        ChangeState::Settled(map) => {
            println!("nothing is under way");
            tell_file(&map);
            Ok(ExitCode::SUCCESS)
        }
        ChangeState::Publishing { before, after } => {
            // Whoever began this may have been stopped before it was made, or it was lost since.
            let to = named(&after, &change_of(&after)?.to)?;
            if !before.all().any(|cell| cell.name == to.name) {
                make(config, cells, &after, to).await?;
            }
            let ends = Ends::open(config, cells, home, &before, &after).await?;
            ends.publish(&before, &after).await?;
            ends.finish(cells, &after).await
        }
        ChangeState::Changing(map) => {
            Ends::open(config, cells, home, &map, &map).await?.finish(cells, &map).await
        }
    }
}

/// Has what was restored from a backup be a cell again that it is by the map, though it was told nothing of that, or what was so
/// before cells were changed.
pub(super) async fn adopt(
    config: &Config,
    cells: &CellsConfig,
    name: &CellName,
) -> anyhow::Result<ExitCode> {
    let home = open_kept_home(config, cells).await?;
    let ChangeState::Settled(map) = change_state(&*home, &cells.map).await? else {
        bail!("a change is under way: `booking-http cells resume` brings it to its end");
    };
    cells.check(&map).map_err(cells_file_error)?;
    let id = map.id().context(
        "not all cells were told yet that they are these: the first start of a server with all of them there does that",
    )?;
    let spec = named(&map, name)?;
    let store = open_cell_to_move(config, cells, spec).await?;
    let told = store.stored_bytes().await?;
    ensure!(
        told.and_then(|told| told.map).is_none_or(|of| of == id),
        "what is there is one of other cells, of another map"
    );
    ensure!(
        spec == &map.cells()[0] || store.stored_map().await?.is_none(),
        "what is there is the home of other cells"
    );
    let told = StoredBytes { version: map.version(), bytes: Some(spec.bytes()), map: Some(id) };
    ensure!(
        store.keep_to(told).await?,
        "it was told otherwise by a later map than version {}, which the home keeps: restore the home as it was last",
        map.version()
    );
    let totals = store.totals().await?;
    println!(
        "{name}  is a cell of these, for events whose ids end in {}: {} published events, {} seats taken",
        spec.bytes(),
        totals.events,
        totals.booked
    );
    Ok(ExitCode::SUCCESS)
}

/// The home, which has to keep a map: the file's is kept by those alone who have looked at all cells that it names.
async fn open_kept_home(
    config: &Config,
    cells: &CellsConfig,
) -> anyhow::Result<Arc<dyn MoveStore>> {
    let home = open_home(config, cells).await?;
    ensure!(
        home.stored_map().await?.is_some(),
        "the home keeps no map yet: `booking-http cells create` looks at all cells, and has it keep that of CELLS_FILE"
    );
    Ok(home)
}

/// Makes a new cell of a map, in which nothing may be: what is there would be served from then on.
async fn make(
    config: &Config,
    cells: &CellsConfig,
    map: &CellMap,
    spec: &CellSpec,
) -> anyhow::Result<()> {
    let (name, place) = (&spec.name, cells.place_of(spec).map_err(cells_file_error)?);
    let made = create_cell(config, &place).await.with_context(|| format!("cell {name}"))?;
    match made.is_empty() {
        true => println!("{name}  is there"),
        false => println!("{name}  applied: {}", made.join(", ")),
    }
    let store = open_cell_to_move(config, cells, spec).await?;
    ensure!(store.stored_map().await?.is_none(), "{} is the home of other cells", place.location());
    let kept = store.stored_bytes().await?;
    if kept.is_some() && kept == told_of(map, name) {
        // The change was begun, and events may have been put up by it, if the home has forgotten that it was gone by.
        return Ok(());
    }
    let is_one_of = kept.and_then(|kept| kept.map);
    ensure!(
        is_one_of.is_none() || is_one_of == map.id(),
        "{} is, or was, one of other cells",
        place.location()
    );
    ensure!(
        store.events_to_move(None, 1).await?.is_empty(),
        "there are events in {} already; a new cell has to be empty",
        place.location()
    );
    Ok(())
}

fn named<'a>(map: &'a CellMap, name: &CellName) -> anyhow::Result<&'a CellSpec> {
    map.all().find(|cell| cell.name == *name).with_context(|| format!("there is no cell {name}"))
}

fn change_of(map: &CellMap) -> anyhow::Result<CellChange> {
    map.change().context("no change is under way")
}

impl Ends {
    /// Those of the change of a map, while `now` is what everybody goes by: each of its cells has to be what it has there.
    async fn open(
        config: &Config,
        cells: &CellsConfig,
        home: Arc<dyn MoveStore>,
        now: &CellMap,
        map: &CellMap,
    ) -> anyhow::Result<Self> {
        let change = change_of(map)?;
        let open = async |name: &CellName| {
            let spec = named(map, name)?;
            match spec == &map.cells()[0] {
                true => Ok(Arc::clone(&home)),
                false => open_cell_to_move(config, cells, spec).await,
            }
        };
        let (from, to) = (open(&change.from).await?, open(&change.to).await?);
        let home_name = &now.cells()[0].name;
        for (name, store) in [(home_name, &home), (&change.from, &from), (&change.to, &to)] {
            if now.all().any(|cell| cell.name == *name) {
                let checked = check_cell(now, name, &**store, &*home).await;
                checked.with_context(|| format!("cell {name}"))?;
            }
        }
        Ok(Self { home, from, to })
    }

    async fn publish(&self, before: &CellMap, after: &CellMap) -> anyhow::Result<()> {
        println!("{}", describe_change(after).unwrap_or_default());
        let published = self.resharder(&Progress::default()).publish(before, after).await;
        published.context(NOT_ENDED)
    }

    /// Moves what is left, and ends the change.
    async fn finish(&self, cells: &CellsConfig, map: &CellMap) -> anyhow::Result<ExitCode> {
        let left = count_to_go(map, &*self.from).await?;
        println!(
            "{left} events are to go, once all servers have had {} s to read the map",
            MAP_SEEN_WITHIN.as_secs()
        );
        let progress = Progress::of(left);
        let resharder = self.resharder(&progress);
        let (mut moved, mut tries) = (0, 0);
        loop {
            let done: Moved = resharder.go_on(map).await.context(NOT_ENDED)?;
            (moved, tries) = (moved + done.moved, tries + 1);
            if done.failed == 0 {
                break;
            }
            ensure!(
                tries < TRIES_MAX,
                "{moved} events were moved, and {} could not be; the rest is safe where it is, and \
                 `booking-http cells resume` goes on",
                done.failed
            );
        }
        let change = change_of(map)?;
        println!("{moved} events are in {} now, and none is left in {}", change.to, change.from);
        if let Some(emptied) = map.all().nth(map.cells().len()) {
            println!(
                "cell {} is none any more; {}/{} may be deleted once every server has this version of the map",
                emptied.name, emptied.node, emptied.schema
            );
        }
        let ChangeState::Settled(settled) = change_state(&*self.home, &cells.map).await? else {
            bail!("somebody else has begun another change");
        };
        tell_file(&settled);
        Ok(ExitCode::SUCCESS)
    }

    fn resharder<'a>(&'a self, observer: &'a Progress) -> Resharder<'a> {
        Resharder {
            home: &*self.home,
            from: &*self.from,
            to: &*self.to,
            seen_within: MAP_SEEN_WITHIN,
            new_id: &new_id,
            observer,
        }
    }
}

fn new_id() -> MoveId {
    MoveId::from(Uuid::now_v7())
}

/// What is to be in CELLS_FILE from now on.
fn tell_file(map: &CellMap) {
    println!("CELLS_FILE is to have this beside its nodes, on every server:\n\n{}", to_toml(map));
}
