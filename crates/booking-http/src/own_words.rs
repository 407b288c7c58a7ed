//! The log says in our own words what happens, and libraries say only what is worth an `info`.
//!
//! What they say beneath that quotes what they were given: the PostgreSQL driver, at `debug`, the parameters
//! of each statement, which are people's addresses; the HTTP server headers that it does not understand.
//! Whatever `RUST_LOG` asks for, that is left out. The lines of this workspace's crates hold nothing of the
//! kind at any level.

use env_logger::{Builder, Logger};
use log::{Level, Log, Metadata, Record};

struct OwnWords(Logger);

/// Logs as `builder` says.
///
/// # Panics
/// If something logs already.
pub fn init(builder: &mut Builder) {
    let logger = builder.build();
    let level = logger.filter();
    log::set_boxed_logger(Box::new(OwnWords(logger))).expect("nothing logs yet");
    log::set_max_level(level);
}

/// Whether a line may hold what somebody sent.
fn may_quote(record: &Record<'_>) -> bool {
    let is_ours = record.module_path().is_some_and(|path| path.starts_with("booking_"));
    record.level() > Level::Info && !is_ours
}

impl Log for OwnWords {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !may_quote(record) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
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
}
