//! The lag of delivery, in a few numbers: for each kind of sink, since there may be any number of webhooks.

use crate::util::locks::lock;
use booking_core::{Backlog, SinkBacklog, SinkId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use utoipa::ToSchema;

/// From what age of the oldest fact on `/readyz` reports it, for the lag that no receiver can cause.
const REPORTED_FROM_SECONDS: u64 = 60;

/// How far delivery lags behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    /// When the oldest fact was recorded that is not routed yet.
    pub(crate) oldest_unrouted: Option<DateTime<Utc>>,
    pub(crate) webhooks: SinkLag,
    /// Its oldest includes mails that are written already.
    pub(crate) mail: SinkLag,
    pub(crate) mails_due: u64,
    pub(crate) mails_stuck: u64,
}

/// How far the sinks of one kind do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SinkLag {
    pub(crate) lanes: u64,
    pub(crate) failing: u64,
    pub(crate) oldest: Option<DateTime<Utc>>,
}

impl SinkLag {
    fn add(&mut self, sink: &SinkBacklog) {
        self.lanes += sink.lanes;
        self.failing += sink.failing;
        self.oldest = earlier(self.oldest, sink.oldest);
    }
}

impl From<&Backlog> for Lag {
    fn from(backlog: &Backlog) -> Self {
        let (mut webhooks, mut mail) = (SinkLag::default(), SinkLag::default());
        for sink in &backlog.sinks {
            let of_kind = if sink.sink == SinkId::MAIL { &mut mail } else { &mut webhooks };
            of_kind.add(sink);
        }
        mail.oldest = earlier(mail.oldest, backlog.oldest_mail);
        Self {
            oldest_unrouted: backlog.oldest_unrouted,
            webhooks,
            mail,
            mails_due: backlog.mails_due,
            mails_stuck: backlog.mails_stuck,
        }
    }
}

impl Lag {
    fn report(
        &self,
        tasks_down: u64,
        mail_server_away: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Option<LagReport> {
        let all = earlier(earlier(self.oldest_unrouted, self.mail.oldest), self.webhooks.oldest);
        // A receiver that is dead is its organizer's affair, and is reported by its failures.
        let ours = age_seconds(earlier(self.oldest_unrouted, self.mail.oldest), now);
        let is_reported = ours >= REPORTED_FROM_SECONDS
            || self.webhooks.failing + self.mails_stuck > 0
            || tasks_down > 0
            || mail_server_away.is_some();
        is_reported.then_some(LagReport {
            oldest_seconds: age_seconds(all, now),
            webhooks_failing: self.webhooks.failing,
            mails_due: self.mails_due,
            mails_stuck: self.mails_stuck,
            mail_server_away_seconds: mail_server_away.map_or(0, begun_seconds),
            tasks_down,
        })
    }
}

/// What `/readyz` says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DeliveryLag)]
pub(crate) struct LagReport {
    /// The age of the oldest fact that has not been delivered.
    oldest_seconds: u64,
    /// For how many events the last message to a webhook failed.
    webhooks_failing: u64,
    mails_due: u64,
    /// How many mails were given up.
    mails_stuck: u64,
    /// For how long the mail server has been away, as this server has found out, so that all mails wait; 0 if it is there.
    mail_server_away_seconds: u64,
    /// How much of what this server delivers by has panicked, and is begun anew soon.
    tasks_down: u64,
}

/// The last measured lag; `None` if the store did not answer.
#[derive(Debug, Default)]
pub(crate) struct LastLag(Mutex<Option<Lag>>);

impl LastLag {
    /// Takes note of it.
    pub(crate) fn set(&self, lag: Option<Lag>) {
        *lock(&self.0) = lag;
    }

    pub(crate) fn get(&self) -> Option<Lag> {
        *lock(&self.0)
    }

    /// The report at this time, if there is a reason, where so many tasks of delivery are down, and the mail server
    /// has been away for so long.
    pub(crate) fn report(
        &self,
        tasks_down: u64,
        mail_server_away: Option<Duration>,
    ) -> Option<LagReport> {
        // That is known also where the lag was not measured yet.
        let lag = self.get().unwrap_or_default();
        lag.report(tasks_down, mail_server_away, DateTime::<Utc>::from(SystemTime::now()))
    }
}

fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

/// The begun seconds of a time.
pub(crate) fn begun_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// The time since then; 0 for never. The store's clock, which `since` is of, and ours need not agree.
pub(crate) fn age_seconds(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u64 {
    since.map_or(0, |since| u64::try_from((now - since).num_seconds()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use uuid::Uuid;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_777_662_000, 0).expect("in range")
    }

    fn ago(seconds: i64) -> Option<DateTime<Utc>> {
        Some(now() - TimeDelta::seconds(seconds))
    }

    fn sink(number: u128, lanes: u64, failing: u64, oldest: i64) -> SinkBacklog {
        let sink = SinkId::from(Uuid::from_u128(number));
        SinkBacklog { sink, lanes, failing, oldest: ago(oldest) }
    }

    #[test]
    fn sinks_are_summed_by_their_kind() {
        let backlog = Backlog {
            oldest_unrouted: ago(1),
            sinks: vec![sink(7, 2, 1, 50), sink(0, 3, 0, 4), sink(8, 1, 1, 500)],
            mails_due: 5,
            oldest_mail: ago(9),
            mails_stuck: 2,
        };
        let lag = Lag::from(&backlog);
        assert_eq!(lag.webhooks, SinkLag { lanes: 3, failing: 2, oldest: ago(500) });
        assert_eq!(lag.mail, SinkLag { lanes: 3, failing: 0, oldest: ago(9) });
        let report = LagReport {
            oldest_seconds: 500,
            webhooks_failing: 2,
            mails_due: 5,
            mails_stuck: 2,
            mail_server_away_seconds: 0,
            tasks_down: 0,
        };
        assert_eq!(lag.report(0, None, now()), Some(report));
    }

    #[test]
    fn healthy_delivery_is_not_reported() {
        let lag = |backlog: Backlog| {
            Lag::from(&backlog).report(0, None, now()).map(|report| report.oldest_seconds)
        };
        assert_eq!(lag(Backlog::default()), None);
        assert_eq!(lag(Backlog { oldest_unrouted: ago(59), ..Backlog::default() }), None);
        assert_eq!(lag(Backlog { oldest_unrouted: ago(60), ..Backlog::default() }), Some(60));
        assert_eq!(lag(Backlog { oldest_mail: ago(61), ..Backlog::default() }), Some(61));
        assert_eq!(lag(Backlog { mails_stuck: 1, ..Backlog::default() }), Some(0));
        // A slow receiver is no reason to wake an operator.
        let slow = vec![sink(7, 1, 0, 600)];
        assert_eq!(lag(Backlog { sinks: slow, ..Backlog::default() }), None);
        // Whatever else is in order.
        let report = |tasks_down, away| LastLag::default().report(tasks_down, away);
        let down = report(1, None).map(|report| (report.oldest_seconds, report.tasks_down));
        assert_eq!((report(0, None), down), (None, Some((0, 1))));
        let away = |millis| report(0, Some(Duration::from_millis(millis)));
        let away = |millis| away(millis).map(|report| report.mail_server_away_seconds);
        assert_eq!((away(1), away(1_000), away(61_001)), (Some(1), Some(1), Some(62)));
        // A store whose clock is ahead.
        assert_eq!(age_seconds(ago(-5), now()), 0);
    }
}
