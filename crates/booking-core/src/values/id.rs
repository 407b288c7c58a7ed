use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Reads the two forms of a UUID's text that are nothing but its digits, with and without hyphens.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_plain.then(|| Uuid::try_parse(text).ok())?
}

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id as a plain UUID, for drivers and wire formats.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            /// Reads the hyphenated text form of RFC 9562 or the same without hyphens, and no other.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_uuid(text).map(Self).ok_or(Invalid::NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_newtype!(
    /// Names an event. A UUIDv7 (RFC 9562, section 5.7) by convention, so that rows made together
    /// lie together.
    EventId
);

uuid_newtype!(
    /// Names an organizer.
    OrganizerId
);

uuid_newtype!(
    /// Names an organizer's token, without being one: whoever knows it can revoke the token, and not use
    /// it.
    TokenId
);

uuid_newtype!(
    /// Names a registration, and with it the command that made it: the same id asked for again is
    /// answered as the success that it was. Chosen by the caller, a UUIDv7 by convention.
    RegistrationId
);
