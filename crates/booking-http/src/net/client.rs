//! The client that a request comes from, behind proxies or not.

use super::forwarded::AddressHeader;
use crate::settings::Reader;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};

/// How much of an IPv6 address is one client: a customer who is assigned one network has all the addresses in it
/// (RFC 6177).
const IPV6_CLIENT_BITS: u32 = 64;

/// The most proxies in a row. Of a longer row the last one counts: it is forged, or a loop.
const PROXIES_MAX: usize = 32;

/// The unit that limits count: an IPv4 address, or an IPv6 network of /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    /// All clients of unknown origin, together. It is an address that no client has.
    pub(crate) const UNKNOWN: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let mask = u128::MAX << (u128::BITS - IPV6_CLIENT_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// The proxies that are trusted to name a request's origin, and the header that they use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: AddressHeader,
}

impl TrustedProxies {
    /// Reads `TRUSTED_PROXIES` and `CLIENT_ADDRESS_HEADER`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let text = reader.text("TRUSTED_PROXIES");
        let mut networks = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match network(part) {
                Some(network) => networks.push(network),
                None => reader.fail(
                    "TRUSTED_PROXIES",
                    format!("{part:?} is neither an IP address nor a network such as 10.0.0.0/8"),
                ),
            }
        }
        let header = reader.parse("CLIENT_ADDRESS_HEADER", "is not the name of a header");
        Self { networks, header }
    }

    /// The client of a connection from `peer`. `None` where many may share one: a trusted proxy, and this very
    /// machine.
    pub(crate) fn direct_client(&self, peer: IpAddr) -> Option<Client> {
        let peer = peer.to_canonical();
        (!peer.is_loopback() && !self.trusts(peer)).then(|| Client::of(peer))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The client that sent a request with `headers` from `peer`. `None` for a request from this very machine: that
    /// is its owner, unless it is a trusted proxy.
    ///
    /// Each proxy adds on the right the address that it got the request from. So from the right on, entries of
    /// trusted proxies are believed, up to the first address that is no proxy: that is the client. Where one of
    /// them adds no valid address, all requests that come from it count as one client.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Client> {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            if !nearest.is_loopback() {
                return Some(Client::of(nearest));
            }
            if self.header.is_any_said(headers) {
                warn_of_unnamed_proxy();
            }
            return None;
        }
        if let Some(other) = self.header.other_said(headers) {
            warn_of_other_header(&self.header, &other);
        }
        for said in self.header.hops(headers).take(PROXIES_MAX) {
            let Some(address) = said else { break };
            nearest = address;
            if !self.trusts(nearest) {
                break;
            }
        }
        Some(Client::of(nearest))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address.to_canonical()),
        Err(_) => text.parse().ok()?,
    };
    Some(network.trunc())
}

/// Once: all clients behind that proxy count as one. It may be the client who sends the header, and a proxy that
/// adds nothing, so that this is no reason to believe it.
fn warn_of_other_header(believed: &AddressHeader, other: &AddressHeader) {
    static LOGGED: AtomicBool = AtomicBool::new(false);
    if !LOGGED.swap(true, Ordering::Relaxed) {
        log::warn!(
            "a request came through a trusted proxy with {other} and without {believed}, which is the header \
             that is believed; if it is the proxy that writes {other}, and replaces or adds to what clients \
             send in it, set CLIENT_ADDRESS_HEADER={other}, else everybody who comes through it counts as one"
        );
    }
}

/// Once: all clients behind that proxy have no limits.
fn warn_of_unnamed_proxy() {
    static LOGGED: AtomicBool = AtomicBool::new(false);
    if !LOGGED.swap(true, Ordering::Relaxed) {
        log::warn!(
            "a proxy on this machine forwards requests, but TRUSTED_PROXIES does not name it, so nobody \
             who comes through it is limited; set TRUSTED_PROXIES=127.0.0.1,::1"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn read(text: &str) -> Result<TrustedProxies, usize> {
        read_both(text, "")
    }

    fn read_both(proxies: &str, header: &str) -> Result<TrustedProxies, usize> {
        let lookup = |name: &str| match name {
            "TRUSTED_PROXIES" => Some(proxies.to_owned()),
            "CLIENT_ADDRESS_HEADER" => Some(header.to_owned()),
            _ => None,
        };
        let mut reader = Reader::new(&lookup);
        let proxies = TrustedProxies::read(&mut reader);
        let errors = reader.into_errors().len();
        if errors == 0 { Ok(proxies) } else { Err(errors) }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// The client of a request that comes from `peer` with `headers`.
    fn client(trusted: &str, peer: &str, headers: &[(&str, &str)]) -> Option<Client> {
        client_by("", trusted, peer, headers)
    }

    /// The same with the trusted header `believed`.
    fn client_by(
        believed: &str,
        trusted: &str,
        peer: &str,
        headers: &[(&str, &str)],
    ) -> Option<Client> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        read_both(trusted, believed).expect("they are read").client(ip(peer), &map)
    }

    #[track_caller]
    fn assert_is(found: Option<Client>, address: &str) {
        assert_eq!(found, Some(Client::of(ip(address))));
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let one = Client::of(ip("2001:db8:1:2:3:4:5:6"));
        assert_eq!(one, Client::of(ip("2001:db8:1:2::1")));
        assert_ne!(one, Client::of(ip("2001:db8:1:3::1")));
        assert_eq!(Client::of(ip("::ffff:192.0.2.1")), Client::of(ip("192.0.2.1")));
        assert_ne!(Client::of(ip("192.0.2.1")), Client::of(ip("192.0.2.2")));
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let proxies =
            read(" 192.0.2.1, 10.0.0.0/8 ,2001:db8::/32,,::ffff:192.0.2.9").expect("valid");
        for address in ["192.0.2.1", "10.255.0.1", "2001:db8:5::7", "192.0.2.9"] {
            assert!(proxies.trusts(ip(address)), "{address}");
        }
        for address in ["192.0.2.2", "11.0.0.0", "2001:db9::1", "::1", "127.0.0.1"] {
            assert!(!proxies.trusts(ip(address)), "{address}");
        }
        assert_eq!(read("10.0.0.0/33, localhost, 10.0.0.1:80, 192.0.2.1"), Err(3));
        assert_eq!(read(""), Ok(TrustedProxies::default()));
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let lies = [("Forwarded", "for=198.51.100.9"), ("X-Forwarded-For", "198.51.100.8")];
        assert_is(client("10.0.0.1", "192.0.2.1", &lies), "192.0.2.1");
        assert_eq!(client("10.0.0.1", "127.0.0.1", &lies), None);
        assert_eq!(client("", "::1", &[]), None);
        assert_eq!(client("", "::ffff:127.0.0.1", &[]), None);
        assert_is(client("", "192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
        let trusted = "127.0.0.1, 10.0.0.0/8";
        let x = |value| client(trusted, "127.0.0.1", &[("X-Forwarded-For", value)]);
        assert_is(x("198.51.100.1"), "198.51.100.1");
        assert_is(x("1.1.1.1, 198.51.100.1, 10.0.0.2"), "198.51.100.1");
        // All of them are proxies of ours: the farthest is the client.
        assert_is(x("10.0.0.9, 10.0.0.2"), "10.0.0.9");
        // A hop that cannot be parsed counts as the proxy that forwarded it.
        assert_is(x("198.51.100.1, nonsense"), "127.0.0.1");
        assert_is(x("198.51.100.1, unknown, 10.0.0.2"), "10.0.0.2");
        assert_is(x(""), "127.0.0.1");
        assert_is(client(trusted, "127.0.0.1", &[]), "127.0.0.1");
        // An endless row is not followed to its end.
        let circles = format!("198.51.100.1{}", ", 10.0.0.7, 10.0.0.8".repeat(1_000));
        assert_is(x(&circles), "10.0.0.7");
        // Only a trusted proxy's last entries count, in whichever line they are.
        let lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "198.51.100.1")];
        assert_is(client(trusted, "10.0.0.3", &lines), "198.51.100.1");
    }

    #[test]
    fn one_header_is_believed_and_others_are_ignored() {
        let proxy = "127.0.0.1";
        let by = |believed: &str, headers: &[(&str, &str)]| {
            client_by(believed, proxy, proxy, headers).expect("it is counted")
        };
        let is = |found: Client, address: &str| assert_eq!(found, Client::of(ip(address)));
        let all = [
            ("Forwarded", "for=198.51.100.7"),
            ("X-Forwarded-For", "198.51.100.8"),
            ("X-Real-IP", "198.51.100.9"),
        ];
        is(by("", &all), "198.51.100.8");
        is(by("X-Forwarded-For", &all), "198.51.100.8");
        is(by("forwarded", &all), "198.51.100.7");
        is(by("x-real-ip", &all), "198.51.100.9");
        // Where the header is missing, or empty, the others are not used either.
        is(by("CF-Connecting-IP", &all), proxy);
        is(by("", &all[..1]), proxy);
        is(by("Forwarded", &all[1..]), proxy);
        is(by("", &[("X-Forwarded-For", "unknown"), all[0]]), proxy);
        is(by("Forwarded", &[("Forwarded", "for=\"198.51.100.9"), all[1]]), proxy);
        is(by("X-Real-IP", &[all[2], ("X-Real-IP", "198.51.100.1")]), proxy);
        is(by("X-Real-IP", &[("X-Real-IP", "198.51.100.1, 198.51.100.2"), all[1]]), proxy);
        // A list that one proxy after another extends ends at the first unknown one.
        let two = [("Forwarded", "for=198.51.100.1, for=198.51.100.2")];
        is(by("Forwarded", &two), "198.51.100.2");

        assert_eq!(read_both("", "X Real IP"), Err(1));
        assert_eq!(read_both("localhost", "a:b"), Err(2));
    }
}
