//! Check-in.

use super::registration;
use crate::api::openapi::document::CHECK_IN;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::requests::{CheckIn, CheckInBatch};
use crate::api::responses::RegistrationBody;
use crate::problem::shape;
use crate::routes::check_in::BatchBody;
use actix_web::http::StatusCode;
use booking_core::Role;
use serde_json::json;

pub(in crate::routes) fn check_in() -> Operation {
    let description = "The registration, checked in, with its `timing`";
    Operation::new("check_in", CHECK_IN, "Lets in who has this ticket, once")
        .described("Or whose registration this is, whom the organizer knows without a ticket.")
        .auth(Auth::Organizer)
        .takes_role(Role::Door)
        .takes::<CheckIn>(json!({"ticket": "AQ…"}))
        .answers(Answer::json::<RegistrationBody<'_>>(StatusCode::CREATED, description))
        .refuses(&[shape::ALREADY_CHECKED_IN, shape::TICKET_REFUSED, shape::CLOSED])
}

pub(in crate::routes) fn check_in_batch() -> Operation {
    let description = "What became of each scan, in their order";
    Operation::new("check_in_batch", CHECK_IN, "Tells of scans, made without a network perhaps")
        .described("Each scan is named by its id: telling of it again changes nothing.")
        .auth(Auth::Organizer)
        .takes_role(Role::Door)
        .takes::<CheckInBatch>(json!({"scans": [{
            "id": "019606a8-6f2a-7c11-9a53-0242ac12a0e7",
            "ticket": "AQ…",
            "scanned_at": "2031-05-01T18:55:00Z",
        }]}))
        .answers(Answer::json::<BatchBody>(StatusCode::OK, description))
}

pub(in crate::routes) fn undo() -> Operation {
    Operation::new("undo_check_in", CHECK_IN, "Takes a check-in back")
        .auth(Auth::Organizer)
        .takes_role(Role::Door)
        .answers(registration("The registration, which is not checked in; twice is the same"))
        .refuses(&[shape::CLOSED])
}
