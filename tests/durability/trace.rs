//! The order of the server's own system calls: the WAL is synced before a success is answered; and power cuts that
//! leave only as much of the WAL as the trace says was synced.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::server::{
    Acknowledged, Load, Server, World, assert_stored, assert_whole, clean, reserve, wait_for,
};

/// How many writes are traced, at least.
const WRITES: usize = 120;

/// Whether this machine lets a process be traced.
pub fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", "trace=fdatasync", "true"])
        .stderr(Stdio::null())
        .status();
    let can = traced.is_ok_and(|status| status.success());
    if !can {
        eprintln!("SKIPPED: strace is missing or refused here");
    }
    can
}

/// The calls of a trace that matter, by the numbers of the lines where each began and ended.
#[derive(Default)]
pub struct Trace {
    pub wal: Traced,
    pub database: Traced,
    /// The line of each successful reply, and the request's id.
    pub replies: Vec<(usize, String)>,
}

/// The bytes that a disk writes as a whole.
const SECTOR: usize = 512;

/// The writes and syncs of a file.
#[derive(Default)]
pub struct Traced {
    pub writes: Vec<Write>,
    pub syncs: Vec<(usize, usize)>,
}

pub struct Write {
    pub began: usize,
    pub ended: usize,
    pub offset: u64,
    pub length: u64,
    /// The bytes, as strace shows them.
    pub text: String,
    /// The line from which on it is certainly on disk.
    pub synced: usize,
}

impl Trace {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("the trace");
        let lines: Vec<&str> = text.lines().collect();
        let mut trace = Self::default();
        for (began, line) in lines.iter().enumerate() {
            let Some((thread, call)) = line.split_once(char::is_whitespace) else {
                continue;
            };
            let call = call.trim_start();
            let Some((name, arguments)) = call.split_once('(') else {
                continue;
            };
            let ended = end(&lines, began, thread, name);
            let file = arguments.split_once('<').map_or("", |(_, file)| file);
            let path = file.split_once('>').map_or("", |(path, _)| path);
            let traced = match path {
                _ if path.ends_with("linebook.db-wal") => Some(&mut trace.wal),
                _ if path.ends_with("linebook.db") => Some(&mut trace.database),
                _ => None,
            };
            match (name, traced) {
                ("fsync" | "fdatasync", Some(traced)) => {
                    let is_done = |ended: &usize| lines[*ended].ends_with("= 0");
                    let ended = ended.filter(is_done);
                    traced.syncs.extend(ended.map(|ended| (began, ended)));
                }
                ("pwrite64", Some(traced)) => {
                    // The length and the offset come after the bytes, which may hold anything.
                    let (text, numbers) = arguments.rsplit_once('"').expect("bytes in quotes");
                    let numbers: Vec<u64> = numbers
                        .split(|c: char| !c.is_ascii_digit())
                        .filter_map(|number| number.parse().ok())
                        .collect();
                    traced.writes.push(Write {
                        began,
                        ended: ended.unwrap_or(usize::MAX),
                        length: numbers[0],
                        offset: numbers[1],
                        text: text.split_once('"').expect("bytes in quotes").1.into(),
                        synced: usize::MAX,
                    });
                }
                ("write" | "writev" | "sendto" | "sendmsg", _)
                    if file.starts_with("socket:") || file.starts_with("TCP:") =>
                {
                    if let Some(id) = success(arguments) {
                        trace.replies.push((began, id));
                    }
                }
                _ => {}
            }
        }
        for traced in [&mut trace.wal, &mut trace.database] {
            for write in &mut traced.writes {
                let later = traced
                    .syncs
                    .iter()
                    .filter(|(began, _)| *began > write.ended);
                write.synced = later.map(|(_, ended)| *ended).min().unwrap_or(usize::MAX);
            }
        }
        trace
    }
}

impl Write {
    /// The bytes. strace shows them as a C string.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = self.text.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            if *first != b'\\' {
                bytes.push(*first);
                continue;
            }
            let digits = rest
                .iter()
                .take(3)
                .take_while(|byte| (b'0'..b'8').contains(byte));
            let digits = digits.count();
            bytes.push(match rest[0] {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'v' => 0x0b,
                b'f' => 0x0c,
                _ if digits > 0 => {
                    let octal = std::str::from_utf8(&rest[..digits]).expect("digits");
                    u8::from_str_radix(octal, 8).expect("a byte")
                }
                other => other,
            });
            rest = &rest[digits.max(1)..];
        }
        assert_eq!(bytes.len() as u64, self.length, "strace has cut it off");
        bytes
    }
}

impl Traced {
    fn decoded(&self) -> Vec<(&Write, Vec<u8>)> {
        let writes = self.writes.iter();
        writes.map(|write| (write, write.bytes())).collect()
    }
}

/// Everything needed to cut the power at any moment of a trace.
pub struct Power<'a> {
    before: &'a [u8],
    database: Vec<(&'a Write, Vec<u8>)>,
    wal: Vec<(&'a Write, Vec<u8>)>,
}

impl<'a> Power<'a> {
    /// For a server that found the database `before`, and no WAL.
    pub fn new(before: &'a [u8], trace: &'a Trace) -> Self {
        Self {
            before,
            database: trace.database.decoded(),
            wal: trace.wal.decoded(),
        }
    }

    /// Makes the folder `data` anew, with both files as a power cut in the line `now` leaves them: everything synced,
    /// and of each other write the sectors that `fate` keeps. `fate` gets the number of sectors. Returns the database.
    pub fn cut(
        &self,
        data: &Path,
        now: usize,
        mut fate: impl FnMut(usize) -> Vec<bool>,
    ) -> PathBuf {
        let _ = fs::remove_dir_all(data);
        fs::create_dir(data).expect("a folder");
        let database = data.join("linebook.db");
        let file = cut(self.before, &self.database, now, &mut fate);
        fs::write(&database, file).expect("a file");
        let wal = cut(&[], &self.wal, now, &mut fate);
        fs::write(data.join("linebook.db-wal"), wal).expect("a file");
        database
    }
}

fn cut(
    before: &[u8],
    writes: &[(&Write, Vec<u8>)],
    now: usize,
    fate: &mut impl FnMut(usize) -> Vec<bool>,
) -> Vec<u8> {
    let mut file = before.to_vec();
    for (write, bytes) in writes.iter().filter(|(write, _)| write.began < now) {
        let is_synced = write.synced < now;
        let sectors = bytes.chunks(SECTOR);
        let kept = fate(sectors.len());
        for (place, sector) in sectors.enumerate() {
            if !is_synced && !kept[place] {
                continue;
            }
            let start = write.offset as usize + place * SECTOR;
            if file.len() < start + sector.len() {
                file.resize(start + sector.len(), 0);
            }
            file[start..start + sector.len()].copy_from_slice(sector);
        }
    }
    file
}

/// The line where the call that began in line `began` returned; none: it never did.
fn end(lines: &[&str], began: usize, thread: &str, name: &str) -> Option<usize> {
    if !lines[began].ends_with("<unfinished ...>") {
        return Some(began);
    }
    let resumed = format!("<... {name} resumed>");
    let later = lines.iter().enumerate().skip(began + 1);
    let mut of_thread = later.filter(|(_, line)| {
        line.split_once(char::is_whitespace)
            .is_some_and(|(other, _)| other == thread)
    });
    let (line, text) = of_thread.next()?;
    text.contains(&resumed).then_some(line)
}

/// The request's id, from the bytes of a successful reply.
fn success(bytes: &str) -> Option<String> {
    if !bytes.contains("<status>") || bytes.contains("<error>") {
        return None;
    }
    let (_, rest) = bytes.split_once("x-request-id: ")?;
    Some(rest[..16].into())
}

#[test]
fn a_success_is_answered_after_its_commit_is_synced_and_survives_a_power_cut() {
    if !can_trace() {
        return;
    }
    let world = World::new();
    let reserved = reserve(&world.database(), 200);
    let traced = world.folder.path().join("trace");
    assert!(!world.data.join("linebook.db-wal").exists());
    let before = fs::read(world.database()).expect("the file");
    let (acknowledged, trace) = record(&world, &traced, reserved, |load| load.count() >= WRITES);
    assert!(trace.replies.len() >= WRITES, "{}", trace.replies.len());
    assert!(acknowledged.len() >= WRITES);

    for (reply, id) in &trace.replies {
        // The action log's row carries the id, so this database page belongs to the commit of that reply.
        let mut writes = trace.wal.writes.iter();
        let written = writes.find(|write| write.text.contains(id.as_str()));
        let written = written.unwrap_or_else(|| panic!("{id} was answered and never written"));
        let mut syncs = trace.wal.syncs.iter();
        assert!(
            written.began < *reply
                && syncs.any(|(began, ended)| *began > written.ended && ended < reply),
            "{id} was answered in line {reply} before it was synced"
        );
    }
    let cuts = cut_after_each(&world, &before, &trace, &acknowledged);
    eprintln!(
        "{} replies traced, {} syncs, {cuts} power cuts",
        trace.replies.len(),
        trace.wal.syncs.len()
    );
}

/// Runs a traced server under load until the trace is long enough, and kills it.
pub fn record(
    world: &World,
    path: &Path,
    reserved: Vec<String>,
    is_enough: impl Fn(&Load) -> bool,
) -> (Vec<Acknowledged>, Trace) {
    let mut strace = Command::new("strace");
    strace
        // Detached, so that the server itself is our child.
        .args(["-D", "-f", "-y", "-s", "4200", "-e"])
        .arg("trace=pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync")
        .arg("-o")
        .arg(path)
        .arg(env!("CARGO_BIN_EXE_linebook"));
    let server = Server::start_as(clean(strace), &world.data, &[]);
    let process = server.child.id().to_string();
    let load = Load::start(server.address, 8, reserved);
    wait_for("the writes", || is_enough(&load).then_some(()));
    server.kill();
    let outcome = load.finish();
    assert_eq!(outcome.refusals, [] as [String; 0]);
    wait_for("the end of the trace", || {
        let text = fs::read_to_string(path).expect("the trace");
        let mut last = text.lines().filter(|line| line.starts_with(&process));
        last.any(|line| line.contains("+++")).then_some(())
    });
    (outcome.acknowledged, Trace::read(path))
}

/// Cuts the power at the moment of each reply: both files hold what was synced by then, and that is everything answered
/// by then. Gives the number of cuts.
fn cut_after_each(
    world: &World,
    before: &[u8],
    trace: &Trace,
    acknowledged: &[Acknowledged],
) -> usize {
    let power = Power::new(before, trace);
    let data = world.folder.path().join("cut");
    let find = |id: &String| acknowledged.iter().find(|done| done.request_id == *id);
    let mut answered = Vec::new();
    for (reply, id) in &trace.replies {
        // A reply into a connection that the kill had cut never reached its client.
        answered.extend(find(id).cloned());
        let database = power.cut(&data, *reply, |sectors| vec![false; sectors]);
        assert_stored(&database, &answered);
    }
    assert_eq!(
        answered.len(),
        acknowledged.len(),
        "replies that were not traced"
    );
    let database = data.join("linebook.db");
    assert_whole(&database);
    Server::start(&data, &[]).terminate();
    assert_stored(&database, acknowledged);
    trace.replies.len()
}
