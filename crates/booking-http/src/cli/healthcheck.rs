//! `booking-http healthcheck`: for containers, which have no curl.

use crate::config::Config;
use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The longest time for each step of the check.
const WITHIN: Duration = Duration::from_secs(3);
/// More than the answer's first line.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Asks the server that these settings start on this machine.
pub(crate) fn run(config: &Config) -> anyhow::Result<()> {
    let mut address = config.address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)
        .with_context(|| format!("nobody answers at {address}"))?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    write!(stream, "GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        bail!("the server at {address} is not well");
    }
    Ok(())
}
