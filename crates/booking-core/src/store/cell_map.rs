//! What a store keeps where it is one of many, a cell: which events it may put up, and, if it is the home of all, the map.

use std::fmt;
use thiserror::Error;

/// Which events a cell has: those whose ids end in one of these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellBytes {
    /// The first of the bytes.
    pub first: u8,
    /// The last of them.
    pub last: u8,
}

impl CellBytes {
    /// Whether `byte` is one of these.
    pub fn has(self, byte: u8) -> bool {
        (self.first..=self.last).contains(&byte)
    }
}

impl fmt::Display for CellBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}-{:02x}", self.first, self.last)
    }
}

/// The map of all cells, as the home keeps it. Texts are at most [`KeptMap::BYTES_MAX`] bytes, and nothing to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMap {
    /// Which tells it from those before it.
    pub version: u64,
    /// What everybody goes by.
    pub map: String,
    /// What everybody is to go by next, which somebody has begun to bring about.
    pub next: Option<String>,
}

impl KeptMap {
    /// The longest text of a map: 256 cells have less than half of it.
    pub const BYTES_MAX: usize = 1 << 20;
}

/// An event was not put up, since the cell is not to have it: its id does not end in one of the
/// [bytes that it keeps to](crate::MoveStore::keep_to_bytes). Whoever asked has an old map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no event whose id ends in {0:02x} is put up in this cell")]
pub struct ForeignByte(pub u8);
