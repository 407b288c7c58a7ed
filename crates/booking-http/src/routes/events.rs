//! Events: create, list, show, edit, copy, cancel, and their calendar files.

use super::Answer;
use crate::api::agenda::{AgendaQuery, EventsQuery};
use crate::api::pagination::PageBody;
use crate::api::requests::{CopyEvent, CreateEvent, EditEvent};
use crate::api::responses::EventBody;
use crate::auth::callers::{LimitedTo, OptionalAuth, OrganizerAuth};
use crate::extract::body::{Nothing, Write};
use crate::extract::conditional::{IfMatch, REVALIDATE, etag, etag_of, has_already};
use crate::extract::idempotency_key::part;
use crate::extract::path::PathId;
use crate::problem::{ApiError, FieldError};
use crate::routes::responses::CommandResult;
use crate::service::{Service, agenda};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ContentType, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use booking_core::{
    Agenda, Caller, Command, Edit, Event, EventCommand, EventId, EventStatus, IdempotencyKey,
    NewEventFields, Outcome, PAGE_BYTES_MAX, PageLimit, Refusal, SetQuestions, When,
};
use booking_delivery::calendar;
use uuid::Uuid;

/// Where all events are.
pub(super) const PATH: &str = "/events";

/// `POST /events`
pub(super) async fn create(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    write: Write<CreateEvent>,
) -> Answer {
    let key = write.key_of(caller)?;
    let CreateEvent { mut details, says_retention, capacity, rules } = write.body;
    check_mail(&service, rules.confirms_address)?;
    if !says_retention {
        details.retention = service.retention;
    }
    let organizer_id = match caller {
        Caller::Organizer(id) => Some(id),
        _ => None,
    };
    let fresh = Uuid::now_v7();
    // A repeated request has a fresh id, and the key alone to find this event by.
    let id = key.map_or(fresh.into(), |key| EventId::beside(&key.hash, fresh));
    let new = NewEventFields { id, organizer_id, details, capacity, rules };
    Ok(made(&put_up(&service, new, key).await?))
}

/// Puts an event up.
async fn put_up(
    service: &Service,
    new: NewEventFields,
    key: Option<IdempotencyKey>,
) -> Result<CommandResult<Box<Event>>, ApiError> {
    let id = new.id;
    // The body's parser has reported each pair of times that is out of order.
    let new = new.check().map_err(|_| Refusal::OutOfOrder)?;
    let outcome = match key {
        Some(key) => {
            service.write_limited_of(id, service.store.create_event_once(new, key)).await?
        }
        None => {
            let created = service.write_limited_of(id, service.store.create_event(new)).await?;
            Outcome::EventChanged(Box::new(created))
        }
    };
    let created = CommandResult::event(outcome)?;
    note_rules(service, &created);
    Ok(created)
}

/// The response with a new event.
fn made(created: &CommandResult<Box<Event>>) -> HttpResponse {
    created
        .answer(StatusCode::CREATED)
        .insert_header((LOCATION, format!("{PATH}/{}", created.what.id)))
        .json(EventBody::from(&*created.what))
}

/// `GET /events`
pub(super) async fn list(
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    LimitedTo(some): LimitedTo,
    query: EventsQuery,
) -> Answer {
    let asked = match query {
        EventsQuery::Newest { after, limit } => {
            let page = match some {
                Some(ids) => service.reads.events_among(caller, PATH, &ids, after, limit).await?,
                None => service.reads.events(caller, PATH, after, limit).await?,
            };
            return Ok(page.into_response());
        }
        EventsQuery::ByStart(asked) => asked,
    };
    let page = match some {
        Some(ids) => agenda::list_among(&service.reads, caller, &ids, &asked).await?,
        None => agenda::list(&*service.store, caller, &asked).await?,
    };
    let query_text = asked.to_query();
    let page = PageBody::of::<_, EventBody<'_>, _>(PATH, &page, asked.limit, &query_text);
    Ok(page.into_response())
}

/// `GET /events/{id}`
pub(super) async fn show(
    request: HttpRequest,
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    PathId(id): PathId<EventId>,
) -> Answer {
    let event = service.reads.event(caller, id).await?;
    let mut response = HttpResponse::Ok();
    // A state that time alone has changed has no version yet, and so no tag.
    if let Some(tag) = event.tag.map(etag) {
        if has_already(&request, &tag.0) {
            response.status(StatusCode::NOT_MODIFIED);
            return Ok(response.insert_header(tag).insert_header(REVALIDATE).finish());
        }
        response.insert_header(tag);
    }
    Ok(response.insert_header(REVALIDATE).content_type(ContentType::json()).body(event.json))
}

/// `PATCH /events/{id}`
pub(super) async fn edit(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EventId>,
    IfMatch(if_match): IfMatch,
    write: Write<EditEvent>,
) -> Answer {
    let key = write.key_of(caller)?;
    let edit = Edit { if_match, ..write.body.0 };
    if let Err(error) = check_mail(&service, edit.confirms_address == Some(true)) {
        // Only authorized callers see what is wrong.
        service.reads.check_manages(caller, id).await?;
        return Err(error);
    }
    let item = EventCommand::new(id, caller, Command::Edit(Box::new(edit))).with_key(key);
    let edited = CommandResult::event(service.submit(item).await?)?;
    note_rules(&service, &edited);
    Ok(edited.changed())
}

/// Checks that addresses are to be confirmed only where mail is sent.
fn check_mail(service: &Service, confirms: bool) -> Result<(), ApiError> {
    if service.mail_is_on || !confirms {
        return Ok(());
    }
    let detail = "needs mail, which this server does not send: MAIL_URL is not set".into();
    Err(ApiError::Validation(vec![FieldError { pointer: "/confirm_address".into(), detail }]))
}

/// Learns from an event's rules, as they are by now, what visitors' claims are; a replay does not show that.
fn note_rules(service: &Service, event: &CommandResult<Box<Event>>) {
    if !event.is_replay {
        service.confirming.note(event.what.id, event.what.rules.confirms_address);
    }
}

/// `POST /events/{id}/cancel`
pub(super) async fn cancel(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EventId>,
    write: Write<Nothing>,
) -> Answer {
    let key = write.key_of(caller)?;
    let item = EventCommand::new(id, caller, Command::CancelEvent).with_key(key);
    Ok(CommandResult::event(service.submit(item).await?)?.changed())
}

/// `POST /events/{id}/copy`
pub(super) async fn copy(
    service: Data<Service>,
    OrganizerAuth(caller): OrganizerAuth,
    PathId(id): PathId<EventId>,
    write: Write<CopyEvent>,
) -> Answer {
    let key = write.key_of(caller)?;
    let event = service.store.event(id).await?;
    let event = event.filter(|event| caller.manages(event.organizer_id));
    let event = event.ok_or(ApiError::NotFound)?;
    let questions = service.store.questions(id).await?.ok_or(ApiError::NotFound)?;
    let Event { organizer_id, capacity, .. } = event;
    let (details, rules) = write.body.of(event);
    check_mail(&service, rules.confirms_address)?;
    let fresh = Uuid::now_v7();
    let id = key.map_or(fresh.into(), |key| EventId::beside(&key.hash, fresh));
    let new = NewEventFields { id, organizer_id, details, capacity, rules };
    let mut copy = put_up(&service, new, key).await?;
    if questions.asks() {
        // It is a draft, for which there are no registrations yet; and a repetition under the key finds how far
        // this came.
        let set = SetQuestions { if_match: None, asked: questions.to_ask() };
        let command = Command::SetQuestions(Box::new(set));
        let item = EventCommand::new(copy.what.id, caller, command);
        let outcome = service.submit(item.with_key(key.map(|key| part(key, 0)))).await?;
        copy.what = CommandResult::event(outcome)?.what;
    }
    Ok(made(&copy))
}

/// `GET /events.ics`
pub(super) async fn calendar_of_all(
    request: HttpRequest,
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    LimitedTo(some): LimitedTo,
) -> Answer {
    let asked = AgendaQuery {
        agenda: Agenda { when: Some(When::Upcoming), ..Agenda::default() },
        text: None,
        after: None,
        limit: PageLimit::MAX,
    };
    // Calendar clients send no token: on an open server they get the public view.
    let caller = if caller == Caller::OpenOrganizer { Caller::Anyone } else { caller };
    let page = match some {
        Some(ids) => agenda::list_among(&service.reads, caller, &ids, &asked).await?,
        None => agenda::list(&*service.store, caller, &asked).await?,
    };
    let published = page.items.iter().filter(|event| event.rules.status != EventStatus::Draft);
    let url_of = |id| service.base_url.as_ref().map(|base| base.of_event(id));
    let published = published.map(|event| (event, url_of(event.id)));
    let text = calendar::of_all(published, PAGE_BYTES_MAX);
    Ok(calendar_file(&request, text))
}

/// `GET /events/{id}/calendar.ics`
pub(super) async fn calendar(
    request: HttpRequest,
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    PathId(id): PathId<EventId>,
) -> Answer {
    let event = service.store.event(id).await?;
    let event = event.filter(|event| caller.sees(event.organizer_id, event.rules.status));
    let event = event.ok_or(ApiError::NotFound)?;
    let url = service.base_url.as_ref().map(|base| base.of_event(id));
    let text = calendar::of(&event, url.as_deref(), None).ok_or(ApiError::NotFound)?;
    Ok(calendar_file(&request, text))
}

/// A calendar, with a tag of its text: not the events' own, which every sale changes.
fn calendar_file(request: &HttpRequest, text: String) -> HttpResponse {
    let tag = etag_of(text.as_bytes());
    if has_already(request, &tag.0) {
        let mut response = HttpResponse::NotModified();
        return response.insert_header(tag).insert_header(REVALIDATE).finish();
    }
    HttpResponse::Ok()
        .insert_header(tag)
        .insert_header(REVALIDATE)
        .insert_header((CONTENT_TYPE, calendar::CONTENT_TYPE))
        .body(text)
}
