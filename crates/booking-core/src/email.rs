use crate::RegistrationId;
use crate::text::Invalid;
use email_address::Options;
use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// An e-mail address in the one form in which it is stored and compared: trimmed, Unicode-normalised
/// (NFC), lower-case, at most [`EmailAddress::BYTES_MAX`] bytes, with a dot in its domain.
///
/// ```
/// # use booking_core::EmailAddress;
/// let address = EmailAddress::parse(" Ada@Example.ORG ")?;
/// assert_eq!(address.as_str(), "ada@example.org");
/// # Ok::<(), booking_core::Invalid>(())
/// ```
///
/// It is personal data, and its `Debug` does not show it: nothing that a log or a panic says of a command or
/// a registration can tell whose it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// The domain of the addresses that stand where others were erased. Nobody can ever have one in it (RFC
/// 2606, section 2).
const ERASED_DOMAIN: &str = "@erased.invalid";

impl EmailAddress {
    /// The longest address that SMTP can carry (RFC 5321, section 4.5.3.1.3: a path of 256 octets,
    /// two of them its brackets).
    pub const BYTES_MAX: usize = 254;

    /// Brings `raw` into the stored form and checks it.
    ///
    /// # Errors
    /// [`Invalid`], of any of its kinds but those of numbers and cursors.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let address = Self::parse_stored(raw)?;
        // Else somebody could take the one that another registration is going to need.
        match address.is_erased() {
            true => Err(Invalid::NotAnEmailAddress),
            false => Ok(address),
        }
    }

    /// [`EmailAddress::parse`] for what a store holds: also what stands in place of an erased address.
    ///
    /// # Errors
    /// As [`EmailAddress::parse`].
    pub fn parse_stored(raw: &str) -> Result<Self, Invalid> {
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            return Err(Invalid::Empty);
        }
        // Before the work of normalising. NFC and lower-casing can shorten a text, though never to a
        // quarter.
        if trimmed.len() > 4 * Self::BYTES_MAX {
            return Err(Invalid::TooManyBytes { max: Self::BYTES_MAX });
        }
        if trimmed.chars().any(char::is_control) {
            return Err(Invalid::ControlCharacter);
        }
        if trimmed.chars().any(is_invisible) {
            return Err(Invalid::InvisibleCharacter);
        }
        let address = normalise(trimmed);
        if address.len() > Self::BYTES_MAX {
            return Err(Invalid::TooManyBytes { max: Self::BYTES_MAX });
        }
        let options =
            Options::default().with_required_tld().without_domain_literal().without_display_text();
        if address.chars().any(char::is_whitespace)
            || email_address::EmailAddress::parse_with_options(&address, options).is_err()
        {
            return Err(Invalid::NotAnEmailAddress);
        }
        Ok(Self(address))
    }

    /// What stands in the place of the address of a registration whose personal data was erased. It is
    /// that registration's own, so that addresses stay different where they must.
    pub fn erased(registration_id: RegistrationId) -> Self {
        Self(format!("erased-{registration_id}{ERASED_DOMAIN}"))
    }

    /// Whether an address was erased here.
    pub fn is_erased(&self) -> bool {
        self.0.ends_with(ERASED_DOMAIN)
    }

    /// The address as text, in its stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Invalid;

    fn try_from(stored: String) -> Result<Self, Invalid> {
        Self::parse_stored(&stored)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

fn normalise(address: &str) -> String {
    if address.is_ascii() {
        return address.to_ascii_lowercase();
    }
    // Lower-casing can leave a sequence that NFC composes, hence twice.
    let composed: String = address.nfc().collect();
    composed.to_lowercase().nfc().collect()
}

/// Format characters (Unicode category Cf) and the other characters that show nothing: two addresses
/// that look the same must be the same.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(raw: &str) -> Result<String, Invalid> {
        EmailAddress::parse(raw).map(String::from)
    }

    #[test]
    fn what_looks_the_same_compares_the_same() {
        assert_eq!(parse(" ADA@Example.ORG\n"), Ok("ada@example.org".into()));
        let composed = parse("ren\u{e9}@example.org");
        let decomposed = parse("RENE\u{301}@example.org");
        assert_eq!(composed, Ok("ren\u{e9}@example.org".into()));
        assert_eq!(composed, decomposed);
        assert_eq!(parse("a+tag@b.example.org"), Ok("a+tag@b.example.org".into()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for raw in [
            "ada",
            "ada@",
            "@example.org",
            "ada@example",
            "ada@@example.org",
            "a b@example.org",
            "Ada <ada@example.org>",
            "ada@[127.0.0.1]",
            "ada@example..org",
            "ada@.org",
            "ada@example.org.",
            "\"a b\"@example.org",
            "a\u{a0}b@example.org",
        ] {
            assert_eq!(parse(raw), Err(Invalid::NotAnEmailAddress), "{raw:?}");
        }
        assert_eq!(parse("  "), Err(Invalid::Empty));
        assert_eq!(parse("a\0@example.org"), Err(Invalid::ControlCharacter));
        assert_eq!(parse("a\r\nb@example.org"), Err(Invalid::ControlCharacter));
        for hidden in ['\u{200b}', '\u{202e}', '\u{feff}', '\u{ad}', '\u{2066}'] {
            let raw = format!("a{hidden}da@example.org");
            assert_eq!(parse(&raw), Err(Invalid::InvisibleCharacter), "{raw:?}");
        }
    }

    #[test]
    fn its_length_is_counted_in_bytes() {
        let domain = format!("{}.{}.{}.org", "d".repeat(63), "d".repeat(63), "d".repeat(57));
        let local = "l".repeat(EmailAddress::BYTES_MAX - domain.len() - 1);
        assert!(parse(&format!("{local}@{domain}")).is_ok());
        assert_eq!(parse(&format!("l{local}@{domain}")), Err(Invalid::TooManyBytes { max: 254 }));
        assert!(parse(&"x".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn parsing_twice_changes_nothing(raw in "\\PC{1,40}@\\PC{1,30}\\.[a-zA-Zéİß]{2,8}") {
            if let Ok(address) = EmailAddress::parse(&raw) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address));
            }
        }
    }
}
