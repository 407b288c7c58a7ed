//! The result of an action, on a page of its own: a registration, or why there is none.

use crate::pages::event::{EventWords, Notice};
use crate::pages::frame::Frame;
use crate::problem::{ApiError, describe};
use crate::words;
use booking_core::{Event, Language, Refusal, Registration, Status};
use serde::Serialize;

/// The values of `outcome.html`.
#[derive(Serialize)]
pub(crate) struct OutcomePage<'a> {
    pub(crate) page: Frame<'a>,
    pub(crate) outcome: OutcomeContent,
}

/// The content of an outcome's page.
#[derive(Default, Serialize)]
pub(crate) struct OutcomeContent {
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
    term: String,
    value: String,
}

impl OutcomeContent {
    /// The attendee is registered, or waits. `link` leads to the registration, if it can be shown.
    pub(crate) fn registered(
        language: Language,
        registration: &Registration,
        link: Option<String>,
    ) -> Self {
        let said = |key: &str| words::text(language, key, &[]);
        let (kind, title, text) = match registration.status {
            Status::Waitlisted => ("waitlisted", "status.waitlisted", "welcome.waitlisted"),
            Status::Cancelled | Status::Expired => {
                ("ended", "outcome.ended_title", "outcome.ended")
            }
            Status::Confirmed | Status::Held | Status::Offered => {
                ("registered", "welcome.registered_title", "welcome.registered")
            }
        };
        let mut text = said(text);
        if let Some(position) = registration.position {
            let position = position.to_string();
            let in_line = words::text(language, "outcome.in_line", &[("position", &position)]);
            text = format!("{in_line}. {text}");
        }
        let facts = vec![
            Fact {
                term: said("outcome.registered"),
                value: registration.person.user_email.to_string(),
            },
            Fact { term: said("outcome.number"), value: registration.id.to_string() },
        ];
        Self { kind, is_good: true, title: said(title), text, link, facts, ..Self::default() }
    }

    /// A mail has the result. The page is the same for every outcome.
    pub(crate) fn to_confirm(language: Language, waits: bool) -> Self {
        let text = if waits { "welcome.to_confirm_line" } else { "welcome.to_confirm_seat" };
        let text = words::text(language, text, &[]);
        let title = words::text(language, "find.asked_title", &[]);
        Self { kind: "to_confirm", is_good: true, title, text, ..Self::default() }
    }

    /// Why a page cannot be shown; `not_found` are the keys of the text for a missing one. For other errors the
    /// request's id leads to the log.
    pub(crate) fn problem(
        language: Language,
        error: &ApiError,
        not_found: [&str; 2],
        request_id: &str,
    ) -> Self {
        let (kind, title, detail) = describe(error);
        let (title, text) = match error {
            ApiError::NotFound => not_found.map(|key| words::text(language, key, &[])).into(),
            _ => (
                words::title(kind, title, language).to_owned(),
                sentence(&words::detail(&detail, language)),
            ),
        };
        // A missing page is not logged, and scripts show the same words.
        let reference = (!matches!(error, ApiError::NotFound)).then(|| request_id.to_owned());
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

/// Why there is no seat, above the form that asked for it; `None` for errors of another kind.
pub(crate) fn refused(language: Language, event: &Event, error: &ApiError) -> Option<Notice> {
    let (kind, title, detail) = describe(error);
    let said = |key: &str| words::text(language, key, &[]);
    let nothing = said("register.nothing");
    let (title, text) = match error {
        ApiError::Validation(_)
        | ApiError::Refused { refusal: Refusal::AnswerRefused { .. }, .. } => (
            said("form.check_title"),
            words::text(language, "form.check", &[("nothing", &nothing)]),
        ),
        ApiError::Refused { refusal, .. } => {
            let (title, text) = refusal_words(refusal)?;
            let why = said("refused.closed_now");
            (said(title), words::text(language, text, &[("why", &why)]))
        }
        ApiError::RateLimited(_) => {
            let why = sentence(&words::detail(&detail, language));
            (words::title(kind, title, language).to_owned(), format!("{why} {nothing}"))
        }
        _ => return None,
    };
    let hides =
        event.rules.conceals_registered && matches!(kind, "sold_out" | "all_held" | "closed");
    let text = if hides { format!("{text} {}", said("refused.concealed")) } else { text };
    let is_bad = kind == VALIDATION;
    Some(Notice { kind, title, text, is_bad })
}

/// The code of invalid input.
const VALIDATION: &str = "validation";

/// The keys of its title and of its text.
fn refusal_words(refusal: &Refusal) -> Option<(&'static str, &'static str)> {
    Some(match refusal {
        Refusal::SoldOut => ("seats.sold_out", "refused.sold_out_page"),
        Refusal::AllHeld { .. } => ("refused.all_held_title", "refused.all_held"),
        Refusal::AlreadyRegistered => {
            ("refused.already_registered_title", "refused.already_registered")
        }
        Refusal::Closed => ("refused.closed_title", "refused.closed"),
        Refusal::EventNotFound
        | Refusal::EventMoving
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
    })
}

/// A detail as a sentence, with a capital and a full stop.
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
        for (text, expected) in
            [("must not be empty", "Must not be empty."), (" Done! ", "Done!"), ("ü", "Ü.")]
        {
            assert_eq!(sentence(text), expected);
        }
    }
}
