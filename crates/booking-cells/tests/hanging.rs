//! A cell that accepts everything and answers nothing delays only callers that ask for its own events.

mod common;

use booking_cells::{ANSWER_WAIT, CellStore, HEALTH_WAIT};
use booking_conformance::MemoryStore;
use booking_core::prelude::*;
use booking_core::{
    Caller, Capacity, CapacityMax, Event, EventName, NewEvent, PageLimit, StoreHealth,
};
use booking_pg::{PgOptions, PgStore};
use common::{Backend, map};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use uuid::Uuid;

/// An immediate answer takes less than this, even on a busy machine; and it is less than the wait for a hanging cell.
const AT_ONCE: Duration = Duration::from_millis(1_900);

/// The home is PostgreSQL behind a proxy that passes nothing on once it is frozen; the others are in memory.
struct Hanging {
    stores: Vec<Arc<dyn BookingStore>>,
    frozen: watch::Sender<bool>,
    _home: Backend,
}

impl Hanging {
    async fn new() -> Self {
        let home = Backend::postgres();
        let Backend::Postgres(database) = &home else { panic!("it is one") };
        let (frozen, is_frozen) = watch::channel(false);
        let url = proxy_to(database.url(), is_frozen).await;
        let options = PgOptions { pool_size: 4, ..PgOptions::parse(&url).expect("a valid URL") };
        let store = PgStore::connect(&options, Duration::from_secs(60)).await.expect("reachable");
        let mut stores: Vec<Arc<dyn BookingStore>> = vec![Arc::new(store)];
        stores.extend((0..2).map(|_| Arc::new(MemoryStore::default()) as Arc<dyn BookingStore>));
        Self { stores, frozen, _home: home }
    }

    /// As a server that was just started.
    fn open(&self) -> CellStore {
        CellStore::new(&map(3), self.stores.clone())
    }

    fn freeze(&self) {
        self.frozen.send(true).expect("somebody listens");
    }
}

async fn proxy_to(url: &str, is_frozen: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let (_, rest) = url.split_once("127.0.0.1:").expect("a URL of the test cluster");
    let (database_port, name) = rest.split_once('/').expect("a database");
    let target: u16 = database_port.parse().expect("a port");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
            let ((client_in, client_out), (server_in, server_out)) =
                (client.into_split(), server.into_split());
            tokio::spawn(carry(client_in, server_out, is_frozen.clone()));
            tokio::spawn(carry(server_in, client_out, is_frozen.clone()));
        }
    });
    format!("postgresql://postgres@127.0.0.1:{port}/{name}")
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut is_frozen: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        // It never thaws.
        if is_frozen.wait_for(|frozen| !frozen).await.is_err() {
            std::future::pending::<()>().await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn create(store: &CellStore, byte: u8) -> Event {
    let mut bytes = Uuid::now_v7().into_bytes();
    bytes[15] = byte;
    let name = EventName::parse("An event").expect("valid");
    let seats = Capacity::parse(9, CapacityMax::default()).expect("valid");
    let new = NewEvent::new(Uuid::from_bytes(bytes).into(), name, seats);
    store.create_event(new).await.expect("its cell answers")
}

fn up(store: &CellStore) -> Vec<bool> {
    store.cells().iter().map(|cell| cell.is_up).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_home_makes_no_other_cell_look_silent() {
    let hanging = Hanging::new().await;
    let before = hanging.open();
    create(&before, 0x00).await;
    // This server knows that the copies of all cells are complete.
    before.route_facts(PageLimit::MAX).await.expect("all answer");
    let after = hanging.open();
    let there = create(&after, 0xf0).await;
    hanging.freeze();

    let began = Instant::now();
    assert_eq!(before.route_facts(PageLimit::MAX).await.expect("some answer"), 1);
    assert!(began.elapsed() < ANSWER_WAIT + AT_ONCE, "{:?}", began.elapsed());
    assert_eq!(up(&before), [false, true, true]);
    // A server that does not know what other cells have missed routes nothing there before it does.
    for _ in 0..3 {
        assert_eq!(after.route_facts(PageLimit::MAX).await.expect("some answer"), 0);
        assert_eq!(up(&after), [false, true, true]);
    }

    for store in [&before, &after] {
        let began = Instant::now();
        create(store, 0xf0).await;
        assert!(store.event(there.id).await.expect("it is there").is_some());
        let page = store.events(Caller::Anyone, None, PageLimit::MAX).await.expect("some answer");
        assert_eq!(page.missing.len(), 1);
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_reported_in_time_although_a_cell_hangs() {
    let hanging = Hanging::new().await;
    hanging.freeze();
    let mut waits: Vec<Duration> = Vec::new();
    // A busy machine may be late, but not each time.
    while waits.last().is_none_or(|took| *took >= ANSWER_WAIT) {
        assert!(waits.len() < 10, "{waits:?}");
        let store = hanging.open();
        let began = Instant::now();
        let health: StoreHealth = store.health().await.expect("some answer");
        waits.push(began.elapsed());
        assert!(health.takes_writes);
        assert_eq!(up(&store), [false, true, true]);
        assert!(waits.iter().all(|took| *took >= HEALTH_WAIT), "{waits:?}");
    }
}
