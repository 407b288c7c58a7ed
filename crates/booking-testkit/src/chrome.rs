//! A `WebDriver` server with headless Chromium.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, process as own};

use crate::binaries::find_program;
use crate::guard::{Guard, Guarded};
use crate::output::Output;
use crate::process;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const BROWSERS_MACOS: [&str; 2] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// No processes for invisible things: the pages of the address bar's own menus take as long to start as the page
/// under test, and a spare process waits for a second site.
const IDLE_PROCESSES: &str = "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,\
                              WebUIOmniboxFullPopup,SpareRendererForSitePerProcess";

/// A running chromedriver. It ends, with every browser it started and all they wrote, when this is
/// dropped or this process ends.
#[derive(Debug)]
pub struct ChromeDriver {
    child: Child,
    url: String,
    directory: PathBuf,
    // Dropped last: it removes the directory.
    guard: Guard,
}

impl ChromeDriver {
    /// Starts chromedriver, found by the variable `CHROMEDRIVER` or on the `PATH`, on a free port.
    ///
    /// # Panics
    ///
    /// If there is none, or it does not start in 30 s.
    #[must_use]
    pub fn start() -> Self {
        let program = find_program("CHROMEDRIVER", &["chromedriver"]).expect(
            "no `chromedriver` on the PATH: install it (Debian: chromium-driver), or name it in \
             CHROMEDRIVER; scripts/test.sh installs it where it may",
        );
        let name =
            format!("booking-web-{}-{:08x}", own::id(), RandomState::new().hash_one(0) >> 32);
        let directory = env::temp_dir().join(name);
        let guard = Guard::start(Guarded::Process, Some(&directory));
        DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .expect("the folder for temporary files can be written to");
        let mut child = Command::new(&program)
            .arg("--port=0")
            // Browsers leave caches and settings wherever these point.
            .envs(["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(|n| (n, &directory)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
        guard.watch(-i64::from(child.id()));
        let output = Output::collect(child.stdout.take().expect("it is piped"));
        let port = output.wait_for(START_LIMIT, port_in_announcement);
        let mut driver = Self { child, url: String::new(), directory, guard };
        match port {
            Some(port) => driver.url = format!("http://127.0.0.1:{port}"),
            None => panic!("{} did not start:\n{}", program.display(), output.text()),
        }
        driver
    }

    /// The driver's URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The browser to use (`goog:chromeOptions.binary`), found by the variable `CHROME` or where
    /// browsers usually are. Without one chromedriver looks by itself.
    #[must_use]
    pub fn browser(&self) -> Option<PathBuf> {
        let macos = || BROWSERS_MACOS.iter().map(PathBuf::from).find(|path| path.is_file());
        find_program("CHROME", &BROWSERS).or_else(macos)
    }

    /// Command line arguments for a browser (`goog:chromeOptions.args`): headless, with a fresh profile at each
    /// call, and with no connections but to the pages under test.
    ///
    /// # Panics
    ///
    /// If the profile's folder cannot be made.
    #[must_use]
    pub fn browser_arguments(&self) -> Vec<String> {
        let profile =
            self.directory.join(format!("profile-{:016x}", RandomState::new().hash_one(0)));
        fs::create_dir(&profile).expect("a folder of ours can be written to");
        arguments(&profile)
    }

    /// The folder in which the driver and its browsers leave what they write.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        process::kill_with_descendants(&mut self.child, STOP_LIMIT);
        self.guard.watch(0);
    }
}

/// What every browser is started with.
pub(crate) fn arguments(profile: &Path) -> Vec<String> {
    let mut arguments = [
        "--headless",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        IDLE_PROCESSES,
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    if process::is_root() {
        // Chromium refuses to sandbox itself as root.
        arguments.push("--no-sandbox".to_owned());
    }
    arguments
}

/// Older versions also print the port that they were asked for, which is 0.
fn port_in_announcement(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_announcement_only() {
        assert_eq!(port_in_announcement("Starting ChromeDriver 120.0 on port 0"), None);
        let line = "ChromeDriver was started successfully on port 40123.";
        assert_eq!(port_in_announcement(line), Some(40_123));
    }
}
