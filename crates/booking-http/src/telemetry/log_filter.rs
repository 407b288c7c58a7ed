//! A filter in front of the log: libraries log at `info` and above, and only this workspace's crates below that.
//!
//! What they say beneath that quotes what they were given: the PostgreSQL driver, at `debug`, the parameters
//! of each statement, which are people's addresses; the HTTP server headers that it does not understand.
//! Whatever `RUST_LOG` asks for, that is left out. The lines of this workspace's crates hold nothing of the
//! kind at any level.
//!
//! Which migrations there are and that none is due is news when a server is started or a store migrated; where
//! anything else was asked for, such as a token, it is noise in front of the answer.

use env_logger::{Builder, Logger};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// Who tells of migrations.
const MIGRATORS: [&str; 3] = ["refinery_core", "booking_sqlite::migrate", "booking_pg::migrate"];

struct LogFilter {
    logger: Logger,
    /// The least that is told of migrations.
    migrations: LevelFilter,
}

/// Logs as `builder` says, and what migrations do only if that `tells_migrations`.
///
/// # Panics
/// If something logs already.
pub fn init(builder: &mut Builder, tells_migrations: bool) {
    let logger = builder.build();
    let level = logger.filter();
    let migrations = if tells_migrations { LevelFilter::Trace } else { LevelFilter::Warn };
    log::set_boxed_logger(Box::new(LogFilter { logger, migrations })).expect("nothing logs yet");
    log::set_max_level(level);
}

/// Whether a line may quote input.
fn may_quote(record: &Record<'_>) -> bool {
    let is_ours = record.module_path().is_some_and(|path| path.starts_with("booking_"));
    record.level() > Level::Info && !is_ours
}

/// Whether a line is about migrations.
fn is_of_migrations(record: &Record<'_>) -> bool {
    let is_in = |path: &str, module: &str| {
        path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let path = record.module_path().unwrap_or_default();
    MIGRATORS.iter().any(|module| is_in(path, module))
}

impl Log for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let is_noise = record.level() > self.migrations && is_of_migrations(record);
        if !is_noise && !may_quote(record) {
            self.logger.log(record);
        }
    }

    fn flush(&self) {
        self.logger.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_lines_go_into_detail() {
        let quoting = |level, module: &'static str| {
            may_quote(&Record::builder().level(level).module_path_static(Some(module)).build())
        };
        assert!(quoting(Level::Debug, "tokio_postgres::query"));
        assert!(quoting(Level::Trace, "actix_http::h1::decoder"));
        assert!(!quoting(Level::Info, "actix_server::builder"));
        assert!(!quoting(Level::Error, "tokio_postgres::query"));
        assert!(!quoting(Level::Trace, "booking_pg::execute"));
        assert!(may_quote(&Record::builder().level(Level::Debug).build()), "whoever says it");
    }

    #[test]
    fn what_is_about_migrations_is_known_by_who_says_it() {
        let is_of_migrations = |module: &'static str| {
            is_of_migrations(&Record::builder().module_path_static(Some(module)).build())
        };
        assert!(is_of_migrations("refinery_core::traits::async"));
        assert!(is_of_migrations("booking_sqlite::migrate"));
        assert!(!is_of_migrations("booking_sqlite::migrates"));
        assert!(!is_of_migrations("booking_pg::store"));
        assert!(!is_of_migrations(""));
    }
}
