//! Delivery: what belongs to an event is in its cell; endpoints are in the home, with a copy in every other
//! cell.

use crate::copies;
use crate::fan_out::{Deadline, FanOutResults, Request, in_place, left_of, part_of, parts_of};
use crate::merge;
use crate::store::{CellStore, Cells, HOME};
use async_trait::async_trait;
use booking_core::{
    Backlog, BookingStore, Delivery, DeliveryCursor, DeliveryStore, DueLane, EmailAddress,
    Endpoint, EndpointChange, EndpointId, EventId, Lane, LaneStep, LeaseId, Mail, NewEndpoint,
    NewMail, Page, PageLimit, Person, RecordedFact, Registration, RegistrationCursor,
    RegistrationId, SettledMail, SinkId, StoreError, Version,
};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

impl Cells {
    /// Routes facts in one cell, once its copies of the endpoints are complete.
    fn routing(&self, at: usize, limit: PageLimit) -> Request<u64> {
        let (cell, home) = (Arc::clone(&self.cells[at]), Arc::clone(self.home()));
        if self.change.is_some() {
            // A server with another map does not copy what it changes in the home to all of these cells.
            cell.check_copies_now();
        }
        let shows_mail = self.is_mail_shown();
        Box::pin(async move {
            if at != HOME && !copies::mend(&cell, &home, shows_mail).await? {
                // New facts stay new until all their recipients are known.
                return Ok(0);
            }
            cell.store.route_facts(limit).await
        })
    }

    /// Changes the pending deliveries of every cell, and returns how many. The caller means all of them: it fails if
    /// one cell fails.
    async fn change_deliveries<R>(
        &self,
        change: impl Fn(Arc<dyn BookingStore>) -> R,
    ) -> Result<u64, StoreError>
    where
        R: Future<Output = Result<u64, StoreError>> + Send + 'static,
    {
        let changed = self.ask_all(Deadline::UnlessSilent, change).await.all()?;
        Ok(changed.into_iter().map(|(_, changed)| changed).sum())
    }
}

#[async_trait]
impl DeliveryStore for CellStore {
    async fn create_endpoint(&self, new: NewEndpoint) -> Result<Option<Endpoint>, StoreError> {
        let now = self.now();
        let home = now.home();
        let made = home.note(home.store.create_endpoint(new).await)?;
        let Some(endpoint) = made else { return Ok(None) };
        now.copy_to_others(|cell| {
            let endpoint = endpoint.clone();
            async move { copies::copy_endpoint(&cell, &endpoint).await }
        })
        .await;
        Ok(Some(endpoint))
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.endpoints().await)
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, StoreError> {
        let now = self.now();
        let home = now.home();
        let changed = home.note(home.store.change_endpoint(id, change.clone()).await)?;
        if changed.is_some() {
            now.copy_to_others(|cell| {
                let change = change.clone();
                async move {
                    cell.store.change_endpoint(id, change).await.map(|copy| copy.is_some())
                }
            })
            .await;
        }
        Ok(changed)
    }

    /// Only the home records this.
    async fn note_endpoint(&self, id: EndpointId, goes_well: bool) -> Result<(), StoreError> {
        let now = self.now();
        let home = now.home();
        home.note(home.store.note_endpoint(id, goes_well).await)
    }

    async fn delete_endpoint(&self, id: EndpointId) -> Result<bool, StoreError> {
        let now = self.now();
        let home = now.home();
        let was_there = home.note(home.store.delete_endpoint(id).await)?;
        now.copy_to_others(
            |cell| async move { cell.store.delete_endpoint(id).await.map(|_| true) },
        )
        .await;
        Ok(was_there)
    }

    async fn show_mail(&self) -> Result<(), StoreError> {
        let now = self.now();
        now.note_mail_shown();
        let shown = now.ask_all(Deadline::Short, |store| async move { store.show_mail().await });
        let shown = shown.await;
        for (at, _) in &shown.failures {
            now.cells[*at].note_missed();
        }
        shown.any().map(drop)
    }

    /// Each cell has its share at first, so that none waits for the others; what is left over goes to those that
    /// have more.
    async fn route_facts(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let now = self.now();
        let in_turn = now.cells_in_turn().map(|cell| usize::from(cell.lane.cell));
        let mut waiting: VecDeque<usize> = in_turn.collect();
        let (mut routed, mut has_answer, mut failed) = (0, false, None);
        while let Some(left) = left_of(limit, routed) {
            let asked = waiting.len().min(left.get());
            let Some(share) = left.get().checked_div(asked) else { break };
            let share = left_of(left, (left.get() - share) as u64).unwrap_or(left);
            let routings = waiting.drain(..asked).map(|at| (at, now.routing(at, share)));
            let routings = routings.collect();
            let FanOutResults { answers, failures } = now.fan_out(Deadline::Short, routings).await;
            failed = failed.or(failures.into_iter().next().map(|(_, error)| error));
            for (at, of_cell) in answers {
                has_answer = true;
                routed += of_cell;
                if of_cell >= share.get() as u64 {
                    waiting.push_back(at);
                }
            }
        }
        match failed {
            Some(error) if !has_answer => Err(error),
            _ => Ok(routed),
        }
    }

    /// Claims the lanes that are due for longest across all cells, so these are looked up first. Two servers that look
    /// at once may find the same, and then one of them claims others of these cells.
    async fn claim_lanes(
        &self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
    ) -> Result<Vec<Lane>, StoreError> {
        let now = self.now();
        if let Some(only) = now.only() {
            return only.note(only.store.claim_lanes(wanted, lease).await);
        }
        let due = now.ask_all(Deadline::Short, |store| {
            let wanted = wanted.to_vec();
            async move { store.due_lanes(&wanted).await }
        });
        let shares = merge::shares(wanted, &due.await.any()?);
        let claims = shares.into_iter().map(|(at, wanted)| {
            let store = Arc::clone(&now.cells[at].store);
            let claim: Request<Vec<Lane>> =
                Box::pin(async move { store.claim_lanes(&wanted, lease).await });
            (at, claim)
        });
        let claims = claims.collect();
        let claimed = now.fan_out(Deadline::Short, claims).await.any()?;
        Ok(claimed.into_iter().flat_map(|(_, lanes)| lanes).collect())
    }

    async fn due_lanes(&self, wanted: &[(SinkId, usize)]) -> Result<Vec<DueLane>, StoreError> {
        let now = self.now();
        let due = now.ask_all(Deadline::Short, |store| {
            let wanted = wanted.to_vec();
            async move { store.due_lanes(&wanted).await }
        });
        let due: Vec<(usize, Vec<DueLane>)> = due.await.any()?;
        let mut due: Vec<_> = due.into_iter().flat_map(|(_, lanes)| lanes).collect();
        due.sort_by_key(|lane| lane.due_at);
        let mut found = Vec::new();
        for (sink, at_most) in wanted {
            found.extend(due.iter().filter(|lane| lane.sink == *sink).take(*at_most).copied());
        }
        Ok(found)
    }

    async fn facts_after(
        &self,
        event_id: EventId,
        version: Version,
        limit: PageLimit,
    ) -> Result<Vec<RecordedFact>, StoreError> {
        let now = self.now();
        now.of_event(event_id, |store| store.facts_after(event_id, version, limit)).await
    }

    async fn fact(
        &self,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<RecordedFact>, StoreError> {
        let now = self.now();
        now.of_served(event_id, |cell| async move {
            cell.note_done(cell.store.fact(event_id, version).await)
        })
        .await
    }

    /// One transaction for each cell, one after the other: a caller that must not wait for a cell that is away passes
    /// the steps of one cell alone.
    async fn advance(&self, steps: &[LaneStep]) -> Result<Vec<bool>, StoreError> {
        let now = self.now();
        let parts = parts_of(now.places_of(steps.iter().map(|step| step.event_id)).await);
        let mut answers = Vec::with_capacity(parts.len());
        for (at, places) in &parts {
            let cell = &now.cells[*at];
            let stepped = cell.store.advance(&part_of(steps, places)).await;
            answers.push((*at, cell.note_done(stepped)?));
        }
        let mut was_its_own = vec![false; steps.len()];
        for (place, stepped) in in_place(&parts, answers) {
            was_its_own[place] = stepped;
        }
        Ok(was_its_own)
    }

    async fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Result<Option<Person>, StoreError> {
        let now = self.now();
        // Where it has left nobody is found, once that is deleted: a worker would take its mail for settled.
        now.of_served(event_id, |cell| async move {
            cell.note_done(cell.store.former_holder(event_id, registration_id, version).await)
        })
        .await
    }

    async fn live_registrations(
        &self,
        event_id: EventId,
        after: Option<RegistrationCursor>,
        limit: PageLimit,
    ) -> Result<Option<Page<Registration, RegistrationCursor>>, StoreError> {
        let now = self.now();
        now.of_served(event_id, |cell| async move {
            cell.note_done(cell.store.live_registrations(event_id, after, limit).await)
        })
        .await
    }

    async fn live_registrations_of(
        &self,
        user_email: &EmailAddress,
        limit: PageLimit,
    ) -> Result<Vec<Registration>, StoreError> {
        let now = self.now();
        let found = now.ask_all(Deadline::Short, |store| {
            let user_email = user_email.clone();
            async move { store.live_registrations_of(&user_email, limit).await }
        });
        let mut found: Vec<(usize, Vec<Registration>)> = found.await.any()?;
        found.retain(|(_, of_cell)| !of_cell.is_empty());
        let is_of_one = found.len() <= 1;
        let mut found: Vec<_> = found.into_iter().flat_map(|(_, of_cell)| of_cell).collect();
        if !is_of_one {
            // Each cell's list is in order; to merge them, the ages of their events are needed.
            let mut created: HashMap<EventId, DateTime<Utc>> = HashMap::new();
            for registration in &found {
                let id = registration.event_id;
                if !created.contains_key(&id) {
                    let event = now.of_event(id, |store| store.event(id)).await?;
                    created.extend(event.map(|event| (id, event.created_at)));
                }
            }
            found.sort_by_key(|registration| {
                let id = registration.event_id;
                Reverse((created.get(&id).copied(), id))
            });
        }
        found.truncate(limit.get());
        Ok(found)
    }

    async fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Result<Page<Delivery, DeliveryCursor>, StoreError> {
        let now = self.now();
        let pages = now.ask_all(Deadline::Short, |store| async move {
            store.deliveries(id, after, limit).await
        });
        let pages = pages.await;
        let missing = now.names_of(&pages.failures);
        let pages: Vec<Page<Delivery, DeliveryCursor>> =
            pages.any()?.into_iter().map(|(_, page)| page).collect();
        Ok(merge::page(pages, limit, missing, |delivery| {
            (delivery.tried_at, delivery.event_id, delivery.version)
        }))
    }

    async fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Result<Option<Delivery>, StoreError> {
        let now = self.now();
        now.of_event(event_id, |store| store.delivery(id, event_id, version)).await
    }

    async fn note_delivery(&self, delivery: Delivery) -> Result<(), StoreError> {
        let now = self.now();
        now.of_event(delivery.event_id, |store| store.note_delivery(delivery)).await
    }

    async fn retry_deliveries(&self, sink: Option<SinkId>) -> Result<u64, StoreError> {
        let now = self.now();
        now.change_deliveries(move |store| async move { store.retry_deliveries(sink).await }).await
    }

    async fn drop_deliveries(&self, sink: SinkId) -> Result<u64, StoreError> {
        let now = self.now();
        now.change_deliveries(move |store| async move { store.drop_deliveries(sink).await }).await
    }

    async fn add_mails(&self, mails: &[NewMail]) -> Result<(), StoreError> {
        let now = self.now();
        let parts = parts_of(now.places_of(mails.iter().map(|mail| mail.event_id)).await);
        let added =
            now.ask_parts(Deadline::UnlessSilent, mails, &parts, |store, mails| async move {
                store.add_mails(&mails).await
            });
        added.await.all().map(drop)
    }

    /// From one cell after the other, beginning with a different one each time: each has its turn.
    async fn claim_mails(&self, at_most: usize, lease: LeaseId) -> Result<Vec<Mail>, StoreError> {
        let now = self.now();
        let (mut claimed, mut has_answer, mut failed) = (Vec::new(), false, None);
        for cell in now.cells_in_turn() {
            let left = at_most - claimed.len();
            if left == 0 {
                break;
            }
            let mails = match cell.answers() || now.only().is_some() {
                true => cell.note(cell.store.claim_mails(left, lease).await),
                false => Err(cell.not_asked()),
            };
            match mails {
                Ok(mails) => {
                    has_answer = true;
                    claimed.extend(mails);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if !has_answer => Err(error),
            _ => Ok(claimed),
        }
    }

    async fn settle_mails(&self, settled: &[SettledMail]) -> Result<Vec<bool>, StoreError> {
        let now = self.now();
        let parts = parts_of(now.places_of(settled.iter().map(|one| one.event_id)).await);
        let mut answers = Vec::with_capacity(parts.len());
        for (at, places) in &parts {
            let cell = &now.cells[*at];
            let written = cell.store.settle_mails(&part_of(settled, places)).await;
            answers.push((*at, cell.note_done(written)?));
        }
        let mut was_its_own = vec![false; settled.len()];
        for (place, written) in in_place(&parts, answers) {
            was_its_own[place] = written;
        }
        Ok(was_its_own)
    }

    async fn due_reminders(
        &self,
        limit: PageLimit,
    ) -> Result<Vec<(EventId, DateTime<Utc>)>, StoreError> {
        let now = self.now();
        let due =
            now.ask_all(Deadline::Short, |store| async move { store.due_reminders(limit).await });
        let due: Vec<(usize, Vec<(EventId, DateTime<Utc>)>)> = due.await.any()?;
        let mut due: Vec<_> = due.into_iter().flat_map(|(_, due)| due).collect();
        due.sort_by_key(|(_, remind_at)| *remind_at);
        due.truncate(limit.get());
        Ok(due)
    }

    async fn note_reminded(
        &self,
        event_id: EventId,
        remind_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        now.of_event(event_id, |store| store.note_reminded(event_id, remind_at)).await
    }

    /// Leaves out the cells that are away.
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let now = self.now();
        let backlogs = now.ask_all(Deadline::Short, |store| async move { store.backlog().await });
        let backlogs: Vec<(usize, Backlog)> = backlogs.await.any()?;
        Ok(merge::backlog(backlogs.into_iter().map(|(_, backlog)| backlog)))
    }

    async fn purge_deliveries(&self, limit: PageLimit) -> Result<u64, StoreError> {
        let now = self.now();
        now.one_by_one(limit, |store, limit| async move { store.purge_deliveries(limit).await })
            .await
    }
}
