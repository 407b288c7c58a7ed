//! A server, browsers that show its pages, and the actions of people in them.

use crate::common::{App, Data};
use crate::driver::{browsers, session};
use booking_testkit::Lease;
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use std::ops::Deref;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The longest wait for anything. The slowest to come is the poll after several that failed.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Each browser is many processes; with more of them at once their tests would time out.
static BROWSERS: Semaphore = Semaphore::const_new(3);

/// Expands CSS in which `@name` is the element with that `data-testid`.
fn css(selector: &str) -> String {
    let mut parts = selector.split('@');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |css, part| {
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let (name, rest) = part.split_at(part.find(|c| !is_in_name(c)).unwrap_or(part.len()));
        format!("{css}[data-testid={name}]{rest}")
    })
}

/// A browser with the pages of a server open.
pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) url: String,
    /// Unless it was started for this test alone.
    pub(crate) lease: Option<Lease<'static>>,
    _turn: SemaphorePermit<'static>,
}

impl Browser {
    pub(crate) async fn start(url: &str) -> Self {
        let turn = BROWSERS.acquire().await.expect("it is never closed");
        Self::start_with(url, turn, json!({})).await
    }

    /// Two people. Both turns are taken at once: two tests with one browser each, and each in need of another,
    /// would wait for ever.
    pub(crate) async fn start_two(url: &str) -> (Self, Self) {
        let mut turn = BROWSERS.acquire_many(2).await.expect("it is never closed");
        let other = turn.split(1).expect("there are two");
        let start = |turn| Self::start_with(url, turn, json!({}));
        tokio::join!(start(turn), start(other))
    }

    /// With any options the browser is another than those that the tests share.
    async fn start_with(url: &str, turn: SemaphorePermit<'static>, options: Value) -> Self {
        let lease = (options == json!({})).then(|| browsers().lease());
        let client = session(options, lease.as_ref()).await;
        let browser = Self { client, url: url.to_owned(), lease, _turn: turn };
        browser.open("/").await;
        browser
    }

    pub(crate) async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.url);
        self.client.goto(&url).await.expect("the page is served");
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.expect("the page is there again");
    }

    pub(crate) async fn wait(&self, selector: &str) -> Element {
        let wait = self.client.wait().at_most(WITHIN).every(LOOK_EVERY);
        match wait.for_element(Locator::Css(&css(selector))).await {
            Ok(element) => element,
            Err(error) => {
                let page = self.js("return document.body.innerText").await;
                panic!("{selector}: {error}. The page says: {page}")
            }
        }
    }

    /// Waits for an element and asks something of it; once more if the page has replaced it meanwhile.
    async fn of<T>(&self, selector: &str, ask: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        let began = Instant::now();
        loop {
            match ask(self.wait(selector).await).await {
                Ok(answer) => return answer,
                Err(CmdError::Standard(error))
                    if began.elapsed() < WITHIN
                        && error.error == ErrorStatus::StaleElementReference => {}
                Err(error) => panic!("{selector}: {error}"),
            }
        }
    }

    pub(crate) async fn text(&self, selector: &str) -> String {
        self.of(selector, async |element| element.text().await).await
    }

    pub(crate) async fn attribute(&self, selector: &str, name: &str) -> String {
        let value = self.of(selector, async |element| element.attr(name).await).await;
        value.unwrap_or_else(|| panic!("{selector} has no {name}"))
    }

    pub(crate) async fn value(&self, field: &str) -> String {
        let input = format!("#field-{field}");
        let value = self.of(&input, async |element| element.prop("value").await).await;
        value.unwrap_or_else(|| panic!("{input} has no value"))
    }

    pub(crate) async fn is_shown(&self, selector: &str) -> bool {
        let script = format!(
            "return [...document.querySelectorAll(`{}`)].some((one) => one.checkVisibility())",
            css(selector)
        );
        self.js(&script).await == true
    }

    pub(crate) async fn wait_until_gone(&self, selector: &str) {
        self.wait(&format!("body:not(:has({}))", css(selector))).await;
    }

    /// The time that a countdown shows.
    pub(crate) async fn seconds(&self, selector: &str) -> u64 {
        let seconds = self.attribute(&format!("{selector}[data-seconds]"), "data-seconds").await;
        seconds.parse().expect("a number")
    }

    /// Waits until a countdown has gone on.
    pub(crate) async fn until_below(&self, selector: &str, seconds: u64) {
        let began = Instant::now();
        while self.seconds(selector).await >= seconds {
            assert!(began.elapsed() < WITHIN, "{selector} does not count down");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn outcome(&self, kind: &str) {
        self.wait(&format!("@outcome[data-outcome={kind}]")).await;
    }

    pub(crate) async fn meter(&self, booked: u32, capacity: u32) {
        let of_capacity = format!("[data-capacity='{capacity}'][aria-valuemax='{capacity}']");
        let of_booked = format!("[data-booked='{booked}'][aria-valuenow='{booked}']");
        self.wait(&format!("@seat-meter{of_booked}{of_capacity}")).await;
        let text = self.text("@seats-text").await;
        assert!(text.starts_with(&format!("{booked} of {capacity} ")), "{text}");
    }

    /// Clicks as soon as there is an element to click: pages replace elements, and those in sight may still move.
    pub(crate) async fn click(&self, selector: &str) {
        let began = Instant::now();
        loop {
            match self.wait(selector).await.click().await {
                Ok(()) => return,
                Err(CmdError::Standard(error))
                    if began.elapsed() < WITHIN
                        && matches!(
                            error.error,
                            ErrorStatus::ElementNotInteractable
                                | ErrorStatus::ElementClickIntercepted
                                | ErrorStatus::StaleElementReference
                        ) =>
                {
                    // The bar at the foot of a page may cover the element: people scroll on.
                    if error.error == ErrorStatus::ElementClickIntercepted {
                        let element = css(selector);
                        let script = format!(
                            "document.querySelector(`{element}`)?.scrollIntoView({{block: 'center'}})"
                        );
                        self.js(&script).await;
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(error) => panic!("{selector} cannot be clicked: {error}"),
            }
        }
    }

    pub(crate) async fn fill(&self, field: &str, text: &str) {
        self.of(&format!("#field-{field}"), async |input| {
            input.click().await?;
            input.clear().await?;
            input.send_keys(text).await
        })
        .await;
    }

    /// For values that are chosen rather than typed: how that is done differs with the browser's language.
    pub(crate) async fn choose(&self, field: &str, value: &str) {
        let input = self.wait(&format!("#field-{field}")).await;
        let input = serde_json::to_value(input).expect("an element");
        let script = "const [input, value] = arguments;
            input.focus();
            input.value = value;
            input.dispatchEvent(new Event('input', {bubbles: true}));
            input.dispatchEvent(new Event('change', {bubbles: true}));
            return input.value === value;";
        let chosen = self.client.execute(script, vec![input, json!(value)]).await;
        assert_eq!(chosen.expect("the script runs"), true, "{field} has no {value}");
    }

    pub(crate) async fn create(&self, name: &str, description: &str, capacity: &str) {
        self.fill("name", name).await;
        self.fill("description", description).await;
        self.fill("capacity", capacity).await;
        self.click("@create-form button").await;
    }

    pub(crate) async fn register(&self, email: &str, outcome: &str) {
        self.fill("user_email", email).await;
        self.click("@register-form button").await;
        self.outcome(outcome).await;
    }

    /// The result has replaced the form: for the next person a new one is needed.
    pub(crate) async fn register_another(&self) {
        self.click("@register-another").await;
        self.wait("#field-user_email:focus").await;
    }

    /// Types on the keyboard, into the focused element.
    pub(crate) async fn press(&self, keys: &str) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.expect("keys can be pressed");
    }

    pub(crate) async fn tab_to(&self, selector: &str) {
        let focused = css(&format!("{selector}:focus-visible"));
        for _ in 0..30 {
            self.press(&Key::Tab).await;
            if self.client.find(Locator::Css(&focused)).await.is_ok() {
                return;
            }
        }
        panic!("the keyboard does not reach {selector}");
    }

    /// Restores the setting from before.
    pub(crate) async fn tab_back(&self) {
        let [shift, tab] = [Key::Shift, Key::Tab].map(char::from);
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: shift })
            .then(KeyAction::Down { value: tab })
            .then(KeyAction::Up { value: tab })
            .then(KeyAction::Up { value: shift });
        self.client.perform_actions(actions).await.expect("keys can be pressed");
    }

    pub(crate) async fn enter(&self, keys: &str) {
        self.press(&format!("{keys}{}", Key::Enter)).await;
    }

    pub(crate) async fn js(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.expect("the script runs")
    }

    /// A script that calls its first argument when it is done.
    pub(crate) async fn js_async(&self, script: &str) -> Value {
        self.client.execute_async(script, vec![]).await.expect("the script runs")
    }

    /// Waits until a script says true.
    pub(crate) async fn until(&self, script: &str) {
        let began = Instant::now();
        while self.js(script).await != true {
            assert!(began.elapsed() < WITHIN, "it never came true: {script}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The field is marked, and its error is in sight and linked to it for screen readers.
    pub(crate) async fn assert_refused(&self, field: &str, error: &str) {
        let shown = format!("[aria-invalid=true][aria-describedby~=field-{field}-error]");
        self.wait(&format!("#field-{field}{shown}")).await;
        // A hidden element has no text.
        assert_eq!(self.text(&format!("@error-{field}")).await, error);
    }

    pub(crate) async fn end(self) {
        assert_eq!(self.complaints().await, Vec::<Value>::new());
        self.client.close().await.expect("the session ends");
        if let Some(lease) = self.lease {
            lease.give_back();
        }
    }
}

/// A server with no data yet, and a browser that looks at it.
pub(crate) struct Page {
    pub(crate) app: App,
    pub(crate) browser: Browser,
}

impl Page {
    pub(crate) async fn start() -> Self {
        Self::start_with(Data::sqlite(), json!({})).await
    }

    pub(crate) async fn start_with(data: Data, options: Value) -> Self {
        let turn = BROWSERS.acquire().await.expect("it is never closed");
        Self::start_on(App::start(data), options, turn).await
    }

    /// A server with settings of its own.
    pub(crate) async fn start_set(settings: &[(&'static str, &str)]) -> Self {
        Self::start_set_on(Data::sqlite(), settings).await
    }

    pub(crate) async fn start_set_on(data: Data, settings: &[(&'static str, &str)]) -> Self {
        let turn = BROWSERS.acquire().await.expect("it is never closed");
        Self::start_on(App::start_with(data, settings), json!({}), turn).await
    }

    async fn start_on(app: App, options: Value, turn: SemaphorePermit<'static>) -> Self {
        let browser = Browser::start_with(app.url(), turn, options).await;
        Self { app, browser }
    }

    pub(crate) async fn end(self) {
        self.browser.end().await;
    }
}

impl Deref for Page {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}
