//! The description of each route: in one file for each kind of resource, as the handlers are.

pub(super) mod check_in;
pub(super) mod claims;
pub(super) mod events;
pub(super) mod find;
pub(super) mod live;
pub(super) mod operating;
pub(super) mod people;
pub(super) mod questions;
pub(super) mod registrations;
pub(super) mod tickets;
pub(super) mod webhooks;

use crate::api::openapi::operation::Answer;
use crate::api::openapi::schemas::string;
use crate::api::responses::{EventBody, RegistrationBody};
use actix_web::http::StatusCode;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};

/// 200 and the event, in its new state.
fn event(description: &'static str) -> Answer {
    Answer::json::<EventBody<'_>>(StatusCode::OK, description).with("ETag")
}

/// 200 and the registration.
fn registration(description: &'static str) -> Answer {
    Answer::json::<RegistrationBody<'_>>(StatusCode::OK, description)
}

/// A JWK set with these fields.
fn key_set(fields: &[&str]) -> RefOr<Schema> {
    let key = fields
        .iter()
        .fold(ObjectBuilder::new(), |key, field| key.property(*field, string()).required(*field));
    let keys = ArrayBuilder::new().items(key);
    ObjectBuilder::new().property("keys", keys).required("keys").into()
}

/// 304: the client has it already.
fn not_modified() -> Answer {
    Answer::empty(StatusCode::NOT_MODIFIED, "It is what `If-None-Match` names").with("ETag")
}

const IF_NONE_MATCH: (&str, &str) = ("If-None-Match", "Tags of what the client has");
