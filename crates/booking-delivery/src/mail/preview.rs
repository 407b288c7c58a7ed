//! Renders every mail with made-up data, for review.

use super::compose::Composer;
use super::config::{MailConfig, MailUrl, Mailbox};
use super::letter::{FoundSeat, Letter};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use booking_core::{
    Capacity, CapacityMax, Contact, EmailAddress, Event, EventId, EventName, EventStatus, Invalid,
    Language, MailKind, NewEvent, OrganizerName, Person, PersonName, Registration, RegistrationId,
    Status, TimeZone, Venue, Version, parse_instant,
};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The base URL in made-up mails.
const BASE_URL: &str = "https://booking.example.org";

/// Writes every kind of mail in every language into `folder`, as `en/confirmed.eml` and so on, with `.txt` and
/// `.html` beside it, and returns the names of the files. All data in them is made up.
///
/// # Errors
/// Any error in writing a file.
pub fn preview(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let composer = composer();
    let mut written = Vec::new();
    for language in Language::ALL {
        let folder = folder.join(language.as_str());
        fs::create_dir_all(&folder)?;
        for kind in MailKind::ALL {
            let letter = Letter::sample(kind, language);
            let message = composer.compose(&letter).map_err(io::Error::other)?;
            let rendered = composer.render(&letter).map_err(io::Error::other)?;
            let text = format!("{}\n\n{}", rendered.subject, rendered.text);
            let html = with_picture(rendered.html, rendered.ticket.as_deref());
            for (ending, bytes) in
                [("eml", message.bytes()), ("txt", text.as_bytes()), ("html", html.as_bytes())]
            {
                let path = folder.join(format!("{}.{ending}", kind.as_str()));
                fs::write(&path, bytes)?;
                written.push(path);
            }
        }
    }
    Ok(written)
}

fn composer() -> Composer {
    let from = "Summer Jazz <tickets@example.org>".parse::<Mailbox>();
    let url = MailUrl::parse("file:///nowhere");
    let (Ok(from), Ok(url)) = (from, url) else { unreachable!("both are valid") };
    Composer::new(&MailConfig { url, from, reply_to: None, tls_ca: None }, BASE_URL)
}

/// The HTML by itself for a browser, which cannot see the other parts of the mail.
fn with_picture(html: String, png: Option<&[u8]>) -> String {
    let found = png.zip(html.split_once("src=\"cid:"));
    match found.and_then(|(png, (before, rest))| Some((png, before, rest.split_once('"')?.1))) {
        Some((png, before, after)) => {
            format!("{before}src=\"data:image/png;base64,{}\"{after}", STANDARD.encode(png))
        }
        None => html,
    }
}

impl Letter {
    /// A letter with made-up data in which nothing is left out, for review and for tests.
    #[must_use]
    pub fn sample(kind: MailKind, language: Language) -> Self {
        sample(kind, language).expect("made-up data is valid")
    }
}

fn sample(kind: MailKind, language: Language) -> Result<Letter, Invalid> {
    let event = sample_event(kind, language)?;
    let registration = sample_registration(kind, &event)?;
    let to = registration.person.user_email.clone();
    let at = parse_instant("2026-04-20T09:30:00Z")?;
    // The same at each run, so that files can be compared.
    let id = Uuid::from_u128(0x0190_f1c6_0000_7000_8000_0000_0000_0000 | kind as u128);
    let is_done = matches!(
        kind,
        MailKind::Lapsed | MailKind::Cancelled | MailKind::HandedOver | MailKind::EventCancelled
    );
    let has_ticket = matches!(
        kind,
        MailKind::Confirmed
            | MailKind::Transferred
            | MailKind::EventMoved
            | MailKind::Reminder
            | MailKind::Changed
    );
    let link = format!("{BASE_URL}/r/{}#made-up-and-good-for-nothing", registration.id);
    let seat = |event_name: &str, status| FoundSeat {
        event_name: event_name.to_owned(),
        status,
        link: link.clone(),
    };
    let statuses = Status::ALL.into_iter();
    let found = statuses.map(|status| seat(event.details.name.as_str(), status)).collect();
    Ok(Letter {
        name: registration.person.name.clone(),
        event_link: Some(format!("{BASE_URL}/e/{}", event.id)),
        // As long as a real one.
        ticket: has_ticket.then(|| "made-up-".repeat(19)[..146].to_owned()),
        organizer: Some(OrganizerName::parse("Jazz Club Kreuzberg")?),
        found: if kind == MailKind::Found { found } else { Vec::new() },
        link: Some(link).filter(|_| !is_done),
        event: Some(event).filter(|_| kind != MailKind::Found),
        registration: Some(registration),
        ..Letter::new(id, kind, language, to, at)
    })
}

fn sample_event(kind: MailKind, language: Language) -> Result<Event, Invalid> {
    let (name, venue) = match language {
        Language::En => ("Summer jazz & more", "Old Town Hall, 1 Market Square"),
        Language::De => ("Sommerjazz & mehr", "Altes Rathaus, Marktplatz 1"),
    };
    let id = EventId::from(Uuid::from_u128(0x0190_f1c4_6f2a_7c11_9a53_0242_ac12_a0e7));
    let capacity = Capacity::parse(100, CapacityMax::default())?;
    let (starts_at, ends_at) =
        (parse_instant("2026-05-01T17:00:00Z")?, parse_instant("2026-05-01T21:30:00Z")?);
    let (timezone, venue) = (TimeZone::parse("Europe/Berlin")?, Venue::parse(venue)?);
    let contact = Contact::parse("hello@jazz.example")?;
    let new = NewEvent::new(id, EventName::parse(name)?, capacity).with(|new| {
        new.details.starts_at = Some(starts_at);
        new.details.ends_at = Some(ends_at);
        new.details.timezone = Some(timezone);
        new.details.venue = Some(venue);
        new.details.contact = Some(contact);
    })?;
    let mut event = new.created_at(parse_instant("2026-04-01T08:00:00Z")?);
    match kind {
        MailKind::EventMoved => event.sequence = 1,
        MailKind::EventCancelled => {
            event.sequence = 1;
            event.rules.status = EventStatus::Cancelled;
        }
        _ => {}
    }
    Ok(event)
}

fn sample_registration(kind: MailKind, event: &Event) -> Result<Registration, Invalid> {
    let status = match kind {
        MailKind::Waitlisted => Status::Waitlisted,
        MailKind::Offered => Status::Offered,
        MailKind::ConfirmAddress => Status::Held,
        MailKind::Lapsed => Status::Expired,
        MailKind::Cancelled | MailKind::EventCancelled => Status::Cancelled,
        MailKind::Confirmed
        | MailKind::Transferred
        | MailKind::HandedOver
        | MailKind::EventMoved
        | MailKind::Reminder
        | MailKind::Found
        | MailKind::Changed => Status::Confirmed,
    };
    let expires_at = parse_instant("2026-04-21T09:30:00Z")?;
    let fresh = Uuid::from_u128(0x0190_f1c5_01b3_7d20_8c4f_5e11_2233_4455);
    let user_email = EmailAddress::parse("ada@example.org")?;
    Ok(Registration {
        id: RegistrationId::beside(event.id, fresh),
        event_id: event.id,
        person: Person { name: Some(PersonName::parse("Ada Lovelace")?), ..user_email.into() },
        status,
        expires_at: status.runs_out().then_some(expires_at),
        position: (status == Status::Waitlisted).then_some(3),
        check_in: None,
        generation: 0,
        token_hash: None,
        created_version: Version::FIRST.next(),
        event_version: Version::FIRST.next(),
        created_at: event.created_at,
    })
}
