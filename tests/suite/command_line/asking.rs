//! What the command line does not do at once: it asks first, takes secrets out of files, and refuses blank filters.

use std::io::{BufReader, Read, Write};
use std::process::{Command, Stdio};

use serde_json::json;

use super::{World, assert_refused, text};

/// A device 1 with two DIDs, a CLI, an option, an address for faxes, a rule and a call flow, and a device 2 with nothing.
fn with_devices() -> World {
    let world = World::with_people();
    world.ok(&["did", "create", "123456790", "--provider", "1"]);
    world.sql(
        "INSERT INTO devices (user_id, device_group_id, type, extension, username, secret, pin, created_ms)
         VALUES (2, 3, 'SIP', '1001', '1001', 'Register1WithMe', '7', 0),
                (2, 3, 'SIP', '1002', '1002', 'Register2WithMe', NULL, 0);
         INSERT INTO clis (device_id, number, created_ms) VALUES (1, '555', 0);
         INSERT INTO device_options VALUES (1, 'call_limit', '5');
         INSERT INTO fax_emails VALUES (1, 'fax@example.com');
         INSERT INTO device_rules (device_id, name, cut, prefix, min_length, max_length, applies_to, changes_name, created_ms)
         VALUES (1, 'x', '0', '', 1, 100, 'dst', 0, 0);
         INSERT INTO callflows (device_id, state, action) VALUES (1, 'busy', 'voicemail')",
    );
    world.ok(&["did", "assign", "123456789", "--device", "1"]);
    world.ok(&["did", "assign", "123456790", "--device", "1"]);
    world
}

const GOES: &str = "device 1 would be deleted; DIDs that stay reserved: 123456789, 123456790; CLIs that are deleted: 555; options: 1; fax addresses: 1; rules: 1; moments of its call flow: 1";

impl World {
    /// Runs a verb on a terminal. `meanwhile` happens between the question and the answer. Gives the exit code, and all that
    /// the terminal showed.
    fn on_terminal(&self, line: &[&str], answer: &str, meanwhile: impl FnOnce()) -> (i32, String) {
        let data = self.data.display().to_string();
        let words = [&[env!("CARGO_BIN_EXE_linebook")], line, &["--data", &data]].concat();
        let mut child = Command::new("script")
            .args([
                "--quiet",
                "--return",
                "--command",
                &words.join(" "),
                "/dev/null",
            ])
            .env_remove("LINEBOOK_DATA")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of util-linux, gives a terminal");
        let mut shown = Vec::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut byte = [0];
        while !shown.ends_with(b"[y/N] ") && stdout.read(&mut byte).expect("bytes") > 0 {
            shown.push(byte[0]);
        }
        meanwhile();
        let mut stdin = child.stdin.take().expect("a pipe");
        // A verb that does not ask has ended.
        let _ = stdin.write_all(answer.as_bytes());
        stdout.read_to_end(&mut shown).expect("bytes");
        drop(stdin);
        let status = child.wait().expect("it ends");
        (status.code().expect("a code"), text(&shown))
    }
}

#[test]
fn a_device_with_something_on_it_goes_only_after_a_yes() {
    let world = with_devices();
    let line = ["device", "delete", "1"];
    // A script says so itself.
    world.refused(&line, &format!("{GOES}: add --yes to do it\n"));
    world.refused(&["device", "hide", "1"], GOES);
    let piped = world.run_with(&line, b"y\n");
    assert_refused(&line, &piped, GOES);
    let before = world.dump();
    for answer in ["n\n", "\n", "yesterday\n", "\u{4}"] {
        let (code, shown) = world.on_terminal(&line, answer, || {});
        assert_eq!(code, 1, "{answer:?}: {shown}");
        assert!(shown.contains(&format!("{GOES}\r\n")), "{shown}");
        assert!(shown.contains("nothing was changed"), "{shown}");
        assert_eq!(world.dump(), before, "{answer:?}");
    }
    // What came onto it meanwhile was not agreed to.
    let more = "INSERT INTO clis (device_id, number, created_ms) VALUES (1, '556', 0)";
    let (code, shown) = world.on_terminal(&line, "y\n", || world.sql(more));
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("not those of the preview"), "{shown}");
    assert_eq!(world.value("SELECT count(*) FROM clis"), "2");

    let (code, shown) = world.on_terminal(&line, "Yes\n", || {});
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("device 1 is deleted"), "{shown}");
    assert_eq!(world.value("SELECT count(*) FROM clis"), "0");
    // With --yes nobody is asked, not even on a terminal.
    let (code, shown) = world.on_terminal(&["device", "delete", "2", "--yes"], "", || {});
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");
    world.refused(&["device", "delete", "1"], "device was not found: 1");
}

#[test]
fn what_would_go_is_said_without_asking() {
    let world = with_devices();
    let line = ["device", "delete", "1", "--preview"];
    assert_eq!(world.ok(&line), format!("{GOES}\n"));
    assert_eq!(
        world.json(&line),
        json!({
            "id": 1, "dids": ["123456789", "123456790"], "clis": ["555"], "options": 1, "fax_emails": 1, "rules": 1,
            "callflow": 1,
        })
    );
    let both = world.run(&[&line[..], &["--yes"]].concat());
    assert_eq!(both.status.code(), Some(2));
    // What would be refused is not promised.
    let forward = [
        "callflow",
        "set",
        "2",
        "busy",
        "forward",
        "--to-device",
        "1",
    ];
    world.ok(&forward);
    world.refused(
        &line,
        "other devices forward calls to it: change their call flows first",
    );
}

#[test]
fn a_provider_goes_only_after_a_yes() {
    let world = World::with_people();
    world.ok(&["provider", "add", "Second"]);
    world.ok(&["provider", "rule", "add", "2", "x", "--cut", "0"]);
    let line = ["provider", "delete", "2"];
    let goes =
        "provider 2, Second, would be hidden for good, with its registration and its rules: 1";
    world.refused(&line, &format!("{goes}: add --yes to do it\n"));
    let (code, shown) = world.on_terminal(&line, "no\n", || {});
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains(goes), "{shown}");
    let (code, shown) = world.on_terminal(&line, "y\n", || {});
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("provider 2 is hidden"), "{shown}");
}

#[test]
fn secrets_of_a_device_are_no_arguments() {
    let world = with_devices();
    let stored = || {
        world.value(
            "SELECT concat_ws('|', secret, pin, (SELECT value FROM device_options WHERE name LIKE 'webhook%')) FROM devices WHERE id = 1",
        )
    };
    for (name, value) in [
        ("password", "Register3WithMe"),
        ("pin", "99"),
        ("webhook_url_for_call_end", "https://example.com/?key=1"),
    ] {
        world.refused(
            &["device", "set", "1", &format!("{name}={value}")],
            &format!("{name} is a secret, and a shell remembers arguments: give --secret {name}=FILE, or - for standard input\n"),
        );
    }
    let secret = |name: &str, value: &str| {
        let path = world.data.join(name);
        std::fs::write(&path, value).expect("a file");
        format!("{name}={}", path.display())
    };
    let (password, pin) = (secret("password", "Register3WithMe\n"), secret("pin", "99"));
    world.ok(&[
        "device",
        "set",
        "1",
        "language=lt",
        "--secret",
        &password,
        "--secret",
        &pin,
    ]);
    assert_eq!(stored(), "Register3WithMe|99");
    let line = [
        "device",
        "set",
        "1",
        "--secret",
        "webhook_url_for_call_end=-",
    ];
    let done = world.run_with(&line, b"https://example.com/?key=1\n");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(stored(), "Register3WithMe|99|https://example.com/?key=1");
    let logged = world.value("SELECT group_concat(ifnull(after, '')) FROM action_log");
    assert!(
        !logged.contains("key=1") && !logged.contains("WithMe"),
        "{logged}"
    );

    let blank = secret("blank", " \n").replace("blank=", "pin=");
    for (line, reason) in [
        (&["comment=a", "comment=b"][..], "comment is given twice\n"),
        (&["pin=", "--secret", &pin], "pin is given twice\n"),
        (
            &["--secret", &pin, "--secret", &pin],
            "pin is given twice\n",
        ),
        (
            &["--secret", "pin=-", "--secret", "password=-"],
            "standard input holds one secret",
        ),
        (
            &["--secret", "comment=-"],
            "comment is no secret: give comment=VALUE\n",
        ),
        (&["--secret", "colour=-"], "colour is no secret"),
    ] {
        world.refused(&[&["device", "set", "1"], line].concat(), reason);
    }
    let (_, file) = blank.split_once('=').expect("a file");
    world.refused(
        &["device", "set", "1", "--secret", &blank],
        &format!("{file}: pin is blank\n"),
    );
    for wrong in [
        &["device", "set", "1"][..],
        &["device", "set", "1", "--secret", "pin"],
    ] {
        assert_eq!(world.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    // A blank one says what nobody has to hide.
    world.ok(&["device", "set", "1", "pin=", "webhook_url_for_call_end="]);
    assert_eq!(stored(), "Register3WithMe");
    world.refused(
        &["provider", "set", "1", "port=1", "port=2"],
        "port is given twice\n",
    );
}

#[test]
fn a_blank_filter_finds_nothing() {
    let world = with_devices();
    let before = world.dump();
    for line in [
        &["device", "each", "block", "--begins", ""][..],
        &["device", "each", "block", "--begins", " \u{3000}"],
        &["device", "each", "block", "--user", ""],
        &["did", "each", "terminate", "--begins", ""],
        &[
            "did",
            "each",
            "terminate",
            "--begins",
            "",
            "--status",
            "free",
        ],
        &["did", "each", "terminate", "--user", " "],
    ] {
        let output = world.run(line);
        assert_eq!(output.status.code(), Some(2), "{line:?}");
        assert!(text(&output.stderr).contains("it is blank"), "{output:?}");
    }
    assert_eq!(world.dump(), before);
}
