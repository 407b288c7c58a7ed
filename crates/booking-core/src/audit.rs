use crate::EventId;
use std::fmt;

/// What recounting every event against its rows found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// How many events were counted.
    pub events: u64,
    /// How many registrations were counted.
    pub registrations: u64,
    /// Where something does not agree; empty if all is well.
    pub differences: Vec<Difference>,
}

/// One thing about one event that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The event.
    pub event_id: EventId,
    /// What must hold and does not, for the operator.
    pub rule: &'static str,
    /// What the event's row says.
    pub stated: i64,
    /// What its rows give.
    pub counted: i64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_id, rule, stated, counted } = self;
        write!(f, "event {event_id}: {rule}: the event says {stated}, its rows give {counted}")
    }
}
