//! Sends messages, or writes them into files.

use super::breaker::{Admits, Breaker, Pass};
use super::compose::Message;
use super::config::{MailUrl, Way};
use super::error::{MailerError, SendError};
use super::smtp::{CONNECTIONS_MAX, Smtp, SmtpTimeouts};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// The most messages that are written into files at once.
const FILES_AT_ONCE: usize = 4;

/// Sends messages to one server, over a few connections that it keeps. Safe for concurrent use. While the server is
/// away, one message is tried now and then ([`Breaker`]).
pub struct Mailer {
    exit: Exit,
    turns: Semaphore,
    breaker: Breaker,
}

/// Permission to send one message now.
pub struct Turn<'a> {
    exit: &'a Exit,
    pass: Pass,
    _turn: SemaphorePermit<'a>,
}

enum Exit {
    Smtp(Box<Smtp>),
    Folder(PathBuf),
}

impl Mailer {
    /// Prepares to send as `url` says, trusting the system's authorities and those in `tls_ca`. Does not connect
    /// yet.
    ///
    /// # Errors
    /// See [`MailerError`].
    pub fn new(url: &MailUrl, tls_ca: Option<&Path>) -> Result<Self, MailerError> {
        Self::with_timeouts(url, tls_ca, SmtpTimeouts::default())
    }

    /// The same, with other timeouts.
    ///
    /// # Errors
    /// See [`MailerError`].
    pub fn with_timeouts(
        url: &MailUrl,
        tls_ca: Option<&Path>,
        timeouts: SmtpTimeouts,
    ) -> Result<Self, MailerError> {
        let (exit, at_once) = match &url.0 {
            Way::Smtp(relay) => {
                (Exit::Smtp(Box::new(Smtp::new(relay, tls_ca, timeouts)?)), CONNECTIONS_MAX)
            }
            Way::Folder(folder) => (Exit::Folder(folder.clone()), FILES_AT_ONCE),
        };
        Ok(Self { exit, turns: Semaphore::new(at_once), breaker: Breaker::default() })
    }

    /// The same, which reports to `breaker` whether its server is reachable.
    #[must_use]
    pub fn watched_by(self, breaker: Breaker) -> Self {
        Self { breaker, ..self }
    }

    /// How many messages may be sent now.
    pub fn admits(&self) -> Admits {
        self.breaker.admits()
    }

    /// Waits for its turn. A message that is composed after that is not outdated when it is sent.
    ///
    /// # Errors
    /// [`SendError::Away`].
    pub async fn turn(&self) -> Result<Turn<'_>, SendError> {
        let turn = self.turns.acquire().await.expect("nobody closes it");
        let pass = self.breaker.enter().map_err(SendError::Away)?;
        Ok(Turn { exit: &self.exit, pass, _turn: turn })
    }

    /// Sends a message when it is its turn. If this is dropped half way, or sending takes too long, the message may
    /// have been sent or not.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, message: &Message) -> Result<(), SendError> {
        self.turn().await?.send(message).await
    }
}

impl Turn<'_> {
    /// As [`Mailer::send`].
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(mut self, message: &Message) -> Result<(), SendError> {
        let folder = match self.exit {
            Exit::Smtp(smtp) => return smtp.send(message, &mut self.pass).await,
            Exit::Folder(folder) => folder.clone(),
        };
        let (id, bytes) = (message.id(), message.bytes().to_vec());
        let written = spawn_blocking(move || write(&folder, id, &bytes)).await;
        let written = written.unwrap_or_else(|_| Err(io::Error::other("the writer was stopped")));
        // The operator chose the folder's name, so the error may show it.
        written.map_err(|error| SendError::Transient(format!("cannot write the file: {error}")))
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.exit {
            Exit::Smtp(_) => "Mailer(SMTP)",
            Exit::Folder(_) => "Mailer(folder)",
        })
    }
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

/// Writes a message as a whole or not at all: a reader of the folder never finds half of one.
fn write(folder: &Path, id: Uuid, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let half = folder.join(format!(".{id}.part"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // It names an attendee, and holds a link to act for them.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&half, folder.join(format!("{id}.eml")))
}
