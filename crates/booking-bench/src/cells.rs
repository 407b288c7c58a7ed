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

/// How many clients pgbench is tried with; the best counts.
const PGBENCH_CLIENTS: [u32; 3] = [1, 8, 32];
/// Longer than it takes to cancel whatever was made.
const ALL_OF_THEM: Duration = Duration::from_secs(60);

/// A measured figure. Higher is better for rates, lower for times.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Requests or transactions a second.
    pub(crate) per_second: f64,
    /// Median latency.
    pub(crate) p50: Duration,
    /// Latency that one of a hundred exceeds; none where it was not taken.
    pub(crate) p99: Option<Duration>,
    /// CPU time for each request.
    pub(crate) cpu: Option<Split>,
}

/// What a cell does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// The reference transaction, with the best number of clients.
    Pgbench(Rows),
    /// The reference transaction, one client.
    PgbenchAlone,
    /// A load in a closed loop.
    Closed(Workload, Servers),
    /// The same, with up to so many batches side by side.
    SideBySide(Workload, usize),
    /// Arrivals at so much of the rate that another cell reached.
    Open {
        /// The load.
        workload: Workload,
        /// Of which cell's rate.
        of: &'static str,
        /// How much of it.
        share: f64,
    },
    /// One part of a registration's life, of registrations that another load made.
    Life(Part),
    /// 20,000 clients for 1,000 seats.
    Flash,
    /// 64 events sell while another session holds the row of one that others want.
    RowHeld,
    /// Events of the first PostgreSQL sell while this becomes of the second, whose events others want.
    Second(Second),
}

/// What is asked of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Hold a seat.
    Hold,
    /// Confirm a hold.
    Confirm,
    /// Cancel a confirmed seat.
    Cancel,
}

/// One thing to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Its name, unique.
    pub(crate) key: &'static str,
    /// What it is called in the report.
    pub(crate) title: &'static str,
    /// On which side.
    pub(crate) on: On,
    /// How many connections.
    pub(crate) connections: usize,
    /// What it does.
    pub(crate) kind: Kind,
}

impl Arena {
    /// The side of a cell.
    ///
    /// # Panics
    ///
    /// If it is one of those that are set up only where they are wanted, and was not.
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

    /// Measures a cell, and verifies what it left behind. `rate_of` tells what another cell reached.
    ///
    /// # Errors
    ///
    /// If an answer or the store is not as it must be.
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
        let field = side.lay_out(workload.ground).await?;
        let load = side.load(servers, cell.connections, workload, pace, window)?;
        let ran = side.run(load, &field).await?;
        Ok(sample(&ran.outcome, Some(ran.cpu)))
    }

    /// Makes registrations, and has each of them confirmed or cancelled. No hold is left behind: it
    /// would run out in the middle of another measurement.
    async fn life(&mut self, cell: &Cell, part: Part, window: Duration) -> anyhow::Result<Sample> {
        let side = self.side(cell.on);
        let mut field = side.lay_out(workload::HOT.ground).await?;
        let first = if part == Part::Cancel { workload::HOT } else { workload::HOLD };
        let made = async |side: &mut Side, field: &Field, window| {
            let load = side.load(Servers::One, cell.connections, first, Pace::Closed, window)?;
            side.run(Load { keeps_ids: true, ..load }, field).await
        };
        // Those who only come again take less time for each, so there have to be more.
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
        // It verifies by itself what it was told.
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
        let field = side.lay_out(workload::OTHERS.ground).await?;
        let held = field.events.first().context("there are events")?.clone();
        client
            .batch_execute(&format!("BEGIN; SELECT 1 FROM events WHERE id = '{held}' FOR UPDATE"))
            .await?;
        let others =
            side.load(Servers::One, cell.connections, workload::OTHERS, Pace::Closed, window)?;
        // They ask once each, and are answered when the row is let go.
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
