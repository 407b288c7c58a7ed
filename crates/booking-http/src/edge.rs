//! The edge: what every request and every answer passes through.

use crate::connections::Answering;
use crate::host;
use crate::problem::{self, ApiError};
use crate::service::Service;
use crate::unread::Reader;
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::ConnectionType;
use actix_web::http::header::{
    CACHE_CONTROL, CONNECTION, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use booking_admission::SubmitError;
use futures_util::FutureExt;
use std::error::Error as _;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a caller.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Gives the request an id, has it answered, turns whatever went wrong into a problem, completes the
/// headers and writes the log.
pub(crate) async fn edge(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let service = request.app_data::<Data<Service>>().expect("every route has the service").clone();
    let _under_way = service.begin_request();
    let answering = Answering::begin(&request);
    let reader = Reader::keep(&mut request);
    let request_id = request_id(request.headers());
    // The router wants the request for itself, so what is needed if it never comes back is kept.
    let path = request.path().to_owned();

    let answered = match admit(&request, &answering) {
        Ok(()) => AssertUnwindSafe(next.call(request)).catch_unwind().await,
        Err(error) => {
            let refused = explain(request.error_response(error), &request_id);
            return Ok(complete(refused, &service, &answering, reader, began, &request_id));
        }
    };
    let error = match answered {
        Ok(Ok(response)) => {
            let response = explain(response.map_into_boxed_body(), &request_id);
            return Ok(complete(response, &service, &answering, reader, began, &request_id));
        }
        Ok(Err(error)) => ApiError::Framework { status: error.as_response_error().status_code() },
        Err(_) => ApiError::Panic,
    };
    log::error!("request {request_id}: {error}");
    let mut response = problem::response(&error, &path, &request_id);
    complete_headers(response.headers_mut(), &request_id, service.is_stopping());
    Err(InternalError::from_response(error, response).into())
}

/// Refuses what may not go on to the routes.
fn admit(request: &ServiceRequest, answering: &Answering) -> Result<(), ApiError> {
    if answering.is_over() {
        let detail = "was to be closed after the request before this one";
        return Err(ApiError::InvalidHeader { name: "Connection", detail });
    }
    if request.head().connection_type() == ConnectionType::Close {
        answering.end_connection();
    }
    host::check(request.headers())
}

/// What every answer gets that leaves through the middlewares.
fn complete(
    mut response: ServiceResponse<BoxBody>,
    service: &Service,
    answering: &Answering,
    reader: Reader,
    began: Instant,
    request_id: &str,
) -> ServiceResponse<BoxBody> {
    complete_headers(response.headers_mut(), request_id, service.is_stopping());
    log_access(&response, began, request_id);
    if response.response().head().connection_type() == ConnectionType::Close {
        answering.end_connection();
    }
    if answering.is_over() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reader.until_sent(response)
}

/// The caller's id if it is sane, else one of ours.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    let is_sane = |id: &&str| {
        !id.is_empty()
            && id.len() <= REQUEST_ID_BYTES_MAX
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    match headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(is_sane) {
        Some(id) => id.to_owned(),
        None => Uuid::now_v7().to_string(),
    }
}

/// Writes the body of an answer that an error made, whoever made that.
fn explain(response: ServiceResponse<BoxBody>, request_id: &str) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let framework;
    let error = match error.as_error::<ApiError>() {
        Some(error) => error,
        None => {
            framework = ApiError::Framework { status: response.status() };
            &framework
        }
    };
    log_cause(error, request_id);
    let path = response.request().path();
    let mut explained = problem::response(error, path, request_id);
    // What others added on the way, as for CORS, stays.
    for (name, value) in response.headers() {
        if !explained.headers().contains_key(name) {
            explained.headers_mut().append(name.clone(), value.clone());
        }
    }
    response.into_response(explained)
}

/// The causes of our own failures, which no client is told. Shedding load is no failure, and a line for
/// each that is shed would add to it.
fn log_cause(error: &ApiError, request_id: &str) {
    let (ApiError::Submit(SubmitError::Store(source)) | ApiError::Store(source)) = error else {
        return;
    };
    let mut chain = source.to_string();
    let mut next = source.source();
    while let Some(cause) = next {
        chain = format!("{chain}: {cause}");
        next = cause.source();
    }
    log::warn!("request {request_id}: {error}: {chain}");
}

fn complete_headers(headers: &mut HeaderMap, request_id: &str, is_stopping: bool) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if is_stopping {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// One line a request: the route's template and not its path, and nothing that anybody typed.
fn log_access(response: &ServiceResponse<BoxBody>, began: Instant, request_id: &str) {
    let request = response.request();
    log::info!(
        target: "access",
        "method={} route={} status={} micros={} request_id={request_id}",
        request.method(),
        request.match_pattern().as_deref().unwrap_or("-"),
        response.status().as_u16(),
        began.elapsed().as_micros(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::seeds::Seeds;
    use crate::tickets::Tickets;
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};
    use booking_admission::{Admission, Limits};
    use booking_conformance::MemoryStore;
    use booking_core::{CapacityMax, SigningSeed, StoreError};
    use serde_json::Value;
    use std::sync::Arc;
    use std::time::Duration;

    type Answer = Result<HttpResponse, ApiError>;

    fn secret() -> std::io::Error {
        std::io::Error::other("the password is 1234")
    }

    async fn ask(path: &str) -> (StatusCode, HeaderMap, Value) {
        let store = Arc::new(MemoryStore::default());
        let admission = Admission::start(store.clone(), Limits::default());
        let tickets = Tickets::open(Seeds::Fixed(vec![SigningSeed::new([7; 32])])).await;
        let tickets = tickets.expect("nobody is asked");
        let (capacity_max, within) = (CapacityMax::default(), Duration::from_secs(1));
        let limits = Config::read(&|_| None).expect("the defaults are valid").client_limits;
        let service = Service::new(store, admission, tickets, capacity_max, within, &limits);
        let app = App::new()
            .app_data(Data::new(service))
            .route("/panic", web::get().to(async || -> Answer { panic!("on purpose") }))
            .route(
                "/unknown",
                web::get().to(async || {
                    let error = StoreError::commit_unknown(secret());
                    Answer::Err(SubmitError::Store(error).into())
                }),
            )
            .route(
                "/broken",
                web::get().to(async || Answer::Err(StoreError::broken(secret()).into())),
            )
            .wrap(from_fn(edge));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get().uri(path).to_request();
        // What fails beyond the last middleware becomes an answer in the server itself.
        let response = match test::try_call_service(&app, request).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = actix_web::body::to_bytes(response.into_body()).await.expect("a whole body");
        (status, headers, serde_json::from_slice(&body).expect("JSON"))
    }

    #[actix_web::test]
    async fn our_failures_are_problems_that_tell_no_cause() {
        for (path, status, code) in [
            ("/panic", 500, "internal"),
            ("/broken", 500, "internal"),
            ("/unknown", 504, "outcome_unknown"),
        ] {
            let (got, headers, problem) = ask(path).await;
            assert_eq!((got.as_u16(), &problem["code"]), (status, &Value::from(code)), "{path}");
            assert_eq!(problem["instance"], path);
            let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
            assert_eq!(problem["request_id"].as_str(), id);
            assert!(
                !problem.to_string().contains("1234") && !problem.to_string().contains("purpose")
            );
        }
    }
}
