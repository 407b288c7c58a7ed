//! Browsers that many tests use, one after another.

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use booking_testkit::{Browsers, Lease};
use serde_json::{Deserializer, Value, json};

use common::eventually;

/// What a page can learn of earlier users of the browser. The last argument is the new mark.
const STATE: &str = "const done = arguments[arguments.length - 1];
    (async () => ({
        storage: localStorage.length,
        cookies: document.cookie,
        caches: await caches.keys(),
        databases: (await indexedDB.databases()).length,
        workers: (await navigator.serviceWorker.getRegistrations()).length,
        permission: (await navigator.permissions.query({name: 'geolocation'})).state,
        size: [outerWidth, outerHeight],
        width: innerWidth,
        dark: matchMedia('(prefers-color-scheme: dark)').matches,
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        online: navigator.onLine,
    }))().then(done, (error) => done(String(error)));";

const LEAVE_MARKS: &str = "const done = arguments[arguments.length - 1];
    (async () => {
        localStorage.setItem('mark', '1');
        document.cookie = 'mark=1; max-age=3600';
        await caches.open('mark');
        await new Promise((resolve) => indexedDB.open('mark').onsuccess = resolve);
        await navigator.serviceWorker.register('/worker.js');
        await navigator.serviceWorker.ready;
        return 'done';
    })().then(done, (error) => done(String(error)));";

/// Fetches a cacheable answer that counts its requests.
const COUNTED: &str = "const done = arguments[arguments.length - 1];
    fetch('/counted').then((answer) => answer.text()).then(done, (error) => done(String(error)));";

#[test]
fn nothing_of_one_lease_is_in_the_next() {
    let (browsers, site) = (Browsers::start(), site());
    let first = browsers.lease();
    let (address, pid) = (first.address().to_owned(), first.pid());
    let session = Session::start(&browsers, &first);
    session.open(&site);
    let fresh = session.run(STATE);
    assert_eq!(fresh["storage"], 0, "{fresh}");
    let counted = session.run(COUNTED);
    assert_eq!(session.run(COUNTED), counted, "the answer is kept");

    assert_eq!(session.run(LEAVE_MARKS), "done");
    session.ask("POST", "/window/rect", &json!({"width": 600, "height": 700}));
    let target = session.cdp("Target.getTargetInfo", &json!({}));
    let granted = json!({
        "permission": {"name": "geolocation"}, "setting": "granted", "origin": site,
        "browserContextId": target["targetInfo"]["browserContextId"],
    });
    session.cdp("Browser.setPermission", &granted);
    let size = json!({"width": 320, "height": 800, "deviceScaleFactor": 1, "mobile": false});
    session.cdp("Emulation.setDeviceMetricsOverride", &size);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    session.cdp("Emulation.setEmulatedMedia", &dark);
    session.cdp("Emulation.setTimezoneOverride", &json!({"timezoneId": "Asia/Kathmandu"}));
    let conditions = json!({
        "offline": true, "latency": 0, "download_throughput": -1, "upload_throughput": -1,
    });
    let plug = json!({"network_conditions": conditions});
    session.ask("POST", "/chromium/network_conditions", &plug);
    // Each mark can be seen, or it would prove nothing that the next lease does not see it.
    let is_marked = |(name, value): (&String, &Value)| fresh[name] != *value;
    let mut marked = Value::Null;
    let all = eventually(|| {
        marked = session.run(STATE);
        marked.as_object().is_some_and(|marked| marked.iter().all(is_marked))
    });
    assert!(all, "{marked} is not all other than {fresh}");
    session.end();
    first.give_back();

    let second = browsers.lease();
    assert_eq!((second.address(), second.pid()), (&*address, pid), "it is the same browser");
    let session = Session::start(&browsers, &second);
    session.open(&site);
    assert_eq!(session.run(STATE), fresh);
    assert_ne!(session.run(COUNTED), counted, "another's kept answer is used");
    session.end();
    second.give_back();
}

#[test]
fn windows_of_one_lease_share_what_is_stored() {
    let (browsers, site) = (Browsers::start(), site());
    let lease = browsers.lease();
    let session = Session::start(&browsers, &lease);
    session.open(&site);
    assert_eq!(session.run(LEAVE_MARKS), "done");
    session.ask("POST", "/window", &json!({"handle": lease.open_window()}));
    session.open(&site);
    assert_eq!(session.run(STATE)["storage"], 1);
    session.end();
    let pid = lease.pid();
    lease.give_back();
    assert_eq!(browsers.lease().pid(), pid);
}

#[test]
fn a_browser_that_dies_fails_only_its_own_test() {
    let (browsers, site) = (Browsers::start(), site());
    let (one, other) = (browsers.lease(), browsers.lease());
    assert_ne!(one.pid(), other.pid(), "nobody shares one at the same time");
    let session = Session::start(&browsers, &other);
    let dead = one.pid();
    kill(dead);
    session.open(&site);
    assert_eq!(session.run(LEAVE_MARKS), "done");
    session.end();
    one.give_back();
    let idle = other.pid();
    other.give_back();
    let other = browsers.lease();
    assert_eq!(other.pid(), idle, "the dead one is not lent again");

    other.give_back();
    kill(idle);
    let another = browsers.lease();
    assert_ne!(another.pid(), idle);
    Session::start(&browsers, &another).end();
}

#[test]
fn a_lease_that_is_not_returned_ends_its_browser() {
    let browsers = Browsers::start();
    let lease = browsers.lease();
    let pid = lease.pid();
    assert!(runs(pid));
    let panic = thread::scope(|scope| {
        scope
            .spawn(move || {
                let _lease = lease;
                panic!("as a test does");
            })
            .join()
    });
    assert!(panic.is_err() && !runs(pid));
    assert_ne!(browsers.lease().pid(), pid);
}

#[test]
fn a_browser_with_leftovers_is_not_reused() {
    let browsers = Browsers::start();
    let lease = browsers.lease();
    let pid = lease.pid();
    let window = send(lease.address(), "PUT", "/json/new?about:blank", &Value::Null);
    assert_eq!(window["type"], "page", "{window}");
    lease.give_back();
    assert!(!runs(pid));
    assert_ne!(browsers.lease().pid(), pid);
}

#[test]
fn no_browser_outlives_the_process_that_borrowed_it() {
    let mut child = common::start_child("the_child_that_gets_killed", "yes");
    let announced = child.wait_for("browsers ");
    child.kill();
    for pid in announced.split(' ').map(|pid| pid.parse().expect("a number")) {
        assert!(eventually(|| !runs(pid)), "a browser is left");
    }
}

/// Not a test by itself: the process that the test above kills.
#[test]
fn the_child_that_gets_killed() {
    if common::child_role().is_none() {
        return;
    }
    let browsers = Browsers::start();
    let (borrowed, idle) = (browsers.lease(), browsers.lease());
    let pids = (borrowed.pid(), idle.pid());
    idle.give_back();
    println!("browsers {} {}", pids.0, pids.1);
    thread::sleep(Duration::from_mins(1));
}

/// A session of the driver in a borrowed browser.
struct Session<'a> {
    driver: &'a str,
    path: String,
}

impl<'a> Session<'a> {
    fn start(browsers: &'a Browsers, lease: &Lease<'_>) -> Self {
        let driver = browsers.driver().url().strip_prefix("http://").expect("it is a URL");
        let options = json!({"goog:chromeOptions": {"debuggerAddress": lease.address()}});
        let body = json!({"capabilities": {"alwaysMatch": options}});
        let answer = send(driver, "POST", "/session", &body);
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let session = Self { driver, path: format!("/session/{id}") };
        session.ask("POST", "/window", &json!({"handle": lease.window()}));
        session
    }

    fn ask(&self, method: &str, below: &str, body: &Value) -> Value {
        let answer = send(self.driver, method, &format!("{}{below}", self.path), body);
        assert_eq!(answer["value"]["error"], Value::Null, "{answer}");
        answer["value"].clone()
    }

    fn open(&self, url: &str) {
        self.ask("POST", "/url", &json!({"url": url}));
    }

    fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/async", &json!({"script": script, "args": []}))
    }

    fn cdp(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    fn end(self) {
        self.ask("DELETE", "", &Value::Null);
    }
}

fn send(address: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it is not zero");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut answer = BufReader::new(stream);
    let head = answer.by_ref().lines().map_while(Result::ok);
    assert!(head.take_while(|line| !line.is_empty()).count() > 0, "it closed");
    // Not to the end: the connection stays open.
    let answer = Deserializer::from_reader(answer).into_iter::<Value>().next();
    answer.expect("there is a body").expect("it is JSON")
}

/// A site with a page, a worker, and a cacheable answer; its address.
fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    // It ends with the tests.
    thread::spawn(move || {
        let requests = AtomicU32::new(0);
        thread::scope(|scope| {
            for stream in listener.incoming().map_while(Result::ok) {
                scope.spawn(|| answer(stream, &requests));
            }
        });
    });
    url
}

/// Answers one request. Browsers also connect without sending, to be quicker later.
fn answer(mut stream: TcpStream, requests: &AtomicU32) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    lines.take_while(|line| !line.is_empty()).count();
    let (status, kind, body) = match request.split(' ').nth(1) {
        Some("/") => ("200 OK", "text/html", "<!doctype html><title>Site</title>".to_owned()),
        Some("/worker.js") => ("200 OK", "text/javascript", "// It only is there.".to_owned()),
        Some("/counted") => {
            ("200 OK", "text/plain", requests.fetch_add(1, Ordering::Relaxed).to_string())
        }
        _ => ("404 Not Found", "text/plain", String::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n");
    let length = body.len();
    let cached = "Cache-Control: max-age=3600\r\n";
    // The browser may have closed the connection.
    let _ = write!(stream, "{head}{cached}Content-Length: {length}\r\n\r\n{body}");
}

fn kill(pid: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status();
    assert!(status.is_ok_and(|status| status.success()));
}

fn runs(pid: u32) -> bool {
    Command::new("sh")
        .args(["-c", &format!("kill -0 {pid} 2>/dev/null")])
        .status()
        .is_ok_and(|status| status.success())
}
