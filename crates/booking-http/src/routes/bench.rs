//! The yardstick of the benchmark: HTTP alone.

use super::Answer;
use crate::api::requests::Register;
use crate::auth::manage_token::Origin;
use crate::extract::body::Write;
use crate::extract::path::PathId;
use crate::routes::responses::CommandResult;
use crate::service::Service;
use actix_web::web::Data;
use booking_core::{EventId, Outcome, Registration, RegistrationId, Status, Version};
use chrono::DateTime;
use uuid::Uuid;

/// `POST /bench/{id}/register`: all that [`register`](super::claims::register) does, but for queue and
/// store.
pub(super) async fn register_nothing(
    service: Data<Service>,
    PathId(event_id): PathId<EventId>,
    write: Write<Register>,
) -> Answer {
    let id = RegistrationId::beside(event_id, Uuid::now_v7());
    let token = service.tickets.issue(Origin::Made(id));
    let made = CommandResult::registration(Outcome::Confirmed(Registration {
        id,
        event_id,
        person: write.body.person,
        status: Status::Confirmed,
        expires_at: None,
        position: None,
        check_in: None,
        generation: 0,
        token_hash: Some(token.hash),
        created_version: Version::FIRST,
        event_version: Version::FIRST,
        created_at: DateTime::UNIX_EPOCH,
    }))?;
    let token = made.token(&service.tickets, &token).await;
    Ok(made.made(token.as_ref()))
}
