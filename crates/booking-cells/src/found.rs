//! Where registrations were found that lie elsewhere than their ids say.

use booking_core::RegistrationId;
use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most registrations that are remembered: those whose ids lead elsewhere. Of more the older half is forgotten, and
/// looked for again when it is asked for.
pub const FOUND_MAX: usize = 65_536;

/// In two halves, of which the older goes when the newer is full.
#[derive(Debug, Default)]
pub(crate) struct Found(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    newer: HashMap<RegistrationId, u8>,
    older: HashMap<RegistrationId, u8>,
}

impl Found {
    fn halves(&self) -> MutexGuard<'_, Halves> {
        // It is whole between any two of its calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cell in which it was found.
    pub(crate) fn get(&self, id: RegistrationId) -> Option<usize> {
        let halves = self.halves();
        halves.newer.get(&id).or_else(|| halves.older.get(&id)).map(|at| usize::from(*at))
    }

    pub(crate) fn insert(&self, id: RegistrationId, at: usize) {
        // There are no more cells than bytes.
        let Ok(at) = u8::try_from(at) else { return };
        let mut halves = self.halves();
        if halves.newer.len() >= FOUND_MAX / 2 {
            halves.older = mem::take(&mut halves.newer);
        }
        halves.newer.insert(id, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_was_found_last_is_remembered_and_no_more() {
        let found = Found::default();
        let id = |number: usize| RegistrationId::from(Uuid::from_u128(number as u128));
        for number in 0..2 * FOUND_MAX {
            found.insert(id(number), number % 256);
        }
        let halves = found.halves();
        assert!(halves.newer.len() + halves.older.len() <= FOUND_MAX);
        drop(halves);
        for number in [2 * FOUND_MAX - 1, 2 * FOUND_MAX - FOUND_MAX / 2] {
            assert_eq!(found.get(id(number)), Some(number % 256));
        }
        assert_eq!(found.get(id(7)), None);
        found.insert(id(2 * FOUND_MAX - 1), 3);
        assert_eq!(found.get(id(2 * FOUND_MAX - 1)), Some(3), "it has moved");
    }
}
