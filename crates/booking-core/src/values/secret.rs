use chrono::TimeDelta;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};

struct Hexadecimal<'a>(&'a [u8; 32]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn bytes_of(hexadecimal: &str) -> Option<[u8; 32]> {
    let digits = hexadecimal.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(bytes)
}

macro_rules! bytes_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A secret of these 32 bytes.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        /// Compares in constant time.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.iter().zip(&other.0).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        /// As 64 hexadecimal digits.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(&Hexadecimal(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(from)?;
                bytes_of(&text).map(Self).ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

bytes_newtype!(
    /// The SHA-256 of the token with which an attendee manages a registration. Only the attendee has the token itself.
    TokenHash
);

bytes_newtype!(
    /// The lookup key of an idempotency key: a SHA-256 over the caller, the route and the key.
    KeyHash
);

bytes_newtype!(
    /// A SHA-256 over a request's body, to recognize another request under the same key.
    Fingerprint
);

bytes_newtype!(
    /// The secret half of a key that tickets are signed with.
    SigningSeed
);

bytes_newtype!(
    /// The secret that signs an endpoint's webhooks: its owner and the servers know it.
    EndpointSecret
);

bytes_newtype!(
    /// The public half of a key that tickets are signed with.
    TicketKey
);

impl TicketKey {
    /// How long after a server has shown it other servers accept its signatures, too: a day.
    pub const KEPT: TimeDelta = TimeDelta::hours(24);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let hash = TokenHash::new(std::array::from_fn(|at| (at * 7 + 1) as u8));
        let json = serde_json::to_string(&hash).expect("it can be written");
        assert_eq!(json.len(), 66);
        assert_eq!(serde_json::from_str::<TokenHash>(&json).ok(), Some(hash));
        for text in ["\"\"", "\"00\"", &json.replace('0', "g"), "7"] {
            assert!(serde_json::from_str::<TokenHash>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn token_hashes_are_compared_and_never_shown() {
        let (one, other) = (TokenHash::new([1; 32]), TokenHash::new([2; 32]));
        assert_eq!(one, TokenHash::new([1; 32]));
        assert_ne!(one, other);
        assert_eq!(format!("{one:?}"), "TokenHash(…)");
    }
}
