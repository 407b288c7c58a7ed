//! axe-core, which finds barriers for people with disabilities: those that it rates serious or critical.

use crate::common::PROGRAM;
use crate::harness::Browser;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

/// `scripts/test.sh` reads it here.
const AXE_VERSION: &str = "4.14.1";

/// Both colour schemes, on a desktop and on the narrowest phone that pages have to fit.
const LOOKS: [(&str, u32); 4] = [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)];

/// Waits for transitions: a colour on its way is neither the one nor the other.
const RUN: &str = "const done = arguments[0];
    Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))
        .then(() => axe.run(document, {resultTypes: ['violations']}))
        .then(({violations, passes}) => done({
            passed: passes.map(({id}) => id),
            found: violations
                .filter(({impact}) => ['serious', 'critical'].includes(impact))
                .map(({id, impact, help, nodes}) => ({
                    id, impact, help, nodes: nodes.map(({html, any}) => [html, any.map((one) => one.message)]),
                })),
        }), (error) => done({error: String(error)}));";

fn script() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let below = format!("axe-core/{AXE_VERSION}/axe.min.js");
        let in_target = || Path::new(PROGRAM).ancestors().map(|folder| folder.join(&below));
        let named = env::var_os("AXE_CORE").map(PathBuf::from);
        let path = named.or_else(|| in_target().find(|path| path.is_file()));
        let path = path.unwrap_or_else(|| {
            panic!(
                "no {below} in the folder of the build, and AXE_CORE names none: run \
                 scripts/test.sh once, which fetches it"
            )
        });
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
}

/// The serious and critical findings on the page as it is.
pub(crate) async fn faults(browser: &Browser) -> Vec<Value> {
    if browser.js("return window.axe === undefined").await == true {
        browser.js(script()).await;
    }
    let report = browser.js_async(RUN).await;
    let passed = report["passed"].as_array().unwrap_or_else(|| panic!("axe-core failed: {report}"));
    // Behind a dialog the page is inert, also its title.
    let is_dialog = "return document.querySelector('dialog[open]') !== null";
    let rules: &[&str] = match browser.js(is_dialog).await == true {
        true => &["color-contrast"],
        false => &["color-contrast", "document-title"],
    };
    for rule in rules {
        assert!(passed.contains(&json!(rule)), "{rule} was not looked at: {report}");
    }
    report["found"].as_array().expect("an array").clone()
}

/// Checks the page in every scheme and size.
pub(crate) async fn assert_no_faults(browser: &Browser, state: &str) {
    for (scheme, width) in LOOKS {
        look(browser, scheme, width).await;
        let faults = faults(browser).await;
        let shown = serde_json::to_string_pretty(&faults).expect("JSON");
        assert!(faults.is_empty(), "{state}, {scheme}, {width} px wide: {shown}");
        let is_wider = "return document.documentElement.scrollWidth > innerWidth";
        assert_eq!(browser.js(is_wider).await, false, "{state} is wider than {width} px");
    }
}

async fn look(browser: &Browser, scheme: &str, width: u32) {
    let features = json!([
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]);
    browser.cdp("Emulation.setEmulatedMedia", json!({"features": features})).await;
    let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
    browser.cdp("Emulation.setDeviceMetricsOverride", size).await;
    let is_so = format!(
        "return matchMedia('(prefers-color-scheme: {scheme})').matches && innerWidth === {width}"
    );
    browser.until(&is_so).await;
}
