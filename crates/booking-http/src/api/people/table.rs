//! Reading a table that is brought in.

use super::{ANSWER, COLUMNS, EMAIL, NAME, ROWS_MAX, STATUS, USER_EMAIL, Verdict, parse_answer};
use crate::api::csv::{Reader, Record};
use crate::problem::{ApiError, FieldError};
use booking_core::{
    Answers, EmailAddress, EventQuestion, Person, PersonName, Question, Questions, Status,
};
use std::collections::{BTreeMap, HashMap};

/// A row that is brought in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line that it begins in.
    pub(crate) line: usize,
    /// The person, or why the row registers nobody.
    pub(crate) person: Result<Person, (Verdict, String)>,
}

/// Reads a table for an event with these questions. Its first row names the columns; an export can be imported.
///
/// # Errors
/// [`ApiError::Validation`], if the table as a whole is wrong.
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

/// Which column is where.
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
            if let Some(event_question) =
                column.strip_prefix(ANSWER).and_then(|key| find(questions, key))
            {
                if answers.iter().any(|(_, known)| known.key == event_question.question.key) {
                    return Err(invalid(column, "is there more than once"));
                }
                // A retired question stays with those who have answered it.
                if !event_question.is_retired {
                    answers.push((at, &event_question.question));
                }
                continue;
            }
            let place = match column.as_str() {
                USER_EMAIL | EMAIL => &mut user_email,
                NAME => &mut name,
                STATUS => &mut status,
                known if COLUMNS.contains(&known) => continue,
                // A column that is not read would be lost silently.
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
        // A cancelled registration is not brought back by a table that lists it.
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
            (Ok(user_email), Ok(name), Ok(answers)) => {
                Ok(Person { name, answers, ..Person::from(user_email) })
            }
            _ => Err(invalid(&wrong.join("; "))),
        }
    }

    /// The person's answers, from their cells.
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
        // An organizer who imports people need not know their answers to everything.
        match self.questions.check(&answers, &answers, false) {
            Ok(()) => Ok(answers),
            Err((key, why)) => Err(format!("{ANSWER}{key} {why}")),
        }
    }
}

/// The question that has this key.
fn find<'a>(questions: &'a Questions, key: &str) -> Option<&'a EventQuestion> {
    questions.all().iter().find(|event_question| event_question.question.key.as_str() == key)
}

/// How much of an unknown column's name is shown.
const COLUMN_SHOWN_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::csv;
    use crate::api::people::Export;

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
    fn each_row_gives_a_person_or_a_reason() {
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
    fn an_export_can_be_imported() {
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
