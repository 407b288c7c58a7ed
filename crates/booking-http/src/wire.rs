//! The JSON of the contract, and how it becomes and comes from the domain.

use crate::body::{Fields, FromBody, text};
use actix_web::web::Bytes;
use booking_core::{
    Capacity, CapacityMax, Description, EmailAddress, Event, EventId, EventName, Invalid,
    Registration, RegistrationId, Version,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// The body of `POST /events`.
pub(crate) struct CreateEvent {
    pub(crate) name: EventName,
    pub(crate) description: Description,
    pub(crate) capacity: Capacity,
}

impl FromBody for CreateEvent {
    fn from_fields(fields: &mut Fields, capacity_max: CapacityMax) -> Option<Self> {
        let name = fields.required("name", text(EventName::parse));
        let description = fields.optional("description", text(Description::parse));
        let capacity = fields.required("capacity", |value| capacity(value, capacity_max));
        Some(Self { name: name?, description: description?, capacity: capacity? })
    }
}

/// What is no whole number, or too large to be held as one, is out of range like any other.
fn capacity(value: &Value, max: CapacityMax) -> Result<Capacity, Invalid> {
    Capacity::parse(value.as_i64().unwrap_or(i64::MAX), max)
}

/// The body of `POST /events/{id}/register`.
pub(crate) struct Register {
    pub(crate) user_email: EmailAddress,
}

impl FromBody for Register {
    fn from_fields(fields: &mut Fields, _: CapacityMax) -> Option<Self> {
        let user_email = fields.required("user_email", text(EmailAddress::parse));
        Some(Self { user_email: user_email? })
    }
}

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
