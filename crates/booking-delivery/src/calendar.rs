//! An event as iCalendar (RFC 5545), for attendees' calendars.
//!
//! An event is one component of a dozen lines, so it is written here: the crates for it bring a
//! parser along, and read the local clock. The tests parse it with two of them.

use booking_core::{Contact, EmailAddress, Event, EventStatus, OrganizerName};
use chrono::{DateTime, Datelike, Utc};

/// The media type of a file without a method.
pub const CONTENT_TYPE: &str = "text/calendar; charset=utf-8";

/// The longest line, in bytes, without its end (section 3.1).
const LINE_BYTES_MAX: usize = 75;

/// What a calendar that is sent asks the recipient's program to do (RFC 5546). A file that is downloaded has
/// no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Add the event, or update it to these details (section 3.2.1).
    Publish,
    /// Remove the event (section 3.2.5).
    Cancel,
}

impl Method {
    /// Its name, in the calendar and in the media type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "PUBLISH",
            Self::Cancel => "CANCEL",
        }
    }
}

/// What a calendar that is sent has beside the event.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The method.
    pub method: Method,
    /// When it was generated. Of two messages about the same change the later one wins (RFC 5546, section
    /// 2.1.5).
    pub at: DateTime<Utc>,
    /// The organizer's name as people know it.
    pub organizer: Option<&'a str>,
    /// The address to write to about the event.
    pub address: &'a EmailAddress,
}

/// The calendar that has this event alone; `None` if its beginning is unknown, or in a year that
/// iCalendar cannot express.
///
/// It has a URL if `url`, the event's page, is known: the file is kept for long, and a request's
/// `Host` is whatever its client chose, or the name of a proxy's backend.
pub fn of(event: &Event, url: Option<&str>, sending: Option<Sending<'_>>) -> Option<String> {
    let mut text = begin(sending);
    push_event(&mut text, event, url, sending)?;
    fold(&mut text, "END:VCALENDAR");
    Some(text)
}

/// The calendar of all these events that have a valid beginning, each with its page if that is
/// known; if they take more than `bytes_max`, only the first that fit.
pub fn of_all<'a>(
    events: impl IntoIterator<Item = (&'a Event, Option<String>)>,
    bytes_max: usize,
) -> String {
    let mut text = begin(None);
    for (event, url) in events {
        if text.len() > bytes_max {
            break;
        }
        // An event without a beginning is in no calendar.
        let _ = push_event(&mut text, event, url.as_deref(), None);
    }
    fold(&mut text, "END:VCALENDAR");
    text
}

fn begin(sending: Option<Sending<'_>>) -> String {
    let mut text = String::new();
    fold(&mut text, "BEGIN:VCALENDAR");
    fold(&mut text, "VERSION:2.0");
    fold(&mut text, "PRODID:-//Booking//booking-http//EN");
    if let Some(sending) = sending {
        fold(&mut text, &format!("METHOD:{}", sending.method.as_str()));
    }
    text
}

/// Adds an event; returns `None`, and adds nothing, if its beginning is unknown.
fn push_event(
    text: &mut String,
    event: &Event,
    url: Option<&str>,
    sending: Option<Sending<'_>>,
) -> Option<()> {
    let details = &event.details;
    let starts_at = details.starts_at.filter(has_valid_year)?;
    let mut line = |name: &str, value: &str| fold(text, &format!("{name}:{value}"));
    line("BEGIN", "VEVENT");
    line("UID", &event.id.to_string());
    // When the details were last changed, or, with a METHOD, when it was generated (section
    // 3.8.7.2). Seats are not in it, so that the file stays the same however many are sold.
    line("DTSTAMP", &utc(sending.map_or(event.details_changed_at, |sending| sending.at)));
    line("LAST-MODIFIED", &utc(event.details_changed_at));
    line("SEQUENCE", &event.sequence.to_string());
    line("DTSTART", &utc(starts_at));
    // It must be later than the beginning (section 3.8.2.2), in whole seconds like all times here.
    if let Some(ends_at) = details.ends_at.filter(|end| end.timestamp() > starts_at.timestamp()) {
        line("DTEND", &utc(ends_at));
    }
    line("SUMMARY", &escape(details.name.as_str()));
    if !details.description.as_str().is_empty() {
        line("DESCRIPTION", &escape(details.description.as_str()));
    }
    if let Some(venue) = &details.venue {
        line("LOCATION", &escape(venue.as_str()));
    }
    if let Some(url) = url {
        // It is no text value, so nothing in it is escaped (section 3.8.4.6).
        line("URL", url);
    }
    if let Some(sending) = sending {
        // With a METHOD it is required (RFC 5546, sections 3.2.1 and 3.2.5). It is always the same
        // address, whatever becomes of the event's contact: calendars accept a cancellation only
        // from the address that sent the event.
        let name = common_name(sending.organizer);
        line(&format!("ORGANIZER{name}"), &format!("mailto:{}", sending.address));
    }
    let name = details.organizer_name.as_ref().map(OrganizerName::as_str);
    match details.contact.as_ref() {
        // Its value is a calendar address, which is a mail address (section 3.8.4.3).
        Some(contact) if sending.is_none() && contact.as_address().is_some() => {
            line(&format!("ORGANIZER{}", common_name(name)), &contact.href());
        }
        Some(contact) => line("CONTACT", &escape(&contact_words(name, contact))),
        // The recipient reads the name beside the address.
        None if sending.is_some() => {}
        None => {
            if let Some(name) = name {
                line("CONTACT", &escape(name));
            }
        }
    }
    line(
        "STATUS",
        match sending.map(|sending| sending.method) {
            Some(Method::Cancel) => "CANCELLED",
            Some(Method::Publish) | None => status(event.rules.status),
        },
    );
    line("END", "VEVENT");
    Some(())
}

/// A display name, as a parameter (section 3.2.2); empty if there is none.
fn common_name(name: Option<&str>) -> String {
    let name = name.map(parameter).filter(|name| !name.is_empty());
    name.map_or_else(String::new, |name| format!(";CN=\"{name}\""))
}

/// The contact's name and address (section 3.8.4.2).
fn contact_words(name: Option<&str>, contact: &Contact) -> String {
    match name {
        Some(name) => format!("{name}, {}", contact.as_str()),
        None => contact.as_str().to_owned(),
    }
}

/// The characters that may stand between the quotes of a parameter (RFC 5545, section 3.1).
fn parameter(text: &str) -> String {
    text.chars().filter(|c| *c != '"' && !c.is_control()).collect()
}

fn status(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Draft => "TENTATIVE",
        EventStatus::Published => "CONFIRMED",
        EventStatus::Cancelled => "CANCELLED",
    }
}

/// Whether its year is valid and has four digits (section 3.3.4).
fn has_valid_year(time: &DateTime<Utc>) -> bool {
    (1..=9_999).contains(&time.year())
}

/// Section 3.3.5, the form for UTC. Every calendar converts it to its owner's time zone.
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
            // Stored text has no control characters; they must never begin a line here.
            '\r' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Writes a line, folded if it is too long (section 3.1), never within a character. Nor next to
/// white space, if there is another place: some parsers take that white space for part of the fold.
fn fold(text: &mut String, line: &str) {
    let (mut rest, mut room) = (line, LINE_BYTES_MAX);
    while rest.len() > room {
        let at = fold_at(rest, room);
        text.push_str(&rest[..at]);
        text.push_str("\r\n ");
        // The leading space counts.
        (rest, room) = (&rest[at..], LINE_BYTES_MAX - 1);
    }
    text.push_str(rest);
    text.push_str("\r\n");
}

/// Where to cut a text that is longer than `room` bytes.
fn fold_at(text: &str, room: usize) -> usize {
    let last = text.floor_char_boundary(room);
    let is_between_words = |at: usize| {
        let (before, after) = text.split_at(at);
        before.ends_with(char::is_whitespace) || after.starts_with(char::is_whitespace)
    };
    let places = (1..=last).rev().filter(|at| text.is_char_boundary(*at));
    places.take(room / 2).find(|at| !is_between_words(*at)).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{
        Capacity, CapacityMax, Description, EventDetails, EventName, NewEvent, Venue, parse_instant,
    };
    use chrono::TimeDelta;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn at(time: &str) -> DateTime<Utc> {
        parse_instant(time).expect("a time")
    }

    fn event(description: &str, venue: &str) -> Event {
        let name = EventName::parse("Jazz; and, more").expect("a name");
        let id = Uuid::from_u128(7).into();
        let capacity = Capacity::parse(1, CapacityMax::default()).expect("a capacity");
        let details = EventDetails {
            description: Description::parse(description).expect("a description"),
            starts_at: Some(at("2026-05-01T19:00:00+02:00")),
            ends_at: Some(at("2026-05-01T23:30:00+02:00")),
            venue: Some(Venue::parse(venue).expect("a venue")),
            ..EventDetails::named(name.clone())
        };
        let new =
            NewEvent::new(id, name, capacity).with(|new| new.details = details).expect("in order");
        let mut event = new.created_at(at("2026-04-01T00:00:00.5Z"));
        event.details_changed_at = at("2026-04-02T10:00:00.9Z");
        event.sequence = 3;
        event
    }

    fn without_base(event: &Event) -> Option<String> {
        of(event, None, None)
    }

    #[test]
    fn an_event_is_one_component_with_times_in_utc() {
        let text = without_base(&event("Doors\nat 7", "A\\B, c/o D")).expect("it has a beginning");
        let expected = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Booking//booking-http//EN",
            "BEGIN:VEVENT",
            "UID:00000000-0000-0000-0000-000000000007",
            "DTSTAMP:20260402T100000Z",
            "LAST-MODIFIED:20260402T100000Z",
            "SEQUENCE:3",
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
        let text = without_base(&event(&description, "here")).expect("it has a beginning");
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX));
        assert!(text.replace("\r\n ", "").contains(&description));
    }

    #[test]
    fn an_event_without_a_beginning_is_in_no_calendar_file() {
        let mut event = event("", "here");
        event.details.starts_at = None;
        assert_eq!(without_base(&event), None);
        // An earlier version accepted a year that iCalendar cannot express.
        event.details.starts_at = Some(at("0001-01-01T00:00:00Z") - TimeDelta::seconds(1));
        assert_eq!(without_base(&event), None);
        event.details.starts_at = Some(at("0001-01-01T00:00:00Z"));
        assert!(
            without_base(&event).is_some_and(|text| text.contains("DTSTART:00010101T000000Z\r\n"))
        );
    }

    /// Section 3.8.2.2: the end is later than the beginning. The file has no fractions of seconds.
    #[test]
    fn an_end_that_is_no_later_than_the_beginning_is_left_out() {
        let starts_at = at("2026-05-01T17:00:00.1Z");
        for (after, is_said) in [(0, false), (899, false), (900, true), (1_000, true)] {
            let mut event = event("", "here");
            event.details.starts_at = Some(starts_at);
            event.details.ends_at = Some(starts_at + TimeDelta::milliseconds(after));
            let text = without_base(&event).expect("it has a beginning");
            assert_eq!(text.contains("DTEND"), is_said, "{after} ms");
        }
    }

    #[test]
    fn each_event_status_has_its_ical_status() {
        for (status, word) in [
            (EventStatus::Draft, "TENTATIVE"),
            (EventStatus::Published, "CONFIRMED"),
            (EventStatus::Cancelled, "CANCELLED"),
        ] {
            let mut event = event("", "here");
            event.rules.status = status;
            let text = without_base(&event).expect("it has a beginning");
            assert!(text.contains(&format!("\r\nSTATUS:{word}\r\n")), "{text}");
        }
    }

    /// The properties of the file's one event, as a third-party library reads them.
    type Read = fn(&str) -> BTreeMap<String, String>;

    const READERS: [(&str, Read); 2] = [("icalendar", read_by_icalendar), ("ical", read_by_ical)];

    fn read_by_icalendar(text: &str) -> BTreeMap<String, String> {
        let unfolded = icalendar::parser::unfold(text);
        let calendar = icalendar::parser::read_calendar(&unfolded).expect("it is a calendar");
        let [event] = &calendar.components[..] else { panic!("there is one event") };
        assert_eq!(event.name.as_str(), "VEVENT");
        let properties = event.properties.iter();
        properties
            .map(|property| (property.name.as_str().to_owned(), property.val.as_str().to_owned()))
            .collect()
    }

    fn read_by_ical(text: &str) -> BTreeMap<String, String> {
        let mut calendars = ical::IcalParser::new(text.as_bytes());
        let calendar = calendars.next().expect("there is one").expect("it is a calendar");
        assert!(calendars.next().is_none());
        let [event] = &calendar.events[..] else { panic!("there is one event") };
        let properties = event.properties.iter();
        properties
            .map(|property| (property.name.clone(), property.value.clone().unwrap_or_default()))
            .collect()
    }

    #[test]
    fn the_file_has_a_url_if_the_event_page_is_known() {
        let event = event("Doors at 7", "here");
        for base in
            ["https://booking.example.org", &format!("http://[::1]:8080/{}", "a,b;c/".repeat(20))]
        {
            let url = format!("{}/e/{}", base.trim_end_matches('/'), event.id);
            let file = of(&event, Some(&url), None).expect("it has a beginning");
            assert!(file.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX));
            for (library, read) in READERS {
                let read = read(&file);
                assert_eq!(read.get("URL"), Some(&url), "{library}");
                assert_eq!(read.len(), 11, "{library}: {read:?}");
            }
        }
    }

    #[test]
    fn a_sent_calendar_has_a_method_and_an_organizer() {
        let address = EmailAddress::parse("tickets@example.org").expect("an address");
        let mut event = event("Doors at 7", "here");
        let at = at("2026-04-03T10:00:00Z");
        let by = Some("The \"Jazz\": club; and, \u{7}friends");
        for (method, organizer, status) in [
            (Method::Publish, by, "CONFIRMED"),
            (Method::Publish, None, "CONFIRMED"),
            (Method::Cancel, by, "CANCELLED"),
        ] {
            let sending = Sending { method, at, organizer, address: &address };
            let file = of(&event, None, Some(sending)).expect("it has a beginning");
            assert!(file.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX));
            let lines = file.replace("\r\n ", "");
            let method = format!("\r\nMETHOD:{}\r\nBEGIN:VEVENT\r\n", method.as_str());
            assert!(lines.contains(&method), "{lines}");
            let name = organizer.map_or("", |_| ";CN=\"The Jazz: club; and, friends\"");
            let whose = format!("\r\nORGANIZER{name}:mailto:tickets@example.org\r\n");
            assert!(lines.contains(&whose), "{lines}");
            for (library, read) in READERS {
                let read = read(&file);
                let property = |name: &str| read.get(name).map(String::as_str);
                assert_eq!(property("STATUS"), Some(status), "{library}");
                assert_eq!(property("SEQUENCE"), Some("3"), "{library}");
                assert_eq!(property("DTSTAMP"), Some("20260403T100000Z"), "{library}");
                assert_eq!(property("ORGANIZER"), Some("mailto:tickets@example.org"), "{library}");
            }
        }
        event.rules.status = EventStatus::Cancelled;
        let sending = Sending { method: Method::Cancel, at, organizer: None, address: &address };
        assert!(of(&event, None, Some(sending)).is_some_and(|file| file.contains("CANCELLED")));
    }

    #[test]
    fn the_organizer_and_the_contact_are_escaped() {
        let address = EmailAddress::parse("tickets@example.org").expect("an address");
        let by = Some("The \"Jazz\": club, and; \\friends");
        let (mail, page) = (Some("a&b@jazz.example"), Some("https://jazz.example/a,b?c;d"));
        for (name, contact, fetched, sent) in [
            (None, None, None, None),
            (by, None, Some(r#"CONTACT:The "Jazz": club\, and\; \\friends"#), None),
            (
                None,
                mail,
                Some("ORGANIZER:mailto:a%26b@jazz.example"),
                Some("CONTACT:a&b@jazz.example"),
            ),
            (
                by,
                mail,
                Some(r#"ORGANIZER;CN="The Jazz: club, and; \friends":mailto:a%26b@jazz.example"#),
                Some(r#"CONTACT:The "Jazz": club\, and\; \\friends\, a&b@jazz.example"#),
            ),
            (
                None,
                page,
                Some(r"CONTACT:https://jazz.example/a\,b?c\;d"),
                Some(r"CONTACT:https://jazz.example/a\,b?c\;d"),
            ),
            (
                by,
                page,
                Some(
                    r#"CONTACT:The "Jazz": club\, and\; \\friends\, https://jazz.example/a\,b?c\;d"#,
                ),
                Some(
                    r#"CONTACT:The "Jazz": club\, and\; \\friends\, https://jazz.example/a\,b?c\;d"#,
                ),
            ),
        ] {
            let mut event = event("", "here");
            event.details.organizer_name = name.and_then(|name| OrganizerName::parse(name).ok());
            event.details.contact = contact.and_then(|contact| Contact::parse(contact).ok());
            let sending = Sending {
                method: Method::Publish,
                at: at("2026-04-03T10:00:00Z"),
                organizer: None,
                address: &address,
            };
            for (sending, expected) in [(None, fetched), (Some(sending), sent)] {
                let file = of(&event, None, sending).expect("it has a beginning");
                for (library, read) in READERS {
                    let read = read(&file);
                    let organizer = read.get("ORGANIZER").map(String::as_str);
                    let is_ours = organizer == Some("mailto:tickets@example.org");
                    assert_eq!(is_ours, sending.is_some(), "{library}: {read:?}");
                    let others = usize::from(is_ours) + usize::from(expected.is_some());
                    assert_eq!(read.len(), 9 + others, "{library}: {read:?}");
                }
                let lines = file.replace("\r\n ", "");
                let property: Vec<_> = lines
                    .split("\r\n")
                    .filter(|line| line.starts_with("CONTACT") || line.starts_with("ORGANIZER"))
                    .filter(|line| !line.contains("tickets@example.org"))
                    .collect();
                assert_eq!(property, expected.into_iter().collect::<Vec<_>>());
            }
        }
    }

    /// Reverses section 3.3.11.
    fn unescaped(text: &str) -> String {
        let mut plain = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            plain.push(match c {
                '\\' => match chars.next().expect("a backslash stands before something") {
                    'n' | 'N' => '\n',
                    c @ ('\\' | ';' | ',') => c,
                    other => panic!("a backslash before {other:?}"),
                },
                c => c,
            });
        }
        plain
    }

    #[test]
    fn third_party_libraries_read_the_file() {
        let texts = [
            "Doors; at 7,\nand \\ BEGIN:VEVENT\nEND:VCALENDAR".to_owned(),
            "\\n is no line, nor is \\\\n\\;\\,".to_owned(),
            "a \"quoted\" X=Y:Z\twith a tab\n\n\nand lines".to_owned(),
            "é€𝄞 東京 🎟 ".repeat(300) + "x",
            " leading".to_owned() + &" ".repeat(30) + "." + &"with words ".repeat(60) + ".",
        ];
        for text in &texts {
            let event = event(text, "A\\B; c/o D, ground floor");
            let file = without_base(&event).expect("it has a beginning");
            for (library, read) in READERS {
                let read = read(&file);
                let property = |name: &str| read.get(name).map(String::as_str);
                assert_eq!(property("UID"), Some(event.id.to_string().as_str()), "{library}");
                for (name, expected) in [
                    ("DTSTAMP", "20260402T100000Z"),
                    ("LAST-MODIFIED", "20260402T100000Z"),
                    ("SEQUENCE", "3"),
                    ("DTSTART", "20260501T170000Z"),
                    ("DTEND", "20260501T213000Z"),
                    ("STATUS", "CONFIRMED"),
                ] {
                    assert_eq!(property(name), Some(expected), "{library}: {name}");
                }
                let venue = "A\\B; c/o D, ground floor";
                for (name, expected) in
                    [("SUMMARY", "Jazz; and, more"), ("DESCRIPTION", text), ("LOCATION", venue)]
                {
                    // One of the libraries unescapes backslashes itself.
                    let property = property(name).expect("it is there");
                    assert!(
                        property == expected || unescaped(property) == expected,
                        "{library}: {property}"
                    );
                }
                assert_eq!(read.len(), 10, "{library}: {read:?}");
            }
        }
    }
}
