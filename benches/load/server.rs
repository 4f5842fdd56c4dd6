//! The servers under load: linebook's release binary, and a static handler to compare it with, each in a process of its
//! own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::world::BINARY;

/// A running server, ended when it is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// linebook over the folder `data`. It logs as in production, into a file.
    pub fn linebook(data: &Path, flags: &[&str]) -> Self {
        let flags = [&["--metrics-public"], flags].concat();
        Self::linebook_at(Path::new(BINARY), data, &flags)
    }

    /// Another linebook binary over the folder `data`. It may be older than some flag.
    pub fn linebook_at(binary: &Path, data: &Path, flags: &[&str]) -> Self {
        let log = std::fs::File::create(data.join("log")).expect("a log file");
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg("--data")
            .arg(data)
            .args(flags)
            .stderr(log);
        Self::start(command)
    }

    /// This program again, as a server of one fixed reply.
    pub fn fixed(reply: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg("--fixed").arg(reply).stderr(Stdio::null());
        Self::start(command)
    }

    /// Starts it, and reads the address from the line that it prints.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a server");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("a line").expect("a line");
        let (_, address) = line
            .rsplit_once("http://")
            .expect("an address in its first line");
        Self {
            address: address.parse().expect("an address"),
            child,
        }
    }

    /// Whether it has the method that a request begins with.
    pub fn knows(&self, asked: &str) -> bool {
        let method = asked.split(' ').next().expect("a name");
        let path = match method.starts_with('/') {
            true => method.to_owned(),
            false => format!("/billing/api/{method}"),
        };
        let request = format!("POST {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
        let mut answer = Vec::new();
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.write_all(request.as_bytes()).expect("a request");
        stream.read_to_end(&mut answer).expect("an answer");
        !answer.starts_with(b"HTTP/1.1 404 ") && !answer.starts_with(b"HTTP/1.0 404 ")
    }

    /// The name of each of its threads, and the CPU time that it has used so far, in nanoseconds.
    pub fn cpu_by_thread(&self) -> Vec<(String, u64)> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("/proc");
        let read = |task: std::path::PathBuf| {
            let name = std::fs::read_to_string(task.join("comm")).ok()?;
            let stat = std::fs::read_to_string(task.join("schedstat")).ok()?;
            let spent = stat.split(' ').next()?.parse().ok()?;
            Some((name.trim().to_owned(), spent))
        };
        tasks.filter_map(|task| read(task.ok()?.path())).collect()
    }

    /// CPU time it has used so far, user and system, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("/proc");
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
            .filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// The most memory it has used so far, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("/proc");
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok())
            .expect("VmHWM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
