//! JSON for requests: everything that strict reading must see is there.

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The most bytes that JSON takes for a character: two escapes, as of a surrogate pair, or of CR and LF, which
/// count as one.
pub(crate) const CHARACTER_BYTES_MAX: usize = r"\ud83c\udf9f".len();

/// A JSON value. Unlike serde_json's own, it has repeated fields as often as they come, and borrows its texts from
/// the body where it can.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is not an integer, or too large for one.
    OtherNumber,
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// The fields in their order.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(i64::try_from(value).map_or(Json::OtherNumber, Json::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            // A name is read as any value is, since serde's own Cow never borrows.
            let Json::Text(name) = name else {
                return Err(A::Error::custom("the name of a field is a text"));
            };
            fields.push((name, value));
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsed_value_has_every_field_and_kind_of_number() {
        let text = r#"{"a":1,"a":[null,true,1.5,-2,18446744073709551615],"\u00e9":"x\ny","b":{}}"#;
        let name = |name: &'static str| Cow::Borrowed(name);
        let array = vec![
            Json::Null,
            Json::Bool(true),
            Json::OtherNumber,
            Json::Integer(-2),
            Json::OtherNumber,
        ];
        let expected = Json::Object(vec![
            (name("a"), Json::Integer(1)),
            (name("a"), Json::Array(array)),
            (name("é"), Json::Text("x\ny".into())),
            (name("b"), Json::Object(vec![])),
        ]);
        assert_eq!(serde_json::from_str::<Json<'_>>(text).expect("JSON"), expected);
    }

    #[test]
    fn texts_are_borrowed_where_they_can_be() {
        let Ok(Json::Object(fields)) = serde_json::from_str(r#"{"name":"plain"}"#) else {
            panic!("not an object");
        };
        let borrowed = (Cow::Borrowed("name"), Json::Text(Cow::Borrowed("plain")));
        assert_eq!(fields, [borrowed]);
        assert!(matches!(fields[0], (Cow::Borrowed(_), Json::Text(Cow::Borrowed(_)))));
    }
}
