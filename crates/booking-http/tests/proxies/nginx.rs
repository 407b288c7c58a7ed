//! nginx, in the ways that its manual and others' put it in front of a server.

use crate::common::App;
use crate::{
    Sale, assert_holds_are_bounded, assert_rates_hold, assert_streams_pass, limited,
    limited_in_holds, source,
};
use booking_testkit::ProxyProcess;

/// It appends to the client's header, and passes all others on.
const ADDS: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
/// It replaces the client's header, and passes all others on.
const WRITES_FORWARDED: &str = "proxy_set_header Forwarded \"for=$remote_addr;proto=$scheme\";";
const WRITES_REAL_IP: &str = "proxy_set_header X-Real-IP $remote_addr;";

fn in_front_of(app: &App, directive: &str) -> ProxyProcess {
    ProxyProcess::nginx(&format!(
        "proxy_pass {};\nproxy_http_version 1.1;\nproxy_set_header Connection \"\";\n\
         proxy_set_header Host $http_host;\n{directive}",
        app.url()
    ))
}

#[test]
fn no_client_evades_the_rate_or_uses_up_another_s() {
    let app = limited("X-Forwarded-For");
    let proxy = in_front_of(&app, ADDS);
    assert_rates_hold(&app, &proxy.url());
}

#[test]
fn streamed_changes_arrive_at_once() {
    let mut app = limited("X-Forwarded-For");
    let proxy = in_front_of(&app, ADDS);
    assert_streams_pass(&mut app, &proxy.url());
}

#[test]
fn no_client_evades_the_hold_limit_or_uses_up_another_s() {
    let app = limited_in_holds("X-Forwarded-For");
    let proxy = in_front_of(&app, ADDS);
    assert_holds_are_bounded(&app, &proxy.url());
}

#[test]
fn a_proxy_that_writes_forwarded_is_believed_where_that_is_set() {
    let app = limited("Forwarded");
    let proxy = in_front_of(&app, WRITES_FORWARDED);
    assert_rates_hold(&app, &proxy.url());
}

#[test]
fn a_proxy_that_writes_one_address_is_believed_where_that_is_set() {
    let app = limited("x-real-ip");
    let proxy = in_front_of(&app, WRITES_REAL_IP);
    assert_rates_hold(&app, &proxy.url());
}

/// The negative control: a header that the proxy does not write is the client's own, and a server that trusts it
/// believes any client.
#[test]
fn a_header_that_the_proxy_does_not_write_can_be_forged() {
    for (believed, forgery) in [("Forwarded", "Forwarded: for=@"), ("X-Real-IP", "X-Real-IP: @")] {
        let mut app = limited(believed);
        let proxy = in_front_of(&app, ADDS);
        let url = proxy.url();
        let sale = Sale::start(&app, &url);
        let (accepted, _) = sale.flood(source(10), forgery);
        assert_eq!(accepted, 20, "{forgery} is believed");
        // Clients without this header are one client, and the log says why.
        sale.register(source(10), ("", ""));
        app.server.terminate();
        let log = app.server.stderr();
        assert_eq!(log.matches("CLIENT_ADDRESS_HEADER=x-forwarded-for").count(), 1, "{log}");
    }
}
