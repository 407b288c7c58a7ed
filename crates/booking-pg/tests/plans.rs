//! The plans of the statements do not depend on what the tables held when they were made.

mod common;

use booking_pg::PlanCacheMode;
use booking_testkit::Database;
use common::{connect, migrated_database, statements};
use std::collections::BTreeSet;
use std::path::Path;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Every statement that looks something up, with the indexes that it must use.
const PLANS: &[(&str, &[&str])] = &[
    ("cell_bytes/find", &["cell_bytes_pkey"]),
    ("cell_bytes/keep", &["cell_bytes_pkey"]),
    ("cell_map/find", &["cell_map_pkey"]),
    ("cell_map/insert", &["cell_map_pkey"]),
    ("cell_map/replace", &["cell_map_pkey"]),
    ("delivery/delete", &["deliveries_of_endpoint"]),
    ("delivery/find", &["deliveries_pkey"]),
    ("delivery/list", &["deliveries_of_endpoint"]),
    ("delivery/note", &["deliveries_pkey"]),
    ("delivery/purge", &["deliveries_of_endpoint", "webhook_endpoints_pkey"]),
    ("endpoint/change", &["webhook_endpoints_pkey"]),
    ("endpoint/delete", &["webhook_endpoints_pkey"]),
    ("endpoint/find", &["webhook_endpoints_pkey"]),
    ("endpoint/insert", &["webhook_endpoints_of_organizer", "webhook_endpoints_pkey"]),
    ("endpoint/note", &["webhook_endpoints_pkey"]),
    ("event/assign", &["events_pkey"]),
    ("event/availability", &["events_pkey"]),
    ("event/details", &["events_pkey"]),
    ("event/due", &["events_due"]),
    ("event/due_reminders", &["events_reminding"]),
    ("event/edit", &["events_pkey"]),
    ("event/erasable", &["events_erasable"]),
    ("event/find", &["events_pkey"]),
    ("event/find_due", &["events_pkey", "registrations_running_out"]),
    ("event/insert", &["cell_bytes_pkey", "events_pkey", "moving_events_pkey"]),
    ("event/list", &["events_created_at"]),
    ("event/list_by_start", &["events_by_start"]),
    ("event/list_by_start_down", &["events_by_start"]),
    ("event/list_of", &["events_of_organizer"]),
    ("event/lock", &["events_pkey"]),
    ("event/lock_none", &["events_pkey"]),
    ("event/lock_skip", &["events_pkey"]),
    ("event/reminded", &["events_pkey"]),
    ("event/status", &["events_pkey"]),
    ("event/update", &["events_pkey"]),
    ("fact/after", &["events_pkey", "facts_pkey", "registrations_event_version"]),
    ("fact/oldest_new", &["facts_new", "new_facts_pkey"]),
    ("former_holder/delete", &["former_holders_pkey"]),
    ("former_holder/erase", &["former_holders_of_address"]),
    ("former_holder/find", &["former_holders_pkey"]),
    ("former_holder/insert", &["mail_senders_pkey"]),
    ("former_holder/purge", &["former_holders_made_at"]),
    ("lane/advance", &["deliveries_pkey", "delivery_lanes_pkey", "mails_pkey"]),
    (
        "lane/backlog",
        &[
            "delivery_lanes_of_sink",
            "facts_pkey",
            "registrations_event_version",
            "webhook_endpoints_pkey",
        ],
    ),
    ("lane/claim", &["delivery_lanes_of_sink"]),
    ("lane/delete", &["delivery_lanes_of_sink"]),
    ("lane/drop", &["delivery_lanes_of_sink"]),
    ("lane/due", &["delivery_lanes_of_sink"]),
    ("lane/retry", &["delivery_lanes_of_sink", "webhook_endpoints_pkey"]),
    (
        "lane/route",
        &[
            "delivery_lanes_pkey",
            "events_pkey",
            "facts_new",
            "mail_senders_pkey",
            "new_facts_pkey",
            "webhook_endpoints_of_organizer",
        ],
    ),
    ("mail/backlog", &["mails_due", "mails_stuck"]),
    ("mail/claim", &["mails_due"]),
    ("mail/drop", &["mails_due", "mails_stuck"]),
    ("mail/insert", &["mails_pkey"]),
    ("mail/purge", &["mails_done"]),
    ("mail/retry", &["mails_due", "mails_stuck"]),
    ("mail/settle", &["former_holders_pkey", "mails_pkey"]),
    ("mail/show", &["mail_senders_pkey"]),
    (
        "moving/count",
        &[
            "event_questions_pkey",
            "facts_pkey",
            "former_holders_pkey",
            "idempotency_records_pkey",
            "registrations_event_version",
        ],
    ),
    ("moving/delete", &["moving_events_pkey"]),
    ("moving/forget", &["moving_events_pkey"]),
    ("moving/freeze", &["events_pkey"]),
    ("moving/lease", &["moving_events_pkey"]),
    ("moving/leave", &["moving_events_pkey"]),
    ("moving/list", &["events_pkey", "moving_events_pkey"]),
    ("moving/list_arriving", &["moving_events_under_way"]),
    ("moving/lock", &["moving_events_pkey"]),
    ("moving/lock_event", &["events_pkey"]),
    ("moving/mails", &["mails_pkey"]),
    ("moving/may_be", &["moving_events_by_last_byte"]),
    ("moving/pass_on", &["moving_events_pkey"]),
    ("moving/purge", &["moving_events_under_way"]),
    ("moving/take_room", &["moving_events_under_way"]),
    ("moving/upsert", &["moving_events_pkey"]),
    ("moving/upsert_absent", &["cell_bytes_pkey", "events_pkey", "moving_events_pkey"]),
    ("moving/which", &["moving_events_pkey"]),
    ("question/find", &["event_questions_pkey", "events_pkey"]),
    ("question/upsert", &["event_questions_pkey"]),
    ("record/claim", &["idempotency_records_pkey"]),
    ("record/delete", &["idempotency_records_pkey"]),
    ("record/delete_all", &["idempotency_records_pkey"]),
    ("record/load", &["idempotency_records_pkey"]),
    ("record/otherwise_spelt", &["idempotency_records_pkey"]),
    ("record/purge", &["idempotency_records_recorded_at"]),
    ("record/upsert", &["idempotency_records_pkey"]),
    ("registration/by_address", &["registrations_live_email"]),
    ("registration/by_id", &["registrations_pkey"]),
    (
        "registration/counts",
        &[
            "events_pkey",
            "registrations_checked_in",
            "registrations_ended",
            "registrations_live_email",
            "registrations_running_out",
        ],
    ),
    ("registration/delete", &["registrations_pkey"]),
    ("registration/end_offers", &["registrations_running_out"]),
    ("registration/events", &["registrations_pkey"]),
    ("registration/find", &["events_pkey", "registrations_pkey", "registrations_waiting"]),
    ("registration/history", &["events_pkey", "facts_pkey", "registrations_pkey"]),
    ("registration/list", &["registrations_event_version"]),
    ("registration/list_live", &["registrations_event_version"]),
    ("registration/list_seated", &["registrations_event_version"]),
    // It reads each event, newest first, and one address of each.
    ("registration/live_of_address", &["events_created_at", "registrations_live_email"]),
    ("registration/next_end", &["registrations_running_out"]),
    ("registration/otherwise_spelt", &["registrations_event_version"]),
    ("registration/overdue", &["registrations_running_out"]),
    ("registration/positions", &["registrations_waiting"]),
    ("registration/respell", &["registrations_live_email", "registrations_pkey"]),
    ("registration/unerased", &["events_pkey", "registrations_event_version"]),
    ("registration/waiting", &["registrations_waiting"]),
    ("rewrite/find", &["rewrites_pkey"]),
    ("rewrite/insert", &["rewrites_pkey"]),
    ("signing_key/insert", &["signing_keys_pkey"]),
    ("signing_key/list", &["signing_keys_pkey"]),
    ("ticket_key/show", &["ticket_keys_pkey"]),
    ("token/find", &["organizer_tokens_pkey", "organizers_pkey"]),
    ("token/revoke", &["organizer_tokens_pkey"]),
];

/// Indexes that some may also use where they are planned for their values, which match no row here: such an index
/// begins with the same columns, and PostgreSQL knows that it finds next to nothing.
const WITH_VALUES: &[(&str, &[&str])] = &[
    ("delivery/find", &["deliveries_of_endpoint"]),
    ("delivery/note", &["deliveries_of_endpoint"]),
    // For one organizer, its own events are as good.
    ("event/list_by_start", &["events_of_organizer"]),
    ("event/list_by_start_down", &["events_of_organizer"]),
    ("lane/advance", &["deliveries_pkey", "delivery_lanes_of_sink", "mails_pkey"]),
    ("registration/respell", &["registrations_event_version", "registrations_live_email"]),
];

/// The others: they add rows, read no table, or read every row.
const NO_LOOK_UP: &[&str] = &[
    "audit/count",
    "endpoint/list",
    "event/of_nobody",
    "event/totals",
    "fact/insert",
    "fact/note_new",
    "moving/identity",
    "record/of_address",
    "registration/insert",
    "registration/insert_any",
    "registration/of_address",
    "schema/applied",
    "schema/needed",
    "schema/raise",
    "schema/tables",
    "session/durability",
    "session/health",
    "session/now",
    "session/try_rows",
    "session/try_writes",
    "ticket_key/list",
    "token/insert",
    "token/list",
];

#[test]
fn every_statement_has_its_plan_checked() {
    let mut files = BTreeSet::new();
    for folder in Path::new("sql").read_dir().expect("it is there") {
        let folder = folder.expect("it can be read").path();
        for file in folder.read_dir().expect("it is a folder") {
            let file = file.expect("it can be read").path().with_extension("");
            let name = file.strip_prefix("sql").expect("it is in there");
            files.insert(name.to_str().expect("a plain name").to_owned());
        }
    }
    let listed = PLANS.iter().map(|(name, _)| name).chain(NO_LOOK_UP);
    assert_eq!(files, listed.map(|name| (*name).to_owned()).collect());
}

/// A plan made while the tables are empty, or hold next to nothing, must serve when they are full.
#[tokio::test]
async fn plans_use_the_indexes_whatever_the_tables_hold() {
    let database = migrated_database();
    assert_plans_use_the_indexes(&database, "never analysed").await;
    database.sql("VACUUM ANALYZE");
    assert_plans_use_the_indexes(&database, "empty").await;
    for (state, registrations) in [("small", 5), ("large", 20_000)] {
        database.sql(&format!(
            "INSERT INTO events (id, name, description, capacity, booked_count, version, created_at)
             VALUES (gen_random_uuid(), 'Some', '', 30000, 0, 1, now());
             INSERT INTO registrations
                 (event_id, id, user_email, event_version, created_at, status, expires_at)
             SELECT id, gen_random_uuid(), n || '@example.org', n, now(),
                 (ARRAY['held', 'waitlisted', 'confirmed'])[1 + least(n % 5, 2)]::registration_status,
                 CASE WHEN n % 5 = 0 THEN now() END
             FROM (SELECT id FROM events ORDER BY created_at DESC LIMIT 1) AS event,
                 generate_series(1, {registrations}) AS n;
             INSERT INTO facts SELECT id, 1, 1, now(), '[]' FROM events ON CONFLICT DO NOTHING;
             INSERT INTO idempotency_records
             SELECT event_id, sha256(id::text::bytea), sha256(''), created_at, '' FROM registrations
             ON CONFLICT DO NOTHING;
             INSERT INTO signing_keys (seed, created_at) VALUES (sha256(''), now());
             INSERT INTO organizers VALUES (gen_random_uuid(), gen_random_uuid(), now());
             INSERT INTO organizer_tokens SELECT gen_random_uuid(), id, sha256(name::bytea), now()
             FROM organizers
             ON CONFLICT DO NOTHING;
             UPDATE events SET organizer_id = (SELECT id FROM organizers LIMIT 1);
             INSERT INTO facts (event_id, version_first, version_last, recorded_at, body, is_new)
             SELECT id, n, n, now(), '[]', n % 7 = 0
             FROM (SELECT id FROM events ORDER BY created_at DESC LIMIT 1) AS event,
                 generate_series(2, {registrations} / 5) AS n;
             INSERT INTO new_facts (event_id, version_first, version_last, recorded_at)
             SELECT event_id, version_first, version_last, recorded_at FROM facts WHERE version_first % 7 = 1
             ON CONFLICT DO NOTHING;
             INSERT INTO webhook_endpoints
                 (id, organizer_id, url, includes_person, secret, created_at)
             SELECT gen_random_uuid(), id, 'https://example.org/', false, sha256(''), now()
             FROM organizers, generate_series(1, least(1 + {registrations} / 100, 100)) AS n;
             INSERT INTO mail_senders (seen_at) VALUES (now()) ON CONFLICT DO NOTHING;
             INSERT INTO delivery_lanes (event_id, sink_id, version, target, due_at)
             SELECT gen_random_uuid(), endpoint.id, 1, 2, CASE WHEN n % 3 = 0 THEN now() END
             FROM (SELECT id FROM webhook_endpoints LIMIT 3) AS endpoint,
                 generate_series(1, {registrations} / 5) AS n;
             INSERT INTO deliveries (event_id, endpoint_id, version, kind, state, attempts, tried_at)
             SELECT event_id, sink_id, 1, 'event.published', 'delivered', 1, now()
             FROM delivery_lanes
             ON CONFLICT DO NOTHING;
             INSERT INTO mails
                 (event_id, id, registration_id, kind, version, made_at, state, due_at, done_at)
             SELECT event_id, id, id, 'confirmed', event_version, now(),
                 (ARRAY['due', 'stuck', 'sent'])[1 + least(event_version % 50, 2)]::mail_state,
                 CASE WHEN event_version % 50 = 0 THEN now() END,
                 CASE WHEN event_version % 50 <> 0 THEN now() END
             FROM registrations
             ON CONFLICT DO NOTHING;
             INSERT INTO former_holders
                 (event_id, registration_id, version, user_email, made_at)
             SELECT event_id, id, event_version, user_email, now()
             FROM registrations
             ON CONFLICT DO NOTHING"
        ));
        database.sql("VACUUM ANALYZE");
        assert_plans_use_the_indexes(&database, state).await;
    }
}

async fn assert_plans_use_the_indexes(database: &Database, state: &str) {
    for mode in [PlanCacheMode::ForceGenericPlan, PlanCacheMode::Auto] {
        assert_plans_use_the_indexes_in(mode, database, state).await;
    }
}

async fn assert_plans_use_the_indexes_in(mode: PlanCacheMode, database: &Database, state: &str) {
    let indexes = database.sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'");
    let indexes: BTreeSet<String> =
        indexes.into_iter().filter_map(|mut row| row.remove(0)).collect();
    // The session of a store: its settings, on a connection of the test's own.
    connect(database.url(), 2).await;
    let (client, connection) =
        tokio_postgres::connect(database.url(), NoTls).await.expect("it is there");
    tokio::spawn(connection);
    let session = format!(
        "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; \
         SET enable_mergejoin = off; SET plan_cache_mode = {}",
        mode.as_str()
    );
    client.batch_execute(&session).await.expect("it answers");
    let mut wrong = Vec::new();
    for (name, expected) in PLANS {
        let plan = plan_of(&client, name, mode).await;
        let words = plan.split(|c: char| !c.is_alphanumeric() && c != '_');
        let used: BTreeSet<&str> = words.filter(|word| indexes.contains(*word)).collect();
        let is_expected = used == expected.iter().copied().collect();
        let is_as_good = mode == PlanCacheMode::Auto
            && WITH_VALUES
                .iter()
                .any(|(of, also)| of == name && used == also.iter().copied().collect());
        if !(is_expected || is_as_good) || plan.contains("Seq Scan") {
            wrong.push(format!("{state}, {mode:?}: {name} should go by {expected:?}:\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn plan_of(client: &Client, name: &str, mode: PlanCacheMode) -> String {
    let (_, text) = booking_pg::statements().find(|(known, _)| *known == name).expect(name);
    // A plan for values is for the values given: NULL would match nothing.
    let values = match mode {
        PlanCacheMode::ForceGenericPlan => statements::nulls(text),
        PlanCacheMode::Auto => statements::values(text),
    };
    let statement = statements::prepared(name);
    client.batch_execute(&format!("PREPARE {statement} AS {text}")).await.expect(name);
    let execute = statements::execute(&statement, &values);
    let explained = client.simple_query(&format!("EXPLAIN {execute}")).await.expect(name);
    let lines = explained.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}
