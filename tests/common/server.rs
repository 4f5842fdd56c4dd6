//! The real binary, serving a demo world of its own in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use linebook::store::FILE_NAME;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::world::demo_folder;

/// A process that serves; killed with the value.
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Starts a server with these flags and public metrics. Its log can be read from the child's standard error.
    pub fn start(flags: &[&str]) -> Self {
        Self::start_plain(&[&["--metrics-public"], flags].concat())
    }

    /// Starts a server with these flags and public metrics, whose world `sql` has changed before. Beside a server, a long
    /// change would keep it waiting.
    pub fn start_after(sql: &str, flags: &[&str]) -> Self {
        let folder = demo_folder();
        let database = Connection::open(folder.path().join(FILE_NAME)).unwrap();
        database.pragma_update(None, "foreign_keys", true).unwrap();
        let done = database.execute_batch(sql);
        done.unwrap_or_else(|error| panic!("{error}: {}", &sql[..sql.len().min(500)]));
        drop(database);
        Self::spawn("serve", folder, &[&["--metrics-public"], flags].concat())
    }

    /// Starts a server with these flags and no others.
    pub fn start_plain(flags: &[&str]) -> Self {
        Self::spawn("serve", demo_folder(), flags)
    }

    /// Starts `linebook demo`, which makes its world itself.
    pub fn demo(flags: &[&str]) -> Self {
        Self::spawn("demo", tempfile::tempdir().unwrap(), flags)
    }

    fn spawn(verb: &str, folder: TempDir, flags: &[&str]) -> Self {
        let mut child = linebook()
            .args([verb, "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut first).unwrap();
        // `demo` goes on to say where its database is.
        let address = first.split("://").nth(1);
        let address = address.and_then(|rest| rest.trim().split(',').next());
        let Some(address) = address else {
            let mut errors = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut errors)
                .unwrap();
            panic!("{first}{errors}");
        };
        let address = address.parse().unwrap();
        // Its other output is drained, so that it never blocks.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self {
            child,
            address,
            folder,
        }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it as an operator would, and gives its whole log.
    pub fn stop(mut self) -> String {
        let mut log = String::new();
        let mut errors = self.child.stderr.take().unwrap();
        self.signal(Signal::TERM);
        errors.read_to_string(&mut log).unwrap();
        self.child.wait().unwrap();
        log
    }

    /// The most memory it has had, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, without settings from the environment of the tests.
pub fn linebook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linebook"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINEBOOK_") {
            command.env_remove(name);
        }
    }
    command
}
