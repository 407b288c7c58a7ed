//! The pages in a real browser, served by the real server.

mod common;

use booking_testkit::ChromeDriver;
use common::{App, Data, http, start_on};
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Deserializer, Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The longest wait for anything. The slowest to come is the poll after several that failed.
const WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Each browser is many processes; with more of them at once they would time each other out.
static BROWSERS: Semaphore = Semaphore::const_new(2);

fn driver() -> &'static ChromeDriver {
    static DRIVER: OnceLock<ChromeDriver> = OnceLock::new();
    DRIVER.get_or_init(ChromeDriver::start)
}

/// CSS from CSS in which `@name` stands for what has that `data-testid`.
fn css(selector: &str) -> String {
    let mut parts = selector.split('@');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |css, part| {
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let (name, rest) = part.split_at(part.find(|c| !is_in_name(c)).unwrap_or(part.len()));
        format!("{css}[data-testid={name}]{rest}")
    })
}

/// A server with no data yet, and a browser that looks at it.
struct Page {
    app: App,
    client: Client,
    _turn: SemaphorePermit<'static>,
}

impl Page {
    async fn start() -> Self {
        Self::start_with(Data::sqlite(), json!({})).await
    }

    async fn start_with(data: Data, mut options: Value) -> Self {
        let turn = BROWSERS.acquire().await.expect("it is never closed");
        options["args"] = json!(driver().browser_arguments());
        if let Some(program) = driver().browser() {
            options["binary"] = json!(program);
        }
        let capabilities =
            json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().expect("it is one").clone())
            .connect(driver().url())
            .await
            .expect("a browser starts");
        let page = Self { app: App::start(data), client, _turn: turn };
        page.open("/").await;
        page
    }

    async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.app.url());
        self.client.goto(&url).await.expect("the page is served");
    }

    async fn wait(&self, selector: &str) -> Element {
        let wait = self.client.wait().at_most(WITHIN).every(LOOK_EVERY);
        match wait.for_element(Locator::Css(&css(selector))).await {
            Ok(element) => element,
            Err(error) => {
                let page = self.js("return document.body.innerText").await;
                panic!("{selector}: {error}. The page says: {page}")
            }
        }
    }

    async fn text(&self, selector: &str) -> String {
        self.wait(selector).await.text().await.expect("it has a text")
    }

    async fn outcome(&self, kind: &str) {
        self.wait(&format!("@outcome[data-outcome={kind}]")).await;
    }

    async fn meter(&self, booked: u32, capacity: u32) {
        let of_capacity = format!("[data-capacity='{capacity}'][aria-valuemax='{capacity}']");
        let of_booked = format!("[data-booked='{booked}'][aria-valuenow='{booked}']");
        self.wait(&format!("@seat-meter{of_booked}{of_capacity}")).await;
        let text = self.text("@seats-text").await;
        assert!(text.starts_with(&format!("{booked} of {capacity} ")), "{text}");
    }

    async fn click(&self, selector: &str) {
        self.wait(selector).await.click().await.expect("it can be clicked");
    }

    async fn fill(&self, field: &str, text: &str) {
        let input = self.wait(&format!("#field-{field}")).await;
        input.click().await.expect("it can be clicked");
        input.clear().await.expect("it can be emptied");
        input.send_keys(text).await.expect("it can be typed into");
    }

    async fn create(&self, name: &str, description: &str, capacity: &str) {
        self.fill("name", name).await;
        self.fill("description", description).await;
        self.fill("capacity", capacity).await;
        self.click("@create-form button").await;
    }

    async fn register(&self, email: &str, outcome: &str) {
        self.fill("user_email", email).await;
        self.click("@register-form button").await;
        self.outcome(outcome).await;
    }

    /// Types on the keyboard, to wherever the focus is.
    async fn press(&self, keys: &str) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.expect("keys can be pressed");
    }

    async fn tab_to(&self, selector: &str) {
        let focused = css(&format!("{selector}:focus-visible"));
        for _ in 0..30 {
            self.press(&Key::Tab).await;
            if self.client.find(Locator::Css(&focused)).await.is_ok() {
                return;
            }
        }
        panic!("the keyboard does not reach {selector}");
    }

    async fn enter(&self, keys: &str) {
        self.press(&format!("{keys}{}", Key::Enter)).await;
    }

    async fn js(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.expect("the script runs")
    }

    /// The field is marked, and its error is in sight and told to screen readers with it.
    async fn assert_refused(&self, field: &str, error: &str) {
        let told = format!("[aria-invalid=true][aria-describedby~=field-{field}-error]");
        self.wait(&format!("#field-{field}{told}")).await;
        // A hidden element has no text.
        assert_eq!(self.text(&format!("@error-{field}")).await, error);
    }

    /// What the console has got since the last time, but for API requests without success: the
    /// browser notes those down, whatever a page makes of them.
    async fn complaints(&self) -> Vec<Value> {
        let session = self.client.session_id().await.expect("it answers").expect("a session");
        let (body, mut stream) = (r#"{"type":"browser"}"#, http::connect(driver().url()));
        let head = format!("POST /session/{session}/se/log HTTP/1.1\r\nHost: localhost\r\n");
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        let mut answer = BufReader::new(stream);
        answer.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
        // Not to the end: the driver keeps the connection open, however nicely it is asked.
        let answer = Deserializer::from_reader(answer).into_iter::<Value>().next();
        let answer = answer.expect("there is a body").expect("it is JSON");
        let entries = answer["value"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
        let api = format!("{}/events", self.app.url());
        let is_of_api = |message: &Value| message.as_str().is_some_and(|m| m.starts_with(&api));
        let others = entries.filter(|e| e["source"] != "network" || !is_of_api(&e["message"]));
        others.cloned().collect()
    }

    async fn end(self) {
        assert_eq!(self.complaints().await, Vec::<Value>::new());
        self.client.close().await.expect("the browser ends");
    }
}

#[tokio::test]
async fn with_a_mouse_an_event_is_put_up_and_filled() {
    let page = Page::start().await;
    assert!(page.text("@empty").await.starts_with("No events yet"));
    page.click("@empty a").await;
    page.create("Evening of jazz", "Doors open at 7.", "2").await;
    assert_eq!(page.text("h1@event-name").await, "Evening of jazz");
    page.meter(0, 2).await;
    page.register("Ada@example.org", "registered").await;
    assert_eq!(page.text("@registered-email").await, "ada@example.org");
    assert_eq!(page.text("@registration-id").await.len(), 36);
    assert_eq!(page.text("@place strong").await, "1");
    page.meter(1, 2).await;

    page.register("ada@example.org", "already_registered").await;
    page.register("grace@example.org", "registered").await;
    page.meter(2, 2).await;
    page.register("late@example.org", "sold_out").await;

    page.click("@registrations summary").await;
    assert!(page.text("@registration").await.starts_with("ada@example.org"));
    assert!(page.text("@registration + @registration").await.starts_with("grace@example.org"));
    page.click("nav [data-route=list]").await;
    page.wait("@event-card").await;
    page.meter(2, 2).await;
    page.app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn with_a_keyboard_an_event_is_put_up_and_filled() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    page.wait("@empty").await;
    page.tab_to(".skip-link").await;
    page.enter("").await;
    page.wait("main:focus").await;
    page.tab_to("@empty a").await;
    page.enter("").await;
    // The focus follows into each new view, or a keyboard would start over at the top every time.
    page.wait("h1#create-title:focus").await;
    page.tab_to("#field-name").await;
    page.press("Chess night").await;
    page.tab_to("#field-capacity").await;
    page.press("1").await;
    page.tab_to("@create-form button").await;
    page.press(&Key::Space).await;

    page.wait("h1@event-name:focus").await;
    page.meter(0, 1).await;
    page.tab_to("#field-user_email").await;
    page.enter("ada@example.org").await;
    page.outcome("registered").await;
    page.meter(1, 1).await;
    // The field has kept the focus, and is empty again.
    page.enter("ada@example.org").await;
    page.outcome("already_registered").await;
    page.press(&Key::Backspace.repeat("ada@example.org".len())).await;
    page.enter("late@example.org").await;
    page.outcome("sold_out").await;
    page.tab_to("@registrations summary").await;
    page.enter("").await;
    assert!(page.text("@registration").await.starts_with("ada@example.org"));
    page.end().await;
}

#[tokio::test]
async fn what_others_do_is_seen_without_loading_anew() {
    let page = Page::start().await;
    let event = page.app.create(30);
    page.open(&format!("/#/events/{event}")).await;
    page.meter(0, 30).await;
    page.js("window.isSameDocument = true").await;
    assert_eq!(page.app.register(&event, "ada@example.org").status, 201);
    page.meter(1, 30).await;

    page.click("nav [data-route=list]").await;
    page.wait("@event-card").await;
    page.meter(1, 30).await;
    assert_eq!(page.app.register(&event, "grace@example.org").status, 201);
    page.meter(2, 30).await;
    let newer = page.app.create(5);
    page.wait(&format!("[data-event-id='{newer}'] + [data-event-id='{event}']")).await;
    assert_eq!(page.js("return window.isSameDocument").await, true);
    page.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field() {
    let page = Page::start().await;
    page.open("/#/new").await;
    page.click("@create-form button").await;
    page.outcome("invalid").await;
    page.assert_refused("name", "Give the event a name.").await;
    page.assert_refused("capacity", "Give the seats as a whole number, such as 40.").await;
    page.wait("#field-name:focus").await;
    // What only the server refuses ends up in the same places.
    page.create("A meeting of nobody", "", "0").await;
    page.wait("#field-name:not([aria-invalid])").await;
    page.wait("#field-capacity:focus").await;
    page.assert_refused("capacity", "Must be a whole number from 1 to 100000.").await;
    assert_eq!(page.app.get("/events").json(), json!([]));

    let event = page.app.create(1);
    page.open(&format!("/#/events/{event}")).await;
    page.register("not an address", "invalid").await;
    page.wait("#field-user_email:focus").await;
    page.assert_refused("user_email", "Must be an e-mail address such as name@example.org.").await;
    let registrations = format!("/events/{event}/registrations");
    assert_eq!(page.app.get(&registrations).json(), json!([]));
    page.register("ada@example.org", "registered").await;
    page.wait("#field-user_email:not([aria-invalid])").await;
    page.end().await;
}

#[tokio::test]
async fn what_somebody_typed_is_text_and_nothing_else() {
    const HOSTILE: &str = "<img src=x onerror=alert(ran=1)><script>ran=1</script>&lt;";
    let page = Page::start().await;
    page.open("/#/new").await;
    page.create(HOSTILE, HOSTILE, "3").await;
    assert_eq!(page.text("h1@event-name").await, HOSTILE);
    assert_eq!(page.text("@event .description").await, HOSTILE);
    assert_eq!(page.client.title().await.expect("a title"), format!("{HOSTILE} · Booking"));
    page.open("/#/").await;
    assert_eq!(page.text("@event-card @event-name").await, HOSTILE);
    let made = "return [document.querySelectorAll('main :is(img, script)').length, window.ran]";
    assert_eq!(page.js(made).await, json!([0, null]));
    let dialog = page.client.get_alert_text().await;
    assert!(dialog.as_ref().is_err_and(CmdError::is_no_such_alert), "{dialog:?}");
    page.end().await;
}

#[tokio::test]
async fn a_server_that_dies_is_told_and_so_is_its_return() {
    let mut page = Page::start().await;
    let event = page.app.create(3);
    page.open(&format!("/#/events/{event}")).await;
    page.meter(0, 3).await;
    page.app.server.kill9();
    let band = page.text("@offline").await;
    assert!(band.starts_with("Offline — last updated "), "{band}");
    // What was known stays in sight, and what cannot be known is not made up.
    page.meter(0, 3).await;
    page.register("ada@example.org", "unknown").await;

    let port = page.app.url().rsplit(':').next().expect("a port").to_owned();
    page.app.server = start_on(&page.app.data, &[("PORT", &port)]);
    page.wait("body:not(:has(@offline))").await;
    page.click("@outcome button").await;
    page.outcome("registered").await;
    page.meter(1, 3).await;
    page.end().await;
}

#[tokio::test]
async fn a_narrow_phone_never_scrolls_sideways() {
    let phone = json!({"deviceMetrics": {"width": 320, "height": 640, "pixelRatio": 2.0}});
    let page = Page::start_with(Data::sqlite(), json!({"mobileEmulation": phone})).await;
    // Not compared to `innerWidth`: a phone zooms out, and grows that, when something is too wide.
    let assert_fits = async |view: &str| {
        assert_eq!(page.js("return document.documentElement.scrollWidth").await, 320, "{view}");
    };
    page.wait("@empty").await;
    assert_fits("no events").await;
    let long = "Donaudampfschifffahrtsgesellschaft".repeat(5);
    let body = json!({"name": long, "description": long.repeat(5), "capacity": 100_000});
    let event = page.app.post("/events", &body).json();
    page.wait("@event-card").await;
    assert_fits("the list").await;
    page.open("/#/new").await;
    page.click("@create-form button").await;
    page.outcome("invalid").await;
    assert_fits("the form").await;
    page.open(&format!("/#/events/{}", event["id"].as_str().expect("an id"))).await;
    page.register(&format!("{}@example.org", "a".repeat(60)), "registered").await;
    page.click("@registrations summary").await;
    page.wait("@registration").await;
    assert_fits("the event").await;
    page.end().await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_says_so() {
    let page = Page::start().await;
    for (view, title) in [
        ("events/00000000-0000-7000-8000-000000000000", "Event not found"),
        ("events/%3Cb%3E", "Event not found"),
        ("nowhere", "Page not found"),
    ] {
        page.open(&format!("/#/{view}")).await;
        assert_eq!(page.text("@not-found h1").await, title, "{view}");
        page.click("@not-found a").await;
        page.wait("@empty").await;
    }
    page.end().await;
}

#[tokio::test]
async fn the_pages_keep_to_their_policy() {
    let page = Page::start().await;
    let event = page.app.create(2);
    for path in ["/#/new", &format!("/#/events/{event}"), "/problems", "/"] {
        page.open(path).await;
        page.wait("h1").await;
    }
    assert_eq!(page.complaints().await, Vec::<Value>::new());
    // Were a script smuggled in after all, it would not run; and a complaint would be seen here.
    let smuggle = "const script = document.createElement('script');
        script.text = 'window.ran = 1';
        return (document.body.append(script), window.ran)";
    assert_eq!(page.js(smuggle).await, Value::Null);
    let complaints = page.complaints().await;
    assert!(complaints.iter().any(|entry| entry["source"] == "security"), "{complaints:?}");
    page.end().await;
}
