//! Who asks: the bearer of a registration's token, or else the organizer, since the server is open.

use crate::problem::ApiError;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use booking_core::{Caller, TokenHash};
use sha2::{Digest, Sha256};

/// The longest token that is looked at, in bytes; ours have 43.
const TOKEN_BYTES_MAX: usize = 512;

/// Who asks, by the `Authorization` header (RFC 6750, section 2.1).
///
/// # Errors
/// [`ApiError::Unauthenticated`] for a header of another form. Whether a token is the right one is
/// found out where the registration is.
pub(crate) fn caller(headers: &HeaderMap) -> Result<Caller, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(Caller::Organizer) };
    let token = value.to_str().ok().and_then(bearer).filter(|_| values.next().is_none());
    token.map(|token| Caller::Attendee(token_hash(token))).ok_or(ApiError::Unauthenticated)
}

/// The hash of whatever token the request shows, if there is one in the form of one.
pub(crate) fn bearer_hash(headers: &HeaderMap) -> Option<TokenHash> {
    headers.get(AUTHORIZATION)?.to_str().ok().and_then(bearer).map(token_hash)
}

/// What is kept of a token, and compared.
pub(crate) fn token_hash(token: &str) -> TokenHash {
    TokenHash::new(Sha256::digest(token).into())
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_start_matches(' ');
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

    fn ask(values: &[&str]) -> Result<Caller, ApiError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("a header's value"));
        }
        caller(&headers)
    }

    #[test]
    fn without_a_token_it_is_the_organizer_who_asks() {
        assert_eq!(ask(&[]).ok(), Some(Caller::Organizer));
        let attendee = Caller::Attendee(token_hash("abc-_.~+/="));
        for header in ["Bearer abc-_.~+/=", "bearer abc-_.~+/=", "BEARER   abc-_.~+/="] {
            assert_eq!(ask(&[header]).ok(), Some(attendee), "{header}");
        }
        assert_ne!(attendee, Caller::Attendee(token_hash("abc-_.~+/")));
    }

    #[test]
    fn a_header_of_another_form_names_nobody() {
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
            assert!(matches!(ask(&[header]), Err(ApiError::Unauthenticated)), "{header:?}");
        }
        assert!(ask(&["Bearer a", "Bearer a"]).is_err());
    }
}
