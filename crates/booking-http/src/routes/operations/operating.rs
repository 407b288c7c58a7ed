//! Operating, and the description itself.

use super::{IF_NONE_MATCH, not_modified};
use crate::api::openapi::document::OPERATING;
use crate::api::openapi::operation::{Answer, Auth, Operation};
use crate::routes::operating::{LiveBody, ReadyBody};
use crate::routes::organizer::WhoBody;
use crate::telemetry::metrics;
use actix_web::http::StatusCode;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub(in crate::routes) fn health() -> Operation {
    live("health")
}

pub(in crate::routes) fn livez() -> Operation {
    live("livez")
}

fn live(id: &'static str) -> Operation {
    Operation::new(id, OPERATING, "Whether the process is up").probe().answers(Answer::json::<
        LiveBody,
    >(
        StatusCode::OK,
        "It is",
    ))
}

pub(in crate::routes) fn readyz() -> Operation {
    let not = "It is not to be sent requests; the checks that are not `ok` say why";
    Operation::new("readyz", OPERATING, "Whether this server is to be sent requests")
        .probe()
        .answers(Answer::json::<ReadyBody>(StatusCode::OK, "It is"))
        .answers(Answer::json::<ReadyBody>(StatusCode::SERVICE_UNAVAILABLE, not))
}

pub(in crate::routes) fn metrics() -> Operation {
    Operation::new("metrics", OPERATING, "Metrics for Prometheus")
        .described("Only where they are not at an address of their own, or switched off.")
        .auth(Auth::None)
        .without_store()
        .answers(Answer::text(StatusCode::OK, "All of them", metrics::CONTENT_TYPE))
        .refuses(&[crate::problem::shape::NOT_FOUND])
}

pub(in crate::routes) fn who() -> Operation {
    let who = "Whether anybody is the organizer, else whose token the request shows";
    Operation::new("show_organizer", OPERATING, "Who the organizer is")
        .without_store()
        .answers(Answer::json::<WhoBody>(StatusCode::OK, who))
}

pub(in crate::routes) fn description() -> Operation {
    let document = Answer::json::<Document>(StatusCode::OK, "An OpenAPI document (3.1)");
    Operation::new("describe", OPERATING, "This description")
        .auth(Auth::None)
        .without_store()
        .header(IF_NONE_MATCH.0, IF_NONE_MATCH.1)
        .answers(document.with("ETag"))
        .answers(not_modified())
}

/// The description itself, in a format that others specify.
struct Document;

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        let fields = ["openapi", "info", "paths", "components"];
        fields.into_iter().fold(ObjectBuilder::new(), ObjectBuilder::required).into()
    }
}

impl ToSchema for Document {}
