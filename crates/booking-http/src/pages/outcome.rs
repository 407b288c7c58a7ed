//! What came of something, on a page of its own: a registration, or why there is none.

use crate::pages::event::{EventWords, Notice};
use crate::pages::frame::Frame;
use crate::problem::{ApiError, told};
use booking_core::{Event, Refusal, Registration, Status};
use serde::Serialize;

/// What `outcome.html` puts in.
#[derive(Serialize)]
pub(crate) struct OutcomePage<'a> {
    pub(crate) page: Frame<'a>,
    pub(crate) outcome: Told,
}

/// What people are told.
#[derive(Default, Serialize)]
pub(crate) struct Told {
    kind: &'static str,
    is_good: bool,
    pub(crate) title: String,
    text: String,
    event: Option<EventLine>,
    /// The private link.
    link: Option<String>,
    facts: Vec<Fact>,
    reference: Option<String>,
    /// The path of the event's page.
    back: Option<String>,
}

#[derive(Serialize)]
struct EventLine {
    name: String,
    when: Option<String>,
    venue: Option<String>,
}

#[derive(Serialize)]
struct Fact {
    term: &'static str,
    value: String,
}

impl Told {
    /// That somebody is registered, or waits. `link` leads to the registration, if it can be shown.
    pub(crate) fn registered(registration: &Registration, link: Option<String>) -> Self {
        let (kind, title, text) = match registration.status {
            Status::Waitlisted => (
                "waitlisted",
                "You’re on the waitlist",
                "A seat that comes free goes to the first in line. Your registration shows when that is you.",
            ),
            Status::Cancelled | Status::Expired => (
                "ended",
                "This registration has ended",
                "It was made with this form, and ended since. Load the event’s page anew to register again.",
            ),
            Status::Confirmed | Status::Held | Status::Offered => {
                ("registered", "You’re in.", "This seat is yours.")
            }
        };
        let mut facts = vec![
            Fact { term: "Registered", value: registration.person.user_email.to_string() },
            Fact { term: "Registration number", value: registration.id.to_string() },
        ];
        if let Some(position) = registration.position {
            facts.insert(0, Fact { term: "In line, you are", value: position.to_string() });
        }
        let (title, text) = (title.to_owned(), text.to_owned());
        Self { kind, is_good: true, title, text, link, facts, ..Self::default() }
    }

    /// That a mail decides. It says the same whatever became of it.
    pub(crate) fn to_confirm(waits: bool) -> Self {
        let then = match waits {
            true => {
                "It says how you stand: in line, or, if a seat is free, that it is kept for 30 minutes and \
                 yours once you confirm it there."
            }
            false => "A seat is kept for 30 minutes, and is yours once you confirm it there.",
        };
        let text = format!(
            "We have written to this address, and the link in that mail leads to the registration. {then}"
        );
        let title = "Look into your mail".to_owned();
        Self { kind: "to_confirm", is_good: true, title, text, ..Self::default() }
    }

    /// Why a page cannot be shown. The request's id leads to the log.
    pub(crate) fn problem(error: &ApiError, request_id: &str) -> Self {
        let (kind, title, detail) = told(error);
        let (title, text) = match error {
            ApiError::NotFound => (
                "Event not found",
                "It may have been taken down, or be a draft, which only its organizer sees, or the address has \
                 a slip in it."
                    .to_owned(),
            ),
            _ => (title, sentence(&detail)),
        };
        let (title, reference) = (title.to_owned(), Some(request_id.to_owned()));
        Self { kind, title, text, reference, ..Self::default() }
    }

    /// The same, about an event, whose page is at the path `back`.
    pub(crate) fn about(self, event: &Event, words: &EventWords, back: String) -> Self {
        let name = event.details.name.as_str().to_owned();
        let venue = words.venue().map(str::to_owned);
        let event = EventLine { name, when: words.when.clone(), venue };
        Self { event: Some(event), back: Some(back), ..self }
    }
}

/// Why there is no seat, above the form that asked for it; `None` for what is no refusal of a seat.
pub(crate) fn refused(event: &Event, error: &ApiError) -> Option<Notice> {
    let (kind, _, detail) = told(error);
    let (title, text) = match error {
        ApiError::Validation(_)
        | ApiError::Refused { refusal: Refusal::AnswerRefused { .. }, .. } => (
            "Please check the form",
            "Nothing was booked. What is wrong is said beside each field.".to_owned(),
        ),
        ApiError::Refused { refusal, .. } => refusal_words(refusal)?,
        ApiError::RateLimited(_) => {
            ("Too much at once", format!("{} Nothing was booked.", sentence(&detail)))
        }
        _ => return None,
    };
    let hides =
        event.rules.conceals_registered && matches!(kind, "sold_out" | "all_held" | "closed");
    let text = match hides {
        true => format!(
            "{text} If you are registered already, your private link shows it: this event does not say who is."
        ),
        false => text,
    };
    let is_bad = kind == VALIDATION;
    Some(Notice { kind, title, text, is_bad })
}

/// The code of what is wrong with what was sent.
const VALIDATION: &str = "validation";

fn refusal_words(refusal: &Refusal) -> Option<(&'static str, String)> {
    let (title, text) = match refusal {
        Refusal::SoldOut => (
            "Sold out",
            "Every seat is taken, and nothing was booked. If a seat comes free, this page shows it when it is \
             loaded anew.",
        ),
        Refusal::AllHeld { .. } => (
            "Every seat that is left is being held",
            "Others have a few minutes to confirm theirs. Nothing was booked, but a seat may come free soon.",
        ),
        Refusal::AlreadyRegistered => (
            "Already registered",
            "This address already has a seat at this event, or a hold, or a place in line. The private link that \
             was shown then leads to it. If it is lost, it can be mailed to you (at the foot of this page), where \
             this server sends mail, or the organizer can make a new one.",
        ),
        Refusal::Closed => {
            ("Registration is closed", "Nothing was booked. This event takes no registrations now.")
        }
        Refusal::EventNotFound
        | Refusal::RegistrationNotFound
        | Refusal::HoldExpired
        | Refusal::NotOffered
        | Refusal::NotCancellable
        | Refusal::NotTransferable
        | Refusal::NotCorrectable
        | Refusal::AlreadyCheckedIn { .. }
        | Refusal::TicketVoid { .. }
        | Refusal::CapacityBelowBooked { .. }
        | Refusal::OutOfOrder
        | Refusal::AnswerRefused { .. }
        | Refusal::QuestionAnswered { .. }
        | Refusal::TooManyQuestions
        | Refusal::VersionMismatch { .. }
        | Refusal::KeyReused
        | Refusal::Forbidden => return None,
    };
    Some((title, text.to_owned()))
}

/// A detail as a sentence: it may come without its capital and its full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut characters = text.chars();
    let first: String =
        characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_a_sentence() {
        for (text, told) in
            [("must not be empty", "Must not be empty."), (" Done! ", "Done!"), ("ü", "Ü.")]
        {
            assert_eq!(sentence(text), told);
        }
    }
}
