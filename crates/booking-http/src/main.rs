//! The program. See `booking-http --help`.

use booking_http::cli::Arguments;
use booking_http::config;
use booking_http::telemetry::log_filter;
use clap::Parser;
use std::process::ExitCode;

/// A twentieth more seats a second than with the system's (crates/booking-bench/README.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match config::Config::from_env() {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("booking-http: the configuration cannot be used:");
            for error in errors {
                eprintln!("  {error}");
            }
            return ExitCode::from(2);
        }
    };
    let mut log = env_logger::Builder::new();
    config.log_format.apply(log.parse_filters(&config.log_filter));
    log_filter::init(&mut log, arguments.logs_migrations());
    log_filter::warn_of_unknown_names(&config.log_filter);
    match arguments.run(&config).await {
        Ok(code) => code,
        Err(error) => {
            // The whole chain, once, here at the top.
            eprintln!("booking-http: {error:#}");
            ExitCode::FAILURE
        }
    }
}
