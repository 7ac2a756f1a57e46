//! Whoever sits before the window: looks, types, presses.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use serde_json::{Value, json};
use thirtyfour::{By, Capabilities, Key, WebDriver, WebElement};
use tokio::runtime::Runtime;

use super::{Desktop, Process, desktop::wait};
use crate::world::program;

/// The window's program, started by a driver.
pub struct Steered {
    pub page: Page,
    driver: Child,
}

/// What is in the window.
pub struct Page {
    runtime: Runtime,
    driver: WebDriver,
}

impl Steered {
    /// The program that is built beside this one.
    pub fn start(desktop: &Desktop) -> Self {
        Self::start_as(desktop, &program("ycd-app"))
    }

    pub fn start_as(desktop: &Desktop, program: &Path) -> Self {
        let port = free_port();
        let mut command: Command = desktop.command("WebKitWebDriver");
        command.arg(format!("--port={port}")).env("TAURI_WEBVIEW_AUTOMATION", "true");
        let driver = command.spawn().unwrap();
        wait("the driver", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        let mut wanted = Capabilities::new();
        wanted
            .set("webkitgtk:browserOptions", json!({ "binary": program, "args": Vec::<String>::new() }))
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        // The first of these has TLS set up for the process; the driver's client wants that, and speaks plain HTTP.
        drop(ycd_portal_api::Client::new(&url, ycd_portal_api::RetryPolicy::default()).unwrap());
        let session = runtime.block_on(WebDriver::new(url, wanted)).unwrap();
        let page = Page { runtime, driver: session };
        page.wait_for("main > *");
        Self { page, driver }
    }

    /// Of the window's program.
    pub fn process(&self) -> Process {
        wait("the program", || {
            Process(self.driver.id()).family().into_iter().find(|it| it.name() == "ycd-app")
        })
    }
}

impl Drop for Steered {
    fn drop(&mut self) {
        // The program ends with its session; where that has ended already, with the driver.
        let quit = self.page.driver.clone().quit();
        let _ =
            self.page.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), quit).await });
        let family = Process(self.driver.id()).family();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        for process in family {
            if let Some(id) = i32::try_from(process.0).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        }
    }
}

impl Page {
    /// Runs a function's body in the page; its promise is waited for.
    pub fn run(&self, body: &str, arguments: Value) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; const given = arguments[0];
             (async () => {{ {body} }})().then(value => done({{ value }}), error => done({{ error: String(error?.sentence ?? error) }}))"
        );
        let answer = self.runtime.block_on(self.driver.execute_async(script, vec![arguments]));
        let answer = answer.unwrap().json().clone();
        assert!(answer.get("error").is_none(), "{body}: {answer}");
        answer["value"].clone()
    }

    /// A command, as the page itself calls it.
    pub fn call(&self, name: &str, arguments: Value) -> Value {
        self.run(
            "return window.__TAURI_INTERNALS__.invoke(given.name, given.arguments)",
            json!({ "name": name, "arguments": arguments }),
        )
    }

    /// Goes to a page of the program.
    pub fn go(&self, path: &str) {
        self.run("location.hash = given", json!(path));
    }

    pub fn text(&self) -> String {
        self.run("return document.body.innerText", json!(null)).as_str().unwrap_or_default().to_owned()
    }

    pub fn wait_for_text(&self, words: &str) {
        let mut seen = String::new();
        wait_or(
            || {
                seen = self.text();
                seen.contains(words).then_some(())
            },
            |seen| format!("no {words:?} in: {seen}"),
            || self.text(),
        );
    }

    /// The first shown one that a selector finds.
    pub fn wait_for(&self, selector: &str) -> WebElement {
        wait_or(
            || self.shown(selector).into_iter().next(),
            |seen| format!("no {selector} in: {seen}"),
            || self.text(),
        )
    }

    /// Types into the box, in the place of what is there.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.wait_for(selector);
        self.runtime
            .block_on(async {
                element.click().await?;
                element.send_keys(Key::Control + "a").await?;
                element.send_keys(text).await
            })
            .unwrap();
    }

    /// Presses the button or link with these words, once it can be pressed; one of a dialog or of the page before one
    /// of the navigation.
    pub fn press(&self, words: &str) {
        self.press_first(
            "(e) => (e.getAttribute('aria-label') ?? e.innerText).trim() === given",
            json!(words),
            &format!("{words:?}"),
        );
    }

    /// Presses what tests know by this name, once it can be pressed.
    pub fn press_id(&self, name: &str) {
        self.press_first("(e) => e.dataset.testid === given", json!(name), name);
    }

    fn press_first(&self, is_it: &str, given: Value, what: &str) {
        let script = format!(
            "const isIt = {is_it}
             const can = (e) => !e.disabled && !e.classList.contains('is-loading') && e.getClientRects().length > 0
             for (const place of ['.el-dialog', 'main', 'body']) {{
               for (const root of document.querySelectorAll(place)) {{
                 const found = [...root.querySelectorAll('button, a')].find((e) => can(e) && isIt(e))
                 // After this script has answered: the press may be the end of the page.
                 if (found) {{ setTimeout(() => found.click(), 20); return true }}
               }}
             }}
             return false"
        );
        wait_or(
            || self.run(&script, given.clone()).as_bool().filter(|pressed| *pressed),
            |seen| format!("{what} cannot be pressed in: {seen}"),
            || self.text(),
        );
    }

    /// Everything that a page keeps, in one text.
    pub fn state(&self) -> String {
        let state = self.run(
            "const boxes = [...document.querySelectorAll('input, textarea')].map((box) => box.value)
             return JSON.stringify([document.documentElement.outerHTML, boxes, { ...localStorage },
               { ...sessionStorage }, location.href, history.state, document.cookie])",
            json!(null),
        );
        state.as_str().unwrap_or_default().to_owned()
    }

    fn shown(&self, selector: &str) -> Vec<WebElement> {
        self.runtime.block_on(async {
            let mut shown = Vec::new();
            for element in self.driver.find_all(By::Css(selector)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    shown.push(element);
                }
            }
            shown
        })
    }
}

fn wait_or<T>(
    mut look: impl FnMut() -> Option<T>,
    complaint: impl Fn(&str) -> String,
    seen: impl Fn() -> String,
) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < super::desktop::TIMEOUT, "{}", complaint(&seen()));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
