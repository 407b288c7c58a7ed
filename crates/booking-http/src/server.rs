//! `booking-http serve`.

mod background_tasks;
mod delivery;
mod shutdown;

use crate::auth::token_cache::TokenCache;
use crate::background::cell_map::HangUps;
use crate::background::delivery::Hinting;
use crate::config::live_cells::LiveCells;
use crate::config::{Config, Cors, MetricsAt, StoreConfig, store};
use crate::edge::cross_site::CrossSitePolicy;
use crate::edge::middleware::{EdgeState, edge};
use crate::extract::body::BodyLimits;
use crate::limits::{Gate, gate};
use crate::net::connections::Counts;
use crate::net::transport::{Timeouts, http_service, listen};
use crate::pages::frame::Pages;
use crate::routes::{self, Description};
use crate::server::background_tasks::{BackgroundTasks, Delivering, Following};
use crate::server::shutdown::Stopped;
use crate::service::Service;
use crate::service::bulkhead::{AT_ONCE_ON_POSTGRES, AT_ONCE_ON_SQLITE};
use crate::service::link_recovery::LinkRecovery;
use crate::service::signing_keys::SigningSeeds;
use crate::service::tickets::Tickets;
use crate::telemetry::metrics::Metrics;
use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, rt};
use anyhow::{Context, ensure};
use booking_admission::Admission;
use booking_core::BookingStore;
use booking_delivery::Hint;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;

/// The most connections of a worker; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 25_000;
/// The most connections of the separate server of metrics.
const METRICS_CONNECTIONS_MAX: usize = 64;

/// Serves until the process is asked to stop.
pub(crate) async fn serve(config: &Config) -> anyhow::Result<()> {
    // Each connection is an open file, and the 1,024 that shells allow at first are soon used up.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("the limit of open files could not be raised: {error}");
    }
    // From here on: an operator who reloads CELLS_FILE before all is open must not end the server by that.
    let hang_ups = HangUps::listen();
    let (metrics, hint) = (Arc::new(Metrics::new()), Hint::default());
    let observer = Arc::new(Hinting::new(metrics.clone(), hint.clone()));
    let opened = store::open_observed(config, observer).await?;
    let served = Served { store: opened.store, cells: opened.cells, metrics, hint, hang_ups };
    serve_observed(config, served, &opened.description).await
}

/// Serves a store of the caller's own until the process is asked to stop, as the program serves the store of its
/// settings. `description` says for people where the data is.
///
/// # Errors
/// If the address cannot be listened on, or the store has no keys for tickets and takes none.
pub async fn serve_store(
    config: &Config,
    store: Arc<dyn BookingStore>,
    description: &str,
) -> anyhow::Result<()> {
    let (metrics, hint, hang_ups) = (Arc::new(Metrics::new()), Hint::default(), HangUps::listen());
    let served = Served { store, cells: None, metrics, hint, hang_ups };
    serve_observed(config, served, description).await
}

/// A store, and what is made before it is opened.
struct Served {
    store: Arc<dyn BookingStore>,
    cells: Option<Arc<LiveCells>>,
    metrics: Arc<Metrics>,
    hint: Hint,
    hang_ups: HangUps,
}

async fn serve_observed(config: &Config, served: Served, description: &str) -> anyhow::Result<()> {
    let Served { store, cells, metrics, hint, hang_ups } = served;
    let tokens = TokenCache::read(store.as_ref()).await?;
    check_open(config, &tokens)?;
    let admission = Admission::start_observed(store.clone(), config.limits, metrics.clone());
    let tickets =
        Tickets::open(SigningSeeds::of(&config.ticket_seeds, &store), store.clone()).await?;
    let sender = delivery::sender(config, &tickets)?;
    let (link_recovery, to_be_found) = config.mail.as_ref().map(|_| LinkRecovery::new()).unzip();
    let service = Service::new(store, admission, tickets, &config.client_limits);
    let service = service.with_metrics(metrics, config.metrics_at);
    let service = service.with_base_url(config.base_url.clone()).with_mail(config.mail.is_some());
    let service = service.with_live_max(live_max(config), &config.client_limits);
    let service = service.with_sender(sender.clone(), config.webhook_allow_private);
    let service = service.with_link_recovery(link_recovery);
    let service = service.with_cell_map(cells.as_ref().map_or(0, |cells| cells.version()));
    let at_once = match config.store {
        StoreConfig::Postgres(_) | StoreConfig::Cells(_) => AT_ONCE_ON_POSTGRES,
        StoreConfig::Sqlite(_) => AT_ONCE_ON_SQLITE,
    };
    let service = service.with_retention(config.retention).with_bulkhead(at_once);
    let shared = Shared::new(config, service, tokens);
    let (service, tokens) =
        (shared.service.clone().into_inner(), shared.tokens.clone().into_inner());
    let postman = delivery::postman(config, &service, &tokens)?;

    let app_shared = shared.clone();
    let cors = config.cors.clone();
    let app = move || {
        App::new()
            .configure(|app| app_shared.register(app))
            .configure(routes::configure)
            .wrap(from_fn(gate))
            .wrap(Condition::new(cors != Cors::SameOrigin, cors.middleware()))
            .wrap(from_fn(edge))
    };
    let listener = listen(config.address).map_err(|error| bind_error(config, error))?;
    let address = listener.local_addr().unwrap_or(config.address);
    let store_files =
        cells.as_ref().map_or_else(|| config.store_files(), |cells| cells.store_files());
    let counts = Arc::new(counts(config, store_files));
    let mut server = Server::build().max_concurrent_connections(CONNECTIONS_MAX).disable_signals();
    if let Some(workers) = config.workers {
        server = server.workers(workers);
    }
    let (app_counts, timeouts) = (Arc::clone(&counts), timeouts(config));
    let server = server
        .listen("booking", listener.try_clone()?, move || {
            http_service(app.clone(), Arc::clone(&app_counts), timeouts)
        })
        .context("the server cannot be started")?;
    let metrics_server = bind_metrics(config, &shared)?;
    // Before the first request for its state.
    let delivering = Delivering { sender, postman, hint, to_be_found };
    let following = Following { cells, hang_ups };
    let background = BackgroundTasks::start(config, &service, &tokens, delivering, following);

    let mut stdout = std::io::stdout();
    writeln!(stdout, "data: {description}")?;
    if let Some((_, address)) = &metrics_server {
        writeln!(stdout, "metrics at http://{address}/metrics")?;
    }
    if !config.base_path.is_root() {
        writeln!(stdout, "everything is below {}/", config.base_path.as_str())?;
    }
    writeln!(stdout, "listening on http://{address}")?;
    stdout.flush()?;
    let server = server.run();
    let handle = server.handle();
    let metrics_server = metrics_server.map(|(server, _)| rt::spawn(server));
    let (drain_for, within) = (config.drain_for, config.shutdown_within);
    let stopped = Stopped { handle, listener, connections: counts };
    let stopping = shutdown::on_signal(stopped, service, drain_for, within);
    let (served, ()) = tokio::join!(server, stopping);
    background.end().await;
    if let Some(metrics_server) = metrics_server {
        metrics_server.abort();
    }
    served.context("the server failed")
}

/// The shared state of handlers, extractors and middlewares: one of each for all workers, and for the server of
/// metrics.
#[derive(Clone)]
struct Shared {
    bodies: Data<BodyLimits>,
    tokens: Data<TokenCache>,
    gate: Data<Gate>,
    service: Data<Service>,
    edge: Data<EdgeState>,
    description: Data<Description>,
    pages: Data<Pages>,
}

impl Shared {
    fn new(config: &Config, service: Service, tokens: TokenCache) -> Self {
        let (service, tokens) = (Data::new(service), Data::new(tokens));
        let (base_url, base_path) = (config.base_url.clone(), config.base_path.clone());
        let pages = Pages::new(base_url, base_path.clone(), &config.embed_origins);
        let pages = Data::new(pages);
        let edge = EdgeState {
            service: service.clone(),
            tokens: tokens.clone(),
            cross_site: CrossSitePolicy {
                cors: config.cors.clone(),
                hosts: config.allowed_hosts.clone(),
            },
            pages: pages.clone(),
            base_path,
        };
        Self {
            bodies: Data::new(BodyLimits::new(config.body_within, config.capacity_max)),
            tokens,
            gate: Data::new(Gate::new(&config.client_limits)),
            service,
            edge: Data::new(edge),
            description: Data::new(Description::new(
                config.capacity_max,
                config.base_url.as_ref(),
                &config.base_path,
            )),
            pages,
        }
    }

    fn register(&self, app: &mut ServiceConfig) {
        app.app_data(self.bodies.clone())
            .app_data(self.tokens.clone())
            .app_data(self.gate.clone())
            .app_data(self.service.clone())
            .app_data(self.edge.clone())
            .app_data(self.description.clone())
            .app_data(self.pages.clone());
    }
}

fn timeouts(config: &Config) -> Timeouts {
    Timeouts { head_within: config.head_within, idle_max: config.idle_max }
}

/// The count of a server's connections, separate from another's.
fn counts(config: &Config, store_files: u64) -> Counts {
    let limits = &config.client_limits;
    let (proxies, per_client_max) = (limits.trusted_proxies.clone(), limits.client_connections_max);
    Counts::new(proxies, per_client_max, files_max(), store_files)
}

/// The most connections that watch events. Half of all connections are for everything else.
fn live_max(config: &Config) -> usize {
    let half = usize::try_from(files_max() / 2).unwrap_or(usize::MAX);
    config.live_max.min(half)
}

/// How many files this process may have open; unlimited, if the system sets no limit.
fn files_max() -> u64 {
    rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(u64::MAX, |(soft, _)| soft)
}

/// Refuses to serve an open server to other machines, unless that is allowed, and logs that it is open.
fn check_open(config: &Config, tokens: &TokenCache) -> anyhow::Result<()> {
    if !tokens.is_open() {
        return Ok(());
    }
    let ip = config.address.ip();
    let (how_to_close, how_to_allow) = hints(config.in_container);
    ensure!(
        ip.is_loopback() || config.allow_open,
        "there is no organizer's token yet, so anybody who reaches {ip} would be the organizer of every \
         event; make one with {how_to_close}, or set {how_to_allow}"
    );
    ensure!(
        config.cors != Cors::Any,
        "there is no organizer's token yet, so with CORS_ORIGINS=* every website that somebody visits would be \
         the organizer of every event; name the origins, or make a token with `booking-http token create \
         --name NAME`"
    );
    log::warn!(
        "open: anybody who reaches this server is the organizer of every event, until {how_to_close} has \
         made a token"
    );
    Ok(())
}

/// How to make the first token, and how to go without, from where operators are: the program is not installed
/// outside of its container.
fn hints(in_container: bool) -> (&'static str, &'static str) {
    match in_container {
        false => ("`booking-http token create --name NAME`", "ALLOW_OPEN=true"),
        true => (
            "`token create --name NAME` as the command of a container of this image with the same volume or \
             settings (`docker run --rm --volume booking:/data booking token create --name NAME`, or \
             `docker compose run --rm app token create --name NAME`)",
            "ALLOW_OPEN=true (`docker run --env ALLOW_OPEN=true …`)",
        ),
    }
}

/// The server of metrics at an address of their own, and that address.
fn bind_metrics(config: &Config, shared: &Shared) -> anyhow::Result<Option<(Server, SocketAddr)>> {
    let MetricsAt::Apart(address) = config.metrics_at else { return Ok(None) };
    let shared = shared.clone();
    let app = move || {
        App::new()
            .configure(|app| shared.register(app))
            .configure(routes::configure_metrics)
            .wrap(from_fn(edge))
    };
    let listener = listen(address)
        .with_context(|| format!("metrics cannot be served at {address}; see METRICS_BIND"))?;
    let address = listener.local_addr().unwrap_or(address);
    let counts = Arc::new(counts(config, config.store_files()));
    let timeouts = timeouts(config);
    let server = Server::build()
        .max_concurrent_connections(METRICS_CONNECTIONS_MAX)
        .workers(1)
        .disable_signals()
        .listen("metrics", listener, move || {
            http_service(app.clone(), Arc::clone(&counts), timeouts)
        })
        .context("the server of metrics cannot be started")?;
    Ok(Some((server.run(), address)))
}

fn bind_error(config: &Config, error: std::io::Error) -> anyhow::Error {
    let address = config.address;
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "something listens there already; choose another with PORT",
        ErrorKind::PermissionDenied => "ports under 1024 need privileges; choose another with PORT",
        ErrorKind::AddrNotAvailable => "this machine has no such address; choose another with BIND",
        _ => "choose another with PORT and BIND",
    };
    anyhow::Error::new(error).context(format!("cannot listen on {address}: {advice}"))
}
