//! Conditional requests and caching: `ETag`, `If-None-Match`, `If-Match`, `Cache-Control`.

use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, ETag, EntityTag, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
};
use actix_web::{FromRequest, HttpRequest};
use booking_core::{EventTag, Precondition, Version};
use chrono::DateTime;
use sha2::{Digest, Sha256};
use std::future::{Ready, ready};

/// May be cached, but must be revalidated before it is used (RFC 9111, section 5.2.2.4).
pub(crate) const REVALIDATE: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// The tag of an event: its version, which every change raises, and the time of that change, since a restored
/// backup continues with the same versions.
pub(crate) fn etag(tag: EventTag) -> ETag {
    ETag(EntityTag::new_strong(written(tag)))
}

/// The tag of a body that is written while the event may change: it shows this state or later ones.
pub(crate) fn weak_etag(tag: EventTag) -> ETag {
    ETag(EntityTag::new_weak(written(tag)))
}

/// The tag of a body that is rendered for each request, and is the same as long as its bytes are.
pub(crate) fn etag_of(content: &[u8]) -> ETag {
    let hash: [u8; 32] = Sha256::digest(content).into();
    let short = u128::from_be_bytes(*hash.first_chunk().expect("it is longer"));
    ETag(EntityTag::new_strong(format!("{short:032x}")))
}

fn written(EventTag { version, changed_at }: EventTag) -> String {
    match changed_at {
        Some(changed_at) => format!("{version}-{:x}", changed_at.timestamp_micros()),
        None => version.to_string(),
    }
}

/// The version and time in an entity tag of ours; `None` if [`written`] does not write such a one.
fn read(opaque: &[u8]) -> Option<EventTag> {
    let text = str::from_utf8(opaque).ok()?;
    let (version, changed_at) = match text.split_once('-') {
        Some((version, micros)) => {
            let micros = u64::from_str_radix(micros, 16).ok()?.cast_signed();
            (version, Some(DateTime::from_timestamp_micros(micros)?))
        }
        None => (text, None),
    };
    let tag = EventTag { version: Version::new(version.parse().ok()?), changed_at };
    // Signs, leading zeros, capital letters: tags are compared as they are written.
    (written(tag) == text).then_some(tag)
}

/// Whether the client has the resource with this `tag` (RFC 9110, section 13.1.2). An invalid list of tags has
/// none, and of a list that is longer than any client needs only the beginning is read.
pub(crate) fn has_already(request: &HttpRequest, tag: &EntityTag) -> bool {
    let listed = Listed::of(request.headers(), &IF_NONE_MATCH);
    listed.take(Precondition::TAGS_MAX).any(|item| match item {
        Item::Any => true,
        Item::Tag { opaque, .. } => opaque == tag.tag().as_bytes(),
        Item::Malformed => false,
    })
}

/// The states that an event must be in to be changed (RFC 9110, section 13.1.1); `None` if any will do.
pub(crate) struct IfMatch(pub(crate) Option<Precondition>);

impl FromRequest for IfMatch {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            if_match(request.headers())
                .map(Self)
                .map_err(|detail| ApiError::InvalidHeader { name: "If-Match", detail }.into()),
        )
    }
}

/// The precondition of `If-Match`.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<Precondition>, &'static str> {
    const MALFORMED: &str =
        "must be entity tags, as ETag has them, such as \"3-62f9a0\", with commas between, or *";
    const TOO_MANY: &str = "must name at most 16 entity tags";
    const _: () = assert!(Precondition::TAGS_MAX == 16);
    if !headers.contains_key(IF_MATCH) {
        return Ok(None);
    }
    let (mut tags, mut count, mut is_any) = (Vec::new(), 0, false);
    for item in Listed::of(headers, &IF_MATCH) {
        count += 1;
        match item {
            Item::Malformed => return Err(MALFORMED),
            _ if count > Precondition::TAGS_MAX => return Err(TOO_MANY),
            Item::Any => is_any = true,
            // A weak tag never matches, and neither does one that is not an event's.
            Item::Tag { is_weak, opaque } => tags.extend(read(opaque).filter(|_| !is_weak)),
        }
    }
    match (count, is_any) {
        (1, true) => Ok(None),
        (0, _) | (_, true) => Err(MALFORMED),
        (_, false) => Precondition::any_of(tags).map(Some).ok_or(TOO_MANY),
    }
}

/// An element of a list of entity tags.
#[derive(Debug, PartialEq, Eq)]
enum Item<'a> {
    /// `*`.
    Any,
    Tag {
        is_weak: bool,
        opaque: &'a [u8],
    },
    /// Nothing after it can be read.
    Malformed,
}

/// The entity tags of a header (RFC 9110, sections 5.6.1 and 8.8.3), in all of its lines. Each byte is read once.
struct Listed<'a> {
    lines: std::slice::Iter<'a, HeaderValue>,
    rest: &'a [u8],
}

impl<'a> Listed<'a> {
    fn of(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        Self { lines: headers.get_all(name), rest: b"" }
    }
}

impl<'a> Iterator for Listed<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            // Elements may be empty.
            while let Some((b' ' | b'\t' | b',', rest)) = self.rest.split_first() {
                self.rest = rest;
            }
            if !self.rest.is_empty() {
                break;
            }
            self.rest = self.lines.next()?.as_bytes();
        }
        let Some((item, rest)) = element(self.rest).filter(|(_, rest)| is_end(rest)) else {
            self.lines = [].iter();
            self.rest = b"";
            return Some(Item::Malformed);
        };
        self.rest = rest;
        Some(item)
    }
}

/// The first element of `list`, and the rest.
fn element(list: &[u8]) -> Option<(Item<'_>, &[u8])> {
    if let Some(rest) = list.strip_prefix(b"*") {
        return Some((Item::Any, rest));
    }
    let (is_weak, list) = match list.strip_prefix(b"W/") {
        Some(list) => (true, list),
        None => (false, list),
    };
    let list = list.strip_prefix(b"\"")?;
    let length = list.iter().position(|byte| *byte == b'"')?;
    let (opaque, rest) = list.split_at(length);
    let is_tag_byte = |byte: &u8| *byte == 0x21 || *byte >= 0x23 && *byte != 0x7f;
    opaque.iter().all(is_tag_byte).then_some((Item::Tag { is_weak, opaque }, &rest[1..]))
}

/// Whether an element may end where `rest` begins.
fn is_end(rest: &[u8]) -> bool {
    matches!(rest.trim_ascii_start(), [] | [b',', ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_bytes(line.as_bytes()).expect("a header's value");
            headers.append(name.clone(), value);
        }
        headers
    }

    fn matched(lines: &[&str]) -> Result<Option<Precondition>, &'static str> {
        if_match(&headers(&IF_MATCH, lines))
    }

    fn tag(version: u64, micros: Option<i64>) -> EventTag {
        let changed_at = micros.and_then(DateTime::from_timestamp_micros);
        EventTag { version: Version::new(version), changed_at }
    }

    #[test]
    fn a_tag_is_a_version_and_the_time_of_its_making() {
        for (event, text) in [
            (tag(3, Some(0x62f_9a0b)), "3-62f9a0b"),
            (tag(u64::MAX, Some(-1)), "18446744073709551615-ffffffffffffffff"),
            (tag(1, None), "1"),
        ] {
            assert_eq!(etag(event).0.tag(), text);
            assert_eq!(read(text.as_bytes()), Some(event));
        }
        for other in ["", "x", "+3", "03", "3-", "3-0A", "3-00", "3--1", "3-1-1", "-1", "3 ", "é"]
        {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn if_match_is_a_list_of_tags_or_anything() {
        let any_of = |tags: &[EventTag]| Ok(Precondition::any_of(tags.to_vec()));
        assert_eq!(matched(&[]), Ok(None));
        assert_eq!(matched(&["*"]), Ok(None));
        assert_eq!(matched(&[" \"3\" "]), any_of(&[tag(3, None)]));
        let both = any_of(&[tag(3, Some(10)), tag(4, None)]);
        assert_eq!(matched(&["\"3-a\",\"4\""]), both);
        assert_eq!(matched(&[", \"3-a\"\t,, \"4\" ,"]), both);
        assert_eq!(matched(&["\"3-a\"", "\"4\""]), both);
        // A tag that cannot match does not, and is no error.
        for never in ["W/\"3\"", "\"\"", "\"x\"", "\"a,b\"", "\"+3\"", "\"é\"", "W/\"3\", W/\"4\""]
        {
            assert_eq!(matched(&[never]), any_of(&[]), "{never}");
        }
        let sixteen = vec!["\"1\""; Precondition::TAGS_MAX].join(",");
        assert!(matched(&[&sixteen]).is_ok());
        assert!(matched(&[&sixteen, "\"1\""]).is_err_and(|detail| detail.contains("16")));
    }

    #[test]
    fn an_invalid_list_of_tags_is_refused() {
        for malformed in [
            "",
            " ",
            ",",
            "3",
            "\"3",
            "3\"",
            "\"3\"x",
            "\"3\" \"4\"",
            "w/\"3\"",
            "W/ \"3\"",
            "*, \"3\"",
            "\"3\", *",
            "*, *",
            "**",
            "\"3\", x",
            "\"a b\"",
        ] {
            assert!(matched(&[malformed]).is_err(), "{malformed}");
        }
        assert!(matched(&["\"3\"", "x"]).is_err());
        assert!(matched(&["*", "*"]).is_err());
    }

    #[test]
    fn a_client_has_what_any_of_its_tags_names() {
        let tag = EntityTag::new_strong("3-a".to_owned());
        let has = |lines: &[&str]| {
            let mut request = TestRequest::get();
            for line in lines {
                request = request.append_header((IF_NONE_MATCH, *line));
            }
            has_already(&request.to_http_request(), &tag)
        };
        for known in ["\"3-a\"", "W/\"3-a\"", "\"0\", \"3-a\"", "*", "\"a,b\",,W/\"3-a\""] {
            assert!(has(&[known]), "{known}");
        }
        assert!(has(&["\"0\"", "\"3-a\""]));
        for other in ["", "\"3\"", "\"3-b\"", "3-a", "x, \"3-a\"", "\"0\" \"3-a\""] {
            assert!(!has(&[other]), "{other}");
        }
        assert!(!has(&[]));
    }

    /// A header may be as long as a head, and must not cost more than its bytes.
    #[test]
    fn a_long_list_is_read_once() {
        let began = std::time::Instant::now();
        let tag = EntityTag::new_strong("3-a".to_owned());
        for long in
            [",".repeat(100_000), "\"x\",".repeat(25_000), format!("\"{}", "x".repeat(100_000))]
        {
            let request = TestRequest::get().insert_header((IF_NONE_MATCH, long.as_str()));
            assert!(!has_already(&request.to_http_request(), &tag));
            assert!(matched(&[&long]).is_err());
        }
        // A million times the time that it takes.
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }
}
