//! The body of a write, read strictly and once, and its idempotency key.

use crate::extract::fields::Fields;
use crate::extract::idempotency_key::{KeyHeader, RequestKey};
use crate::net::connections;
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use booking_core::{Caller, CapacityMax, IdempotencyKey};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The longest body, in bytes, of a type without longer fields.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1_024;

/// How many bodies that are longer than that are in memory at once, each with the values parsed from it. Others
/// wait for their turn, for no longer than a body may take to arrive.
const LARGE_BODIES_MAX: usize = 64;

/// The limits of bodies, and of how many large ones there may be at once: one for the whole process.
pub(crate) struct BodyLimits {
    /// The longest time for a body to arrive.
    within: Duration,
    capacity_max: CapacityMax,
    large: Arc<Semaphore>,
}

impl BodyLimits {
    pub(crate) fn new(within: Duration, capacity_max: CapacityMax) -> Self {
        Self { within, capacity_max, large: Arc::new(Semaphore::new(LARGE_BODIES_MAX)) }
    }

    async fn place(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.large).acquire_owned().await.expect("it is never closed")
    }
}

/// A request that writes.
pub(crate) struct Write<T> {
    /// Its body, as a value of the domain.
    pub(crate) body: T,
    /// The key and the fingerprint of the request, if it has a key.
    key: Option<RequestKey>,
    /// Held until the request is answered, if the body was large.
    _place: Option<OwnedSemaphorePermit>,
}

impl<T> Write<T> {
    /// The request's key, as `caller`'s own.
    ///
    /// # Errors
    /// [`ApiError::InvalidHeader`] for one that is too short for `caller`.
    pub(crate) fn key_of(&self, caller: Caller) -> Result<Option<IdempotencyKey>, ApiError> {
        self.key.as_ref().map(|key| key.of(caller)).transpose()
    }
}

/// A type that is parsed from a body.
pub(crate) trait FromBody: Sized + 'static {
    /// Whether the body is optional, and defaults to `{}`.
    const MAY_BE_LEFT_OUT: bool = false;

    /// The longest body, in bytes: enough for the longest values of its fields, however JSON spells them.
    const BYTES_MAX: usize = BODY_BYTES_MAX;

    /// Takes its fields out of `fields`, which gather every error; `None` if there is one.
    fn from_fields(fields: &mut Fields<'_>, capacity_max: CapacityMax) -> Option<Self>;
}

/// No body, or an empty object.
pub(crate) struct Nothing;

impl FromBody for Nothing {
    const MAY_BE_LEFT_OUT: bool = true;

    fn from_fields(_: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        Some(Self)
    }
}

impl<T: FromBody> FromRequest for Write<T> {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let limits =
                request.app_data::<Data<BodyLimits>>().expect("every route has the limits");
            let may_be_empty = T::MAY_BE_LEFT_OUT;
            check_headers(request.headers(), may_be_empty)?;
            let reading = read(&mut payload, T::BYTES_MAX, limits);
            let read = timeout(limits.within, reading).await.unwrap_or(Err(ApiError::BodyTimeout));
            let (bytes, _place) = read?;
            connections::end_body(&request);
            // An empty body needs no content type.
            if !bytes.is_empty() && !is_plain_json(request.headers()) {
                return Err(ApiError::UnsupportedMediaType.into());
            }
            let header = KeyHeader::of(&request)?;
            let body = parse(&bytes, limits.capacity_max)?;
            let key = header.map(|key| key.with_body(&request, &bytes));
            Ok(Self { body, key, _place })
        })
    }
}

/// Reads a chunked body of up to `bytes_max`, of a request whose headers `is_it` accepts.
pub(super) async fn read_small(
    request: &HttpRequest,
    payload: &mut Payload,
    is_it: fn(&HeaderMap) -> bool,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    let limits = request.app_data::<Data<BodyLimits>>().expect("every route has the limits");
    if has_no_end(request.headers()) {
        return Err(no_upgrade());
    }
    if !is_it(request.headers()) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let reading = read(payload, bytes_max, limits);
    let read = timeout(limits.within, reading).await.unwrap_or(Err(ApiError::BodyTimeout));
    let (bytes, _) = read?;
    connections::end_body(request);
    Ok(bytes)
}

fn no_upgrade() -> ApiError {
    ApiError::InvalidHeader { name: "Upgrade", detail: "cannot be asked for with a body" }
}

/// Refuses a body by its headers, before it is read.
fn check_headers(headers: &HeaderMap, may_be_empty: bool) -> Result<(), ApiError> {
    if has_no_end(headers) {
        return Err(no_upgrade());
    }
    if !may_be_empty && !is_plain_json(headers) {
        return Err(ApiError::UnsupportedMediaType);
    }
    Ok(())
}

/// Whether the server reads everything that follows as the body, whatever its `Content-Length`: it does so for a
/// web socket upgrade, which is not supported here.
pub(super) fn has_no_end(headers: &HeaderMap) -> bool {
    let is_web_socket = |value: &HeaderValue| {
        value.to_str().is_ok_and(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    };
    !headers.contains_key(TRANSFER_ENCODING) && headers.get_all(UPGRADE).any(is_web_socket)
}

/// Whether the content type is JSON in UTF-8.
pub(crate) fn is_plain_json(headers: &HeaderMap) -> bool {
    is_plain(headers, "application/json")
}

/// Whether the content type is `kind`, in UTF-8.
pub(super) fn is_plain(headers: &HeaderMap, kind: &str) -> bool {
    let is_identity = headers
        .get_all(CONTENT_ENCODING)
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    // A repeated header could be read in two ways.
    let mut content_types = headers.get_all(CONTENT_TYPE);
    let (Some(content_type), None) = (content_types.next(), content_types.next()) else {
        return false;
    };
    let Ok(content_type) = content_type.to_str() else { return false };
    let mut parts = content_type.split(';').map(str::trim);
    let is_kind = parts.next().is_some_and(|said| said.eq_ignore_ascii_case(kind));
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    is_identity && is_kind && is_utf8
}

/// Reads a body of up to `bytes_max`, and takes a turn for large ones if it is one.
pub(super) async fn read(
    payload: &mut Payload,
    bytes_max: usize,
    limits: &BodyLimits,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), ApiError> {
    let (mut bytes, mut place) = (BytesMut::new(), None);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::BodyBroken)?;
        let length = bytes.len() + chunk.len();
        if length > bytes_max {
            return Err(ApiError::TooLarge { max: bytes_max });
        }
        if length > BODY_BYTES_MAX && place.is_none() {
            place = Some(limits.place().await);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.freeze(), place))
}

/// Reads a whole body.
pub(crate) fn parse<T: FromBody>(bytes: &[u8], capacity_max: CapacityMax) -> Result<T, ApiError> {
    let bytes = if bytes.is_empty() && T::MAY_BE_LEFT_OUT { b"{}" } else { bytes };
    let document = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::MalformedJson(error.to_string()))?;
    Fields::read(document, |fields| T::from_fields(fields, capacity_max))
        .map_err(ApiError::Validation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::error::PayloadError;
    use futures_util::{Stream, stream};
    use std::pin::Pin;

    fn limits() -> BodyLimits {
        BodyLimits::new(Duration::from_secs(1), CapacityMax::default())
    }

    /// A body that arrives in pieces of 1,000 bytes.
    fn payload(length: usize) -> Payload {
        let bytes = vec![b' '; length];
        let chunks: Vec<Result<Bytes, PayloadError>> =
            bytes.chunks(1_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let stream: Pin<Box<dyn Stream<Item = _>>> = Box::pin(stream::iter(chunks));
        stream.into()
    }

    #[actix_web::test]
    async fn large_bodies_wait_for_their_turn_and_others_do_not() {
        let limits = limits();
        let mut large = Vec::new();
        for _ in 0..LARGE_BODIES_MAX {
            let read = read(&mut payload(BODY_BYTES_MAX + 1), 2 * BODY_BYTES_MAX, &limits).await;
            large.push(read.expect("there is a place"));
        }
        let small = read(&mut payload(BODY_BYTES_MAX), 2 * BODY_BYTES_MAX, &limits).await;
        assert!(small.is_ok_and(|(_, place)| place.is_none()));
        let mut one_more = payload(BODY_BYTES_MAX + 1);
        let mut waiting = Box::pin(read(&mut one_more, 2 * BODY_BYTES_MAX, &limits));
        let first = timeout(Duration::from_millis(20), &mut waiting).await;
        assert!(first.is_err(), "there is no place");
        large.pop();
        let (bytes, place) = waiting.await.expect("there is one now");
        assert!(bytes.len() == BODY_BYTES_MAX + 1 && place.is_some());
    }

    #[actix_web::test]
    async fn nothing_is_longer_than_its_limit() {
        let limits = limits();
        for (length, max) in [(1_001, 1_000), (BODY_BYTES_MAX * 3 + 1, BODY_BYTES_MAX * 3)] {
            assert!(read(&mut payload(length - 1), max, &limits).await.is_ok());
            let refused = read(&mut payload(length), max, &limits).await;
            assert!(matches!(refused, Err(ApiError::TooLarge { max: limit }) if limit == max));
        }
    }
}
