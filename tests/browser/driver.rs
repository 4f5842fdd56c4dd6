//! A browser: Chromium behind chromedriver, spoken to over the WebDriver protocol with nothing but a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the browser may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// The protocol's name for the field that holds an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A program on the PATH.
pub fn find(names: &[&str]) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let files = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = files.into_iter().find(|file| file.is_file())?;
    Some(found.to_string_lossy().into_owned())
}

/// The browser's and the driver's programs, where both are installed.
pub fn programs() -> Option<(String, String)> {
    Some((
        find(&["chromium", "chromium-browser"])?,
        find(&["chromedriver"])?,
    ))
}

/// One HTTP request; the status and the body.
pub fn http(address: &str, verb: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{verb} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .expect("a status");
    let mut length = None;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(text) = header.strip_prefix("content-length:") {
            length = text.trim().parse().ok();
        }
    }
    let mut text = Vec::new();
    match length {
        Some(length) => reader.take(length).read_to_end(&mut text).unwrap(),
        None => reader.read_to_end(&mut text).unwrap(),
    };
    (status, String::from_utf8_lossy(&text).into_owned())
}

/// A process that ends with the test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Browser {
    address: String,
    session: String,
    _driver: Process,
    _profile: TempDir,
}

/// A driver, and its port. It looks for a free one by itself, and ends if somebody else was faster.
fn started(chromedriver: &str) -> (Process, u16) {
    for _ in 0..5 {
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver runs");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let port = line.split("successfully on port ").nth(1)?;
            port.trim_end_matches('.').trim().parse().ok()
        });
        let driver = Process(driver);
        if let Some(port) = port {
            return (driver, port);
        }
    }
    panic!("chromedriver says no port");
}

impl Browser {
    pub fn new() -> Self {
        let (chromium, chromedriver) = programs().expect("checked before");
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = started(&chromedriver);
        let address = format!("127.0.0.1:{port}");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
        } } });
        let (status, body) = http(&address, "POST", "/session", &wanted.to_string());
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let session = body["value"]["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        Self {
            address,
            session,
            _driver: driver,
            _profile: profile,
        }
    }

    fn ask(&self, verb: &str, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        let body = if verb == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let (status, body) = http(&self.address, verb, &path, &body);
        let mut body: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        match status {
            200 => Ok(body["value"].take()),
            _ => Err(body.to_string()),
        }
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, body).expect("the browser does it")
    }

    pub fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    pub fn url(&self) -> String {
        let url = self.ask("GET", "/url", &Value::Null).unwrap();
        url.as_str().unwrap().to_owned()
    }

    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    pub fn run_async(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// The first element; waits for it, because a form's reply takes its time.
    pub fn find(&self, css: &str) -> String {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let wanted = json!({ "using": "css selector", "value": css });
            match self.ask("POST", "/element", &wanted) {
                Ok(found) => return found[ELEMENT].as_str().unwrap().to_owned(),
                Err(error) if Instant::now() > until => {
                    panic!("{css} on {}: {error}\n{}", self.url(), self.text("main"))
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    pub fn has(&self, css: &str) -> bool {
        let wanted = json!({ "using": "css selector", "value": css });
        self.ask("POST", "/element", &wanted).is_ok()
    }

    /// Does something to the first element, and again if the element went away with its page meanwhile.
    fn act(&self, css: &str, what: &str, body: &Value) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let element = self.find(css);
            match self.ask("POST", &format!("/element/{element}/{what}"), body) {
                Ok(_) => return,
                Err(error)
                    if error.contains("stale element reference") && Instant::now() < until => {}
                Err(error) => panic!("{what} on {css}: {error}"),
            }
        }
    }

    pub fn click(&self, css: &str) {
        self.act(css, "click", &json!({}));
    }

    /// Types into a field, in place of what is in it.
    pub fn fill(&self, css: &str, text: &str) {
        self.act(css, "clear", &json!({}));
        self.keys(css, text);
    }

    pub fn keys(&self, css: &str, text: &str) {
        self.act(css, "value", &json!({ "text": text }));
    }

    pub fn choose(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value=\"{value}\"]"));
    }

    pub fn text(&self, css: &str) -> String {
        let quoted = serde_json::to_string(css).unwrap();
        let text = self.run(&format!(
            "const e = document.querySelector({quoted}); return e ? e.innerText : ''"
        ));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the web page shows a text.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(text, || self.text("body").contains(text));
    }

    /// Waits for a web page whose address contains this.
    pub fn wait_for_url(&self, part: &str) {
        self.wait_until(part, || self.url().contains(part));
    }

    fn wait_until(&self, wanted: &str, is_there: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while !is_there() {
            assert!(
                Instant::now() < until,
                "{wanted} is not on {}: {}",
                self.url(),
                self.text("main")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn look(&self, width: u32, is_dark: bool) {
        let metrics =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.command("Emulation.setEmulatedMedia", &media);
    }

    pub fn command(&self, name: &str, parameters: &Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": name, "params": parameters }),
        )
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.post("/se/log", &json!({ "type": kind }));
        log.as_array().cloned().unwrap_or_default()
    }

    /// Errors in the console, and requests that failed or went elsewhere, since this was last asked.
    pub fn faults(&self, base: &str) -> Vec<String> {
        let mut faults: Vec<String> = self
            .log("browser")
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
            .map(|entry| entry["message"].to_string())
            .collect();
        for entry in self.log("performance") {
            let text = entry["message"].as_str().unwrap_or_default();
            let event: Value = serde_json::from_str(text).unwrap_or_default();
            let event = &event["message"];
            let parameters = &event["params"];
            match event["method"].as_str() {
                Some("Network.loadingFailed") => faults.push(parameters["errorText"].to_string()),
                Some("Network.responseReceived")
                    if parameters["response"]["status"].as_u64() >= Some(400) =>
                {
                    faults.push(format!(
                        "{} {}",
                        parameters["response"]["status"], parameters["response"]["url"]
                    ));
                }
                Some("Network.requestWillBeSent") => {
                    let url = parameters["request"]["url"].as_str().unwrap_or_default();
                    if !url.starts_with(base) && !url.starts_with("data:") {
                        faults.push(format!("a request to {url}"));
                    }
                }
                _ => {}
            }
        }
        faults
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes the browser when asked. If it were killed, the browser would stay.
        let _ = self.ask("DELETE", "", &Value::Null);
    }
}
