//! What is measured, one cell at a time.

use crate::arena::{Arena, On};
use crate::cpu::Split;
use crate::generator::{self, Load, Pace};
use crate::pgbench::Rows;
use crate::shared::{Second, WANTING};
use crate::side::{Servers, Side};
use crate::workload::{self, Field, Workload};
use anyhow::{Context, ensure};
use booking_load::flash::{self, FlashOptions};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::NoTls;

/// The numbers of clients that pgbench is tried with; the best counts.
const PGBENCH_CLIENTS: [u32; 3] = [1, 8, 32];
/// Longer than it takes to cancel all that was created.
const ALL_OF_THEM: Duration = Duration::from_secs(60);

/// A figure. Higher is better for rates, lower for times.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Requests or transactions a second.
    pub(crate) per_second: f64,
    /// Median latency.
    pub(crate) p50: Duration,
    /// The 99th percentile of latency, if it was measured.
    pub(crate) p99: Option<Duration>,
    /// CPU time per request.
    pub(crate) cpu: Option<Split>,
}

/// What a cell measures.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// The reference transaction, with the best number of clients.
    Pgbench(Rows),
    /// The reference transaction, one client.
    PgbenchAlone,
    /// A load in a closed loop.
    Closed(Workload, Servers),
    /// The same, with up to so many concurrent batches.
    SideBySide(Workload, usize),
    /// Arrivals at a share of the rate that another cell reached.
    Open {
        /// The load.
        workload: Workload,
        /// The cell with the rate.
        of: &'static str,
        /// The share of it.
        share: f64,
    },
    /// One step in a registration's life, for registrations that another load created.
    Life(Part),
    /// 20,000 clients for 1,000 seats.
    Flash,
    /// 64 events sell while another session holds the row of one that other clients want.
    RowHeld,
    /// Events of the first PostgreSQL sell during this fault of the second, whose events other clients want.
    Second(Second),
}

/// A step in a registration's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Hold a seat.
    Hold,
    /// Confirm a hold.
    Confirm,
    /// Cancel a confirmed seat.
    Cancel,
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Its name, unique.
    pub(crate) key: &'static str,
    /// Its label in the report.
    pub(crate) title: &'static str,
    /// Its side.
    pub(crate) on: On,
    /// The number of connections.
    pub(crate) connections: usize,
    /// What it measures.
    pub(crate) kind: Kind,
}

impl Arena {
    /// The side of a cell.
    ///
    /// # Panics
    ///
    /// If it is a side that is set up only on demand, and was not.
    pub(crate) fn side(&mut self, on: On) -> &mut Side {
        match on {
            On::Postgres => &mut self.postgres,
            On::PostgresOne => &mut self.postgres_one,
            On::PostgresFar => &mut self.far.as_mut().expect("it was set up").side,
            On::OneDatabase => &mut self.shared.as_mut().expect("it was set up").one,
            On::EightCells => &mut self.shared.as_mut().expect("it was set up").cells,
            On::Sqlite => &mut self.sqlite,
            On::SqliteOne => &mut self.sqlite_one,
        }
    }

    /// Measures a cell, and verifies the store afterwards. `rate_of` returns another cell's rate.
    ///
    /// # Errors
    ///
    /// If an answer or the store is wrong.
    pub(crate) async fn measure(
        &mut self,
        cell: &Cell,
        window: Duration,
        rate_of: impl Fn(&str) -> Option<f64>,
    ) -> anyhow::Result<Sample> {
        match cell.kind {
            Kind::Pgbench(rows) => self.pgbench(rows, window),
            Kind::PgbenchAlone => {
                let run = self.pgbench.run(Rows::Hot, 1, window)?;
                Ok(Sample { per_second: run.per_second, p50: run.p50, p99: None, cpu: None })
            }
            Kind::Closed(workload, servers) => {
                self.load(cell, workload, servers, Pace::Closed, window).await
            }
            Kind::SideBySide(workload, batches) => {
                let mut settings = vec![("BATCHES_PER_NODE", batches.to_string())];
                settings.extend(self.far.as_ref().map(|far| far.url.clone()));
                self.side(cell.on).restart_with(&settings);
                self.load(cell, workload, Servers::One, Pace::Closed, window).await
            }
            Kind::Open { workload, of, share } => {
                let rate = rate_of(of).with_context(|| format!("{of} was not measured"))?;
                let pace = Pace::Open { per_second: rate * share };
                self.load(cell, workload, Servers::One, pace, window).await
            }
            Kind::Life(part) => self.life(cell, part, window).await,
            Kind::Flash => self.flash(cell).await,
            Kind::RowHeld => self.row_held(cell, window).await,
            Kind::Second(second) => {
                let shared = self.shared.as_mut().context("it was set up")?;
                let outcome = shared.sell_beside(second, cell.connections, window).await?;
                Ok(sample(&outcome, None))
            }
        }
    }

    fn pgbench(&self, rows: Rows, window: Duration) -> anyhow::Result<Sample> {
        let mut best: Option<Sample> = None;
        for clients in PGBENCH_CLIENTS {
            let run = self.pgbench.run(rows, clients, window)?;
            if best.as_ref().is_none_or(|best| run.per_second > best.per_second) {
                best =
                    Some(Sample { per_second: run.per_second, p50: run.p50, p99: None, cpu: None });
            }
        }
        best.context("pgbench was run")
    }

    async fn load(
        &mut self,
        cell: &Cell,
        workload: Workload,
        servers: Servers,
        pace: Pace,
        window: Duration,
    ) -> anyhow::Result<Sample> {
        let side = self.side(cell.on);
        let field = side.prepare_events(workload.ground).await?;
        let load = side.load(servers, cell.connections, workload, pace, window)?;
        let ran = side.run(load, &field).await?;
        Ok(sample(&ran.outcome, Some(ran.cpu)))
    }

    /// Creates registrations, and confirms or cancels each. No hold is left behind: it would expire in the middle
    /// of another measurement.
    async fn life(&mut self, cell: &Cell, part: Part, window: Duration) -> anyhow::Result<Sample> {
        let side = self.side(cell.on);
        let mut field = side.prepare_events(workload::HOT.ground).await?;
        let first = if part == Part::Cancel { workload::HOT } else { workload::HOLD };
        let made = async |side: &mut Side, field: &Field, window| {
            let load = side.load(Servers::One, cell.connections, first, Pace::Closed, window)?;
            side.run(Load { keeps_ids: true, ..load }, field).await
        };
        // Later steps take less time each, so there have to be more.
        let window_of_first = if part == Part::Hold { window } else { 2 * window };
        let mut ran = made(side, &field, window_of_first).await?;
        field.made = Rc::new(std::mem::take(&mut ran.outcome.made));
        let then = if part == Part::Confirm { workload::CONFIRM } else { workload::CANCEL };
        field.made_from = side.next_number();
        let window_of_then = if part == Part::Hold { ALL_OF_THEM } else { window };
        let load = side.load(Servers::One, cell.connections, then, Pace::Closed, window_of_then)?;
        let ran_then = side.run(load, &field).await?;
        let measured = if part == Part::Hold { ran } else { ran_then };
        if part == Part::Confirm {
            let left = measured.requests as usize;
            field.made = Rc::new(field.made[left..].to_vec());
            field.made_from = side.next_number();
            if !field.made.is_empty() {
                let load = side.load(
                    Servers::One,
                    cell.connections,
                    workload::CANCEL,
                    Pace::Closed,
                    ALL_OF_THEM,
                )?;
                side.run(load, &field).await?;
            }
        }
        Ok(sample(&measured.outcome, Some(measured.cpu)))
    }

    async fn flash(&mut self, cell: &Cell) -> anyhow::Result<Sample> {
        let side = self.side(cell.on);
        let options =
            FlashOptions { timeout: Duration::from_secs(300), ..FlashOptions::at(side.url()) };
        // It verifies its answers by itself.
        let report = flash::run(options).await?;
        ensure!(report.is_clean(), "the flash sale went wrong: {:?}", report.violations);
        Ok(Sample {
            per_second: report.answers_per_second,
            p50: Duration::from_micros(report.latency.p50_micros),
            p99: Some(Duration::from_micros(report.latency.p99_micros)),
            cpu: None,
        })
    }

    async fn row_held(&mut self, cell: &Cell, window: Duration) -> anyhow::Result<Sample> {
        let (client, connection) = tokio_postgres::connect(self.database.url(), NoTls).await?;
        tokio::task::spawn_local(connection);
        let side = self.side(cell.on);
        let field = side.prepare_events(workload::OTHERS.ground).await?;
        let held = field.events.first().context("there are events")?.clone();
        client
            .batch_execute(&format!("BEGIN; SELECT 1 FROM events WHERE id = '{held}' FOR UPDATE"))
            .await?;
        let others =
            side.load(Servers::One, cell.connections, workload::OTHERS, Pace::Closed, window)?;
        // They send one request each, and are answered when the row is released.
        let mut wanting = side.load(
            Servers::One,
            WANTING,
            workload::HOT,
            Pace::Closed,
            Duration::from_millis(1),
        )?;
        wanting.warm_up = Duration::ZERO;
        let first = side.next_number();
        let theirs = first + (1 << 40);
        let whole = others.warm_up + window;
        let let_go = async {
            tokio::time::sleep_until(Instant::now() + whole).await;
            client.batch_execute("ROLLBACK").await
        };
        let (outcome, late, let_go) = tokio::join!(
            generator::run(others, field.clone(), first),
            generator::run(wanting, field.clone(), theirs),
            let_go,
        );
        let_go?;
        let (mut outcome, late) = (outcome?, late?);
        let sample = sample(&outcome, None);
        for (booked, more) in outcome.booked.iter_mut().zip(&late.booked) {
            *booked += more;
        }
        outcome.next_number = outcome.next_number.max(late.next_number);
        side.settle(&outcome, &field)?;
        Ok(sample)
    }
}

fn sample(outcome: &generator::Outcome, cpu: Option<Split>) -> Sample {
    let at = |quantile| Duration::from_micros(outcome.latency.value_at_quantile(quantile));
    Sample {
        per_second: outcome.answered as f64 / outcome.counted.as_secs_f64(),
        p50: at(0.5),
        p99: Some(at(0.99)),
        cpu,
    }
}
