//! Single texts: paths, queries, tickets, times, and a calendar that we write with texts of users.

use super::{Target, text};
use crate::api::pagination::parse;
use booking_core::{
    Capacity, CapacityMax, Description, EmailAddress, EventCursor, EventId, EventName, NewEvent,
    RegistrationCursor, TimeZone, parse_instant,
};
use booking_delivery::calendar;
use booking_ticket::{Keyring, SigningKey};
use chrono::DateTime;
use std::sync::LazyLock;
use uuid::Uuid;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "email",
        seeds: &[
            "ada@example.org",
            " REN\u{c9}+tag@Ex\u{e4}mple.co.uk ",
            "\"a\"@b.org",
            "\u{130}\u{3a3}@\u{df}.org",
            "ada@xn--mgba3gch31f060k.example",
        ],
        run: email,
    },
    Target {
        name: "id",
        seeds: &[
            "01960000-0000-7000-8000-0000000000AB",
            "0196000000007000800000000000000a",
            "{01960000-0000-7000-8000-0000000000ab}",
            "urn:uuid:01960000-0000-7000-8000-0000000000ab",
        ],
        run: id,
    },
    Target {
        name: "query",
        seeds: &[
            "limit=5&cursor=1700000000123456_00000000000000000000000000000007",
            "status=all&cursor=42&limit=1000&a=%31+b",
        ],
        run: query,
    },
    Target {
        name: "ticket",
        seeds: &[
            "AQ",
            "AfAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ],
        run: ticket,
    },
    Target {
        name: "instant",
        seeds: &[
            "2026-05-01T19:00:00Z",
            "2026-05-01t19:00:59.123456789-23:59",
            "9999-12-31T23:59:60Z",
            "0000-01-01T00:00:00Z",
        ],
        run: instant,
    },
    Target { name: "timezone", seeds: &["Europe/Berlin", "UTC", "Etc/GMT+12"], run: timezone },
    Target {
        name: "calendar",
        seeds: &[
            "A long name; of, an \\event\nwith lines\r\u{e9}\u{1f468}\u{200d}\u{1f469}, which is folded more than once because it is so long",
        ],
        run: write_calendar,
    },
];

fn email(bytes: &[u8]) {
    text(bytes, |raw| {
        let Ok(address) = EmailAddress::parse(raw) else { return };
        assert_eq!(EmailAddress::parse(address.as_str()).as_ref(), Ok(&address), "{address}");
        let padded = format!(" \t{address}\n");
        assert_eq!(EmailAddress::parse(&padded).as_ref(), Ok(&address), "{address}");
        let json = serde_json::to_string(&address).expect("a text");
        assert_eq!(serde_json::from_str::<EmailAddress>(&json).ok().as_ref(), Some(&address));
        assert!(address.as_str().len() <= EmailAddress::BYTES_MAX);
        if address.as_str().is_ascii() {
            let shouted = address.as_str().to_ascii_uppercase();
            assert_eq!(EmailAddress::parse(&shouted).as_ref(), Ok(&address), "{address}");
        }
    });
}

fn id(bytes: &[u8]) {
    text(bytes, |raw| {
        let Ok(id) = raw.parse::<EventId>() else { return };
        assert_eq!(id.to_string().parse(), Ok(id));
        // The two forms of it, and no third.
        let lower = raw.to_ascii_lowercase();
        assert!(lower == id.to_string() || lower == id.as_uuid().simple().to_string(), "{raw}");
    });
}

fn query(bytes: &[u8]) {
    text(bytes, |raw| {
        if let Ok(page) = parse::<EventCursor>(raw) {
            assert!((1..=1_000).contains(&page.limit.get()));
            if let Some(cursor) = page.after {
                assert_eq!(cursor.to_string().parse(), Ok(cursor));
                let again =
                    parse::<EventCursor>(&format!("limit={}&cursor={cursor}", page.limit.get()));
                assert!(
                    again.is_ok_and(|again| again.after == page.after && again.limit == page.limit)
                );
            }
        }
        if let Ok(page) = parse::<RegistrationCursor>(raw)
            && let Some(cursor) = page.after
        {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    });
}

fn ticket(bytes: &[u8]) {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed(&[7; 32]));
    static KEYS: LazyLock<Keyring> = LazyLock::new(|| Keyring::from_iter([KEY.public()]));
    text(bytes, |raw| {
        if let Ok(claims) = KEYS.verify(raw) {
            assert_eq!(KEY.sign(&claims), raw, "a ticket has one text");
        }
    });
    // Valid ones, but for a byte or two.
    let claims = booking_ticket::TicketClaims {
        event_id: Uuid::from_u128(bytes.len() as u128),
        registration_id: Uuid::from_u128(7),
        generation: bytes.first().copied().unwrap_or(0).into(),
    };
    let good = KEY.sign(&claims);
    assert_eq!(KEYS.verify(&good), Ok(claims));
    let mut changed = good.clone().into_bytes();
    for pair in bytes.chunks_exact(2) {
        let at = usize::from(pair[0]) % changed.len();
        changed[at] = pair[1];
    }
    text(&changed, |changed| assert_eq!(KEYS.verify(changed).is_ok(), changed == good));
}

fn instant(bytes: &[u8]) {
    text(bytes, |raw| {
        if let Ok(time) = parse_instant(raw) {
            assert_eq!(parse_instant(&time.to_rfc3339()), Ok(time), "{raw}");
        }
    });
}

fn timezone(bytes: &[u8]) {
    text(bytes, |raw| {
        if let Ok(zone) = TimeZone::parse(raw) {
            assert_eq!(zone.as_str(), raw);
        }
    });
}

/// No text makes a line of its own, and no line is too long for readers (RFC 5545, section 3.1).
fn write_calendar(bytes: &[u8]) {
    text(bytes, |raw| {
        let name = EventName::parse(raw).or_else(|_| EventName::parse("a"));
        let capacity = Capacity::parse(1, CapacityMax::default());
        let (Ok(name), Ok(capacity)) = (name, capacity) else { unreachable!("both are fit") };
        let event = NewEvent::new(Uuid::from_u128(1).into(), name, capacity).with(|new| {
            new.details.description = Description::parse(raw).unwrap_or_default();
            new.details.starts_at = DateTime::from_timestamp(0, 0);
        });
        let event = event.expect("it has no end").created_at(DateTime::UNIX_EPOCH);
        let calendar = calendar::of(&event, None, None).expect("it is known when it begins");
        assert!(
            calendar.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n']))
        );
        let unfolded = calendar.replace("\r\n ", "");
        let names: Vec<_> = unfolded.lines().map(|line| line.split(':').next()).collect();
        assert_eq!(names.iter().filter(|name| **name == Some("BEGIN")).count(), 2);
        let summary = unfolded.lines().find_map(|line| line.strip_prefix("SUMMARY:"));
        let read: String = summary
            .expect("there is one")
            .replace("\\\\", "\0")
            .replace('\\', "")
            .replace('\0', "\\");
        assert_eq!(read, event.details.name.as_str());
    });
}
