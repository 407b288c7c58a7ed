//! What every cell has a copy of: organizers' tokens, since its events name their organizers, and endpoints, since its
//! facts are routed to them.
//!
//! A change is made in the home first, and then in the other cells. A cell that missed one is repaired before any more
//! of its facts are routed: at once by the server that noticed, within
//! [`COPIES_CHECKED_EVERY`](crate::COPIES_CHECKED_EVERY) by every other. What a cell has and the home has not was
//! deleted: the cell is read before the home, and no cell has anything that the home never had.

use crate::cell::{Cell, CellError, Due};
use crate::fan_out::{Deadline, Request, SILENT_WAIT};
use crate::store::{Cells, HOME};
use booking_core::{
    Endpoint, EndpointChange, MAIL_SEEN_KEPT, NewEndpoint, NewToken, OrganizerToken, StoreError,
    WhyDisabled,
};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long the repair of a cell waits for the home: so much less than
/// [`ANSWER_WAIT`](crate::ANSWER_WAIT) that a home which hangs makes no other cell look silent.
const HOME_WAIT: Duration = Duration::from_millis(500);

impl Cells {
    /// Repeats in all other cells what was done in the home. A cell where that fails, or where `copy` returns that
    /// it came too early, is repaired later.
    pub(crate) async fn copy_to_others<R>(&self, copy: impl Fn(Arc<Cell>) -> R)
    where
        R: Future<Output = Result<bool, StoreError>> + Send + 'static,
    {
        let others = self.cells.iter().enumerate().filter(|(at, _)| *at != HOME);
        let requests = others.map(|(at, cell)| {
            let request: Request<bool> = Box::pin(copy(Arc::clone(cell)));
            (at, request)
        });
        let requests = requests.collect();
        drop(copy);
        let results = self.fan_out(Deadline::Short, requests).await;
        let early = results.answers.iter().filter(|(_, done)| !done).map(|(at, _)| *at);
        for at in early.chain(results.failures.iter().map(|(at, _)| *at)) {
            self.cells[at].note_missed();
        }
    }

    /// Copies the home's tokens into a cell that lacks them.
    pub(crate) async fn copy_tokens_to(&self, at: usize) -> Result<(), StoreError> {
        let (cell, home) = (&self.cells[at], self.home());
        match copy_tokens(cell, home).await? {
            true => Ok(()),
            false => Err(home.not_asked()),
        }
    }

    /// Records that mail is sent here.
    pub(crate) fn note_mail_shown(&self) {
        let mut shown_at = self.mail_shown_at.lock().unwrap_or_else(PoisonError::into_inner);
        *shown_at = Some(Instant::now());
    }

    /// Whether mail was reported as sent here recently enough to count.
    pub(crate) fn is_mail_shown(&self) -> bool {
        let shown_at = *self.mail_shown_at.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = MAIL_SEEN_KEPT.to_std().unwrap_or_default();
        shown_at.is_some_and(|at| at.elapsed() < kept)
    }
}

/// Repairs a cell's copies if they may be incomplete. Returns whether the cell may be used: not if it is known to lack
/// something and the home does not answer.
///
/// # Errors
/// The cell's own; not those of the home.
pub(crate) async fn mend(cell: &Cell, home: &Cell, shows_mail: bool) -> Result<bool, StoreError> {
    let due = cell.copies_due();
    match due {
        Due::Nothing => return Ok(true),
        // While the home is away nothing can be changed there either.
        Due::Check => {
            copy_endpoints(cell, home).await?;
        }
        Due::MakeGood(_) => {
            if !copy_endpoints(cell, home).await? || !copy_tokens(cell, home).await? {
                return Ok(false);
            }
            if shows_mail {
                cell.store.show_mail().await?;
            }
        }
    }
    cell.note_copies(due);
    Ok(true)
}

/// Makes a cell's endpoints those of the home, if the home answers.
async fn copy_endpoints(cell: &Cell, home: &Cell) -> Result<bool, StoreError> {
    // The cell before the home: see above.
    let copies = cell.store.endpoints().await?;
    let Some(endpoints) = answer_in_time(home, home.store.endpoints()).await else {
        return Ok(false);
    };
    let mut copies: HashMap<_, _> = copies.into_iter().map(|copy| (copy.id, copy)).collect();
    let mut lacking = Vec::new();
    for endpoint in &endpoints {
        match copies.remove(&endpoint.id) {
            None => lacking.push(endpoint),
            Some(copy) if !is_copy(&copy, endpoint) => {
                cell.store.change_endpoint(endpoint.id, change_to(endpoint)).await?;
            }
            Some(_) => {}
        }
    }
    // This makes room for the others.
    for deleted in copies.into_keys() {
        cell.store.delete_endpoint(deleted).await?;
    }
    for endpoint in lacking {
        if !copy_endpoint(cell, endpoint).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The home's answer, if it comes in time.
async fn answer_in_time<T>(
    home: &Cell,
    request: impl Future<Output = Result<T, StoreError>>,
) -> Option<T> {
    let wait = if home.answers() { HOME_WAIT } else { SILENT_WAIT };
    match timeout(wait, request).await {
        Ok(answer) => home.note(answer).ok(),
        Err(_) => {
            home.note_slow();
            None
        }
    }
}

/// Whether a copy agrees in what its cell uses: which facts go where. How deliveries go is recorded in the home
/// alone.
pub(crate) fn is_copy(copy: &Endpoint, endpoint: &Endpoint) -> bool {
    copy.url == endpoint.url
        && copy.types == endpoint.types
        && copy.includes_person == endpoint.includes_person
        && copy.secret == endpoint.secret
        && copy.disabled.is_some() == endpoint.disabled.is_some()
}

pub(crate) fn change_to(endpoint: &Endpoint) -> EndpointChange {
    let why = endpoint.disabled.map(|(_, why): (_, WhyDisabled)| why);
    EndpointChange {
        url: Some(endpoint.url.clone()),
        types: Some(endpoint.types.clone()),
        includes_person: Some(endpoint.includes_person),
        secret: Some(endpoint.secret),
        enabled: Some(why.map_or(Ok(()), Err)),
    }
}

/// Copies an endpoint into a cell. Returns whether there was room: there is none while deleted ones are still there.
pub(crate) async fn copy_endpoint(cell: &Cell, endpoint: &Endpoint) -> Result<bool, StoreError> {
    let new = NewEndpoint {
        id: endpoint.id,
        organizer_id: endpoint.organizer_id,
        event_id: endpoint.event_id,
        url: endpoint.url.clone(),
        types: endpoint.types.clone(),
        includes_person: endpoint.includes_person,
        secret: endpoint.secret,
    };
    let Some(copy) = cell.store.create_endpoint(new).await? else { return Ok(false) };
    if !is_copy(&copy, endpoint) {
        cell.store.change_endpoint(endpoint.id, change_to(endpoint)).await?;
    }
    Ok(true)
}

/// Copies the tokens that a cell lacks, if the home answers.
async fn copy_tokens(cell: &Cell, home: &Cell) -> Result<bool, StoreError> {
    let copies = cell.store.tokens().await?;
    let copies: HashMap<_, _> = copies.iter().map(|copy| (copy.id, copy.revoked_at)).collect();
    let Some(tokens) = answer_in_time(home, home.store.tokens()).await else { return Ok(false) };
    // Oldest first, as they were made.
    for token in tokens.iter().rev() {
        match copies.get(&token.id) {
            None => {
                if !copy_token(cell, token).await? {
                    return Err(StoreError::broken(CellError::NoRoom(cell.name.clone())));
                }
            }
            Some(None) if token.revoked_at.is_some() => {
                cell.store.revoke_token(token.id).await?;
            }
            Some(_) => {}
        }
    }
    Ok(true)
}

/// Copies a token into a cell, and returns whether there was room.
pub(crate) async fn copy_token(cell: &Cell, token: &OrganizerToken) -> Result<bool, StoreError> {
    let new = NewToken {
        role: token.role,
        events: token.events.clone(),
        ..NewToken::new(token.id, token.organizer.clone(), token.hash)
    };
    let Some(copy) = cell.store.create_token(new).await? else { return Ok(false) };
    if copy.organizer.id != token.organizer.id {
        // The cell was a database of its own before: its events can name this organizer by another id
        // alone.
        log::error!(
            "cell {}: organizer {} is {} there, and {} in the home",
            cell.name,
            copy.organizer.name,
            copy.organizer.id,
            token.organizer.id
        );
    }
    if token.revoked_at.is_some() && copy.revoked_at.is_none() {
        cell.store.revoke_token(token.id).await?;
    }
    Ok(true)
}
