//! `Idempotency-Key`, which makes a repeated request the same request.
//!
//! The store saves the answer under the key, in the transaction that decided it. Here the header becomes the key of
//! that record.

use crate::extract::fields::trim;
use crate::problem::ApiError;
use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use booking_core::{Caller, EventId, Fingerprint, IdempotencyKey, KeyHash};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 255;
/// The shortest key of a client without a token, in bytes. All of those are one caller, so that one who sends the
/// key and the body of another gets that one's answer, `manage_token` and all: their key is a secret.
const SECRET_KEY_BYTES_MIN: usize = 16;

/// The header of a request, checked.
pub(crate) struct KeyHeader<'a>(&'a [u8]);

impl<'a> KeyHeader<'a> {
    /// The key of a request, if it has one.
    ///
    /// # Errors
    /// [`ApiError::InvalidHeader`] for an invalid key, and for more than one.
    pub(crate) fn of(request: &'a HttpRequest) -> Result<Option<Self>, ApiError> {
        let mut values = request.headers().get_all(KEY_HEADER);
        let Some(value) = values.next() else { return Ok(None) };
        let key = value.as_bytes();
        let is_printable = key.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if values.next().is_some() || !(1..=KEY_BYTES_MAX).contains(&key.len()) || !is_printable {
            let detail = "must be 1 to 255 printable ASCII characters, in one header";
            return Err(ApiError::InvalidHeader { name: "Idempotency-Key", detail });
        }
        Ok(Some(Self(key)))
    }

    /// The key together with the fingerprint of the request.
    pub(crate) fn with_body(self, request: &HttpRequest, body: &[u8]) -> RequestKey {
        let mut hasher = Sha256::new();
        add(&mut hasher, b"booking idempotency key 1");
        add(&mut hasher, request.method().as_str().as_bytes());
        add(&mut hasher, canonical_path(request).as_bytes());
        add(&mut hasher, self.0);
        let fingerprint = Fingerprint::new(Sha256::digest(body).into());
        RequestKey { hasher, fingerprint, is_secret: self.0.len() >= SECRET_KEY_BYTES_MIN }
    }
}

/// The key in a form, which came with its page. Other content is another request, and no mistake: an attendee who
/// goes back and writes another address wants another seat. `None` if it is no key of ours.
pub(crate) fn of_form(request: &HttpRequest, key: &str, body: &[u8]) -> Option<RequestKey> {
    let key = Uuid::try_parse(key).ok()?;
    let mut hasher = Sha256::new();
    add(&mut hasher, b"booking form 1");
    add(&mut hasher, canonical_path(request).as_bytes());
    add(&mut hasher, key.as_bytes());
    add(&mut hasher, body);
    let fingerprint = Fingerprint::new(Sha256::digest(body).into());
    Some(RequestKey { hasher, fingerprint, is_secret: true })
}

/// The path of a request with its ids in our spelling: another spelling is the same resource.
fn canonical_path(request: &HttpRequest) -> String {
    let mut path = request.match_pattern().unwrap_or_else(|| request.path().to_owned());
    for (name, value) in request.match_info().iter() {
        let id = trim(value);
        let id = Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |id| id.to_string());
        path = path.replace(&format!("{{{name}}}"), &id);
    }
    path
}

/// Adds a part with its length before it, so that no two lists of parts are the same bytes.
fn add(hasher: &mut Sha256, part: &[u8]) {
    hasher.update((part.len() as u64).to_be_bytes());
    hasher.update(part);
}

/// A key, the route that it was sent to, and the fingerprint of the request.
pub(crate) struct RequestKey {
    hasher: Sha256,
    fingerprint: Fingerprint,
    /// Whether it is long enough for a client without a token.
    is_secret: bool,
}

impl RequestKey {
    /// The key in the namespace of `caller`: a client cannot get an answer by guessing another's key.
    ///
    /// # Errors
    /// [`ApiError::InvalidHeader`] for one that is easily guessed and all that `caller` has.
    pub(crate) fn of(&self, caller: Caller) -> Result<IdempotencyKey, ApiError> {
        let mut hasher = self.hasher.clone();
        match caller {
            Caller::OpenOrganizer | Caller::Anyone if !self.is_secret => {
                let detail = "must be a secret of at least 16 characters where no token is shown, such as a \
                    random UUID: whoever has it gets the same answer";
                return Err(ApiError::InvalidHeader { name: "Idempotency-Key", detail });
            }
            Caller::Operator | Caller::OpenOrganizer | Caller::Anyone => {
                add(&mut hasher, b"organizer");
            }
            Caller::Organizer(id) => {
                add(&mut hasher, b"organizer with a token");
                add(&mut hasher, id.as_uuid().as_bytes());
            }
            Caller::Attendee(hash) => {
                add(&mut hasher, b"attendee");
                add(&mut hasher, hash.as_bytes());
            }
        }
        let hash = KeyHash::new(hasher.finalize().into());
        Ok(IdempotencyKey::new(hash, self.fingerprint))
    }
}

/// The key of a file that `caller` uploads for an event: the same file again is the same request.
pub(crate) fn of_file(caller: Caller, event_id: EventId, digest: [u8; 32]) -> IdempotencyKey {
    let mut hasher = Sha256::new();
    add(&mut hasher, b"booking idempotency key 1, file");
    add(&mut hasher, event_id.as_uuid().as_bytes());
    add(&mut hasher, &digest);
    if let Caller::Organizer(id) = caller {
        add(&mut hasher, id.as_uuid().as_bytes());
    }
    let hash = KeyHash::new(hasher.finalize().into());
    IdempotencyKey::new(hash, Fingerprint::new(digest))
}

/// The key of one command of a request that becomes many.
pub(crate) fn part(of: IdempotencyKey, position: usize) -> IdempotencyKey {
    let mut hasher = Sha256::new();
    add(&mut hasher, b"booking idempotency key 1, part");
    add(&mut hasher, of.hash.as_bytes());
    add(&mut hasher, &(position as u64).to_be_bytes());
    IdempotencyKey::new(KeyHash::new(hasher.finalize().into()), of.fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::Method;
    use actix_web::test::TestRequest;
    use booking_core::TokenHash;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    /// Makes a key long enough for a client without a token.
    const LONG: &str = " and sixteen more";

    fn request(method: Method, path: &str, key: &str) -> HttpRequest {
        TestRequest::with_uri(path)
            .method(method)
            .insert_header((KEY_HEADER, key))
            .to_http_request()
    }

    fn key(request: &HttpRequest, body: &[u8], caller: Caller) -> IdempotencyKey {
        let short = request.headers().get(KEY_HEADER).and_then(|key| key.to_str().ok());
        let long = format!("{}{LONG}", short.expect("it is there, and ASCII"));
        let request = self::request(request.method().clone(), request.path(), &long);
        let header = KeyHeader::of(&request).expect("it is valid").expect("it is there");
        header.with_body(&request, body).of(caller).expect("it is long enough")
    }

    #[test]
    fn a_client_without_a_token_needs_a_long_key() {
        let of = |length: usize, caller: Caller| {
            let request = request(Method::POST, "/events", &"k".repeat(length));
            let header = KeyHeader::of(&request).expect("it is valid").expect("it is there");
            header.with_body(&request, b"{}").of(caller).is_ok()
        };
        for caller in [Caller::Anyone, Caller::OpenOrganizer] {
            assert_eq!(
                [1, 15, 16, 255].map(|length| of(length, caller)),
                [false, false, true, true]
            );
        }
        let token = TokenHash::new([7; 32]);
        for caller in [Caller::Attendee(token), Caller::Organizer(Uuid::nil().into())] {
            assert!(of(1, caller) && of(255, caller));
        }
    }

    #[test]
    fn another_caller_method_path_or_key_is_another_key() {
        let first = key(&request(Method::POST, "/events", "a"), b"{}", Caller::OpenOrganizer);
        let again = key(&request(Method::POST, "/events", "a"), b"{}", Caller::OpenOrganizer);
        assert_eq!(first, again);
        let attendee = |byte| Caller::Attendee(TokenHash::new([byte; 32]));
        let organizer = |number| Caller::Organizer(Uuid::from_u128(number).into());
        let keys = [
            first,
            key(&request(Method::POST, "/events", "b"), b"{}", Caller::OpenOrganizer),
            key(&request(Method::PATCH, "/events", "a"), b"{}", Caller::OpenOrganizer),
            // The same bytes in a row.
            key(&request(Method::POST, "/event", "sa"), b"{}", Caller::OpenOrganizer),
            key(&request(Method::POST, "/events", "a"), b"{}", attendee(1)),
            key(&request(Method::POST, "/events", "a"), b"{}", attendee(2)),
            key(&request(Method::POST, "/events", "a"), b"{}", organizer(1)),
            key(&request(Method::POST, "/events", "a"), b"{}", organizer(2)),
            part(first, 0),
            part(first, 1),
        ];
        let hashes: BTreeSet<_> = keys.iter().map(|key| key.hash).collect();
        assert_eq!(hashes.len(), keys.len());
        assert!(keys.iter().all(|key| key.fingerprint == first.fingerprint));
        let other = key(&request(Method::POST, "/events", "a"), b"{ }", Caller::OpenOrganizer);
        assert_eq!(other.hash, first.hash);
        assert_ne!(other.fingerprint, first.fingerprint);
    }

    #[test]
    fn a_form_is_the_same_request_only_if_all_of_it_is() {
        let (one, other) = (Uuid::from_u128(1).to_string(), Uuid::from_u128(2).to_string());
        let path = TestRequest::post().uri("/e/1").to_http_request();
        let elsewhere = TestRequest::post().uri("/e/2").to_http_request();
        let hash = |request: &HttpRequest, key: &str, body: &[u8]| {
            let key = of_form(request, key, body).expect("it is a key");
            key.of(Caller::Anyone).expect("it is long enough").hash
        };
        let first = hash(&path, &one, b"a=1");
        assert_eq!(first, hash(&path, &one, b"a=1"));
        for changed in
            [hash(&path, &one, b"a=2"), hash(&path, &other, b"a=1"), hash(&elsewhere, &one, b"a=1")]
        {
            assert_ne!(first, changed);
        }
        assert!(of_form(&path, "", b"").is_none() && of_form(&path, "guess", b"").is_none());
    }

    #[test]
    fn a_key_is_one_header_of_1_to_255_printable_characters() {
        let longest = "k".repeat(KEY_BYTES_MAX);
        for good in ["a", " ", "~", "\"quoted\"", "a b", &longest] {
            assert!(KeyHeader::of(&request(Method::POST, "/", good)).is_ok(), "{good:?}");
        }
        let too_long = "k".repeat(KEY_BYTES_MAX + 1);
        for bad in ["", "a\tb", "é", &too_long] {
            assert!(KeyHeader::of(&request(Method::POST, "/", bad)).is_err(), "{bad:?}");
        }
        let twice = TestRequest::default()
            .append_header((KEY_HEADER, "a"))
            .append_header((KEY_HEADER, "a"))
            .to_http_request();
        assert!(KeyHeader::of(&twice).is_err());
        assert!(matches!(KeyHeader::of(&TestRequest::default().to_http_request()), Ok(None)));
    }
}
