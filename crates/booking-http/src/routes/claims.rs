//! Claiming a seat: register, hold.

use super::Answer;
use crate::api::requests::{Hold, Register};
use crate::auth::callers::OptionalAuth;
use crate::auth::manage_token::Origin;
use crate::extract::body::Write;
use crate::extract::path::EventPath;
use crate::limits::Peer;
use crate::problem::{ApiError, RateLimited};
use crate::routes::responses::CommandResult;
use crate::service::Service;
use crate::service::tickets::Issued;
use actix_web::web::Data;
use booking_core::{Claim, Command, EventCommand, Outcome, RegistrationId};
use uuid::Uuid;

/// `POST /events/{id}/register`
pub(super) async fn register(
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    EventPath(event_id): EventPath,
    Peer(client): Peer,
    write: Write<Register>,
) -> Answer {
    let key = write.key_of(caller)?;
    let Register { person, on_full } = write.body;
    let id = RegistrationId::beside(event_id, Uuid::now_v7());
    let token = service.tickets.issue(Origin::Made(id));
    let claim = Claim { registration_id: id, person, token_hash: Some(token.hash) };
    let command = Command::Register(booking_core::Register { claim, on_full });
    let item = EventCommand::new(event_id, caller, command).with_key(key);
    let outcome = match service.seats.take(client, caller, event_id, id, key.map(|key| key.hash)) {
        Ok(seat) => {
            let outcome = service.submit(item).await;
            service.seats.settle(&seat, &outcome);
            outcome?
        }
        Err(too_many) => replay(&service, item, too_many).await?,
    };
    respond(&service, outcome, &token).await
}

/// `POST /events/{id}/holds`
pub(super) async fn hold(
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    EventPath(event_id): EventPath,
    Peer(client): Peer,
    write: Write<Hold>,
) -> Answer {
    let key = write.key_of(caller)?;
    let Hold { person, ttl } = write.body;
    let id = RegistrationId::beside(event_id, Uuid::now_v7());
    let token = service.tickets.issue(Origin::Made(id));
    let key_hash = key.map(|key| key.hash);
    let places = service.seats.take(client, caller, event_id, id, key_hash).and_then(|seat| {
        let hold = service.holds.take(client, &person.user_email, id, key_hash, ttl);
        hold.inspect_err(|_| service.seats.give_back(&seat)).map(|hold| (seat, hold))
    });
    let claim = Claim { registration_id: id, person, token_hash: Some(token.hash) };
    let command = Command::Hold(booking_core::Hold { claim, ttl });
    let hold = EventCommand::new(event_id, caller, command).with_key(key);
    let outcome = match places {
        Ok((of_seat, of_hold)) => {
            let outcome = service.submit(hold).await;
            service.seats.settle(&of_seat, &outcome);
            service.holds.settle(&of_hold, &outcome);
            outcome?
        }
        Err(too_many) => replay(&service, hold, too_many).await?,
    };
    respond(&service, outcome, &token).await
}

/// What a seat that is one too many was answered when it was not, if it is the same request again.
async fn replay(
    service: &Service,
    item: EventCommand,
    too_many: RateLimited,
) -> Result<Outcome, ApiError> {
    if item.key.is_none() {
        return Err(ApiError::RateLimited(too_many));
    }
    match service.submit(EventCommand { command: Command::Replay, ..item }).await? {
        Outcome::Settled => Err(ApiError::RateLimited(too_many)),
        outcome => Ok(outcome),
    }
}

async fn respond(service: &Service, outcome: Outcome, token: &Issued) -> Answer {
    let made = CommandResult::registration(outcome)?;
    let token = made.token(&service.tickets, token).await;
    Ok(made.made(token.as_ref()))
}
