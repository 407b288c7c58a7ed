//! A cache of the organizers' tokens that are good, so that no request waits for the store to know its caller.

use crate::auth::grant::Grant;
use crate::util::locks::{read, write};
use booking_core::{
    BookingStore, OrganizerId, OrganizerName, OrganizerToken, StoreError, TokenHash,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

/// Who may come as an organizer.
pub(crate) struct TokenCache {
    /// Whether there never was a token, so that anybody is the organizer. What was closed once stays so.
    is_open: AtomicBool,
    /// By the hash of a good token. Looked up by what a SHA-256 gives, so how long that takes tells nobody
    /// what to try next.
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

    /// Has what was made and revoked since count from now on.
    ///
    /// # Errors
    /// The store's; what was known last is good then.
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

    /// Whether anybody is the organizer.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::SeqCst)
    }

    /// What an organizer is called that has a good token.
    pub(crate) fn organizer_name(&self, id: OrganizerId) -> Option<OrganizerName> {
        let grants = read(&self.grants);
        let mut organizers = grants.values().map(|grant| &grant.organizer);
        organizers.find(|organizer| organizer.id == id).map(|found| found.name.clone())
    }

    /// What may be done with the token that has this hash, if it is good.
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
    fn what_was_closed_never_opens_again() {
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
