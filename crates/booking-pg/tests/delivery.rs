//! Delivery, where PostgreSQL's locks and snapshots matter.

mod common;

use booking_core::prelude::*;
use booking_core::{
    EndpointSecret, EndpointUrl, Lane, LaneNext, LaneStep, LeaseId, MailKind, NewEndpoint, NewMail,
    PageLimit, RegistrationId, SinkId, TypeFilter, Version,
};
use booking_pg::PgStore;
use common::{
    changed_meanwhile, connect, create, execute, migrated_database, number, register, session,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
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

/// A transaction that routes later facts while another, which has not committed yet, routes the earlier ones
/// makes a lane that begins before both: the other may never commit.
#[tokio::test]
async fn a_lane_begins_before_facts_that_another_transaction_routes() {
    let database = migrated_database();
    let store = connect(database.url(), 3).await;
    // Where a server of an earlier version wrote the earlier ones, they are marked and not noted.
    for (commits, are_marked) in [(true, false), (false, false), (true, true), (false, true)] {
        let sink = add_sink(&store).await;
        let event = create(&store, 9).await.id;
        execute(&store, &[register(event, "ada"), register(event, "grace")]).await;
        let of_first = format!("WHERE event_id = '{event}' AND version_first = 1");
        let look_at_noted = format!("DELETE FROM new_facts {of_first}");
        let mut look = format!("BEGIN; {look_at_noted}");
        if are_marked {
            let mark = format!("{look_at_noted}; UPDATE facts SET is_new = true {of_first}");
            database.sql(&mark);
            look = format!("BEGIN; UPDATE facts SET is_new = false {of_first}");
        }
        let other = session(database.url()).await;
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

/// A sale waits neither for the routing of its facts nor for their delivery.
#[tokio::test]
async fn a_sale_does_not_wait_for_delivery() {
    let database = migrated_database();
    let store = connect(database.url(), 3).await;
    let sink = add_sink(&store).await;
    let [event, other_event] = [create(&store, 9).await.id, create(&store, 9).await.id];
    route(&store).await;
    let other = session(database.url()).await;
    let hold = format!(
        "BEGIN; SELECT FROM facts FOR UPDATE; SELECT FROM new_facts FOR UPDATE; \
         SELECT FROM delivery_lanes WHERE event_id = '{event}' FOR UPDATE"
    );
    other.batch_execute(&hold).await.expect("nobody has them");
    let sale = [register(event, "ada")];
    let sale = execute(&store, &sale);
    let sold = tokio::time::timeout(Duration::from_secs(60), sale).await.expect("it waits");
    assert!(sold[0].registration().is_some(), "{sold:?}");
    // A locked lane is skipped, and not waited for.
    let lanes = claim(&store, sink, Uuid::now_v7().into()).await;
    assert_eq!(lanes.iter().map(|lane| lane.event_id).collect::<Vec<_>>(), [other_event]);
    other.batch_execute("COMMIT").await.expect("the session is alive");
}

/// A transaction that routes facts may have seen an endpoint that is being deleted. The deletion waits for it, so
/// that no lane of the endpoint is left.
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

/// A worker writes its lane's progress just when an operator retries or drops all deliveries, or the organizer deletes
/// the endpoint. What was being written is included.
#[tokio::test]
async fn rows_changed_meanwhile_are_retried_dropped_and_deleted_too() {
    let database = migrated_database();
    let store = Arc::new(connect(database.url(), 4).await);
    let sink = add_sink(&store).await;
    create(&store, 9).await;
    assert_eq!(route(&store).await, 1);
    let retry = |sink| {
        let store = Arc::clone(&store);
        async move { store.retry_deliveries(Some(sink)).await.expect("the store answers") }
    };
    let drop_all = |sink| {
        let store = Arc::clone(&store);
        async move { store.drop_deliveries(sink).await.expect("the store answers") }
    };
    let wait = "due_at = now() + interval '1 hour'";
    let of_lane = "UPDATE delivery_lanes SET attempts = attempts + 1";
    database.sql(&format!("UPDATE delivery_lanes SET {wait}"));
    assert_eq!(changed_meanwhile(&database, of_lane, retry(sink)).await, 1);
    let lanes = |what: &str| {
        number(&database, &format!("SELECT count(*) FROM delivery_lanes WHERE {what}"))
    };
    assert_eq!(lanes("due_at <= now() AND attempts = 1"), 1, "what was written is kept");
    assert_eq!(changed_meanwhile(&database, of_lane, drop_all(sink)).await, 1);
    assert_eq!(lanes("due_at IS NULL AND version = target"), 1);
    // Rows that nobody changes are processed once.
    database.sql("UPDATE delivery_lanes SET due_at = now(), version = 0");
    assert_eq!((drop_all(sink).await, drop_all(sink).await), (1, 0));

    let event_id = create(&store, 9).await.id;
    let mail = |kind| NewMail {
        id: Uuid::now_v7().into(),
        event_id,
        registration_id: RegistrationId::beside(event_id, Uuid::now_v7()),
        kind,
        version: Version::FIRST,
    };
    let mails = [mail(MailKind::Confirmed), mail(MailKind::Offered)];
    store.add_mails(&mails).await.expect("the store answers");
    database.sql(&format!(
        "UPDATE mails SET {wait} WHERE kind = 'confirmed';
         UPDATE mails SET state = 'stuck', due_at = NULL, done_at = now() WHERE kind = 'offered'"
    ));
    let of_mails = "UPDATE mails SET failure = 'again'";
    assert_eq!(changed_meanwhile(&database, of_mails, retry(SinkId::MAIL)).await, 2);
    let due = "SELECT count(*) FROM mails WHERE due_at <= now() AND failure = 'again'";
    assert_eq!(number(&database, due), 2);
    assert_eq!(changed_meanwhile(&database, of_mails, drop_all(SinkId::MAIL)).await, 2);
    let dropped = "SELECT count(*) FROM mails WHERE state = 'dropped'";
    assert_eq!(number(&database, dropped), 2);

    for (table, key) in [("delivery_lanes", "sink_id"), ("deliveries", "endpoint_id")] {
        let sink = add_sink(&store).await;
        confirm_one(&store).await;
        route(&store).await;
        database.sql(&format!(
            "INSERT INTO deliveries (event_id, endpoint_id, version, kind, state, attempts, tried_at) \
             SELECT event_id, sink_id, 1, 'event.published', 'retrying', 1, now() \
             FROM delivery_lanes WHERE sink_id = '{}'",
            sink.as_uuid()
        ));
        let of_sink = format!("UPDATE {table} SET attempts = 7 WHERE {key} = '{}'", sink.as_uuid());
        let deleting = {
            let (store, id) = (Arc::clone(&store), sink.endpoint().expect("it is one"));
            async move { store.delete_endpoint(id).await.expect("the store answers") }
        };
        assert!(changed_meanwhile(&database, &of_sink, deleting).await);
        let left = format!("SELECT count(*) FROM {table} WHERE {key} = '{}'", sink.as_uuid());
        assert_eq!(number(&database, &left), 0, "{table}");
    }
}

/// Makes one fact.
async fn confirm_one(store: &PgStore) {
    let event = create(store, 9).await;
    execute(store, &[register(event.id, "ada")]).await;
}

/// A role that may only use existing tables can deliver, too.
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
