//! The JSON that is sent: what clients see of the domain.

use actix_web::web::Bytes;
use booking_core::{Event, EventId, Registration, RegistrationId, Version};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A body as it is sent. One that borrows is never more than texts, numbers and times, which JSON holds.
pub(crate) fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).map(Bytes::from).unwrap_or_default()
}

/// An event as clients see it.
#[derive(Serialize)]
pub(crate) struct EventBody<'a> {
    id: EventId,
    name: &'a str,
    description: &'a str,
    capacity: u32,
    booked_count: u32,
    available: u32,
    version: Version,
    created_at: DateTime<Utc>,
}

impl<'a> From<&'a Event> for EventBody<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            id: event.id,
            name: event.name.as_str(),
            description: event.description.as_str(),
            capacity: event.capacity.get(),
            booked_count: event.booked_count,
            available: event.capacity.get().saturating_sub(event.booked_count),
            version: event.version,
            created_at: event.created_at,
        }
    }
}

/// A registration as clients see it.
#[derive(Serialize)]
pub(crate) struct RegistrationBody<'a> {
    id: RegistrationId,
    event_id: EventId,
    user_email: &'a str,
    event_version: Version,
    created_at: DateTime<Utc>,
}

impl<'a> From<&'a Registration> for RegistrationBody<'a> {
    fn from(registration: &'a Registration) -> Self {
        Self {
            id: registration.id,
            event_id: registration.event_id,
            user_email: registration.user_email.as_str(),
            event_version: registration.event_version,
            created_at: registration.created_at,
        }
    }
}
