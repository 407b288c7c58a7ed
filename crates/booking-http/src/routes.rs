//! The route table. The handlers are in one file for each kind of thing: extract, submit, present.

#[cfg(feature = "bench")]
mod bench;
mod claims;
mod door;
mod events;
mod operating;
mod organizer;
mod registrations;
mod tickets;

use crate::assets;
use crate::metrics::Route;
use crate::problem::ApiError;
use actix_web::web::{self, ServiceConfig, delete, patch, post};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use std::future::ready;

type Answer = Result<HttpResponse, ApiError>;

const READ: &str = "GET, HEAD";
const READ_OR_POST: &str = "GET, HEAD, POST";
const READ_OR_PATCH: &str = "GET, HEAD, PATCH";
const READ_PATCH_OR_DELETE: &str = "GET, HEAD, PATCH, DELETE";
const POST: &str = "POST";
const DELETE: &str = "DELETE";

/// Every route there is. What is not here is 404; another method is 405. They are tried one after the
/// other, so what is asked for most comes first.
pub(crate) fn configure(app: &mut ServiceConfig) {
    let routes = [
        read(resource(events::PATH, READ_OR_POST), events::list).route(post().to(events::create)),
        read(resource("/events/{id}", READ_OR_PATCH), events::show).route(patch().to(events::edit)),
        resource("/events/{id}/register", POST).route(post().to(claims::register)),
        resource("/events/{id}/holds", POST).route(post().to(claims::hold)),
        resource("/registrations/{id}/confirm", POST).route(post().to(registrations::confirm)),
        resource("/events/{id}/check-ins", POST).route(post().to(door::check_in)),
        read(resource("/registrations/{id}", READ_PATCH_OR_DELETE), registrations::show)
            .route(patch().to(registrations::correct))
            .route(delete().to(registrations::cancel)),
        read(resource("/events/{id}/registrations", READ), registrations::list),
        read(resource("/registrations/{id}/ticket", READ), tickets::show),
        read(resource("/registrations/{id}/ticket.svg", READ), tickets::draw),
        read(resource("/registrations/{id}/history", READ), registrations::history),
        resource("/registrations/{id}/transfer", POST).route(post().to(registrations::transfer)),
        resource("/registrations/{id}/link", POST).route(post().to(registrations::renew_link)),
        resource("/events/{id}/check-ins/batch", POST).route(post().to(door::check_in_batch)),
        resource("/events/{id}/check-ins/{registration_id}", DELETE).route(delete().to(door::undo)),
        resource("/events/{id}/cancel", POST).route(post().to(events::cancel)),
        read(resource("/events/{id}/calendar.ics", READ), events::calendar),
        read(resource("/tickets/keys", READ), tickets::keys),
        read(resource("/organizer", READ), organizer::show),
        read(resource("/health", READ), operating::live),
        read(resource("/livez", READ), operating::live),
        read(resource("/readyz", READ), operating::ready),
        read(resource("/metrics", READ), operating::metrics),
    ];
    for route in routes {
        app.service(route);
    }
    #[cfg(feature = "bench")]
    app.service(resource("/bench/{id}/register", POST).route(post().to(bench::register_nothing)));
    for (path, asset) in assets::ROUTES {
        let show = move |request: HttpRequest| ready(assets::show(&request, *asset));
        app.service(read(resource(path, READ), show));
    }
    app.default_service(web::to(async || Answer::Err(ApiError::NotFound)));
}

/// The only route where metrics have an address of their own.
pub(crate) fn configure_metrics(app: &mut ServiceConfig) {
    app.service(read(resource("/metrics", READ), operating::metrics_apart));
    app.default_service(web::to(async || Answer::Err(ApiError::NotFound)));
}

/// An address, and the methods that it has.
fn resource(path: &'static str, allow: &'static str) -> Resource {
    web::resource(path)
        .app_data(Route::new(path))
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
