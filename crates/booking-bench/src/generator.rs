//! The load: closed loops for throughput, a fixed rate of arrivals for latency.
//!
//! Everything runs on one thread, so that nothing is shared and a request costs little.

use crate::connection::Connection;
use crate::latency::latencies;
use crate::request::Requests;
use crate::workload::{Action, Expected, Field, Workload};
use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// The longest wait for an answer; the servers give up before that.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The timing of requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection sends its next request as soon as it is answered.
    Closed,
    /// So many requests are due each second, whether answers come or not. Latency counts from when a request was
    /// due: waiting for a free connection is part of it.
    Open {
        /// Requests a second.
        per_second: f64,
    },
}

/// A load.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// The servers; connections are spread over them.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The number of connections.
    pub(crate) connections: usize,
    /// The requests.
    pub(crate) workload: Workload,
    /// The timing.
    pub(crate) pace: Pace,
    /// How long to run before anything counts.
    pub(crate) warm_up: Duration,
    /// How long it counts.
    pub(crate) window: Duration,
    /// Whether to keep the ids of created registrations.
    pub(crate) keeps_ids: bool,
}

/// The result of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests answered in the window.
    pub(crate) answered: u64,
    /// Their latencies in microseconds.
    pub(crate) latency: Histogram<u64>,
    /// By event, the number of seats given, in the window or not.
    pub(crate) booked: Vec<i64>,
    /// The number after the last one used.
    pub(crate) next_number: u64,
    /// The length of the window, or less if the requests ran out.
    pub(crate) counted: Duration,
    /// The ids of the created registrations, if the load keeps them.
    pub(crate) made: Vec<String>,
}

impl Outcome {
    /// The result of a load on one event that another part of the program ran.
    pub(crate) fn of(booked: u64, next_number: u64) -> Self {
        Self {
            answered: booked,
            latency: latencies(),
            booked: vec![booked as i64],
            next_number,
            counted: Duration::ZERO,
            made: Vec::new(),
        }
    }
}

struct State {
    load: Load,
    field: Field,
    starts: Instant,
    counts_from: Instant,
    ends: Instant,
    next_number: Cell<u64>,
    last_number: u64,
    sent: Cell<u64>,
    outcome: RefCell<Outcome>,
}

/// Runs the load to its end, with every answer awaited.
///
/// # Errors
///
/// If a connection fails, or an answer is not the expected one.
pub(crate) async fn run(load: Load, field: Field, first_number: u64) -> anyhow::Result<Outcome> {
    let mut connections = Vec::with_capacity(load.connections);
    for n in 0..load.connections {
        let address = load.addresses[n % load.addresses.len()];
        let connection = Connection::open(address).await.context("cannot connect")?;
        connections.push((connection, Requests::new(&address.to_string())));
    }
    let starts = Instant::now();
    let counts_from = starts + load.warm_up;
    let events = field.events.len();
    let state = Rc::new(State {
        starts,
        counts_from,
        ends: counts_from + load.window,
        load,
        last_number: first_number.saturating_add(field.numbers() - 1),
        next_number: Cell::new(first_number),
        field,
        sent: Cell::new(0),
        outcome: RefCell::new(Outcome {
            answered: 0,
            latency: latencies(),
            booked: vec![0; events],
            next_number: 0,
            counted: Duration::ZERO,
            made: Vec::new(),
        }),
    });
    let mut tasks = JoinSet::new();
    for (connection, requests) in connections {
        tasks.spawn_local(ask(Rc::clone(&state), connection, requests));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a connection's task panicked")??;
    }
    let state = Rc::into_inner(state).context("every task has ended")?;
    let mut outcome = state.outcome.into_inner();
    outcome.next_number = state.next_number.get();
    if outcome.next_number <= state.last_number {
        outcome.counted = state.load.window;
    }
    Ok(outcome)
}

/// The id in an answer, which is its first field.
fn id_of(body: &[u8]) -> Option<String> {
    let id = body.strip_prefix(br#"{"id":""#)?.split(|byte| *byte == b'"').next()?;
    String::from_utf8(id.to_vec()).ok()
}

async fn ask(
    state: Rc<State>,
    mut connection: Connection,
    mut requests: Requests,
) -> anyhow::Result<()> {
    while let Some(due) = state.next_due().await {
        let number = state.next_number.replace(state.next_number.get() + 1);
        let action = (state.load.workload.action)(&state.field, number);
        let expected = state.load.workload.expected(action);
        let bytes = requests.bytes(&state.field, action);
        let answer = timeout(ANSWER_WITHIN, connection.exchange(bytes))
            .await
            .context("an answer did not come")??;
        if !expected.is(answer.status, answer.body) {
            let body = String::from_utf8_lossy(answer.body).into_owned();
            bail!("{action:?} must be {expected:?} and was answered {}: {body}", answer.status);
        }
        let made = match state.load.keeps_ids {
            true => Some(id_of(answer.body).context("an answer has no id")?),
            false => None,
        };
        state.record(action, expected, due, made);
    }
    Ok(())
}

impl State {
    /// Waits for the next request to be due; `None` at the end.
    async fn next_due(&self) -> Option<Instant> {
        let due = match self.load.pace {
            Pace::Closed => Instant::now(),
            Pace::Open { per_second } => {
                let n = self.sent.replace(self.sent.get() + 1);
                self.starts + Duration::from_secs_f64(n as f64 / per_second)
            }
        };
        if due >= self.ends || self.next_number.get() > self.last_number {
            return None;
        }
        if due > Instant::now() {
            sleep_until(due).await;
        }
        Some(due)
    }

    fn record(&self, action: Action, expected: Expected, due: Instant, made: Option<String>) {
        let now = Instant::now();
        let mut outcome = self.outcome.borrow_mut();
        match action {
            Action::Register { event, .. }
            | Action::RegisterNamed { event, .. }
            | Action::Hold { event, .. } => {
                outcome.booked[event] += expected.seats();
            }
            // A load before this one used the first event.
            Action::Confirm { .. } | Action::Cancel { .. } => outcome.booked[0] += expected.seats(),
            Action::RegisterNothing { .. } | Action::ShowEvent { .. } | Action::ListEvents => {}
        }
        outcome.made.extend(made);
        // A closed loop counts what is answered in the window; with a given rate all requests that were due in it
        // count.
        let counts = match self.load.pace {
            Pace::Closed => (self.counts_from..self.ends).contains(&now),
            Pace::Open { .. } => due >= self.counts_from,
        };
        if counts {
            outcome.answered += 1;
            outcome.counted = now - self.counts_from;
            let micros = u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX);
            outcome.latency.saturating_record(micros);
        }
    }
}
