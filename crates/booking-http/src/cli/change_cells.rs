//! `booking-http cells split`, `move`, `drop` and `resume`: moves events from one cell to another while both are
//! served; and `adopt`, for cells that were restored.

use crate::cli::cells::describe_change;
use crate::cli::progress::Progress;
use crate::config::cell_stores::{cells_file_error, create_cell, open_cell_to_move, open_home};
use crate::config::cells::to_toml;
use crate::config::{CellsConfig, Config};
use anyhow::{Context, bail, ensure};
use booking_cells::{
    Bytes, CellChange, CellMap, CellSpec, ChangeState, MAP_SEEN_WITHIN, MapChange, Moved,
    NotTheCell, Resharder, adopt_home, assignment_of, change_state, check_cell, count_to_go,
};
use booking_core::{CellName, MoveId, MoveStore, StoredBytes};
use std::process::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// How often all remaining events are tried. Each time begins with a wait until all servers have the map, and all
/// of these together are longer than the lease of a mover that was killed.
const TRIES_MAX: usize = 4;

/// How to continue after a failure in the middle.
const NOT_ENDED: &str = "the change has not ended; `booking-http cells resume` goes on";

/// The stores of a change.
struct Ends {
    home: Arc<dyn MoveStore>,
    from: Arc<dyn MoveStore>,
    to: Arc<dyn MoveStore>,
}

/// Begins a change and completes it.
pub(super) async fn change(
    config: &Config,
    cells: &CellsConfig,
    change: &MapChange,
) -> anyhow::Result<ExitCode> {
    let home = open_home_with_map(config, cells).await?;
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

/// Completes a change that was begun before.
pub(super) async fn resume(config: &Config, cells: &CellsConfig) -> anyhow::Result<ExitCode> {
    let home = open_home_with_map(config, cells).await?;
    match change_state(&*home, &cells.map).await? {
        ChangeState::Settled(map) => {
            println!("nothing is under way");
            print_file(&map);
            Ok(ExitCode::SUCCESS)
        }
        ChangeState::Publishing { before, after } => {
            // The process that began this may have died before the cell was made, or the cell was lost since.
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

/// Makes a restored backup a cell again, which it is by the current map although it was not assigned, or was
/// assigned as before cells were changed. The home may be from before all cells were assigned.
pub(super) async fn adopt(
    config: &Config,
    cells: &CellsConfig,
    name: &CellName,
) -> anyhow::Result<ExitCode> {
    let home = open_home_with_map(config, cells).await?;
    let map = match change_state(&*home, &cells.map).await? {
        ChangeState::Settled(map) | ChangeState::Changing(map) => map,
        ChangeState::Publishing { before, .. } => before,
    };
    cells.check(&map).map_err(cells_file_error)?;
    let spec = named(&map, name)?;
    let is_home = spec == &map.cells()[0];
    let Some(assignment) = assignment_of(&map, name) else {
        ensure!(
            is_home,
            "not all cells were told yet that they are these: the first start of a server with all of them there does that"
        );
        return be_home_again(config, cells, home, &map).await;
    };
    let store = open_cell_to_move(config, cells, spec).await?;
    let assigned = store.stored_bytes().await?;
    ensure!(
        assigned.and_then(|assigned| assigned.map).is_none_or(|of| Some(of) == map.id()),
        "what is there is one of other cells, of another map"
    );
    ensure!(
        is_home || store.stored_map().await?.is_none(),
        "what is there is the home of other cells"
    );
    print_what_is_there(name, &*store, assigned).await?;
    if let Some(other) = assigned.and_then(|assigned| other_with(&map, name, assigned)) {
        bail!("what is there is cell {other}, by the events that it was told to have");
    }
    ensure!(
        store.keep_to(assignment).await?,
        "it was told otherwise by a later map than version {}, which everybody goes by: if `booking-http cells status` names no \
         change that is under way, restore the home as it was last",
        map.version()
    );
    println!("{name}  is a cell of these, for events whose ids end in {}", Bytes(assignment.bytes));
    Ok(ExitCode::SUCCESS)
}

/// The other cell of a map that has just the bytes that `name` was assigned, if there is one; but for the cell
/// that all events of `name` are moved to.
fn other_with<'a>(
    map: &'a CellMap,
    name: &CellName,
    assigned: StoredBytes,
) -> Option<&'a CellName> {
    let moved = map.change().filter(|change| change.from == *name).map(|change| change.to);
    let is_other = |cell: &&CellSpec| cell.name != *name && moved.as_ref() != Some(&cell.name);
    let mut others = map.cells().iter().filter(is_other);
    others.find(|cell| assigned.bytes == Some(cell.bytes())).map(|cell| &cell.name)
}

/// Makes a home that was restored from before cells were assigned the home of the others again, which are assigned to it.
async fn be_home_again(
    config: &Config,
    cells: &CellsConfig,
    home: Arc<dyn MoveStore>,
    map: &CellMap,
) -> anyhow::Result<ExitCode> {
    ensure!(map.change().is_none(), "a change is under way in the map that the home keeps");
    let mut stores = vec![home];
    for spec in &map.cells()[1..] {
        stores.push(open_cell_to_move(config, cells, spec).await?);
    }
    for (spec, store) in map.cells().iter().zip(&stores) {
        print_what_is_there(&spec.name, &**store, store.stored_bytes().await?).await?;
    }
    adopt_home(map, &stores).await?;
    println!("{}  is the home of these cells", map.cells()[0].name);
    Ok(ExitCode::SUCCESS)
}

/// Prints what the operator should look at before it becomes a cell.
async fn print_what_is_there(
    name: &CellName,
    store: &dyn MoveStore,
    assigned: Option<StoredBytes>,
) -> anyhow::Result<()> {
    let totals = store.totals().await?;
    let assigned = match assigned {
        Some(assigned) => {
            format!(
                "told by version {} of a map to have {}",
                assigned.version,
                Bytes(assigned.bytes)
            )
        }
        None => "told nothing".to_owned(),
    };
    println!(
        "{name}  what is there has {} published events, {} seats taken; it was {assigned}",
        totals.events, totals.booked
    );
    Ok(())
}

/// The home, which must store a map: the file's is stored only after a check of all cells that it names.
async fn open_home_with_map(
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

/// Makes a new cell of a map, which must be empty: what it holds would be served from then on.
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
    let stored = store.stored_bytes().await?;
    if stored.is_some() && stored == assignment_of(map, name) {
        // The change was begun, and events may have been created under its map, if the home has lost the record of
        // that.
        return Ok(());
    }
    let is_one_of = stored.and_then(|stored| stored.map);
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
    ensure!(
        store.events_arriving(None, 1).await?.is_empty(),
        "an event is on its way into {}; a new cell has to be empty: let that end, or abandon it",
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
    /// The cells of a change, while `now` is the current map: each of its cells must have what the map says.
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
            if !now.all().any(|cell| cell.name == *name) {
                continue;
            }
            let checked = check_cell(now, name, &**store, &*home).await;
            // The home has lost the record that the change was followed already, and has to store it again.
            let is_assigned_more = matches!(checked, Err(NotTheCell::OtherBytes { .. }))
                && store.stored_bytes().await? == assignment_of(map, name);
            if !is_assigned_more {
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

    /// Moves the remaining events, and completes the change.
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
        print_file(&settled);
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

/// Prints what to write into CELLS_FILE from now on.
fn print_file(map: &CellMap) {
    println!("CELLS_FILE is to have this beside its nodes, on every server:\n\n{}", to_toml(map));
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_cells::NewCell;
    use booking_core::{CellBytes, MapId};

    fn name(name: &str) -> CellName {
        CellName::parse(name).expect("a valid name")
    }

    /// Three cells, of which the second may be moved to another.
    fn three(is_moved: bool) -> CellMap {
        let cell =
            |called, first, last| CellSpec::new(name(called), "here", CellBytes { first, last });
        let cells =
            vec![cell("low", 0, 0x3f), cell("middle", 0x40, 0x7f), cell("high", 0x80, 0xff)];
        let map = CellMap::new(1, vec!["here".to_owned()], cells).expect("they are a map");
        let to = NewCell { name: name("new"), node: "here".to_owned(), schema: "new".to_owned() };
        let moved = MapChange::Move { cell: name("middle"), to };
        if is_moved { map.changed(&moved).expect("it can be") } else { map }
    }

    #[test]
    fn a_store_assigned_another_cells_bytes_is_that_cell() {
        let assigned = |first, last| StoredBytes {
            version: 1,
            bytes: Some(CellBytes { first, last }),
            map: Some(MapId::from(Uuid::from_u128(7))),
        };
        let middle = name("middle");
        let other = |is_moved, assigned| other_with(&three(is_moved), &middle, assigned).cloned();
        for is_moved in [false, true] {
            assert_eq!(other(is_moved, assigned(0x80, 0xff)), Some(name("high")));
            assert_eq!(other(is_moved, assigned(0, 0x3f)), Some(name("low")));
            assert_eq!(other(is_moved, assigned(0x40, 0x5f)), None, "it was that before");
            // Until it is moved it has what the other is to have.
            assert_eq!(other(is_moved, assigned(0x40, 0x7f)), None);
            assert_eq!(other(is_moved, StoredBytes { bytes: None, ..assigned(0, 0) }), None);
        }
        let new = other_with(&three(true), &name("high"), assigned(0x40, 0x7f)).cloned();
        assert_eq!(new, Some(name("new")));
    }
}
