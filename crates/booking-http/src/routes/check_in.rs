//! Check-in: one ticket, a batch of them, and undoing it.

mod scan;

use super::Answer;
use crate::api::requests::{CheckIn, CheckInBatch};
use crate::auth::callers::OrganizerAuth;
use crate::extract::body::{Nothing, Write};
use crate::extract::path::PathId;
use crate::problem::REPLAYED;
use crate::routes::responses::CommandResult;
use crate::service::Service;
use actix_web::HttpResponse;
use actix_web::web::Data;
use booking_core::{Command, EventCommand, EventId, RegistrationId};
use scan::ScanBody;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /events/{id}/check-ins`
pub(super) async fn check_in(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(event_id): PathId<EventId>,
    write: Write<CheckIn>,
) -> Answer {
    let key = write.key_of(caller)?;
    let claims = scan::verify_for_event(&service, caller, event_id, &write.body.ticket).await?;
    let command = scan::command(&claims, Uuid::now_v7(), None);
    let item = EventCommand::new(event_id, caller, command).with_key(key);
    let outcome = service.submit(item).await?;
    Ok(CommandResult::registration(outcome)?.made(None))
}

/// What became of scans, as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ScanResults)]
pub(crate) struct BatchBody {
    results: Vec<ScanBody>,
}

/// `POST /events/{id}/check-ins/batch`
pub(super) async fn check_in_batch(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(event_id): PathId<EventId>,
    write: Write<CheckInBatch>,
) -> Answer {
    let key = write.key_of(caller)?;
    let batch = scan::check_in_all(&service, caller, event_id, &write.body.scans, key).await?;
    let mut response = HttpResponse::Ok();
    if batch.is_replay {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(BatchBody { results: batch.results }))
}

/// `DELETE /events/{id}/check-ins/{registration_id}`
pub(super) async fn undo(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(event_id): PathId<EventId>,
    PathId(registration_id): PathId<RegistrationId>,
    write: Write<Nothing>,
) -> Answer {
    let command = Command::UndoCheckIn { registration_id };
    let key = write.key_of(caller)?;
    let item = EventCommand::new(event_id, caller, command).with_key(key);
    let outcome = service.submit(item).await?;
    Ok(CommandResult::registration(outcome)?.changed(None))
}
