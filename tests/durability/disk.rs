//! A disk that is full, read-only, or failing: the documented answers, reads that go on, recovery by itself, and
//! everything acknowledged is there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::gone::status;
use super::server::{
    Acknowledged, Client, Load, Server, USER, World, assert_stored, assert_whole, clean, reserve,
    signal, wait_for,
};
use super::trace::can_trace;

/// DIDs to assign: more than can be assigned before the disk is full, so that some are refused.
const DIDS: usize = 20_000;

/// The documented answers for a write that the disk refuses, with `reason` in the one that has room for it.
fn assert_documented(refusals: &[String], reason: &str) {
    let page = |text: &str| format!(r#"<?xml version="1.0" encoding="UTF-8"?><page>{text}</page>"#);
    let known = [
        format!(
            "device_create: {}",
            page(&format!(
                "<error>Device was not created</error><message>{reason}</message>"
            ))
        ),
        format!("did_create: {}", page("<error>DID creation failed</error>")),
        format!(
            "did_trunk_device_assign: {}",
            page("<status><error>Device was not assigned</error></status>")
        ),
        format!(
            "did_device_assign: {}",
            page("<error>Device was not assigned</error>")
        ),
        format!(
            "device_update: 503 (retry) {}",
            page("<error>Storage is not available, try again later</error>")
        ),
        format!(
            "cli_add: 503 (retry) {}",
            page("<error>Storage is not available, try again later</error>")
        ),
    ];
    for refusal in refusals {
        assert!(known.contains(refusal), "{refusal}");
    }
    for answer in &known {
        assert!(refusals.contains(answer), "never heard: {answer}");
    }
}

/// Writes before, while and after the disk is broken. Gives what was acknowledged in all that time.
fn weather(
    server: &Server,
    reserved: Vec<String>,
    reason: &str,
    break_it: impl FnOnce(),
    mend_it: impl FnOnce(),
) -> Vec<Acknowledged> {
    let (first, second) = reserved.split_at(reserved.len() / 2);
    let load = Load::start(server.address, 8, first.to_vec());
    wait_for("some writes", || (load.count() > 200).then_some(()));
    let mut acknowledged = load.finish().acknowledged;
    break_it();

    let load = Load::start(server.address, 8, second.to_vec());
    // First, what still fits is written.
    let mut reader = Client::connect(server.address).expect("a connection");
    let mut last = usize::MAX;
    wait_for("a disk that takes nothing", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let (_, list) = reader
            .call("devices_get", &[("user_id", USER)], &["user_id"])
            .expect("reads go on");
        assert!(list.contains("<device_id>1</device_id>"), "{list}");
        let count = load.count();
        let stands = count == last;
        last = count;
        stands.then_some(())
    });
    let outcome = load.finish();
    assert_eq!(outcome.half_answers, 0);
    assert_documented(&outcome.refusals, reason);
    acknowledged.extend(outcome.acknowledged);

    mend_it();
    let load = Load::start(server.address, 8, Vec::new());
    wait_for("writes again", || (load.count() > 100).then_some(()));
    let outcome = load.finish();
    assert_eq!(outcome.refusals, [] as [String; 0]);
    acknowledged.extend(outcome.acknowledged);
    eprintln!("{reason}: {} acknowledged and kept", acknowledged.len());
    acknowledged
}

/// After a failure, everything is there while the server runs, and after it has been killed.
fn assert_kept(world: &World, server: Server, acknowledged: &[Acknowledged]) {
    assert_stored(&world.database(), acknowledged);
    assert_whole(&world.database());
    server.kill();
    let server = world.start();
    assert_stored(&world.database(), acknowledged);
    assert_whole(&world.database());
    server.terminate();
}

#[test]
fn a_file_that_may_not_grow_is_an_io_error_and_passes() {
    let world = World::new();
    let reserved = reserve(&world.database(), DIDS);
    // By default the kernel kills a process that writes beyond the limit.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_linebook"));
    let server = Server::start_as(clean(shell), &world.data, &[]);
    let limit = |bytes: &str| {
        let set = Command::new("prlimit")
            .args(["--pid", &server.child.id().to_string()])
            .arg(format!("--fsize={bytes}:unlimited"))
            .status();
        assert!(set.expect("prlimit").success());
    };
    let wal = world.data.join("linebook.db-wal");
    let acknowledged = weather(
        &server,
        reserved,
        "the disk failed",
        || limit(&fs::metadata(&wal).expect("the WAL").len().to_string()),
        || limit("unlimited"),
    );
    assert_kept(&world, server, &acknowledged);
}

/// Makes system calls of a running server fail from now on, until the tracer ends.
fn inject(process: u32, what: &str) -> Child {
    let mut strace = Command::new("strace")
        .args(["-f", "-q", "-o", "/dev/null", "-e", what])
        .args(["-p", &process.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("strace");
    // It is attached once each thread has a tracer.
    let status = PathBuf::from(format!("/proc/{process}/task"));
    wait_for("the tracer", || {
        let tasks = fs::read_dir(&status).expect("the threads");
        let mut states = tasks.map(|task| {
            fs::read_to_string(task.expect("a thread").path().join("status")).unwrap_or_default()
        });
        states
            .all(|state| !state.contains("TracerPid:\t0\n"))
            .then_some(())
    });
    assert!(strace.try_wait().expect("a child").is_none());
    strace
}

fn fails_and_passes(what: &str) {
    if !can_trace() {
        return;
    }
    let world = World::new();
    let reserved = reserve(&world.database(), DIDS);
    let server = world.start();
    let process = server.child.id();
    let mut tracer = None;
    let tracer = &mut tracer;
    let cell = std::cell::RefCell::new(tracer);
    let acknowledged = weather(
        &server,
        reserved,
        "the disk failed",
        || **cell.borrow_mut() = Some(inject(process, what)),
        || {
            let mut tracer = cell.borrow_mut().take().expect("a tracer");
            signal(tracer.id(), "TERM");
            tracer.wait().expect("it ends");
        },
    );
    assert_kept(&world, server, &acknowledged);
}

#[test]
fn a_sync_that_fails_is_no_success() {
    fails_and_passes("inject=fsync,fdatasync:error=EIO");
}

#[test]
fn a_volume_that_turns_read_only_refuses_writes_and_passes() {
    fails_and_passes("inject=pwrite64:error=EROFS");
}

/// A small tmpfs in a mount namespace of its own, which goes away with its holder.
struct SmallDisk {
    holder: Child,
    place: PathBuf,
}

impl SmallDisk {
    fn new(place: &Path, size: &str) -> Option<Self> {
        let script =
            "mount -t tmpfs -o size=$1,mode=0700 none \"$2\" && echo mounted && exec sleep 600";
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh", size])
            .arg(place)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut said = String::new();
        let stdout = holder.stdout.take().expect("a pipe");
        let mut stdout = std::io::BufReader::new(stdout);
        std::io::BufRead::read_line(&mut stdout, &mut said).expect("UTF-8");
        let disk = Self {
            holder,
            place: place.into(),
        };
        if said != "mounted\n" {
            eprintln!("SKIPPED: a tmpfs cannot be mounted here");
            return None;
        }
        Some(disk)
    }

    /// The path of a file on it, seen from outside.
    fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let place = self.place.strip_prefix("/").expect("absolute");
        root.join(place).join(name)
    }

    /// Everything is in a copy of the database, made while nobody writes. (SQLite refuses a path that leads through
    /// another namespace.)
    fn assert_kept(&self, acknowledged: &[Acknowledged]) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["linebook.db", "linebook.db-wal"] {
            let from = self.path(name);
            if from.exists() {
                fs::copy(from, folder.path().join(name)).expect("a copy");
            }
        }
        assert_stored(&folder.path().join("linebook.db"), acknowledged);
        assert_whole(&folder.path().join("linebook.db"));
    }

    /// A command that runs in its namespace.
    fn command(&self, program: &str) -> Command {
        let mut command = clean(Command::new("nsenter"));
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()))
            .arg(program);
        command
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[test]
fn a_full_disk_refuses_writes_and_passes() {
    let world = World::new();
    let reserved = reserve(&world.database(), DIDS);
    let place = world.folder.path().join("small");
    fs::create_dir(&place).expect("a folder");
    let Some(disk) = SmallDisk::new(&place, "24m") else {
        return;
    };
    fs::copy(world.database(), disk.path("linebook.db")).expect("a copy");
    let binary = env!("CARGO_BIN_EXE_linebook");
    let start = || Server::start_as(disk.command(binary), &place, &[]);
    let server = start();
    let filler = disk.path("filler");
    let acknowledged = weather(
        &server,
        reserved,
        "the disk is full",
        || {
            // The copy ends when nothing fits any more.
            let _ = std::io::copy(
                &mut std::io::repeat(b'x'),
                &mut fs::File::create(&filler).expect("a file"),
            );
        },
        || fs::remove_file(&filler).expect("the filler"),
    );
    disk.assert_kept(&acknowledged);
    server.kill();
    disk.assert_kept(&acknowledged);
    let server = start();
    disk.assert_kept(&acknowledged);
    server.terminate();
    disk.assert_kept(&acknowledged);

    // Read-only from the start, the volume gives one line.
    let remounted = disk
        .command("mount")
        .args(["-o", "remount,ro"])
        .arg(&place)
        .status();
    assert!(remounted.expect("mount").success());
    let output = disk
        .command(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&place)
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.contains("the database is read-only"), "{stderr}");
}

/// A disk with room for one database page, but not for a call: `/health/ready` says so.
#[test]
fn a_nearly_full_disk_is_not_ready() {
    let world = World::new();
    let place = world.folder.path().join("small");
    fs::create_dir(&place).expect("a folder");
    let Some(disk) = SmallDisk::new(&place, "24m") else {
        return;
    };
    fs::copy(world.database(), disk.path("linebook.db")).expect("a copy");
    let server = Server::start_as(disk.command(env!("CARGO_BIN_EXE_linebook")), &place, &[]);
    assert_eq!(status(server.address, "/health/ready"), 200);
    let page = vec![b'x'; 4096];
    let mut filler = fs::File::create(disk.path("filler")).expect("a file");
    while filler.write_all(&page).is_ok() {}
    // Six database pages are free again.
    let length = filler.metadata().expect("the filler").len();
    filler.set_len(length - 6 * 4096).expect("a shorter file");

    let mut client = Client::connect(server.address).expect("a connection");
    let mut create = || {
        let made = client.call("device_create", &[("user_id", USER)], &["user_id"]);
        made.expect("an answer").1.contains("Device created")
    };
    let (mut refused, mut unready) = (0, 0);
    // The answer of `/health/ready` is kept for a second.
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_millis(1100));
        unready += usize::from(status(server.address, "/health/ready") == 503);
        refused += usize::from(!create());
    }
    assert_eq!((refused, unready), (3, 3));
    drop(filler);
    fs::remove_file(disk.path("filler")).expect("the filler");
    wait_for("readiness", || {
        (status(server.address, "/health/ready") == 200).then_some(())
    });
    assert!(create());
    server.terminate();
}

#[test]
fn a_new_database_on_a_full_disk_is_not_half_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::new(folder.path(), "64k") else {
        return;
    };
    let output = disk
        .command(env!("CARGO_BIN_EXE_linebook"))
        .args(["init", "--data"])
        .arg(folder.path())
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    let left: Vec<_> = fs::read_dir(disk.path(""))
        .expect("the folder")
        .map(|entry| entry.expect("a file").file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
