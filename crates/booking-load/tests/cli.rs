//! What the program prints, and its exit codes.

#[expect(dead_code, reason = "the storm's tests use the rest")]
mod fake;

use fake::{Fake, Quirk};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

fn booking_load(url: &str, more: &[&str]) -> Output {
    let sizes = ["--seats", "20", "--clients", "60", "--concurrency", "8", "--retries", "0"];
    Command::new(env!("CARGO_BIN_EXE_booking-load"))
        .args(["flash", "--url", url])
        .args(sizes)
        .args(more)
        .output()
        .expect("it was built for this test")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("reports are UTF-8")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_clean_run_exits_with_0() {
    let fake = Fake::start(Quirk::Honest).await;
    for threads in ["1", "2"] {
        let output = booking_load(&fake.url(), &["--threads", threads]);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{report}");
        assert!(report.contains("40  409 sold_out"), "{report}");
        assert!(report.contains("every answer holds, on 1 server(s)"), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_broken_rule_exits_with_1_and_is_named() {
    let fake = Fake::start(Quirk::LosesWinner).await;
    let output = booking_load(&fake.url(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output.stdout);
    assert!(report.contains("2 VIOLATIONS"), "{report}");
    assert!(report.contains("lost winner: flash-0000"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn json_is_for_programs() {
    let fake = Fake::start(Quirk::Oversells).await;
    let output = booking_load(&fake.url(), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["winners"].as_array().map(Vec::len), Some(21));
    assert_eq!(report["violations"][0]["rule"], "oversold");
    assert!(report["wall_seconds"].as_f64() > Some(0.0), "{report}");
}

#[test]
fn an_unreachable_server_exits_with_2() {
    // Port 9 is reserved for the discard service, and no machine runs it.
    let output = booking_load("http://127.0.0.1:9", &[]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("cannot create an event at http://127.0.0.1:9"), "{error}");
    assert!(output.stdout.is_empty());
}

/// It must not be ignored: all requests would be made without a token.
#[test]
fn an_invalid_token_exits_with_2() {
    let output = Command::new(env!("CARGO_BIN_EXE_booking-load"))
        .args(["flash", "--url", "http://127.0.0.1:9"])
        .env("BOOKING_TOKEN", OsStr::from_bytes(b"org_\xe4secret"))
        .output()
        .expect("it was built for this test");
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("BOOKING_TOKEN") && !error.contains("secret"), "{error}");
}
