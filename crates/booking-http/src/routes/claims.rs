//! Claiming a seat: register, hold.

use super::Answer;
use crate::api::requests::{Hold, Register};
use crate::auth::callers::OptionalAuth;
use crate::auth::manage_token::{ManageToken, Origin};
use crate::extract::body::Write;
use crate::extract::path::PathId;
use crate::limits::{Peer, Permit};
use crate::net::client::Client;
use crate::problem::{ApiError, RateLimited};
use crate::routes::responses::{CommandResult, by_mail, to_confirm};
use crate::service::Service;
use crate::service::tickets::Issued;
use actix_web::HttpResponse;
use actix_web::rt::time::{Instant, sleep_until};
use actix_web::web::Data;
use booking_core::{
    Caller, Claim, Command, EmailAddress, EventCommand, EventId, HoldTtl, IdempotencyKey, KeyHash,
    OnFull, Outcome, Person, Registration, RegistrationId,
};
use std::time::Duration;
use uuid::Uuid;

/// When a claim that a mail decides about is answered, whatever its outcome: the client must not see by the time of
/// the answer whether anything was written.
const BY_MAIL_AFTER: Duration = Duration::from_millis(100);

/// `POST /events/{id}/register`
pub(super) async fn register(
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    PathId(event_id): PathId<EventId>,
    Peer(client): Peer,
    write: Write<Register>,
) -> Answer {
    let key = write.key_of(caller)?;
    let Register { person, on_full, as_organizer } = write.body;
    let context = ClaimContext { client, caller, event_id, key, as_organizer };
    Ok(claim_seat(&service, context, person, on_full).await?.into_response())
}

/// Takes a seat for good, or a place in the queue.
pub(super) async fn claim_seat(
    service: &Service,
    context: ClaimContext,
    person: Person,
    on_full: OnFull,
) -> Result<Claimed, ApiError> {
    let as_organizer = context.as_organizer;
    claim(service, context, person, None, |claim| {
        Command::Register(booking_core::Register { claim, on_full, as_organizer })
    })
    .await
}

/// `POST /events/{id}/holds`
pub(super) async fn hold(
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    PathId(event_id): PathId<EventId>,
    Peer(client): Peer,
    write: Write<Hold>,
) -> Answer {
    let key = write.key_of(caller)?;
    let context = ClaimContext { client, caller, event_id, key, as_organizer: false };
    let Hold { person, ttl } = write.body;
    let claimed = claim(&service, context, person, Some(ttl), |claim| {
        Command::Hold(booking_core::Hold { claim, ttl })
    });
    Ok(claimed.await?.into_response())
}

/// The context of a claim: the caller, and the event.
#[derive(Clone, Copy)]
pub(super) struct ClaimContext {
    pub(super) client: Option<Client>,
    pub(super) caller: Caller,
    pub(super) event_id: EventId,
    pub(super) key: Option<IdempotencyKey>,
    pub(super) as_organizer: bool,
}

/// The result of a claim.
pub(super) enum Claimed {
    /// A mail tells the owner of the address.
    ByMail { is_replay: bool },
    /// The seat is theirs, or they wait; with the token to show, if it is known.
    Made(Box<CommandResult<Registration>>, Option<ManageToken>),
}

impl Claimed {
    fn into_response(self) -> HttpResponse {
        match self {
            Self::ByMail { is_replay } => to_confirm(is_replay),
            Self::Made(made, token) => made.made(token.as_ref()),
        }
    }
}

/// Claims a seat with the command that `command` makes of the claim: a hold, if there is a `ttl`.
async fn claim(
    service: &Service,
    context: ClaimContext,
    person: Person,
    ttl: Option<HoldTtl>,
    command: impl FnOnce(Claim) -> Command,
) -> Result<Claimed, ApiError> {
    let began = Instant::now();
    let ClaimContext { caller, event_id, key, .. } = context;
    let id = RegistrationId::beside(event_id, Uuid::now_v7());
    let token = service.tickets.issue(Origin::Made(id));
    let is_hold = context.is_visitor() && service.confirming.knows(event_id);
    let ttl = if is_hold { Some(HoldTtl::MAX) } else { ttl };
    let email = person.user_email.clone();
    let permits = Permits::take(service, context, &email, id, ttl);
    let claim = Claim { registration_id: id, person, token_hash: Some(token.hash) };
    let item = EventCommand::new(event_id, caller, command(claim)).with_key(key).first();
    let outcome = match permits {
        Ok(permits) => {
            let outcome = service.submit(item).await;
            service.seats.settle(&permits.of_seat, &outcome);
            if let Some(of_hold) = &permits.of_hold {
                service.holds.settle(of_hold, &outcome);
            }
            let outcome = outcome?;
            if context.is_visitor() {
                learn(service, context, &email, id, permits.of_hold.is_some(), &outcome);
            }
            outcome
        }
        Err(too_many) => replay(service, item, too_many).await?,
    };
    answer_claim(service, event_id, outcome, &token, began).await
}

impl ClaimContext {
    /// Whether the caller is a visitor: they have to confirm their address where events require it.
    fn is_visitor(self) -> bool {
        !self.as_organizer && !matches!(self.caller, Caller::Organizer(_))
    }

    fn key_hash(self) -> Option<KeyHash> {
        self.key.map(|key| key.hash)
    }
}

/// The slots that a claim has taken of its client's quotas.
struct Permits {
    of_seat: Permit,
    of_hold: Option<Permit>,
}

impl Permits {
    fn take(
        service: &Service,
        context: ClaimContext,
        email: &EmailAddress,
        id: RegistrationId,
        ttl: Option<HoldTtl>,
    ) -> Result<Self, RateLimited> {
        let ClaimContext { client, caller, event_id, .. } = context;
        let key = context.key_hash();
        let of_seat = service.seats.take(client, caller, event_id, id, key)?;
        let of_hold = ttl.map(|ttl| service.holds.take(client, email, id, key, ttl)).transpose();
        match of_hold {
            Ok(of_hold) => Ok(Self { of_seat, of_hold }),
            Err(too_many) => {
                service.seats.give_back(&of_seat);
                Err(too_many)
            }
        }
    }
}

/// Learns whether the event confirms addresses. A claim that turned out to be a hold counts as one from now on.
fn learn(
    service: &Service,
    context: ClaimContext,
    email: &EmailAddress,
    id: RegistrationId,
    is_counted: bool,
    outcome: &Outcome,
) {
    service.confirming.learn(context.event_id, outcome);
    if is_counted || by_mail(outcome) != Some(false) {
        return;
    }
    let key = context.key_hash();
    if let Ok(of_hold) = service.holds.take(context.client, email, id, key, HoldTtl::MAX) {
        service.holds.settle(&of_hold, &Ok(outcome.clone()));
    }
}

/// The stored answer to a claim beyond the quota, if it is a repeated request.
async fn replay(
    service: &Service,
    item: EventCommand,
    too_many: RateLimited,
) -> Result<Outcome, ApiError> {
    if item.key.is_none() {
        return Err(ApiError::RateLimited(too_many));
    }
    let replay = EventCommand { command: Command::Replay, ..item.sent_again() };
    match service.submit(replay).await? {
        Outcome::Settled => Err(ApiError::RateLimited(too_many)),
        outcome => Ok(outcome),
    }
}

/// The response to the caller.
async fn answer_claim(
    service: &Service,
    event_id: EventId,
    outcome: Outcome,
    token: &Issued,
    began: Instant,
) -> Result<Claimed, ApiError> {
    if let Some(is_replay) = by_mail(&outcome) {
        // For a repeated request the mail was sent then.
        if let Outcome::KnownAddress(registration_id) = outcome {
            service.notify_of_registration(event_id, registration_id);
        }
        sleep_until(began + BY_MAIL_AFTER).await;
        return Ok(Claimed::ByMail { is_replay });
    }
    let made = CommandResult::registration(outcome)?;
    let token = made.token(&service.tickets, token).await;
    Ok(Claimed::Made(Box::new(made), token))
}
