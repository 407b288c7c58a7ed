//! The addresses that webhooks may go to: organizers choose the URLs, and must not reach by them what only the
//! server can reach.
//!
//! Names are never checked, as they may resolve differently a moment later. The address is checked, right before
//! the connection is made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses webhooks may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Public addresses.
    #[default]
    Public,
    /// This machine and private networks, too: for tests, and for operators whose receivers are internal. Useless
    /// addresses and a cloud's metadata services stay blocked.
    Private,
}

impl Reach {
    /// Whether a connection may be made to `address`.
    pub fn allows(self, address: IpAddr) -> bool {
        let kind = match address {
            IpAddr::V4(address) => kind_of_v4(address),
            IpAddr::V6(address) => kind_of_v6(address),
        };
        match kind {
            Kind::Public => true,
            Kind::Private => self == Self::Private,
            Kind::Never => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Public,
    /// Of this machine, or of a private network.
    Private,
    Never,
}
use Kind::{Never, Private, Public};

/// A prefix, its length, and its kind. The first match counts; an address without one is public.
const V4: &[([u8; 4], u32, Kind)] = &[
    // "This network" (RFC 791).
    ([0, 0, 0, 0], 8, Never),
    // RFC 1918.
    ([10, 0, 0, 0], 8, Private),
    ([172, 16, 0, 0], 12, Private),
    ([192, 168, 0, 0], 16, Private),
    // Loopback (RFC 1122).
    ([127, 0, 0, 0], 8, Private),
    // Shared by a provider's customers (RFC 6598), and some clouds' metadata.
    ([100, 64, 0, 0], 10, Never),
    // Link-local (RFC 3927), and nearly every cloud's metadata.
    ([169, 254, 0, 0], 16, Never),
    // Azure's metadata.
    ([168, 63, 129, 16], 32, Never),
    // Protocol assignments (RFC 6890).
    ([192, 0, 0, 0], 24, Never),
    // Documentation (RFC 5737).
    ([192, 0, 2, 0], 24, Never),
    ([198, 51, 100, 0], 24, Never),
    ([203, 0, 113, 0], 24, Never),
    // Relays of 6to4 (RFC 7526).
    ([192, 88, 99, 0], 24, Never),
    // Benchmarking (RFC 2544).
    ([198, 18, 0, 0], 15, Never),
    // Multicast; reserved, and broadcast.
    ([224, 0, 0, 0], 4, Never),
    ([240, 0, 0, 0], 4, Never),
];

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    let fits = |(prefix, length): ([u8; 4], u32)| {
        (address.to_bits() ^ u32::from_be_bytes(prefix)) >> (32 - length) == 0
    };
    let found = V4.iter().find(|(prefix, length, _)| fits((*prefix, *length)));
    found.map_or(Public, |(.., kind)| *kind)
}

const fn v6(a: u16, b: u16, c: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

/// The same. An address without a match is useless: IPv6 assigns nothing but 2000::/3. So what is not listed, and
/// never reached, is unspecified, link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8), discarded
/// (100::/64), segment routing (5f00::/16), a translator's own (64:ff9b:1::/48), or IPv4 in its deprecated form
/// (::/96).
const V6: &[(Ipv6Addr, u32, Kind)] = &[
    (Ipv6Addr::LOCALHOST, 128, Private),
    // The metadata of AWS, Google and Scaleway, within the private range.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Never),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Never),
    (Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42), 128, Never),
    // RFC 4193.
    (v6(0xfc00, 0, 0), 7, Private),
    // Protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID and others.
    (v6(0x2001, 0, 0), 23, Never),
    // Documentation (RFC 3849, RFC 9637).
    (v6(0x2001, 0xdb8, 0), 32, Never),
    (v6(0x3fff, 0, 0), 20, Never),
    (v6(0x2000, 0, 0), 3, Public),
];

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    // It leads to an IPv4 address, whatever its own prefix is.
    if let Some(inner) = carried_by(address)
        && kind_of_v4(inner) != Public
    {
        return kind_of_v4(inner);
    }
    if is_translated(address) {
        return Public;
    }
    let fits = |prefix: Ipv6Addr, length: u32| {
        (address.to_bits() ^ prefix.to_bits()) >> (128 - length) == 0
    };
    let found = V6.iter().find(|(prefix, length, _)| fits(*prefix, *length));
    found.map_or(Never, |(.., kind)| *kind)
}

/// An IPv4 address in another form: mapped (RFC 4291), or by NAT64 (RFC 6052), the only way where there is no IPv4.
fn is_translated(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _])
}

/// The IPv4 address that packets to `address` end at, if it contains one.
fn carried_by(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        segments if is_translated(address) => Some(from(segments[6], segments[7])),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => Some(from(high, low)),
        // ISATAP (RFC 5214).
        [.., 0 | 0x200, 0x5efe, high, low] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::EndpointUrl;
    use url::Host;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("not an address: {text}"))
    }

    #[test]
    fn addresses_that_are_not_public_are_blocked() {
        for text in [
            // The first and the last of each.
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:a9fe:a9fe::1",
            "2002:c0a8:101::",
            "2a00:1450:4001::5efe:10.0.0.1",
            "2a00:1450:4001:0:200:5efe:7f00:1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!Reach::Public.allows(address(text)), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2002:101:101::1",
            "2600::1",
            "2a00:1450:4001:81b::200e",
            "3ffe::1",
        ] {
            assert!(Reach::Public.allows(address(text)), "{text}");
            assert!(Reach::Private.allows(address(text)), "{text}");
        }
    }

    #[test]
    fn private_reach_allows_private_networks_and_no_more() {
        for text in [
            "10.1.2.3",
            "127.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "::1",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(Reach::Private.allows(address(text)), "{text}");
        }
        for text in [
            "0.0.0.0",
            "100.100.100.200",
            "169.254.169.254",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:42::42",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!Reach::Private.allows(address(text)), "{text}");
        }
    }

    /// URLs are parsed as browsers do: every host that parses as an address leads to this machine, a private
    /// network or a cloud's metadata.
    #[test]
    fn no_spelling_of_a_blocked_address_is_allowed() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "127.1.",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0x7F.0x0.0x0.0x1",
            "017700000001",
            "0177.0.0.1",
            "0177.0.0.01",
            "127.0x0.0.01",
            "00000177.1",
            "0",
            "0x0",
            "0.0.0.0",
            "0.0",
            "10.1",
            "0xa000001",
            "012.0.0.1",
            "192.168.257",
            "3232235777",
            "0xc0a80101",
            "169.254.43518",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "0xa9.0xfe.0xa9.0xfe",
            "169.16689662",
            "①②⑦.⓪.⓪.①",
            "１２７.０.０.１",
            "127。0。0。1",
            "127．0．0．1",
            "127｡0｡0｡1",
            "%31%32%37.0.0.1",
            "127%2E0%2E0%2E1",
            "[::]",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::127.0.0.1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[FEC0::1]",
            "[2002:7f00:1::]",
        ] {
            let raw = format!("https://{host}/");
            let url = EndpointUrl::parse(&raw, false).unwrap_or_else(|_| panic!("not read: {raw}"));
            let address: IpAddr = match url.as_url().host() {
                Some(Host::Ipv4(address)) => address.into(),
                Some(Host::Ipv6(address)) => address.into(),
                other => panic!("{raw} is no address but {other:?}"),
            };
            assert!(!Reach::Public.allows(address), "{raw} is {address}");
        }
        // Neither an address nor a name.
        for host in
            ["256.1", "127.0.0.0.1", "08.1", "4294967296", "[::1%25lo]", "[::1%lo]", "[127.0.0.1]"]
        {
            assert!(EndpointUrl::parse(&format!("https://{host}/"), true).is_err(), "{host}");
        }
    }
}
