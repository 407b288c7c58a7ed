//! Authentication by the `Authorization` header: an organizer by its token, or the holder of a registration by its
//! token. Without a header the caller is anonymous, and is the organizer while the server is open.

use crate::auth::grant::Grant;
use crate::auth::token_cache::TokenCache;
use crate::extract::path::id;
use crate::problem::{ApiError, AuthError};
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{Caller, EventId, RegistrationId, TokenHash};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;

/// The longest token that is read, in bytes; ours have 43.
const TOKEN_BYTES_MAX: usize = 512;

/// The prefix of every organizer's token, by which a leaked one is recognized.
pub(crate) const ORGANIZER_PREFIX: &str = "org_";

/// The prefix of a mailed link's token. Its holder is looked up where the registration is read.
pub(crate) const MAIL_PREFIX: &str = "mlt_";

/// The caller of an organizers' operation: the owner of a token, or any caller while the server is open.
#[derive(Clone, Copy)]
pub(crate) struct OrganizerAuth(pub(crate) Caller);

impl OrganizerAuth {
    fn of(tokens: &TokenCache, headers: &HeaderMap) -> Result<Caller, ApiError> {
        if tokens.is_open() {
            return Ok(Caller::OpenOrganizer);
        }
        organizer(tokens, headers).map(|grant| Caller::Organizer(grant.organizer.id))
    }
}

impl FromRequest for OrganizerAuth {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(token_cache_of(request), request.headers()).map(Self).map_err(Into::into))
    }
}

/// The caller of a public operation. A header without an organizer's token is ignored here: it may be for a proxy
/// that authenticates people.
#[derive(Clone, Copy)]
pub(crate) struct OptionalAuth(pub(crate) Caller);

impl OptionalAuth {
    fn of(tokens: &TokenCache, headers: &HeaderMap) -> Result<Caller, ApiError> {
        if tokens.is_open() {
            return Ok(Caller::OpenOrganizer);
        }
        let Authorization::Token(token) = Authorization::of(headers) else {
            return Ok(Caller::Anyone);
        };
        ShownToken::of(token).caller(tokens, |_| Caller::Anyone)
    }
}

impl FromRequest for OptionalAuth {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(optional_caller(request).map(Self).map_err(Into::into))
    }
}

/// The caller of a public operation.
///
/// # Errors
/// [`ApiError::Unauthenticated`].
pub(crate) fn optional_caller(request: &HttpRequest) -> Result<Caller, ApiError> {
    OptionalAuth::of(token_cache_of(request), request.headers())
}

/// The caller of a public operation whose answer is a stream: while it lasts the token may be revoked, and a server
/// that was open be so no more.
#[derive(Clone, Copy)]
pub(crate) struct StreamAuth(Option<ShownToken>);

impl StreamAuth {
    fn of(headers: &HeaderMap) -> Self {
        match Authorization::of(headers) {
            Authorization::Token(token) => Self(Some(ShownToken::of(token))),
            Authorization::Nothing | Authorization::Malformed => Self(None),
        }
    }

    /// The caller at this moment: as [`OptionalAuth`], and `None` where that is refused.
    pub(crate) fn caller(&self, tokens: &TokenCache) -> Option<Caller> {
        if tokens.is_open() {
            return Some(Caller::OpenOrganizer);
        }
        match self.0 {
            Some(shown) => shown.caller(tokens, |_| Caller::Anyone).ok(),
            None => Some(Caller::Anyone),
        }
    }
}

impl FromRequest for StreamAuth {
    type Error = Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}

/// The grant of the organizer's token in a request, if it has a valid one. Any other token is checked by the
/// extractors that it is for.
pub(crate) fn shown_grant(request: &HttpRequest) -> Option<Arc<Grant>> {
    match Authorization::of(request.headers()) {
        Authorization::Token(token) => ShownToken::of(token).grant_of(token_cache_of(request)).ok(),
        Authorization::Nothing | Authorization::Malformed => None,
    }
}

/// The only events of a request's organizer token, if it is limited to some.
pub(crate) struct LimitedTo(pub(crate) Option<Vec<EventId>>);

impl FromRequest for LimitedTo {
    type Error = Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(shown_grant(request).and_then(|grant| grant.events.clone()))))
    }
}

/// The grant of the organizer's token in a request, if there is one and the server is not open.
pub(crate) struct OptionalOrganizer(pub(crate) Option<Arc<Grant>>);

impl FromRequest for OptionalOrganizer {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (tokens, headers) = (token_cache_of(request), request.headers());
        let shows = headers.contains_key(AUTHORIZATION) && !tokens.is_open();
        let organizer = shows.then(|| organizer(tokens, headers)).transpose();
        ready(organizer.map(Self).map_err(Into::into))
    }
}

/// The `{id}` of a registration on its own routes, and the caller.
#[derive(Clone, Copy)]
pub(crate) struct RegistrationAuth {
    pub(crate) id: RegistrationId,
    /// Named by the hash of the token, also if that is a mailed link's: idempotency keys are looked up under that
    /// name, also when the token is no longer valid.
    pub(crate) caller: Caller,
    /// Whether the token has the form of a mailed link's.
    pub(crate) is_mailed: bool,
}

impl RegistrationAuth {
    /// Reads it from a request. A caller without a token does not learn whether the path is valid.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`], [`ApiError::NotFound`].
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let caller = registration_caller(token_cache_of(request), request.headers())?;
        Ok(Self { id: id(request, "id")?, caller, is_mailed: shows_mail_token(request.headers()) })
    }
}

impl FromRequest for RegistrationAuth {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(Into::into))
    }
}

/// The caller of a route of one registration: its organizer, any caller while the server is open, or the owner of a
/// token. Whether that is the right one is decided where the registration is read.
///
/// # Errors
/// [`ApiError::Unauthenticated`].
fn registration_caller(tokens: &TokenCache, headers: &HeaderMap) -> Result<Caller, ApiError> {
    match Authorization::of(headers) {
        Authorization::Nothing if tokens.is_open() => Ok(Caller::OpenOrganizer),
        Authorization::Nothing => Err(ApiError::Unauthenticated(AuthError::NoRegistrationToken)),
        Authorization::Malformed => Err(ApiError::Unauthenticated(AuthError::Malformed)),
        Authorization::Token(token) => ShownToken::of(token).caller(tokens, Caller::Attendee),
    }
}

/// Whether the request has a mailed link's token, by its form.
fn shows_mail_token(headers: &HeaderMap) -> bool {
    let shown = Authorization::of(headers);
    matches!(shown, Authorization::Token(token) if token.starts_with(MAIL_PREFIX))
}

/// A token in a request: enough to look up its owner, also again later.
#[derive(Clone, Copy)]
struct ShownToken {
    hash: TokenHash,
    /// Whether it has the form of an organizer's.
    is_organizers: bool,
}

/// That a token is no organizer's.
struct NoGrant;

impl From<NoGrant> for ApiError {
    fn from(NoGrant: NoGrant) -> Self {
        Self::Unauthenticated(AuthError::UnknownToken)
    }
}

impl ShownToken {
    fn of(token: &str) -> Self {
        Self { hash: token_hash(token), is_organizers: token.starts_with(ORGANIZER_PREFIX) }
    }

    /// Its grant, if it is an organizer's.
    fn grant_of(self, tokens: &TokenCache) -> Result<Arc<Grant>, NoGrant> {
        tokens.grant(&self.hash).ok_or(NoGrant)
    }

    /// The owner of the token: an organizer, or else the caller that `others` makes of its hash. A token with an
    /// organizer's prefix that is unknown was revoked or is misspelt: it is refused, and stands for no other
    /// caller.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`].
    fn caller(
        self,
        tokens: &TokenCache,
        others: fn(TokenHash) -> Caller,
    ) -> Result<Caller, ApiError> {
        match self.grant_of(tokens) {
            Ok(grant) => Ok(Caller::Organizer(grant.organizer.id)),
            Err(no_grant) if self.is_organizers => Err(no_grant.into()),
            Err(NoGrant) => Ok(others(self.hash)),
        }
    }
}

/// The grant of the organizer's token in a request.
///
/// # Errors
/// [`ApiError::Unauthenticated`].
fn organizer(tokens: &TokenCache, headers: &HeaderMap) -> Result<Arc<Grant>, ApiError> {
    match Authorization::of(headers) {
        Authorization::Nothing => Err(ApiError::Unauthenticated(AuthError::NoToken)),
        Authorization::Malformed => Err(ApiError::Unauthenticated(AuthError::Malformed)),
        Authorization::Token(token) => Ok(ShownToken::of(token).grant_of(tokens)?),
    }
}

fn token_cache_of(request: &HttpRequest) -> &TokenCache {
    request.app_data::<Data<TokenCache>>().expect("every route has the tokens")
}

/// The content of an `Authorization` header (RFC 6750, section 2.1).
enum Authorization<'a> {
    Nothing,
    /// Something else than one token.
    Malformed,
    Token(&'a str),
}

impl<'a> Authorization<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION);
        let Some(value) = values.next() else { return Self::Nothing };
        let token = value.to_str().ok().and_then(bearer).filter(|_| values.next().is_none());
        token.map_or(Self::Malformed, Self::Token)
    }
}

/// The hash of the token in a request, if there is one of the right form.
pub(crate) fn bearer_hash(headers: &HeaderMap) -> Option<TokenHash> {
    headers.get(AUTHORIZATION)?.to_str().ok().and_then(bearer).map(token_hash)
}

/// The hash of a token, which is stored and compared.
pub(crate) fn token_hash(token: &str) -> TokenHash {
    TokenHash::new(Sha256::digest(token).into())
}

/// The white space in a header (RFC 9110, section 5.6.3).
const WHITE: [char; 2] = [' ', '\t'];

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim_matches(WHITE).split_once(WHITE)?;
    let token = token.trim_start_matches(WHITE);
    let is_token_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    let without_padding = token.trim_end_matches('=');
    let is_token = token.len() <= TOKEN_BYTES_MAX
        && !without_padding.is_empty()
        && without_padding.bytes().all(is_token_byte);
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use booking_conformance::MemoryStore;
    use booking_core::prelude::*;
    use booking_core::{NewToken, Organizer, OrganizerName};
    use uuid::Uuid;

    const GOOD: &str = "org_good";

    async fn token_cache(is_open: bool) -> TokenCache {
        let store = MemoryStore::default();
        if !is_open {
            let name = OrganizerName::parse("Jazz club").expect("a valid name");
            let organizer = Organizer::new(Uuid::nil().into(), name);
            let new = NewToken::new(Uuid::nil().into(), organizer, token_hash(GOOD));
            store.create_token(new).await.expect("it answers").expect("there is room");
        }
        TokenCache::read(&store).await.expect("it answers")
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("a header's value"));
        }
        headers
    }

    /// The caller on a manager's route, on a public one, and on a registration's.
    fn ask(tokens: &TokenCache, values: &[&str]) -> [Result<Caller, AuthError>; 3] {
        let headers = headers(values);
        let asked = [
            OrganizerAuth::of(tokens, &headers),
            OptionalAuth::of(tokens, &headers),
            registration_caller(tokens, &headers),
        ];
        asked.map(|caller| {
            caller.map_err(|error| match error {
                ApiError::Unauthenticated(auth_error) => auth_error,
                other => panic!("{other:?}"),
            })
        })
    }

    #[actix_web::test]
    async fn on_an_open_server_every_caller_is_the_organizer() {
        let tokens = token_cache(true).await;
        let open = Ok(Caller::OpenOrganizer);
        assert_eq!(ask(&tokens, &[]), [open; 3]);
        let attendee = Ok(Caller::Attendee(token_hash("abc-_.~+/=")));
        for header in [
            "Bearer abc-_.~+/=",
            "bearer abc-_.~+/=",
            "BEARER   abc-_.~+/=",
            "Bearer\tabc-_.~+/=",
            " Bearer \t abc-_.~+/= \t",
        ] {
            assert_eq!(ask(&tokens, &[header]), [open, open, attendee], "{header}");
        }
        let unknown = Err(AuthError::UnknownToken);
        assert_eq!(ask(&tokens, &["Bearer org_other"]), [open, open, unknown]);
        assert_eq!(ask(&tokens, &["Basic YTpi"]), [open, open, Err(AuthError::Malformed)]);
    }

    #[actix_web::test]
    async fn once_there_are_tokens_organizers_show_theirs() {
        let tokens = token_cache(false).await;
        let organizer = Ok(Caller::Organizer(Uuid::nil().into()));
        let (anyone, unknown) = (Ok(Caller::Anyone), Err(AuthError::UnknownToken));
        let anonymous = [Err(AuthError::NoToken), anyone, Err(AuthError::NoRegistrationToken)];
        assert_eq!(ask(&tokens, &[]), anonymous);
        assert_eq!(ask(&tokens, &[&format!("Bearer {GOOD}")]), [organizer; 3]);
        assert_eq!(ask(&tokens, &["Bearer org_other"]), [unknown; 3]);
        let attendee = Ok(Caller::Attendee(token_hash("abc")));
        assert_eq!(ask(&tokens, &["Bearer abc"]), [unknown, anyone, attendee]);
    }

    #[test]
    fn a_mailed_links_token_is_recognized_by_its_form() {
        assert!(shows_mail_token(&headers(&["Bearer mlt_abc"])));
        for values in [&["Bearer abc"][..], &["Bearer org_mlt_"], &["mlt_abc"], &[]] {
            assert!(!shows_mail_token(&headers(values)), "{values:?}");
        }
        assert!(!shows_mail_token(&headers(&["Bearer mlt_abc", "Bearer mlt_abc"])));
    }

    #[actix_web::test]
    async fn a_stream_authenticates_its_token_again() {
        let (open, closed) = (token_cache(true).await, token_cache(false).await);
        for (header, later) in [
            (None, Some(Caller::Anyone)),
            (Some("Basic YTpi"), Some(Caller::Anyone)),
            (Some("Bearer abc"), Some(Caller::Anyone)),
            (Some("Bearer org_good"), Some(Caller::Organizer(Uuid::nil().into()))),
            (Some("Bearer org_other"), None),
        ] {
            let auth = StreamAuth::of(&headers(header.as_slice()));
            assert_eq!(auth.caller(&open), Some(Caller::OpenOrganizer), "{header:?}");
            assert_eq!(auth.caller(&closed), later, "{header:?}");
        }
    }

    #[actix_web::test]
    async fn a_malformed_header_authenticates_no_caller() {
        let tokens = token_cache(false).await;
        let malformed = Err(AuthError::Malformed);
        let long = format!("Bearer {}", "a".repeat(TOKEN_BYTES_MAX + 1));
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer =",
            "Bearer a b",
            "Bearer a,b",
            "Basic YTpi",
            "abc",
            &long,
        ] {
            let asked = ask(&tokens, &[header]);
            assert_eq!(asked, [malformed, Ok(Caller::Anyone), malformed], "{header:?}");
        }
        let twice = format!("Bearer {GOOD}");
        let asked = ask(&tokens, &[&twice, &twice]);
        assert_eq!(asked, [malformed, Ok(Caller::Anyone), malformed]);
    }
}
