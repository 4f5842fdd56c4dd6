//! Every web page and action, with fields learnt from the pages' own forms and values that are not from there, signed
//! in as each kind of user and not at all. Each request is answered with a complete page.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use linebook::http::pages::routes::{ROUTES, Route, Verb};

use crate::client::{Client, NoAnswer, own_address, show};
use crate::common::Answer;
use crate::dice::Dice;
use crate::html;
use crate::learnt::{Learnt, filled};
use crate::run::{Tally, is_long, run};
use crate::values::{self, any, hostile};
use crate::world::World;

/// The users who look around. All of them have the demo's password.
const PEOPLE: [&str; 5] = ["admin", "username", "manager", "reseller", "anna"];
/// Someone's session.
#[derive(Clone)]
struct Session {
    cookie: String,
    form_token: String,
}

struct Test {
    world: World,
    /// The users' rows as they were at the start, when everyone can sign in.
    people: Vec<(i64, Option<String>)>,
    sessions: Mutex<BTreeMap<&'static str, Session>>,
    learnt: Mutex<Learnt>,
}

#[test]
fn every_page_is_answered_whole() {
    let test = Test::new();
    let (made, tally) = run("pages", 25, |dice, tally| test.visit(dice, tally));
    if is_long(made) {
        let seen = |path: &str| tally.seen(path) > 0;
        let missed: Vec<String> = ROUTES.iter().map(name).filter(|name| !seen(name)).collect();
        assert!(
            missed.len() <= ROUTES.len() / 10,
            "never reached: {missed:?}"
        );
        assert!(tally.seen("done") > 0, "no action was ever done");
        assert!(
            tally.seen("status 429") < made / 20,
            "the throttle answered instead"
        );
    }
    test.world.stop();
}

/// The name under which a route is counted.
fn name(route: &Route) -> String {
    format!("{:?} {}", route.verb, route.path)
}

impl Test {
    fn new() -> Self {
        let world = World::start("");
        let people = {
            let connection = world.connection();
            let mut rows = connection
                .prepare("SELECT id, password FROM users")
                .unwrap();
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.unwrap().collect::<Result<_, _>>().unwrap()
        };
        Self {
            world,
            people,
            sessions: Mutex::default(),
            learnt: Mutex::default(),
        }
    }

    fn address(&self) -> SocketAddr {
        self.world.server.address
    }

    /// A connection of someone who looks around.
    fn visit(&self, dice: &mut Dice, tally: &Tally) -> Result<u64, String> {
        let who = match dice.below(6) {
            5 => None,
            who => Some(PEOPLE[who]),
        };
        let mut session = match who {
            Some(who) => Some(self.session(dice, who, tally)?),
            None => None,
        };
        let mut client = Client::connect(self.address(), own_address(dice))?;
        let count = 1 + dice.below(12);
        for place in 0..count {
            let mut route = &ROUTES[dice.below(ROUTES.len())];
            if (route.path.contains("password") || route.path.contains("sign-")) && dice.percent(70)
            {
                // Passwords are slow on purpose, and each sign-out leads to one.
                route = &ROUTES[dice.below(ROUTES.len())];
            }
            let bytes = self.request(dice, route, session.as_ref());
            client.write(&bytes);
            let is_head = bytes.starts_with(b"HEAD");
            let answer = client.answer(is_head);
            let what = |what: String| {
                let shown = show(&bytes);
                format!(
                    "request {} of {who:?}, {}: {what}\nsent:\n{shown}",
                    place + 1,
                    name(route)
                )
            };
            let answer = match answer {
                // A CSV file was longer than the client reads.
                Err(NoAnswer::Full) => return Ok(place as u64 + 1),
                // A CSV file breaks off where its reader loses the right to it.
                Err(NoAnswer::Cut)
                    if route.path.ends_with(".csv") && self.is_over(dice, session.as_ref())? =>
                {
                    tally.see("csv cut");
                    return Ok(place as u64 + 1);
                }
                Err(why) => return Err(what(format!("not answered: {why:?}"))),
                Ok(answer) => answer,
            };
            let checked = self.check(&answer, is_head, route, tally);
            checked.map_err(|why| {
                let body = show(&answer.body);
                what(format!(
                    "{why}\nanswer: {} {:?}\n{body}",
                    answer.status, answer.headers
                ))
            })?;
            let to = answer.header("location").unwrap_or_default();
            if session.is_some() && to.starts_with("/sign-in") {
                // Signed out, blocked or given a new password, by themselves or by someone else.
                tally.see("signed out");
                self.sessions
                    .lock()
                    .unwrap()
                    .remove(who.expect("there is a session"));
                session = None;
            } else if session.is_some() && route.verb == Verb::Post && answer.status == 303 {
                tally.see("done");
            }
            if answer.header("connection") == Some("close") {
                return Ok(place as u64 + 1);
            }
        }
        Ok(count as u64)
    }

    /// Someone's session: the present one, or a new one.
    fn session(
        &self,
        dice: &mut Dice,
        who: &'static str,
        tally: &Tally,
    ) -> Result<Session, String> {
        let mut sessions = self.sessions.lock().unwrap();
        if let Some(session) = sessions.get(who) {
            return Ok(session.clone());
        }
        for _ in 0..3 {
            if let Some(session) = self.sign_in(dice, who)? {
                sessions.insert(who, session.clone());
                tally.see("signed in");
                return Ok(session);
            }
            // They were blocked, or have a new password.
            for (id, password) in &self.people {
                let sql =
                    "UPDATE users SET password = ?2, blocked = iif(id = 9, 1, 0) WHERE id = ?1";
                self.world
                    .connection()
                    .execute(sql, (id, password))
                    .unwrap();
            }
        }
        Err(format!("{who} cannot sign in"))
    }

    /// Whether a session has ended, or lost rights that it had.
    fn is_over(&self, dice: &mut Dice, session: Option<&Session>) -> Result<bool, String> {
        let Some(session) = session else {
            return Ok(false);
        };
        let mut client = Client::connect(self.address(), own_address(dice))?;
        client.write(&values::request(
            "GET",
            b"/account",
            &headers(&session.cookie),
            b"",
        ));
        let answer = client.answer(false);
        answer.map_or_else(
            |why| Err(format!("{why:?}")),
            |answer| Ok(answer.status == 303),
        )
    }

    fn sign_in(&self, dice: &mut Dice, who: &str) -> Result<Option<Session>, String> {
        let mut client = Client::connect(self.address(), own_address(dice))?;
        let mut ask = |bytes: Vec<u8>| {
            client.write(&bytes);
            let answer = client.answer(false);
            answer.map_err(|why| format!("sign-in of {who} was not answered: {why:?}"))
        };
        let asked = ask(values::request("GET", b"/sign-in", &[], b""))?;
        let visitor = cookie(&asked).ok_or("no cookie at the sign-in")?;
        let token = form_token(&asked).ok_or("no form at the sign-in")?;
        let form = format!("username={who}&password=password&form_token={token}");
        let entered = ask(values::request(
            "POST",
            b"/sign-in",
            &headers(&visitor),
            form.as_bytes(),
        ))?;
        let Some(cookie) = cookie(&entered).filter(|_| entered.status == 303) else {
            return Ok(None);
        };
        let page = ask(values::request("GET", b"/account", &headers(&cookie), b""))?;
        if page.status == 303 {
            // Somebody else has ended it already.
            return Ok(None);
        }
        let form_token = form_token(&page).ok_or("no form on the account's page")?;
        Ok(Some(Session { cookie, form_token }))
    }

    fn request(&self, dice: &mut Dice, route: &Route, session: Option<&Session>) -> Vec<u8> {
        let learnt = self.learnt.lock().unwrap();
        let mut path = filled(dice, route.path, &learnt);
        let mut pairs = Vec::new();
        if let Some(fields) = learnt.fields.get(route.path) {
            let is_whole = dice.percent(50);
            for (name, offered) in fields {
                if !is_whole && dice.percent(40) {
                    continue;
                }
                let offered: Vec<&String> = offered.iter().collect();
                let value = match dice.percent(50) && !offered.is_empty() {
                    true => offered[dice.below(offered.len())].clone(),
                    false => any(dice, name),
                };
                pairs.push((name.clone(), value));
            }
        }
        drop(learnt);
        let mut headers = Vec::new();
        if let Some(session) = session {
            headers = self::headers(&session.cookie);
            let token = match dice.below(30) {
                0 => None,
                1 => Some(hostile(dice)),
                _ => Some(session.form_token.clone()),
            };
            pairs.extend(
                token
                    .filter(|_| route.verb == Verb::Post)
                    .map(|token| ("form_token".into(), token)),
            );
        } else if dice.percent(20) {
            let cookie = dice.text(&["linebook=0", "linebook", "a=b; linebook=\u{7f}", ";;;="]);
            let cookie = if dice.percent(10) {
                "c".repeat(20_000)
            } else {
                cookie
            };
            headers.push(("Cookie".into(), cookie.replace('\u{7f}', "f")));
        }
        if dice.percent(70) {
            headers.push(("Accept".into(), "text/html,*/*;q=0.8".into()));
        }
        if dice.percent(10) {
            pairs.push((
                dice.text(&["after", "sort", "next", "q", "status", "x"]),
                hostile(dice),
            ));
        }
        let verb = match route.verb {
            _ if dice.percent(2) => dice.text(&["HEAD", "PUT", "POST", "GET"]),
            Verb::Get => "GET".into(),
            Verb::Post => "POST".into(),
        };
        if dice.percent(2) {
            path = format!("/{}/", path.replace('/', "//"));
        }
        let form = values::form(dice, &pairs);
        let is_query = verb == "GET" || verb == "HEAD" || dice.percent(2);
        let (query, mut body) = if is_query {
            (form, Vec::new())
        } else {
            (Vec::new(), form)
        };
        if !body.is_empty() {
            let (mut kind, odd) = (
                String::from("application/x-www-form-urlencoded"),
                dice.below(40),
            );
            if odd == 0 {
                kind = "application/json".into();
                body = values::json(dice, &pairs);
            } else if odd < 3 {
                (kind, body) = values::multipart(dice, &pairs);
            }
            headers.push(("Content-Type".into(), kind));
        }
        let target = values::target(&path, &query);
        let target: Vec<u8> = target.into_iter().filter(u8::is_ascii_graphic).collect();
        values::request(&verb, &target, &headers, &body)
    }

    /// Checks what must be true of every web page, and learns what it offers.
    fn check(
        &self,
        answer: &Answer,
        is_head: bool,
        route: &Route,
        tally: &Tally,
    ) -> Result<(), String> {
        tally.see(format!("status {}", answer.status));
        if answer.status >= 500 {
            return Err(format!("status {}", answer.status));
        }
        if matches!(answer.status, 200 | 303 | 422) {
            tally.see(name(route));
        }
        if is_head {
            return Ok(());
        }
        let kind = answer.header("content-type").unwrap_or_default();
        let text = std::str::from_utf8(&answer.body);
        match kind {
            "text/html; charset=utf-8" => {
                for (header, value) in [
                    ("x-content-type-options", "nosniff"),
                    ("referrer-policy", "no-referrer"),
                ] {
                    if answer.header(header) != Some(value) {
                        return Err(format!("without {header}"));
                    }
                }
                let tags = html::read(text.map_err(|_| "not UTF-8")?)?;
                self.learnt.lock().unwrap().learn(&tags);
                Ok(())
            }
            "text/csv; charset=utf-8" => check_csv(&answer.body, tally),
            // A client that does not say that it is a browser gets XML.
            "text/xml; charset=utf-8" => {
                let checked = std::panic::catch_unwind(|| answer.check());
                checked.map_err(|_| "no XML reader takes it, or a header is missing".into())
            }
            "" if answer.status == 303 => match answer.header("location") {
                Some(to) if to.starts_with('/') && !to.starts_with("//") => Ok(()),
                to => Err(format!("sent to {to:?}")),
            },
            kind if route.path == "/assets/{name}" && !kind.is_empty() => Ok(()),
            kind => Err(format!("a page of the type {kind:?}")),
        }
    }
}

fn headers(cookie: &str) -> Vec<(String, String)> {
    vec![("Cookie".into(), format!("linebook={cookie}"))]
}

/// The cookie that an answer sets.
fn cookie(answer: &Answer) -> Option<String> {
    let cookie = answer.header("set-cookie")?.strip_prefix("linebook=")?;
    Some(cookie.split(';').next()?.into())
}

/// The token in the first form of a page.
fn form_token(answer: &Answer) -> Option<String> {
    let page = String::from_utf8_lossy(&answer.body);
    let (_, token) = page.split_once("name=\"form_token\" value=\"")?;
    Some(token.split('"').next()?.into())
}

/// A CSV file: UTF-8, with the same number of fields in each line.
fn check_csv(body: &[u8], tally: &Tally) -> Result<(), String> {
    tally.see("csv");
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(body);
    for record in reader.records() {
        record.map_err(|error| format!("no CSV: {error}"))?;
    }
    Ok(())
}
