use crate::values::text::{Invalid, string_conversions};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Reads an instant as RFC 3339 writes it, with any offset, and converts it to UTC with microseconds, which is the
/// precision that every store has. It is in the years 1 to 9999, which all receivers can represent: calendars have no
/// year 0. A leap second is read as the second after it, as stores count.
///
/// # Errors
/// [`Invalid::NotAnInstant`].
pub fn parse_instant(raw: &str) -> Result<DateTime<Utc>, Invalid> {
    parse_device_time(raw).and_then(|time| match PUBLIC_TIMES.contains(&time.timestamp()) {
        true => Ok(time),
        false => Err(Invalid::NotAnInstant),
    })
}

/// The same for a device's clock, whose time is never passed on as it is: the year 0, too.
///
/// # Errors
/// [`Invalid::NotAnInstant`].
pub fn parse_device_time(raw: &str) -> Result<DateTime<Utc>, Invalid> {
    DateTime::parse_from_rfc3339(raw)
        .ok()
        .and_then(|time| DateTime::from_timestamp_micros(time.timestamp_micros()))
        .filter(is_stored)
        .ok_or(Invalid::NotAnInstant)
}

/// The years 1 to 9999, in seconds from 1970.
const PUBLIC_TIMES: std::ops::Range<i64> = -62_135_596_800..STORED_TIMES.end;

/// The years 0 to 9999, in seconds from 1970: the range of every store.
const STORED_TIMES: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

pub(crate) fn is_stored(time: &DateTime<Utc>) -> bool {
    STORED_TIMES.contains(&time.timestamp())
}

/// The name of a time zone in the IANA database (RFC 6557), such as `Europe/Berlin`. It says how an event's times are
/// shown; the times themselves are instants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeZone(String);

impl TimeZone {
    /// Checks that there is a zone called `raw`.
    ///
    /// # Errors
    /// [`Invalid::NotATimeZone`].
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let zone: chrono_tz::Tz = raw.parse().map_err(|_| Invalid::NotATimeZone)?;
        Ok(Self(zone.name().to_owned()))
    }

    /// The name as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

string_conversions!(TimeZone, parse);

/// A whole number of seconds between two bounds.
macro_rules! seconds_newtype {
    ($(#[$doc:meta])* $name:ident, $min:literal, $max:literal, $default:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The shortest, in seconds.
            pub const SECONDS_MIN: u32 = $min;
            /// The longest, in seconds.
            pub const SECONDS_MAX: u32 = $max;
            /// The longest.
            pub const MAX: Self = Self($max);

            /// Checks `seconds` against the bounds.
            ///
            /// # Errors
            /// [`Invalid::OutOfRange`].
            pub fn parse(seconds: i64) -> Result<Self, Invalid> {
                u32::try_from(seconds)
                    .ok()
                    .filter(|seconds| (Self::SECONDS_MIN..=Self::SECONDS_MAX).contains(seconds))
                    .map(Self)
                    .ok_or(Invalid::OutOfRange { min: Self::SECONDS_MIN, max: Self::SECONDS_MAX })
            }

            /// The number of seconds.
            pub const fn seconds(self) -> u32 {
                self.0
            }

            /// The instant that is so long after `from`.
            pub fn after(self, from: DateTime<Utc>) -> DateTime<Utc> {
                from + TimeDelta::seconds(self.0.into())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::parse(i64::deserialize(from)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

seconds_newtype!(
    /// How long a seat is held: a minute to half an hour, ten minutes by default.
    HoldTtl,
    60,
    1_800,
    600
);

seconds_newtype!(
    /// How long the head of the waitlist has to accept a seat: a minute to a week, a day by default.
    OfferTtl,
    60,
    604_800,
    86_400
);

/// How many days after an event's end personal data is kept: none to ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Retention(u32);

impl Retention {
    /// The longest, in days.
    pub const DAYS_MAX: u32 = 3_650;

    /// Checks `days` against the bounds.
    ///
    /// # Errors
    /// [`Invalid::OutOfRange`].
    pub fn parse(days: i64) -> Result<Self, Invalid> {
        let days = u32::try_from(days).ok().filter(|days| *days <= Self::DAYS_MAX);
        days.map(Self).ok_or(Invalid::OutOfRange { min: 0, max: Self::DAYS_MAX })
    }

    /// The number of days, of 24 hours each.
    pub const fn days(self) -> u32 {
        self.0
    }

    /// The instant that is so long after `from`.
    pub fn after(self, from: DateTime<Utc>) -> DateTime<Utc> {
        from + TimeDelta::days(self.0.into())
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(i64::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// How many hours before an event's start attendees are reminded: 1 to 720, which are 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RemindHours(u32);

impl RemindHours {
    /// The fewest.
    pub const HOURS_MIN: u32 = 1;
    /// The most.
    pub const HOURS_MAX: u32 = 720;

    /// Checks `hours` against the bounds.
    ///
    /// # Errors
    /// [`Invalid::OutOfRange`].
    pub fn parse(hours: i64) -> Result<Self, Invalid> {
        u32::try_from(hours)
            .ok()
            .filter(|hours| (Self::HOURS_MIN..=Self::HOURS_MAX).contains(hours))
            .map(Self)
            .ok_or(Invalid::OutOfRange { min: Self::HOURS_MIN, max: Self::HOURS_MAX })
    }

    /// The number of hours.
    pub const fn hours(self) -> u32 {
        self.0
    }

    /// The instant that is so long before `start`, if stores can represent it.
    pub fn before(self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        start.checked_sub_signed(TimeDelta::hours(self.0.into())).filter(is_stored)
    }
}

impl<'de> Deserialize<'de> for RemindHours {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(i64::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_with_any_offset_is_read_as_utc() {
        let utc = parse_instant("2026-05-01T17:00:00Z");
        assert!(utc.is_ok());
        assert_eq!(parse_instant("2026-05-01T19:00:00+02:00"), utc);
        let finer = parse_instant("2026-05-01T17:00:00.123456789Z").expect("an instant");
        assert_eq!(finer.timestamp_subsec_nanos(), 123_456_000);
        for raw in ["", "2026-05-01", "2026-05-01T17:00:00", "2026-02-30T00:00:00Z", "tomorrow"] {
            assert_eq!(parse_instant(raw), Err(Invalid::NotAnInstant), "{raw}");
        }
    }

    #[test]
    fn an_instant_is_in_the_years_1_to_9999() {
        let first = parse_instant("0001-01-01T00:00:00Z").expect("an instant");
        let last = parse_instant("9999-12-31T23:59:59.999999Z").expect("an instant");
        assert_eq!([first, last].map(|time| time.format("%Y").to_string()), ["0001", "9999"]);
        for raw in [
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z",
            "10000-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "-001-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_instant(raw), Err(Invalid::NotAnInstant), "{raw}");
        }
        assert!(parse_device_time("0000-01-01T00:00:00Z").is_ok());
        assert!(parse_device_time("10000-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn a_leap_second_is_read_as_the_second_after_it() {
        let after = parse_instant("2017-01-01T00:00:00.5Z");
        assert!(after.is_ok());
        assert_eq!(parse_instant("2016-12-31T23:59:60.5Z"), after);
    }

    /// The night in which Berlin's clocks go back has 02:30 twice, an hour apart; the one in which they
    /// go forward has none.
    #[test]
    fn times_around_a_clock_change_are_read_by_their_offsets() {
        let berlin: chrono_tz::Tz = "Europe/Berlin".parse().expect("a zone");
        let summer = parse_instant("2026-10-25T02:30:00+02:00").expect("an instant");
        let winter = parse_instant("2026-10-25T02:30:00+01:00").expect("an instant");
        assert_eq!(winter - summer, TimeDelta::hours(1));
        let shown = |time: DateTime<Utc>| time.with_timezone(&berlin).format("%H:%M").to_string();
        assert_eq!((shown(summer), shown(winter)), ("02:30".into(), "02:30".into()));
        let before = parse_instant("2026-03-29T00:59:59Z").expect("an instant");
        assert_eq!(shown(before), "01:59");
        assert_eq!(shown(before + TimeDelta::seconds(1)), "03:00");
    }

    #[test]
    fn a_time_zone_is_one_of_the_iana_database() {
        assert_eq!(TimeZone::parse("Europe/Berlin").map(String::from), Ok("Europe/Berlin".into()));
        for raw in ["", "Europe/Atlantis", "+02:00", "CEST ", "europe/berlin'"] {
            assert_eq!(TimeZone::parse(raw), Err(Invalid::NotATimeZone), "{raw}");
        }
    }

    #[test]
    fn a_hold_lasts_a_minute_to_half_an_hour() {
        assert_eq!(HoldTtl::parse(60).map(HoldTtl::seconds), Ok(60));
        assert_eq!(HoldTtl::parse(1_800).map(HoldTtl::seconds), Ok(1_800));
        for seconds in [i64::MIN, 0, 59, 1_801, i64::MAX] {
            assert!(HoldTtl::parse(seconds).is_err(), "{seconds}");
        }
        assert_eq!(HoldTtl::default().seconds(), 600);
        assert_eq!(HoldTtl::parse(1_800), Ok(HoldTtl::MAX));
    }

    #[test]
    fn a_reminder_comes_an_hour_to_thirty_days_before() {
        let start = parse_instant("2026-05-01T19:00:00Z").expect("an instant");
        let before = |hours| RemindHours::parse(hours).ok().and_then(|hours| hours.before(start));
        assert_eq!(before(1), parse_instant("2026-05-01T18:00:00Z").ok());
        assert_eq!(before(720), parse_instant("2026-04-01T19:00:00Z").ok());
        for hours in [i64::MIN, -1, 0, 721, i64::MAX] {
            let range = Invalid::OutOfRange { min: 1, max: 720 };
            assert_eq!(RemindHours::parse(hours), Err(range), "{hours}");
        }
        // No store can represent a time before the year 0.
        let first = parse_device_time("0000-01-01T00:30:00Z").expect("an instant");
        assert_eq!(RemindHours::parse(1).ok().and_then(|hours| hours.before(first)), None);
    }
}
