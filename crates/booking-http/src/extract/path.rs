//! Ids in paths.

use crate::extract::fields::trim;
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{EndpointId, EventId, RegistrationId, Version};
use std::future::{Ready, ready};
use std::str::FromStr;

/// The `{id}` of an event. What is no id names no event.
pub(crate) struct EventPath(pub(crate) EventId);

impl EventPath {
    /// That of a request.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        id(request, "id").map(Self)
    }
}

impl FromRequest for EventPath {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(Into::into))
    }
}

/// The `{registration_id}` below an event, which is the organizer's way to name a registration.
pub(crate) struct RegistrationPath(pub(crate) RegistrationId);

impl FromRequest for RegistrationPath {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id(request, "registration_id").map(Self).map_err(Into::into))
    }
}

/// The `{id}` of a webhook. What is no id names none.
pub(crate) struct WebhookPath(pub(crate) EndpointId);

impl WebhookPath {
    /// That of a request.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        id(request, "id").map(Self)
    }
}

impl FromRequest for WebhookPath {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(Into::into))
    }
}

/// The `{delivery_id}` below a webhook: the `webhook-id` of what was sent.
pub(crate) struct DeliveryPath {
    pub(crate) event_id: EventId,
    pub(crate) version: Version,
}

impl DeliveryPath {
    /// Reads `msg_`, the event's id in 32 digits, and a version, as messages are called and in no other way.
    fn parse(text: &str) -> Option<Self> {
        let (event, number) = trim(text).strip_prefix("msg_")?.split_once('_')?;
        let version: u64 = number.parse().ok()?;
        let event_id: EventId = event.parse().ok()?;
        // Stores keep versions in signed 64-bit columns.
        let is_kept = i64::try_from(version).is_ok() && version.to_string() == number;
        let is_written = event_id.as_uuid().simple().to_string() == event;
        (is_kept && is_written).then_some(Self { event_id, version: Version::new(version) })
    }
}

impl FromRequest for DeliveryPath {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = request.match_info().get("delivery_id").and_then(Self::parse);
        ready(path.ok_or_else(|| ApiError::NotFound.into()))
    }
}

/// The id that a path has under `name`.
///
/// # Errors
/// [`ApiError::NotFound`].
pub(crate) fn id<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, ApiError> {
    let id = request.match_info().get(name).map(trim);
    id.and_then(|id| id.parse().ok()).ok_or(ApiError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_called_in_one_way() {
        let event = "0190f1c46f2a7c119a530242ac12a0e7";
        let path = DeliveryPath::parse(&format!(" msg_{event}_42")).expect("it is one");
        assert_eq!(path.event_id.as_uuid().simple().to_string(), event);
        assert_eq!(path.version.get(), 42);
        let hyphenated = path.event_id.to_string();
        for text in [
            "",
            "msg_",
            "msg__1",
            "msg_x_1",
            &format!("msg_{event}"),
            &format!("msg_{event}_"),
            &format!("msg_{event}_+1"),
            &format!("msg_{event}_01"),
            &format!("msg_{event}_1_1"),
            &format!("msg_{event}_9223372036854775808"),
            &format!("msg_{hyphenated}_1"),
            &format!("msg_{}_1", event.to_uppercase()),
            &format!("MSG_{event}_1"),
        ] {
            assert!(DeliveryPath::parse(text).is_none(), "{text}");
        }
    }
}
