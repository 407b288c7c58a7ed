//! Databases of the version before, with what is in them.

mod common;

use booking_core::prelude::*;
use booking_core::{
    Actor, Caller, EventStatus, FactKind, Listed, PageLimit, RegistrationId, Status, Version,
};
use booking_pg::{ConnectError, PgStore};
use booking_testkit::Database;
use common::{
    address, cancel, connect, create, create_token, execute, migrated_database, new_token, number,
    queue_up, register, succeed, transfer,
};
use refinery::Target;
use tokio_postgres::NoTls;
use uuid::Uuid;

mod embedded {
    refinery::embed_migrations!("migrations");
}

const EVENT: &str = "0193af5c-0000-7000-8000-000000000001";
const ADA: &str = "0193af5c-0000-7000-8000-00000000000a";
const GRACE: &str = "0193af5c-0000-7000-8000-00000000000b";

/// A database as version 1 left it: an event with three seats, two of them sold in one batch.
async fn version_1_database() -> Database {
    let database = booking_testkit::shared().database(None);
    migrate_to(&database, 1).await;
    database.sql(&format!(
        r#"INSERT INTO events (id, name, description, capacity, booked_count, version, created_at)
           VALUES ('{EVENT}', 'Jazz', 'All night', 3, 2, 3, '2026-05-01T19:00:00.123456Z');
           INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
           VALUES ('{EVENT}', 1, 1, '2026-05-01T19:00:00.123456Z', '[{{"kind":"event_created"}}]');
           INSERT INTO registrations (event_id, id, user_email, event_version, created_at)
           VALUES ('{EVENT}', '{ADA}', 'ada@example.org', 2, '2026-05-02T08:00:00Z'),
               ('{EVENT}', '{GRACE}', 'grace@example.org', 3, '2026-05-02T08:00:00Z');
           INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
           VALUES ('{EVENT}', 2, 3, '2026-05-02T08:00:00Z', '[
               {{"kind":"registered","registration_id":"{ADA}"}},
               {{"kind":"registered","registration_id":"{GRACE}"}}
           ]')"#
    ));
    database
}

/// Runs the migrations up to `version`.
async fn migrate_to(database: &Database, version: i32) {
    let (mut client, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let first = embedded::migrations::runner().set_target(Target::Version(version));
    first.run_async(&mut client).await.expect("it runs");
}

async fn migrate(database: &Database) -> PgStore {
    let store = connect(database.url(), 3).await;
    store.migrate().await.expect("the migrations run");
    store
}

fn id(text: &str) -> Uuid {
    text.parse().expect("a UUID")
}

#[tokio::test]
async fn existing_rows_survive_the_migration() {
    let database = version_1_database().await;
    let store = migrate(&database).await;
    let event_id = id(EVENT).into();
    let event = store.event(event_id).await.expect("it answers").expect("it is there");
    assert_eq!(event.details.name.as_str(), "Jazz");
    assert_eq!((event.booked_count, event.waitlist_count), (2, 0));
    assert_eq!((event.version, event.rules.status), (Version::new(3), EventStatus::Published));
    assert_eq!(event.rules, booking_core::EventRules::default());
    assert!(event.is_settled);

    let listed = store.registrations(event_id, Listed::All, None, PageLimit::MAX).await;
    let listed = listed.expect("it answers").expect("the event is there").items;
    let ada = store.registration(id(ADA).into()).await.expect("it answers").expect("it is there");
    assert_eq!((listed.len(), &listed[0]), (2, &ada));
    assert_eq!((ada.status, &ada.person.user_email), (Status::Confirmed, &address("ada")));
    assert_eq!((ada.created_version, ada.event_version), (Version::new(2), Version::new(2)));
    let history = store.history(ada.id, PageLimit::MAX).await.expect("it answers");
    let history = history.expect("it is there");
    assert_eq!((history.len(), history[0].kind), (1, FactKind::Registered));
    assert_eq!((history[0].version, history[0].actor), (Version::new(2), Actor::Attendee));
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

#[tokio::test]
async fn existing_registrations_can_be_used() {
    let database = version_1_database().await;
    let store = migrate(&database).await;
    let event_id = id(EVENT).into();
    let again = register(event_id, "ada");
    assert_eq!(execute(&store, &[again]).await[0].registration(), None, "she has a seat");
    let find = async |id: RegistrationId| store.registration(id).await.expect("it answers");
    let ada = find(id(ADA).into()).await.expect("it is there");
    let grace = find(id(GRACE).into()).await.expect("it is there");
    succeed(&store, cancel(&ada)).await;
    succeed(&store, transfer(&grace, "ada")).await;
    for who in ["grace", "edsger", "barbara"] {
        succeed(&store, queue_up(event_id, who)).await;
    }
    let kinds = async |id| {
        let history = store.history(id, PageLimit::MAX).await.expect("it answers");
        history.expect("it is there").iter().map(|entry| entry.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(ada.id).await, [FactKind::Registered, FactKind::Cancelled]);
    assert_eq!(kinds(grace.id).await, [FactKind::Registered, FactKind::Transferred]);
    let event = store.event(event_id).await.expect("it answers").expect("it is there");
    assert_eq!((event.booked_count, event.waitlist_count), (3, 1));
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

/// While servers are being replaced, some of the version before still read and sell, with
/// statements that they prepared before the migration.
#[tokio::test]
async fn a_server_of_the_version_before_still_works() {
    let database = version_1_database().await;
    let (old, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let event_id = id(EVENT);
    let prepare = async |sql| old.prepare(sql).await.expect("it is a statement of version 1");
    let find = "SELECT id, name, description, capacity, booked_count, version, created_at \
                FROM events WHERE id = $1";
    let find = prepare(find).await;
    let lock = "SELECT id, capacity, booked_count, version FROM events WHERE id = $1 FOR UPDATE";
    let lock = prepare(lock).await;
    let load = "SELECT event_id, id, user_email, event_version, created_at FROM registrations \
                WHERE event_id = $1";
    let load = prepare(load).await;
    let insert = "INSERT INTO registrations (event_id, id, user_email, event_version, created_at) \
                  VALUES ($1, $2, 'edsger@example.org', 4, now())";
    let insert = prepare(insert).await;
    let fact = "INSERT INTO facts (event_id, version_first, version_last, recorded_at, body) \
                VALUES ($1, 4, 4, now(), '[{\"kind\":\"registered\"}]')";
    let fact = prepare(fact).await;
    let update = "UPDATE events SET booked_count = 3, version = 4 WHERE id = $1";
    let update = prepare(update).await;
    old.query(&find, &[&event_id]).await.expect("it answers");
    old.query(&load, &[&event_id]).await.expect("it answers");

    let store = migrate(&database).await;
    old.query_one(&find, &[&event_id]).await.expect("it answers");
    old.query_one(&lock, &[&event_id]).await.expect("it answers");
    assert_eq!(old.query(&load, &[&event_id]).await.expect("it answers").len(), 2);
    let edsger = Uuid::now_v7();
    old.execute(&insert, &[&event_id, &edsger]).await.expect("it answers");
    old.execute(&fact, &[&event_id]).await.expect("it answers");
    old.execute(&update, &[&event_id]).await.expect("it answers");
    let row = store.registration(edsger.into()).await.expect("it answers").expect("it is there");
    assert_eq!(row.status, Status::Confirmed);
    // Facts from before are not delivered, and those that it writes now are.
    let new = database.sql("SELECT version_first FROM facts WHERE is_new");
    assert_eq!(new, [[Some("4".to_owned())]]);
    assert_eq!(store.route_facts(PageLimit::MAX).await.expect("it answers"), 1);
    assert_eq!(store.audit().await.expect("it answers").differences, []);
    // What either writes is read alike, although only the old one stores the facts of seats.
    database.sql("UPDATE events SET capacity = 4");
    succeed(&store, register(event_id.into(), "kay")).await;
    assert_eq!(number(&database, "SELECT max(version_last) FROM facts"), 4);
    let facts = store.facts_after(event_id.into(), Version::new(1), PageLimit::MAX).await;
    let facts = facts.expect("it answers").into_iter();
    let facts: Vec<_> = facts.map(|fact| (fact.version.get(), fact.fact.kind)).collect();
    assert_eq!(facts, [2, 3, 4, 5].map(|version| (version, FactKind::Registered)));
    assert_eq!(store.audit().await.expect("it answers").differences, []);
}

/// A database as version 4 left it: version 1's event, with all that was added since.
async fn version_4_database() -> Database {
    let database = version_1_database().await;
    migrate_to(&database, 4).await;
    database.sql(&format!(
        "UPDATE events
         SET starts_at = '2026-06-01T19:00:00Z', ends_at = '2026-06-01T23:00:00Z',
             timezone = 'Europe/Berlin', venue = 'Hall 1', opens_at = '2026-05-01T00:00:00Z',
             closes_at = '2026-06-01T00:00:00Z', waitlist_enabled = false, offer_ttl_seconds = NULL,
             retention_days = 30, erase_at = '2026-07-01T23:00:00Z', erased_to = 2
         WHERE id = '{EVENT}'"
    ));
    database
}

#[tokio::test]
async fn events_from_before_organizers_have_none() {
    let database = version_4_database().await;
    let all = "SELECT (to_jsonb(events) - '{organizer_id,conceal_registered,changed_at,details_changed_at,sequence,language,remind_hours,remind_at,confirm_address,asks,organizer_name,contact,unlisted,frozen_until}'::text[])::text, pg_relation_filenode('events') FROM events";
    let before = database.sql(all);
    // A server of the version before that has prepared its statements.
    let (old, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let prepare = async |sql| old.prepare(sql).await.expect("it is a statement of version 4");
    let lock = "SELECT id, capacity, booked_count, held_count, waitlist_count, version, due_at, \
                status::text, opens_at, closes_at, waitlist_enabled, offer_ttl_seconds \
                FROM events WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE";
    let lock = prepare(lock).await;
    let insert = "INSERT INTO events (id, name, description, capacity, booked_count, version, \
                  created_at, retention_days, erase_at) \
                  VALUES ($1, 'Late', '', 5, 0, 1, now(), 30, NULL)";
    let insert = prepare(insert).await;
    let update = "UPDATE events SET booked_count = 2, version = 3 WHERE id = $1";
    let update = prepare(update).await;

    let store = migrate(&database).await;
    assert_eq!(database.sql(all), before, "every value, in the rows that were there");
    assert_eq!(
        store.event(id(EVENT).into()).await.expect("it answers").map(|e| e.organizer_id),
        Some(None)
    );
    let late = Uuid::now_v7();
    old.query_one(&lock, &[&vec![id(EVENT)]]).await.expect("it answers");
    old.execute(&update, &[&id(EVENT)]).await.expect("it answers");
    old.execute(&insert, &[&late]).await.expect("it answers");

    let organizer = create_token(&store, new_token("Ada", 1)).await.organizer.id;
    let assigned = store.assign_events(organizer, PageLimit::MAX).await.expect("it answers");
    assert_eq!(assigned, 2);
    let own = store.events(Caller::Organizer(organizer), None, PageLimit::MAX).await;
    let own: Vec<_> = own.expect("it answers").items.iter().map(|event| event.id).collect();
    assert_eq!(own, [late.into(), id(EVENT).into()]);
}

/// As a newer program would leave it, whose tables require programs that know at least `needs`.
fn migrate_later(database: &Database, needs: i32) {
    database.sql(&format!(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
         VALUES (999, 'from_the_future', '2030-01-01T00:00:00Z', '1');
         CREATE TABLE from_the_future (c integer);
         UPDATE schema_compatibility SET needs_from = {needs}"
    ));
}

#[tokio::test]
async fn a_compatible_later_migration_is_accepted() {
    let database = migrated_database();
    let store = connect(database.url(), 2).await;
    assert_eq!(store.check_tables().await.expect("they are there"), <[String; 0]>::default());
    migrate_later(&database, 6);
    let store = connect(database.url(), 2).await;
    assert_eq!(store.migrate().await.expect("nothing to do"), <[String; 0]>::default());
    assert_eq!(store.check_tables().await.expect("they are there"), ["V999__from_the_future"]);
    let event = create(&store, 1).await;
    succeed(&store, register(event.id, "ada")).await;
    let health = store.health().await.expect("it answers");
    assert_eq!((health.migrations_missing, health.trouble), (0, None));
}

#[tokio::test]
async fn a_migration_that_is_not_ours_is_refused() {
    let database = migrated_database();
    migrate_later(&database, 999);
    let store = connect(database.url(), 2).await;
    let error = store.migrate().await.expect_err("unknown");
    let cause = std::error::Error::source(&error).expect("it has a cause").to_string();
    assert!(cause.contains("V999__from_the_future") && cause.contains("migration 999"), "{cause}");
    assert!(matches!(store.check_tables().await, Err(ConnectError::Tables(_))));
    // One of ours that was changed or removed, and tables that do not say what they require.
    for spoil in [
        "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
        "DELETE FROM refinery_schema_history WHERE version = 2",
        "DROP TABLE schema_compatibility",
    ] {
        let database = migrated_database();
        migrate_later(&database, 1);
        let store = connect(database.url(), 2).await;
        store.migrate().await.expect("it says that it can be worked with");
        database.sql(spoil);
        assert!(matches!(store.migrate().await, Err(ConnectError::Migrate(_))), "{spoil}");
    }
}

#[tokio::test]
async fn check_tables_creates_nothing() {
    let database = booking_testkit::shared().database(None);
    let store = connect(database.url(), 2).await;
    assert!(matches!(store.check_tables().await, Err(ConnectError::NotMigrated)));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(number(&database, tables), 0);
    migrate_to(&database, 5).await;
    let older = store.check_tables().await;
    assert!(matches!(older, Err(ConnectError::OutOfDate { .. })), "{older:?}");
}

/// A role that may only use existing tables is as good as any other.
#[tokio::test]
async fn a_role_that_may_create_no_tables_works_with_existing_ones() {
    let database = migrated_database();
    let store = connect(&database.url_of_least_rights(), 3).await;
    assert_eq!(store.migrate().await.expect("nothing to do"), <[String; 0]>::default());
    let event = create(&store, 2).await;
    let seat = succeed(&store, register(event.id, "ada")).await;
    succeed(&store, transfer(&seat, "grace")).await;
    let organizer = create_token(&store, new_token("Ada", 1)).await.organizer.id;
    assert_eq!(store.assign_events(organizer, PageLimit::MAX).await.expect("it answers"), 1);
    let seed = booking_core::SigningSeed::new([7; 32]);
    store.add_signing_seed(seed, true).await.expect("it answers");
    store.purge_records(PageLimit::MAX).await.expect("it answers");
    assert_eq!(store.audit().await.expect("it answers").differences, []);
    for _ in 0..2 {
        let health = store.health().await.expect("it answers");
        assert_eq!(
            (health.takes_writes, health.migrations_missing, health.trouble),
            (true, 0, None)
        );
    }
    database.sql("DELETE FROM refinery_schema_history WHERE version = (SELECT max(version) FROM refinery_schema_history)");
    let refused = store.migrate().await.expect_err("it may not make tables");
    assert!(matches!(refused, ConnectError::Migrate(_)), "{refused:?}");
}

/// As on a standby, where nothing can be written at all.
#[tokio::test]
async fn a_read_only_database_can_be_recounted() {
    let database = migrated_database();
    let leader = connect(database.url(), 2).await;
    let event = create(&leader, 2).await;
    succeed(&leader, register(event.id, "ada")).await;
    let name = database.name();
    database.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let standby = connect(database.url(), 2).await;
    assert_eq!(standby.check_tables().await.expect("they are there"), <[String; 0]>::default());
    assert_eq!(standby.migrate().await.expect("nothing to do"), <[String; 0]>::default());
    let report = standby.audit().await.expect("it answers");
    assert_eq!((report.registrations, report.differences), (1, vec![]));
    let health = standby.health().await.expect("it answers");
    assert_eq!((health.takes_writes, health.trouble), (false, None));
}

/// Addresses in other spellings than the canonical one, as earlier versions stored them, with the state of
/// their registrations and the result.
const SPELT: &[(&str, &str, &str)] = &[
    ("ada@bücher.example", "confirmed", "ada@xn--bcher-kva.example"),
    ("\"lin\"@example.org", "confirmed", "lin@example.org"),
    // A registration that has ended blocks no other.
    ("\"gr\\ace\"@example.org", "cancelled", "grace@example.org"),
    ("\"grace\"@example.org", "cancelled", "grace@example.org"),
    // Two seats of one person: both were sold.
    ("kay@example.org", "confirmed", "kay@example.org"),
    ("\"kay\"@example.org", "confirmed", "\"kay\"@example.org"),
    ("\"hedy\"@bücher.example", "confirmed", "hedy@xn--bcher-kva.example"),
    ("hedy@bücher.example", "confirmed", "hedy@bücher.example"),
    // These have no other spelling.
    ("ada@foo_bar.example", "confirmed", "ada@foo_bar.example"),
    ("\"a@b\"@example.org", "confirmed", "\"a@b\"@example.org"),
    ("東京@example.org", "confirmed", "東京@example.org"),
];

fn insert_spelt(database: &Database) {
    for (number, (email, status, _)) in SPELT.iter().enumerate() {
        let version = 4 + number;
        database.sql(&format!(
            "INSERT INTO registrations (event_id, id, user_email, event_version, created_at, status)
             VALUES ('{EVENT}', gen_random_uuid(), '{email}', {version}, now(), '{status}')"
        ));
    }
}

fn spelt(database: &Database) -> Vec<String> {
    let emails =
        "SELECT user_email FROM registrations WHERE event_version > 3 ORDER BY event_version";
    database.sql(emails).into_iter().flatten().flatten().collect()
}

#[tokio::test]
async fn addresses_are_rewritten_into_their_canonical_spelling_once() {
    let database = version_4_database().await;
    insert_spelt(&database);
    let store = migrate(&database).await;
    let expected: Vec<_> = SPELT.iter().map(|(_, _, canonical)| *canonical).collect();
    assert_eq!(spelt(&database), expected);
    let rewrites = "SELECT name FROM rewrites";
    assert_eq!(database.sql(rewrites), [[Some("canonical_addresses".to_owned())]]);
    let listed = store.registrations(id(EVENT).into(), Listed::All, None, PageLimit::MAX).await;
    let listed = listed.expect("it answers").expect("the event is there").items;
    assert_eq!(listed.len(), 2 + SPELT.len());

    // Addresses that keep their spelling are still found.
    for (address, count) in [
        ("kay@example.org", 2),
        ("hedy@xn--bcher-kva.example", 2),
        ("grace@example.org", 3),
        ("ada@foo_bar.example", 1),
        ("\"a@b\"@example.org", 1),
    ] {
        let address = booking_core::EmailAddress::parse_sought(address).expect("valid");
        let found = store.registrations_of(&address, PageLimit::MAX).await.expect("it answers");
        assert_eq!(found.len(), count, "{address}");
    }

    // A server of the version before may still write such a spelling. It is not rewritten again, but
    // it is found.
    database.sql(
        "UPDATE registrations SET user_email = '\"ada\"@late.example' WHERE event_version = 4",
    );
    store.migrate().await.expect("there is nothing to do");
    assert_eq!(spelt(&database)[0], "\"ada\"@late.example");
    let ada = booking_core::EmailAddress::parse("ada@late.example").expect("valid");
    assert_eq!(store.registrations_of(&ada, PageLimit::MAX).await.expect("it answers").len(), 1);
}

/// An interruption leaves whole transactions, and the next migration continues. Until then the tables are not up to
/// date: an event that moved would take addresses with it that nobody rewrites any more.
#[tokio::test]
async fn an_interrupted_rewrite_continues() {
    let database = version_4_database().await;
    insert_spelt(&database);
    let store = migrate(&database).await;
    database.sql(
        "DELETE FROM rewrites; \
         UPDATE registrations SET user_email = 'ada@bücher.example' WHERE event_version = 4",
    );
    let half = store.check_tables().await.expect_err("it is not rewritten");
    assert!(half.to_string().contains("canonical_addresses"), "{half}");
    migrate(&database).await;
    assert_eq!(spelt(&database)[0], "ada@xn--bcher-kva.example");
    store.check_tables().await.expect("it is rewritten");
}

/// The rewrite waits for a transaction that holds the event's row, and sees its changes.
#[tokio::test]
async fn a_rewrite_waits_for_the_events_lock() {
    let database = version_4_database().await;
    insert_spelt(&database);
    migrate(&database).await;
    let before = SPELT[1].0;
    database.sql(&format!(
        "DELETE FROM rewrites; UPDATE registrations SET user_email = '{before}' WHERE event_version = 5"
    ));
    let (sale, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let begin = format!("BEGIN; SELECT id FROM events WHERE id = '{EVENT}' FOR UPDATE");
    sale.batch_execute(&begin).await.expect("it answers");
    let store = connect(database.url(), 3).await;
    let migrating = tokio::spawn(async move { store.migrate().await.map(drop) });
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while database.sql(waiting)[0][0].as_deref() == Some("0") {
        assert!(!migrating.is_finished(), "it did not wait");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let take = format!(
        "INSERT INTO registrations (event_id, id, user_email, event_version, created_at)
         VALUES ('{EVENT}', gen_random_uuid(), 'lin@example.org', 99, now()); COMMIT"
    );
    sale.batch_execute(&take).await.expect("it answers");
    migrating.await.expect("no panic").expect("the migrations run");
    assert_eq!(spelt(&database)[1], before, "she has two");
}

/// The tables enforce this themselves, as those of the embedded store do. Sales do not wait while the existing rows are
/// checked.
#[tokio::test]
async fn reminders_are_at_most_thirty_days_before_the_start_and_never_after() {
    let database = booking_testkit::shared().database(None);
    migrate_to(&database, 11).await;
    database.sql(&format!(
        "INSERT INTO events (id, name, description, capacity, booked_count, version, created_at, remind_hours)
         VALUES ('{EVENT}', 'Jazz', '', 3, 0, 1, now(), 720)"
    ));
    migrate_to(&database, 13).await;
    let is_validated = || {
        database.sql(
            "SELECT convalidated::text FROM pg_constraint
             WHERE conname = 'events_reminded_within_thirty_days'",
        )
    };
    assert_eq!(is_validated(), [[Some("false".to_owned())]]);
    let (sale, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let sell = format!("BEGIN; UPDATE events SET booked_count = 1 WHERE id = '{EVENT}'");
    sale.batch_execute(&sell).await.expect("it answers");
    let migrating =
        tokio::time::timeout(std::time::Duration::from_secs(60), migrate_to(&database, 14));
    migrating.await.expect("it waits for nobody");
    sale.batch_execute("COMMIT").await.expect("it answers");
    assert_eq!(is_validated(), [[Some("true".to_owned())]]);

    for (hours, is_good) in
        [("0", false), ("1", true), ("720", true), ("721", false), ("NULL", true)]
    {
        let set = format!("UPDATE events SET remind_hours = {hours}");
        let done = sale.batch_execute(&set).await;
        assert_eq!(done.is_ok(), is_good, "{hours}: {done:?}");
    }
}
