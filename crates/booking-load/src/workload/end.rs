//! The end of a run: what only time could change is decided, and then everything is read.

use super::{Run, wire};
use crate::client::Answer as HttpAnswer;
use crate::judge::{
    Answer, EndEvent, EndRegistration, Entry, History, Request, Shown, ShownEvent, Status,
};
use crate::link;
use anyhow::{Context, ensure};
use hyper::StatusCode;
use hyper::header::ETAG;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long the servers may take until they can be read.
const READABLE_WITHIN: Duration = Duration::from_secs(60);
/// How often what is held is confirmed: what runs out meanwhile is offered to the next in line. A
/// server that still has something then is read as it is, for the judge to say what that is.
const ROUNDS_MAX: usize = 10;
/// How long the servers may take to tidy what time has changed; after that they are read as they are.
const TIDY_WITHIN: Duration = Duration::from_secs(3);

/// Confirms whatever is held or offered, so that time changes nothing any more; then reads all of it.
pub(super) async fn settle_and_read(run: &Arc<Run>, history: &mut History) -> anyhow::Result<()> {
    for event in 0..run.events.len() {
        let id = run.events[event].id;
        settle(run, id, history).await?;
        let shown = settled(run, id).await?;
        let rows = rows(run, id).await?;
        let rows = with_positions(run, rows).await?;
        history.events.push(EndEvent { id, shown });
        let row = |shown| EndRegistration { event_id: id, shown, history: None };
        history.registrations.extend(rows.into_iter().map(row));
    }
    let wanted = without_whole_story(history);
    let entries = entries(run, wanted).await?;
    for row in &mut history.registrations {
        row.history = entries.get(&row.shown.id).cloned();
    }
    Ok(())
}

async fn settle(run: &Arc<Run>, event_id: Uuid, history: &mut History) -> anyhow::Result<()> {
    let mut before = Vec::new();
    for round in 0..ROUNDS_MAX {
        settled(run, event_id).await?;
        let rows = rows(run, event_id).await?;
        let held: Vec<Uuid> = rows
            .iter()
            .filter(|row| matches!(row.status, Status::Held | Status::Offered))
            .map(|row| row.id)
            .collect();
        if held.is_empty() || held == before {
            return Ok(());
        }
        before.clone_from(&held);
        let confirm = {
            let run = Arc::clone(run);
            move |id: Uuid| {
                let run = Arc::clone(&run);
                async move {
                    let key = format!("{}-settle-{round}-{id}", run.options.seed);
                    let request = Request::Confirm { id };
                    Ok(run.decide(u32::MAX, 0, event_id, key, &request, None).await)
                }
            }
        };
        let tries = for_each(held, run.options.clients, confirm).await?;
        history.operations.extend(tries.into_iter().flatten());
    }
    Ok(())
}

/// The event, once its version names all that was changed.
async fn settled(run: &Run, event_id: Uuid) -> anyhow::Result<ShownEvent> {
    let began = Instant::now();
    loop {
        let answer = get(run, &format!("events/{event_id}")).await?;
        let is_settled = answer.headers.contains_key(ETAG);
        if is_settled || began.elapsed() > TIDY_WITHIN {
            return Ok(ShownEvent { is_settled, ..decode(&answer)? });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All registrations that an event ever had.
async fn rows(run: &Run, event_id: Uuid) -> anyhow::Result<Vec<Shown>> {
    let mut path = format!("events/{event_id}/registrations?status=all");
    let mut all = Vec::new();
    loop {
        let answer = get(run, &path).await?;
        let page: Vec<Shown> = decode(&answer)?;
        ensure!(!page.is_empty() || all.is_empty(), "an empty page after {path}");
        all.extend(page);
        match link::next(&answer.headers) {
            None => return Ok(all),
            Some(next) => next.trim_start_matches('/').clone_into(&mut path),
        }
    }
}

/// The same, where those who wait have their places in the queue, which a list does not tell.
async fn with_positions(run: &Arc<Run>, mut rows: Vec<Shown>) -> anyhow::Result<Vec<Shown>> {
    let read = {
        let run = Arc::clone(run);
        move |id: Uuid| {
            let run = Arc::clone(&run);
            async move {
                let shown: Shown = decode(&get(&run, &format!("registrations/{id}")).await?)?;
                Ok((id, shown))
            }
        }
    };
    let waiting = rows.iter().filter(|row| row.status == Status::Waitlisted).map(|row| row.id);
    let waiting = for_each(waiting.collect(), run.options.clients, read).await?;
    let mut waiting: HashMap<Uuid, Shown> = waiting.into_iter().collect();
    for row in &mut rows {
        if let Some(shown) = waiting.remove(&row.id) {
            *row = shown;
        }
    }
    Ok(rows)
}

/// Those of whom the answers do not tell everything: whoever time could change, or more than one could
/// act on, or of whom something is not as the answers say.
fn without_whole_story(history: &History) -> Vec<Uuid> {
    #[derive(Default)]
    struct Told {
        versions: Vec<u64>,
        is_more: bool,
    }
    let mut told: HashMap<Uuid, Told> = HashMap::new();
    for operation in &history.operations {
        if let Some(id) = crate::judge::named(&operation.request)
            && !matches!(operation.request, Request::Cancel { .. })
        {
            told.entry(id).or_default().is_more = true;
        }
        let Answer::Decided(decided) = &operation.answer else { continue };
        let Some(shown) = &decided.registration else { continue };
        let told = told.entry(shown.id).or_default();
        match (&operation.request, shown.status) {
            (Request::Register { .. }, Status::Confirmed)
            | (Request::Cancel { .. }, Status::Cancelled) => {
                told.versions.push(shown.event_version);
            }
            _ => told.is_more = true,
        }
    }
    let is_known = |row: &&EndRegistration| {
        let told = told.get(&row.shown.id);
        told.is_some_and(|told| !told.is_more && told.versions.contains(&row.shown.event_version))
    };
    let rows = history.registrations.iter();
    rows.filter(|row| !is_known(row)).map(|row| row.shown.id).collect()
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
                    // A server that cannot tell it any more: the judge will miss what is in it.
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

/// Does `work` for each id, `width` at a time.
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

/// The server says that something is wrong with itself, and goes on saying so.
#[derive(Debug, thiserror::Error)]
#[error("the server fails")]
struct Broken;

/// Reads a page from any server that gives it.
async fn get(run: &Run, path: &str) -> anyhow::Result<HttpAnswer> {
    let began = Instant::now();
    for turn in 0.. {
        let answer = wire::get(&run.apis[turn % run.apis.len()], path).await;
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
