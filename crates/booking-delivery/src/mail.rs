//! Mail: what it says, how it is put together, and how it leaves.
//!
//! Nothing in here knows a store. A [`Letter`] says what somebody is to be told, as it is now; a [`Composer`] makes
//! a [`Message`] of it, which a [`Mailer`] sends. Who is to be told what, and when it is tried again, is the
//! caller's: [`pause_after`] says how long to wait.
//!
//! Names, links and addresses are other people's text. They are put into headers by the module `header` alone, which
//! lets none of them end a line, into HTML by templates that escape, and into no line of the log.

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
