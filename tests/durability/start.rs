//! The first steps of a start: the server is alone on its folder, closes the folder to other users, and frees what is
//! due.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use linebook::ambient::Ambient;
use linebook::app::App;
use linebook::housekeeping;
use linebook::service::{installation, sessions};
use linebook::store::{OpenError, Options, Store};

use super::server::{World, clean, linebook, look, ok, older_world, refused, run, wait_for};
use super::trace::can_trace;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn mode(path: &Path) -> u32 {
    let found = fs::metadata(path).expect("it is there");
    found.permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_second_server_is_refused_and_the_other_verbs_are_not() {
    let world = World::new();
    let server = world.start();
    let line = refused(&["serve", "--listen", "127.0.0.1:0"], &world.data);
    assert_eq!(
        line,
        format!(
            "a linebook server already runs on {}: stop it first, or choose another folder",
            world.data.display()
        )
    );
    ok(&["user", "list"], &world.data);
    ok(&["user", "add", "another"], &world.data);
    // The kernel takes the lock back from a killed one.
    server.kill();
    world.start().terminate();
}

#[test]
fn a_folder_that_is_empty_but_for_the_lock_gets_a_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("linebook.lock"), "").expect("a file");
    super::server::Server::start(folder.path(), &[]).terminate();
    assert!(folder.path().join("linebook.db").exists());
}

/// A volume that was not mounted, a file that was deleted: an empty database would answer as if nothing had ever been.
#[test]
fn a_database_that_is_gone_is_not_replaced_by_an_empty_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let remove = || {
        for entry in fs::read_dir(&data).expect("the folder") {
            let path = entry.expect("a file").path();
            if !path.ends_with("linebook.lock") {
                fs::remove_file(path).expect("a file");
            }
        }
        assert_eq!(fs::read_dir(&data).expect("the folder").count(), 1);
    };
    let lost = |verb: &str| {
        let line = refused(&[verb, "--listen", "127.0.0.1:0"], &data);
        assert_eq!(
            line,
            format!(
                "{} is gone, and this folder had a database: put it back, or restore a backup with `linebook restore FILE`, or begin anew with `linebook init`",
                data.join("linebook.db").display()
            )
        );
        assert!(!data.join("linebook.db").exists(), "{verb}");
    };
    // The database is noted, whoever made it: `serve` on an empty folder, ...
    super::server::Server::start(&data, &[]).terminate();
    let file = folder.path().join("backup.db");
    let file = file.to_str().expect("UTF-8");
    ok(&["backup", file], &data);
    remove();
    lost("serve");
    lost("demo");
    // ... `restore`, which is a way out, ...
    fs::remove_file(data.join("linebook.lock")).expect("the mark");
    ok(&["restore", file], &data);
    remove();
    lost("serve");
    // ... and `init`, which is another.
    fs::write(data.join("linebook.lock"), "").expect("a file");
    ok(&["init"], &data);
    remove();
    lost("serve");
    ok(&["init"], &data);
    super::server::Server::start(&data, &[]).terminate();
    // A database that an older linebook made, or that was copied here, is noted when it is served.
    fs::write(data.join("linebook.lock"), "").expect("a file");
    super::server::Server::start(&data, &[]).terminate();
    remove();
    lost("serve");
    assert_eq!(mode(&data.join("linebook.lock")), 0o600);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    set_mode(folder.path(), 0o755);
    fs::write(folder.path().join("letters.txt"), "dear").expect("a file");
    let line = refused(&["serve", "--listen", "127.0.0.1:0"], folder.path());
    assert!(line.starts_with("there is no database at"), "{line}");
    assert_eq!(mode(folder.path()), 0o755);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn the_folder_and_its_files_are_tightened() {
    let world = World::new();
    set_mode(&world.data, 0o755);
    set_mode(&world.database(), 0o644);
    set_mode(&world.data.join("linebook.lock"), 0o666);
    let server = world.start();
    assert_eq!(mode(&world.data), 0o700);
    for name in [
        "linebook.db",
        "linebook.db-wal",
        "linebook.db-shm",
        "linebook.lock",
    ] {
        assert_eq!(mode(&world.data.join(name)), 0o600, "{name}");
    }
    // A thread of its own writes the log.
    wait_for("three lines about permissions", || {
        let said = server.log().matches("permissions were tightened").count();
        (said == 3).then_some(())
    });
    server.terminate();
    let server = world.start();
    assert_eq!(server.log(), "", "nothing to say the second time");
    server.terminate();
}

#[test]
fn closed_dids_are_freed_at_the_start() {
    let world = World::new();
    let day_ms = 24 * 60 * 60 * 1000;
    let close = |did: &str, closed_ms: i64| {
        ok(&["did", "create", did, "--provider", "1"], &world.data);
        let sql = "UPDATE dids SET status = 'closed', user_id = 1, closed_ms = ?2 WHERE did = ?1";
        let changed = look(&world.database()).execute(sql, (did, closed_ms));
        assert_eq!(changed, Ok(1));
    };
    let now_ms = Ambient::system().now_ms();
    close("371", now_ms - 90 * day_ms);
    close("372", now_ms - 90 * day_ms + 60_000);
    let server = world.start();
    let status = |did: &str| status(&world.database(), did);
    wait_for("a freed DID", || (status("371") == "free").then_some(()));
    assert_eq!(status("372"), "closed");
    server.terminate();
    let by: String = look(&world.database())
        .query_row(
            "SELECT actor || ' ' || through FROM action_log WHERE action = 'did.free'",
            [],
            |row| row.get(0),
        )
        .expect("one row");
    assert_eq!(by, "system system");
}

pub fn status(database: &Path, did: &str) -> String {
    let sql = "SELECT status FROM dids WHERE did = ?1";
    look(database)
        .query_row(sql, [did], |row| row.get(0))
        .expect("a DID")
}

/// Lets real time pass while the test's clock stands still. (It stands while a blocking task runs.)
pub async fn a_moment() {
    let wait = || std::thread::sleep(Duration::from_millis(50));
    tokio::task::spawn_blocking(wait).await.expect("no panic");
}

pub async fn wait_until_free(database: &Path, did: &str) {
    for _ in 0..200 {
        if status(database, did) == "free" {
            return;
        }
        a_moment().await;
    }
    panic!("DID {did} is {}", status(database, did));
}

#[tokio::test(start_paused = true)]
async fn closed_dids_are_freed_every_hour() {
    let world = World::new();
    let database = world.database();
    let close = |did: &str| {
        ok(&["did", "create", did, "--provider", "1"], &world.data);
        let sql = "UPDATE dids SET status = 'closed', user_id = 1, closed_ms = 0 WHERE did = ?1";
        assert_eq!(look(&database).execute(sql, [did]), Ok(1));
    };
    close("371");
    let store = Store::open(&world.data, Options::default()).expect("the database");
    // A little ahead, because the command line writes meanwhile.
    let now_ms = Ambient::system().now_ms() + 30_000;
    let app = Arc::new(App::new(store, Arc::new(Ambient::fixed(now_ms, 1))));
    let running = tokio::spawn(housekeeping::run(app.core.clone(), app.backups.clone()));
    wait_until_free(&database, "371").await;
    // It looks for more, finds nothing, and then the hour begins.
    a_moment().await;
    a_moment().await;
    close("372");
    tokio::time::advance(HOUR - Duration::from_secs(1)).await;
    a_moment().await;
    assert_eq!(status(&database, "372"), "closed");
    tokio::time::advance(Duration::from_secs(1)).await;
    wait_until_free(&database, "372").await;
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn expired_sessions_and_links_are_removed_at_the_start_and_every_hour() {
    let world = World::new();
    let database = world.database();
    let now_ms = 40 * sessions::ABSOLUTE_MS;
    let many = i64::from(sessions::MAX_PURGED) * 2 + 7;
    let idle_ms = now_ms - sessions::IDLE_MS;
    let add = |sql: &str| look(&database).execute_batch(sql).expect(sql);
    // Tokens are numbers here: 1 is a session that is alive, 2 is a link that works.
    add(&format!(
        "DELETE FROM password_links;
         WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 999 + {many})
         INSERT INTO sessions (token_hash, user_id, created_ms, seen_ms) SELECT CAST(printf('%032d', i) AS BLOB), 1, 0, {idle_ms} FROM n;
         INSERT INTO sessions (token_hash, user_id, created_ms, seen_ms) VALUES (CAST(printf('%032d', 1) AS BLOB), 1, {idle_ms}, {idle_ms} + 1);
         INSERT INTO password_links SELECT token_hash, 1, {now_ms} FROM sessions WHERE user_id = 1;
         UPDATE password_links SET expires_ms = {now_ms} + 1 WHERE token_hash = CAST(printf('%032d', 1) AS BLOB)"
    ));
    let left = || -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM password_links)";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        look(&database).query_row(sql, [], read).expect("counts")
    };
    assert_eq!(left(), (many + 1, many + 1));
    let store = Store::open(&world.data, Options::default()).expect("the database");
    let purged = store.write(move |tx| sessions::purge(tx, now_ms)).await;
    let piece = i64::from(sessions::MAX_PURGED);
    assert_eq!(purged.map(|count| count as i64), Ok(2 * piece));
    assert_eq!(left(), (many + 1 - piece, many + 1 - piece));

    let wait_until_left = async |counts: (i64, i64)| {
        for _ in 0..200 {
            if left() == counts {
                return;
            }
            a_moment().await;
        }
        panic!("{:?} are left, not {counts:?}", left());
    };
    let app = Arc::new(App::new(store, Arc::new(Ambient::fixed(now_ms, 1))));
    let running = tokio::spawn(housekeeping::run(app.core.clone(), app.backups.clone()));
    wait_until_left((1, 1)).await;
    // It looks for more, finds nothing, and then the hour begins.
    a_moment().await;
    a_moment().await;
    add("UPDATE sessions SET seen_ms = 0; UPDATE password_links SET expires_ms = 0");
    tokio::time::advance(HOUR - Duration::from_secs(1)).await;
    a_moment().await;
    assert_eq!(left(), (1, 1));
    tokio::time::advance(Duration::from_secs(1)).await;
    wait_until_left((0, 0)).await;
    running.abort();
}

#[test]
fn a_migration_starts_after_a_whole_snapshot() {
    // The next step increments this, and it has reached its end.
    let folder = older_world();
    let old = rusqlite::Connection::open(folder.path().join("linebook.db")).expect("a file");
    old.execute_batch(
        "UPDATE providers SET name = 'kept' WHERE id = 1;
         UPDATE installation SET access_version = 9223372036854775807; PRAGMA wal_checkpoint",
    )
    .expect("SQL");
    assert_eq!(run(&["user", "list"], folder.path()).status.code(), Some(1));
    let names = || {
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .expect("the folder")
            .map(|entry| {
                entry
                    .expect("a file")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .filter(|name| name.starts_with("linebook.db.") || name.starts_with('.'))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["linebook.db.v1"]);
    let copy = folder.path().join("linebook.db.v1");
    assert_eq!(mode(&copy), 0o600);
    let read = |path: &Path| -> String {
        look(path)
            .query_row("SELECT name FROM providers WHERE id = 1", [], |row| {
                row.get(0)
            })
            .expect("a row")
    };
    assert_eq!(read(&copy), "kept");
    // A second try is another migration, with a snapshot of its own.
    old.execute_batch("UPDATE providers SET name = 'later' WHERE id = 1")
        .expect("SQL");
    assert_eq!(run(&["user", "list"], folder.path()).status.code(), Some(1));
    assert_eq!(names(), ["linebook.db.v1", "linebook.db.v1-2"]);
    assert_eq!(read(&copy), "kept");
    assert_eq!(read(&folder.path().join("linebook.db.v1-2")), "later");
}

#[test]
fn another_program_s_database_is_not_touched_nor_is_its_wal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let live = folder.path().join("live.db");
    let other = rusqlite::Connection::open(&live).expect("a file");
    other
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
        .expect("SQL");
    // The state that a killed process leaves.
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    let files = ["", "-wal"].map(|suffix| {
        let file = data.join(format!("linebook.db{suffix}"));
        fs::copy(format!("{}{suffix}", live.display()), &file).expect("a copy");
        file
    });
    let bytes = || files.each_ref().map(|file| fs::read(file).expect("a file"));
    let before = bytes();
    let listed = run(&["user", "list"], &data);
    let said = String::from_utf8_lossy(&listed.stderr);
    assert!(said.contains("is not a linebook database"), "{said}");
    assert!(bytes() == before);
}

#[test]
fn a_new_database_is_not_made_beside_the_wal_of_one_that_is_gone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let left = folder.path().join("linebook.db-wal");
    fs::write(&left, "left").expect("a file");
    let made = run(&["init"], folder.path());
    assert_eq!(made.status.code(), Some(1));
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(
        said.contains("is left over from a database that is gone"),
        "{said}"
    );
    assert!(!folder.path().join("linebook.db").exists());
}

/// The system's number for this folder's file system is that of NFS.
#[test]
fn a_network_file_system_is_refused() {
    if !can_trace() {
        return;
    }
    let world = World::new();
    let ended = clean(Command::new("timeout"))
        .args([
            "20",
            "strace",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            "trace=statfs",
        ])
        .args(["-e", "inject=statfs:poke_exit=@arg2=6969000000000000"])
        .arg(env!("CARGO_BIN_EXE_linebook"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&world.data)
        .output()
        .expect("strace");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("is on a network file system (NFS)"), "{said}");
}

/// The demo's password and keys are public.
#[test]
fn the_demo_is_not_served_to_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("demo");
    let mut demo = linebook();
    let demo = demo.args(["demo", "--listen", "127.0.0.1:0", "--data"]);
    let demo = demo.arg(&data).stdout(Stdio::piped()).spawn();
    let mut demo = demo.expect("the binary runs");
    let mut hello = BufReader::new(demo.stdout.take().expect("a pipe"));
    hello.read_line(&mut String::new()).expect("a line");
    demo.kill().expect("it runs");
    demo.wait().expect("it ends");
    for verb in ["demo", "serve"] {
        let line = refused(&[verb, "--listen", "0.0.0.0:0"], &data);
        assert!(
            line.contains("only on a loopback address"),
            "{verb}: {line}"
        );
    }
}

/// Examples go into a new world only: an older one may have other things under their ids.
#[test]
fn the_demo_adds_examples_to_no_other_world() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::create(folder.path(), Options::default(), |tx| {
        Ok::<_, OpenError>(installation::fill_demo(tx, 1)?)
    });
    drop(store.expect("the demo world"));
    let before = fs::read(folder.path().join("linebook.db")).expect("the file");
    let line = refused(
        &["demo", "--examples", "--listen", "127.0.0.1:0"],
        folder.path(),
    );
    assert!(line.contains("--examples makes a new world"), "{line}");
    let after = fs::read(folder.path().join("linebook.db")).expect("the file");
    assert_eq!(after, before);
}

/// An older server holds the folder as this one does, and would not understand the new schema.
#[test]
fn an_older_file_is_brought_forward_only_while_nobody_else_has_it_open() {
    let folder = older_world();
    let database = folder.path().join("linebook.db");
    let older = fs::File::open(folder.path()).expect("the folder");
    older.try_lock_shared().expect("a lock");
    let before = fs::read(&database).expect("the file");
    for verb in [&["user", "list"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let line = refused(verb, folder.path());
        let words =
            "was written by an older linebook, and is open in another process: stop the server";
        assert!(line.contains(words), "{verb:?}: {line}");
    }
    assert_eq!(fs::read(&database).expect("the file"), before);
    assert!(!folder.path().join("linebook.db.v1").exists());
    drop(older);
    ok(&["user", "list"], folder.path());
    assert!(folder.path().join("linebook.db.v1").exists());
}
