//! Why a message could not be composed or sent, and why a mailer could not be made.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why there is no message. It never names the recipient, and a retry gives the same result.
#[derive(Debug, Error)]
pub enum ComposeError {
    /// The letter lacks something that its kind needs.
    #[error("the letter has no {0}")]
    Lacks(
        /// What is missing.
        &'static str,
    ),
    /// The recipient was erased.
    #[error("the address was erased")]
    Erased,
    /// No mail can be sent to such an address.
    #[error("no mail can be sent to this address")]
    Address,
    /// The ticket is longer than a QR code can be.
    #[error("the ticket is too long for a QR code")]
    Ticket,
    /// A template does not begin with a subject.
    #[error("the template has no subject")]
    NoSubject,
    /// A template cannot be rendered.
    #[error("cannot render the template")]
    Template(#[source] minijinja::Error),
}

/// Why a message was not sent. The text is short, and holds no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// Permanent: the server refuses this address, or it cannot be expressed.
    #[error("{0}")]
    Permanent(String),
    /// Temporary.
    #[error("{0}")]
    Transient(String),
    /// The mail server is away, or accepts nothing from us: that says nothing about the message.
    #[error("{0}")]
    Away(String),
}

impl SendError {
    /// Whether a retry is pointless.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }
}

/// Why no mailer could be made.
#[derive(Debug, Error)]
pub enum MailerError {
    /// The file with authorities cannot be read, or has none.
    #[error("cannot read certificates from {}", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// TLS could not be set up.
    #[error("cannot prepare TLS")]
    Tls(#[source] lettre::transport::smtp::Error),
}
