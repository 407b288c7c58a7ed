//! Registrations.

use super::registration;
use crate::api::openapi::document::REGISTRATIONS;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::pagination;
use crate::api::requests::{Confirm, Correct, Transfer};
use crate::api::responses::{CountsBody, HistoryBody, RegistrationBody};
use crate::problem::shape;
use actix_web::http::StatusCode;
use booking_core::RegistrationCursor;
use serde_json::json;

pub(in crate::routes) fn list() -> Operation {
    let page = Answer::list::<RegistrationBody<'_>>(StatusCode::OK, "A page of registrations");
    Operation::new("list_registrations", REGISTRATIONS, "Lists registrations, oldest first")
        .described(
            "With `q`, those who are found by a part of their name or their address, of those that `status` and \
             `checked_in` name.",
        )
        .auth(Auth::Organizer)
        .queries(pagination::described::<RegistrationCursor>())
        .answers(page.with("Link").with("Booking-Total"))
}

pub(in crate::routes) fn counts() -> Operation {
    let description = "How many there are, of all that ever were";
    Operation::new("count_registrations", REGISTRATIONS, "Counts registrations by their status")
        .auth(Auth::Organizer)
        .answers(Answer::json::<CountsBody>(StatusCode::OK, description))
}

pub(in crate::routes) fn show() -> Operation {
    Operation::new("show_registration", REGISTRATIONS, "Shows a registration")
        .auth(Auth::Registration)
        .answers(registration("The registration, with its place in the queue if it waits"))
}

pub(in crate::routes) fn history() -> Operation {
    let entries = "What happened, oldest first: the last 1,000";
    Operation::new("show_history", REGISTRATIONS, "What happened to a registration")
        .auth(Auth::Registration)
        .answers(Answer::list::<HistoryBody>(StatusCode::OK, entries))
}

pub(in crate::routes) fn confirm() -> Operation {
    Operation::new("confirm", REGISTRATIONS, "Makes a seat of a hold or an offer")
        .described("What has to be answered and was not yet has to be answered here.")
        .auth(Auth::Registration)
        .takes::<Confirm>(json!({"answers": {"diet": "vegan"}}))
        .answers(registration("The registration, which is confirmed; twice is the same"))
        .refuses(&[shape::HOLD_EXPIRED, shape::NOT_OFFERED, shape::CLOSED])
}

pub(in crate::routes) fn cancel() -> Operation {
    Operation::new("cancel", REGISTRATIONS, "Gives up a seat, a hold or a place in the queue")
        .described("The seat goes to who waits longest, in the same transaction.")
        .auth(Auth::Registration)
        .answers(registration("The registration, which has ended; twice is the same"))
        .refuses(&[shape::NOT_CANCELLABLE])
}

pub(in crate::routes) fn correct() -> Operation {
    Operation::new("correct", REGISTRATIONS, "Puts a name, an address or answers right")
        .described("A new address makes a new `manage_token`; the ticket stays good.")
        .auth(Auth::Registration)
        .takes::<Correct>(json!({"name": "Ada King"}))
        .answers(registration("The registration as it is now"))
        .refuses(&[shape::NOT_CORRECTABLE, shape::ALREADY_REGISTERED, shape::CLOSED])
}

pub(in crate::routes) fn renew_link() -> Operation {
    Operation::new("renew_link", REGISTRATIONS, "Makes a new manage_token, for the organizer")
        .described("The old one is worthless from then on.")
        .auth(Auth::Organizer)
        .answers(registration("The registration with its new `manage_token`"))
        .refuses(&[shape::NOT_CORRECTABLE, shape::CLOSED])
}

pub(in crate::routes) fn transfer() -> Operation {
    Operation::new("transfer", REGISTRATIONS, "Gives a confirmed seat to another person")
        .described("The old `manage_token` and the old ticket are worthless from then on.")
        .auth(Auth::Registration)
        .takes::<Transfer>(json!({"user_email": "grace@example.org", "name": "Grace Hopper"}))
        .answers(registration("The registration with its new `manage_token`"))
        .refuses(&[
            shape::NOT_TRANSFERABLE,
            shape::NOT_CORRECTABLE,
            shape::ALREADY_REGISTERED,
            shape::CLOSED,
        ])
}
