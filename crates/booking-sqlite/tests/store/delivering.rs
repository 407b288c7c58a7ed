//! What a sale writes for delivery.

use crate::common::{Database, create, execute, register};
use booking_core::prelude::*;
use booking_core::{EventId, PageLimit, SinkId};
use booking_sqlite::SqliteStore;
use uuid::Uuid;

/// For each event with new facts, the first version that is new.
fn new_facts(database: &Database) -> Vec<i64> {
    let connection = database.connect();
    let mut statement =
        connection.prepare("SELECT version_first FROM new_facts ORDER BY 1").expect("valid");
    let rows = statement.query_map([], |row| row.get(0)).expect("read");
    rows.collect::<Result<_, _>>().expect("read")
}

async fn sell(store: &SqliteStore, event_id: EventId, turn: &str) {
    let batch = ["ada", "grace"].map(|who| register(event_id, format!("{who}-{turn}")));
    execute(store, &batch).await;
}

/// However many batches an event has until its facts are routed, only the first writes something for delivery; and
/// routing finds the facts of all.
#[tokio::test]
async fn a_sale_marks_new_facts_once_until_they_are_routed() {
    let database = Database::new();
    let store = database.open().await;
    store.show_mail().await.expect("the store answers");
    let (hot, calm) = (create(&store, 99).await.id, create(&store, 99).await.id);
    for turn in ["a", "b", "c"] {
        sell(&store, hot, turn).await;
    }
    assert_eq!(new_facts(&database), [1, 1], "those of a batch each would be five");
    assert_eq!(store.route_facts(PageLimit::MAX).await.expect("the store answers"), 2);
    assert_eq!(new_facts(&database), <[i64; 0]>::default());
    let lease = Uuid::now_v7().into();
    let lanes = store.claim_lanes(&[(SinkId::MAIL, 9)], lease).await.expect("the store answers");
    let reach = |id| lanes.iter().find(|lane| lane.event_id == id).map(|lane| lane.target.get());
    assert_eq!((reach(hot), reach(calm)), (Some(7), Some(1)));

    for turn in ["d", "e"] {
        sell(&store, hot, turn).await;
    }
    assert_eq!(new_facts(&database), [8]);
    assert_eq!(store.route_facts(PageLimit::MAX).await.expect("the store answers"), 1);
    let lanes = "SELECT target FROM delivery_lanes ORDER BY target DESC LIMIT 1";
    let target: i64 =
        database.connect().query_row(lanes, [], |row| row.get(0)).expect("it is there");
    assert_eq!(target, 11);
}
