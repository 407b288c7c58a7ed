//! The messages that webhooks receive, for the `webhooks` of the description: for each type its headers and its
//! body. The examples are made by the code that makes the messages.

use crate::api::openapi::document::WEBHOOKS;
use crate::api::openapi::operation::Schemas;
use crate::api::openapi::schemas::{instant, or_null, string, uuid, words};
use booking_core::{
    Actor, EventId, EventStatus, Fact, FactKind, RegistrationId, Status, Version, WebhookType,
};
use booking_delivery::webhook::payload::{TEST_TYPE, WebhookMessage, test_body};
use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    AllOfBuilder, ContentBuilder, HttpMethod, KnownFormat, ObjectBuilder, Paths, Ref, RefOr,
    Required, Response, Schema, SchemaFormat, Type,
};
use uuid::Uuid;

/// The schemas of messages about a registration, about an event, and of test messages.
const OF_REGISTRATION: &str = "RegistrationMessage";
const OF_EVENT: &str = "EventMessage";
const OF_TEST: &str = "TestMessage";

/// A fact that has a message, and who causes it in the example.
type Happening = (FactKind, Actor, &'static str);

/// One for each type.
const HAPPENINGS: [Happening; 13] = [
    (
        FactKind::Registered,
        Actor::Attendee,
        "A seat is given: at once, by a confirmation, or to the head of the queue",
    ),
    (FactKind::Held, Actor::Attendee, "A seat is held for a while"),
    (FactKind::Waitlisted, Actor::Attendee, "Somebody waits for a seat"),
    (FactKind::Offered, Actor::System, "Somebody who waited is offered a seat"),
    (FactKind::Expired, Actor::System, "A hold or an offer ran out"),
    (FactKind::Cancelled, Actor::Attendee, "A seat, a hold or a place in the queue is given up"),
    (FactKind::Transferred, Actor::Attendee, "A seat is somebody else's now"),
    (FactKind::CheckedIn, Actor::Organizer, "Somebody was let in"),
    (FactKind::CheckInUndone, Actor::Organizer, "A check-in was taken back"),
    (
        FactKind::Corrected,
        Actor::Organizer,
        "Name or address was put right, the private link was renewed, or whose it was is erased",
    ),
    (FactKind::EventPublished, Actor::Organizer, "An event is put up for people"),
    (FactKind::EventEdited, Actor::Organizer, "An event was edited"),
    (
        FactKind::EventCancelled,
        Actor::Organizer,
        "An event was cancelled, and all its registrations with it",
    ),
];

/// How receivers are to take messages.
const TAKING: &str = "Sent to the `url` of each webhook that wants this type, as Standard Webhooks 1.0.0 has it. Verify the \
    signature over the body as it came, byte for byte. Messages of one event come in the order of its versions, perhaps \
    more than once.";

/// The webhook messages by type, and the schemas that they use.
pub(super) fn described() -> (Paths, Schemas) {
    let mut paths = Paths::new();
    for (kind, actor, summary) in HAPPENINGS {
        // Some facts are sent to no webhook.
        let Some(name) = WebhookType::of(kind).map(WebhookType::as_str) else { continue };
        let schema = if is_of_event(name) { OF_EVENT } else { OF_REGISTRATION };
        let operation = operation(name, summary, schema, example(kind, actor));
        paths.add_path_operation(name, vec![HttpMethod::Post], operation);
    }
    let summary = "Somebody tries a webhook: nothing has happened";
    let example = json(&test_body(uuid_of(0x7c11), at()));
    let operation = operation(TEST_TYPE, summary, OF_TEST, example);
    paths.add_path_operation(TEST_TYPE, vec![HttpMethod::Post], operation);
    (paths, schemas())
}

/// The message of a type, and what each answer of the receiver leads to.
fn operation(name: &str, summary: &str, schema: &str, example: Value) -> Operation {
    let own_type = ObjectBuilder::new().property("type", words([name])).required("type");
    let message = AllOfBuilder::new().item(Ref::from_schema_name(schema)).item(own_type).build();
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(message)));
    let body = RequestBodyBuilder::new()
        .content("application/json", content.example(Some(example)))
        .required(Some(Required::True));
    OperationBuilder::new()
        .operation_id(Some(format!("on_{}", name.replace('.', "_"))))
        .tag(WEBHOOKS)
        .summary(Some(summary))
        .description(Some(TAKING))
        .parameters(Some(headers()))
        .request_body(Some(body.build()))
        .response("2XX", Response::new("It has arrived. An answer has to come within 15 seconds"))
        .response("410", Response::new("Nothing more is wanted: the webhook is disabled"))
        .response(
            "default",
            Response::new(
                "It is sent again, after 5 s at first and for three days in all, redirects too; a `Retry-After` of a \
                 429 or a 503 is heeded",
            ),
        )
        .build()
}

/// The headers of each message.
fn headers() -> Vec<Parameter> {
    let header = |name: &str, description: &str, schema: ObjectBuilder| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(schema))
            .build()
    };
    let seconds = ObjectBuilder::new().schema_type(Type::Integer);
    vec![
        header("webhook-id", "The same at every try, by which what comes twice is known", string()),
        header("webhook-timestamp", "When this try was made, in seconds since 1970", seconds),
        header(
            "webhook-signature",
            "By spaces: `v1,` and an HMAC-SHA256 for each good secret, `v1a,` and an Ed25519 signature by a key of \
             `GET /webhooks/keys`",
            string(),
        ),
    ]
}

fn is_of_event(name: &str) -> bool {
    name.starts_with("event.")
}

fn schemas() -> Schemas {
    let names = |of_event: bool| {
        let all = WebhookType::ALL.into_iter().map(WebhookType::as_str);
        words(all.filter(move |name| is_of_event(name) == of_event))
    };
    let after = "In which state it is after that; left out where what happened does not say it";
    let of_registration = data()
        .property("registration_id", uuid())
        .required("registration_id")
        .property("status", words(Status::ALL.map(Status::as_str)).description(Some(after)))
        .property("person", person());
    let of_event = data()
        .property(
            "status",
            words(EventStatus::ALL.map(EventStatus::as_str))
                .description(Some("In which state the event is after that")),
        )
        .required("status");
    let of_test = ObjectBuilder::new()
        .property("endpoint_id", uuid().description(Some("The webhook's id")))
        .required("endpoint_id");
    [
        (OF_REGISTRATION, message(names(false), of_registration)),
        (OF_EVENT, message(names(true), of_event)),
        (OF_TEST, message(words([TEST_TYPE]), of_test)),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}

fn message(types: ObjectBuilder, data: ObjectBuilder) -> RefOr<Schema> {
    let timestamp = instant().description(Some("When it happened, by the store's clock"));
    ObjectBuilder::new()
        .property("type", types)
        .required("type")
        .property("timestamp", timestamp)
        .required("timestamp")
        .property("data", data)
        .required("data")
        .into()
}

/// The data of a message about an event or a registration.
fn data() -> ObjectBuilder {
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1_u32))
        .description(Some("The version of the event that it made"));
    let actors = words([Actor::Attendee, Actor::Organizer, Actor::System].map(Actor::as_str));
    ObjectBuilder::new()
        .property("event_id", uuid())
        .required("event_id")
        .property("version", version)
        .required("version")
        .property("actor", actors.description(Some("Who made it happen")))
        .required("actor")
}

/// Whose a registration is.
fn person() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("user_email", string())
        .required("user_email")
        .property("name", or_null(string()))
        .required("name")
        .description(Some(
            "Whose it is now, where the webhook's `include` says `person`; left out once that is erased",
        ))
}

/// The message about such a fact.
fn example(kind: FactKind, actor: Actor) -> Value {
    let is_of_event = WebhookType::of(kind).is_some_and(|kind| is_of_event(kind.as_str()));
    let registration_id = (!is_of_event).then(|| uuid_of::<RegistrationId>(0x7d20));
    let fact = Fact { registration_id, ..Fact::of_event(kind) }.by(actor);
    let message = WebhookMessage {
        fact: &fact,
        event_id: uuid_of::<EventId>(0x7c11),
        version: Version::new(42),
        recorded_at: at(),
        event_status: EventStatus::Published,
        person: None,
    };
    message.body().map_or(Value::Null, |body| json(&body))
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// An id for an example, made unique by `part`.
fn uuid_of<T: From<Uuid>>(part: u16) -> T {
    Uuid::from_fields(0x0196_06a8, 0x6f2a, part, &[0x9a, 0x53, 2, 0x42, 0xac, 0x12, 0xa0, 0xe7])
        .into()
}

/// When it happened, in examples.
fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_777_662_000, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};
    use std::collections::BTreeSet;

    #[test]
    fn each_message_type_matches_its_schema() {
        let (paths, schemas) = described();
        let described: BTreeSet<&str> = paths.paths.keys().map(String::as_str).collect();
        let types = WebhookType::ALL.into_iter().map(WebhookType::as_str);
        assert_eq!(described, types.chain([TEST_TYPE]).collect::<BTreeSet<_>>());
        let schemas: Map<String, Value> = schemas
            .into_iter()
            .map(|(name, schema)| (name, serde_json::to_value(schema).expect("JSON")))
            .collect();
        for (name, item) in &paths.paths {
            let item = serde_json::to_value(item).expect("JSON");
            let content = &item["post"]["requestBody"]["content"]["application/json"];
            let root = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": {"schemas": schemas},
                "allOf": [content["schema"]],
            });
            let options = jsonschema::options().should_validate_formats(true);
            let validator = options.build(&root).expect("it is a schema");
            let example = &content["example"];
            assert!(validator.is_valid(example), "{name}: {example}");
            assert_eq!(example["type"], name.as_str());
            let mut other = example.clone();
            other["type"] = json!("other");
            assert!(!validator.is_valid(&other), "{name}");
        }
    }
}
