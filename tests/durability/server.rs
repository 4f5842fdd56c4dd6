//! The real server on a folder of its own, clients that write to it over sockets, and the record of what it
//! acknowledged.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use linebook::store::file::check;
use linebook::store::file::migrate;
use rusqlite::{Connection, OpenFlags};
use sha1::{Digest, Sha1};
use tempfile::TempDir;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Admin's key.
pub const KEY: &str = "durable-key";
/// The user whose devices are made.
pub const USER: &str = "1";

/// Whether the full sizes are asked for.
pub fn is_slow() -> bool {
    std::env::var_os("LINEBOOK_SLOW").is_some_and(|value| value == "1")
}

/// The binary, without settings from the environment of the tests.
pub fn linebook() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_linebook")))
}

pub fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINEBOOK_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a verb that must succeed, and gives what it prints.
pub fn ok(line: &[&str], data: &Path) -> String {
    let output = run(line, data);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a verb that must refuse, and gives the line that says so.
pub fn refused(line: &[&str], data: &Path) -> String {
    let output = run(line, data);
    assert_eq!(output.status.code(), Some(1), "{line:?}");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let said: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("linebook: "))
        .collect();
    assert_eq!(said.len(), 1, "{line:?}: {stderr}");
    said[0]["linebook: ".len()..].into()
}

/// Runs a verb, and kills one that does not end (a server that should have refused to start).
pub fn run(line: &[&str], data: &Path) -> Output {
    let mut command = linebook();
    command.args(line).arg("--data").arg(data);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let started = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if started.elapsed() > PATIENCE {
            child.kill().expect("it runs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().expect("its output")
}

/// A folder with a database: user 1 with a trunk (device 1), provider 1, a known key, no password asked for.
pub struct World {
    pub folder: TempDir,
    pub data: PathBuf,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        fill(&data);
        Self { folder, data }
    }

    pub fn database(&self) -> PathBuf {
        self.data.join("linebook.db")
    }

    pub fn start(&self) -> Server {
        Server::start(&self.data, &[])
    }
}

/// Makes the database.
pub fn fill(data: &Path) {
    ok(&["init"], data);
    ok(&["user", "add", "office"], data);
    ok(&["provider", "add", "Carrier"], data);
    ok(&["settings", "set", "require_password", "never"], data);
    let key = data.join("key.txt");
    fs::write(&key, KEY).expect("a file");
    let key = key.to_str().expect("UTF-8");
    ok(&["key", "add", "admin", "--key-file", key], data);
    let server = Server::start(data, &[]);
    let mut client = Client::connect(server.address).expect("a connection");
    let (_, made) = client
        .call("device_create", &[("user_id", USER)], &["user_id"])
        .expect("an answer");
    assert!(made.contains("<id>1</id>"), "{made}");
    server.terminate();
    ok(&["device", "trunk", "1"], data);
}

/// A running server.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    /// Its log so far, and after its end.
    pub log: PathBuf,
    _log_folder: TempDir,
}

impl Server {
    pub fn start(data: &Path, flags: &[&str]) -> Self {
        Self::start_as(linebook(), data, flags)
    }

    /// Starts `command`, which ends in the binary's name, with the arguments of a server.
    pub fn start_as(mut command: Command, data: &Path, flags: &[&str]) -> Self {
        let log_folder = tempfile::tempdir().expect("a temporary folder");
        let log = log_folder.path().join("log");
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "warn,linebook::housekeeping=info,linebook::store=info,linebook::http::server=warn",
            ])
            .arg("--data")
            .arg(data)
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("a file"));
        let mut child = command.spawn().expect("the binary runs");
        let stdout = child.stdout.take().expect("a pipe");
        let mut hello = String::new();
        for line in BufReader::new(stdout).lines() {
            hello = line.expect("UTF-8");
            if hello.contains("listens on") {
                break;
            }
        }
        let address = hello.split("http://").nth(1).and_then(|at| at.parse().ok());
        let Some(address) = address else {
            panic!("no start: {}", fs::read_to_string(&log).unwrap_or_default());
        };
        // The server answers once it listens for signals, too.
        let mut probe = Client::connect(address).expect("a connection");
        probe.call("no_method", &[], &[]).expect("an answer");
        Self {
            child,
            address,
            log,
            _log_folder: log_folder,
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("the log")
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM. The server must end by itself, with success.
    pub fn terminate(mut self) {
        self.signal("TERM");
        let status = wait_for("its end", || self.child.try_wait().expect("a child"));
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The test may have failed half way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with the database that a build of schema version 1 left.
pub fn older_world() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let packed = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/databases/0001.db.gz");
    let mut packed = GzDecoder::new(fs::File::open(packed).expect("a fixture"));
    let mut file = fs::File::create(folder.path().join("linebook.db")).expect("a file");
    std::io::copy(&mut packed, &mut file).expect("a copy");
    folder
}

pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(sent.expect("kill").success(), "SIG{name} to {process}");
}

/// Waits until there is something.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "no {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A keep-alive connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// No byte of it came.
    None,
    /// It broke off.
    Half,
}

impl Client {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Makes a call. Gives the request id and the XML, with the status in front when it is not 200.
    pub fn call(
        &mut self,
        method: &str,
        parameters: &[(&str, &str)],
        signed: &[&str],
    ) -> Result<(String, String), NoAnswer> {
        let mut hash = Sha1::new();
        for name in signed {
            let value = parameters.iter().find(|(known, _)| known == name);
            hash.update(value.expect("a signed parameter").1);
        }
        hash.update(KEY);
        let mut body = format!("u=admin&hash={}", hex::encode(hash.finalize()));
        for (name, value) in parameters {
            body += &format!("&{name}={value}");
        }
        let request = format!(
            "POST /billing/api/{method} HTTP/1.1\r\nHost: test\r\nAccept-Encoding: identity\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(|_| NoAnswer::None)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<(String, String), NoAnswer> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Err(_) | Ok(0) => return Err(NoAnswer::None),
            Ok(_) if !line.ends_with('\n') => return Err(NoAnswer::Half),
            Ok(_) => {}
        }
        let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
        // A long list has no length; it comes in chunks.
        let (mut length, mut id, mut retry) = (None, String::new(), "");
        loop {
            let mut header = String::new();
            if self.stream.read_line(&mut header).unwrap_or(0) == 0 {
                return Err(NoAnswer::Half);
            }
            let Some((name, value)) = header.trim_end().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse().expect("a length")),
                "x-request-id" => id = value.into(),
                "retry-after" => retry = " (retry)",
                _ => {}
            }
        }
        let body = match length {
            Some(length) => self.bytes(length)?,
            None => self.chunks()?,
        };
        let body = String::from_utf8(body).expect("UTF-8");
        match status.as_str() {
            "200" => Ok((id, body)),
            _ => Ok((id, format!("{status}{retry} {body}"))),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, NoAnswer> {
        let mut bytes = vec![0; length];
        let read = self.stream.read_exact(&mut bytes);
        read.map(|()| bytes).map_err(|_| NoAnswer::Half)
    }

    fn chunks(&mut self) -> Result<Vec<u8>, NoAnswer> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
                return Err(NoAnswer::Half);
            }
            let length = usize::from_str_radix(line.trim_end(), 16).expect("a chunk's length");
            let chunk = self.bytes(length + 2)?;
            if length == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }
}

/// The content of `<name>`.
pub fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let rest = xml.split_once(&format!("<{name}>"));
    let inner = rest.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    inner.unwrap_or_else(|| panic!("no {name} in {xml}")).0
}

/// A change that the server acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    pub request_id: String,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Device {
        id: i64,
        secret: String,
    },
    Did {
        id: i64,
        number: String,
    },
    Assigned {
        number: String,
    },
    Cli {
        number: String,
    },
    /// The device has a new description, until it gets the next one.
    Described {
        description: String,
    },
}

/// Many connections that write, each method in turn.
pub struct Load {
    stop: Arc<AtomicBool>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    acknowledged: Mutex<Vec<Acknowledged>>,
    half_answers: AtomicU64,
    refusals: Mutex<Vec<String>>,
}

/// The results of a load.
pub struct Outcome {
    pub acknowledged: Vec<Acknowledged>,
    pub half_answers: u64,
    /// The answers that were refusals.
    pub refusals: Vec<String>,
}

/// Numbers that no other test, round or writer has.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(100_000_000_000_000);

fn number() -> String {
    NEXT_NUMBER.fetch_add(1, Ordering::Relaxed).to_string()
}

impl Load {
    /// Starts writing on `connections` connections. DIDs are assigned out of `reserved`.
    pub fn start(address: SocketAddr, connections: usize, reserved: Vec<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared::default());
        let reserved = Arc::new(Mutex::new(reserved));
        let threads = (0..connections)
            .map(|turn| {
                let (stop, shared) = (stop.clone(), shared.clone());
                let reserved = reserved.clone();
                std::thread::spawn(move || write(address, turn, &stop, &shared, &reserved))
            })
            .collect();
        Self {
            stop,
            shared,
            threads,
        }
    }

    /// Everything acknowledged so far.
    pub fn so_far(&self) -> Vec<Acknowledged> {
        self.shared.acknowledged.lock().expect("no panic").clone()
    }

    pub fn count(&self) -> usize {
        self.shared.acknowledged.lock().expect("no panic").len()
    }

    /// Ends the writers (or waits for those whose server is gone).
    pub fn finish(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no panic");
        }
        let acknowledged = std::mem::take(&mut *self.shared.acknowledged.lock().expect("no panic"));
        let refusals = std::mem::take(&mut *self.shared.refusals.lock().expect("no panic"));
        Outcome {
            acknowledged,
            half_answers: self.shared.half_answers.load(Ordering::Relaxed),
            refusals,
        }
    }
}

fn write(
    address: SocketAddr,
    turn: usize,
    stop: &AtomicBool,
    shared: &Shared,
    reserved: &Mutex<Vec<String>>,
) {
    let Ok(mut client) = Client::connect(address) else {
        return;
    };
    let mut turn = turn;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        match write_one(&mut client, turn, reserved) {
            Ok(Ok(done)) => shared.acknowledged.lock().expect("no panic").push(done),
            Ok(Err(refusal)) => {
                shared.refusals.lock().expect("no panic").push(refusal);
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(NoAnswer::None) => return,
            Err(NoAnswer::Half) => {
                shared.half_answers.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

/// Makes one call. Gives what it did, or the refusal.
pub fn write_one(
    client: &mut Client,
    turn: usize,
    reserved: &Mutex<Vec<String>>,
) -> Result<Result<Acknowledged, String>, NoAnswer> {
    let reserved = || reserved.lock().expect("no panic").pop();
    let (method, wanted, parameters, signed): (_, _, Vec<(&str, String)>, &[&str]) =
        match (turn % 5, reserved) {
            (0, reserved) => match reserved() {
                Some(number) if turn % 2 == 1 => (
                    "did_device_assign",
                    "<status>Device assigned to DID</status>",
                    vec![("device_id", "1".into()), ("did", number)],
                    &["device_id", "did"],
                ),
                Some(number) => (
                    "did_trunk_device_assign",
                    "<status><success>Device assigned to DID</success></status>",
                    vec![("device_id", "1".into()), ("did", number)],
                    &["device_id", "did"],
                ),
                None => return write_one(client, 1, &Mutex::default()),
            },
            (1, _) => (
                "device_create",
                "<status>Device created</status>",
                vec![("user_id", USER.into())],
                &["user_id"],
            ),
            (2, _) => (
                "did_create",
                "<status>DID created</status>",
                vec![("did", number()), ("provider_id", "1".into())],
                &["did", "provider_id"],
            ),
            (3, _) => (
                "device_update",
                "<status><success>Device successfully updated</success></status>",
                vec![("device", "1".into()), ("description", number())],
                &["device"],
            ),
            _ => (
                "cli_add",
                "<status>CLI successfully created</status>",
                vec![("device_id", "1".into()), ("cli_number", number())],
                &["device_id", "cli_number"],
            ),
        };
    let sent: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let (request_id, xml) = client.call(method, &sent, signed)?;
    if !xml.contains(wanted) || !xml.ends_with("</page>") {
        return Ok(Err(format!("{method}: {xml}")));
    }
    let id = || element(&xml, "id").parse().expect("an id");
    let what = match method {
        "device_create" => What::Device {
            id: id(),
            secret: element(&xml, "password").into(),
        },
        "did_create" => What::Did {
            id: id(),
            number: parameters[0].1.clone(),
        },
        "device_update" => What::Described {
            description: parameters[1].1.clone(),
        },
        "cli_add" => What::Cli {
            number: parameters[1].1.clone(),
        },
        _ => What::Assigned {
            number: parameters[1].1.clone(),
        },
    };
    Ok(Ok(Acknowledged { request_id, what }))
}

pub fn look(database: &Path) -> Connection {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .expect("the database opens")
}

/// Puts DIDs that are reserved for the user into the database, with their rows in the action log. Gives their numbers.
pub fn reserve(database: &Path, count: usize) -> Vec<String> {
    let mut connection = look(database);
    let tx = connection.transaction().expect("a transaction");
    let numbers: Vec<String> = (0..count).map(|_| number()).collect();
    for number in &numbers {
        tx.execute(
            "INSERT INTO dids (did, provider_id, owner_id, status, user_id, created_ms) VALUES (?1, 1, 0, 'reserved', ?2, 0)",
            [number.as_str(), USER],
        )
        .expect("a row");
        tx.execute(
            "INSERT INTO action_log (at_ms, actor, through, action, object_id) VALUES (0, 'test', 'cli', 'did.create', last_insert_rowid())",
            [],
        )
        .expect("a row");
    }
    tx.commit().expect("a commit");
    numbers
}

/// Everything that was acknowledged is there, with its row in the action log.
pub fn assert_stored(database: &Path, acknowledged: &[Acknowledged]) {
    let connection = look(database);
    let mut log = connection
        .prepare(
            "SELECT request_id, action, object_id FROM action_log WHERE request_id IS NOT NULL",
        )
        .expect("SQL");
    let log: HashMap<String, (String, i64)> = log
        .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))
        .and_then(Iterator::collect)
        .expect("rows");
    let mut described = connection
        .prepare("SELECT request_id, json_extract(after, '$.description') FROM action_log WHERE action = 'device.update'")
        .expect("SQL");
    let described: HashMap<String, String> = described
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .expect("rows");
    for done in acknowledged {
        let (sql, value, action) = match &done.what {
            What::Device { id, secret } => (
                "SELECT id FROM devices WHERE id = ?2 AND secret = ?1",
                (secret, *id),
                "device.create",
            ),
            What::Did { id, number } => (
                "SELECT id FROM dids WHERE did = ?1 AND id = ?2",
                (number, *id),
                "did.create",
            ),
            What::Assigned { number } => (
                "SELECT id FROM dids WHERE did = ?1 AND device_id = ?2 AND status = 'active'",
                (number, 1),
                "did.assign",
            ),
            What::Cli { number } => (
                "SELECT id FROM clis WHERE number = ?1 AND device_id = ?2",
                (number, 1),
                "cli.create",
            ),
            // The next one has replaced it. The log keeps it.
            What::Described { description } => {
                let logged = described.get(&done.request_id);
                assert_eq!(logged, Some(description), "{done:?} is lost");
                continue;
            }
        };
        let found: Result<i64, _> = connection
            .prepare_cached(sql)
            .and_then(|mut find| find.query_row(value, |row| row.get(0)));
        let id = found.unwrap_or_else(|error| panic!("{done:?} is lost: {error}"));
        let logged = log.get(&done.request_id);
        assert_eq!(
            logged,
            Some(&(action.into(), id)),
            "{done:?} is not in the action log"
        );
    }
}

/// Every check of `linebook check` holds, and the device has the last description that the log knows.
pub fn assert_whole(database: &Path) {
    let sql = "SELECT count(*) FROM devices WHERE id = 1 AND description <> ifnull(
        (SELECT json_extract(after, '$.description') FROM action_log
         WHERE action = 'device.update' AND object_id = 1 ORDER BY id DESC LIMIT 1), '')";
    let other: Result<i64, _> = look(database).query_row(sql, [], |row| row.get(0));
    assert_eq!(other, Ok(0), "a description that was not logged last");
    let violations = check::check(&migrate::look(database).expect("the database opens"));
    assert_eq!(violations.expect("the checks run"), []);
}
