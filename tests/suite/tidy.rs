//! The invariants of the architecture, read from the source tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use linebook::store::file::check::checks;
use rusqlite::Connection;

use crate::common::World;
use crate::common::world::rows;
use crate::imports;

/// A source file: its path below `src`, and its code without comments and unit tests.
struct Source {
    path: String,
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let source = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = imports::without_tests(&text);
        let is_comment = |line: &&str| line.trim_start().starts_with("//");
        let code: Vec<&str> = code.lines().filter(|line| !is_comment(line)).collect();
        Source {
            path: path.strip_prefix(&src).unwrap().to_string_lossy().into(),
            code: code.join("\n"),
        }
    };
    let paths = files(&src).into_iter();
    let paths = paths.filter(|path| imports::is_source(path));
    let sources: Vec<Source> = paths.map(source).collect();
    assert!(sources.len() > 30, "only {} files", sources.len());
    sources
}

/// No file under one of `where_not` has one of `words` in its code, except for the files in `but`.
fn absent(words: &[&str], where_not: &[&str], but: &[&str]) {
    for source in sources() {
        let is_meant = where_not.iter().any(|start| source.path.starts_with(start));
        if !is_meant || but.iter().any(|start| source.path.starts_with(start)) {
            continue;
        }
        for word in words {
            for (place, line) in source.code.lines().enumerate() {
                assert!(
                    !line.contains(word),
                    "src/{}: {word} in code line {}: {line}",
                    source.path,
                    place + 1
                );
            }
        }
    }
}

/// The items besides types that the doors take from the store: two names and a number.
const CONSTANTS: &[&str] = &["ADMIN", "COUNT", "FILE_NAME"];

/// The file as a whole has no owner and so no rules: the command line copies, checks and locks it without them.
const OF_THE_FILE: &[&str] = &[
    "store::file::backup",
    "store::file::check",
    "store::file::folder",
    "store::file::migrate",
];

/// The rules say whose each row is. A door that could call a function of the store could go past them.
#[test]
fn doors_take_types_from_the_store_and_never_functions() {
    let is_type =
        |name: &str| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
    let mut count = 0;
    for (file, path) in imports::paths(&imports::tree()) {
        let is_command = file.starts_with("command/");
        let is_door = is_command || file.starts_with("http/") || file.starts_with("api/");
        if !is_door || path.first().is_none_or(|room| room != "store") {
            continue;
        }
        count += 1;
        let names_type = path.iter().any(|name| is_type(name));
        let last = path.last().map_or("", String::as_str);
        let path = path.join("::");
        let is_of_the_file =
            is_command && OF_THE_FILE.iter().any(|module| path.starts_with(module));
        assert!(
            names_type || CONSTANTS.contains(&last) || is_of_the_file,
            "src/{file}: {path} is no type: ask a rule in service/ instead"
        );
    }
    assert!(count > 50, "only {count} paths into the store found");
}

#[test]
fn crates_stay_in_their_rooms() {
    absent(
        &["actix_web", "actix_multipart", "actix_http"],
        &[""],
        &["http/"],
    );
    absent(&["rusqlite", "r2d2"], &[""], &["store/"]);
    absent(&["use xml", " xml::", "(xml::"], &[""], &["api/xml.rs"]);
    absent(
        &["std::env", "env ="],
        &[""],
        &["config.rs", "command/mod.rs"],
    );
    absent(&["env::var", "env = "], &["command/"], &[]);
    absent(&["sha1::", "use sha1"], &[""], &["api/"]);
    // One author of a request's log line.
    absent(&["duration_us"], &[""], &["http/line.rs"]);
    // Percent, form and JSON coding, in and out.
    absent(
        &["{byte:02X}", "serde::de::", "RawValue"],
        &["http/", "api/"],
        &["api/encoding.rs"],
    );
    absent(&["argon2"], &[""], &["service/"]);
    // Every connection has the same pragmas, because connections are made in one place.
    absent(
        &["Connection::open", "SqliteConnectionManager::"],
        &[""],
        &["store/pool.rs"],
    );
}

#[test]
fn clock_and_dice_are_asked_in_one_place() {
    absent(
        &[
            "SystemTime",
            "Instant::now",
            "UNIX_EPOCH",
            "rand::",
            "thread_rng",
            "getrandom",
            "strftime",
            "random()",
        ],
        &[""],
        &["ambient.rs", "http/entry.rs", "http/wire/connection.rs"],
    );
    // A call looks at the clock once, at its door, and all its limits and ends are measured by that.
    absent(
        &["now_ms()"],
        &["api/", "http/pages/"],
        &["http/pages/frame/visit.rs"],
    );
    // The writer dates everything that is written.
    absent(&["by.now_ms)?"], &["service/"], &["service/sessions.rs"]);
    // How long a request took, and how long a client waits, are durations, not times of day.
    absent(
        &["SystemTime", "rand::", "UNIX_EPOCH"],
        &["http/entry.rs", "http/wire/connection.rs"],
        &[],
    );
}

#[test]
fn sql_is_written_out_and_only_in_the_store() {
    absent(&["SELECT *"], &[""], &[]);
    // Words that only SQLite understands: another engine will come behind this room.
    absent(&["iif(", "GLOB", "rowid"], &["store/tables/"], &[]);
    for source in sources() {
        for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"] {
            let is_sql = |line: &str| line.contains(word) && !line.contains("DO UPDATE SET");
            for line in source.code.lines().filter(|line| is_sql(line)) {
                assert!(
                    source.path.starts_with("store/"),
                    "src/{}: {line}",
                    source.path
                );
                assert!(!line.contains("format!"), "src/{}: {line}", source.path);
            }
        }
    }
    for source in sources()
        .iter()
        .filter(|source| source.path.starts_with("store/"))
    {
        for call in [
            "prepare(&",
            "prepare_cached(&",
            "execute(&format",
            "execute_batch(&",
        ] {
            assert!(!source.code.contains(call), "src/{}: {call}", source.path);
        }
    }
}

#[test]
fn every_file_says_first_what_it_owns() {
    for folder in ["src", "tests", "benches"] {
        let folder = root().join(folder);
        if !folder.exists() {
            continue;
        }
        for path in files(&folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let is_said = text.starts_with("//! ") && text.lines().next().unwrap().len() > 10;
            assert!(is_said, "{} does not start with `//! ...`", path.display());
        }
    }
}

#[test]
fn every_dependency_has_its_reason_or_is_of_the_stack() {
    // Crates that everyone in the field knows.
    let stack = [
        "serde",
        "thiserror",
        "tokio",
        "toml",
        "tracing",
        "tracing-subscriber",
    ];
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut is_dependencies = false;
    let mut before = "";
    let mut count = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_dependencies = line.contains("dependencies]");
        } else if is_dependencies && let Some((name, _)) = line.split_once(" = ") {
            let has_reason = before.starts_with("# ") || stack.contains(&name);
            // proptest and criterion are named by what they are for in the stack, too.
            assert!(
                has_reason || ["proptest", "criterion"].contains(&name),
                "why {name}?"
            );
            count += 1;
        }
        before = line;
    }
    assert!(count > 20, "only {count} dependencies found");
}

#[test]
fn no_test_is_switched_off() {
    for path in files(&root().join("tests"))
        .into_iter()
        .chain(files(&root().join("src")))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        let mark = concat!("#[ign", "ore");
        assert!(!text.contains(mark), "{}", path.display());
    }
}

#[test]
fn nothing_is_unsafe_or_unfinished() {
    absent(
        &["unsafe ", "todo!", "unimplemented!", "dbg!", ".unwrap()"],
        &[""],
        &[],
    );
}

/// The rows of the store: the name of each, its table (none: several have it) and its columns.
fn row_lists() -> BTreeMap<String, (Option<String>, Vec<String>)> {
    let mut lists = BTreeMap::new();
    for source in store() {
        for part in source.code.split("\nrow! {").skip(1) {
            let (_, rest) = part.split_once("pub struct ").unwrap();
            let (head, rest) = rest.split_once(" {\n").unwrap();
            let (body, _) = rest.split_once("\n    }").unwrap();
            let fields = body.lines().map(str::trim);
            let fields = fields.filter(|line| !line.starts_with('#'));
            let columns = fields.map(|field| {
                let field = field.trim_end_matches(',');
                let (name, rest) = field.split_once(": ").expect(field);
                rest.split_once(" = ")
                    .map_or(name, |(_, column)| column)
                    .to_owned()
            });
            let (name, table) = match head.split_once(" from ") {
                Some((name, table)) => (name, Some(table.to_owned())),
                None => (head, None),
            };
            let known = lists.insert(name.to_owned(), (table, columns.collect()));
            assert!(known.is_none(), "{name} is two rows");
        }
    }
    assert!(lists.len() > 12, "only {} rows found", lists.len());
    lists
}

/// The SQL that `select!` makes of its arguments.
fn expanded(lists: &BTreeMap<String, (Option<String>, Vec<String>)>, arguments: &str) -> String {
    let (head, rest) = arguments.split_once('"').unwrap_or((arguments, ""));
    let rest = rest.trim_end().trim_end_matches(',').trim_end_matches('"');
    let head = head.trim().trim_end_matches(',');
    let (head, more) = head
        .split_once(" + ")
        .map_or((head, None), |(head, more)| (head, Some(more)));
    let (name, other) = head
        .split_once(" from ")
        .map_or((head, None), |(name, table)| (name, Some(table)));
    let (table, columns) = &lists[name];
    let columns: Vec<&str> = columns.iter().map(String::as_str).chain(more).collect();
    let table = other.or(table.as_deref()).expect(name);
    format!(
        "\nSELECT\n  {}\nFROM {table}\n{rest}",
        columns.join(",\n  ")
    )
}

fn store() -> impl Iterator<Item = Source> {
    let sources = sources().into_iter();
    sources.filter(|source| source.path.starts_with("store/"))
}

/// Rules that anyone who acts may call, and why.
const WITHOUT_A_RIGHT: &[(&str, &str)] = &[
    (
        "did_details::is_for",
        "answers what the actor may read, and reads nothing",
    ),
    ("devices::extension_of", "of what they may see"),
    ("log::record", "of what was allowed"),
    ("providers::may_use", "is asked by rules only"),
    ("guard/access::check_owner", "is asked by rules only"),
    ("guard/access::is_owner", "is asked by rules only"),
    ("sessions::start", "their identity was proved"),
    ("ties::did_left_device", "part of a DID's own step"),
    ("sessions::end", "their own"),
    ("sessions::is_on", "their own"),
    ("sessions::renew", "is asked before every rule"),
    ("users::own_password", "their own"),
    ("users::set_own_password", "their own"),
];

/// What somebody reaches depends on who they are, not on the door. A door that made its own actors could forget that a
/// plain user reaches only their own things.
#[test]
fn actors_are_made_in_one_place() {
    let maker = "service/guard/access.rs";
    let fields = |line: &str| line.contains("Actor {") && !line.contains("->");
    for source in sources() {
        for line in source.code.lines().filter(|line| fields(line)) {
            assert_eq!(
                source.path, maker,
                "{line}: ask Actor::of, or Actor::find, for it"
            );
        }
    }
    absent(&["Scope::"], &[""], &[maker]);
    // An operator's scope is everything.
    absent(&["Actor::operator("], &[""], &["command/"]);
    absent(&["Actor::system("], &[""], &["service/"]);
}

/// Code that asks the throttle directly can forget one of the steps: refuse, count, forgive.
#[test]
fn the_throttle_is_asked_in_one_place() {
    let asks =
        [".allows", ".failed(", ".succeeded(", ".guess("].map(|call| format!("throttle{call}"));
    for source in sources() {
        let is_its_own = source.path.starts_with("service/guard/");
        let code: String = source.code.split_whitespace().collect();
        for ask in asks.iter().filter(|_| !is_its_own) {
            let is_asked = code.contains(ask.as_str());
            assert!(
                !is_asked,
                "src/{}: {ask}: make an Attempt instead",
                source.path
            );
        }
    }
}

#[test]
fn every_rule_that_someone_acts_by_asks_for_a_right() {
    let mut without = Vec::new();
    let mut count = 0;
    for source in sources() {
        let Some(file) = source.path.strip_prefix("service/") else {
            continue;
        };
        let area = file.trim_end_matches(".rs");
        let starts = source.code.match_indices("pub fn ");
        for (start, _) in starts {
            let rest = &source.code[start..];
            let (head, body) = rest.split_once("{\n").unwrap_or_default();
            if !head.contains("by: &Actor") {
                continue;
            }
            count += 1;
            let first = body.lines().next().unwrap_or_default().trim();
            if !first.starts_with("by.require(") {
                let name = head["pub fn ".len()..].split(['(', '<']).next().unwrap();
                without.push(format!("{area}::{name}"));
            }
        }
    }
    assert!(count > 50, "only {count} rules found");
    let mut known: Vec<&str> = WITHOUT_A_RIGHT.iter().map(|(name, _)| *name).collect();
    without.sort();
    known.sort();
    assert_eq!(without, known);
}

/// Every SQL constant of the store: where it stands, its name, its text.
fn statements() -> Vec<(String, String, String)> {
    let lists = row_lists();
    let mut statements = Vec::new();
    for source in store() {
        let before = statements.len();
        for part in source.code.split("\nconst ").skip(1) {
            let Some((name, rest)) = part.split_once(": &str = ") else {
                continue;
            };
            let (value, _) = rest.split_once(";\n").unwrap_or((rest, ""));
            let value = value.trim_end().trim_end_matches(';');
            let sql = match value.strip_prefix("select!(") {
                Some(arguments) => expanded(&lists, arguments.strip_suffix(')').expect(value)),
                None => value.trim_matches('"').to_owned(),
            };
            // A statement begins on a line of its own; file names do not.
            if !sql.starts_with('\n') {
                continue;
            }
            statements.push((source.path.clone(), name.into(), sql.trim().into()));
        }
        // Every statement is covered, however it is written. `row.rs` defines the macros, and the checks are read by
        // name.
        if source.path.starts_with("store/tables/") || source.path.ends_with("readiness.rs") {
            let begun = ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"];
            let starts = ["\"\n", "\"\\n", "\""];
            let begun = begun
                .iter()
                .flat_map(|word| starts.map(|start| format!("{start}{word}")));
            let begun: usize = begun.map(|text| source.code.matches(&text).count()).sum();
            let begun = begun + source.code.matches("select!(").count();
            assert_eq!(statements.len() - before, begun, "src/{}", source.path);
        }
    }
    assert!(
        statements.len() > 130,
        "only {} statements found",
        statements.len()
    );
    statements
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let names = sql.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let names: std::collections::BTreeSet<&str> =
        names.filter(|word| word.starts_with(':')).collect();
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    // A plan does not depend on the values. Only the names must be the statement's own.
    assert_eq!(statement.parameter_count(), names.len(), "{sql}");
    for place in 1..=names.len() {
        statement
            .raw_bind_parameter(place, rusqlite::types::Null)
            .unwrap();
    }
    let last = statement.column_count() - 1;
    let mut steps = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(last).unwrap());
    }
    steps
}

/// A table that grows with the customers is never read from end to end: a list continues from an id, a look-up has an
/// index.
#[test]
fn no_statement_scans_a_table_that_grows() {
    let world = World::new();
    let connection = world.connection();
    let growing = ["devices", "dids", "clis", "users", "api_keys", "action_log"];
    for (path, name, sql) in statements() {
        for step in plan(&connection, &sql) {
            let is_scan = growing.iter().any(|table| {
                let rest = step
                    .strip_prefix("SCAN ")
                    .and_then(|rest| rest.strip_prefix(table));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            });
            // SQLite would look for a new group's devices only in a transaction that has broken a reference before.
            let is_idle = path == "store/tables/device_groups.rs" && name == "INSERT";
            assert!(!is_scan || is_idle, "src/{path}: {name}: {step}\n{sql}");
            // A user's keys are few. Every other list comes from an index in its order.
            let is_sorted = step.contains("TEMP B-TREE") && name != "LIST_ACTIVE";
            assert!(!is_sorted, "src/{path}: {name}: {step}\n{sql}");
        }
    }
}

/// The checks, which each backup runs, keep no growing list: SQLite would put it into a temporary file, and a container
/// may have no place for one.
#[test]
fn no_check_gathers_rows_that_grow() {
    let world = World::new();
    let connection = world.connection();
    for check in checks() {
        for step in plan(&connection, check.sql) {
            let gathers = ["LIST SUBQUERY", "TEMP B-TREE", "MATERIALIZE", "AUTOMATIC"];
            let gathers = gathers.iter().any(|kind| step.contains(kind));
            assert!(!gathers, "{}: {step}", check.name);
        }
    }
}

/// The index itself holds everything that `devices_get` sends.
#[test]
fn a_user_s_addresses_are_read_without_the_devices() {
    let world = World::new();
    let mut statements = statements().into_iter();
    let (_, _, sql) = statements
        .find(|(_, name, _)| name == "ADDRESSES_OF_USER")
        .unwrap();
    let plan = plan(&world.connection(), &sql);
    let covering = "SEARCH devices USING COVERING INDEX devices_of_user (user_id=? AND id>?)";
    assert_eq!(plan, [covering]);
}

/// Thousands of devices may have one description: a list continues among them without reading the earlier ones again.
#[test]
fn a_list_by_description_goes_on_where_it_stopped() {
    let world = World::new();
    let mut statements = statements().into_iter();
    let (_, _, sql) = statements
        .find(|(_, name, _)| name == "OF_DESCRIPTION")
        .unwrap();
    let plan = plan(&world.connection(), &sql);
    let search = "SEARCH devices USING INDEX devices_by_description (owner_id=? AND description=? AND rowid>?)";
    assert_eq!(plan, [search]);
}

/// A temporary table costs more than the written row.
#[test]
fn rows_that_are_written_often_need_no_temporary_table() {
    let world = World::new();
    let connection = world.connection();
    let mut count = 0;
    for (path, name, sql) in statements() {
        let is_often = ["devices", "dids", "clis", "action_log"]
            .map(|table| format!("store/tables/{table}.rs"))
            .contains(&path);
        if !is_often || sql.starts_with("SELECT") {
            continue;
        }
        let mut statement = connection.prepare(&format!("EXPLAIN {sql}")).unwrap();
        for place in 1..=statement.parameter_count() {
            statement
                .raw_bind_parameter(place, rusqlite::types::Null)
                .unwrap();
        }
        let mut steps = statement.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let opcode: String = step.get("opcode").unwrap();
            assert_ne!(opcode, "OpenEphemeral", "src/{path}: {name}\n{sql}");
        }
        count += 1;
    }
    assert!(count >= 6, "only {count} statements found");
}

/// A CHECK in the schema for every enumeration: the words in the code are the words in the file.
#[test]
fn enumerations_have_the_same_words_in_code_and_schema() {
    let world = World::new();
    let schema = world.select("SELECT sql FROM sqlite_schema WHERE type = 'table'");
    // `type = 'SIP' OR type = 'IAX2'` is a list, too.
    let words: Vec<&str> = schema.split_whitespace().collect();
    let mut schema = words.join(" ");
    for column in [
        "type",
        "status",
        "through",
        "state",
        "action",
        "caller_id_from",
        "applies_to",
        "kind",
    ] {
        schema = schema.replace(&format!(" OR {column} = "), ", ");
    }
    let mut count = 0;
    for source in sources()
        .iter()
        .filter(|source| source.path.starts_with("store/"))
    {
        for part in source.code.split("text_enum! {").skip(1) {
            let body = part.split("\n}").next().unwrap();
            let words: Vec<String> = body
                .lines()
                .filter_map(|line| line.trim().strip_suffix("\","))
                .filter_map(|line| line.split_once(" = \""))
                .map(|(_, word)| format!("'{word}'"))
                .collect();
            if words.is_empty() {
                continue;
            }
            let list = words.join(", ");
            assert!(
                schema.contains(&list),
                "src/{}: no CHECK has ({list})",
                source.path
            );
            count += 1;
        }
    }
    assert!(count >= 8, "only {count} enumerations found");
}

#[test]
fn the_schema_has_strict_tables_and_an_index_for_every_foreign_key() {
    let world = World::new();
    let connection = world.connection();
    let loose = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'";
    assert_eq!(rows(&connection, loose).len(), 0);
    // A foreign key without an index makes every deletion and many joins scan the child's table. The log is only written.
    let bare = "
      SELECT t.name || '.' || f.\"from\"
      FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
      WHERE t.type = 'table'
        AND f.seq = 0
        AND t.name <> 'action_log'
        AND NOT EXISTS (
          SELECT 1
          FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c
          WHERE c.seqno = 0 AND c.name = f.\"from\"
        )
        AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) c WHERE c.pk = 1 AND c.name = f.\"from\")";
    assert_eq!(world.select(bare), "");
}

/// `cargo fmt` does not see modules that a macro declares.
#[test]
#[allow(clippy::print_stdout, reason = "what was not looked at is told")]
fn every_method_s_file_is_formatted() {
    let formatted = Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .args(files(&root().join("src/api/methods")))
        .output();
    match formatted {
        Ok(output) => assert!(
            output.status.success(),
            "run `rustfmt --edition 2024 src/api/methods/*.rs`: {}",
            String::from_utf8_lossy(&output.stdout)
        ),
        Err(error) => {
            println!("Whether the methods are formatted is not checked: rustfmt: {error}")
        }
    }
}

#[test]
fn every_method_s_file_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/methods");
    let table = std::fs::read_to_string(root.join("mod.rs")).unwrap();
    let words = table.split("methods! {").nth(1).unwrap();
    let words: Vec<&str> = words
        .split('}')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    for entry in std::fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            words.contains(&name) || name == "mod",
            "src/api/methods/mod.rs: methods! has no word {name}"
        );
    }
}
