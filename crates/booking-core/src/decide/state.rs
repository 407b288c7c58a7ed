use crate::{
    Capacity, EventDetails, EventId, EventRules, EventTimes, IdempotencyRecord, OrganizerId,
    Questions, Registration, Version,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The seat counts of an event. Stored on the event's row, and always equal to a count of its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SeatCounts {
    /// Rows that are confirmed, held or offered, expired or not.
    pub booked: u32,
    /// Those of them that are held or offered.
    pub held: u32,
    /// Rows that wait.
    pub waiting: u32,
}

/// One event as it was read under its lock, as far as a batch needs it.
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
    /// No hold or offer expires before this instant. `None` if there are none.
    pub due_at: Option<DateTime<Utc>>,
    /// See [`Event::asks`](crate::Event::asks).
    pub asks: bool,
    /// Its current and retired questions. Only if [`LoadPlan::questions`](crate::LoadPlan::questions), and then
    /// [`Questions::NONE`] if it has none.
    pub questions: Option<Questions>,
    /// Every registration of this event with the id of one of the commands, and every live row with the e-mail address
    /// of one. Others may be among them, and some may be twice. A waitlisted one has its position, if the answer to a
    /// command may show it.
    pub registrations: Vec<Registration>,
    /// The first [`LoadPlan::overdue_max`](crate::LoadPlan::overdue_max) expired holds and offers, by the time of their
    /// end and the version that made them.
    pub overdue: Vec<Registration>,
    /// The earliest end of a hold or an offer that is not in `overdue`. Only if `overdue` was asked for.
    pub due_next: Option<DateTime<Utc>>,
    /// The first [`LoadPlan::waiting_max`](crate::LoadPlan::waiting_max) of the waitlist, in order.
    pub waiting: Vec<Registration>,
    /// The first [`LoadPlan::unerased_max`](crate::LoadPlan::unerased_max) registrations that may not be erased yet, in
    /// the order of the versions that made them: those after [`EditedEvent::erased_to`](crate::EditedEvent::erased_to).
    pub unerased: Vec<Registration>,
    /// Its public details. Only if [`LoadPlan::details`](crate::LoadPlan::details).
    pub details: Option<StoredDetails>,
    /// The records of the commands' idempotency keys.
    pub records: Vec<IdempotencyRecord>,
}

/// The columns of an event that are read only when needed.
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
    /// The state of an event's row, before anything else was read: without questions, until `asks` is set.
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
