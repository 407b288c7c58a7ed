//! What the judge judges: many concurrent clients that send every kind of request, each under a key, until it is
//! decided.

mod client;
mod end;
mod requests;

use crate::api::Api;
use crate::client::Limits;
use crate::judge::{Answer, History, Operation, Request};
use crate::token::OrganizerToken;
use anyhow::Context;
use chrono::{DateTime, Utc};
use client::{Client, Mine};
use hyper::header::HeaderValue;
use requests::{RequestExtras, ResponseExtras};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Registrations that more than one client may act on at a time.
const COMMON_MAX: usize = 64;
/// Every so manieth event is cancelled after nine tenths of the requests.
const CANCELLED_EVERY: usize = 8;

/// Every so manieth event has hours.
const HOURS_EVERY: usize = 4;
/// Their default distance: many of them pass in a run of some seconds.
const HOURS_WITHIN: Duration = Duration::from_secs(2);

/// The kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Every kind, by returning attendees.
    Everything,
    /// A sale: nine in ten get a seat or a hold, and some of those confirm it, or give it up. Each has an address
    /// of its own.
    Sale,
}

/// What to run, and against which servers.
#[derive(Debug, Clone)]
pub struct WorkloadOptions {
    /// The servers, at least one. They share one database; the load is spread over all of them.
    pub urls: Vec<String>,
    /// The events' organizer, where the servers require one.
    pub token: Option<OrganizerToken>,
    /// The number of requests, without retries.
    pub operations: u64,
    /// The number of concurrent clients.
    pub clients: u32,
    /// The number of events.
    pub events: u32,
    /// The seats of each event at first. Four times as many people want one.
    pub seats: u32,
    /// The share of requests that give something up, if there is something to give up.
    pub cancel_share: f64,
    /// The seed of the requests.
    pub seed: u64,
    /// The timeout of one call.
    pub limits: Limits,
    /// For how long a request is retried until it is decided.
    pub decide_within: Duration,
    /// The shortest time to live of an offer, in seconds; 60 is the least allowed.
    pub offer_ttl_seconds: u32,
    /// The distance from now, by the store's clock, of the hours that one event in four is given repeatedly while
    /// it sells; without it no event has any.
    pub hours_within: Option<Duration>,
    /// The kinds of requests.
    pub mix: Mix,
    /// Requests per second, without retries; without it as many as are answered.
    pub rate: Option<u32>,
}

impl WorkloadOptions {
    /// 20,000 requests of 32 clients to 8 events of 100 seats, a fifth of them cancellations.
    pub fn at(urls: Vec<String>) -> Self {
        Self {
            urls,
            token: None,
            operations: 20_000,
            clients: 32,
            events: 8,
            seats: 100,
            cancel_share: 0.2,
            seed: 1,
            limits: Limits { answer: Duration::from_secs(15), ..Limits::default() },
            decide_within: Duration::from_secs(60),
            offer_ttl_seconds: 60,
            hours_within: Some(HOURS_WITHIN),
            mix: Mix::Everything,
            rate: None,
        }
    }
}

/// Measurements of a run, beside its history.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// When the run began: its history's times start there.
    pub began: Instant,
    /// From the first request to the last decision.
    pub load: Duration,
    /// The longest time until an answer, or until it was given up.
    pub slowest: Duration,
    /// The longest time from a request's first try to its decision.
    pub slowest_decision: Duration,
    /// The longest time without an answer that reported a change.
    pub longest_standstill: Duration,
}

/// What all clients share.
struct Run {
    options: WorkloadOptions,
    apis: Vec<Api>,
    began: Instant,
    /// When the clients started.
    loose: OnceLock<Instant>,
    events: Vec<Sale>,
    created: Vec<Operation>,
    sent: AtomicU64,
    is_over: AtomicBool,
    common: Mutex<Vec<Mine>>,
    /// The store's time as last answered, in microseconds since 1970.
    store_time: AtomicI64,
}

/// An event of the run.
struct Sale {
    id: Uuid,
    /// The last version that a client read, and its `ETag`, for edits that need one.
    newest: Mutex<Option<(u64, HeaderValue)>>,
}

impl Sale {
    /// Stores what was read, unless something newer is stored.
    fn saw(&self, version: u64, tag: HeaderValue) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.as_ref().is_none_or(|(newest, _)| *newest < version) {
            *newest = Some((version, tag));
        }
    }

    fn newest(&self) -> Option<(u64, HeaderValue)> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs it to its end, reads the final state, and returns the record.
///
/// # Errors
///
/// If nothing could be measured: invalid options, no event could be created, or the final state could not be read.
pub async fn run(options: WorkloadOptions) -> anyhow::Result<(History, Pace)> {
    let run = Run::prepare(options).await?;
    run.finish().await
}

/// The same, but only for as long as `faults` runs.
///
/// # Errors
///
/// As [`run`].
pub async fn run_during<T>(
    options: WorkloadOptions,
    faults: impl Future<Output = T>,
) -> anyhow::Result<(History, Pace, T)> {
    let run = Run::prepare(WorkloadOptions { operations: u64::MAX, ..options }).await?;
    let until = async {
        let out = faults.await;
        run.is_over.store(true, Ordering::Relaxed);
        out
    };
    let (finished, out) = tokio::join!(run.finish(), until);
    let (history, pace) = finished?;
    Ok((history, pace, out))
}

fn pace(history: &History, began: Instant) -> Pace {
    let load = began.elapsed();
    let mut first: std::collections::HashMap<&str, u64> = std::collections::HashMap::new();
    let (mut slowest, mut slowest_decision) = (0, 0);
    for operation in &history.operations {
        slowest = slowest.max(operation.answered_at - operation.invoked_at);
        if let Some(key) = &operation.key {
            let first = first.entry(key).or_insert(operation.invoked_at);
            *first = operation.invoked_at.min(*first);
        }
    }
    for operation in &history.operations {
        if let (Some(key), Answer::Decided(decided)) = (&operation.key, &operation.answer)
            && !decided.replayed
        {
            slowest_decision = slowest_decision.max(operation.answered_at - first[key.as_str()]);
        }
    }
    let micros = Duration::from_micros;
    Pace {
        began,
        load,
        slowest: micros(slowest),
        slowest_decision: micros(slowest_decision),
        longest_standstill: micros(longest_standstill(history)),
    }
}

/// In microseconds, from one answered change to the next.
fn longest_standstill(history: &History) -> u64 {
    let changes = history.operations.iter().filter(|operation| {
        operation.request != Request::Read
            && matches!(&operation.answer, Answer::Decided(decided) if decided.is_success() && !decided.replayed)
    });
    let mut answered_at: Vec<u64> = changes.map(|operation| operation.answered_at).collect();
    answered_at.sort_unstable();
    answered_at.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
}

impl Run {
    /// Creates the events.
    async fn prepare(options: WorkloadOptions) -> anyhow::Result<Arc<Self>> {
        anyhow::ensure!(!options.urls.is_empty(), "at least one URL is needed");
        anyhow::ensure!(options.clients > 0 && options.events > 0, "clients and events are needed");
        anyhow::ensure!(options.seats > 0, "at least one seat is needed");
        let apis: Vec<Api> = options
            .urls
            .iter()
            .map(|url| Ok(Api::new(url, options.limits.clone())?.with_token(options.token.clone())))
            .collect::<anyhow::Result<_>>()?;
        // See flash::run.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        let mut run = Self {
            apis,
            began: Instant::now(),
            loose: OnceLock::new(),
            events: Vec::new(),
            created: Vec::new(),
            sent: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            common: Mutex::default(),
            store_time: AtomicI64::new(Utc::now().timestamp_micros()),
            options,
        };
        for number in 0..run.options.events {
            let operation = run.create(number).await?;
            run.events.push(Sale { id: operation.event_id, newest: Mutex::default() });
            run.created.push(operation);
        }
        Ok(Arc::new(run))
    }

    /// Runs the clients until they have sent enough, and reads the final state.
    async fn finish(self: &Arc<Self>) -> anyhow::Result<(History, Pace)> {
        let mut history = History { operations: self.created.clone(), ..History::default() };
        let mut clients = JoinSet::new();
        self.loose.get_or_init(Instant::now);
        for number in 0..self.options.clients {
            clients.spawn(Client::new(Arc::clone(self), number).work());
        }
        for operations in clients.join_all().await {
            history.operations.extend(operations);
        }
        let pace = pace(&history, self.began);
        let end = end::settle_and_read(self, &mut history).await;
        end.context("cannot read what there is in the end")?;
        Ok((history, pace))
    }

    /// Creates an event: one in four without a waitlist, one in four without offers.
    async fn create(&self, number: u32) -> anyhow::Result<Operation> {
        let request = Request::Create {
            capacity: self.options.seats,
            waitlist_enabled: number % 4 != 1,
            offer_ttl_seconds: (number % 4 != 2).then_some(self.options.offer_ttl_seconds),
        };
        let key = format!("judge-event-{}-{number}-{}", self.options.seed, fastrand::u64(..));
        let decide = self.decide(u32::MAX, 0, Uuid::nil(), key, &request, RequestExtras::default());
        let (tries, _) = decide.await;
        let mut decided = tries.into_iter().next_back().context("it was asked for")?;
        let Answer::Decided(answer) = &decided.answer else {
            anyhow::bail!("no event could be created: {:?}", decided.answer);
        };
        anyhow::ensure!(answer.is_success(), "no event could be created: {answer:?}");
        decided.event_id = requests::created_id(answer).context("an event without an id")?;
        Ok(decided)
    }

    /// Sends a request until it is decided, or its time is up. Every try is an operation. Returns the content of
    /// the last answer, too.
    async fn decide(
        &self,
        client: u32,
        server: usize,
        event_id: Uuid,
        key: String,
        request: &Request,
        showing: RequestExtras<'_>,
    ) -> (Vec<Operation>, ResponseExtras) {
        let began = Instant::now();
        let mut pause = Duration::from_millis(20);
        let (mut tries, mut last_extras) = (Vec::with_capacity(1), ResponseExtras::default());
        for turn in 0.. {
            let api = &self.apis[(server + turn) % self.apis.len()];
            let invoked_at = self.now();
            let (answer, extras) = requests::ask(api, event_id, request, Some(&key), showing).await;
            let answered_at = self.now();
            if let Some(made_at) = extras.made_at {
                self.store_time.store(made_at.timestamp_micros(), Ordering::Relaxed);
            }
            last_extras = extras;
            let is_decided = matches!(answer, Answer::Decided(_));
            let (request, key) = (request.clone(), Some(key.clone()));
            tries.push(Operation {
                client,
                invoked_at,
                answered_at,
                event_id,
                key,
                request,
                answer,
            });
            if is_decided || began.elapsed() > self.options.decide_within {
                break;
            }
            tokio::time::sleep(pause.mul_f64(1.0 + fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
        (tries, last_extras)
    }

    /// Microseconds since the run began.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Roughly the store's time.
    fn store_now(&self) -> DateTime<Utc> {
        let micros = self.store_time.load(Ordering::Relaxed);
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Whether an event gets hours.
    fn has_hours(&self, event: usize) -> bool {
        self.options.hours_within.is_some() && event % HOURS_EVERY == HOURS_EVERY - 1
    }

    /// The number of the next request, until there are enough.
    fn next(&self) -> Option<u64> {
        if self.is_over.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        (number < self.options.operations).then_some(number)
    }

    /// Waits until the request of this number is due. One that is late is sent at once.
    async fn due(&self, number: u64) {
        if let Some((rate, loose)) = self.options.rate.zip(self.loose.get()) {
            let due = *loose + Duration::from_secs_f64(number as f64 / f64::from(rate.max(1)));
            tokio::time::sleep_until(due.into()).await;
        }
    }

    /// The event that is cancelled by the request of this number.
    fn cancelled_by(&self, number: u64) -> Option<usize> {
        let at = number.checked_sub(self.options.operations / 10 * 9)?;
        let event = usize::try_from(at).ok()? * CANCELLED_EVERY + CANCELLED_EVERY - 1;
        (event < self.events.len()).then_some(event)
    }

    fn common<T>(&self, with: impl FnOnce(&mut Vec<Mine>) -> T) -> T {
        with(&mut self.common.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
