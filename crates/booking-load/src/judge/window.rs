//! The window of versions that a request may have seen.

use super::replay::{Moment, Replay};
use uuid::Uuid;

/// The versions that a request may have seen while it was in progress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The newest that had been answered before it was sent.
    pub(super) after: u64,
    /// The newest that can have been made before its answer.
    pub(super) before: u64,
}

/// The states of a registration within a window.
pub(super) fn moments_in(
    replay: &Replay,
    id: Uuid,
    window: Window,
) -> impl Iterator<Item = &Moment> {
    let moments = replay.people.get(&id).map_or(&[][..], Vec::as_slice);
    let first = moments.partition_point(|moment| moment.version <= window.after).saturating_sub(1);
    moments[first..].iter().take_while(move |moment| moment.version <= window.before)
}
