use crate::EmailAddress;
use crate::values::text::{Invalid, serialized_as_text};
use crate::values::web_url::parse_strictly;
use serde::Deserialize;
use std::fmt;

/// Where to ask about an event: an e-mail address, in the form of [`EmailAddress`], or the URL of a page, with `https`
/// or `http` and in the form that browsers give it. It has at most [`Contact::BYTES_MAX`] bytes.
///
/// ```
/// # use booking_core::Contact;
/// let address = Contact::parse(" Club@Jazz.Example ")?;
/// assert_eq!(address.as_address(), Some("club@jazz.example"));
/// let page = Contact::parse("https://Jazz.Example/contact")?;
/// assert_eq!(page.as_url(), Some("https://jazz.example/contact"));
/// assert!(Contact::parse("javascript:alert(1)").is_err());
/// # Ok::<(), booking_core::Invalid>(())
/// ```
///
/// It is public, but may still be a person's own: its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Contact(String);

impl Contact {
    /// The longest one, in bytes, as given and as stored.
    pub const BYTES_MAX: usize = 500;

    /// Reads an address or a URL.
    ///
    /// # Errors
    /// [`Invalid::NotAContact`], [`Invalid::TooManyBytes`], and those of [`EmailAddress::parse`] for an address.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let raw = raw.trim();
        let too_long = Invalid::TooManyBytes { max: Self::BYTES_MAX };
        if raw.len() > Self::BYTES_MAX {
            return Err(too_long);
        }
        if !looks_like_url(raw) {
            let address = EmailAddress::parse(raw).map_err(|invalid| match invalid {
                Invalid::NotAnEmailAddress => Invalid::NotAContact,
                other => other,
            })?;
            return Ok(Self(address.into()));
        }
        let url = page(raw).ok_or(Invalid::NotAContact)?;
        // Percent-encoding makes it longer.
        if url.len() > Self::BYTES_MAX { Err(too_long) } else { Ok(Self(url)) }
    }

    /// The same for a stored value, however strict [`parse`](Self::parse) has become.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), for a value that no version ever stored.
    pub fn parse_stored(raw: &str) -> Result<Self, Invalid> {
        match looks_like_url(raw) {
            true => page(raw).map(Self).ok_or(Invalid::NotAContact),
            false => Ok(Self(EmailAddress::parse_stored(raw)?.into())),
        }
    }

    /// The address, if it is one.
    pub fn as_address(&self) -> Option<&str> {
        (!looks_like_url(&self.0)).then_some(self.as_str())
    }

    /// The URL, if it is one.
    pub fn as_url(&self) -> Option<&str> {
        looks_like_url(&self.0).then_some(self.as_str())
    }

    /// The address or the URL as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The target of a link to it: a URL with `mailto`, `https` or `http`.
    pub fn href(&self) -> String {
        match self.as_address() {
            Some(address) => format!("mailto:{}", encode_mailto(address)),
            None => self.0.clone(),
        }
    }
}

/// Whether a text begins as a URL does. No e-mail address does: before its `@` there is no unquoted colon.
fn looks_like_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    })
}

fn page(raw: &str) -> Option<String> {
    parse_strictly(raw).map(String::from)
}

/// An address as in RFC 6068, section 2: characters that would end it, or begin another part, are encoded.
fn encode_mailto(address: &str) -> String {
    let mut encoded = String::with_capacity(address.len());
    for byte in address.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'@'
            | b'.'
            | b'-'
            | b'_'
            | b'+'
            | b'~'
            | b'!'
            | b'$'
            | b'*'
            | b'\'' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

impl TryFrom<String> for Contact {
    type Error = Invalid;

    fn try_from(raw: String) -> Result<Self, Invalid> {
        Self::parse_stored(&raw)
    }
}

impl From<Contact> for String {
    fn from(contact: Contact) -> Self {
        contact.0
    }
}

serialized_as_text!(Contact);

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_an_address_or_a_url() {
        for (raw, stored, href) in [
            (" Ada@Example.ORG ", "ada@example.org", "mailto:ada@example.org"),
            ("a&b?c=d@example.org", "a&b?c=d@example.org", "mailto:a%26b%3Fc%3Dd@example.org"),
            ("https://example.org", "https://example.org/", "https://example.org/"),
            (
                "HTTP://Example.org:8080/a b".replace(' ', "%20").as_str(),
                "http://example.org:8080/a%20b",
                "http://example.org:8080/a%20b",
            ),
            (
                "https://bücher.example/é#k",
                "https://xn--bcher-kva.example/%C3%A9#k",
                "https://xn--bcher-kva.example/%C3%A9#k",
            ),
        ] {
            let contact = Contact::parse(raw).unwrap_or_else(|invalid| panic!("{raw}: {invalid}"));
            assert_eq!((contact.as_str(), contact.href().as_str()), (stored, href));
            assert_eq!(contact.as_url().is_some(), stored.starts_with("http"));
            assert_ne!(contact.as_url(), contact.as_address());
            assert_eq!(Contact::parse(stored), Ok(contact.clone()), "it may be said again");
            assert_eq!(Contact::parse_stored(stored), Ok(contact), "it is read back");
        }
    }

    #[test]
    fn a_contact_with_an_unsafe_url_is_refused() {
        for raw in [
            "javascript:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "data:text/html,x",
            "mailto:ada@example.org",
            "tel:+4930123",
            "ftp://example.org/",
            "//example.org/",
            "example.org",
            "https://",
            "https:///x",
            "https:example.org",
            "https://ada:secret@example.org/",
            "https://example.org@evil.example/",
            "https://example.org/a b",
            "https://example.org\\@evil.example/",
            "https://[::1/",
        ] {
            assert_eq!(Contact::parse(raw), Err(Invalid::NotAContact), "{raw}");
        }
        assert_eq!(Contact::parse(" "), Err(Invalid::Empty));
        assert!(
            Contact::parse("https://example.org/\u{200b}").is_ok(),
            "it is encoded, and so seen"
        );
    }

    #[test]
    fn a_stored_contact_has_at_most_500_bytes() {
        let of = |bytes: usize| format!("https://example.org/{}", "x".repeat(bytes - 20));
        assert!(Contact::parse(&of(500)).is_ok());
        let too_long = Err(Invalid::TooManyBytes { max: 500 });
        assert_eq!(Contact::parse(&of(501)), too_long);
        assert_eq!(Contact::parse(&of(499).replace("xx", "é")), too_long, "as it is kept");
    }
}
