//! The format of a line of the log: text, or a JSON object. One record is one line, whatever is in it.

use chrono::{DateTime, SecondsFormat, Utc};
use env_logger::Builder;
use log::Record;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::io::Write as _;
use std::str::FromStr;
use std::time::SystemTime;

/// The target of the line of each request. Its message is `name=value` five times, and no value has a space.
pub(crate) const ACCESS: &str = "access";
/// Which of those are numbers.
const NUMBERS: [&str; 2] = ["status", "micros"];

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `[time LEVEL target] message`.
    Text,
    /// An object with `ts`, `level`, `target` and `message`; for a request its fields, too.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

impl LogFormat {
    /// Has `builder` write lines in this format.
    pub fn apply(self, builder: &mut Builder) {
        builder.format(move |out, record| {
            let now = SystemTime::now();
            let line = match self {
                Self::Text => text(record, now),
                Self::Json => json(record, now),
            };
            writeln!(out, "{line}")
        });
    }
}

fn text(record: &Record<'_>, now: SystemTime) -> String {
    let mut line = format!("[{} {:<5} {}] ", time(now), record.level(), record.target());
    // Writing to a String does not fail.
    let _ = write!(Escaped(&mut line), "{}", record.args());
    line
}

fn json(record: &Record<'_>, now: SystemTime) -> String {
    let message = record.args().to_string();
    let mut fields = Map::new();
    fields.insert("ts".into(), time(now).into());
    fields.insert("level".into(), record.level().as_str().into());
    fields.insert("target".into(), record.target().into());
    if record.target() == ACCESS {
        for (name, value) in message.split(' ').filter_map(|field| field.split_once('=')) {
            let number = NUMBERS.contains(&name).then(|| value.parse::<u64>().ok()).flatten();
            fields.insert(name.into(), number.map_or_else(|| value.into(), Value::from));
        }
    }
    fields.insert("message".into(), message.into());
    Value::Object(fields).to_string()
}

fn time(now: SystemTime) -> String {
    DateTime::<Utc>::from(now).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Escapes control characters as Rust does, so that no input can begin a line or move a cursor.
struct Escaped<'a>(&'a mut String);

impl std::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for character in text.chars() {
            // U+2028 and U+2029 end lines for some readers.
            match character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
                true => self.0.extend(character.escape_default()),
                false => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;
    use serde_json::json;

    /// Both lines of a record.
    fn lines(target: &str, message: &str) -> (String, Value) {
        let arguments = format_args!("{message}");
        let record = Record::builder().level(Level::Info).target(target).args(arguments).build();
        let now = SystemTime::UNIX_EPOCH;
        let json = json(&record, now);
        assert!(!json.contains('\n'), "{json}");
        (text(&record, now), serde_json::from_str(&json).expect("JSON"))
    }

    #[test]
    fn logged_text_cannot_forge_a_line() {
        let forged = "a\r\n[1970-01-01T00:00:00.000Z ERROR x] forged\u{1b}[2J\u{2028}";
        let (text, json) = lines("booking", forged);
        let escaped = r"a\r\n[1970-01-01T00:00:00.000Z ERROR x] forged\u{1b}[2J\u{2028}";
        assert_eq!(text, format!("[1970-01-01T00:00:00.000Z INFO  booking] {escaped}"));
        assert_eq!(json["message"], forged);
    }

    #[test]
    fn the_line_of_a_request_has_fields() {
        let message = "method=GET route=/events/{id} status=200 micros=1234 request_id=42";
        let (text, fields) = lines(ACCESS, message);
        assert!(text.ends_with(&format!("INFO  access] {message}")), "{text}");
        let expected = json!({
            "ts": "1970-01-01T00:00:00.000Z", "level": "INFO", "target": "access",
            "message": message, "method": "GET", "route": "/events/{id}", "status": 200,
            "micros": 1234, "request_id": "42",
        });
        assert_eq!(fields, expected);
    }
}
