//! Chromium without a window, driven over a pipe by the DevTools protocol: messages are JSON
//! documents, each with a zero byte behind it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The time after which a browser that is still at work has failed.
const DEADLINE: Duration = Duration::from_secs(120);

/// Gives the program its own input and output as the files 3 and 4, where it looks for messages.
const WITH_PIPES: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null 1>&2";

/// A browser; it ends with this value.
pub(crate) struct Browser {
    process: Child,
    requests: ChildStdin,
    messages: Receiver<Value>,
    deadline: Instant,
    last_id: u64,
    /// The events that came between answers.
    events: Vec<Value>,
    _profile: TempDir,
}

/// The colours that a reader has chosen for all pages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    /// Dark letters on a light ground.
    Light,
    /// Light letters on a dark ground.
    Dark,
}

impl Browser {
    /// Starts a browser.
    pub(crate) fn start(program: &str) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut process = Command::new("sh")
            .args(["-c", WITH_PIPES, program])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
            .args([
                "--no-first-run",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--disable-background-networking", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let requests = process.stdin.take().expect("it is a pipe");
        let output = process.stdout.take().expect("it is a pipe");
        let (sender, messages) = mpsc::channel();
        // Ends with the browser, which closes its side of the pipe.
        thread::spawn(move || {
            for message in BufReader::new(output).split(0) {
                let message = message
                    .ok()
                    .and_then(|text| serde_json::from_slice(&text).ok());
                let Some(message) = message else { break };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            process,
            requests,
            messages,
            deadline: Instant::now() + DEADLINE,
            last_id: 0,
            events: Vec::new(),
            _profile: profile,
        }
    }

    /// Opens a page in a window of this width.
    pub(crate) fn open(&mut self, url: &str, width: u32, scheme: Scheme) -> Page<'_> {
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let target = self.ask(
            None,
            "Target.createTarget",
            &json!({ "url": "about:blank" }),
        );
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.ask(None, "Target.attachToTarget", &target);
        let session = session["sessionId"].as_str().expect("a name").to_owned();
        let mut page = Page {
            browser: self,
            session,
        };
        for domain in ["Page", "Runtime", "Log"] {
            page.ask(&format!("{domain}.enable"), &json!({}));
        }
        page.ask(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 800 }),
        );
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        page.ask(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
        page.browser.events.clear();
        page.ask("Page.navigate", &json!({ "url": url }));
        page.browser.wait_for("Page.loadEventFired");
        page
    }

    /// Sends a request and waits for its answer.
    fn ask(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            request["sessionId"] = session.into();
        }
        let mut request = request.to_string().into_bytes();
        request.push(0);
        self.requests
            .write_all(&request)
            .expect("the browser listens");
        loop {
            let mut message = self.next();
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|one| one["method"] == event) {
            let message = self.next();
            self.events.push(message);
        }
    }

    fn next(&self) -> Value {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let message = self.messages.recv_timeout(left);
        message.expect("the browser answers before the deadline")
    }
}

/// Ends the browser, whatever it is doing.
impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An open page.
pub(crate) struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl Page<'_> {
    /// Returns the value of an expression of JavaScript.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true });
        let mut answer = self.ask("Runtime.evaluate", &parameters);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// Returns what the browser said of the page in its console.
    pub(crate) fn console(&self) -> Vec<&Value> {
        let told = [
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
        ];
        let events = self.browser.events.iter();
        let told = events.filter(|event| told.iter().any(|method| event["method"] == *method));
        told.collect()
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.browser.ask(Some(&self.session), method, parameters)
    }
}
