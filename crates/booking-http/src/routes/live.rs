//! Watching events: their availability, as it changes.

use super::Answer;
use crate::api::live::{EVENT_STREAM, WatchOne, WatchSeveral, Watched};
use crate::auth::callers::{OptionalAuth, StreamAuth};
use crate::auth::token_cache::TokenCache;
use crate::limits::{Peer, REFUSAL_PAUSE};
use crate::net::connections::{GoesOn, hand_over};
use crate::problem::ApiError;
use crate::service::Service;
use crate::service::live::{Place, Watcher};
use actix_web::body::BoxBody;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::rt;
use actix_web::rt::time::sleep;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use booking_core::{Availability, Caller, EventId};
use std::sync::Arc;

/// Proxies must not cache it, nor buffer it, as a coding does.
const UNCACHED: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
/// The header by which nginx and proxies like it stop buffering.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// `GET /events/{id}/live`
pub(super) async fn watch_one(
    request: HttpRequest,
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    peer: Peer,
    auth: StreamAuth,
    WatchOne(watched): WatchOne,
) -> Answer {
    watch(&request, &service, caller, peer, auth, &[watched]).await
}

/// `GET /live`
pub(super) async fn watch_several(
    request: HttpRequest,
    service: Data<Service>,
    OptionalAuth(caller): OptionalAuth,
    peer: Peer,
    auth: StreamAuth,
    WatchSeveral(watched): WatchSeveral,
) -> Answer {
    watch(&request, &service, caller, peer, auth, &watched).await
}

async fn watch(
    request: &HttpRequest,
    service: &Service,
    caller: Caller,
    Peer(client): Peer,
    auth: StreamAuth,
    watched: &[Watched],
) -> Answer {
    let entered = service.live.enter(client);
    if entered.is_err() {
        // For clients that retry at once, as with a full queue.
        sleep(REFUSAL_PAUSE).await;
    }
    let ids: Vec<EventId> = watched.iter().map(|watched| watched.event_id).collect();
    // A caller without access is refused, whether or not too many watch.
    let now = service.reads.availability(caller, &ids).await?;
    let place = entered?;
    if *request.method() != Method::HEAD {
        begin(request, service, auth, place, watched, &now)?;
    }
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, EVENT_STREAM))
        .insert_header(UNCACHED)
        .insert_header(UNBUFFERED)
        .force_close();
    let mut response = response.body(BoxBody::new(GoesOn));
    // It ends with the connection.
    response.head_mut().no_chunking(true);
    Ok(response)
}

/// Starts the watcher of the client, as soon as the head of the response is written.
fn begin(
    request: &HttpRequest,
    service: &Service,
    auth: StreamAuth,
    place: Place,
    watched: &[Watched],
    now: &[Availability],
) -> Result<(), ApiError> {
    let tokens =
        request.app_data::<Data<TokenCache>>().expect("every route has the tokens").clone();
    let metrics = Arc::clone(&service.metrics);
    let watcher = Watcher { watching: place.watch(watched, now), auth, tokens, metrics };
    let has_connection =
        hand_over(request, move |stream| drop(rt::spawn(watcher.write_to(stream))));
    if has_connection { Ok(()) } else { Err(ApiError::Panic) }
}
