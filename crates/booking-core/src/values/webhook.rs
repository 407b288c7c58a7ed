//! Webhook endpoints' URLs, message types, and signing secrets.

use crate::values::secret::EndpointSecret;
use crate::values::web_url::parse_strictly;
use crate::{FactKind, Invalid};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use url::{Host, Url};

/// The URL of an organizer's webhook: an absolute `https` URL with a host, and without user name, password and
/// fragment.
///
/// A valid URL may still lead anywhere: names change their addresses. Addresses are checked when a connection is made.
///
/// ```
/// # use booking_core::EndpointUrl;
/// let url = EndpointUrl::parse("https://Hooks.Example.org/booking?team=7", false)?;
/// assert_eq!(url.as_str(), "https://hooks.example.org/booking?team=7");
/// assert!(EndpointUrl::parse("http://hooks.example.org/", false).is_err());
/// # Ok::<(), booking_core::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct EndpointUrl(Url);

impl EndpointUrl {
    /// The longest one, in bytes, as given and as stored.
    pub const BYTES_MAX: usize = 2_048;

    /// Reads a URL. With `allows_private` it may also be `http`, to a host that is this machine by its name.
    ///
    /// # Errors
    /// [`Invalid::TooManyBytes`] or [`Invalid::NotAnEndpointUrl`].
    pub fn parse(raw: &str, allows_private: bool) -> Result<Self, Invalid> {
        let raw = raw.trim();
        let too_long = Invalid::TooManyBytes { max: Self::BYTES_MAX };
        if raw.len() > Self::BYTES_MAX {
            return Err(too_long);
        }
        let url = parse_endpoint(raw).ok_or(Invalid::NotAnEndpointUrl)?;
        // Percent-encoding makes it longer.
        if url.as_str().len() > Self::BYTES_MAX {
            return Err(too_long);
        }
        let is_allowed = match url.scheme() {
            "https" => true,
            "http" => allows_private && is_loopback(&url),
            _ => false,
        };
        if is_allowed { Ok(Self(url)) } else { Err(Invalid::NotAnEndpointUrl) }
    }

    /// The same for a stored value: it was allowed when it was stored.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_stored(raw: &str) -> Result<Self, Invalid> {
        Self::parse(raw, true)
    }

    /// The URL as a string, in the form that browsers give it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL by its parts.
    pub const fn as_url(&self) -> &Url {
        &self.0
    }
}

/// Parses a URL, and refuses parts that an endpoint must not have.
fn parse_endpoint(raw: &str) -> Option<Url> {
    let url = parse_strictly(raw)?;
    (url.fragment().is_none() && url.port() != Some(0)).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = Invalid;

    fn try_from(raw: String) -> Result<Self, Invalid> {
        Self::parse_stored(&raw)
    }
}

impl Serialize for EndpointUrl {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// Shows only scheme and host: many receivers recognize their senders by a secret in the path.
impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "EndpointUrl({}://{host}/…)", self.0.scheme())
    }
}

impl EndpointSecret {
    /// The prefix of every secret's text.
    pub const PREFIX: &str = "whsec_";

    /// The secret in the form of Standard Webhooks, to be shown to its owner once.
    pub fn to_text(&self) -> String {
        format!("{}{}", Self::PREFIX, STANDARD.encode(self.as_bytes()))
    }
}

/// The type of a webhook message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WebhookType {
    /// An attendee has a confirmed seat.
    #[serde(rename = "registration.confirmed")]
    Confirmed,
    /// A seat is held.
    #[serde(rename = "registration.held")]
    Held,
    /// A visitor joined the waitlist.
    #[serde(rename = "registration.waitlisted")]
    Waitlisted,
    /// The head of the waitlist is offered a seat.
    #[serde(rename = "registration.offered")]
    Offered,
    /// A hold or an offer expired.
    #[serde(rename = "registration.expired")]
    Expired,
    /// A registration was cancelled.
    #[serde(rename = "registration.cancelled")]
    Cancelled,
    /// A seat was transferred to another attendee.
    #[serde(rename = "registration.transferred")]
    Transferred,
    /// An attendee was checked in.
    #[serde(rename = "registration.checked_in")]
    CheckedIn,
    /// A check-in was undone.
    #[serde(rename = "registration.check_in_undone")]
    CheckInUndone,
    /// An attendee's data changed: it was corrected, the link was renewed, or it was erased.
    #[serde(rename = "registration.changed")]
    Changed,
    /// An event was published.
    #[serde(rename = "event.published")]
    EventPublished,
    /// An event was edited.
    #[serde(rename = "event.changed")]
    EventChanged,
    /// An event was cancelled, and with it all registrations.
    #[serde(rename = "event.cancelled")]
    EventCancelled,
}

impl WebhookType {
    /// Every type there is.
    pub const ALL: [Self; 13] = [
        Self::Confirmed,
        Self::Held,
        Self::Waitlisted,
        Self::Offered,
        Self::Expired,
        Self::Cancelled,
        Self::Transferred,
        Self::CheckedIn,
        Self::CheckInUndone,
        Self::Changed,
        Self::EventPublished,
        Self::EventChanged,
        Self::EventCancelled,
    ];

    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "registration.confirmed",
            Self::Held => "registration.held",
            Self::Waitlisted => "registration.waitlisted",
            Self::Offered => "registration.offered",
            Self::Expired => "registration.expired",
            Self::Cancelled => "registration.cancelled",
            Self::Transferred => "registration.transferred",
            Self::CheckedIn => "registration.checked_in",
            Self::CheckInUndone => "registration.check_in_undone",
            Self::Changed => "registration.changed",
            Self::EventPublished => "event.published",
            Self::EventChanged => "event.changed",
            Self::EventCancelled => "event.cancelled",
        }
    }

    /// The type called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The type of message for a fact; `None` if none is sent: for an event that is still a draft.
    pub const fn of(kind: FactKind) -> Option<Self> {
        Some(match kind {
            FactKind::EventDrafted => return None,
            FactKind::EventCreated | FactKind::EventPublished => Self::EventPublished,
            FactKind::EventEdited | FactKind::EventMoved => Self::EventChanged,
            FactKind::EventCancelled => Self::EventCancelled,
            FactKind::Registered | FactKind::Confirmed => Self::Confirmed,
            FactKind::Held => Self::Held,
            FactKind::Waitlisted => Self::Waitlisted,
            FactKind::Offered => Self::Offered,
            FactKind::Expired => Self::Expired,
            FactKind::Cancelled => Self::Cancelled,
            FactKind::Transferred => Self::Transferred,
            FactKind::CheckedIn => Self::CheckedIn,
            FactKind::CheckInUndone => Self::CheckInUndone,
            FactKind::Corrected | FactKind::LinkRenewed | FactKind::Erased => Self::Changed,
        })
    }
}

/// The types that an endpoint receives: all, including future ones, or some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeFilter(Option<BTreeSet<WebhookType>>);

impl TypeFilter {
    /// All of them.
    pub const ALL: Self = Self(None);

    /// Only these.
    ///
    /// # Errors
    /// [`Invalid::Empty`], if there are none.
    pub fn only(types: impl IntoIterator<Item = WebhookType>) -> Result<Self, Invalid> {
        let types: BTreeSet<_> = types.into_iter().collect();
        if types.is_empty() { Err(Invalid::Empty) } else { Ok(Self(Some(types))) }
    }

    /// The types, in their order; `None` if it is all.
    pub const fn types(&self) -> Option<&BTreeSet<WebhookType>> {
        self.0.as_ref()
    }

    /// In stored form: names separated by commas; `None` if it is all.
    pub fn to_stored(&self) -> Option<String> {
        let types = self.0.as_ref()?.iter().map(|kind| kind.as_str());
        Some(types.collect::<Vec<_>>().join(","))
    }

    /// Reads the stored form. Types of later versions are skipped.
    ///
    /// # Errors
    /// [`Invalid::Empty`], if none is left.
    pub fn parse_stored(stored: Option<&str>) -> Result<Self, Invalid> {
        match stored {
            Some(names) => Self::only(names.split(',').filter_map(WebhookType::from_name)),
            None => Ok(Self::ALL),
        }
    }

    /// Whether an endpoint receives it.
    pub fn takes(&self, kind: WebhookType) -> bool {
        self.0.as_ref().is_none_or(|types| types.contains(&kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_https_url() {
        for (raw, stored) in [
            ("https://example.org", "https://example.org/"),
            ("HTTPS://EXAMPLE.org:443/a?b=c", "https://example.org/a?b=c"),
            (" https://bücher.example:8443/é\n", "https://xn--bcher-kva.example:8443/%C3%A9"),
            ("https://2130706433/", "https://127.0.0.1/"),
            ("https://[::1]/a@b", "https://[::1]/a@b"),
        ] {
            let url = EndpointUrl::parse(raw, false);
            assert_eq!(url.as_ref().map(EndpointUrl::as_str), Ok(stored), "{raw}");
        }
        for raw in [
            "",
            "example.org",
            "/hooks",
            "https:",
            "https:example.org",
            "https:///example.org",
            "https://",
            "https://:8443/",
            "https://example.org:0/",
            "https://example.org:65536/",
            "https://user@example.org/",
            "https://user:secret@example.org/",
            "https://@example.org/",
            "https://example.org/#",
            "https://example.org/#part",
            "https:\\\\example.org/",
            "https://example.org\\@other.example/",
            "https://exa\tmple.org/",
            "https://exa\nmple.org/",
            "https://a b.example/",
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "http://example.org/",
            "http://localhost/",
            "http://127.0.0.1/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "javascript://example.org/",
            "gopher://example.org/",
        ] {
            assert_eq!(EndpointUrl::parse(raw, false), Err(Invalid::NotAnEndpointUrl), "{raw}");
        }
    }

    #[test]
    fn localhost_may_use_http_where_private_addresses_are_allowed() {
        for raw in
            ["http://localhost:8080/", "http://127.0.0.1/a", "http://127.9.9.9", "http://[::1]:1/"]
        {
            assert!(EndpointUrl::parse(raw, true).is_ok(), "{raw}");
            assert!(EndpointUrl::parse(raw, false).is_err(), "{raw}");
        }
        for raw in ["http://10.0.0.1/", "http://example.org/", "http://localhost.example.org/"] {
            assert_eq!(EndpointUrl::parse(raw, true), Err(Invalid::NotAnEndpointUrl), "{raw}");
        }
    }

    #[test]
    fn an_endpoint_url_is_limited_and_its_path_is_not_shown() {
        let base = "https://example.org/";
        let longest = format!("{base}{}", "a".repeat(EndpointUrl::BYTES_MAX - base.len()));
        let url = EndpointUrl::parse(&longest, false).expect("just short enough");
        assert_eq!(format!("{url:?}"), "EndpointUrl(https://example.org/…)");
        let too_long = Err(Invalid::TooManyBytes { max: EndpointUrl::BYTES_MAX });
        assert_eq!(EndpointUrl::parse(&format!("{longest}a"), false), too_long);
        let encoded = format!("{base}{}", "é".repeat(500));
        assert_eq!(EndpointUrl::parse(&encoded, false), too_long);
        let stored = serde_json::to_string(&url).expect("it is a text");
        assert_eq!(serde_json::from_str::<EndpointUrl>(&stored).ok(), Some(url));
    }

    #[test]
    fn a_secret_is_written_in_the_standard_form_and_never_shown() {
        let secret = EndpointSecret::new([0xfb; 32]);
        assert_eq!(secret.to_text(), "whsec_+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=");
        assert_eq!(format!("{secret:?}"), "EndpointSecret(…)");
    }

    #[test]
    fn each_type_has_one_name_everywhere() {
        let names: BTreeSet<_> = WebhookType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), WebhookType::ALL.len());
        for kind in WebhookType::ALL {
            assert_eq!(WebhookType::from_name(kind.as_str()), Some(kind));
            let json = serde_json::to_string(&kind).expect("it is a text");
            assert_eq!(json, format!("\"{}\"", kind.as_str()));
        }
        assert_eq!(WebhookType::from_name("registration.erased"), None);
    }

    #[test]
    fn a_filter_accepts_all_types_or_the_named_ones() {
        let all = TypeFilter::default();
        assert_eq!((all.types(), &all), (None, &TypeFilter::ALL));
        assert!(WebhookType::ALL.into_iter().all(|kind| all.takes(kind)));
        let some =
            TypeFilter::only([WebhookType::Offered, WebhookType::Held]).expect("there are two");
        assert!(some.takes(WebhookType::Held) && !some.takes(WebhookType::Confirmed));
        let json = serde_json::to_string(&some).expect("they are texts");
        assert_eq!(json, r#"["registration.held","registration.offered"]"#);
        assert_eq!(serde_json::from_str::<TypeFilter>(&json).ok(), Some(some));
        assert_eq!(TypeFilter::only([]), Err(Invalid::Empty));
    }

    #[test]
    fn a_filter_round_trips() {
        let some =
            TypeFilter::only([WebhookType::Offered, WebhookType::Held]).expect("there are two");
        assert_eq!(some.to_stored().as_deref(), Some("registration.held,registration.offered"));
        for filter in [TypeFilter::ALL, some.clone()] {
            assert_eq!(TypeFilter::parse_stored(filter.to_stored().as_deref()), Ok(filter));
        }
        let later = "registration.held,registration.promoted,registration.offered";
        assert_eq!(TypeFilter::parse_stored(Some(later)), Ok(some));
        assert_eq!(TypeFilter::parse_stored(Some("registration.promoted")), Err(Invalid::Empty));
    }
}
