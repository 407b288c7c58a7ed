//! What was found out of ids, and is not asked for again.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most ids that something is remembered of: registrations that lie elsewhere than their ids say, and events that are not
/// in a cell any more that they leave. Of more the older half is forgotten, and found out again when it is asked for.
pub const FOUND_MAX: usize = 65_536;

/// In two halves, of which the older goes when the newer is full.
#[derive(Debug)]
pub(crate) struct Remembered<K, V>(Mutex<Halves<K, V>>);

#[derive(Debug)]
struct Halves<K, V> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Halves { newer: HashMap::new(), older: HashMap::new() }))
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Remembered<K, V> {
    fn halves(&self) -> MutexGuard<'_, Halves<K, V>> {
        // It is whole between any two of its calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found out.
    pub(crate) fn get(&self, id: K) -> Option<V> {
        let halves = self.halves();
        halves.newer.get(&id).or_else(|| halves.older.get(&id)).copied()
    }

    pub(crate) fn insert(&self, id: K, what: V) {
        let mut halves = self.halves();
        if halves.newer.len() >= FOUND_MAX / 2 {
            halves.older = mem::take(&mut halves.newer);
        }
        halves.newer.insert(id, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_last_is_remembered_and_no_more() {
        let found = Remembered::default();
        for id in 0..2 * FOUND_MAX {
            found.insert(id, id % 256);
        }
        let halves = found.halves();
        assert!(halves.newer.len() + halves.older.len() <= FOUND_MAX);
        drop(halves);
        for id in [2 * FOUND_MAX - 1, 2 * FOUND_MAX - FOUND_MAX / 2] {
            assert_eq!(found.get(id), Some(id % 256));
        }
        assert_eq!(found.get(7), None);
        found.insert(2 * FOUND_MAX - 1, 3);
        assert_eq!(found.get(2 * FOUND_MAX - 1), Some(3), "it has moved");
    }
}
