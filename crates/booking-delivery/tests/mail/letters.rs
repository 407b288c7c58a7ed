//! The contents of mails, and that untrusted text cannot change their structure.

use crate::reader::read;
use booking_core::{
    Contact, Description, EmailAddress, EventName, EventStatus, Language, MailKind, OrganizerName,
    PersonName, RegistrationId, Status, Venue,
};
use booking_delivery::mail::{
    ComposeError, Composer, Letter, MailConfig, MailUrl, Rendered, preview,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use uuid::Uuid;

const BASE_URL: &str = "https://booking.example.org/tickets";

fn composer_with(reply_to: Option<&str>, base_url: &str) -> Composer {
    let config = MailConfig {
        url: MailUrl::parse("file:///nowhere").expect("it is one"),
        from: "Jazz, \"the\" club <tickets@jazz.example>".parse().expect("it is one"),
        reply_to: reply_to.map(|text| text.parse().expect("it is one")),
        tls_ca: None,
    };
    Composer::new(&config, base_url)
}

fn composer() -> Composer {
    composer_with(None, BASE_URL)
}

fn every_sample() -> impl Iterator<Item = Letter> {
    let of_kind = |kind| Language::ALL.map(|language| Letter::sample(kind, language));
    MailKind::ALL.into_iter().flat_map(of_kind)
}

/// The same letter without its optional parts.
fn least(letter: &Letter) -> Letter {
    let mut event = letter.event.clone();
    if let Some(event) = &mut event {
        let details = &mut event.details;
        (details.starts_at, details.ends_at, details.timezone, details.venue) = Default::default();
        details.contact = None;
    }
    let needs_link = letter.kind == MailKind::ConfirmAddress;
    let Letter { id, kind, language, at, .. } = *letter;
    Letter {
        event,
        link: letter.link.clone().filter(|_| needs_link),
        ..Letter::new(id, kind, language, letter.to.clone(), at)
    }
}

fn rendered(letter: &Letter) -> Rendered {
    composer().render(letter).unwrap_or_else(|error| panic!("{letter:?}: {error:?}"))
}

/// The text of a piece of HTML.
fn unescaped(html: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/")];
    let text = entities.iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

/// The texts between `before` and `after`, each time.
fn between<'a>(text: &'a str, before: &'a str, after: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = text.split(before).skip(1);
    parts.filter_map(move |rest| rest.split_once(after).map(|(between, _)| between))
}

#[test]
fn every_mail_renders_in_every_language_with_any_fields() {
    let mut subjects = BTreeSet::new();
    for full in every_sample() {
        for letter in [least(&full), full] {
            let Rendered { subject, text, html, .. } = rendered(&letter);
            for part in [&subject, &text, &html] {
                // Links have it as a style.
                let part = part.replace("text-decoration:none", "");
                for left_over in ["{", "}", "None", "none", "undefined", "Subject:"] {
                    assert!(!part.contains(left_over), "{letter:?} says {left_over}: {part}");
                }
            }
            assert!(!subject.is_empty() && !subject.contains('\n'));
            assert!(!text.contains("\n\n\n") && text.ends_with('\n'), "{text}");
            subjects.insert((letter.language, subject));
        }
    }
    assert_eq!(subjects.len(), 2 * MailKind::ALL.len(), "each is about something else");
}

#[test]
fn the_text_has_every_sentence_of_the_html() {
    for letter in every_sample() {
        let Rendered { text, html, .. } = rendered(&letter);
        let links = between(&html, "href=\"", "\"").chain(between(&html, "<bdi>", "</bdi>"));
        let mut count = 0;
        for link in links.chain(between(&html, "<code style=\"word-break:break-all\">", "</code>"))
        {
            assert!(text.contains(&unescaped(link)), "{letter:?} lacks {link}: {text}");
            count += 1;
        }
        assert!(count > 1, "{letter:?} has nothing of its own: {html}");
        // Whole sentences, except those about the picture.
        for paragraph in between(&html, "<p style=\"margin:0 0 16px\">", "</p>") {
            let plain = paragraph.replace("<bdi>", "").replace("</bdi>", "");
            if !plain.contains('<') && !plain.contains("QR") {
                assert!(text.contains(&unescaped(&plain)), "{letter:?} lacks {plain}: {text}");
            }
        }
    }
}

#[test]
fn no_mail_fetches_or_tracks_anything() {
    for letter in every_sample() {
        let html = rendered(&letter).html;
        for fetched in ["<script", "<link", "<iframe", "url(", "@import", "<style", "srcset"] {
            assert!(!html.contains(fetched), "{letter:?} has {fetched}");
        }
        let pictures: Vec<_> = between(&html, "src=\"", "\"").collect();
        let expected = usize::from(letter.ticket.is_some());
        assert_eq!(pictures.len(), expected, "{letter:?}");
        assert!(pictures.iter().all(|picture| picture.starts_with("cid:")));
    }
}

#[test]
fn each_mail_has_its_links_and_details() {
    for language in Language::ALL {
        let sample = |kind| rendered(&Letter::sample(kind, language));
        let text = sample(MailKind::Offered).text;
        let until = match language {
            Language::En => "until Tuesday, 21 April 2026, 11:30 (Europe/Berlin, UTC+02:00)",
            Language::De => "bis Dienstag, 21. April 2026, 11:30 Uhr (Europe/Berlin, UTC+02:00)",
        };
        assert!(text.contains(until), "{text}");
        let (number, no_promise) = match language {
            Language::En => ("number 3 in line", "no promise"),
            Language::De => ("Nummer 3 in der Reihe", "keine Zusage"),
        };
        let text = sample(MailKind::Waitlisted).text;
        assert!(text.contains(number) && text.contains(no_promise), "{text}");
        let found = sample(MailKind::Found).text;
        assert_eq!(found.matches("https://").count(), Status::ALL.len());
        // A former holder is not told the new holder's name.
        let mut letter = Letter::sample(MailKind::HandedOver, language);
        letter.name = None;
        let text = rendered(&letter).text;
        assert!(!text.contains("Ada") && !text.contains("ada@"), "{text}");
    }
}

#[test]
fn attached_calendars_match_the_mails_kind() {
    let address = "ORGANIZER;CN=\"Jazz Club Kreuzberg\":mailto:tickets@jazz.example";
    for letter in every_sample() {
        let calendar = rendered(&letter).calendar;
        let expected = match letter.kind {
            MailKind::Confirmed
            | MailKind::Transferred
            | MailKind::EventMoved
            | MailKind::Reminder
            | MailKind::Changed => Some("PUBLISH"),
            MailKind::Cancelled | MailKind::HandedOver | MailKind::EventCancelled => Some("CANCEL"),
            _ => None,
        };
        assert_eq!(calendar.as_ref().map(|(method, _)| method.as_str()), expected, "{letter:?}");
        if let (Some((_, text)), Some(method), Some(event)) = (calendar, expected, &letter.event) {
            let text = text.replace("\r\n ", "");
            for line in [
                format!("METHOD:{method}"),
                format!("UID:{}", event.id),
                format!("SEQUENCE:{}", event.sequence),
                "DTSTAMP:20260420T093000Z".to_owned(),
                address.to_owned(),
            ] {
                assert!(text.contains(&format!("\r\n{line}\r\n")), "{letter:?} lacks {line}");
            }
        }
    }
    // What no longer applies is not put into calendars.
    let mut late = Letter::sample(MailKind::Reminder, Language::En);
    late.event.as_mut().expect("it has one").rules.status = EventStatus::Cancelled;
    assert!(rendered(&late).calendar.is_none());
    let mut waiting = Letter::sample(MailKind::EventMoved, Language::En);
    waiting.registration.as_mut().expect("it has one").status = Status::Waitlisted;
    assert!(rendered(&waiting).calendar.is_none());
}

#[test]
fn a_mail_names_the_contact_and_the_organizer() {
    for language in Language::ALL {
        let mut letter = Letter::sample(MailKind::Confirmed, language);
        let Rendered { text, html, .. } = rendered(&letter);
        assert!(text.contains(" hello@jazz.example.\n"), "{text}");
        assert!(html.contains("<bdi>hello@jazz.example</bdi>"), "{html}");
        let details = &mut letter.event.as_mut().expect("it has one").details;
        details.contact = Contact::parse("https://jazz.example/?a=b&c='").ok();
        details.organizer_name = OrganizerName::parse("Friends of jazz").ok();
        let Rendered { text, html, calendar, .. } = rendered(&letter);
        assert!(text.contains("? https://jazz.example/?a=b&c=%27\n"), "{text}");
        assert_eq!(between(&html, "href=\"https:&#x2f;&#x2f;jazz.example", "\"").count(), 1);
        assert!(text.contains("Friends of jazz") && !text.contains("Kreuzberg"), "{text}");
        let (_, calendar) = calendar.expect("it has a beginning");
        assert!(
            calendar.contains("ORGANIZER;CN=\"Friends of jazz\":mailto:tickets@"),
            "{calendar}"
        );
        // Without either the mail does not mention it.
        letter.event.as_mut().expect("it has one").details.contact = None;
        let text = rendered(&letter).text;
        assert!(!text.contains("jazz.example") && !text.contains('?'), "{text}");
    }
}

#[test]
fn a_letter_without_required_fields_is_refused() {
    for full in every_sample() {
        let mut letter = full.clone();
        letter.event = None;
        match (letter.kind, composer().compose(&letter)) {
            (MailKind::Found, made) => assert!(made.is_ok()),
            (_, made) => assert!(matches!(made, Err(ComposeError::Lacks("event"))), "{made:?}"),
        }
        let mut letter = full.clone();
        letter.to = EmailAddress::erased(RegistrationId::from(Uuid::from_u128(1)));
        assert!(matches!(composer().compose(&letter), Err(ComposeError::Erased)));
        let mut letter = full;
        letter.ticket = Some("x".repeat(10_000));
        assert!(matches!(composer().compose(&letter), Err(ComposeError::Ticket)));
    }
    let mut letter = Letter::sample(MailKind::ConfirmAddress, Language::En);
    letter.link = None;
    let made = composer().compose(&letter);
    assert!(matches!(made, Err(ComposeError::Lacks("link"))), "{made:?}");
}

#[test]
fn a_letters_debug_output_has_no_personal_data() {
    let letter = Letter::sample(MailKind::Confirmed, Language::En);
    let message = composer().compose(&letter).expect("it is made");
    let shown = format!("{letter:?} {message:?}");
    assert!(shown.contains(&letter.id.to_string()) && shown.len() < 200, "{shown}");
    for secret in ["Ada", "ada", "example", "/r/"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// The header fields of a message, unfolded.
fn fields(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8(bytes.to_vec()).expect("it is UTF-8");
    let (head, _) = text.split_once("\r\n\r\n").expect("it has a body");
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields = head.split("\r\n").map(|line| line.split_once(": ").expect("each has a name"));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn field(bytes: &[u8], name: &str) -> Option<String> {
    fields(bytes).into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

#[test]
fn a_message_id_is_the_same_at_each_try() {
    let letter = Letter::sample(MailKind::Offered, Language::De);
    for (base_url, domain) in [
        (BASE_URL, "booking.example.org"),
        ("https://booking.example.org:8443", "booking.example.org"),
        ("http://localhost:8080", "jazz.example"),
        ("http://192.0.2.1", "jazz.example"),
        ("https://[2001:db8::1]/x", "jazz.example"),
    ] {
        let composer = composer_with(None, base_url);
        for _ in 0..2 {
            let message = composer.compose(&letter).expect("it is made");
            let id = field(message.bytes(), "Message-ID");
            assert_eq!(id, Some(format!("<{}@{domain}>", letter.id)));
            assert_eq!(message.id(), letter.id);
        }
    }
}

#[test]
fn an_international_domain_is_written_in_ascii() {
    let mut letter = Letter::sample(MailKind::Offered, Language::De);
    letter.name = None;
    for (address, written) in [
        ("Ada@Bücher.Example", "ada@xn--bcher-kva.example"),
        ("\"a,b\"@x.example", "\"a,b\"@x.example"),
        ("rené@x.example", "rené@x.example"),
    ] {
        letter.to = EmailAddress::parse(address).expect("an address");
        let message = composer().compose(&letter).expect("it is made");
        assert_eq!(field(message.bytes(), "To").as_deref(), Some(written));
    }
}

#[test]
fn a_parser_reads_back_what_was_written() {
    let folder = tempfile::tempdir().expect("there is room");
    let written = preview(folder.path()).expect("they are written");
    assert_eq!(written.len(), 3 * 2 * MailKind::ALL.len());
    let both = json!(["multipart/alternative", ["text/plain", "text/html"]]);
    let related = json!(["multipart/related", ["text/html", "image/png"]]);
    let with_picture = json!(["multipart/alternative", ["text/plain", related]]);
    for letter in every_sample() {
        let name = format!("{}/{}.eml", letter.language.as_str(), letter.kind.as_str());
        let mail = read(&folder.path().join(name));
        let expected = rendered(&letter);
        assert_eq!(mail["subject"], expected.subject, "{mail}");
        assert_eq!(mail["to"], json!([["Ada Lovelace", "ada@example.org"]]));
        assert_eq!(mail["from"], json!([["Summer Jazz", "tickets@example.org"]]));
        assert_eq!(mail["date"], "2026-04-20T09:30:00+00:00");
        assert_eq!(mail["auto_submitted"], "auto-generated");
        let part = |part: &str| mail[part].as_str().expect("it is there").replace("\r\n", "\n");
        assert_eq!(part("text/plain").trim_end(), expected.text.trim_end(), "{letter:?}");
        let html = part("text/html");
        let inner = if letter.ticket.is_some() { &with_picture } else { &both };
        match &expected.calendar {
            None => assert_eq!(&mail["tree"], inner, "{letter:?}"),
            Some((method, _)) => {
                let tree = json!(["multipart/mixed", [inner, "text/calendar"]]);
                assert_eq!(mail["tree"], tree, "{letter:?}");
                let part = mail["method"].as_str().expect("it is there");
                assert!(part.eq_ignore_ascii_case(method.as_str()), "{letter:?}: {part}");
                assert_eq!(mail["charset"], "utf-8");
                let calendar = mail["text/calendar"].as_str().expect("it is there");
                assert!(calendar.starts_with("BEGIN:VCALENDAR\r\n"), "{calendar}");
                assert!(calendar.ends_with("END:VCALENDAR\r\n"), "{calendar}");
            }
        }
        if letter.ticket.is_some() {
            let side = mail["png"][0].as_u64().expect("it is a PNG");
            assert!((300..400).contains(&side) && mail["png"][1] == side, "{mail}");
            let cid = mail["cid"].as_str().expect("it has a name");
            assert!(
                html.contains(&format!("src=\"cid:{}\"", cid.replace('/', "&#x2f;"))),
                "{html}"
            );
            assert_eq!(mail["disposition"], "inline");
        }
    }
    assert_eq!(pages_with_a_picture(folder.path()), 10, "a browser shows it, too");
}

fn pages_with_a_picture(folder: &Path) -> usize {
    let pages = every_sample().filter(|letter| letter.ticket.is_some()).map(|letter| {
        let name = format!("{}/{}.html", letter.language.as_str(), letter.kind.as_str());
        std::fs::read_to_string(folder.join(name)).expect("it is written")
    });
    pages.filter(|page| page.contains("src=\"data:image/png;base64,iVBOR")).count()
}

#[test]
fn names_that_look_like_syntax_are_read_as_names() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("one.eml");
    for name in [
        "Ada, Grace <eve@example.org>",
        "\"Ada\" \\ (a comment); group: x,;",
        "=?utf-8?Q?Free_money?=",
        "Bcc: eve@example.org",
        "Zoë 東京 🎟",
        &"Wörter und ".repeat(18),
        &"x".repeat(200),
        &"東".repeat(200),
        "חוה כהן",
    ] {
        let mut letter = Letter::sample(MailKind::Confirmed, Language::De);
        letter.name = Some(PersonName::parse(name).expect("a name"));
        let event = letter.event.as_mut().expect("it has one");
        event.details.name = EventName::parse(name).expect("a name");
        let message = composer_with(Some("Büro <b@jazz.example>"), BASE_URL).compose(&letter);
        std::fs::write(&path, message.expect("it is made").bytes()).expect("it is written");
        let mail = read(&path);
        let name = name.trim();
        assert_eq!(mail["to"], json!([[name, "ada@example.org"]]));
        assert_eq!(mail["from"], json!([["Jazz, \"the\" club", "tickets@jazz.example"]]));
        assert_eq!(mail["reply_to"], "Büro <b@jazz.example>");
        assert_eq!(mail["subject"], format!("Ihr Platz: {name}"));
        assert_eq!(mail["names"].as_array().map(Vec::len), Some(9), "{mail}");
        assert!(mail["text/plain"].as_str().is_some_and(|text| text.contains(name)), "{mail}");
    }
}

#[test]
fn html_in_a_name_is_escaped() {
    let hostile = "<script>alert(1)</script>\"><img src=x onerror=y> {{ 7 * 7 }} {% if x %}";
    let mut letter = Letter::sample(MailKind::Confirmed, Language::En);
    letter.name = Some(PersonName::parse(hostile).expect("a name"));
    letter.organizer = Some(OrganizerName::parse(hostile).expect("a name"));
    letter.link = Some("https://a.example/\"><script>".to_owned());
    let event = letter.event.as_mut().expect("it has one");
    event.details.name = EventName::parse(hostile).expect("a name");
    event.details.venue = Some(Venue::parse(hostile).expect("a venue"));
    event.details.contact = Contact::parse("https://a.example/\"><script>").ok();
    assert!(event.details.contact.is_some());
    let Rendered { text, html, .. } = rendered(&letter);
    assert!(!html.contains("<script") && !html.contains("<img src=x"), "{html}");
    assert_eq!(html.matches("{{ 7 * 7 }}").count(), 6, "{html}");
    assert!(text.contains(hostile), "{text}");
}

/// Texts that have a meaning in headers, bodies, calendars or templates, and others.
fn hostile() -> impl Strategy<Value = String> {
    let parts = vec![
        "\r\n",
        "\n",
        "\r",
        "\r\n.\r\n",
        "\r\nBcc: eve@example.org",
        "=?utf-8?B?eA==?=",
        "--",
        "\"",
        "\\",
        ",",
        ";",
        ":",
        "<",
        ">",
        "@",
        "(",
        " ",
        "\t",
        "=",
        "=\n",
        ".",
        "From ",
        "{{",
        "{%",
        "%}",
        "&",
        "'",
        "é",
        "東",
        "🎟",
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{200b}",
        "\u{feff}",
        "\0",
        "x",
        "END:VEVENT",
        "ein Wort",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    prop::collection::vec(prop::sample::select(parts), 0..60).prop_map(|parts| parts.concat())
}

/// As much of a text as a line of the domain may have.
fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_text_adds_a_header_field_or_too_long_a_line(
        name in hostile(),
        event_name in hostile(),
        description in hostile(),
        link in hostile(),
        more in 1..40_usize,
        kind in prop::sample::select(MailKind::ALL.to_vec()),
    ) {
        let mut letter = Letter::sample(kind, Language::De);
        letter.name = PersonName::parse_stored(&line(&name)).ok();
        letter.organizer = OrganizerName::parse_stored(&line(&name)).ok();
        letter.link = Some(format!("https://a.example/{link}"));
        letter.event_link = Some(format!("https://b.example/{}", link.repeat(more)));
        for seat in &mut letter.found {
            seat.event_name = event_name.repeat(more);
            seat.link = link.clone();
        }
        if let Some(event) = &mut letter.event {
            if let Ok(name) = EventName::parse_stored(&line(&event_name)) {
                event.details.name = name;
            }
            event.details.venue = Venue::parse_stored(&line(&name)).ok();
            let text: String = description.repeat(more).chars().take(10_000).collect();
            event.details.description = Description::parse(&text).unwrap_or_default();
        }
        let message = composer().compose(&letter).expect("it is made");
        let bytes = message.bytes();
        prop_assert!(bytes.is_ascii());
        let text = String::from_utf8_lossy(bytes);
        for line in text.split("\r\n") {
            prop_assert!(line.len() <= 998 && !line.contains(['\r', '\n']), "{line}");
        }
        let names: Vec<_> = fields(bytes).into_iter().map(|(name, _)| name).collect();
        prop_assert_eq!(names, [
            "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
        ]);
        let to = field(bytes, "To").unwrap_or_default();
        prop_assert!(to == "ada@example.org" || to.ends_with(" <ada@example.org>"), "{to}");
    }
}

/// Without it the check above might find nothing.
#[test]
fn the_check_notices_an_injected_field() {
    let forged = b"To: a@x.example\r\nSubject: x\r\nBcc: eve@example.org\r\n\r\nbody";
    let names: Vec<_> = fields(forged).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["To", "Subject", "Bcc"]);
    let read: Value = json!(field(forged, "Bcc"));
    assert_eq!(read, "eve@example.org");
}
