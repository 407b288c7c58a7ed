//! Webhooks during a sale: whether messages are correct and complete, and how long after the answers they arrive.

use crate::api::Api;
use crate::judge::{Answer, History, Request, Verdict, judge};
use crate::receivers::{Behaviour, Receivers};
use crate::report::{Latency, as_optional_seconds, as_seconds};
use crate::workload::{self, WorkloadOptions};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// The longest time until every server knows a new webhook.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// The largest lag that is recorded exactly.
const LAG_MICROS_MAX: u64 = 3_600_000_000;

/// What to run, and the receivers.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// The workload.
    pub load: WorkloadOptions,
    /// The receivers, an endpoint each.
    pub receivers: Vec<Behaviour>,
    /// How long to wait for missing messages after the last arrival, once the load is over.
    pub arrive_within: Duration,
    /// Every so manieth message is compared with the API's state at that moment; 0 is never.
    pub look_back_every: u64,
}

/// The result.
#[derive(Debug, Clone, Serialize)]
pub struct WebhookReport {
    /// From the first request to the last decision.
    #[serde(rename = "load_seconds", serialize_with = "as_seconds")]
    pub load: Duration,
    /// Tries per second of that time.
    pub requests_per_second: f64,
    /// Changes per second of that time: each is a message for each endpoint.
    pub changes_per_second: f64,
    /// How long after that the receivers that accept everything were complete; nothing if they never were.
    #[serde(rename = "arrived_after_seconds", serialize_with = "as_optional_seconds")]
    pub arrived_after: Option<Duration>,
    /// Each receiver.
    pub receivers: Vec<ReceiverReport>,
    /// Whether no rule was broken.
    pub verdict: Verdict,
}

/// What one receiver got.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiverReport {
    /// How it behaves.
    pub behaviour: String,
    /// Its endpoint.
    pub endpoint: Uuid,
    /// All arrivals.
    pub received: usize,
    /// Messages, each counted once however often it came.
    pub messages: usize,
    /// Repeated arrivals under the same id.
    pub again: usize,
    /// From the answer that reported a change to its message's first arrival, where a client got the answer.
    /// Messages that came before the answer count as 0.
    pub lag: Option<Latency>,
    /// The rules that its messages broke, and how often.
    pub broken: BTreeMap<&'static str, usize>,
}

impl WebhookReport {
    /// Whether no rule was broken.
    pub fn is_clean(&self) -> bool {
        self.verdict.is_clean()
    }
}

/// Starts receivers, runs the workload, waits until the receivers are complete, and judges answers and messages.
///
/// Broken rules are in the report, not an error.
///
/// # Errors
///
/// If nothing could be measured: invalid options, no endpoint or event could be created, or the final state could
/// not be read.
pub async fn run(options: WebhookOptions) -> anyhow::Result<WebhookReport> {
    anyhow::ensure!(!options.receivers.is_empty(), "at least one receiver is needed");
    anyhow::ensure!(!options.load.urls.is_empty(), "at least one URL is needed");
    let api = Api::new(&options.load.urls[0], options.load.limits.clone())?;
    let api = api.with_token(options.load.token.clone());
    let receivers = Receivers::start(&options.receivers, options.look_back_every)?;
    receivers.subscribe(&api).await?;
    // Until all servers know the endpoints.
    tokio::time::sleep(HEARD_WITHIN).await;
    let ran = workload::run(options.load).await;
    let (mut history, pace) = match ran {
        Ok(ran) => ran,
        Err(error) => {
            receivers.unsubscribe(&api).await;
            return Err(error);
        }
    };
    let arrived_after = receivers.finish(&mut history, pace.began, options.arrive_within).await;
    receivers.unsubscribe(&api).await;
    let verdict = judge(&history);
    let seconds = pace.load.as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(WebhookReport {
        load: pace.load,
        requests_per_second: verdict.operations as f64 / seconds,
        changes_per_second: verdict.changes as f64 / seconds,
        arrived_after,
        receivers: reports(&receivers, &history, &verdict),
        verdict,
    })
}

fn reports(receivers: &Receivers, history: &History, verdict: &Verdict) -> Vec<ReceiverReport> {
    let answered_at = answered_at(history);
    let receivers = receivers.all().iter();
    let receivers =
        receivers.filter_map(|receiver| Some((receiver.endpoint()?, receiver.behaviour())));
    receivers
        .map(|(endpoint, behaviour)| {
            let mut seen = HashSet::new();
            let (mut received, mut again) = (0, 0);
            let mut lags = Histogram::new_with_bounds(1, LAG_MICROS_MAX, 3)
                .expect("the bounds are constants that hdrhistogram takes");
            for receipt in history.receipts.iter().filter(|one| one.endpoint == endpoint) {
                received += 1;
                if !seen.insert(receipt.id.as_str()) {
                    again += 1;
                    continue;
                }
                let data = receipt.message.as_ref().map(|message| &message.data);
                let answered_at =
                    data.and_then(|data| answered_at.get(&(data.event_id, data.version)));
                if let Some(answered_at) = answered_at {
                    lags.saturating_record(receipt.received_at.saturating_sub(*answered_at));
                }
            }
            let mut broken = BTreeMap::new();
            for violation in &verdict.violations {
                if violation.breach.endpoint() == Some(endpoint) {
                    *broken.entry(violation.breach.rule()).or_default() += 1;
                }
            }
            ReceiverReport {
                behaviour: behaviour.to_string(),
                endpoint,
                received,
                messages: seen.len(),
                again,
                lag: (!lags.is_empty()).then(|| Latency::of(&lags)),
                broken,
            }
        })
        .collect()
}

/// When the first answer with a version arrived.
fn answered_at(history: &History) -> HashMap<(Uuid, u64), u64> {
    let mut answered_at = HashMap::new();
    for operation in &history.operations {
        let Answer::Decided(decided) = &operation.answer else { continue };
        if !decided.is_success()
            || matches!(operation.request, Request::Read | Request::Visit { .. })
        {
            continue;
        }
        let of_registration = decided.registration.as_ref().map(|shown| shown.event_version);
        let of_event = decided.event.as_ref().map(|shown| shown.version);
        for version in of_registration.into_iter().chain(of_event) {
            let first =
                answered_at.entry((operation.event_id, version)).or_insert(operation.answered_at);
            *first = operation.answered_at.min(*first);
        }
    }
    answered_at
}

impl fmt::Display for WebhookReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, requests_per_second, changes_per_second, .. } = self;
        let load = load.as_secs_f64();
        writeln!(
            f,
            "{load:.1} s, {requests_per_second:.0} requests and {changes_per_second:.0} changes a second"
        )?;
        match self.arrived_after {
            Some(after) => {
                writeln!(f, "everything had arrived {:.3} s later", after.as_secs_f64())?;
            }
            None => writeln!(f, "NOT EVERYTHING ARRIVED")?,
        }
        for receiver in &self.receivers {
            writeln!(f, "{receiver}")?;
        }
        fmt::Display::fmt(&self.verdict, f)
    }
}

impl fmt::Display for ReceiverReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { behaviour, received, messages, again, .. } = self;
        write!(f, "{behaviour:<14} received {received}: {messages} messages, {again} again; ")?;
        match self.lag {
            None => f.write_str("no lag to be told")?,
            Some(lag) => {
                let [p50, p99, max] = [lag.p50_micros, lag.p99_micros, lag.max_micros]
                    .map(|micros| micros as f64 / 1e3);
                write!(f, "lag p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")?;
            }
        }
        for (rule, count) in &self.broken {
            write!(f, "; {count} {rule}")?;
        }
        Ok(())
    }
}
