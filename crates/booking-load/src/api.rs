//! Typed calls of the API's contract.

use crate::client::{Answer, HttpClient, Limits, TransportError};
use crate::link;
use crate::token::OrganizerToken;
use chrono::{DateTime, Utc};
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::{Method, StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The longest list that is read to its end: 10 million registrations at 1,000 a page.
const PAGES_MAX: usize = 10_000;

/// An event to be created.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NewEvent {
    /// 1 to 200 characters.
    pub name: String,
    /// Omitted if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The number of seats.
    pub capacity: u32,
}

/// The part of an event that a load test needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// Its id, as the server writes it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The number of seats.
    pub capacity: u64,
    /// The number of seats taken.
    pub booked_count: u64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// The part of a registration that a load test needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registration {
    /// Its id, as the server writes it.
    pub id: String,
    /// The event.
    pub event_id: String,
    /// The holder's address.
    pub user_email: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// A webhook endpoint that was created.
#[derive(Clone, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// The secret that signs its messages.
    pub secret: String,
}

/// An unexpected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its status.
    pub status: u16,
    /// The stable code; servers of the first contract may have none.
    pub code: Option<String>,
    /// The text for people, empty if there is none.
    pub detail: String,
    /// When to retry, if the server says so in seconds.
    pub retry_after: Option<Duration>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was no answer.
    #[error("no answer")]
    Transport(#[from] TransportError),
    /// The server answered with another status.
    #[error("answered {} {}: {}", .0.status, .0.code.as_deref().unwrap_or("(no code)"), .0.detail)]
    Refused(Problem),
    /// The status is right, but the body breaks the contract.
    #[error("an answer {status} against the contract: {what}")]
    Malformed {
        /// The status of that answer.
        status: u16,
        /// What is wrong with it.
        what: String,
    },
}

/// A client of one server. Clones share their connections.
#[derive(Clone)]
pub struct Api {
    client: Arc<HttpClient>,
    token: Option<OrganizerToken>,
}

impl Api {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`. Does not connect yet.
    ///
    /// # Errors
    ///
    /// If `base` is not a plain http URL.
    pub fn new(base: &str, limits: Limits) -> anyhow::Result<Self> {
        Ok(Self { client: Arc::new(HttpClient::new(base, limits)?), token: None })
    }

    /// The same, acting as the organizer with this token.
    #[must_use]
    pub fn with_token(self, token: Option<OrganizerToken>) -> Self {
        Self { token, ..self }
    }

    /// The organizer's credentials.
    pub(crate) fn organizer(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            token.show(&mut headers);
        }
        headers
    }

    /// The HTTP client beneath, for requests that no typed call makes.
    pub fn client(&self) -> &HttpClient {
        &self.client
    }

    /// `GET /health`.
    ///
    /// # Errors
    ///
    /// If the answer is not 200.
    pub async fn health(&self) -> Result<(), CallError> {
        expect(StatusCode::OK, self.get(self.uri("health")?, HeaderMap::new()).await?).map(|_| ())
    }

    /// `POST /events`.
    ///
    /// # Errors
    ///
    /// If the answer is not 201 with an event.
    pub async fn create_event(&self, event: &NewEvent) -> Result<Event, CallError> {
        let answer = self.post(self.uri("events")?, event, self.organizer()).await?;
        decode(&expect(StatusCode::CREATED, answer)?)
    }

    /// `GET /events/{id}`.
    ///
    /// # Errors
    ///
    /// If the answer is not 200 with an event.
    pub async fn event(&self, event_id: &str) -> Result<Event, CallError> {
        let uri = self.uri(&format!("events/{event_id}"))?;
        let answer = self.get(uri, HeaderMap::new()).await?;
        decode(&expect(StatusCode::OK, answer)?)
    }

    /// `POST /events/{id}/register`.
    ///
    /// # Errors
    ///
    /// If the answer is not 201 with a registration.
    pub async fn register(&self, event_id: &str, email: &str) -> Result<Registration, CallError> {
        #[derive(Serialize)]
        struct Body<'a> {
            user_email: &'a str,
        }
        let uri = self.uri(&format!("events/{event_id}/register"))?;
        let answer = self.post(uri, &Body { user_email: email }, HeaderMap::new()).await?;
        decode(&expect(StatusCode::CREATED, answer)?)
    }

    /// `GET /events/{id}/registrations`, every page of it, in the server's order.
    ///
    /// # Errors
    ///
    /// If a page is not a 200 with registrations, or the pages do not end.
    pub async fn registrations(&self, event_id: &str) -> Result<Vec<Registration>, CallError> {
        let mut uri = self.uri(&format!("events/{event_id}/registrations"))?;
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let answer = expect(StatusCode::OK, self.get(uri.clone(), self.organizer()).await?)?;
            all.extend(decode::<Vec<Registration>>(&answer)?);
            match link::next(&answer.headers) {
                None => return Ok(all),
                Some(next) => uri = self.follow(&uri, next)?,
            }
        }
        Err(malformed(StatusCode::OK, format!("the list has more than {PAGES_MAX} pages")))
    }

    /// `GET /events/{id}`, for its version alone.
    ///
    /// # Errors
    ///
    /// If the answer is not 200 with an event that has a version.
    pub async fn event_version(&self, event_id: Uuid) -> Result<u64, CallError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let uri = self.uri(&format!("events/{event_id}"))?;
        let answer = self.get(uri, self.organizer()).await?;
        decode::<Versioned>(&expect(StatusCode::OK, answer)?).map(|event| event.version)
    }

    /// `POST /webhooks`, for all events of the organizer.
    ///
    /// # Errors
    ///
    /// If the answer is not 201 with an endpoint and its secret.
    pub async fn create_webhook(&self, url: &str) -> Result<Webhook, CallError> {
        #[derive(Serialize)]
        struct Body<'a> {
            url: &'a str,
        }
        let answer = self.post(self.uri("webhooks")?, &Body { url }, self.organizer()).await?;
        decode(&expect(StatusCode::CREATED, answer)?)
    }

    /// `DELETE /webhooks/{id}`.
    ///
    /// # Errors
    ///
    /// If the answer does not confirm the deletion.
    pub async fn delete_webhook(&self, id: Uuid) -> Result<(), CallError> {
        let uri = self.uri(&format!("webhooks/{id}"))?;
        let answer = self.client.call(Method::DELETE, uri, None, self.organizer()).await?;
        match answer.status.is_success() {
            true => Ok(()),
            false => Err(CallError::Refused(problem(&answer))),
        }
    }

    async fn get(&self, uri: Uri, headers: HeaderMap) -> Result<Answer, CallError> {
        Ok(self.client.call(Method::GET, uri, None, headers).await?)
    }

    async fn post(
        &self,
        uri: Uri,
        body: &impl Serialize,
        headers: HeaderMap,
    ) -> Result<Answer, CallError> {
        let json = serde_json::to_vec(body).expect("our own bodies are plain structs of strings");
        Ok(self.client.call(Method::POST, uri, Some(json), headers).await?)
    }

    /// The URI of a path below the base.
    fn uri(&self, path: &str) -> Result<Uri, CallError> {
        let uri = format!("{}{path}", self.client.base().path());
        // Ids come from the server, so this can fail, but only after a malformed answer.
        Uri::try_from(uri).map_err(|_| malformed(StatusCode::OK, format!("no path: {path:?}")))
    }

    /// The URI of a link found at `from`. The same server is asked, whatever host the link names: behind a proxy a
    /// server may not know its own address.
    fn follow(&self, from: &Uri, link: &str) -> Result<Uri, CallError> {
        let wrong = || malformed(StatusCode::OK, format!("cannot follow the link {link:?}"));
        let base = self.client.base().join(&from.to_string()).map_err(|_| wrong())?;
        let next = base.join(link).map_err(|_| wrong())?;
        let uri = Uri::try_from(&next[url::Position::BeforePath..url::Position::AfterQuery])
            .map_err(|_| wrong())?;
        if uri == *from { Err(wrong()) } else { Ok(uri) }
    }
}

fn malformed(status: StatusCode, what: String) -> CallError {
    CallError::Malformed { status: status.as_u16(), what }
}

fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, CallError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| malformed(answer.status, error.to_string()))
}

fn expect(status: StatusCode, answer: Answer) -> Result<Answer, CallError> {
    if answer.status == status { Ok(answer) } else { Err(CallError::Refused(problem(&answer))) }
}

/// Reads as much as possible of an unexpected answer: a proxy's may be no JSON.
fn problem(answer: &Answer) -> Problem {
    #[derive(Default, Deserialize)]
    struct Body {
        code: Option<String>,
        detail: Option<String>,
        error: Option<String>,
    }
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let retry_after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Problem {
        status: answer.status.as_u16(),
        code: body.code,
        detail: body.detail.or(body.error).unwrap_or_default(),
        retry_after: retry_after.and_then(|value| value.parse().ok()).map(Duration::from_secs),
    }
}
