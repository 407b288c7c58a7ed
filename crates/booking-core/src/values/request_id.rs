use crate::Invalid;
use std::fmt;
use std::sync::Arc;

/// Identifies a request from the edge to the database, so that an entry of one log can be found in the others: 1 to
/// [`RequestId::BYTES_MAX`] of `A-Z a-z 0-9 - _ . :`. It is safe in headers, log lines and SQL literals as it is. No
/// decision depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The longest id, in bytes.
    pub const BYTES_MAX: usize = 128;

    /// Accepts `raw` if it is valid.
    ///
    /// # Errors
    /// [`Invalid::NotARequestId`].
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        match (1..=Self::BYTES_MAX).contains(&raw.len()) && raw.bytes().all(is_sane) {
            true => Ok(Self(raw.into())),
            false => Err(Invalid::NotARequestId),
        }
    }

    /// The id as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_safe_in_a_header_a_log_and_sql() {
        let longest = "a".repeat(RequestId::BYTES_MAX);
        for good in ["a", "0193-AZ_az.09:", &longest] {
            assert_eq!(RequestId::parse(good).map(|id| id.to_string()).as_deref(), Ok(good));
        }
        let too_long = "a".repeat(RequestId::BYTES_MAX + 1);
        for bad in ["", "a b", "a'b", "a\nb", "a\\b", "é", "a\0", "a/b", &too_long] {
            assert_eq!(RequestId::parse(bad), Err(Invalid::NotARequestId), "{bad:?}");
        }
    }
}
