//! Check-in: one ticket, a batch of them, and undoing it.

mod scan;

use super::Answer;
use crate::api::requests::{CheckIn as CheckInBody, CheckInBatch};
use crate::auth::callers::OrganizerAuth;
use crate::extract::body::{Nothing, Write};
use crate::extract::path::PathId;
use crate::problem::{ApiError, FieldError, REPLAYED};
use crate::routes::responses::CommandResult;
use crate::service::Service;
use actix_web::HttpResponse;
use actix_web::web::Data;
use booking_core::{Caller, CheckIn, Command, EventCommand, EventId, Registration, RegistrationId};
use scan::ScanBody;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /events/{id}/check-ins`
pub(super) async fn check_in(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(event_id): PathId<EventId>,
    write: Write<CheckInBody>,
) -> Answer {
    let key = write.key_of(caller)?;
    let CheckInBody { ticket, registration_id } = &write.body;
    let check_in = match (ticket, registration_id) {
        (Some(ticket), _) => {
            let claims = scan::verify_for_event(&service, caller, event_id, ticket).await?;
            CheckIn::new(claims.registration_id.into(), claims.generation, Uuid::now_v7())
        }
        (None, Some(id)) => {
            let registration = named(&service, caller, event_id, *id).await?;
            // If the seat is transferred in this instant, the new holder is not the person at the door.
            CheckIn::new(registration.id, registration.generation, Uuid::now_v7())
        }
        (None, None) => {
            service.reads.check_manages(caller, event_id).await?;
            let detail = "is missing, and so is registration_id".into();
            return Err(ApiError::Validation(vec![FieldError {
                pointer: "/ticket".into(),
                detail,
            }]));
        }
    };
    let command = Command::CheckIn(check_in);
    let item = EventCommand::new(event_id, caller, command).with_key(key);
    let outcome = service.submit(item).await?;
    Ok(CommandResult::registration(outcome)?.made(None))
}

/// A registration of an event that `caller` manages.
async fn named(
    service: &Service,
    caller: Caller,
    event_id: EventId,
    id: RegistrationId,
) -> Result<Registration, ApiError> {
    service.reads.check_manages(caller, event_id).await?;
    let found = service.store.registrations_by_id(event_id, &[id]).await?;
    found.into_iter().flatten().flatten().next().ok_or(ApiError::NotFound)
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
