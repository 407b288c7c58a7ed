//! An event's questions, as fields of the form on its page, and the answers in them.

use crate::extract::form::Form;
use crate::problem::FieldError;
use crate::words;
use booking_core::{
    Answer, AnswerText, Answers, EventQuestion, Invalid, Language, QuestionKey, QuestionKind,
    QuestionOption, Questions,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

const YES: &str = "yes";
const NO: &str = "no";

/// A question as a field of the form.
#[derive(Serialize)]
pub(crate) struct QuestionField {
    /// The name of the field, in the form and in errors.
    name: String,
    kind: &'static str,
    wording: String,
    /// Of the wording.
    version: u32,
    is_required: bool,
    options: Vec<OptionField>,
    /// The text that was typed.
    text: String,
    /// Whether it was agreed to.
    is_ticked: bool,
    pub(crate) error: Option<String>,
}

/// One of the options of a question.
#[derive(Serialize)]
struct OptionField {
    key: String,
    label: String,
    is_chosen: bool,
}

/// The fields of the questions, empty.
pub(crate) fn empty(language: Language, questions: &Questions) -> Vec<QuestionField> {
    questions
        .asked()
        .map(|event_question| QuestionField::of(language, event_question, &[]))
        .collect()
}

/// The fields of the questions, filled in.
pub(crate) fn filled(language: Language, questions: &Questions, form: &Form) -> Vec<QuestionField> {
    let field = |event_question: &EventQuestion| {
        QuestionField::of(language, event_question, &form.values(&name_of(event_question)))
    };
    questions.asked().map(field).collect()
}

/// The answers in the form. Other fields are ignored.
///
/// # Errors
/// The invalid answers, each by its field.
pub(crate) fn answers_in(questions: &Questions, form: &Form) -> Result<Answers, Vec<FieldError>> {
    let (mut given, mut errors) = (BTreeMap::new(), Vec::new());
    for event_question in questions.asked() {
        let name = name_of(event_question);
        match answer(event_question.question.kind, &form.values(&name)) {
            Ok(Some(answer)) => drop(given.insert(event_question.question.key, answer)),
            Ok(None) => {}
            Err(detail) => errors.push(FieldError { pointer: format!("/{name}"), detail }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let field_error = |invalid: Invalid| FieldError {
        pointer: "/answers".to_owned(),
        detail: invalid.to_string(),
    };
    Answers::parse(given).map_err(|invalid| vec![field_error(invalid)])
}

fn name_of(event_question: &EventQuestion) -> String {
    format!("answers/{}", event_question.question.key.as_str())
}

/// An answer; `None` for an empty one. Whether it fits the event's questions is decided where those are.
fn answer(kind: QuestionKind, values: &[&str]) -> Result<Option<Answer>, String> {
    let first = values.first().copied().unwrap_or_default().trim();
    if kind != QuestionKind::Several && first.is_empty() {
        return Ok(None);
    }
    Ok(match kind {
        QuestionKind::Text | QuestionKind::Choice => match AnswerText::parse(first) {
            Ok(text) => Some(Answer::Text(text)),
            Err(Invalid::Empty) => None,
            Err(invalid) => return Err(invalid.to_string()),
        },
        QuestionKind::Several => {
            let keys = values.iter().map(|value| QuestionKey::parse(value));
            let keys: BTreeSet<_> =
                keys.collect::<Result<_, _>>().map_err(|invalid| invalid.to_string())?;
            Some(Answer::Several(keys)).filter(|_| !values.is_empty())
        }
        QuestionKind::YesNo => match first {
            YES => Some(Answer::YesNo(true)),
            NO => Some(Answer::YesNo(false)),
            _ => return Err("must be true or false".to_owned()),
        },
        QuestionKind::Consent => {
            let version = first.parse::<u32>().map_err(|_| "must be a version".to_owned())?;
            Some(Answer::Consent(version))
        }
    })
}

impl QuestionField {
    fn of(language: Language, event_question: &EventQuestion, values: &[&str]) -> Self {
        let question = &event_question.question;
        let options: Vec<_> = match question.kind {
            QuestionKind::YesNo => [(YES, "answers.yes"), (NO, "answers.no")]
                .map(|(key, label)| {
                    OptionField::of(key, &words::text(language, label, &[]), values)
                })
                .into(),
            _ => question.options.iter().map(|option| OptionField::from(option, values)).collect(),
        };
        Self {
            name: name_of(event_question),
            kind: question.kind.as_str(),
            wording: question.wording.as_str().to_owned(),
            version: event_question.version,
            is_required: question.is_required,
            options,
            text: values.first().copied().unwrap_or_default().to_owned(),
            // An attendee who agreed to another wording has to read this one.
            is_ticked: values.iter().any(|value| *value == event_question.version.to_string()),
            error: None,
        }
    }

    /// Its JSON pointer, by which its errors are reported.
    pub(crate) fn pointer(&self) -> String {
        format!("/{}", self.name)
    }
}

impl OptionField {
    fn from(option: &QuestionOption, values: &[&str]) -> Self {
        Self::of(option.key.as_str(), option.label.as_str(), values)
    }

    fn of(key: &str, label: &str, values: &[&str]) -> Self {
        let is_chosen = values.contains(&key);
        Self { key: key.to_owned(), label: label.to_owned(), is_chosen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: QuestionKind, values: &[&str]) -> Result<Option<String>, String> {
        let answer = answer(kind, values)?;
        Ok(answer.map(|answer| serde_json::to_string(&answer).expect("JSON")))
    }

    #[test]
    fn form_values_are_parsed_as_answers() {
        use QuestionKind::{Choice, Consent, Several, Text, YesNo};
        let taken: [(QuestionKind, &[&str], Option<&str>); 12] = [
            (Text, &[" Peas\r\nand corn "], Some(r#""Peas\nand corn""#)),
            (Text, &["\u{200b}"], None),
            (Text, &[], None),
            (Choice, &["red"], Some(r#""red""#)),
            (Choice, &[""], None),
            (Several, &["b", "a", "b"], Some(r#"["a","b"]"#)),
            (Several, &[], None),
            (YesNo, &["yes"], Some("true")),
            (YesNo, &["no"], Some("false")),
            (YesNo, &[""], None),
            (Consent, &["2"], Some("2")),
            (Consent, &[], None),
        ];
        for (kind, values, expected) in taken {
            let expected = expected.map(str::to_owned);
            assert_eq!(read(kind, values), Ok(expected), "{kind:?} {values:?}");
        }
        let refused: [(QuestionKind, &[&str]); 4] =
            [(Text, &["a\u{0}b"]), (Several, &["A b"]), (YesNo, &["maybe"]), (Consent, &["x"])];
        for (kind, values) in refused {
            assert!(read(kind, values).is_err(), "{kind:?} {values:?}");
        }
    }
}
