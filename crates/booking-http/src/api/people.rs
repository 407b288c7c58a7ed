//! People of an event as a table: as it is taken along, and as it is brought in.

use crate::api::csv::{self, BOM, Reader, Record};
use crate::api::openapi::operation::query;
use crate::api::openapi::schemas::{boolean, words};
use crate::extract::query::{Parameters, QueryNames, truth};
use crate::problem::{ApiError, FieldError};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use booking_core::{
    Answer, AnswerFault, AnswerText, Answers, EmailAddress, KeptQuestion, Person, PersonName,
    QUESTIONS_KEPT_MAX, Question, QuestionKey, QuestionKind, Questions, Registration,
    RegistrationId, Status,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::future::{Ready, ready};
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The most rows that are brought in at once.
pub(crate) const ROWS_MAX: usize = 100_000;

/// The columns of a table that is taken along, in their order. There may be more behind them later.
const COLUMNS: [&str; 7] =
    ["registration_id", USER_EMAIL, NAME, STATUS, "checked_in_at", "created_at", "expires_at"];
const USER_EMAIL: &str = "user_email";
const NAME: &str = "name";
const STATUS: &str = "status";
/// What the column of addresses may be called as well.
const EMAIL: &str = "email";
/// What the column of a question is called, before the question's key. They follow the others.
const ANSWER: &str = "answer:";
// What was taken along can be brought in.
const _: () = assert!(COLUMNS.len() + QUESTIONS_KEPT_MAX <= csv::CELLS_MAX);

/// What may be said about a table that is taken along.
pub(crate) struct Export {
    /// Whether it says that it is UTF-8.
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

    /// What the table begins with.
    pub(crate) fn head(&self, questions: &Questions) -> String {
        let mut head = if self.with_bom { BOM.to_owned() } else { String::new() };
        let of_questions: Vec<String> =
            questions.all().iter().map(|kept| format!("{ANSWER}{}", kept.question.key)).collect();
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
    let answer = |kept: &KeptQuestion| answers.get(kept.question.key).map(answer_text);
    let answers: Vec<String> =
        questions.all().iter().map(|kept| answer(kept).unwrap_or_default()).collect();
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

/// What may be said about a table that is brought in.
pub(crate) struct Import {
    /// Whether its people are registered; else it is told what would become of them.
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

/// A row that is brought in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line that it begins in.
    pub(crate) line: usize,
    /// Who it is, or why nobody is registered for it.
    pub(crate) person: Result<Person, (Verdict, String)>,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Registered,
    AlreadyRegistered,
    Duplicate,
    Skipped,
    Invalid,
    Refused,
}

impl Verdict {
    const ALL: [Self; 6] = [
        Self::Registered,
        Self::AlreadyRegistered,
        Self::Duplicate,
        Self::Skipped,
        Self::Invalid,
        Self::Refused,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::AlreadyRegistered => "already_registered",
            Self::Duplicate => "duplicate",
            Self::Skipped => "skipped",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
        }
    }
}

/// Reads a table for an event that asks these. Its first row says what is in which column; a table that was taken along
/// can be brought in.
///
/// # Errors
/// [`ApiError::Validation`], for what is wrong with the table as a whole.
pub(crate) fn read(text: &str, questions: &Questions) -> Result<Vec<Row>, ApiError> {
    let mut records = Reader::new(text);
    let columns = Columns::of(records.next(), questions)?;
    let (mut rows, mut first_lines) = (Vec::new(), HashMap::new());
    for record in records {
        if rows.len() == ROWS_MAX {
            return Err(invalid("", format!("has more than {ROWS_MAX} rows")));
        }
        let line = record.line;
        let person =
            columns.person(record).and_then(|person| match first_lines.get(&person.user_email) {
                Some(first) => Err((Verdict::Duplicate, format!("is in line {first} already"))),
                None => {
                    first_lines.insert(person.user_email.clone(), line);
                    Ok(person)
                }
            });
        rows.push(Row { line, person });
    }
    Ok(rows)
}

fn invalid(column: &str, detail: impl Into<String>) -> ApiError {
    // As in a JSON pointer (RFC 6901, section 3).
    let column = column.replace('~', "~0").replace('/', "~1");
    let pointer = if column.is_empty() { String::new() } else { format!("/{column}") };
    ApiError::Validation(vec![FieldError { pointer, detail: detail.into() }])
}

/// What is in which column.
struct Columns<'a> {
    count: usize,
    user_email: usize,
    name: Option<usize>,
    status: Option<usize>,
    answers: Vec<(usize, &'a Question)>,
    questions: &'a Questions,
}

impl<'a> Columns<'a> {
    fn of(head: Option<Record<'_>>, questions: &'a Questions) -> Result<Self, ApiError> {
        let head =
            head.ok_or_else(|| invalid("", "has no row that says what is in its columns"))?;
        let cells = head.cells.map_err(|fault| invalid("", fault))?;
        let names: Vec<String> = cells.iter().map(|cell| cell.trim().to_lowercase()).collect();
        let (mut user_email, mut name, mut status) = (None, None, None);
        let mut answers: Vec<(usize, &Question)> = Vec::new();
        for (at, column) in names.iter().enumerate() {
            if let Some(kept) = column.strip_prefix(ANSWER).and_then(|key| find(questions, key)) {
                if answers.iter().any(|(_, known)| known.key == kept.question.key) {
                    return Err(invalid(column, "is there more than once"));
                }
                // What is asked no more stays with those who have answered it.
                if !kept.is_retired {
                    answers.push((at, &kept.question));
                }
                continue;
            }
            let place = match column.as_str() {
                USER_EMAIL | EMAIL => &mut user_email,
                NAME => &mut name,
                STATUS => &mut status,
                known if COLUMNS.contains(&known) => continue,
                // A column that nobody reads would be lost without a word.
                unknown => {
                    let unknown: String = unknown.chars().take(COLUMN_SHOWN_MAX).collect();
                    return Err(invalid(&unknown, "is not a column of such a table"));
                }
            };
            if place.replace(at).is_some() {
                return Err(invalid(column, "is there more than once"));
            }
        }
        let user_email = user_email.ok_or_else(|| invalid(USER_EMAIL, "is missing"))?;
        Ok(Self { count: names.len(), user_email, name, status, answers, questions })
    }

    fn person(&self, record: Record<'_>) -> Result<Person, (Verdict, String)> {
        let invalid = |detail: &dyn ToString| (Verdict::Invalid, detail.to_string());
        let cells = record.cells.map_err(|fault| invalid(&fault))?;
        if cells.len() > self.count {
            return Err(invalid(&"has more cells than there are columns"));
        }
        let cell =
            |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim());
        // Whoever gave up is not brought back with a table that tells of it.
        let status = cell(self.status);
        if !status.is_empty() && Status::from_name(status) != Some(Status::Confirmed) {
            return Err((Verdict::Skipped, "its status is not confirmed".to_owned()));
        }
        let user_email = EmailAddress::parse(cell(Some(self.user_email)));
        let name = Some(cell(self.name)).filter(|name| !name.is_empty()).map(PersonName::parse);
        let (name, answers) = (name.transpose(), self.answers(|at| cell(Some(at))));
        let mut wrong = Vec::new();
        wrong.extend(user_email.as_ref().err().map(|why| format!("user_email {why}")));
        wrong.extend(name.as_ref().err().map(|why| format!("name {why}")));
        wrong.extend(answers.as_ref().err().cloned());
        match (user_email, name, answers) {
            (Ok(user_email), Ok(name), Ok(answers)) => Ok(Person { user_email, name, answers }),
            _ => Err(invalid(&wrong.join("; "))),
        }
    }

    /// What somebody answers, whose cells these are.
    fn answers<'c>(&self, cell: impl Fn(usize) -> &'c str) -> Result<Answers, String> {
        let (mut answers, mut wrong) = (BTreeMap::new(), Vec::new());
        for (at, question) in &self.answers {
            let (key, text) = (question.key, cell(*at));
            if text.is_empty() {
                continue;
            }
            match parse_answer(question.kind, text) {
                Ok(answer) => drop(answers.insert(key, answer)),
                Err(why) => wrong.push(format!("{ANSWER}{key} {why}")),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
        let answers =
            Answers::parse(answers).map_err(|invalid| format!("the answers {invalid}"))?;
        // Whoever brings them in need not know what they would answer to everything.
        match self.questions.check(&answers, &answers, false) {
            Ok(()) => Ok(answers),
            Err((key, why)) => Err(format!("{ANSWER}{key} {why}")),
        }
    }
}

/// The question that has this key.
fn find<'a>(questions: &'a Questions, key: &str) -> Option<&'a KeptQuestion> {
    questions.all().iter().find(|kept| kept.question.key.as_str() == key)
}

/// How much is told of a column that nobody knows.
const COLUMN_SHOWN_MAX: usize = 100;

/// What became of a row, as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportedRow)]
pub(crate) struct RowBody<'a> {
    /// The line that it begins in, from 1 on.
    pub(crate) line: usize,
    #[serde(serialize_with = "as_word")]
    #[schema(schema_with = verdicts)]
    pub(crate) verdict: Verdict,
    /// As it compares; null where there is none.
    #[schema(value_type = Option<String>, required = true)]
    pub(crate) user_email: Option<&'a EmailAddress>,
    /// Of whoever is registered.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub(crate) registration_id: Option<RegistrationId>,
    /// Why it is refused, as a problem would say it.
    #[schema(required = true)]
    pub(crate) code: Option<&'static str>,
    #[schema(required = true)]
    pub(crate) detail: Option<String>,
}

fn as_word<S: serde::Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.as_str())
}

fn verdicts() -> ObjectBuilder {
    words(Verdict::ALL.map(Verdict::as_str))
}

/// How many rows became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportCounts)]
pub(crate) struct ImportCounts {
    registered: u64,
    already_registered: u64,
    duplicate: u64,
    skipped: u64,
    invalid: u64,
    refused: u64,
}

impl ImportCounts {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Registered => &mut self.registered,
            Verdict::AlreadyRegistered => &mut self.already_registered,
            Verdict::Duplicate => &mut self.duplicate,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Invalid => &mut self.invalid,
            Verdict::Refused => &mut self.refused,
        } += 1;
    }
}

/// What became of a table: it is written row by row, and never there as a whole.
pub(crate) struct ImportBody;

impl ImportBody {
    /// What it begins with.
    pub(crate) fn begin(is_dry: bool) -> String {
        format!("{{\"dry_run\":{is_dry},\"rows\":[")
    }

    /// What it ends with.
    pub(crate) fn end(counts: &ImportCounts) -> String {
        // Numbers by names: JSON holds them.
        format!("],\"counts\":{}}}", serde_json::to_string(counts).unwrap_or_default())
    }
}

impl PartialSchema for ImportBody {
    fn schema() -> RefOr<Schema> {
        let is_dry = boolean()
            .description(Some("Whether nobody was registered, and it is told what would be"));
        ObjectBuilder::new()
            .property("dry_run", is_dry)
            .required("dry_run")
            .property("rows", ArrayBuilder::new().items(RowBody::schema()))
            .required("rows")
            .property("counts", ImportCounts::schema())
            .required("counts")
            .into()
    }
}

impl ToSchema for ImportBody {}

#[cfg(test)]
mod tests {
    use super::*;

    /// For an event that asks nothing.
    fn read_table(text: &str) -> Result<Vec<Row>, ApiError> {
        read(text, &Questions::NONE)
    }

    fn verdicts_of(text: &str) -> Vec<(usize, Option<Verdict>)> {
        let rows = read_table(text).unwrap_or_else(|error| panic!("{error}"));
        rows.into_iter()
            .map(|row| (row.line, row.person.err().map(|(verdict, _)| verdict)))
            .collect()
    }

    fn wrong(text: &str) -> String {
        match read_table(text) {
            Err(ApiError::Validation(errors)) => errors[0].pointer.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_row_is_somebody_or_says_why_not() {
        let text = "Email,Name\nada@example.org,Ada\n,Bo\nADA@example.org,\ngrace@example.org,\n\"x\"y\na,b,c\nx@y,\"\u{200b}\"";
        assert_eq!(
            verdicts_of(text),
            [
                (2, None),
                (3, Some(Verdict::Invalid)),
                (4, Some(Verdict::Duplicate)),
                (5, None),
                (6, Some(Verdict::Invalid)),
                (7, Some(Verdict::Invalid)),
                (8, Some(Verdict::Invalid)),
            ]
        );
        let rows = read_table("name;user_email\n'-Ali;+49@example.org\n")
            .unwrap_or_else(|error| panic!("{error}"));
        let ali = rows[0].person.as_ref().expect("it is somebody");
        assert_eq!(ali.name.as_ref().map(PersonName::as_str), Some("-Ali"));
        assert_eq!(ali.user_email.as_str(), "+49@example.org");
    }

    #[test]
    fn a_table_is_known_by_its_columns() {
        for (text, pointer) in [
            ("", ""),
            ("name\nAda", "/user_email"),
            ("user_email,phone\n", "/phone"),
            ("user_email,email\n", "/email"),
            ("ada@example.org\n", "/ada@example.org"),
            ("\"user_email\n", ""),
        ] {
            assert_eq!(wrong(text), pointer, "{text:?}");
        }
        assert!(verdicts_of("user_email\n").is_empty());
    }

    #[test]
    fn what_is_taken_along_can_be_brought_in() {
        let head = Export { with_bom: true }.head(&Questions::NONE);
        let row = |email: &str, status: &str| {
            let mut row = String::new();
            csv::push_row(&mut row, ["id", email, "=Ada", status, "", "2026-05-01T19:00:00Z", ""]);
            row
        };
        let text =
            head + &row("=ada@example.org", "confirmed") + &row("b@example.org", "cancelled");
        assert_eq!(verdicts_of(&text), [(2, None), (3, Some(Verdict::Skipped))]);
        let rows = read_table(&text).unwrap_or_else(|error| panic!("{error}"));
        let ada = rows[0].person.as_ref().expect("it is somebody");
        assert_eq!(ada.user_email.as_str(), "=ada@example.org");
        assert_eq!(ada.name.as_ref().map(PersonName::as_str), Some("=Ada"));
    }

    #[test]
    fn a_table_has_an_end() {
        let mut text = "email\n".to_owned();
        for number in 0..ROWS_MAX {
            text.push_str(&format!("a{number}@b.de\n"));
        }
        assert_eq!(read_table(&text).map(|rows| rows.len()).ok(), Some(ROWS_MAX));
        assert_eq!(wrong(&(text + "last@b.de\n")), "");
    }
}
