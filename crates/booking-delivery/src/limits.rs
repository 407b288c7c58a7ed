//! How much is done at once, and how often is looked.

use std::time::Duration;

/// How often new facts are looked for where nobody says that there are some.
pub const ROUTE_EVERY: Duration = Duration::from_millis(100);
/// How long what is new waits for more of it, before it is routed together.
pub const ROUTE_PAUSE: Duration = Duration::from_millis(20);
/// How many times as long as the last routing took it waits for more at least, up to [`ROUTE_PAUSE_MAX`]: where a sale
/// keeps the store busy, that and what follows from it take a small part of its time.
pub const ROUTE_SPARED: u32 = 4;
/// See [`ROUTE_SPARED`].
pub const ROUTE_PAUSE_MAX: Duration = Duration::from_millis(100);
/// The same where nobody is told anything: a sale is not to pay for that.
pub const ROUTE_PAUSE_UNHEARD: Duration = Duration::from_secs(1);
/// How often lanes and mails are looked for that are due by time, or that other servers have made due.
pub const CLAIM_EVERY: Duration = Duration::from_millis(250);
/// How often the endpoints are read. A lane is made for a new one at once; this is what it waits at most.
pub const ENDPOINTS_EVERY: Duration = Duration::from_secs(1);
/// How often a worker says that it is still there, well within its lease.
pub const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How often what was done long ago is looked for.
pub const PURGE_EVERY: Duration = Duration::from_secs(600);
/// How often a server says that it sends mail.
pub const SHOW_MAIL_EVERY: Duration = Duration::from_secs(60);
/// How often events are looked for of which people are to be reminded.
pub const REMIND_EVERY: Duration = Duration::from_secs(30);
/// The pause after the store failed.
pub const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The lanes of one endpoint under way at once: events whose messages go out side by side.
pub const LANES_PER_ENDPOINT: usize = 64;
/// The same where half of what its organizer, or all of them together, may have is under way: receivers that take their
/// time leave something to the others.
pub const LANES_PER_ENDPOINT_CROWDED: usize = 16;
/// The same while it fails: enough to see that it is well again.
pub const LANES_PER_FAILING: usize = 2;
/// The same of all endpoints of one organizer, before no more are begun.
pub const LANES_PER_ORGANIZER: usize = 256;
/// The same where half of [`LANES_MAX`] is under way.
pub const LANES_PER_ORGANIZER_CROWDED: usize = 128;
/// The lanes under way at once, of all sinks together, before no more are begun.
pub const LANES_MAX: usize = 1_024;
/// The lanes of mail under way at once.
pub const MAIL_LANES: usize = 4;
/// The mails under way at once. Most of them wait for their turn: so many are claimed, and written off, together.
pub const MAILS_AT_ONCE: usize = 32;
/// The mails that are composed at once: drawing a ticket is work for a processor, and nobody waits for it.
pub const COMPOSED_AT_ONCE: usize = 1;
/// How long what became of a mail waits for more of that, before it is written together.
pub const SETTLE_PAUSE: Duration = Duration::from_millis(20);
/// How long all mails wait after their server was away: at first, which doubles each time, and at most. Then one is tried.
pub const MAIL_PAUSE: Duration = Duration::from_secs(1);
/// See [`MAIL_PAUSE`].
pub const MAIL_PAUSE_MAX: Duration = Duration::from_secs(60);

/// The workers that read facts at once: the store's connections are the sale's, too.
pub const READS_AT_ONCE: usize = 4;
/// The facts that are read at a time.
pub const FACTS_AT_ONCE: u32 = 100;
/// The corrections and new links of a registration that are passed over to see what it was before.
pub const STEPS_BACK_MAX: usize = 100;
/// The messages after which a worker writes how far it has come, at the latest.
pub const STEP_MAX: usize = 64;
/// The time after which it does.
pub const STEP_EVERY: Duration = Duration::from_millis(50);
/// The workers that write something together, in one transaction.
pub const STEPS_AT_ONCE: usize = 128;
/// How long a worker stays with one event before others have their turn.
pub const TURN: Duration = Duration::from_secs(2);

/// The pause before what has panicked is begun anew: the first, which doubles each time, and the longest.
pub const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// See [`RESTART_PAUSE`].
pub const RESTART_PAUSE_MAX: Duration = Duration::from_secs(60);
/// What has run for so long is well again, and its next pause the first.
pub const STEADY_AFTER: Duration = Duration::from_secs(120);

/// How much lower than that of requests the priority of delivery is, on Linux, where 10 of it are a tenth of the time that
/// another thread has on the same processor.
pub const NICE: i32 = 10;
/// The threads on which delivery blocks: they look names up, read SQLite's file, compose mails and write files.
pub const BLOCKING_THREADS_MAX: usize = 96;
/// What is left on them when delivery ends is waited for so long.
pub const LEFT_WITHIN: Duration = Duration::from_secs(1);
