use crate::values::text::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// How many seats an event has: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capacity(NonZeroU32);

impl Capacity {
    /// Checks `seats` against 1 and the `max` that this installation allows.
    ///
    /// # Errors
    /// [`Invalid::OutOfRange`].
    pub fn parse(seats: i64, max: CapacityMax) -> Result<Self, Invalid> {
        u32::try_from(seats)
            .ok()
            .filter(|seats| *seats <= max.0)
            .and_then(NonZeroU32::new)
            .map(Self)
            .ok_or(Invalid::OutOfRange { min: 1, max: max.0 })
    }

    /// The number of seats.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The largest [`Capacity`] that an installation allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapacityMax(u32);

impl CapacityMax {
    /// What a store can count to: PostgreSQL's `integer` is signed.
    pub const HIGHEST: Self = Self(i32::MAX as u32);

    /// A limit of `seats`, from 1 to [`CapacityMax::HIGHEST`].
    ///
    /// # Errors
    /// [`Invalid::OutOfRange`].
    pub fn parse(seats: u32) -> Result<Self, Invalid> {
        if (1..=Self::HIGHEST.0).contains(&seats) {
            Ok(Self(seats))
        } else {
            Err(Invalid::OutOfRange { min: 1, max: Self::HIGHEST.0 })
        }
    }

    /// The number of seats.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for CapacityMax {
    /// 100,000 seats.
    fn default() -> Self {
        Self(100_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_between_one_and_the_limit() {
        let max = CapacityMax::default();
        assert_eq!(Capacity::parse(1, max).map(Capacity::get), Ok(1));
        assert_eq!(Capacity::parse(100_000, max).map(Capacity::get), Ok(100_000));
        for seats in [i64::MIN, -1, 0, 100_001, 1 << 32, i64::MAX] {
            assert_eq!(
                Capacity::parse(seats, max),
                Err(Invalid::OutOfRange { min: 1, max: 100_000 }),
                "{seats}"
            );
        }
        let highest = i64::from(i32::MAX);
        assert!(Capacity::parse(highest, CapacityMax::HIGHEST).is_ok());
        assert!(Capacity::parse(highest + 1, CapacityMax::HIGHEST).is_err());
        assert!(CapacityMax::parse(0).is_err());
    }
}
