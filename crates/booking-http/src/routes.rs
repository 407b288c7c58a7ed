//! The route table. Handlers are in one file for each kind of resource; each extracts, submits and responds.

mod assets;
mod authorization;
#[cfg(feature = "bench")]
mod bench;
mod check_in;
mod claims;
mod events;
mod find;
mod live;
mod operating;
mod organizer;
mod registrations;
mod responses;
mod tickets;
mod webhooks;

use crate::api::live::{QUERY_BYTES_MAX as WATCHED_QUERY_BYTES_MAX, WatchOne, WatchSeveral};
use crate::api::pagination::Cursor;
use crate::extract::query::{self, QueryBytesMax};
use crate::problem::ApiError;
use crate::routes::authorization::Authorized;
use crate::telemetry::metrics::Route;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use booking_core::{DeliveryCursor, EventCursor, RegistrationCursor};
use std::future::ready;

type Answer = Result<HttpResponse, ApiError>;

const READ: &str = "GET, HEAD";
const READ_OR_POST: &str = "GET, HEAD, POST";
const READ_OR_PATCH: &str = "GET, HEAD, PATCH";
const READ_OR_PATCH_OR_DELETE: &str = "GET, HEAD, PATCH, DELETE";
const POST: &str = "POST";
const DELETE: &str = "DELETE";

/// Every route there is. What is not here is 404; another method is 405. They are tried one after the
/// other, so what is asked for most comes first.
pub(crate) fn configure(app: &mut ServiceConfig) {
    let routes = [
        resource("/events/{id}/register", POST).route(post().to(claims::register)),
        read(resource(events::PATH, READ_OR_POST).app_data(EventCursor::NAMES), events::list)
            .route(post().to(events::create)),
        read(resource("/events/{id}", READ_OR_PATCH), events::show).route(patch().to(events::edit)),
        resource("/events/{id}/holds", POST).route(post().to(claims::hold)),
        resource("/registrations/{id}/confirm", POST).route(post().to(registrations::confirm)),
        resource("/events/{id}/check-ins", POST).route(post().to(check_in::check_in)),
        // Which would be an id that is none.
        resource("/registrations/find", POST).route(post().to(find::find)),
        read(resource("/registrations/{id}", READ_OR_PATCH_OR_DELETE), registrations::show)
            .route(patch().to(registrations::correct))
            .route(delete().to(registrations::cancel)),
        read(
            resource("/events/{id}/registrations", READ).app_data(RegistrationCursor::NAMES),
            registrations::list,
        ),
        read(resource("/registrations/{id}/ticket", READ), tickets::show),
        read(resource("/registrations/{id}/ticket.svg", READ), tickets::draw),
        read(resource("/registrations/{id}/history", READ), registrations::history),
        resource("/registrations/{id}/transfer", POST).route(post().to(registrations::transfer)),
        resource("/registrations/{id}/link", POST).route(post().to(registrations::renew_link)),
        resource("/events/{id}/check-ins/batch", POST).route(post().to(check_in::check_in_batch)),
        resource("/events/{id}/check-ins/{registration_id}", DELETE)
            .route(delete().to(check_in::undo)),
        resource("/events/{id}/cancel", POST).route(post().to(events::cancel)),
        read(resource("/events/{id}/calendar.ics", READ), events::calendar),
        read(resource("/events/{id}/live", READ).app_data(WatchOne::NAMES), live::watch_one),
        read(
            resource("/live", READ)
                .app_data(WatchSeveral::NAMES)
                .app_data(QueryBytesMax(WATCHED_QUERY_BYTES_MAX)),
            live::watch_several,
        ),
        read(resource("/tickets/keys", READ), tickets::keys),
        read(resource(webhooks::PATH, READ_OR_POST), webhooks::list)
            .route(post().to(webhooks::create)),
        read(resource("/webhooks/keys", READ), webhooks::keys),
        read(resource("/webhooks/{id}", READ_OR_PATCH_OR_DELETE), webhooks::show)
            .route(patch().to(webhooks::edit))
            .route(delete().to(webhooks::delete)),
        resource("/webhooks/{id}/test", POST).route(post().to(webhooks::try_out)),
        resource("/webhooks/{id}/secret", POST).route(post().to(webhooks::renew_secret)),
        read(
            resource("/webhooks/{id}/deliveries", READ).app_data(DeliveryCursor::NAMES),
            webhooks::deliveries,
        ),
        resource("/webhooks/{id}/deliveries/{delivery_id}/redeliver", POST)
            .route(post().to(webhooks::redeliver)),
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
        let show = move |request: HttpRequest| {
            // Pages leave what others put into their addresses: a campaign, a messenger.
            let is_short = query::check_length(request.query_string());
            ready(is_short.map(|()| assets::show(&request, *asset)))
        };
        let page = resource(path, READ).route(web::get().to(show));
        app.service(page.route(web::head().to(show)));
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
    let get = ApiRoute(web::get()).to(handler.clone());
    resource.route(get).route(ApiRoute(web::head()).to(handler))
}

fn post() -> ApiRoute {
    ApiRoute(web::post())
}

fn patch() -> ApiRoute {
    ApiRoute(web::patch())
}

fn delete() -> ApiRoute {
    ApiRoute(web::delete())
}

/// A route of the API. Whatever its handler takes, a query that the address does not know is refused.
struct ApiRoute(actix_web::Route);

impl ApiRoute {
    fn to<F, Args>(self, handler: F) -> actix_web::Route
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.0.to(Strict(handler))
    }
}

/// A handler whose query is looked at, too, whatever it extracts by itself; but who may not ask hears of that
/// first.
#[derive(Clone)]
struct Strict<F>(F);

impl<F: Handler<Args>, Args> Handler<Authorized<Args>> for Strict<F> {
    type Output = F::Output;
    type Future = F::Future;

    fn call(&self, Authorized(args): Authorized<Args>) -> Self::Future {
        self.0.call(args)
    }
}
