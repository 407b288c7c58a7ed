use crate::{OrganizerId, OrganizerName, TokenHash, TokenId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who puts up events. Whoever has one of its tokens is it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organizer {
    /// Its name for programs.
    pub id: OrganizerId,
    /// Its name for people. No two have the same.
    pub name: OrganizerName,
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
    /// The store's time when it was made, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// Since when it is worthless.
    pub revoked_at: Option<DateTime<Utc>>,
}

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
}
