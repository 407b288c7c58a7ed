//! An event as iCalendar (RFC 5545), for the calendars of those who come.
//!
//! It is one component of a dozen lines, so it is written here: the crates for it bring parsers along,
//! and the local clock.

use booking_core::{Event, EventStatus};
use chrono::{DateTime, Utc};

pub(crate) const CONTENT_TYPE: &str = "text/calendar; charset=utf-8";

/// The longest line, in bytes, without its end (section 3.1).
const LINE_BYTES_MAX: usize = 75;

/// The calendar that has this event alone; `None` if it is not known when it begins.
pub(crate) fn of(event: &Event) -> Option<String> {
    let details = &event.details;
    let starts_at = details.starts_at?;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| fold(&mut text, &format!("{name}:{value}"));
    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//Booking//booking-http//EN");
    line("BEGIN", "VEVENT");
    line("UID", &event.id.to_string());
    // When the event was written down; the text is the same as long as the event is.
    line("DTSTAMP", &utc(event.created_at));
    line("SEQUENCE", &event.version.to_string());
    line("DTSTART", &utc(starts_at));
    if let Some(ends_at) = details.ends_at {
        line("DTEND", &utc(ends_at));
    }
    line("SUMMARY", &escape(details.name.as_str()));
    if !details.description.as_str().is_empty() {
        line("DESCRIPTION", &escape(details.description.as_str()));
    }
    if let Some(venue) = &details.venue {
        line("LOCATION", &escape(venue.as_str()));
    }
    line("STATUS", status(event.rules.status));
    line("END", "VEVENT");
    line("END", "VCALENDAR");
    Some(text)
}

fn status(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Draft => "TENTATIVE",
        EventStatus::Published => "CONFIRMED",
        EventStatus::Cancelled => "CANCELLED",
    }
}

/// Section 3.3.5, the form for UTC. Every calendar shows it in its owner's own zone.
fn utc(time: DateTime<Utc>) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Section 3.3.11.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Writes a line, continued on further ones if it is too long (section 3.1), and never within a
/// character.
fn fold(text: &mut String, line: &str) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LINE_BYTES_MAX {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(c);
        length += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{
        Capacity, CapacityMax, Description, EventDetails, EventName, NewEvent, Venue, parse_instant,
    };
    use uuid::Uuid;

    fn event(description: &str, venue: &str) -> Event {
        let at = |time| Some(parse_instant(time).expect("a time"));
        let name = EventName::parse("Jazz; and, more").expect("a name");
        let id = Uuid::from_u128(7).into();
        let capacity = Capacity::parse(1, CapacityMax::default()).expect("a capacity");
        let details = EventDetails {
            description: Description::parse(description).expect("a description"),
            starts_at: at("2026-05-01T19:00:00+02:00"),
            ends_at: at("2026-05-01T23:30:00+02:00"),
            venue: Some(Venue::parse(venue).expect("a venue")),
            ..EventDetails::named(name.clone())
        };
        let new = NewEvent { details, ..NewEvent::new(id, name, capacity) };
        new.created_at(parse_instant("2026-04-01T00:00:00.5Z").expect("a time"))
    }

    #[test]
    fn an_event_is_one_component_with_times_in_utc() {
        let text = of(&event("Doors\nat 7", "A\\B, c/o D")).expect("it has a beginning");
        let expected = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Booking//booking-http//EN",
            "BEGIN:VEVENT",
            "UID:00000000-0000-0000-0000-000000000007",
            "DTSTAMP:20260401T000000Z",
            "SEQUENCE:1",
            "DTSTART:20260501T170000Z",
            "DTEND:20260501T213000Z",
            r"SUMMARY:Jazz\; and\, more",
            r"DESCRIPTION:Doors\nat 7",
            r"LOCATION:A\\B\, c/o D",
            "STATUS:CONFIRMED",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ];
        assert_eq!(text, expected.join("\r\n"));
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        let description = "é€𝄞x".repeat(100);
        let text = of(&event(&description, "here")).expect("it has a beginning");
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX));
        assert!(text.replace("\r\n ", "").contains(&description));
    }

    #[test]
    fn an_event_without_a_beginning_is_in_no_calendar() {
        let mut event = event("", "here");
        event.details.starts_at = None;
        assert_eq!(of(&event), None);
    }
}
