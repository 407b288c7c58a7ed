//! Makes connections, only to addresses that were checked.

use super::connection::Connection;
use super::outcome::Reason;
use super::resolver::FairResolver;
use crate::webhook::addresses::Reach;
use booking_core::{EndpointUrl, OrganizerId};
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

/// How many addresses of a name are tried.
const ADDRESSES_MAX: usize = 4;

/// The timeout of one address, before the next is tried.
const ADDRESS_WITHIN: Duration = Duration::from_secs(4);

/// Clones share the limits on look-ups.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) resolver: FairResolver,
    pub(super) tls: TlsConnector,
    pub(super) reach: Reach,
    /// Whether a connection may be made. Tests replace it, to prove that they would notice a missing check.
    pub(super) allows: fn(Reach, IpAddr) -> bool,
}

impl Connector {
    /// A connection for `organizer` to the host of a URL. The name is not resolved again in between: the address
    /// that was checked is the one connected to.
    pub(super) async fn connect(
        &self,
        organizer: Option<OrganizerId>,
        url: &EndpointUrl,
    ) -> Result<Connection, Reason> {
        let addresses = self.addresses(organizer, url).await?;
        let stream = connect_to(&addresses).await?;
        if url.as_url().scheme() == "http" {
            return Connection::over(stream).await;
        }
        let name = server_name(url).ok_or(Reason::TlsFailed)?;
        let stream = self.tls.connect(name, stream).await.map_err(|_| Reason::TlsFailed)?;
        Connection::over(stream).await
    }

    /// The addresses of a URL. If one of them is blocked, all are: such a record is there to attack.
    pub(super) async fn addresses(
        &self,
        organizer: Option<OrganizerId>,
        url: &EndpointUrl,
    ) -> Result<Vec<SocketAddr>, Reason> {
        let port = url.as_url().port_or_known_default().ok_or(Reason::CannotResolve)?;
        let addresses = match url.as_url().host().ok_or(Reason::CannotResolve)? {
            Host::Ipv4(address) => vec![SocketAddr::new(address.into(), port)],
            Host::Ipv6(address) => vec![SocketAddr::new(address.into(), port)],
            Host::Domain(name) => self.resolver.resolve(organizer, name, port).await?,
        };
        if addresses.is_empty() {
            return Err(Reason::CannotResolve);
        }
        // Plain text never leaves this machine.
        let is_clear = url.as_url().scheme() == "http";
        let allows = |ip: IpAddr| {
            (self.allows)(self.reach, ip) && (!is_clear || ip.to_canonical().is_loopback())
        };
        match addresses.iter().all(|address| allows(address.ip())) {
            true => Ok(addresses),
            false => Err(Reason::AddressRefused),
        }
    }
}

async fn connect_to(addresses: &[SocketAddr]) -> Result<TcpStream, Reason> {
    for address in addresses.iter().take(ADDRESSES_MAX) {
        if let Ok(Ok(stream)) = timeout(ADDRESS_WITHIN, TcpStream::connect(*address)).await {
            // Without it a small message may wait for the answer to a smaller one.
            stream.set_nodelay(true).map_err(|_| Reason::CannotConnect)?;
            return Ok(stream);
        }
    }
    Err(Reason::CannotConnect)
}

/// The name that the certificate must have.
fn server_name(url: &EndpointUrl) -> Option<ServerName<'static>> {
    match url.as_url().host()? {
        // A trailing dot does not change a name, and certificates are without.
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::from(IpAddr::from(address))),
        Host::Ipv6(address) => Some(ServerName::from(IpAddr::from(address))),
    }
}
