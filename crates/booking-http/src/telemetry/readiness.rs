//! Whether this server should get requests.

use crate::telemetry::lag::LagReport;
use crate::util::ttl_cache::TtlCache;
use booking_cells::HEALTH_WAIT;
use booking_core::{CellState, StoreError, StoreHealth, WriteTrouble};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How long an answer of the store is cached, so that probes cost nothing.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// The longest wait for the store.
const WITHIN: Duration = Duration::from_secs(2);
// Of several cells one may hang, and is skipped in time.
const _: () = assert!(HEALTH_WAIT.as_millis() < WITHIN.as_millis());

/// Asks the store how it is.
pub(crate) struct Readiness(TtlCache<StoreHealth>);

impl Default for Readiness {
    fn default() -> Self {
        Self(TtlCache::new(GOOD_FOR, WITHIN))
    }
}

impl Readiness {
    /// Whether this server should get requests. `health` is asked only if the store's last answer is too old;
    /// `has_other_keys` is whether other servers sign with keys that this one does not have.
    pub(crate) async fn check(
        &self,
        is_stopping: bool,
        has_other_keys: bool,
        health: impl Future<Output = Result<StoreHealth, StoreError>>,
    ) -> Ready {
        let health = self.0.get(health).await;
        let tickets = has_other_keys.then_some("other_keys");
        Ready { tickets, ..Ready::of(is_stopping, health) }
    }
}

/// What was found. It says which check failed, and nothing of why: the log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReadinessChecks)]
pub(crate) struct Ready {
    /// `ok` or `stopping`.
    pub(crate) server: &'static str,
    /// `ok`, `unreachable`, `read_only`, `writes_fail` or `file_moved`.
    pub(crate) store: &'static str,
    /// `ok`, `missing`, or `unknown` where the store says nothing.
    pub(crate) migrations: &'static str,
    /// `other_keys` where other servers sign tickets with keys that this one does not have, as told to those
    /// who look; that is no reason not to send it requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) tickets: Option<&'static str>,
    /// How far delivery lags behind, where it does, and what of it is down; that is no reason either.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) delivery: Option<LagReport>,
    /// `down` where something else that runs beside requests has panicked, and is begun anew soon; nor is that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) background: Option<&'static str>,
    /// `degraded` where some of the cells that the data is in cannot be worked with; as long as one can, that is no
    /// reason either. `outdated` where this server cannot go by the newest map of them: what has moved is 503 here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) cells: Option<&'static str>,
}

impl Ready {
    pub(crate) fn is_ready(self) -> bool {
        [self.server, self.store, self.migrations].iter().all(|check| *check == "ok")
    }

    /// The same, with the lag of delivery.
    pub(crate) fn with_delivery(self, delivery: Option<LagReport>) -> Self {
        Self { delivery, ..self }
    }

    /// The same, with the number of other background tasks that are down.
    pub(crate) fn with_background(self, down: u64) -> Self {
        Self { background: (down > 0).then_some("down"), ..self }
    }

    /// The same, with whether cells are down, or the map is outdated.
    pub(crate) fn with_cells(self, cells: &[CellState], map_is_outdated: bool) -> Self {
        let is_degraded = cells.iter().any(|cell| !cell.is_up);
        let cells = match (map_is_outdated, is_degraded) {
            // This server alone suffers from it, until its operator corrects its file.
            (true, _) => Some("outdated"),
            (false, true) => Some("degraded"),
            (false, false) => None,
        };
        Self { cells, ..self }
    }

    fn of(is_stopping: bool, health: Option<StoreHealth>) -> Self {
        let server = if is_stopping { "stopping" } else { "ok" };
        let (store, migrations) = match health {
            None => ("unreachable", "unknown"),
            Some(StoreHealth { takes_writes, migrations_missing, trouble }) => (
                match trouble {
                    _ if !takes_writes => "read_only",
                    Some(WriteTrouble::FilesMoved) => "file_moved",
                    Some(WriteTrouble::Failing) => "writes_fail",
                    None => "ok",
                },
                if migrations_missing == 0 { "ok" } else { "missing" },
            ),
        };
        let (tickets, delivery, background, cells) = (None, None, None, None);
        Self { server, store, migrations, tickets, delivery, background, cells }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_reported() {
        let health = |takes_writes, migrations_missing| {
            Some(StoreHealth { takes_writes, migrations_missing, trouble: None })
        };
        let troubled = |trouble| {
            let trouble = Some(trouble);
            Some(StoreHealth { takes_writes: true, migrations_missing: 0, trouble })
        };
        let all = |server, store, migrations| Ready {
            server,
            store,
            migrations,
            tickets: None,
            delivery: None,
            background: None,
            cells: None,
        };
        for (found, expected) in [
            (Ready::of(false, health(true, 0)), all("ok", "ok", "ok")),
            (Ready::of(true, health(true, 0)), all("stopping", "ok", "ok")),
            (Ready::of(false, health(false, 0)), all("ok", "read_only", "ok")),
            (Ready::of(false, health(true, 1)), all("ok", "ok", "missing")),
            (Ready::of(false, troubled(WriteTrouble::FilesMoved)), all("ok", "file_moved", "ok")),
            (Ready::of(false, troubled(WriteTrouble::Failing)), all("ok", "writes_fail", "ok")),
            (Ready::of(false, None), all("ok", "unreachable", "unknown")),
        ] {
            assert_eq!(found, expected);
            assert_eq!(found.is_ready(), found == all("ok", "ok", "ok"));
            let tickets = Some("other_keys");
            assert_eq!(Ready { tickets, ..found }.is_ready(), found.is_ready());
            assert_eq!(found.with_background(0), found);
            let background = found.with_background(1);
            assert_eq!(
                (background.background, background.is_ready()),
                (Some("down"), found.is_ready())
            );
            let name = booking_core::CellName::parse("c1").expect("a valid name");
            for (is_up, is_outdated, expected) in [
                (true, false, None),
                (false, false, Some("degraded")),
                (true, true, Some("outdated")),
                (false, true, Some("outdated")),
            ] {
                let cells = [CellState { name: name.clone(), is_up }];
                let reported = found.with_cells(&cells, is_outdated);
                assert_eq!((reported.cells, reported.is_ready()), (expected, found.is_ready()));
            }
        }
    }
}
