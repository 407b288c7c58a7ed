//! The bodies with an event's questions.

use crate::api::openapi::schemas::{boolean as bool_schema, object, string, text as line, words};
use crate::extract::body::FromBody;
use crate::extract::fields::{Fields, boolean, text, word};
use booking_core::{
    AskedQuestions, CapacityMax, OPTIONS_MAX, OptionLabel, QUESTIONS_MAX, Question, QuestionKey,
    QuestionKind, QuestionOption, Wording,
};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The longest body, in bytes: enough for all questions of a readable length. The longest texts of all of them, in
/// escapes, would take ten times as much.
pub(crate) const QUESTIONS_BYTES_MAX: usize = 128 * 1_024;

/// The body of `POST /events/{id}/questions`.
pub(crate) struct SetQuestions(pub(crate) AskedQuestions);

impl FromBody for SetQuestions {
    const BYTES_MAX: usize = QUESTIONS_BYTES_MAX;

    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let questions = fields.objects("questions", 0..=QUESTIONS_MAX, question)?;
        let asked = AskedQuestions::parse(questions);
        asked.map_err(|invalid| fields.refuse("questions", invalid)).ok().map(Self)
    }
}

fn question(fields: &mut Fields<'_>) -> Option<Question> {
    let kinds = QuestionKind::ALL.map(|kind| (kind.as_str(), kind));
    let key = fields.required("key", text(QuestionKey::parse));
    let kind = fields.required("kind", word(&kinds));
    let wording = fields.required("wording", text(Wording::parse));
    let is_required = fields.optional("required", boolean).unwrap_or_default();
    let options = fields.objects_if_any("options", OPTIONS_MAX, |fields| {
        let key = fields.required("key", text(QuestionKey::parse));
        let label = fields.required("label", text(OptionLabel::parse));
        Some(QuestionOption::new(key?, label?))
    });
    let mut question = Question::new(key?, kind?, wording?);
    (question.is_required, question.options) = (is_required, options?);
    match question.check_options() {
        Ok(()) => Some(question),
        Err(invalid) => {
            fields.refuse("options", invalid);
            None
        }
    }
}

impl PartialSchema for SetQuestions {
    fn schema() -> RefOr<Schema> {
        let key = || string().pattern(Some("^[a-z0-9_-]{1,32}$"));
        let wording = line(1..=Wording::CHARACTERS_MAX)
            .description(Some("What people read; of a consent, what they agree to"));
        let required = bool_schema().description(Some("Whether a visitor has to answer it"));
        let option = object()
            .property("key", key())
            .required("key")
            .property("label", line(1..=OptionLabel::CHARACTERS_MAX))
            .required("label");
        let options = ArrayBuilder::new()
            .items(option)
            .max_items(Some(OPTIONS_MAX))
            .description(Some("Of `choice` and `several`, each with another key"));
        let question: ObjectBuilder = object()
            .property("key", key().description(Some("Its name for programs, which stays the same")))
            .required("key")
            .property("kind", words(QuestionKind::ALL.map(QuestionKind::as_str)))
            .required("kind")
            .property("wording", wording)
            .required("wording")
            .property("required", required)
            .property("options", options);
        let questions = ArrayBuilder::new().items(question).max_items(Some(QUESTIONS_MAX));
        object().property("questions", questions).required("questions").into()
    }
}

impl ToSchema for SetQuestions {}
