//! The browsers that all tests share, and helpers for what WebDriver lacks.

use crate::common::http;
use crate::harness::Browser;
use booking_testkit::{Browsers, Lease};
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Deserializer, Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::sync::OnceLock;

pub(crate) fn browsers() -> &'static Browsers {
    static BROWSERS: OnceLock<Browsers> = OnceLock::new();
    BROWSERS.get_or_init(Browsers::start)
}

/// A session in a borrowed browser, or else in one that is started with these options.
pub(crate) async fn session(mut options: Value, lease: Option<&Lease<'_>>) -> Client {
    let driver = browsers().driver();
    if let Some(lease) = lease {
        options["debuggerAddress"] = json!(lease.address());
    } else {
        options["args"] = json!(driver.browser_arguments());
        options["binary"] = json!(driver.browser());
    }
    let capabilities =
        json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities.as_object().expect("it is one").clone())
        .connect(driver.url())
        .await
        .expect("a browser starts");
    if let Some(lease) = lease {
        switch_to(&client, lease.window().to_owned()).await;
    }
    client
}

async fn switch_to(client: &Client, window: String) {
    let window = WindowHandle::try_from(window).expect("it has a handle");
    client.switch_to_window(window).await.expect("it is there");
}

impl Browser {
    /// Continues in another window of the same person, until that is closed.
    pub(crate) async fn open_window(&self) {
        let lease = self.lease.as_ref().expect("the browser is one of those that are shared");
        switch_to(&self.client, lease.open_window()).await;
    }

    /// A command that WebDriver does not have.
    async fn driver(&self, method: &str, below: &str, body: &Value) -> Value {
        let session = self.client.session_id().await.expect("it answers").expect("a session");
        let (body, mut stream) = (body.to_string(), http::connect(browsers().driver().url()));
        let head = format!("{method} /session/{session}{below} HTTP/1.1\r\nHost: localhost\r\n");
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        let mut answer = BufReader::new(stream);
        answer.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
        // Not to the end: the driver holds the connection open, even if it is asked to close it.
        let answer = Deserializer::from_reader(answer).into_iter::<Value>().next();
        let answer = answer.expect("there is a body").expect("it is JSON");
        assert_eq!(answer["value"]["error"], Value::Null, "{answer}");
        answer["value"].clone()
    }

    /// A command of the protocol of Chromium's own developer tools.
    pub(crate) async fn cdp(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.driver("POST", "/goog/cdp/execute", &body).await
    }

    /// Takes this page's network offline, or back online.
    pub(crate) async fn set_offline(&self, offline: bool) {
        let conditions = json!({"offline": offline, "latency": 0, "download_throughput": -1, "upload_throughput": -1});
        let body = json!({"network_conditions": conditions});
        self.driver("POST", "/chromium/network_conditions", &body).await;
        self.until(&format!("return navigator.onLine !== {offline}")).await;
    }

    /// The lines of the console since the last call, but for API requests without success: the browser logs those,
    /// however a page handles them.
    pub(crate) async fn complaints(&self) -> Vec<Value> {
        let entries = self.driver("POST", "/se/log", &json!({"type": "browser"})).await;
        let entries = entries.as_array().unwrap_or_else(|| panic!("{entries}")).clone();
        // The page of a draft, too: it is there for its organizer's scripts alone.
        let routes = ["e", "events", "live", "organizer", "registrations", "tickets"];
        let api = routes.map(|route| format!("{}/{route}", self.url));
        let is_of_api = |message: &Value| {
            message.as_str().is_some_and(|m| api.iter().any(|a| m.starts_with(a)))
        };
        let is_reported =
            |entry: &Value| entry["source"] != "network" || !is_of_api(&entry["message"]);
        entries.into_iter().filter(is_reported).collect()
    }
}
