//! One running Chromium, with a separate context for each test.

use std::env;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{self as own, Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::chrome;
use crate::devtools::DevTools;
use crate::guard::{Guard, Guarded};
use crate::output::Output;
use crate::process;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Within this time a disposed context is gone completely. It takes a tenth of a second.
const DISPOSE_LIMIT: Duration = Duration::from_secs(30);

/// The arguments that chromedriver uses too, so that pages find the same environment.
const AS_OF_DRIVER: [&str; 11] = [
    "--allow-pre-commit-input",
    "--disable-client-side-phishing-detection",
    "--disable-default-apps",
    "--disable-hang-monitor",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--enable-automation",
    "--no-service-autorun",
    "--password-store=basic",
    "--test-type=webdriver",
    "--use-mock-keychain",
];

/// The browser reads commands from descriptor 3 and answers on descriptor 4.
const WITH_PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// It ends, and its files are removed, when this is dropped or this process ends.
#[derive(Debug)]
pub(crate) struct Chromium {
    child: Child,
    devtools: DevTools,
    address: String,
    // Dropped last: it removes the directory.
    guard: Guard,
}

impl Chromium {
    /// Starts a browser without a window.
    pub(crate) fn start(program: &Path) -> Self {
        let name =
            format!("booking-web-{}-{:08x}", own::id(), RandomState::new().hash_one(0) >> 32);
        let directory = env::temp_dir().join(name);
        let guard = Guard::start(Guarded::Process, Some(&directory));
        DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .expect("the folder for temporary files can be written to");
        let mut child = Command::new("sh")
            .args(["-c", WITH_PIPES, "sh"])
            .arg(program)
            .args(chrome::arguments(&directory.join("profile")))
            .args(AS_OF_DRIVER)
            // Contexts are made over the pipe; chromedriver connects by the port.
            .args(["--no-startup-window", "--remote-debugging-pipe", "--remote-debugging-port=0"])
            .envs(["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(|n| (n, &directory)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("there is a shell everywhere");
        guard.watch(-i64::from(child.id()));
        let commands = child.stdin.take().expect("it is piped");
        let devtools = DevTools::new(commands, child.stdout.take().expect("it is piped"));
        let output = Output::collect(child.stderr.take().expect("it is piped"));
        let address = output.wait_for(START_LIMIT, address_in_announcement);
        let mut chromium = Self { child, devtools, address: String::new(), guard };
        match address {
            Some(address) => chromium.address = address,
            None => panic!("{} did not start:\n{}", program.display(), output.text()),
        }
        chromium
    }

    /// Its address, without a scheme.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes a context, which shares no data with any other, and a window in it.
    pub(crate) fn open_context(&self) -> Result<(String, String), String> {
        let made = self.devtools.ask("Target.createBrowserContext", &json!({}))?;
        let context = text(&made, "browserContextId")?;
        let window = self.open_window(&context)?;
        Ok((context, window))
    }

    pub(crate) fn open_window(&self, context: &str) -> Result<String, String> {
        let window = json!({"url": "about:blank", "browserContextId": context, "newWindow": true});
        text(&self.devtools.ask("Target.createTarget", &window)?, "targetId")
    }

    /// Closes a context's windows and deletes its data. Returns whether nothing is left in this browser of it or of
    /// its neighbours.
    pub(crate) fn dispose_context(&self, context: &str) -> bool {
        let context = json!({"browserContextId": context});
        self.devtools.ask("Target.disposeBrowserContext", &context).is_ok()
            && process::wait_until(DISPOSE_LIMIT, || self.is_empty())
    }

    /// Whether no site has a window or a worker here.
    fn is_empty(&self) -> bool {
        let Ok(answer) = self.devtools.ask("Target.getTargets", &json!({})) else { return false };
        let Some(targets) = answer["targetInfos"].as_array() else { return false };
        let is_of_site = |target: &Value| {
            target["type"] == "page"
                || target["url"].as_str().is_some_and(|url| url.starts_with("http"))
        };
        !targets.iter().any(is_of_site)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        process::kill_with_descendants(&mut self.child, STOP_LIMIT);
        self.guard.watch(0);
    }
}

fn text(answer: &Value, name: &str) -> Result<String, String> {
    let text = answer[name].as_str().ok_or_else(|| format!("there is no {name} in {answer}"))?;
    Ok(text.to_owned())
}

fn address_in_announcement(line: &str) -> Option<String> {
    let (_, address) = line.split_once("DevTools listening on ws://")?;
    address.split('/').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_announcement_only() {
        assert_eq!(address_in_announcement("[1:1:ERROR:dbus/bus.cc(406)] ws://bus/x"), None);
        let line = "DevTools listening on ws://127.0.0.1:40123/devtools/browser/0b2e";
        assert_eq!(address_in_announcement(line).as_deref(), Some("127.0.0.1:40123"));
    }
}
