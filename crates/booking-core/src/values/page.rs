//! Listings, page by page.

use crate::{CellName, DeliveryCursor, Event, EventId, Invalid, Registration, Version};
use chrono::{DateTime, Utc};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// About how many bytes of a listing are one page: a page ends there, whatever its limit.
pub const PAGE_BYTES_MAX: usize = 1_024 * 1_024;

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// At most as many as requested, fewer where they are long.
    pub items: Vec<T>,
    /// Where the next page starts; `None` if this is the last.
    pub next: Option<C>,
    /// The cells that could not be reached, whose items are missing. A store that is one database has none: it fails.
    pub missing: Vec<CellName>,
}

impl<T, C> Page<T, C> {
    /// Makes a page of `items`, of which a store has read one more than `limit` if there are that many.
    pub fn new(mut items: Vec<T>, limit: PageLimit) -> Self
    where
        C: for<'a> From<&'a T>,
    {
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let next = if more { items.last().map(C::from) } else { None };
        Self { items, next, missing: Vec::new() }
    }
}

/// How many items a page may have: 1 to [`PageLimit::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The longest page.
    pub const MAX: Self = Self(1_000);

    /// Checks `limit`.
    ///
    /// # Errors
    /// [`Invalid::OutOfRange`].
    pub fn parse(limit: u32) -> Result<Self, Invalid> {
        u16::try_from(limit)
            .ok()
            .filter(|limit| (1..=Self::MAX.0).contains(limit))
            .map(Self)
            .ok_or(Invalid::OutOfRange { min: 1, max: Self::MAX.0.into() })
    }

    /// The limit as a number.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for PageLimit {
    /// [`PageLimit::MAX`]: a client that does not page gets as much as possible.
    fn default() -> Self {
        Self::MAX
    }
}

/// The last event of a page. Events are listed newest first, by time of creation, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventCursor {
    /// When that event was created.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: EventId,
}

impl From<&Event> for EventCursor {
    fn from(event: &Event) -> Self {
        Self { created_at: event.created_at, id: event.id }
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.created_at.timestamp_micros();
        write!(f, "{micros}_{}", self.id.as_uuid().simple())
    }
}

impl FromStr for EventCursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (micros, id) = text.split_once('_').ok_or(Invalid::NotACursor)?;
        let micros: i64 = number(micros).ok_or(Invalid::NotACursor)?;
        let id: Uuid = crate::values::id::parse_uuid(id).ok_or(Invalid::NotACursor)?;
        Ok(Self {
            created_at: DateTime::from_timestamp_micros(micros)
                .filter(crate::values::time::is_stored)
                .ok_or(Invalid::NotACursor)?,
            id: id.into(),
        })
    }
}

/// The last registration of a page. Registrations are listed oldest first, by the version of the event that they made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegistrationCursor(Version);

impl RegistrationCursor {
    /// After the registration that made `version`.
    pub const fn at(version: Version) -> Self {
        Self(version)
    }

    /// The version that the last registration of the page made.
    pub const fn version(self) -> Version {
        self.0
    }
}

impl From<&Registration> for RegistrationCursor {
    fn from(registration: &Registration) -> Self {
        Self(registration.created_version)
    }
}

impl fmt::Display for RegistrationCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RegistrationCursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        number::<u64>(text)
            // Stores keep versions in signed 64-bit columns.
            .filter(|version| i64::try_from(*version).is_ok())
            .map(|version| Self(Version::new(version)))
            .ok_or(Invalid::NotACursor)
    }
}

impl fmt::Display for DeliveryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.tried_at.timestamp_micros();
        write!(f, "{micros}_{}_{}", self.event_id.as_uuid().simple(), self.version)
    }
}

impl FromStr for DeliveryCursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (message, version) = text.rsplit_once('_').ok_or(Invalid::NotACursor)?;
        // The part before that has the form of an event's cursor.
        let EventCursor { created_at, id } = message.parse()?;
        let version = version.parse::<RegistrationCursor>()?.version();
        Ok(Self { tried_at: created_at, event_id: id, version })
    }
}

/// A number as it is printed: `FromStr` alone would accept one with a plus sign, too.
fn number<T: FromStr>(text: &str) -> Option<T> {
    Some(text).filter(|text| !text.starts_with('+'))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip() {
        let cursor = EventCursor {
            created_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("in range"),
            id: Uuid::from_u128(7).into(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let delivery = DeliveryCursor {
            tried_at: cursor.created_at,
            event_id: cursor.id,
            version: Version::new(42),
        };
        assert_eq!(delivery.to_string().parse(), Ok(delivery));
        let cursor = RegistrationCursor(Version::new(42));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn an_invalid_cursor_is_refused() {
        let far = format!("{}_{}", i64::MAX, Uuid::from_u128(7));
        for text in ["", "_", "1_", "1_x", "x_00000000000000000000000000000007", &far] {
            assert_eq!(text.parse::<EventCursor>(), Err(Invalid::NotACursor), "{text:?}");
        }
        let event = Uuid::from_u128(7).simple();
        for text in ["", "1_2", "1_x_2", &format!("1_{event}"), &format!("1_{event}_-2")] {
            assert_eq!(text.parse::<DeliveryCursor>(), Err(Invalid::NotACursor), "{text:?}");
        }
        for text in ["", "-1", "x", "9223372036854775808"] {
            assert_eq!(text.parse::<RegistrationCursor>(), Err(Invalid::NotACursor), "{text:?}");
        }
    }

    #[test]
    fn a_page_limit_has_a_minimum_and_a_maximum() {
        assert!(PageLimit::parse(0).is_err());
        assert!(PageLimit::parse(1).is_ok());
        assert_eq!(PageLimit::parse(1_000), Ok(PageLimit::MAX));
        assert!(PageLimit::parse(1_001).is_err());
        assert!(PageLimit::parse(65_537).is_err());
    }
}
