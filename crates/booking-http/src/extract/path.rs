//! Ids in paths.

use crate::extract::fields::trim;
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{EventId, RegistrationId};
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

/// The id that a path has under `name`.
///
/// # Errors
/// [`ApiError::NotFound`].
pub(crate) fn id<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, ApiError> {
    let id = request.match_info().get(name).map(trim);
    id.and_then(|id| id.parse().ok()).ok_or(ApiError::NotFound)
}
