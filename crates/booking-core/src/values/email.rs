use crate::RegistrationId;
use crate::values::text::{Invalid, serialized_as_text};
use crate::values::unseen::is_invisible;
use email_address::Options;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// An e-mail address in the one form in which it is stored and compared: trimmed, Unicode-normalised (NFC), lower-case,
/// at most [`EmailAddress::BYTES_MAX`] bytes, with a dot in its domain. The domain is in the form of DNS (UTS 46), and
/// there are no unneeded quotes.
///
/// ```
/// # use booking_core::EmailAddress;
/// let address = EmailAddress::parse(" Ada@Bücher.Example ")?;
/// assert_eq!(address.as_str(), "ada@xn--bcher-kva.example");
/// assert_eq!(EmailAddress::parse("\"ada\"@xn--bcher-kva.example")?, address);
/// # Ok::<(), booking_core::Invalid>(())
/// ```
///
/// It is personal data, and its `Debug` does not show it: no log or panic about a command or a registration reveals the
/// attendee.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct EmailAddress(String);

/// The domain of the addresses that replace erased ones. No real address can be in it (RFC 2606, section 2).
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
        let trimmed = trim(raw)?;
        if trimmed.chars().any(is_hidden) {
            return Err(Invalid::InvisibleCharacter);
        }
        let (local, domain) = trimmed.rsplit_once('@').ok_or(Invalid::NotAnEmailAddress)?;
        if local.chars().any(is_invisible) {
            return Err(Invalid::InvisibleCharacter);
        }
        let Some(domain) = to_ascii_domain(domain) else {
            return Err(match trimmed.len() > Self::BYTES_MAX {
                true => Invalid::TooManyBytes { max: Self::BYTES_MAX },
                // A joiner where none may be.
                false if domain.chars().any(is_invisible) => Invalid::InvisibleCharacter,
                false => Invalid::NotAnEmailAddress,
            });
        };
        if has_hidden_character(&domain) {
            return Err(Invalid::InvisibleCharacter);
        }
        let address = Self::checked(join(local, &domain).ok_or(Invalid::NotAnEmailAddress)?)?;
        // Otherwise an attendee could take the address that another registration's erasure is going to need.
        match address.is_erased() {
            true => Err(Invalid::NotAnEmailAddress),
            false => Ok(address),
        }
    }

    /// Reads a stored address, as it is: also the replacement of an erased address, and the spellings that earlier
    /// versions stored. Compare addresses by [`EmailAddress::canonical`].
    ///
    /// # Errors
    /// As [`EmailAddress::parse`], for a value that no version ever stored.
    pub fn parse_stored(raw: &str) -> Result<Self, Invalid> {
        Self::checked(normalise(trim(raw)?))
    }

    /// Reads an address to search for: one that earlier versions accepted and this one refuses may still be stored.
    ///
    /// # Errors
    /// As [`EmailAddress::parse`].
    pub fn parse_sought(raw: &str) -> Result<Self, Invalid> {
        Self::parse(raw).or_else(|refused| match Self::parse_stored(raw) {
            Ok(old) if !old.is_erased() && !old.0.chars().any(is_invisible) => Ok(old),
            Ok(_) | Err(_) => Err(refused),
        })
    }

    /// The spelling that [`EmailAddress::parse`] gives it; its own if that refuses it. Two addresses are the same if
    /// their canonical spellings are.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self::parse(&self.0).unwrap_or_else(|_| self.clone())
    }

    /// The canonical spelling of the stored text `stored`, if that is another one.
    #[must_use]
    pub fn respelling_of(stored: &str) -> Option<Self> {
        let canonical = Self::parse_stored(stored).ok()?.canonical();
        (canonical.0 != stored).then_some(canonical)
    }

    /// Whether the stored text `stored` is this address, in any spelling. This one is canonical.
    pub fn is_stored_as(&self, stored: &str) -> bool {
        stored == self.0
            || Self::parse_stored(stored).is_ok_and(|stored| stored.canonical() == *self)
    }

    /// Whether the stored text `stored` is this address in another spelling.
    pub fn is_respelt_as(&self, stored: &str) -> bool {
        stored != self.0 && self.is_stored_as(stored)
    }

    fn checked(address: String) -> Result<Self, Invalid> {
        if address.len() > Self::BYTES_MAX {
            return Err(Invalid::TooManyBytes { max: Self::BYTES_MAX });
        }
        if is_address(&address) { Ok(Self(address)) } else { Err(Invalid::NotAnEmailAddress) }
    }

    /// The replacement for the address of an erased registration. It is unique to the registration, so that addresses
    /// stay different where they must.
    pub fn erased(registration_id: RegistrationId) -> Self {
        Self(format!("erased-{registration_id}{ERASED_DOMAIN}"))
    }

    /// Whether this is the replacement of an erased address.
    pub fn is_erased(&self) -> bool {
        self.0.ends_with(ERASED_DOMAIN)
    }

    /// The address as a string, in its stored form.
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

serialized_as_text!(EmailAddress);

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

/// `raw` without the white space around it, unless it is far too long to check.
fn trim(raw: &str) -> Result<&str, Invalid> {
    let trimmed = raw.trim();
    if trimmed.is_empty() {
        return Err(Invalid::Empty);
    }
    // Normalising can shorten a text, though hardly ever to a quarter.
    if trimmed.len() > 4 * EmailAddress::BYTES_MAX {
        return Err(Invalid::TooManyBytes { max: EmailAddress::BYTES_MAX });
    }
    if trimmed.chars().any(char::is_control) {
        return Err(Invalid::ControlCharacter);
    }
    Ok(trimmed)
}

/// Whether it is an address by RFC 5322 and RFC 6531, without white space, and with a dot in its domain.
fn is_address(address: &str) -> bool {
    let options =
        Options::default().with_required_tld().without_domain_literal().without_display_text();
    !address.chars().any(char::is_whitespace)
        && email_address::EmailAddress::parse_with_options(address, options).is_ok()
}

/// Whether a character is invisible and not allowed in a domain either. Joiners are: some languages need them, and UTS
/// 46 checks their neighbours (RFC 5892, appendix A).
fn is_hidden(c: char) -> bool {
    is_invisible(c) && !matches!(c, '\u{200c}' | '\u{200d}')
}

/// Hyphens in the third and fourth place are accepted, since there are hosts that have them.
const HYPHENS: Hyphens = Hyphens::CheckFirstLast;

/// The form in which a domain is looked up (UTS 46, ToASCII), `xn--` where it is not ASCII; `None` if it is invalid.
fn to_ascii_domain(domain: &str) -> Option<String> {
    let ascii =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, HYPHENS, DnsLength::Verify);
    ascii.ok().map(Cow::into_owned)
}

/// Whether a domain in that form contains a hidden character: it is refused in either spelling.
fn has_hidden_character(domain: &str) -> bool {
    domain.contains("xn--") && to_readable_domain(domain).chars().any(is_hidden)
}

/// A domain in its readable form (UTS 46, ToUnicode).
fn to_readable_domain(domain: &str) -> Cow<'_, str> {
    Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, HYPHENS).0
}

/// An address with the local part in canonical form: without quotes if it needs none, else with no more backslashes
/// than it needs. `None` if its quotes and backslashes are invalid.
fn join(local: &str, domain: &str) -> Option<String> {
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(quoted) = quoted else { return Some(format!("{}@{domain}", normalise(local))) };
    let text = normalise(&unquoted(quoted)?);
    let plain = format!("{text}@{domain}");
    if !text.contains('"') && is_address(&plain) {
        return Some(plain);
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"{escaped}\"@{domain}"))
}

/// The text between quotes, without the backslashes (RFC 5322, section 3.2.4).
fn unquoted(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_graphic)?),
            '"' => return None,
            c => text.push(c),
        }
    }
    Some(text)
}

fn normalise(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Lower-casing can leave a sequence that NFC composes, hence twice.
    let composed: String = text.nfc().collect();
    composed.to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(raw: &str) -> Result<String, Invalid> {
        EmailAddress::parse(raw).map(String::from)
    }

    #[test]
    fn spellings_of_one_address_are_equal() {
        assert_eq!(parse(" ADA@Example.ORG\n"), Ok("ada@example.org".into()));
        let composed = parse("ren\u{e9}@example.org");
        let decomposed = parse("RENE\u{301}@example.org");
        assert_eq!(composed, Ok("ren\u{e9}@example.org".into()));
        assert_eq!(composed, decomposed);
        assert_eq!(parse("a+tag@b.example.org"), Ok("a+tag@b.example.org".into()));
    }

    #[test]
    fn an_invalid_address_is_refused() {
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
    fn spellings_of_one_domain_are_equal() {
        for raw in [
            "ada@bücher.example",
            "ada@xn--bcher-kva.example",
            "ada@XN--BCHER-KVA.Example",
            "ADA@BÜCHER.EXAMPLE",
            "ada@bu\u{308}cher.example",
            "ada@ｂücher。ｅxample",
        ] {
            assert_eq!(parse(raw), Ok("ada@xn--bcher-kva.example".into()), "{raw}");
        }
        // Sharp s is a letter of its own (not transitional), and so is a final sigma.
        assert_eq!(parse("ada@faß.example"), Ok("ada@xn--fa-hia.example".into()));
        assert_eq!(parse("ada@fass.example"), Ok("ada@fass.example".into()));
        assert_eq!(parse("ada@ΛΟΓΟΣ.example"), parse("ada@λογοσ.example"));
        assert_ne!(parse("ada@λογος.example"), parse("ada@λογοσ.example"));
        assert_eq!(parse("ada@r3---sn-x.example"), Ok("ada@r3---sn-x.example".into()));
        assert_eq!(parse("ada@127.0.0.1"), Ok("ada@127.0.0.1".into()));
    }

    #[test]
    fn a_joiner_in_a_domain_is_the_same_in_either_spelling() {
        for (spelt, in_dns) in
            [("نامه\u{200c}ای", "xn--mgba3gch31f060k"), ("ශ\u{dca}\u{200d}රී", "xn--10cl1a0b660p")]
        {
            for domain in [spelt, in_dns, &in_dns.to_uppercase()] {
                let expected = Ok(format!("ada@{in_dns}.example"));
                assert_eq!(parse(&format!("ada@{domain}.example")), expected, "{domain}");
            }
            // In a local part it is hidden.
            let hidden = parse(&format!("{spelt}@x.example"));
            assert_eq!(hidden, Err(Invalid::InvisibleCharacter));
        }
        assert_ne!(parse("ada@نامه\u{200c}ای.example"), parse("ada@نامهای.example"));
    }

    #[test]
    fn hidden_characters_in_a_domain_are_refused_in_either_spelling() {
        // A joiner is not allowed between such letters.
        for hidden in ('\0'..=char::MAX).filter(|c| is_invisible(*c)) {
            let label = format!("a{hidden}b");
            let in_dns = idna::punycode::encode_str(&label).expect("it is short");
            let visible = parse(&format!("ada@{label}.example"));
            let code = hidden.escape_unicode();
            assert_eq!(visible, Err(Invalid::InvisibleCharacter), "{code}");
            assert!(parse(&format!("ada@xn--{in_dns}.example")).is_err(), "{code}");
        }
    }

    #[test]
    fn an_invalid_domain_is_refused() {
        let long = "ü".repeat(60);
        for domain in [
            "xn--zzzzzz--.example",
            "xn--abc-.example",
            "-a.example",
            "a-.example",
            "foo_bar.example",
            "a b.example",
            "\u{301}a.example",
            "a\u{2024}\u{2024}b.example",
            "example。",
            &format!("{long}.example"),
            &format!("{}example", "a.".repeat(124)),
        ] {
            let refused = parse(&format!("ada@{domain}"));
            assert!(
                matches!(refused, Err(Invalid::NotAnEmailAddress | Invalid::TooManyBytes { .. })),
                "{domain}: {refused:?}"
            );
        }
    }

    #[test]
    fn unneeded_quotes_are_removed() {
        for raw in ["\"ada\"@x.org", "\"a\\da\"@x.org", "\"\\A\\D\\A\"@X.org"] {
            assert_eq!(parse(raw), Ok("ada@x.org".into()), "{raw}");
        }
        assert_eq!(parse("\"a.b+c\"@x.org"), Ok("a.b+c@x.org".into()));
        // They are needed here, and the backslash is not.
        assert_eq!(parse("\"a@b\"@x.org"), Ok("\"a@b\"@x.org".into()));
        assert_eq!(parse("\"a\\@b\"@x.org"), Ok("\"a@b\"@x.org".into()));
        assert_eq!(parse("\".a\"@x.org"), Ok("\".a\"@x.org".into()));
        assert_eq!(parse("\"a\\\"b\"@x.org"), Ok("\"a\\\"b\"@x.org".into()));
        for raw in ["\"a\"b\"@x.org", "\"a\\\"@x.org", "\"\"@x.org", "\"@x.org", "\"a b\"@x.org"] {
            assert_eq!(parse(raw), Err(Invalid::NotAnEmailAddress), "{raw}");
        }
    }

    #[test]
    fn addresses_of_earlier_versions_are_read_and_canonicalized() {
        for (stored, canonical) in [
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("\"ada\"@example.org", "ada@example.org"),
            ("ada@example.org", "ada@example.org"),
            // These are not accepted any more in any spelling.
            ("ada@foo_bar.example", "ada@foo_bar.example"),
            ("erased-1@erased.invalid", "erased-1@erased.invalid"),
        ] {
            let address = EmailAddress::parse_stored(stored).expect("it was taken once");
            assert_eq!((address.as_str(), address.canonical().as_str()), (stored, canonical));
            let respelling = EmailAddress::respelling_of(stored).map(String::from);
            assert_eq!(respelling.as_deref(), Some(canonical).filter(|other| *other != stored));
        }
        let ada = EmailAddress::parse("ada@bücher.example").expect("valid");
        for (stored, is_hers, is_respelt) in [
            ("ada@xn--bcher-kva.example", true, false),
            ("ada@bücher.example", true, true),
            ("\"ada\"@bücher.example", true, true),
            ("ada@bucher.example", false, false),
            ("no address", false, false),
        ] {
            let found = (ada.is_stored_as(stored), ada.is_respelt_as(stored));
            assert_eq!(found, (is_hers, is_respelt), "{stored}");
        }
        let sought = |raw| EmailAddress::parse_sought(raw).map(String::from);
        assert_eq!(sought("\"ada\"@example.org"), Ok("ada@example.org".into()));
        assert_eq!(sought("Ada@foo_bar.example"), Ok("ada@foo_bar.example".into()));
        assert_eq!(sought("erased-1@erased.invalid"), Err(Invalid::NotAnEmailAddress));
        assert_eq!(sought("a\u{ad}da@example.org"), Err(Invalid::InvisibleCharacter));
    }

    #[test]
    fn erased_addresses_are_refused_in_every_spelling() {
        for raw in ["erased-1@ERASED.invalid", "\"erased-1\"@erased.invalid", "x@ｅrased.invalid"]
        {
            assert_eq!(parse(raw), Err(Invalid::NotAnEmailAddress), "{raw}");
        }
    }

    #[test]
    fn the_length_of_an_address_is_counted_in_bytes() {
        let domain = format!("{}.{}.{}.org", "d".repeat(63), "d".repeat(63), "d".repeat(57));
        let local = "l".repeat(EmailAddress::BYTES_MAX - domain.len() - 1);
        assert!(parse(&format!("{local}@{domain}")).is_ok());
        assert_eq!(parse(&format!("l{local}@{domain}")), Err(Invalid::TooManyBytes { max: 254 }));
        assert!(parse(&"x".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn parsing_twice_changes_nothing(raw in "\\PC{1,40}@\\PC{1,30}\\.[a-zA-Zéİß]{2,8}") {
            check_parsed_twice(&raw)?;
        }

        #[test]
        fn parsing_quoted_and_unicode_addresses_twice_changes_nothing(
            local in "\"([a-zΣςİ.@\"(;]|\\\\[ -~]){0,8}\"",
            domain in "[a-zA-ZéİßΣς。．ａ-ｚ]{1,6}\\.[a-zü]{2,4}",
        ) {
            check_parsed_twice(&format!("{local}@{domain}"))?;
        }
    }

    /// An accepted address is canonical, has an ASCII domain, is the same when read back, and is found in any stored
    /// spelling.
    fn check_parsed_twice(raw: &str) -> Result<(), TestCaseError> {
        if let Ok(address) = EmailAddress::parse(raw) {
            let (local, domain) = address.as_str().rsplit_once('@').expect("it is an address");
            prop_assert!(domain.is_ascii(), "{domain}");
            let read = format!("{local}@{}", to_readable_domain(domain));
            prop_assert_eq!(EmailAddress::parse(&read), Ok(address.clone()));
            prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
            prop_assert_eq!(EmailAddress::parse_stored(address.as_str()), Ok(address.clone()));
            prop_assert_eq!(address.canonical(), address);
        }
        Ok(())
    }
}
