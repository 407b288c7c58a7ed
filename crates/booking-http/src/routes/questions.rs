//! An event's questions.

use super::Answer;
use crate::api::requests::SetQuestions;
use crate::api::responses::QuestionBody;
use crate::auth::callers::{OptionalAuth, OrganizerAuth};
use crate::extract::body::Write;
use crate::extract::conditional::IfMatch;
use crate::extract::path::PathId;
use crate::problem::ApiError;
use crate::routes::responses::CommandResult;
use crate::service::Service;
use actix_web::HttpResponse;
use actix_web::web::Data;
use booking_core::{Command, EventCommand, EventId};

/// `GET /events/{id}/questions`
pub(super) async fn show(
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    PathId(id): PathId<EventId>,
) -> Answer {
    service.reads.event(caller, id).await?;
    let manages = match service.reads.check_manages(caller, id).await {
        Ok(()) => true,
        Err(ApiError::NotFound) => false,
        Err(error) => return Err(error),
    };
    let questions = service.store.questions(id).await?.ok_or(ApiError::NotFound)?;
    let bodies: Vec<_> = match manages {
        true => questions.all().iter().map(QuestionBody::for_organizer).collect(),
        false => questions.asked().map(QuestionBody::from).collect(),
    };
    Ok(HttpResponse::Ok().json(bodies))
}

/// `POST /events/{id}/questions`
pub(super) async fn set(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EventId>,
    IfMatch(if_match): IfMatch,
    write: Write<SetQuestions>,
) -> Answer {
    let key = write.key_of(caller)?;
    let set = booking_core::SetQuestions { if_match, asked: write.body.0 };
    let item = EventCommand::new(id, caller, Command::SetQuestions(Box::new(set))).with_key(key);
    Ok(CommandResult::event(service.submit(item).await?)?.changed())
}
