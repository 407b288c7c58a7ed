//! Background tasks continue after a panic, and operators see that there was one.

use crate::common::http::{Answer, send};
use crate::embedded::serve;
use booking_conformance::MemoryStore;
use booking_core::{BookingStore, Clock};
use chrono::Utc;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Two sweeps, looks for facts and longest pauses, on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

/// The values on `/readyz` and `/metrics`.
struct Seen {
    checks: Value,
    metrics: String,
}

fn look(url: &str) -> Seen {
    let get = |path: &str| -> Answer {
        let answer = send(url, "GET", path, &[], b"");
        assert_eq!(answer.status, 200, "requests are answered all the same: {answer:?}");
        answer
    };
    let checks = get("/readyz").json()["checks"].clone();
    Seen { checks, metrics: String::from_utf8(get("/metrics").body).expect("it is text") }
}

fn until(what: &str, url: &str, is_so: impl Fn(&Seen) -> bool) {
    let began = Instant::now();
    loop {
        let seen = look(url);
        if is_so(&seen) {
            return;
        }
        assert!(began.elapsed() < WITHIN, "not in time: {what}: {}, {}", seen.checks, seen.metrics);
        thread::sleep(Duration::from_millis(20));
    }
}

/// No request here makes the store read its clock, so that the sweeper does next, or the task that reads facts,
/// whichever of them is not down already.
#[test]
fn a_background_task_that_panics_is_restarted_and_reported() {
    let breaks = Arc::<AtomicBool>::default();
    let of_clock = Arc::clone(&breaks);
    let url = serve(move || async move {
        let clock: Clock = Arc::new(move || {
            assert!(!of_clock.swap(false, Ordering::SeqCst), "on purpose");
            Utc::now()
        });
        Arc::new(MemoryStore::default().with_clock(clock)) as Arc<dyn BookingStore>
    });
    until("all of it has begun", &url, |seen| {
        seen.metrics.contains("booking_task_panics_total{task=\"sweep\"} 0\n")
            && seen.metrics.contains("booking_task_up{task=\"route_facts\"} 1\n")
    });
    let began = look(&url);
    assert!(began.checks["delivery"].is_null() && began.checks["background"].is_null());

    let of_delivery = |seen: &Seen| seen.checks["delivery"]["tasks_down"] == 1;
    let of_others = |seen: &Seen| seen.checks["background"] == "down";
    let (mut delivery_is_reported, mut others_are_reported) = (false, false);
    let since = Instant::now();
    while !(delivery_is_reported && others_are_reported) {
        assert!(since.elapsed() < WITHIN, "{delivery_is_reported}, {others_are_reported}");
        breaks.store(true, Ordering::SeqCst);
        until("one of them is down", &url, |seen| of_delivery(seen) || of_others(seen));
        let seen = look(&url);
        delivery_is_reported |= of_delivery(&seen);
        others_are_reported |= of_others(&seen);
    }
    // One that was still down may have been seen instead of one that had not panicked yet.
    breaks.store(false, Ordering::SeqCst);
    until("both are up again", &url, |seen| {
        seen.checks["delivery"].is_null() && seen.checks["background"].is_null()
    });
    let seen = look(&url);
    for task in ["sweep", "route_facts"] {
        let never = format!("booking_task_panics_total{{task=\"{task}\"}} 0\n");
        assert!(!seen.metrics.contains(&never), "{}", seen.metrics);
        let up = format!("booking_task_up{{task=\"{task}\"}} 1\n");
        assert!(seen.metrics.contains(&up), "{}", seen.metrics);
    }
}
