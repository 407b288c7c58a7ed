//! The end of a run: whatever only time could change is decided, and then everything is read.

use super::Run;
use super::requests::{self, RequestExtras};
use crate::client::Answer as HttpAnswer;
use crate::judge::{
    Answer, EndEvent, EndRegistration, Entry, EventView, History, RegistrationView, Request, Status,
};
use crate::link;
use anyhow::{Context, ensure};
use hyper::StatusCode;
use hyper::header::ETAG;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long the servers may take until they can be read.
const READABLE_WITHIN: Duration = Duration::from_secs(60);
/// How often held registrations are confirmed, or given up where that is impossible: a seat that comes free
/// meanwhile is offered to the next on the waitlist. If a server still has some then, its state is read as it is,
/// for the judge to report.
const ROUNDS_MAX: usize = 10;
/// How often the final state is read again because something changed meanwhile. After that it is judged as it was
/// read: a server that contradicts itself is to be caught, and not waited for.
const END_TRIES_MAX: usize = 12;
/// For how long it is read again, as each time waits for the servers to sweep.
const END_WITHIN: Duration = Duration::from_secs(30);
/// The pause before it is read again.
const END_PAUSE: Duration = Duration::from_millis(250);
/// How long the servers may take to sweep what has expired; after that they are read as they are.
const TIDY_WITHIN: Duration = Duration::from_secs(3);

/// The final state of one event, as it was read.
struct End {
    before: EventView,
    rows: Vec<RegistrationView>,
    entries: HashMap<Uuid, Vec<Entry>>,
    after: EventView,
}

impl End {
    /// Whether it is one state: nothing changed while it was read, nothing in it can still expire, and its rows
    /// match its counts. A row that has expired by a clock that is ahead is shown as ended without being so.
    fn is_one_state(&self) -> bool {
        let count =
            |is: fn(Status) -> bool| self.rows.iter().filter(|row| is(row.status)).count() as u64;
        self.before.is_settled
            && self.before == self.after
            && count(|status| matches!(status, Status::Held | Status::Offered)) == 0
            && count(Status::has_seat) == u64::from(self.before.booked_count)
            && count(|status| status == Status::Waitlisted) == u64::from(self.before.waitlist_count)
    }
}

/// Decides all holds and offers, so that time changes nothing any more; then reads everything.
pub(super) async fn settle_and_read(run: &Arc<Run>, history: &mut History) -> anyhow::Result<()> {
    for event in 0..run.events.len() {
        let id = run.events[event].id;
        let (mut end, began) = (None, Instant::now());
        for turn in 0..END_TRIES_MAX {
            if turn > 0 {
                tokio::time::sleep(END_PAUSE).await;
            }
            settle(run, id, turn, history).await?;
            let read = read(run, event, history).await?;
            let is_read = read.is_one_state();
            end = Some(read);
            if is_read || began.elapsed() > END_WITHIN {
                break;
            }
        }
        let Some(End { before, rows, mut entries, .. }) = end else { continue };
        history.events.push(EndEvent { id, shown: before });
        history.registrations.extend(rows.into_iter().map(|shown| {
            let history = entries.remove(&shown.id);
            EndRegistration { event_id: id, shown, history }
        }));
    }
    Ok(())
}

/// Reads an event between two reads of its version.
async fn read(run: &Arc<Run>, event: usize, history: &History) -> anyhow::Result<End> {
    let id = run.events[event].id;
    let before = settled(run, id).await?;
    let rows = with_positions(run, rows(run, id).await?).await?;
    let wanted = match run.has_hours(event) {
        // The time of a change says whether it was too late.
        true => rows.iter().map(|row| row.id).collect(),
        false => without_whole_story(history, id, &rows),
    };
    let entries = entries(run, wanted).await?;
    let after = look(run, id).await?;
    Ok(End { before, rows, entries, after })
}

/// Confirms holds and offers. One that cannot be confirmed, since the event is over, is given up.
async fn settle(
    run: &Arc<Run>,
    event_id: Uuid,
    turn: usize,
    history: &mut History,
) -> anyhow::Result<()> {
    let mut tried: HashMap<Uuid, u8> = HashMap::new();
    for round in 0..ROUNDS_MAX {
        settled(run, event_id).await?;
        let rows = rows(run, event_id).await?;
        let held = rows.iter().filter(|row| matches!(row.status, Status::Held | Status::Offered));
        let held = held.map(|row| row.id).filter(|id| tried.get(id).is_none_or(|tries| *tries < 2));
        let held: Vec<Uuid> = held.collect();
        if held.is_empty() {
            return Ok(());
        }
        let again: HashSet<Uuid> =
            held.iter().copied().filter(|id| tried.contains_key(id)).collect();
        for id in &held {
            *tried.entry(*id).or_default() += 1;
        }
        let decide = {
            let (run, again) = (Arc::clone(run), Arc::new(again));
            move |id: Uuid| {
                let (run, again) = (Arc::clone(&run), Arc::clone(&again));
                async move {
                    let key = format!("{}-settle-{turn}-{round}-{id}", run.options.seed);
                    let request = match again.contains(&id) {
                        true => Request::Cancel { id },
                        false => Request::Confirm { id },
                    };
                    let decide =
                        run.decide(u32::MAX, 0, event_id, key, &request, RequestExtras::default());
                    Ok(decide.await.0)
                }
            }
        };
        let tries = for_each(held, run.options.clients, decide).await?;
        history.operations.extend(tries.into_iter().flatten());
    }
    Ok(())
}

/// The event, once its version covers all changes.
async fn settled(run: &Run, event_id: Uuid) -> anyhow::Result<EventView> {
    let began = Instant::now();
    loop {
        let shown = look(run, event_id).await?;
        if shown.is_settled || began.elapsed() > TIDY_WITHIN {
            return Ok(shown);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The event's present state.
async fn look(run: &Run, event_id: Uuid) -> anyhow::Result<EventView> {
    let answer = get(run, &format!("events/{event_id}")).await?;
    Ok(EventView { is_settled: answer.headers.contains_key(ETAG), ..decode(&answer)? })
}

/// All registrations that an event ever had.
async fn rows(run: &Run, event_id: Uuid) -> anyhow::Result<Vec<RegistrationView>> {
    let mut path = format!("events/{event_id}/registrations?status=all");
    let mut all = Vec::new();
    loop {
        let answer = get(run, &path).await?;
        let page: Vec<RegistrationView> = decode(&answer)?;
        ensure!(!page.is_empty() || all.is_empty(), "an empty page after {path}");
        all.extend(page);
        match link::next(&answer.headers) {
            None => return Ok(all),
            Some(next) => next.trim_start_matches('/').clone_into(&mut path),
        }
    }
}

/// The same, with the waitlist positions, which a list does not contain.
async fn with_positions(
    run: &Arc<Run>,
    mut rows: Vec<RegistrationView>,
) -> anyhow::Result<Vec<RegistrationView>> {
    let read = {
        let run = Arc::clone(run);
        move |id: Uuid| {
            let run = Arc::clone(&run);
            async move {
                let shown: RegistrationView =
                    decode(&get(&run, &format!("registrations/{id}")).await?)?;
                Ok((id, shown))
            }
        }
    };
    let waiting = rows.iter().filter(|row| row.status == Status::Waitlisted).map(|row| row.id);
    let waiting = for_each(waiting.collect(), run.options.clients, read).await?;
    let mut waiting: HashMap<Uuid, RegistrationView> = waiting.into_iter().collect();
    for row in &mut rows {
        if let Some(shown) = waiting.remove(&row.id) {
            *row = shown;
        }
    }
    Ok(rows)
}

/// The registrations that the answers do not describe completely: those that time or several clients could change,
/// or that differ from the answers.
fn without_whole_story(history: &History, event_id: Uuid, rows: &[RegistrationView]) -> Vec<Uuid> {
    #[derive(Default)]
    struct ClientResult {
        versions: Vec<u64>,
        is_more: bool,
    }
    let mut answers: HashMap<Uuid, ClientResult> = HashMap::new();
    let operations = history.operations.iter();
    for operation in operations.filter(|operation| operation.event_id == event_id) {
        if let Some(id) = crate::judge::named(&operation.request)
            && !matches!(operation.request, Request::Cancel { .. } | Request::Visit { .. })
        {
            answers.entry(id).or_default().is_more = true;
        }
        let Answer::Decided(decided) = &operation.answer else { continue };
        let Some(shown) = &decided.registration else { continue };
        let answers = answers.entry(shown.id).or_default();
        match (&operation.request, shown.status) {
            (Request::Register { .. }, Status::Confirmed)
            | (Request::Cancel { .. }, Status::Cancelled) => {
                answers.versions.push(shown.event_version);
            }
            // Reading changes nothing.
            (Request::Visit { .. }, _) => {}
            _ => answers.is_more = true,
        }
    }
    let is_known = |row: &&RegistrationView| {
        let answers = answers.get(&row.id);
        answers.is_some_and(|answers| {
            !answers.is_more && answers.versions.contains(&row.event_version)
        })
    };
    rows.iter().filter(|row| !is_known(row)).map(|row| row.id).collect()
}

async fn entries(run: &Arc<Run>, ids: Vec<Uuid>) -> anyhow::Result<HashMap<Uuid, Vec<Entry>>> {
    #[derive(Deserialize)]
    struct Page(Vec<Entry>);
    let read = {
        let run = Arc::clone(run);
        move |id: Uuid| {
            let run = Arc::clone(&run);
            async move {
                let path = format!("registrations/{id}/history");
                let answer = match get(&run, &path).await {
                    // The server cannot report it any more: the judge will miss what is in it.
                    Err(error) if error.is::<Broken>() => return Ok(None),
                    answer => answer?,
                };
                let Page(entries) = decode(&answer)?;
                Ok(Some((id, entries)))
            }
        }
    };
    Ok(for_each(ids, run.options.clients, read).await?.into_iter().flatten().collect())
}

/// Runs `work` for each id, `width` at a time.
async fn for_each<T: Send + 'static, F: Future<Output = anyhow::Result<T>> + Send + 'static>(
    ids: Vec<Uuid>,
    width: u32,
    work: impl Fn(Uuid) -> F + Clone + Send + Sync + 'static,
) -> anyhow::Result<Vec<T>> {
    let (ids, next) = (Arc::new(ids), Arc::new(AtomicUsize::new(0)));
    let mut workers = JoinSet::new();
    for _ in 0..width {
        let (ids, next, work) = (Arc::clone(&ids), Arc::clone(&next), work.clone());
        workers.spawn(async move {
            let mut done = Vec::new();
            while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push(work(*id).await?);
            }
            Ok(done)
        });
    }
    let done: anyhow::Result<Vec<Vec<T>>> = workers.join_all().await.into_iter().collect();
    Ok(done?.into_iter().flatten().collect())
}

/// The server persistently reports an internal error.
#[derive(Debug, thiserror::Error)]
#[error("the server fails")]
struct Broken;

/// Reads a page from any server that returns it.
async fn get(run: &Run, path: &str) -> anyhow::Result<HttpAnswer> {
    let began = Instant::now();
    for turn in 0.. {
        let answer = requests::get(&run.apis[turn % run.apis.len()], path).await;
        match answer {
            Ok(answer) if answer.status == StatusCode::OK => return Ok(answer),
            Ok(answer) if answer.status.is_client_error() => {
                anyhow::bail!("{path}: answered {}", answer.status);
            }
            Ok(answer) if answer.status == 500 && turn >= 2 => {
                return Err(Broken).context(path.to_owned());
            }
            Ok(answer) if began.elapsed() > READABLE_WITHIN => {
                anyhow::bail!("{path}: still answered {}", answer.status);
            }
            Err(error) if began.elapsed() > READABLE_WITHIN => {
                return Err(error).with_context(|| path.to_owned());
            }
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    unreachable!("the loop has no end of its own")
}

fn decode<T: DeserializeOwned>(answer: &HttpAnswer) -> anyhow::Result<T> {
    serde_json::from_slice(&answer.body).context("an answer against the contract")
}
