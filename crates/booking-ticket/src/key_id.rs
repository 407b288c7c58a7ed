use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The bytes of a [`KeyId`].
pub const KEY_ID_BYTES: usize = 8;

const HEX_DIGITS: usize = 2 * KEY_ID_BYTES;

/// Names a public key: the first [`KEY_ID_BYTES`] bytes of SHA-256 (RFC 6234) of its 32 bytes. As
/// text, and in JSON, it is 16 lower-case hexadecimal digits.
///
/// It only selects a key, and proves nothing.
///
/// ```
/// # use booking_ticket::KeyId;
/// let id: KeyId = "0123456789abcdef".parse()?;
/// assert_eq!(id.as_bytes(), &[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
/// assert_eq!(id.to_string(), "0123456789abcdef");
/// # Ok::<(), booking_ticket::InvalidKeyId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// The id as it is in a ticket.
    pub const fn as_bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }
}

impl From<[u8; KEY_ID_BYTES]> for KeyId {
    fn from(bytes: [u8; KEY_ID_BYTES]) -> Self {
        Self(bytes)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    /// Reads what `Display` writes, and no other form of it.
    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != HEX_DIGITS || !text.bytes().all(is_digit) {
            return Err(InvalidKeyId);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| InvalidKeyId)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0HEX_DIGITS$x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no [`KeyId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 16 lower-case hexadecimal digits")]
pub struct InvalidKeyId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_text() {
        let id = KeyId::from([0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff]);
        assert_eq!(id.to_string(), "00010203fcfdfeff");
        assert_eq!("00010203fcfdfeff".parse(), Ok(id));
        for text in [
            "",
            "00010203fcfdfef",
            "00010203fcfdfeff0",
            "00010203FCFDFEFF",
            "+0010203fcfdfeff",
            "0x010203fcfdfeff",
            " 0010203fcfdfeff",
            "00010203fcfdfegg",
            "00010203fcfdfeé",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(InvalidKeyId), "{text}");
        }
    }
}
