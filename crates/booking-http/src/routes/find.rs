//! Recovery of lost links.

use super::Answer;
use crate::api::requests::Find;
use crate::api::responses::FindBody;
use crate::extract::body::Write;
use crate::problem::ApiError;
use crate::service::Service;
use actix_web::HttpResponse;
use actix_web::web::Data;

/// `POST /registrations/find`: the same answer whether or not anything is registered for the address, before the
/// store is asked. A server that sends no mail has no such address.
pub(super) async fn find(service: Data<Service>, write: Write<Find>) -> Answer {
    let link_recovery = service.link_recovery.as_ref().ok_or(ApiError::NotFound)?;
    link_recovery.ask(write.body.user_email);
    Ok(HttpResponse::Accepted().json(FindBody::ACCEPTED))
}
