//! The fields of a JSON object, taken one by one; every error in them is collected.

use crate::extract::json::Json;
use crate::problem::FieldError;
use booking_core::Invalid;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// The most errors that are reported: enough for a body whose every field is invalid. A body of nothing but unknown
/// fields would have an answer many times as long as itself.
pub(crate) const ERRORS_MAX: usize = 250;

/// The fields of an object that have not been taken yet, and the errors of those that were.
///
/// An invalid field is `None`, as if it had been left out; since it is an error too, no handler ever works with it.
pub(crate) struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, Json<'a>)>,
    /// The JSON pointer of the object itself.
    at: String,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Parses a whole document; `read` takes the fields that it needs, and the rest is refused.
    ///
    /// # Errors
    /// All errors, up to [`ERRORS_MAX`].
    pub(crate) fn read<T>(
        document: Json<'a>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, Vec<FieldError>> {
        let Json::Object(fields) = document else {
            let detail = "must be an object".into();
            return Err(vec![FieldError { pointer: String::new(), detail }]);
        };
        let mut fields = Self { fields, at: String::new(), errors: Vec::new() };
        match fields.finish(read) {
            Some(value) if fields.errors.is_empty() => Ok(value),
            _ => {
                fields.errors.truncate(ERRORS_MAX);
                Err(fields.errors)
            }
        }
    }

    fn finish<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let value = read(self);
        self.refuse_the_rest();
        value
    }

    /// Takes a field that must be there.
    pub(crate) fn required<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Json<'a>) -> Result<T, E>,
    ) -> Option<T> {
        match self.take(name) {
            Some(value) => self.parsed(name, parse(&value)),
            None => {
                self.refuse(name, "is missing");
                None
            }
        }
    }

    /// Takes an optional field that must have a value if it is there.
    pub(crate) fn given<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Json<'a>) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.parsed(name, parse(&value))
    }

    /// Takes an optional field, for which `null` is the same.
    pub(crate) fn optional<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Json<'a>) -> Result<T, E>,
    ) -> Option<T> {
        self.clearable(name, parse)?
    }

    /// Takes an optional field, for which `null` has a meaning of its own: `Some(None)`.
    pub(crate) fn clearable<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Json<'a>) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.take(name)? {
            Json::Null => Some(None),
            value => self.parsed(name, parse(&value)).map(Some),
        }
    }

    /// Takes a required array of objects with so many items, each read by `read`.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        count: RangeInclusive<usize>,
        read: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = match self.take(name) {
            Some(Json::Array(items)) if count.contains(&items.len()) => items,
            other => {
                match other {
                    Some(Json::Array(_)) => {
                        let (min, max) = count.into_inner();
                        self.refuse(name, format!("must have {min} to {max} items"));
                    }
                    Some(_) => self.refuse(name, "must be an array"),
                    None => self.refuse(name, "is missing"),
                }
                return None;
            }
        };
        let mut values = Vec::with_capacity(items.len());
        for (position, item) in items.into_iter().enumerate() {
            let at = format!("{}/{position}", self.pointer(name));
            let Json::Object(fields) = item else {
                self.errors.push(FieldError { pointer: at, detail: "must be an object".into() });
                continue;
            };
            let mut fields = Self { fields, at, errors: Vec::new() };
            values.extend(fields.finish(&read));
            self.errors.append(&mut fields.errors);
        }
        Some(values)
    }

    /// The same, but optional, and empty by default.
    pub(crate) fn objects_if_any<T>(
        &mut self,
        name: &str,
        max: usize,
        read: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        match self.fields.iter().any(|(field, _)| field == name) {
            true => self.objects(name, 0..=max, read),
            false => Some(Vec::new()),
        }
    }

    /// Takes an optional object, for which `null` is the same, and whose field names the client chooses: each is
    /// read by `read`, which gets its name, too.
    pub(crate) fn map<K: Ord, V>(
        &mut self,
        name: &str,
        read: impl Fn(&str, &Json<'a>) -> Result<(K, V), String>,
    ) -> Option<BTreeMap<K, V>> {
        let of = match self.take(name)? {
            Json::Null => return None,
            Json::Object(fields) => fields,
            _ => {
                self.refuse(name, "must be an object");
                return None;
            }
        };
        let at = self.pointer(name);
        let mut inner = Self { fields: Vec::new(), at, errors: Vec::new() };
        let mut map = BTreeMap::new();
        for (key, value) in &of {
            match read(key, value) {
                Ok((known, value)) => {
                    if map.insert(known, value).is_some() {
                        inner.refuse(key, "is there more than once");
                    }
                }
                Err(reason) => inner.refuse(key, reason),
            }
        }
        self.errors.append(&mut inner.errors);
        Some(map)
    }

    /// Adds an error to a field.
    pub(crate) fn refuse(&mut self, name: &str, reason: impl fmt::Display) {
        let pointer = self.pointer(name);
        self.errors.push(FieldError { pointer, detail: reason.to_string() });
    }

    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        #[cfg(test)]
        tests::note(&self.at, name);
        let position = self.fields.iter().position(|(field, _)| field == name)?;
        let (_, value) = self.fields.swap_remove(position);
        if self.fields.iter().any(|(field, _)| field == name) {
            self.fields.retain(|(field, _)| field != name);
            self.refuse(name, "is there more than once");
        }
        Some(value)
    }

    fn parsed<T, E: fmt::Display>(&mut self, name: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|reason| self.refuse(name, reason)).ok()
    }

    /// The JSON pointer (RFC 6901, section 3) of a field.
    fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    fn refuse_the_rest(&mut self) {
        let mut unknown: Vec<_> = self.fields.drain(..).map(|(name, _)| name).collect();
        unknown.sort_unstable();
        unknown.dedup();
        for name in unknown {
            self.refuse(&name, "is not a field of this request");
        }
    }
}

/// A secret or an id without what was copied or scanned along with it: white space, a line's end, a byte order
/// mark. The pages drop the same.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Reads a text with the parser of its domain type.
pub(crate) fn text<T>(
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
) -> impl FnOnce(&Json<'_>) -> Result<T, String> {
    move |value| match value {
        Json::Text(text) => parse(text).map_err(|invalid| invalid.to_string()),
        _ => Err("must be a string".into()),
    }
}

/// Reads a whole number with the parser of its domain type. What is no number, or too large a one, is out of range
/// like any other.
pub(crate) fn number<T>(
    parse: impl FnOnce(i64) -> Result<T, Invalid>,
) -> impl FnOnce(&Json<'_>) -> Result<T, Invalid> {
    move |value| match value {
        Json::Integer(number) => parse(*number),
        _ => parse(i64::MAX),
    }
}

/// Reads `true` or `false`.
pub(crate) fn boolean(value: &Json<'_>) -> Result<bool, &'static str> {
    match value {
        Json::Bool(value) => Ok(*value),
        _ => Err("must be true or false"),
    }
}

/// Reads one of a few words.
pub(crate) fn word<T: Copy>(words: &[(&str, T)]) -> impl FnOnce(&Json<'_>) -> Result<T, String> {
    move |value| {
        let found = match value {
            Json::Text(text) => words.iter().find(|(word, _)| word == text),
            _ => None,
        };
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("must be {}", words.join(" or "))
        })
    }
}

/// Reads an array of words out of a few, with at least so many; duplicates are dropped.
pub(crate) fn words<T: Copy + PartialEq>(
    words: &[(&str, T)],
    min: usize,
) -> impl FnOnce(&Json<'_>) -> Result<Vec<T>, String> {
    move |value| {
        let Json::Array(items) = value else { return Err("must be an array".into()) };
        if items.len() < min {
            return Err(format!("must have at least {min} items"));
        }
        let mut found = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let one = word(words)(item).map_err(|reason| format!("item {position} {reason}"))?;
            if !found.contains(&one) {
                found.push(one);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::RefCell;

    thread_local! {
        /// The pointers of the fields that this thread has taken, while a test records them.
        static TAKEN: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
    }

    pub(super) fn note(at: &str, name: &str) {
        TAKEN.with_borrow_mut(|taken| {
            if let Some(taken) = taken {
                taken.push(format!("{at}/{name}"));
            }
        });
    }

    /// The pointers of all fields that `read` takes.
    pub(crate) fn taken_by(read: impl FnOnce()) -> Vec<String> {
        TAKEN.set(Some(Vec::new()));
        read();
        TAKEN.take().unwrap_or_default()
    }

    fn read<T>(
        json: &str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Result<T, Vec<(String, String)>> {
        let document = serde_json::from_str(json).expect("JSON");
        Fields::read(document, read).map_err(|errors| {
            errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
        })
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        let json = r#"{"null":null,"value":true}"#;
        let all = |fields: &mut Fields<'_>| {
            let absent = fields.clearable("absent", boolean);
            let null = fields.clearable("null", boolean);
            let value = fields.clearable("value", boolean);
            Some([absent, null, value])
        };
        assert_eq!(read(json, all), Ok([None, Some(None), Some(Some(true))]));
        assert_eq!(read(r#"{"a":null}"#, |fields| Some(fields.optional("a", boolean))), Ok(None));
        let error = ("/a".to_owned(), "must be true or false".to_owned());
        let refused = read(r#"{"a":null}"#, |fields| Some(fields.given("a", boolean)));
        assert_eq!(refused, Err(vec![error]));
    }

    #[test]
    fn errors_in_nested_objects_are_reported_with_their_pointer() {
        let json = r#"{"s":[{"a":true},{"a":1,"x":2},{"a":true,"a":false},7]}"#;
        let all = |fields: &mut Fields<'_>| {
            fields.objects("s", 1..=4, |fields| fields.required("a", boolean))
        };
        let errors = read(json, all).expect_err("it is not valid");
        let pointers: Vec<_> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/s/1/a", "/s/1/x", "/s/2/a", "/s/3"]);
        for json in [r#"{"s":[]}"#, r#"{"s":[{},{},{},{},{}]}"#, r#"{"s":{}}"#, "{}"] {
            assert_eq!(read(json, all).expect_err("it is not valid").len(), 1, "{json}");
        }
    }

    #[test]
    fn an_array_of_words_has_each_once() {
        let read_words = |json: &str| {
            read(json, |fields| fields.required("w", words(&[("this", 1), ("that", 2)], 1)))
        };
        assert_eq!(read_words(r#"{"w":["that","this","that"]}"#), Ok(vec![2, 1]));
        for json in [r#"{"w":[]}"#, r#"{"w":"this"}"#, r#"{"w":["this","x"]}"#, r#"{"w":[null]}"#] {
            assert!(read_words(json).is_err_and(|errors| errors.len() == 1), "{json}");
        }
    }

    #[test]
    fn a_map_has_each_field_once_and_reports_every_error() {
        let all = |json: &str| {
            read(json, |fields| {
                Some(fields.map("m", |name, value| match (name, value) {
                    ("bad", _) => Err("is bad".to_owned()),
                    (name, value) => Ok((name.to_owned(), *value == Json::Null)),
                }))
            })
        };
        let map = [("a".to_owned(), false), ("b".to_owned(), true)].into();
        assert_eq!(all(r#"{"m":{"a":1,"b":null}}"#), Ok(Some(map)));
        assert_eq!((all("{}"), all(r#"{"m":null}"#)), (Ok(None), Ok(None)));
        let errors = all(r#"{"m":{"bad":1,"a":1,"a":2,"x/y":1,"x/y":1},"m2":1}"#);
        let errors = errors.expect_err("it is not valid");
        let pointers: Vec<_> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/m/bad", "/m/a", "/m/x~1y", "/m2"]);
        assert!(all(r#"{"m":[]}"#).is_err());
    }

    #[test]
    fn an_invalid_word_is_reported_with_the_valid_ones() {
        let read_word =
            |json| read(json, |fields| fields.required("on", word(&[("this", 1), ("that", 2)])));
        assert_eq!(read_word(r#"{"on":"that"}"#), Ok(2));
        let errors = read_word(r#"{"on":"other"}"#).expect_err("it is not one of them");
        assert_eq!(errors[0].1, "must be \"this\" or \"that\"");
    }
}
