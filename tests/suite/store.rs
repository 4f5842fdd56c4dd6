//! The net below the rules: constraints, the writer's batches, migrations, files that are not linebook's.

use std::path::Path;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use linebook::amount::Amount;
use linebook::store::file::migrate::steps;
use linebook::store::file::schema::{APPLICATION_ID, SCHEMA, VERSION};
use linebook::store::tables::clis::Cli;
use linebook::store::tables::devices::{Device, DeviceType};
use linebook::store::tables::dids::{Did, DidStatus};
use linebook::store::tables::users::{NewUser, UserType};
use linebook::store::tables::{api_keys, clis, device_groups, devices, dids, users};
use linebook::store::{FILE_NAME, OpenError, Options, QUEUE, Store, StoreError, WriteTx};
use rusqlite::Connection;

use crate::common::World;
use crate::common::world::{demo_folder, older_databases, rows};

type Written<T> = Result<T, StoreError>;

fn device() -> Device {
    Device {
        id: 0,
        user_id: 2,
        device_group_id: 3,
        device_type: DeviceType::Sip,
        description: String::new(),
        extension: "2000".into(),
        username: "2000".into(),
        secret: "Secret1234567890".into(),
        pin: Some("2000".into()),
        caller_id: String::new(),
        ip_auth: false,
        ipaddr: "0.0.0.0".into(),
        hostname: String::new(),
        port: 5060,
        is_trunk: false,
        with_ani: false,
        balance: Amount::ZERO,
        blocked_ms: None,
    }
}

fn cli() -> Cli {
    Cli {
        id: 0,
        device_id: 2,
        number: Some("2000".into()),
        domain: Some("new.example.com".into()),
        description: String::new(),
        comment: String::new(),
        banned: false,
        ivr_id: None,
    }
}

fn did() -> Did {
    Did {
        id: 2,
        did: "37060000002".into(),
        provider_id: 1,
        owner_id: 0,
        status: DidStatus::Reserved,
        user_id: Some(2),
        device_id: None,
        dialplan_id: None,
        closed_ms: None,
        lent_by_id: None,
        call_limit: 0,
        grace_time_s: 0,
        language: String::new(),
        tone_zone: String::new(),
        active_from_ms: None,
        active_till_ms: None,
        custom_sip_header: String::new(),
        comment: String::new(),
        reseller_comment: String::new(),
    }
}

/// Runs a write in a demo world of its own; one that fails has changed nothing.
fn write<T: Send + 'static>(
    work: impl FnOnce(&WriteTx<'_>) -> Written<T> + Send + 'static,
) -> Written<()> {
    let world = World::new();
    let before = world.dump();
    let written = world.block_on(world.app.core.store.write(work));
    assert_eq!(written.is_err(), world.dump() == before);
    written.map(|_| ())
}

#[test]
fn devices_are_unique_where_the_rules_say_so() {
    let insert = |change: fn(&mut Device)| {
        let mut device = device();
        change(&mut device);
        write(move |tx| devices::insert(tx, &device, 1))
    };
    assert_eq!(insert(|_| {}), Ok(()));
    assert_eq!(
        insert(|device| device.pin = Some("1111".into())),
        Err(StoreError::Unique)
    );
    assert_eq!(
        insert(|device| device.extension = "1001".into()),
        Err(StoreError::Unique)
    );
    // A removed device has given them back.
    let removed = |device: &mut Device| {
        device.extension = "1007".into();
        device.username = "1007".into();
    };
    assert_eq!(insert(removed), Ok(()));
    assert_eq!(
        insert(|device| device.username = "1001".into()),
        Err(StoreError::Unique)
    );
    for change in [
        (|device| device.device_group_id = 11) as fn(&mut Device),
        |device| device.device_group_id = 999,
        |device| device.user_id = 999,
        |device| device.pin = Some("12a".into()),
        |device| device.pin = Some(String::new()),
        |device| device.pin = Some("1".repeat(21)),
        |device| device.extension = "X".into(),
        |device| device.description = "ž".repeat(256),
        |device| device.caller_id = "1".repeat(81),
    ] {
        assert_eq!(insert(change), Err(StoreError::Constraint));
    }
}

#[test]
fn clis_are_unique_and_have_a_number_or_a_domain() {
    let insert = |change: fn(&mut Cli)| {
        let mut cli = cli();
        change(&mut cli);
        write(move |tx| clis::insert(tx, &cli, 1))
    };
    assert_eq!(insert(|_| {}), Ok(()));
    assert_eq!(
        insert(|cli| cli.number = Some("37061111111".into())),
        Err(StoreError::Unique)
    );
    assert_eq!(
        insert(|cli| cli.domain = Some("sip.example.com".into())),
        Err(StoreError::Unique)
    );
    for change in [
        (|cli| (cli.number, cli.domain) = (None, None)) as fn(&mut Cli),
        |cli| cli.number = Some("+1".into()),
        |cli| cli.number = Some("1".repeat(21)),
        |cli| cli.domain = Some("New.example.com".into()),
        |cli| cli.domain = Some("a".repeat(254)),
        |cli| cli.device_id = 999,
        |cli| cli.ivr_id = Some(999),
        |cli| cli.comment = "ž".repeat(256),
    ] {
        assert_eq!(insert(change), Err(StoreError::Constraint));
    }
}

#[test]
fn dids_are_unique_and_cannot_contradict_themselves() {
    assert_eq!(write(|tx| dids::insert(tx, "123456789", 1, 0, 1)), Ok(()));
    assert_eq!(
        write(|tx| dids::insert(tx, "37060000008", 1, 0, 1)),
        Err(StoreError::Unique)
    );
    for number in ["", "12x", "1234567890123456"] {
        assert_eq!(
            write(move |tx| dids::insert(tx, number, 1, 0, 1)),
            Err(StoreError::Constraint)
        );
    }
    let update = |change: fn(&mut Did)| {
        let mut did = did();
        change(&mut did);
        write(move |tx| dids::update(tx, &did, 0))
    };
    let active = |did: &mut Did| (did.status, did.device_id) = (DidStatus::Active, Some(1));
    assert_eq!(update(active), Ok(()));
    for contradiction in [
        (|did| did.user_id = None) as fn(&mut Did),
        |did| did.status = DidStatus::Free,
        |did| did.status = DidStatus::Terminated,
        |did| did.status = DidStatus::Active,
        |did| did.status = DidStatus::Closed,
        |did| did.device_id = Some(1),
        |did| did.dialplan_id = Some(1),
        |did| did.closed_ms = Some(1),
        // On a device and on a dial plan.
        |did| (did.status, did.device_id, did.dialplan_id) = (DidStatus::Active, Some(1), Some(1)),
        // On a device of another user than the DID is reserved for.
        |did| (did.status, did.device_id) = (DidStatus::Active, Some(3)),
        |did| (did.status, did.device_id) = (DidStatus::Active, Some(999)),
        |did| (did.status, did.dialplan_id) = (DidStatus::Active, Some(999)),
        |did| did.user_id = Some(999),
        |did| did.owner_id = 999,
        |did| (did.status, did.user_id, did.closed_ms) = (DidStatus::Closed, None, Some(1)),
        // Lent to its own scope, or by nobody.
        |did| did.lent_by_id = Some(0),
        |did| did.lent_by_id = Some(999),
        |did| did.call_limit = 1_000_001,
        |did| did.grace_time_s = -1,
        |did| (did.active_from_ms, did.active_till_ms) = (Some(2), Some(2)),
        |did| did.custom_sip_header = "x".repeat(256),
        |did| did.reseller_comment = "ž".repeat(256),
    ] {
        assert_eq!(update(contradiction), Err(StoreError::Constraint));
    }
    let detail = |change: fn(&mut Did)| {
        let mut did = did();
        change(&mut did);
        write(move |tx| dids::update_details(tx, &did))
    };
    assert_eq!(detail(|did| did.language = "lt".into()), Ok(()));
    for wrong in [
        (|did| did.language = "LT".into()) as fn(&mut Did),
        |did| did.language = "l".into(),
        |did| did.tone_zone = "ltu".into(),
        |did| did.comment = "x".repeat(256),
        |did| did.provider_id = 999,
    ] {
        assert_eq!(detail(wrong), Err(StoreError::Constraint));
    }
}

#[test]
fn users_keys_and_primary_groups_are_unique() {
    let user = |username: &str, user_type, owner_id| NewUser {
        id: None,
        username: username.into(),
        user_type,
        owner_id,
        password: None,
    };
    let insert = |new: NewUser| write(move |tx| users::insert(tx, &new, 1));
    assert_eq!(insert(user("new", UserType::User, 4)), Ok(()));
    assert_eq!(
        insert(user("anna", UserType::User, 0)),
        Err(StoreError::Unique)
    );
    assert_eq!(
        insert(user("", UserType::User, 0)),
        Err(StoreError::Constraint)
    );
    assert_eq!(
        insert(user("new", UserType::Admin, 0)),
        Err(StoreError::Constraint)
    );
    assert_eq!(
        insert(user("new", UserType::Manager, 4)),
        Err(StoreError::Constraint)
    );
    assert_eq!(
        insert(user("new", UserType::User, 999)),
        Err(StoreError::Constraint)
    );

    assert_eq!(
        write(|tx| api_keys::insert(tx, 0, "another key", 1)),
        Ok(())
    );
    assert_eq!(
        write(|tx| api_keys::insert(tx, 0, "secret", 1)),
        Err(StoreError::Unique)
    );
    assert_eq!(
        write(|tx| api_keys::insert(tx, 0, "short", 1)),
        Err(StoreError::Constraint)
    );
    // A revoked key may be used again.
    let again = |tx: &WriteTx<'_>| {
        assert!(api_keys::revoke(tx, 1, 1)?);
        assert!(!api_keys::revoke(tx, 1, 1)?, "it was revoked twice");
        api_keys::insert(tx, 0, "secret", 1)
    };
    assert_eq!(write(again), Ok(()));

    let group = |is_primary| write(move |tx| device_groups::insert(tx, 2, "x", is_primary, 1));
    assert_eq!(group(false), Ok(()));
    assert_eq!(group(true), Err(StoreError::Unique));
}

#[test]
fn the_action_log_cannot_be_changed() {
    let world = World::new();
    world.sql("INSERT INTO action_log (at_ms, actor, through, action) VALUES (1, 'x', 'api', 'x')");
    for sql in [
        "UPDATE action_log SET actor = 'y'",
        "DELETE FROM action_log",
    ] {
        assert!(world.connection().execute_batch(sql).is_err(), "{sql}");
    }
    assert_eq!(world.select("SELECT actor FROM action_log"), "x");
}

/// A writer that is busy until it is released, so that writes enqueued meanwhile make one batch.
struct Gate {
    open: Sender<()>,
    thread: JoinHandle<Written<()>>,
}

impl Gate {
    fn close(world: &World) -> Self {
        let app = world.app.clone();
        let (started, has_started) = channel();
        let (open, is_open) = channel();
        let thread = std::thread::spawn(move || {
            app.core.store.write_blocking(move |_| {
                started.send(()).unwrap();
                is_open.recv().unwrap();
                Ok(())
            })
        });
        has_started.recv().unwrap();
        Self { open, thread }
    }

    fn open(self) {
        self.open.send(()).unwrap();
        assert_eq!(self.thread.join().unwrap(), Ok(()));
    }
}

type Waiting<'a, T> = Pin<Box<dyn Future<Output = Written<T>> + 'a>>;

/// Polls a write once, which puts it into the queue.
fn enqueue<'a, T: Send + 'static>(
    world: &'a World,
    work: impl FnOnce(&WriteTx<'_>) -> Written<T> + Send + 'static,
) -> Waiting<'a, T> {
    let mut future: Waiting<'a, T> = Box::pin(world.app.core.store.write(work));
    let poll = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    match poll {
        Poll::Pending => future,
        Poll::Ready(result) => Box::pin(std::future::ready(result)),
    }
}

fn insert_did(number: &'static str) -> impl FnOnce(&WriteTx<'_>) -> Written<i64> + Send {
    move |tx| dids::insert(tx, number, 1, 0, 1)
}

fn added(world: &World) -> String {
    world.select("SELECT did FROM dids WHERE id > 10 ORDER BY did")
}

#[test]
fn a_refused_write_rolls_back_alone() {
    let world = World::new();
    let gate = Gate::close(&world);
    let batch = [
        enqueue(&world, insert_did("1")),
        enqueue(&world, |tx| {
            dids::insert(tx, "2", 1, 0, 1)?;
            Err(StoreError::Missing)
        }),
        // The number that the refused write had taken is free again.
        enqueue(&world, insert_did("2")),
        enqueue(&world, insert_did("37060000001")),
        enqueue(&world, insert_did("3")),
    ];
    gate.open();
    let results = batch.map(|write| world.block_on(write).map(|_| ()));
    let refused = [
        Ok(()),
        Err(StoreError::Missing),
        Ok(()),
        Err(StoreError::Unique),
        Ok(()),
    ];
    assert_eq!(results, refused);
    assert_eq!(added(&world), "1;2;3");
}

#[test]
fn a_panicking_write_answers_internal_and_the_writer_lives_on() {
    let world = World::new();
    let gate = Gate::close(&world);
    let batch = [
        enqueue(&world, insert_did("1")),
        enqueue(&world, |tx| {
            dids::insert(tx, "2", 1, 0, 1)?;
            panic!("on purpose");
        }),
        enqueue(&world, insert_did("3")),
    ];
    gate.open();
    let results = batch.map(|write| world.block_on(write).map(|_| ()));
    assert_eq!(results, [Ok(()), Err(StoreError::Internal), Ok(())]);
    assert!(
        world
            .block_on(world.app.core.store.write(insert_did("4")))
            .is_ok()
    );
    assert_eq!(added(&world), "1;3;4");
}

/// When a commit fails, every write of its batch is told so and nothing of it is kept. The next batch is unaffected.
fn check_failing_batch(sql: &str, error: StoreError) {
    let world = World::after(sql);
    let before = world.dump();
    let gate = Gate::close(&world);
    let batch = ["1", "666", "3"].map(|number| enqueue(&world, insert_did(number)));
    gate.open();
    for write in batch {
        assert_eq!(world.block_on(write), Err(error.clone()));
    }
    assert_eq!(world.dump(), before);
    assert!(
        world
            .block_on(world.app.core.store.write(insert_did("4")))
            .is_ok()
    );
    assert_eq!(added(&world), "4");
}

#[test]
fn a_failing_commit_fails_its_whole_batch() {
    let sql =
        "CREATE TABLE later (user_id INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
               CREATE TRIGGER fault AFTER INSERT ON dids WHEN new.did = '666'
               BEGIN INSERT INTO later VALUES (424242); END;";
    check_failing_batch(sql, StoreError::Constraint);
}

#[test]
fn a_transaction_that_sqlite_ends_by_itself_fails_its_whole_batch() {
    let sql = "CREATE TRIGGER fault AFTER INSERT ON dids WHEN new.did = '666'
               BEGIN SELECT RAISE(ROLLBACK, 'a fault'); END;";
    check_failing_batch(sql, StoreError::Constraint);
}

#[test]
fn a_batch_has_a_limit() {
    let one = Options {
        max_batch: 1,
        ..Options::default()
    };
    let world = World::with(one, linebook::ambient::Ambient::fixed(1, 1));
    world.sql(
        "CREATE TABLE later (user_id INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER fault AFTER INSERT ON dids WHEN new.did = '666'
         BEGIN INSERT INTO later VALUES (424242); END;",
    );
    let gate = Gate::close(&world);
    let batch = ["1", "666", "3"].map(|number| enqueue(&world, insert_did(number)));
    gate.open();
    let results = batch.map(|write| world.block_on(write).map(|_| ()));
    assert_eq!(results, [Ok(()), Err(StoreError::Constraint), Ok(())]);
}

#[test]
fn a_full_queue_refuses_the_next_write_and_keeps_the_rest() {
    let world = World::new();
    let gate = Gate::close(&world);
    let mut queued: Vec<_> = (0..QUEUE).map(|_| enqueue(&world, |_| Ok(()))).collect();
    let too_many = enqueue(&world, |_| Ok(()));
    assert_eq!(world.block_on(too_many), Err(StoreError::Overloaded));
    gate.open();
    for write in queued.drain(..) {
        assert_eq!(world.block_on(write), Ok(()));
    }
}

#[test]
fn writes_that_are_queued_when_the_store_is_dropped_are_done() {
    let folder = demo_folder();
    let store = Store::open(folder.path(), Options::default()).unwrap();
    let mut write = Box::pin(store.write(insert_did("1")));
    let _ = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(write);
    drop(store);
    let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    assert_eq!(
        rows(&connection, "SELECT did FROM dids WHERE did = '1'").len(),
        1
    );
}

#[test]
fn a_write_waits_for_another_process() {
    let world = World::new();
    let other = world.connection();
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE settings SET allow_get = 1")
        .unwrap();
    let write = enqueue(&world, insert_did("1"));
    other.execute_batch("COMMIT").unwrap();
    assert!(world.block_on(write).is_ok());
}

#[test]
fn the_steps_and_the_schema_meet() {
    let mut by_steps = Connection::open_in_memory().unwrap();
    steps(&mut by_steps, 0).unwrap();
    let whole = Connection::open_in_memory().unwrap();
    whole.execute_batch(SCHEMA).unwrap();
    assert_eq!(shape(&by_steps), shape(&whole));
    assert!(shape(&whole).len() > 50);
    let version = |name: &str| -> i64 {
        by_steps
            .pragma_query_value(None, name, |row| row.get(0))
            .unwrap()
    };
    assert_eq!(version("user_version"), VERSION as i64);
    assert_eq!(version("application_id"), i64::from(APPLICATION_ID));
}

/// Everything that SQLite says of a schema, without comments and spaces.
fn shape(connection: &Connection) -> Vec<String> {
    let mut shape = Vec::new();
    let objects = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    for row in rows(connection, objects) {
        shape.push(format!("{:?}", &row[..3]));
        if let rusqlite::types::Value::Text(sql) = &row[3] {
            let code = sql.lines().map(|line| line.split("--").next().unwrap());
            let words: Vec<String> = code
                .flat_map(str::split_whitespace)
                .map(Into::into)
                .collect();
            let sql = words.join(" ").replace("( ", "(").replace(" )", ")");
            // Where a step has added the first column behind the last one.
            shape.push(sql.replace(" ,", ","));
        }
    }
    for pragma in [
        "SELECT t.name, p.* FROM sqlite_schema t, pragma_table_xinfo(t.name) p WHERE t.type = 'table' ORDER BY 1, 2",
        "SELECT t.name, p.* FROM sqlite_schema t, pragma_foreign_key_list(t.name) p WHERE t.type = 'table' ORDER BY 1, 2, 3",
        "SELECT t.name, p.* FROM sqlite_schema t, pragma_index_xinfo(t.name) p WHERE t.type = 'index' ORDER BY 1, 2",
        "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY 1",
    ] {
        shape.extend(
            rows(connection, pragma)
                .iter()
                .map(|row| format!("{row:?}")),
        );
    }
    shape
}

fn open(folder: &Path) -> Result<(), OpenError> {
    Store::open(folder, Options::default()).map(|_| ())
}

#[test]
fn a_file_of_a_newer_release_is_refused_and_left_alone() {
    let folder = demo_folder();
    let path = folder.path().join(FILE_NAME);
    let connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "user_version", VERSION as i64 + 1)
        .unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found, known, .. } if found == known + 1));
    assert_eq!(error.to_string().lines().count(), 1);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn an_older_file_is_kept_beside_the_migrated_one() {
    for (version, bytes) in older_databases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, bytes).unwrap();
        open(folder.path()).unwrap();

        let version_of = |path: &Path| -> i64 {
            Connection::open(path)
                .unwrap()
                .pragma_query_value(None, "user_version", |row| row.get(0))
                .unwrap()
        };
        let kept = folder.path().join(format!("linebook.db.v{version}"));
        assert_eq!(version_of(&path), VERSION as i64);
        assert_eq!(version_of(&kept), version as i64);
        // A file of this version is opened without one.
        std::fs::remove_file(&kept).unwrap();
        open(folder.path()).unwrap();
        assert!(!kept.exists());
        assert!(
            !folder
                .path()
                .join(format!("linebook.db.v{VERSION}"))
                .exists()
        );
    }
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    assert!(matches!(open(folder.path()), Err(OpenError::Missing(_))));
    let another = Connection::open_in_memory().unwrap();
    another.execute_batch("CREATE TABLE theirs (x)").unwrap();
    let theirs = folder.path().join("theirs");
    another
        .execute("VACUUM INTO ?1", [theirs.to_string_lossy()])
        .unwrap();
    let contents = [
        b"this is not a database, but it is longer than the header of one is".repeat(10),
        std::fs::read(&theirs).unwrap(),
        Vec::new(),
    ];
    for content in contents {
        std::fs::write(&path, &content).unwrap();
        assert!(matches!(open(folder.path()), Err(OpenError::Foreign(_))));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    // Cut in the middle, the file lacks a database page that is needed.
    let demo = std::fs::read(demo_folder().path().join(FILE_NAME)).unwrap();
    std::fs::write(&path, &demo[..3000]).unwrap();
    assert!(open(folder.path()).is_err());
}

#[test]
fn a_new_database_never_replaces_one_and_is_never_half_made() {
    let folder = demo_folder();
    let before = std::fs::read(folder.path().join(FILE_NAME)).unwrap();
    let create = |folder: &Path, result: Result<(), OpenError>| {
        Store::create(folder, Options::default(), |_| result).map(|_| ())
    };
    let exists = create(folder.path(), Ok(()));
    assert!(matches!(exists, Err(OpenError::Exists(_))));
    assert_eq!(
        std::fs::read(folder.path().join(FILE_NAME)).unwrap(),
        before
    );

    let empty = tempfile::tempdir().unwrap();
    let failed = create(empty.path(), Err(StoreError::Internal.into()));
    assert!(failed.is_err());
    let left: Vec<_> = std::fs::read_dir(empty.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_file_is_in_wal_mode_and_whole() {
    let world = World::new();
    assert_eq!(world.select("PRAGMA journal_mode"), "wal");
    assert_eq!(world.select("PRAGMA integrity_check"), "ok");
    assert_eq!(world.select("PRAGMA foreign_key_check"), "");
}
