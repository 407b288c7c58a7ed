//! Creating events by the hundred leaves room for sales.

use crate::common::{App, Data, ask};
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

const CREATING: usize = 40;

/// Creating an event takes time here, so that all that are allowed are under way at once.
const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_sleep(1); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION slow()";
const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'";

#[test]
fn seats_are_sold_while_events_are_created() {
    let app = App::start_with(Data::postgres(), &[("SWEEP_SECONDS", "0")]);
    let event = app.create(100);
    let database = app.data.database().clone();
    database.sql(SLOW);
    let sleeping = || database.sql(SLEEPING)[0][0].as_deref().map(str::parse::<usize>);
    thread::scope(|scope| {
        let url = app.url().to_owned();
        let create = move |n: usize| {
            let key = format!("an-event-of-these-{n:0>4}");
            let body = json!({"name": format!("Event {n}"), "capacity": 1});
            ask(&url, "POST", "/events", &[("Idempotency-Key", &key)], &body)
        };
        let creating: Vec<_> = (0..CREATING)
            .map(|n| {
                let create = create.clone();
                scope.spawn(move || create(n))
            })
            .collect();
        let since = Instant::now();
        while sleeping() == Some(Ok(0)) {
            assert!(since.elapsed() < Duration::from_secs(20), "nothing is put up");
        }
        for who in 0..20 {
            let answer = app.register(&event, &format!("person{who}@example.org"));
            assert_eq!(answer.status, 201, "{answer:?}");
            assert!(sleeping().is_some_and(|n| n.is_ok_and(|n| n <= 2)), "{:?}", sleeping());
        }
        let (mut created, mut refused) = (0, 0);
        for one in creating {
            let answer = one.join().expect("no panic");
            match answer.status {
                201 => created += 1,
                503 => {
                    assert_eq!(answer.problem(), "overloaded");
                    assert!(answer.header("retry-after").is_some(), "{answer:?}");
                    refused += 1;
                }
                _ => panic!("{answer:?}"),
            }
        }
        assert!(created > 0 && refused > 0, "{created} put up, {refused} refused");
        let events = database.sql("SELECT count(*) FROM events")[0][0].clone();
        assert_eq!(events, Some((1 + created).to_string()), "who was refused has made none");
        // A refused client retries under the same key, and is served.
        database.sql("DROP TRIGGER slow ON events");
        for n in 0..CREATING {
            assert_eq!(create(n).status, 201);
        }
    });
    let events = database.sql("SELECT count(*) FROM events")[0][0].clone();
    assert_eq!(events, Some((1 + CREATING).to_string()), "each once");
    app.assert_audit_is_clean();
}

/// On the store where all writes take turns seats go first.
#[test]
fn a_crowd_that_creates_events_delays_no_sale_on_sqlite() {
    let app = App::start_with(Data::sqlite(), &[("SWEEP_SECONDS", "0")]);
    let event = app.create(1_000);
    let until = Instant::now() + Duration::from_secs(2);
    let url = app.url();
    thread::scope(|scope| {
        for _ in 0..300 {
            scope.spawn(move || {
                while Instant::now() < until {
                    let body = json!({"name": "An event", "capacity": 1});
                    let answer = ask(url, "POST", "/events", &[], &body);
                    assert!(matches!(answer.status, 201 | 503), "{answer:?}");
                }
            });
        }
        for who in 0..40 {
            let answer = app.register(&event, &format!("person{who}@example.org"));
            assert_eq!(answer.status, 201, "{answer:?}");
        }
    });
    app.assert_audit_is_clean();
}
