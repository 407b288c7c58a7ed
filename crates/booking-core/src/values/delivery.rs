//! Where what was decided goes, and how far it has come.

use crate::{
    EndpointId, EndpointSecret, EndpointUrl, EventId, Fact, MailKind, OrganizerId, RegistrationId,
    TypeFilter, Version, WebhookType,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most endpoints of an organizer.
pub const ENDPOINTS_MAX: usize = 100;

/// For how long deliveries and mails that are done are kept.
pub const DELIVERIES_KEPT: TimeDelta = TimeDelta::days(30);

/// For how long a former secret of an endpoint still signs.
pub const FORMER_SECRET_KEPT: TimeDelta = TimeDelta::hours(24);

/// For how long a lane or a mail is its worker's without another word from it. A worker that was killed is
/// missed that long.
pub const LEASE: TimeDelta = TimeDelta::seconds(10);

/// For how long after a server that sends mail was last there facts are still kept for mail.
pub const MAIL_SEEN_KEPT: TimeDelta = TimeDelta::hours(24);

/// The longest text about a failure that is kept, in bytes.
pub const FAILURE_BYTES_MAX: usize = 200;

/// Names a way out: a webhook's endpoint, or mail.
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

/// Names a worker's turn at a lane or a mail. A worker that writes under another one has lost its turn.
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

/// A webhook's endpoint: where messages are sent, which, and how they are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name for programs.
    pub id: EndpointId,
    /// Whose it is; nobody's where there are no organizers.
    pub organizer_id: Option<OrganizerId>,
    /// The one event that it is for; all of its organizer's if there is none.
    pub event_id: Option<EventId>,
    /// Where to.
    pub url: EndpointUrl,
    /// Which.
    pub types: TypeFilter,
    /// Whether messages say whose a registration is.
    pub includes_person: bool,
    /// What messages are signed with.
    pub secret: EndpointSecret,
    /// What they are signed with, too, and until when.
    pub former_secret: Option<(EndpointSecret, DateTime<Utc>)>,
    /// Since when nothing is sent to it, and why. What happens meanwhile is sent once it is enabled again.
    pub disabled: Option<(DateTime<Utc>, WhyDisabled)>,
    /// Since when nothing but failures has come of it.
    pub failing_since: Option<DateTime<Utc>>,
    /// The store's time when it was made, to the microsecond.
    pub created_at: DateTime<Utc>,
}

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyDisabled {
    /// Its organizer wants it so.
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

/// An endpoint to be kept. The caller chooses the id, so that asking again is safe.
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
    /// An endpoint for all types of all events that are no organizer's, whose messages tell ids alone, until its
    /// fields say otherwise.
    pub fn new(id: EndpointId, url: EndpointUrl, secret: EndpointSecret) -> Self {
        let (organizer_id, event_id, types) = (None, None, TypeFilter::ALL);
        Self { id, organizer_id, event_id, url, types, includes_person: false, secret }
    }
}

/// What is to be different about an endpoint; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointChange {
    /// See [`Endpoint::url`].
    pub url: Option<EndpointUrl>,
    /// See [`Endpoint::types`].
    pub types: Option<TypeFilter>,
    /// See [`Endpoint::includes_person`].
    pub includes_person: Option<bool>,
    /// A new secret. The one before signs, too, for [`FORMER_SECRET_KEPT`]. One that is the present one changes
    /// nothing.
    pub secret: Option<EndpointSecret>,
    /// Whether it is enabled, else why not. Enabling one that is disabled forgets that it failed. One that is
    /// disabled already keeps its reason and its time.
    pub enabled: Option<Result<(), WhyDisabled>>,
}

/// The way of one event's facts to one sink: what is before `version` has been there, in order, and so has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// The event.
    pub event_id: EventId,
    /// The sink.
    pub sink: SinkId,
    /// The last version that is done; 0 before the first.
    pub version: Version,
    /// How far into what follows `version` it has come, if that goes to many: the
    /// [`created_version`](crate::Registration::created_version) of the last registration that is done.
    pub position: Option<Version>,
    /// The last version that there is to be done.
    pub target: Version,
    /// How often what follows `version` has been tried in vain.
    pub attempts: u32,
}

/// A lane that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLane {
    /// See [`Lane::event_id`].
    pub event_id: EventId,
    /// See [`Lane::sink`].
    pub sink: SinkId,
    /// Since when it is.
    pub due_at: DateTime<Utc>,
}

/// How far a worker has come with a lane. It is written together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStep {
    /// The event.
    pub event_id: EventId,
    /// The sink.
    pub sink: SinkId,
    /// Whose turn it is.
    pub lease: LeaseId,
    /// See [`Lane::version`].
    pub version: Version,
    /// See [`Lane::position`].
    pub position: Option<Version>,
    /// See [`Lane::attempts`].
    pub attempts: u32,
    /// What has been sent, or tried.
    pub deliveries: Vec<Delivery>,
    /// What is to be mailed. One that is there already is left as it is.
    pub mails: Vec<NewMail>,
    /// What is next.
    pub next: LaneNext,
}

impl LaneStep {
    /// A step that leaves `lane` where it is, with nothing sent and nothing to be mailed, until its fields say how far
    /// the worker has come.
    pub fn new(lane: &Lane, lease: LeaseId, next: LaneNext) -> Self {
        let Lane { event_id, sink, version, position, target: _, attempts } = *lane;
        let (deliveries, mails) = (Vec::new(), Vec::new());
        Self { event_id, sink, lease, version, position, attempts, deliveries, mails, next }
    }
}

/// What is to become of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneNext {
    /// Its worker goes on: the lease begins anew.
    GoOn,
    /// It is anybody's: at once if there is more to do, else when there is.
    Release,
    /// It is anybody's after this.
    RetryAfter(TimeDelta),
}

/// A fact as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFact {
    /// The version of its event that it made.
    pub version: Version,
    /// The store's time when it did.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    pub fact: Fact,
}

/// A message to an endpoint, in the log: it is there as soon as it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The event.
    pub event_id: EventId,
    /// The version of the event that it tells of.
    pub version: Version,
    /// What it tells.
    pub kind: WebhookType,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The store's time of the last try. Stores write their own.
    pub tried_at: DateTime<Utc>,
    /// What the last try was answered, if it was: an HTTP status.
    pub status: Option<u16>,
    /// Why the last try failed: at most [`FAILURE_BYTES_MAX`], and nothing that the receiver said.
    pub failure: Option<String>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It arrived.
    Delivered,
    /// It will be tried again.
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

/// The last delivery of a page. They are listed with the latest try first.
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

/// Names a mail: the same fact makes the same mail, however often it is looked at.
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

/// A mail to be sent: whom it is about, and not what it says or where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMail {
    /// Its name.
    pub id: MailId,
    /// The event.
    pub event_id: EventId,
    /// Whose.
    pub registration_id: RegistrationId,
    /// What it tells.
    pub kind: MailKind,
    /// The version of the event that it tells of.
    pub version: Version,
}

impl NewMail {
    /// A mail of that kind about a registration, as `version` of its event left it.
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
    /// What it is.
    pub mail: NewMail,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// The store's time when it was made.
    pub made_at: DateTime<Utc>,
}

/// What became of a mail, by the worker that had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledMail {
    /// See [`NewMail::event_id`].
    pub event_id: EventId,
    /// See [`NewMail::id`].
    pub id: MailId,
    /// The one under which it was claimed.
    pub lease: LeaseId,
    /// What became of it.
    pub step: MailStep,
}

impl SettledMail {
    /// What became of a mail that was claimed under `lease`.
    pub fn new(mail: &NewMail, lease: LeaseId, step: MailStep) -> Self {
        Self { event_id: mail.event_id, id: mail.id, lease, step }
    }
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailStep {
    /// It was sent.
    Sent,
    /// What it would have told is no longer so.
    Dropped,
    /// Its worker goes on: the lease begins anew.
    GoOn,
    /// Its worker could not even try: it is due at once, for a worker that can, and nothing is counted.
    PutBack,
    /// It will be tried again after this; why it failed is at most [`FAILURE_BYTES_MAX`].
    RetryAfter(TimeDelta, String),
    /// It was given up, for this reason.
    Stuck(String),
}

/// How far delivery lags behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// When the oldest fact was recorded that has not been looked at.
    pub oldest_unrouted: Option<DateTime<Utc>>,
    /// The sinks that have something to do, the one whose oldest fact waits longest first: at most
    /// [`Backlog::SINKS_MAX`].
    pub sinks: Vec<SinkBacklog>,
    /// How many mails are to be sent.
    pub mails_due: u64,
    /// When the oldest of them was made.
    pub oldest_mail: Option<DateTime<Utc>>,
    /// How many mails were given up and are still kept.
    pub mails_stuck: u64,
}

impl Backlog {
    /// The most sinks that are told of.
    pub const SINKS_MAX: usize = 100;
}

/// How far one sink lags behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkBacklog {
    /// The sink.
    pub sink: SinkId,
    /// How many events have something for it.
    pub lanes: u64,
    /// In how many of them the last try failed.
    pub failing: u64,
    /// When the oldest fact was recorded that one of them has yet to do.
    pub oldest: Option<DateTime<Utc>>,
}
