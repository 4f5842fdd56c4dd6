//! The server under fire: the real binary on a demo world of its own, and what must be true of it afterwards.

use std::io::Read;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use linebook::store::FILE_NAME;
use rusqlite::Connection;
use rustix::process::Signal;

use crate::common::Server;
use crate::common::server::linebook;

/// A server, and its log so far.
pub struct World {
    /// The process.
    pub server: Server,
    log: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl World {
    /// Starts a server whose world `sql` has changed.
    pub fn start(sql: &str) -> Self {
        let mut server = Server::start_after(sql, &["--log", "warn"]);
        let mut errors = server.child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        let reader = std::thread::spawn(move || {
            let mut space = [0; 4096];
            while let Ok(count @ 1..) = errors.read(&mut space) {
                kept.lock().unwrap().extend(&space[..count]);
            }
        });
        Self {
            server,
            log,
            reader,
        }
    }

    /// A connection of the test's own to its database.
    pub fn connection(&self) -> Connection {
        let connection = Connection::open(self.server.path().join(FILE_NAME)).unwrap();
        connection
            .pragma_update(None, "foreign_keys", true)
            .unwrap();
        connection
            .busy_timeout(std::time::Duration::from_secs(30))
            .unwrap();
        connection
    }

    /// Stops it, and checks that it was alive, never panicked, logged no error, and that its database is sound.
    pub fn stop(mut self) {
        let ended = self.server.child.try_wait().unwrap();
        assert_eq!(ended, None, "the server has ended: {}", self.log());
        self.server.signal(Signal::TERM);
        let ended = self.server.child.wait().unwrap();
        self.reader.join().unwrap();
        let log = String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned();
        assert!(ended.success(), "{ended}: {log}");
        let is_bad = |line: &&str| line.contains("panicked") || line.contains("ERROR");
        let bad: Vec<&str> = log.lines().filter(is_bad).take(20).collect();
        assert!(bad.is_empty(), "in the log:\n{}", bad.join("\n"));
        let checked = linebook()
            .args(["check", "--data"])
            .arg(self.server.path())
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "linebook check: {said}");
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }
}
