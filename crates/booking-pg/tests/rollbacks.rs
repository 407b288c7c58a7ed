//! A refused caller does not wait for ROLLBACK, and the next transaction is sent behind it.

mod common;

use booking_core::prelude::*;
use booking_core::{EventId, Execution, Outcome, Refusal, WhenBusy};
use booking_pg::PgStore;
use common::{connect, create, execute, migrated_database, register};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes, even on a slow machine.
const AT_MOST: Duration = Duration::from_secs(60);

/// What a proxy does with a ROLLBACK.
#[derive(Clone)]
enum Fate {
    /// It waits until it is let through, and so does what follows it.
    HeldUp(Arc<Semaphore>),
    /// Its connection breaks, as often as this says.
    Cut(Arc<AtomicUsize>),
}

/// A proxy to the database that treats ROLLBACK by `fate`; returns its URL.
async fn proxy_to(url: &str, fate: Fate) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let (_, rest) = url.split_once("127.0.0.1:").expect("a URL of the test cluster");
    let (database_port, name) = rest.split_once('/').expect("a database");
    let target: u16 = database_port.parse().expect("a port");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
            tokio::spawn(carry(client, server, fate.clone()));
        }
    });
    format!("postgresql://postgres@127.0.0.1:{port}/{name}")
}

async fn carry(client: TcpStream, server: TcpStream, fate: Fate) {
    let (mut client_in, mut client_out) = client.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut server_in, &mut client_out).await;
    });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = client_in.read(&mut buffer).await {
        if length == 0 {
            break;
        }
        if buffer[..length].windows(9).any(|bytes| bytes == b"ROLLBACK\0") {
            match &fate {
                Fate::HeldUp(through) => {
                    through.acquire().await.expect("it is never closed").forget();
                }
                Fate::Cut(cuts) if cuts.load(Ordering::SeqCst) > 0 => {
                    cuts.fetch_sub(1, Ordering::SeqCst);
                    break;
                }
                Fate::Cut(_) => {}
            }
        }
        if server_out.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    back.abort();
}

fn is_sold_out(execution: &Execution) -> bool {
    *execution == Execution::Decided(Outcome::Refused(Refusal::SoldOut))
}

async fn sold_out_event(store: &PgStore) -> EventId {
    let event = create(store, 1).await.id;
    execute(store, &[register(event, "ada")]).await;
    event
}

async fn ask(store: &PgStore, events: &[EventId]) -> Vec<Execution> {
    let batch: Vec<_> = events.iter().map(|event| register(*event, "grace")).collect();
    let asked = timeout(AT_MOST, store.execute(&batch, WhenBusy::Skip)).await;
    asked.expect("nothing waits for ROLLBACK").expect("the store answers")
}

#[tokio::test]
async fn a_refused_caller_waits_for_no_rollback_and_the_next_batch_follows_it() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    let event = sold_out_event(&direct).await;
    let through = Arc::new(Semaphore::new(0));
    let way = proxy_to(database.url(), Fate::HeldUp(Arc::clone(&through))).await;
    let store = connect(&way, 3).await;
    assert!(is_sold_out(&ask(&store, &[event]).await[0]), "its ROLLBACK is still on the way");
    // The control: the row is locked until then, so on any other connection the event is busy.
    assert_eq!(ask(&direct, &[event]).await, [Execution::Busy]);
    let letting_through = async {
        sleep(Duration::from_millis(50)).await;
        through.add_permits(1_000);
    };
    let events = [event];
    let (next, ()) = tokio::join!(ask(&store, &events), letting_through);
    assert!(is_sold_out(&next[0]), "{next:?}");
}

#[tokio::test]
async fn a_lost_rollback_is_noticed_by_the_next_batch() {
    let database = migrated_database();
    let direct = connect(database.url(), 2).await;
    let event = sold_out_event(&direct).await;
    for comes_at_once in [true, false] {
        let cuts = Arc::new(AtomicUsize::new(1));
        let way = proxy_to(database.url(), Fate::Cut(Arc::clone(&cuts))).await;
        let store = connect(&way, 2).await;
        assert!(is_sold_out(&ask(&store, &[event]).await[0]));
        if !comes_at_once {
            while cuts.load(Ordering::SeqCst) > 0 || store.connections().open > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        }
        // The connection ends, and so does the transaction, whenever the database notices.
        let batch = [register(event, "grace")];
        let next = store.execute(&batch, WhenBusy::Wait).await.expect("it is tried again");
        assert!(is_sold_out(&next[0]), "{next:?}");
        assert_eq!(cuts.load(Ordering::SeqCst), 0, "the connection was cut");
    }
    assert_eq!(direct.audit().await.expect("it answers").differences, []);
}

/// Batches of events in turns and together, as lanes send them, find none of them busy because of their own
/// refusals.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_make_no_event_busy_for_the_next_batch() {
    let database = migrated_database();
    let store = Arc::new(connect(database.url(), 8).await);
    let mut lanes = Vec::new();
    for _ in 0..3 {
        let store = Arc::clone(&store);
        lanes.push(tokio::spawn(async move {
            let (a, b) = (sold_out_event(&store).await, sold_out_event(&store).await);
            for turn in 0..100 {
                for events in [&[a, b][..], &[a], &[b], &[b, a]] {
                    let answers = ask(&store, events).await;
                    assert!(answers.iter().all(is_sold_out), "{turn}: {answers:?}");
                }
            }
        }));
    }
    for lane in lanes {
        lane.await.expect("no event was busy");
    }
    // Each connection is in the pool again.
    let idle = async {
        while store.connections().idle < store.connections().open {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(AT_MOST, idle).await.expect("they come back");
}
