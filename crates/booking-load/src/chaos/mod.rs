//! A proxy to PostgreSQL that fails on purpose: it cuts connections just before or just after a COMMIT reaches the
//! server, slows them, or forwards nothing. On loopback only.

mod carry;
mod frontend;

use carry::carry;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which faults to inject, and how often. Shares are of all COMMITs, from 0 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The connection is cut, and the COMMIT never arrives.
    pub cut_before_commit: f64,
    /// The COMMIT arrives, and its answer does not.
    pub cut_after_commit: f64,
    /// The COMMIT is delayed.
    pub delay_commit: f64,
    /// The delay of a delayed COMMIT.
    pub delay: Duration,
    /// The latency of everything, in each direction, as over a network: what is sent in sequence arrives in
    /// sequence. Timers here have a resolution of 1 ms, so that 1 ms are 1 to 2.
    pub latency: Duration,
    /// Nothing is forwarded in either direction, and nothing is closed.
    pub is_black_hole: bool,
}

/// The faults that were injected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// COMMITs seen.
    pub commits: u64,
    /// COMMITs cut before they arrived.
    pub cut_before: u64,
    /// COMMITs cut after they arrived.
    pub cut_after: u64,
    /// COMMITs delayed.
    pub delayed: u64,
}

/// A running proxy. It stops when this is dropped, with all its connections.
#[derive(Debug)]
pub struct Chaos {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    plan: watch::Sender<Plan>,
    /// Notified when every connection is to be cut.
    cuts: watch::Sender<u64>,
    random: Mutex<fastrand::Rng>,
    commits: AtomicU64,
    cut_before: AtomicU64,
    cut_after: AtomicU64,
    delayed: AtomicU64,
}

/// The fate of one COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    CutBefore,
    CutAfter,
    Late(Duration),
}

impl Chaos {
    /// Listens at `listen` (port 0 for a free one) and forwards everything to `upstream`.
    ///
    /// # Errors
    ///
    /// If either is not of this machine's loopback, or `listen` cannot be listened on.
    pub async fn start(
        listen: SocketAddr,
        upstream: SocketAddr,
        plan: Plan,
        seed: u64,
    ) -> io::Result<Self> {
        if !listen.ip().is_loopback() || !upstream.ip().is_loopback() {
            let text = "chaos is for loopback addresses only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            plan: watch::Sender::new(plan),
            cuts: watch::Sender::new(0),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            commits: AtomicU64::default(),
            cut_before: AtomicU64::default(),
            cut_after: AtomicU64::default(),
            delayed: AtomicU64::default(),
        });
        let accepting = tokio::spawn(accept(listener, upstream, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// The address that it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the faults from now on.
    pub fn set(&self, plan: Plan) {
        self.shared.plan.send_replace(plan);
    }

    /// Cuts every open connection.
    pub fn cut_all(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// The faults that were injected so far.
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            commits: count(&self.shared.commits),
            cut_before: count(&self.shared.cut_before),
            cut_after: count(&self.shared.cut_after),
            delayed: count(&self.shared.delayed),
        }
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_all();
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // To the client a server that is down is a connection that closes.
            if let Ok(server) = TcpStream::connect(upstream).await {
                carry(&shared, client, server).await;
            }
        });
    }
}

impl Shared {
    fn fate_of_commit(&self) -> Fate {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let plan = self.plan.borrow().clone();
        let chance = self.random.lock().unwrap_or_else(PoisonError::into_inner).f64();
        let after = plan.cut_before_commit + plan.cut_after_commit;
        let (fate, counter) = if chance < plan.cut_before_commit {
            (Fate::CutBefore, &self.cut_before)
        } else if chance < after {
            (Fate::CutAfter, &self.cut_after)
        } else if chance < after + plan.delay_commit {
            (Fate::Late(plan.delay), &self.delayed)
        } else {
            return Fate::Arrives;
        };
        counter.fetch_add(1, Ordering::Relaxed);
        fate
    }

    fn latency(&self) -> Duration {
        self.plan.borrow().latency
    }

    /// Returns once bytes may be forwarded.
    async fn passable(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.plan.subscribe().wait_for(|plan| !plan.is_black_hole).await;
    }
}
