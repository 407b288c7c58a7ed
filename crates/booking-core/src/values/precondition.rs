use crate::{Event, Version};
use chrono::{DateTime, Utc};

/// Identifies a committed state of an event.
///
/// A version alone identifies one state in a store's history; after a backup was restored, history may continue
/// differently, with the same versions at other times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTag {
    /// Its version.
    pub version: Version,
    /// When that was made; `None` if the client names only the version.
    pub changed_at: Option<DateTime<Utc>>,
}

impl From<&Event> for EventTag {
    fn from(event: &Event) -> Self {
        Self { version: event.version, changed_at: Some(event.changed_at) }
    }
}

/// The states of an event in which a change may be made: any of a few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition(Vec<EventTag>);

impl Precondition {
    /// The most states that may be named.
    pub const TAGS_MAX: usize = 16;

    /// The event must be in one of these states, in none if there are none; `None` if there are more than
    /// [`Precondition::TAGS_MAX`].
    pub fn any_of(tags: Vec<EventTag>) -> Option<Self> {
        (tags.len() <= Self::TAGS_MAX).then_some(Self(tags))
    }

    /// Whether it allows an event at `version`, which was made at `changed_at`.
    pub fn holds(&self, version: Version, changed_at: DateTime<Utc>) -> bool {
        self.0.iter().any(|tag| {
            tag.version == version && tag.changed_at.is_none_or(|made_at| made_at == changed_at)
        })
    }
}

impl From<Version> for Precondition {
    /// The event must be at this version, whenever that was made.
    fn from(version: Version) -> Self {
        Self(vec![EventTag { version, changed_at: None }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_precondition_names_versions_and_their_times() {
        let (version, at) = (Version::new(3), DateTime::<Utc>::UNIX_EPOCH);
        let later = at + TimeDelta::microseconds(1);
        let tag = |number, changed_at| EventTag { version: Version::new(number), changed_at };
        let holds = |tags: &[EventTag]| {
            Precondition::any_of(tags.to_vec()).expect("there are few").holds(version, at)
        };
        assert!(holds(&[tag(3, None)]) && holds(&[tag(3, Some(at))]));
        assert!(holds(&[tag(2, None), tag(3, Some(later)), tag(3, Some(at))]));
        assert!(!holds(&[]) && !holds(&[tag(2, Some(at))]) && !holds(&[tag(3, Some(later))]));
        assert!(Precondition::from(version).holds(version, at));
        assert!(Precondition::any_of(vec![tag(1, None); Precondition::TAGS_MAX + 1]).is_none());
    }
}
