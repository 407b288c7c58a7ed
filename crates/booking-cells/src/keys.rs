//! Keys for tickets: the home has them.

use crate::store::CellStore;
use async_trait::async_trait;
use booking_core::{KeyStore, SigningSeed, StoreError, TicketKey};

#[async_trait]
impl KeyStore for CellStore {
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.signing_seeds().await)
    }

    async fn add_signing_seed(
        &self,
        seed: SigningSeed,
        only_first: bool,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.add_signing_seed(seed, only_first).await)
    }

    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.show_ticket_keys(keys).await)
    }

    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.ticket_keys().await)
    }
}
