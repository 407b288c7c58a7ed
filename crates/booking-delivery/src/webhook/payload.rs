//! The bodies of messages.

use booking_core::{
    Actor, EmailAddress, EndpointId, EventId, EventStatus, Fact, FactKind, Person, PersonName,
    RegistrationId, Status, Version, WebhookType,
};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// The largest body, in bytes: ids, and a person with the longest name and address.
pub const BODY_BYTES_MAX: usize = 4_096;

/// The type of the message that tests an endpoint.
pub const TEST_TYPE: &str = "webhook.test";

/// A message's id, the same at every try and for every endpoint: a receiver recognizes a duplicate by it.
pub fn message_id(event_id: EventId, version: Version) -> String {
    format!("msg_{}_{version}", event_id.as_uuid().simple())
}

/// A webhook message: a fact, and its additions.
#[derive(Debug, Clone, Copy)]
pub struct WebhookMessage<'a> {
    /// What happened.
    pub fact: &'a Fact,
    /// The event that it happened to.
    pub event_id: EventId,
    /// The version that the fact created.
    pub version: Version,
    /// When it was decided, by the store's clock.
    pub recorded_at: DateTime<Utc>,
    /// The event's status; present where the fact is about the event itself.
    pub event_status: EventStatus,
    /// The registration's holder, where the endpoint has asked for that.
    pub person: Option<&'a Person>,
}

#[derive(Serialize)]
struct Body<'a, D> {
    r#type: &'a str,
    timestamp: DateTime<Utc>,
    data: D,
}

/// In a fixed order: the same fact makes the same bytes.
#[derive(Serialize)]
struct Data<'a> {
    event_id: EventId,
    version: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_id: Option<RegistrationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Who<'a>>,
}

/// The holder, without their answers to questions.
#[derive(Serialize)]
struct Who<'a> {
    user_email: &'a EmailAddress,
    name: Option<&'a PersonName>,
}

impl<'a> From<&'a Person> for Who<'a> {
    fn from(person: &'a Person) -> Self {
        Self { user_email: &person.user_email, name: person.name.as_ref() }
    }
}

impl WebhookMessage<'_> {
    /// Its type; `None` if no message is sent of such a fact.
    pub fn webhook_type(&self) -> Option<WebhookType> {
        WebhookType::of(self.fact.kind)
    }

    /// The body, as JSON without white space; `None` if no message is sent of such a fact.
    ///
    /// # Panics
    ///
    /// Never: all fields are bounded, and [`BODY_BYTES_MAX`] is enough for all together.
    pub fn body(&self) -> Option<Vec<u8>> {
        let is_of_event = self.fact.registration_id.is_none();
        let status = match is_of_event {
            true => Some(event_status_after(self.fact.kind, self.event_status).as_str()),
            false => status_after(self.fact.kind).map(Status::as_str),
        };
        let person = self.person.filter(|person| !is_of_event && !person.is_erased());
        let data = Data {
            event_id: self.event_id,
            version: self.version,
            registration_id: self.fact.registration_id,
            status,
            actor: self.fact.actor,
            person: person.map(Who::from),
        };
        Some(bytes(&Body {
            r#type: self.webhook_type()?.as_str(),
            timestamp: self.recorded_at,
            data,
        }))
    }
}

/// The body of the message that tests an endpoint.
pub fn test_body(endpoint_id: EndpointId, at: DateTime<Utc>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Tried {
        endpoint_id: EndpointId,
    }
    bytes(&Body { r#type: TEST_TYPE, timestamp: at, data: Tried { endpoint_id } })
}

fn bytes(body: &impl Serialize) -> Vec<u8> {
    let bytes = serde_json::to_vec(body).expect("ids and texts are plain data");
    assert!(bytes.len() <= BODY_BYTES_MAX, "a body of {} bytes", bytes.len());
    bytes
}

/// A registration's status after the fact, if the kind of fact alone determines it.
const fn status_after(kind: FactKind) -> Option<Status> {
    match kind {
        FactKind::Registered
        | FactKind::Confirmed
        | FactKind::Transferred
        | FactKind::CheckedIn
        | FactKind::CheckInUndone => Some(Status::Confirmed),
        FactKind::Held => Some(Status::Held),
        FactKind::Waitlisted => Some(Status::Waitlisted),
        FactKind::Offered => Some(Status::Offered),
        FactKind::Expired => Some(Status::Expired),
        FactKind::Cancelled => Some(Status::Cancelled),
        FactKind::Corrected
        | FactKind::LinkRenewed
        | FactKind::Erased
        | FactKind::EventCreated
        | FactKind::EventDrafted
        | FactKind::EventPublished
        | FactKind::EventMoved
        | FactKind::EventEdited
        | FactKind::EventCancelled => None,
    }
}

/// The status at that time where the fact determines it, and the present one otherwise.
const fn event_status_after(kind: FactKind, now: EventStatus) -> EventStatus {
    match kind {
        FactKind::EventCreated | FactKind::EventPublished => EventStatus::Published,
        FactKind::EventCancelled => EventStatus::Cancelled,
        FactKind::EventDrafted => EventStatus::Draft,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{Answer, AnswerText, Answers};
    use serde_json::{Value, json};
    use uuid::Uuid;

    const EVENT: u128 = 0x0190_f1c4_6f2a_7c11_9a53_0242_ac12_a0e7;
    const REGISTRATION: u128 = 0x0190_f1c5_01b3_7d20_8c4f_5e11_2233_44e7;

    fn fact(kind: FactKind, of_event: bool) -> Fact {
        let registration_id = (!of_event).then(|| Uuid::from_u128(REGISTRATION).into());
        Fact { registration_id, ..Fact::of_event(kind) }.by(Actor::Attendee)
    }

    fn message<'a>(fact: &'a Fact, person: Option<&'a Person>) -> WebhookMessage<'a> {
        WebhookMessage {
            fact,
            event_id: Uuid::from_u128(EVENT).into(),
            version: Version::new(42),
            recorded_at: DateTime::from_timestamp_micros(1_777_662_000_123_456).expect("in range"),
            event_status: EventStatus::Published,
            person,
        }
    }

    fn text(message: &WebhookMessage<'_>) -> String {
        String::from_utf8(message.body().expect("it is told")).expect("JSON is UTF-8")
    }

    #[test]
    fn a_message_id_has_the_event_and_the_version() {
        let id = message_id(Uuid::from_u128(EVENT).into(), Version::new(42));
        assert_eq!(id, "msg_0190f1c46f2a7c119a530242ac12a0e7_42");
    }

    #[test]
    fn a_body_has_ids_the_version_and_the_status() {
        let confirmed = fact(FactKind::Registered, false);
        assert_eq!(
            text(&message(&confirmed, None)),
            r#"{"type":"registration.confirmed","timestamp":"2026-05-01T19:00:00.123456Z","data":{"event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7","version":42,"registration_id":"0190f1c5-01b3-7d20-8c4f-5e11223344e7","status":"confirmed","actor":"attendee"}}"#
        );
        let published = fact(FactKind::EventPublished, true).by(Actor::Organizer);
        assert_eq!(
            text(&message(&published, None)),
            r#"{"type":"event.published","timestamp":"2026-05-01T19:00:00.123456Z","data":{"event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7","version":42,"status":"published","actor":"organizer"}}"#
        );
    }

    #[test]
    fn the_status_is_present_where_the_fact_determines_it() {
        for (kind, status) in [
            (FactKind::Transferred, json!("confirmed")),
            (FactKind::CheckedIn, json!("confirmed")),
            (FactKind::Offered, json!("offered")),
            (FactKind::Expired, json!("expired")),
            (FactKind::Corrected, Value::Null),
            (FactKind::Erased, Value::Null),
        ] {
            let fact = fact(kind, false);
            let body: Value = serde_json::from_str(&text(&message(&fact, None))).expect("JSON");
            assert_eq!(body["data"]["status"], status, "{kind:?}");
        }
        // It was published then, whatever happened later.
        for (kind, status) in [
            (FactKind::EventPublished, "published"),
            (FactKind::EventEdited, "cancelled"),
            (FactKind::EventCancelled, "cancelled"),
        ] {
            let fact = fact(kind, true);
            let message =
                WebhookMessage { event_status: EventStatus::Cancelled, ..message(&fact, None) };
            let body: Value = serde_json::from_str(&text(&message)).expect("JSON");
            assert_eq!(body["data"]["status"], status, "{kind:?}");
        }
    }

    #[test]
    fn no_message_is_sent_of_a_draft() {
        let drafted = fact(FactKind::EventDrafted, true);
        assert_eq!(message(&drafted, None).body(), None);
    }

    #[test]
    fn the_holder_is_included_on_request_until_erased() {
        let mut person = Person::from(EmailAddress::parse("ada@example.org").expect("valid"));
        let held = fact(FactKind::Held, false);
        let body_with = |person: &Person| -> Value {
            serde_json::from_str(&text(&message(&held, Some(person)))).expect("JSON")
        };
        let expected = json!({"user_email": "ada@example.org", "name": null});
        assert_eq!(body_with(&person)["data"]["person"], expected);
        person.name = Some(PersonName::parse("Ada").expect("valid"));
        assert_eq!(body_with(&person)["data"]["person"]["name"], "Ada");
        assert!(!text(&message(&held, None)).contains("example.org"));
        let erased = Person::erased(Uuid::from_u128(REGISTRATION).into());
        assert_eq!(body_with(&erased)["data"].get("person"), None);
        let edited = fact(FactKind::EventEdited, true);
        assert!(!text(&message(&edited, Some(&person))).contains("ada"));
    }

    #[test]
    fn the_longest_body_fits() {
        let label = "a".repeat(60);
        let address = EmailAddress::parse(&format!("{label}@{label}.{label}.{label}.example"));
        let answer = Answer::Text(AnswerText::parse(&"a".repeat(1_000)).expect("valid"));
        let answers = (0..8).map(|n| (format!("q{n}").parse().expect("a key"), answer.clone()));
        let person = Person {
            name: Some(PersonName::parse(&"\u{1f680}".repeat(200)).expect("valid")),
            // Answers to questions are in no message.
            answers: Answers::parse(answers.collect()).expect("short enough"),
            ..Person::from(address.expect("valid"))
        };
        let undone = fact(FactKind::CheckInUndone, false);
        let message =
            WebhookMessage { version: Version::new(u64::MAX), ..message(&undone, Some(&person)) };
        assert!(message.body().expect("it is told").len() <= BODY_BYTES_MAX);
        let quoted = Person {
            name: Some(PersonName::parse(&"\\".repeat(200)).expect("valid")),
            ..person.clone()
        };
        let message = WebhookMessage { person: Some(&quoted), ..message };
        assert!(message.body().expect("it is told").len() <= BODY_BYTES_MAX);
    }

    #[test]
    fn a_test_message_has_its_own_body() {
        let at = DateTime::from_timestamp(1_777_662_000, 0).expect("in range");
        let body = test_body(Uuid::from_u128(1).into(), at);
        assert_eq!(
            String::from_utf8(body).expect("JSON is UTF-8"),
            r#"{"type":"webhook.test","timestamp":"2026-05-01T19:00:00Z","data":{"endpoint_id":"00000000-0000-0000-0000-000000000001"}}"#
        );
    }
}
