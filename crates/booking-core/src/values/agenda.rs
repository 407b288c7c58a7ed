//! Events in the order of their start times.

use crate::values::id::parse_uuid;
use crate::values::time::is_stored;
use crate::{Event, EventId, Invalid};
use chrono::{DateTime, Utc};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Which events are listed by start time: upcoming ones soonest first, past ones latest first. Events without a start
/// come after all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Agenda {
    /// Those that start then or later.
    pub from: Option<DateTime<Utc>>,
    /// Those that start before.
    pub to: Option<DateTime<Utc>>,
    /// Those that are over, or those that are not.
    pub when: Option<When>,
}

/// Whether an event is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// It is not over, or never will be.
    Upcoming,
    /// It is over.
    Past,
}

impl Agenda {
    /// Whether the latest come first.
    pub fn is_latest_first(&self) -> bool {
        self.when == Some(When::Past)
    }

    /// Whether an event is listed at `now`.
    pub fn takes(&self, event: &Event, now: DateTime<Utc>) -> bool {
        let times = event.details.times();
        let begins = |is: &dyn Fn(DateTime<Utc>) -> bool| times.starts_at.is_some_and(is);
        self.from.is_none_or(|from| begins(&|at| at >= from))
            && self.to.is_none_or(|to| begins(&|at| at < to))
            && self.when.is_none_or(|when| (when == When::Past) == times.is_over(now))
    }
}

/// The last event of a page of an [`Agenda`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StartCursor {
    /// When that event starts.
    pub starts_at: Option<DateTime<Utc>>,
    /// Its id.
    pub id: EventId,
}

impl StartCursor {
    /// Stands for the start of an event that has none: later than every other.
    pub const NEVER: DateTime<Utc> =
        DateTime::from_timestamp(253_402_300_800, 0).expect("a time chrono knows");
    /// Before every start.
    const FIRST: DateTime<Utc> =
        DateTime::from_timestamp(-62_135_596_800, 0).expect("a time chrono knows");

    /// What events are sorted by.
    pub fn key(self) -> (DateTime<Utc>, EventId) {
        (self.starts_at.unwrap_or(Self::NEVER), self.id)
    }

    /// The key after which the first page of `agenda` begins.
    pub fn edge(agenda: &Agenda) -> (DateTime<Utc>, EventId) {
        match agenda.is_latest_first() {
            true => (Self::NEVER, Uuid::max().into()),
            false => (Self::FIRST, Uuid::nil().into()),
        }
    }
}

impl From<&Event> for StartCursor {
    fn from(event: &Event) -> Self {
        Self { starts_at: event.details.starts_at, id: event.id }
    }
}

impl fmt::Display for StartCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.starts_at {
            Some(starts_at) => write!(f, "s{}_", starts_at.timestamp_micros())?,
            None => f.write_str("s_")?,
        }
        write!(f, "{}", self.id.as_uuid().simple())
    }
}

impl FromStr for StartCursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (micros, id) = text
            .strip_prefix('s')
            .and_then(|rest| rest.split_once('_'))
            .filter(|(micros, _)| !micros.starts_with('+'))
            .ok_or(Invalid::NotACursor)?;
        let id = parse_uuid(id).ok_or(Invalid::NotACursor)?.into();
        let instant = |micros: i64| DateTime::from_timestamp_micros(micros).filter(is_stored);
        let starts_at = match micros {
            "" => None,
            micros => {
                let instant = micros.parse().ok().and_then(instant);
                Some(instant.ok_or(Invalid::NotACursor)?)
            }
        };
        Ok(Self { starts_at, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip() {
        let id = Uuid::from_u128(7).into();
        for micros in [None, Some(1_700_000_000_123_456), Some(-1)] {
            let starts_at = micros.and_then(DateTime::from_timestamp_micros);
            let cursor = StartCursor { starts_at, id };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        let id = Uuid::from_u128(7).simple();
        let far = i64::MAX;
        for text in [
            "",
            "s",
            "s_",
            "s_x",
            &format!("1_{id}"),
            &format!("s+1_{id}"),
            &format!("s{far}_{id}"),
        ] {
            assert_eq!(text.parse::<StartCursor>(), Err(Invalid::NotACursor), "{text:?}");
        }
    }
}
