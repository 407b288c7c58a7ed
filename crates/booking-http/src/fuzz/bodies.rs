//! The bodies of requests.

use super::Target;
use crate::api::requests::{
    CheckIn, CheckInBatch, CreateEvent, CreateWebhook, EditEvent, EditWebhook, Find, Hold,
    Register, Transfer,
};
use crate::extract::body::{FromBody, Nothing, parse};
use crate::extract::json::Json;
use crate::problem::{self, ApiError};
use booking_core::{
    CapacityMax, Contact, Description, EmailAddress, EndpointUrl, EventName, HoldTtl, Language,
    OfferTtl, OnFull, OrganizerName, Person, PersonName, TimeZone, Venue,
};
use serde_json::Value;

const REGISTER: &[&str] = &[
    r#"{"user_email":"ada@example.org"}"#,
    r#"{"user_email":" Ren\u00e9@Example.ORG ","name":" Ren\u00e9 ","on_full":"waitlist"}"#,
    r#"{"name":null,"on_full":null,"user_email":"a.b+c@d.e.org"}"#,
    r#"{"user_email":"ada@example.org","answers":{"diet":" vegan\r\n","days":["b","a","b"],"car":true,"terms":1,"x":null}}"#,
];
const HOLD: &[&str] = &[r#"{"user_email":"ada@example.org","name":"Ada","ttl_seconds":600}"#];
const TRANSFER: &[&str] = &[r#"{"user_email":"ada@example.org","name":"Ada"}"#];
const CREATE: &[&str] = &[
    r#"{"name":"Jazz","capacity":80}"#,
    r#"{"name":" Jazz ","description":"a\n\tb","capacity":1,"starts_at":"2026-05-01T20:00:00+02:00","ends_at":"2026-05-01T19:00:00.123456Z","timezone":"Europe/Berlin","venue":"Hall","status":"draft","opens_at":"2026-01-01T00:00:00Z","closes_at":"2026-02-01T00:00:00Z","waitlist_enabled":true,"offer_ttl_seconds":3600,"language":"de","remind_hours":24,"confirm_address":true,"organizer_name":" Jazz Club ","contact":" Club@B\u00fccher.Example ","unlisted":true}"#,
    r#"{"name":"J","capacity":100000,"description":null,"offer_ttl_seconds":null}"#,
];
const EDIT: &[&str] = &[
    r#"{"capacity":2,"status":"published","venue":null,"starts_at":null}"#,
    r#"{"name":"b","description":"","timezone":"UTC","offer_ttl_seconds":60,"waitlist_enabled":false}"#,
    r#"{"language":"en","remind_hours":null,"confirm_address":false,"organizer_name":null,"contact":"HTTPS://jazz.example/\u00e9?a#b","unlisted":false}"#,
];
const CHECK_IN: &[&str] = &[r#"{"ticket":"AQ"}"#];
const BATCH: &[&str] = &[
    r#"{"scans":[{"id":"00000000-0000-7000-8000-000000000001","ticket":"x","scanned_at":"2026-05-01T20:00:00Z"},{"id":"00000000-0000-7000-8000-000000000002","ticket":"","scanned_at":"2026-05-01T20:00:00.5-01:00"}]}"#,
];
const CREATE_WEBHOOK: &[&str] = &[
    r#"{"url":"https://example.org/hooks"}"#,
    r#"{"url":" HTTPS://b\u00fccher.example:8443/a?b=c ","types":["registration.held","event.changed","registration.held"],"event_id":"0190f1c4-6f2a-7c11-9a53-0242ac12a0e7","include":["person"]}"#,
    r#"{"url":"http://[::1]:8080/","types":null,"event_id":null,"include":[]}"#,
];
const EDIT_WEBHOOK: &[&str] = &[
    r#"{"url":"https://example.org/","types":["event.cancelled"],"include":["person"],"enabled":true}"#,
    r#"{"types":null,"include":[],"enabled":false}"#,
];
const FIND: &[&str] = &[r#"{"user_email":" Ren\u00e9@Example.ORG "}"#];
const NOTHING: &[&str] = &["", "{}", " {} "];
const JSON: &[&str] = &[
    r#"{"a":[1,-2.5e3,"\ud83d\ude00\n",null,true,false,{"":{}}],"a":18446744073709551615}"#,
    "[[[[]]]]",
    "\"text\"",
];

pub(super) const TARGETS: &[Target] = &[
    Target { name: "register", seeds: REGISTER, run: register },
    Target { name: "hold", seeds: HOLD, run: hold },
    Target { name: "transfer", seeds: TRANSFER, run: transfer },
    Target { name: "create_event", seeds: CREATE, run: create_event },
    Target { name: "edit_event", seeds: EDIT, run: edit_event },
    Target { name: "check_in", seeds: CHECK_IN, run: check_in },
    Target { name: "check_in_batch", seeds: BATCH, run: check_in_batch },
    Target { name: "create_webhook", seeds: CREATE_WEBHOOK, run: create_webhook },
    Target { name: "edit_webhook", seeds: EDIT_WEBHOOK, run: edit_webhook },
    Target { name: "find", seeds: FIND, run: find },
    Target { name: "nothing", seeds: NOTHING, run: nothing },
    Target { name: "json", seeds: JSON, run: json },
];

/// The parsed body; `None` for a refused one, which must be refused properly.
fn read<T: FromBody>(bytes: &[u8]) -> Option<T> {
    let error = match parse::<T>(bytes, CapacityMax::default()) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    match &error {
        ApiError::MalformedJson(_) => {
            let is_json = serde_json::from_slice::<Value>(bytes).is_ok();
            assert!(!is_json, "{}", bytes.escape_ascii());
        }
        ApiError::Validation(errors) => {
            assert!(!errors.is_empty());
            // A JSON pointer (RFC 6901): every "~" is one of two escapes.
            for error in errors {
                let pointer = &error.pointer;
                assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer}");
                assert_eq!(
                    pointer.matches('~').count(),
                    pointer.matches("~0").count() + pointer.matches("~1").count()
                );
            }
        }
        other => panic!("{other:?}"),
    }
    for language in Language::ALL {
        let response = problem::response(&error, "/", "fuzz", language);
        assert_eq!(response.status().as_u16(), 400);
    }
    None
}

/// The same document as other bytes: fields in another order, other escapes, no white space. `change` may correct
/// what was read of it.
fn again<T: FromBody>(bytes: &[u8], change: impl FnOnce(&mut Value)) -> T {
    let mut document: Value = serde_json::from_slice(bytes).expect("what is accepted is JSON");
    change(&mut document);
    let printed = document.to_string();
    read(printed.as_bytes()).unwrap_or_else(|| panic!("{printed}"))
}

fn check_line(text: &str, max: usize) {
    assert!((1..=max).contains(&text.chars().count()), "{text:?}");
    assert!(!text.chars().any(char::is_control) && text.trim() == text, "{text:?}");
}

fn check_email(email: &EmailAddress) {
    let text = email.as_str();
    assert!((3..=EmailAddress::BYTES_MAX).contains(&text.len()), "{text:?}");
    assert!(!text.chars().any(|c| c.is_control() || c.is_whitespace()), "{text:?}");
    let domain = text.rsplit_once('@').map(|(_, domain)| domain);
    assert!(domain.is_some_and(|domain| domain.contains('.')), "{text:?}");
}

fn check_person(person: &Person) {
    check_email(&person.user_email);
    if let Some(name) = &person.name {
        check_line(name.as_str(), PersonName::CHARACTERS_MAX);
    }
}

fn put_back(person: &Person, document: &mut Value) {
    document["user_email"] = person.user_email.as_str().into();
    document["name"] = person.name.as_ref().map(PersonName::as_str).into();
}

fn register(bytes: &[u8]) {
    let Some(first) = read::<Register>(bytes) else { return };
    check_person(&first.person);
    let second: Register = again(bytes, |document| {
        put_back(&first.person, document);
        let word = if first.on_full == OnFull::Refuse { "refuse" } else { "waitlist" };
        document["on_full"] = word.into();
    });
    assert_eq!(&second.person, &first.person);
    assert_eq!(second.on_full, first.on_full);
}

fn hold(bytes: &[u8]) {
    let Some(first) = read::<Hold>(bytes) else { return };
    check_person(&first.person);
    let seconds = first.ttl.seconds();
    assert!((HoldTtl::SECONDS_MIN..=HoldTtl::SECONDS_MAX).contains(&seconds));
    let second: Hold = again(bytes, |document| {
        put_back(&first.person, document);
        document["ttl_seconds"] = seconds.into();
    });
    assert_eq!(&second.person, &first.person);
    assert_eq!(second.ttl, first.ttl);
}

fn transfer(bytes: &[u8]) {
    let Some(Transfer(first)) = read(bytes) else { return };
    check_person(&first);
    let Transfer(second) = again(bytes, |document| put_back(&first, document));
    assert_eq!(&second, &first);
}

fn check_contact(contact: &Contact) {
    let (text, href) = (contact.as_str(), contact.href());
    assert!((3..=Contact::BYTES_MAX).contains(&text.len()), "{text:?}");
    assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace()), "{text:?}");
    assert_eq!(contact.as_url().is_some(), contact.as_address().is_none(), "{text:?}");
    let schemes = ["mailto:", "https://", "http://"];
    assert!(schemes.iter().any(|scheme| href.starts_with(scheme)), "{href:?}");
    assert_eq!(Contact::parse_stored(text).as_ref(), Ok(contact), "{text:?}");
}

fn create_event(bytes: &[u8]) {
    let Some(first) = read::<CreateEvent>(bytes) else { return };
    let CreateEvent { details, capacity, rules, .. } = &first;
    check_line(details.name.as_str(), EventName::CHARACTERS_MAX);
    let description = details.description.as_str();
    assert!(description.chars().count() <= Description::CHARACTERS_MAX);
    assert!(!description.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
    assert!((1..=100_000).contains(&capacity.get()));
    let in_order =
        |from: Option<_>, to: Option<_>| from.zip(to).is_none_or(|(from, to)| from <= to);
    assert!(in_order(details.starts_at, details.ends_at));
    assert!(in_order(rules.opens_at, rules.closes_at));
    if let Some(name) = &details.organizer_name {
        check_line(name.as_str(), OrganizerName::CHARACTERS_MAX);
    }
    if let Some(contact) = &details.contact {
        check_contact(contact);
    }
    let second: CreateEvent = again(bytes, |document| {
        document["name"] = details.name.as_str().into();
        document["description"] = description.into();
        document["starts_at"] = details.starts_at.map(|time| time.to_rfc3339()).into();
        document["ends_at"] = details.ends_at.map(|time| time.to_rfc3339()).into();
        document["timezone"] = details.timezone.as_ref().map(TimeZone::as_str).into();
        document["venue"] = details.venue.as_ref().map(Venue::as_str).into();
        document["contact"] = details.contact.as_ref().map(Contact::as_str).into();
        document["offer_ttl_seconds"] = rules.offer_ttl.map(OfferTtl::seconds).into();
    });
    assert_eq!((&second.details, &second.capacity, &second.rules), (details, capacity, rules));
}

fn edit_event(bytes: &[u8]) {
    let Some(EditEvent(first)) = read(bytes) else { return };
    if let Some(name) = &first.name {
        check_line(name.as_str(), EventName::CHARACTERS_MAX);
    }
    assert_eq!(first.if_match, None, "which is in a header");
    let EditEvent(second) = again(bytes, |_| {});
    assert_eq!(second, first);
}

fn check_url(url: &EndpointUrl) {
    let text = url.as_str();
    assert!(text.len() <= EndpointUrl::BYTES_MAX && text.is_ascii(), "{text:?}");
    assert!(text.starts_with("https://") || text.starts_with("http://"), "{text:?}");
    assert!(!text.contains(['#', ' ']), "{text:?}");
    assert_eq!(EndpointUrl::parse_stored(text).as_ref(), Ok(url), "{text:?}");
}

fn create_webhook(bytes: &[u8]) {
    let Some(first) = read::<CreateWebhook>(bytes) else { return };
    check_url(&first.url);
    assert!(first.types.types().is_none_or(|types| !types.is_empty()));
    let second: CreateWebhook = again(bytes, |document| {
        document["url"] = first.url.as_str().into();
    });
    assert_eq!((&second.url, &second.types), (&first.url, &first.types));
    let fields = |webhook: &CreateWebhook| (webhook.event_id, webhook.includes_person);
    assert_eq!(fields(&second), fields(&first));
}

fn edit_webhook(bytes: &[u8]) {
    let Some(first) = read::<EditWebhook>(bytes) else { return };
    if let Some(url) = &first.url {
        check_url(url);
    }
    let second: EditWebhook = again(bytes, |_| {});
    assert_eq!((second.url, second.types), (first.url, first.types));
    assert_eq!(second.includes_person, first.includes_person);
    assert_eq!(second.is_enabled, first.is_enabled);
}

fn find(bytes: &[u8]) {
    let Some(first) = read::<Find>(bytes) else { return };
    check_email(&first.user_email);
    let second: Find = again(bytes, |document| {
        document["user_email"] = first.user_email.as_str().into();
    });
    assert_eq!(second.user_email, first.user_email);
}

fn check_in(bytes: &[u8]) {
    let Some(first) = read::<CheckIn>(bytes) else { return };
    assert_eq!(again::<CheckIn>(bytes, |_| {}).ticket, first.ticket);
}

fn check_in_batch(bytes: &[u8]) {
    let Some(first) = read::<CheckInBatch>(bytes) else { return };
    assert!((1..=50).contains(&first.scans.len()));
    let second: CheckInBatch = again(bytes, |document| {
        for (position, scan) in first.scans.iter().enumerate() {
            document["scans"][position]["id"] = scan.id.to_string().into();
            document["scans"][position]["scanned_at"] = scan.scanned_at.to_rfc3339().into();
        }
    });
    for (second, first) in second.scans.iter().zip(&first.scans) {
        let of =
            |scan: &crate::api::requests::Scan| (scan.id, scan.ticket.clone(), scan.scanned_at);
        assert_eq!(of(second), of(first));
    }
}

fn nothing(bytes: &[u8]) {
    if read::<Nothing>(bytes).is_some() && !bytes.is_empty() {
        again::<Nothing>(bytes, |_| {});
    }
}

/// Ours accepts what serde_json's own does, and reads the same.
fn json(bytes: &[u8]) {
    let ours = serde_json::from_slice::<Json<'_>>(bytes);
    let theirs = serde_json::from_slice::<Value>(bytes);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", bytes.escape_ascii());
    if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
        agree(&ours, &theirs);
    }
}

fn agree(ours: &Json<'_>, theirs: &Value) {
    match (ours, theirs) {
        (Json::Null, Value::Null) => {}
        (Json::Bool(a), Value::Bool(b)) => assert_eq!(a, b),
        (Json::Integer(a), Value::Number(b)) => assert_eq!(Some(*a), b.as_i64()),
        (Json::OtherNumber, Value::Number(b)) => assert_eq!(b.as_i64(), None),
        (Json::Text(a), Value::String(b)) => assert_eq!(a, b),
        (Json::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).for_each(|(a, b)| agree(a, b));
        }
        // Theirs has the last of several fields with one name.
        (Json::Object(a), Value::Object(b)) => {
            for (name, theirs) in b {
                let ours = a.iter().rfind(|(other, _)| other == name);
                agree(&ours.expect("it is there").1, theirs);
            }
            assert!(a.iter().all(|(name, _)| b.contains_key(name.as_ref())));
        }
        _ => panic!("{ours:?} is not {theirs:?}"),
    }
}

/// The seeds that are accepted.
#[cfg(test)]
pub(super) fn assert_good() {
    let good = |seeds: &[&str], is_good: fn(&[u8]) -> bool| {
        for seed in seeds {
            assert!(is_good(seed.as_bytes()), "{seed}");
        }
    };
    good(REGISTER, |bytes| read::<Register>(bytes).is_some());
    good(HOLD, |bytes| read::<Hold>(bytes).is_some());
    good(TRANSFER, |bytes| read::<Transfer>(bytes).is_some());
    good(CREATE, |bytes| read::<CreateEvent>(bytes).is_some());
    good(EDIT, |bytes| read::<EditEvent>(bytes).is_some());
    good(CHECK_IN, |bytes| read::<CheckIn>(bytes).is_some());
    good(BATCH, |bytes| read::<CheckInBatch>(bytes).is_some());
    good(CREATE_WEBHOOK, |bytes| read::<CreateWebhook>(bytes).is_some());
    good(EDIT_WEBHOOK, |bytes| read::<EditWebhook>(bytes).is_some());
    good(FIND, |bytes| read::<Find>(bytes).is_some());
    good(NOTHING, |bytes| read::<Nothing>(bytes).is_some());
}
