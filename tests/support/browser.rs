//! A headless Chromium behind its driver, both on ports and in folders of their own.

use super::artefacts;
use super::server::http_client;
use super::wait::eventually;
use serde_json::json;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use thirtyfour::prelude::*;

/// Longest wait for something to appear on a page.
pub(crate) const APPEARS: Duration = Duration::from_secs(20);

/// Windows are no narrower than this, so that the screen of a phone has to be acted.
const WINDOW_WIDTH_MIN: u32 = 500;

/// Nothing is looked up outside, nothing is fetched in the background, and root may run it.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    process: Child,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start(chromedriver: &Path, width: u32, height: u32) -> Self {
        let port = free_port();
        let process = Command::new(chromedriver)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let url = format!("http://127.0.0.1:{port}");
        let (http, status) = (http_client(), format!("{url}/status"));
        eventually("chromedriver answers", Duration::from_secs(30), || {
            let request = http.get(&status).send();
            async move { request.await.ok() }
        })
        .await;
        let profile = tempfile::tempdir().expect("profile folder");
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            capabilities.add_arg(argument).expect("argument");
        }
        capabilities.add_arg(&format!("--window-size={width},{height}")).expect("argument");
        capabilities.add_arg(&format!("--user-data-dir={}", profile.path().display())).expect("argument");
        if width < WINDOW_WIDTH_MIN {
            let metrics = json!({ "width": width, "height": height, "pixelRatio": 1.0, "touch": false, "mobile": false });
            let emulation = json!({ "deviceMetrics": metrics });
            capabilities.add_experimental_option("mobileEmulation", emulation).expect("an option");
        }
        let driver = WebDriver::new(&url, capabilities).await.expect("a browser session");
        Self { driver, process, _profile: profile }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// The first element that matches, once it is there.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        eventually(
            &format!("{css} appears"),
            APPEARS,
            || async move { self.driver.find(By::Css(css)).await.ok() },
        )
        .await
    }

    /// The visible text of an element, once it contains `part`.
    pub(crate) async fn text_with(&self, css: &str, part: &str) -> String {
        eventually(&format!("{css} shows {part:?}"), APPEARS, || async move {
            let text = self.driver.find(By::Css(css)).await.ok()?.text().await.ok()?;
            text.contains(part).then_some(text)
        })
        .await
    }

    /// Clicks the first match; lists redraw while data arrives, so a stale element is looked up again.
    pub(crate) async fn click(&self, css: &str) {
        eventually(&format!("{css} can be clicked"), APPEARS, || async move {
            self.driver.find(By::Css(css)).await.ok()?.click().await.ok()
        })
        .await;
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        self.driver.find_all(By::Css(css)).await.expect("a query").len()
    }

    pub(crate) async fn path(&self) -> String {
        let url = self.driver.current_url().await.expect("a URL");
        url.path().to_owned()
    }

    /// Runs a script and gives what it returns.
    pub(crate) async fn script(&self, script: &str) -> serde_json::Value {
        self.driver.execute(script, Vec::new()).await.expect("the script runs").json().clone()
    }

    pub(crate) async fn screenshot(&self, name: &str) {
        let png = self.driver.screenshot_as_png().await.expect("a screenshot");
        std::fs::write(artefacts().join(format!("{name}.png")), png).expect("the screenshot is written");
    }

    /// Ends the session; a test that fails before leaves it to `Drop`.
    pub(crate) async fn stop(mut self) {
        self.driver.clone().quit().await.expect("the session ends");
        self.end_process();
    }

    fn end_process(&mut self) {
        // Already ended is fine: that is what is wanted.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.end_process();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("address").port()
}
