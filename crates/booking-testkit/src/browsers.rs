//! Browsers that are started once for many tests, each of which sees nothing of the others.

use std::path::PathBuf;
use std::sync::Mutex;

use crate::chrome::ChromeDriver;
use crate::chromium::Chromium;

/// The most idle browsers that wait for a test. Further ones end when they are returned.
const IDLE_MAX: usize = 4;

/// A chromedriver, and the browsers that tests have borrowed and returned. Starting one costs more than many a test
/// does in it.
#[derive(Debug)]
pub struct Browsers {
    driver: ChromeDriver,
    program: PathBuf,
    idle: Mutex<Vec<Chromium>>,
}

impl Browsers {
    /// Starts chromedriver, and no browser yet.
    ///
    /// # Panics
    ///
    /// As [`ChromeDriver::start`] does, and if there is no browser.
    #[must_use]
    pub fn start() -> Self {
        let driver = ChromeDriver::start();
        let program = driver.browser().expect(
            "no Chromium on the PATH: install it (Debian: chromium), or name it in CHROME; \
             scripts/test.sh installs it where it may",
        );
        Self { driver, program, idle: Mutex::default() }
    }

    /// The driver, which makes sessions in these browsers and, for tests that start theirs differently, in new
    /// ones.
    #[must_use]
    pub fn driver(&self) -> &ChromeDriver {
        &self.driver
    }

    /// Borrows a browser, which no other test uses meanwhile, with a window of new storage, cookies, cache, workers
    /// and permissions. There are as many browsers as have been borrowed at once.
    ///
    /// # Panics
    ///
    /// If a browser does not start.
    #[must_use]
    pub fn lease(&self) -> Lease<'_> {
        loop {
            let idle = self.idle.lock().expect("nothing panics while it holds this lock").pop();
            let is_new = idle.is_none();
            let chromium = idle.unwrap_or_else(|| Chromium::start(&self.program));
            match chromium.open_context() {
                Ok((context, window)) => {
                    return Lease { browsers: self, chromium, context, window };
                }
                // It has died while it was idle.
                Err(error) => assert!(!is_new, "a new browser opens no window: {error}"),
            }
        }
    }

    fn keep(&self, chromium: Chromium) {
        let mut idle = self.idle.lock().expect("nothing panics while it holds this lock");
        if idle.len() < IDLE_MAX {
            idle.push(chromium);
        }
    }
}

/// A borrowed browser. One that is dropped instead of given back, as by a test that panics, ends.
///
/// Two things belong to the browser and not to the window: its command line and the clipboard. A test of these
/// starts its own browser.
#[derive(Debug)]
pub struct Lease<'a> {
    browsers: &'a Browsers,
    chromium: Chromium,
    context: String,
    window: String,
}

impl Lease<'_> {
    /// Where a session finds the browser (`goog:chromeOptions.debuggerAddress`).
    #[must_use]
    pub fn address(&self) -> &str {
        self.chromium.address()
    }

    /// The handle of the window to switch to.
    #[must_use]
    pub fn window(&self) -> &str {
        &self.window
    }

    /// Opens another window of the same context, and returns its handle. `WebDriver` would open it in another
    /// context, with separate storage.
    ///
    /// # Panics
    ///
    /// If the browser does not.
    #[must_use]
    pub fn open_window(&self) -> String {
        let window = self.chromium.open_window(&self.context);
        window.unwrap_or_else(|error| panic!("no window opens: {error}"))
    }

    /// The process of the browser.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.chromium.pid()
    }

    /// Returns the browser. If the test has left anything in it, it ends.
    pub fn give_back(self) {
        let Self { browsers, chromium, context, .. } = self;
        if chromium.dispose_context(&context) {
            browsers.keep(chromium);
        }
    }
}
