//! The headers that are read.

use super::Target;
use crate::auth::callers;
use crate::edge::host_header;
use crate::extract::body::is_plain_json;
use crate::extract::conditional::{has_already, if_match};
use crate::extract::idempotency_key::KeyHeader;
use crate::net::forwarded::AddressHeader;
use crate::telemetry::request_id;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, EntityTag, HOST, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH,
};
use actix_web::test::TestRequest;
use booking_core::Caller;
use uuid::Uuid;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "authorization",
        seeds: &[
            "Bearer mZ0fK3qL9xTt-aB_7cDdEeFf2gHhIiJjKk4lMmNnOoP",
            "bearer a~+/.==",
            "Basic YTpi",
        ],
        run: authorization,
    },
    Target { name: "idempotency_key", seeds: &["6f1c", "a b~!"], run: idempotency_key },
    Target {
        name: "if_match",
        seeds: &["\"3\"", "*", " \"18446744073709551615-62f9a0b\", W/\"4\",, \"x,y\""],
        run: match_version,
    },
    Target { name: "if_none_match", seeds: &["\"3\"", "W/\"3\", \"4\"", "*"], run: none_match },
    Target {
        name: "content_type",
        seeds: &["application/json", "Application/JSON ; charset=\"UTF-8\"; a=b"],
        run: content_type,
    },
    Target { name: "request_id", seeds: &["order-42_a.b:c"], run: request_id },
    Target { name: "host", seeds: &["example.org", "[::1]:3000", "127.0.0.1:80"], run: check_host },
    Target {
        name: "forwarded",
        seeds: &[
            "for=1.2.3.4",
            "for=\"[2001:db8::1]:80\";proto=https, for=_x;by=unknown",
            "1.2.3.4, ::1",
        ],
        run: forwarded,
    },
];

/// Requests with one header, if the bytes can be one: the server accepts nothing else.
fn with(bytes: &[u8], name: &HeaderName, check: impl FnOnce(&HeaderMap, &HeaderValue)) {
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let mut headers = HeaderMap::new();
        headers.insert(name.clone(), value.clone());
        check(&headers, &value);
    }
}

fn authorization(bytes: &[u8]) {
    with(bytes, &AUTHORIZATION, |headers, value| {
        let hash = callers::bearer_hash(headers);
        let Some(hash) = hash else { return };
        let text = value.to_str().expect("a token is ASCII");
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        let [scheme, token] = words[..] else { panic!("not two words: {text}") };
        assert!(scheme.eq_ignore_ascii_case("bearer"));
        assert_eq!(hash, callers::token_hash(token));
        assert!(token.len() <= 8_192 && !token.contains([',', '"']));
    });
}

fn idempotency_key(bytes: &[u8]) {
    let name = HeaderName::from_static("idempotency-key");
    with(bytes, &name, |_, value| {
        let request = TestRequest::post().insert_header((name.clone(), value.clone()));
        let request = request.to_http_request();
        let Ok(key) = KeyHeader::of(&request) else { return };
        let key = key.expect("it is there").with_body(&request, b"{}");
        assert!((1..=255).contains(&value.len()));
        assert!(value.as_bytes().iter().all(|byte| (0x20..0x7f).contains(byte)));
        let again = KeyHeader::of(&request).ok().flatten().expect("it is there");
        let again = again.with_body(&request, b"{}");
        let organizer = Caller::Organizer(Uuid::nil().into());
        for caller in [Caller::OpenOrganizer, organizer] {
            assert_eq!(key.of(caller).ok(), again.of(caller).ok());
        }
        assert!(key.of(organizer).is_ok());
        assert_eq!(key.of(Caller::Anyone).is_ok(), value.len() >= 16);
    });
}

fn match_version(bytes: &[u8]) {
    with(bytes, &IF_MATCH, |headers, value| {
        let has = |byte| value.as_bytes().contains(&byte);
        match if_match(headers) {
            Ok(Some(_)) => assert!(has(b'"')),
            Ok(None) => assert!(has(b'*') && !has(b'"')),
            Err(_) => {}
        }
    });
}

fn none_match(bytes: &[u8]) {
    with(bytes, &IF_NONE_MATCH, |_, value| {
        let request = TestRequest::get().insert_header((IF_NONE_MATCH, value.clone()));
        let tag = EntityTag::new_strong("3".to_owned());
        if has_already(&request.to_http_request(), &tag) {
            let text = value.as_bytes();
            assert!(text.contains(&b'*') || text.windows(3).any(|three| three == b"\"3\""));
        }
    });
}

fn content_type(bytes: &[u8]) {
    with(bytes, &CONTENT_TYPE, |headers, value| {
        if is_plain_json(headers) {
            let text = value.to_str().expect("it is ASCII").to_ascii_lowercase();
            let mut parts = text.split(';').map(str::trim);
            assert_eq!(parts.next(), Some("application/json"));
            let is_other = |part: &str| part.starts_with("charset=") && !part.contains("utf-8");
            assert!(!parts.any(is_other), "{text}");
        }
    });
}

fn request_id(bytes: &[u8]) {
    with(bytes, &HeaderName::from_static("x-request-id"), |headers, _| {
        let id = request_id::of(headers);
        let id = id.as_str();
        assert!((1..=128).contains(&id.len()));
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)), "{id}");
    });
}

fn check_host(bytes: &[u8]) {
    with(bytes, &HOST, |headers, value| {
        if host_header::check(headers).is_ok() {
            let text = value.to_str().expect("a host is ASCII");
            assert!(
                !text.contains(|c: char| c.is_whitespace() || "/\\@?#<>\"".contains(c)),
                "{text}"
            );
            // A name has one port at most.
            assert!(text.starts_with('[') || text.matches(':').count() <= 1, "{text}");
        }
    });
}

fn forwarded(bytes: &[u8]) {
    for name in ["forwarded", "x-forwarded-for", "x-real-ip"] {
        let header: AddressHeader = name.parse().expect("a name");
        with(bytes, &HeaderName::from_static(name), |headers, value| {
            let hops = header.hops(headers).count();
            assert!(hops <= 1 + value.as_bytes().iter().filter(|byte| **byte == b',').count());
            assert!(header.other_said(headers).is_none());
        });
    }
}
