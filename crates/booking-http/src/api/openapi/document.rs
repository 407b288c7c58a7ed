//! The document: all operations, their shared components, and the limits of this installation.

use crate::api::openapi::messages;
use crate::api::openapi::operation::{MANAGE_TOKEN, ORGANIZER, Operation, Schemas};
use crate::api::openapi::schemas::string;
use crate::api::requests::{CreateEvent, EditEvent};
use booking_core::CapacityMax;
use utoipa::ToSchema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, HeaderBuilder, HttpMethod, InfoBuilder, License, OpenApi,
    OpenApiBuilder, Paths, RefOr, Schema, Server,
};

/// A method of an address, and its operation.
pub(crate) type Route = (HttpMethod, &'static str, Operation);

const DESCRIPTION: &str = "Event registration that never overbooks. JSON in UTF-8; times are instants in UTC \
    (RFC 3339); ids are UUIDs.\n\nA body has each field once, and no other than those that are named; numbers are whole, \
    without a fraction or an exponent. Texts are measured in characters (code points) once the white space around them \
    is dropped, addresses in bytes. A time may have any offset and is kept in UTC to the microsecond, in the years 1 to \
    9999.\n\nHEAD works where GET does, and has no body. A method that an address does not \
    have is 405 `method_not_allowed`, with `Allow`. What goes wrong is `application/problem+json` with a stable \
    `code`, and every server explains its codes at `/problems`. Each answer has an `X-Request-Id`: the request's own, \
    if it sends one of 1 to 128 of `A-Z a-z 0-9 - _ . :`. Clients leave fields that they do not know: there \
    may be more of them later.\n\nWhat this server sends by itself is described, too: to webhooks, under `webhooks`.";

pub(crate) const EVENTS: &str = "Events";
pub(crate) const REGISTRATIONS: &str = "Registrations";
pub(crate) const CHECK_IN: &str = "Check-in";
pub(crate) const WEBHOOKS: &str = "Webhooks";
pub(crate) const OPERATING: &str = "Operating";

/// The tags, in the order in which they are shown.
const TAGS: &[(&str, &str)] = &[
    (EVENTS, "What there are seats of."),
    (REGISTRATIONS, "Seats, holds and places in the queue, from the first request to the ticket."),
    (CHECK_IN, "Letting people in, by their tickets."),
    (WEBHOOKS, "What happens, told to an organizer's own programs."),
    (OPERATING, "What those ask who run a server."),
];

/// Headers of answers.
pub(crate) const HEADERS: &[(&str, &str)] = &[
    (
        "Booking-Missing-Cells",
        "Those parts of the data, by comma, that could not be asked, so that what lies there is missing from the list.",
    ),
    (
        "Booking-Total",
        "How many items the listing has on all its pages, as far as they were counted: `10000+` is more than that many.",
    ),
    (
        "ETag",
        "The state that the answer shows, for `If-None-Match` and, of an event, for `If-Match`.",
    ),
    ("Idempotency-Replayed", "`true` where the same request was answered so before."),
    ("Link", "The next page of a listing, with `rel=\"next\"`, if there is one (RFC 8288)."),
    ("Location", "Where that is which was made."),
    ("RateLimit", "How the client stands with a limit: what is left, and when there is more."),
    ("RateLimit-Policy", "The limits that the request was counted for."),
    ("Retry-After", "After how many seconds it is worth another try."),
    ("WWW-Authenticate", "`Bearer` (RFC 6750)."),
    ("X-Request-Id", "The request's, or one of ours: it leads to the server's log."),
];

/// The whole document. An event may have up to `capacity_max` seats, and the server is at `server`; where no URL is
/// set, it is where the description was read.
pub(crate) fn document(
    routes: impl IntoIterator<Item = Route>,
    capacity_max: CapacityMax,
    server: Option<&str>,
) -> OpenApi {
    let (mut paths, mut schemas) = (Paths::new(), Schemas::new());
    for (method, path, operation) in routes {
        let (operation, named) = operation.describe(&method, path);
        schemas.extend(named);
        paths.add_path_operation(path, vec![method], operation);
    }
    let (messages, named) = messages::described();
    schemas.extend(named);
    let info = InfoBuilder::new()
        .title("Booking")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(License::builder().name("MIT").identifier(Some("MIT")).build()));
    let tags = TAGS.iter().map(|&(name, description)| {
        TagBuilder::new().name(name).description(Some(description)).build()
    });
    let mut components = components(schemas);
    limit_capacity(&mut components, capacity_max);
    OpenApiBuilder::new()
        .info(info)
        .servers(server.map(|server| [Server::new(server)]))
        .paths(paths)
        .webhooks(Some(messages))
        .components(Some(components))
        .tags(Some(tags))
        .build()
}

fn components(schemas: Schemas) -> Components {
    let bearer = |format: &str, description: &str| {
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
        SecurityScheme::Http(http.description(Some(description)).build())
    };
    let organizer = bearer(
        "org_ and 43 characters",
        "An organizer's token. While a server has none it is open: anybody is the organizer.",
    );
    let manage_token = bearer(
        "43 characters",
        "The `manage_token` of a registration, which the answer that made it has in it, once.",
    );
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(ORGANIZER, organizer)
        .security_scheme(MANAGE_TOKEN, manage_token);
    let header = |description: &str| {
        HeaderBuilder::new().schema(Some(string())).description(Some(description)).build()
    };
    HEADERS
        .iter()
        .fold(components, |components, &(name, text)| components.header(name, header(text)))
        .build()
}

/// Limits the capacities in requests to the installation's setting.
fn limit_capacity(components: &mut Components, max: CapacityMax) {
    for name in [CreateEvent::name(), EditEvent::name()] {
        if let Some(RefOr::T(Schema::Object(body))) = components.schemas.get_mut(&*name)
            && let Some(RefOr::T(Schema::Object(capacity))) = body.properties.get_mut("capacity")
        {
            capacity.maximum = Some(max.get().into());
        }
    }
}
