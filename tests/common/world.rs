//! A demo world of one's own: a copy of the demo database in a temporary folder, served by the real pipeline.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::rt::{System, SystemRunner};
use actix_web::test::{call_service, init_service};
use futures_util::future::LocalBoxFuture;
use linebook::ambient::Ambient;
use linebook::app::App;
use linebook::http::entry::routes;
use linebook::service::guard::throttle::{Limits, Throttle};
use linebook::service::installation::{fill_demo, fill_examples};
use linebook::store::{FILE_NAME, OpenError, Options, Store, StoreError, WriteTx};
use rusqlite::Connection;
use rusqlite::backup::Backup;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::{Answer, Request};

/// When everything in a world happens: 2027-01-15T08:00:00Z.
pub const NOW_MS: i64 = 1_800_000_000_000;

/// The demo database, made once.
static DEMO: LazyLock<Vec<u8>> = LazyLock::new(|| database(fill_demo));
/// The one of `demo --examples`.
static EXAMPLES: LazyLock<Vec<u8>> = LazyLock::new(|| database(fill_examples));

/// Every row of every table, by table.
pub type Dump = BTreeMap<String, Vec<Vec<Value>>>;

/// A demo world.
pub struct World {
    /// The linebook that serves it.
    pub app: Arc<App>,
    /// Its routes, made at the first request.
    service: OnceCell<Service>,
    system: SystemRunner,
    folder: TempDir,
}

/// What answers requests.
type Service = Box<dyn Fn(actix_http::Request) -> LocalBoxFuture<'static, Answer>>;

impl World {
    /// A fresh world with a clock that stands still and dice that fall the same way every time.
    pub fn new() -> Self {
        Self::with(Options::default(), Ambient::fixed(NOW_MS, 1))
    }

    /// A fresh world with these options, clock and dice.
    pub fn with(options: Options, ambient: Ambient) -> Self {
        Self::in_folder(demo_folder(), options, ambient)
    }

    /// A world over the database in `folder`.
    pub fn in_folder(folder: TempDir, options: Options, ambient: Ambient) -> Self {
        let store = Store::open(folder.path(), options).unwrap();
        let mut app = App::new(store, Arc::new(ambient));
        app.has_public_metrics = true;
        // Tests fail to authenticate all the time, and in most of them the clock stands still.
        Arc::get_mut(&mut app.core).unwrap().throttle = Throttle::new(Limits {
            per_address: u32::MAX,
            per_pair: u32::MAX,
            hashes_per_pair: u32::MAX,
        });
        Self {
            app: Arc::new(app),
            service: OnceCell::new(),
            system: System::new(),
            folder,
        }
    }

    /// A fresh world whose server is changed by `change` first.
    pub fn with_app(ambient: Ambient, change: impl FnOnce(&mut App)) -> Self {
        let mut world = Self::with(Options::default(), ambient);
        change(Arc::get_mut(&mut world.app).unwrap());
        world
    }

    /// A fresh world of `demo --examples`.
    pub fn examples() -> Self {
        let ambient = Ambient::fixed(NOW_MS, 1);
        Self::in_folder(folder_of(&EXAMPLES), Options::default(), ambient)
    }

    /// A fresh world after `sql` has run.
    pub fn after(sql: &str) -> Self {
        let world = Self::new();
        world.sql(sql);
        world
    }

    /// Makes its database the demo's again, behind the server's back, and runs `sql`.
    pub fn start_over(&self, sql: &str) {
        let demo = demo_folder();
        let demo = Connection::open(demo.path().join(FILE_NAME)).unwrap();
        let mut connection = self.connection();
        connection
            .pragma_update(None, "synchronous", false)
            .unwrap();
        let all = Duration::ZERO;
        let backup = Backup::new(&demo, &mut connection).unwrap();
        backup.run_to_completion(i32::MAX, all, None).unwrap();
        drop(backup);
        connection.execute_batch(sql).unwrap();
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A connection of the test's own.
    pub fn connection(&self) -> Connection {
        let connection = Connection::open(self.path().join(FILE_NAME)).unwrap();
        connection
            .pragma_update(None, "foreign_keys", true)
            .unwrap();
        connection
    }

    /// Changes the world behind the server's back.
    pub fn sql(&self, sql: &str) {
        self.connection()
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The rows that `sql` selects: columns joined by `|`, rows by `;`.
    pub fn select(&self, sql: &str) -> String {
        let rows = rows(&self.connection(), sql);
        let row = |row: &Vec<Value>| row.iter().map(show).collect::<Vec<_>>().join("|");
        rows.iter().map(row).collect::<Vec<_>>().join(";")
    }

    /// Runs a line of the command line on this world's folder.
    pub fn linebook(&self, line: &str) {
        let output = Command::new(env!("CARGO_BIN_EXE_linebook"))
            .args(line.split_whitespace())
            .env("LINEBOOK_DATA", self.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "linebook {line}: {errors}");
    }

    /// All rows of the database, except for what changes by itself.
    pub fn dump(&self) -> Dump {
        let connection = self.connection();
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'readiness' ORDER BY name";
        let names = rows(&connection, tables);
        names
            .iter()
            .map(|row| show(&row[0]))
            .map(|name| {
                let columns = match name.as_str() {
                    // A server notes the clock in this table by itself.
                    "installation" => "is_demo, created_ms, next_extension, access_version",
                    _ => "*",
                };
                let all = rows(&connection, &format!("SELECT {columns} FROM {name}"));
                (name, all)
            })
            .collect()
    }

    /// Sends a request through the real pipeline, everything but the socket.
    pub fn send(&self, request: &Request) -> Answer {
        let request = request.to_actix().to_request();
        let answer = self.service.get_or_init(|| self.routes())(request);
        self.system.block_on(answer)
    }

    fn routes(&self) -> Service {
        let app = actix_web::App::new().configure(|config| routes(config, self.app.clone()));
        let service = Rc::new(self.system.block_on(init_service(app)));
        Box::new(move |request| {
            let service = service.clone();
            Box::pin(async move { Answer::of(call_service(&*service, request).await).await })
        })
    }

    /// Runs a future on the thread that serves requests.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.system.block_on(future)
    }
}

/// The databases of earlier builds, by their schema version: `fixtures/databases/0001.db.gz`, ...
pub fn older_databases() -> Vec<(usize, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/databases");
    let mut databases: Vec<(usize, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "gz"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let version = name.strip_suffix(".db.gz").unwrap().parse().unwrap();
            let mut bytes = Vec::new();
            let packed = std::fs::File::open(&path).unwrap();
            flate2::read::GzDecoder::new(packed)
                .read_to_end(&mut bytes)
                .unwrap();
            (version, bytes)
        })
        .collect();
    databases.sort();
    databases
}

/// A folder with a copy of the demo database in it.
pub fn demo_folder() -> TempDir {
    folder_of(&DEMO)
}

/// A folder with this database in it.
fn folder_of(database: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), database).unwrap();
    folder
}

/// The bytes of a new database after `fill`.
fn database(fill: fn(&WriteTx<'_>, i64) -> Result<(), StoreError>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path(), Options::default(), |tx| {
        fill(tx, NOW_MS)?;
        Ok::<_, OpenError>(())
    });
    drop(store.unwrap());
    std::fs::read(folder.path().join(FILE_NAME)).unwrap()
}

/// All rows that `sql` selects.
pub fn rows(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection
        .prepare(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let width = statement.column_count();
    let rows = statement.query_map([], |row| (0..width).map(|i| row.get(i)).collect());
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(blob) => format!("{} bytes", blob.len()),
    }
}
