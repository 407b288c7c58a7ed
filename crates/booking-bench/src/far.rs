//! A proxy to PostgreSQL with the latency of another machine.

use booking_load::chaos::{Chaos, Plan};
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;

/// The latency in each direction.
const LATENCY: Duration = Duration::from_millis(1);

/// Opens such a proxy to a port of this machine, which runs until the program ends. It has its own thread, so that
/// the load generator does not delay it.
///
/// # Errors
///
/// If it cannot be listened on.
pub(crate) fn proxy_to(port: u16) -> anyhow::Result<SocketAddr> {
    let here = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (sender, receiver) = mpsc::channel();
    let carry = async move {
        let plan = Plan { latency: LATENCY, ..Plan::default() };
        match Chaos::start(here(0), here(port), plan, 1).await {
            Ok(chaos) => {
                let _ = sender.send(Ok(chaos.address()));
                // It lives as long as this.
                pending::<()>().await;
            }
            Err(error) => drop(sender.send(Err(error))),
        }
    };
    thread::Builder::new().name("far".into()).spawn(move || runtime.block_on(carry))?;
    Ok(receiver.recv()??)
}
