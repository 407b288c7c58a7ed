//! Webhook receivers, in this process and on loopback: some that work, and some that do not.

mod serve;
mod signature;

use crate::api::Api;
use crate::judge::{Endpoint, History, Message, Receipt};
use anyhow::Context;
use serve::Shared;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How often to check whether everything has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// How long receivers stay after that: to catch messages that should not be sent.
const LINGER: Duration = Duration::from_millis(300);

/// How a receiver behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Behaviour {
    /// It accepts everything.
    Good,
    /// It is down: connections are refused.
    Dead,
    /// It accepts everything, after this delay each time.
    Stalling(Duration),
    /// It answers this share with a 500.
    Flapping(f64),
}

impl Behaviour {
    /// Whether it gets everything in the end, so that a missing message is the server's fault. One that stalls may
    /// be hours behind.
    fn is_complete(self) -> bool {
        matches!(self, Self::Good | Self::Flapping(_))
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Dead => f.write_str("dead"),
            Self::Stalling(each) => write!(f, "stalling:{}", each.as_secs_f64()),
            Self::Flapping(share) => write!(f, "flapping:{share}"),
        }
    }
}

/// `good`, `dead`, `stalling:SECONDS` or `flapping:SHARE`.
impl FromStr for Behaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, number) = match text.split_once(':') {
            Some((kind, number)) => (kind, number.parse::<f64>().ok()),
            None => (text, None),
        };
        match (kind, number) {
            ("good", None) if kind == text => Ok(Self::Good),
            ("dead", None) if kind == text => Ok(Self::Dead),
            ("stalling", Some(seconds)) => Duration::try_from_secs_f64(seconds)
                .map(Self::Stalling)
                .map_err(|error| error.to_string()),
            ("flapping", Some(share)) if (0.0..=1.0).contains(&share) => Ok(Self::Flapping(share)),
            _ => Err("not good, dead, stalling:SECONDS or flapping:SHARE, from 0 to 1".to_owned()),
        }
    }
}

/// Several receivers, each with its own endpoint.
pub struct Receivers(Vec<Receiver>);

/// One of them.
pub struct Receiver {
    behaviour: Behaviour,
    address: SocketAddr,
    /// Never listens: it reserves the port, whether the receiver is up or not.
    _reserved: TcpSocket,
    shared: Arc<Shared>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

/// A message that was received. It becomes a [`Receipt`] once the run's start time is known.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of a receipt")]
pub struct Taken {
    pub at: Instant,
    pub id: String,
    pub is_signed: bool,
    pub is_accepted: bool,
    pub seen_version: Option<u64>,
    pub message: Option<Message>,
}

impl Receivers {
    /// Listens on loopback ports, which no server knows before [`subscribe`](Self::subscribe). `look_back_every`:
    /// every so manieth message is compared with the API's state of its event at that moment, before it is
    /// answered; 0 is never.
    ///
    /// # Errors
    ///
    /// If a port cannot be listened on.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(behaviours: &[Behaviour], look_back_every: u64) -> anyhow::Result<Self> {
        let mut receivers = Vec::new();
        for &behaviour in behaviours {
            let receiver = Receiver::start(behaviour, look_back_every);
            receivers.push(receiver.context("no port for a receiver")?);
        }
        Ok(Self(receivers))
    }

    /// Creates an endpoint for each.
    ///
    /// # Errors
    ///
    /// If the server refuses: it has to be one that may send to loopback.
    pub async fn subscribe(&self, api: &Api) -> anyhow::Result<()> {
        for receiver in &self.0 {
            let webhook = api.create_webhook(&receiver.url()).await;
            let webhook = webhook.context("no endpoint could be made for a receiver")?;
            receiver.shared.subscribe(webhook.id, &webhook.secret, api.clone())?;
        }
        Ok(())
    }

    /// Deletes the endpoints again, as far as the server answers.
    pub async fn unsubscribe(&self, api: &Api) {
        for id in self.0.iter().filter_map(|receiver| receiver.shared.endpoint()) {
            if let Err(error) = api.delete_webhook(id).await {
                eprintln!("endpoint {id} stays: {:#}", anyhow::Error::new(error));
            }
        }
    }

    /// All of them, in the order in which they were requested.
    pub fn all(&self) -> &[Receiver] {
        &self.0
    }

    /// Waits until those that get everything have as many messages of each event as it has versions. Returns how
    /// long that took; `None` if nothing new arrived for longer than `within`: the total time depends on the
    /// machine.
    pub async fn arrived(&self, events: &[(Uuid, u64)], within: Duration) -> Option<Duration> {
        let began = Instant::now();
        let complete = || self.0.iter().filter(|receiver| receiver.behaviour.is_complete());
        let (mut taken, mut since) = (0, began);
        while !complete().all(|receiver| receiver.shared.has_all(events)) {
            let taken_by_now = complete().map(|receiver| receiver.shared.taken()).sum();
            if taken != taken_by_now {
                (taken, since) = (taken_by_now, Instant::now());
            } else if since.elapsed() > within {
                return None;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Some(began.elapsed())
    }

    /// Waits for everything that the events in `history` had, as [`arrived`](Self::arrived) does, and adds the
    /// receipts to it. `began`: when its times start.
    pub async fn finish(
        &self,
        history: &mut History,
        began: Instant,
        within: Duration,
    ) -> Option<Duration> {
        let events: Vec<(Uuid, u64)> =
            history.events.iter().map(|event| (event.id, event.shown.version)).collect();
        let arrived = self.arrived(&events, within).await;
        tokio::time::sleep(LINGER).await;
        for receiver in &self.0 {
            let Some(id) = receiver.shared.endpoint() else { continue };
            history.endpoints.push(Endpoint { id, is_complete: receiver.behaviour.is_complete() });
            let receipts = receiver.shared.drain().into_iter();
            history.receipts.extend(receipts.map(|taken| taken.into_receipt(id, began)));
        }
        arrived
    }
}

impl Taken {
    fn into_receipt(self, endpoint: Uuid, began: Instant) -> Receipt {
        let Self { at, id, is_signed, is_accepted, seen_version, message } = self;
        let since = at.saturating_duration_since(began).as_micros();
        let received_at = u64::try_from(since).unwrap_or(u64::MAX);
        Receipt { endpoint, received_at, id, is_signed, is_accepted, seen_version, message }
    }
}

impl Receiver {
    fn start(behaviour: Behaviour, look_back_every: u64) -> io::Result<Self> {
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let receiver = Self {
            behaviour,
            address: socket.local_addr()?,
            _reserved: socket,
            shared: Arc::new(Shared::new(behaviour, look_back_every)),
            serving: Mutex::default(),
        };
        if behaviour != Behaviour::Dead {
            receiver.listen()?;
        }
        Ok(receiver)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How it behaves.
    pub fn behaviour(&self) -> Behaviour {
        self.behaviour
    }

    /// The endpoint that was created for it.
    pub fn endpoint(&self) -> Option<Uuid> {
        self.shared.endpoint()
    }

    /// What it has received so far, in order.
    pub fn received(&self) -> Vec<Taken> {
        self.shared.received()
    }

    /// Stops it at once: its port is closed, and so is every connection. It keeps what it had received.
    pub async fn kill(&self) {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(serving) = serving {
            serving.abort();
            // Its listener closes with it.
            let _ = serving.await;
        }
    }

    /// Makes it listen on its port, unless it does already.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn listen(&self) -> io::Result<()> {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.is_none() {
            let listener = bind(self.address)?.listen(BACKLOG)?;
            *serving = Some(tokio::spawn(serve::accept(listener, Arc::clone(&self.shared))));
        }
        Ok(())
    }
}

/// Binds a port without listening. Neither earlier connections nor another socket that was bound in this way
/// prevent that.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let serving = self.serving.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(serving) = serving.take() {
            serving.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receivers_behaviour_is_parsed_from_a_word() {
        for (text, behaviour) in [
            ("good", Behaviour::Good),
            ("dead", Behaviour::Dead),
            ("stalling:0.5", Behaviour::Stalling(Duration::from_millis(500))),
            ("flapping:0.25", Behaviour::Flapping(0.25)),
        ] {
            assert_eq!(text.parse(), Ok(behaviour), "{text}");
            assert_eq!(behaviour.to_string(), text);
        }
        for text in
            ["", "bad", "good:", "good:1", "dead:x", "stalling", "stalling:-1", "flapping:2"]
        {
            assert!(text.parse::<Behaviour>().is_err(), "{text}");
        }
    }
}
