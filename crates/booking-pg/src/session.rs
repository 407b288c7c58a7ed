//! The name of a transaction for an operator of PostgreSQL: in `pg_stat_activity`, and `%a` in its log
//! lines.

use booking_core::AskedBy;
use std::borrow::Cow;
use tokio_postgres::Config;

/// The longest `application_name` (`NAMEDATALEN` − 1), in bytes. PostgreSQL truncates a longer one.
const NAME_BYTES_MAX: usize = 63;
/// The longest part that is used of our own name, and of a request's id. A UUID has 36 characters,
/// and a batch of 10,000 commands, the most that can be set, adds `+9999`.
const PREFIX_BYTES_MAX: usize = 16;
const ID_BYTES_MAX: usize = 40;
const _: () = assert!(PREFIX_BYTES_MAX + " ".len() + ID_BYTES_MAX + "+9999".len() < NAME_BYTES_MAX);

/// The name of our sessions.
pub(crate) struct SessionName(String);

impl SessionName {
    /// The name that `config` gives them, without characters that a literal must not have.
    pub(crate) fn of(config: &Config) -> Self {
        let name = config.get_application_name().unwrap_or_default().chars();
        let fit = name.filter(|c| c.is_ascii_alphanumeric() || "-_.:".contains(*c));
        Self(fit.take(PREFIX_BYTES_MAX).collect())
    }

    /// `begin`, and the transaction named after the first request of its batch, in one message: it takes
    /// no round trip. The name ends with the transaction, so that a pooler may give the session to
    /// another client. 20,000 empty transactions took a backend 1.0 s of CPU with it and without.
    pub(crate) fn begin(&self, begin: &'static str, asked_by: AskedBy<'_>) -> Cow<'static, str> {
        match asked_by.is_known() {
            // Neither has a character that could end the literal.
            true => format!(
                "{begin}; SET LOCAL application_name = '{} {asked_by:.ID_BYTES_MAX$}'",
                self.0
            )
            .into(),
            false => begin.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Caller, Command, EventCommand, RequestId};
    use uuid::Uuid;

    fn batch(id: &str, commands: usize) -> Vec<EventCommand> {
        let id = RequestId::parse(id).expect("valid");
        let item = EventCommand::new(Uuid::nil().into(), Caller::Operator, Command::Settle);
        vec![item.with_request_id(Some(id)); commands]
    }

    #[test]
    fn a_session_name_is_never_truncated_and_ends_no_literal() {
        let mut config = Config::new();
        config.application_name("it's; booking on a very long host");
        let name = SessionName::of(&config);
        let batch = batch(&"r".repeat(RequestId::BYTES_MAX), 10_000);
        let begin = name.begin("BEGIN", AskedBy::of(&batch));
        let literal = begin.strip_prefix("BEGIN; SET LOCAL application_name = '");
        let literal = literal.and_then(|rest| rest.strip_suffix('\'')).expect("a literal");
        assert_eq!(literal, format!("itsbookingonaver {}+9999", "r".repeat(ID_BYTES_MAX)));
        assert!(literal.len() <= NAME_BYTES_MAX, "{literal}");
    }

    #[test]
    fn a_batch_without_requests_has_no_name() {
        let sweep = [EventCommand::new(Uuid::nil().into(), Caller::Operator, Command::Settle)];
        let begin = SessionName::of(&Config::new()).begin("BEGIN", AskedBy::of(&sweep));
        assert_eq!(begin, "BEGIN");
    }
}
