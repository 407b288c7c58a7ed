use crate::{CellName, EventId};
use std::fmt;

/// The result of recounting every event against its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// How many events were counted.
    pub events: u64,
    /// How many registrations were counted.
    pub registrations: u64,
    /// Where the counts disagree; empty if all is well.
    pub differences: Vec<Difference>,
    /// The cells that could not be reached: their events were not counted.
    pub missing: Vec<CellName>,
}

/// The counts of one event, in one consistent view of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCount {
    /// The event.
    pub event_id: EventId,
    /// The event's own row; `None` if there are rows for an event that does not exist.
    pub stated: Option<EventStated>,
    /// How many registrations have a seat by their rows: confirmed, held and offered.
    pub seated: i64,
    /// How many of those are held or offered.
    pub held: i64,
    /// How many wait.
    pub waiting: i64,
    /// How many different e-mail addresses the live ones have.
    pub addresses: i64,
    /// How many holds and offers end before the earliest end on the event's row.
    pub before_due: i64,
    /// How many versions were made by facts that follow the facts before them; registrations that are
    /// [their own facts](crate::EventChange::facts_to_store) included, here and below.
    pub fact_versions: i64,
    /// The last version that its facts made.
    pub fact_version_last: i64,
}

/// The numbers on an event's own row, unchecked, since checking them is what an audit is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStated {
    /// See [`Event::capacity`](crate::Event::capacity).
    pub capacity: i64,
    /// Whether it was cancelled: then its registrations' rows do not count.
    pub is_cancelled: bool,
    /// See [`SeatCounts::booked`](crate::SeatCounts::booked).
    pub booked: i64,
    /// See [`SeatCounts::held`](crate::SeatCounts::held).
    pub held: i64,
    /// See [`SeatCounts::waiting`](crate::SeatCounts::waiting).
    pub waiting: i64,
    /// See [`Event::version`](crate::Event::version).
    pub version: i64,
}

/// One violated rule of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The event.
    pub event_id: EventId,
    /// The rule that does not hold, for the operator.
    pub rule: &'static str,
    /// The number on the event's row, or the most that it allows.
    pub stated: i64,
    /// The number counted from its rows.
    pub counted: i64,
}

impl AuditReport {
    /// Checks a store's counts against the rules.
    pub fn of(counts: impl IntoIterator<Item = EventCount>) -> Self {
        let mut report = Self::default();
        for count in counts {
            report.add(&count);
        }
        report
    }

    fn add(&mut self, count: &EventCount) {
        let live = count.seated + count.waiting;
        self.registrations += live.unsigned_abs();
        let Some(stated) = &count.stated else {
            let rule = "registrations and facts belong to an event that exists";
            self.check(count, rule, 0, live + count.fact_versions);
            return;
        };
        self.events += 1;
        let of_rows = |rows: i64| if stated.is_cancelled { 0 } else { rows };
        let (seated, held) = (of_rows(count.seated), of_rows(count.held));
        let waiting = of_rows(count.waiting);
        self.check(count, "the seats taken are those of its registrations", stated.booked, seated);
        self.check(count, "the seats held are those of its holds and offers", stated.held, held);
        self.check(count, "those who wait are counted", stated.waiting, waiting);
        let rule = "no more seats are taken than there are";
        let taken = stated.booked.max(seated);
        self.check(count, rule, stated.capacity, taken.max(stated.capacity));
        self.check(count, "an e-mail address has one live registration", live, count.addresses);
        let rule = "no hold or offer ends before the first is said to";
        self.check(count, rule, 0, of_rows(count.before_due));
        let version = stated.version;
        self.check(count, "the last fact made its version", version, count.fact_version_last);
        let rule = "every version was made by one fact, in order";
        self.check(count, rule, version, count.fact_versions);
    }

    fn check(&mut self, count: &EventCount, rule: &'static str, stated: i64, counted: i64) {
        if stated != counted {
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

    fn stated() -> EventStated {
        EventStated { capacity: 3, is_cancelled: false, booked: 2, held: 1, waiting: 1, version: 4 }
    }

    fn good() -> EventCount {
        EventCount {
            event_id: uuid::Uuid::from_u128(1).into(),
            stated: Some(stated()),
            seated: 2,
            held: 1,
            waiting: 1,
            addresses: 3,
            before_due: 0,
            fact_versions: 4,
            fact_version_last: 4,
        }
    }

    #[test]
    fn correct_counts_report_no_difference() {
        let cancelled =
            EventStated { is_cancelled: true, booked: 0, held: 0, waiting: 0, ..stated() };
        let cancelled = EventCount { stated: Some(cancelled), before_due: 1, ..good() };
        let report = AuditReport::of([good(), cancelled]);
        assert_eq!(report, AuditReport { events: 2, registrations: 6, ..AuditReport::default() });
    }

    #[test]
    fn each_broken_rule_is_reported() {
        let with = |stated| EventCount { stated: Some(stated), ..good() };
        for (what, broken) in [
            ("miscounted", with(EventStated { booked: 1, ..stated() })),
            ("oversold", with(EventStated { capacity: 1, ..stated() })),
            ("holds miscounted", with(EventStated { held: 0, ..stated() })),
            ("queue miscounted", with(EventStated { waiting: 0, ..stated() })),
            ("one address twice", EventCount { addresses: 2, ..good() }),
            ("a hold forgotten", EventCount { before_due: 1, ..good() }),
            ("a version ahead", EventCount { fact_version_last: 5, ..good() }),
            ("a fact lost", EventCount { fact_versions: 3, ..good() }),
            ("an orphan", EventCount { stated: None, ..good() }),
        ] {
            let differences = AuditReport::of([broken]).differences;
            assert_eq!(differences.len(), 1, "{what}: {differences:?}");
        }
    }
}
