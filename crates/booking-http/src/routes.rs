//! The route table and its handlers: extract, submit, present.

use crate::assets;
use crate::body::Body;
use crate::caching::{REVALIDATE, has_already};
use crate::page::{PageBody, PageQuery};
use crate::problem::ApiError;
use crate::requests::{CreateEvent, Register};
use crate::service::Service;
use crate::wire::{EventBody, RegistrationBody};
use actix_web::dev::Payload;
use actix_web::http::header::{ContentType, ETag, EntityTag, LOCATION};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use booking_core::{
    Command, EventCommand, EventCursor, EventId, NewEvent, Outcome, RegistrationCursor,
    RegistrationId,
};
use serde_json::json;
use std::future::{Ready, ready};
use uuid::Uuid;

type Answer = Result<HttpResponse, ApiError>;

const EVENTS: &str = "/events";
const READ: &str = "GET, HEAD";
const READ_OR_POST: &str = "GET, HEAD, POST";
const POST: &str = "POST";

/// Every route there is. What is not here is 404; another method is 405.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        read(resource(EVENTS, READ_OR_POST), list_events).route(web::post().to(create_event)),
    )
    .service(read(resource("/events/{id}", READ), show_event))
    .service(resource("/events/{id}/register", POST).route(web::post().to(register)))
    .service(read(resource("/events/{id}/registrations", READ), list_registrations))
    .service(read(resource("/health", READ), health));
    #[cfg(feature = "bench")]
    app.service(resource("/bench/{id}/register", POST).route(web::post().to(register_nothing)));
    for (path, asset) in assets::ROUTES {
        let show = move |request: HttpRequest| ready(assets::show(&request, *asset));
        app.service(read(resource(path, READ), show));
    }
    app.default_service(web::to(async || Answer::Err(ApiError::NotFound)));
}

/// `GET /health`: the process is up.
async fn health() -> impl Responder {
    web::Json(json!({"status": "ok"}))
}

/// `POST /events`
async fn create_event(service: Data<Service>, Body(body): Body<CreateEvent>) -> Answer {
    let CreateEvent { name, description, capacity } = body;
    let new = NewEvent { id: EventId::from(Uuid::now_v7()), name, description, capacity };
    let event = service.store.create_event(new).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/events/{}", event.id)))
        .json(EventBody::from(&event)))
}

/// `GET /events`
async fn list_events(service: Data<Service>, query: PageQuery<EventCursor>) -> Answer {
    Ok(service.reads.events(EVENTS, query.after, query.limit).await?.into_response())
}

/// `GET /events/{id}`
async fn show_event(
    request: HttpRequest,
    service: Data<Service>,
    EventPath(id): EventPath,
) -> Answer {
    let event = service.reads.event(id).await?;
    // The version is raised by every change of the event, so it names what is shown.
    let tag = EntityTag::new_strong(event.version.to_string());
    let etag = ETag(tag.clone());
    Ok(match has_already(&request, &tag) {
        true => HttpResponse::NotModified().insert_header(etag).insert_header(REVALIDATE).finish(),
        false => HttpResponse::Ok()
            .insert_header(etag)
            .insert_header(REVALIDATE)
            .content_type(ContentType::json())
            .body(event.json),
    })
}

/// `POST /events/{id}/register`
async fn register(
    service: Data<Service>,
    EventPath(event_id): EventPath,
    Body(body): Body<Register>,
) -> Answer {
    let command = Command::Register(booking_core::Register {
        registration_id: RegistrationId::from(Uuid::now_v7()),
        user_email: body.user_email,
    });
    match service.submit(EventCommand { event_id, command }).await? {
        Outcome::Confirmed(registration) => {
            Ok(HttpResponse::Created().json(RegistrationBody::from(&registration)))
        }
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

/// The yardstick of the benchmark: HTTP alone. All that [`register`] does, but for queue and store.
#[cfg(feature = "bench")]
async fn register_nothing(EventPath(event_id): EventPath, Body(body): Body<Register>) -> Answer {
    let registration = booking_core::Registration {
        id: RegistrationId::from(Uuid::now_v7()),
        event_id,
        user_email: body.user_email,
        event_version: booking_core::Version::FIRST,
        created_at: chrono::DateTime::UNIX_EPOCH,
    };
    Ok(HttpResponse::Created().json(RegistrationBody::from(&registration)))
}

/// `GET /events/{id}/registrations`
async fn list_registrations(
    request: HttpRequest,
    service: Data<Service>,
    EventPath(id): EventPath,
    query: PageQuery<RegistrationCursor>,
) -> Answer {
    let page = service.store.registrations(id, query.after, query.limit).await?;
    let page = page.ok_or(ApiError::NotFound)?;
    let page = PageBody::of::<_, RegistrationBody<'_>, _>(request.path(), &page, query.limit);
    Ok(page.into_response())
}

/// The `{id}` of an event. What is no id names no event.
struct EventPath(EventId);

impl FromRequest for EventPath {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        ready(id.map(Self).ok_or_else(|| ApiError::NotFound.into()))
    }
}

/// An address, and the methods that it has.
fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path)
        .default_service(web::to(move || ready(Answer::Err(ApiError::MethodNotAllowed { allow }))))
}

/// Serves GET, and HEAD with the same headers.
fn read<F, Args>(resource: Resource, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource.route(web::get().to(handler.clone())).route(web::head().to(handler))
}
