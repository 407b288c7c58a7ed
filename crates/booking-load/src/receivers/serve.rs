//! One receiver: it reads messages, records them, and answers.

use super::signature::{self, Key};
use super::{Behaviour, Taken};
use crate::api::Api;
use crate::judge::Message;
use anyhow::Context;
use chrono::Utc;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

/// The largest body that is read: ids, a name and an address take less than a tenth of it.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;
/// The most messages kept of a run. Further ones get a 503.
const RECEIPTS_MAX: usize = 20_000_000;
/// The timeout of reading an event's version from the API, which is down now and then in some runs.
const LOOK_BACK_WITHIN: Duration = Duration::from_secs(1);
/// The pause after the system failed to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The state of a receiver, wherever it listens.
pub(super) struct Shared {
    behaviour: Behaviour,
    look_back_every: u64,
    requests: AtomicU64,
    subscription: OnceLock<Subscription>,
    log: Mutex<Log>,
}

struct Subscription {
    endpoint: Uuid,
    key: Key,
    api: Api,
}

#[derive(Default)]
struct Log {
    received: Vec<Taken>,
    /// The versions of each event that it has acknowledged.
    versions: HashMap<Uuid, HashSet<u64>>,
}

impl Shared {
    pub(super) fn new(behaviour: Behaviour, look_back_every: u64) -> Self {
        let (requests, subscription) = (AtomicU64::new(0), OnceLock::new());
        Self { behaviour, look_back_every, requests, subscription, log: Mutex::default() }
    }

    /// Sets the secret to verify with from now on.
    pub(super) fn subscribe(&self, id: Uuid, secret: &str, api: Api) -> anyhow::Result<()> {
        let subscription = Subscription { endpoint: id, key: Key::of(secret)?, api };
        self.subscription.set(subscription).ok().context("a receiver is one endpoint's")
    }

    pub(super) fn endpoint(&self) -> Option<Uuid> {
        self.subscription.get().map(|subscription| subscription.endpoint)
    }

    /// Whether it has acknowledged at least this many messages of each event.
    pub(super) fn has_all(&self, events: &[(Uuid, u64)]) -> bool {
        let log = self.log();
        events.iter().all(|(id, count)| {
            log.versions.get(id).map_or(0, |versions| versions.len() as u64) >= *count
        })
    }

    /// How many different messages of all events it has acknowledged.
    pub(super) fn taken(&self) -> usize {
        self.log().versions.values().map(HashSet::len).sum()
    }

    pub(super) fn received(&self) -> Vec<Taken> {
        self.log().received.clone()
    }

    /// The same, removing them: a long run's take a lot of memory.
    pub(super) fn drain(&self) -> Vec<Taken> {
        std::mem::take(&mut self.log().received)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // It is consistent between any two calls.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives one message.
    async fn take(&self, request: Request<Incoming>) -> StatusCode {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return StatusCode::BAD_REQUEST;
        };
        let (at, body) = (Instant::now(), body.to_bytes());
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let message: Option<Message> = serde_json::from_slice(&body).ok();
        let seen_version = match &message {
            Some(message) if self.looks_back(number) => self.look_back(message).await,
            _ => None,
        };
        let is_accepted = match self.behaviour {
            Behaviour::Flapping(share) => fastrand::f64() >= share,
            Behaviour::Good | Behaviour::Dead | Behaviour::Stalling(_) => true,
        };
        let is_signed = self.is_signed(&head.headers, &body);
        let id = signature::id(&head.headers).to_owned();
        let taken = Taken { at, id, is_signed, is_accepted, seen_version, message };
        if !self.write_down(taken) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        if let Behaviour::Stalling(each) = self.behaviour {
            tokio::time::sleep(each).await;
        }
        if is_accepted { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
    }

    fn looks_back(&self, number: u64) -> bool {
        self.look_back_every > 0 && number.is_multiple_of(self.look_back_every)
    }

    /// Reads the version of the message's event from the API: a change must be readable before it is sent.
    async fn look_back(&self, message: &Message) -> Option<u64> {
        let api = &self.subscription.get()?.api;
        let event_id = message.data.event_id;
        let version = tokio::time::timeout(LOOK_BACK_WITHIN, api.event_version(event_id)).await;
        version.ok()?.ok()
    }

    fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        self.subscription.get().is_some_and(|its| its.key.has_signed(headers, body, Utc::now()))
    }

    /// Returns whether there was room for it.
    fn write_down(&self, taken: Taken) -> bool {
        let mut log = self.log();
        if log.received.len() >= RECEIPTS_MAX {
            return false;
        }
        if let Some(message) = taken.message.as_ref().filter(|_| taken.is_accepted) {
            log.versions.entry(message.data.event_id).or_default().insert(message.data.version);
        }
        log.received.push(taken);
        true
    }
}

/// Serves until it is aborted, and all of its connections with it.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&shared)))),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are small, and waited for.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            let mut answer = Response::new(Empty::<Bytes>::new());
            *answer.status_mut() = shared.take(request).await;
            Ok::<_, Infallible>(answer)
        }
    });
    // Clients may hang up.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
