//! People of an event as a table: export and import.

mod report;
mod table;

pub(crate) use report::{ImportBody, ImportCounts, RowBody, Verdict};
pub(crate) use table::{Row, read};

use crate::api::csv::{self, BOM};
use crate::api::openapi::operation::query;
use crate::api::openapi::schemas::boolean;
use crate::extract::query::{Parameters, QueryNames, truth};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{
    Answer, AnswerFault, AnswerText, EventQuestion, PersonName, QUESTIONS_KEPT_MAX, QuestionKey,
    QuestionKind, Questions, Registration,
};
use chrono::{DateTime, SecondsFormat, Utc};
use std::future::{Ready, ready};
use utoipa::openapi::path::Parameter;

/// The most rows of one import.
pub(crate) const ROWS_MAX: usize = 100_000;

/// The columns of an export, in their order. Later versions may append more.
const COLUMNS: [&str; 7] =
    ["registration_id", USER_EMAIL, NAME, STATUS, "checked_in_at", "created_at", "expires_at"];
const USER_EMAIL: &str = "user_email";
const NAME: &str = "name";
const STATUS: &str = "status";
/// The other accepted name of the address column.
const EMAIL: &str = "email";
/// The prefix of a question's column, before the question's key. These columns come after the others.
const ANSWER: &str = "answer:";
// Every export can be imported.
const _: () = assert!(COLUMNS.len() + QUESTIONS_KEPT_MAX <= csv::CELLS_MAX);

/// The query of an export.
pub(crate) struct Export {
    /// Whether it starts with a byte order mark.
    pub(crate) with_bom: bool,
}

impl Export {
    pub(crate) const NAMES: QueryNames = QueryNames(&["bom"]);

    pub(crate) fn described() -> Vec<Parameter> {
        vec![query(
            "bom",
            "Whether it begins with a byte order mark, as some spreadsheets want",
            boolean(),
        )]
    }

    /// The header row of the table.
    pub(crate) fn head(&self, questions: &Questions) -> String {
        let mut head = if self.with_bom { BOM.to_owned() } else { String::new() };
        let of_questions: Vec<String> = questions
            .all()
            .iter()
            .map(|event_question| format!("{ANSWER}{}", event_question.question.key))
            .collect();
        csv::push_row(
            &mut head,
            COLUMNS.into_iter().chain(of_questions.iter().map(String::as_str)),
        );
        head
    }
}

impl FromRequest for Export {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = |mut parameters: Parameters| {
            let with_bom = parameters.take("bom", truth).unwrap_or_default();
            parameters.finish(Self { with_bom })
        };
        ready(Parameters::of(request).and_then(read).map_err(Into::into))
    }
}

/// Adds the row of a registration for an event that has asked these.
pub(crate) fn push_registration(
    table: &mut String,
    registration: &Registration,
    questions: &Questions,
) {
    let time = |time: Option<DateTime<Utc>>| {
        time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)).unwrap_or_default()
    };
    let id = registration.id.to_string();
    let checked_in_at = time(registration.check_in.map(|check_in| check_in.at));
    let (created_at, expires_at) =
        (time(Some(registration.created_at)), time(registration.expires_at));
    let cells: [&str; COLUMNS.len()] = [
        &id,
        registration.person.user_email.as_str(),
        registration.person.name.as_ref().map_or("", PersonName::as_str),
        registration.status.as_str(),
        &checked_in_at,
        &created_at,
        &expires_at,
    ];
    let answers = &registration.person.answers;
    let answer =
        |event_question: &EventQuestion| answers.get(event_question.question.key).map(answer_text);
    let answers: Vec<String> = questions
        .all()
        .iter()
        .map(|event_question| answer(event_question).unwrap_or_default())
        .collect();
    csv::push_row(table, cells.into_iter().chain(answers.iter().map(String::as_str)));
}

/// An answer as it stands in a cell.
fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Text(text) => text.as_str().to_owned(),
        Answer::Several(keys) => keys.iter().map(QuestionKey::as_str).collect::<Vec<_>>().join(" "),
        Answer::YesNo(is_so) => is_so.to_string(),
        Answer::Consent(version) => version.to_string(),
    }
}

/// The same read. Whether the question takes it is not asked here.
fn parse_answer(kind: QuestionKind, text: &str) -> Result<Answer, String> {
    let key = |key: &str| QuestionKey::parse(key).map_err(|invalid| invalid.to_string());
    match kind {
        QuestionKind::Text | QuestionKind::Choice => {
            AnswerText::parse(text).map(Answer::Text).map_err(|invalid| invalid.to_string())
        }
        QuestionKind::Several => {
            text.split_whitespace().map(key).collect::<Result<_, _>>().map(Answer::Several)
        }
        QuestionKind::YesNo => {
            text.parse().map(Answer::YesNo).map_err(|_| AnswerFault::NotYesNo.to_string())
        }
        QuestionKind::Consent => {
            text.parse().map(Answer::Consent).map_err(|_| AnswerFault::NotAVersion.to_string())
        }
    }
}

/// The query of an import.
pub(crate) struct Import {
    /// Whether people are registered; else it is a dry run.
    pub(crate) applies: bool,
}

impl Import {
    pub(crate) const NAMES: QueryNames = QueryNames(&["apply"]);

    pub(crate) fn described() -> Vec<Parameter> {
        vec![query(
            "apply",
            "Whether they are registered; if left out it is told what would become of them",
            boolean(),
        )]
    }
}

impl FromRequest for Import {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = |mut parameters: Parameters| {
            let applies = parameters.take("apply", truth).unwrap_or_default();
            parameters.finish(Self { applies })
        };
        ready(Parameters::of(request).and_then(read).map_err(Into::into))
    }
}
