//! What clients may keep, and how they ask whether it still holds.

use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, ETag, EntityTag, Header, HeaderName, HeaderValue, IF_MATCH, IfNoneMatch,
};
use actix_web::{FromRequest, HttpRequest};
use booking_core::Version;
use std::future::{Ready, ready};

/// May be kept, but is asked for again before it is used (RFC 9111, section 5.2.2.4).
pub(crate) const REVALIDATE: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// The tag of an event: its version is raised by every change of it, so it names what is shown.
pub(crate) fn etag(version: Version) -> ETag {
    ETag(EntityTag::new_strong(version.to_string()))
}

/// Whether the client has what `tag` names (RFC 9110, section 13.1.2).
pub(crate) fn has_already(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(IfNoneMatch::name()),
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|other| tag.weak_eq(other)),
        Err(_) => false,
    }
}

/// The version that an event must have to be changed (RFC 9110, section 13.1.1); `None` if any will do.
pub(crate) struct IfMatch(pub(crate) Option<Version>);

impl FromRequest for IfMatch {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(IF_MATCH);
        let version = match (values.next(), values.next()) {
            (None, _) => Some(None),
            (Some(value), None) => value.to_str().ok().and_then(if_match),
            (Some(_), Some(_)) => None,
        };
        ready(version.map(Self).ok_or_else(|| {
            let detail = "must be one version as ETag has it, such as \"3\", or *";
            ApiError::InvalidHeader { name: "If-Match", detail }.into()
        }))
    }
}

/// Our tags are versions in quotes, and nothing else can match.
pub(crate) fn if_match(value: &str) -> Option<Option<Version>> {
    let value = value.trim();
    if value == "*" {
        return Some(None);
    }
    let digits = value.strip_prefix('"')?.strip_suffix('"')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_number)?;
    Some(Some(Version::new(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_a_version_or_anything() {
        assert_eq!(if_match("*"), Some(None));
        assert_eq!(if_match(" \"3\" "), Some(Some(Version::new(3))));
        for malformed in ["", "3", "\"\"", "\"x\"", "\"+3\"", "W/\"3\"", "\"3", "\"1\", \"2\""] {
            assert_eq!(if_match(malformed), None, "{malformed}");
        }
    }
}
