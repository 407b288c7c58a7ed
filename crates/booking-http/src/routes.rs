//! The route table. Handlers are in one file for each kind of resource; each extracts, submits and responds.

mod assets;
mod authorization;
#[cfg(feature = "bench")]
mod bench;
mod check_in;
mod claims;
mod description;
mod events;
mod operating;
mod operations;
mod organizer;
mod registrations;
mod responses;
mod tickets;

pub(crate) use description::Description;

use crate::api::openapi::document::{Route as Described, document};
use crate::api::openapi::operation::Operation;
use crate::api::pagination::Cursor;
use crate::extract::query::{self, QueryNames};
use crate::problem::ApiError;
use crate::routes::authorization::Authorized;
use crate::telemetry::metrics::Route;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use booking_core::{CapacityMax, EventCursor, RegistrationCursor};
use std::future::ready;
use utoipa::openapi::HttpMethod;

type Answer = Result<HttpResponse, ApiError>;

const READ: &str = "GET, HEAD";
const POST: &str = "POST";

/// What `Allow` says of the addresses that there are.
const ALLOW: [&str; 6] =
    [READ, "GET, HEAD, POST", "GET, HEAD, PATCH", "GET, HEAD, PATCH, DELETE", POST, "DELETE"];

/// Every route of the API: its handler, and what it says of itself. The server and the description of the API are
/// both made of this. What is not here is 404; another method is 405. They are tried one after the other, so
/// what is asked for most comes first.
#[rustfmt::skip]
fn table() -> Vec<Endpoint> {
    use operations as on;
    vec![
        at("/events/{id}/register")
            .post(claims::register, on::claims::register),
        at(events::PATH)
            .queries(EventCursor::NAMES)
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
        at("/registrations/{id}")
            .read(registrations::show, on::registrations::show)
            .patch(registrations::correct, on::registrations::correct)
            .delete(registrations::cancel, on::registrations::cancel),
        at("/events/{id}/registrations")
            .queries(RegistrationCursor::NAMES)
            .read(registrations::list, on::registrations::list),
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
        at("/events/{id}/calendar.ics")
            .read(events::calendar, on::events::calendar),
        at("/tickets/keys")
            .read(tickets::keys, on::tickets::keys),
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

/// Every route there is, and the pages.
pub(crate) fn configure(app: &mut ServiceConfig) {
    for endpoint in table() {
        app.service(endpoint.into_resource());
    }
    #[cfg(feature = "bench")]
    app.service(
        resource("/bench/{id}/register", POST).route(api(web::post(), bench::register_nothing)),
    );
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

/// The description of the API (OpenAPI 3.1) in JSON, as a server answers it whose events may have as many seats as
/// `capacity_max` says.
pub fn openapi(capacity_max: CapacityMax) -> String {
    let routes = table().into_iter().flat_map(Endpoint::describe);
    // Texts, numbers and maps by names: JSON holds all of it.
    document(routes, capacity_max).to_json().unwrap_or_default()
}

/// The only route where metrics have an address of their own.
pub(crate) fn configure_metrics(app: &mut ServiceConfig) {
    app.service(read(resource("/metrics", READ), operating::metrics_apart));
    app.default_service(web::to(async || Answer::Err(ApiError::NotFound)));
}

/// An address that is none of the API's, and the methods that it has.
fn resource(path: &'static str, allow: &'static str) -> Resource {
    finish(web::resource(path), path, allow)
}

/// What is counted for an address, and what it answers to other methods.
fn finish(resource: Resource, path: &'static str, allow: &'static str) -> Resource {
    resource
        .app_data(Route::new(path))
        .default_service(web::to(move || ready(Answer::Err(ApiError::MethodNotAllowed { allow }))))
}

/// An address of the API that has no method yet.
fn at(path: &'static str) -> Endpoint {
    let (resource, queries) = (web::resource(path), QueryNames(&[]));
    Endpoint { path, resource, queries, operations: Vec::new() }
}

/// An address of the API, its handlers, and what each of its methods says of itself.
struct Endpoint {
    path: &'static str,
    resource: Resource,
    queries: QueryNames,
    operations: Vec<(HttpMethod, fn() -> Operation)>,
}

impl Endpoint {
    /// What may be in its query when it is read.
    fn queries(self, queries: QueryNames) -> Self {
        Self { queries, ..self }
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
        let resource = self.resource.app_data(self.queries);
        finish(resource, self.path, allow.expect("each list of methods is in the constant"))
    }

    fn describe(self) -> impl Iterator<Item = Described> {
        let path = self.path;
        self.operations.into_iter().map(move |(method, operation)| (method, path, operation()))
    }
}

/// A method as `Allow` has it: HEAD comes with GET.
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

/// A route of the API. Whatever its handler takes, a query that the address does not know is refused.
fn api<F, Args>(route: actix_web::Route, handler: F) -> actix_web::Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    route.to(Strict(handler))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::fields::tests::taken_by;
    use crate::problem::{ApiError, shape};
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet};
    use utoipa::openapi::{RefOr, Schema};

    fn described() -> Value {
        serde_json::from_str(&openapi(CapacityMax::default())).expect("JSON")
    }

    /// Everything that is called so, wherever it stands.
    fn all<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get(name));
                fields.values().for_each(|field| all(field, name, found));
            }
            Value::Array(items) => items.iter().for_each(|item| all(item, name, found)),
            _ => {}
        }
    }

    /// The operations by their methods and paths.
    fn operations(document: &Value) -> BTreeMap<(&str, &str), &Value> {
        let paths = document["paths"].as_object().expect("there are paths");
        let each = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().expect("it has methods").iter();
            methods.map(move |(method, operation)| ((method.as_str(), path.as_str()), operation))
        });
        each.collect()
    }

    #[test]
    fn the_document_is_openapi_3_1_and_leads_nowhere_else() {
        let document = described();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let mut references = Vec::new();
        all(&document, "$ref", &mut references);
        assert!(references.len() > 100);
        for reference in references {
            let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
            let pointer = pointer.expect("it leads into the document");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn every_method_of_every_address_says_what_it_does() {
        let document = described();
        let told = operations(&document);
        let mut served = 0;
        for endpoint in table() {
            assert!(!endpoint.operations.is_empty(), "{} has no method", endpoint.path);
            for (method, _) in &endpoint.operations {
                let method = name(method).split(',').next().expect("there is one").to_lowercase();
                let operation = told.get(&(method.as_str(), endpoint.path));
                let operation = operation.expect("it is in the document");
                for text in ["operationId", "summary"] {
                    assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()));
                }
                served += 1;
            }
        }
        assert_eq!(served, told.len());
        let ids: BTreeSet<_> = told.values().map(|told| told["operationId"].as_str()).collect();
        assert_eq!(ids.len(), told.len(), "two have one name");
    }

    #[test]
    fn no_operation_is_without_a_route() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes/operations");
        let files = std::fs::read_dir(folder).expect("the folder is there");
        let sources = files.map(|file| {
            std::fs::read_to_string(file.expect("it can be read").path()).expect("it is text")
        });
        let written: usize =
            sources.map(|text| text.matches("pub(in crate::routes) fn").count()).sum();
        let served: usize = table().iter().map(|endpoint| endpoint.operations.len()).sum();
        assert_eq!(written, served);
    }

    #[test]
    fn queries_are_described_as_they_are_read() {
        let document = described();
        let told = operations(&document);
        for endpoint in table() {
            let Some(read) = told.get(&("get", endpoint.path)) else {
                assert!(endpoint.queries.0.is_empty(), "{} is never read", endpoint.path);
                continue;
            };
            let parameters = read["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let names: BTreeSet<_> = queries.filter_map(|query| query["name"].as_str()).collect();
            assert_eq!(names, endpoint.queries.0.iter().copied().collect(), "{}", endpoint.path);
        }
    }

    #[test]
    fn every_code_of_a_problem_is_named_by_an_operation() {
        let known: BTreeSet<_> = shape::ALL.iter().map(|shape| shape.code).collect();
        assert_eq!(known.len(), shape::ALL.len());
        // Every text there is a code or a title, and titles begin with a capital.
        let source = include_str!("problem/shape.rs").split('"').skip(1).step_by(2);
        let is_code = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert_eq!(known, source.filter(is_code).collect(), "what there is, and shape::ALL");
        let document = described();
        let mut named = BTreeSet::new();
        for operation in operations(&document).values() {
            let mut codes = Vec::new();
            all(&operation["responses"], "enum", &mut codes);
            let codes = codes.into_iter().filter_map(Value::as_array).flatten();
            named.extend(codes.filter_map(Value::as_str));
        }
        // Nobody has an operation for a method that there is not.
        named.insert("method_not_allowed");
        assert_eq!(named, known);
    }

    #[test]
    fn bodies_are_described_as_they_are_read() {
        let operations = table().into_iter().flat_map(Endpoint::describe);
        let samples: Vec<_> = operations.filter_map(|(_, _, told)| told.sample()).collect();
        assert!(samples.len() >= 8);
        for sample in samples {
            let RefOr::T(Schema::Object(schema)) = &sample.schema else {
                panic!("a body is an object");
            };
            let mut refused = Ok(());
            let taken = taken_by(|| refused = (sample.read)(b"{}"));
            let taken: BTreeSet<_> = taken.iter().map(String::as_str).collect();
            let described: Vec<_> =
                schema.properties.keys().map(|name| format!("/{name}")).collect();
            assert_eq!(taken, described.iter().map(String::as_str).collect());
            let missing = match refused {
                Ok(()) => Vec::new(),
                Err(ApiError::Validation(errors)) => errors,
                Err(other) => panic!("{other}"),
            };
            let missing: BTreeSet<_> = missing.into_iter().map(|error| error.pointer).collect();
            let required = schema.required.iter().map(|name| format!("/{name}"));
            assert_eq!(missing, required.collect());
            let read = (sample.read)(sample.example.to_string().as_bytes());
            assert!(read.is_ok(), "{}: {read:?}", sample.example);
        }
    }

    #[test]
    fn capacities_end_where_the_setting_says() {
        let max = CapacityMax::parse(7_000_000).expect("it is possible");
        let document: Value = serde_json::from_str(&openapi(max)).expect("JSON");
        for body in ["CreateEvent", "EditEvent"] {
            let capacity = &document["components"]["schemas"][body]["properties"]["capacity"];
            assert_eq!(capacity["maximum"], 7_000_000, "{body}");
            assert_eq!(capacity["minimum"], 1, "{body}");
        }
    }
}
