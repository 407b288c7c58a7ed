//! Why a caller could not be authenticated.

use thiserror::Error;

/// Why a caller could not be authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum AuthError {
    #[error("this needs an organizer's token, as Authorization: Bearer and the token")]
    NoToken,
    #[error(
        "this needs the registration's manage_token or its organizer's token, as Authorization: \
         Bearer and the token"
    )]
    NoRegistrationToken,
    #[error("the Authorization header must be Bearer and one token")]
    Malformed,
    #[error("this organizer's token is not known, or was revoked")]
    UnknownToken,
}

impl AuthError {
    /// The challenge that goes with it (RFC 6750, section 3).
    pub(crate) const fn challenge(self) -> &'static str {
        match self {
            Self::NoToken | Self::NoRegistrationToken | Self::Malformed => "Bearer",
            Self::UnknownToken => "Bearer error=\"invalid_token\"",
        }
    }
}
