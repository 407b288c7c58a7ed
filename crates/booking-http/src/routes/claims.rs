//! Coming to an event: register, hold.

use super::Answer;
use crate::body::Write;
use crate::path::EventPath;
use crate::present::Decided;
use crate::requests::{Hold, Register};
use crate::service::Service;
use crate::tickets::Issued;
use crate::tokens::Origin;
use actix_web::web::Data;
use booking_core::{Caller, Command, EventCommand, RegistrationId};
use uuid::Uuid;

/// `POST /events/{id}/register`
pub(super) async fn register(
    service: Data<Service>,
    EventPath(event_id): EventPath,
    write: Write<Register>,
) -> Answer {
    let key = write.key_of(Caller::Organizer);
    let Register { who, on_full } = write.body;
    let id = RegistrationId::from(Uuid::now_v7());
    let token = service.tickets.issue(Origin::Made(id));
    let claim = who.claim(id, token.hash);
    let command = Command::Register(booking_core::Register { claim, on_full });
    submit(&service, EventCommand::new(event_id, command).with_key(key), &token).await
}

/// `POST /events/{id}/holds`
pub(super) async fn hold(
    service: Data<Service>,
    EventPath(event_id): EventPath,
    write: Write<Hold>,
) -> Answer {
    let key = write.key_of(Caller::Organizer);
    let Hold { who, ttl } = write.body;
    let id = RegistrationId::from(Uuid::now_v7());
    let token = service.tickets.issue(Origin::Made(id));
    let command = Command::Hold(booking_core::Hold { claim: who.claim(id, token.hash), ttl });
    submit(&service, EventCommand::new(event_id, command).with_key(key), &token).await
}

async fn submit(service: &Service, claim: EventCommand, token: &Issued) -> Answer {
    let made = Decided::registration(service.submit(claim).await?)?;
    let token = service.tickets.token_of(&made.what, token).await;
    Ok(made.made(token.as_ref()))
}
