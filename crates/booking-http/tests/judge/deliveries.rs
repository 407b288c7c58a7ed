//! Webhooks about a sale, while nothing fails, and while servers, the database and receivers are killed again and
//! again.

use crate::common::{App, Data, PROGRAM, http, run};
use crate::{QUIET, assert_clean, blocking, load, turn};
use booking_load::api::Api;
use booking_load::client::Limits;
use booking_load::judge::{Verdict, judge};
use booking_load::receivers::{Behaviour, Receivers};
use booking_load::webhooks::{self, WebhookOptions};
use booking_load::workload::{Mix, WorkloadOptions, run_during};
use booking_testkit::{Cluster, ClusterOptions, ServerProcess, free_port};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Receivers are on loopback, which webhooks must be allowed to reach.
const PRIVATE: (&str, &str) = ("WEBHOOK_ALLOW_PRIVATE", "true");
/// How many endpoints get everything.
const ENDPOINTS: usize = 3;
/// From one kill to the next, so that the work of a killed process is taken over, and failed messages are retried,
/// before the same one is killed the next time: after two failures a receiver is retried in minutes only.
const KILL_EVERY: Duration = Duration::from_secs(4);
/// How long a receiver is away.
const AWAY: Duration = Duration::from_millis(200);
/// The rate of requests in the short run: delivery has to keep up on a busy machine.
const REQUESTS_A_SECOND: u32 = 150;
/// Each so manieth message is compared with the API's answer at that moment.
const LOOK_BACK_EVERY: u64 = 10;
/// How long no message may arrive after the load while some are missing: longer than a receiver is left alone that failed.
const ARRIVES_WITHIN: Duration = Duration::from_secs(180);

/// The message types that every run has to produce.
const MESSAGE_TYPES: &[&str] = &[
    "message: event.published",
    "message: event.changed",
    "message: registration.confirmed",
    "message: registration.held",
    "message: registration.waitlisted",
    "message: registration.offered",
    "message: registration.cancelled",
    "message: registration.transferred",
    "message: registration.changed",
];

/// The processes that are killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Server(usize),
    Database,
    Receiver(usize),
}

/// One round with a database of its own, and two servers on it.
const ON_POSTGRES: &[Victim] = &[
    Victim::Server(0),
    Victim::Database,
    Victim::Receiver(0),
    Victim::Server(1),
    Victim::Receiver(1),
    Victim::Database,
    Victim::Server(0),
    Victim::Receiver(2),
];

/// One round on a database file, which one server has.
const ON_SQLITE: &[Victim] = &[
    Victim::Server(0),
    Victim::Receiver(0),
    Victim::Server(0),
    Victim::Server(0),
    Victim::Receiver(1),
    Victim::Server(0),
    Victim::Server(0),
    Victim::Receiver(2),
];

/// Servers and their data.
struct House {
    program: PathBuf,
    settings: Vec<Vec<(&'static str, String)>>,
    servers: Vec<ServerProcess>,
    cluster: Option<Cluster>,
    // Dropped last: the servers have files in it.
    _folder: Option<TempDir>,
}

impl House {
    fn on_postgres(program: &Path) -> Self {
        let cluster = Cluster::start(ClusterOptions::default());
        let url = ("DATABASE_URL", cluster.url("postgres"));
        Self::start(program, 2, &url, Some(cluster), None)
    }

    fn on_sqlite(program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a directory can be made");
        let path = ("BOOKING_DB", folder.path().join("booking.db").display().to_string());
        Self::start(program, 1, &path, None, Some(folder))
    }

    fn start(
        program: &Path,
        servers: usize,
        data: &(&'static str, String),
        cluster: Option<Cluster>,
        folder: Option<TempDir>,
    ) -> Self {
        let mut house = Self {
            program: program.to_owned(),
            settings: Vec::new(),
            servers: Vec::new(),
            cluster,
            _folder: folder,
        };
        for at in 0..servers {
            house.settings.push(vec![
                data.clone(),
                (QUIET.0, QUIET.1.to_owned()),
                (PRIVATE.0, PRIVATE.1.to_owned()),
                ("PORT", free_port().to_string()),
            ]);
            let server = house.server(at);
            house.servers.push(server);
        }
        house
    }

    fn server(&self, at: usize) -> ServerProcess {
        ServerProcess::start(&self.program, &self.settings[at])
    }

    fn urls(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.url().to_owned()).collect()
    }

    /// Kills it, and has it come back.
    async fn kill(&mut self, receivers: &Receivers, victim: Victim) {
        match victim {
            Victim::Server(at) => tokio::task::block_in_place(|| {
                self.servers[at].kill9();
                self.servers[at] = self.server(at);
            }),
            Victim::Database => tokio::task::block_in_place(|| {
                let cluster = self.cluster.as_ref().expect("there is one to be killed");
                cluster.kill9();
                cluster.restart();
            }),
            Victim::Receiver(at) => {
                let receiver = &receivers.all()[at];
                receiver.kill().await;
                tokio::time::sleep(AWAY).await;
                receiver.listen().expect("it has its port");
            }
        }
    }
}

/// The result of a run.
struct Delivered {
    verdict: Verdict,
    arrived_after: Option<Duration>,
    house: House,
}

impl Delivered {
    fn report(&self, kills: usize) {
        println!("{kills} kills; everything there after {:?}", self.arrived_after);
        println!("{}", self.verdict);
    }

    fn assert_is_whole(&self, reached: &[&str]) {
        assert_clean(&self.verdict, reached);
        assert!(self.arrived_after.is_some(), "not everything arrived: {}", self.verdict);
        let audit = run("audit", &self.house.settings[0]);
        assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
    }
}

/// Sends requests while `kills` run, and judges the answers and the messages of the endpoints.
async fn deliver_during(
    mut house: House,
    options: WorkloadOptions,
    arrive_within: Duration,
    kills: impl AsyncFnOnce(&mut House, &Receivers),
) -> Delivered {
    let api = Api::new(house.servers[0].url(), Limits::default()).expect("it is a URL");
    let receivers = Receivers::start(&[Behaviour::Good; ENDPOINTS], LOOK_BACK_EVERY);
    let receivers = receivers.expect("there are ports");
    receivers.subscribe(&api).await.expect("the server makes endpoints");
    let killing = kills(&mut house, &receivers);
    let (mut history, pace, ()) = run_during(options, killing).await.expect("it can be run");
    let arrived_after = receivers.finish(&mut history, pace.began, arrive_within).await;
    Delivered { verdict: judge(&history), arrived_after, house }
}

async fn killed(house: House, victims: &[Victim]) {
    let urls = house.urls();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let options = WorkloadOptions { rate: Some(REQUESTS_A_SECOND), ..load(&urls) };
    let delivered = deliver_during(
        house,
        options,
        ARRIVES_WITHIN,
        async |house: &mut House, receivers: &Receivers| {
            for victim in victims {
                tokio::time::sleep(KILL_EVERY).await;
                house.kill(receivers, *victim).await;
            }
        },
    )
    .await;
    delivered.report(victims.len());
    delivered.assert_is_whole(MESSAGE_TYPES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_servers_database_and_receivers_lose_no_message_on_postgres() {
    let _turn = turn().await;
    let house = blocking(|| House::on_postgres(Path::new(PROGRAM))).await;
    killed(house, ON_POSTGRES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_server_and_receivers_lose_no_message_on_sqlite() {
    let _turn = turn().await;
    let house = blocking(|| House::on_sqlite(Path::new(PROGRAM))).await;
    killed(house, ON_SQLITE).await;
}

/// The long version, whose size is set from outside: so many kills, spread over so many facts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: scripts/soak.sh"]
async fn many_facts_and_many_kills_lose_no_message() {
    /// The whole of it, at the most.
    const WITHIN: Duration = Duration::from_secs(3 * 60 * 60);
    let variable = |name| {
        std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing: use scripts/soak.sh"))
    };
    let kills: u64 = variable("DELIVERIES_KILLS").parse().expect("a number of kills");
    let facts: u64 = variable("DELIVERIES_FACTS").parse().expect("a number of facts");
    let program = PathBuf::from(variable("SOAK_SERVER"));
    let house = blocking(move || House::on_postgres(&program)).await;
    let urls = house.urls();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let options = WorkloadOptions {
        clients: 64,
        events: 16,
        // As many as an event may have.
        seats: 100_000,
        hours_within: None,
        mix: Mix::Sale,
        ..load(&urls)
    };
    let began = Instant::now();
    let until = began + WITHIN;
    let delivered =
        deliver_during(house, options, WITHIN, async |house: &mut House, receivers: &Receivers| {
            for (kill, victim) in (1..=kills).zip(ON_POSTGRES.iter().cycle()) {
                tokio::time::sleep(KILL_EVERY).await;
                reach_facts(house, facts / (kills + 1) * kill, until).await;
                house.kill(receivers, *victim).await;
            }
            reach_facts(house, facts, until).await;
        })
        .await;
    delivered.report(usize::try_from(kills).expect("there are not so many"));
    println!("took {:.0} s", began.elapsed().as_secs_f64());
    delivered.assert_is_whole(&["message: event.published", "message: registration.confirmed"]);
}

/// Waits until there are so many facts.
async fn reach_facts(house: &House, wanted: u64, until: Instant) {
    while facts_of(house).await.is_none_or(|facts| facts < wanted) {
        assert!(Instant::now() < until, "{wanted} facts were never reached");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// How many facts there are: each made a version of its event.
async fn facts_of(house: &House) -> Option<u64> {
    let url = house.servers[0].url().to_owned();
    blocking(move || {
        let answer = http::try_send(&url, "GET", "/events?limit=1000", &[], b"").ok()?;
        let events = (answer.status == 200).then(|| answer.json())?;
        Some(events.as_array()?.iter().filter_map(|event| event["version"].as_u64()).sum())
    })
    .await
}

async fn a_sale_is_delivered(data: Data) {
    let _turn = turn().await;
    let app = App::start_with(data, &[QUIET, PRIVATE]);
    let stalling = Behaviour::Stalling(Duration::from_secs(2));
    let report = webhooks::run(WebhookOptions {
        load: WorkloadOptions { operations: 3_000, ..load(&[app.url()]) },
        receivers: vec![Behaviour::Good, Behaviour::Dead, stalling],
        arrive_within: ARRIVES_WITHIN,
        look_back_every: LOOK_BACK_EVERY,
    })
    .await
    .expect("it can be run");
    assert_clean(&report.verdict, MESSAGE_TYPES);
    // Dead and slow receivers do not delay the one that works.
    assert!(report.arrived_after.is_some(), "{report}");
    let [good, dead, stalling] = report.receivers.as_slice() else { panic!("{report}") };
    assert_eq!(good.messages, report.verdict.changes, "{report}");
    assert!(good.lag.is_some(), "{report}");
    assert_eq!(dead.received, 0, "{report}");
    assert!(stalling.received > 0 && stalling.messages < good.messages, "{report}");
    app.assert_audit_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_and_a_stalling_receiver_do_not_delay_a_good_one_on_postgres() {
    a_sale_is_delivered(Data::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_and_a_stalling_receiver_do_not_delay_a_good_one_on_sqlite() {
    a_sale_is_delivered(Data::sqlite()).await;
}
