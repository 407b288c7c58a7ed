//! Rows of moved events, to JSON and back. The statements are made of the tables' descriptions, which all stores share.

use crate::errors::Failure;
use crate::rows::broken;
use booking_core::{MovedKind, MovedTable};
use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{CachedStatement, Connection, Params, Row};
use serde_json::{Map, Value};
use std::fmt::Write;
use uuid::Uuid;

/// Digits of bytes.
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A row as JSON, of which the columns of `table` come first.
fn object(table: &'static MovedTable, row: &Row<'_>) -> Result<Value, Failure> {
    let mut object = Map::new();
    for (at, (name, kind)) in table.columns.iter().enumerate() {
        object.insert((*name).to_owned(), said(*kind, row.get_ref(at)?).map_err(broken(name))?);
    }
    Ok(Value::Object(object))
}

/// A stored value as JSON.
fn said(kind: MovedKind, stored: ValueRef<'_>) -> Result<Value, String> {
    let wrong = || format!("{:?} is not {kind:?}", stored.data_type());
    Ok(match (kind, stored) {
        (_, ValueRef::Null) => Value::Null,
        (MovedKind::Uuid, ValueRef::Blob(bytes)) => {
            Uuid::from_slice(bytes).map_err(|_| wrong())?.to_string().into()
        }
        (MovedKind::Uuids, ValueRef::Blob(bytes)) => {
            let ids = bytes
                .chunks(16)
                .map(|id| Ok(Uuid::from_slice(id).map_err(|_| wrong())?.to_string()));
            ids.collect::<Result<Vec<_>, String>>()?.into()
        }
        (MovedKind::Bytes, ValueRef::Blob(bytes)) => {
            let mut text = String::with_capacity(2 + 2 * bytes.len());
            text.push_str("\\x");
            for byte in bytes {
                text.push(char::from(HEX[usize::from(byte >> 4)]));
                text.push(char::from(HEX[usize::from(byte & 15)]));
            }
            text.into()
        }
        (MovedKind::Time, ValueRef::Integer(micros)) => {
            let time = DateTime::from_timestamp_micros(micros).ok_or_else(wrong)?;
            time.to_rfc3339_opts(SecondsFormat::Micros, true).into()
        }
        (MovedKind::Number, ValueRef::Integer(number)) => number.into(),
        (MovedKind::Truth, ValueRef::Integer(truth)) => (truth != 0).into(),
        (MovedKind::Text, ValueRef::Text(text)) => {
            std::str::from_utf8(text).map_err(|_| wrong())?.into()
        }
        _ => return Err(wrong()),
    })
}

/// A JSON value as it is stored.
fn stored(kind: MovedKind, said: &Value) -> Result<Stored, String> {
    // The value is not part of the error: it may be personal.
    let wrong = || format!("what is said is not {kind:?}");
    let text = || said.as_str().ok_or_else(wrong);
    let id = |text: &str| Uuid::try_parse(text).map_err(|_| wrong());
    if said.is_null() {
        return Ok(Stored::Null);
    }
    Ok(match kind {
        MovedKind::Uuid => Stored::Blob(id(text()?)?.into_bytes().to_vec()),
        MovedKind::Uuids => {
            let mut bytes = Vec::new();
            for one in said.as_array().ok_or_else(wrong)? {
                bytes.extend(id(one.as_str().ok_or_else(wrong)?)?.into_bytes());
            }
            Stored::Blob(bytes)
        }
        MovedKind::Bytes => {
            let digits = text()?.strip_prefix("\\x").ok_or_else(wrong)?;
            let digit = |at: usize| {
                let digit = digits.as_bytes().get(at).map(|digit| char::from(*digit));
                digit.and_then(|digit| digit.to_digit(16)).ok_or_else(wrong)
            };
            let bytes = (0..digits.len()).step_by(2);
            let bytes = bytes.map(|at| Ok((digit(at)? << 4 | digit(at + 1)?) as u8));
            Stored::Blob(bytes.collect::<Result<_, String>>()?)
        }
        MovedKind::Time => {
            let time = DateTime::parse_from_rfc3339(text()?).map_err(|_| wrong())?;
            Stored::Integer(time.with_timezone(&Utc).timestamp_micros())
        }
        MovedKind::Number => Stored::Integer(said.as_i64().ok_or_else(wrong)?),
        MovedKind::Truth => Stored::Integer(said.as_bool().ok_or_else(wrong)?.into()),
        MovedKind::Text => Stored::Text(text()?.to_owned()),
    })
}

/// The values of the columns called `names` of a row in JSON.
pub(crate) fn values(
    table: &'static MovedTable,
    names: impl Iterator<Item = &'static str>,
    row: &Value,
) -> Result<Vec<Stored>, Failure> {
    let value = |name: &'static str| {
        let said = row.get(name).unwrap_or(&Value::Null);
        stored(table.kind(name), said).map_err(broken(name))
    };
    names.map(value).collect()
}

pub(crate) fn parse(row: &str) -> Result<Value, Failure> {
    serde_json::from_str(row).map_err(broken("a row that is moved"))
}

/// The rows that a statement returns.
pub(crate) fn read(
    statement: &mut CachedStatement<'_>,
    table: &'static MovedTable,
    parameters: impl Params,
) -> Result<Vec<Value>, Failure> {
    let rows = statement.query_and_then(parameters, |row| object(table, row))?;
    rows.collect()
}

/// Writes a row. A row with the same key, or that conflicts otherwise, is replaced; or the new one is left out if
/// `adds` only.
pub(crate) fn write(
    connection: &Connection,
    table: &'static MovedTable,
    row: &Value,
    adds: bool,
) -> Result<(), Failure> {
    let mut sql = String::from(if adds { "INSERT INTO " } else { "INSERT OR REPLACE INTO " });
    let (name, names) = (table.name, table.names());
    // Writing to a String does not fail.
    let _ = write!(sql, "{name} ({names}) SELECT ");
    for at in 1..=table.columns.len() {
        let _ = write!(sql, "{}?{at}", if at == 1 { "" } else { ", " });
    }
    if adds {
        let _ = write!(sql, " WHERE NOT EXISTS (SELECT * FROM {name} WHERE ");
        for (at, key) in table.key.iter().enumerate() {
            let place = 1 + table.columns.iter().take_while(|(column, _)| column != key).count();
            let _ = write!(sql, "{}{key} = ?{place}", if at == 0 { "" } else { " AND " });
        }
        sql.push(')');
    }
    let values = values(table, table.columns.iter().map(|(column, _)| *column), row)?;
    connection.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(values))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_survives_a_round_trip() {
        for (kind, value) in [
            (MovedKind::Uuid, json!("019606a8-0000-7000-8000-0000000000ff")),
            (MovedKind::Uuids, json!(["019606a8-0000-7000-8000-0000000000ff"])),
            (MovedKind::Uuids, json!([])),
            (MovedKind::Bytes, json!("\\x00ff7f")),
            (MovedKind::Time, json!("2026-05-01T19:00:00.000001Z")),
            (MovedKind::Number, json!(-7)),
            (MovedKind::Truth, json!(true)),
            (MovedKind::Text, json!("Ä 'x' \"y\"")),
            (MovedKind::Text, Value::Null),
        ] {
            let value_stored = stored(kind, &value).expect("it is one");
            assert_eq!(said(kind, ValueRef::from(&value_stored)).as_ref(), Ok(&value), "{kind:?}");
        }
        // As PostgreSQL writes an instant.
        let theirs = stored(MovedKind::Time, &json!("2026-05-01T21:00:00+02:00"));
        assert_eq!(theirs, stored(MovedKind::Time, &json!("2026-05-01T19:00:00Z")));
        for (kind, wrong) in [
            (MovedKind::Bytes, json!("00")),
            (MovedKind::Bytes, json!("\\x0")),
            (MovedKind::Number, json!("7")),
            (MovedKind::Time, json!(7)),
        ] {
            assert!(stored(kind, &wrong).is_err(), "{kind:?} {wrong}");
        }
    }
}
