use crate::{EventCommand, RequestId};
use std::fmt;

/// Who asked for a batch, in few characters: the first request's id and how many other commands there are, `0193…+511`.
/// A format precision cuts the id and nothing else. A batch that no request asked for, as a sweep, has no id.
#[derive(Debug, Clone, Copy)]
pub struct AskedBy<'a> {
    first: Option<&'a RequestId>,
    others: usize,
}

impl<'a> AskedBy<'a> {
    /// The requests behind `batch`.
    pub fn of(batch: &'a [EventCommand]) -> Self {
        let first = batch.iter().find_map(|item| item.request_id.as_ref());
        Self { first, others: batch.len().saturating_sub(1) }
    }

    /// Whether a request asked for it, and not only this program itself.
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
