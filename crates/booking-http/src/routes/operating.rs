//! Operations: probes and metrics.

use super::Answer;
use crate::problem::ApiError;
use crate::service::Service;
use crate::telemetry::readiness::Ready;
use crate::telemetry::{MetricsAt, metrics};
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data};
use serde::Serialize;
use utoipa::ToSchema;

/// That the process is up.
#[derive(Serialize, ToSchema)]
#[schema(as = Live)]
pub(super) struct LiveBody {
    /// `ok`.
    status: &'static str,
}

/// Whether a server is to be sent requests.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(super) struct ReadyBody {
    checks: Ready,
    /// `ready` or `not_ready`.
    status: &'static str,
}

/// `GET /health` and `GET /livez`: the process is up.
pub(super) async fn live() -> web::Json<LiveBody> {
    web::Json(LiveBody { status: "ok" })
}

/// `GET /readyz`: whether this server is to be sent requests, and if not, which check says so.
pub(super) async fn ready(service: Data<Service>) -> HttpResponse {
    let checks = service.ready().await;
    match checks.is_ready() {
        true => HttpResponse::Ok().json(ReadyBody { checks, status: "ready" }),
        false => HttpResponse::ServiceUnavailable().json(ReadyBody { checks, status: "not_ready" }),
    }
}

/// `GET /metrics` where everything else is, unless it is to be elsewhere or nowhere.
pub(super) async fn metrics(service: Data<Service>) -> Answer {
    match service.metrics_at {
        MetricsAt::Here => Ok(metrics_apart(service).await),
        MetricsAt::Apart(_) | MetricsAt::Nowhere => Err(ApiError::NotFound),
    }
}

/// `GET /metrics`
pub(super) async fn metrics_apart(service: Data<Service>) -> HttpResponse {
    let text = service.metrics_text().await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, metrics::CONTENT_TYPE)).body(text)
}
