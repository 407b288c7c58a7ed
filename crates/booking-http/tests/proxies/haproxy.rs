//! HAProxy, with the file that `docker/compose.ha.yaml` runs.

use crate::common::App;
use crate::source;
use crate::{
    BURST, Sale, assert_holds_are_bounded, assert_rates_hold, assert_streams_pass, limited,
    limited_in_holds,
};
use booking_testkit::ProxyProcess;
use std::path::Path;

/// In front of the same server twice.
fn in_front_of(app: &App) -> ProxyProcess {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker/ha/haproxy.cfg");
    let server = app.url().strip_prefix("http://").expect("a plain URL");
    let servers = ["BOOKING_ONE", "BOOKING_TWO"].map(|name| (name, server.to_owned()));
    ProxyProcess::haproxy(&file, "BOOKING_BIND", &servers)
}

#[test]
fn no_client_evades_the_rate_or_uses_up_another_s() {
    let app = limited("X-Forwarded-For");
    let proxy = in_front_of(&app);
    assert_rates_hold(&app, &proxy.url());
}

#[test]
fn streamed_changes_arrive_at_once() {
    let mut app = limited("X-Forwarded-For");
    let proxy = in_front_of(&app);
    assert_streams_pass(&mut app, &proxy.url());
}

#[test]
fn no_client_evades_the_hold_limit_or_uses_up_another_s() {
    let app = limited_in_holds("X-Forwarded-For");
    let proxy = in_front_of(&app);
    assert_holds_are_bounded(&app, &proxy.url());
}

/// It removes this header, which it does not write itself: a server that trusts it gets none, and counts all
/// requests through the proxy as one client.
#[test]
fn a_client_s_own_forwarded_does_not_arrive() {
    let app = limited("Forwarded");
    let proxy = in_front_of(&app);
    let url = proxy.url();
    let sale = Sale::start(&app, &url);
    let (first, refilled) = sale.flood(source(10), "Forwarded: for=@");
    let (second, more) = sale.flood(source(11), "Forwarded: for=@\r\nForwarded: for=@");
    let accepted = first + second;
    assert!(accepted <= BURST + refilled + more, "{accepted} of 40 were accepted");
}
