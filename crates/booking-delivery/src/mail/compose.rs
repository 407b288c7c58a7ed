//! A message in the form that is transmitted (RFC 5322, RFC 2045 to 2047).

use super::config::{MailConfig, Mailbox};
use super::error::ComposeError;
use super::header;
use super::letter::Letter;
use super::render::{Rendered, render};
use crate::calendar::Method;
use booking_core::{EmailAddress, PersonName};
use lettre::Address;
use lettre::message::header::{
    ContentDisposition, ContentId, ContentTransferEncoding, ContentType,
};
use lettre::message::{MultiPart, SinglePart};
use std::fmt;
use url::{Host, Url};
use uuid::Uuid;

/// Composes messages from letters.
#[derive(Debug, Clone)]
pub struct Composer {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// The domain after the `@` of each `Message-ID`.
    id_domain: String,
}

/// A message, ready to be sent any number of times. It is full of personal data, and so its `Debug` shows only its
/// id.
#[derive(Clone)]
pub struct Message {
    id: Uuid,
    from: Address,
    to: Address,
    bytes: Vec<u8>,
}

impl Message {
    /// The id of the letter.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The whole message, with lines that end in CRLF and have at most 998 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The envelope sender.
    pub(super) fn sender(&self) -> &Address {
        &self.from
    }

    /// The recipient.
    pub(super) fn recipient(&self) -> &Address {
        &self.to
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.id)
    }
}

impl Composer {
    /// Composes messages as `config` says, for a server that people reach at `base_url`.
    pub fn new(config: &MailConfig, base_url: &str) -> Self {
        let host = Url::parse(base_url).ok().and_then(|url| match url.host() {
            // Other hosts, such as IP addresses or localhost, may exist more than once.
            Some(Host::Domain(domain)) if domain.contains('.') => Some(domain.to_owned()),
            _ => None,
        });
        let own = config.from.address.as_str().rsplit_once('@').map(|(_, domain)| domain);
        Self {
            from: config.from.clone(),
            reply_to: config.reply_to.clone(),
            id_domain: host.or(own.map(str::to_owned)).unwrap_or_default(),
        }
    }

    /// Renders a letter, without a message around it.
    ///
    /// # Errors
    /// See [`ComposeError`].
    pub fn render(&self, letter: &Letter) -> Result<Rendered, ComposeError> {
        render(letter, self.contact(), &self.content_id(letter))
    }

    /// Composes the message of a letter.
    ///
    /// # Errors
    /// See [`ComposeError`].
    pub fn compose(&self, letter: &Letter) -> Result<Message, ComposeError> {
        if letter.to.is_erased() {
            return Err(ComposeError::Erased);
        }
        let address = |address: &EmailAddress| address.as_str().parse::<Address>();
        let to = address(&letter.to).map_err(|_| ComposeError::Address)?;
        let from = address(&self.from.address).map_err(|_| ComposeError::Address)?;
        let rendered = self.render(letter)?;
        let mut bytes = self.head(letter, &rendered.subject).into_bytes();
        bytes.extend(self.body(letter, rendered).formatted());
        Ok(Message { id: letter.id, from, to, bytes })
    }

    /// The address that people write to.
    fn contact(&self) -> &EmailAddress {
        &self.reply_to.as_ref().unwrap_or(&self.from).address
    }

    fn content_id(&self, letter: &Letter) -> String {
        format!("ticket.{}@{}", letter.id, self.id_domain)
    }

    /// The headers, except for the content type, which the body begins with.
    fn head(&self, letter: &Letter, subject: &str) -> String {
        let mut head = String::new();
        let from = &self.from;
        header::mailbox(&mut head, "From", from.name.as_deref(), from.address.as_str());
        if let Some(reply_to) = &self.reply_to {
            let address = reply_to.address.as_str();
            header::mailbox(&mut head, "Reply-To", reply_to.name.as_deref(), address);
        }
        let name = letter.name.as_ref().map(PersonName::as_str);
        header::mailbox(&mut head, "To", name, letter.to.as_str());
        header::text(&mut head, "Subject", subject);
        header::text(&mut head, "Date", &letter.at.to_rfc2822());
        header::text(&mut head, "Message-ID", &format!("<{}@{}>", letter.id, self.id_domain));
        // Keeps absence notices from answering it (RFC 3834, section 5).
        header::text(&mut head, "Auto-Submitted", "auto-generated");
        header::text(&mut head, "MIME-Version", "1.0");
        head
    }

    /// Text, or HTML with its picture; with the calendar beside it, if there is one.
    fn body(&self, letter: &Letter, rendered: Rendered) -> MultiPart {
        let text = quoted_printable(ContentType::TEXT_PLAIN, rendered.text);
        let html = quoted_printable(ContentType::TEXT_HTML, rendered.html);
        let both = MultiPart::alternative().singlepart(text);
        let both = match rendered.ticket {
            None => both.singlepart(html),
            Some(png) => {
                let picture = SinglePart::builder()
                    .header(content_type("image/png; name=\"ticket.png\""))
                    .header(ContentDisposition::inline_with_name("ticket.png"))
                    .header(ContentId::from(format!("<{}>", self.content_id(letter))))
                    .header(ContentTransferEncoding::Base64)
                    .body(png);
                both.multipart(MultiPart::related().singlepart(html).singlepart(picture))
            }
        };
        match rendered.calendar {
            None => both,
            Some((method, text)) => {
                MultiPart::mixed().multipart(both).singlepart(calendar(method, text))
            }
        }
    }
}

/// No line is longer than 76 bytes, and all is ASCII.
fn quoted_printable(kind: ContentType, text: String) -> SinglePart {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    SinglePart::builder().header(kind).header(encoding).body(text)
}

/// In Base64, so that no server on the way changes its folding.
fn calendar(method: Method, text: String) -> SinglePart {
    let kind =
        format!("text/calendar; method={}; charset=utf-8; name=\"event.ics\"", method.as_str());
    SinglePart::builder()
        .header(content_type(&kind))
        .header(ContentDisposition::attachment("event.ics"))
        .header(ContentTransferEncoding::Base64)
        .body(text.into_bytes())
}

fn content_type(text: &str) -> ContentType {
    ContentType::parse(text).expect("it is one of ours, and each is composed by a test")
}
