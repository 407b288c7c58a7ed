//! The list of measurements, and of their comparisons.

use crate::arena::On;
use crate::cells::{Cell, Kind, Part};
use crate::pgbench::Rows;
use crate::shared::Second;
use crate::side::Servers::{One, Two};
use crate::workload::{
    DUPLICATES, EVEN, EVENT, HOT, HTTP, LIST, MIX, OTHERS, SKEWED, SOLD_OUT, Workload,
};

/// A figure of the report: a cell as a multiple of others, in the same round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    /// The cell.
    pub(crate) of: &'static str,
    /// What it is divided by.
    pub(crate) by: &'static str,
    /// What is divided.
    pub(crate) what: What,
    /// Its target.
    pub(crate) target: Target,
}

/// How two cells are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Requests a second, as a ratio.
    Rate,
    /// Median latency, as a ratio.
    P50,
    /// CPU time of servers and databases for each request, as a ratio.
    Cpu,
    /// The 99th percentile of latency, as a difference in milliseconds.
    P99Growth,
}

/// The target of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// At least.
    AtLeast(f64),
    /// At most.
    AtMost(f64),
    /// Only reported.
    None,
}

const fn cell(
    key: &'static str,
    title: &'static str,
    on: On,
    connections: usize,
    kind: Kind,
) -> Cell {
    Cell { key, title, on, connections, kind }
}

const fn closed(workload: Workload) -> Kind {
    Kind::Closed(workload, One)
}

const fn open(workload: Workload, of: &'static str, share: f64) -> Kind {
    Kind::Open { workload, of, share }
}

const fn at_once(workload: Workload, batches: usize) -> Kind {
    Kind::SideBySide(workload, batches)
}

const PG: On = On::Postgres;
const FAR: On = On::PostgresFar;
const LITE: On = On::Sqlite;
const CELLS: On = On::EightCells;

/// Measured in every round.
pub(crate) const ROUND: &[Cell] = &[
    cell("pgbench-hot", "reference transaction, one row", PG, 0, Kind::Pgbench(Rows::Hot)),
    cell("pgbench-spread", "reference transaction, 1,000 rows", PG, 0, Kind::Pgbench(Rows::Spread)),
    cell("pgbench-alone", "reference transaction, one client", PG, 1, Kind::PgbenchAlone),
    cell("http-256", "HTTP alone", PG, 256, closed(HTTP)),
    cell("http-64", "HTTP alone", PG, 64, closed(HTTP)),
    cell("one-pg", "one hot event", On::PostgresOne, 64, closed(HOT)),
    cell("one-sqlite", "one hot event", On::SqliteOne, 64, closed(HOT)),
    cell("hot-pg-256", "one hot event", PG, 256, closed(HOT)),
    cell("hot-pg-64", "one hot event", PG, 64, closed(HOT)),
    cell("even-pg-256", "1,000 events evenly", PG, 256, closed(EVEN)),
    cell("even-pg-64", "1,000 events evenly", PG, 64, closed(EVEN)),
    cell("skewed-pg-256", "80 % on one event, the rest on 999", PG, 256, closed(SKEWED)),
    cell("skewed-pg-64", "80 % on one event, the rest on 999", PG, 64, closed(SKEWED)),
    cell("soldout-pg-256", "sold out", PG, 256, closed(SOLD_OUT)),
    cell("soldout-pg-64", "sold out", PG, 64, closed(SOLD_OUT)),
    cell("duplicates-pg-256", "duplicates", PG, 256, closed(DUPLICATES)),
    cell("duplicates-pg-64", "duplicates", PG, 64, closed(DUPLICATES)),
    cell("event-pg-256", "GET one event", PG, 256, closed(EVENT)),
    cell("event-pg-64", "GET one event", PG, 64, closed(EVENT)),
    cell("list-pg-256", "GET the list of 100 events", PG, 256, closed(LIST)),
    cell("list-pg-64", "GET the list of 100 events", PG, 64, closed(LIST)),
    cell("mix-pg-256", "90 % GET, 10 % registrations", PG, 256, closed(MIX)),
    cell("mix-pg-64", "90 % GET, 10 % registrations", PG, 64, closed(MIX)),
    cell("hot-sqlite-256", "one hot event", LITE, 256, closed(HOT)),
    cell("hot-sqlite-64", "one hot event", LITE, 64, closed(HOT)),
    cell("even-sqlite-256", "1,000 events evenly", LITE, 256, closed(EVEN)),
    cell("even-sqlite-64", "1,000 events evenly", LITE, 64, closed(EVEN)),
    cell("skewed-sqlite-256", "80 % on one event, the rest on 999", LITE, 256, closed(SKEWED)),
    cell("skewed-sqlite-64", "80 % on one event, the rest on 999", LITE, 64, closed(SKEWED)),
    cell("soldout-sqlite-256", "sold out", LITE, 256, closed(SOLD_OUT)),
    cell("soldout-sqlite-64", "sold out", LITE, 64, closed(SOLD_OUT)),
    cell("duplicates-sqlite-256", "duplicates", LITE, 256, closed(DUPLICATES)),
    cell("duplicates-sqlite-64", "duplicates", LITE, 64, closed(DUPLICATES)),
    cell("event-sqlite-256", "GET one event", LITE, 256, closed(EVENT)),
    cell("event-sqlite-64", "GET one event", LITE, 64, closed(EVENT)),
    cell("list-sqlite-256", "GET the list of 100 events", LITE, 256, closed(LIST)),
    cell("list-sqlite-64", "GET the list of 100 events", LITE, 64, closed(LIST)),
    cell("mix-sqlite-256", "90 % GET, 10 % registrations", LITE, 256, closed(MIX)),
    cell("mix-sqlite-64", "90 % GET, 10 % registrations", LITE, 64, closed(MIX)),
    cell("hold-pg-256", "holds on one event", PG, 256, Kind::Life(Part::Hold)),
    cell("confirm-pg-256", "confirmations of holds", PG, 256, Kind::Life(Part::Confirm)),
    cell("cancel-pg-256", "cancellations of seats", PG, 256, Kind::Life(Part::Cancel)),
    cell("hold-sqlite-256", "holds on one event", LITE, 256, Kind::Life(Part::Hold)),
    cell("confirm-sqlite-256", "confirmations of holds", LITE, 256, Kind::Life(Part::Confirm)),
    cell("cancel-sqlite-256", "cancellations of seats", LITE, 256, Kind::Life(Part::Cancel)),
    cell("far-one-256", "1,000 events evenly, one batch at a time", FAR, 256, at_once(EVEN, 1)),
    cell("far-four-256", "1,000 events evenly, up to 4 at once", FAR, 256, at_once(EVEN, 4)),
    cell("far-hot-one-256", "one hot event, one batch at a time", FAR, 256, at_once(HOT, 1)),
    cell("far-hot-four-256", "one hot event, up to 4 at once", FAR, 256, at_once(HOT, 4)),
    cell("cells-one-256", "1,000 events evenly", On::OneDatabase, 256, closed(EVEN)),
    cell("cells-eight-256", "1,000 events evenly", CELLS, 256, closed(EVEN)),
    cell("cells-one-2048", "1,000 events evenly", On::OneDatabase, 2_048, closed(EVEN)),
    cell("cells-eight-2048", "1,000 events evenly", CELLS, 2_048, closed(EVEN)),
    cell("cells-up-64", "the first's events, both serve", CELLS, 64, Kind::Second(Second::Serves)),
    cell(
        "cells-hung-64",
        "the first's events, the second hangs",
        CELLS,
        64,
        Kind::Second(Second::Hangs),
    ),
    cell(
        "cells-gone-64",
        "the first's events, the second killed",
        CELLS,
        64,
        Kind::Second(Second::Ends),
    ),
    cell("two-pg-256", "one hot event, two server processes", PG, 256, Kind::Closed(HOT, Two)),
    cell("alone-pg", "one hot event, a lone client", PG, 1, closed(HOT)),
    cell("alone-sqlite", "one hot event, a lone client", LITE, 1, closed(HOT)),
    cell("others-pg", "64 events, nothing locked", PG, 64, closed(OTHERS)),
    cell("held-pg", "64 events, another's row held by a session", PG, 64, Kind::RowHeld),
    cell("flash-pg", "flash sale, 20,000 for 1,000", PG, 1_000, Kind::Flash),
    cell("flash-one", "flash sale, 20,000 for 1,000", On::PostgresOne, 1_000, Kind::Flash),
    cell("flash-sqlite", "flash sale, 20,000 for 1,000", LITE, 1_000, Kind::Flash),
];

/// Measured once the rates of [`ROUND`] are known: latency under a given load.
pub(crate) const AT_A_RATE: &[Cell] = &[
    cell("half-pg", "one hot event, 50 % of its rate", PG, 512, open(HOT, "hot-pg-256", 0.5)),
    cell("most-pg", "one hot event, 80 % of its rate", PG, 512, open(HOT, "hot-pg-256", 0.8)),
    cell(
        "half-sqlite",
        "one hot event, 50 % of its rate",
        LITE,
        512,
        open(HOT, "hot-sqlite-256", 0.5),
    ),
    cell(
        "most-sqlite",
        "one hot event, 80 % of its rate",
        LITE,
        512,
        open(HOT, "hot-sqlite-256", 0.8),
    ),
];

const fn rate(of: &'static str, by: &'static str, target: Target) -> Comparison {
    Comparison { of, by, what: What::Rate, target }
}

const fn at_least(of: &'static str, by: &'static str, ratio: f64) -> Comparison {
    rate(of, by, Target::AtLeast(ratio))
}

/// Requests that a fault does not concern wait hardly longer.
const fn undisturbed(of: &'static str, by: &'static str) -> Comparison {
    Comparison { of, by, what: What::P99Growth, target: Target::AtMost(20.0) }
}

/// The report's text about them.
pub(crate) const COMPARISONS: &[Comparison] = &[
    at_least("hot-pg-256", "pgbench-hot", 22.0),
    at_least("hot-pg-256", "http-256", 0.42),
    at_least("hot-pg-64", "pgbench-hot", 14.0),
    rate("hot-pg-64", "one-pg", Target::None),
    at_least("even-pg-256", "pgbench-spread", 5.0),
    at_least("skewed-pg-256", "pgbench-hot", 18.0),
    at_least("soldout-pg-256", "http-256", 0.60),
    at_least("duplicates-pg-256", "http-256", 0.60),
    at_least("hot-sqlite-256", "http-256", 0.55),
    at_least("even-sqlite-256", "http-256", 0.18),
    rate("hot-sqlite-64", "one-sqlite", Target::None),
    at_least("event-pg-256", "http-256", 0.60),
    at_least("event-sqlite-256", "http-256", 0.60),
    at_least("list-pg-256", "http-256", 0.40),
    at_least("list-sqlite-256", "http-256", 0.40),
    at_least("hold-pg-256", "hot-pg-256", 0.5),
    at_least("confirm-pg-256", "hot-pg-256", 0.5),
    at_least("cancel-pg-256", "hot-pg-256", 0.5),
    at_least("hold-sqlite-256", "hot-sqlite-256", 0.5),
    at_least("confirm-sqlite-256", "hot-sqlite-256", 0.5),
    at_least("cancel-sqlite-256", "hot-sqlite-256", 0.5),
    at_least("flash-pg", "flash-one", 10.0),
    at_least("two-pg-256", "hot-pg-256", 0.80),
    at_least("far-four-256", "far-one-256", 1.2),
    rate("far-hot-four-256", "far-hot-one-256", Target::None),
    rate("cells-eight-256", "cells-one-256", Target::None),
    Comparison {
        of: "cells-eight-256",
        by: "cells-one-256",
        what: What::Cpu,
        target: Target::AtMost(1.3),
    },
    // As many for each cell as the one database has above.
    Comparison {
        of: "cells-eight-2048",
        by: "cells-one-2048",
        what: What::Cpu,
        target: Target::None,
    },
    Comparison {
        of: "alone-pg",
        by: "pgbench-alone",
        what: What::P50,
        target: Target::AtMost(1.3),
    },
    undisturbed("held-pg", "others-pg"),
    undisturbed("cells-hung-64", "cells-up-64"),
    undisturbed("cells-gone-64", "cells-up-64"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_compared_cell_exists_once() {
        let cells = || ROUND.iter().chain(AT_A_RATE);
        let keys: BTreeSet<_> = cells().map(|cell| cell.key).collect();
        assert_eq!(keys.len(), cells().count());
        for comparison in COMPARISONS {
            assert!(keys.contains(comparison.of) && keys.contains(comparison.by), "{comparison:?}");
        }
        for cell in AT_A_RATE {
            let Kind::Open { of, .. } = cell.kind else { panic!("{} has no rate", cell.key) };
            assert!(keys.contains(of), "{of}");
        }
    }
}
