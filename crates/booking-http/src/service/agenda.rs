//! Events in the order of their start, as a client searches them.

use crate::api::agenda::AgendaQuery;
use crate::problem::ApiError;
use crate::service::reads::Reads;
use booking_admission::SubmitError;
use booking_core::{
    BookingStore, Caller, CellName, Event, EventId, Page, PageLimit, SearchText, StartCursor,
    StoreError, folded,
};
use chrono::Utc;
use std::cmp::Reverse;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// How long events are searched for a part of a name. Then a page ends.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// How many clients do so at once: it is public, and reads whole events. Others wait as long for their turn, and
/// are refused then.
const LOOKS_MAX: usize = 4;

static LOOKS: Semaphore = Semaphore::const_new(LOOKS_MAX);

/// A page of the matching events that `caller` may see.
///
/// # Errors
/// [`SubmitError::Overloaded`]; the store's.
pub(crate) async fn list(
    store: &dyn BookingStore,
    caller: Caller,
    asked: &AgendaQuery,
) -> Result<Page<Event, StartCursor>, ApiError> {
    let AgendaQuery { agenda, text, after, limit } = asked;
    let Some(text) = text else {
        return Ok(store.events_by_start(caller, *agenda, *after, *limit).await?);
    };
    let turn = timeout(LOOK_WITHIN, LOOKS.acquire()).await;
    let _turn = turn.map_err(|_| ApiError::Submit(SubmitError::Overloaded))?;
    let until = Instant::now() + LOOK_WITHIN;
    let (mut items, mut after) = (Vec::new(), *after);
    let mut missing: Vec<CellName> = Vec::new();
    loop {
        let page = store.events_by_start(caller, *agenda, after, PageLimit::MAX).await?;
        missing.extend(page.missing);
        items.extend(page.items.into_iter().filter(|event| is_found(event, text)));
        after = page.next;
        if items.len() > limit.get() || after.is_none() {
            break;
        }
        if Instant::now() > until {
            return Ok(Page { items, next: after, missing: once(missing) });
        }
    }
    Ok(Page { missing: once(missing), ..Page::new(items, *limit) })
}

/// The same for the few events in `ids` alone.
pub(crate) async fn list_among(
    reads: &Reads,
    caller: Caller,
    ids: &[EventId],
    asked: &AgendaQuery,
) -> Result<Page<Event, StartCursor>, StoreError> {
    let AgendaQuery { agenda, text, after, limit } = asked;
    let (now, after) = (Utc::now(), after.map(StartCursor::key));
    let key = |event: &Event| StartCursor::from(event).key();
    let mut events = reads.found_among(caller, ids).await?;
    events.retain(|event| {
        agenda.takes(event, now) && text.as_ref().is_none_or(|text| is_found(event, text))
    });
    match agenda.is_latest_first() {
        true => {
            events.retain(|event| after.is_none_or(|after| key(event) < after));
            events.sort_by_key(|event| Reverse(key(event)));
        }
        false => {
            events.retain(|event| after.is_none_or(|after| key(event) > after));
            events.sort_by_key(key);
        }
    }
    Ok(Page::new(events, *limit))
}

fn is_found(event: &Event, text: &SearchText) -> bool {
    let venue = event.details.venue.as_ref();
    text.is_in(&folded(event.details.name.as_str()))
        || venue.is_some_and(|venue| text.is_in(&folded(venue.as_str())))
}

/// Each name once.
fn once(names: Vec<CellName>) -> Vec<CellName> {
    let mut known: Vec<CellName> = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}
