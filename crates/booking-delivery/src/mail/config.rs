//! The operator's mail settings: the mail server, and the sender.

use super::clean::one_line;
use booking_core::EmailAddress;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;
use url::Url;

/// All mail settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// Where mail is sent.
    pub url: MailUrl,
    /// The sender.
    pub from: Mailbox,
    /// Where replies go, if not to the sender.
    pub reply_to: Option<Mailbox>,
    /// Trusted authorities beside the system's, in a PEM file.
    pub tls_ca: Option<PathBuf>,
}

/// An address of the operator's, with a display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, such as `Jazz club`.
    pub name: Option<String>,
    /// The address, in ASCII.
    pub address: EmailAddress,
}

/// The text is no [`Mailbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "is no address such as tickets@example.org or Jazz club <tickets@example.org>, all of ASCII before the @"
)]
pub struct BadMailbox;

impl FromStr for Mailbox {
    type Err = BadMailbox;

    /// Parses an address alone, or in angle brackets after a name, which may be quoted.
    fn from_str(text: &str) -> Result<Self, BadMailbox> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>') {
            Some(rest) => rest.rsplit_once('<').ok_or(BadMailbox)?,
            None => ("", text),
        };
        if name.contains(char::is_control) {
            return Err(BadMailbox);
        }
        let name = name.trim();
        let name = match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
            // Several addresses are not one.
            None if name.contains(['<', '>', '@']) => return Err(BadMailbox),
            None => name.to_owned(),
        };
        let address = EmailAddress::parse(address).map_err(|_| BadMailbox)?;
        // Otherwise every server on the way would need SMTPUTF8, for every recipient.
        if !address.as_str().is_ascii() {
            return Err(BadMailbox);
        }
        Ok(Self { name: Some(one_line(&name)).filter(|name| !name.is_empty()), address })
    }
}

/// Where mail is sent. Neither its `Debug` nor its `Display` shows the password.
///
/// | URL | |
/// | --- | --- |
/// | `smtps://user:password@host:465` | SMTP in TLS |
/// | `smtp://user:password@host:587` | SMTP that begins TLS by STARTTLS, or else is not used |
/// | `smtp://host:25?tls=none` | SMTP in plain text, never with a password; on this machine itself (`localhost`, `127.0.0.1`, `[::1]`) it needs no `?tls=none`, and may have one |
/// | `file:///folder` | a file for each, for trying |
///
/// In the name and the password `@`, `:`, `/`, `?`, `#` and `%` are written as `%40` and so on.
#[derive(Clone, PartialEq, Eq)]
pub struct MailUrl(pub(super) Way);

/// How mail is sent.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Way {
    Smtp(Relay),
    Folder(PathBuf),
}

/// The server that accepts mail from us.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Relay {
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: TlsUse,
    /// Name and password.
    pub(super) login: Option<(String, String)>,
}

/// When a connection becomes encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsUse {
    /// From the first byte on.
    Always,
    /// After STARTTLS (RFC 3207), without which nothing is sent.
    StartTls,
    /// Never.
    Never,
}

impl TlsUse {
    /// The default port (RFC 8314 and RFC 5321).
    const fn port(self) -> u16 {
        match self {
            Self::Always => 465,
            Self::StartTls => 587,
            Self::Never => 25,
        }
    }
}

/// Why a text is no [`MailUrl`]. Never shows the text, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadMailUrl {
    /// The scheme is unknown.
    #[error("is no URL such as smtps://user:password@mail.example.org, smtp://… or file:///folder")]
    NotOne,
    /// It has no host, or an invalid one.
    #[error(
        "names no host: in a name and a password write @ as %40, / as %2F, # as %23 and % as %25"
    )]
    Host,
    /// It has a path, a fragment, or unknown parameters.
    #[error(
        "has more behind the host than ?tls=required or ?tls=none, which smtp:// alone may have"
    )]
    Rest,
    /// It has a name without a password, or one of the two cannot be decoded.
    #[error(
        "has a name without a password, a password without a name, or one that is not UTF-8 in %XX"
    )]
    Login,
    /// The password would be sent in plain text.
    #[error("would send a password unencrypted: leave out tls=none, or the password")]
    PlainPassword,
    /// It names no folder of this machine.
    #[error("names no folder such as file:///var/lib/booking/mail")]
    Folder,
}

impl MailUrl {
    /// Parses the URL.
    ///
    /// # Errors
    /// Why it is invalid.
    pub fn parse(text: &str) -> Result<Self, BadMailUrl> {
        let url = Url::parse(text.trim()).map_err(|_| BadMailUrl::NotOne)?;
        match url.scheme() {
            "smtp" | "smtps" => Ok(Self(Way::Smtp(relay(&url)?))),
            "file" => folder(&url).map(|folder| Self(Way::Folder(folder))),
            _ => Err(BadMailUrl::NotOne),
        }
    }

    /// The folder, if mail is only written into one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Way::Folder(folder) => Some(folder),
            Way::Smtp(_) => None,
        }
    }
}

impl FromStr for MailUrl {
    type Err = BadMailUrl;

    fn from_str(text: &str) -> Result<Self, BadMailUrl> {
        Self::parse(text)
    }
}

impl fmt::Display for MailUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Way::Folder(folder) => write!(f, "file://{}", folder.display()),
            Way::Smtp(Relay { host, port, tls, .. }) => {
                let scheme = if *tls == TlsUse::Always { "smtps" } else { "smtp" };
                match host.contains(':') {
                    true => write!(f, "{scheme}://[{host}]:{port}"),
                    false => write!(f, "{scheme}://{host}:{port}"),
                }
            }
        }
    }
}

impl fmt::Debug for MailUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailUrl({self})")
    }
}

fn relay(url: &Url) -> Result<Relay, BadMailUrl> {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let address = host.parse::<IpAddr>().ok();
    if host.is_empty() || address.is_none() && !host.bytes().all(is_of_names) {
        return Err(BadMailUrl::Host);
    }
    let is_here = host.eq_ignore_ascii_case("localhost")
        || address.is_some_and(|address| address.is_loopback());
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(BadMailUrl::Rest);
    }
    let tls = match (url.scheme(), url.query()) {
        ("smtps", None) => TlsUse::Always,
        ("smtp", None) if is_here => TlsUse::Never,
        ("smtp", None | Some("tls=required")) => TlsUse::StartTls,
        ("smtp", Some("tls=none")) => TlsUse::Never,
        _ => return Err(BadMailUrl::Rest),
    };
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (name, Some(password)) => {
            let decoded = |text| decoded(text).filter(|text| !text.is_empty());
            let login = decoded(name).zip(decoded(password));
            Some(login.ok_or(BadMailUrl::Login)?)
        }
        (_, None) => return Err(BadMailUrl::Login),
    };
    if login.is_some() && tls == TlsUse::Never && !is_here {
        return Err(BadMailUrl::PlainPassword);
    }
    let port = url.port().unwrap_or(tls.port());
    if port == 0 {
        return Err(BadMailUrl::Host);
    }
    Ok(Relay { host: host.to_owned(), port, tls, login })
}

fn folder(url: &Url) -> Result<PathBuf, BadMailUrl> {
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadMailUrl::Folder);
    }
    let folder = url.to_file_path().map_err(|()| BadMailUrl::Folder)?;
    // The root directory is never the folder for mail.
    match folder.parent() {
        Some(_) => Ok(folder),
        None => Err(BadMailUrl::Folder),
    }
}

/// Decodes `%XX` (RFC 3986, section 2.1); `None` if the result is no text that a login could have.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = match (first, others) {
            (b'%', [high, low, others @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                others
            }
            (b'%', _) => return None,
            (byte, others) => {
                bytes.push(*byte);
                others
            }
        };
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay_of(text: &str) -> Relay {
        match MailUrl::parse(text).expect(text).0 {
            Way::Smtp(relay) => relay,
            Way::Folder(_) => panic!("{text} is no folder"),
        }
    }

    #[test]
    fn a_mail_url_names_host_port_and_encryption() {
        use TlsUse::{Always, Never, StartTls};
        for (text, host, port, tls) in [
            ("smtps://mail.example.org", "mail.example.org", 465, Always),
            (" smtp://mail.example.org/ ", "mail.example.org", 587, StartTls),
            ("smtp://mail.example.org?tls=required", "mail.example.org", 587, StartTls),
            ("smtp://mail.example.org:2525?tls=none", "mail.example.org", 2525, Never),
            ("smtp://mail_1?tls=none", "mail_1", 25, Never),
            ("smtp://localhost", "localhost", 25, Never),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, Never),
            ("smtp://[::1]:1025", "::1", 1025, Never),
            ("smtp://localhost?tls=required", "localhost", 587, StartTls),
            ("smtps://[2001:db8::1]:465", "2001:db8::1", 465, Always),
            ("smtp://192.0.2.1", "192.0.2.1", 587, StartTls),
        ] {
            let relay = relay_of(text);
            assert_eq!((relay.host.as_str(), relay.port, relay.tls), (host, port, tls), "{text}");
            assert_eq!(relay.login, None);
        }
    }

    #[test]
    fn a_login_is_parsed_and_never_shown() {
        let text = "smtps://ada%40example.org:hunter2%3A%2F%25%C3%BC@mail.example.org";
        let login = relay_of(text).login.expect("it has one");
        assert_eq!(login, ("ada@example.org".to_owned(), "hunter2:/%ü".to_owned()));
        let url = MailUrl::parse(text).expect("it is one");
        assert_eq!(url.to_string(), "smtps://mail.example.org:465");
        assert_eq!(format!("{url:?}"), "MailUrl(smtps://mail.example.org:465)");
        assert!(relay_of("smtp://ada:x@localhost:25").login.is_some(), "nobody else hears it");
    }

    #[test]
    fn an_invalid_mail_url_is_refused_without_showing_it() {
        for (text, fault) in [
            ("", BadMailUrl::NotOne),
            ("mail.example.org", BadMailUrl::NotOne),
            ("https://ada:hunter2@mail.example.org", BadMailUrl::NotOne),
            ("smtp://", BadMailUrl::Host),
            ("smtp:///hunter2", BadMailUrl::Host),
            ("smtp://mail.example.org/hunter2", BadMailUrl::Rest),
            ("smtp://mail.example.org#hunter2", BadMailUrl::Rest),
            ("smtp://mail.example.org?tls=maybe", BadMailUrl::Rest),
            ("smtp://mail.example.org?tls=none&tls=required", BadMailUrl::Rest),
            ("smtps://mail.example.org?tls=none", BadMailUrl::Rest),
            ("smtps://ada@mail.example.org", BadMailUrl::Login),
            ("smtps://:hunter2@mail.example.org", BadMailUrl::Login),
            ("smtps://ada:hunter2%@mail.example.org", BadMailUrl::Login),
            ("smtps://ada:hunter2%ff@mail.example.org", BadMailUrl::Login),
            ("smtps://ada:hunter2%0d@mail.example.org", BadMailUrl::Login),
            ("smtp://ada:hunter2@mail.example.org?tls=none", BadMailUrl::PlainPassword),
            ("file:///", BadMailUrl::Folder),
            ("file:///mail?hunter2", BadMailUrl::Folder),
            ("file://elsewhere/mail", BadMailUrl::Folder),
        ] {
            let refused = MailUrl::parse(text).expect_err(text);
            assert_eq!(refused, fault, "{text}");
            assert!(!format!("{refused} {refused:?}").contains("hunter2"));
        }
        // Not valid by the standard, however parsers read it.
        for text in ["smtp://ada:p/hunter2@mail.example.org", "smtp://m%C3%BCsli.example"] {
            let refused = MailUrl::parse(text).expect_err(text);
            assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn a_folder_url_names_a_local_folder() {
        let url = MailUrl::parse("file:///var/lib/booking%20mail").expect("it is one");
        assert_eq!(url.folder(), Some(Path::new("/var/lib/booking mail")));
        assert_eq!(MailUrl::parse("smtps://a.example").expect("it is one").folder(), None);
    }

    #[test]
    fn a_mailbox_is_an_address_with_a_name_or_without() {
        for (text, name, address) in [
            ("tickets@example.org", None, "tickets@example.org"),
            (" <tickets@example.org> ", None, "tickets@example.org"),
            ("Jazz club <tickets@example.org>", Some("Jazz club"), "tickets@example.org"),
            ("\"Jazz, \\\"the\\\" club\" <a@b.example>", Some("Jazz, \"the\" club"), "a@b.example"),
            ("Café \u{202e}x <a@bücher.example>", Some("Café x"), "a@xn--bcher-kva.example"),
        ] {
            let mailbox: Mailbox = text.parse().expect(text);
            assert_eq!(mailbox.name.as_deref(), name, "{text}");
            assert_eq!(mailbox.address.as_str(), address);
        }
        for text in [
            "",
            "tickets",
            "Jazz club",
            "Jazz club <>",
            "Jazz club <tickets@example.org",
            "a@b.example, c@d.example",
            "a <a@b.example>, b <c@d.example>",
            "x\r\nBcc: a@b.example <a@b.example>",
            "rené@example.org",
        ] {
            assert_eq!(text.parse::<Mailbox>(), Err(BadMailbox), "{text}");
        }
    }
}
