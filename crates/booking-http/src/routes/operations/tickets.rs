//! Tickets.

use super::key_set;
use crate::api::openapi::document::{CHECK_IN, REGISTRATIONS};
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::qr;
use crate::api::responses::TicketBody;
use crate::problem::shape;
use actix_web::http::StatusCode;
use booking_core::Role;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub(in crate::routes) fn show() -> Operation {
    Operation::new("show_ticket", REGISTRATIONS, "The signed ticket of a confirmed seat")
        .auth(Auth::Registration)
        // Its bearer is let in.
        .takes_role(Role::Door)
        .answers(Answer::json::<TicketBody>(StatusCode::OK, "The ticket"))
        .refuses(&[shape::NOT_CONFIRMED])
}

pub(in crate::routes) fn draw() -> Operation {
    Operation::new("draw_ticket", REGISTRATIONS, "The same as a QR code")
        .auth(Auth::Registration)
        // Its bearer is let in.
        .takes_role(Role::Door)
        .answers(Answer::text(StatusCode::OK, "The ticket as a QR code", qr::CONTENT_TYPE))
        .refuses(&[shape::NOT_CONFIRMED])
}

pub(in crate::routes) fn keys() -> Operation {
    Operation::new("list_ticket_keys", CHECK_IN, "The public keys that tickets are verified with")
        .auth(Auth::None)
        .without_store()
        .answers(Answer::json::<JwkSet>(StatusCode::OK, "A JWK set (RFC 7517, RFC 8037)"))
}

/// Keys as `booking-ticket` writes them.
struct JwkSet;

impl PartialSchema for JwkSet {
    fn schema() -> RefOr<Schema> {
        key_set(&["kty", "crv", "alg", "use", "kid", "x"])
    }
}

impl ToSchema for JwkSet {}
