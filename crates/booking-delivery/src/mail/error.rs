//! Why there is no message, why one was not sent, and why none can be.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why there is no message. Nothing in it tells whose it would have been, and trying again changes nothing.
#[derive(Debug, Error)]
pub enum ComposeError {
    /// The letter says too little for what it is to tell.
    #[error("the letter has no {0}")]
    Lacks(
        /// What is missing.
        &'static str,
    ),
    /// Whose it would have been was erased.
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
    /// It will never be: nobody takes it for this address, or the address cannot be said.
    #[error("{0}")]
    Permanent(String),
    /// It may be later.
    #[error("{0}")]
    Transient(String),
    /// Nobody is there who takes it, or they take nothing from us: that says nothing of the message.
    #[error("{0}")]
    Away(String),
}

impl SendError {
    /// Whether trying again makes no sense.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }
}

/// Why nothing can be sent at all.
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
    /// There can be no TLS.
    #[error("cannot prepare TLS")]
    Tls(#[source] lettre::transport::smtp::Error),
}
