//! The storm itself: every client requests a seat until it has a final answer, and the answers are counted.

use crate::api::{Api, CallError, Registration};
use crate::backoff::Backoff;
use crate::client::TransportError;
use crate::options::FlashOptions;
use crate::verify::ClientResult;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The largest latency that is recorded exactly.
const LATENCY_MICROS_MAX: u64 = 3_600_000_000;

/// All clients at once: each requests one seat, and retries until it is decided.
pub(crate) struct Storm {
    apis: Vec<Api>,
    event_id: String,
    options: FlashOptions,
    next_client: AtomicU32,
    finished: AtomicU32,
    tally: Mutex<Tally>,
}

/// The answers to all clients.
pub(crate) struct Tally {
    /// By status and code.
    pub(crate) answers: BTreeMap<(u16, Option<String>), u64>,
    /// By kind, with one message of each.
    pub(crate) transport_errors: BTreeMap<&'static str, (u64, String)>,
    /// The number of retries.
    pub(crate) retries: u64,
    /// Of every answer, in microseconds.
    pub(crate) latency: Histogram<u64>,
    /// The final answer to each client.
    pub(crate) results: Vec<ClientResult>,
}

impl Tally {
    fn new(clients: u32) -> Self {
        Self {
            answers: BTreeMap::new(),
            transport_errors: BTreeMap::new(),
            retries: 0,
            latency: Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3)
                .expect("the bounds are constants that hdrhistogram takes"),
            results: vec![ClientResult::Nothing; clients as usize],
        }
    }

    fn count(&mut self, outcome: &Result<Registration, CallError>, took: Duration) {
        let answer = match outcome {
            Ok(_) => (201, None),
            Err(CallError::Refused(problem)) => (problem.status, problem.code.clone()),
            Err(CallError::Malformed { status, .. }) => (*status, None),
            Err(CallError::Transport(error)) => {
                let entry = self.transport_errors.entry(error.kind());
                entry.or_insert_with(|| (0, with_causes(error))).0 += 1;
                return;
            }
        };
        *self.answers.entry(answer).or_default() += 1;
        self.latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

impl Storm {
    pub(crate) fn new(apis: Vec<Api>, event_id: String, options: FlashOptions) -> Arc<Self> {
        let tally = Mutex::new(Tally::new(options.clients));
        let (next_client, finished) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Self { apis, event_id, options, next_client, finished, tally })
    }

    /// The number of clients that have their final answer, or gave up.
    pub(crate) fn finished(&self) -> u32 {
        self.finished.load(Ordering::Relaxed)
    }

    /// Runs to the end, or until the options' time is up; then some clients have no answer.
    pub(crate) async fn blow(self: &Arc<Self>) {
        let mut workers = JoinSet::new();
        for worker in 0..self.options.concurrency.min(self.options.clients as usize) {
            workers.spawn(Arc::clone(self).work(worker));
        }
        // Dropping the set ends the remaining tasks.
        let _time_is_up = tokio::time::timeout(self.options.timeout, workers.join_all()).await;
    }

    /// The tally, which is consistent between two answers.
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one client after the other. One that waits for its retry keeps its slot: there are never more than
    /// `concurrency` active clients.
    async fn work(self: Arc<Self>, worker: usize) {
        loop {
            let client = self.next_client.fetch_add(1, Ordering::Relaxed);
            if client >= self.options.clients {
                return;
            }
            let result = self.run_client(client, worker).await;
            self.tally().results[client as usize] = result;
            self.finished.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One client, from its first request to its final answer.
    async fn run_client(&self, client: u32, worker: usize) -> ClientResult {
        let email = email_of(client);
        let mut backoff = Backoff::new(self.options.retry_policy());
        let mut in_doubt = false;
        let mut server = worker;
        loop {
            let api = &self.apis[server % self.apis.len()];
            let asked = Instant::now();
            let outcome = api.register(&self.event_id, &email).await;
            self.tally().count(&outcome, asked.elapsed());

            let undecided = match judge(outcome, &self.event_id, &email, in_doubt) {
                Verdict::Final(result) => return result,
                Verdict::Undecided(undecided) => undecided,
            };
            in_doubt |= undecided.in_doubt;
            // A load balancer would send the retry to another server, too.
            server += usize::from(undecided.no_answer);
            let Some(pause) = backoff.after_failure(undecided.retry_after) else {
                return ClientResult::Nothing;
            };
            self.tally().retries += 1;
            tokio::time::sleep(pause).await;
        }
    }
}

fn with_causes(error: &TransportError) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The address of a client, counted from 0.
pub(crate) fn email_of(client: u32) -> String {
    format!("flash-{:06}@load.example", client + 1)
}

enum Verdict {
    Final(ClientResult),
    Undecided(Undecided),
}

/// Why a client has to retry.
struct Undecided {
    /// It may have a seat already.
    in_doubt: bool,
    /// The server did not answer at all.
    no_answer: bool,
    retry_after: Option<Duration>,
}

/// What an answer means to its client. `in_doubt`: an earlier try may have won.
fn judge(
    outcome: Result<Registration, CallError>,
    event_id: &str,
    email: &str,
    in_doubt: bool,
) -> Verdict {
    let problem = match outcome {
        Ok(registration) => return Verdict::Final(result_of(registration, event_id, email)),
        Err(CallError::Malformed { what, .. }) => {
            return Verdict::Final(ClientResult::Garbled { what });
        }
        Err(CallError::Transport(error)) => {
            let in_doubt = error.may_have_arrived();
            return Verdict::Undecided(Undecided { in_doubt, no_answer: true, retry_after: None });
        }
        Err(CallError::Refused(problem)) => problem,
    };
    let retry_after = problem.retry_after;
    match (problem.status, problem.code.as_deref()) {
        (409, Some("already_registered")) if in_doubt => {
            Verdict::Final(ClientResult::Won { registration_id: None })
        }
        // 502 is a proxy's: the server behind it may have acted.
        (502 | 504, _) => {
            Verdict::Undecided(Undecided { in_doubt: true, no_answer: false, retry_after })
        }
        // By the contract these change nothing, so they are no excuse for `already_registered`.
        (429 | 500 | 503, _) => {
            Verdict::Undecided(Undecided { in_doubt: false, no_answer: false, retry_after })
        }
        (status, _) => Verdict::Final(ClientResult::Refused { status, code: problem.code }),
    }
}

fn result_of(registration: Registration, event_id: &str, email: &str) -> ClientResult {
    if registration.user_email == email && registration.event_id == event_id {
        return ClientResult::Won { registration_id: Some(registration.id) };
    }
    let Registration { id, event_id, user_email, .. } = registration;
    ClientResult::Garbled {
        what: format!("registration {id} is of {user_email} for event {event_id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Problem;
    use chrono::DateTime;

    fn refusal(status: u16, code: &str) -> Result<Registration, CallError> {
        let (detail, retry_after) = (String::new(), Some(Duration::from_secs(3)));
        Err(CallError::Refused(Problem { status, code: Some(code.into()), detail, retry_after }))
    }

    fn decided(outcome: Result<Registration, CallError>, in_doubt: bool) -> ClientResult {
        match judge(outcome, "e", "a@load.example", in_doubt) {
            Verdict::Final(result) => result,
            Verdict::Undecided(_) => panic!("it was to be decided"),
        }
    }

    fn undecided(outcome: Result<Registration, CallError>) -> Undecided {
        match judge(outcome, "e", "a@load.example", false) {
            Verdict::Final(result) => panic!("it was not to be decided: {result:?}"),
            Verdict::Undecided(undecided) => undecided,
        }
    }

    #[test]
    fn already_registered_is_a_success_only_after_doubt() {
        let again = || refusal(409, "already_registered");
        assert_eq!(decided(again(), true), ClientResult::Won { registration_id: None });
        assert!(matches!(decided(again(), false), ClientResult::Refused { status: 409, .. }));
    }

    #[test]
    fn only_answers_that_may_hide_a_seat_leave_doubt() {
        let timed_out = TransportError::AnswerTimeout(Duration::ZERO);
        let no_connection = TransportError::ConnectTimeout(Duration::ZERO);
        assert!(undecided(refusal(504, "outcome_unknown")).in_doubt);
        assert!(undecided(Err(timed_out.into())).in_doubt);
        assert!(!undecided(Err(no_connection.into())).in_doubt);
        for (status, code) in [(503, "overloaded"), (429, "rate_limited"), (500, "internal")] {
            let undecided = undecided(refusal(status, code));
            assert!(!undecided.in_doubt, "{status}");
            assert_eq!(undecided.retry_after, Some(Duration::from_secs(3)));
        }
    }

    #[test]
    fn a_registration_of_another_address_is_no_success() {
        let registration = |event_id: &str, user_email: &str| Registration {
            id: "r".into(),
            event_id: event_id.into(),
            user_email: user_email.into(),
            created_at: DateTime::UNIX_EPOCH,
        };
        let own = decided(Ok(registration("e", "a@load.example")), false);
        assert_eq!(own, ClientResult::Won { registration_id: Some("r".into()) });
        for (event_id, email) in [("e", "b@load.example"), ("f", "a@load.example")] {
            let result = decided(Ok(registration(event_id, email)), false);
            assert!(matches!(result, ClientResult::Garbled { .. }), "{result:?}");
        }
    }
}
