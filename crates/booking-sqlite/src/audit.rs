use crate::errors::Failure;
use crate::{rows, sql};
use booking_core::{AuditReport, Difference};
use rusqlite::{Connection, Row};

/// How many differences are reported of one rule: a broken database must not fill the memory too.
const DIFFERENCES_OF_A_RULE_MAX: i64 = 1_000;

/// What must hold of every event, and the statement that finds those of which it does not.
const RULES: [(&str, &str); 7] = [
    ("booked_count is the number of registrations", sql::AUDIT_BOOKED_COUNT),
    ("no more seats are taken than there are", sql::AUDIT_CAPACITY),
    ("an address has one registration", sql::AUDIT_ADDRESS),
    ("facts follow each other up to the version", sql::AUDIT_VERSION),
    ("the last fact made the version", sql::AUDIT_LAST_FACT),
    ("a registration belongs to an event", sql::AUDIT_REGISTRATION_WITHOUT_EVENT),
    ("a fact belongs to an event", sql::AUDIT_FACT_WITHOUT_EVENT),
];

/// Counts everything, in one transaction and so in one consistent view.
pub(crate) fn audit(connection: &Connection) -> Result<AuditReport, Failure> {
    let view = connection.unchecked_transaction()?;
    let mut report = AuditReport::default();
    (report.events, report.registrations) = view.query_row(sql::AUDIT_COUNT, [], counts)?;
    for (rule, statement) in RULES {
        let mut statement = view.prepare(statement)?;
        let mut found = statement.query([DIFFERENCES_OF_A_RULE_MAX])?;
        while let Some(row) = found.next()? {
            report.differences.push(Difference {
                event_id: rows::event_id(row, 0)?,
                rule,
                stated: rows::integer(row, 1, "stated")?,
                counted: rows::integer(row, 2, "counted")?,
            });
        }
    }
    Ok(report)
}

fn counts(row: &Row<'_>) -> rusqlite::Result<(u64, u64)> {
    let count = |index| row.get(index).map(i64::unsigned_abs);
    Ok((count(0)?, count(1)?))
}
