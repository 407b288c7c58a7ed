use crate::{EventCommand, Invalid};
use std::fmt;
use std::sync::Arc;

/// Names a request from the edge to the database, so that what is found in one log can be looked for in
/// the others: 1 to [`RequestId::BYTES_MAX`] of `A-Z a-z 0-9 - _ . :`. It is fit for headers, log lines
/// and SQL literals as it is. Nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The longest id, in bytes.
    pub const BYTES_MAX: usize = 128;

    /// Takes `raw` if it is one.
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

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who asked for a batch, in few characters: the first request's id and how many commands there are
/// beside its own, `0193…+511`. A precision cuts the id and nothing else. What nobody asked for, as a
/// sweep, has no id.
#[derive(Debug, Clone, Copy)]
pub struct AskedBy<'a> {
    first: Option<&'a RequestId>,
    others: usize,
}

impl<'a> AskedBy<'a> {
    /// Who asked for `batch`.
    pub fn of(batch: &'a [EventCommand]) -> Self {
        let first = batch.iter().find_map(|item| item.request_id.as_ref());
        Self { first, others: batch.len().saturating_sub(1) }
    }

    /// Whether a request asked, and not only this program itself.
    pub fn is_known(&self) -> bool {
        self.first.is_some()
    }
}

impl fmt::Display for AskedBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, f.precision()) {
            (Some(id), Some(precision)) => write!(f, "{id:.precision$}")?,
            (Some(id), None) => write!(f, "{id}")?,
            (None, _) => f.write_str("-")?,
        }
        match self.others {
            0 => Ok(()),
            others => write!(f, "+{others}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Caller, Command};
    use uuid::Uuid;

    #[test]
    fn an_id_is_fit_for_a_header_a_log_and_sql() {
        let longest = "a".repeat(RequestId::BYTES_MAX);
        for good in ["a", "0193-AZ_az.09:", &longest] {
            assert_eq!(RequestId::parse(good).map(|id| id.to_string()).as_deref(), Ok(good));
        }
        let too_long = "a".repeat(RequestId::BYTES_MAX + 1);
        for bad in ["", "a b", "a'b", "a\nb", "a\\b", "é", "a\0", "a/b", &too_long] {
            assert_eq!(RequestId::parse(bad), Err(Invalid::NotARequestId), "{bad:?}");
        }
    }

    #[test]
    fn a_batch_is_named_by_its_first_request() {
        let item = |id: Option<&str>| {
            EventCommand::new(Uuid::nil().into(), Caller::Operator, Command::Settle)
                .with_request_id(id.map(|id| RequestId::parse(id).expect("valid")))
        };
        let batch = [item(None), item(Some("first")), item(Some("second"))];
        assert_eq!(AskedBy::of(&batch).to_string(), "first+2");
        assert_eq!(format!("{:.3}", AskedBy::of(&batch)), "fir+2");
        assert_eq!(AskedBy::of(&batch[1..2]).to_string(), "first");
        assert_eq!(AskedBy::of(&batch[..1]).to_string(), "-");
        assert!(!AskedBy::of(&batch[..1]).is_known() && AskedBy::of(&batch).is_known());
    }
}
