//! Data from before a migration is there after it.

use crate::common::{
    Database, audit, cancel, chain, confirm, create_token, done, new_token, register, transfer,
};
use booking_core::prelude::*;
use booking_core::{
    Actor, Caller, EventId, EventRules, FactKind, HistoryEntry, Listed, Outcome, PageLimit,
    Refusal, Registration, RegistrationId, Status, Version,
};
use booking_sqlite::{OpenError, SqliteStore, migrate};
use refinery::Target;
use rusqlite::{Connection, params};
use uuid::Uuid;

mod embedded {
    refinery::embed_migrations!("migrations");
}

const ID: [Uuid; 4] =
    [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3), Uuid::from_u128(4)];
const CREATED: i64 = 1_700_000_000_123_456;

/// A database as the first version of this crate left it: a full event with two registrations, which a
/// single transaction made, and an empty one with a long description.
fn first_version() -> (Database, String) {
    let database = Database::new();
    let mut connection = database.connect();
    let runner = embedded::migrations::runner().set_target(Target::Version(1));
    runner.run(&mut connection).expect("migrated");
    let long = "long ".repeat(2_000);
    let event = |id: Uuid, capacity: i64, booked: i64, name: &str, description: &str| {
        let values =
            params![id.as_bytes(), capacity, booked, 1 + booked, CREATED, name, description];
        let insert = "INSERT INTO events
            (id, capacity, booked_count, version, created_at, name, description)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        connection.execute(insert, values).expect("written");
        let body = r#"[{"kind":"event_created"}]"#;
        insert_facts(&connection, id, 1, 1, body);
    };
    event(ID[0], 2, 2, "Full", "");
    event(ID[1], 5, 0, "Empty", &long);
    for (version, id, email) in [(2, ID[2], "ada@example.org"), (3, ID[3], "grace@example.org")] {
        let values = params![ID[0].as_bytes(), version, id.as_bytes(), email, CREATED + version];
        let insert = "INSERT INTO registrations
            (event_id, event_version, id, user_email, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.execute(insert, values).expect("written");
    }
    let registered = |id: Uuid| format!(r#"{{"kind":"registered","registration_id":"{id}"}}"#);
    let body = format!("[{},{}]", registered(ID[2]), registered(ID[3]));
    insert_facts(&connection, ID[0], 2, 3, &body);
    (database, long)
}

fn insert_facts(connection: &Connection, event_id: Uuid, first: i64, last: i64, body: &str) {
    let insert = "INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![event_id.as_bytes(), first, last, CREATED + first, body];
    connection.execute(insert, values).expect("written");
}

async fn migrated() -> (Database, SqliteStore, String) {
    let (database, long) = first_version();
    let applied = migrate(database.path()).await.expect("migrated");
    assert_eq!(applied[0], "V2__life_of_a_registration");
    let store = database.open().await;
    (database, store, long)
}

fn entry(version: u64, recorded_at: i64, kind: FactKind, actor: Actor) -> HistoryEntry {
    let recorded_at = chrono::DateTime::from_timestamp_micros(recorded_at).expect("in range");
    HistoryEntry { version: Version::new(version), recorded_at, kind, actor }
}

#[tokio::test]
async fn events_and_seats_of_the_first_version_are_all_there() {
    let (database, store, long) = migrated().await;
    let [full, empty] = [ID[0], ID[1]].map(EventId::from);
    let event = store.event(full).await.expect("the store answers").expect("it is there");
    assert_eq!((event.details.name.as_str(), event.capacity.get()), ("Full", 2));
    assert_eq!((event.booked_count, event.waitlist_count), (2, 0));
    assert_eq!((event.version, event.rules), (Version::new(3), EventRules::default()));
    assert_eq!(event.created_at.timestamp_micros(), CREATED);
    assert!(event.is_settled);
    let event = store.event(empty).await.expect("the store answers").expect("it is there");
    assert_eq!((event.details.description.as_str(), event.booked_count), (long.as_str(), 0));
    let listed = store
        .events(Caller::Operator, None, PageLimit::MAX)
        .await
        .expect("the store answers")
        .items;
    assert_eq!(listed.iter().map(|event| event.id).collect::<Vec<_>>(), [empty, full]);

    let seated = store.registrations(full, Listed::Seated, None, PageLimit::MAX).await;
    let seated = seated.expect("the store answers").expect("it is there").items;
    let expected = [(2, ID[2], "ada@example.org"), (3, ID[3], "grace@example.org")];
    let expected = expected.map(|(version, id, email)| Registration {
        id: id.into(),
        event_id: full,
        person: booking_core::EmailAddress::parse(email).expect("valid").into(),
        status: Status::Confirmed,
        expires_at: None,
        position: None,
        check_in: None,
        generation: 0,
        token_hash: None,
        created_version: Version::new(version),
        event_version: Version::new(version),
        created_at: chrono::DateTime::from_timestamp_micros(CREATED + version as i64)
            .expect("in range"),
    });
    assert_eq!(seated, expected);
    audit(&store).await;
    assert_sound(&database);
}

/// Asserts that SQLite finds nothing wrong.
fn assert_sound(database: &Database) {
    for check in ["foreign_key_check", "integrity_check"] {
        let mut found = Vec::new();
        let each = |row: &rusqlite::Row<'_>| {
            found.push(row.get::<_, String>(0)?);
            Ok(())
        };
        database.connect().pragma_query(None, check, each).expect("checked");
        found.retain(|found| found != "ok");
        assert_eq!(found, <[String; 0]>::default(), "{check}");
    }
}

#[tokio::test]
async fn registrations_of_the_first_version_can_be_used() {
    let (_database, store, _) = migrated().await;
    let event = EventId::from(ID[0]);
    let [ada, grace] = [ID[2], ID[3]].map(RegistrationId::from);
    let history = async |id| {
        let history = store.history(id, PageLimit::MAX).await.expect("the store answers");
        history.expect("it is there")
    };
    let registered = entry(3, CREATED + 2, FactKind::Registered, Actor::Attendee);
    assert_eq!(history(grace).await, std::slice::from_ref(&registered));

    let refused = crate::common::execute(&store, &[register(event, "ada")]).await;
    assert_eq!(refused, [Outcome::Refused(Refusal::AlreadyRegistered)]);
    done(&store, transfer(event, grace, "lin")).await;
    done(&store, cancel(event, ada)).await;
    confirm(&store, register(event, "ada")).await;
    let kinds = [FactKind::Registered, FactKind::Transferred];
    assert_eq!(history(grace).await.iter().map(|entry| entry.kind).collect::<Vec<_>>(), kinds);
    assert_eq!(history(grace).await[0], registered);
    audit(&store).await;
}

#[tokio::test]
async fn dangling_rows_stop_the_migration() {
    let database = version_11();
    let orphan = "PRAGMA foreign_keys = OFF;
        INSERT INTO organizer_tokens (id, organizer_id, token_hash, created_at)
        VALUES (randomblob(16), randomblob(16), randomblob(32), 0)";
    database.connect().execute_batch(orphan).expect("written");
    let columns = || {
        let columns = "SELECT count(*) FROM pragma_table_info('events')";
        let columns = database.connect().query_row(columns, [], |row| row.get::<_, i64>(0));
        columns.expect("counted")
    };
    let before = columns();
    let error = migrate(database.path()).await.expect_err("a token of no organizer");
    let is_named = |table: &str| table == "organizer_tokens";
    assert!(matches!(&error, OpenError::Reference { table, .. } if is_named(table)), "{error:?}");
    assert!(chain(&error).contains("organizer_tokens"), "{}", chain(&error));
    assert_eq!(columns(), before, "nothing was changed");
}

/// A database as version 4 left it: an event that has everything, another with a long description, and a seat.
fn version_4() -> Database {
    let database = Database::new();
    let mut connection = database.connect();
    let runner = embedded::migrations::runner().set_target(Target::Version(4));
    runner.run(&mut connection).expect("migrated");
    let full = "INSERT INTO events (
            id, capacity, booked_count, held_count, waitlist_count, version, due_at, status, opens_at,
            closes_at, waitlist_enabled, offer_ttl_seconds, cancelled_version, created_at, starts_at,
            ends_at, timezone, venue, name, description, retention_days, erase_at, erased_to
        )
        VALUES (?1, 9, 3, 2, 1, 8, 11, 'cancelled', 12, 13, 0, 61, 7, ?2, 14, 15, 'Europe/Berlin',
            'Hall 1', 'Full', 'Long', 16, 17, 5)";
    connection.execute(full, params![ID[0].as_bytes(), CREATED]).expect("written");
    let plain = "INSERT INTO events
            (id, capacity, booked_count, version, created_at, name, description)
        VALUES (?1, 5, 1, 2, ?2, 'Plain', ?3)";
    let values = params![ID[1].as_bytes(), CREATED + 1, "long ".repeat(2_000)];
    connection.execute(plain, values).expect("written");
    let seat = "INSERT INTO registrations (event_id, event_version, id, user_email, created_at)
        VALUES (?1, 2, ?2, 'ada@example.org', ?3)";
    let values = params![ID[1].as_bytes(), ID[2].as_bytes(), CREATED + 2];
    connection.execute(seat, values).expect("written");
    insert_facts(&connection, ID[1], 1, 1, r#"[{"kind":"event_created"}]"#);
    let body = format!(r#"[{{"kind":"registered","registration_id":"{}"}}]"#, ID[2]);
    insert_facts(&connection, ID[1], 2, 2, &body);
    database
}

/// Every column of version 4, as one string for each event.
fn version_4_rows(database: &Database) -> Vec<String> {
    let rows = "SELECT concat_ws('|', hex(id), capacity, booked_count, held_count, waitlist_count,
            version, quote(due_at), status, quote(opens_at), quote(closes_at), waitlist_enabled,
            quote(offer_ttl_seconds), quote(cancelled_version), created_at, quote(starts_at),
            quote(ends_at), quote(timezone), quote(venue), name, description, quote(retention_days),
            quote(erase_at), erased_to)
        FROM events ORDER BY id";
    texts(database, rows)
}

fn texts(database: &Database, query: &str) -> Vec<String> {
    let connection = database.connect();
    let mut statement = connection.prepare(query).expect("valid");
    let rows = statement.query_map([], |row| row.get(0)).expect("read");
    rows.collect::<Result<_, _>>().expect("read")
}

#[tokio::test]
async fn events_from_before_organizers_have_none() {
    let database = version_4();
    let rows = version_4_rows(&database);
    let constraints = || -> Vec<String> {
        let tables = texts(&database, "SELECT sql FROM sqlite_schema WHERE name = 'events'");
        let names = tables[0].split("CONSTRAINT ").skip(1);
        names.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned).collect()
    };
    let indexes = || {
        let names =
            "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema WHERE type = 'index'";
        texts(&database, names)
    };
    let (constraints_before, indexes_before) = (constraints(), indexes());
    let applied = migrate(database.path()).await.expect("migrated");
    assert_eq!(applied.first().map(String::as_str), Some("V5__organizers"));
    assert_eq!(version_4_rows(&database), rows);
    let (constraints, indexes) = (constraints(), indexes());
    for kept in constraints_before {
        assert!(constraints.contains(&kept), "{kept} is gone");
    }
    for kept in indexes_before {
        // This index covers the whole order since.
        let kept = kept.replace("(event_id, expires_at)", "(event_id, expires_at, event_version)");
        assert!(indexes.contains(&kept), "{kept} is gone");
    }
    let columns = texts(&database, "SELECT name FROM pragma_table_info('events')");
    // After columns that can be long come only those that take no bytes, or are never read without
    // them.
    let last = ["description", "asks", "frozen_until", "organizer_name", "contact", "unlisted"];
    assert!(columns.ends_with(&last.map(str::to_owned)), "{columns:?}");
    assert_sound(&database);

    let store = database.open().await;
    let [full, plain] = [ID[0], ID[1]].map(EventId::from);
    let event = store.event(full).await.expect("the store answers").expect("it is there");
    assert_eq!((event.organizer_id, event.details.name.as_str()), (None, "Full"));
    confirm(&store, register(plain, "grace")).await;
    let organizer = create_token(&store, new_token("Ada", 1)).await.organizer.id;
    assert_eq!(store.assign_events(organizer, PageLimit::MAX).await.expect("it answers"), 2);
    let own = store.events(Caller::Organizer(organizer), None, PageLimit::MAX).await;
    let own = own.expect("the store answers").items;
    assert_eq!(own.iter().map(|event| event.id).collect::<Vec<_>>(), [plain, full]);
    let grace = register(plain, "grace").by(Caller::Organizer(organizer));
    let refused = crate::common::execute(&store, &[grace]).await;
    assert_eq!(refused, [Outcome::Refused(Refusal::AlreadyRegistered)]);
}

/// Facts from before are not delivered; those that a program of the version before writes from then on
/// are.
#[tokio::test]
async fn facts_of_older_programs_are_new_after_the_migration() {
    let database = version_4();
    migrate(database.path()).await.expect("migrated");
    let new = "SELECT concat_ws(' ', hex(event_id), version_first,
            (SELECT max(version_last) FROM facts WHERE facts.event_id = new_facts.event_id))
        FROM new_facts";
    assert_eq!(texts(&database, new), <[String; 0]>::default());
    let body = r#"[{"kind":"event_edited"},{"kind":"event_edited"}]"#;
    insert_facts(&database.connect(), ID[1], 3, 4, body);
    let expected = format!("{} 3 4", ID[1].simple().to_string().to_uppercase());
    assert_eq!(texts(&database, new), [expected]);
    let store = database.open().await;
    assert_eq!(store.route_facts(PageLimit::MAX).await.expect("the store answers"), 1);
    assert_eq!(texts(&database, new), <[String; 0]>::default());
}

/// What was new before stays new, from its first version on, and is routed as a whole.
#[tokio::test]
async fn new_facts_stay_new_after_the_migration() {
    let database = version_4();
    let mut connection = database.connect();
    // As the program does it: tables are created anew.
    connection.execute_batch("PRAGMA foreign_keys = OFF").expect("it is a switch");
    let runner = embedded::migrations::runner().set_target(Target::Version(11));
    runner.run(&mut connection).expect("migrated");
    let body = r#"[{"kind":"event_edited"}]"#;
    for version in 3..=5 {
        insert_facts(&connection, ID[1], version, version, body);
    }
    drop(connection);
    migrate(database.path()).await.expect("migrated");
    insert_facts(&database.connect(), ID[1], 6, 6, body);
    let made = "UPDATE events SET version = 6 WHERE id = ?1";
    database.connect().execute(made, [ID[1].as_bytes()]).expect("it is there");
    let new = "SELECT hex(event_id) || ' ' || version_first FROM new_facts";
    assert_eq!(texts(&database, new), [format!("{} 3", ID[1].simple().to_string().to_uppercase())]);
    let store = database.open().await;
    store.show_mail().await.expect("the store answers");
    assert_eq!(store.route_facts(PageLimit::MAX).await.expect("the store answers"), 1);
    let lanes = "SELECT version || ' ' || target FROM delivery_lanes";
    assert_eq!(texts(&database, lanes), ["2 6"]);
    assert_eq!(texts(&database, new), <[String; 0]>::default());
}

/// A database as version 11 left it: two events that were sold in turns, with everything that a registration
/// may have.
fn version_11() -> Database {
    let database = version_4();
    let mut connection = database.connect();
    // As the program does it: tables are created anew.
    connection.execute_batch("PRAGMA foreign_keys = OFF").expect("it is a switch");
    let runner = embedded::migrations::runner().set_target(Target::Version(11));
    runner.run(&mut connection).expect("migrated");
    let insert = "INSERT INTO registrations (event_id, event_version, changed_version, id, user_email, name,
            status, expires_at, generation, token_hash, checked_in_at, scan_id, created_at)
        VALUES (?1, ?2, ?3, randomblob(16), 'person-' || ?2 || '@example.org', ?4, ?5, ?6, ?2, randomblob(32), ?7,
            CASE WHEN ?7 IS NOT NULL THEN randomblob(16) END, ?2)";
    let mut insert = connection.prepare(insert).expect("valid");
    for version in 100..200_i64 {
        let status = ["confirmed", "held", "waitlisted", "offered", "cancelled", "expired"];
        let status = status[(version % 6) as usize];
        let ends = matches!(status, "held" | "offered").then_some(version / 10);
        let scanned = (status == "confirmed").then_some(version);
        for id in [ID[1], ID[0]] {
            let changed = (version % 2 == 0).then_some(version + 1_000);
            let name = (version % 3 == 0).then_some("Ada");
            let values = params![id.as_bytes(), version, changed, name, status, ends, scanned];
            insert.execute(values).expect("written");
            insert_facts(&connection, id, version, version, r#"[{"kind":"held"}]"#);
        }
    }
    drop(insert);
    drop(connection);
    database
}

/// Every column of every row, and the first new version of each event.
fn version_11_rows(database: &Database) -> [Vec<String>; 3] {
    let registrations =
        "SELECT concat_ws('|', hex(event_id), event_version, quote(changed_version), hex(id),
            user_email, quote(name), status, quote(expires_at), generation, quote(token_hash),
            quote(checked_in_at), quote(scan_id), created_at)
        FROM registrations ORDER BY event_id, event_version";
    let facts =
        "SELECT concat_ws('|', hex(event_id), version_first, version_last, recorded_at, body)
        FROM facts ORDER BY event_id, version_first";
    let new = "SELECT concat_ws('|', hex(event_id), min(version_first)) FROM new_facts GROUP BY event_id ORDER BY 1";
    [registrations, facts, new].map(|rows| texts(database, rows))
}

#[tokio::test]
async fn rebuilt_tables_have_the_same_rows() {
    let database = version_11();
    let constraints = || -> Vec<String> {
        let tables = "SELECT sql FROM sqlite_schema WHERE name IN ('registrations', 'facts')";
        let tables = texts(&database, tables).concat();
        let names = tables.split("CONSTRAINT ").skip(1);
        names.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned).collect()
    };
    let (rows, constraints_before) = (version_11_rows(&database), constraints());
    assert_eq!(rows.each_ref().map(Vec::len), [201, 202, 2]);
    let applied = migrate(database.path()).await.expect("migrated");
    assert!(applied.contains(&"V14__tables_in_the_order_of_writing".to_owned()), "{applied:?}");
    assert_eq!(version_11_rows(&database), rows, "what was new is new, and nothing else");
    let constraints = constraints();
    for kept in constraints_before {
        // These are indexes now, or were dropped: an event arrives after its rows when it is moved.
        let gone =
            ["registrations_pkey", "facts_pkey", "registrations_of_an_event", "facts_of_an_event"];
        assert!(gone.contains(&&*kept) || constraints.contains(&kept), "{kept} is gone");
    }
    assert_sound(&database);

    // What was sold in turns is stored together, and new rows go to the end.
    let events = "SELECT hex(event_id) FROM registrations ORDER BY rowid";
    let events = texts(&database, events);
    assert!(events.is_sorted(), "{events:?}");
    let connection = database.connect();
    let body = r#"[{"kind":"held"}]"#;
    connection.execute_batch("DELETE FROM new_facts").expect("all has been looked at");
    insert_facts(&connection, ID[0], 300, 300, body);
    let new = texts(&database, "SELECT 'new' FROM new_facts WHERE version_first = 300");
    assert_eq!(new.len(), 1, "the trigger is there");

    // The keys of the tables are unique indexes now.
    for twice in [
        "INSERT INTO facts SELECT * FROM facts WHERE version_first = 300",
        "INSERT INTO registrations SELECT event_id, event_version, changed_version, randomblob(16), 'x@y', name,
            status, expires_at, generation, token_hash, checked_in_at, scan_id, created_at, answers
         FROM registrations WHERE event_version = 100",
        "INSERT INTO registrations SELECT event_id, 301, 302, id, 'x@y', name,
            status, expires_at, generation, token_hash, checked_in_at, scan_id, created_at, answers
         FROM registrations WHERE event_version = 100",
    ] {
        let refused = connection.execute_batch(twice).expect_err("it is there already");
        assert!(refused.to_string().starts_with("UNIQUE constraint failed"), "{refused}");
    }
}

/// Addresses in other spellings than the canonical one, as earlier versions stored them, with the state of
/// their registrations and the result.
const SPELT: &[(&str, &str, &str)] = &[
    ("ada@bücher.example", "confirmed", "ada@xn--bcher-kva.example"),
    ("\"lin\"@example.org", "confirmed", "lin@example.org"),
    // A registration that has ended blocks no other.
    ("\"gr\\ace\"@example.org", "cancelled", "grace@example.org"),
    ("grace@example.org", "confirmed", "grace@example.org"),
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

/// A database as version 4 left it, with all of those, and `more` that are one person's each.
fn spelt_database(more: i64) -> Database {
    let database = version_4();
    let connection = database.connect();
    let insert = "INSERT INTO registrations
        (event_id, event_version, id, user_email, created_at, status) VALUES (?1, ?2, ?3, ?4, 0, ?5)";
    let mut insert = connection.prepare(insert).expect("valid");
    for (number, (email, status, _)) in SPELT.iter().enumerate() {
        let id = Uuid::now_v7();
        let values = params![ID[1].as_bytes(), 100 + number as i64, id.as_bytes(), email, status];
        insert.execute(values).expect("written");
    }
    for number in 0..more {
        let (id, email) = (Uuid::now_v7(), format!("\"{number}\"@bücher.example"));
        let values = params![ID[1].as_bytes(), 1_000 + number, id.as_bytes(), email, "confirmed"];
        insert.execute(values).expect("written");
    }
    drop(insert);
    drop(connection);
    database
}

fn spelt(database: &Database) -> Vec<String> {
    let emails = "SELECT user_email FROM registrations WHERE event_version BETWEEN 100 AND 999
        ORDER BY event_version";
    texts(database, emails)
}

#[tokio::test]
async fn addresses_are_rewritten_into_their_canonical_spelling_once() {
    // More than are in memory at a time.
    let database = spelt_database(1_200);
    migrate(database.path()).await.expect("migrated");
    let expected: Vec<_> = SPELT.iter().map(|(_, _, canonical)| *canonical).collect();
    assert_eq!(spelt(&database), expected);
    let others = "SELECT user_email FROM registrations WHERE event_version >= 1000
        AND user_email <> (event_version - 1000) || '@xn--bcher-kva.example'";
    assert_eq!(texts(&database, others), <[String; 0]>::default());
    assert_eq!(texts(&database, "SELECT name FROM rewrites"), ["canonical_addresses"]);
    assert_sound(&database);

    // Addresses that keep their spelling are still found.
    let store = database.open().await;
    for (address, count) in [
        ("kay@example.org", 2),
        ("hedy@xn--bcher-kva.example", 2),
        ("grace@example.org", 2),
        ("ada@foo_bar.example", 1),
        ("\"a@b\"@example.org", 1),
    ] {
        let address = booking_core::EmailAddress::parse_sought(address).expect("valid");
        let found = store.registrations_of(&address, PageLimit::MAX).await;
        assert_eq!(found.expect("the store answers").len(), count, "{address}");
    }

    // A server of the version before may still write such a spelling. It is not rewritten again, but
    // it is found.
    let late =
        "UPDATE registrations SET user_email = '\"ada\"@late.example' WHERE event_version = 100";
    database.connect().execute_batch(late).expect("written");
    migrate(database.path()).await.expect("there is nothing to do");
    assert_eq!(spelt(&database)[0], "\"ada\"@late.example");
    let ada = booking_core::EmailAddress::parse("ada@late.example").expect("valid");
    let found = store.registrations_of(&ada, PageLimit::MAX).await.expect("the store answers");
    assert_eq!(found.len(), 1);
}

/// No byte of a rewritten spelling is left: an erasure of the address would not find it.
#[tokio::test]
async fn nothing_is_left_of_a_rewritten_spelling() {
    let database = spelt_database(0);
    migrate(database.path()).await.expect("migrated");
    let bytes = std::fs::read(database.path()).expect("it can be read");
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("ada@xn--bcher-kva.example") && holds("\"kay\"@example.org"));
    assert!(!holds("ada@bücher.example") && !holds("\"lin\"@example.org"));
}
