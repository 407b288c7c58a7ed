use crate::{
    Capacity, EventDetails, EventId, EventRules, EventTimes, IdempotencyRecord, OrganizerId,
    Questions, Registration, Version,
};
use chrono::{DateTime, Utc};
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
    /// See [`Event::asks`](crate::Event::asks).
    pub asks: bool,
    /// All that it asks and has asked. Only if [`LoadPlan::questions`](crate::LoadPlan::questions), and then
    /// [`Questions::NONE`] if that is nothing.
    pub questions: Option<Questions>,
    /// Every registration of this event that has the id of one of the commands, and every one whose
    /// row is live that has its e-mail address. Others may be among them, and some may be twice. One
    /// that waits has its position, if the answer to a command may show it.
    pub registrations: Vec<Registration>,
    /// The first [`LoadPlan::overdue_max`](crate::LoadPlan::overdue_max) holds and offers that have run out,
    /// by the time of their end and the version that made them.
    pub overdue: Vec<Registration>,
    /// The earliest end of a hold or an offer that is not in `overdue`. Only if `overdue` was asked for.
    pub due_next: Option<DateTime<Utc>>,
    /// The first [`LoadPlan::waiting_max`](crate::LoadPlan::waiting_max) who wait, in their order.
    pub waiting: Vec<Registration>,
    /// The first [`LoadPlan::unerased_max`](crate::LoadPlan::unerased_max) registrations that may not be
    /// erased yet, in the order of the versions that made them: those after
    /// [`EditedEvent::erased_to`](crate::EditedEvent::erased_to).
    pub unerased: Vec<Registration>,
    /// What people are told of it. Only if [`LoadPlan::details`](crate::LoadPlan::details).
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
    /// See [`EditedEvent::erase_at`](crate::EditedEvent::erase_at).
    pub erase_at: Option<DateTime<Utc>>,
    /// See [`EditedEvent::remind_at`](crate::EditedEvent::remind_at).
    pub remind_at: Option<DateTime<Utc>>,
}

impl EventState {
    /// An event's row, before anything else was read: one that asks nothing, until `asks` says so.
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
            asks: false,
            questions: None,
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
}
