use crate::{EventId, Invalid, OrganizerId, OrganizerName, TokenHash, TokenId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An organizer, who creates events. A caller authenticates as one by one of its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Organizer {
    /// Its id.
    pub id: OrganizerId,
    /// Its name. No two have the same.
    pub name: OrganizerName,
}

impl Organizer {
    /// An organizer of that name.
    pub fn new(id: OrganizerId, name: OrganizerName) -> Self {
        Self { id, name }
    }
}

/// An organizer's stored token. It can be serialized for stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizerToken {
    /// Its id.
    pub id: TokenId,
    /// Its organizer.
    pub organizer: Organizer,
    /// The hash that it is recognized by.
    pub hash: TokenHash,
    /// Its role.
    pub role: Role,
    /// The only events of the organizer that it is for; `None` for all, including future ones.
    pub events: Option<Vec<EventId>>,
    /// The store's time when it was made, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// Since when it is revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What a token allows. Each role may do what those before it may, so of two roles the greater one may do more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads events and registrations.
    Reader,
    /// Checks attendees in, too.
    Door,
    /// Creates and changes events, and does everything to registrations.
    Manager,
    /// Does everything, including what concerns all events and the organizer itself: tokens and webhooks.
    Owner,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Door, Self::Manager, Self::Owner];

    /// Its name, in stores and in the user interface.
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

/// The most organizers' tokens that a store keeps, including revoked ones: servers have them in memory.
pub const TOKENS_MAX: usize = 10_000;

/// A token to be created. The caller chooses the ids, so that the request can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// See [`OrganizerToken::id`].
    pub id: TokenId,
    /// Its organizer, if there is none of that name yet.
    pub organizer: Organizer,
    /// See [`OrganizerToken::hash`].
    pub hash: TokenHash,
    /// See [`OrganizerToken::role`].
    pub role: Role,
    /// See [`OrganizerToken::events`]; at most [`TOKEN_EVENTS_MAX`].
    pub events: Option<Vec<EventId>>,
}

impl NewToken {
    /// A token that may do everything, until its fields are limited.
    pub fn new(id: TokenId, organizer: Organizer, hash: TokenHash) -> Self {
        Self { id, organizer, hash, role: Role::Owner, events: None }
    }

    /// The token as stored, made for `organizer` at `now`: the existing one of that name, if there was one.
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
