use crate::{EmailAddress, EventId, RegistrationId, Version};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A seat of an event that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// Its name for programs.
    pub id: RegistrationId,
    /// The event whose seat it is.
    pub event_id: EventId,
    /// Whose it is. No two live registrations of one event have the same.
    pub user_email: EmailAddress,
    /// The version of the event that this registration made.
    pub event_version: Version,
    /// The store's time when the seat was given, to the microsecond.
    pub created_at: DateTime<Utc>,
}
