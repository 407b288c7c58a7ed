//! A cache of the valid tokens of organizers, so that no request waits for the store to authenticate its caller.

use crate::auth::grant::Grant;
use crate::util::locks::{read, write};
use booking_core::{
    BookingStore, OrganizerId, OrganizerName, OrganizerToken, StoreError, TokenHash,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

/// The valid tokens of organizers.
pub(crate) struct TokenCache {
    /// Whether there never was a token, so that every caller is the organizer. Once closed it stays closed.
    is_open: AtomicBool,
    /// By the hash of a valid token. The key is a SHA-256, so the time of a look-up reveals nothing about what to
    /// try next.
    grants: RwLock<HashMap<TokenHash, Arc<Grant>>>,
}

impl TokenCache {
    /// As the store has it now.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn read(store: &dyn BookingStore) -> Result<Self, StoreError> {
        let tokens = Self { is_open: AtomicBool::new(true), grants: RwLock::default() };
        tokens.read_again(store).await?;
        Ok(tokens)
    }

    /// Reads the tokens again, with those made and revoked since.
    ///
    /// # Errors
    /// The store's; then the tokens that were read last stay valid.
    pub(crate) async fn read_again(&self, store: &dyn BookingStore) -> Result<(), StoreError> {
        self.learn(store.tokens().await?);
        Ok(())
    }

    fn learn(&self, tokens: Vec<OrganizerToken>) {
        let is_open = tokens.is_empty();
        let good = tokens.into_iter().filter(|token| token.revoked_at.is_none());
        let grants = good.map(|token| (token.hash, Arc::new(Grant::from(token)))).collect();
        *write(&self.grants) = grants;
        if !is_open && self.is_open.swap(false, Ordering::SeqCst) {
            log::info!("organizers' routes are for organizers' tokens");
        }
    }

    /// Whether every caller is the organizer.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::SeqCst)
    }

    /// The name of an organizer who has a valid token.
    pub(crate) fn organizer_name(&self, id: OrganizerId) -> Option<OrganizerName> {
        let grants = read(&self.grants);
        let mut organizers = grants.values().map(|grant| &grant.organizer);
        organizers.find(|organizer| organizer.id == id).map(|found| found.name.clone())
    }

    /// The grant of the token with this hash, if it is valid.
    pub(crate) fn grant(&self, hash: &TokenHash) -> Option<Arc<Grant>> {
        read(&self.grants).get(hash).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{NewToken, Organizer, OrganizerName};
    use uuid::Uuid;

    fn token(number: u8, is_revoked: bool) -> OrganizerToken {
        let now = chrono::DateTime::UNIX_EPOCH;
        let id = Uuid::from_u128(number.into());
        let name = OrganizerName::parse(&format!("Organizer {number}")).expect("a valid name");
        let organizer = Organizer::new(id.into(), name);
        let new = NewToken::new(id.into(), organizer.clone(), TokenHash::new([number; 32]));
        OrganizerToken { revoked_at: is_revoked.then_some(now), ..new.made(organizer, now) }
    }

    #[test]
    fn a_closed_server_never_opens_again() {
        let tokens = TokenCache { is_open: AtomicBool::new(true), grants: RwLock::default() };
        let knows = |number| tokens.grant(&TokenHash::new([number; 32])).is_some();
        tokens.learn(vec![]);
        assert!(tokens.is_open() && !knows(1));
        tokens.learn(vec![token(1, false), token(2, true)]);
        assert!(!tokens.is_open() && knows(1) && !knows(2));
        tokens.learn(vec![token(1, true)]);
        assert!(!tokens.is_open() && !knows(1));
        // Not even if the rows were deleted.
        tokens.learn(vec![]);
        assert!(!tokens.is_open());
    }
}
