//! Tickets, and the public keys to check them with.

use super::Answer;
use crate::api::qr;
use crate::api::responses::TicketBody;
use crate::auth::callers::RegistrationAuth;
use crate::extract::conditional::REVALIDATE;
use crate::problem::ApiError;
use crate::service::Service;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, ContentType};
use actix_web::web::Data;
use booking_core::Status;

/// `GET /tickets/keys`
pub(super) async fn keys(service: Data<Service>) -> Answer {
    let mut response = HttpResponse::Ok();
    response.insert_header(REVALIDATE).content_type(ContentType::json());
    Ok(response.body(service.tickets.jwks()))
}

/// `GET /registrations/{id}/ticket`
pub(super) async fn show(service: Data<Service>, holder: RegistrationAuth) -> Answer {
    Ok(HttpResponse::Ok().json(ticket(&service, holder).await?))
}

/// `GET /registrations/{id}/ticket.svg`
pub(super) async fn draw(service: Data<Service>, holder: RegistrationAuth) -> Answer {
    let ticket = ticket(&service, holder).await?.ticket;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, qr::CONTENT_TYPE)).body(qr::draw(&ticket)))
}

async fn ticket(service: &Service, holder: RegistrationAuth) -> Result<TicketBody, ApiError> {
    let registration = service.registration(holder).await?;
    match registration.status {
        Status::Confirmed => Ok(service.tickets.sign(&registration)),
        Status::Held
        | Status::Waitlisted
        | Status::Offered
        | Status::Cancelled
        | Status::Expired => Err(ApiError::NotConfirmed),
    }
}
