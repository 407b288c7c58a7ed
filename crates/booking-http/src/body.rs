//! Request bodies: JSON objects, read strictly and once.

use crate::problem::{ApiError, FieldError};
use crate::service::Service;
use crate::unread::Unread;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use booking_core::CapacityMax;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;

/// The longest body, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1_024;

/// A body that has become a value of the domain.
pub(crate) struct Body<T>(pub(crate) T);

/// What bodies become.
pub(crate) trait FromBody: Sized + 'static {
    /// Takes what it needs out of `fields`, which gather everything that is wrong; `None` if
    /// something is.
    fn from_fields(fields: &mut Fields, capacity_max: CapacityMax) -> Option<Self>;
}

impl<T: FromBody> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let service = request.app_data::<Data<Service>>().expect("every route has the service");
            let read = match is_plain_json(request.headers()) {
                true => read(&mut payload, service.body_within).await,
                false => Err(ApiError::UnsupportedMediaType),
            };
            match read {
                Ok(bytes) => Ok(Self(parse(&bytes, service.capacity_max)?)),
                Err(error) => {
                    request.extensions_mut().insert(Unread(payload));
                    Err(error.into())
                }
            }
        })
    }
}

/// Whether the body is said to be JSON in UTF-8, as it is.
fn is_plain_json(headers: &HeaderMap) -> bool {
    let is_identity = match headers.get(CONTENT_ENCODING) {
        None => true,
        Some(encoding) => encoding.as_bytes().eq_ignore_ascii_case(b"identity"),
    };
    let Some(Ok(content_type)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    is_identity && is_json && is_utf8
}

async fn read(payload: &mut Payload, within: Duration) -> Result<Bytes, ApiError> {
    let reading = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| ApiError::BodyBroken)?;
            if bytes.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(ApiError::TooLarge { max: BODY_BYTES_MAX });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    timeout(within, reading).await.unwrap_or(Err(ApiError::BodyTimeout))
}

fn parse<T: FromBody>(bytes: &[u8], capacity_max: CapacityMax) -> Result<T, ApiError> {
    let document: Document = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::MalformedJson(error.to_string()))?;
    let Document::Object(fields) = document else {
        let detail = "must be an object".into();
        return Err(ApiError::Validation(vec![FieldError { pointer: String::new(), detail }]));
    };
    let mut fields = Fields::new(fields);
    let value = T::from_fields(&mut fields, capacity_max);
    fields.refuse_the_rest();
    match value {
        Some(value) if fields.errors.is_empty() => Ok(value),
        _ => Err(ApiError::Validation(fields.errors)),
    }
}

/// The fields of an object, to be taken one by one.
pub(crate) struct Fields {
    fields: Vec<(String, Value)>,
    errors: Vec<FieldError>,
}

impl Fields {
    fn new(fields: Vec<(String, Value)>) -> Self {
        Self { fields, errors: Vec::new() }
    }

    /// Takes a field that must be there.
    pub(crate) fn required<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<T, E>,
    ) -> Option<T> {
        match self.take(name) {
            Some(value) => self.parsed(name, parse(&value)),
            None => {
                self.refuse(name, "is missing");
                None
            }
        }
    }

    /// Takes a field that may be left out, and is then its type's default.
    pub(crate) fn optional<T: Default, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<T, E>,
    ) -> Option<T> {
        match self.take(name) {
            Some(value) => self.parsed(name, parse(&value)),
            None => Some(T::default()),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
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

    fn refuse(&mut self, name: &str, reason: impl fmt::Display) {
        // RFC 6901, section 3.
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        self.errors.push(FieldError { pointer, detail: reason.to_string() });
    }

    fn refuse_the_rest(&mut self) {
        let mut unknown: Vec<String> = self.fields.drain(..).map(|(name, _)| name).collect();
        unknown.sort_unstable();
        unknown.dedup();
        for name in unknown {
            self.refuse(&name, "is not a field of this request");
        }
    }
}

/// Reads a text field with the parser of its domain type.
pub(crate) fn text<T>(
    parse: impl FnOnce(&str) -> Result<T, booking_core::Invalid>,
) -> impl FnOnce(&Value) -> Result<T, String> {
    move |value| match value {
        Value::String(text) => parse(text).map_err(|invalid| invalid.to_string()),
        _ => Err("must be a string".into()),
    }
}

/// A JSON document, as far as it matters: its fields in their order, with those that are repeated.
enum Document {
    Object(Vec<(String, Value)>),
    Other,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Document::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Document::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Other)
    }
}
