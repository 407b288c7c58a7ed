//! The outermost middleware: every request and every response passes through it.

use crate::api::base_path::BasePath;
use crate::api::compression::{compress, vary_by};
use crate::auth::token_cache::TokenCache;
use crate::edge::cross_site::CrossSitePolicy;
use crate::edge::host_header;
use crate::edge::slow_clients::BodyReader;
use crate::net::connections::Answering;
use crate::pages::frame::{Pages, Rendered, Viewer};
use crate::problem::{self, ApiError};
use crate::service::Service;
use crate::telemetry::log_format::ACCESS;
use crate::telemetry::metrics::Route;
use crate::telemetry::request_id;
use crate::util::failure_log::SampledLog;
use crate::words::{language_of_page, wanted_language};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CACHE_CONTROL, CONNECTION, HeaderMap, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Uri};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use booking_admission::SubmitError;
use booking_core::{ErrorChain, Refusal, RequestId, StoreError};
use futures_util::FutureExt;
use log::Level;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// The addresses that monitoring asks every second. Their success is not logged.
const PROBES: [&str; 4] = ["/health", "/livez", "/readyz", "/metrics"];

/// The state of the middleware, in one piece, so that each request looks up one thing.
pub(crate) struct EdgeState {
    pub(crate) service: Data<Service>,
    pub(crate) tokens: Data<TokenCache>,
    pub(crate) cross_site: CrossSitePolicy,
    pub(crate) pages: Data<Pages>,
    pub(crate) base_path: BasePath,
}

/// The header that problems vary by: they have a language.
const ACCEPT_LANGUAGE: &str = "Accept-Language";

/// Assigns the request's id, has it answered, turns every error into a problem, completes the headers and writes
/// the log.
pub(crate) async fn edge(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let state = request.app_data::<Data<EdgeState>>().expect("every server has it").clone();
    let service = &state.service;
    let _under_way = service.begin_request();
    let answering = Answering::begin(&request, began);
    let reader = BodyReader::hold(&mut request);
    let request_id = request_id::of(request.headers());
    // The router takes the request, so what is needed if it never comes back is copied.
    let (path, method) = (request.path().to_owned(), request.method().clone());
    let is_ours = enter(&mut request, &state.base_path);
    let language = wanted_language(request.headers());

    let answered = match admit(&request, &answering, &state, is_ours) {
        Ok(()) => {
            let answer = request_id::scope(request_id.clone(), compress(request, next));
            AssertUnwindSafe(answer).catch_unwind().await
        }
        Err(error) => {
            if !is_ours {
                // Outside of the base path there is no API: browsers get a page.
                request.extensions_mut().insert(Rendered::Page);
            }
            let refused = explain(request.error_response(error), &state, &path, &request_id);
            return Ok(complete(refused, &state, &answering, reader, began, &request_id));
        }
    };
    let error = match answered {
        Ok(Ok(response)) => {
            let response = find_moved(response.map_into_boxed_body(), state.service.as_ref()).await;
            let response = explain(response, &state, &path, &request_id);
            return Ok(complete(response, &state, &answering, reader, began, &request_id));
        }
        Ok(Err(error)) => ApiError::Framework { status: error.as_response_error().status_code() },
        Err(_) => ApiError::Panic,
    };
    log::error!("request {request_id}: {error}");
    service.metrics.problem(problem::code(&error));
    let status = error.status_code();
    service.metrics.request(None, &method, status, began.elapsed());
    let base = state.base_path.as_str();
    let mut response = problem::response_below(base, &error, &path, request_id.as_str(), language);
    vary_by(response.headers_mut(), ACCEPT_LANGUAGE);
    complete_headers(response.headers_mut(), &request_id);
    if service.is_stopping() {
        close_after(&mut response);
    }
    Err(InternalError::from_response(error, response).into())
}

/// Strips `base` from the path that routes see. Returns whether the path is below it: any other is another site's,
/// but for those of monitoring, which has no base.
fn enter(request: &mut ServiceRequest, base: &BasePath) -> bool {
    if base.is_root() {
        return true;
    }
    let Some(path) = base.without(request.path()) else { return PROBES.contains(&request.path()) };
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = target.parse().ok();
    // A part of a valid path is one: what was a target before still is.
    let Ok(uri) = Uri::from_parts(parts) else { return false };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
    true
}

/// Refuses requests that must not reach the routes.
fn admit(
    request: &ServiceRequest,
    answering: &Answering,
    state: &EdgeState,
    is_ours: bool,
) -> Result<(), ApiError> {
    if answering.is_over() {
        let detail = "was to be closed after the request before this one";
        return Err(ApiError::InvalidHeader { name: "Connection", detail });
    }
    if request.head().connection_type() == ConnectionType::Close {
        answering.end_connection();
    }
    host_header::check(request.headers())?;
    state.cross_site.check(request.head(), state.tokens.is_open())?;
    if is_ours { Ok(()) } else { Err(ApiError::NotFound) }
}

/// The headers of every response that leaves through the middlewares.
fn complete(
    mut response: ServiceResponse<BoxBody>,
    state: &EdgeState,
    answering: &Answering,
    reader: BodyReader,
    began: Instant,
    request_id: &RequestId,
) -> ServiceResponse<BoxBody> {
    let service = &state.service;
    state.base_path.complete(response.headers_mut());
    complete_headers(response.headers_mut(), request_id);
    count(&response, service, began.elapsed(), request_id);
    let is_last = response.response().head().connection_type() == ConnectionType::Close;
    if is_last || service.is_stopping() {
        answering.end_connection();
    }
    if answering.is_over() {
        close_after(response.response_mut());
    }
    reader.until_sent(response)
}

/// Answers for what is being moved, or was moved to another store, that it is moving and not missing.
async fn find_moved(
    response: ServiceResponse<BoxBody>,
    service: &Service,
) -> ServiceResponse<BoxBody> {
    let error = response.response().error().and_then(|error| error.as_error::<ApiError>());
    let is_not_found = matches!(
        error,
        Some(
            ApiError::NotFound
                | ApiError::Refused {
                    refusal: Refusal::EventNotFound | Refusal::RegistrationNotFound,
                    is_replay: false
                }
        )
    );
    if !is_not_found || !service.has_moved(response.request().path()).await {
        return response;
    }
    response.error_response(ApiError::from(Refusal::EventMoving))
}

/// Writes the body of an error's response, be it ours or the framework's.
fn explain(
    response: ServiceResponse<BoxBody>,
    state: &EdgeState,
    path: &str,
    request_id: &RequestId,
) -> ServiceResponse<BoxBody> {
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
    state.service.metrics.problem(problem::code(error));
    let (request, id) = (response.request(), request_id.as_str());
    let is_open = state.tokens.is_open();
    let viewer = Viewer { language: language_of_page(request), is_open };
    let page = state.pages.problem(error, request, id, viewer);
    let language = wanted_language(request.headers());
    let base = state.base_path.as_str();
    let mut explained =
        page.unwrap_or_else(|| problem::response_below(base, error, path, id, language));
    // The headers that others added on the way, as for CORS, stay.
    for (name, value) in response.headers() {
        if !explained.headers().contains_key(name) {
            explained.headers_mut().append(name.clone(), value.clone());
        }
    }
    vary_by(explained.headers_mut(), ACCEPT_LANGUAGE);
    response.into_response(explained)
}

/// Logs the causes of internal failures, which clients do not see. Shedding load is no failure, and a line for each
/// request that is shed would add to it; nor is there one for each request while the store is away.
fn log_cause(error: &ApiError, request_id: &RequestId) {
    static OUTAGE: SampledLog = SampledLog::new();
    let (ApiError::Submit(SubmitError::Store(source)) | ApiError::Store(source)) = error else {
        return;
    };
    let unlogged = match source {
        StoreError::Unavailable(_) => OUTAGE.sample(tokio::time::Instant::now()),
        // Each of them can be found by its request's id.
        StoreError::CommitUnknown(_) | StoreError::Broken(_) => Some(0),
    };
    let Some(unlogged) = unlogged else { return };
    let others = match unlogged {
        0 => String::new(),
        unlogged => format!("; {unlogged} others failed alike since this was told last"),
    };
    log::warn!("request {request_id}: {error}: {}{others}", ErrorChain(source));
}

/// Announces to the client that this is the last response on its connection, and closes that after it. The
/// framework writes the header that its own mark stands for, and drops every other.
fn close_after<B>(response: &mut HttpResponse<B>) {
    response.head_mut().set_connection_type(ConnectionType::Close);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

fn complete_headers(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(request_id::HEADER, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Counts a request, and writes its line: the route's template and not its path, and nothing that a user typed.
fn count(
    response: &ServiceResponse<BoxBody>,
    service: &Service,
    took: Duration,
    request_id: &RequestId,
) {
    let (request, status) = (response.request(), response.status());
    let route = request.app_data::<Route>();
    service.metrics.request(route, request.method(), status, took);
    let is_dull = status.is_success() && PROBES.contains(&Route::template(route));
    log::log!(
        target: ACCESS,
        if is_dull { Level::Debug } else { Level::Info },
        "method={} route={} status={} micros={} request_id={request_id}",
        request.method(),
        Route::template(route),
        status.as_u16(),
        took.as_micros(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ClientLimits;
    use crate::service::signing_keys::SigningSeeds;
    use crate::service::tickets::Tickets;
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};
    use booking_admission::{Admission, Limits};
    use booking_conformance::MemoryStore;
    use booking_core::SigningSeed;
    use serde_json::Value;
    use std::sync::Arc;

    type Answer = Result<HttpResponse, ApiError>;

    fn secret() -> std::io::Error {
        std::io::Error::other("the password is 1234")
    }

    async fn ask(path: &str) -> (StatusCode, HeaderMap, Value) {
        let store = Arc::new(MemoryStore::default());
        let admission = Admission::start(store.clone(), Limits::default());
        let seeds = SigningSeeds::Fixed(vec![SigningSeed::new([7; 32])]);
        let tickets = Tickets::open(seeds, store.clone()).await.expect("it answers");
        let tokens = TokenCache::read(store.as_ref()).await.expect("it answers");
        let service = Service::new(store, admission, tickets, &ClientLimits::of(&|_| None));
        let state = EdgeState {
            service: Data::new(service),
            tokens: Data::new(tokens),
            cross_site: CrossSitePolicy::default(),
            pages: Data::new(Pages::new(None, BasePath::default(), &[])),
            base_path: BasePath::default(),
        };
        let app = App::new()
            .app_data(Data::new(state))
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
        // An error beyond the last middleware becomes a response in the server itself.
        let response = match test::try_call_service(&app, request).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = actix_web::body::to_bytes(response.into_body()).await.expect("a whole body");
        (status, headers, serde_json::from_slice(&body).expect("JSON"))
    }

    #[actix_web::test]
    async fn internal_errors_are_problems_without_their_cause() {
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
