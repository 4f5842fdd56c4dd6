//! Backups while the server writes, the way back, and the drill.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use linebook::ambient::{Ambient, file_time};

use super::server::{
    Load, Server, World, assert_stored, assert_whole, clean, is_slow, linebook, look, ok, refused,
    reserve, wait_for,
};
use super::trace::can_trace;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("a file")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn usernames(database: &Path) -> String {
    let sql = "SELECT group_concat(username ORDER BY id) FROM users";
    look(database)
        .query_row(sql, [], |row| row.get(0))
        .expect("users")
}

#[test]
fn the_drill() {
    let world = World::new();
    let reserved = reserve(&world.database(), 2000);
    let server = world.start();
    let load = Load::start(server.address, 64, reserved);
    let rounds = if is_slow() { 5 } else { 1 };
    for round in 0..rounds {
        let wanted = load.count() + if is_slow() { 3000 } else { 500 };
        wait_for("some writes", || (load.count() >= wanted).then_some(()));
        let before = load.so_far();
        let file = world.folder.path().join(format!("backup-{round}.db"));
        ok(&["backup", text(&file)], &world.data);
        let during = load.count() - before.len();
        assert!(during > 0, "the writers stood still");
        assert_eq!(
            fs::metadata(&file).expect("a file").permissions().mode() & 0o777,
            0o600
        );

        let elsewhere = world.folder.path().join(format!("elsewhere-{round}"));
        ok(&["restore", text(&file)], &elsewhere);
        let checked = ok(&["check"], &elsewhere);
        assert!(checked.ends_with("checks hold\n"), "{checked}");
        assert_stored(&elsewhere.join("linebook.db"), &before);
        Server::start(&elsewhere, &[]).terminate();
        eprintln!(
            "backup {round}: {} acknowledged before it, {during} while it was made",
            before.len()
        );
    }
    let outcome = load.finish();
    assert_eq!(outcome.refusals, [] as [String; 0]);
    server.terminate();
    assert_stored(&world.database(), &outcome.acknowledged);
    assert_eq!(names(&world.data).len(), 4, "{:?}", names(&world.data));
}

#[test]
fn a_backup_overwrites_nothing_unless_told_to() {
    let world = World::new();
    let file = world.folder.path().join("backup.db");
    fs::write(&file, "precious").expect("a file");
    let line = refused(&["backup", text(&file)], &world.data);
    assert!(line.ends_with("or replace it with --force"), "{line}");
    assert_eq!(fs::read(&file).expect("it is there"), b"precious");
    ok(&["backup", "--force", text(&file)], &world.data);
    assert_whole(&file);
    let own = world.database();
    for flags in [&["backup"][..], &["backup", "--force"]] {
        let line = [flags, &[text(&own)]].concat();
        refused(&line, &world.data);
    }
    assert_whole(&own);
}

#[test]
fn a_damaged_database_gives_no_backup_and_a_damaged_backup_is_not_restored() {
    let world = World::new();
    let good = world.folder.path().join("good.db");
    ok(&["backup", text(&good)], &world.data);
    let damage = "PRAGMA foreign_keys = OFF; DELETE FROM device_groups WHERE user_id = 1";
    look(&world.database()).execute_batch(damage).expect("SQL");
    let file = world.folder.path().join("bad.db");
    let line = refused(&["backup", text(&file)], &world.data);
    assert!(line.contains("every reference leads to a row"), "{line}");
    assert_eq!(names(world.folder.path()), ["data", "good.db"]);

    // That damage in a backup, damaged database pages, half a backup, and files that are no database.
    fs::copy(world.database(), &file).expect("a copy");
    let bytes = fs::read(&good).expect("a file");
    let mut overwritten = bytes.clone();
    overwritten[8192..12288].fill(0xa5);
    let elsewhere = world.folder.path().join("elsewhere");
    for (bytes, reason) in [
        (fs::read(&file).expect("a file"), "is damaged"),
        (overwritten, "is damaged"),
        (bytes[..bytes.len() / 2].to_vec(), "damaged"),
        (
            b"not a database, but long enough to be looked at".repeat(200),
            "is not a linebook database",
        ),
        (Vec::new(), "is not a linebook database"),
    ] {
        fs::write(&file, bytes).expect("a file");
        let line = refused(&["restore", text(&file)], &elsewhere);
        assert!(line.starts_with(text(&file)), "{line}");
        assert!(line.contains(reason), "{line}");
        assert_eq!(names(&elsewhere), ["linebook.lock"], "{line}");
    }
    fs::write(&file, &bytes).expect("a file");
    look(&file)
        .execute_batch("PRAGMA user_version = 99")
        .expect("SQL");
    let line = refused(&["restore", text(&file)], &elsewhere);
    assert!(line.contains("has schema version 99"), "{line}");
    refused(&["restore", "/nowhere/at/all.db"], &elsewhere);
    // A copy of a live file is not whole without its WAL.
    fs::write(&file, &bytes).expect("a file");
    fs::write(file.with_extension("db-wal"), "frames").expect("a file");
    let line = refused(&["restore", text(&file)], &elsewhere);
    assert!(line.contains("has a WAL beside it"), "{line}");
}

#[test]
fn a_restore_keeps_what_it_replaces() {
    let world = World::new();
    let file = world.folder.path().join("backup.db");
    ok(&["backup", text(&file)], &world.data);
    let server = world.start();
    ok(&["user", "add", "later"], &world.data);
    let line = refused(&["restore", "--force", text(&file)], &world.data);
    assert!(line.contains("a linebook server already runs on"), "{line}");
    // After the kill, the last user is only in the WAL.
    server.kill();
    assert!(world.data.join("linebook.db-wal").exists());
    let line = refused(&["restore", text(&file)], &world.data);
    assert!(line.contains("--force"), "{line}");
    assert_eq!(usernames(&world.database()), "admin,office,later");
    let holder = world.start();
    holder.kill();
    ok(&["restore", "--force", text(&file)], &world.data);
    assert_eq!(usernames(&world.database()), "admin,office");
    assert!(!world.data.join("linebook.db-wal").exists());
    // The replaced database is in a data folder itself.
    let kept = kept(&world.data);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(names(&kept[0]), ["linebook.db"]);
    assert_eq!(
        usernames(&kept[0].join("linebook.db")),
        "admin,office,later"
    );
    Server::start(&kept[0], &[]).terminate();
    world.start().terminate();
}

/// A session that was ended, and a link that was used, after the backup was made: neither works again.
#[test]
fn nobody_is_signed_in_to_what_was_restored() {
    let world = World::new();
    look(&world.database())
        .execute_batch(
            "INSERT INTO sessions (token_hash, user_id, created_ms, seen_ms) VALUES (zeroblob(32), 1, 0, 4000000000000);
             INSERT INTO password_links VALUES (zeroblob(32), 1, 4000000000000)",
        )
        .expect("SQL");
    let file = world.folder.path().join("backup.db");
    ok(&["backup", text(&file)], &world.data);
    let count = |database: &Path| -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM password_links)";
        look(database)
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("counts")
    };
    // Admin's first link, too.
    assert_eq!(count(&file), (1, 2));
    let elsewhere = world.folder.path().join("elsewhere");
    let said = ok(&["restore", text(&file)], &elsewhere);
    assert_eq!(count(&elsewhere.join("linebook.db")), (0, 0));
    let ended = "everyone signs in again (1 sessions and 2 password links were ended)";
    assert!(said.trim_end().ends_with(ended), "{said}");
    assert_eq!(names(&elsewhere), ["linebook.db", "linebook.lock"]);
}

/// The folders in which restores have kept what they replaced.
fn kept(data: &Path) -> Vec<PathBuf> {
    let names = names(data).into_iter();
    names
        .filter(|name| name.starts_with("linebook.db.replaced-2"))
        .map(|name| data.join(name))
        .collect()
}

#[test]
fn a_damaged_database_is_replaced_and_kept_with_its_wal() {
    let world = World::new();
    let file = world.folder.path().join("backup.db");
    ok(&["backup", text(&file)], &world.data);
    fs::write(world.database(), "rubbish".repeat(1000)).expect("a file");
    fs::write(world.data.join("linebook.db-wal"), "frames").expect("a file");
    fs::write(world.data.join("linebook.db-shm"), "index").expect("a file");
    ok(&["restore", "--force", text(&file)], &world.data);
    assert_eq!(usernames(&world.database()), "admin,office");
    assert!(!world.data.join("linebook.db-wal").exists());
    let kept = kept(&world.data);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(names(&kept[0]), ["linebook.db", "linebook.db-wal"]);
}

/// A world whose last user is only in its WAL, and a backup that lacks this user.
fn backed_up_before_its_wal() -> (World, PathBuf) {
    let world = World::new();
    let file = world.folder.path().join("backup.db");
    ok(&["backup", text(&file)], &world.data);
    let server = world.start();
    ok(&["user", "add", "later"], &world.data);
    server.kill();
    (world, file)
}

#[test]
fn a_wal_without_its_database_is_not_taken_for_the_new_ones() {
    let (world, file) = backed_up_before_its_wal();
    // The state that a restore leaves when it is killed between its two renames.
    fs::rename(world.database(), world.data.join("moved")).expect("a file");
    let line = refused(&["serve", "--listen", "127.0.0.1:0"], &world.data);
    assert!(line.contains("this folder had a database"), "{line}");
    ok(&["restore", text(&file)], &world.data);
    assert_eq!(usernames(&world.database()), "admin,office");
    world.start().terminate();
    assert_eq!(usernames(&world.database()), "admin,office");
}

/// The system calls of `restore`: those that change names, then those that change contents.
const STEPS: [&str; 9] = [
    "mkdir",
    "rename",
    "renameat2",
    "link",
    "unlink",
    "fsync",
    "fdatasync",
    "pwrite64",
    "ftruncate",
];
/// How many of them are about names.
const NAMES: usize = 6;

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp").success());
}

/// Runs `restore` on copies of `data`, kills it at each of its steps in turn, and gives each folder to `check`. Returns
/// how often it did so. `also` happens to each copy as well.
fn killed_at_each_step(
    data: &Path,
    file: &Path,
    also: &[&str],
    check: impl Fn(&Path, &str),
) -> usize {
    let mut count = 0;
    for step in &STEPS[..if is_slow() { STEPS.len() } else { NAMES }] {
        for place in 1.. {
            let copy = data.with_file_name("copy");
            let _ = fs::remove_dir_all(&copy);
            copy_folder(data, &copy);
            let restored = clean(Command::new("strace"))
                .args(["-f", "-o", "/dev/null", "-e"])
                .arg(format!("trace={step},pwrite64"))
                .args(also)
                .arg("-e")
                .arg(format!("inject={step}:signal=KILL:when={place}"))
                .arg(env!("CARGO_BIN_EXE_linebook"))
                .args(["restore", "--force", text(file), "--data"])
                .arg(&copy)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            let restored = restored.expect("strace");
            if restored.success() {
                break;
            }
            // strace ends as its program does. A restore that refuses is never killed, and this loop would go on
            // forever.
            assert_eq!(restored.code(), None, "{step} {place}");
            check(&copy, &format!("killed at {step} {place}"));
            count += 1;
        }
    }
    count
}

/// How often `restore` writes to a place in a file when it has nothing to replace.
fn count_writes(file: &Path, data: &Path) -> usize {
    let calls = data.with_extension("calls");
    let restored = clean(Command::new("strace"))
        .args(["-f", "-e", "trace=pwrite64", "-o", text(&calls)])
        .arg(env!("CARGO_BIN_EXE_linebook"))
        .args(["restore", text(file), "--data", text(data)])
        .stdout(Stdio::null())
        .status();
    assert!(restored.expect("strace").success());
    let calls = fs::read_to_string(calls).expect("a file");
    calls.matches("pwrite64(").count()
}

#[test]
fn a_restore_killed_at_any_step_mixes_nothing() {
    if !can_trace() {
        return;
    }
    let (world, file) = backed_up_before_its_wal();
    assert!(world.data.join("linebook.db-wal").exists());
    let again = |data: &Path, at: &str| {
        ok(&["restore", "--force", text(&file)], data);
        assert_eq!(usernames(&data.join("linebook.db")), "admin,office", "{at}");
        let left = names(data);
        let is_known = |name: &String| {
            ["key.txt", "linebook.db", "linebook.lock"].contains(&name.as_str())
                || name.starts_with("linebook.db.replaced-")
                || name.starts_with("first-run")
        };
        assert!(left.iter().all(is_known), "{at}: {left:?}");
    };
    let is_old_or_new = |data: &Path, at: &str| {
        let database = data.join("linebook.db");
        if database.exists() {
            let started = data.with_file_name("started");
            let _ = fs::remove_dir_all(&started);
            copy_folder(data, &started);
            Server::start(&started, &[]).terminate();
            let users = usernames(&started.join("linebook.db"));
            let is_new = !kept(data).is_empty();
            let expected = if is_new {
                "admin,office"
            } else {
                "admin,office,later"
            };
            assert_eq!(users, expected, "{at}");
        } else {
            refused(&["serve", "--listen", "127.0.0.1:0"], data);
        }
        again(data, at);
        let mut kept = kept(data).into_iter();
        let is_old = |kept: PathBuf| usernames(&kept.join("linebook.db")).ends_with("later");
        assert!(kept.any(is_old), "{at}: the old one is lost");
    };
    let old = killed_at_each_step(&world.data, &file, &[], is_old_or_new);
    // Where the WAL cannot be merged, the database alone is not taken for the whole. The disk becomes full once the
    // backup's copy is written. A restore that has nothing to replace writes once more, to the lock file.
    let copied = count_writes(&file, &world.folder.path().join("count"));
    let full = format!("inject=pwrite64:error=ENOSPC:when={copied}+");
    let unmerged = killed_at_each_step(&world.data, &file, &["-e", &full], is_old_or_new);

    // A damaged database is kept with its own WAL, and with no other.
    fs::write(world.database(), "rubbish".repeat(1000)).expect("a file");
    fs::write(world.data.join("linebook.db-wal"), "frames").expect("a file");
    let damaged = killed_at_each_step(&world.data, &file, &[], |data, at| {
        if !data.join("linebook.db").exists() {
            refused(&["serve", "--listen", "127.0.0.1:0"], data);
            // While any part of the old database is there, no new one is put beside it.
            if kept(data).is_empty() {
                refused(&["init"], data);
            }
        }
        again(data, at);
        let kept = kept(data);
        let of_old = kept
            .iter()
            .filter(|kept| kept.join("linebook.db-wal").exists());
        let of_old: Vec<_> = of_old.collect();
        assert_eq!(of_old.len(), 1, "{at}: {kept:?}");
        let bytes = fs::read(of_old[0].join("linebook.db")).expect("the old one");
        assert!(bytes.starts_with(b"rubbish"), "{at}");
        let is_alone = |kept: &&PathBuf| kept.join("linebook.db").exists();
        assert!(kept.iter().all(|kept| is_alone(&kept)), "{at}: {kept:?}");
    });
    let counts = [old, unmerged, damaged];
    assert!(counts.iter().all(|count| *count > 8), "{counts:?}");
    eprintln!(
        "killed at {old} steps with a good database, {unmerged} on a full disk, {damaged} with a damaged one"
    );
}

/// Kills `restore` at random moments: the database is the old one or the new one, whole, or (between two renames) the
/// old one is under its other name and nothing is served.
#[test]
fn a_killed_restore_leaves_one_or_the_other() {
    let rounds = if is_slow() { 60 } else { 8 };
    let world = World::new();
    let file = world.folder.path().join("backup.db");
    ok(&["backup", text(&file)], &world.data);
    ok(&["user", "add", "later"], &world.data);
    let later = world.folder.path().join("later.db");
    ok(&["backup", text(&later)], &world.data);
    let dice = Ambient::system();
    for round in 0..rounds {
        let from = if round % 2 == 0 { &file } else { &later };
        let mut child = linebook()
            .args(["restore", "--force", text(from), "--data"])
            .arg(&world.data)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("the binary runs");
        let digits: u64 = dice.digits(4).parse().expect("digits");
        std::thread::sleep(Duration::from_micros(digits * 4));
        let _ = child.kill();
        child.wait().expect("it ends");
        if !world.database().exists() {
            refused(&["serve", "--listen", "127.0.0.1:0"], &world.data);
            ok(&["restore", text(from)], &world.data);
        }
        assert_whole(&world.database());
        world.start().terminate();
        let users = usernames(&world.database());
        assert!(users.starts_with("admin,office"), "{users}");
    }
    // The next restore removes what the killed ones have left.
    ok(&["restore", "--force", text(&file)], &world.data);
    let left = names(&world.data);
    assert!(!left.iter().any(|name| name.starts_with('.')), "{left:?}");
}

#[test]
fn a_server_makes_backups_and_keeps_the_newest() {
    let world = World::new();
    let folder = world.folder.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    let now_ms = Ambient::system().now_ms();
    let hour_ms = 60 * 60 * 1000;
    let name = |at_ms: i64| format!("linebook-{}.db", file_time(at_ms));
    let good = world.folder.path().join("good.db");
    ok(&["backup", text(&good)], &world.data);
    for hours in [30, 40, 50] {
        fs::copy(&good, folder.join(name(now_ms - hours * hour_ms))).expect("a copy");
    }
    fs::write(folder.join("linebook-of-someone.db"), "other").expect("a file");
    let flags = [
        "--backup-every",
        "24h",
        "--backup-keep",
        "2",
        "--backup-dir",
    ];
    let flags = [&flags[..], &[text(&folder)]].concat();
    let server = Server::start(&world.data, &flags);
    wait_for("a backup", || (names(&folder).len() == 3).then_some(()));
    wait_for("its log line", || {
        server.log().contains("a backup was made").then_some(())
    });
    assert_locked(&world.database(), server.child.id());
    let left = names(&folder);
    assert_eq!(left[0], name(now_ms - 30 * hour_ms), "{left:?}");
    assert_eq!(left[2], "linebook-of-someone.db");
    let made = folder.join(&left[1]);
    assert_whole(&made);
    let mode = fs::metadata(&made).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.terminate();
    // The next is due a day later, whether or not the server is started again.
    let server = Server::start(&world.data, &flags);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(names(&folder), left);
    server.terminate();
}

/// Two servers may share a folder for their backups, and it may hold files that only look like backups.
#[test]
fn a_server_s_backups_are_those_of_its_own_installation() {
    let (one, two) = (World::new(), World::new());
    let folder = one.folder.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    let junk = format!(
        "linebook-{}.db",
        file_time(Ambient::system().now_ms() - 1000)
    );
    fs::write(folder.join(&junk), "junk").expect("a file");
    let flags = [
        "--backup-every",
        "24h",
        "--backup-keep",
        "1",
        "--backup-dir",
        text(&folder),
    ];
    for (world, count) in [(&one, 2), (&two, 3)] {
        let server = Server::start(&world.data, &flags);
        wait_for("its log line", || {
            server.log().contains("a backup was made").then_some(())
        });
        server.terminate();
        assert_eq!(names(&folder).len(), count, "{:?}", names(&folder));
    }
    assert!(folder.join(&junk).exists());
}

/// The process holds SQLite's lock on the database. A process loses it when it opens and closes the file by itself.
/// Without the lock, another program that looks at the database removes the server's WAL when it leaves.
fn assert_locked(database: &Path, process: u32) {
    let file = format!(":{} ", fs::metadata(database).expect("the database").ino());
    let locks = fs::read_to_string("/proc/locks").expect("/proc");
    let is_locked = locks
        .lines()
        .any(|lock| lock.contains(&format!(" {process} ")) && lock.contains(&file));
    assert!(is_locked, "no lock of {process} on {file}in\n{locks}");
}

#[test]
fn a_failed_backup_removes_none_and_stops_nothing() {
    let world = World::new();
    let folder = world.folder.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    let old = format!("linebook-{}.db", file_time(0));
    let older = format!("linebook-{}.db", file_time(1));
    for name in [&old, &older] {
        fs::write(folder.join(name), "old").expect("a file");
    }
    let damage = "PRAGMA foreign_keys = OFF; DELETE FROM device_groups WHERE user_id = 0";
    look(&world.database()).execute_batch(damage).expect("SQL");
    let flags = [
        "--backup-every",
        "24h",
        "--backup-keep",
        "1",
        "--backup-dir",
    ];
    let server = Server::start(&world.data, &[&flags[..], &[text(&folder)]].concat());
    wait_for("its log line", || {
        server.log().contains("no backup was made").then_some(())
    });
    assert_eq!(names(&folder), [old, older]);
    let load = Load::start(server.address, 1, Vec::new());
    wait_for("a write", || (load.count() > 0).then_some(()));
    load.finish();
    server.terminate();
}
