//! Where facts are delivered, and how far delivery has come.

use crate::{
    EndpointId, EndpointSecret, EndpointUrl, EventId, Fact, MailKind, OrganizerId, RegistrationId,
    TypeFilter, Version, WebhookType,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most endpoints of an organizer.
pub const ENDPOINTS_MAX: usize = 100;

/// How long finished deliveries and mails are kept.
pub const DELIVERIES_KEPT: TimeDelta = TimeDelta::days(30);

/// How long a former secret of an endpoint still signs.
pub const FORMER_SECRET_KEPT: TimeDelta = TimeDelta::hours(24);

/// How long a lane or a mail stays its worker's without a renewal. That long the work of a killed worker waits.
pub const LEASE: TimeDelta = TimeDelta::seconds(10);

/// How long after a server that sends mail was last there facts are still routed to mail.
pub const MAIL_SEEN_KEPT: TimeDelta = TimeDelta::hours(24);

/// The longest stored text about a failure, in bytes.
pub const FAILURE_BYTES_MAX: usize = 200;

/// Identifies a sink: a webhook endpoint, or mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SinkId(Uuid);

impl SinkId {
    /// Mail, of which there is one.
    pub const MAIL: Self = Self(Uuid::nil());

    /// The id as a plain UUID, for drivers.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }

    /// The endpoint, unless it is mail.
    pub fn endpoint(self) -> Option<EndpointId> {
        (self != Self::MAIL).then(|| self.0.into())
    }
}

impl From<Uuid> for SinkId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl From<EndpointId> for SinkId {
    fn from(id: EndpointId) -> Self {
        Self(id.as_uuid())
    }
}

/// Identifies a worker's claim on a lane or a mail. A worker that writes under another lease has lost its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(Uuid);

impl LeaseId {
    /// The id as a plain UUID, for drivers.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for LeaseId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// A webhook endpoint: where messages are sent, of which types, and how they are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Its organizer; `None` where there are no organizers.
    pub organizer_id: Option<OrganizerId>,
    /// The one event that it is for; `None` for all of its organizer's.
    pub event_id: Option<EventId>,
    /// The URL that messages are sent to.
    pub url: EndpointUrl,
    /// The types of messages.
    pub types: TypeFilter,
    /// Whether messages include the attendee's personal data.
    pub includes_person: bool,
    /// The secret that messages are signed with.
    pub secret: EndpointSecret,
    /// The former secret, which signs too until then.
    pub former_secret: Option<(EndpointSecret, DateTime<Utc>)>,
    /// Since when nothing is sent to it, and why. Facts recorded meanwhile are sent once it is enabled again.
    pub disabled: Option<(DateTime<Utc>, WhyDisabled)>,
    /// Since when all deliveries have failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// The store's time when it was made, to the microsecond.
    pub created_at: DateTime<Utc>,
}

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyDisabled {
    /// Its organizer disabled it.
    ByOrganizer,
    /// It answered 410.
    Gone,
    /// It failed for too long.
    Failing,
}

impl WhyDisabled {
    /// Every reason there is.
    pub const ALL: [Self; 3] = [Self::ByOrganizer, Self::Gone, Self::Failing];

    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByOrganizer => "by_organizer",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// The reason called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == name)
    }
}

/// An endpoint to be created. The caller chooses the id, so that the request can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// See [`Endpoint::id`].
    pub id: EndpointId,
    /// See [`Endpoint::organizer_id`].
    pub organizer_id: Option<OrganizerId>,
    /// See [`Endpoint::event_id`].
    pub event_id: Option<EventId>,
    /// See [`Endpoint::url`].
    pub url: EndpointUrl,
    /// See [`Endpoint::types`].
    pub types: TypeFilter,
    /// See [`Endpoint::includes_person`].
    pub includes_person: bool,
    /// See [`Endpoint::secret`].
    pub secret: EndpointSecret,
}

impl NewEndpoint {
    /// An endpoint for all types of all events without an organizer, whose messages contain ids alone, until its fields
    /// are changed.
    pub fn new(id: EndpointId, url: EndpointUrl, secret: EndpointSecret) -> Self {
        let (organizer_id, event_id, types) = (None, None, TypeFilter::ALL);
        Self { id, organizer_id, event_id, url, types, includes_person: false, secret }
    }
}

/// Changes to an endpoint; `None` fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointChange {
    /// See [`Endpoint::url`].
    pub url: Option<EndpointUrl>,
    /// See [`Endpoint::types`].
    pub types: Option<TypeFilter>,
    /// See [`Endpoint::includes_person`].
    pub includes_person: Option<bool>,
    /// A new secret. The former one signs, too, for [`FORMER_SECRET_KEPT`]. Setting the current one again changes
    /// nothing.
    pub secret: Option<EndpointSecret>,
    /// Whether it is enabled, else why not. Enabling a disabled one clears its failure. One that is disabled already
    /// keeps its reason and its time.
    pub enabled: Option<Result<(), WhyDisabled>>,
}

/// The delivery of one event's facts to one sink: all facts up to `version` are done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// The event.
    pub event_id: EventId,
    /// The sink.
    pub sink: SinkId,
    /// The last version that is done; 0 before the first.
    pub version: Version,
    /// How far the fact after `version` has come, if it goes to many recipients: the
    /// [`created_version`](crate::Registration::created_version) of the last registration that is done.
    pub position: Option<Version>,
    /// The last version that is to be done.
    pub target: Version,
    /// How often the fact after `version` has been tried in vain.
    pub attempts: u32,
}

/// A lane that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLane {
    /// See [`Lane::event_id`].
    pub event_id: EventId,
    /// See [`Lane::sink`].
    pub sink: SinkId,
    /// Since when it is due.
    pub due_at: DateTime<Utc>,
}

/// A worker's progress on a lane. It is written as a whole, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStep {
    /// The event.
    pub event_id: EventId,
    /// The sink.
    pub sink: SinkId,
    /// The worker's lease.
    pub lease: LeaseId,
    /// See [`Lane::version`].
    pub version: Version,
    /// See [`Lane::position`].
    pub position: Option<Version>,
    /// See [`Lane::attempts`].
    pub attempts: u32,
    /// The messages that were sent, or tried.
    pub deliveries: Vec<Delivery>,
    /// The mails to be queued. Existing ones are left unchanged.
    pub mails: Vec<NewMail>,
    /// What happens to the lane next.
    pub next: LaneNext,
}

impl LaneStep {
    /// A step that leaves `lane` where it is, with nothing sent and no mails, until its fields are set.
    pub fn new(lane: &Lane, lease: LeaseId, next: LaneNext) -> Self {
        let Lane { event_id, sink, version, position, target: _, attempts } = *lane;
        let (deliveries, mails) = (Vec::new(), Vec::new());
        Self { event_id, sink, lease, version, position, attempts, deliveries, mails, next }
    }
}

/// What happens to a lane next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneNext {
    /// Its worker goes on: the lease is renewed.
    GoOn,
    /// Any worker may claim it: at once if there is more to do, else when there is.
    Release,
    /// Any worker may claim it after this time.
    RetryAfter(TimeDelta),
}

/// A fact as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFact {
    /// The version of its event that it made.
    pub version: Version,
    /// The store's time when it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    pub fact: Fact,
}

impl RecordedFact {
    /// The fact of a seat that was given at once, as its registration says it.
    pub const fn of_seat(
        created_version: Version,
        created_at: DateTime<Utc>,
        registration_id: RegistrationId,
    ) -> Self {
        let fact = Fact::of_seat(registration_id);
        Self { version: created_version, recorded_at: created_at, fact }
    }
}

/// A row that facts of an event are read from, in stores that store only
/// [`EventChange::facts_to_store`](crate::EventChange::facts_to_store).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactSource {
    /// Facts that are stored.
    Stored(Vec<RecordedFact>),
    /// A registration: the fact of its seat, unless a stored fact made its version.
    Seat(RecordedFact),
}

impl FactSource {
    /// Facts that are stored together: one for each version from `first` on, recorded at `recorded_at`.
    pub fn stored(first: Version, recorded_at: DateTime<Utc>, facts: Vec<Fact>) -> Self {
        let facts = (first.get()..).map(Version::new).zip(facts);
        let recorded = |(version, fact)| RecordedFact { version, recorded_at, fact };
        Self::Stored(facts.map(recorded).collect())
    }

    /// The facts after `after`, up to `last`, in the order of their versions. The rows are in any order, and of one
    /// moment.
    pub fn merge(
        rows: impl IntoIterator<Item = Self>,
        after: Version,
        last: Version,
    ) -> Vec<RecordedFact> {
        let (mut stored, mut facts) = (Vec::new(), BTreeMap::new());
        for row in rows {
            match row {
                Self::Stored(facts) => stored.extend(facts),
                Self::Seat(fact) => drop(facts.insert(fact.version, fact)),
            }
        }
        facts.extend(stored.into_iter().map(|fact| (fact.version, fact)));
        let facts = facts.into_values();
        facts.filter(|fact| after < fact.version && fact.version <= last).collect()
    }
}

/// A message to an endpoint, in the log from its first attempt on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The event.
    pub event_id: EventId,
    /// The version of the event that it is about.
    pub version: Version,
    /// Its type.
    pub kind: WebhookType,
    /// Its state.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u32,
    /// The store's time of the last attempt. Stores write their own.
    pub tried_at: DateTime<Utc>,
    /// The HTTP status of the last attempt, if there was an answer.
    pub status: Option<u16>,
    /// Why the last attempt failed: at most [`FAILURE_BYTES_MAX`], and no text of the receiver.
    pub failure: Option<String>,
}

/// The state of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It arrived.
    Delivered,
    /// It will be retried.
    Retrying,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// Every state there is.
    pub const ALL: [Self; 3] = [Self::Delivered, Self::Retrying, Self::Dead];

    /// Its name, in JSON and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::Dead => "dead",
        }
    }

    /// The state called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// The last delivery of a page. Deliveries are listed latest attempt first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryCursor {
    /// See [`Delivery::tried_at`].
    pub tried_at: DateTime<Utc>,
    /// See [`Delivery::event_id`].
    pub event_id: EventId,
    /// See [`Delivery::version`].
    pub version: Version,
}

impl From<&Delivery> for DeliveryCursor {
    fn from(delivery: &Delivery) -> Self {
        let Delivery { tried_at, event_id, version, .. } = *delivery;
        Self { tried_at, event_id, version }
    }
}

/// Identifies a mail: the same fact makes the same mail, however often it is processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MailId(Uuid);

impl MailId {
    /// The id as a plain UUID, for drivers and `Message-ID`.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for MailId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// A mail to be sent: whom it is about, not its text or its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMail {
    /// Its id.
    pub id: MailId,
    /// The event.
    pub event_id: EventId,
    /// The registration that it is about.
    pub registration_id: RegistrationId,
    /// What it tells the recipient.
    pub kind: MailKind,
    /// The version of the event that it is about.
    pub version: Version,
}

impl NewMail {
    /// A mail of that kind about a registration at `version` of its event.
    pub fn new(
        id: MailId,
        event_id: EventId,
        registration_id: RegistrationId,
        kind: MailKind,
        version: Version,
    ) -> Self {
        Self { id, event_id, registration_id, kind, version }
    }
}

/// A mail that is to be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mail {
    /// The mail.
    pub mail: NewMail,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// The store's time when it was made.
    pub made_at: DateTime<Utc>,
}

/// The result of a mail, by the worker that claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledMail {
    /// See [`NewMail::event_id`].
    pub event_id: EventId,
    /// See [`NewMail::id`].
    pub id: MailId,
    /// The lease under which it was claimed.
    pub lease: LeaseId,
    /// The result.
    pub step: MailStep,
}

impl SettledMail {
    /// The result of a mail that was claimed under `lease`.
    pub fn new(mail: &NewMail, lease: LeaseId, step: MailStep) -> Self {
        Self { event_id: mail.event_id, id: mail.id, lease, step }
    }
}

/// The result of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailStep {
    /// It was sent.
    Sent,
    /// It was dropped, because it is no longer true.
    Dropped,
    /// Its worker goes on: the lease is renewed.
    GoOn,
    /// Its worker could not even try: it is due at once, for another worker, and no attempt is counted.
    PutBack,
    /// It will be retried after this time; the failure is at most [`FAILURE_BYTES_MAX`].
    RetryAfter(TimeDelta, String),
    /// It is stuck, for this reason.
    Stuck(String),
}

/// How far delivery lags behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// When the oldest fact was recorded that has not been routed.
    pub oldest_unrouted: Option<DateTime<Utc>>,
    /// The sinks that have something to do, oldest waiting fact first: at most [`Backlog::SINKS_MAX`].
    pub sinks: Vec<SinkBacklog>,
    /// How many mails are to be sent.
    pub mails_due: u64,
    /// When the oldest of them was made.
    pub oldest_mail: Option<DateTime<Utc>>,
    /// How many mails are stuck and still kept.
    pub mails_stuck: u64,
}

impl Backlog {
    /// The most sinks that are reported.
    pub const SINKS_MAX: usize = 100;
}

/// How far one sink lags behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkBacklog {
    /// The sink.
    pub sink: SinkId,
    /// How many events have facts for it.
    pub lanes: u64,
    /// In how many of them the last attempt failed.
    pub failing: u64,
    /// When the oldest fact was recorded that it has yet to deliver.
    pub oldest: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventStatus, FactKind};

    /// A stored fact counts before a registration of the same version, whichever row comes first.
    #[test]
    fn a_registration_is_a_fact_where_none_is_stored() {
        let version = Version::new;
        let seat = |made: u64| {
            let id = Uuid::from_u128(made.into()).into();
            FactSource::Seat(RecordedFact::of_seat(version(made), DateTime::UNIX_EPOCH, id))
        };
        let stored = |made: u64, kind| {
            let fact = Fact { kind, ..Fact::of_creation(EventStatus::Published) };
            RecordedFact { version: version(made), recorded_at: DateTime::UNIX_EPOCH, fact }
        };
        let facts = vec![stored(3, FactKind::Held), stored(4, FactKind::Expired)];
        let first = vec![stored(1, FactKind::EventCreated)];
        let rows =
            [seat(5), seat(3), FactSource::Stored(facts), seat(2), FactSource::Stored(first)];
        let backwards = rows.iter().rev().cloned().collect();
        for rows in [rows.to_vec(), backwards] {
            let merged = FactSource::merge(rows, version(1), version(4));
            let merged: Vec<_> =
                merged.iter().map(|fact| (fact.version.get(), fact.fact.kind)).collect();
            let expected = [(2, FactKind::Registered), (3, FactKind::Held), (4, FactKind::Expired)];
            assert_eq!(merged, expected);
        }
    }
}
