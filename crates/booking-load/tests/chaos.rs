//! The chaos proxy, in front of a simulated PostgreSQL.

use booking_load::chaos::{Chaos, Counts, Plan};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const STARTUP: &[u8] = b"\0\0\0\x08\0\x03\0\0";
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// Long enough to be sure that nothing comes.
const QUIET: Duration = Duration::from_millis(300);
const SOON: Duration = Duration::from_secs(60);

/// Answers each byte with one byte, and remembers what came.
struct Backend {
    address: SocketAddr,
    got: Arc<Mutex<Vec<u8>>>,
}

impl Backend {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let got = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    let mut buffer = [0; 4_096];
                    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                        all.lock().expect("no panic").extend_from_slice(&buffer[..length]);
                        if stream.write_all(&vec![b'.'; length]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, got }
    }

    fn got(&self) -> Vec<u8> {
        self.got.lock().expect("no panic").clone()
    }
}

async fn between(plan: Plan) -> (Backend, Chaos, TcpStream) {
    let backend = Backend::start().await;
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let chaos = Chaos::start(here, backend.address, plan, 1).await.expect("a free port");
    let client = TcpStream::connect(chaos.address()).await.expect("it accepts");
    (backend, chaos, client)
}

/// Sends, and returns the answer within a time; `None` if the connection is closed.
async fn ask(client: &mut TcpStream, bytes: &[u8], within: Duration) -> Option<usize> {
    client.write_all(bytes).await.expect("it is taken");
    let mut buffer = [0; 4_096];
    let mut answered = 0;
    while answered < bytes.len() {
        match timeout(within, client.read(&mut buffer)).await {
            Err(_) => break,
            Ok(Ok(length @ 1..)) => answered += length,
            Ok(_) => return None,
        }
    }
    Some(answered)
}

#[tokio::test]
async fn without_a_fault_everything_is_forwarded() {
    let (backend, chaos, mut client) = between(Plan::default()).await;
    assert_eq!(ask(&mut client, STARTUP, SOON).await, Some(STARTUP.len()));
    assert_eq!(ask(&mut client, COMMIT, SOON).await, Some(COMMIT.len()));
    assert_eq!(backend.got(), [STARTUP, COMMIT].concat());
    assert_eq!(chaos.counts(), Counts { commits: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_commit_cut_before_never_arrives() {
    let (backend, chaos, mut client) =
        between(Plan { cut_before_commit: 1.0, ..Plan::default() }).await;
    assert_eq!(ask(&mut client, STARTUP, SOON).await, Some(STARTUP.len()));
    assert_eq!(ask(&mut client, COMMIT, SOON).await, None);
    assert_eq!(backend.got(), STARTUP);
    assert_eq!(chaos.counts().cut_before, 1);
}

#[tokio::test]
async fn a_commit_cut_after_arrives_without_an_answer() {
    let (backend, chaos, mut client) =
        between(Plan { cut_after_commit: 1.0, ..Plan::default() }).await;
    assert_eq!(ask(&mut client, STARTUP, SOON).await, Some(STARTUP.len()));
    assert_eq!(ask(&mut client, COMMIT, SOON).await, None);
    assert_eq!(backend.got(), [STARTUP, COMMIT].concat());
    assert_eq!(chaos.counts().cut_after, 1);
}

#[tokio::test]
async fn a_black_hole_forwards_nothing_and_loses_nothing() {
    let (backend, chaos, mut client) =
        between(Plan { is_black_hole: true, ..Plan::default() }).await;
    assert_eq!(ask(&mut client, STARTUP, QUIET).await, Some(0));
    assert_eq!(backend.got(), b"");
    chaos.set(Plan::default());
    let mut answer = vec![0; STARTUP.len()];
    timeout(SOON, client.read_exact(&mut answer)).await.expect("in time").expect("it is carried");
    assert_eq!(backend.got(), STARTUP);
}

#[tokio::test]
async fn a_latency_delays_answers_and_keeps_pipelining() {
    let latency = Duration::from_millis(50);
    let (backend, _chaos, mut client) = between(Plan { latency, ..Plan::default() }).await;
    let began = Instant::now();
    client.write_all(STARTUP).await.expect("it is taken");
    // Sent before the first is answered, and answered as soon after it.
    tokio::time::sleep(latency).await;
    client.write_all(COMMIT).await.expect("it is taken");
    let mut answers = vec![0; STARTUP.len() + COMMIT.len()];
    timeout(SOON, client.read_exact(&mut answers)).await.expect("in time").expect("it is carried");
    let took = began.elapsed();
    assert!(took >= 3 * latency, "{took:?}");
    assert_eq!(backend.got(), [STARTUP, COMMIT].concat());
}

#[tokio::test]
async fn all_connections_can_be_cut_at_once() {
    let (_backend, chaos, mut client) = between(Plan::default()).await;
    assert_eq!(ask(&mut client, STARTUP, SOON).await, Some(STARTUP.len()));
    chaos.cut_all();
    let end = timeout(SOON, client.read(&mut [0; 1])).await.expect("in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn the_chaos_proxy_is_for_loopback_only() {
    let (here, there) = ([127, 0, 0, 1], [192, 0, 2, 1]);
    for (listen, upstream) in [(here, there), ([0, 0, 0, 0], here)] {
        let at = |ip: [u8; 4]| SocketAddr::from((ip, 0));
        let refused = Chaos::start(at(listen), at(upstream), Plan::default(), 1).await;
        let error = refused.expect_err("it is not loopback");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
