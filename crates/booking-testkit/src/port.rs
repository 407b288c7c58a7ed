//! Choosing a TCP port.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpStream};

/// Below every system's ephemeral range, see [`free_port`].
const PORTS: std::ops::Range<u64> = 10_240..32_000;
const ATTEMPTS_MAX: usize = 1_000;

/// A TCP port on 127.0.0.1 that nothing listens on at this moment.
///
/// It lies outside the range from which the system gives ports to outgoing connections. A port
/// inside could be lost to any client while its server is down, and a client that keeps trying to
/// reach it may even be connected to itself; the server could then not be started again.
///
/// # Panics
///
/// If a thousand random ports were all taken.
#[must_use]
pub fn free_port() -> u16 {
    let size = PORTS.end - PORTS.start;
    (0..ATTEMPTS_MAX)
        // Each RandomState has its own keys, so that hashing a constant gives a random number.
        .map(|_| PORTS.start + RandomState::new().hash_one(0) % size)
        .map(|port| u16::try_from(port).expect("the range ends below 65536"))
        .find(|&port| is_free(port))
        .unwrap_or_else(|| panic!("no free TCP port in {PORTS:?} after {ATTEMPTS_MAX} attempts"))
}

/// Whether nothing listens there. Binding the port would show it too, but a process that another thread starts at
/// that moment would hold it until it executes its program.
fn is_free(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_free_port_can_be_bound_and_is_not_ephemeral() {
        let port = free_port();
        assert!(PORTS.contains(&u64::from(port)));
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("it was free");
        assert!(!is_free(port));
    }
}
