//! The bodies of organizers' requests about webhooks.

use crate::api::openapi::schemas::{
    array_or_null, boolean as bool_schema, object, or_null, some_of, text as line, uuid,
};
use crate::extract::body::{BODY_BYTES_MAX, FromBody};
use crate::extract::fields::{Fields, boolean, text, trim, words};
use crate::extract::json::{CHARACTER_BYTES_MAX, Json};
use booking_core::{CapacityMax, EndpointUrl, EventId, Invalid, TypeFilter, WebhookType};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

// The longest URL is of ASCII, and so at most an escape of six bytes each; the rest is short.
const _: () = assert!(CHARACTER_BYTES_MAX / 2 * EndpointUrl::BYTES_MAX < BODY_BYTES_MAX);

/// The body of `POST /webhooks`. Whether its URL may lead to this machine is a setting, which is checked later.
pub(crate) struct CreateWebhook {
    pub(crate) url: EndpointUrl,
    pub(crate) types: TypeFilter,
    pub(crate) event_id: Option<EventId>,
    pub(crate) includes_person: bool,
}

impl FromBody for CreateWebhook {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let url = fields.required("url", text(EndpointUrl::parse_stored));
        let types = fields.optional("types", types).unwrap_or_default();
        let event_id = fields.optional("event_id", text(|id| trim(id).parse()));
        let includes_person = fields.given("include", include).unwrap_or_default();
        Some(Self { url: url?, types, event_id, includes_person })
    }
}

impl PartialSchema for CreateWebhook {
    fn schema() -> RefOr<Schema> {
        let event_id =
            uuid().description(Some("One of your events; all that you manage if left out"));
        webhook_schema().required("url").property("event_id", or_null(event_id)).into()
    }
}

impl ToSchema for CreateWebhook {}

/// The body of `PATCH /webhooks/{id}`. A field that is left out stays as it is; no types at all, as `null`, are
/// all.
pub(crate) struct EditWebhook {
    pub(crate) url: Option<EndpointUrl>,
    pub(crate) types: Option<TypeFilter>,
    pub(crate) includes_person: Option<bool>,
    pub(crate) is_enabled: Option<bool>,
}

impl FromBody for EditWebhook {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        let url = fields.given("url", text(EndpointUrl::parse_stored));
        let types = fields.clearable("types", types).map(Option::unwrap_or_default);
        let includes_person = fields.given("include", include);
        let is_enabled = fields.given("enabled", boolean);
        Some(Self { url, types, includes_person, is_enabled })
    }
}

impl PartialSchema for EditWebhook {
    fn schema() -> RefOr<Schema> {
        let enabled = bool_schema().description(Some("Whether messages are sent to it"));
        webhook_schema().property("enabled", enabled).into()
    }
}

impl ToSchema for EditWebhook {}

/// The fields of a webhook, whether it is created or edited.
fn webhook_schema() -> ObjectBuilder {
    let url = line(1..=EndpointUrl::BYTES_MAX).description(Some(
        "Where messages are sent: an absolute https URL that leads to a public address",
    ));
    let types = some_of(WebhookType::ALL.map(WebhookType::as_str))
        .min_items(Some(1))
        .description(Some("What it is told of; null: everything, also what is yet to come"));
    object()
        .property("url", url)
        .property("types", array_or_null(types))
        .property("include", include_schema())
}

/// What messages may include.
pub(crate) fn include_schema() -> ArrayBuilder {
    some_of(INCLUDE.map(|(word, _)| word))
        .description(Some("`person`: whose a registration is, by address and name"))
}

fn types(value: &Json<'_>) -> Result<TypeFilter, String> {
    let names = WebhookType::ALL.map(|kind| (kind.as_str(), kind));
    let some = words(&names, 1)(value)?;
    TypeFilter::only(some).map_err(|invalid: Invalid| invalid.to_string())
}

/// The values of `include`.
const INCLUDE: [(&str, bool); 1] = [("person", true)];

/// Whether messages include the person of a registration.
fn include(value: &Json<'_>) -> Result<bool, String> {
    words(&INCLUDE, 0)(value).map(|included| !included.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::body::parse;
    use crate::problem::ApiError;

    fn read<T: FromBody>(body: &str) -> Result<T, Vec<String>> {
        parse(body.as_bytes(), CapacityMax::default()).map_err(|error| match error {
            ApiError::Validation(errors) => errors.into_iter().map(|error| error.pointer).collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_webhook_gets_everything_unless_it_is_narrowed() {
        let all: CreateWebhook = read(r#"{"url":"https://example.org/hooks"}"#).expect("valid");
        assert_eq!(
            (&all.types, all.event_id, all.includes_person),
            (&TypeFilter::ALL, None, false)
        );
        let some: CreateWebhook = read(
            r#"{"url":"https://example.org/","types":["registration.held","event.changed"],
                "event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7","include":["person"]}"#,
        )
        .expect("valid");
        let kinds = some.types.types().expect("there are some");
        assert!(kinds.len() == 2 && kinds.contains(&WebhookType::Held));
        assert!(some.event_id.is_some() && some.includes_person);
    }

    #[test]
    fn every_invalid_field_of_a_webhook_is_reported() {
        for (body, pointers) in [
            ("{}", &["/url"][..]),
            (r#"{"url":"http://example.org/"}"#, &["/url"]),
            (
                r#"{"url":7,"types":[],"event_id":"x","include":["name"]}"#,
                &["/url", "/types", "/event_id", "/include"],
            ),
            (r#"{"url":"https://example.org/","types":["registration.erased"]}"#, &["/types"]),
            (
                r#"{"url":"https://example.org/","include":null,"secret":"x"}"#,
                &["/include", "/secret"],
            ),
        ] {
            assert_eq!(read::<CreateWebhook>(body).err().expect(body), pointers, "{body}");
        }
        let wrong = r#"{"url":null,"types":"all","include":true,"enabled":1,"event_id":null}"#;
        let invalid_fields = read::<EditWebhook>(wrong).err().expect("nothing of it is valid");
        assert_eq!(invalid_fields, ["/url", "/types", "/include", "/enabled", "/event_id"]);
    }

    #[test]
    fn an_edit_leaves_omitted_fields_unchanged() {
        let nothing: EditWebhook = read("{}").expect("valid");
        assert!(nothing.url.is_none() && nothing.types.is_none());
        assert_eq!((nothing.includes_person, nothing.is_enabled), (None, None));
        let all: EditWebhook =
            read(r#"{"types":null,"include":[],"enabled":false}"#).expect("valid");
        assert_eq!(all.types, Some(TypeFilter::ALL));
        assert_eq!((all.includes_person, all.is_enabled), (Some(false), Some(false)));
    }
}
