//! The headers in which proxies name the origin of a request: `X-Forwarded-For`, `Forwarded` (RFC 7239), or a
//! header of their own that holds one address. One of them is believed, and the others are ignored: a proxy writes
//! its own and passes on unknown ones as the client sent them.
//!
//! Parsers of other crates split at a comma inside quotes, so that a client that sends the right quotes could forge
//! hops.

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue, InvalidHeaderName};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The one header that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddressHeader(HeaderName);

impl Default for AddressHeader {
    fn default() -> Self {
        Self(X_FORWARDED_FOR)
    }
}

impl FromStr for AddressHeader {
    type Err = InvalidHeaderName;

    fn from_str(name: &str) -> Result<Self, InvalidHeaderName> {
        HeaderName::from_bytes(name.as_bytes()).map(Self)
    }
}

impl fmt::Display for AddressHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The hops of one line, from left to right; `None` if it is malformed.
type ReadLine = fn(&str) -> Option<Vec<Option<IpAddr>>>;

impl AddressHeader {
    /// The address that each proxy got the request from, the nearest to us first. `None` for one that gives no
    /// address: it hides it, does not know it, or is malformed.
    pub(crate) fn hops(&self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        // Each line is parsed by itself: another's must not invalidate a proxy's own.
        let lines: Vec<&HeaderValue> = headers.get_all(&self.0).collect();
        let in_line: ReadLine = if self.0 == FORWARDED {
            forwarded_line
        } else if self.0 == X_FORWARDED_FOR {
            x_forwarded_for_line
        } else if lines.len() == 1 {
            single_line
        } else {
            // Of several lines of a header for one address any may be the client's own.
            |_| None
        };
        lines.into_iter().rev().flat_map(move |line| {
            let hops = line.to_str().ok().and_then(in_line).unwrap_or_else(|| vec![None]);
            hops.into_iter().rev()
        })
    }

    /// Whether the request has any header that says it was forwarded.
    pub(crate) fn is_any_said(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(&self.0) || self.other_said(headers).is_some()
    }

    /// Another header that says that the request was forwarded, if this one is missing.
    pub(crate) fn other_said(&self, headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(&self.0) {
            return None;
        }
        let others = [X_FORWARDED_FOR, FORWARDED];
        others.into_iter().find(|name| headers.contains_key(name)).map(Self)
    }
}

/// One address and nothing else.
fn single_line(line: &str) -> Option<Vec<Option<IpAddr>>> {
    Some(vec![address(line.trim_matches(WHITESPACE))])
}

fn x_forwarded_for_line(line: &str) -> Option<Vec<Option<IpAddr>>> {
    let nodes = line.split(',').map(|node| node.trim_matches(WHITESPACE));
    // Empty elements of a list are ignored (RFC 9110, section 5.6.1).
    Some(nodes.filter(|node| !node.is_empty()).map(address).collect())
}

const WHITESPACE: [char; 2] = [' ', '\t'];

/// The hops of one line of `Forwarded`, from left to right; `None` if it is malformed.
fn forwarded_line(line: &str) -> Option<Vec<Option<IpAddr>>> {
    let mut hops = Vec::new();
    let (mut node, mut is_empty) = (None, true);
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches(WHITESPACE);
        if !rest.is_empty() && !rest.starts_with([',', ';']) {
            let (name, after) = rest.split_once('=')?;
            if !is_token(name) {
                return None;
            }
            let (value, after) = value(after)?;
            if name.eq_ignore_ascii_case("for") && node.replace(address(&value)).is_some() {
                return None;
            }
            is_empty = false;
            rest = after.trim_start_matches(WHITESPACE);
        }
        if let Some(after) = rest.strip_prefix(';') {
            is_empty = false;
            rest = after;
            continue;
        }
        if !is_empty {
            hops.push(node.take().flatten());
            is_empty = true;
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Some(hops),
            None => return None,
        }
    }
}

fn is_token(text: &str) -> bool {
    let is_token_byte = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// The value at the start of `text`, without its quotes, and the rest. One without quotes may have colons and
/// brackets in it, which ought to be in quotes and often are not.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let ends = |c: char| matches!(c, ',' | ';' | '"' | '=' | '\\') || WHITESPACE.contains(&c);
        let end = text.find(ends).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    loop {
        match characters.next()? {
            (end, '"') => return Some((value, &quoted[end + 1..])),
            (_, '\\') => value.push(characters.next()?.1),
            (_, other) => value.push(other),
        }
    }
}

/// The address of a node (RFC 7239, section 6), with a port or without; `None` for `unknown` and for a
/// name that hides it. An IPv6 address may stand without its brackets, as in `X-Forwarded-For`.
fn address(node: &str) -> Option<IpAddr> {
    if let Ok(address) = node.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        let address = address.parse::<Ipv6Addr>().ok().filter(|_| is_whole)?;
        return Some(IpAddr::V6(address).to_canonical());
    }
    let (address, port) = node.split_once(':')?;
    address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port)).map(IpAddr::V4)
}

/// A number, or a name that hides it.
fn is_port(text: &str) -> bool {
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let is_hidden = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    is_number || text.strip_prefix('_').is_some_and(is_hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn nodes_are_read_in_every_form() {
        for (node, expected) in [
            ("192.0.2.43", ip("192.0.2.43")),
            ("192.0.2.43:47011", ip("192.0.2.43")),
            ("192.0.2.43:_hidden", ip("192.0.2.43")),
            ("2001:db8::17", ip("2001:db8::17")),
            ("[2001:db8:cafe::17]", ip("2001:db8:cafe::17")),
            ("[2001:db8:cafe::17]:4711", ip("2001:db8:cafe::17")),
            ("[::ffff:192.0.2.43]:80", ip("192.0.2.43")),
            ("unknown", None),
            ("_SEVKISEK", None),
            ("unknown:80", None),
            ("", None),
            ("192.0.2.43:", None),
            ("192.0.2.43:123456", None),
            ("192.0.2.43:80:80", None),
            ("192.0.2.300", None),
            ("192.0.2.043", None),
            ("[2001:db8::17", None),
            ("[2001:db8::17]80", None),
            ("[192.0.2.43]", None),
            ("localhost", None),
        ] {
            assert_eq!(address(node), expected, "{node:?}");
        }
    }

    #[test]
    fn one_header_is_read_and_no_other() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (FORWARDED, "for=192.0.2.1"),
            (X_FORWARDED_FOR, "192.0.2.2, 192.0.2.3"),
            (HeaderName::from_static("x-real-ip"), " 192.0.2.4:80 "),
            (HeaderName::from_static("x-client-ip"), "192.0.2.5, 192.0.2.6"),
            (HeaderName::from_static("true-client-ip"), "192.0.2.7"),
            (HeaderName::from_static("true-client-ip"), "192.0.2.8"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        for (name, hops) in [
            ("Forwarded", vec![ip("192.0.2.1")]),
            ("FORWARDED", vec![ip("192.0.2.1")]),
            ("x-forwarded-FOR", vec![ip("192.0.2.3"), ip("192.0.2.2")]),
            ("X-Real-IP", vec![ip("192.0.2.4")]),
            // A header for one address has no list, and comes once.
            ("X-Client-IP", vec![None]),
            ("True-Client-IP", vec![None, None]),
            ("CF-Connecting-IP", vec![]),
        ] {
            let header: AddressHeader = name.parse().expect("a name");
            assert_eq!(header.hops(&headers).collect::<Vec<_>>(), hops, "{name}");
            assert!(header.is_any_said(&headers), "{name}");
            assert_eq!(header.other_said(&headers).is_some(), hops.is_empty(), "{name}");
        }
        assert_eq!("X-Forwarded-For".parse().ok(), Some(AddressHeader::default()));
        for name in ["", "X Real IP", "X-Real-IP:", "a,b", "Ä"] {
            assert!(name.parse::<AddressHeader>().is_err(), "{name:?}");
        }
        assert!(!AddressHeader::default().is_any_said(&HeaderMap::new()));
    }

    #[test]
    fn lines_of_forwarded_are_read_as_the_standard_says() {
        let v4 = ip("192.0.2.43");
        for (line, hops) in [
            ("for=192.0.2.43", vec![v4]),
            ("For=192.0.2.43", vec![v4]),
            ("for=\"192.0.2.43\";proto=https;by=203.0.113.60", vec![v4]),
            ("proto=http; by=203.0.113.60 ;for=\"[2001:db8::17]:4711\"", vec![ip("2001:db8::17")]),
            ("for=192.0.2.43, for=198.51.100.17", vec![v4, ip("198.51.100.17")]),
            ("for=192.0.2.43,for=\"_gazonk\",for=unknown", vec![v4, None, None]),
            ("for=192.0.2.43:80", vec![v4]),
            (" , for=192.0.2.43 ,, ", vec![v4]),
            ("host=\"a,b;for=1.2.3.4\\\"\";for=192.0.2.43", vec![v4]),
            ("for=\"1\\92.0.2.43\"", vec![v4]),
            ("by=192.0.2.43", vec![None]),
            (";;for=192.0.2.43;", vec![v4]),
            ("", vec![]),
        ] {
            assert_eq!(forwarded_line(line), Some(hops), "{line:?}");
        }
        for line in [
            "192.0.2.43",
            "for",
            "for=",
            "for =192.0.2.43",
            "for= 192.0.2.43",
            "for=\"192.0.2.43",
            "for=\"192.0.2.43\"x",
            "for=192.0.2.43 x",
            "for=192.0.2.43\"",
            "for=a\\b",
            "for=192.0.2.43;for=192.0.2.44",
            "for=192.0.2.43;FOR=192.0.2.44",
            "=192.0.2.43",
        ] {
            assert_eq!(forwarded_line(line), None, "{line:?}");
        }
    }

    /// What a client sends before a proxy's entry cannot replace it, whatever it is made of: the line is then
    /// malformed, or its last hop is the proxy's.
    #[test]
    fn a_clients_own_entries_never_replace_the_last_hop() {
        const PARTS: [&str; 9] = ["for", "=", "\"", "\\", ",", ";", " ", "1.2.3.4", "_x"];
        let mut read = 0;
        for mut number in 0..PARTS.len().pow(5) {
            let mut line = String::new();
            for _ in 0..5 {
                line.push_str(PARTS[number % PARTS.len()]);
                number /= PARTS.len();
            }
            line.push_str(", for=192.0.2.43");
            if let Some(hops) = forwarded_line(&line) {
                assert_eq!(hops.last(), Some(&ip("192.0.2.43")), "{line:?}");
                read += 1;
            }
        }
        assert!(read > 100, "{read} were well formed");
    }
}
