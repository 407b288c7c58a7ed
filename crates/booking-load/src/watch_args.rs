//! What `booking-load watch` takes.

use booking_load::client::Limits;
use booking_load::token::OrganizerToken;
use booking_load::watch::WatchOptions;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct WatchArgs {
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A file with an organizer's token, for servers that are not open; else BOOKING_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How many watch; 0 for the same sale unwatched.
    #[arg(long, default_value_t = 20_000)]
    watchers: u32,
    /// Capacity of the event.
    #[arg(long, default_value_t = 100_000)]
    seats: u32,
    /// How many register at once, each on a connection of its own.
    #[arg(long, default_value_t = 100)]
    concurrency: usize,
    /// How long they go on, unless the seats are gone before.
    #[arg(long, default_value_t = 20)]
    sale_seconds: u64,
    /// The server's process, on this machine, to look at its memory.
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// How long one answer may take.
    #[arg(long, default_value_t = 10)]
    answer_timeout_seconds: u64,
}

impl WatchArgs {
    pub(crate) fn options(self) -> anyhow::Result<WatchOptions> {
        Ok(WatchOptions {
            token: OrganizerToken::find(self.token_file.as_deref())?,
            url: self.url,
            watchers: self.watchers,
            seats: self.seats,
            concurrency: self.concurrency,
            sale: Duration::from_secs(self.sale_seconds),
            server_pid: self.server_pid,
            limits: Limits {
                answer: Duration::from_secs(self.answer_timeout_seconds),
                ..Limits::default()
            },
        })
    }
}
