//! The public URL of this server, as its operator sets it: no request says it reliably.

use crate::api::base_path::BasePath;
use crate::settings::{Reader, is_host_and_port};
use actix_web::http::Uri;
use booking_core::{EventId, RegistrationId};

const COMPLAINT: &str =
    "is not an http or https address such as https://booking.example.org, without ? and #";

/// The prefix of links that are followed later and from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(
    /// Without a slash at its end.
    String,
);

impl BaseUrl {
    /// Reads `BASE_URL`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.given("BASE_URL")?;
        let url = Self::parse(text.trim());
        if url.is_none() {
            reader.fail("BASE_URL", COMPLAINT);
        }
        url
    }

    fn parse(text: &str) -> Option<Self> {
        // Neither characters that no URL has (RFC 3986, section 2), nor those that would have to come after the
        // paths of links.
        let may_be_in_it = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}?#".contains(&b);
        let uri = text.bytes().all(may_be_in_it).then(|| text.parse::<Uri>().ok())??;
        let is_byte = |text: &str| text.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        // Links must not carry a user name or a password.
        let is_good = matches!(uri.scheme_str(), Some("http" | "https"))
            && is_host_and_port(uri.authority()?.as_str())
            && text.split('%').skip(1).all(is_byte);
        is_good.then(|| Self(text.trim_end_matches('/').to_owned()))
    }

    /// The same with the base path, if it does not end with that already.
    pub(crate) fn with_path(self, path: &BasePath) -> Self {
        if self.0.ends_with(path.as_str()) { self } else { Self(self.0 + path.as_str()) }
    }

    /// The URL, without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The page of an event.
    pub(crate) fn of_event(&self, id: EventId) -> String {
        format!("{}/e/{id}", self.0)
    }

    /// The private page of a registration, with its token behind the `#`, so that no server ever sees it.
    pub(crate) fn of_registration(&self, id: RegistrationId, token: &str) -> String {
        format!("{}/r/{id}#{token}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_an_absolute_address_of_pages() {
        for (text, base) in [
            ("https://booking.example.org", "https://booking.example.org"),
            ("https://booking.example.org/", "https://booking.example.org"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://192.0.2.1/tickets//", "http://192.0.2.1/tickets"),
            ("https://[2001:db8::1]:8443/a/b", "https://[2001:db8::1]:8443/a/b"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
            ("https://booking.example.org/f%C3%BCr", "https://booking.example.org/f%C3%BCr"),
            ("HTTPS://Example.ORG", "HTTPS://Example.ORG"),
        ] {
            assert_eq!(BaseUrl::parse(text), Some(BaseUrl(base.to_owned())), "{text}");
        }
        for text in [
            "booking.example.org",
            "/tickets",
            "//booking.example.org",
            "https://",
            "https:///tickets",
            "https://:8080",
            "ftp://booking.example.org",
            "mailto:ada@example.org",
            "https://booking.example.org/?a=b",
            "https://booking.example.org?",
            "https://booking.example.org/#events",
            "https://booking.example.org:",
            "https://booking.example.org:0",
            "https://booking.example.org:65536",
            "https://booking.example.org:x",
            "https://booking.example.org:+80",
            "https://[]",
            "https://[zz]",
            "https://[::1]x:80",
            "https://[::1",
            "https://$HOST",
            "https://$HOST:8080/tickets",
            "https://%24HOST",
            "https://booking..example.org",
            "https://256.0.2.1",
            "https://booking.example.org/%",
            "https://booking.example.org/%2",
            "https://booking.example.org/%zz",
            "https://ada@booking.example.org",
            "https://ada:secret@booking.example.org",
            "https://booking.example.org/a b",
            "https://bücher.example",
            "https://a.example, https://b.example",
            "https://a.example\r\nX: y",
        ] {
            assert_eq!(BaseUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_page_of_an_event_is_below_it() {
        let id = EventId::from(uuid::Uuid::from_u128(7));
        for base in ["https://example.org/tickets/", "https://example.org/tickets"] {
            let url = BaseUrl::parse(base).expect("it is one").of_event(id);
            assert_eq!(url, format!("https://example.org/tickets/e/{id}"));
        }
    }

    #[test]
    fn the_base_path_is_in_a_link_once() {
        let lookup = |name: &str| (name == "BASE_PATH").then(|| "/tickets".to_owned());
        let path = BasePath::read(&mut Reader::new(&lookup));
        for url in ["https://example.org", "https://example.org/", "https://example.org/tickets/"] {
            let base = BaseUrl::parse(url).expect("it is one").with_path(&path);
            assert_eq!(base.as_str(), "https://example.org/tickets", "{url}");
        }
        let base = BaseUrl::parse("https://example.org").expect("it is one");
        assert_eq!(base.clone().with_path(&BasePath::default()), base);
    }

    #[test]
    fn a_base_url_that_is_refused_is_not_repeated_in_the_error() {
        let read = |text: &str| {
            let lookup = |name: &str| (name == "BASE_URL").then(|| text.to_owned());
            let mut reader = Reader::new(&lookup);
            (BaseUrl::read(&mut reader), reader.into_errors())
        };
        assert!(matches!(read("  "), (None, errors) if errors.is_empty()));
        let (base, errors) = read(" https://example.org/ \n");
        assert_eq!((base, errors.len()), (Some(BaseUrl("https://example.org".to_owned())), 0));
        let (base, errors) = read("https://ada:secret@example.org");
        let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!((base, messages), (None, vec![format!("BASE_URL: {COMPLAINT}")]));
    }
}
