use crate::{NewToken, OrganizerId, OrganizerToken, PageLimit, StoreError, TokenId};
use async_trait::async_trait;
use std::fmt;

/// Stores the organizers, and their tokens.
///
/// ```
/// use booking_core::prelude::*;
/// use booking_core::{NewToken, Organizer, OrganizerName, TokenHash};
/// use uuid::Uuid;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = booking_conformance::MemoryStore::default();
/// let name = OrganizerName::parse("The club")?;
/// let organizer = Organizer::new(Uuid::now_v7().into(), name);
/// // The SHA-256 of a token that only the organizer has.
/// let hash = TokenHash::new([7; 32]);
/// let new = NewToken::new(Uuid::now_v7().into(), organizer, hash);
/// let token = store.create_token(new).await?.expect("there is room");
/// assert_eq!(store.tokens().await?, [token.clone()]);
///
/// let revoked = store.revoke_token(token.id).await?.expect("it is there");
/// assert!(revoked.revoked_at.is_some());
/// # Ok(())
/// # }
/// ```
///
/// # What a store writes
///
/// Two tables. An organizer has an id and a name, and no two have the same name: if two stores create the same name at
/// the same time, both get the one that was created. A token has its id, its organizer, its hash, its role and the
/// events that it is limited to, when it was made and when it was revoked, and is never deleted. The ids of those
/// events are stored as given, whether or not there are such events here. [`assign_events`](Self::assign_events) writes
/// the organizer on the rows of events that have none, under the lock that [`SeatStore::execute`] takes; it makes no
/// version and no fact. In the tables of `booking-conformance` (`tables.rs`) these are `Tables::add_token` and
/// `Tables::assign_events`.
///
/// [`SeatStore::execute`]: crate::SeatStore::execute
#[async_trait]
pub trait OrganizerStore: fmt::Debug + Send + Sync {
    /// Stores a token, for the organizer of that name, who is created if there is none. A token that exists already
    /// under its id is returned unchanged: repeating the call is safe. `None` if there are
    /// [`TOKENS_MAX`](crate::TOKENS_MAX) already.
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError>;

    /// All organizers' tokens ever made, newest first.
    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError>;

    /// Revokes a token, and returns it; one that was revoked before is unchanged. `None` if there is none with this id.
    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError>;

    /// Assigns up to `limit` events without an organizer to `organizer_id`, which must exist, and returns how many.
    /// There may be more as long as that is not zero: an event whose row another transaction holds for long is left for
    /// the next time.
    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError>;
}
