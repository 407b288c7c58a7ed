//! What went wrong, and what to do about it: the one place that knows SQLSTATEs.

use crate::hosts;
use booking_core::{Invalid, StoreError};
use deadpool_postgres::{HookError, PoolError};
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::error::SqlState;

/// Why a store cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The options cannot be used as they are.
    #[error("the connection options cannot be used")]
    Options(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused the connection: a wrong password, a database that does not exist.
    #[error("the database refused the connection")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database has another password for this user.
    #[error(
        "the database does not take this password; setting another one here changes none there, ALTER ROLE \
         does, and a container of PostgreSQL takes its settings only when it makes its volume"
    )]
    Password(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database did not answer in time.
    #[error("the database could not be reached within {limit:?}")]
    Unreachable {
        /// How long it was waited for.
        limit: Duration,
        /// The last attempt's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A migration failed; the database is as the migration before it left it. Or its tables are those of a
    /// version that this one cannot work with: a [`SchemaError`](booking_core::SchemaError).
    #[error("the database could not be migrated")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A schema could not be created.
    #[error("the schema could not be made")]
    Schema(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The tables could not be checked, or cannot be used.
    #[error("the database's tables cannot be used")]
    Tables(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There are no tables, and none were to be created.
    #[error(
        "the database has no tables of Booking; only serve, migrate and token create make them"
    )]
    NotMigrated,
    /// The tables are older than this program, and were not to be migrated.
    #[error(
        "the database's tables are older than this program, which needs {missing}; bring them up to date with migrate"
    )]
    OutOfDate {
        /// The migrations that are missing, or the rewrite of rows that did not end.
        missing: String,
    },
}

/// Why an attempt at something failed.
#[derive(Debug, Error)]
pub(crate) enum PgError {
    #[error("no connection to the database")]
    Pool(#[source] PoolError),
    /// The server's own answer, without its DETAIL, which quotes rows: this goes into the log.
    #[error("{statement} was refused: {message} (SQLSTATE {})", code.code())]
    Refused {
        statement: &'static str,
        code: SqlState,
        /// The constraint that was broken, or the column that may not be NULL.
        constraint: Option<String>,
        message: String,
    },
    /// The connection broke, or what was received was not PostgreSQL's protocol.
    #[error("{statement} was not answered")]
    Lost {
        statement: &'static str,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("the database did not answer within {0:?}")]
    Timeout(Duration),
    #[error("it was committed, but no synchronous standby is known to have it")]
    Unreplicated,
    #[error("the event was moved to another store, or is on its way here")]
    EventMoving,
    #[error("column {column} holds what it must not")]
    Row {
        column: &'static str,
        #[source]
        source: Invalid,
    },
    /// A column cannot be parsed. Its value is not quoted.
    #[error("column {column} cannot be read")]
    Unreadable { column: &'static str },
}

/// What to do about a failed attempt whose changes are known to be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The attempt conflicted with another transaction, or its connection had died: it may succeed
    /// now.
    TryAgain,
    /// The database cannot serve us at the moment.
    ComeBackLater,
    /// It would fail again.
    Report,
}

impl ConnectError {
    /// Why the database refused the connection.
    pub(crate) fn refused(error: PgError) -> Self {
        match error.connecting_code() {
            Some(&SqlState::INVALID_PASSWORD) => Self::Password(error.into()),
            _ => Self::Refused(error.into()),
        }
    }
}

impl PgError {
    pub(crate) fn new(statement: &'static str, source: tokio_postgres::Error) -> Self {
        match source.as_db_error() {
            None => Self::Lost { statement, source },
            Some(db) => Self::Refused {
                statement,
                code: db.code().clone(),
                constraint: db.constraint().or(db.column()).map(str::to_owned),
                message: db.message().to_owned(),
            },
        }
    }

    /// Whether the server itself reported that the statement failed, so that its transaction is
    /// over.
    pub(crate) fn server_said_no(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::Pool(_) | Self::Timeout(_) | Self::EventMoving => Remedy::ComeBackLater,
            Self::Lost { .. } | Self::Unreplicated => Remedy::TryAgain,
            Self::Refused { code, constraint, .. } => {
                remedy_of(code, constraint.as_deref().map(without_shard))
            }
            Self::Row { .. } | Self::Unreadable { .. } => Remedy::Report,
        }
    }

    /// A server's answer to the request for a connection, if there was one.
    fn connecting_code(&self) -> Option<&SqlState> {
        match self {
            Self::Pool(
                PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)),
            ) => error.code(),
            _ => None,
        }
    }

    /// Whether a server that is starting, or full, or a standby, may be the reason: it is worth waiting
    /// then.
    pub(crate) fn may_be_starting(&self) -> bool {
        match self {
            Self::Refused { code, .. } => hosts::is_passing(code),
            Self::Pool(
                PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)),
            ) => error.code().is_none_or(hosts::is_passing),
            Self::Pool(_)
            | Self::Lost { .. }
            | Self::Timeout(_)
            | Self::Unreplicated
            | Self::EventMoving
            | Self::Row { .. }
            | Self::Unreadable { .. } => true,
        }
    }

    /// Whether the server may be gone, or not the leader any more, so that other connections may be
    /// useless, too.
    pub(crate) fn casts_doubt(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::Timeout(_) => true,
            Self::Refused { code, .. } => [
                SqlState::READ_ONLY_SQL_TRANSACTION,
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
            ]
            .contains(code),
            Self::Pool(_)
            | Self::Unreplicated
            | Self::EventMoving
            | Self::Row { .. }
            | Self::Unreadable { .. } => false,
        }
    }

    /// The error for callers, when nothing was written.
    pub(crate) fn into_store_error(self) -> StoreError {
        match self.remedy() {
            Remedy::TryAgain | Remedy::ComeBackLater => StoreError::unavailable(self),
            Remedy::Report => StoreError::broken(self),
        }
    }
}

/// SQLSTATEs are listed in appendix A of PostgreSQL's manual.
fn remedy_of(code: &SqlState, constraint: Option<&str>) -> Remedy {
    match (code, constraint) {
        (&SqlState::T_R_SERIALIZATION_FAILURE, _)
        | (&SqlState::T_R_DEADLOCK_DETECTED, _)
        | (&SqlState::LOCK_NOT_AVAILABLE, _)
        // This session was ended. If it was the whole server, a new connection will show it.
        | (&SqlState::ADMIN_SHUTDOWN, _)
        | (&SqlState::CRASH_SHUTDOWN, _)
        | (&SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, _)
        // This connection leads to what is a standby by now. Another will lead to the leader.
        | (&SqlState::READ_ONLY_SQL_TRANSACTION, _) => Remedy::TryAgain,
        // Another transaction bypassed the row lock and was faster. The next attempt sees its rows.
        (
            &SqlState::UNIQUE_VIOLATION,
            Some(
                "registrations_pkey"
                | "registrations_live_email"
                | "registrations_event_version"
                | "facts_pkey"
                | "new_facts_pkey",
            ),
        ) => Remedy::TryAgain,
        // The event is not in the version that was decided upon.
        (&SqlState::NOT_NULL_VIOLATION, Some("version")) => Remedy::TryAgain,
        (&SqlState::QUERY_CANCELED | &SqlState::CANNOT_CONNECT_NOW, _) => Remedy::ComeBackLater,
        // Class 08, connection exceptions; class 53, insufficient resources; class 58, system errors
        // (a disk that fails).
        (code, _) if ["08", "53", "58"].iter().any(|class| code.code().starts_with(class)) => {
            Remedy::ComeBackLater
        }
        _ => Remedy::Report,
    }
}

/// The name of a constraint without the number of a shard, which Citus adds.
fn without_shard(constraint: &str) -> &str {
    match constraint.rsplit_once('_') {
        Some((name, shard)) if shard.parse::<u64>().is_ok() => name,
        _ => constraint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Citus keeps a table of a cell as `registrations_102092`, with constraints named alike.
    #[test]
    fn a_shard_breaks_the_constraints_of_its_table() {
        let refused = |constraint: &str| PgError::Refused {
            statement: "registration/insert",
            code: SqlState::UNIQUE_VIOLATION,
            constraint: Some(constraint.to_owned()),
            message: String::new(),
        };
        for known in ["registrations_pkey", "registrations_pkey_102092", "new_facts_pkey_7"] {
            assert!(matches!(refused(known).remedy(), Remedy::TryAgain), "{known}");
        }
        for unknown in ["organizer_tokens_pkey", "organizer_tokens_pkey_102092", "_", ""] {
            assert!(matches!(refused(unknown).remedy(), Remedy::Report), "{unknown}");
        }
    }
}
