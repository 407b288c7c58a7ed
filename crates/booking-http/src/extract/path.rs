//! Ids in paths.

use crate::extract::fields::trim;
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{EndpointId, EventId, Invalid, RegistrationId, Version};
use std::future::{Ready, ready};
use std::str::FromStr;

/// An id in the path of a route.
pub(crate) trait InPath: FromStr {
    /// The name of the path parameter.
    const NAME: &'static str;
}

/// `/events/{id}`
impl InPath for EventId {
    const NAME: &'static str = "id";
}

/// `/events/{id}/…/{registration_id}`, by which organizers address a registration.
impl InPath for RegistrationId {
    const NAME: &'static str = "registration_id";
}

/// `/webhooks/{id}`
impl InPath for EndpointId {
    const NAME: &'static str = "id";
}

/// `/webhooks/{id}/deliveries/{delivery_id}`
impl InPath for DeliveryId {
    const NAME: &'static str = "delivery_id";
}

/// The id in a path. An invalid id is 404.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: InPath> PathId<T> {
    /// That of a request.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        id(request, T::NAME).map(Self)
    }
}

impl<T: InPath> FromRequest for PathId<T> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(Into::into))
    }
}

/// The id of a message to a webhook, its `webhook-id`.
pub(crate) struct DeliveryId {
    pub(crate) event_id: EventId,
    pub(crate) version: Version,
}

impl FromStr for DeliveryId {
    type Err = Invalid;

    /// Reads `msg_`, the event's id in 32 digits, and a version: the only form of these ids.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rest = text.strip_prefix("msg_").and_then(|rest| rest.split_once('_'));
        let (event, number) = rest.ok_or(Invalid::NotAnId)?;
        let version: u64 = number.parse().map_err(|_| Invalid::NotAnId)?;
        let event_id: EventId = event.parse()?;
        // Stores keep versions in signed 64-bit columns.
        let is_storable = i64::try_from(version).is_ok() && version.to_string() == number;
        let is_written = event_id.as_uuid().simple().to_string() == event;
        let id = Self { event_id, version: Version::new(version) };
        if is_storable && is_written { Ok(id) } else { Err(Invalid::NotAnId) }
    }
}

/// The id in the parameter `name` of a path.
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
    use actix_web::test::TestRequest;

    /// Each by its parameter's name, and an invalid one is 404 for all in the same way.
    #[test]
    fn an_id_is_read_by_its_name_and_an_invalid_one_is_not_found() {
        fn found<T: InPath>(name: &'static str, text: &str) -> Result<T, ApiError> {
            let request = TestRequest::default().param(name, text.to_owned()).to_http_request();
            PathId::of(&request).map(|PathId(id)| id)
        }
        let text = "0190f1c4-6f2a-7c11-9a53-0242ac12a0e7";
        assert!(found::<EventId>("id", text).is_ok());
        assert!(found::<EndpointId>("id", &format!(" {text}\n")).is_ok());
        assert!(found::<RegistrationId>("registration_id", text).is_ok());
        for nothing in ["", "x", &text[1..]] {
            assert!(matches!(found::<EventId>("id", nothing), Err(ApiError::NotFound)));
            assert!(matches!(found::<EndpointId>("id", nothing), Err(ApiError::NotFound)));
        }
        assert!(matches!(found::<RegistrationId>("id", text), Err(ApiError::NotFound)));
    }

    #[test]
    fn a_message_id_has_one_form() {
        let event = "0190f1c46f2a7c119a530242ac12a0e7";
        let path = |text: &str| {
            let request = TestRequest::default().param("delivery_id", text.to_owned());
            PathId::<DeliveryId>::of(&request.to_http_request()).map(|PathId(id)| id).ok()
        };
        let id = path(&format!(" msg_{event}_42")).expect("it is one");
        assert_eq!(id.event_id.as_uuid().simple().to_string(), event);
        assert_eq!(id.version.get(), 42);
        let hyphenated = id.event_id.to_string();
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
            assert!(path(text).is_none(), "{text}");
        }
    }
}
