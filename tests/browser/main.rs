//! The web pages in a real browser: the flows of the first day, and every page, which has to be accessible and without
//! errors.
//!
//! They need `chromium` and `chromedriver` on the PATH, and for accessibility axe-core under `target/axe`; `.ci/run`
//! installs all of them.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod driver;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use driver::{Browser, Process, http};
use libtest_mimic::{Arguments, Failed, Trial};
use linebook::api::methods;
use linebook::api::parameters::Parameters;
use linebook::api::signature::sign;
use linebook::http::pages::routes::{ROUTES, Verb, Who};
use serde_json::Value;

/// The keys that a keyboard has beside letters.
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each test has a browser and a server of its own.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let (has_browser, has_axe) = (driver::programs().is_some(), axe().is_file());
    if !has_browser {
        println!(
            "The browser's tests are skipped: install chromium and chromedriver (Debian: chromium, chromium-driver), or run .ci/run."
        );
    } else if !has_axe {
        println!(
            "The accessibility of the pages is not checked: npm install --prefix target/axe axe-core, or run .ci/run."
        );
    }
    let trials = [
        (
            "sign_in_with_the_keyboard_and_out",
            sign_in_and_out as fn(),
            true,
        ),
        (
            "a_device_of_the_page_is_in_devices_get",
            device_of_the_page,
            true,
        ),
        (
            "a_device_of_the_api_is_in_the_list",
            device_of_the_api,
            true,
        ),
        (
            "a_did_is_reserved_and_assigned_to_a_trunk",
            did_to_trunk,
            true,
        ),
        ("a_refusal_is_shown_and_changes_nothing", refusal, true),
        ("a_reseller_cannot_guess_his_way", guessing, true),
        ("a_form_without_its_token_is_refused", without_token, true),
        ("a_wrong_hash_is_explained", wrong_hash, true),
        ("every_page_is_without_errors", every_page, true),
        ("endless_words_stay_on_the_page", endless_words, true),
        ("a_phone_has_the_whole_menu", menu, true),
        ("every_page_is_accessible", accessible, has_axe),
    ];
    let trials = trials.map(|(name, test, is_possible)| {
        let run = move || {
            test();
            Ok::<_, Failed>(())
        };
        Trial::test(name, run).with_ignored_flag(!has_browser || !is_possible)
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn axe() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("target/axe/node_modules/axe-core/axe.min.js")
}

/// A demo world, served by the real binary.
struct Server {
    address: String,
    base: String,
    data: String,
    _process: Process,
}

impl Server {
    fn new() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linebook"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("a line").unwrap();
        // The other lines are read, so that the server never waits for a reader.
        std::thread::spawn(move || lines.count());
        let address = first
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split(',').next());
        let address = address.expect("an address").trim().to_owned();
        let data = first.split(" is in ").nth(1).expect("a folder");
        Self {
            data: data.trim().to_owned(),
            base: format!("http://{address}"),
            address,
            _process: Process(child),
        }
    }

    /// Calls a method as admin, and gives the XML.
    fn call(&self, method: &str, pairs: &[(&str, &str)]) -> String {
        let method = methods::find(method).unwrap();
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let hash = sign(
            &method.hashes[0],
            &Parameters::new(owned.collect()).unwrap(),
            "secret",
        );
        let mut query = format!("u=admin&test=1&hash={hash}");
        for (name, value) in pairs {
            query.push_str(&format!(
                "&{name}={}",
                linebook::api::encoding::percent_encode(value)
            ));
        }
        let path = format!("/billing/api/{}?{query}", method.name);
        let (status, body) = http(&self.address, "POST", &path, "");
        assert_eq!(status, 200, "{body}");
        body
    }
}

fn sign_in(browser: &Browser, server: &Server, username: &str) {
    browser.go(&format!("{}/sign-in", server.base));
    browser.fill("#username", username);
    browser.fill("#password", "password");
    browser.click("form[action='/sign-in'] button");
    browser.find("nav");
}

fn start(username: &str) -> (Server, Browser) {
    let (server, browser) = (Server::new(), Browser::new());
    sign_in(&browser, &server, username);
    (server, browser)
}

fn sign_in_and_out() {
    let (server, browser) = (Server::new(), Browser::new());
    browser.go(&format!("{}/devices?type=SIP", server.base));
    browser.keys("#username", &format!("admin{TAB}password{ENTER}"));
    browser.find("nav");
    assert_eq!(browser.url(), format!("{}/devices?type=SIP", server.base));
    // The first link that the keyboard reaches skips the navigation.
    let skip = browser.run("const a = document.querySelector('a'); a.focus(); return a.getBoundingClientRect().left >= 0 && a.hash");
    assert_eq!(skip, "#main");
    browser.click("form[action='/sign-out'] button");
    browser.find("#password");
    browser.go(&format!("{}/devices", server.base));
    assert!(browser.url().contains("/sign-in"));
}

fn device_of_the_page() {
    let (server, browser) = start("admin");
    browser.click("nav a[href='/devices']");
    browser.click("a[href='/devices/new']");
    browser.choose("#user_id", "office");
    browser.fill("#description", "Kitchen phone");
    browser.click("form[action='/devices/new'] button");
    browser.wait_for("The device was created");
    let id = browser
        .url()
        .rsplit('/')
        .next()
        .unwrap()
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let list = server.call("devices_get", &[("user_id", "100")]);
    assert!(
        list.contains(&format!("<device_id>{id}</device_id>")),
        "{list}"
    );
    // The secret that the phone needs is shown on request.
    browser.click(&format!("form[action='/devices/{id}/secret'] button"));
    browser.find("#shown-secret");
    assert_eq!(browser.text("#shown-secret").len(), 16);
}

fn device_of_the_api() {
    let (server, browser) = start("admin");
    let made = server.call(
        "device_create",
        &[
            ("user_id", "2"),
            ("description", "From the API"),
            ("pin", "4242"),
        ],
    );
    assert!(made.contains("Device created"), "{made}");
    browser.go(&format!("{}/devices", server.base));
    assert!(
        browser.text("tbody tr").contains("From the API"),
        "the newest comes first"
    );
    browser.fill("#q", &format!("from the{ENTER}"));
    browser.wait_for_url("q=from+the");
    browser.wait_for("From the API");
}

/// Opens an action of a page.
fn open(browser: &Browser, path_end: &str) {
    browser.click(&format!(
        "details.action:has(form[action$='{path_end}']) summary"
    ));
}

fn did_to_trunk() {
    let (server, browser) = start("admin");
    browser.click("nav a[href='/dids']");
    browser.choose("#status", "free");
    browser.click(".filter button");
    browser.wait_for_url("status=free");
    browser.wait_for("37060000001");
    browser.click("tbody a");
    browser.wait_for("What can be done with it");
    open(&browser, "/reserve");
    assert!(
        browser
            .text("main")
            .contains("Only this user's devices can take it then")
    );
    browser.choose("#user_id", "anna");
    browser.click("form[action$='/reserve'] button");
    browser.wait_for("The DID is reserved.");
    open(&browser, "/assign");
    browser.choose("#device_id", "1");
    browser.click("form[action$='/assign'] button");
    browser.wait_for("The DID is active.");
    assert!(browser.text(".facts").contains("device 1001"));
    browser.click(".facts a[href='/devices/1']");
    browser.wait_for("37060000001");
    // The API sees the change, too.
    let again = server.call(
        "did_trunk_device_assign",
        &[("device_id", "1"), ("did", "37060000001")],
    );
    assert!(again.contains("Device assigned to DID"), "{again}");
}

fn refusal() {
    let (server, browser) = start("admin");
    let before = server.call("devices_get", &[("user_id", "2")]);
    browser.go(&format!("{}/devices/new", server.base));
    browser.choose("#user_id", "anna");
    browser.fill("#description", "Twice");
    browser.fill("#pin", "1111");
    browser.click("form[action='/devices/new'] button");
    browser.wait_for("Pin is already used");
    let described = browser.run("const i = document.querySelector('#pin'); return i.getAttribute('aria-invalid') + document.getElementById(i.getAttribute('aria-describedby').split(' ')[0]).innerText");
    assert_eq!(described, "truePin is already used");
    assert_eq!(
        browser.run("return document.querySelector('#description').value"),
        "Twice"
    );
    assert_eq!(server.call("devices_get", &[("user_id", "2")]), before);
}

/// Admin's things, by the first word of their addresses.
const ADMINS: &[(&str, &str)] = &[
    ("devices", "3"),
    ("dids", "1"),
    ("clis", "1"),
    ("users", "2"),
    ("groups", "12"),
    ("providers", "1"),
    ("provider-rules", "1"),
    ("periods", "1"),
    ("quickforwards", "2"),
    ("phonebooks", "2"),
    ("records", "1"),
    ("ivrs", "1"),
    ("dialplans", "1"),
    ("settings", "1"),
];

fn guessing() {
    let (server, browser) = start("reseller");
    let mut count = 0;
    for route in ROUTES.iter().filter(|route| route.path.contains("{id}")) {
        let area = route.path.split('/').nth(1).unwrap();
        let id = ADMINS
            .iter()
            .find(|(known, _)| *known == area)
            .expect(area)
            .1;
        let path = route.path.replace("{id}", id).replace("{name}", "free");
        match route.verb {
            Verb::Get => browser.go(&format!("{}{path}", server.base)),
            Verb::Post => {
                browser.go(&format!("{}/account", server.base));
                browser.run(&format!(
                    "const f = document.querySelector('main form'); f.action = '{path}'; f.submit()"
                ));
            }
        }
        let expected = if route.path.ends_with("/permissions") {
            "Users of this type may not do this"
        } else {
            "There is nothing at this address"
        };
        browser.wait_for(expected);
        count += 1;
    }
    assert!(count > 25, "only {count}");
    let device = server.call("devices_get", &[("user_id", "100")]);
    assert!(device.contains("<device_id>3</device_id>"));
}

fn without_token() {
    let (server, browser) = start("admin");
    browser.go(&format!("{}/devices/1", server.base));
    browser.run("document.querySelectorAll('[name=form_token]').forEach(token => token.remove())");
    open(&browser, "/trunk");
    browser.click("form[action='/devices/1/trunk'] button");
    browser.wait_for("The form has expired");
    browser.go(&format!("{}/devices/1", server.base));
    assert!(browser.has(".badge.trunk"), "it is a trunk still");
}

fn wrong_hash() {
    let (_server, browser) = start("admin");
    browser.click("nav a[href='/hash']");
    browser.fill("#request", "/billing/api/device_create?u=admin&user_id=2&pin=3&hash=1a9ce54d9d4c3129b35270f5842430ab3345dd71");
    browser.click("form[action='/hash'] button");
    browser.wait_for("The server would answer");
    assert!(
        browser
            .text("#verdict")
            .contains("It is the SHA1 of pin + user_id, then the key")
    );
    assert_eq!(browser.text("#hashed"), "23se******");
    let right = browser.text("#hash");
    browser.fill(
        "#request",
        &format!("/billing/api/device_create?u=admin&user_id=2&pin=3&hash={right}"),
    );
    browser.click("form[action='/hash'] button");
    browser.wait_for("The hash that was sent is accepted");
}

/// Every web page that this user may see, for things of their own.
fn pages(username: &str) -> Vec<String> {
    let own: &[(&str, &str)] = match username {
        "admin" => ADMINS,
        "reseller" => &[
            ("devices", "5"),
            ("dids", "8"),
            ("clis", "3"),
            ("users", "5"),
            ("groups", "6"),
            ("providers", "3"),
            ("ivrs", "3"),
            ("dialplans", "2"),
            ("periods", "4"),
            ("quickforwards", "5"),
            ("phonebooks", "5"),
            ("records", "3"),
        ],
        "manager" => &[("devices", "3"), ("clis", "1"), ("groups", "12")],
        _ => &[("devices", "1"), ("dids", "2"), ("clis", "1")],
    };
    let everyone = ["/", "/account"];
    let manager = ["/devices", "/clis", "/groups", "/log"];
    let is_his = |path: &str| match username {
        "admin" | "reseller" => true,
        "manager" => everyone.contains(&path) || manager.iter().any(|area| path.starts_with(area)),
        _ => {
            everyone.contains(&path)
                || ["/devices", "/dids", "/clis"]
                    .iter()
                    .any(|area| path.starts_with(area))
                    && !["/new", "/bulk", "/settings", "/{name}"]
                        .iter()
                        .any(|end| path.ends_with(end))
        }
    };
    let routes = ROUTES
        .iter()
        .filter(|route| route.verb == Verb::Get && route.who == Who::SignedIn);
    let mut paths: Vec<String> = routes
        .filter(|route| !route.path.ends_with(".csv") && is_his(route.path))
        .map(|route| {
            let id = own
                .iter()
                .find(|(area, _)| route.path.split('/').nth(1) == Some(area));
            let name = match route.path.contains("/callflow/") {
                true => "busy",
                false => "device_create",
            };
            let path = route.path.replace("{name}", name);
            path.replace("{id}", id.map_or("0", |(_, id)| id))
        })
        .collect();
    paths.extend(
        [
            "/devices?q=zzz",
            "/devices?type=SIP&trunk=yes&sort=extension",
        ]
        .map(Into::into),
    );
    paths
}

fn every_page() {
    let (server, browser) = (Server::new(), Browser::new());
    for username in ["admin", "reseller", "manager", "anna"] {
        sign_in(&browser, &server, username);
        browser.faults(&server.base);
        for path in pages(username) {
            for width in [1280, 375] {
                browser.look(width, false);
                browser.go(&format!("{}{path}", server.base));
                let shown = browser.run("return document.documentElement.scrollWidth");
                assert!(
                    shown.as_u64() <= Some(width.into()),
                    "{username} {path} is {shown} wide on {width}"
                );
                assert_eq!(
                    browser.faults(&server.base),
                    Vec::<String>::new(),
                    "{username} {path}"
                );
            }
            assert!(
                browser
                    .run("return document.title")
                    .as_str()
                    .unwrap()
                    .ends_with("linebook"),
                "{path}"
            );
        }
        browser.look(1280, false);
        browser.click("form[action='/sign-out'] button");
        browser.find("#password");
    }
}

/// Names of the greatest length, without a place to break them.
fn endless_words() {
    let (server, browser) = start("admin");
    let add = |arguments: &[&str]| {
        let added = Command::new(env!("CARGO_BIN_EXE_linebook"))
            .args(arguments)
            .args(["--data", &server.data])
            .output()
            .unwrap();
        assert!(added.status.success(), "{added:?}");
    };
    let (username, long) = ("u".repeat(80), "w".repeat(255));
    add(&["user", "add", &username]);
    add(&["provider", "add", &long]);
    let device = [("user_id", "101"), ("description", &long)];
    assert!(server.call("device_create", &device).contains("1008"));
    let cli = [
        ("device_id", "8"),
        ("cli_number", "12345678901234567890"),
        ("cli_description", &long),
        ("comment", &long),
    ];
    let cli = server.call("cli_add", &cli);
    assert!(cli.contains("success"), "{cli}");
    for path in [
        "/users",
        "/users/101",
        "/providers",
        "/providers/5",
        "/devices",
        "/devices/8",
        "/clis",
        "/clis/4",
        "/dids/new",
        "/log",
        "/",
    ] {
        for width in [1280, 375] {
            browser.look(width, false);
            browser.go(&format!("{}{path}", server.base));
            assert!(
                !browser.text("main").contains("nothing at this address"),
                "{path}"
            );
            let shown = browser.run("return document.scrollingElement.scrollWidth");
            assert!(
                shown.as_u64() <= Some(width.into()),
                "{path} is {shown} wide on {width}"
            );
        }
    }
}

/// On a narrow screen the navigation is behind a button, without a script.
fn menu() {
    let (server, browser) = start("admin");
    browser.look(375, false);
    browser.go(&server.base);
    let is_shown = "return document.querySelector('nav a[href=\"/hash\"]').checkVisibility()";
    assert_eq!(browser.run(is_shown), false);
    browser.click(".open-menu");
    assert_eq!(browser.run(is_shown), true);
    browser.click("nav a[href='/hash']");
    browser.wait_for("Paste their request");
    browser.look(1280, false);
    assert_eq!(browser.run(is_shown), true, "it stands beside the page");
}

fn accessible() {
    let (server, browser) = (Server::new(), Browser::new());
    let axe = std::fs::read_to_string(axe()).unwrap();
    let check = |path: &str| {
        // Every action is opened, because the check skips folded parts.
        browser.run("document.querySelectorAll('details').forEach(one => one.open = true)");
        browser.run(&axe);
        let found = browser.run_async(
            "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(found => done(found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.target + ' ' + node.failureSummary).join(' | '))))",
        );
        assert_eq!(found, Value::Array(Vec::new()), "{path}");
    };
    browser.go(&format!("{}/sign-in", server.base));
    check("/sign-in");
    let mut count = 1;
    for username in ["admin", "anna"] {
        sign_in(&browser, &server, username);
        for (width, is_dark) in [(1280, false), (1280, true), (375, false)] {
            for path in pages(username) {
                browser.look(width, is_dark);
                browser.go(&format!("{}{path}", server.base));
                check(&format!("{username} {path} {width} dark {is_dark}"));
                count += 1;
            }
        }
        browser.look(1280, false);
        browser.click("form[action='/sign-out'] button");
        browser.find("#password");
    }
    // Pages that only a form leads to.
    sign_in(&browser, &server, "admin");
    browser.go(&format!("{}/devices/new", server.base));
    browser.choose("#user_id", "anna");
    browser.fill("#pin", "1111");
    browser.click("form[action='/devices/new'] button");
    browser.wait_for("Pin is already used");
    check("a refused form");
    browser.go(&format!("{}/hash", server.base));
    browser.fill(
        "#request",
        "/billing/api/cli_add?u=admin&device_id=2&cli_number=1&hash=x",
    );
    browser.click("form[action='/hash'] button");
    browser.find("#verdict");
    check("an explained hash");
    browser.go(&format!("{}/console/devices_get", server.base));
    browser.fill("#user_id", "100");
    browser.click("form[action='/console/devices_get'] button");
    browser.find("#answer");
    check("an answer of the console");
    assert!(count > 80, "only {count}");
}
