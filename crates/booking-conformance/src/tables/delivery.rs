//! The oracle's data of delivery: where facts go and how far they have come.

use booking_core::{
    Backlog, DELIVERIES_KEPT, Delivery, DeliveryCursor, DueLane, ENDPOINTS_MAX, EmailAddress,
    Endpoint, EndpointChange, EndpointId, EndpointSecret, EndpointUrl, EventChange, EventId,
    FORMER_SECRET_KEPT, FormerHolder, LEASE, Lane, LaneNext, LaneStep, LeaseId, MAIL_SEEN_KEPT,
    Mail, MailId, MailKind, MailStep, NewEndpoint, NewMail, OrganizerId, Page, PageLimit, Person,
    RegistrationId, SettledMail, SinkBacklog, SinkId, TypeFilter, Version, WhyDisabled,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// The tables of a [`DeliveryStore`](booking_core::DeliveryStore), and which rows of facts are new. Each call at `now`
/// is one transaction, and needs exclusive access. They can be serialized as a whole, so that stores in tests need no
/// tables of their own for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryTables {
    /// By the event and the first version of the row.
    #[serde(with = "entries")]
    new_facts: BTreeMap<(EventId, Version), NewFacts>,
    #[serde(with = "entries")]
    endpoints: BTreeMap<EndpointId, EndpointRow>,
    mail_seen_at: Option<DateTime<Utc>>,
    #[serde(with = "entries")]
    lanes: BTreeMap<(EventId, SinkId), LaneRow>,
    #[serde(with = "entries")]
    deliveries: BTreeMap<(EventId, EndpointId, Version), Delivery>,
    #[serde(with = "entries")]
    mails: BTreeMap<(EventId, MailId), MailRow>,
    #[serde(with = "entries")]
    former_holders: BTreeMap<(EventId, RegistrationId, Version), FormerHolderRow>,
    /// Used only by the negative control that goes by this and not by versions.
    sequence: u64,
    looked_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct NewFacts {
    last: Version,
    sequence: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct EndpointRow(#[serde(with = "EndpointFields")] Endpoint);

/// An endpoint as it is serialized: its own type cannot be, so that its secret is never shown.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Endpoint")]
struct EndpointFields {
    id: EndpointId,
    organizer_id: Option<OrganizerId>,
    event_id: Option<EventId>,
    url: EndpointUrl,
    types: TypeFilter,
    includes_person: bool,
    secret: EndpointSecret,
    former_secret: Option<(EndpointSecret, DateTime<Utc>)>,
    disabled: Option<(DateTime<Utc>, WhyDisabled)>,
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LaneRow {
    version: Version,
    target: Version,
    position: Option<Version>,
    attempts: u32,
    lease: Option<LeaseId>,
    /// When a worker may claim it; `None` if there is nothing to do.
    due_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MailRow {
    mail: NewMail,
    state: MailState,
    attempts: u32,
    made_at: DateTime<Utc>,
    lease: Option<LeaseId>,
    due_at: Option<DateTime<Utc>>,
    failure: Option<String>,
    done_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FormerHolderRow {
    person: Person,
    made_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum MailState {
    Due,
    Sent,
    Dropped,
    Stuck,
}

/// A map as a JSON list of its entries: JSON keys can only be texts.
mod entries {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<
        'de,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    >(
        from: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}

/// Facts: from new to lanes, and along them.
impl DeliveryTables {
    /// Marks the facts of these versions as new.
    pub fn add_facts(&mut self, event_id: EventId, first: Version, last: Version) {
        let sequence = self.draw();
        self.add_drawn(event_id, first, last, sequence);
    }

    /// Draws a sequence number, as databases do it: before it is known when the transaction ends.
    pub(crate) fn draw(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(crate) fn add_drawn(
        &mut self,
        event_id: EventId,
        first: Version,
        last: Version,
        sequence: u64,
    ) {
        self.new_facts.insert((event_id, first), NewFacts { last, sequence });
    }

    /// A negative control: goes on from the highest sequence number seen, and so skips facts that are committed later
    /// than one after them.
    pub(crate) fn pass_over(&mut self) {
        let looked_at = self.looked_at;
        self.new_facts.retain(|_, row| row.sequence > looked_at);
        let highest = self.new_facts.values().map(|row| row.sequence).max();
        self.looked_at = highest.unwrap_or(looked_at);
    }

    /// See [`route_facts`](booking_core::DeliveryStore::route_facts).
    pub fn route(
        &mut self,
        limit: PageLimit,
        now: DateTime<Utc>,
        organizer_of: impl Fn(EventId) -> Option<OrganizerId>,
    ) -> u64 {
        let fresh = self.new_facts.iter().take(limit.get());
        let fresh: Vec<_> = fresh.map(|(key, row)| (*key, row.last)).collect();
        for ((event_id, first), last) in &fresh {
            self.new_facts.remove(&(*event_id, *first));
            let before = Version::new(first.get() - 1);
            for sink in self.sinks_of(*event_id, organizer_of(*event_id), now) {
                let lane = self.lanes.entry((*event_id, sink)).or_insert(LaneRow {
                    version: before,
                    target: before,
                    position: None,
                    attempts: 0,
                    lease: None,
                    due_at: None,
                });
                lane.target = lane.target.max(*last);
                if lane.due_at.is_none() {
                    // The facts in between were not for it.
                    lane.version = lane.version.max(before);
                    lane.due_at = (lane.target > lane.version).then_some(now);
                }
            }
        }
        fresh.len() as u64
    }

    fn is_mail_sent(&self, now: DateTime<Utc>) -> bool {
        self.mail_seen_at.is_some_and(|seen_at| seen_at > now - MAIL_SEEN_KEPT)
    }

    fn sinks_of(
        &self,
        event_id: EventId,
        organizer_id: Option<OrganizerId>,
        now: DateTime<Utc>,
    ) -> Vec<SinkId> {
        let is_there = self.is_mail_sent(now);
        let endpoints = self.endpoints.values().map(|row| &row.0).filter(|endpoint| {
            endpoint.organizer_id == organizer_id
                && endpoint.event_id.is_none_or(|wanted| wanted == event_id)
        });
        let endpoints = endpoints.map(|endpoint| SinkId::from(endpoint.id));
        is_there.then_some(SinkId::MAIL).into_iter().chain(endpoints).collect()
    }

    /// See [`due_lanes`](booking_core::DeliveryStore::due_lanes).
    pub fn due_lanes(&self, wanted: &[(SinkId, usize)], now: DateTime<Utc>) -> Vec<DueLane> {
        let mut found = Vec::new();
        for (wanted, at_most) in wanted {
            let of_sink = self.lanes.iter().filter(|((_, sink), _)| sink == wanted);
            let due = of_sink.filter_map(|((event_id, sink), row)| {
                let due_at = row.due_at.filter(|due_at| *due_at <= now)?;
                Some(DueLane { event_id: *event_id, sink: *sink, due_at })
            });
            let mut due: Vec<_> = due.collect();
            due.sort_by_key(|lane| lane.due_at);
            found.extend(due.into_iter().take(*at_most));
        }
        found
    }

    /// See [`claim_lanes`](booking_core::DeliveryStore::claim_lanes).
    pub fn claim_lanes(
        &mut self,
        wanted: &[(SinkId, usize)],
        lease: LeaseId,
        now: DateTime<Utc>,
    ) -> Vec<Lane> {
        let mut claimed = Vec::new();
        for (sink, at_most) in wanted {
            let is_due = |row: &LaneRow| row.due_at.is_some_and(|due_at| due_at <= now);
            let lanes = self.lanes.iter_mut().filter(|((_, of), row)| of == sink && is_due(row));
            let mut due: Vec<_> = lanes.collect();
            due.sort_by_key(|(_, row)| row.due_at);
            for ((event_id, sink), row) in due.into_iter().take(*at_most) {
                (row.lease, row.due_at) = (Some(lease), Some(now + LEASE));
                let LaneRow { version, target, position, attempts, .. } = *row;
                let (event_id, sink) = (*event_id, *sink);
                claimed.push(Lane { event_id, sink, version, position, target, attempts });
            }
        }
        claimed
    }

    /// See [`advance`](booking_core::DeliveryStore::advance).
    pub fn advance(&mut self, step: &LaneStep, now: DateTime<Utc>) -> bool {
        let lane = self.lanes.get_mut(&(step.event_id, step.sink));
        let Some(row) = lane.filter(|row| row.lease == Some(step.lease)) else { return false };
        (row.version, row.position, row.attempts) = (step.version, step.position, step.attempts);
        row.due_at = match step.next {
            LaneNext::GoOn => Some(now + LEASE),
            LaneNext::RetryAfter(pause) => Some(now + pause),
            LaneNext::Release => (row.target > row.version).then_some(now),
        };
        row.lease = row.lease.filter(|_| step.next == LaneNext::GoOn);
        for delivery in &step.deliveries {
            self.log(delivery.clone(), now);
        }
        self.add_mails(&step.mails, now);
        true
    }

    /// See [`retry_deliveries`](booking_core::DeliveryStore::retry_deliveries).
    pub fn retry(&mut self, sink: Option<SinkId>, now: DateTime<Utc>) -> u64 {
        let mut retried = 0;
        for ((_, of), row) in &mut self.lanes {
            let waits = row.lease.is_none() && row.due_at.is_some_and(|due_at| due_at > now);
            if waits && sink.is_none_or(|sink| sink == *of) {
                row.due_at = Some(now);
                retried += 1;
            }
        }
        if sink.is_some_and(|sink| sink != SinkId::MAIL) {
            return retried;
        }
        for row in self.mails.values_mut() {
            let waits = row.lease.is_none() && row.due_at.is_some_and(|due_at| due_at > now);
            if row.state == MailState::Stuck {
                (row.state, row.attempts, row.done_at) = (MailState::Due, 0, None);
            } else if !waits {
                continue;
            }
            row.due_at = Some(now);
            retried += 1;
        }
        retried
    }

    /// See [`drop_deliveries`](booking_core::DeliveryStore::drop_deliveries).
    pub fn drop_all(&mut self, sink: SinkId, now: DateTime<Utc>) -> u64 {
        let mut dropped = 0;
        let of_sink = self.lanes.iter_mut().filter(|((_, of), _)| *of == sink);
        for (_, row) in of_sink.filter(|(_, row)| row.due_at.is_some()) {
            let target = row.target;
            let (position, lease, due_at) = (None, None, None);
            *row = LaneRow { version: target, target, position, attempts: 0, lease, due_at };
            dropped += 1;
        }
        let mails = self.mails.values_mut().filter(|_| sink == SinkId::MAIL);
        for row in mails.filter(|row| matches!(row.state, MailState::Due | MailState::Stuck)) {
            (row.state, row.done_at) = (MailState::Dropped, Some(now));
            (row.lease, row.due_at) = (None, None);
            dropped += 1;
        }
        if sink == SinkId::MAIL {
            self.former_holders.clear();
        }
        dropped
    }

    /// See [`backlog`](booking_core::DeliveryStore::backlog).
    pub fn backlog(
        &self,
        recorded_at: impl Fn(EventId, Version) -> Option<DateTime<Utc>>,
    ) -> Backlog {
        let mut sinks: BTreeMap<SinkId, SinkBacklog> = BTreeMap::new();
        let undone =
            self.lanes.iter().filter(|(_, row)| row.due_at.is_some() && row.version < row.target);
        // A disabled endpoint has nothing to do, for however long.
        let is_disabled = |sink: &SinkId| {
            let row = sink.endpoint().and_then(|id| self.endpoints.get(&id));
            row.is_some_and(|row| row.0.disabled.is_some())
        };
        for ((event_id, sink), row) in undone.filter(|((_, sink), _)| !is_disabled(sink)) {
            let backlog = sinks.entry(*sink).or_insert(SinkBacklog {
                sink: *sink,
                lanes: 0,
                failing: 0,
                oldest: None,
            });
            backlog.lanes += 1;
            backlog.failing += u64::from(row.attempts > 0);
            let next = recorded_at(*event_id, row.version.next());
            backlog.oldest = backlog.oldest.into_iter().chain(next).min();
        }
        let mut sinks: Vec<_> = sinks.into_values().collect();
        sinks.sort_by_key(|backlog| (backlog.oldest, Reverse(backlog.failing), backlog.sink));
        sinks.truncate(Backlog::SINKS_MAX);
        let unrouted = self.new_facts.keys();
        let unrouted = unrouted.filter_map(|(event_id, first)| recorded_at(*event_id, *first));
        let in_state = |state: MailState| self.mails.values().filter(move |row| row.state == state);
        Backlog {
            oldest_unrouted: unrouted.min(),
            sinks,
            mails_due: in_state(MailState::Due).count() as u64,
            oldest_mail: in_state(MailState::Due).map(|row| row.made_at).min(),
            mails_stuck: in_state(MailState::Stuck).count() as u64,
        }
    }
}

/// Endpoints and their logs.
impl DeliveryTables {
    /// See [`create_endpoint`](booking_core::DeliveryStore::create_endpoint).
    pub fn create_endpoint(&mut self, new: NewEndpoint, now: DateTime<Utc>) -> Option<Endpoint> {
        if let Some(EndpointRow(known)) = self.endpoints.get(&new.id) {
            return Some(known.clone());
        }
        let of_organizer =
            self.endpoints.values().filter(|row| row.0.organizer_id == new.organizer_id);
        if of_organizer.count() >= ENDPOINTS_MAX {
            return None;
        }
        let NewEndpoint { id, organizer_id, event_id, url, types, includes_person, secret } = new;
        let endpoint = Endpoint {
            id,
            organizer_id,
            event_id,
            url,
            types,
            includes_person,
            secret,
            former_secret: None,
            disabled: None,
            failing_since: None,
            created_at: now,
        };
        self.endpoints.insert(id, EndpointRow(endpoint.clone()));
        Some(endpoint)
    }

    /// See [`endpoints`](booking_core::DeliveryStore::endpoints).
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints: Vec<_> = self.endpoints.values().map(|row| row.0.clone()).collect();
        endpoints.sort_by_key(|endpoint| (endpoint.created_at, endpoint.id));
        endpoints
    }

    /// See [`change_endpoint`](booking_core::DeliveryStore::change_endpoint).
    pub fn change_endpoint(
        &mut self,
        id: EndpointId,
        change: EndpointChange,
        now: DateTime<Utc>,
    ) -> Option<Endpoint> {
        let EndpointRow(endpoint) = self.endpoints.get_mut(&id)?;
        let EndpointChange { url, types, includes_person, secret, enabled } = change;
        endpoint.url = url.unwrap_or_else(|| endpoint.url.clone());
        endpoint.types = types.unwrap_or_else(|| endpoint.types.clone());
        endpoint.includes_person = includes_person.unwrap_or(endpoint.includes_person);
        if let Some(secret) = secret.filter(|secret| *secret != endpoint.secret) {
            endpoint.former_secret = Some((endpoint.secret, now + FORMER_SECRET_KEPT));
            endpoint.secret = secret;
        }
        match enabled {
            Some(Ok(())) if endpoint.disabled.is_some() => {
                (endpoint.disabled, endpoint.failing_since) = (None, None);
            }
            Some(Err(why)) => {
                endpoint.disabled.get_or_insert((now, why));
            }
            Some(Ok(())) | None => {}
        }
        Some(endpoint.clone())
    }

    /// See [`note_endpoint`](booking_core::DeliveryStore::note_endpoint).
    pub fn note_endpoint(&mut self, id: EndpointId, goes_well: bool, now: DateTime<Utc>) {
        if let Some(EndpointRow(endpoint)) = self.endpoints.get_mut(&id) {
            let since = endpoint.failing_since.unwrap_or(now);
            endpoint.failing_since = (!goes_well).then_some(since);
        }
    }

    /// See [`delete_endpoint`](booking_core::DeliveryStore::delete_endpoint).
    pub fn delete_endpoint(&mut self, id: EndpointId) -> bool {
        self.lanes.retain(|(_, sink), _| *sink != SinkId::from(id));
        self.deliveries.retain(|(_, of, _), _| *of != id);
        self.endpoints.remove(&id).is_some()
    }

    fn log(&mut self, delivery: Delivery, now: DateTime<Utc>) {
        let key = (delivery.event_id, delivery.endpoint_id, delivery.version);
        self.deliveries.insert(key, Delivery { tried_at: now, ..delivery });
    }

    /// See [`deliveries`](booking_core::DeliveryStore::deliveries).
    pub fn deliveries(
        &self,
        id: EndpointId,
        after: Option<DeliveryCursor>,
        limit: PageLimit,
    ) -> Page<Delivery, DeliveryCursor> {
        let key = |cursor: DeliveryCursor| (cursor.tried_at, cursor.event_id, cursor.version);
        let mut log: Vec<_> =
            self.deliveries.values().filter(|row| row.endpoint_id == id).cloned().collect();
        log.retain(|row| after.is_none_or(|after| key(row.into()) < key(after)));
        log.sort_by_key(|row| Reverse(key(row.into())));
        Page::new(log, limit)
    }

    /// See [`delivery`](booking_core::DeliveryStore::delivery).
    pub fn delivery(
        &self,
        id: EndpointId,
        event_id: EventId,
        version: Version,
    ) -> Option<&Delivery> {
        self.deliveries.get(&(event_id, id, version))
    }

    /// See [`note_delivery`](booking_core::DeliveryStore::note_delivery).
    pub fn note_delivery(&mut self, delivery: Delivery, now: DateTime<Utc>) {
        let Delivery { endpoint_id, event_id, version, .. } = delivery;
        if self.delivery(endpoint_id, event_id, version).is_some() {
            self.log(delivery, now);
        }
    }
}

/// Mails, and purging.
impl DeliveryTables {
    /// See [`show_mail`](booking_core::DeliveryStore::show_mail).
    pub fn show_mail(&mut self, now: DateTime<Utc>) {
        self.mail_seen_at = self.mail_seen_at.max(Some(now));
    }

    /// See [`add_mails`](booking_core::DeliveryStore::add_mails).
    pub fn add_mails(&mut self, mails: &[NewMail], now: DateTime<Utc>) {
        for mail in mails {
            self.mails.entry((mail.event_id, mail.id)).or_insert(MailRow {
                mail: *mail,
                state: MailState::Due,
                attempts: 0,
                made_at: now,
                lease: None,
                due_at: Some(now),
                failure: None,
                done_at: None,
            });
        }
    }

    /// See [`claim_mails`](booking_core::DeliveryStore::claim_mails).
    pub fn claim_mails(&mut self, at_most: usize, lease: LeaseId, now: DateTime<Utc>) -> Vec<Mail> {
        let is_due = |row: &&mut MailRow| row.due_at.is_some_and(|due_at| due_at <= now);
        let mut due: Vec<_> = self.mails.values_mut().filter(is_due).collect();
        due.sort_by_key(|row| row.due_at);
        let due = due.into_iter().take(at_most).map(|row| {
            (row.lease, row.due_at) = (Some(lease), Some(now + LEASE));
            Mail { mail: row.mail, attempts: row.attempts, made_at: row.made_at }
        });
        due.collect()
    }

    /// See [`settle_mails`](booking_core::DeliveryStore::settle_mails).
    pub fn settle_mails(&mut self, settled: &[SettledMail], now: DateTime<Utc>) -> Vec<bool> {
        settled.iter().map(|one| self.settle_mail(one.clone(), now)).collect()
    }

    fn settle_mail(&mut self, settled: SettledMail, now: DateTime<Utc>) -> bool {
        let SettledMail { event_id, id, lease, step } = settled;
        let row = self.mails.get_mut(&(event_id, id));
        let Some(row) = row.filter(|row| row.lease == Some(lease)) else { return false };
        let (state, due_at, failure) = match step {
            MailStep::GoOn => {
                row.due_at = Some(now + LEASE);
                return true;
            }
            MailStep::PutBack => {
                (row.due_at, row.lease) = (Some(now), None);
                return true;
            }
            MailStep::Sent => (MailState::Sent, None, None),
            MailStep::Dropped => (MailState::Dropped, None, None),
            MailStep::RetryAfter(pause, why) => (MailState::Due, Some(now + pause), Some(why)),
            MailStep::Stuck(why) => (MailState::Stuck, None, Some(why)),
        };
        row.attempts += u32::from(failure.is_some());
        row.done_at = due_at.is_none().then_some(now);
        (row.state, row.due_at, row.failure, row.lease) = (state, due_at, failure, None);
        if matches!(state, MailState::Sent | MailState::Dropped) {
            let NewMail { registration_id, kind, version, .. } = row.mail;
            if kind == MailKind::HandedOver {
                self.former_holders.remove(&(event_id, registration_id, version));
            }
        }
        true
    }

    /// See [`purge_deliveries`](booking_core::DeliveryStore::purge_deliveries).
    pub fn purge(&mut self, limit: PageLimit, now: DateTime<Utc>) -> u64 {
        let (done_before, limit) = (now - DELIVERIES_KEPT, limit.get());
        let old = self.deliveries.iter().filter(|(_, row)| row.tried_at <= done_before);
        let old: Vec<_> = old.map(|(key, _)| *key).take(limit).collect();
        let is_old = |row: &MailRow| row.done_at.is_some_and(|done_at| done_at <= done_before);
        let mails = self.mails.iter().filter(|(_, row)| is_old(row));
        let mails: Vec<_> = mails.map(|(key, _)| *key).take(limit).collect();
        for key in &old {
            self.deliveries.remove(key);
        }
        let former = self.former_holders.iter().filter(|(_, row)| row.made_at <= done_before);
        let former: Vec<_> = former.map(|(key, _)| *key).take(limit).collect();
        for key in &mails {
            self.mails.remove(key);
        }
        for key in &former {
            self.former_holders.remove(key);
        }
        (old.len() + mails.len() + former.len()) as u64
    }
}

/// Former holders of seats.
impl DeliveryTables {
    /// Stores the former holders of a change written at `now`, and deletes those of registrations that it erases.
    pub fn keep_former_holders(&mut self, change: &EventChange, now: DateTime<Utc>) {
        let (event_id, erased) = (change.event_id, change.erased().collect::<HashSet<_>>());
        self.former_holders.retain(|(of, id, _), _| *of != event_id || !erased.contains(id));
        if self.is_mail_sent(now) {
            for FormerHolder { registration_id, version, person } in &change.former_holders {
                let row = FormerHolderRow { person: person.clone(), made_at: now };
                self.former_holders.insert((event_id, *registration_id, *version), row);
            }
        }
    }

    /// How many there are.
    pub fn former_holders(&self) -> usize {
        self.former_holders.len()
    }

    /// See [`former_holder`](booking_core::DeliveryStore::former_holder).
    pub fn former_holder(
        &self,
        event_id: EventId,
        registration_id: RegistrationId,
        version: Version,
    ) -> Option<&Person> {
        let row = self.former_holders.get(&(event_id, registration_id, version))?;
        Some(&row.person)
    }

    /// See [`purge_former_holders_of`](booking_core::UpkeepStore::purge_former_holders_of).
    pub fn purge_former_holders_of(&mut self, user_email: &EmailAddress, limit: PageLimit) -> u64 {
        let mut of_them: Vec<_> = self
            .former_holders
            .iter()
            .filter(|(_, row)| row.person.user_email == *user_email)
            .map(|(key, _)| *key)
            .collect();
        of_them.truncate(limit.get());
        for key in &of_them {
            self.former_holders.remove(key);
        }
        of_them.len() as u64
    }
}
