//! A cache of what was looked up for ids.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most ids in a cache: of registrations that are elsewhere than their ids lead, and of events that have left a
/// cell of a change. Of more the older half is evicted, and looked up again when it is asked for.
pub const FOUND_MAX: usize = 65_536;

/// Two halves, of which the older is evicted when the newer is full.
#[derive(Debug)]
pub(crate) struct Cache<K, V>(Mutex<Halves<K, V>>);

#[derive(Debug)]
struct Halves<K, V> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Halves { newer: HashMap::new(), older: HashMap::new() }))
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Cache<K, V> {
    fn halves(&self) -> MutexGuard<'_, Halves<K, V>> {
        // No call leaves it half changed, so a poisoned lock is safe to use.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached value.
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
    fn the_cache_keeps_only_the_newest_ids() {
        let found = Cache::default();
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
