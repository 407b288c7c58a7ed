//! Batch sizes, concurrency limits and polling intervals of delivery.

use std::time::Duration;

/// How often new facts are polled for when no hint comes.
pub const ROUTE_EVERY: Duration = Duration::from_millis(100);
/// How long new facts are collected before they are routed together.
pub const ROUTE_PAUSE: Duration = Duration::from_millis(20);
/// The least time to collect, as a multiple of how long the last routing took, up to [`ROUTE_PAUSE_MAX`]: while a
/// sale keeps the store busy, routing and what follows from it take a small part of its time.
pub const ROUTE_PAUSE_FACTOR: u32 = 4;
/// See [`ROUTE_PAUSE_FACTOR`].
pub const ROUTE_PAUSE_MAX: Duration = Duration::from_millis(100);
/// The same where there is no sink: a sale must not pay for that.
pub const ROUTE_PAUSE_NO_SINKS: Duration = Duration::from_secs(1);
/// How often to look for lanes and mails that are due by time, or that other servers have made due.
pub const CLAIM_EVERY: Duration = Duration::from_millis(250);
/// How often the endpoints are read. A lane for a new endpoint is created at once; this is its longest wait.
pub const ENDPOINTS_EVERY: Duration = Duration::from_secs(1);
/// How often a worker renews its lease, well before that ends.
pub const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How often old records are looked for.
pub const PURGE_EVERY: Duration = Duration::from_secs(600);
/// How often a server records that it sends mail.
pub const SHOW_MAIL_EVERY: Duration = Duration::from_secs(60);
/// How often events with due reminders are looked for.
pub const REMIND_EVERY: Duration = Duration::from_secs(30);
/// The pause after the store failed.
pub const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The active lanes of one endpoint: events whose messages go out side by side.
pub const LANES_PER_ENDPOINT: usize = 64;
/// The same where half of the limit of its organizer, or of all together, is in use: slow receivers leave something
/// to the others.
pub const LANES_PER_ENDPOINT_CROWDED: usize = 16;
/// The same while it fails: enough to see that it has recovered.
pub const LANES_PER_FAILING: usize = 2;
/// The active lanes of all endpoints of one organizer, before no more are started.
pub const LANES_PER_ORGANIZER: usize = 256;
/// The same where half of [`LANES_MAX`] is in use.
pub const LANES_PER_ORGANIZER_CROWDED: usize = 128;
/// The active lanes of all sinks together, before no more are started.
pub const LANES_MAX: usize = 1_024;
/// The active lanes of mail.
pub const MAIL_LANES: usize = 4;
/// The mails in progress at once. Most of them wait for their turn: so many are claimed, and completed, together.
pub const MAILS_AT_ONCE: usize = 32;
/// The mails composed at once: drawing a ticket is work for a processor, and nothing waits for it.
pub const COMPOSED_AT_ONCE: usize = 1;
/// How long results of mails are collected, before they are written together.
pub const SETTLE_PAUSE: Duration = Duration::from_millis(20);
/// How long all mails wait after the mail server was away: the first pause, which doubles each time, and the longest.
/// Then one is tried.
pub const MAIL_PAUSE: Duration = Duration::from_secs(1);
/// See [`MAIL_PAUSE`].
pub const MAIL_PAUSE_MAX: Duration = Duration::from_secs(60);

/// The workers that read facts at once: the sale uses the store's connections, too.
pub const READS_AT_ONCE: usize = 4;
/// The facts read at a time.
pub const FACTS_AT_ONCE: u32 = 100;
/// The corrections and new links of a registration that are skipped to find its earlier state.
pub const STEPS_BACK_MAX: usize = 100;
/// The messages after which a worker writes its progress, at the latest.
pub const STEP_MAX: usize = 64;
/// The time after which it does.
pub const STEP_EVERY: Duration = Duration::from_millis(50);
/// The workers whose progress is written together, in one transaction.
pub const STEPS_AT_ONCE: usize = 128;
/// How long a worker stays with one event before other events have their turn.
pub const TURN: Duration = Duration::from_secs(2);

/// The pause before a task that panicked is restarted: the first, which doubles each time, and the longest.
pub const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// See [`RESTART_PAUSE`].
pub const RESTART_PAUSE_MAX: Duration = Duration::from_secs(60);
/// A task that has run for so long has recovered, and its next pause is the first again.
pub const STEADY_AFTER: Duration = Duration::from_secs(120);

/// How much lower than that of requests the priority of delivery is, on Linux, where a thread with 10 gets a tenth
/// of the time of another on the same processor.
pub const NICE: i32 = 10;
/// The threads on which delivery blocks: for name look-ups, SQLite's file, composing mails and writing files.
pub const BLOCKING_THREADS_MAX: usize = 96;
/// How long to wait for blocking work when delivery ends.
pub const SHUTDOWN_WITHIN: Duration = Duration::from_secs(1);
