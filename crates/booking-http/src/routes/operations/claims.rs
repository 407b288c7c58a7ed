//! Claiming a seat.

use crate::api::openapi::document::REGISTRATIONS;
use crate::api::openapi::operation::{Answer, Operation};
use crate::api::requests::{Hold, Register};
use crate::api::responses::{RegistrationBody, ToConfirmBody};
use crate::problem::shape::{self, Shape};
use actix_web::http::StatusCode;
use serde_json::json;

/// Why there is no seat.
const NO_SEAT: &[Shape] =
    &[shape::SOLD_OUT, shape::ALL_HELD, shape::ALREADY_REGISTERED, shape::CLOSED];

pub(in crate::routes) fn register() -> Operation {
    let waits = "There is no seat, and it waits for one: `position` is its place in the queue";
    Operation::new("register", REGISTRATIONS, "Takes a seat, or a place in the queue")
        .described(
            "One live registration for an event and an address. `manage_token` is in this answer alone: with it \
             its holder confirms, transfers or gives it up.",
        )
        .takes::<Register>(json!({"user_email": "ada@example.org", "name": "Ada Lovelace"}))
        .answers(made("The registration, which has a seat"))
        .answers(Answer::json::<RegistrationBody<'_>>(StatusCode::ACCEPTED, waits))
        .answers(to_confirm())
        .refuses(NO_SEAT)
}

pub(in crate::routes) fn hold() -> Operation {
    Operation::new("hold", REGISTRATIONS, "Holds a seat for a while")
        .described("At `expires_at` the seat is free again, unless it was confirmed.")
        .takes::<Hold>(json!({"user_email": "ada@example.org", "ttl_seconds": 600}))
        .answers(made("The registration, which has a seat until `expires_at`"))
        .answers(to_confirm())
        .refuses(NO_SEAT)
}

/// 202, which does not reveal who is registered.
fn to_confirm() -> Answer {
    let meaning = "The event confirms addresses (`confirm_address`): a mail tells whoever has this one what became of it";
    Answer::json::<ToConfirmBody>(StatusCode::ACCEPTED, meaning)
}

fn made(description: &'static str) -> Answer {
    Answer::json::<RegistrationBody<'_>>(StatusCode::CREATED, description)
}
