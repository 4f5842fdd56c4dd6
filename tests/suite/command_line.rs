//! The operator's verbs: the real binary on a real folder, what it prints, what it changes, and what it leaves alone.

mod asking;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use clap::CommandFactory;
use linebook::ambient::Ambient;
use linebook::command::{Cli, init};
use linebook::store::Options;
use linebook::store::file::schema::VERSION;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a new database.
struct World {
    _folder: TempDir,
    data: PathBuf,
}

/// The binary, without settings from the environment of the tests.
fn linebook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linebook"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LINEBOOK_") {
            command.env_remove(name);
        }
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let world = Self {
            _folder: folder,
            data,
        };
        world.ok(&["init"]);
        world
    }

    /// Admin's reseller 1 and user 2, the reseller's user 3, provider 1 of admin, DID 123456789 on it.
    fn with_people() -> Self {
        let world = Self::new();
        world.ok(&["user", "add", "shop", "--type", "reseller"]);
        world.ok(&["user", "add", "bob"]);
        world.ok(&["user", "add", "carol", "--owner", "shop"]);
        world.ok(&["provider", "add", "Carrier", "--common-use"]);
        world.ok(&["did", "create", "123456789", "--provider", "1"]);
        world
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = linebook();
        command.args(line).arg("--data").arg(&self.data);
        command
    }

    fn run(&self, line: &[&str]) -> Output {
        self.command(line).output().expect("the binary runs")
    }

    /// Runs a verb with `input` on its standard input.
    fn run_with(&self, line: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A verb that refuses before it has read everything closes the pipe.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().expect("the binary ends")
    }

    fn ok(&self, line: &[&str]) -> String {
        succeeded(line, self.run(line))
    }

    fn json(&self, line: &[&str]) -> Value {
        let line = [line, &["--json"]].concat();
        serde_json::from_str(&self.ok(&line)).expect("JSON")
    }

    /// The verb refuses with this line, prints nothing else, and changes nothing.
    fn refused(&self, line: &[&str], reason: &str) {
        let before = self.dump();
        assert_refused(line, &self.run(line), reason);
        assert_eq!(self.dump(), before, "{line:?} changed the database");
    }

    /// These fields of each row of a list.
    fn column(&self, line: &[&str], fields: &[&str]) -> Value {
        let rows = self.json(line);
        let rows = rows.as_array().expect("rows").iter();
        let row =
            |row: &Value| -> Value { fields.iter().map(|field| row[*field].clone()).collect() };
        rows.map(row).collect()
    }

    fn sql(&self, sql: &str) {
        self.connection().execute_batch(sql).expect("good SQL");
    }

    fn connection(&self) -> Connection {
        Connection::open(self.data.join("linebook.db")).expect("the database opens")
    }

    /// The only value that `sql` selects.
    fn value(&self, sql: &str) -> String {
        let value = self
            .connection()
            .query_row(sql, [], |row| Ok(show(row.get_ref(0)?)));
        value.expect(sql)
    }

    fn log_count(&self) -> String {
        self.value("SELECT count(*) FROM action_log")
    }

    /// Every row of every table.
    fn dump(&self) -> String {
        let connection = self.connection();
        let mut tables = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .expect("the schema");
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .expect("names");
        tables
            .iter()
            .map(|table| dump(&connection, table))
            .collect()
    }
}

fn dump(connection: &Connection, table: &str) -> String {
    let mut rows = connection
        .prepare(&format!("SELECT * FROM {table}"))
        .expect("a table");
    let columns = rows.column_count();
    let rows: Vec<String> = rows
        .query_map([], |row| {
            let values: rusqlite::Result<Vec<String>> = (0..columns)
                .map(|column| row.get_ref(column).map(show))
                .collect();
            Ok(format!("{table}: {}\n", values?.join("|")))
        })
        .and_then(Iterator::collect)
        .expect("rows");
    rows.concat()
}

fn show(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}

fn succeeded(line: &[&str], output: Output) -> String {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{line:?}: {stderr}");
    text(&output.stdout)
}

fn assert_refused(line: &[&str], output: &Output, reason: &str) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{line:?}");
    assert_eq!(stderr.matches('\n').count(), 1, "{line:?}: {stderr}");
    let start = format!("linebook: {reason}");
    assert!(stderr.starts_with(&start), "{line:?}: {stderr}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

/// The words after `name` in first-run.txt.
fn first_run(world: &World, name: &str) -> String {
    let text = fs::read_to_string(world.data.join("first-run.txt")).expect("the file");
    let line = text.lines().find(|line| line.starts_with(name));
    let word = line.and_then(|line| line.split_whitespace().nth(1));
    word.expect(name).into()
}

fn verifies(password: &str, hash: &str) -> bool {
    let hash = PasswordHash::new(hash).expect("a PHC string");
    argon2::Argon2::default()
        .verify_password(password.as_bytes(), &hash)
        .is_ok()
}

#[test]
fn init_makes_a_database_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = World {
        data: folder.path().join("a/b"),
        _folder: folder,
    };
    let shown = world.ok(&["init"]);
    let secrets = world.data.join("first-run.txt");
    assert_eq!(mode(&world.data), 0o700);
    assert_eq!(mode(&secrets), 0o600);
    assert_eq!(mode(&world.data.join("linebook.db")), 0o600);
    let (password, key) = (first_run(&world, "password"), first_run(&world, "key"));
    assert_eq!(password.len(), 20);
    assert_eq!(key.len(), 32);
    let link = first_run(&world, "link");
    assert!(link.starts_with("http://127.0.0.1:8080/welcome/"), "{link}");
    // The address of the later server is not known yet.
    let text = fs::read_to_string(&secrets).expect("the file");
    let about = "at another address than http://127.0.0.1:8080, put that into the link";
    assert!(text.contains(about), "{text}");
    assert!(shown.contains(&secrets.display().to_string()), "{shown}");
    assert!(
        !shown.contains(&password) && !shown.contains(&key),
        "{shown}"
    );

    assert!(verifies(
        &password,
        &world.value("SELECT password FROM users WHERE id = 0")
    ));
    assert_eq!(
        world.value("SELECT secret FROM api_keys WHERE user_id = 0"),
        key
    );
    assert_eq!(
        world.value("SELECT username || type || owner_id FROM users"),
        "adminadmin0"
    );
    assert_eq!(
        world.value("SELECT user_id || name || is_primary FROM device_groups"),
        "0primary1"
    );
    assert_eq!(
        world.value("SELECT is_demo || ' ' || next_extension FROM installation"),
        "0 1001"
    );
    assert_eq!(
        world.value("SELECT group_concat(actor || ' ' || action) FROM action_log"),
        "system user.create,system key.add"
    );
}

#[test]
fn init_with_json_gives_the_path() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = World {
        data: folder.path().into(),
        _folder: folder,
    };
    let file = world.data.join("first-run.txt");
    assert_eq!(
        world.json(&["init"]),
        json!({ "data": world.data, "first_run": file })
    );
}

#[test]
fn init_twice_is_refused_and_keeps_the_first() {
    let world = World::new();
    let secrets = fs::read(world.data.join("first-run.txt")).expect("the file");
    let path = world.data.join("linebook.db").display().to_string();
    world.refused(&["init"], &format!("{path} already exists"));
    fs::remove_file(world.data.join("first-run.txt")).expect("removed");
    world.refused(&["init"], &format!("{path} already exists"));
    assert!(!world.data.join("first-run.txt").exists());
    assert!(!secrets.is_empty());
}

#[test]
fn init_does_not_overwrite_the_secrets_of_another_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let secrets = folder.path().join("first-run.txt");
    fs::write(&secrets, "old").expect("a file");
    let world = World {
        data: folder.path().into(),
        _folder: folder,
    };
    let reason = format!("{} is already there", secrets.display());
    assert_refused(&["init"], &world.run(&["init"]), &reason);
    assert_eq!(fs::read_to_string(&secrets).expect("the file"), "old");
    let left: Vec<_> = fs::read_dir(&world.data).expect("the folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn init_on_a_terminal_shows_the_secrets_and_writes_no_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ambient = Ambient::system();
    let options = Options::default();
    let (store, report) = init::run(
        folder.path(),
        options,
        &ambient,
        init::Shown::OnTerminal,
        "http://127.0.0.1:8080",
    )
    .expect("a database");
    drop(store);
    let world = World {
        data: folder.path().into(),
        _folder: folder,
    };
    let key = world.value("SELECT secret FROM api_keys");
    assert!(format!("{report:?}").contains(&key));
    assert!(!world.data.join("first-run.txt").exists());
}

/// A verb that reads, one that writes and one that reads a file all say this in one line and leave the file alone.
fn check_unopenable(make: impl FnOnce(&Path), reason: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("linebook.db");
    make(&path);
    let world = World {
        data: folder.path().into(),
        _folder: folder,
    };
    let before = fs::read(&path).ok();
    for line in [&["user", "list"][..], &["user", "add", "x"], &["log"]] {
        assert_refused(
            line,
            &world.run(line),
            &format!("{}{reason}", path.display()),
        );
        assert_eq!(fs::read(&path).ok(), before, "{line:?} touched the file");
    }
}

#[test]
fn a_file_that_is_not_sqlite_is_refused() {
    let make = |path: &Path| fs::write(path, "not a database, but long enough".repeat(100));
    check_unopenable(
        |path| make(path).expect("a file"),
        " is not a linebook database",
    );
}

#[test]
fn an_empty_file_is_refused() {
    let make = |path: &Path| fs::write(path, "").expect("a file");
    check_unopenable(make, " is not a linebook database");
}

#[test]
fn an_sqlite_file_of_another_program_is_refused() {
    let make = |path: &Path| {
        let other = Connection::open(path).expect("a database");
        other
            .execute_batch("CREATE TABLE users (id); INSERT INTO users VALUES (1)")
            .expect("a table");
    };
    check_unopenable(make, " is not a linebook database");
}

#[test]
fn a_file_of_a_newer_release_is_refused() {
    let make = |path: &Path| {
        let world = World::new();
        world.sql("PRAGMA journal_mode = DELETE; PRAGMA user_version = 999;");
        fs::copy(world.data.join("linebook.db"), path).expect("a copy");
    };
    check_unopenable(
        make,
        &format!(" has schema version 999, this release knows {VERSION}: use the newer"),
    );
}

#[test]
fn a_missing_database_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = World {
        data: folder.path().join("nowhere"),
        _folder: folder,
    };
    let output = world.run(&["user", "list"]);
    assert_refused(&["user", "list"], &output, "there is no database at ");
    assert!(text(&output.stderr).contains("linebook init"));
    assert!(!world.data.exists());
}

#[test]
fn a_line_that_is_not_understood_is_exit_code_2() {
    let code = |line: &[&str]| linebook().args(line).output().expect("runs").status.code();
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["frobnicate"]), Some(2));
    assert_eq!(code(&["user", "list"]), Some(2), "without --data");
    assert_eq!(code(&["device", "trunk", "x", "--data", "."]), Some(2));
    assert_eq!(
        code(&["device", "list", "--limit", "0", "--data", "."]),
        Some(2)
    );
    assert_eq!(
        code(&["user", "permit", "x", "fly", "--data", "."]),
        Some(2)
    );
    assert_eq!(
        code(&["user", "add", "x", "--type", "admin", "--data", "."]),
        Some(2)
    );
    assert_eq!(
        code(&["user", "add", "x", "--password", "y", "--data", "."]),
        Some(2)
    );
    assert_eq!(code(&["did", "--help"]), Some(0));
}

#[test]
fn the_folder_can_come_from_the_environment_and_the_flag_wins() {
    let world = World::new();
    let list = |env: &Path, line: &[&str]| {
        let mut command = linebook();
        command.env("LINEBOOK_DATA", env).args(line);
        command.output().expect("runs").status.code()
    };
    let flag = world.data.display().to_string();
    assert_eq!(list(&world.data, &["user", "list"]), Some(0));
    assert_eq!(list(Path::new("/nowhere"), &["user", "list"]), Some(1));
    assert_eq!(
        list(Path::new("/nowhere"), &["user", "list", "--data", &flag]),
        Some(0)
    );
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let world = World::new();
    let file = world.data.join("linebook.toml");
    // Ports that are taken: the fault names the address that was tried.
    let taken = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listeners = [taken(), taken(), taken()];
    let [in_file, in_env, in_flag] = listeners
        .each_ref()
        .map(|taken| taken.local_addr().expect("its address").to_string());
    let data = world.data.display();
    fs::write(
        &file,
        format!("data = \"{data}\"\nlisten = \"{in_file}\"\n"),
    )
    .expect("a file");
    let tried = |env: &[(&str, &str)], flags: &[&str], address: &str| {
        let mut command = linebook();
        command
            .env("LINEBOOK_CONFIG", &file)
            .envs(env.iter().copied());
        let output = command.arg("serve").args(flags).output().expect("runs");
        assert_refused(flags, &output, &format!("{address} cannot be listened on"));
    };
    let env = [("LINEBOOK_LISTEN", in_env.as_str())];
    tried(&[], &[], &in_file);
    tried(&env, &[], &in_env);
    tried(&env, &["--listen", &in_flag], &in_flag);

    fs::write(&file, "listen = \"here\"\n").expect("a file");
    let output = linebook()
        .arg("serve")
        .env("LINEBOOK_CONFIG", &file)
        .env("LINEBOOK_LISTEN", &in_env)
        .output()
        .expect("runs");
    let reason = format!("{}: `listen`: invalid value 'here'", file.display());
    assert_refused(&["serve"], &output, &reason);
}

#[test]
fn every_verb_and_flag_says_what_it_is() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        assert!(command.get_about().is_some(), "{path} has no help");
        for flag in command.get_arguments() {
            assert!(
                flag.get_help().is_some(),
                "{path} {} has no help",
                flag.get_id()
            );
        }
        for verb in command.get_subcommands() {
            check(verb, &path);
        }
    }
    let command = Cli::command();
    command.clone().debug_assert();
    check(&command, "");
}

#[test]
fn users_are_made_with_a_group_and_a_password() {
    let world = World::new();
    let made = world.json(&["user", "add", "bob"]);
    assert_eq!(made["id"], 1);
    let password = made["password"].as_str().expect("a password");
    assert!(verifies(
        password,
        &world.value("SELECT password FROM users WHERE id = 1")
    ));
    assert_eq!(
        world.value("SELECT count(*) || name FROM device_groups WHERE user_id = 1 AND is_primary"),
        "1primary"
    );
    let line = [
        "user",
        "add",
        "shop",
        "--type",
        "reseller",
        "--password-file",
        "-",
        "--json",
    ];
    let made = succeeded(&line, world.run_with(&line, b"correct horse\r\n"));
    assert_eq!(
        made,
        "{\"id\":2,\"type\":\"reseller\",\"username\":\"shop\"}\n"
    );
    assert!(verifies(
        "correct horse",
        &world.value("SELECT password FROM users WHERE id = 2")
    ));
    world.ok(&["user", "add", "carol", "--owner", "shop"]);
    world.ok(&["user", "add", "dave", "--owner", "2"]);
    let owners = "SELECT group_concat(username || owner_id) FROM users WHERE owner_id = 2";
    assert_eq!(world.value(owners), "carol2,dave2");
    assert_eq!(
        world.json(&["user", "list", "--after", "0", "--limit", "1"]),
        json!([{
            "id": 1, "username": "bob", "type": "user", "owner_id": 0, "blocked": false,
            "permissions": [], "networks": []
        }])
    );
}

#[test]
fn what_nobody_sees_in_an_older_name_is_printed_as_its_escape() {
    let world = World::with_people();
    world.sql("UPDATE users SET username = 'bo\u{200b}b\u{202e}y' WHERE username = 'bob'");
    let shown = r"bo\u{200b}b\u{202e}y";
    let id = world.value("SELECT id FROM users WHERE username LIKE 'bo%y'");
    world.ok(&["user", "block", &id]);
    for line in [&["user", "list"][..], &["user", "passwd", &id]] {
        let printed = world.ok(line);
        assert!(printed.contains(shown), "{line:?}: {printed}");
        assert!(!printed.contains(['\u{200b}', '\u{202e}']), "{line:?}");
    }
    // Programs get the text as it is.
    let listed = world.json(&["user", "list"]).to_string();
    assert!(listed.contains("bo\u{200b}b\u{202e}y"), "{listed}");
}

#[test]
fn users_that_break_a_rule_are_refused() {
    let world = World::with_people();
    let long = "x".repeat(81);
    world.refused(
        &["user", "add", "bob"],
        "the username is already used: bob\n",
    );
    world.refused(&["user", "add", ""], "a username has 1 to 80 characters");
    world.refused(&["user", "add", "a b"], "a username has 1 to 80 characters");
    world.refused(
        &["user", "add", "a\nb"],
        "a username has 1 to 80 characters",
    );
    world.refused(&["user", "add", &long], "a username has 1 to 80 characters");
    world.refused(
        &["user", "add", "bo\u{200b}b"],
        "a username has 1 to 80 characters, all of them visible: no space, no control, nothing that hides or turns text: \\u{200b} is in it\n",
    );
    world.refused(
        &["user", "add", "System"],
        "the action log needs this name for who is no user: System\n",
    );
    world.refused(
        &["user", "add", "x", "--owner", "nobody"],
        "user was not found: nobody (see `linebook user list`)\n",
    );
    world.refused(
        &["user", "add", "x", "--owner", "bob"],
        "the type and the owner do not go together: bob\n",
    );
    world.refused(
        &["user", "add", "x", "--type", "manager", "--owner", "shop"],
        "the type and the owner do not go together: shop\n",
    );
    world.refused(
        &["user", "add", "x", "--password-file", "/nowhere/file"],
        "/nowhere/file: No such file",
    );
    let line = ["user", "add", "x", "--password-file", "-"];
    for bad in [&b"1234567\n"[..], b"", b"two\nlines", &[b'x'; 129]] {
        assert_refused(
            &line,
            &world.run_with(&line, bad),
            "a password has 8 to 128 characters",
        );
    }
    assert_refused(
        &line,
        &world.run_with(&line, &[b'x'; 5000]),
        "-: more than 4096 bytes",
    );
    assert_refused(&line, &world.run_with(&line, b"\xff\xfe12345678"), "-: ");
    assert_eq!(world.value("SELECT count(*) FROM users"), "4");
}

#[test]
fn a_user_named_like_an_id_cannot_slip_in_front_of_it() {
    let world = World::with_people();
    world.ok(&["user", "add", "2"]);
    world.ok(&["user", "block", "2"]);
    assert_eq!(
        world.value("SELECT group_concat(id) FROM users WHERE blocked"),
        "2"
    );
    let beyond = "99999999999999999999";
    world.refused(
        &["user", "block", beyond],
        &format!("user was not found: {beyond}"),
    );
}

#[test]
fn a_password_is_replaced() {
    let world = World::with_people();
    let made = world.json(&["user", "passwd", "bob"]);
    let password = made["password"].as_str().expect("a password");
    assert!(verifies(
        password,
        &world.value("SELECT password FROM users WHERE id = 2")
    ));
    let file = world.data.join("secret");
    fs::write(&file, "eight888\n").expect("a file");
    let path = file.display().to_string();
    assert_eq!(
        world.json(&["user", "passwd", "admin", "--password-file", &path]),
        json!({ "id": 0 })
    );
    assert!(verifies(
        "eight888",
        &world.value("SELECT password FROM users WHERE id = 0")
    ));
    world.refused(&["user", "passwd", "nobody"], "user was not found: nobody");
}

#[test]
fn permissions_are_given_and_taken() {
    let world = World::with_people();
    world.ok(&["user", "permit", "shop", "manage_dids"]);
    world.ok(&["user", "permit", "1", "manage_callerid"]);
    let count = world.log_count();
    let twice = world.json(&["user", "permit", "shop", "manage_dids"]);
    assert_eq!(
        twice,
        json!({ "id": 1, "permissions": ["manage_callerid", "manage_dids"] })
    );
    assert_eq!(
        world.log_count(),
        count,
        "nothing changed, so nothing is logged"
    );
    let left = world.json(&["user", "permit", "shop", "manage_dids", "--remove"]);
    assert_eq!(left["permissions"], json!(["manage_callerid"]));
    let reason = "this user's type does not take that permission: ";
    world.refused(&["user", "permit", "bob", "manage_dids"], reason);
    world.refused(&["user", "permit", "admin", "manage_dids"], reason);
}

#[test]
fn users_are_blocked_and_unblocked_but_admin_is_not() {
    let world = World::with_people();
    assert_eq!(
        world.json(&["user", "block", "bob"]),
        json!({ "id": 2, "blocked": true })
    );
    assert_eq!(world.value("SELECT blocked FROM users WHERE id = 2"), "1");
    assert_eq!(
        world.json(&["user", "unblock", "2"]),
        json!({ "id": 2, "blocked": false })
    );
    assert_eq!(world.value("SELECT blocked FROM users WHERE id = 2"), "0");
    world.refused(&["user", "block", "admin"], "admin cannot be blocked\n");
}

#[test]
fn an_allow_list_holds_blocks_of_owners() {
    let world = World::with_people();
    world.ok(&["user", "allow-ip", "shop", "192.0.2.7/24"]);
    assert_eq!(
        world.json(&["user", "allow-ip", "shop", "2001:db8::1"]),
        json!({ "id": 1, "networks": ["192.0.2.0/24", "2001:db8::1/128"] })
    );
    assert_eq!(
        world.json(&["user", "allow-ip", "shop", "192.0.2.0/24", "--remove"])["networks"],
        json!(["2001:db8::1/128"])
    );
    world.refused(
        &["user", "allow-ip", "shop", "192.0.2.0/24", "--remove"],
        "the block is not on the allow-list: 192.0.2.0/24\n",
    );
    world.refused(
        &["user", "allow-ip", "shop", "192.0.2.0/33"],
        "not an IP address or a CIDR block of /8 or narrower: 192.0.2.0/33\n",
    );
    world.refused(
        &["user", "allow-ip", "bob", "192.0.2.1"],
        "the owner must be admin or a reseller: bob\n",
    );
}

#[test]
fn an_allow_list_has_a_limit() {
    let world = World::new();
    world.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 255)
         INSERT INTO allowed_networks SELECT 0, '10.0.0.' || i || '/32' FROM n",
    );
    world.ok(&["user", "allow-ip", "admin", "10.0.1.0"]);
    world.refused(
        &["user", "allow-ip", "admin", "10.0.1.1"],
        "too many blocks on the allow-list",
    );
    world.ok(&["user", "allow-ip", "admin", "10.0.1.0"]);
}

#[test]
fn without_hashes_something_else_must_keep_strangers_out() {
    let world = World::with_people();
    let needed = "hash_check can be off only for an owner with an IP allow-list";
    world.refused(&["settings", "set", "hash_check", "off"], needed);
    world.ok(&["user", "allow-ip", "admin", "192.0.2.1"]);
    world.ok(&["settings", "set", "hash_check", "off"]);
    world.refused(
        &["user", "allow-ip", "admin", "192.0.2.1", "--remove"],
        needed,
    );
    world.refused(
        &["settings", "set", "hash_check", "off", "--owner", "shop"],
        needed,
    );
    world.ok(&["settings", "set", "require_password", "always"]);
    world.ok(&["user", "allow-ip", "admin", "192.0.2.1", "--remove"]);
    world.refused(&["settings", "set", "require_password", "never"], needed);
    world.ok(&["settings", "set", "hash_check", "strict"]);
    world.ok(&["settings", "set", "hash_check", "off", "--owner", "shop"]);
    world.refused(
        &["settings", "set", "require_password", "documented"],
        needed,
    );
    world.ok(&["user", "allow-ip", "shop", "192.0.2.0/24"]);
    world.ok(&["settings", "set", "require_password", "documented"]);
}

#[test]
fn keys_are_added_listed_masked_and_revoked() {
    let world = World::with_people();
    let made = world.json(&["key", "add", "shop"]);
    let key = made["key"].as_str().expect("a key");
    assert_eq!(key.len(), 32);
    assert_eq!(
        world.value("SELECT secret FROM api_keys WHERE user_id = 1"),
        key
    );
    let line = ["key", "add", "shop", "--key-file", "-", "--json"];
    let added = succeeded(&line, world.run_with(&line, b"secret\n"));
    assert_eq!(added, "{\"id\":3,\"user_id\":1}\n");

    let listed = world.json(&["key", "list", "--user", "shop"]);
    assert_eq!(listed[1]["key"], "se******");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let all = world.ok(&["key", "list"]);
    assert!(all.contains("se******") && !all.contains("secret"), "{all}");
    assert_eq!(world.json(&["key", "list", "--after", "2"])[0]["id"], 3);

    assert_refused(
        &line,
        &world.run_with(&line, b"secret"),
        "the key cannot be used: the user already has it",
    );
    world.ok(&["key", "revoke", "3"]);
    world.refused(
        &["key", "revoke", "3"],
        "key was not found: 3 (see `linebook key list`)\n",
    );
    assert_eq!(
        world
            .json(&["key", "list", "--user", "1"])
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    succeeded(&line, world.run_with(&line, b"secret"));

    for bad in [
        &b"short"[..],
        b"with space",
        "schlüssel".as_bytes(),
        &[b'k'; 129],
    ] {
        assert_refused(
            &line,
            &world.run_with(&line, bad),
            "the key cannot be used: a key has 6",
        );
    }
    world.refused(
        &["key", "add", "bob"],
        "only admin, resellers, accountants and managers",
    );
}

#[test]
fn a_user_has_at_most_16_active_keys() {
    let world = World::new();
    for _ in 1..16 {
        world.ok(&["key", "add", "admin"]);
    }
    world.refused(
        &["key", "add", "admin"],
        "too many active keys: revoke one first: 16",
    );
    world.ok(&["key", "revoke", "1"]);
    world.ok(&["key", "add", "admin"]);
}

#[test]
fn a_provider_is_set_shown_and_deleted() {
    let world = World::with_people();
    let add = [
        "provider",
        "add",
        "Second",
        "tech=iax2",
        "server_ip=sip.example.com",
        "port=4569",
    ];
    assert_eq!(world.ok(&add), "provider 2 was added\n");
    let set = [
        "provider",
        "set",
        "2",
        "login=us",
        "register=1",
        "server_ip=",
        "name=Two",
    ];
    assert_eq!(world.ok(&set), "provider 2 is as it was told\n");
    let password = world.run_with(
        &["provider", "set", "2", "--password-file", "-"],
        b"their secret\n",
    );
    assert!(password.status.success());
    let stored = world.value("SELECT concat_ws('|', name, tech, server_ip, port, login, password) FROM providers WHERE id = 2");
    assert_eq!(stored, "Two|IAX2||4569|us|their secret");
    let shown = world.json(&["provider", "show", "2"]);
    assert_eq!(shown["password"], "(set)");
    assert_eq!(shown["tech"], "IAX2");
    assert!(
        world
            .ok(&["provider", "show", "2"])
            .contains("\nname=Two\n")
    );
    assert!(!world.ok(&["provider", "show", "2"]).contains("secret"));
    assert!(
        !world
            .value("SELECT group_concat(ifnull(before, '') || ifnull(after, '')) FROM action_log")
            .contains("secret")
    );

    world.refused(&["provider", "set", "2", "port=0"], "1 to 65535: 2\n");
    world.refused(
        &["provider", "set", "2", "name=Carrier"],
        "name is already used: 2\n",
    );
    world.refused(
        &["provider", "set", "9", "port=1"],
        "provider was not found: 9 (see `linebook provider list`)\n",
    );
    world.refused(
        &["provider", "add", "Carrier"],
        "name is already used: Carrier\n",
    );
    world.refused(
        &["provider", "set", "2", "common_use=yes"],
        "common_use is 0 or 1: yes\n",
    );
    for wrong in ["password=x", "colour=red", "port"] {
        let output = world.run(&["provider", "set", "2", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    // Another owner may have a provider of the same name.
    world.ok(&["provider", "add", "Carrier", "--owner", "shop"]);

    let rule = [
        "provider", "rule", "add", "2", "National", "--cut", "0", "--add", "370", "--max", "9",
    ];
    assert_eq!(world.ok(&rule), "rule 1 was added\n");
    let fields = [
        "id",
        "cut",
        "prefix",
        "min_length",
        "max_length",
        "applies_to",
    ];
    assert_eq!(
        world.column(&["provider", "rule", "list", "2"], &fields),
        json!([[1, "0", "370", 1, 9, "dst"]])
    );
    world.refused(
        &["provider", "rule", "add", "2", "x"],
        "a rule cuts something off a number, or adds something to it\n",
    );
    world.refused(
        &[
            "provider", "rule", "add", "2", "x", "--cut", "1", "--suffix", "2", "--for", "src",
        ],
        "up to 60 digits, for called numbers only\n",
    );
    assert_eq!(
        world.ok(&["provider", "rule", "delete", "1"]),
        "rule 1 is deleted\n"
    );
    world.refused(
        &["provider", "rule", "delete", "1"],
        "provider rule was not found: 1 (see `linebook provider rule list`)\n",
    );

    world.refused(
        &["provider", "delete", "1", "--yes"],
        "provider is in use: terminate its DIDs first\n",
    );
    assert_eq!(
        world.ok(&["provider", "delete", "2", "--yes"]),
        "provider 2 is hidden\n"
    );
    world.refused(
        &["provider", "show", "2"],
        "provider was not found: 2 (see `linebook provider list`)\n",
    );
    assert_eq!(world.ok(&["check"]).lines().count(), 1);
}

#[test]
fn a_step_is_taken_with_every_did_that_a_filter_finds_or_with_none() {
    let world = World::with_people();
    for number in ["123456790", "123456791", "777"] {
        world.ok(&["did", "create", number, "--provider", "1"]);
    }
    let statuses = || {
        world.value("SELECT group_concat(status, ' ') FROM (SELECT status FROM dids ORDER BY id)")
    };
    let reserve = ["did", "each", "reserve", "--begins", "1234", "--for", "bob"];
    let dry = world.ok(&[&reserve[..], &["--dry-run"]].concat());
    assert_eq!(dry.lines().count(), 4, "{dry}");
    assert_eq!(statuses(), "free free free free");
    assert_eq!(world.ok(&reserve), "it was done to 3\n");
    assert_eq!(statuses(), "reserved reserved reserved free");
    assert_eq!(
        world.value(
            "SELECT count(*) FROM action_log WHERE action = 'did.reserve' AND actor = 'operator'"
        ),
        "3"
    );
    // One of the four is free.
    let back = ["did", "each", "unreserve", "--provider", "1"];
    world.refused(
        &back,
        "the DID's state does not allow this: DID 777 is free, this needs one that is reserved\n",
    );
    let dry = world.run(&[&back[..], &["--dry-run"]].concat());
    assert_eq!(dry.status.code(), Some(1));
    assert_eq!(text(&dry.stdout).lines().count(), 5);
    assert!(text(&dry.stderr).contains("it cannot be done to 1 of 4, so nothing would be"));
    assert_eq!(statuses(), "reserved reserved reserved free");
    world.refused(
        &["did", "each", "close", "--status", "active"],
        "there are no DIDs\n",
    );
    world.refused(
        &[
            "did", "each", "reserve", "--status", "free", "--for", "nobody",
        ],
        "user was not found: nobody",
    );
    world.refused(
        &["device", "each", "block", "--user", "bob"],
        "there are no devices\n",
    );
    // Everything at once has to be said, and a step has to be one.
    for wrong in [
        &["did", "each", "close"][..],
        &["did", "each", "paint", "--begins", "1"],
    ] {
        assert_eq!(world.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn one_action_for_all_reaches_everyone_s_things_and_takes_no_id() {
    let world = World::with_people();
    world.ok(&["did", "create", "123456790", "--provider", "1"]);
    world.ok(&["did", "reserve", "123456790", "--user", "shop"]);
    // Admin's and, on loan, the reseller's: both begin with this, and both come from this provider.
    for filter in [["--begins", "12345"], ["--provider", "1"]] {
        let line = [&["did", "each", "terminate"][..], &filter, &["--dry-run"]].concat();
        let dry = text(&world.run(&line).stdout);
        assert!(
            dry.contains("123456789") && dry.contains("123456790"),
            "{filter:?}: {dry}"
        );
    }
    let reserved = ["did", "each", "unreserve", "--status", "reserved"];
    assert_eq!(world.ok(&reserved), "it was done to 1\n");
    assert_eq!(
        world.value("SELECT owner_id || status FROM dids WHERE did = '123456790'"),
        "1free"
    );

    // A phone of each owner, with an id that other extensions begin with.
    world.sql(
        "INSERT INTO devices (id, user_id, owner_id, device_group_id, type, description, extension, username, secret, pin, created_ms)
         SELECT column1, column2, (SELECT owner_id FROM users WHERE users.id = column2),
           (SELECT id FROM device_groups WHERE user_id = column2), 'SIP', column3, column4, column4, 'secret', column5, 1
         FROM (VALUES (77, 2, 'Desk', '5001', '250000'), (50, 3, 'Door 5', '7002', NULL), (51, 3, '50 rooms', '7003', NULL))",
    );
    let blocked = || {
        world.value("SELECT ifnull(group_concat(id), '') FROM devices WHERE blocked_ms IS NOT NULL")
    };
    let block = |begins: &str, more: &[&str]| {
        world.run(&[&["device", "each", "block", "--begins", begins][..], more].concat())
    };
    // Neither an id, a PIN nor the middle of a description begins with it.
    for (begins, more) in [
        ("77", &[][..]),
        ("77", &["--user", "bob"]),
        ("250000", &["--user", "bob"]),
        ("rooms", &["--user", "carol"]),
    ] {
        let output = block(begins, more);
        assert_refused(&[begins], &output, "there are no devices");
    }
    assert_eq!(blocked(), "");
    assert_eq!(succeeded(&["50"], block("50", &[])), "it was done to 2\n");
    assert_eq!(blocked(), "51,77");
}

#[test]
fn a_did_is_for_resellers_and_plain_users() {
    let world = World::with_people();
    world.ok(&["user", "add", "clerk", "--type", "accountant"]);
    world.ok(&["user", "add", "chief", "--type", "manager"]);
    for (user, why) in [
        ("clerk", "clerk, neither a reseller nor a plain user"),
        ("chief", "chief, neither a reseller nor a plain user"),
        ("admin", "admin, neither a reseller nor a plain user"),
        (
            "carol",
            "carol, a reseller's user: reserve it for the reseller first",
        ),
    ] {
        let reason = format!("user was not found: {why} (see `linebook user list`)\n");
        world.refused(&["did", "reserve", "123456789", "--user", user], &reason);
        let each = ["did", "each", "reserve", "--begins", "1", "--for", user];
        world.refused(&each, "user was not found: ");
    }
    world.ok(&["did", "reserve", "123456789", "--user", "shop"]);
    world.ok(&["did", "reserve", "123456789", "--user", "carol"]);
    let had = "SELECT owner_id || ' ' || user_id || ' ' || lent_by_id FROM dids";
    assert_eq!(world.value(had), "1 3 0");
}

#[test]
fn a_step_says_what_it_needs() {
    let world = World::with_people();
    for (step, option) in [
        ("reserve", "--for"),
        ("assign", "--to-device"),
        ("dialplan", "--to-dialplan"),
    ] {
        let output = world.run(&["did", "each", step, "--begins", "1"]);
        assert_eq!(output.status.code(), Some(2), "{step}");
        let told = format!("linebook: {step} needs {option} (see --help)\n");
        assert_eq!(text(&output.stderr), told);
    }
}

#[test]
fn a_refusal_names_what_is_wrong() {
    let world = World::with_people();
    world.refused(
        &["did", "set", "123456789", "--provider", "99"],
        "provider was not found: 99 (see `linebook provider list`)\n",
    );
    world.refused(
        &["did", "take-back", "123456789"],
        "the DID's state does not allow this: DID 123456789 is not on loan\n",
    );
    world.refused(
        &["device", "rule", "delete", "99"],
        "device rule was not found: 99 (see `linebook device rule list`)\n",
    );
    for option in ["call-limit", "active-from", "active-till", "grace-time"] {
        let sent = format!("--{option}");
        let output = world.run(&["did", "set", "123456789", &sent, "-1"]);
        assert_eq!(output.status.code(), Some(1), "{option}");
        let told = text(&output.stderr);
        assert!(told.ends_with(": 123456789\n"), "{option}: {told}");
    }
    world.refused(
        &["phonebook", "add", "0", "n", "1", "1"],
        "Speed Dial should have at least two digits\n",
    );
    for wrong in [&["phonebook", "set", "1"][..], &["provider", "set", "1"]] {
        let before = world.dump();
        assert_eq!(world.run(wrong).status.code(), Some(2), "{wrong:?}");
        assert_eq!(world.dump(), before);
    }
    let shown = world.json(&["provider", "show", "1"]);
    for (name, value) in [
        ("id", json!(1)),
        ("owner_id", json!(0)),
        ("common_use", json!(true)),
        ("active", json!(true)),
        ("register", json!(false)),
        ("port", json!(5060)),
        ("timeout", json!(60)),
        ("name", json!("Carrier")),
    ] {
        assert_eq!(shown[name], value, "{name}: {shown}");
    }
    let lines = world.ok(&["provider", "show", "1"]);
    assert!(
        lines.contains("common_use=1\n") && lines.contains("active=1\n"),
        "{lines}"
    );
}

#[test]
fn what_is_set_up_is_listed() {
    let world = World::with_people();
    world.ok(&["provider", "add", "Own", "--owner", "shop"]);
    world.ok(&["group", "add", "phones", "--user", "bob"]);
    world.ok(&["ivr", "add", "Welcome"]);
    world.ok(&["dialplan", "add", "Night", "--owner", "shop"]);
    assert_eq!(
        world.column(
            &["provider", "list"],
            &["id", "owner_id", "name", "common_use"]
        ),
        json!([[1, 0, "Carrier", true], [2, 1, "Own", false]])
    );
    assert_eq!(
        world.json(&["group", "list", "--after", "4"]),
        json!([{ "id": 5, "user_id": 2, "name": "phones", "is_primary": false }])
    );
    assert_eq!(
        world.json(&["ivr", "list"]),
        json!([{ "id": 1, "owner_id": 0, "name": "Welcome" }])
    );
    assert_eq!(
        world.column(&["dialplan", "list"], &["id", "owner_id", "name", "kind"]),
        json!([[1, 1, "Night", "ivr"]])
    );
    let long = "n".repeat(256);
    for verb in ["provider", "ivr", "dialplan"] {
        let blank = match verb {
            "provider" => "a name is missing\n",
            _ => "a name has 1 to 255 characters",
        };
        world.refused(&[verb, "add", ""], blank);
        world.refused(&[verb, "add", "a\u{7f}"], "a name has 1 to 255 characters");
        world.refused(&[verb, "add", &long], "a name has 1 to 255 characters");
        world.refused(
            &[verb, "add", "x", "--owner", "bob"],
            "the owner must be admin or a reseller: bob\n",
        );
    }
    world.refused(
        &["group", "add", "", "--user", "bob"],
        "a name has 1 to 255 characters",
    );
    world.refused(
        &["group", "add", "x", "--user", "17"],
        "user was not found: 17",
    );
}

#[test]
fn settings_start_at_their_defaults() {
    let world = World::new();
    let listed = world.json(&["settings", "list"]);
    let listed = listed.as_array().expect("rows");
    assert_eq!(listed.len(), 10);
    for setting in listed {
        assert_eq!(setting["value"], setting["default"], "{setting}");
    }
    // Every column of the two tables is a setting, and every setting is a column.
    let columns = "SELECT count(*) FROM (
        SELECT name FROM pragma_table_info('settings')
        UNION ALL SELECT name FROM pragma_table_info('owner_settings')
    ) WHERE name NOT IN ('id', 'owner_id')";
    assert_eq!(world.value(columns), "10");
}

#[test]
fn settings_take_what_they_say_and_nothing_else() {
    let world = World::with_people();
    let takes = |name: &str, good: &[&str], bad: &[&str]| {
        for value in good {
            let set = world.json(&["settings", "set", name, value]);
            assert_eq!(set["name"], name);
            let listed = world.json(&["settings", "list"]);
            let mut listed = listed.as_array().expect("rows").iter();
            let row = listed.find(|row| row["name"] == name).expect("the setting");
            assert_eq!(row["value"], set["value"], "{name} {value}");
            let kept = set["value"].as_str().expect("a text");
            assert!(kept.eq_ignore_ascii_case(value), "{name} {value}: {kept}");
        }
        for value in bad {
            let reason = format!("the setting does not take this value: {name} takes ");
            world.refused(&["settings", "set", name, value], &reason);
        }
    };
    for name in ["allow_api", "allow_get", "shared_admin_key"] {
        takes(name, &["off", "on"], &["", "yes", "ON", "1"]);
    }
    takes("gzip", &["negotiated", "documented"], &["", "off"]);
    takes(
        "require_password",
        &["always", "never", "documented"],
        &["", "on"],
    );
    takes(
        "default_device_type",
        &["sip", "VIRTUAL", ""],
        &["SIP2", " "],
    );
    takes(
        "first_extension",
        &["1", "999999999"],
        &["0", "1000000000", "+1", "-1", "", "99999999999999999999"],
    );
    takes("did_closed_days", &["1", "3650"], &["0", "3651", "x"]);
    takes(
        "hash_check",
        &["strict", "lenient", "documented"],
        &["", "on"],
    );
    takes("dialect", &["current", "classic"], &["", "page"]);
    // The older name of `classic` is still accepted, and stored under the new name.
    let said = world.ok(&["settings", "set", "dialect", "pages"]);
    assert_eq!(said, "dialect is classic\n");
    assert_eq!(
        world.value("SELECT dialect FROM owner_settings WHERE owner_id = 0"),
        "classic"
    );
    world.refused(
        &["settings", "set", "colour", "red"],
        "there is no such setting: colour (see `linebook settings list`)\n",
    );
    world.refused(
        &["settings", "set", "gzip", "negotiated", "--owner", "shop"],
        "the setting does not take this value: gzip holds for everyone",
    );
    world.refused(
        &["settings", "set", "dialect", "current", "--owner", "bob"],
        "the owner must be admin or a reseller: bob\n",
    );
}

#[test]
fn owners_have_settings_of_their_own() {
    let world = World::with_people();
    world.ok(&["settings", "set", "dialect", "current", "--owner", "shop"]);
    let dialect = |line: &[&str]| world.json(line)[9]["value"].clone();
    assert_eq!(dialect(&["settings", "list", "--owner", "shop"]), "current");
    assert_eq!(dialect(&["settings", "list"]), "classic");
    let entry = world.json(&["log", "--limit", "1"]);
    assert_eq!(entry[0]["object_id"], 1);
    assert_eq!(entry[0]["after"], json!({ "dialect": "current" }));
}

#[test]
fn a_new_first_extension_starts_the_search_anew() {
    let world = World::new();
    world.sql("UPDATE installation SET next_extension = 5000");
    world.ok(&["settings", "set", "allow_get", "on"]);
    assert_eq!(
        world.value("SELECT next_extension FROM installation"),
        "5000"
    );
    world.ok(&["settings", "set", "first_extension", "200"]);
    assert_eq!(
        world.value("SELECT next_extension FROM installation"),
        "200"
    );
}

#[test]
fn a_did_is_taken_through_its_life() {
    let world = World::with_people();
    world.ok(&["dialplan", "add", "Night"]);
    let status = |line: &[&str], status: &str, user: Value| {
        let did = world.json(line);
        assert_eq!(did["status"], status, "{line:?}");
        assert_eq!(did["user_id"], user, "{line:?}");
        assert_eq!(
            world.value("SELECT status FROM dids WHERE did = 123456789"),
            status
        );
    };
    let did = "123456789";
    status(
        &["did", "reserve", did, "--user", "2"],
        "reserved",
        json!(2),
    );
    status(&["did", "unreserve", did], "free", Value::Null);
    status(
        &["did", "reserve", did, "--user", "bob"],
        "reserved",
        json!(2),
    );
    status(&["dialplan", "assign", "1", did], "active", json!(2));
    status(&["did", "unassign", did], "reserved", json!(2));
    status(&["dialplan", "assign", "1", did], "active", json!(2));
    status(&["did", "close", did], "closed", json!(2));
    status(&["did", "free", did], "free", Value::Null);
    status(&["did", "terminate", did], "terminated", Value::Null);
    status(&["did", "free", did], "free", Value::Null);
    let steps = world.json(&["log", "--limit", "10"]);
    let steps = steps.as_array().expect("rows").iter();
    assert!(steps.clone().all(|step| {
        step["action"]
            .as_str()
            .is_some_and(|a| a.starts_with("did."))
    }));
    assert_eq!(steps.len(), 10);
}

#[test]
fn did_reserve_in_the_form_that_the_demo_prints() {
    let world = World::with_people();
    let printed = world.ok(&["did", "reserve", "123456789", "--user", "2"]);
    assert_eq!(printed, "DID 123456789 is reserved, of user 2\n");
}

#[test]
fn steps_that_a_did_cannot_take_are_refused() {
    let world = World::with_people();
    let did = "123456789";
    let not_found = "DID was not found: 99 (see `linebook did list`)\n";
    for verb in ["unreserve", "unassign", "free", "close", "terminate"] {
        world.refused(&["did", verb, "99"], not_found);
    }
    for verb in ["unreserve", "unassign", "free", "close"] {
        world.refused(&["did", verb, did], "the DID's state does not allow this");
    }
    world.refused(&["did", "reserve", "99", "--user", "bob"], not_found);
    world.refused(
        &["did", "reserve", did, "--user", "17"],
        "user was not found: 17",
    );
    world.refused(
        &["did", "create", did, "--provider", "1"],
        "DID already exists: 123456789\n",
    );
    world.refused(
        &["did", "create", "12x", "--provider", "1"],
        "a DID has 1 to 15 digits: 12x\n",
    );
    world.refused(
        &["did", "create", "5", "--provider", "9"],
        "provider was not found: 9 (see `linebook provider list`)\n",
    );
    world.ok(&["did", "reserve", did, "--user", "bob"]);
    world.refused(
        &["dialplan", "assign", "7", did],
        "dial plan was not found: 7",
    );
}

#[test]
fn devices_are_listed_without_secrets_made_trunks_and_hidden() {
    let world = World::with_people();
    world.sql(
        "INSERT INTO devices
           (user_id, device_group_id, type, extension, username, secret, pin, created_ms)
         VALUES
           (2, 3, 'SIP', '1001', '1001', 'Register1WithMe', '7', 0),
           (3, 4, 'IAX2', '1002', '1002', 'Register2WithMe', NULL, 0);
         UPDATE devices SET owner_id = (SELECT owner_id FROM users WHERE users.id = user_id);
         INSERT INTO clis (device_id, number, created_ms) VALUES (2, '555', 0);",
    );
    let all = world.ok(&["device", "list"]) + &world.ok(&["device", "list", "--json"]);
    assert!(all.contains("1002") && !all.contains("WithMe"), "{all}");
    let bobs = world.json(&["device", "list", "--user", "bob"]);
    assert_eq!(bobs.as_array().map(Vec::len), Some(1));
    assert_eq!(bobs[0]["type"], "SIP");

    world.ok(&["device", "trunk", "1"]);
    assert_eq!(
        world.value("SELECT is_trunk FROM devices WHERE id = 1"),
        "1"
    );
    world.ok(&["device", "trunk", "1", "--off"]);
    assert_eq!(
        world.value("SELECT is_trunk FROM devices WHERE id = 1"),
        "0"
    );
    world.refused(
        &["device", "trunk", "9"],
        "device was not found: 9 (see `linebook device list`)",
    );

    assert_eq!(
        world.json(&["cli", "list"])[0],
        json!({
            "id": 1, "device_id": 2, "number": "555", "domain": null, "description": "",
            "comment": "", "banned": false, "ivr_id": null
        })
    );
    let preview = world.json(&["device", "delete", "2", "--preview"]);
    assert_eq!(preview["clis"], json!(["555"]));
    assert_eq!(
        world.json(&["device", "list"]).as_array().map(Vec::len),
        Some(2)
    );

    let changes = [
        "language=LT",
        "hostname=",
        "callerid_number=",
        "call_limit=5",
    ];
    world.ok(&[&["device", "set", "2"], &changes[..]].concat());
    let shown = world.json(&["device", "show", "2"]);
    assert_eq!(
        shown["options"],
        json!({ "call_limit": "5", "language": "lt" })
    );
    assert_eq!(shown["secret"], json!(null));
    world.ok(&["device", "set", "2", "call_limit=", "language="]);
    assert_eq!(world.json(&["device", "show", "2"])["options"], json!({}));
    for (change, reason) in [
        (
            "call_limit=x",
            "the device does not take this value: call_limit takes a number",
        ),
        ("colour=red", "colour=red is not NAME=VALUE"),
        ("language", "language is not NAME=VALUE"),
    ] {
        world.refused(&["device", "set", "2", change], reason);
    }
    world.refused(
        &["device", "set", "99", "language=lt"],
        "device was not found: 99",
    );
    let blocked = "SELECT blocked_ms IS NOT NULL FROM devices WHERE id = 2";
    for (verb, is) in [("block", "1"), ("block", "1"), ("unblock", "0")] {
        world.ok(&["device", verb, "2"]);
        assert_eq!(world.value(blocked), is, "{verb}");
    }

    world.ok(&["cli", "delete", "1"]);
    world.refused(
        &["cli", "delete", "1"],
        "CLI was not found: 1 (see `linebook cli list`)\n",
    );
    world.sql(
        "INSERT INTO clis (id, device_id, number, domain, created_ms) VALUES
           (6, 2, '556', 'sip.example.org', 0), (7, 2, '557', NULL, 0)",
    );
    for (filter, ids) in [
        (&["--device", "2"][..], json!([6, 7])),
        (&["--user", "3", "--after", "6"], json!([7])),
        (&["--user", "bob"], json!([])),
        (&["--device", "2", "--user", "bob"], json!([])),
    ] {
        let listed = world.json(&[&["cli", "list"], filter].concat());
        let listed = listed.as_array().expect("a list").iter();
        let listed: Vec<&Value> = listed.map(|cli| &cli["id"]).collect();
        assert_eq!(json!(listed), ids, "{filter:?}");
    }
    world.refused(&["cli", "list", "--device", "9"], "device was not found");
    world.refused(
        &["cli", "list", "--user", "bobby"],
        "user was not found: bobby",
    );
    assert_eq!(world.run(&["cli", "delete"]).status.code(), Some(2));
    world.refused(
        &[
            "cli",
            "delete",
            "--number",
            "557",
            "--domain",
            "sip.example.org",
        ],
        "CLI was not found: 557 (see `linebook cli list`)\n",
    );
    world.refused(
        &["cli", "delete", "6", "--number", "557"],
        "CLI was not found: 6 (",
    );
    let both = ["--number", "556", "--domain", "SIP.example.org"];
    let deleted = world.json(&[&["cli", "delete"], &both[..]].concat());
    assert_eq!(deleted, json!({ "id": 6, "deleted": true }));
    let found = world.json(&["cli", "find", "--number", "557"]);
    assert_eq!(found, json!({ "device_id": 2, "user_id": 3 }));
    world.ok(&["cli", "delete", "7", "--number", "557"]);
    world.refused(
        &["cli", "find", "--number", "557"],
        "CLI was not found: 557 (",
    );
    assert_eq!(world.json(&["cli", "list"]), json!([]));
    world.ok(&["device", "delete", "1", "--yes"]);
    world.ok(&["device", "hide", "2", "--yes"]);
    world.refused(&["device", "hide", "1"], "device was not found: 1");
    assert_eq!(world.json(&["device", "list"]), json!([]));
}

/// Imports `file` from standard input.
fn import(world: &World, file: &str, flags: &[&str]) -> Output {
    let line = [&["did", "import", "-"], flags].concat();
    world.run_with(&line, file.as_bytes())
}

#[test]
fn an_import_takes_every_line() {
    let world = World::with_people();
    // A file as a spreadsheet writes it: byte order mark, CRLF, quotes, spaces, no end of the last line.
    let file = "\u{feff}did,provider_id\r\n1,1\r\n\"2\",1\r\n 3 , 1 ";
    let rehearsed = import(&world, file, &["--dry-run", "--json"]);
    assert_eq!(text(&rehearsed.stdout), "{\"dids\":3,\"dry_run\":true}\n");
    assert_eq!(rehearsed.status.code(), Some(0));
    assert_eq!(
        world.value("SELECT group_concat(did ORDER BY id) FROM dids"),
        "123456789"
    );
    let imported = import(&world, file, &[]);
    assert_eq!(
        text(&imported.stdout),
        "3 DIDs were imported\n",
        "{imported:?}"
    );
    assert_eq!(
        world.value("SELECT group_concat(did ORDER BY id) FROM dids"),
        "123456789,1,2,3"
    );
    assert_eq!(
        world.value("SELECT count(*) FROM action_log WHERE action = 'did.create'"),
        "4"
    );

    let path = world.data.join("dids.csv");
    fs::write(&path, "did,provider_id\n4,1\n").expect("a file");
    world.ok(&["did", "import", &path.display().to_string()]);
    assert_eq!(
        world.value("SELECT count(*) FROM dids WHERE did = '4'"),
        "1"
    );
}

#[test]
fn an_import_names_each_bad_line_and_takes_none() {
    let world = World::with_people();
    let file = "did,provider_id\n1,1\n12x,1\n2,9\n\n123456789,1\n3,one\n4\n5,1,x\n1,1\n1234567890123456,1\n6,1\n";
    let before = world.dump();
    for flags in [&["--json"][..], &["--json", "--dry-run"]] {
        let output = import(&world, file, flags);
        assert_eq!(output.status.code(), Some(1));
        let bad: Vec<(u64, String)> = serde_json::from_slice::<Vec<Value>>(&output.stdout)
            .expect("JSON")
            .iter()
            .map(|bad| {
                let line = bad["line"].as_u64().expect("a number");
                (line, bad["reason"].as_str().expect("a text").to_string())
            })
            .collect();
        let expected = [
            (3, "a DID has 1 to 15 digits: 12x"),
            (4, "provider was not found: 9"),
            (6, "DID already exists: 123456789"),
            (7, "provider_id is not a number: one"),
            (8, "2 values are needed, not 1"),
            (9, "2 values are needed, not 3"),
            (10, "DID already exists: 1"),
            (11, "a DID has 1 to 15 digits: 1234567890123456"),
        ];
        let expected = expected.map(|(line, reason)| (line, reason.to_string()));
        assert_eq!(bad, expected);
        assert_eq!(
            text(&output.stderr),
            "linebook: 8 of 10 lines cannot be imported, so nothing was: correct them\n"
        );
        assert_eq!(world.dump(), before);
    }
}

#[test]
fn an_import_counts_lines_as_an_editor_does() {
    let world = World::with_people();
    let file = "\u{feff}did,provider_id\r\n\r\n1,1\r\nx,1\r\n\r\n\r\n\"2\n\",1\r\ny,1";
    let output = import(&world, file, &["--json"]);
    let bad: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let bad: Vec<(&Value, &Value)> = bad.iter().map(|bad| (&bad["line"], &bad["did"])).collect();
    // Spaces and line ends around a value are not part of it.
    assert_eq!(bad, [(&json!(4), &json!("x")), (&json!(9), &json!("y"))]);
}

#[test]
fn a_file_that_is_no_import_is_refused() {
    let world = World::with_people();
    let check = |file: &str, reason: &str| {
        let before = world.dump();
        assert_refused(&["did", "import"], &import(&world, file, &[]), reason);
        assert_eq!(world.dump(), before);
    };
    check("", "-: the first line must be `did,provider_id`");
    check("1,1\n", "-: the first line must be `did,provider_id`");
    check(
        "provider_id,did\n1,1\n",
        "-: the first line must be `did,provider_id`",
    );
    let many = format!("did,provider_id\n{}", "1,1\n".repeat(50_001));
    check(&many, "-: more than 50000 lines: split it");
    let large = format!("did,provider_id\n{}", "x".repeat(8 * 1024 * 1024));
    check(&large, "-: more than 8388608 bytes: split it");
    world.refused(
        &["did", "import", "/nowhere.csv"],
        "/nowhere.csv: No such file",
    );
}

#[test]
fn lists_say_when_there_are_more() {
    let world = World::with_people();
    let page = world.run(&["user", "list", "--limit", "2"]);
    assert_eq!(text(&page.stderr), "linebook: there are more: --after 1\n");
    assert_eq!(text(&page.stdout).lines().count(), 3);
    let rest = world.run(&["user", "list", "--limit", "2", "--after", "1"]);
    assert_eq!(text(&rest.stderr), "");
    assert_eq!(
        text(&rest.stdout),
        "id  username  type  owner_id  blocked  permissions  networks\n\
         2   bob       user  0         no\n\
         3   carol     user  1         no\n"
    );
    let log = world.run(&["log", "--limit", "1", "--json"]);
    let newest: Value = serde_json::from_slice(&log.stdout).expect("JSON");
    assert_eq!(newest[0]["action"], "did.create");
    assert_eq!(newest[0]["actor"], "operator");
    assert_eq!(newest[0]["through"], "cli");
    let id = newest[0]["id"].to_string();
    assert_eq!(
        text(&log.stderr),
        format!("linebook: there are more: --before {id}\n")
    );
    let older = world.json(&["log", "--before", &id]);
    assert_eq!(older[0]["action"], "provider.create");
    assert_eq!(
        older.as_array().map(|rows| rows.len().to_string()),
        Some((id.parse::<i64>().expect("a number") - 1).to_string())
    );
}

/// The rule looks at a bounded number of DIDs in one go; the command looks on.
#[test]
fn quickforwards_are_listed_to_the_end() {
    let world = World::new();
    world.sql(
        "INSERT INTO providers (id, owner_id, name, created_ms) VALUES (1, 0, 'Carrier', 0);
         INSERT INTO dialplans (id, owner_id, name, created_ms, kind) VALUES (7, 0, 'Call through', 0, 'quickforwards');
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500)
         INSERT INTO dids (did, provider_id, owner_id, status, user_id, dialplan_id, created_ms)
         SELECT CAST(370600000000 + i AS TEXT), 1, 0, 'active', 0, 7, 0 FROM n;",
    );
    world.ok(&["quickforward", "pattern", "admin", "37060000%"]);
    let count = |line: &[&str]| world.json(line).as_array().map(Vec::len);
    let list = ["quickforward", "list", "admin", "--limit"];
    assert_eq!(count(&[&list[..], &["100000"]].concat()), Some(4500));
    let part = world.run(&[&list[..], &["3000"]].concat());
    assert_eq!(text(&part.stdout).lines().count(), 3001);
    assert_eq!(
        text(&part.stderr),
        "linebook: there are more: --after 3000\n"
    );
    let rest = [&list[..], &["3000", "--after", "3000"]].concat();
    assert_eq!(count(&rest), Some(1500));
}

#[test]
fn a_table_does_not_let_a_value_drive_the_terminal() {
    let world = World::new();
    world.sql("INSERT INTO ivrs (owner_id, name, created_ms) VALUES (0, char(27) || '[2Jx', 0)");
    let table = world.ok(&["ivr", "list"]);
    assert!(table.contains("\\u{1b}[2Jx"), "{table:?}");
    assert!(!table.contains('\u{1b}'), "{table:?}");
}

#[test]
fn a_closed_pipe_is_no_fault() {
    let world = World::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = world
        .command(&["settings", "list"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("the binary runs");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn output_that_cannot_be_written_is_a_fault() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let world = World::new();
    let full = fs::OpenOptions::new()
        .write(true)
        .open(full)
        .expect("the device");
    let output = world
        .command(&["settings", "list"])
        .stdout(full)
        .output()
        .expect("the binary runs");
    assert_refused(
        &["settings", "list"],
        &output,
        "the output could not be written: ",
    );
}

#[test]
fn two_processes_write_at_once() {
    let world = World::with_people();
    let write = |first: u32| {
        for number in first..first + 15 {
            world.ok(&["did", "create", &number.to_string(), "--provider", "1"]);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(100));
        scope.spawn(|| write(200));
    });
    assert_eq!(world.value("SELECT count(*) FROM dids"), "31");
    assert_eq!(
        world.value("SELECT count(*) FROM action_log WHERE action = 'did.create'"),
        "31"
    );
}

#[test]
fn one_number_from_two_processes_makes_one_did() {
    let world = World::with_people();
    let line = ["did", "create", "777", "--provider", "1"];
    let spawn = || {
        let mut command = world.command(&line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary runs")
    };
    let children: Vec<_> = (0..6).map(|_| spawn()).collect();
    let outputs: Vec<Output> = children
        .into_iter()
        .map(|child| child.wait_with_output().expect("the binary ends"))
        .collect();
    let refused = outputs.iter().filter(|output| !output.status.success());
    for output in refused.clone() {
        assert_refused(&line, output, "DID already exists: 777\n");
    }
    assert_eq!(refused.count(), 5);
}

#[test]
fn no_secret_is_in_the_action_log() {
    let world = World::with_people();
    let mut secrets = vec![first_run(&world, "password"), first_run(&world, "key")];
    let lines: [(&[&str], &str); 4] = [
        (
            &["user", "add", "eve", "--password-file", "-"],
            "Typed password 1",
        ),
        (
            &["user", "passwd", "eve", "--password-file", "-"],
            "Typed password 2",
        ),
        (&["key", "add", "shop", "--key-file", "-"], "TypedKey3"),
        (&["key", "add", "admin", "--key-file", "-"], "TypedKey4"),
    ];
    for (line, secret) in lines {
        succeeded(line, world.run_with(line, secret.as_bytes()));
        secrets.push(secret.into());
    }
    for line in [&["user", "add", "mallory"][..], &["user", "passwd", "bob"]] {
        secrets.push(
            world.json(line)["password"]
                .as_str()
                .expect("a password")
                .into(),
        );
    }
    secrets.push(
        world.json(&["key", "add", "shop"])["key"]
            .as_str()
            .expect("a key")
            .into(),
    );
    world.ok(&["key", "revoke", "2"]);
    let hashes = "SELECT group_concat(password, char(10)) FROM users WHERE password IS NOT NULL";
    secrets.extend(world.value(hashes).lines().map(String::from));
    assert_eq!(secrets.len(), 9 + 6);

    let log = dump(&world.connection(), "action_log") + &world.ok(&["log", "--json"]);
    assert!(
        log.contains("user.set_password") && log.contains("key.revoke"),
        "{log}"
    );
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
