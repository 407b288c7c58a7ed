//! What clients may keep, and how they ask whether it still holds.

use actix_web::HttpRequest;
use actix_web::http::header::{
    CACHE_CONTROL, EntityTag, Header, HeaderName, HeaderValue, IfNoneMatch,
};

/// May be kept, but is asked for again before it is used (RFC 9111, section 5.2.2.4).
pub(crate) const REVALIDATE: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// Whether the client has what `tag` names (RFC 9110, section 13.1.2).
pub(crate) fn has_already(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(IfNoneMatch::name()),
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|other| tag.weak_eq(other)),
        Err(_) => false,
    }
}
