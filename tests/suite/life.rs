//! The whole life of a device and of its DIDs, over a socket, against `linebook demo`: as admin and as a reseller, in both
//! dialects. Every call is sent twice: the second one changes nothing and is not logged.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use crate::common::fixture::key_of;
use crate::common::server::linebook;
use crate::common::socket::Client;
use crate::common::{Answer, Call, Request, Server};

/// A demo world, and a connection to it.
struct Life {
    server: Server,
    client: RefCell<Client>,
}

/// How a call that is sent again is answered.
enum Again {
    /// As the first one.
    Same,
    /// With this refusal.
    Refused(&'static str),
}

use Again::{Refused, Same};

impl Life {
    fn new(dialect: &str) -> Self {
        let server = Server::demo(&[]);
        let client = RefCell::new(Client::new(server.address));
        let life = Self { server, client };
        for owner in [0, 4] {
            let sql = "INSERT INTO owner_settings (owner_id, dialect) VALUES (?1, ?2)";
            let set = life.database().execute(sql, (owner, dialect));
            assert_eq!(set, Ok(1));
        }
        life
    }

    fn database(&self) -> Connection {
        Connection::open(self.server.path().join("linebook.db")).unwrap()
    }

    /// The newest entries of the log after that one: actions and objects, joined.
    fn logged_after(&self, id: i64) -> String {
        let sql = "SELECT ifnull(group_concat(action || ' ' || object_id, ', '), '') FROM
            (SELECT action, object_id FROM action_log WHERE id > ?1 ORDER BY id)";
        let database = self.database();
        database.query_row(sql, [id], |row| row.get(0)).unwrap()
    }

    fn last_logged(&self) -> i64 {
        let sql = "SELECT ifnull(max(id), 0) FROM action_log";
        let database = self.database();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn send(&self, caller: &str, method: &str, pairs: &[(&str, &str)]) -> Answer {
        let call = Call::new(method).with("u", caller).with_all(pairs);
        let request = call.signed_with(key_of(caller)).post();
        let answer = self.client.borrow_mut().send(&request);
        answer.check();
        answer
    }

    /// What a reading method answers.
    fn read(&self, caller: &str, method: &str, pairs: &[(&str, &str)]) -> String {
        let before = self.last_logged();
        let answer = self.send(caller, method, pairs);
        assert_eq!(answer.error(), None, "{method} {pairs:?}");
        assert_eq!(self.last_logged(), before, "{method} only reads");
        answer.text()
    }

    /// Sends a call that changes something, and sends it again.
    fn change(
        &self,
        caller: &str,
        method: &str,
        pairs: &[(&str, &str)],
        logged: &str,
        again: &Again,
    ) {
        let before = self.last_logged();
        let answer = self.send(caller, method, pairs);
        assert_eq!(answer.error(), None, "{method} {pairs:?} by {caller}");
        assert_eq!(self.logged_after(before), logged, "{method} {pairs:?}");
        let after = self.last_logged();
        let expected = match again {
            Same => None,
            Refused(text) => Some((*text).to_owned()),
        };
        let repeated = self.send(caller, method, pairs);
        assert_eq!(repeated.error(), expected, "{method} {pairs:?}, again");
        assert_eq!(self.last_logged(), after, "{method} {pairs:?}, again");
        if expected.is_none() {
            assert_eq!(repeated.text(), answer.text(), "{method}, again");
        }
    }

    /// A device of this user, its login, password and block; gives its id.
    fn device(&self, caller: &str, user_id: &str) -> String {
        let sent = [("user_id", user_id), ("description", "Life")];
        let made = self.send(caller, "device_create", &sent).text();
        let id = element(&made, "id");
        let device = ("device", &*id);
        let details = || self.read(caller, "device_details_get", &[("device_id", &id)]);
        let name = format!("life-{user_id}");

        let update = |pairs: &[(&str, &str)], logged: &str| {
            let pairs = [&[device], pairs].concat();
            let logged = format!("{logged} {id}");
            self.change(caller, "device_update", &pairs, &logged, &Same);
        };
        update(&[("password", "NewSecret123")], "device.update");
        let login = [("authentication", "0"), ("username", &*name)];
        update(&login, "device.update");
        assert_eq!(element(&details(), "secret"), "NewSecret123");
        assert_eq!(element(&details(), "username"), name);
        assert_eq!(element(&details(), "hidden"), "0");

        let is_listed = |shown: &str| {
            let sent = [("user_id", user_id), ("show_hidden_devices", shown)];
            let list = self.read(caller, "devices_get", &sent);
            list.contains(&format!("<device_id>{id}</device_id>"))
        };
        assert!(is_listed("0"));
        update(&[("hidden", "1")], "device.block");
        assert!(!is_listed("0"));
        assert_eq!(element(&details(), "hidden"), "1");
        assert!(is_listed("1"));
        update(&[("hidden", "0")], "device.unblock");
        assert!(is_listed("0"));
        id
    }

    /// A DID that admin has free, on the way to a reseller, and onto a device of one of the reseller's users and off it
    /// again.
    fn lent_did(&self, device_id: &str) {
        let free = [("search_status", "free"), ("search_provider", "1")];
        let found = self.read("admin", "dids_get", &free);
        let (did, id) = (number_in(&found), element(&found, "id"));
        let named = ("did_id", &*id);
        let log = |action: &str| format!("did.{action} {id}");
        let reserve = |caller: &str, user_id: &str| {
            let sent = [named, ("did_user_id", user_id)];
            let logged = log("reserve");
            self.change(caller, "did_details_update", &sent, &logged, &Same);
        };
        reserve("admin", "4");
        reserve("reseller", "5");
        self.on_and_off("reseller", device_id, &did, &id);

        // Freed by the reseller, it is still lent. Only its owner ends it.
        let dids_id = [("dids_id", &*id)];
        let not_freed =
            Refused("DID was not freed. Only Terminated, Reserved or Closed DIDs can be freed");
        self.change(
            "reseller",
            "did_make_free",
            &dids_id,
            &log("free"),
            &not_freed,
        );
        let lent = self.send("reseller", "did_terminate", &dids_id);
        assert_eq!(lent.error().as_deref(), Some("DID was not terminated"));
        let back = log("take_back");
        self.change("admin", "did_make_free", &dids_id, &back, &not_freed);
        self.end("admin", &id);
    }

    /// Onto a device, off it, on it again, and closed.
    fn on_and_off(&self, caller: &str, device_id: &str, did: &str, id: &str) {
        let assign = [("device_id", device_id), ("did", did)];
        let log = |action: &str| format!("did.{action} {id}");
        let on = log("assign");
        self.change(caller, "did_device_assign", &assign, &on, &Same);
        let listed = self.read(caller, "dids_get", &[("search_device", device_id)]);
        assert_eq!(number_in(&listed), did);
        let off = log("unassign");
        let is_off = Refused("DID is already free");
        self.change(
            caller,
            "did_device_unassign",
            &[("did", did)],
            &off,
            &is_off,
        );
        self.change(caller, "did_device_assign", &assign, &on, &Same);
        let closed = Refused("DID is already closed");
        let dids_id = [("dids_id", id)];
        self.change(caller, "did_close", &dids_id, &log("close"), &closed);
    }

    /// Terminated and deleted.
    fn end(&self, caller: &str, id: &str) {
        let dids_id = [("dids_id", id)];
        let log = |action: &str| format!("did.{action} {id}");
        let twice = "DID was not terminated. Only Free or Closed DIDs can be terminate";
        let twice = Refused(twice);
        self.change(caller, "did_terminate", &dids_id, &log("terminate"), &twice);
        let gone = Refused("DID was not found");
        self.change(caller, "did_delete", &dids_id, &log("delete"), &gone);
    }

    /// A DID of the caller's own, from its creation to its end.
    fn own_did(&self, caller: &str, user_id: &str, device_id: &str) {
        let did = format!("3706999{user_id}0");
        let id = self.new_did(caller, &did);
        let sent = [("did_id", &*id), ("did_user_id", user_id)];
        let logged = format!("did.reserve {id}");
        self.change(caller, "did_details_update", &sent, &logged, &Same);
        self.on_and_off(caller, device_id, &did, &id);
        let back = [("did_id", &*id), ("did_user_id", "-1")];
        let logged = format!("did.free {id}");
        self.change(caller, "did_details_update", &back, &logged, &Same);
        self.end(caller, &id);
        // The number can be made again.
        let again = self.new_did(caller, &did);
        self.end(caller, &again);
    }

    fn new_did(&self, caller: &str, did: &str) -> String {
        let sent = [("p", "password"), ("did", did), ("provider_id", "1")];
        let made = self.send(caller, "did_create", &sent).text();
        element(&made, "id")
    }

    /// The device goes, with two DIDs and a CLI on it.
    fn delete(&self, caller: &str, user_id: &str, device_id: &str) {
        let number = |end: &str| format!("3706999{user_id}{end}");
        let dids = ["1", "2"].map(|end| {
            let did = number(end);
            let id = self.new_did(caller, &did);
            let sent = [("device_id", device_id), ("did", &*did)];
            let logged = format!("did.assign {id}");
            self.change(caller, "did_device_assign", &sent, &logged, &Same);
            id
        });
        let cli = number("3");
        let sent = [("device_id", device_id), ("cli_number", &*cli)];
        assert_eq!(self.send(caller, "cli_add", &sent).error(), None);
        let sql = "SELECT id FROM clis WHERE number = ?1";
        let database = self.database();
        let cli_id: i64 = database.query_row(sql, [&cli], |row| row.get(0)).unwrap();

        let [first, second] = &dids;
        let logged = format!(
            "did.unassign {first}, did.unassign {second}, cli.delete {cli_id}, device.hide {device_id}"
        );
        let gone = Refused("Device was not found");
        let device = [("device", device_id)];
        self.change(caller, "device_delete", &device, &logged, &gone);
        let left = self.read(caller, "dids_get", &[("search_did_number", &*number("_"))]);
        assert_eq!(
            left.matches("<status>Reserved</status>").count(),
            2,
            "{left}"
        );
        let gone = self.send(caller, "cli_info_get", &[("cli", &*cli)]);
        assert_eq!(gone.error().as_deref(), Some("CLI not found"));
    }
}

/// The content of the first element of this name.
fn element(text: &str, name: &str) -> String {
    let content = text.split_once(&format!("<{name}>"));
    let content = content.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    content
        .unwrap_or_else(|| panic!("no {name}: {text}"))
        .0
        .into()
}

/// The number of the first DID of a list.
fn number_in(list: &str) -> String {
    let (_, rest) = list
        .split_once("<did><did>")
        .unwrap_or_else(|| panic!("no DID: {list}"));
    rest.split('<').next().unwrap().into()
}

fn live(dialect: &str) {
    let life = Life::new(dialect);
    for (caller, user_id) in [("admin", "2"), ("reseller", "5")] {
        let device = life.device(caller, user_id);
        if caller == "reseller" {
            life.lent_did(&device);
        }
        life.own_did(caller, user_id, &device);
        life.delete(caller, user_id, &device);
    }
}

#[test]
fn a_device_and_its_dids_live_and_end() {
    live("classic");
}

#[test]
fn a_device_and_its_dids_live_and_end_in_the_later_dialect() {
    live("current");
}

/// Whoever pastes what `demo` prints, from top to bottom, meets no error.
#[test]
fn every_line_that_demo_prints_succeeds() {
    for (flags, at_least) in [(&[][..], 5), (&["--examples"], 25)] {
        let folder = tempfile::tempdir().unwrap();
        let hello = folder.path().join("hello");
        let mut child = linebook()
            .args(["demo", "--listen", "127.0.0.1:0"])
            .args(flags)
            .stdout(std::fs::File::create(&hello).unwrap())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // All lines are printed at once.
        let lines = loop {
            let lines = std::fs::read_to_string(&hello).unwrap();
            if lines.contains("curl") {
                break lines;
            }
            assert_eq!(child.try_wait().unwrap(), None, "the demo has ended");
            std::thread::sleep(Duration::from_millis(20));
        };
        let urls = lines.lines().filter(|line| line.starts_with("curl"));
        let urls: Vec<&str> = urls.filter_map(|line| line.split('\'').nth(1)).collect();
        let distinct: BTreeSet<&&str> = urls.iter().collect();
        assert!(distinct.len() >= at_least, "{lines}");
        for url in urls {
            let (address, target) = url["http://".len()..].split_once('/').unwrap();
            let request = Request::new("POST", &format!("/{target}"));
            let answer = Client::new(address.parse().unwrap()).send(&request);
            assert_eq!(answer.error(), None, "{url}");
        }
        // Stopped by a signal, it removes its folder.
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success());
    }
}
