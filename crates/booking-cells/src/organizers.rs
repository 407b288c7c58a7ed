//! Organizers and their tokens: the home has them, and every other cell a copy, which its events name.

use crate::copies;
use crate::fan_out::left_of;
use crate::store::{CellStore, HOME};
use async_trait::async_trait;
use booking_core::{
    NewToken, OrganizerId, OrganizerStore, OrganizerToken, PageLimit, StoreError, TokenId,
};
use std::sync::Arc;

#[async_trait]
impl OrganizerStore for CellStore {
    async fn create_token(&self, new: NewToken) -> Result<Option<OrganizerToken>, StoreError> {
        let now = self.now();
        let home = now.home();
        let Some(token) = home.note(home.store.create_token(new).await)? else { return Ok(None) };
        now.copy_to_others(|cell| {
            let token = token.clone();
            async move { copies::copy_token(&cell, &token).await }
        })
        .await;
        Ok(Some(token))
    }

    async fn tokens(&self) -> Result<Vec<OrganizerToken>, StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.tokens().await)
    }

    async fn revoke_token(&self, id: TokenId) -> Result<Option<OrganizerToken>, StoreError> {
        let now = self.now();
        let home = now.home();
        let revoked = home.note(home.store.revoke_token(id).await)?;
        if revoked.is_some() {
            now.copy_to_others(|cell| async move {
                cell.store.revoke_token(id).await.map(|copy| copy.is_some())
            })
            .await;
        }
        Ok(revoked)
    }

    async fn assign_events(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        let (mut assigned, mut failed) = (0, None);
        for (at, cell) in now.cells.iter().enumerate() {
            let Some(limit) = left_of(limit, assigned) else { break };
            let store = Arc::clone(&cell.store);
            let mut done = store.assign_events(organizer_id, limit).await;
            if matches!(done, Err(StoreError::Broken(_))) && at != HOME {
                // The cell may not have the organizer yet.
                done = match now.copy_tokens_to(at).await {
                    Ok(()) => store.assign_events(organizer_id, limit).await,
                    Err(error) => Err(error),
                };
            }
            match cell.note(done) {
                Ok(more) => assigned += more,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if assigned == 0 => Err(error),
            _ => Ok(assigned),
        }
    }
}
