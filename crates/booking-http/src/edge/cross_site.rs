//! Requests that the pages of other websites have a visitor's browser send.
//!
//! Two kinds of foreign page can reach us all the same. One of another site can send us a form, for which a browser
//! asks no permission. And one whose own name is made to resolve to this machine (DNS rebinding) has our very
//! origin, as its browser sees it; only `Host` still shows its name.

use crate::edge::cors::Cors;
use crate::problem::ApiError;
use crate::settings::Reader;
use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use actix_web::http::uri;
use std::net::{IpAddr, Ipv6Addr};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answered under any host name: they hold no data, and probes use many names.
const PROBES: [&str; 3] = ["/health", "/livez", "/readyz"];

/// Which other sites are let in.
#[derive(Debug, Clone, Default)]
pub(crate) struct CrossSitePolicy {
    pub(crate) cors: Cors,
    pub(crate) hosts: AllowedHosts,
}

impl CrossSitePolicy {
    /// Refuses requests of other sites' pages.
    ///
    /// # Errors
    /// [`ApiError::HostNotAllowed`] while the server is open, [`ApiError::CrossSite`] for writes.
    pub(crate) fn check(&self, head: &RequestHead, is_open: bool) -> Result<(), ApiError> {
        if is_open && !self.hosts.answer_to(head) && !PROBES.contains(&head.uri.path()) {
            return Err(ApiError::HostNotAllowed);
        }
        let is_read = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_read || !is_from_another_site(&head.headers) || self.are_allowed(&head.headers) {
            return Ok(());
        }
        Err(ApiError::CrossSite)
    }

    fn are_allowed(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN);
        let origin = origins.next().filter(|_| origins.next().is_none());
        match &self.cors {
            Cors::SameOrigin => false,
            Cors::Any => true,
            Cors::Origins(allowed) => origin.is_some_and(|origin| {
                allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
            }),
        }
    }
}

/// Whether a browser reports that the page which sent the request is of another site. It knows best itself (Fetch
/// Metadata); older ones, and all of them over plain HTTP, send the page's origin alone (Fetch, section 3.1). A
/// client that sends neither is no browser.
pub(crate) fn is_from_another_site(headers: &HeaderMap) -> bool {
    if headers.contains_key(SEC_FETCH_SITE) {
        let is_own = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
        return !headers.get_all(SEC_FETCH_SITE).all(is_own);
    }
    let host = headers.get(HOST).and_then(|host| Authority::parse(host.to_str().ok()?));
    headers.get_all(ORIGIN).any(|origin| {
        let authority = origin.to_str().ok().and_then(|origin| {
            let (scheme, authority) = origin.split_once("://")?;
            Authority::parse(authority).filter(|_| ["http", "https"].contains(&scheme))
        });
        authority.is_none() || authority != host
    })
}

/// Whether a browser reports that the page which sent the request is one of ours.
pub(crate) fn is_from_a_page_of_ours(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site.as_bytes() == b"same-origin")
}

/// A host and its port.
#[derive(Debug, PartialEq, Eq)]
struct Authority {
    /// In lower case, without a final dot.
    host: String,
    /// `None` for the default port. Behind a proxy that speaks TLS it cannot be known which of the two that is.
    port: Option<u16>,
}

impl Authority {
    fn parse(text: &str) -> Option<Self> {
        // Of an absolute target, which may include a user.
        let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
        let host_end = match text.starts_with('[') {
            true => text.find(']')? + 1,
            false => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(host_end);
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some("" | "80" | "443") => None,
            Some(port) => Some(port.parse().ok()?),
            None => return None,
        };
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        Some(Self { host, port })
    }

    /// Whether it is this machine by a name that no other site can have, or a numeric address, which is no site's
    /// name.
    fn names_no_site(&self) -> bool {
        let host = self.host.as_str();
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_address = match bracketed {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.parse::<IpAddr>().is_ok(),
        };
        is_address || host == "localhost" || host.ends_with(".localhost")
    }
}

/// The host names that are allowed while the server is open, besides those that resolve to this machine anyway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Reads `ALLOWED_HOSTS`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let text = reader.text("ALLOWED_HOSTS");
        let mut hosts = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
            match Authority::parse(name).filter(|_| is_name) {
                Some(authority) => hosts.push(authority.host),
                None => reader.fail(
                    "ALLOWED_HOSTS",
                    format!("{name:?} is not the name of a host such as booking.example.org"),
                ),
            }
        }
        Self(hosts)
    }

    /// Whether the host name of a request is allowed. A request without one, which only HTTP/1.0 allows, comes from
    /// no browser.
    fn answer_to(&self, head: &RequestHead) -> bool {
        let host = head.headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
        // An absolute target goes before `Host` (RFC 9112, section 3.2.2), so it is checked, too; CONNECT names
        // another server.
        let target = head.uri.scheme().and_then(|_| head.uri.authority());
        let target = target.map(uri::Authority::as_str);
        host.into_iter().chain(target).all(|name| {
            Authority::parse(name)
                .is_some_and(|name| name.names_no_site() || self.0.contains(&name.host))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn sites(cors: Cors, hosts: &[&str]) -> CrossSitePolicy {
        CrossSitePolicy {
            cors,
            hosts: AllowedHosts(hosts.iter().map(|host| (*host).to_owned()).collect()),
        }
    }

    /// Whether a POST with these headers is executed.
    fn may_write(sites: &CrossSitePolicy, headers: &[(&str, &str)]) -> bool {
        let mut request = TestRequest::post();
        for header in headers {
            request = request.append_header(*header);
        }
        match sites.check(request.to_http_request().head(), false) {
            Ok(()) => true,
            Err(ApiError::CrossSite) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn fetch_metadata_overrides_the_origin() {
        let own = sites(Cors::SameOrigin, &[]);
        for (site, done) in [
            ("same-origin", true),
            ("none", true),
            ("same-site", false),
            ("cross-site", false),
            ("", false),
            ("Same-Origin", false),
            ("a word that is yet to come", false),
        ] {
            let fetched = ("Sec-Fetch-Site", site);
            assert_eq!(may_write(&own, &[fetched]), done, "{site}");
            // The proxy may have replaced the host that the browser sent.
            let headers = [fetched, ("Origin", "https://shop.example"), ("Host", "10.0.0.1:3000")];
            assert_eq!(may_write(&own, &headers), done, "{site}");
            let both = [fetched, ("Sec-Fetch-Site", "cross-site")];
            assert!(!may_write(&own, &both), "{site}");
        }
        assert!(may_write(&own, &[("Host", "shop.example")]), "no browser");
    }

    #[test]
    fn an_origin_is_our_own_if_it_is_the_request_s_host() {
        let own = sites(Cors::SameOrigin, &[]);
        for (origin, host, done) in [
            ("https://shop.example", "shop.example", true),
            ("http://shop.example", "shop.example", true),
            ("https://shop.example", "shop.example:443", true),
            ("https://shop.example", "shop.example:80", true),
            ("https://shop.example", "SHOP.example.", true),
            ("https://shop.example:8443", "shop.example:8443", true),
            ("http://127.0.0.1:3000", "127.0.0.1:3000", true),
            ("http://[::1]:3000", "[::1]:3000", true),
            ("http://localhost:3001", "localhost:3000", false),
            ("http://localhost:3001", "localhost", false),
            ("http://localhost", "localhost:3000", false),
            ("http://127.0.0.1:3000", "localhost:3000", false),
            ("http://evil.localhost:3000", "localhost:3000", false),
            ("https://shop.example.evil.example", "shop.example", false),
            ("https://evil.example", "shop.example", false),
            ("null", "shop.example", false),
            ("null", "null", false),
            ("", "", false),
            ("file://", "", false),
            ("shop.example", "shop.example", false),
            ("chrome-extension://shop.example", "shop.example", false),
        ] {
            let headers = [("Origin", origin), ("Host", host)];
            assert_eq!(may_write(&own, &headers), done, "{origin} asks {host}");
        }
        let two = [
            ("Origin", "https://shop.example"),
            ("Origin", "https://evil.example"),
            ("Host", "shop.example"),
        ];
        assert!(!may_write(&own, &two));
        assert!(!may_write(&own, &[("Origin", "https://shop.example")]), "nobody was asked for");
    }

    #[test]
    fn an_allowed_origin_may_write() {
        let listed = sites(Cors::Origins(vec!["https://shop.example".to_owned()]), &[]);
        let any = sites(Cors::Any, &[]);
        for (origin, done) in [
            (Some("https://shop.example"), true),
            (Some("https://evil.example"), false),
            (Some("http://shop.example"), false),
            (Some("null"), false),
            (None, false),
        ] {
            for fetched in [Some("cross-site"), Some("same-site"), None] {
                let mut headers = vec![("Host", "booking.example")];
                headers.extend(origin.map(|origin| ("Origin", origin)));
                headers.extend(fetched.map(|site| ("Sec-Fetch-Site", site)));
                let is_browser = origin.is_some() || fetched.is_some();
                assert_eq!(may_write(&listed, &headers), done || !is_browser, "{headers:?}");
                assert!(may_write(&any, &headers), "{headers:?}");
            }
        }
    }

    #[test]
    fn an_open_server_answers_to_few_names() {
        let sites = sites(Cors::SameOrigin, &["booking.example.org"]);
        let asked = |target: &str, host: Option<&str>, is_open| {
            let mut request = TestRequest::with_uri(target);
            if let Some(host) = host {
                request = request.insert_header(("Host", host));
            }
            sites.check(request.to_http_request().head(), is_open).is_ok()
        };
        for (host, answered) in [
            ("localhost", true),
            ("LOCALHOST:3000", true),
            ("a.localhost", true),
            ("localhost.", true),
            ("127.0.0.1:3000", true),
            ("192.0.2.7", true),
            ("[::1]:3000", true),
            ("[2001:db8::1]", true),
            ("booking.example.org:80", true),
            ("Booking.Example.ORG", true),
            ("evil.example", false),
            ("a.booking.example.org", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("evillocalhost", false),
            ("127.1", false),
            ("2130706433", false),
            ("[evil.example]", false),
            ("", false),
        ] {
            assert_eq!(asked("/events", Some(host), true), answered, "{host:?}");
            assert!(asked("/readyz", Some(host), true), "{host:?}");
            assert!(asked("/events", Some(host), false), "{host:?}");
        }
        assert!(asked("/events", None, true));
        assert!(!asked("http://evil.example/events", Some("localhost"), true));
        assert!(asked("http://u:p@localhost:1/events", Some("localhost"), true));
    }

    #[test]
    fn names_are_read_without_ports_and_wildcards() {
        let read = |text: &'static str| {
            let lookup = move |name: &str| (name == "ALLOWED_HOSTS").then(|| text.to_owned());
            let mut reader = Reader::new(&lookup);
            let hosts = AllowedHosts::read(&mut reader);
            (hosts.0, reader.into_errors().len())
        };
        let both = vec!["a.example".to_owned(), "b_c".to_owned()];
        assert_eq!(read(" A.example., b_c ,"), (both, 0));
        for unfit in ["*", "a.example:80", "https://a.example", "a b", ".*"] {
            assert_eq!(read(unfit).1, 1, "{unfit}");
        }
    }
}
