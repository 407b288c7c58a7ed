use crate::{EventId, Invalid, OrganizerId, OrganizerName, TokenHash, TokenId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Who puts up events. A caller that shows one of its tokens is it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Organizer {
    /// Its name for programs.
    pub id: OrganizerId,
    /// Its name for people. No two have the same.
    pub name: OrganizerName,
}

impl Organizer {
    /// An organizer of that name.
    pub fn new(id: OrganizerId, name: OrganizerName) -> Self {
        Self { id, name }
    }
}

/// What is kept of an organizer's token. It can be serialized for stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizerToken {
    /// Its name.
    pub id: TokenId,
    /// Whose it is.
    pub organizer: Organizer,
    /// What it is recognized by.
    pub hash: TokenHash,
    /// What may be done with it.
    pub role: Role,
    /// The only events of the organizer that it is for; `None` for all of them, those to come included.
    pub events: Option<Vec<EventId>>,
    /// The store's time when it was made, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// Since when it is worthless.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What may be done with an organizer's token. Each may do what those before it may, so that of two the greater one
/// may do more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads events and who is registered.
    Reader,
    /// Lets people in, too.
    Door,
    /// Puts up and changes events, and does to registrations whatever can be done.
    Manager,
    /// Does everything, also what concerns all events and the organizer itself: tokens and webhooks.
    Owner,
}

impl Role {
    /// Every role there is, the least first.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Door, Self::Manager, Self::Owner];

    /// Its name, in stores and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Door => "door",
            Self::Manager => "manager",
            Self::Owner => "owner",
        }
    }

    /// The role called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        Self::from_name(name).ok_or(Invalid::NotARole)
    }
}

/// The most events that one token is limited to.
pub const TOKEN_EVENTS_MAX: usize = 100;

/// The most organizers' tokens that a store keeps, revoked ones included: servers have them in memory.
pub const TOKENS_MAX: usize = 10_000;

/// A token to be kept. The caller chooses the ids, so that asking again is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// See [`OrganizerToken::id`].
    pub id: TokenId,
    /// Whose it is, if there is nobody of that name yet.
    pub organizer: Organizer,
    /// See [`OrganizerToken::hash`].
    pub hash: TokenHash,
    /// See [`OrganizerToken::role`].
    pub role: Role,
    /// See [`OrganizerToken::events`]; at most [`TOKEN_EVENTS_MAX`].
    pub events: Option<Vec<EventId>>,
}

impl NewToken {
    /// A token of the organizer's own, by which everything may be done, until its fields say less.
    pub fn new(id: TokenId, organizer: Organizer, hash: TokenHash) -> Self {
        Self { id, organizer, hash, role: Role::Owner, events: None }
    }

    /// What is kept of it, made for `organizer` at `now`: the one who has that name, if there was one before.
    #[must_use]
    pub fn made(self, organizer: Organizer, now: DateTime<Utc>) -> OrganizerToken {
        let Self { id, organizer: _, hash, role, events } = self;
        OrganizerToken { id, organizer, hash, role, events, created_at: now, revoked_at: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_round_trip_and_are_ordered() {
        assert!(Role::ALL.is_sorted_by(|less, more| less < more));
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            let json = serde_json::to_string(&role).expect("a role is JSON");
            assert_eq!(json, format!("\"{role}\""));
        }
        for name in ["", "Owner", " door", "steward"] {
            assert_eq!(name.parse::<Role>(), Err(Invalid::NotARole), "{name:?}");
        }
    }
}
