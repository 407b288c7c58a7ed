//! The route table. Handlers are in one file for each kind of resource; each extracts, submits and responds.

mod assets;
mod authorization;
#[cfg(feature = "bench")]
mod bench;
mod check_in;
mod claims;
mod description;
mod events;
mod find;
mod live;
mod operating;
mod operations;
mod organizer;
mod pages;
mod people;
mod questions;
mod registrations;
mod responses;
#[cfg(test)]
mod tests;
mod tickets;
mod webhooks;

pub(crate) use description::Description;

use crate::api::agenda::EventsQuery;
use crate::api::live::{QUERY_BYTES_MAX as WATCHED_QUERY_BYTES_MAX, WatchOne, WatchSeveral};
use crate::api::openapi::document::{Route as Described, document};
use crate::api::openapi::operation::Operation;
use crate::api::pagination::Cursor;
use crate::api::people::{Export, Import};
use crate::extract::query::{self, QueryBytesMax, QueryNames, WriteQueryNames};
use crate::pages::bundles;
use crate::pages::frame::Rendered;
use crate::problem::ApiError;
use crate::routes::authorization::{Authorized, Roles};
use crate::telemetry::metrics::Route;
use actix_web::http::header::LOCATION;
use actix_web::web::{self, ServiceConfig};
use actix_web::{
    FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Resource, Responder,
};
use booking_core::{CapacityMax, DeliveryCursor, RegistrationCursor, Role};
use std::collections::BTreeSet;
use std::future::ready;
use std::sync::LazyLock;
use utoipa::openapi::HttpMethod;

type Answer = Result<HttpResponse, ApiError>;

const READ: &str = "GET, HEAD";
const POST: &str = "POST";

/// The values of `Allow`, by the methods of an address.
const ALLOW: [&str; 6] =
    [READ, "GET, HEAD, POST", "GET, HEAD, PATCH", "GET, HEAD, PATCH, DELETE", POST, "DELETE"];

/// Every route of the API: its handler, and its description. The server and the OpenAPI document are both made of
/// this. An address that is not here is 404; another method is 405. They are tried one after the other, so the
/// busiest come first.
#[rustfmt::skip]
fn table() -> Vec<Endpoint> {
    use operations as on;
    vec![
        at("/events/{id}/register")
            .post(claims::register, on::claims::register),
        at(events::PATH)
            .queries(EventsQuery::NAMES)
            .read(events::list, on::events::list)
            .post(events::create, on::events::create),
        at("/events/{id}")
            .read(events::show, on::events::show)
            .patch(events::edit, on::events::edit),
        at("/events/{id}/holds")
            .post(claims::hold, on::claims::hold),
        at("/registrations/{id}/confirm")
            .post(registrations::confirm, on::registrations::confirm),
        at("/events/{id}/check-ins")
            .post(check_in::check_in, on::check_in::check_in),
        // Which would be an id that is none.
        at("/registrations/find")
            .post(find::find, on::find::find),
        at("/registrations/{id}")
            .read(registrations::show, on::registrations::show)
            .patch(registrations::correct, on::registrations::correct)
            .delete(registrations::cancel, on::registrations::cancel),
        at("/events/{id}/registrations")
            .queries(RegistrationCursor::NAMES)
            .read(registrations::list, on::registrations::list),
        at("/events/{id}/registrations.csv")
            .queries(Export::NAMES)
            .read(people::export, on::people::export),
        at("/events/{id}/registrations/import")
            .write_queries(Import::NAMES)
            .post(people::import, on::people::import),
        at("/events/{id}/counts")
            .read(registrations::counts, on::registrations::counts),
        at("/registrations/{id}/ticket")
            .read(tickets::show, on::tickets::show),
        at("/registrations/{id}/ticket.svg")
            .read(tickets::draw, on::tickets::draw),
        at("/registrations/{id}/history")
            .read(registrations::history, on::registrations::history),
        at("/registrations/{id}/transfer")
            .post(registrations::transfer, on::registrations::transfer),
        at("/registrations/{id}/link")
            .post(registrations::renew_link, on::registrations::renew_link),
        at("/events/{id}/check-ins/batch")
            .post(check_in::check_in_batch, on::check_in::check_in_batch),
        at("/events/{id}/check-ins/{registration_id}")
            .delete(check_in::undo, on::check_in::undo),
        at("/events/{id}/cancel")
            .post(events::cancel, on::events::cancel),
        at("/events/{id}/copy")
            .post(events::copy, on::events::copy),
        at("/events.ics")
            .read(events::calendar_of_all, on::events::calendar_of_all),
        at("/events/{id}/calendar.ics")
            .read(events::calendar, on::events::calendar),
        at("/events/{id}/questions")
            .read(questions::show, on::questions::show)
            .post(questions::set, on::questions::set),
        at("/events/{id}/live")
            .queries(WatchOne::NAMES)
            .read(live::watch_one, on::live::watch_one),
        at("/live")
            .queries(WatchSeveral::NAMES)
            .query_bytes_max(WATCHED_QUERY_BYTES_MAX)
            .read(live::watch_several, on::live::watch_several),
        at("/tickets/keys")
            .read(tickets::keys, on::tickets::keys),
        at(webhooks::PATH)
            .read(webhooks::list, on::webhooks::list)
            .post(webhooks::create, on::webhooks::create),
        at("/webhooks/keys")
            .read(webhooks::keys, on::webhooks::keys),
        at("/webhooks/{id}")
            .read(webhooks::show, on::webhooks::show)
            .patch(webhooks::edit, on::webhooks::edit)
            .delete(webhooks::delete, on::webhooks::delete),
        at("/webhooks/{id}/test")
            .post(webhooks::try_out, on::webhooks::try_out),
        at("/webhooks/{id}/secret")
            .post(webhooks::renew_secret, on::webhooks::renew_secret),
        at("/webhooks/{id}/deliveries")
            .queries(DeliveryCursor::NAMES)
            .read(webhooks::deliveries, on::webhooks::deliveries),
        at("/webhooks/{id}/deliveries/{delivery_id}/redeliver")
            .post(webhooks::redeliver, on::webhooks::redeliver),
        at("/organizer")
            .read(organizer::show, on::operating::who),
        at("/health")
            .read(operating::live, on::operating::health),
        at("/livez")
            .read(operating::live, on::operating::livez),
        at("/readyz")
            .read(operating::ready, on::operating::readyz),
        at("/metrics")
            .read(operating::metrics, on::operating::metrics),
        at("/openapi.json")
            .read(description::show, on::operating::description),
    ]
}

/// All routes of the API, and the pages.
pub(crate) fn configure(app: &mut ServiceConfig) {
    for endpoint in table() {
        app.service(endpoint.into_resource());
    }
    #[cfg(feature = "bench")]
    app.service(
        resource("/bench/{id}/register", POST).route(api(web::post(), bench::register_nothing)),
    );
    for path in pages::SHELLS {
        app.service(
            page(path).route(web::get().to(pages::shell)).route(web::head().to(pages::shell)),
        );
    }
    for path in ["/", "/templates/index.html"] {
        app.service(
            page(path).route(web::get().to(pages::list)).route(web::head().to(pages::list)),
        );
    }
    let roles = Roles(vec![(READ, Some(Role::Reader)), (POST, Some(Role::Manager))]);
    let event = resource(pages::EVENT, "GET, HEAD, POST").app_data(Rendered::Event).app_data(roles);
    let event = event.route(web::get().to(pages::event)).route(web::head().to(pages::event));
    app.service(event.route(web::post().to(pages::register)));
    for bundle in bundles::ALL {
        let show = move || ready(assets::show_bundle(bundle));
        let file = resource(bundle.path, READ).route(web::get().to(show));
        app.service(file.route(web::head().to(show)));
    }
    for (path, asset) in assets::ROUTES {
        let show = move |request: HttpRequest| {
            // Pages ignore parameters that others add to their addresses: a campaign, a messenger.
            let is_short = query::check_length(request.query_string());
            ready(is_short.map(|()| assets::show(&request, *asset)))
        };
        let file = page(path).route(web::get().to(show));
        app.service(file.route(web::head().to(show)));
    }
    app.default_service(web::to(nowhere));
}

/// An unknown address. The address of a page with a slash at its end leads to the page. Otherwise a browser gets a page
/// that says so, and below the API's paths every client gets a problem document.
async fn nowhere(request: HttpRequest) -> Answer {
    if let Some(page) = pages::without_slash(&request) {
        let location = (LOCATION, page);
        return Ok(HttpResponse::PermanentRedirect().insert_header(location).finish());
    }
    if !is_of_api(request.path()) {
        request.extensions_mut().insert(Rendered::Page);
    }
    Err(ApiError::NotFound)
}

/// Whether a path begins like one of the API's.
fn is_of_api(path: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<&str>> =
        LazyLock::new(|| table().iter().map(|endpoint| first_part(endpoint.path)).collect());
    NAMES.contains(first_part(path))
}

/// The part of a path between its first slash and the second.
fn first_part(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// The description of the API (OpenAPI 3.1) in JSON, as it is served where events may have up to `capacity_max`
/// seats.
pub fn openapi(capacity_max: CapacityMax) -> String {
    openapi_at(capacity_max, None)
}

/// The same for a server at `server`, a URL or a path.
fn openapi_at(capacity_max: CapacityMax, server: Option<&str>) -> String {
    let routes = table().into_iter().flat_map(Endpoint::describe);
    // Texts, numbers and maps by names are always valid JSON.
    document(routes, capacity_max, server).to_json().unwrap_or_default()
}

/// The only route where metrics have an address of their own.
pub(crate) fn configure_metrics(app: &mut ServiceConfig) {
    app.service(read(resource("/metrics", READ), operating::metrics_apart));
    app.default_service(web::to(async || Answer::Err(ApiError::NotFound)));
}

/// An address outside of the API, and its methods.
fn resource(path: &'static str, allow: &'static str) -> Resource {
    finish(web::resource(path), path, allow)
}

/// A read-only page, or an asset.
fn page(path: &'static str) -> Resource {
    resource(path, READ).app_data(Rendered::Page)
}

/// Adds the metrics of an address, and its answer to other methods.
fn finish(resource: Resource, path: &'static str, allow: &'static str) -> Resource {
    resource
        .app_data(Route::new(path))
        .default_service(web::to(move || ready(Answer::Err(ApiError::MethodNotAllowed { allow }))))
}

/// An address of the API without methods yet.
fn at(path: &'static str) -> Endpoint {
    let (resource, queries) = (web::resource(path), QueryNames(&[]));
    Endpoint { path, resource, queries, operations: Vec::new() }
}

/// An address of the API, its handlers, and the operation of each of its methods.
struct Endpoint {
    path: &'static str,
    resource: Resource,
    queries: QueryNames,
    operations: Vec<(HttpMethod, fn() -> Operation)>,
}

impl Endpoint {
    /// The parameters of its query when it is read.
    fn queries(self, queries: QueryNames) -> Self {
        Self { queries, ..self }
    }

    /// The parameters of its query when it is written to.
    fn write_queries(self, queries: QueryNames) -> Self {
        let resource = self.resource.app_data(WriteQueryNames(queries));
        Self { resource, ..self }
    }

    /// The longest query, where it is longer than elsewhere.
    fn query_bytes_max(self, max: usize) -> Self {
        let resource = self.resource.app_data(QueryBytesMax(max));
        Self { resource, ..self }
    }

    /// GET, and HEAD with the same headers.
    fn read<F, Args>(self, handler: F, operation: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let resource = read(self.resource, handler);
        Self { resource, ..self }.with(HttpMethod::Get, operation)
    }

    fn post<F, Args>(self, handler: F, operation: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let resource = self.resource.route(api(web::post(), handler));
        Self { resource, ..self }.with(HttpMethod::Post, operation)
    }

    fn patch<F, Args>(self, handler: F, operation: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let resource = self.resource.route(api(web::patch(), handler));
        Self { resource, ..self }.with(HttpMethod::Patch, operation)
    }

    fn delete<F, Args>(self, handler: F, operation: fn() -> Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let resource = self.resource.route(api(web::delete(), handler));
        Self { resource, ..self }.with(HttpMethod::Delete, operation)
    }

    fn with(mut self, method: HttpMethod, operation: fn() -> Operation) -> Self {
        self.operations.push((method, operation));
        self
    }

    fn into_resource(self) -> Resource {
        let methods: Vec<&str> = self.operations.iter().map(|(method, _)| name(method)).collect();
        let methods = methods.join(", ");
        let allow = ALLOW.into_iter().find(|allow| *allow == methods);
        let role = |(method, operation): &(HttpMethod, fn() -> Operation)| {
            (name(method), operation().role(method))
        };
        let roles = Roles(self.operations.iter().map(role).collect());
        let resource = self.resource.app_data(self.queries).app_data(roles);
        finish(resource, self.path, allow.expect("each list of methods is in the constant"))
    }

    fn describe(self) -> impl Iterator<Item = Described> {
        let path = self.path;
        self.operations.into_iter().map(move |(method, operation)| (method, path, operation()))
    }
}

/// A method in `Allow`: HEAD comes with GET.
fn name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => READ,
        HttpMethod::Post => POST,
        HttpMethod::Patch => "PATCH",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Put | HttpMethod::Options | HttpMethod::Head | HttpMethod::Trace => {
            unreachable!("no endpoint has it")
        }
    }
}

/// Serves GET, and HEAD with the same headers.
fn read<F, Args>(resource: Resource, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let get = api(web::get(), handler.clone());
    resource.route(get).route(api(web::head(), handler))
}

/// A route of the API. Whether or not its handler reads the query, unknown parameters are refused.
fn api<F, Args>(route: actix_web::Route, handler: F) -> actix_web::Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    route.to(Strict(handler))
}

/// A handler whose query is checked, too, whatever it extracts itself; but a caller without access is refused
/// before that.
#[derive(Clone)]
struct Strict<F>(F);

impl<F: Handler<Args>, Args> Handler<Authorized<Args>> for Strict<F> {
    type Output = F::Output;
    type Future = F::Future;

    fn call(&self, Authorized(args): Authorized<Args>) -> Self::Future {
        self.0.call(args)
    }
}
