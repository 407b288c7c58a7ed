//! What an event asks, as those see it who come, and as its organizer does.

use crate::api::openapi::schemas::words;
use booking_core::{EventQuestion, FormerWording, QuestionKind, QuestionOption};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::ObjectBuilder;

/// A question as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Question)]
pub(crate) struct QuestionBody<'a> {
    /// Its name for programs, which stays the same.
    key: &'a str,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// What people read; of a consent, what they agree to.
    wording: &'a str,
    /// The number of the wording: a consent is answered by it.
    version: u32,
    /// Whether a visitor has to answer it.
    required: bool,
    /// Of `choice` and `several`: what there is to choose from.
    options: Vec<OptionBody<'a>>,
    /// For the organizer alone: whether somebody has answered it, so that it can only be left out and not changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    answered: Option<bool>,
    /// For the organizer alone: whether it is asked no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retired: Option<bool>,
    /// For the organizer alone: what somebody may have agreed to before, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    former_wordings: Option<Vec<FormerWordingBody<'a>>>,
}

/// One of the options of a question.
#[derive(Serialize, ToSchema)]
#[schema(as = QuestionOption)]
struct OptionBody<'a> {
    /// Its name for programs.
    key: &'a str,
    label: &'a str,
}

/// A wording of a consent that another has taken the place of.
#[derive(Serialize, ToSchema)]
#[schema(as = FormerWording)]
struct FormerWordingBody<'a> {
    version: u32,
    wording: &'a str,
    replaced_at: DateTime<Utc>,
}

fn kinds() -> ObjectBuilder {
    words(QuestionKind::ALL.map(QuestionKind::as_str))
}

impl<'a> QuestionBody<'a> {
    /// The same with what its organizer alone sees.
    pub(crate) fn for_organizer(event_question: &'a EventQuestion) -> Self {
        let former = event_question.former_wordings.iter().map(FormerWordingBody::from);
        Self {
            answered: Some(event_question.is_answered),
            retired: Some(event_question.is_retired),
            former_wordings: Some(former.collect()),
            ..Self::from(event_question)
        }
    }
}

impl<'a> From<&'a EventQuestion> for QuestionBody<'a> {
    fn from(event_question: &'a EventQuestion) -> Self {
        let question = &event_question.question;
        Self {
            key: question.key.as_str(),
            kind: question.kind.as_str(),
            wording: question.wording.as_str(),
            version: event_question.version,
            required: question.is_required,
            options: question.options.iter().map(OptionBody::from).collect(),
            answered: None,
            retired: None,
            former_wordings: None,
        }
    }
}

impl<'a> From<&'a QuestionOption> for OptionBody<'a> {
    fn from(option: &'a QuestionOption) -> Self {
        Self { key: option.key.as_str(), label: option.label.as_str() }
    }
}

impl<'a> From<&'a FormerWording> for FormerWordingBody<'a> {
    fn from(former: &'a FormerWording) -> Self {
        let FormerWording { version, wording, replaced_at, .. } = former;
        Self { version: *version, wording: wording.as_str(), replaced_at: *replaced_at }
    }
}
