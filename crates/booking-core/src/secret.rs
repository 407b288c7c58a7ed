use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};

macro_rules! bytes_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes 32 bytes for what they are.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        /// In a time that does not depend on where they differ.
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

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

bytes_newtype!(
    /// The SHA-256 of the token with which somebody manages a registration. The token itself is known
    /// to them alone.
    TokenHash
);

bytes_newtype!(
    /// What an idempotency key is looked up by: a SHA-256 over the caller, the route and the key.
    KeyHash
);

bytes_newtype!(
    /// A SHA-256 over a request's body, to tell another request under the same key.
    Fingerprint
);

bytes_newtype!(
    /// The secret half of a key that tickets are signed with.
    SigningSeed
);
