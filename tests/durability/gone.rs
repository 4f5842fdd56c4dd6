//! A database whose files are removed under a running server: nothing is acknowledged that would be lost.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{
    Client, Load, Server, USER, World, assert_stored, assert_whole, look, ok, refused, wait_for,
};

/// The status that a GET is answered with.
pub fn status(address: SocketAddr, path: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.unwrap_or_else(|| panic!("no status: {answer}"))
}

/// Creates a device, and says whether it was acknowledged.
fn create(address: SocketAddr) -> bool {
    let mut client = Client::connect(address).expect("a connection");
    let (_, xml) = client
        .call("device_create", &[("user_id", USER)], &["user_id"])
        .expect("an answer");
    let refused = r#"<?xml version="1.0" encoding="UTF-8"?><page><error>Device was not created</error><message>the database file is gone</message></page>"#;
    let is_made = xml.contains("<status>Device created</status>");
    assert!(is_made || xml == refused, "{xml}");
    is_made
}

fn lines(server: &Server, text: &str) -> usize {
    server.log().matches(text).count()
}

const GONE: &str = "the file was removed, replaced or cut while it is open";

/// Removes a file while clients write. Everything acknowledged is in the files that `look` gives.
fn taken_away(take: impl FnOnce(&World), look: impl FnOnce(&World) -> Option<PathBuf>) {
    let world = World::new();
    let server = world.start();
    assert_eq!(status(server.address, "/health/ready"), 200);
    let load = Load::start(server.address, 4, Vec::new());
    wait_for("some writes", || (load.count() > 50).then_some(()));
    let acknowledged = load.finish().acknowledged;
    take(&world);
    for _ in 0..3 {
        assert!(!create(server.address), "a write that nobody will find");
    }
    // This answer is kept for a second.
    wait_for("unreadiness", || {
        (status(server.address, "/health/ready") == 503).then_some(())
    });
    assert_eq!(status(server.address, "/health/live"), 200);
    let mut reader = Client::connect(server.address).expect("a connection");
    let (_, list) = reader
        .call("devices_get", &[("user_id", USER)], &["user_id"])
        .expect("reads go on");
    assert!(list.contains("<device_id>1</device_id>"), "{list}");
    wait_for("its log line", || (lines(&server, GONE) > 0).then_some(()));
    assert_eq!(lines(&server, GONE), 1, "{}", server.log());
    server.terminate();
    if let Some(database) = look(&world) {
        assert_stored(&database, &acknowledged);
    }
}

fn wal(world: &World) -> PathBuf {
    world.data.join("linebook.db-wal")
}

fn replace_by_copy(path: &Path) {
    let copy = path.with_extension("copy");
    fs::copy(path, &copy).expect("a copy");
    fs::rename(&copy, path).expect("a rename");
}

#[test]
fn nothing_is_written_to_a_database_that_was_removed() {
    taken_away(
        |world| fs::remove_file(world.database()).expect("a file"),
        |_| None,
    );
}

#[test]
fn nothing_is_written_to_a_database_that_was_replaced() {
    let moved = |world: &World| world.data.join("moved.db");
    taken_away(
        |world| {
            fs::copy(world.database(), world.data.join("other")).expect("a copy");
            fs::rename(world.database(), moved(world)).expect("a rename");
            fs::rename(world.data.join("other"), world.database()).expect("a rename");
        },
        // Its WAL is neither left for the new database nor lost.
        |world| {
            assert!(!wal(world).exists());
            let kept = world.data.join("linebook.db-wal.orphan");
            fs::rename(kept, world.data.join("moved.db-wal")).expect("its WAL");
            assert_whole(&world.database());
            Some(moved(world))
        },
    );
}

#[test]
fn nothing_is_written_to_a_database_that_was_cut() {
    taken_away(
        |world| {
            let file = fs::OpenOptions::new().write(true).open(world.database());
            let file = file.expect("the database");
            let bytes = file.metadata().expect("its length").len();
            file.set_len(bytes - 4096).expect("a page less");
        },
        |_| None,
    );
}

#[test]
fn nothing_is_written_without_the_wal_or_its_index() {
    taken_away(
        |world| fs::remove_file(wal(world)).expect("a file"),
        |world| Some(world.database()),
    );
    taken_away(|world| replace_by_copy(&wal(world)), |_| None);
    taken_away(
        |world| fs::remove_file(world.data.join("linebook.db-shm")).expect("a file"),
        |world| Some(world.database()),
    );
}

#[test]
fn a_database_that_is_put_back_is_written_to_again() {
    let world = World::new();
    let server = world.start();
    let moved = world.data.join("moved.db");
    assert!(create(server.address));
    fs::rename(world.database(), &moved).expect("a rename");
    assert!(!create(server.address));
    fs::rename(&moved, world.database()).expect("a rename");
    assert!(create(server.address));
    wait_for("its log line", || {
        let said = lines(&server, "the database's files are back");
        (said == 1).then_some(())
    });
    server.terminate();
}

fn usernames(database: &Path) -> String {
    let sql = "SELECT group_concat(username ORDER BY id) FROM users";
    look(database)
        .query_row(sql, [], |row| row.get(0))
        .expect("users")
}

/// A world that was killed, its last user in the WAL, and a backup from before that user.
fn killed_with_a_wal() -> (World, PathBuf) {
    let world = World::new();
    let file = world.folder.path().join("backup.db");
    ok(&["backup", file.to_str().expect("UTF-8")], &world.data);
    let server = world.start();
    ok(&["user", "add", "later"], &world.data);
    server.kill();
    assert!(fs::metadata(wal(&world)).expect("a WAL").len() > 0);
    (world, file)
}

const REPLACED: &str = "the database was replaced by another file";

#[test]
fn the_wal_of_a_replaced_database_is_not_read_into_the_new_one() {
    let moved = |world: &World, file: &Path| {
        fs::rename(file, world.database()).expect("a rename");
    };
    let copied = |world: &World, file: &Path| {
        fs::remove_file(world.database()).expect("a file");
        fs::copy(file, world.database()).expect("a copy");
    };
    for replace in [&moved as &dyn Fn(&World, &Path), &copied] {
        let (world, file) = killed_with_a_wal();
        let before = fs::read(wal(&world)).expect("the WAL");
        replace(&world, &file);
        for verb in [
            &["user", "list"][..],
            &["check"],
            &["user", "add", "another"],
        ] {
            let line = refused(verb, &world.data);
            assert!(
                line.contains("belongs to the database that was here before"),
                "{line}"
            );
        }
        let server = world.start();
        wait_for("its log line", || {
            (lines(&server, REPLACED) == 1).then_some(())
        });
        assert_eq!(
            ok(&["user", "list"], &world.data).matches("later").count(),
            0
        );
        // The new database's own WAL is read after a kill.
        ok(&["user", "add", "newer"], &world.data);
        server.kill();
        assert!(fs::metadata(wal(&world)).expect("a WAL").len() > 0);
        let server = world.start();
        assert_eq!(lines(&server, REPLACED), 0);
        server.terminate();
        assert_eq!(usernames(&world.database()), "admin,office,newer");
        assert_whole(&world.database());
        let kept = world.data.join("linebook.db-wal.orphan");
        assert!(fs::read(kept).expect("the WAL of the one before") == before);
    }
}

#[test]
fn an_orphan_is_not_written_over() {
    let (world, file) = killed_with_a_wal();
    let kept = world.data.join("linebook.db-wal.orphan");
    fs::write(&kept, "precious").expect("a file");
    fs::rename(&file, world.database()).expect("a rename");
    let line = refused(&["serve", "--listen", "127.0.0.1:0"], &world.data);
    assert!(
        line.contains("which exists: move that away first"),
        "{line}"
    );
    assert_eq!(fs::read(&kept).expect("it is there"), b"precious");
    fs::remove_file(&kept).expect("a file");
    world.start().terminate();
    assert_eq!(usernames(&world.database()), "admin,office");
}

#[test]
fn a_restore_does_not_merge_the_wal_of_another_database() {
    let (world, file) = killed_with_a_wal();
    let copy = file.with_extension("copy");
    fs::copy(&file, &copy).expect("a copy");
    fs::rename(&copy, world.database()).expect("a rename");
    ok(
        &["restore", "--force", file.to_str().expect("UTF-8")],
        &world.data,
    );
    assert_eq!(usernames(&world.database()), "admin,office");
    assert!(world.data.join("linebook.db-wal.orphan").exists());
    world.start().terminate();
}

/// The files of a copied folder belong together, whatever their inode numbers are now.
#[test]
fn a_folder_that_was_copied_or_unpacked_as_a_whole_keeps_its_wal() {
    let run = |program: &str, line: &[&str], at: &Path| {
        let status = Command::new(program).args(line).current_dir(at).status();
        assert!(status.expect("it runs").success(), "{program}");
    };
    let (world, _) = killed_with_a_wal();
    let folder = world.folder.path();
    run("cp", &["-a", "data", "copy"], folder);
    run("tar", &["-cf", "data.tar", "data"], folder);
    // In the old place, where a file may get the number that another one had.
    fs::remove_dir_all(&world.data).expect("a folder");
    run("tar", &["-xf", "data.tar"], folder);
    for data in [folder.join("copy"), world.data.clone()] {
        let server = Server::start(&data, &[]);
        assert_eq!(lines(&server, REPLACED), 0);
        server.terminate();
        assert_eq!(usernames(&data.join("linebook.db")), "admin,office,later");
        assert!(!data.join("linebook.db-wal.orphan").exists());
    }
}
