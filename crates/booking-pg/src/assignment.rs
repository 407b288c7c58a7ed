//! Assigning events without an organizer to one.

use crate::connection::Lease;
use crate::error::PgError;
use crate::rows;
use crate::sql::{self, BEGIN, Sql};
use crate::store::PgStore;
use crate::transaction::{Attempt, Name, run};
use booking_core::{OrganizerId, PageLimit, StoreError};
use futures_util::future::join;
use std::collections::HashSet;
use uuid::Uuid;

impl PgStore {
    /// Looks up the events before any row is locked. Those whose rows are free are assigned in one
    /// transaction, and the others each in its own: while we wait for one, no other transaction waits for
    /// us.
    pub(crate) async fn assign_events_of_nobody(
        &self,
        organizer_id: OrganizerId,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let found = self.look_through(sql::EVENT_OF_NOBODY, &[&(limit.get() as i64)]).await?;
        let mut left: Vec<Uuid> = found.iter().map(|row| row.get(0)).collect();
        let mut assigned = 0;
        if !left.is_empty() {
            let Assigned { count, seen } =
                self.assign(organizer_id, &left, self.locking.skip).await?;
            assigned += count;
            left.retain(|id| !seen.contains(id));
        }
        for id in left {
            match self.assign(organizer_id, &[id], self.locking.wait).await {
                Ok(one) => assigned += one.count,
                // An error would say that nothing was written. The next call will meet it again.
                Err(_) if assigned > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(assigned)
    }

    async fn assign(
        &self,
        organizer_id: OrganizerId,
        ids: &[Uuid],
        lock: Sql,
    ) -> Result<Assigned, StoreError> {
        run(self, &Name::of("assign_events"), |attempt| {
            Box::pin(async move { self.attempt_assign(organizer_id, ids, lock, &attempt).await })
        })
        .await
    }

    /// Locks as [`execute`](crate::execute) does.
    async fn attempt_assign(
        &self,
        organizer_id: OrganizerId,
        ids: &[Uuid],
        lock: Sql,
        attempt: &Attempt,
    ) -> Result<Assigned, PgError> {
        // Events that an earlier attempt may have assigned must be looked up.
        let lock = if attempt.must_find_out() { self.locking.wait } else { lock };
        let connection = Lease::from(&self.pool).await?;
        let lock = connection.prepare(lock).await?;
        let assign = connection.prepare(sql::EVENT_ASSIGN).await?;
        let (begun, locked) =
            join(connection.command(BEGIN), connection.rows(&lock, &[&ids])).await;
        begun?;
        let locked = locked?.iter().map(rows::event_state).collect::<Result<Vec<_>, _>>()?;
        let of_nobody = locked.iter().filter(|state| state.organizer_id.is_none());
        let of_nobody: Vec<Uuid> = of_nobody.map(|state| state.id.as_uuid()).collect();
        let ours = locked.iter().filter(|state| state.organizer_id == Some(organizer_id));
        let before = if attempt.must_find_out() { ours.count() } else { 0 };
        let seen = locked.iter().map(|state| state.id.as_uuid()).collect();
        if of_nobody.is_empty() {
            connection.command("ROLLBACK").await?;
        } else {
            attempt.commit_is_sent();
            let (updated, committed) = join(
                connection.change(&assign, &[&of_nobody, &organizer_id.as_uuid()]),
                connection.commit(),
            )
            .await;
            attempt.look_at(&updated);
            assert_eq!(updated?, of_nobody.len() as u64, "events whose rows are locked are there");
            committed?;
        }
        if attempt.must_find_out() {
            connection.confirm_what_is_seen().await?;
        }
        connection.give_back();
        Ok(Assigned { count: (before + of_nobody.len()) as u64, seen })
    }
}

/// What one transaction did.
struct Assigned {
    count: u64,
    /// The ids of the rows that it could lock.
    seen: HashSet<Uuid>,
}
