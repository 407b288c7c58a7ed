//! Helpers that build schemas.

use booking_core::EmailAddress;
use serde_json::Value;
use std::ops::RangeInclusive;
use utoipa::openapi::schema::{AdditionalProperties, OneOfBuilder, SchemaType};
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type,
};

/// An object without other fields than its properties.
pub(crate) fn object() -> ObjectBuilder {
    let others = AdditionalProperties::<Schema>::FreeForm(false);
    ObjectBuilder::new().additional_properties(Some(others))
}

pub(crate) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A text of so many characters.
pub(crate) fn text(characters: RangeInclusive<usize>) -> ObjectBuilder {
    let (min, max) = characters.into_inner();
    string().min_length(Some(min)).max_length(Some(max))
}

/// One of a few words.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    string().enum_values(Some(words))
}

/// An array of some of a few words.
pub(crate) fn some_of<'a>(named: impl IntoIterator<Item = &'a str>) -> ArrayBuilder {
    ArrayBuilder::new().items(words(named))
}

/// The same array, or null.
pub(crate) fn array_or_null(array: ArrayBuilder) -> ArrayBuilder {
    array.schema_type(SchemaType::Array(vec![Type::Array, Type::Null]))
}

pub(crate) fn integer(range: RangeInclusive<u32>) -> ObjectBuilder {
    let (min, max) = range.into_inner();
    let integer = ObjectBuilder::new().schema_type(Type::Integer);
    integer.minimum(Some(min)).maximum(Some(max))
}

pub(crate) fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

pub(crate) fn instant() -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

pub(crate) fn uuid() -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

/// An address as it is typed. Its limit is in bytes, so none has more characters.
pub(crate) fn email() -> ObjectBuilder {
    text(1..=EmailAddress::BYTES_MAX).format(Some(SchemaFormat::Custom("idn-email".into())))
}

/// The same, or null.
pub(crate) fn or_null(schema: ObjectBuilder) -> Object {
    let mut schema = schema.build();
    if let SchemaType::Type(kind) = schema.schema_type.clone() {
        schema.schema_type = SchemaType::Array(vec![kind, Type::Null]);
    }
    if let Some(values) = &mut schema.enum_values {
        values.push(Value::Null);
    }
    schema
}

/// Answers by the keys of their questions, each nullable if one is.
pub(crate) fn answers(null: bool) -> ObjectBuilder {
    let answer = OneOfBuilder::new()
        .description(Some(
            "A text, the key of an option, keys of options, yes or no, or the version of the wording that is agreed to",
        ))
        .item(string())
        .item(ArrayBuilder::new().items(string()))
        .item(ObjectBuilder::new().schema_type(Type::Boolean))
        .item(ObjectBuilder::new().schema_type(Type::Integer));
    let answer = match null {
        true => answer.item(ObjectBuilder::new().schema_type(Type::Null)),
        false => answer,
    };
    ObjectBuilder::new()
        .additional_properties(Some(Schema::OneOf(answer.build())))
        .description(Some("Answers to the event's questions, by their keys"))
}
