//! Builds requests, and parses responses into records.

use crate::api::Api;
use crate::client::{Answer as HttpAnswer, TransportError};
use crate::judge::{Answer, EventView, FinalResponse, RegistrationView, Request, TokenMark};
use chrono::{DateTime, Utc};
use hyper::header::{AUTHORIZATION, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use hyper::{Method, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::LazyLock;
use uuid::Uuid;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The prefix of every key of this process: keys of clients without a token are secrets, and another run with the
/// same seed must use other keys.
static RUN: LazyLock<String> = LazyLock::new(|| format!("{:032x}", fastrand::u128(..)));

/// Parts of a request that are not recorded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestExtras<'a> {
    pub(super) ticket: Option<&'a str>,
    /// The holder's token, if the holder asks.
    pub(super) token: Option<&'a str>,
    /// The `ETag` of the version to be edited.
    pub(super) tag: Option<&'a HeaderValue>,
}

/// Parts of an answer that are not recorded.
#[derive(Debug, Clone, Default)]
pub(super) struct ResponseExtras {
    pub(super) manage_token: Option<String>,
    pub(super) tag: Option<HeaderValue>,
    /// The store's time at the change, if it was just made.
    pub(super) made_at: Option<DateTime<Utc>>,
}

/// Sends the request, once.
pub(super) async fn ask(
    api: &Api,
    event_id: Uuid,
    request: &Request,
    key: Option<&str>,
    showing: RequestExtras<'_>,
) -> (Answer, ResponseExtras) {
    let (method, path, body) = route(event_id, request, showing.ticket);
    let mut headers = match request {
        Request::Register { .. } | Request::Hold { .. } => HeaderMap::new(),
        _ => api.organizer(),
    };
    if let Some(token) = showing.token {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .expect("it came in an answer as text");
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    if let Some(key) = key {
        let key = format!("{}-{key}", *RUN);
        headers.insert(KEY, HeaderValue::from_str(&key).expect("our keys are plain ASCII"));
    }
    if let Some(tag) = showing.tag {
        headers.insert(IF_MATCH, tag.clone());
    }
    let body = body.map(|body| body.to_string().into_bytes());
    match api.client().call(method, uri(api, &path), body, headers).await {
        Ok(answer) => read(request, &answer),
        Err(error) => {
            let answer = match error.may_have_arrived() {
                true => Answer::Unknown { why: error.kind().to_owned() },
                false => Answer::Undone { status: 0 },
            };
            (answer, ResponseExtras::default())
        }
    }
}

fn route(
    event_id: Uuid,
    request: &Request,
    ticket: Option<&str>,
) -> (Method, String, Option<Value>) {
    let event = format!("events/{event_id}");
    match request {
        Request::Create { capacity, waitlist_enabled, offer_ttl_seconds } => (
            Method::POST,
            "events".to_owned(),
            Some(json!({
                "name": "An event to be judged",
                "capacity": capacity,
                "waitlist_enabled": waitlist_enabled,
                "offer_ttl_seconds": offer_ttl_seconds,
            })),
        ),
        Request::Register { user_email, waits } => {
            let on_full = if *waits { "waitlist" } else { "refuse" };
            let body = json!({"user_email": user_email, "on_full": on_full});
            (Method::POST, format!("{event}/register"), Some(body))
        }
        Request::Hold { user_email, ttl_seconds } => {
            let body = json!({"user_email": user_email, "ttl_seconds": ttl_seconds});
            (Method::POST, format!("{event}/holds"), Some(body))
        }
        Request::Confirm { id } => (Method::POST, format!("registrations/{id}/confirm"), None),
        Request::Cancel { id } => (Method::DELETE, format!("registrations/{id}"), None),
        Request::Transfer { id, user_email, name } => {
            let mut body = json!({"user_email": user_email});
            add(&mut body, "name", name.as_ref());
            (Method::POST, format!("registrations/{id}/transfer"), Some(body))
        }
        Request::Correct { id, name, user_email, .. } => {
            let mut body = json!({"name": name});
            add(&mut body, "user_email", user_email.as_ref());
            (Method::PATCH, format!("registrations/{id}"), Some(body))
        }
        Request::RenewLink { id } => (Method::POST, format!("registrations/{id}/link"), None),
        Request::Visit { id, .. } => (Method::GET, format!("registrations/{id}"), None),
        Request::CheckIn { .. } => {
            (Method::POST, format!("{event}/check-ins"), Some(json!({"ticket": ticket})))
        }
        Request::UndoCheckIn { id } => (Method::DELETE, format!("{event}/check-ins/{id}"), None),
        Request::Edit { name, capacity, hours, .. } => {
            let mut body = json!({"name": name, "capacity": capacity});
            if let Some(hours) = hours {
                // Clearing a field is explicit.
                body["starts_at"] = json!(hours.starts_at);
                body["ends_at"] = json!(hours.ends_at);
                body["closes_at"] = json!(hours.closes_at);
            }
            (Method::PATCH, event, Some(body))
        }
        Request::CancelEvent => (Method::POST, format!("{event}/cancel"), None),
        Request::Read => (Method::GET, event, None),
    }
}

/// Adds a field to an object, if there is a value.
fn add(body: &mut Value, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        body[name] = json!(value);
    }
}

/// The decision in an answer, if there is one.
fn read(request: &Request, answer: &HttpAnswer) -> (Answer, ResponseExtras) {
    let status = answer.status.as_u16();
    match status {
        502 | 504 => {
            return (Answer::Unknown { why: status.to_string() }, ResponseExtras::default());
        }
        429 | 500 | 503 => return (Answer::Undone { status }, ResponseExtras::default()),
        _ => {}
    }
    let mut extras =
        ResponseExtras { tag: answer.headers.get(ETAG).cloned(), ..ResponseExtras::default() };
    let mut decided = FinalResponse {
        status,
        replayed: answer.headers.contains_key(REPLAYED),
        ..FinalResponse::default()
    };
    let is_of_event = matches!(
        request,
        Request::Create { .. } | Request::Edit { .. } | Request::CancelEvent | Request::Read
    );
    if !decided.is_success() {
        decided.code = decode::<Problem>(answer).map(|problem| problem.code);
    } else if is_of_event {
        // Without an ETag it has no version yet: time has changed something since.
        let is_settled = answer.headers.contains_key(ETAG) || !matches!(request, Request::Read);
        decided.event = decode::<EventView>(answer).map(|event| EventView { is_settled, ..event });
        // For a new event its id stands in place of a registration's.
        if matches!(request, Request::Create { .. }) {
            decided.code = decode::<Id>(answer).map(|created| created.id.to_string());
            extras.made_at = decode::<Made>(answer).map(|made| made.created_at);
        }
    } else {
        extras.manage_token = decode::<Private>(answer).and_then(|private| private.manage_token);
        let token = extras.manage_token.as_deref().map(TokenMark::of);
        decided.registration =
            decode::<RegistrationView>(answer).map(|shown| RegistrationView { token, ..shown });
        let is_new = matches!(request, Request::Register { .. } | Request::Hold { .. });
        if is_new && !decided.replayed {
            extras.made_at = decode::<Made>(answer).map(|made| made.created_at);
        }
    }
    (Answer::Decided(decided), extras)
}

#[derive(Deserialize)]
struct Made {
    created_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Private {
    manage_token: Option<String>,
}

/// The id of an event that was created.
pub(super) fn created_id(decided: &FinalResponse) -> Option<Uuid> {
    decided.code.as_deref()?.parse().ok()
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

#[derive(Deserialize)]
struct Id {
    id: Uuid,
}

fn decode<T: DeserializeOwned>(answer: &HttpAnswer) -> Option<T> {
    serde_json::from_slice(&answer.body).ok()
}

/// The ticket of a registration, if it has one.
pub(super) async fn ticket(api: &Api, id: Uuid) -> Option<String> {
    #[derive(Deserialize)]
    struct Ticket {
        ticket: String,
    }
    let answer = get(api, &format!("registrations/{id}/ticket")).await.ok()?;
    decode::<Ticket>(&answer).map(|ticket| ticket.ticket)
}

/// Any page, once.
pub(super) async fn get(api: &Api, path: &str) -> Result<HttpAnswer, TransportError> {
    api.client().call(Method::GET, uri(api, path), None, api.organizer()).await
}

fn uri(api: &Api, path: &str) -> Uri {
    let uri = format!("{}{path}", api.client().base().path());
    Uri::try_from(uri).expect("ids and fixed words make a path")
}
