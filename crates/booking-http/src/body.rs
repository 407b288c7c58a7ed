//! What a request that writes brings along: its body, read strictly and once, and its idempotency key.

use crate::fields::Fields;
use crate::idempotency::{KeyHeader, RequestKey};
use crate::problem::ApiError;
use crate::service::Service;
use actix_web::dev::Payload;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use booking_core::{Caller, CapacityMax, IdempotencyKey};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use std::time::Duration;
use tokio::time::timeout;

/// The longest body, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1_024;

/// A request that writes.
pub(crate) struct Write<T> {
    /// Its body, as a value of the domain.
    pub(crate) body: T,
    /// What makes it the same request when it comes again, if it has a key.
    key: Option<RequestKey>,
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

/// What bodies become.
pub(crate) trait FromBody: Sized + 'static {
    /// Whether the body may be left out, and is then as good as `{}`.
    const MAY_BE_LEFT_OUT: bool = false;

    /// Takes what it needs out of `fields`, which gather everything that is wrong; `None` if
    /// something is.
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
            let service = request.app_data::<Data<Service>>().expect("every route has the service");
            let may_be_empty = T::MAY_BE_LEFT_OUT;
            let within = service.body_within;
            let bytes = read(request.headers(), &mut payload, within, may_be_empty).await?;
            let header = KeyHeader::of(&request)?;
            let body = parse(&bytes, service.capacity_max)?;
            Ok(Self { body, key: header.map(|key| key.with_body(&request, &bytes)) })
        })
    }
}

async fn read(
    headers: &HeaderMap,
    payload: &mut Payload,
    within: Duration,
    may_be_empty: bool,
) -> Result<Bytes, ApiError> {
    if has_no_end(headers) {
        let detail = "cannot be asked for with a body";
        return Err(ApiError::InvalidHeader { name: "Upgrade", detail });
    }
    let is_json = is_plain_json(headers);
    if !is_json && !may_be_empty {
        return Err(ApiError::UnsupportedMediaType);
    }
    let bytes = read_all(payload, within).await?;
    // What is not there needs no type.
    if !is_json && !bytes.is_empty() {
        return Err(ApiError::UnsupportedMediaType);
    }
    Ok(bytes)
}

/// Whether the server takes all that follows for the body, whatever its length is said to be: it does so
/// where a web socket is asked for, which nobody here speaks.
fn has_no_end(headers: &HeaderMap) -> bool {
    let is_web_socket = |value: &HeaderValue| {
        value.to_str().is_ok_and(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    };
    !headers.contains_key(TRANSFER_ENCODING) && headers.get_all(UPGRADE).any(is_web_socket)
}

/// Whether the body is said to be JSON in UTF-8, as it is.
pub(crate) fn is_plain_json(headers: &HeaderMap) -> bool {
    let is_identity = headers
        .get_all(CONTENT_ENCODING)
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    // What is said twice could be read in two ways.
    let mut content_types = headers.get_all(CONTENT_TYPE);
    let (Some(content_type), None) = (content_types.next(), content_types.next()) else {
        return false;
    };
    let Ok(content_type) = content_type.to_str() else { return false };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    is_identity && is_json && is_utf8
}

async fn read_all(payload: &mut Payload, within: Duration) -> Result<Bytes, ApiError> {
    let reading = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| ApiError::BodyBroken)?;
            if bytes.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(ApiError::TooLarge { max: BODY_BYTES_MAX });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    timeout(within, reading).await.unwrap_or(Err(ApiError::BodyTimeout))
}

/// Reads a whole body.
pub(crate) fn parse<T: FromBody>(bytes: &[u8], capacity_max: CapacityMax) -> Result<T, ApiError> {
    let bytes = if bytes.is_empty() && T::MAY_BE_LEFT_OUT { b"{}" } else { bytes };
    let document = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::MalformedJson(error.to_string()))?;
    Fields::read(document, |fields| T::from_fields(fields, capacity_max))
        .map_err(ApiError::Validation)
}
