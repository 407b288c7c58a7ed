//! Resolves names.

use super::outcome::Reason;
use async_trait::async_trait;
use booking_core::OrganizerId;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The look-ups at once for one organizer: names whose servers do not answer delay no other organizer.
pub const LOOKUPS_PER_ORGANIZER_MAX: usize = SystemResolver::LOOKUPS_MAX / 8;

/// The timeout of a look-up. The system asks another server after 5 s, which still has time to answer.
pub const LOOKUP_WITHIN: Duration = Duration::from_secs(10);

/// Resolves a name.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses of `host` at this moment, each with `port`.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// Asks the system, as any program does.
#[derive(Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl SystemResolver {
    /// The look-ups at once. Each occupies a thread until it is answered, even if its caller has given up.
    pub const LOOKUPS_MAX: usize = 64;
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { lookups: Arc::new(Semaphore::new(Self::LOOKUPS_MAX)) }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        let looking = tokio::task::spawn_blocking(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
            drop(permit);
            found
        });
        looking.await.map_err(io::Error::other)?
    }
}

/// Resolves names for organizers, each of which has its share, shared by all clones.
#[derive(Debug, Clone)]
pub(super) struct FairResolver {
    resolver: Arc<dyn Resolver>,
    /// The organizers with look-ups in progress.
    shares: Arc<Mutex<HashMap<Option<OrganizerId>, Weak<Semaphore>>>>,
    /// [`LOOKUP_WITHIN`], except in tests.
    pub(super) within: Duration,
}

impl FairResolver {
    pub(super) fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, shares: Arc::default(), within: LOOKUP_WITHIN }
    }

    /// The addresses of `host` at this moment, each with `port`, for `organizer`, or for events without one.
    pub(super) async fn resolve(
        &self,
        organizer: Option<OrganizerId>,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Reason> {
        let turn = self.share_of(organizer).acquire_owned().await;
        let turn = turn.map_err(|_| Reason::CannotResolve)?;
        let (resolver, host) = (Arc::clone(&self.resolver), host.to_owned());
        // It goes on after its caller gave up, as its thread does, and counts for its organizer until then.
        let looking = tokio::spawn(async move {
            let found = resolver.resolve(&host, port).await;
            drop(turn);
            found
        });
        match timeout(self.within, looking).await {
            Ok(Ok(Ok(found))) => Ok(found),
            Ok(Ok(Err(_)) | Err(_)) => Err(Reason::CannotResolve),
            Err(_) => Err(Reason::Timeout),
        }
    }

    fn share_of(&self, organizer: Option<OrganizerId>) -> Arc<Semaphore> {
        // It is consistent between any two calls.
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&organizer).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(LOOKUPS_PER_ORGANIZER_MAX));
        shares.insert(organizer, Arc::downgrade(&share));
        share
    }
}
