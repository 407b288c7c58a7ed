//! The map of its cells that a server follows.

use crate::util::locks::lock;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// For how long a map is new: requests that came before it may still be answered by the one before.
const NEW_FOR: Duration = Duration::from_secs(10);

/// The version of the map, 0 where there are no cells, whether there is a newer one that this server cannot follow,
/// and whether another is being published.
#[derive(Debug, Default)]
pub(crate) struct CellMapState(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    version: u64,
    is_outdated: bool,
    changed_at: Option<Instant>,
    /// The map that is being published, and when this server saw it first.
    next: Option<(String, Instant)>,
}

impl CellMapState {
    /// The state of a server that has just started with this map.
    pub(crate) fn of(version: u64) -> Self {
        Self(Mutex::new(State { version, ..State::default() }))
    }

    /// `None` leaves the last result.
    pub(crate) fn note(&self, version: u64, is_outdated: Option<bool>) {
        let mut state = lock(&self.0);
        if state.version != version {
            (state.version, state.changed_at) = (version, Some(Instant::now()));
        }
        state.is_outdated = is_outdated.unwrap_or(state.is_outdated);
    }

    /// Records the map that is being published.
    pub(crate) fn note_next(&self, next: Option<&str>) {
        let mut state = lock(&self.0);
        let is_same = state.next.as_ref().map(|(seen, _)| seen.as_str()) == next;
        if !is_same {
            state.next = next.map(|next| (next.to_owned(), Instant::now()));
        }
    }

    /// For how long that has been pending, as far as this server has seen; `None` if it is not.
    pub(crate) fn publishing_for(&self) -> Option<Duration> {
        lock(&self.0).next.as_ref().map(|(_, seen_at)| seen_at.elapsed())
    }

    pub(crate) fn version(&self) -> u64 {
        lock(&self.0).version
    }

    pub(crate) fn is_outdated(&self) -> bool {
        lock(&self.0).is_outdated
    }

    /// Whether a request that ends now may have been answered by the previous map.
    pub(crate) fn is_new(&self) -> bool {
        let changed_at = lock(&self.0).changed_at;
        changed_at.is_some_and(|changed_at| changed_at.elapsed() < NEW_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_map_is_new_for_a_while() {
        let map = CellMapState::of(7);
        map.note(7, Some(true));
        assert_eq!((map.version(), map.is_outdated(), map.is_new()), (7, true, false));
        map.note(7, None);
        assert!(map.is_outdated() && !map.is_new(), "who cannot ask knows what was so before");
        map.note(8, Some(false));
        assert_eq!((map.version(), map.is_outdated(), map.is_new()), (8, false, true));
        advance(NEW_FOR).await;
        assert!(!map.is_new());
    }

    #[tokio::test(start_paused = true)]
    async fn each_publication_is_timed_by_itself() {
        let map = CellMapState::of(7);
        let second = Duration::from_secs(1);
        assert_eq!(map.publishing_for(), None);
        map.note_next(Some("split"));
        advance(second).await;
        map.note_next(Some("split"));
        assert_eq!(map.publishing_for(), Some(second));
        // It has ended, and another has begun, since the last check.
        map.note_next(Some("drop"));
        assert_eq!(map.publishing_for(), Some(Duration::ZERO));
        advance(second).await;
        map.note(8, Some(false));
        assert_eq!(map.publishing_for(), Some(second), "what else is found out changes nothing");
        map.note_next(None);
        assert_eq!(map.publishing_for(), None);
    }
}
