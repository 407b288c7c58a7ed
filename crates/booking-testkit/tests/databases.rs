//! Databases on the shared cluster.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use booking_testkit::{Cluster, run_sql, shared};

#[test]
fn a_database_answers_by_tcp_and_by_unix_socket() {
    let database = shared().database(None);
    for url in [database.url(), database.socket_url()] {
        let rows = run_sql(url, "SELECT current_database(), NULL").expect("it is just made");
        assert_eq!(rows, [[Some(database.name().to_owned()), None]], "{url}");
    }
}

#[test]
fn a_template_is_prepared_once_and_every_test_gets_its_own_copy() {
    let prepared = AtomicUsize::new(0);
    let clone_and_write = || {
        let template = shared().template("counted", |database| {
            prepared.fetch_add(1, Ordering::Relaxed);
            database.sql("CREATE TABLE seats (id int); INSERT INTO seats VALUES (1)");
        });
        let database = shared().database(Some(&template));
        database.sql("INSERT INTO seats VALUES (2)");
        assert_eq!(database.sql("SELECT count(*) FROM seats"), [[Some("2".to_owned())]]);
        database.name().to_owned()
    };
    let names: HashSet<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(clone_and_write)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    assert_eq!(prepared.into_inner(), 1);
    assert_eq!(names.len(), 8);
}

#[tokio::test]
async fn a_template_is_prepared_from_async_code_by_async_code() {
    let template = shared().template_async("async", async |url: String| {
        // Connections that are still open afterwards do no harm.
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("it is just made");
        tokio::spawn(connection);
        client.batch_execute("CREATE TABLE seats (id int)").await.expect("it is empty");
        std::mem::forget(client);
    });
    let database = shared().database(Some(&template));
    assert_eq!(database.sql("SELECT count(*) FROM seats"), [[Some("0".to_owned())]]);
}

#[test]
fn a_template_whose_preparation_failed_is_prepared_again() {
    let prepare =
        |sql: &'static str| move || shared().template("broken", |database| drop(database.sql(sql)));
    thread::spawn(prepare("CREATE TABLE seats (id int); SELECT 1/0"))
        .join()
        .expect_err("it divides by zero");
    let template = prepare("CREATE TABLE seats (id int)")();
    let _ = shared().database(Some(&template));
}

#[test]
fn the_shared_cluster_is_one_and_gives_up_durability() {
    assert!(std::ptr::eq::<Cluster>(shared(), shared()));
    assert_eq!(shared().database(None).sql("SHOW fsync"), [[Some("off".to_owned())]]);
}
