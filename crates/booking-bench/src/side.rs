//! A server on its store, the loads that run on it, and their verification.

use crate::cpu::{Meter, Split};
use crate::generator::{self, Load, Outcome, Pace};
use crate::ledger::{Books, Ledger};
use crate::workload::{self, Field, Ground, Workload};
use anyhow::Context;
use booking_load::api::{Api, NewEvent};
use booking_load::client::Limits;
use booking_testkit::ServerProcess;
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinSet;

/// Events, and registrations on them, that every database has before it is measured. A plan or an index that only
/// works while tables are small would show.
const CROWD_EVENTS: usize = 1_000;
const CROWD_REGISTRATIONS_PER_SECOND: f64 = 8_000.0;
const CROWD_TIME: Duration = Duration::from_secs(5);
/// For loads that only prepare.
const PREPARING_CONNECTIONS: usize = 64;
/// How long a load runs before it counts.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

/// A setting of a server, and its value.
pub(crate) type Setting = (&'static str, String);

/// A server on its store.
pub(crate) struct Side {
    name: &'static str,
    program: PathBuf,
    settings: Vec<Setting>,
    server: ServerProcess,
    /// Another process on the same database.
    second: Option<ServerProcess>,
    /// The postmaster of each PostgreSQL that it uses.
    postmasters: Vec<u32>,
    ledger: Ledger,
    crowd: Field,
    next_number: u64,
}

/// A load that was run and verified.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its result.
    pub(crate) outcome: Outcome,
    /// All of its requests, whether they counted or not.
    pub(crate) requests: u64,
    /// CPU time per request.
    pub(crate) cpu: Split,
}

/// Which server processes take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Servers {
    /// One.
    One,
    /// Both.
    Two,
}

impl Side {
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        settings: &[Setting],
        books: Books,
    ) -> Self {
        Self {
            name,
            program: program.to_owned(),
            settings: settings.to_vec(),
            server: start(program, settings),
            second: None,
            postmasters: Vec::new(),
            ledger: Ledger::new(books),
            crowd: Field::default(),
            next_number: 1,
        }
    }

    /// Starts another process on the same database.
    pub(crate) fn start_second(&mut self) {
        self.second = Some(start(&self.program, &self.settings));
    }

    /// The main server's URL.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// The main server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Kills the main server.
    pub(crate) fn kill9(&mut self) {
        self.server.kill9();
    }

    /// Restarts the main server, with these settings too until the next restart.
    pub(crate) fn restart_with(&mut self, more: &[Setting]) {
        self.server.terminate();
        self.server = start(&self.program, &[&self.settings, more].concat());
    }

    /// The processes whose CPU time to read.
    fn meter(&self) -> Meter {
        let second = self.second.as_ref().map(ServerProcess::pid);
        let servers = [Some(self.server.pid()), second].into_iter().flatten().collect();
        Meter { servers, postmasters: self.postmasters.clone() }
    }

    /// The servers' addresses.
    pub(crate) fn addresses(&self, servers: Servers) -> anyhow::Result<Vec<SocketAddr>> {
        let mut urls = vec![self.server.url()];
        if servers == Servers::Two {
            urls.push(self.second.as_ref().context("there is no second server")?.url());
        }
        urls.into_iter()
            .map(|url| url.trim_start_matches("http://").parse().context("not an address"))
            .collect()
    }

    /// Creates more events without registrations.
    ///
    /// # Errors
    ///
    /// If the server does not answer as it should.
    pub(crate) async fn add_crowd(&self, count: usize) -> anyhow::Result<()> {
        self.create_events(count, 1).await.map(drop)
    }

    /// Also reads the CPU time of these PostgreSQL.
    pub(crate) fn set_postmasters(&mut self, pids: Vec<u32>) {
        self.postmasters = pids;
    }

    /// Creates the events that every load uses.
    ///
    /// # Errors
    ///
    /// If the server does not answer as it should.
    pub(crate) async fn fill(&mut self) -> anyhow::Result<()> {
        self.crowd.events = self.create_events(CROWD_EVENTS, workload::PLENTY).await?;
        let pace = Pace::Open { per_second: CROWD_REGISTRATIONS_PER_SECOND };
        let crowd = self.crowd.clone();
        self.prepare(workload::EVEN, pace, CROWD_TIME, &crowd).await
    }

    /// Prepares the events of a load.
    ///
    /// # Errors
    ///
    /// If the server does not answer as it should.
    pub(crate) async fn prepare_events(&mut self, ground: Ground) -> anyhow::Result<Field> {
        let Some(count) = ground.new_events else { return Ok(self.crowd.clone()) };
        let mut field = Field {
            events: self.create_events(count, ground.capacity).await?,
            registered: self.next_number..self.next_number,
            ..Field::default()
        };
        if ground.registered > 0 {
            // So many arrivals in one second.
            let pace = Pace::Open { per_second: ground.registered as f64 };
            let on_it = field.clone();
            self.prepare(workload::HOT, pace, Duration::from_secs(1), &on_it).await?;
            field.registered.end = self.next_number;
        }
        Ok(field)
    }

    async fn create_events(&self, count: usize, capacity: u32) -> anyhow::Result<Vec<String>> {
        let api = Api::new(self.server.url(), Limits::default())?;
        let mut tasks = JoinSet::new();
        for first in 0..PREPARING_CONNECTIONS.min(count) {
            let api = api.clone();
            tasks.spawn_local(async move {
                let mut ids = Vec::new();
                for n in (first..count).step_by(PREPARING_CONNECTIONS) {
                    let name = format!("Event {n}");
                    let event = NewEvent { name, description: None, capacity };
                    ids.push(api.create_event(&event).await?.id);
                }
                anyhow::Ok(ids)
            });
        }
        let mut ids = Vec::with_capacity(count);
        while let Some(created) = tasks.join_next().await {
            ids.append(&mut created??);
        }
        Ok(ids)
    }

    async fn prepare(
        &mut self,
        workload: Workload,
        pace: Pace,
        window: Duration,
        field: &Field,
    ) -> anyhow::Result<()> {
        let load = Load {
            addresses: self.addresses(Servers::One)?,
            connections: PREPARING_CONNECTIONS,
            workload,
            pace,
            warm_up: Duration::ZERO,
            window,
            keeps_ids: false,
        };
        self.run(load, field).await.map(drop)
    }

    /// A load of this side, for [`Side::run`], or for [`generator::run`] with a later [`Side::settle`].
    ///
    /// # Errors
    ///
    /// If there are too few servers.
    pub(crate) fn load(
        &self,
        servers: Servers,
        connections: usize,
        workload: Workload,
        pace: Pace,
        window: Duration,
    ) -> anyhow::Result<Load> {
        let addresses = self.addresses(servers)?;
        let warm_up = WARM_UP;
        Ok(Load { addresses, connections, workload, pace, warm_up, window, keeps_ids: false })
    }

    /// Runs a load, measures the CPU time per request, and verifies the store.
    ///
    /// # Errors
    ///
    /// If an answer is not the expected one, or the store does not match the answers.
    pub(crate) async fn run(&mut self, load: Load, field: &Field) -> anyhow::Result<Ran> {
        Ok(self.run_while(load, field, async |_| Ok(())).await?.0)
    }

    /// The same while `other` runs, which learns when the load is over; returns its result, too.
    ///
    /// # Errors
    ///
    /// As [`Side::run`], and those of `other`.
    pub(crate) async fn run_while<T>(
        &mut self,
        load: Load,
        field: &Field,
        other: impl AsyncFnOnce(&Cell<bool>) -> anyhow::Result<T>,
    ) -> anyhow::Result<(Ran, T)> {
        let (meter, began) = (self.meter(), self.next_number);
        let is_over = Cell::new(false);
        let before = meter.read();
        let running = async {
            let outcome = generator::run(load, field.clone(), began).await;
            is_over.set(true);
            (outcome, meter.read() - before)
        };
        let ((outcome, used), other) = tokio::join!(running, other(&is_over));
        let (outcome, other) = (outcome?, other?);
        let requests = outcome.next_number - began;
        self.settle(&outcome, field)?;
        Ok((Ran { outcome, requests, cpu: used / requests }, other))
    }

    /// The first number that no load of this side has used.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Records a load's answers, and verifies that the store matches them.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub(crate) fn settle(&mut self, outcome: &Outcome, field: &Field) -> anyhow::Result<()> {
        self.next_number = outcome.next_number;
        for (event, seats) in field.events.iter().zip(&outcome.booked) {
            self.ledger.acknowledge(event, *seats);
        }
        self.ledger.verify(&field.events).with_context(|| format!("{} is wrong", self.name))
    }
}

fn start(program: &Path, settings: &[Setting]) -> ServerProcess {
    let mut variables = vec![
        ("CAPACITY_MAX", workload::PLENTY.to_string()),
        // Reading a log line per request from a pipe would be measured too.
        ("RUST_LOG", "info,access=off".to_owned()),
    ];
    variables.extend_from_slice(settings);
    ServerProcess::start(program, &variables)
}
