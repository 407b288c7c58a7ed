//! Upkeep: what is due, what is erased, and the cells' health.

use crate::fan_out::{Deadline, FanOutResults};
use crate::merge;
use crate::store::CellStore;
use async_trait::async_trait;
use booking_core::{
    AuditReport, CellState, Connections, EmailAddress, EventId, PageLimit, RegistrationId,
    StoreError, StoreHealth, StoredMap, Totals, UpkeepStore,
};

#[async_trait]
impl UpkeepStore for CellStore {
    async fn due_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        let now = self.now();
        let due =
            now.ask_all(Deadline::Short, |store| async move { store.due_events(limit).await });
        Ok(merge::interleaved(&lists(due.await)?, limit))
    }

    async fn erasable_events(&self, limit: PageLimit) -> Result<Vec<EventId>, StoreError> {
        let now = self.now();
        let erasable =
            now.ask_all(Deadline::Short, |store| async move { store.erasable_events(limit).await });
        Ok(merge::interleaved(&lists(erasable.await)?, limit))
    }

    /// Those that are found are returned; an empty answer is not given while a cell is silent.
    async fn registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, RegistrationId)>, StoreError> {
        let now = self.now();
        let found = now.ask_all(Deadline::UnlessSilent, |store| {
            let user_email = user_email.clone();
            async move { store.registrations_of(&user_email, limit).await }
        });
        let FanOutResults { answers, failures } = found.await;
        let mut found: Vec<_> = answers.into_iter().flat_map(|(_, found)| found).collect();
        found.truncate(limit.get());
        match failures.into_iter().next() {
            Some((_, error)) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    async fn purge_records_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        now.one_by_one(limit, |store, limit| async move {
            store.purge_records_of(user_email, limit).await
        })
        .await
    }

    async fn purge_former_holders_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        now.one_by_one(limit, |store, limit| async move {
            store.purge_former_holders_of(user_email, limit).await
        })
        .await
    }

    async fn purge_records(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let now = self.now();
        now.one_by_one(limit, |store, limit| async move { store.purge_records(limit).await }).await
    }

    /// One consistent view of each cell.
    async fn audit(&self) -> Result<AuditReport, StoreError> {
        let now = self.now();
        let reports =
            now.ask_all(Deadline::UnlessSilent, |store| async move { store.audit().await }).await;
        let missing = now.names_of(&reports.failures);
        let mut sum = AuditReport { missing, ..AuditReport::default() };
        for (_, report) in reports.any()? {
            sum.events += report.events;
            sum.registrations += report.registrations;
            sum.differences.extend(report.differences);
            sum.missing.extend(report.missing);
        }
        Ok(sum)
    }

    /// The health of the cells that can serve, if there is one. [`cells`](Self::cells) says which cannot.
    async fn health(&self) -> Result<StoreHealth, StoreError> {
        let now = self.now();
        let asked = now.ask_all(Deadline::Health, |store| async move { store.health().await });
        let results: FanOutResults<StoreHealth> = asked.await;
        for (at, health) in &results.answers {
            now.cells[*at].note_serves(serves(health));
        }
        let all = results.any()?;
        let best = all.iter().map(|(_, health)| *health).max_by_key(|health| {
            // Prefer those that are well; otherwise return what keeps the best from serving.
            (serves(health), health.takes_writes, health.trouble.is_none())
        });
        Ok(best.expect("one has answered"))
    }

    /// Leaves out the cells that are away.
    async fn totals(&self) -> Result<Totals, StoreError> {
        let now = self.now();
        let totals = now.ask_all(Deadline::Short, |store| async move { store.totals().await });
        let totals: Vec<(usize, Totals)> = totals.await.any()?;
        Ok(totals.into_iter().fold(Totals::default(), |sum, (_, of_cell)| Totals {
            events: sum.events + of_cell.events,
            capacity: sum.capacity + of_cell.capacity,
            booked: sum.booked + of_cell.booked,
            held: sum.held + of_cell.held,
            waiting: sum.waiting + of_cell.waiting,
        }))
    }

    fn connections(&self) -> Connections {
        let now = self.now();
        now.cells.iter().map(|cell| cell.store.connections()).fold(
            Connections::default(),
            |sum, of_cell| Connections {
                max: sum.max + of_cell.max,
                open: sum.open + of_cell.open,
                idle: sum.idle + of_cell.idle,
                waiting: sum.waiting + of_cell.waiting,
            },
        )
    }

    fn cells(&self) -> Vec<CellState> {
        let now = self.now();
        now.cells.iter().map(|cell| cell.state()).collect()
    }

    async fn stored_map(&self) -> Result<Option<StoredMap>, StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.stored_map().await)
    }
}

/// The lists of the cells that answered.
fn lists<T>(results: FanOutResults<Vec<T>>) -> Result<Vec<Vec<T>>, StoreError> {
    Ok(results.any()?.into_iter().map(|(_, list)| list).collect())
}

/// Whether a store can serve.
fn serves(health: &StoreHealth) -> bool {
    health.takes_writes && health.migrations_missing == 0 && health.trouble.is_none()
}
