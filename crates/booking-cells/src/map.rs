//! Which cell has which events.

use booking_core::CellName;
use std::collections::HashSet;
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
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellSpec {
    /// What it is called.
    pub name: CellName,
    /// The node that it is on.
    pub node: String,
    /// Where it is there.
    pub schema: String,
    /// The first of the bytes that its events' ids end in.
    pub first: u8,
    /// The last of them.
    pub last: u8,
}

/// Why cells are no map.
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
    /// One is nowhere.
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
}

impl CellMap {
    /// A map of `cells` on `nodes`, which are named by what they are called. `version` tells it from those before it.
    ///
    /// # Errors
    /// [`MapError`]: every byte must be in exactly one cell, and whatever has a name have one of its own.
    pub fn new(
        version: u64,
        nodes: Vec<String>,
        mut cells: Vec<CellSpec>,
    ) -> Result<Self, MapError> {
        check_names(&nodes, &cells)?;
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
            256 => Ok(Self { version, nodes, cells }),
            byte => Err(MapError::Gap(byte as u8)),
        }
    }

    /// What tells it from maps before it.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The nodes, in the order in which they were named.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The cells, in the order of their bytes: the first is the home.
    pub fn cells(&self) -> &[CellSpec] {
        &self.cells
    }

    /// The place of the cell that has what is called by `id`.
    pub fn cell_of(&self, id: Uuid) -> usize {
        let [.., byte] = id.into_bytes();
        self.cell_of_byte(byte)
    }

    /// The place of the cell that has `byte`.
    pub fn cell_of_byte(&self, byte: u8) -> usize {
        // Each is in one of them, in order.
        self.cells.partition_point(|cell| cell.last < byte)
    }

    /// The number of the node that a cell is on.
    pub(crate) fn node_of(&self, cell: &CellSpec) -> u16 {
        let at = self.nodes.iter().position(|node| *node == cell.node);
        u16::try_from(at.unwrap_or_default()).unwrap_or(u16::MAX)
    }
}

fn check_names(nodes: &[String], cells: &[CellSpec]) -> Result<(), MapError> {
    let mut seen = HashSet::new();
    if let Some(twice) = nodes.iter().find(|node| !seen.insert(*node)) {
        return Err(MapError::Node(twice.clone()));
    }
    if cells.len() > CELLS_MAX {
        return Err(MapError::TooMany(cells.len()));
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
        let nodes: Vec<_> = map.cells().iter().map(|cell| map.node_of(cell)).collect();
        assert_eq!(nodes, [0, 1, 1]);
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
    fn what_is_no_map_is_told() {
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
}
