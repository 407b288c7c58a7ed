//! `booking-http serve`.

use crate::config::Config;
use crate::edge::edge;
use crate::limits::gate;
use crate::seeds::Seeds;
use crate::service::Service;
use crate::tickets::Tickets;
use crate::{connections, routes, shutdown, store, sweeper};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer, rt};
use anyhow::Context;
use booking_admission::Admission;
use booking_core::BookingStore;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

/// The most connections of a worker; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 25_000;
/// The most connections that the kernel holds for us.
const BACKLOG: u32 = 4_096;

/// Serves until told to stop.
pub(crate) async fn serve(config: &Config) -> anyhow::Result<()> {
    // Each connection is an open file, and the 1,024 that shells allow at first are soon used up.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("the limit of open files could not be raised: {error}");
    }
    let opened = store::open(config).await?;
    serve_store(config, opened.store, &opened.description).await
}

/// Serves a store of the caller's own until told to stop, as the program serves the one that its
/// settings name. `description` is what people are told of where the data is.
///
/// # Errors
/// If the address cannot be listened on, or the store has no keys for tickets and takes none.
pub async fn serve_store(
    config: &Config,
    store: Arc<dyn BookingStore>,
    description: &str,
) -> anyhow::Result<()> {
    let admission = Admission::start(store.clone(), config.limits);
    let tickets = Tickets::open(Seeds::of(&config.ticket_seeds, &store)).await?;
    let (seats_max, body_within, limits) =
        (config.capacity_max, config.body_within, &config.client_limits);
    let service = Service::new(store, admission, tickets, seats_max, body_within, limits);
    let service = Data::new(service.with_retention(config.retention));

    let app_service = service.clone();
    let cors = config.cors.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(app_service.clone())
            .configure(routes::configure)
            .wrap(from_fn(gate))
            .wrap(cors.middleware())
            .wrap(from_fn(edge))
    })
    .on_connect(connections::watch(config.idle_max + config.head_within))
    .client_request_timeout(config.head_within)
    .keep_alive(config.idle_max)
    .max_connections(CONNECTIONS_MAX)
    .backlog(BACKLOG)
    .disable_signals();
    if let Some(workers) = config.workers {
        server = server.workers(workers);
    }
    let server = server.bind(config.address).map_err(|error| bind_error(config, error))?;
    let address = server.addrs().first().copied().unwrap_or(config.address);

    let mut stdout = std::io::stdout();
    writeln!(stdout, "data: {description}\nlistening on http://{address}")?;
    stdout.flush()?;
    let server = server.run();
    let handle = server.handle();
    let service = service.into_inner();
    let sweeping =
        config.sweep_every.map(|every| rt::spawn(sweeper::run(Arc::clone(&service), every)));
    let stopping = shutdown::on_signal(handle, service, config.shutdown_within);
    let (served, ()) = tokio::join!(server, stopping);
    if let Some(sweeping) = sweeping {
        sweeping.abort();
    }
    served.context("the server failed")
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
