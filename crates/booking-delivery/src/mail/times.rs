//! Times as people read them, in the event's time zone, which is named.

use booking_core::{EventDetails, Language, TimeZone};
use chrono::{DateTime, Datelike, Timelike, Utc};
use chrono_tz::Tz;

const DAYS: [[&str; 7]; 2] = [
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
];

const MONTHS: [[&str; 12]; 2] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
];

/// An instant, such as `Friday, 1 May 2026, 19:00 (Europe/Berlin, UTC+02:00)`.
pub fn moment(language: Language, zone: Option<&TimeZone>, at: DateTime<Utc>) -> String {
    let (zone, at) = local(zone, at);
    let (day, time) = (day(language, &at), time(language, &at));
    format!("{day}, {time} ({})", named(zone, &at))
}

/// An event's beginning and end, as far as they are known.
pub fn span(language: Language, details: &EventDetails) -> Option<String> {
    let zone = details.timezone.as_ref();
    let starts_at = details.starts_at?;
    let Some(ends_at) = details.ends_at.filter(|end| *end > starts_at) else {
        return Some(moment(language, zone, starts_at));
    };
    let (zone, start) = local(zone, starts_at);
    let end = ends_at.with_timezone(&zone);
    let to = match language {
        Language::En => "to",
        Language::De => "bis",
    };
    let first = day(language, &start);
    let is_one_day = start.date_naive() == end.date_naive();
    let is_one_offset = offset(&start) == offset(&end);
    Some(match (is_one_day, is_one_offset) {
        (true, true) => {
            let (from, until) = (clock(&start), time(language, &end));
            format!("{first}, {from} {to} {until} ({})", named(zone, &start))
        }
        (false, true) => {
            let (from, until) = (time(language, &start), time(language, &end));
            let last = day(language, &end);
            format!("{first}, {from} {to} {last}, {until} ({})", named(zone, &start))
        }
        // The clocks change meanwhile.
        (_, false) => {
            let (from, until) = (time(language, &start), time(language, &end));
            let (at_first, at_last) = (named(zone, &start), named(zone, &end));
            let last = day(language, &end);
            format!("{first}, {from} ({at_first}) {to} {last}, {until} ({at_last})")
        }
    })
}

/// A date as a calendar leaf shows it, such as `May`, `1` and `Fri`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The month, abbreviated.
    pub month: String,
    /// The day of the month.
    pub day: u32,
    /// The day of the week, abbreviated.
    pub weekday: String,
}

/// The date of an instant.
pub fn leaf(language: Language, zone: Option<&TimeZone>, at: DateTime<Utc>) -> Leaf {
    let (_, at) = local(zone, at);
    let words = language as usize;
    let weekday = DAYS[words][at.weekday().num_days_from_monday() as usize];
    let letters = match language {
        Language::En => 3,
        Language::De => 2,
    };
    Leaf {
        month: MONTHS[words][at.month0() as usize].chars().take(3).collect(),
        day: at.day(),
        weekday: weekday.chars().take(letters).collect(),
    }
}

fn local(zone: Option<&TimeZone>, at: DateTime<Utc>) -> (Tz, DateTime<Tz>) {
    // The zone exists: it was parsed by the same database.
    let zone = zone.and_then(|zone| zone.as_str().parse().ok()).unwrap_or(Tz::UTC);
    (zone, at.with_timezone(&zone))
}

fn day(language: Language, at: &DateTime<Tz>) -> String {
    let words = language as usize;
    let weekday = DAYS[words][at.weekday().num_days_from_monday() as usize];
    let (day, month, year) = (at.day(), MONTHS[words][at.month0() as usize], at.year());
    match language {
        Language::En => format!("{weekday}, {day} {month} {year}"),
        Language::De => format!("{weekday}, {day}. {month} {year}"),
    }
}

fn time(language: Language, at: &DateTime<Tz>) -> String {
    match language {
        Language::En => clock(at),
        Language::De => format!("{} Uhr", clock(at)),
    }
}

fn clock(at: &DateTime<Tz>) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

fn offset(at: &DateTime<Tz>) -> String {
    at.format("%:z").to_string()
}

fn named(zone: Tz, at: &DateTime<Tz>) -> String {
    match zone {
        Tz::UTC => "UTC".to_owned(),
        zone => format!("{}, UTC{}", zone.name(), offset(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{EventName, parse_instant};

    fn details(zone: Option<&str>, starts_at: &str, ends_at: Option<&str>) -> EventDetails {
        let at = |text: &str| parse_instant(text).expect("a time");
        EventDetails {
            starts_at: Some(at(starts_at)),
            ends_at: ends_at.map(at),
            timezone: zone.map(|zone| TimeZone::parse(zone).expect("a zone")),
            ..EventDetails::named(EventName::parse("Jazz").expect("a name"))
        }
    }

    #[test]
    fn the_calendar_leaf_shows_the_date_in_the_events_zone() {
        let at = parse_instant("2026-03-31T23:30:00Z").expect("a time");
        let zone = TimeZone::parse("Europe/Berlin").expect("a zone");
        for (language, zone, expected) in [
            (Language::En, Some(&zone), ("Apr", 1, "Wed")),
            (Language::De, Some(&zone), ("Apr", 1, "Mi")),
            (Language::De, None, ("Mär", 31, "Di")),
        ] {
            let Leaf { month, day, weekday } = leaf(language, zone, at);
            assert_eq!((month.as_str(), day, weekday.as_str()), expected);
        }
    }

    #[test]
    fn times_are_formatted_in_the_events_zone_and_language() {
        let berlin = Some("Europe/Berlin");
        for (details, en, de) in [
            (
                details(berlin, "2026-05-01T17:00:00Z", Some("2026-05-01T21:30:00Z")),
                "Friday, 1 May 2026, 19:00 to 23:30 (Europe/Berlin, UTC+02:00)",
                "Freitag, 1. Mai 2026, 19:00 bis 23:30 Uhr (Europe/Berlin, UTC+02:00)",
            ),
            (
                details(berlin, "2026-03-01T20:00:00Z", Some("2026-03-02T01:00:00Z")),
                "Sunday, 1 March 2026, 21:00 to Monday, 2 March 2026, 02:00 (Europe/Berlin, UTC+01:00)",
                "Sonntag, 1. März 2026, 21:00 Uhr bis Montag, 2. März 2026, 02:00 Uhr (Europe/Berlin, UTC+01:00)",
            ),
            (
                details(None, "2026-12-31T09:05:00Z", None),
                "Thursday, 31 December 2026, 09:05 (UTC)",
                "Donnerstag, 31. Dezember 2026, 09:05 Uhr (UTC)",
            ),
            // An end that is not after the beginning.
            (
                details(None, "2026-12-31T09:05:00Z", Some("2026-12-31T09:05:00Z")),
                "Thursday, 31 December 2026, 09:05 (UTC)",
                "Donnerstag, 31. Dezember 2026, 09:05 Uhr (UTC)",
            ),
            // The night in which the clocks go back.
            (
                details(berlin, "2026-10-25T00:30:00Z", Some("2026-10-25T01:30:00Z")),
                "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+02:00) to Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+01:00)",
                "Sonntag, 25. Oktober 2026, 02:30 Uhr (Europe/Berlin, UTC+02:00) bis Sonntag, 25. Oktober 2026, 02:30 Uhr (Europe/Berlin, UTC+01:00)",
            ),
            (
                details(Some("Asia/Kolkata"), "9999-12-31T20:00:00Z", None),
                "Saturday, 1 January 10000, 01:30 (Asia/Kolkata, UTC+05:30)",
                "Samstag, 1. Januar 10000, 01:30 Uhr (Asia/Kolkata, UTC+05:30)",
            ),
        ] {
            assert_eq!(span(Language::En, &details).as_deref(), Some(en));
            assert_eq!(span(Language::De, &details).as_deref(), Some(de));
        }
        let unknown = EventDetails::named(EventName::parse("Jazz").expect("a name"));
        assert_eq!(span(Language::En, &unknown), None);
    }

    /// North and south of the equator, and by half an hour.
    #[test]
    fn an_event_over_a_change_of_clocks_has_both_offsets() {
        for (zone, starts_at, ends_at, expected) in [
            (
                "Europe/Berlin",
                "2026-03-28T23:30:00Z",
                "2026-03-29T02:00:00Z",
                "Sunday, 29 March 2026, 00:30 (Europe/Berlin, UTC+01:00) to Sunday, 29 March 2026, 04:00 (Europe/Berlin, UTC+02:00)",
            ),
            (
                "Europe/Berlin",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:45:00Z",
                "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+02:00) to Sunday, 25 October 2026, 02:45 (Europe/Berlin, UTC+01:00)",
            ),
            (
                "America/New_York",
                "2026-03-08T05:30:00Z",
                "2026-03-08T08:00:00Z",
                "Sunday, 8 March 2026, 00:30 (America/New_York, UTC-05:00) to Sunday, 8 March 2026, 04:00 (America/New_York, UTC-04:00)",
            ),
            (
                "America/New_York",
                "2026-11-01T05:30:00Z",
                "2026-11-01T06:45:00Z",
                "Sunday, 1 November 2026, 01:30 (America/New_York, UTC-04:00) to Sunday, 1 November 2026, 01:45 (America/New_York, UTC-05:00)",
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-04T14:45:00Z",
                "2026-04-04T15:30:00Z",
                "Sunday, 5 April 2026, 01:45 (Australia/Lord_Howe, UTC+11:00) to Sunday, 5 April 2026, 02:00 (Australia/Lord_Howe, UTC+10:30)",
            ),
            (
                "Australia/Lord_Howe",
                "2026-10-03T14:00:00Z",
                "2026-10-03T16:00:00Z",
                "Sunday, 4 October 2026, 00:30 (Australia/Lord_Howe, UTC+10:30) to Sunday, 4 October 2026, 03:00 (Australia/Lord_Howe, UTC+11:00)",
            ),
        ] {
            let details = details(Some(zone), starts_at, Some(ends_at));
            assert_eq!(span(Language::En, &details).as_deref(), Some(expected));
        }
    }
}
