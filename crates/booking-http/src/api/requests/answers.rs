//! The answers of attendees to an event's questions.

use crate::api::openapi::schemas::{answers as answers_schema, object};
use crate::extract::body::FromBody;
use crate::extract::fields::Fields;
use crate::extract::json::Json;
use booking_core::{Answer, AnswerText, Answers, AnswersChange, CapacityMax, Invalid, QuestionKey};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The answers that are given or deleted, if there are any. They are validated where the questions are.
pub(super) fn change(fields: &mut Fields<'_>) -> Option<AnswersChange> {
    let change = fields.map("answers", |key, value| Ok((question_key(key)?, answer(value)?)))?;
    let change = AnswersChange::parse(change);
    change.map_err(|invalid| fields.refuse("answers", invalid)).ok()
}

/// The answers of a new registration.
pub(super) fn given(fields: &mut Fields<'_>) -> Answers {
    change(fields).map(AnswersChange::given).unwrap_or_default()
}

fn question_key(text: &str) -> Result<QuestionKey, String> {
    QuestionKey::parse(text).map_err(|invalid| invalid.to_string())
}

/// An answer; `None` for an empty one, as forms send it.
fn answer(value: &Json<'_>) -> Result<Option<Answer>, String> {
    Ok(match value {
        Json::Null => None,
        Json::Bool(is_so) => Some(Answer::YesNo(*is_so)),
        Json::Integer(version) => {
            let version = u32::try_from(*version).map_err(|_| "must be a version".to_owned())?;
            Some(Answer::Consent(version))
        }
        Json::Text(text) => match AnswerText::parse(text) {
            Ok(text) => Some(Answer::Text(text)),
            Err(Invalid::Empty) => None,
            Err(invalid) => return Err(invalid.to_string()),
        },
        Json::Array(items) => {
            let key = |item: &Json<'_>| match item {
                Json::Text(text) => question_key(text),
                _ => Err("must be an array of keys".to_owned()),
            };
            let keys = items.iter().map(key).collect::<Result<_, _>>()?;
            Some(Answer::Several(keys)).filter(|_| !items.is_empty())
        }
        Json::OtherNumber | Json::Object(_) => {
            return Err("must be a text, an array, true, false or a version".to_owned());
        }
    })
}

/// The optional body of `POST /registrations/{id}/confirm`.
pub(crate) struct Confirm {
    pub(crate) answers: Answers,
}

impl FromBody for Confirm {
    const MAY_BE_LEFT_OUT: bool = true;

    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        Some(Self { answers: given(fields) })
    }
}

impl PartialSchema for Confirm {
    fn schema() -> RefOr<Schema> {
        object().property("answers", answers_schema(true)).into()
    }
}

impl ToSchema for Confirm {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::body::parse;
    use crate::problem::ApiError;

    fn read(answers: &str) -> Result<Answers, Vec<String>> {
        let body = format!(r#"{{"answers":{answers}}}"#);
        let read = parse::<Confirm>(body.as_bytes(), CapacityMax::default());
        read.map(|confirm| confirm.answers).map_err(|error| match error {
            ApiError::Validation(errors) => errors.into_iter().map(|error| error.pointer).collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn answers_are_read_by_their_form_and_empty_ones_are_none() {
        let all =
            r#"{"a":" x\r\ny ","b":["k","j","k"],"c":false,"d":2,"e":null,"f":" \u200b","g":[]}"#;
        let answers = read(all).expect("valid");
        let stored: Vec<_> = answers.iter().map(|(key, _)| key.as_str().to_owned()).collect();
        assert_eq!(stored, ["a", "b", "c", "d"]);
        let json = serde_json::to_string(&answers).expect("JSON");
        assert_eq!(json, r#"{"a":"x\ny","b":["j","k"],"c":false,"d":2}"#);
        assert!(read("null").expect("valid").is_empty());
    }

    #[test]
    fn an_invalid_answer_is_reported_with_its_question() {
        let wrong = r#"{"A":1,"b":1.5,"c":{},"d":[1],"e":-1,"f":"a\u0000b"}"#;
        let pointers =
            ["/answers/A", "/answers/b", "/answers/c", "/answers/d", "/answers/e", "/answers/f"];
        assert_eq!(read(wrong), Err(pointers.map(str::to_owned).to_vec()));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_001));
        assert_eq!(read(&long), Err(vec!["/answers/a".to_owned()]));
        let many: Vec<_> =
            (0..9).map(|number| format!(r#""q{number}":"{}""#, "x".repeat(1_000))).collect();
        assert_eq!(read(&format!("{{{}}}", many.join(","))), Err(vec!["/answers".to_owned()]));
    }
}
