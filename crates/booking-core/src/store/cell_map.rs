//! What a store keeps where it is one of many, a cell: which events it may put up, and, if it is the home of all, the map.

use crate::{EventId, Invalid, MapId, StoreError};
use std::fmt;
use thiserror::Error;

/// The migration that a program has to know not to put up an event in a cell that keeps to other bytes.
pub const KNOWS_BYTES: i32 = 21;

/// Which events a cell has: those whose ids end in one of these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellBytes {
    /// The first of the bytes.
    pub first: u8,
    /// The last of them.
    pub last: u8,
}

impl CellBytes {
    /// All there are.
    pub const ALL: Self = Self { first: 0x00, last: 0xff };

    /// Whether `byte` is one of these.
    pub fn has(self, byte: u8) -> bool {
        (self.first..=self.last).contains(&byte)
    }

    /// Whether an event's id ends in one of these.
    pub fn has_event(self, event: EventId) -> bool {
        let ForeignByte(byte) = ForeignByte::of(event);
        self.has(byte)
    }
}

impl fmt::Display for CellBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}-{:02x}", self.first, self.last)
    }
}

/// What a store was told of the cell that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBytes {
    /// That of the map which said so.
    pub version: u64,
    /// It puts up events whose ids end in one of these; `None`: it puts up none.
    pub bytes: Option<CellBytes>,
    /// Which cells it is one of. `None` if it was not told that.
    pub map: Option<MapId>,
}

/// The map of all cells, as the home keeps it. Texts are at most [`StoredMap::BYTES_MAX`] bytes, and nothing to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMap {
    /// Which tells it from those before it.
    pub version: u64,
    /// What all servers go by.
    pub map: String,
    /// What all servers are to go by next, if a change has begun.
    pub next: Option<String>,
}

impl StoredMap {
    /// The longest text of a map: 256 cells have less than half of it.
    pub const BYTES_MAX: usize = 1 << 20;

    /// Makes sure that a store can keep it.
    ///
    /// # Errors
    /// [`StoreError::Broken`] if a text is longer than [`BYTES_MAX`](Self::BYTES_MAX).
    pub fn check(&self) -> Result<(), StoreError> {
        let texts = [Some(&self.map), self.next.as_ref()];
        match texts.into_iter().flatten().any(|text| text.len() > Self::BYTES_MAX) {
            true => Err(StoreError::broken(Invalid::TooManyBytes { max: Self::BYTES_MAX })),
            false => Ok(()),
        }
    }
}

/// An event was not put up, since the cell is not to have it: its id does not end in one of the
/// [bytes that it keeps to](crate::MoveStore::keep_to_bytes). The server that asked has an old map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no event whose id ends in {0:02x} is put up in this cell")]
pub struct ForeignByte(pub u8);

impl ForeignByte {
    /// That of an event.
    pub fn of(event: EventId) -> Self {
        let [.., byte] = event.as_uuid().into_bytes();
        Self(byte)
    }
}
