//! A headless Chromium, spoken to by the DevTools protocol: just enough to look at a page.
#![allow(dead_code)]

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// No step of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser of its own, with a profile that vanishes with it.
pub struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    last_id: u64,
    session: Option<String>,
    events: Vec<Value>,
    // Dropped last, when the process is gone.
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the browser named by the environment's CHROMIUM, or the first that is installed, and
    /// opens an empty tab.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let process = start_process(profile.path());
        let address = wait_for_address(profile.path());
        let (port, path) = address.split_once('\n').unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let url = format!("ws://127.0.0.1:{port}{}", path.trim());
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        let mut browser = Self {
            process,
            socket,
            last_id: 0,
            session: None,
            events: Vec::new(),
            profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Network", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Carries out one command and gives its result.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket
            .send(Message::text(message.to_string()))
            .unwrap();
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.next(end, method);
            if answer["id"] == json!(self.last_id) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn next(&mut self, end: Instant, waiting_for: &str) -> Value {
        assert!(Instant::now() < end, "no answer: {waiting_for}");
        match self.socket.read() {
            Ok(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            Ok(_) => Value::Null,
            Err(error) => panic!("{waiting_for}: {error}"),
        }
    }

    /// Opens a file and waits until all of it is loaded.
    pub fn open(&mut self, path: &Path) {
        self.events.clear();
        let url = format!("file://{}", path.display());
        self.call("Page.navigate", json!({"url": url}));
        let end = Instant::now() + PATIENCE;
        while self.events_named("Page.loadEventFired").is_empty() {
            let event = self.next(end, "loading the page");
            self.events.push(event);
        }
    }

    /// What has happened under this name since the page was opened.
    pub fn events_named(&self, method: &str) -> Vec<Value> {
        let named = self.events.iter().filter(|event| event["method"] == method);
        named.map(|event| event["params"].clone()).collect()
    }

    /// The value of an expression in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression in the page holds.
    pub fn wait_for(&mut self, expression: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        while self.evaluate(expression) != json!(true) {
            assert!(Instant::now() < end, "never: {expression}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Gives the window a size in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// Asks for "light" or "dark" pages.
    pub fn prefer(&mut self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.call("Emulation.setEmulatedMedia", json!({"features": [feature]}));
    }

    /// A picture of a part of the page as PNG.
    pub fn picture(&mut self, top: f64, width: f64, height: f64) -> Vec<u8> {
        let clip = json!({"x": 0, "y": top, "width": width, "height": height, "scale": 1});
        let parameters = json!({"clip": clip, "captureBeyondViewport": true});
        let answer = self.call("Page.captureScreenshot", parameters);
        from_base64(answer["data"].as_str().unwrap())
    }

    /// The page as it is printed, as PDF.
    pub fn print(&mut self) -> Vec<u8> {
        let answer = self.call("Page.printToPDF", json!({"preferCSSPageSize": true}));
        from_base64(answer["data"].as_str().unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = json!({"id": 0, "method": "Browser.close"}).to_string();
        let _ = self.socket.send(Message::text(close));
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start_process(profile: &Path) -> Child {
    let named = std::env::var("CHROMIUM").ok();
    let installed = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    for program in named.into_iter().chain(installed) {
        let started = Command::new(&program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args(["--disable-extensions", "--disable-background-networking"])
            .args([
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let Ok(process) = started {
            return process;
        }
    }
    panic!("no Chromium: install it, or name it in the environment's CHROMIUM");
}

/// Port and path that the browser writes into its profile once it listens.
fn wait_for_address(profile: &Path) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let address = std::fs::read_to_string(profile.join("DevToolsActivePort"));
        if let Ok(address) = address
            && address.lines().count() == 2
        {
            return address;
        }
        assert!(Instant::now() < end, "the browser does not listen");
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    let value = |sign: u8| match sign {
        b'A'..=b'Z' => u32::from(sign - b'A'),
        b'a'..=b'z' => u32::from(sign - b'a') + 26,
        b'0'..=b'9' => u32::from(sign - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let signs: Vec<u8> = text.bytes().filter(|&sign| sign != b'=').collect();
    let mut bytes = Vec::with_capacity(signs.len() * 3 / 4);
    for four in signs.chunks(4) {
        let bits = four.iter().fold(0, |bits, &sign| bits << 6 | value(sign));
        let bits = bits << (6 * (4 - four.len()));
        let three = [bits >> 16, bits >> 8, bits].map(|byte| byte as u8);
        bytes.extend_from_slice(&three[..four.len() - 1]);
    }
    bytes
}
