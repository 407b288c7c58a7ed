//! Links that were lost.

use crate::api::openapi::document::REGISTRATIONS;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::api::requests::Find;
use crate::api::responses::FindBody;
use crate::problem::shape;
use actix_web::http::StatusCode;
use serde_json::json;

pub(in crate::routes) fn find() -> Operation {
    let description = "Always the same, whether or not anything is registered for the address";
    Operation::new("find_registrations", REGISTRATIONS, "Mails an address the links that it has")
        .described("A server that sends no mail has no such address: 404.")
        .auth(Auth::None)
        .without_store()
        .stores_no_answer()
        .takes::<Find>(json!({"user_email": "ada@example.org"}))
        .answers(Answer::json::<FindBody>(StatusCode::ACCEPTED, description))
        .refuses(&[shape::NOT_FOUND])
}
