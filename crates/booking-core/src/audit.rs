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

/// What a store counted for one event, in one consistent view of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCount {
    /// The event.
    pub event_id: EventId,
    /// What the event's own row says; `None` if there are rows for an event that does not exist.
    pub stated: Option<EventStated>,
    /// How many live registrations it has.
    pub registrations: i64,
    /// How many different e-mail addresses they have.
    pub addresses: i64,
    /// How many versions were made by facts that follow the facts before them.
    pub fact_versions: i64,
    /// The last version that its facts made.
    pub fact_version_last: i64,
}

/// The numbers on an event's own row, unchecked, since checking them is what an audit is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStated {
    /// See [`Event::capacity`](crate::Event::capacity).
    pub capacity: i64,
    /// See [`Event::booked_count`](crate::Event::booked_count).
    pub booked_count: i64,
    /// See [`Event::version`](crate::Event::version).
    pub version: i64,
}

/// One thing about one event that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The event.
    pub event_id: EventId,
    /// What must hold and does not, for the operator.
    pub rule: &'static str,
    /// What the event's row says, or the most that it allows.
    pub stated: i64,
    /// What its rows give.
    pub counted: i64,
}

impl AuditReport {
    /// Holds what a store counted against the rules.
    pub fn of(counts: impl IntoIterator<Item = EventCount>) -> Self {
        let mut report = Self::default();
        for count in counts {
            report.add(&count);
        }
        report
    }

    fn add(&mut self, count: &EventCount) {
        self.registrations += count.registrations.unsigned_abs();
        let Some(stated) = &count.stated else {
            let rule = "registrations and facts belong to an event that exists";
            self.check(count, rule, false, 0, count.registrations + count.fact_versions);
            return;
        };
        self.events += 1;
        let (booked, rows) = (stated.booked_count, count.registrations);
        let rule = "booked_count is the number of live registrations";
        self.check(count, rule, booked == rows, booked, rows);
        let rule = "no more seats are taken than there are";
        let taken = booked.max(rows);
        self.check(count, rule, taken <= stated.capacity, stated.capacity, taken);
        let rule = "an e-mail address has one live registration";
        self.check(count, rule, count.addresses == rows, rows, count.addresses);
        let rule = "the last fact made the event's version";
        let (version, last) = (stated.version, count.fact_version_last);
        self.check(count, rule, version == last, version, last);
        let rule = "every version was made by one fact, in order";
        self.check(count, rule, version == count.fact_versions, version, count.fact_versions);
    }

    fn check(
        &mut self,
        count: &EventCount,
        rule: &'static str,
        holds: bool,
        stated: i64,
        counted: i64,
    ) {
        if !holds {
            self.differences.push(Difference { event_id: count.event_id, rule, stated, counted });
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_id, rule, stated, counted } = self;
        write!(
            f,
            "event {event_id}: it must be that {rule}, but the event says {stated} and its rows \
             give {counted}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> EventCount {
        EventCount {
            event_id: uuid::Uuid::from_u128(1).into(),
            stated: Some(EventStated { capacity: 3, booked_count: 2, version: 3 }),
            registrations: 2,
            addresses: 2,
            fact_versions: 3,
            fact_version_last: 3,
        }
    }

    #[test]
    fn what_agrees_is_no_difference() {
        let report = AuditReport::of([good(), good()]);
        assert_eq!(report, AuditReport { events: 2, registrations: 4, differences: vec![] });
    }

    #[test]
    fn each_rule_is_held() {
        let stated =
            |capacity, booked_count, version| Some(EventStated { capacity, booked_count, version });
        for (what, broken) in [
            ("miscounted", EventCount { stated: stated(3, 1, 3), ..good() }),
            ("oversold", EventCount { stated: stated(1, 2, 3), ..good() }),
            ("one address twice", EventCount { addresses: 1, ..good() }),
            ("a version ahead", EventCount { fact_version_last: 4, ..good() }),
            ("a fact lost", EventCount { fact_versions: 2, ..good() }),
            ("an orphan", EventCount { stated: None, ..good() }),
        ] {
            let differences = AuditReport::of([broken]).differences;
            assert_eq!(differences.len(), 1, "{what}: {differences:?}");
        }
    }
}
