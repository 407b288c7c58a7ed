//! Facts on their way out, where PostgreSQL's locks and snapshots matter.

mod common;

use booking_core::prelude::*;
use booking_core::{
    EndpointSecret, EndpointUrl, Lane, LaneNext, LaneStep, LeaseId, NewEndpoint, PageLimit, SinkId,
    TypeFilter,
};
use booking_pg::PgStore;
use common::{connect, create, execute, migrated_database, number, register};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

async fn add_sink(store: &PgStore) -> SinkId {
    let new = NewEndpoint {
        id: Uuid::now_v7().into(),
        organizer_id: None,
        event_id: None,
        url: EndpointUrl::parse("https://example.org/", false).expect("valid"),
        types: TypeFilter::ALL,
        includes_person: false,
        secret: EndpointSecret::new([1; 32]),
    };
    let made = store.create_endpoint(new).await.expect("the store answers");
    made.expect("there is room").id.into()
}

async fn route(store: &PgStore) -> u64 {
    store.route_facts(PageLimit::MAX).await.expect("the store answers")
}

async fn claim(store: &PgStore, sink: SinkId, lease: LeaseId) -> Vec<Lane> {
    store.claim_lanes(&[(sink, 10)], lease).await.expect("the store answers")
}

async fn advance(store: &PgStore, lane: &Lane, lease: LeaseId) -> bool {
    let step = LaneStep {
        event_id: lane.event_id,
        sink: lane.sink,
        lease,
        version: lane.target,
        position: None,
        attempts: 0,
        deliveries: Vec::new(),
        mails: Vec::new(),
        next: LaneNext::Release,
    };
    store.advance(&[step]).await.expect("the store answers") == [true]
}

/// A session of somebody else's.
async fn session(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it is there");
    tokio::spawn(connection);
    client
}

/// Whoever looks at later facts while another, who has not committed yet, looks at the earlier ones makes a lane
/// that begins before both: the other may never commit.
#[tokio::test]
async fn a_lane_begins_before_what_another_is_looking_at() {
    let database = migrated_database();
    let store = connect(database.url(), 3).await;
    for commits in [true, false] {
        let sink = add_sink(&store).await;
        let event = create(&store, 9).await.id;
        execute(&store, &[register(event, "ada"), register(event, "grace")]).await;
        let other = session(database.url()).await;
        let look = format!(
            "BEGIN; UPDATE facts SET is_new = false WHERE event_id = '{event}' AND version_first = 1"
        );
        other.batch_execute(&look).await.expect("nobody has it");
        assert_eq!(route(&store).await, 1, "it waits for nobody");
        let lease = Uuid::now_v7().into();
        let lanes = claim(&store, sink, lease).await;
        let versions: Vec<_> =
            lanes.iter().map(|lane| (lane.version.get(), lane.target.get())).collect();
        assert_eq!(versions, [(0, 3)]);
        assert!(advance(&store, &lanes[0], lease).await);

        let end = if commits { "COMMIT" } else { "ROLLBACK" };
        other.batch_execute(end).await.expect("the session is alive");
        assert_eq!(route(&store).await, u64::from(!commits));
        assert_eq!(claim(&store, sink, lease).await, [], "it was done already");
        execute(&store, &[register(event, "kay")]).await;
        assert_eq!(route(&store).await, 1);
        let lanes = claim(&store, sink, lease).await;
        let versions: Vec<_> =
            lanes.iter().map(|lane| (lane.version.get(), lane.target.get())).collect();
        assert_eq!(versions, [(3, 4)]);
        let id = sink.endpoint().expect("it is one");
        assert!(store.delete_endpoint(id).await.expect("the store answers"));
    }
}

/// A sale waits neither for whoever looks at its facts nor for whoever carries them out.
#[tokio::test]
async fn a_sale_does_not_wait_for_delivery() {
    let database = migrated_database();
    let store = connect(database.url(), 3).await;
    let sink = add_sink(&store).await;
    let [event, other_event] = [create(&store, 9).await.id, create(&store, 9).await.id];
    route(&store).await;
    let other = session(database.url()).await;
    let hold = format!(
        "BEGIN; SELECT FROM facts FOR UPDATE; \
         SELECT FROM delivery_lanes WHERE event_id = '{event}' FOR UPDATE"
    );
    other.batch_execute(&hold).await.expect("nobody has them");
    let sale = [register(event, "ada")];
    let sale = execute(&store, &sale);
    let sold = tokio::time::timeout(Duration::from_secs(60), sale).await.expect("it waits");
    assert!(sold[0].registration().is_some(), "{sold:?}");
    // What somebody has in their hands is passed over, and waited for by nobody.
    let lanes = claim(&store, sink, Uuid::now_v7().into()).await;
    assert_eq!(lanes.iter().map(|lane| lane.event_id).collect::<Vec<_>>(), [other_event]);
    other.batch_execute("COMMIT").await.expect("the session is alive");
}

/// Who is finding out what facts are for may have seen an endpoint that is being deleted. It is waited for, so that
/// no lane of the endpoint is left.
#[tokio::test]
async fn a_deleted_endpoint_leaves_no_lane_behind() {
    let database = migrated_database();
    let store = Arc::new(connect(database.url(), 4).await);
    let sink = add_sink(&store).await;
    let event = create(&store, 9).await.id;
    let other = session(database.url()).await;
    let look = "BEGIN; SELECT id FROM webhook_endpoints";
    other.batch_execute(look).await.expect("it is there");
    let deleting = tokio::spawn({
        let store = Arc::clone(&store);
        let id = sink.endpoint().expect("it is one");
        async move { store.delete_endpoint(id).await }
    });
    let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database \
                   WHERE datname = current_database() AND NOT granted";
    let began = Instant::now();
    while number(&database, waiting) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not wait");
        assert!(!deleting.is_finished(), "it did not wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let make = format!(
        "INSERT INTO delivery_lanes (event_id, sink_id, version, target, due_at) \
         VALUES ('{event}', '{}', 0, 1, now()); COMMIT",
        sink.as_uuid()
    );
    other.batch_execute(&make).await.expect("the session is alive");
    assert!(deleting.await.expect("it ends").expect("the store answers"));
    assert_eq!(number(&database, "SELECT count(*) FROM delivery_lanes"), 0);
    assert_eq!(number(&database, "SELECT count(*) FROM webhook_endpoints"), 0);
}

/// A role that may only work with tables that are there may deliver, too.
#[tokio::test]
async fn delivery_needs_no_more_rights_than_a_sale() {
    let database = migrated_database();
    let store = connect(&database.url_of_least_rights(), 3).await;
    let sink = add_sink(&store).await;
    store.show_mail().await.expect("the store answers");
    create(&store, 9).await;
    assert_eq!(route(&store).await, 1);
    let lease = Uuid::now_v7().into();
    let lanes = claim(&store, sink, lease).await;
    assert!(advance(&store, &lanes[0], lease).await);
    assert_eq!(store.claim_mails(1, lease).await.expect("the store answers"), []);
    store.retry_deliveries(None).await.expect("the store answers");
    assert_eq!(store.drop_deliveries(SinkId::MAIL).await.expect("the store answers"), 1);
    store.backlog().await.expect("the store answers");
    store.purge_deliveries(PageLimit::MAX).await.expect("the store answers");
    let id = sink.endpoint().expect("it is one");
    assert!(store.delete_endpoint(id).await.expect("the store answers"));
}
