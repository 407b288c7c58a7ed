//! Finding the database, protecting the connection, and migrating.

mod common;

use booking_core::{ErrorChain, Event, ReadStore};
use booking_pg::{ConnectError, PgOptions, PgStore, TlsMode, keep_no_connections_here};
use booking_testkit::{Cluster, ClusterOptions, Database, free_port, shared};
use common::{REACHABLE_WITHIN, connect, create, migrated_database, options};
use futures_util::future::join_all;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const BRIEFLY: Duration = Duration::from_millis(700);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_servers_may_migrate_an_empty_database_at_once() {
    let database = shared().database(None);
    let mut servers = JoinSet::new();
    for _ in 0..30 {
        let url = database.url().to_owned();
        servers.spawn(async move { connect(&url, 2).await.migrate().await });
    }
    let mut applied = Vec::new();
    for migrated in servers.join_all().await {
        applied.extend(migrated.expect("the migrations run"));
    }
    let migrations = std::fs::read_dir("../../migrations/postgres").expect("it is there").count();
    assert_eq!(applied.len(), migrations, "each migration ran once: {applied:?}");
    create(&connect(database.url(), 2).await, 1).await;
}

#[tokio::test]
async fn a_database_that_is_starting_is_waited_for() {
    let cluster = Cluster::start(ClusterOptions { durable: false, ..ClusterOptions::default() });
    cluster.kill9();
    let url = cluster.url("postgres");
    let waiting = tokio::spawn(async move { connect(&url, 2).await });
    tokio::time::sleep(BRIEFLY).await;
    let _cluster = tokio::task::spawn_blocking(move || {
        cluster.restart();
        cluster
    })
    .await
    .expect("it starts");
    waiting.await.expect("it was waited for");
}

#[tokio::test]
async fn an_unreachable_database_is_reported() {
    let url = format!("postgres://postgres:secret@127.0.0.1:{}/booking", free_port());
    let error = PgStore::connect(&options(&url, 2), BRIEFLY).await.expect_err("nobody is there");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn a_database_that_refuses_us_is_not_waited_for() {
    let began = Instant::now();
    let url = shared().url("no_such_database");
    let error = PgStore::connect(&options(&url, 2), REACHABLE_WITHIN).await;
    assert!(matches!(error, Err(ConnectError::Refused(_))), "{error:?}");
    assert!(began.elapsed() < REACHABLE_WITHIN / 2);
}

/// As after a password was changed only in the settings.
#[tokio::test]
async fn a_wrong_password_is_reported() {
    let cluster = Cluster::start(ClusterOptions {
        durable: false,
        access: Some(vec!["host all all 127.0.0.1/32 scram-sha-256".into()]),
        ..ClusterOptions::default()
    });
    let url = cluster.url("postgres").replace("postgres@", "ada:secret@");
    let began = Instant::now();
    let error = PgStore::connect(&options(&url, 2), REACHABLE_WITHIN).await;
    let error = error.expect_err("nobody is called so");
    assert!(matches!(error, ConnectError::Password(_)), "{error:?}");
    assert!(error.to_string().contains("ALTER ROLE") && !error.to_string().contains("secret"));
    assert!(began.elapsed() < REACHABLE_WITHIN / 2);
}

#[tokio::test]
async fn tls_is_used_and_verified() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("it is made");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let other = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("it is made");
    let cluster = Cluster::start(ClusterOptions {
        durable: false,
        tls: Some((certificate.clone(), key)),
        access: Some(vec!["hostssl all all 127.0.0.1/32 trust".into()]),
        ..ClusterOptions::default()
    });
    let trusted = cluster.directory().join("trusted.pem");
    let untrusted = cluster.directory().join("untrusted.pem");
    std::fs::write(&trusted, certificate).expect("it can be written");
    std::fs::write(&untrusted, other.cert.pem()).expect("it can be written");
    let verify =
        |path: &std::path::Path| TlsMode::VerifyFull { root_certificates: Some(path.to_owned()) };

    let verify_ca =
        |path: &std::path::Path| TlsMode::VerifyCa { root_certificates: Some(path.to_owned()) };

    let by_address = cluster.url("postgres");
    let by_name = by_address.replace("127.0.0.1", "localhost");
    for (url, tls, accepted) in [
        (&by_address, TlsMode::Require, true),
        (&by_address, TlsMode::Disable, false),
        (&by_name, verify(&trusted), true),
        (&by_name, verify(&untrusted), false),
        (&by_address, verify(&trusted), false),
        (&by_address, TlsMode::Prefer, true),
        (&by_name, verify_ca(&trusted), true),
        // With any name in it.
        (&by_address, verify_ca(&trusted), true),
        (&by_address, verify_ca(&untrusted), false),
    ] {
        let described = format!("{tls:?} to {url}");
        let options = PgOptions::parse(url).expect("valid").with_tls(tls);
        match PgStore::connect(&options, BRIEFLY).await {
            Ok(store) => {
                assert!(accepted, "{described} was accepted");
                store.migrate().await.expect("the migrations run");
                let of_ours = "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl \
                               JOIN pg_stat_activity USING (pid) \
                               WHERE application_name = 'booking'";
                let rows = booking_testkit::run_sql(&cluster.socket_url("postgres"), of_ours);
                let rows = rows.expect("it answers");
                assert_ne!(rows[0][0].as_deref(), Some("0"), "{described}: no session");
                assert_eq!(rows[0][1].as_deref(), Some("t"), "{described}: in plain text");
                drop(store);
            }
            Err(error) => assert!(!accepted, "{described}: {error:?}"),
        }
    }
}

/// A server that offers no TLS is still used, over a network and a socket.
#[tokio::test]
async fn preferred_tls_is_optional() {
    let url = format!("{}?sslmode=prefer", shared().url("postgres"));
    PgStore::connect(&options(&url, 2), REACHABLE_WITHIN).await.expect("in plain text");
    let url = format!("{}?sslmode=prefer", shared().socket_url("postgres"));
    PgStore::connect(&options(&url, 2), REACHABLE_WITHIN).await.expect("over a socket");
    let url = format!("{}?sslmode=require", shared().url("postgres"));
    PgStore::connect(&options(&url, 2), BRIEFLY).await.expect_err("it has no TLS");
}

/// As libpq does: there is nobody between the ends of a socket. A host that can also be reached by a network is
/// another matter.
#[tokio::test]
async fn sslmode_is_ignored_over_a_socket() {
    let socket = shared().socket_url("postgres");
    for sslmode in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
        // No authority is trusted, so no certificate is checked.
        let roots =
            if sslmode.starts_with("verify") { "&sslrootcert=/no/such/file.pem" } else { "" };
        let url = format!("{socket}?sslmode={sslmode}{roots}");
        PgStore::connect(&options(&url, 2), REACHABLE_WITHIN).await.expect(sslmode);
    }
    let (_, folder) = socket.split_once('@').expect("a user");
    let (folder, _) = folder.split_once('/').expect("a database");
    let (_, port) = folder.rsplit_once(':').expect("a port");
    let address = format!("{socket}?sslmode=require&hostaddr=127.0.0.1");
    PgStore::connect(&options(&address, 2), BRIEFLY).await.expect_err("it has no TLS there");
    // With several hosts, each by itself.
    let both = format!("postgresql://postgres@{folder},127.0.0.1:{port}/postgres?sslmode=require");
    PgStore::connect(&options(&both, 2), REACHABLE_WITHIN).await.expect("over the socket");
}

#[tokio::test]
async fn unreadable_authorities_are_an_error_that_names_them() {
    let folder = shared().directory().join("authorities");
    std::fs::create_dir_all(&folder).expect("a directory can be made");
    let file = |name: &str, holds: &str| {
        let path = folder.join(name);
        std::fs::write(&path, holds).expect("it can be written");
        path
    };
    const NOT_BASE64: &str = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    const NO_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for path in [
        folder.join("nothing.pem"),
        // A folder cannot be read as a file.
        folder.clone(),
        file("empty.pem", ""),
        file("text.pem", "no certificate"),
        file("broken.pem", NOT_BASE64),
        file("unfit.pem", NO_CERTIFICATE),
    ] {
        for tls in [
            TlsMode::VerifyFull { root_certificates: Some(path.clone()) },
            TlsMode::VerifyCa { root_certificates: Some(path.clone()) },
        ] {
            let options =
                PgOptions::parse("postgres://a@localhost/b").expect("valid").with_tls(tls);
            let error = PgStore::connect(&options, BRIEFLY).await.expect_err("nobody is trusted");
            assert!(matches!(error, ConnectError::Options(_)), "{error:?}");
            let text = ErrorChain(&error).to_string();
            assert!(text.contains(&path.display().to_string()), "{text}");
            assert!(text.contains("sslrootcert"), "{text}");
        }
    }
}

/// The connections of a store, by their processes.
fn connections(database: &Database) -> Vec<Option<String>> {
    let pids = database.sql(
        "SELECT pid FROM pg_stat_activity \
         WHERE datname = current_database() AND backend_type = 'client backend' \
             AND pid <> pg_backend_pid() \
         ORDER BY pid",
    );
    pids.into_iter().flatten().collect()
}

/// Reads an event by more connections than there are, on a thread with a runtime of its own, and then returns the
/// remaining connections.
async fn asked_elsewhere(
    store: &Arc<PgStore>,
    event: &Event,
    database: &Database,
    is_guest: bool,
) -> Vec<Option<String>> {
    let (store, id) = (Arc::clone(store), event.id);
    let elsewhere = thread::spawn(move || {
        if is_guest {
            keep_no_connections_here();
        }
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("there is one");
        runtime.block_on(async {
            for found in join_all((0..12).map(|_| store.event(id))).await {
                assert!(found.expect("the store answers").is_some());
            }
        });
    });
    let joined = tokio::task::spawn_blocking(move || elsewhere.join());
    joined.await.expect("it is waited for").expect("it does not panic");
    connections(database)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_do_not_end_with_a_guests_runtime() {
    const POOL: usize = 4;
    let (database, other) = (migrated_database(), migrated_database());
    let store = Arc::new(connect(database.url(), POOL).await);
    let event = create(&store, 1).await;
    let left = asked_elsewhere(&store, &event, &database, true).await;
    assert_eq!(left.len(), POOL, "all that there may be were made: {left:?}");
    for found in join_all((0..12).map(|_| store.event(event.id))).await {
        assert!(found.expect("the store answers").is_some());
    }
    assert_eq!(connections(&database), left, "and they are those that are used from then on");

    // The control: a thread that is no guest takes its connections with it.
    let store = Arc::new(connect(other.url(), POOL).await);
    let event = create(&store, 1).await;
    let left = asked_elsewhere(&store, &event, &other, false).await;
    let since = Instant::now();
    while connections(&other).len() == POOL {
        assert!(since.elapsed() < REACHABLE_WITHIN, "they are still there: {left:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
