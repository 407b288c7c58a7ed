//! Transactions that wrote nothing: their ROLLBACK is sent, and a refused caller does not wait for its answer.

use crate::connection::{Lease, PgPool};
use crate::error::PgError;
use booking_core::ErrorChain;
use futures_util::future::ready;
use futures_util::stream::TryStreamExt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::timeout;
use uuid::Uuid;

const ROLLBACK: &str = "ROLLBACK";
/// The longest wait for its answer. Then its connection is closed, which ends the transaction, too.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Connections on which a ROLLBACK was sent that is not answered yet. Until then their events are locked, so that on
/// another connection the next batch would find them busy; on the same one it goes out behind the ROLLBACK.
#[derive(Clone, Default)]
pub(crate) struct Rollbacks(Arc<Mutex<UnderWay>>);

#[derive(Default)]
struct UnderWay {
    begun: u64,
    all: Vec<RollingBack>,
}

struct RollingBack {
    number: u64,
    connection: Lease,
    /// The ids of the events whose rows it may have locked, in order.
    event_ids: Vec<Uuid>,
    end: oneshot::Receiver<Result<(), PgError>>,
}

/// The end of the previous transaction on a connection: wait for it together with one's own first answers, none of
/// which counts if it failed.
pub(crate) struct End(Option<oneshot::Receiver<Result<(), PgError>>>);

impl End {
    pub(crate) async fn wait(self) -> Result<(), PgError> {
        match self.0 {
            None => Ok(()),
            Some(end) => end.await.unwrap_or(Err(PgError::Timeout(ANSWERED_WITHIN))),
        }
    }
}

impl Rollbacks {
    /// A connection for a transaction over events, whose ids are in order: one on which a ROLLBACK of theirs is in
    /// progress, or any of `pool`.
    pub(crate) async fn connection_for(
        &self,
        pool: &PgPool,
        event_ids: &[Uuid],
    ) -> Result<(Lease, End), PgError> {
        let mut found = None;
        for RollingBack { connection, end, .. } in self.take(event_ids) {
            // A bad one is closed, and not waited for.
            if !connection.is_good() {
                continue;
            }
            let end = End(Some(end));
            if found.is_none() {
                found = Some((connection, end));
            } else if end.wait().await.is_ok() {
                connection.give_back();
            }
        }
        match found {
            Some(found) => Ok(found),
            None => Ok((Lease::from(pool).await?, End(None))),
        }
    }

    /// Sends ROLLBACK to end a transaction over events, whose ids are in order. The connection goes back into `pool`
    /// when that is answered, unless a later transaction uses it before.
    pub(crate) async fn roll_back(
        &self,
        pool: &PgPool,
        connection: Lease,
        event_ids: Vec<Uuid>,
    ) -> Result<(), PgError> {
        let named = |source| PgError::new(ROLLBACK, source);
        let answer = connection.simple_query_raw(ROLLBACK).await.map_err(named)?;
        let (sender, end) = oneshot::channel();
        let number = self.add(connection, event_ids, end);
        let (pool, rollbacks) = (pool.clone(), self.clone());
        tokio::spawn(async move {
            let answered = timeout(ANSWERED_WITHIN, answer.try_for_each(|_| ready(Ok(())))).await;
            let ended = match answered {
                Ok(ended) => ended.map_err(named),
                Err(_) => Err(PgError::Timeout(ANSWERED_WITHIN)),
            };
            match (rollbacks.remove(number), ended) {
                // A later transaction uses it, and gets this result there.
                (None, ended) => drop(sender.send(ended)),
                (Some(left), Ok(())) => left.connection.give_back(),
                (Some(left), Err(error)) => {
                    drop(left);
                    log::warn!("a connection is closed: {}", ErrorChain(&error));
                    if error.casts_doubt() {
                        pool.doubt();
                    }
                }
            }
        });
        // A task of the driver sends it.
        yield_now().await;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        &self,
        connection: Lease,
        event_ids: Vec<Uuid>,
        end: oneshot::Receiver<Result<(), PgError>>,
    ) -> u64 {
        let mut under_way = self.lock();
        under_way.begun += 1;
        let number = under_way.begun;
        under_way.all.push(RollingBack { number, connection, event_ids, end });
        number
    }

    fn remove(&self, number: u64) -> Option<RollingBack> {
        let all = &mut self.lock().all;
        let at = all.iter().position(|one| one.number == number)?;
        Some(all.swap_remove(at))
    }

    /// Those that have locked one of these events.
    fn take(&self, event_ids: &[Uuid]) -> Vec<RollingBack> {
        let all = &mut self.lock().all;
        let has_one =
            |one: &RollingBack| one.event_ids.iter().any(|id| event_ids.binary_search(id).is_ok());
        let (taken, left) = mem::take(all).into_iter().partition(has_one);
        *all = left;
        taken
    }
}
