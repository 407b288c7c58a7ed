//! The flash sale: far more clients than seats, all at once.

use crate::api::{Api, CallError, Event, NewEvent};
use crate::backoff::{Backoff, RetryPolicy};
use crate::cpu;
pub use crate::options::FlashOptions;
use crate::report::{FlashReport, Measured};
use crate::storm::{Storm, email_of};
use crate::verify::{self, Breach, Client, ServerView, Violation};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the bar is drawn. Drawing it for each answer would distort what is measured.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Creates an event, storms it, and verifies on every server that its state matches the answers.
///
/// Broken rules are in the report, not an error.
///
/// # Errors
///
/// If nothing could be measured: invalid options, or no event could be created.
pub async fn run(options: FlashOptions) -> anyhow::Result<FlashReport> {
    anyhow::ensure!(!options.urls.is_empty(), "at least one URL is needed");
    anyhow::ensure!(options.seats > 0, "at least one seat is needed");
    anyhow::ensure!(options.clients > 0, "at least one client is needed");
    anyhow::ensure!(options.concurrency > 0, "a concurrency of at least one is needed");
    let apis: Vec<Api> = options
        .urls
        .iter()
        .map(|url| Ok(Api::new(url, options.limits.clone())?.with_token(options.token.clone())))
        .collect::<anyhow::Result<_>>()?;

    // Each connection is an open file, and the 1,024 that shells allow at first are soon used up. If the limit
    // cannot be raised, the connections that fail will show it.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let event = create_event(&apis[0], &options).await?;
    let each = options.concurrency.min(options.clients as usize).div_ceil(apis.len());
    for api in &apis {
        api.client().warm_up(each).await;
    }

    let storm = Storm::new(apis.clone(), event.id.clone(), options.clone());
    let measured = measure(&storm, &options).await;
    let results = std::mem::take(&mut storm.tally().results);
    let clients: Vec<Client> =
        (0..).zip(results).map(|(n, result)| Client { email: email_of(n), result }).collect();

    let mut violations = locate(None, verify::answers(options.seats, &clients));
    for (url, api) in options.urls.iter().zip(&apis) {
        let breaches = match read_back(api, &event.id, options.retry_policy()).await {
            Ok(shown) => verify::listing(options.seats, &clients, &shown),
            Err(error) => {
                vec![Breach::Unreadable { what: format!("{:#}", anyhow::Error::new(error)) }]
            }
        };
        violations.extend(locate(Some(url), breaches));
    }
    Ok(FlashReport::new(event.id, &options, &storm.tally(), measured, &clients, violations))
}

async fn create_event(api: &Api, options: &FlashOptions) -> anyhow::Result<Event> {
    let event = NewEvent {
        name: format!("Flash sale of {} seats", options.seats),
        description: None,
        capacity: options.seats,
    };
    patiently(options.retry_policy(), || api.create_event(&event))
        .await
        .with_context(|| format!("cannot create an event at {}", options.urls[0]))
}

async fn measure(storm: &Arc<Storm>, options: &FlashOptions) -> Measured {
    let bar =
        options.progress.then(|| tokio::spawn(show_progress(Arc::clone(storm), options.clients)));
    let cpu_before = cpu::process_time();
    let began = Instant::now();
    storm.blow().await;
    let wall = began.elapsed();
    let process_cpu =
        cpu_before.and_then(|before| Some(cpu::process_time()?.saturating_sub(before)));
    if let Some(bar) = bar {
        bar.abort();
    }
    Measured { wall, process_cpu }
}

async fn show_progress(storm: Arc<Storm>, clients: u32) {
    let bar = ProgressBar::with_draw_target(Some(clients.into()), ProgressDrawTarget::stderr());
    let style = "{elapsed} {wide_bar} {pos}/{len} clients, {per_sec}";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is a constant"));
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    loop {
        ticks.tick().await;
        bar.set_position(storm.finished().into());
    }
}

async fn read_back(
    api: &Api,
    event_id: &str,
    retry_policy: RetryPolicy,
) -> Result<ServerView, CallError> {
    let event = patiently(retry_policy, || api.event(event_id)).await?;
    let registrations = patiently(retry_policy, || api.registrations(event_id)).await?;
    Ok(ServerView { booked_count: event.booked_count, capacity: event.capacity, registrations })
}

/// Retries while the server is away or overloaded. Only for calls that may be repeated.
async fn patiently<T, F: Future<Output = Result<T, CallError>>>(
    retry_policy: RetryPolicy,
    call: impl Fn() -> F,
) -> Result<T, CallError> {
    let mut backoff = Backoff::new(retry_policy);
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let retry_after = match &error {
            CallError::Transport(_) => None,
            CallError::Refused(problem) if problem.status == 429 || problem.status >= 500 => {
                problem.retry_after
            }
            CallError::Refused(_) | CallError::Malformed { .. } => return Err(error),
        };
        let Some(pause) = backoff.after_failure(retry_after) else { return Err(error) };
        tokio::time::sleep(pause).await;
    }
}

fn locate(server: Option<&String>, breaches: Vec<Breach>) -> Vec<Violation> {
    let at = |breach| Violation { server: server.cloned(), breach };
    breaches.into_iter().map(at).collect()
}
