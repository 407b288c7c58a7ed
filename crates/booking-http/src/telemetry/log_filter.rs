//! A filter in front of the log: libraries log at `info` and above, and only this workspace's crates below that.
//!
//! Some libraries quote their input: the PostgreSQL driver, at `debug`, the parameters of each statement, which are
//! people's addresses; the HTTP server headers that it does not understand. Whatever `RUST_LOG` says, those lines
//! are left out. The lines of this workspace's crates hold no such data at any level.
//!
//! Which migrations there are and that none is due is news when a server is started or a store migrated; for any
//! other command, such as one for a token, it is noise in front of the output.

use crate::telemetry::log_format::ACCESS;
use env_logger::{Builder, Logger};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// The targets that log migrations.
const MIGRATORS: [&str; 3] = ["refinery_core", "booking_sqlite::migrate", "booking_pg::migrate"];

/// The targets of lines: requests, this workspace's crates, and the libraries that are known to log.
const TARGETS: [&str; 15] = [
    ACCESS,
    "booking_admission",
    "booking_core",
    "booking_http",
    "booking_pg",
    "booking_sqlite",
    "actix_cors",
    "actix_http",
    "actix_server",
    "actix_web",
    "deadpool",
    "mio",
    "refinery_core",
    "rustls",
    "tokio_postgres",
];

struct LogFilter {
    logger: Logger,
    /// The least level at which migrations are logged.
    migrations: LevelFilter,
}

/// Logs as `builder` says, and what migrations do only if that `logs_migrations`.
///
/// # Panics
/// If something logs already.
pub fn init(builder: &mut Builder, logs_migrations: bool) {
    let logger = builder.build();
    let level = logger.filter();
    let migrations = if logs_migrations { LevelFilter::Trace } else { LevelFilter::Warn };
    log::set_boxed_logger(Box::new(LogFilter { logger, migrations })).expect("nothing logs yet");
    log::set_max_level(level);
}

/// Why `env_logger` could not read a filter: it would skip that part, and continue.
pub(crate) fn fault(filter: &str) -> Option<&'static str> {
    let (_, text) = filter.split_once('/').unwrap_or((filter, ""));
    let is_level = |level: &str| level.is_empty() || level.parse::<LevelFilter>().is_ok();
    let is_good = |directive: &str| {
        let level = directive.split_once('=').map(|(_, level)| level.trim());
        level.is_none_or(is_level)
    };
    let is_read = !text.contains('/') && directives(filter).all(is_good);
    (!is_read).then_some(
        "is not made of levels (off, error, warn, info, debug, trace) and of MODULE=LEVEL, by comma",
    )
}

/// Reports each target in a filter that no known crate logs to. Where it is all there is, as a misspelt level,
/// nothing is logged, and so this is printed beside the log.
pub fn warn_of_unknown_names(filter: &str) {
    for name in unknown_names(filter) {
        let warning = format!(
            "RUST_LOG: {name:?} is neither a level nor a module from which anything is known to be logged"
        );
        match log::log_enabled!(Level::Warn) {
            true => log::warn!("{warning}"),
            false => eprintln!("booking-http: {warning}"),
        }
    }
}

fn unknown_names(filter: &str) -> impl Iterator<Item = &str> {
    let names = directives(filter).map(|directive| directive.split('=').next().unwrap_or_default());
    // As the filter matches it: a target stands for all that begin with it.
    let is_known = |name: &str| {
        let is_in = |rest: &str| rest.starts_with("::");
        TARGETS
            .iter()
            .any(|target| target.starts_with(name) || name.strip_prefix(target).is_some_and(is_in))
    };
    names.filter(move |&name| !is_known(name) && name.parse::<LevelFilter>().is_err())
}

/// The parts of a filter. The text behind a slash must be in the lines.
fn directives(filter: &str) -> impl Iterator<Item = &str> {
    let directives = filter.split('/').next().unwrap_or_default();
    directives.split(',').map(str::trim).filter(|directive| !directive.is_empty())
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
    fn an_invalid_filter_is_reported() {
        for good in [
            "info",
            "WARN",
            "off",
            "info,access=off",
            " info , access = debug ,",
            "booking_pg::execute=trace,warn",
            "access=",
            "info/slow",
            "wran",
            "",
        ] {
            assert_eq!(fault(good), None, "{good:?}");
        }
        for bad in ["info,access=maybe", "access=wran", "a=b=info", "a=info=", "info/a/b"] {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn unknown_targets_are_reported() {
        let unknown = |filter| unknown_names(filter).collect::<Vec<_>>();
        let none: [&str; 0] = [];
        for filter in [
            "info",
            "Debug",
            "info,access=off",
            "warn,booking=debug",
            "booking_http::edge=debug,booking_sqlite",
            "rustls::client=debug,actix=warn",
            "info/text",
            "",
        ] {
            assert_eq!(unknown(filter), none, "{filter:?}");
        }
        assert_eq!(unknown("wran"), ["wran"]);
        assert_eq!(
            unknown("info, accesss=off,booking_htpp,access =off"),
            ["accesss", "booking_htpp", "access "]
        );
        assert_eq!(unknown("booking_httpx=info"), ["booking_httpx"]);
    }

    #[test]
    fn lines_about_migrations_are_recognized_by_target() {
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
