//! The JSON that is taken: how it becomes values of the domain.

use crate::body::{Fields, FromBody, text};
use booking_core::{Capacity, CapacityMax, Description, EmailAddress, EventName, Invalid};
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
