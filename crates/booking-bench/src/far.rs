//! A way to PostgreSQL that is as long as if it were on another machine.

use booking_load::chaos::{Chaos, Plan};
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;

/// How long everything takes in each direction.
const LATENCY: Duration = Duration::from_millis(1);

/// Opens such a way to a port of this machine, which stays until the program ends. It has a thread of its own, so that
/// what makes the load does not hold it up.
///
/// # Errors
///
/// If it cannot be listened on.
pub(crate) fn way_to(port: u16) -> anyhow::Result<SocketAddr> {
    let here = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (tell, told) = mpsc::channel();
    let carry = async move {
        let plan = Plan { latency: LATENCY, ..Plan::default() };
        match Chaos::start(here(0), here(port), plan, 1).await {
            Ok(chaos) => {
                let _ = tell.send(Ok(chaos.address()));
                // It lasts for as long as this does.
                pending::<()>().await;
            }
            Err(error) => drop(tell.send(Err(error))),
        }
    };
    thread::Builder::new().name("far".into()).spawn(move || runtime.block_on(carry))?;
    Ok(told.recv()??)
}
