//! The plans of the hot statements do not depend on what the tables held when they were made.

mod common;

use common::{connect, migrated_database};
use tokio_postgres::NoTls;

/// A plan made while the tables are empty, and analysed as such, must serve when they are full.
#[tokio::test]
async fn plans_made_on_empty_tables_use_the_indexes() {
    let database = migrated_database();
    database.sql("VACUUM ANALYZE");
    // The session of a store: its settings, on a connection of the test's own.
    connect(database.url(), 2).await;
    let (client, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let session = "SET enable_seqscan = off; SET enable_hashjoin = off; \
                   SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan";
    client.batch_execute(session).await.expect("it answers");
    for (name, text, parameters) in [
        ("event/lock", include_str!("../sql/event/lock.sql"), 1),
        ("event/lock_skip", include_str!("../sql/event/lock_skip.sql"), 1),
        ("event/update", include_str!("../sql/event/update.sql"), 3),
        ("event/find", include_str!("../sql/event/find.sql"), 1),
        ("event/list", include_str!("../sql/event/list.sql"), 3),
        ("registration/load", include_str!("../sql/registration/load.sql"), 4),
        ("registration/list", include_str!("../sql/registration/list.sql"), 3),
    ] {
        let statement = name.replace('/', "_");
        client.batch_execute(&format!("PREPARE {statement} AS {text}")).await.expect(name);
        let nulls = vec!["NULL"; parameters].join(", ");
        let explain = format!("EXPLAIN EXECUTE {statement} ({nulls})");
        let plan: Vec<String> = client
            .simple_query(&explain)
            .await
            .expect(name)
            .iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{name}:\n{plan}");
        assert!(plan.contains("Index"), "{name}:\n{plan}");
    }
}
