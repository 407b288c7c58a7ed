//! Commits that let go of their rows before they are safe, and what may not be told until they are.
//!
//! With [`PgOptions::early_release`](crate::PgOptions::early_release) a batch commits with `synchronous_commit = off`: its
//! locks are gone as soon as its commit is in the log, which keeps the order, and nobody waits for the disk or a standby
//! with an event's row in hand. Behind that COMMIT, without waiting for its answer, the same session commits once more, as
//! safely as the server is set up to ([`MARK`]). Its answer says that the log up to there is where it has to be, so that the
//! batch is safe, and everything that it can have seen. Nothing is told before.
//!
//! That it is the same session is what makes this a proof. A session is of one server, and ends with the shared memory in
//! which what is not flushed is: no answer of it can be about another server's log, or about one that has lost its end.

use crate::connection::Lease;
use crate::error::PgError;
use futures_util::future::join;
use std::sync::{Mutex, PoisonError};
use tokio_postgres::SimpleQueryMessage;

/// A transaction that writes next to nothing and commits by itself, as safely as the server is set up to; it tells its own
/// number, what it saw when it began, and whose server it is.
const MARK: &str = "SELECT pg_postmaster_start_time(), pg_current_snapshot(), pg_current_xact_id() \
                    FROM pg_logical_emit_message(true, 'booking', '')";
/// What can be seen, and on which server. One that follows another shows what is in its own log already.
const LOOK: &str = "SELECT pg_postmaster_start_time(), pg_current_snapshot(), pg_is_in_recovery()";

/// Begins a transaction that is to let go of its rows early.
const EARLY: &str = "; SET LOCAL synchronous_commit = off";

/// How a store commits its batches, and what it knows to be safe.
#[derive(Debug, Default)]
pub(crate) struct Flush {
    releases_early: bool,
    safe: Mutex<Safe>,
    #[cfg(feature = "negative-control")]
    flaw: Option<EarlyFlaw>,
}

/// What a store that releases early does wrong, for the tests, which must catch it.
#[cfg(feature = "negative-control")]
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlyFlaw {
    /// It answers when the commit is in the log, wherever that is.
    AnswersAtOnce,
    /// It shows readers what is not safe yet.
    ShowsAtOnce,
    /// It takes a wait for the standby that was broken off for one that came to its end.
    TrustsBrokenOff,
}

impl Flush {
    pub(crate) fn new(releases_early: bool) -> Self {
        Self { releases_early, ..Self::default() }
    }

    #[cfg(feature = "negative-control")]
    pub(crate) fn set_flaw(&mut self, flaw: EarlyFlaw) {
        self.flaw = Some(flaw);
    }

    #[cfg(feature = "negative-control")]
    fn has_flaw(&self, flaw: EarlyFlaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Whether rows are let go before what was written is safe.
    pub(crate) fn releases_early(&self) -> bool {
        self.releases_early
    }

    /// What goes behind BEGIN, in the same message.
    pub(crate) fn beginning(&self) -> &'static str {
        if self.releases_early { EARLY } else { "" }
    }

    /// Ends a transaction that may have written, by COMMIT or ROLLBACK: when this is done everything is safe that it wrote or
    /// saw. `released` is called when its rows are free, if that is before. All is sent when this is first polled.
    pub(crate) async fn end(
        &self,
        connection: &Lease,
        how: &'static str,
        released: impl FnOnce(),
    ) -> Result<(), PgError> {
        let ended = connection.committing(connection.command(how));
        if !self.releases_early {
            return ended.await;
        }
        #[cfg(feature = "negative-control")]
        if self.has_flaw(EarlyFlaw::AnswersAtOnce) {
            return ended.await;
        }
        let ended = async {
            let ended = ended.await;
            if ended.is_ok() {
                released();
            }
            ended
        };
        let (ended, marked) = join(ended, self.mark(connection)).await;
        ended?;
        marked
    }

    /// Waits until everything is safe that can be seen on a connection, outside of a transaction: for whoever has seen it and
    /// is about to tell. Nothing needs to be waited for where rows are let go only then, or nothing has ended since the
    /// last that was found safe.
    pub(crate) async fn confirm(&self, connection: &Lease) -> Result<(), PgError> {
        if !self.releases_early {
            return Ok(());
        }
        #[cfg(feature = "negative-control")]
        if self.has_flaw(EarlyFlaw::ShowsAtOnce) {
            return Ok(());
        }
        let seen = told(connection, LOOK).await?;
        let follows_another = seen.third == "t";
        if follows_another || self.lock().covers(&seen) {
            return Ok(());
        }
        self.mark(connection).await
    }

    async fn mark(&self, connection: &Lease) -> Result<(), PgError> {
        #[cfg(feature = "negative-control")]
        if self.has_flaw(EarlyFlaw::TrustsBrokenOff) {
            return told(connection, MARK).await.map(drop);
        }
        let marked = connection.committing(told(connection, MARK)).await?;
        self.lock().note(marked);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Safe> {
        self.safe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    /// When it was started, which no two servers have in common.
    server: String,
    /// The first transaction that had not ended, or began later; and the first that was not known yet.
    oldest: u64,
    next: u64,
    /// What else was asked.
    third: String,
}

/// Asks one of the two questions. It is sent when this is first polled.
async fn told(connection: &Lease, sql: &'static str) -> Result<Told, PgError> {
    const NAME: &str = "session/flush";
    let messages = connection.simple_query(sql).await;
    let messages = messages.map_err(|source| PgError::new(NAME, source))?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some([row.get(0)?, row.get(1)?, row.get(2)?]),
        _ => None,
    });
    let [server, snapshot, third] = row.ok_or(PgError::Unreadable { column: NAME })?;
    Told::read(server, snapshot, third).ok_or(PgError::Unreadable { column: NAME })
}

impl Told {
    /// A snapshot is written `oldest:next:` and the ones in between that are under way.
    fn read(server: &str, snapshot: &str, third: &str) -> Option<Self> {
        let mut parts = snapshot.split(':');
        let (oldest, next) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { server: server.to_owned(), oldest, next, third: third.to_owned() })
    }
}

/// Which transactions of a server are safe as far as is known: all before this one have ended, and the log has been confirmed
/// since.
///
/// After a crash the server goes on with numbers that are not before this, since the one that was confirmed last is in the log.
/// Another server may have used the same numbers for something else, and is told apart.
#[derive(Debug, Default)]
struct Safe {
    server: String,
    before: u64,
}

impl Safe {
    /// Whether there is nothing to be seen but what is safe.
    fn covers(&self, seen: &Told) -> bool {
        self.server == seen.server && seen.next <= self.before
    }

    /// A transaction was confirmed. If everything before it had ended when it began, it was confirmed with it.
    fn note(&mut self, marked: Told) {
        let Ok(number) = marked.third.parse::<u64>() else { return };
        let all_had_ended = marked.oldest == marked.next && marked.next == number;
        let is_newer = self.server != marked.server || self.before <= number;
        if all_had_ended && is_newer {
            *self = Self { server: marked.server, before: number + 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(server: &str, snapshot: &str, third: &str) -> Told {
        Told::read(server, snapshot, third).expect("as PostgreSQL writes it")
    }

    /// What is known after these marks.
    fn after(marks: &[(&str, &str, &str)]) -> Safe {
        let mut safe = Safe::default();
        for (server, snapshot, number) in marks {
            safe.note(told(server, snapshot, number));
        }
        safe
    }

    #[test]
    fn what_ended_before_the_mark_is_safe_and_nothing_that_ends_later() {
        let safe = after(&[("one", "7:7:", "7")]);
        assert!(safe.covers(&told("one", "7:7:", "f")), "what the mark saw");
        assert!(safe.covers(&told("one", "8:8:", "f")), "with the mark itself");
        assert!(!safe.covers(&told("one", "8:9:", "f")), "number 8 may have ended since");
        assert!(!Safe::default().covers(&told("one", "3:3:", "f")), "nobody has looked");
    }

    #[test]
    fn a_mark_beside_others_says_nothing_of_those_that_end_later() {
        for (snapshot, number) in [("5:7:5", "7"), ("6:6:", "7"), ("5:9:5,7", "9")] {
            let safe = after(&[("one", snapshot, number)]);
            assert!(!safe.covers(&told("one", "5:5:", "f")), "{snapshot}");
        }
    }

    #[test]
    fn numbers_of_another_server_are_other_transactions() {
        let mut safe = after(&[("one", "7:7:", "7")]);
        assert!(!safe.covers(&told("two", "3:3:", "f")));
        safe.note(told("two", "4:4:", "4"));
        assert!(safe.covers(&told("two", "5:5:", "f")) && !safe.covers(&told("one", "5:5:", "f")));
    }

    #[test]
    fn an_answer_that_comes_late_takes_nothing_back() {
        let safe = after(&[("one", "9:9:", "9"), ("one", "7:7:", "7")]);
        assert!(safe.covers(&told("one", "10:10:", "f")));
    }

    #[test]
    fn what_is_no_snapshot_is_not_taken_for_one() {
        for text in ["", "7", "7:", "a:7:", ":7:"] {
            assert_eq!(Told::read("one", text, "f"), None, "{text}");
        }
    }
}
