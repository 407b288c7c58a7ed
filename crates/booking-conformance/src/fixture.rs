use async_trait::async_trait;
use booking_core::{BookingStore, Clock};
use std::sync::Arc;

/// Opens stores over one database, which is empty at first and the fixture's own.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens a store with its own connections over the fixture's one database. It takes its time from `clock`, or from
    /// the database if there is none.
    async fn open(&self, clock: Option<Clock>) -> Arc<dyn BookingStore>;

    /// Drops `store`, the only one that is open, and then opens another over the same data. Nothing that `store` has
    /// acknowledged may be missing.
    ///
    /// A fixture whose data is in memory decides what outlives the store: its stores show that the cases are right, not
    /// that anything is durable.
    async fn reopen(
        &self,
        store: Arc<dyn BookingStore>,
        clock: Option<Clock>,
    ) -> Arc<dyn BookingStore> {
        drop(store);
        self.open(clock).await
    }

    /// Everything that is stored, in all tables and all files that the store is responsible for, to be searched for
    /// erased data. Texts are in it as they are, and hashes as bytes or in hexadecimal digits.
    async fn dump_everything(&self) -> Vec<u8>;
}
