//! SMTP (RFC 5321), with connections that are kept for the next message.
//!
//! The steps are taken one by one, each with its own timeout, since what a refusal means depends on what was
//! refused: the recipient, permanently, or us, until the operator has fixed it.

use super::answer::without_addresses;
use super::breaker::Pass;
use super::compose::Message;
use super::config::{Relay, TlsUse};
use super::error::{MailerError, SendError};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use std::error::Error as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};
use tokio::time::timeout;

/// The most connections at once. Many servers refuse more from one client; the next message waits for one of these.
pub(super) const CONNECTIONS_MAX: usize = 4;

/// How long an idle connection is kept: below the five minutes after which servers close it.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// How long to wait for a reply to QUIT after an error.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// A larger file is not taken for one of authorities.
const AUTHORITIES_BYTES_MAX: u64 = 1 << 20;

/// Refusals that are about us, whatever the command: that we have to log in, or to encrypt (RFC 4954, section 6).
const ABOUT_US: [&str; 3] = ["530", "534", "538"];

/// Timeouts of a mail server. Without these one that stalls would block a worker for ever: the client's library has
/// no timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmtpTimeouts {
    /// To connect, for each of its addresses.
    pub connect: Duration,
    /// To answer a command.
    pub command: Duration,
    /// To accept a message.
    pub content: Duration,
}

impl Default for SmtpTimeouts {
    /// Far below what RFC 5321 allows (section 4.5.3.2): a client that gives up early sends once more, under the
    /// same `Message-ID`.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            command: Duration::from_secs(20),
            content: Duration::from_secs(60),
        }
    }
}

pub(super) struct Smtp {
    relay: Relay,
    tls: Option<TlsParameters>,
    login: Option<Credentials>,
    timeouts: SmtpTimeouts,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

/// The command that a server refused or failed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Connect,
    Encrypt,
    LogIn,
    Sender,
    Recipient,
    Content,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Encrypt => "STARTTLS",
            Self::LogIn => "logging in",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Content => "the message",
        }
    }

    /// Whether a refusal is about the message, and not about us.
    const fn is_about_the_message(self) -> bool {
        matches!(self, Self::Recipient | Self::Content)
    }

    /// Whether the server does not know yet which message it is. The sender is always the same; the recipient's
    /// command differs if its address is not all ASCII.
    fn is_before(self, message: &Message) -> bool {
        match self {
            Self::Connect | Self::Encrypt | Self::LogIn => true,
            Self::Sender => is_ascii(message.recipient()),
            Self::Recipient | Self::Content => false,
        }
    }
}

/// A step failed.
enum Failure {
    TookTooLong,
    /// The server does not support such an address.
    NotAscii,
    Smtp(Error),
}

impl Smtp {
    pub(super) fn new(
        relay: &Relay,
        tls_ca: Option<&Path>,
        timeouts: SmtpTimeouts,
    ) -> Result<Self, MailerError> {
        let tls = match relay.tls {
            TlsUse::Never => None,
            TlsUse::Always | TlsUse::StartTls => Some(tls_to(&relay.host, tls_ca)?),
        };
        let login = relay.login.clone().map(|(name, password)| Credentials::new(name, password));
        Ok(Self { relay: relay.clone(), tls, login, timeouts, idle: Mutex::default() })
    }

    /// Sends a message, and reports to `pass` whether the server is reachable. At most [`CONNECTIONS_MAX`] at once.
    pub(super) async fn send(&self, message: &Message, pass: &mut Pass) -> Result<(), SendError> {
        let idle = self.take_idle().await;
        let was_idle = idle.is_some();
        let mut sent = self.send_by(idle, message, pass).await;
        if was_idle && matches!(sent, Err((Step::Sender, _))) {
            // Some servers limit the messages of one connection.
            sent = self.send_by(None, message, pass).await;
        }
        sent.map_err(|(step, failure)| {
            let error = send_error(message)((step, failure));
            if !step.is_before(message) {
                return error;
            }
            let why = error.to_string();
            pass.failed(&why);
            SendError::Away(why)
        })
    }

    async fn send_by(
        &self,
        idle: Option<AsyncSmtpConnection>,
        message: &Message,
        pass: &mut Pass,
    ) -> Result<(), (Step, Failure)> {
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        if !is_ascii(message.recipient()) {
            // No other server on the way could deliver it (RFC 6531).
            let info = connection.server_info();
            let knows = |extension| info.supports_feature(extension);
            if !(knows(Extension::SmtpUtfEight) && knows(Extension::EightBitMime)) {
                pass.answered();
                self.keep(connection);
                return Err((Step::Recipient, Failure::NotAscii));
            }
        }
        let delivered = self.deliver(&mut connection, message, pass).await;
        match &delivered {
            Ok(()) => self.keep(connection),
            Err(_) => {
                // The state of its conversation is unknown.
                let _ = timeout(FAREWELL_MAX, connection.abort()).await;
            }
        }
        delivered
    }

    async fn deliver(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &Message,
        pass: &mut Pass,
    ) -> Result<(), (Step, Failure)> {
        let SmtpTimeouts { command, content, .. } = self.timeouts;
        let mut parameters = Vec::new();
        if !is_ascii(message.recipient()) {
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mail = Mail::new(Some(message.sender().clone()), parameters);
        within(command, Step::Sender, connection.command(mail)).await?;
        // From here on a refusal is about this message.
        pass.answered();
        let recipient = Rcpt::new(message.recipient().clone(), Vec::new());
        within(command, Step::Recipient, connection.command(recipient)).await?;
        within(command, Step::Content, connection.command(Data)).await?;
        within(content, Step::Content, connection.message(message.bytes())).await?;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, (Step, Failure)> {
        let Relay { host, port, tls, .. } = &self.relay;
        let hello = ClientId::default();
        let SmtpTimeouts { connect, command, .. } = self.timeouts;
        let wrapped = self.tls.clone().filter(|_| *tls == TlsUse::Always);
        let address = (host.as_str(), *port);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(address, Some(connect), &hello, wrapped, None);
        // This includes its greeting, and the answer to ours.
        let mut connection = within(connect + command, Step::Connect, connecting).await?;
        if let Some(parameters) = self.tls.clone().filter(|_| *tls == TlsUse::StartTls) {
            // Where the server has no STARTTLS, nothing is sent.
            let starting = connection.starttls(parameters, &hello);
            within(command, Step::Encrypt, starting).await?;
        }
        if let Some(login) = &self.login {
            within(command, Step::LogIn, connection.auth(DEFAULT_MECHANISMS, login)).await?;
        }
        Ok(connection)
    }

    /// A kept connection that is still open.
    async fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let Idle { mut connection, since } = self.idle().pop()?;
            let is_fresh = since.elapsed() < IDLE_MAX;
            let asked = async { is_fresh && connection.test_connected().await };
            if timeout(FAREWELL_MAX, asked).await == Ok(true) {
                return Some(connection);
            }
            let _ = timeout(FAREWELL_MAX, connection.abort()).await;
        }
    }

    /// There are never more than are used at once.
    fn keep(&self, connection: AsyncSmtpConnection) {
        self.idle().push(Idle { connection, since: Instant::now() });
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn within<T>(
    limit: Duration,
    step: Step,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, (Step, Failure)> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err((step, Failure::Smtp(error))),
        Err(_) => Err((step, Failure::TookTooLong)),
    }
}

/// Makes an error of a failure, without addresses.
fn send_error(message: &Message) -> impl Fn((Step, Failure)) -> SendError {
    move |(step, failure)| {
        let error = match failure {
            Failure::TookTooLong => {
                let text = format!("{}: the mail server took too long", step.as_str());
                return SendError::Transient(text);
            }
            Failure::NotAscii => {
                let why = "the mail server takes no address that is not all ASCII (SMTPUTF8)";
                return SendError::Permanent(why.to_owned());
            }
            Failure::Smtp(error) => error,
        };
        let code = error.status().map(|code| code.to_string());
        let text = match &code {
            Some(code) => {
                let answer = error.source().map(ToString::to_string).unwrap_or_default();
                format!("{}: {code} {answer}", step.as_str())
            }
            None => format!("{}: {error}", step.as_str()),
        };
        let text = without_addresses(&text, message.recipient().as_ref());
        let is_about_us = code.is_some_and(|code| ABOUT_US.contains(&code.as_str()));
        match error.is_permanent() && step.is_about_the_message() && !is_about_us {
            true => SendError::Permanent(text),
            false => SendError::Transient(text),
        }
    }
}

/// TLS with this one server, whose certificate must have its name or address.
fn tls_to(host: &str, authorities: Option<&Path>) -> Result<TlsParameters, MailerError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = authorities {
        let cannot = |source| MailerError::Authorities { path: path.to_owned(), source };
        let pem = read_authorities(path).map_err(cannot)?;
        let certificates = Certificate::from_pem(&pem);
        let invalid = |_| cannot(io::Error::new(io::ErrorKind::InvalidData, "they are not valid"));
        builder = builder.add_root_certificate(certificates.map_err(invalid)?);
    }
    builder.build().map_err(MailerError::Tls)
}

fn read_authorities(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = match fs::metadata(path)?.len() {
        ..=AUTHORITIES_BYTES_MAX => fs::read(path)?,
        _ => Vec::new(),
    };
    let has_one = String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----");
    match has_one {
        true => Ok(bytes),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "there is none in it")),
    }
}

fn is_ascii(address: &lettre::Address) -> bool {
    let text: &str = address.as_ref();
    text.is_ascii()
}
