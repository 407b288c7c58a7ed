pub(crate) mod audit;
pub(crate) mod cell_map;
pub(crate) mod columns;
pub(crate) mod delivery;
pub(crate) mod error_chain;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod moving;
pub(crate) mod observe;
pub(crate) mod organizers;
pub(crate) mod reading;
pub(crate) mod schema;
pub(crate) mod seats;
pub(crate) mod upkeep;

use crate::{
    DeliveryStore, ForeignByte, KeyStore, OrganizerStore, ReadStore, SeatStore, UpkeepStore,
};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use thiserror::Error;

/// A store of events and registrations, which decides about every seat: all that a service needs of it, in parts by
/// purpose.
///
/// | part | for |
/// | --- | --- |
/// | [`SeatStore`] | creating events and giving out their seats |
/// | [`ReadStore`] | reading them |
/// | [`OrganizerStore`] | organizers and their tokens |
/// | [`KeyStore`] | the keys that tickets are signed with |
/// | [`DeliveryStore`] | delivering facts by mail and webhooks |
/// | [`UpkeepStore`] | due work, erasing, audits, and health |
///
/// A type that implements the parts implements this, and a `dyn BookingStore` has the methods of all. To
/// call them on a store of a known type, the parts have to be in scope:
/// [`use booking_core::prelude::*`](crate::prelude).
///
/// Correctness never depends on the memory of one process: any number of stores, in any number of processes, may work
/// on the same data, and be killed at any instant.
///
/// `booking-conformance` has the cases that every implementation must pass.
pub trait BookingStore:
    SeatStore + ReadStore + OrganizerStore + KeyStore + DeliveryStore + UpkeepStore
{
}

impl<S: SeatStore + ReadStore + OrganizerStore + KeyStore + DeliveryStore + UpkeepStore>
    BookingStore for S
{
}

/// How [`SeatStore::execute`] treats an event whose row another transaction has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBusy {
    /// Answers its commands with [`Execution::Busy`](crate::Execution::Busy) and decides the others at once. A store
    /// with one lock for everything waits instead.
    Skip,
    /// Waits for the row, as long as the store's limits allow.
    Wait,
}

/// A store's clock if it is not its database's: for tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The error beneath a [`StoreError`]. Shared, because one failure is reported to every caller of a batch.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a store could not answer.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The store cannot be reached, or took too long. Nothing was written.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// The answer to COMMIT never came, and executing again did not find out in time, or could not, because the event is
    /// being moved. Repeat it under the same ids.
    #[error("the store did not say whether it committed")]
    CommitUnknown(#[source] Cause),
    /// The store holds or returned invalid data. Nothing was written; this is a bug, or another program wrote to the
    /// database.
    #[error("the store broke a rule")]
    Broken(#[source] Cause),
}

impl StoreError {
    /// [`StoreError::Unavailable`] because of `cause`.
    pub fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(cause))
    }

    /// Whether an event was not created because the cell does not own its id's last byte ([`ForeignByte`]).
    pub fn is_foreign_byte(&self) -> bool {
        matches!(self, Self::Unavailable(cause) if cause.is::<ForeignByte>())
    }

    /// [`StoreError::CommitUnknown`] because of `cause`.
    pub fn commit_unknown(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::CommitUnknown(Arc::new(cause))
    }

    /// [`StoreError::Broken`] because of `cause`.
    pub fn broken(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Broken(Arc::new(cause))
    }
}
