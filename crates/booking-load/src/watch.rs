//! Many watchers of one event while it is sold: how late each gets a state, and what they cost.
//!
//! Times are of this process's clock. A state is late by the time from the answer to the registration that made its
//! version to its arrival; one that arrives before that answer is not late. Since a state may replace others that
//! were never sent, the time from the oldest of those is measured, too: that is how long a watcher has seen an
//! outdated state.

use crate::api::{Api, NewEvent};
use crate::client::Limits;
use crate::cpu;
use crate::report::Latency;
use crate::token::OrganizerToken;
use anyhow::Context;
use hdrhistogram::Histogram;
use hyper::header::HeaderMap;
use hyper::{Method, Uri};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The watchers from one source address of this machine: each has some 28,000 ports.
const WATCHERS_OF_A_SOURCE: u32 = 5_000;
/// How many connections are opened at once.
const OPENED_AT_ONCE: usize = 256;
/// How long the last state may take to reach all watchers; later ones count as missing.
const END_WITHIN: Duration = Duration::from_secs(30);
/// How long the server is left idle before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// The options of a watch.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The server.
    pub url: String,
    /// The event's organizer, where the server requires one.
    pub token: Option<OrganizerToken>,
    /// The number of watchers; 0 to measure the same sale without.
    pub watchers: u32,
    /// The capacity of the event that is created.
    pub seats: u32,
    /// How many register at once, each on a connection of its own.
    pub concurrency: usize,
    /// How long they go on, unless the seats are gone before.
    pub sale: Duration,
    /// The server's process, whose memory is read.
    pub server_pid: Option<u32>,
    /// The timeout of one call.
    pub limits: Limits,
}

/// The result.
#[derive(Debug, Clone, Serialize)]
pub struct WatchReport {
    /// The number of watchers.
    pub watchers: u32,
    /// Those that could not begin.
    pub refused: u32,
    /// Streams that ended, or did not bring the last state in time.
    pub missing: u32,
    /// Registrations that got a seat.
    pub registrations: u64,
    /// Those per second.
    pub registrations_per_second: f64,
    /// States that arrived.
    pub messages: u64,
    /// From the answer that made a state to its arrival.
    pub lag: Latency,
    /// From the answer that made the oldest state that was not sent to the arrival of the one that replaced it.
    pub stale: Latency,
    /// The cost of one watcher while nothing happens, in bytes of the server's resident memory.
    pub bytes_a_watcher: Option<i64>,
    /// The same after the sale.
    pub bytes_a_watcher_after: Option<i64>,
    /// CPU time of this process per second of the sale.
    pub generator_cpu: Option<f64>,
}

impl WatchReport {
    /// Whether every watcher got everything.
    pub fn is_clean(&self) -> bool {
        self.refused == 0 && self.missing == 0
    }
}

/// Creates an event, watches and sells it, and measures how late watchers were.
///
/// # Errors
///
/// If nothing could be measured: invalid options, or no event could be created.
pub async fn run(options: WatchOptions) -> anyhow::Result<WatchReport> {
    anyhow::ensure!(options.seats > 0, "at least one seat is needed");
    anyhow::ensure!(options.concurrency > 0, "a concurrency of at least one is needed");
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let api = Api::new(&options.url, options.limits.clone())?.with_token(options.token.clone());
    let name = format!("Watched by {}", options.watchers);
    let event = NewEvent { name, description: None, capacity: options.seats };
    let event = api.create_event(&event).await.context("cannot create an event")?;
    api.client().warm_up(options.concurrency).await;

    let board = Arc::new(Board::new(&options));
    let memory =
        |what: &str| options.server_pid.map(|pid| resident_bytes(pid).context(what.to_owned()));
    let before = memory("before anybody watches").transpose()?;
    let mut watching = JoinSet::new();
    let refused = open_all(&options, &api, &event.id, &board, &mut watching).await?;
    sleep(SETTLE).await;
    let idle = memory("while nothing happens").transpose()?;

    let cpu_before = cpu::process_time();
    let began = Instant::now();
    sell(&options, &api, &event.id, &board).await;
    let wall = began.elapsed().as_secs_f64();
    let cpu = cpu_before.and_then(|before| Some(cpu::process_time()?.saturating_sub(before)));
    let missing = board.missing(options.watchers - refused).await;
    sleep(SETTLE).await;
    let after = memory("after the sale").transpose()?;
    watching.shutdown().await;

    let watchers = i64::from(options.watchers - refused);
    let each = |now: Option<u64>| {
        let grown = now?.cast_signed() - before?.cast_signed();
        (watchers > 0).then(|| grown / watchers)
    };
    let registrations = board.registrations.load(Ordering::Relaxed);
    Ok(WatchReport {
        watchers: options.watchers,
        refused,
        missing,
        registrations,
        registrations_per_second: registrations as f64 / wall.max(f64::MIN_POSITIVE),
        messages: board.messages.load(Ordering::Relaxed),
        lag: Latency::of(&lock(&board.lag)),
        stale: Latency::of(&lock(&board.stale)),
        bytes_a_watcher: each(idle),
        bytes_a_watcher_after: each(after),
        generator_cpu: cpu.map(|cpu| cpu.as_secs_f64() / wall.max(f64::MIN_POSITIVE)),
    })
}

/// The largest lag that is recorded exactly, in microseconds: ten minutes.
const LAG_MICROS_MAX: u64 = 600_000_000;

/// When each version was answered, and what each watcher got.
struct Board {
    began: Instant,
    /// When the answer came that made each version, in microseconds since the beginning; 0 for not yet.
    answered: Vec<AtomicU64>,
    /// The last version that each watcher got; `u64::MAX` for one whose stream has ended.
    last_versions: Vec<AtomicU64>,
    newest: AtomicU64,
    registrations: AtomicU64,
    next_person: AtomicU32,
    messages: AtomicU64,
    lag: Mutex<Histogram<u64>>,
    stale: Mutex<Histogram<u64>>,
}

impl Board {
    fn new(options: &WatchOptions) -> Self {
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        let histogram = || {
            let histogram = Histogram::new_with_max(LAG_MICROS_MAX, 3);
            Mutex::new(histogram.expect("3 figures of it are allowed"))
        };
        Self {
            began: Instant::now(),
            // Version 1 is that of the new event.
            answered: zeros(options.seats as usize + 2),
            last_versions: zeros(options.watchers as usize),
            newest: AtomicU64::new(1),
            registrations: AtomicU64::new(0),
            next_person: AtomicU32::new(0),
            messages: AtomicU64::new(0),
            lag: histogram(),
            stale: histogram(),
        }
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes an answer that made a version.
    fn note_answer(&self, version: u64) {
        if let Some(answered) = usize::try_from(version).ok().and_then(|at| self.answered.get(at)) {
            answered.store(self.micros().max(1), Ordering::Relaxed);
        }
        self.newest.fetch_max(version, Ordering::Relaxed);
        self.registrations.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a state that arrived at a watcher, which had version `before`, or none.
    fn note_state(&self, watcher: usize, version: u64) {
        let now = self.micros();
        self.messages.fetch_add(1, Ordering::Relaxed);
        let before = self.last_versions[watcher].swap(version, Ordering::Relaxed);
        // The first state was there before, and is no news.
        if before == 0 {
            return;
        }
        for (version, histogram) in [(version, &self.lag), (before + 1, &self.stale)] {
            lock(histogram).saturating_record(self.since_answer(version, now));
        }
    }

    /// How long ago the answer came; `None` if it has not arrived yet.
    fn since_answer(&self, version: u64, now: u64) -> u64 {
        let at = usize::try_from(version).ok().and_then(|at| self.answered.get(at));
        match at.map_or(0, |at| at.load(Ordering::Relaxed)) {
            0 => 0,
            answered => now.saturating_sub(answered),
        }
    }

    /// The watchers without the last version, once there was time for it.
    async fn missing(&self, watchers: u32) -> u32 {
        let newest = self.newest.load(Ordering::Relaxed);
        let current = || {
            let is_current = |version: u64| version >= newest && version != u64::MAX;
            let current = self.last_versions.iter();
            let current = current.filter(|last| is_current(last.load(Ordering::Relaxed)));
            u32::try_from(current.count()).unwrap_or(u32::MAX)
        };
        let began = Instant::now();
        while current() < watchers && began.elapsed() < END_WITHIN {
            sleep(Duration::from_millis(10)).await;
        }
        watchers.saturating_sub(current())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts watchers, a few at a time, until each has its first state. Returns how many failed.
async fn open_all(
    options: &WatchOptions,
    api: &Api,
    event_id: &str,
    board: &Arc<Board>,
    watching: &mut JoinSet<()>,
) -> anyhow::Result<u32> {
    let base = api.client().base();
    let address = base.socket_addrs(|| Some(80)).context("the server has no address")?;
    let address = *address.first().context("the server has no address")?;
    let host = base.host_str().unwrap_or("localhost");
    let port = base.port_or_known_default().unwrap_or(80);
    let head: Arc<str> = format!(
        "GET {}events/{event_id}/live HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n",
        base.path()
    )
    .into();
    let (mut opening, mut refused) = (JoinSet::new(), 0);
    for number in 0..options.watchers {
        if opening.len() >= OPENED_AT_ONCE {
            refused += u32::from(!begin(opening.join_next().await, board, watching));
        }
        let head = Arc::clone(&head);
        opening.spawn(async move {
            let opened = timeout(END_WITHIN, open(address, source(address, number), &head)).await;
            (number as usize, opened.map_err(io::Error::from).flatten())
        });
    }
    while !opening.is_empty() {
        refused += u32::from(!begin(opening.join_next().await, board, watching));
    }
    Ok(refused)
}

/// A watcher's open connection, or why there is none.
type Opened = Option<Result<(usize, io::Result<TcpStream>), tokio::task::JoinError>>;

/// Starts one watcher, unless its connection failed. Returns whether it did.
fn begin(opened: Opened, board: &Arc<Board>, watching: &mut JoinSet<()>) -> bool {
    let Some(Ok((number, Ok(stream)))) = opened else { return false };
    let board = Arc::clone(board);
    watching.spawn(async move {
        let _ = listen(stream, number, &board).await;
        board.last_versions[number].store(u64::MAX, Ordering::Relaxed);
    });
    true
}

/// The source address of a watcher, if the server is on this machine: all of 127.0.0.0/8 is, on Linux.
fn source(server: SocketAddr, number: u32) -> Option<Ipv4Addr> {
    let is_here = matches!(server.ip(), IpAddr::V4(ip) if ip.is_loopback());
    let host = u8::try_from(2 + number / WATCHERS_OF_A_SOURCE).ok()?;
    is_here.then(|| Ipv4Addr::new(127, 0, 0, host))
}

/// Connects, sends the request, and reads the head of the answer.
async fn open(server: SocketAddr, source: Option<Ipv4Addr>, head: &str) -> io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::from((source, 0)))?;
    }
    let mut stream = socket.connect(server).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    // Byte by byte, so that nothing after it is consumed; it is short, and read before anything is measured.
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await?);
        if answer.len() > 8 * 1_024 {
            return Err(io::Error::other("the head of the answer has no end"));
        }
    }
    match answer.starts_with(b"HTTP/1.1 200 ") {
        true => Ok(stream),
        false => Err(io::Error::other("it may not be watched")),
    }
}

/// Reads states until the stream ends.
async fn listen(mut stream: TcpStream, number: usize, board: &Board) -> io::Result<()> {
    let (mut buffer, mut line, mut version) = ([0; 1_024], Vec::new(), None);
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        for byte in &buffer[..length] {
            if *byte != b'\n' {
                line.push(*byte);
                continue;
            }
            let text = String::from_utf8_lossy(&line);
            if let Some(id) = text.strip_prefix("id: ") {
                version = id.trim().parse().ok();
            } else if text.starts_with("data: ")
                && let Some(version) = version.take()
            {
                board.note_state(number, version);
            }
            line.clear();
        }
    }
}

/// Registers in sequence on each connection, until the time is over or the seats are gone.
async fn sell(options: &WatchOptions, api: &Api, event_id: &str, board: &Arc<Board>) {
    let ends = Instant::now() + options.sale;
    let mut selling = JoinSet::new();
    let path = format!("{}events/{event_id}/register", api.client().base().path());
    for _ in 0..options.concurrency {
        let (api, board, path) = (api.clone(), Arc::clone(board), path.clone());
        let seats = options.seats;
        selling.spawn(async move {
            while Instant::now() < ends {
                let person = board.next_person.fetch_add(1, Ordering::Relaxed);
                if person >= seats {
                    return;
                }
                if let Some(version) = register(&api, &path, person).await {
                    board.note_answer(version);
                }
            }
        });
    }
    while selling.join_next().await.is_some() {}
}

/// Registers a new address, and returns the version that this made.
async fn register(api: &Api, path: &str, person: u32) -> Option<u64> {
    #[derive(Deserialize)]
    struct Made {
        event_version: u64,
    }
    let uri = Uri::try_from(path).ok()?;
    let body = format!("{{\"user_email\": \"{person}@load.example\"}}").into_bytes();
    let answer = api.client().call(Method::POST, uri, Some(body), HeaderMap::new()).await.ok()?;
    let made: Made = serde_json::from_slice(&answer.body).ok()?;
    (answer.status == hyper::StatusCode::CREATED).then_some(made.event_version)
}

/// The resident memory of a process, by proc(5).
fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let file = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    resident(&status).with_context(|| format!("{file} tells of no resident memory"))
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

impl fmt::Display for WatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { watchers, refused, missing, registrations, messages, .. } = self;
        writeln!(f, "{watchers} who watch, {refused} of them refused, {missing} without the end")?;
        let speed = self.registrations_per_second;
        writeln!(f, "sale       {registrations} registrations, {speed:.0} a second")?;
        writeln!(f, "told       {messages} states")?;
        for (name, latency) in [("lag", self.lag), ("stale", self.stale)] {
            let Latency { p50_micros, p90_micros, p99_micros, max_micros } = latency;
            let [p50, p90, p99, max] = [p50_micros, p90_micros, p99_micros, max_micros]
                .map(|micros| micros as f64 / 1_000.0);
            writeln!(
                f,
                "{name:<9}  p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, max {max:.1} ms"
            )?;
        }
        if let (Some(idle), Some(after)) = (self.bytes_a_watcher, self.bytes_a_watcher_after) {
            writeln!(f, "memory     {idle} bytes a watcher, {after} after the sale")?;
        }
        if let Some(cpu) = self.generator_cpu {
            writeln!(f, "generator  {cpu:.2} of a core")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(watchers: u32, seats: u32) -> WatchOptions {
        WatchOptions {
            url: "http://127.0.0.1:1".to_owned(),
            token: None,
            watchers,
            seats,
            concurrency: 1,
            sale: Duration::from_secs(1),
            server_pid: None,
            limits: Limits::default(),
        }
    }

    #[test]
    fn a_states_lag_counts_from_the_oldest_that_it_replaces() {
        let board = Board::new(&options(1, 5));
        board.note_state(0, 1);
        assert_eq!(lock(&board.lag).len(), 0, "the first is no news");
        board.note_answer(2);
        std::thread::sleep(Duration::from_millis(20));
        board.note_answer(3);
        board.note_state(0, 3);
        let (lag, stale) = (lock(&board.lag).max(), lock(&board.stale).max());
        assert!(stale >= 20_000 && stale > lag, "{lag} {stale}");
        // One that overtakes its answer is not late.
        board.note_state(0, 4);
        let lag = lock(&board.lag);
        assert_eq!((lag.min(), lag.len()), (0, 2));
    }

    #[test]
    fn each_source_address_has_as_many_watchers_as_ports() {
        let here = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(source(here, 0), Some(Ipv4Addr::new(127, 0, 0, 2)));
        assert_eq!(source(here, 5_000), Some(Ipv4Addr::new(127, 0, 0, 3)));
        assert_eq!(source(SocketAddr::from(([192, 0, 2, 1], 80)), 0), None);
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(resident("VmPeak:\t 9 kB\nVmRSS:\t    1234 kB\n"), Some(1_234 * 1_024));
        assert_eq!(resident("VmPeak:\t 9 kB\n"), None);
    }
}
