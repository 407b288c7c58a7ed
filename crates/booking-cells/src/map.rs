//! Which cell has which events.

use booking_core::{CellBytes, CellName, MapId};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::mem;
use thiserror::Error;
use uuid::Uuid;

/// The most cells: one for each last byte that an id may have.
pub const CELLS_MAX: usize = 256;

/// Which cells there are, where each is, and which events it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellMap {
    version: u64,
    nodes: Vec<String>,
    /// In the order of their bytes.
    cells: Vec<CellSpec>,
    change: Option<UnderWay>,
    id: Option<MapId>,
}

/// A change that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UnderWay {
    bytes: CellBytes,
    from: Source,
}

/// The cell that events leave.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// One that keeps other bytes.
    Shrunk(CellName),
    /// One that keeps none.
    Emptied(CellSpec),
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellSpec {
    /// Its name.
    pub name: CellName,
    /// The node that it is on.
    pub node: String,
    /// Its place on that node.
    pub schema: String,
    /// The first of the bytes that its events' ids end in.
    pub first: u8,
    /// The last of them.
    pub last: u8,
}

impl CellSpec {
    /// A cell with `bytes` on `node`, whose place there has its own name until the field is changed.
    pub fn new(name: CellName, node: &str, bytes: CellBytes) -> Self {
        let (node, schema) = (node.to_owned(), name.as_str().to_owned());
        Self { name, node, schema, first: bytes.first, last: bytes.last }
    }

    /// Its bytes.
    pub fn bytes(&self) -> CellBytes {
        CellBytes { first: self.first, last: self.last }
    }
}

/// A cell that a change adds: its name and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCell {
    /// Its name.
    pub name: CellName,
    /// The node that it is on.
    pub node: String,
    /// Its place on that node.
    pub schema: String,
}

impl NewCell {
    fn with(&self, bytes: CellBytes) -> CellSpec {
        let Self { name, node, schema } = self.clone();
        CellSpec { name, node, schema, first: bytes.first, last: bytes.last }
    }
}

/// A change of a map. Each moves events from one cell to one other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapChange {
    /// The bytes of `cell` from `at` on go to a new one.
    Split {
        /// The cell that is split.
        cell: CellName,
        /// The first byte of the new one.
        at: u8,
        /// The new one.
        to: NewCell,
    },
    /// All bytes of `cell` go to a new one, and it is no longer in the map.
    Move {
        /// The cell that is moved.
        cell: CellName,
        /// Where to.
        to: NewCell,
    },
    /// All bytes of `cell` go to the one before it, and it is no longer in the map.
    Drop {
        /// The cell that is dropped.
        cell: CellName,
    },
}

/// A change that is under way: events whose ids end in one of `bytes` go from one cell to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellChange {
    /// Which events.
    pub bytes: CellBytes,
    /// The cell that they leave.
    pub from: CellName,
    /// The cell that they go to, which has their bytes in the map.
    pub to: CellName,
}

/// Why cells do not form a map.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// There is none.
    #[error("there is no cell")]
    Empty,
    /// There are too many.
    #[error("there are {0} cells, and may be {CELLS_MAX}")]
    TooMany(usize),
    /// Two have one name.
    #[error("two cells are called {0}")]
    Name(CellName),
    /// Two nodes have one name.
    #[error("two nodes are called {0}")]
    Node(String),
    /// Two are in one place.
    #[error("two cells are in schema {schema} of node {node}")]
    Place {
        /// The node.
        node: String,
        /// The schema there.
        schema: String,
    },
    /// One names a node that does not exist.
    #[error("cell {cell} is on node {node}, which is not there")]
    NoNode {
        /// The cell.
        cell: CellName,
        /// The node that it names.
        node: String,
    },
    /// One has no bytes.
    #[error("the bytes of cell {0} end before they begin")]
    Backwards(CellName),
    /// A byte is in no cell.
    #[error("no cell has the byte {0:02x}")]
    Gap(u8),
    /// A byte is in two cells.
    #[error("the byte {byte:02x} is in cell {cell} and in one before it")]
    Overlap {
        /// The byte.
        byte: u8,
        /// The second of the cells.
        cell: CellName,
    },
    /// A named cell does not exist.
    #[error("there is no cell {0}")]
    NoCell(CellName),
    /// A cell cannot be split there: each part has to have a byte.
    #[error("cell {cell} cannot be split at {at:02x}: its bytes are {bytes}")]
    NotWithin {
        /// The cell.
        cell: CellName,
        /// Where it was to be split.
        at: u8,
        /// Its bytes.
        bytes: CellBytes,
    },
    /// The home cannot be moved or dropped: it has the tokens, and every server starts with it.
    #[error("cell {0} is the home, and keeps the byte 00")]
    Home(CellName),
    /// A change is under way.
    #[error("a change is under way: the bytes {bytes} go from cell {from} to cell {to}", bytes = .0.bytes, from = .0.from, to = .0.to)]
    Changing(CellChange),
    /// A text cannot be read as a map.
    #[error("what is kept of the map cannot be read")]
    NoMap(#[source] Unreadable),
}

/// Why a text cannot be read as a map.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl CellMap {
    /// A map of `cells` on `nodes`, which are given by their names. `version` distinguishes it from earlier maps.
    ///
    /// # Errors
    /// [`MapError`]: every byte must be in exactly one cell, and names must be unique.
    pub fn new(
        version: u64,
        nodes: Vec<String>,
        mut cells: Vec<CellSpec>,
    ) -> Result<Self, MapError> {
        if cells.len() > CELLS_MAX {
            return Err(MapError::TooMany(cells.len()));
        }
        check_names(&nodes, cells.iter())?;
        cells.sort_by_key(|cell| cell.first);
        let mut next = 0_u16;
        for cell in &cells {
            if u16::from(cell.first) > next {
                return Err(MapError::Gap(next as u8));
            }
            if u16::from(cell.first) < next {
                return Err(MapError::Overlap { byte: cell.first, cell: cell.name.clone() });
            }
            next = u16::from(cell.last) + 1;
        }
        match next {
            0 => Err(MapError::Empty),
            256 => Ok(Self { version, nodes, cells, change: None, id: None }),
            byte => Err(MapError::Gap(byte as u8)),
        }
    }

    /// Distinguishes it from earlier maps.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Distinguishes these cells from those of other maps, in every version: each of them [stores](crate::assign_cells)
    /// that it is one of these. `None` until all of them do.
    pub fn id(&self) -> Option<MapId> {
        self.id
    }

    /// The same map, now that every cell stores that it is one of these.
    #[must_use]
    pub(crate) fn known_by(self, id: MapId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// The bytes of which a cell accepts new events by this map; `None` if there are none.
    pub(crate) fn bytes_of(&self, cell: &CellName) -> Option<CellBytes> {
        self.cells.iter().find(|one| one.name == *cell).map(CellSpec::bytes)
    }

    /// The nodes, in the order in which they were given.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The cells, in the order of their bytes: the first is the home.
    pub fn cells(&self) -> &[CellSpec] {
        &self.cells
    }

    /// All of them: those that have bytes, in order, and then the one that is being emptied, if there is one.
    pub fn all(&self) -> impl Iterator<Item = &CellSpec> {
        self.cells.iter().chain(self.emptied())
    }

    fn emptied(&self) -> Option<&CellSpec> {
        match &self.change.as_ref()?.from {
            Source::Emptied(cell) => Some(cell),
            Source::Shrunk(_) => None,
        }
    }

    /// The change that is under way.
    pub fn change(&self) -> Option<CellChange> {
        let UnderWay { bytes, from } = self.change.as_ref()?;
        let from = match from {
            Source::Shrunk(name) => name,
            Source::Emptied(cell) => &cell.name,
        };
        let to = &self.cells[self.cell_of_byte(bytes.first)].name;
        Some(CellChange { bytes: *bytes, from: from.clone(), to: to.clone() })
    }

    /// The position of a cell among [all](Self::all), by its name.
    pub(crate) fn place_of(&self, name: &CellName) -> Option<usize> {
        self.all().position(|cell| cell.name == *name)
    }

    /// The next version, with a change under way.
    ///
    /// # Errors
    /// [`MapError`], if the result is no valid map, or another change is under way.
    pub fn changed(&self, change: &MapChange) -> Result<Self, MapError> {
        if let Some(under_way) = self.change() {
            return Err(MapError::Changing(under_way));
        }
        let (MapChange::Split { cell, .. }
        | MapChange::Move { cell, .. }
        | MapChange::Drop { cell }) = change;
        let at = self.cells.iter().position(|one| one.name == *cell);
        let at = at.ok_or_else(|| MapError::NoCell(cell.clone()))?;
        let whole = self.cells[at].bytes();
        let mut cells = self.cells.clone();
        let under_way = match change {
            MapChange::Split { cell, at: byte, to } => {
                if *byte <= whole.first || *byte > whole.last {
                    return Err(MapError::NotWithin {
                        cell: cell.clone(),
                        at: *byte,
                        bytes: whole,
                    });
                }
                let bytes = CellBytes { first: *byte, ..whole };
                cells[at].last = *byte - 1;
                cells.push(to.with(bytes));
                UnderWay { bytes, from: Source::Shrunk(cell.clone()) }
            }
            MapChange::Move { .. } | MapChange::Drop { .. } if at == 0 => {
                return Err(MapError::Home(cell.clone()));
            }
            MapChange::Move { to, .. } => {
                let emptied = mem::replace(&mut cells[at], to.with(whole));
                UnderWay { bytes: whole, from: Source::Emptied(emptied) }
            }
            MapChange::Drop { .. } => {
                cells[at - 1].last = whole.last;
                UnderWay { bytes: whole, from: Source::Emptied(cells.remove(at)) }
            }
        };
        let changed = Self::with(self.version + 1, self.nodes.clone(), cells, Some(under_way))?;
        Ok(Self { id: self.id, ..changed })
    }

    /// The next version, in which the change that was under way has ended.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { version: self.version + 1, change: None, ..self.clone() }
    }

    fn with(
        version: u64,
        nodes: Vec<String>,
        cells: Vec<CellSpec>,
        change: Option<UnderWay>,
    ) -> Result<Self, MapError> {
        let map = Self { change, ..Self::new(version, nodes, cells)? };
        // Those without bytes cannot overlap others, but their names and places must be unique,
        // too.
        check_names(&map.nodes, map.all())?;
        Ok(map)
    }

    /// Serializes the map, with nodes by name only.
    pub fn to_text(&self) -> String {
        let change = self.change.as_ref().map(|UnderWay { bytes, from }| TextChange {
            first: bytes.first,
            last: bytes.last,
            from: match from {
                Source::Shrunk(name) => TextSource::Shrunk(name.to_string()),
                Source::Emptied(cell) => TextSource::Emptied(TextCell::from(cell)),
            },
        });
        let cells = self.cells.iter().map(TextCell::from).collect();
        let text = TextMap { version: self.version, cells, change, id: self.id };
        serde_json::to_string(&text).expect("there is nothing in it that is not text")
    }

    /// Reads a map that [`to_text`](Self::to_text) wrote, on these nodes.
    ///
    /// # Errors
    /// [`MapError`].
    pub fn from_text(text: &str, nodes: Vec<String>) -> Result<Self, MapError> {
        let unreadable = |why: String| MapError::NoMap(Unreadable(why));
        let read: TextMap =
            serde_json::from_str(text).map_err(|why| unreadable(why.to_string()))?;
        let spec = |cell: TextCell| match CellName::parse(&cell.name) {
            Err(why) => Err(unreadable(why.to_string())),
            Ok(name) => Ok(CellSpec {
                name,
                node: cell.node,
                schema: cell.schema,
                first: cell.first,
                last: cell.last,
            }),
        };
        let cells = read.cells.into_iter().map(spec).collect::<Result<Vec<_>, _>>()?;
        let change = match read.change {
            None => None,
            Some(TextChange { first, last, from }) => {
                let from = match from {
                    TextSource::Emptied(cell) => Source::Emptied(spec(cell)?),
                    TextSource::Shrunk(name) => {
                        let name =
                            CellName::parse(&name).map_err(|why| unreadable(why.to_string()));
                        Source::Shrunk(name?)
                    }
                };
                Some(UnderWay { bytes: CellBytes { first, last }, from })
            }
        };
        let map = Self { id: read.id, ..Self::with(read.version, nodes, cells, change)? };
        match map.is_change_possible() {
            true => Ok(map),
            false => Err(unreadable("events go from nowhere, or into several cells".to_owned())),
        }
    }

    /// Whether the change that is under way, if any, goes from one of the cells to one other.
    fn is_change_possible(&self) -> bool {
        let (Some(UnderWay { bytes, .. }), Some(change)) = (&self.change, self.change()) else {
            return true;
        };
        bytes.first <= bytes.last
            && self.cell_of_byte(bytes.first) == self.cell_of_byte(bytes.last)
            && change.from != change.to
            && self.place_of(&change.from).is_some()
    }

    /// The position of the cell that has the last byte of `id`.
    pub fn cell_of(&self, id: Uuid) -> usize {
        let [.., byte] = id.into_bytes();
        self.cell_of_byte(byte)
    }

    /// The position of the cell that has `byte`.
    pub fn cell_of_byte(&self, byte: u8) -> usize {
        // Each is in one of them, in order.
        self.cells.partition_point(|cell| cell.last < byte)
    }
}

/// The serialized form of a map.
#[derive(Serialize, Deserialize)]
struct TextMap {
    version: u64,
    cells: Vec<TextCell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<TextChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MapId>,
}

#[derive(Serialize, Deserialize)]
struct TextCell {
    name: String,
    node: String,
    schema: String,
    first: u8,
    last: u8,
}

#[derive(Serialize, Deserialize)]
struct TextChange {
    first: u8,
    last: u8,
    from: TextSource,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TextSource {
    Shrunk(String),
    Emptied(TextCell),
}

impl From<&CellSpec> for TextCell {
    fn from(cell: &CellSpec) -> Self {
        let CellSpec { name, node, schema, first, last } = cell.clone();
        Self { name: name.to_string(), node, schema, first, last }
    }
}

fn check_names<'a>(
    nodes: &[String],
    cells: impl Iterator<Item = &'a CellSpec>,
) -> Result<(), MapError> {
    let mut seen = HashSet::new();
    if let Some(twice) = nodes.iter().find(|node| !seen.insert(*node)) {
        return Err(MapError::Node(twice.clone()));
    }
    let (mut names, mut places) = (HashSet::new(), HashSet::new());
    for CellSpec { name, node, schema, first, last } in cells {
        if !names.insert(name) {
            return Err(MapError::Name(name.clone()));
        }
        if !nodes.contains(node) {
            return Err(MapError::NoNode { cell: name.clone(), node: node.clone() });
        }
        if !places.insert((node, schema)) {
            return Err(MapError::Place { node: node.clone(), schema: schema.clone() });
        }
        if first > last {
            return Err(MapError::Backwards(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(name: &str, node: &str, first: u8, last: u8) -> CellSpec {
        let schema = name.to_owned();
        let name = CellName::parse(name).expect("a valid name");
        CellSpec { name, node: node.to_owned(), schema, first, last }
    }

    fn map(cells: Vec<CellSpec>) -> Result<CellMap, MapError> {
        CellMap::new(1, vec!["a".to_owned(), "b".to_owned()], cells)
    }

    #[test]
    fn each_byte_leads_to_its_cell() {
        let cells = vec![
            cell("last", "b", 0x80, 0xff),
            cell("one", "a", 0x00, 0x00),
            cell("two", "b", 0x01, 0x7f),
        ];
        let map = map(cells).expect("it is one");
        let names: Vec<_> = map.cells().iter().map(|cell| cell.name.as_str()).collect();
        assert_eq!(names, ["one", "two", "last"]);
        for (byte, expected) in [(0, 0), (1, 1), (0x7f, 1), (0x80, 2), (0xff, 2)] {
            let id = Uuid::from_u128((0x0190_f1c4 << 96) | byte);
            assert_eq!(map.cell_of(id), expected, "{byte:02x}");
        }
    }

    #[test]
    fn as_many_cells_as_there_are_bytes_fit() {
        let all = (0..=u8::MAX).map(|byte| cell(&format!("c{byte:02x}"), "a", byte, byte));
        let map = map(all.collect()).expect("it is one");
        for byte in 0..=u8::MAX {
            assert_eq!(map.cell_of(Uuid::from_u128(byte.into())), usize::from(byte));
        }
    }

    #[test]
    fn an_invalid_map_is_refused() {
        let name = |name| CellName::parse(name).expect("a valid name");
        let twice = CellSpec { schema: "x".into(), ..cell("x", "a", 1, 255) };
        for (cells, expected) in [
            (vec![], MapError::Empty),
            (vec![cell("x", "a", 1, 255)], MapError::Gap(0)),
            (vec![cell("x", "a", 0, 254)], MapError::Gap(255)),
            (vec![cell("x", "a", 0, 9), cell("y", "a", 11, 255)], MapError::Gap(10)),
            (
                vec![cell("x", "a", 0, 9), cell("y", "a", 9, 255)],
                MapError::Overlap { byte: 9, cell: name("y") },
            ),
            (
                vec![cell("x", "a", 0, 255), cell("y", "a", 7, 7)],
                MapError::Overlap { byte: 7, cell: name("y") },
            ),
            (vec![cell("x", "a", 9, 0)], MapError::Backwards(name("x"))),
            (vec![cell("x", "a", 0, 0), twice], MapError::Name(name("x"))),
            (vec![cell("x", "c", 0, 255)], MapError::NoNode { cell: name("x"), node: "c".into() }),
            (
                vec![
                    cell("x", "a", 0, 0),
                    CellSpec { schema: "x".into(), ..cell("y", "a", 1, 255) },
                ],
                MapError::Place { node: "a".into(), schema: "x".into() },
            ),
        ] {
            assert_eq!(map(cells.clone()), Err(expected), "{cells:?}");
        }
        let twice = CellMap::new(1, vec!["a".into(), "a".into()], vec![cell("x", "a", 0, 255)]);
        assert_eq!(twice, Err(MapError::Node("a".into())));
        let many = (0..=256).map(|at: u32| cell(&format!("c{at}"), "a", at as u8, at as u8));
        assert_eq!(map(many.collect()), Err(MapError::TooMany(257)));
    }

    fn named(name: &str) -> CellName {
        CellName::parse(name).expect("a valid name")
    }

    fn new(name: &str, node: &str) -> NewCell {
        NewCell { name: named(name), node: node.to_owned(), schema: name.to_owned() }
    }

    fn two() -> CellMap {
        map(vec![cell("x", "a", 0x00, 0x7f), cell("y", "b", 0x80, 0xff)]).expect("it is one")
    }

    /// The cells with their bytes, and the change under way.
    fn described(map: &CellMap) -> (String, String) {
        let cells = map.all().map(|cell| format!("{} {}", cell.name, cell.bytes()));
        let change =
            map.change().map(|CellChange { bytes, from, to }| format!("{bytes} {from} {to}"));
        (cells.collect::<Vec<_>>().join(", "), change.unwrap_or_default())
    }

    #[test]
    fn a_changed_map_names_its_change_until_it_is_settled() {
        let split = MapChange::Split { cell: named("x"), at: 0x40, to: new("z", "b") };
        let moved = MapChange::Move { cell: named("y"), to: new("z", "a") };
        let dropped = MapChange::Drop { cell: named("y") };
        for (change, cells, under_way, after) in [
            (&split, "x 00-3f, z 40-7f, y 80-ff", "40-7f x z", "x 00-3f, z 40-7f, y 80-ff"),
            (&moved, "x 00-7f, z 80-ff, y 80-ff", "80-ff y z", "x 00-7f, z 80-ff"),
            (&dropped, "x 00-ff, y 80-ff", "80-ff y x", "x 00-ff"),
        ] {
            let changed = two().changed(change).expect("it can be");
            assert_eq!(described(&changed), (cells.to_owned(), under_way.to_owned()));
            assert_eq!(changed.version(), 2);
            let read = CellMap::from_text(&changed.to_text(), changed.nodes().to_vec());
            assert_eq!(read.as_ref(), Ok(&changed), "{}", changed.to_text());
            let id = Some(MapId::from(Uuid::from_u128(7)));
            let known = two().known_by(MapId::from(Uuid::from_u128(7)));
            let known = known.changed(change).expect("it can be");
            assert_eq!((known.id(), known.settled().id(), changed.id()), (id, id, None));
            let read = CellMap::from_text(&known.to_text(), known.nodes().to_vec());
            assert_eq!(read.as_ref(), Ok(&known), "{}", known.to_text());
            let settled = changed.settled();
            assert_eq!(described(&settled), (after.to_owned(), String::new()));
            assert_eq!(settled.version(), 3);
            let another = changed.changed(&split);
            assert!(matches!(another, Err(MapError::Changing(_))), "{another:?}");
            settled
                .changed(&MapChange::Split { cell: named("x"), at: 1, to: new("w", "a") })
                .expect("again");
        }
    }

    #[test]
    fn an_impossible_change_is_refused() {
        let split = |cell, at, to| MapChange::Split { cell: named(cell), at, to };
        let within = |cell, at, first, last| MapError::NotWithin {
            cell: named(cell),
            at,
            bytes: CellBytes { first, last },
        };
        for (change, expected) in [
            (split("x", 0x00, new("z", "a")), within("x", 0, 0, 0x7f)),
            (split("x", 0x80, new("z", "a")), within("x", 0x80, 0, 0x7f)),
            (split("y", 0x80, new("z", "a")), within("y", 0x80, 0x80, 0xff)),
            (split("w", 0x80, new("z", "a")), MapError::NoCell(named("w"))),
            (split("x", 0x40, new("y", "a")), MapError::Name(named("y"))),
            (
                split("x", 0x40, new("z", "c")),
                MapError::NoNode { cell: named("z"), node: "c".into() },
            ),
            (MapChange::Drop { cell: named("x") }, MapError::Home(named("x"))),
            (MapChange::Move { cell: named("x"), to: new("z", "a") }, MapError::Home(named("x"))),
            // The place that it leaves stays taken until it is empty.
            (
                MapChange::Move {
                    cell: named("y"),
                    to: NewCell { schema: "y".into(), ..new("z", "b") },
                },
                MapError::Place { node: "b".into(), schema: "y".into() },
            ),
            (MapChange::Move { cell: named("y"), to: new("y", "a") }, MapError::Name(named("y"))),
        ] {
            assert_eq!(two().changed(&change), Err(expected), "{change:?}");
        }
        let read = |text: &str| CellMap::from_text(text, vec!["a".to_owned(), "b".to_owned()]);
        let good = two().changed(&split("x", 0x40, new("z", "a"))).expect("it can be").to_text();
        assert!(read(&good).is_ok());
        for (from, to) in [
            ("\"shrunk\":\"x\"", "\"shrunk\":\"w\""),
            ("\"shrunk\":\"x\"", "\"shrunk\":\"z\""),
            ("\"change\":{\"first\":64", "\"change\":{\"first\":63"),
            ("\"node\":\"b\"", "\"node\":\"c\""),
            ("{\"version\"", "{"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from}");
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
