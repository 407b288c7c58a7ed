use crate::{SigningSeed, StoreError, TicketKey};
use async_trait::async_trait;
use std::fmt;

/// Stores the keys that tickets are signed with, the same for all servers.
///
/// ```
/// use booking_core::SigningSeed;
/// use booking_core::prelude::*;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = booking_conformance::MemoryStore::default();
/// // 32 random bytes each. Of servers that start together the first one's seed is stored, and all use it.
/// for seed in [SigningSeed::new([1; 32]), SigningSeed::new([2; 32])] {
///     store.add_signing_seed(seed, true).await?;
/// }
/// assert_eq!(store.signing_seeds().await?, [SigningSeed::new([1; 32])]);
/// # Ok(())
/// # }
/// ```
///
/// # What a store writes
///
/// Two tables: the seeds, in the order in which they were added, which are secret and never deleted; and the public
/// keys with the store's time when each was last shown, which never goes back. In the tables of `booking-conformance`
/// (`tables.rs`) these are `Tables::seeds` and `Tables::ticket_keys`.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// The seeds of all keys that tickets were ever signed with, newest first.
    async fn signing_seeds(&self) -> Result<Vec<SigningSeed>, StoreError>;

    /// Adds a seed, as the newest. With `only_first` it is added only if there is none yet.
    async fn add_signing_seed(&self, seed: SigningSeed, only_first: bool)
    -> Result<(), StoreError>;

    /// Records that a server signs tickets with these keys now, so that other servers accept them.
    async fn show_ticket_keys(&self, keys: &[TicketKey]) -> Result<(), StoreError>;

    /// The keys that any server has shown in the last [`TicketKey::KEPT`], in the order of their bytes.
    async fn ticket_keys(&self) -> Result<Vec<TicketKey>, StoreError>;
}
