//! What a store keeps as one of many, a cell: which events may be created in it, and, in the home cell, the map.

use crate::{EventId, Invalid, MapId, StoreError};
use std::fmt;
use thiserror::Error;

/// The migration from which on programs respect a cell's bytes.
pub const KNOWS_BYTES: i32 = 21;

/// Which events a cell owns: those whose ids end in one of these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellBytes {
    /// The first of the bytes.
    pub first: u8,
    /// The last of them.
    pub last: u8,
}

impl CellBytes {
    /// All bytes.
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

/// The cell that a store was assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBytes {
    /// The version of the map that assigned it.
    pub version: u64,
    /// Events are created here if their ids end in one of these; `None`: none are.
    pub bytes: Option<CellBytes>,
    /// The map that it belongs to. `None` if it was not assigned that.
    pub map: Option<MapId>,
}

/// The map of all cells, as the home cell stores it. Texts are at most [`StoredMap::BYTES_MAX`] bytes, and opaque to a
/// store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMap {
    /// Its version, raised by each change.
    pub version: u64,
    /// The map that all servers use.
    pub map: String,
    /// The map that all servers will use next, if a change has begun.
    pub next: Option<String>,
}

impl StoredMap {
    /// The longest text of a map: 256 cells need less than half of it.
    pub const BYTES_MAX: usize = 1 << 20;

    /// Checks that a store can store it.
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

/// An event was not created, since its id does not end in one of the [bytes of the
/// cell](crate::MoveStore::keep_to_bytes). The server has an outdated map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no event whose id ends in {0:02x} is put up in this cell")]
pub struct ForeignByte(pub u8);

impl ForeignByte {
    /// The error for an event.
    pub fn of(event: EventId) -> Self {
        let [.., byte] = event.as_uuid().into_bytes();
        Self(byte)
    }
}
