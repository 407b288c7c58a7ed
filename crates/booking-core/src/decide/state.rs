use crate::decide::stored;
use crate::{
    Capacity, Command, EventCommand, EventDetails, EventId, EventRules, EventTimes, Fact,
    Fingerprint, IdempotencyKey, KeyHash, OrganizerId, Outcome, Registration, RegistrationId,
    Version,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How many seats are counted for what. Kept on the event's row, and always what its rows give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SeatCounts {
    /// Rows that are confirmed, held or offered, whether time has ended them or not.
    pub booked: u32,
    /// Those of them that are held or offered.
    pub held: u32,
    /// Rows that wait.
    pub waiting: u32,
}

/// One event as it was read under its lock, with as much of it as a batch needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventState {
    /// The event.
    pub id: EventId,
    /// See [`Event::organizer_id`](crate::Event::organizer_id).
    pub organizer_id: Option<OrganizerId>,
    /// See [`Event::capacity`](crate::Event::capacity).
    pub capacity: Capacity,
    /// Its counts of seats.
    pub counts: SeatCounts,
    /// See [`Event::version`](crate::Event::version).
    pub version: Version,
    /// See [`Event::rules`](crate::Event::rules).
    pub rules: EventRules,
    /// When it takes place.
    pub times: EventTimes,
    /// Before this instant time alone changes nothing: no hold or offer runs out. `None` if there are
    /// none.
    pub due_at: Option<DateTime<Utc>>,
    /// Every registration of this event that has the id of one of the commands, and every one whose
    /// row is live that has its e-mail address. Others may be among them, and some may be twice. One
    /// that waits has its position, if the answer to a command may show it.
    pub registrations: Vec<Registration>,
    /// The first [`LoadPlan::overdue_max`] holds and offers that have run out, by the time of their end
    /// and the version that made them.
    pub overdue: Vec<Registration>,
    /// The earliest end of a hold or an offer that is not in `overdue`. Only if `overdue` was asked for.
    pub due_next: Option<DateTime<Utc>>,
    /// The first [`LoadPlan::waiting_max`] who wait, in their order.
    pub waiting: Vec<Registration>,
    /// The first [`LoadPlan::unerased_max`] registrations that may not be erased yet, in the order of the
    /// versions that made them: those after [`EditedEvent::erased_to`].
    pub unerased: Vec<Registration>,
    /// What people are told of it. Only if [`LoadPlan::details`].
    pub details: Option<StoredDetails>,
    /// What was answered under the idempotency keys of the commands.
    pub records: Vec<IdempotencyRecord>,
}

/// What is read of an event only where it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDetails {
    /// See [`Event::details`](crate::Event::details).
    pub details: EventDetails,
    /// See [`Event::created_at`](crate::Event::created_at).
    pub created_at: DateTime<Utc>,
    /// See [`Event::changed_at`](crate::Event::changed_at).
    pub changed_at: DateTime<Utc>,
    /// See [`Event::details_changed_at`](crate::Event::details_changed_at).
    pub details_changed_at: DateTime<Utc>,
    /// See [`Event::sequence`](crate::Event::sequence).
    pub sequence: u32,
    /// See [`EditedEvent::erase_at`].
    pub erase_at: Option<DateTime<Utc>>,
}

/// What a batch needs of an event beyond its row, its commands' registrations and their records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadPlan {
    /// How many holds and offers that have run out; with 0 none are looked for.
    pub overdue_max: u32,
    /// How many of those who wait.
    pub waiting_max: u32,
    /// How many that may not be erased yet.
    pub unerased_max: u32,
    /// Whether what people are told of the event.
    pub details: bool,
}

/// The most that one decision tidies beyond one for each of its commands; the next one goes on. It
/// bounds a transaction after many holds have run out together.
pub const SETTLED_MAX: u32 = 1_000;

/// The most registrations that one decision erases because they were kept for long enough; the next one
/// goes on.
pub const ERASED_MAX: u32 = 500;

impl EventState {
    /// An event's row, before anything else was read.
    #[expect(clippy::too_many_arguments, reason = "one for each column that a row has")]
    pub fn new(
        id: EventId,
        organizer_id: Option<OrganizerId>,
        capacity: Capacity,
        counts: SeatCounts,
        version: Version,
        rules: EventRules,
        times: EventTimes,
        due_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            id,
            organizer_id,
            capacity,
            counts,
            version,
            rules,
            times,
            due_at,
            registrations: Vec::new(),
            overdue: Vec::new(),
            due_next: None,
            waiting: Vec::new(),
            unerased: Vec::new(),
            details: None,
            records: Vec::new(),
        }
    }

    /// Whether time alone has changed something at `now`.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.due_at.is_some_and(|due| due <= now)
    }

    /// What else has to be read of it for `commands`, which are its part of a batch.
    pub fn load_plan<'a>(
        &self,
        commands: impl IntoIterator<Item = &'a EventCommand>,
        now: DateTime<Utc>,
    ) -> LoadPlan {
        let (mut count, mut cancels, mut raised, mut details) = (0_u32, 0_u32, 0_u32, false);
        let mut unerased_max = 0;
        for item in commands {
            count += 1;
            match &item.command {
                Command::Edit(edit) => {
                    details = true;
                    let capacity = edit.capacity.map_or(0, Capacity::get);
                    raised = raised.max(capacity.saturating_sub(self.capacity.get()));
                }
                Command::CancelEvent => details = true,
                Command::Cancel { .. } => cancels += 1,
                Command::Erase { .. } => {
                    details = true;
                    cancels += 1;
                }
                Command::EraseDue => {
                    details = true;
                    unerased_max = ERASED_MAX;
                }
                Command::Register(_)
                | Command::Hold(_)
                | Command::Confirm { .. }
                | Command::Transfer(_)
                | Command::Correct(_)
                | Command::RenewLink(_)
                | Command::CheckIn(_)
                | Command::UndoCheckIn { .. }
                | Command::Settle
                | Command::Replay => {}
            }
        }
        let is_due = self.is_due(now);
        let free = self.capacity.get().saturating_sub(self.counts.booked);
        // Who runs out frees at least as many seats as the queue takes and the commands may want, so
        // that nobody is refused for what was left untidied.
        let freed = if is_due { SETTLED_MAX } else { free.min(SETTLED_MAX) };
        let freed = freed + raised.min(SETTLED_MAX) + cancels;
        LoadPlan {
            overdue_max: if is_due { SETTLED_MAX + count } else { 0 },
            waiting_max: freed.min(self.counts.waiting),
            unerased_max,
            details,
        }
    }
}

impl LoadPlan {
    /// Whether there is nothing to be read.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What one batch changes in one event: all of it is written, or none. It can be serialized for a store that
/// keeps what happened, with the hashes of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventChange {
    /// The event.
    pub event_id: EventId,
    /// Its new counts of seats.
    pub counts: SeatCounts,
    /// Its new version: one more for each of `facts`. [`Event::changed_at`](crate::Event::changed_at) is
    /// then the time of the decision.
    pub version: Version,
    /// See [`EventState::due_at`].
    pub due_at: Option<DateTime<Utc>>,
    /// What else is new about it.
    pub edited: Option<Box<EditedEvent>>,
    /// The registrations that are new or changed, as they are now.
    #[serde(with = "stored::registrations")]
    pub registrations: Vec<Registration>,
    /// Those of them whose rows are there already. These are deleted before `registrations` are
    /// inserted, so that addresses can pass from one row to another in any order.
    pub replaced: Vec<RegistrationId>,
    /// What happened, in the order of the versions that it made; the last made `version`.
    pub facts: Vec<Fact>,
    /// Whether everything that was answered under idempotency keys is deleted, before `records` are
    /// kept.
    pub purges_records: bool,
    /// What was answered under idempotency keys. A record that is there already has run out.
    pub records: Vec<IdempotencyRecord>,
}

impl EventChange {
    /// The version that the first of `facts` made, or would have made.
    pub fn first_version(&self) -> Version {
        Version::new(self.version.get() + 1 - self.facts.len() as u64)
    }
}

/// An event whose row was changed in more than its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedEvent {
    /// See [`Event::details`](crate::Event::details).
    pub details: EventDetails,
    /// See [`Event::capacity`](crate::Event::capacity).
    pub capacity: Capacity,
    /// See [`Event::rules`](crate::Event::rules).
    pub rules: EventRules,
    /// See [`Event::details_changed_at`](crate::Event::details_changed_at).
    pub details_changed_at: DateTime<Utc>,
    /// See [`Event::sequence`](crate::Event::sequence).
    pub sequence: u32,
    /// Offers whose rows are there already end then if they last longer, before `registrations` are
    /// written: the event is over. `None` if none can.
    pub offers_end_by: Option<DateTime<Utc>>,
    /// The version that called the event off, if one did.
    pub cancelled_version: Option<Version>,
    /// When there is something to be erased of it; `None` if never, or if everything is.
    pub erase_at: Option<DateTime<Utc>>,
    /// Every registration that this or an earlier version made is erased. `None` if it is as it was.
    pub erased_to: Option<Version>,
}

/// What was answered to a request that may come again. It can be serialized for stores, with the hashes of
/// tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// What it is looked up by.
    pub hash: KeyHash,
    /// What was asked.
    pub fingerprint: Fingerprint,
    /// What was answered.
    #[serde(with = "stored::OutcomeForm")]
    pub outcome: Outcome,
    /// The instant, to the microsecond, from which it is kept for [`KEPT`](Self::KEPT): the store's time when
    /// it was. A refusal is to be kept for less, and has one that is as much earlier.
    pub recorded_at: DateTime<Utc>,
}

impl IdempotencyRecord {
    /// For how long a request that comes again is answered the same: 24 hours.
    pub const KEPT: TimeDelta = TimeDelta::hours(24);
    /// The same for a refusal: as long as clients try again after an answer that was lost. Whoever may ask at
    /// all can have as many of these as it likes, and nothing was changed.
    pub const REFUSAL_KEPT: TimeDelta = TimeDelta::minutes(10);

    /// Of what was answered `now` to a request under `key`.
    pub fn new(key: IdempotencyKey, outcome: Outcome, now: DateTime<Utc>) -> Self {
        // Kept in this way all that stores have to know is the one limit, and one index serves to forget.
        let recorded_at = match &outcome {
            Outcome::Refused(_) => now - (Self::KEPT - Self::REFUSAL_KEPT),
            _ => now,
        };
        Self { hash: key.hash, fingerprint: key.fingerprint, outcome, recorded_at }
    }

    /// Whether it still counts at `now`.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        now < self.recorded_at + Self::KEPT
    }

    /// The answer to a request with `fingerprint` under the same key.
    pub fn answer(&self, fingerprint: Fingerprint) -> Outcome {
        match self.fingerprint == fingerprint {
            true => Outcome::Replayed(Box::new(self.outcome.clone())),
            false => Outcome::Refused(crate::Refusal::KeyReused),
        }
    }
}
