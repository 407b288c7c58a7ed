//! Receivers of webhooks, in this process and on loopback: those that do their work, and those that do not.

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

/// How often is looked whether everything has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// How long receivers stay once it has: for what was never to be sent.
const LINGER: Duration = Duration::from_millis(300);

/// What a receiver is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Behaviour {
    /// It takes everything.
    Good,
    /// It is not there: connections are refused.
    Dead,
    /// It takes everything, and is so long about it each time.
    Stalling(Duration),
    /// It answers this share with a 500.
    Flapping(f64),
}

impl Behaviour {
    /// Whether it has everything in the end, so that its absence is somebody else's fault. One that stalls may be hours
    /// behind.
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

/// Several receivers, each of which is an endpoint of its own.
pub struct Receivers(Vec<Receiver>);

/// One of them.
pub struct Receiver {
    behaviour: Behaviour,
    address: SocketAddr,
    /// Never listens: whether it is there or not, nobody else gets its port.
    _reserved: TcpSocket,
    shared: Arc<Shared>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

/// Something that was received. See [`Receipt`], which it becomes once the time of the run is known.
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
    /// Listens on ports of loopback. Nobody is told of them before [`subscribe`](Self::subscribe). `look_back_every`: each
    /// so manieth message is held against what the API tells of its event at that moment, before it is answered; 0 is never.
    ///
    /// # Errors
    ///
    /// If a port cannot be listened on.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, in which it serves.
    pub fn start(behaviours: &[Behaviour], look_back_every: u64) -> anyhow::Result<Self> {
        let mut receivers = Vec::new();
        for &behaviour in behaviours {
            let receiver = Receiver::start(behaviour, look_back_every);
            receivers.push(receiver.context("no port for a receiver")?);
        }
        Ok(Self(receivers))
    }

    /// Makes an endpoint for each.
    ///
    /// # Errors
    ///
    /// If the server makes none: it has to be one that may send to loopback.
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

    /// All of them, in the order in which they were asked for.
    pub fn all(&self) -> &[Receiver] {
        &self.0
    }

    /// Waits until those that are to have everything have as many messages of each event as it has versions. Returns how
    /// long that took; `None` if for longer than `within` none arrived that had not before: how long all of them take is up
    /// to the machine.
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

    /// Waits for everything that the events in `history` had, as [`arrived`](Self::arrived) does, and adds what was received
    /// to it. `began`: since when its times are counted.
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

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What it is like.
    pub fn behaviour(&self) -> Behaviour {
        self.behaviour
    }

    /// The endpoint that was made for it.
    pub fn endpoint(&self) -> Option<Uuid> {
        self.shared.endpoint()
    }

    /// What it has got so far, in the order in which it came.
    pub fn received(&self) -> Vec<Taken> {
        self.shared.received()
    }

    /// Ends it in the middle of whatever it does: its port is closed, and so is every connection. What it had got, it
    /// keeps.
    pub async fn kill(&self) {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(serving) = serving {
            serving.abort();
            // Its listener closes with it.
            let _ = serving.await;
        }
    }

    /// Has it listen, on the port that it has always had, unless it does.
    ///
    /// # Errors
    ///
    /// If the system does not let it.
    pub fn listen(&self) -> io::Result<()> {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.is_none() {
            let listener = bind(self.address)?.listen(BACKLOG)?;
            *serving = Some(tokio::spawn(serve::accept(listener, Arc::clone(&self.shared))));
        }
        Ok(())
    }
}

/// Takes a port without listening there. Neither a connection that was there before nor another socket that was bound
/// so stands in the way.
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
    fn what_a_receiver_is_like_is_told_in_a_word() {
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
