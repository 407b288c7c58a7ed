//! Renders a letter: its subject, its text, the same as HTML, and its attachments.

use super::clean::{link, one_line};
use super::error::ComposeError;
use super::letter::Letter;
use super::templates::environment;
use super::ticket;
use super::times;
use crate::calendar::{self, Method, Sending};
use booking_core::{
    Contact, EmailAddress, Event, EventStatus, MailKind, OrganizerName, PersonName, Status, Venue,
};
use minijinja::value::Serde;
use serde::Serialize;

/// The line of a text template that is its subject.
const SUBJECT: &str = "Subject: ";

/// A rendered letter.
pub struct Rendered {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// The event for a calendar, and its method.
    pub calendar: Option<(Method, String)>,
    /// The ticket as PNG, which the HTML shows as `cid:…`.
    pub ticket: Option<Vec<u8>>,
}

/// All variables of templates.
#[derive(Serialize)]
struct Context<'a> {
    lang: &'static str,
    /// Empty while the subject is not known yet.
    subject: &'a str,
    name: Option<String>,
    event: Option<EventContext>,
    organizer: Option<String>,
    /// Where people ask about the event: one of the two.
    contact_address: Option<String>,
    contact_url: Option<String>,
    link: Option<String>,
    ticket: Option<String>,
    ticket_cid: &'a str,
    ticket_side: usize,
    calendar: bool,
    until: Option<String>,
    position: Option<u32>,
    found: Vec<FoundContext>,
}

#[derive(Serialize)]
struct EventContext {
    name: String,
    when: Option<String>,
    venue: Option<String>,
    link: Option<String>,
}

#[derive(Serialize)]
struct FoundContext {
    name: String,
    status: &'static str,
    link: String,
}

/// Renders a letter. `address` is where people write about the event, `cid` the id of the ticket's picture.
pub(super) fn render(
    letter: &Letter,
    address: &EmailAddress,
    cid: &str,
) -> Result<Rendered, ComposeError> {
    match letter.kind {
        MailKind::Found => {}
        _ if letter.event.is_none() => return Err(ComposeError::Lacks("event")),
        MailKind::ConfirmAddress if letter.link.is_none() => {
            return Err(ComposeError::Lacks("link"));
        }
        _ => {}
    }
    let picture = match &letter.ticket {
        Some(text) => Some(ticket::draw(text).ok_or(ComposeError::Ticket)?),
        None => None,
    };
    let calendar = letter.event.as_ref().and_then(|event| calendar_of(letter, event, address));
    let mut context = context(letter, cid);
    context.calendar = calendar.is_some();
    context.ticket_side = picture.as_ref().map_or(0, |picture| picture.side);
    let text = with_template(letter, "txt", &context)?;
    let (subject, text) = text
        .strip_prefix(SUBJECT)
        .and_then(|rest| rest.split_once('\n'))
        .ok_or(ComposeError::NoSubject)?;
    let subject = one_line(subject);
    context.subject = &subject;
    let html = with_template(letter, "html", &context)?;
    let ticket = picture.map(|picture| picture.png);
    Ok(Rendered { text: tidy(text), html, calendar, ticket, subject: subject.clone() })
}

fn with_template(
    letter: &Letter,
    ending: &str,
    context: &Context<'_>,
) -> Result<String, ComposeError> {
    let name = format!("{}/{}.{ending}", letter.language.as_str(), letter.kind.as_str());
    let template = environment().get_template(&name).map_err(ComposeError::Template)?;
    template.render(Serde(context)).map_err(ComposeError::Template)
}

fn context<'a>(letter: &Letter, cid: &'a str) -> Context<'a> {
    let details = letter.event.as_ref().map(|event| &event.details);
    let registration = letter.registration.as_ref();
    let contact = details.and_then(|details| details.contact.as_ref());
    let zone = details.and_then(|details| details.timezone.as_ref());
    // Only while they are still true, and mean something.
    let until = registration.and_then(|registration| registration.expires_at);
    let until =
        until.filter(|_| matches!(letter.kind, MailKind::Offered | MailKind::ConfirmAddress));
    let position = registration.and_then(|registration| registration.position);
    Context {
        lang: letter.language.as_str(),
        subject: "",
        name: visible_line(letter.name.as_ref().map(PersonName::as_str)),
        event: details.map(|details| EventContext {
            name: one_line(details.name.as_str()),
            when: times::span(letter.language, details),
            venue: visible_line(details.venue.as_ref().map(Venue::as_str)),
            link: letter.event_link.as_deref().map(link),
        }),
        organizer: organizer(letter),
        contact_address: contact.and_then(Contact::as_address).map(one_line),
        contact_url: contact.and_then(Contact::as_url).map(link),
        link: letter.link.as_deref().map(link),
        ticket: letter.ticket.as_deref().map(one_line),
        ticket_cid: cid,
        ticket_side: 0,
        calendar: false,
        until: until.map(|until| times::moment(letter.language, zone, until)),
        position: position.filter(|_| letter.kind == MailKind::Waitlisted),
        found: letter
            .found
            .iter()
            .map(|seat| FoundContext {
                name: one_line(&seat.event_name),
                status: seat.status.as_str(),
                link: link(&seat.link),
            })
            .collect(),
    }
}

/// The organizer: by the event's own name for it, else by the account's.
fn organizer(letter: &Letter) -> Option<String> {
    let own_name = letter.event.as_ref().and_then(|event| event.details.organizer_name.as_ref());
    visible_line(own_name.or(letter.organizer.as_ref()).map(OrganizerName::as_str))
}

/// The text as a line, if any of it is visible.
fn visible_line(text: Option<&str>) -> Option<String> {
    text.map(one_line).filter(|line| !line.is_empty())
}

/// What the recipient's calendar is to do with the event, if anything.
fn calendar_of(letter: &Letter, event: &Event, address: &EmailAddress) -> Option<(Method, String)> {
    let has_a_seat = letter.registration.as_ref().is_none_or(|one| one.status == Status::Confirmed)
        && event.rules.status != EventStatus::Cancelled;
    let method = match letter.kind {
        MailKind::Confirmed
        | MailKind::Transferred
        | MailKind::EventMoved
        | MailKind::Reminder
        | MailKind::Changed => has_a_seat.then_some(Method::Publish)?,
        MailKind::Cancelled | MailKind::HandedOver | MailKind::EventCancelled => Method::Cancel,
        MailKind::Waitlisted
        | MailKind::Offered
        | MailKind::Lapsed
        | MailKind::Found
        | MailKind::ConfirmAddress => return None,
    };
    let organizer = organizer(letter);
    let sending = Sending { method, at: letter.at, organizer: organizer.as_deref(), address };
    let url = letter.event_link.as_deref().map(link);
    Some((method, calendar::of(event, url.as_deref(), Some(sending))?))
}

/// Removes trailing white space and repeated empty lines: conditions in templates leave some behind.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.trim().lines().map(str::trim_end) {
        if !line.is_empty() || !tidy.ends_with("\n\n") {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy
}
