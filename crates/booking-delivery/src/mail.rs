//! Mail: what it says, how it is put together, and how it leaves.
//!
//! Nothing in here knows a store. A [`Letter`] holds what an attendee is to be told, as it is now; a [`Composer`]
//! makes a [`Message`] of it, which a [`Mailer`] sends. Who gets which letter, and when it is retried, is the
//! caller's decision: [`pause_after`] says how long to wait.
//!
//! Names, links and addresses are untrusted text. Only the module `header` puts them into headers, where none of
//! them can end a line; templates that escape put them into HTML; and they are never logged.

mod answer;
mod breaker;
mod clean;
mod compose;
mod config;
mod error;
mod header;
mod letter;
mod mailer;
mod preview;
mod render;
mod schedule;
mod smtp;
mod templates;
mod ticket;
mod times;

pub use breaker::{Admits, Breaker};
pub use compose::{Composer, Message};
pub use config::{BadMailUrl, BadMailbox, MailConfig, MailUrl, Mailbox};
pub use error::{ComposeError, MailerError, SendError};
pub use letter::{FoundSeat, Letter};
pub use mailer::{Mailer, Turn};
pub use preview::preview;
pub use render::Rendered;
pub use schedule::{PAUSES, pause_after, with_jitter};
pub use smtp::SmtpTimeouts;
pub use times::{Leaf, leaf, moment, span};
