//! What the web pages teach about themselves: the fields of each action, their values, and the addresses that exist.

use std::collections::{BTreeMap, BTreeSet};

use linebook::http::pages::routes::{ROUTES, Route, Verb};

use crate::dice::Dice;
use crate::html::Tag;

/// The most names, values and addresses that are remembered.
const MAX_LEARNT: usize = 200;

/// What the web pages have taught so far.
#[derive(Default)]
pub struct Learnt {
    /// By action, with its ids and names left open: the fields of its form, and the values that they offered.
    pub fields: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// Addresses that a web page linked to.
    links: Vec<String>,
}

impl Learnt {
    /// Learns the links and the forms of a web page.
    pub fn learn(&mut self, tags: &[Tag]) {
        let mut action: Option<&'static str> = None;
        let mut select = String::new();
        for tag in tags {
            match tag.name.as_str() {
                "a" => {
                    let link = tag.get("href").filter(|link| link.starts_with('/'));
                    let place = self.links.len() % MAX_LEARNT;
                    if let Some(link) =
                        link.filter(|link| !self.links.iter().any(|known| known == link))
                    {
                        match self.links.len() < MAX_LEARNT {
                            true => self.links.push(link.into()),
                            false => self.links[place] = link.into(),
                        }
                    }
                }
                "form" => {
                    let verb = if tag.get("method") == Some("post") {
                        Verb::Post
                    } else {
                        Verb::Get
                    };
                    action = tag.get("action").and_then(|path| route_of(verb, path));
                }
                "select" => {
                    select = tag.get("name").unwrap_or_default().into();
                    self.field(action, &select, None);
                }
                "option" => self.field(action, &select.clone(), tag.get("value")),
                "input" | "textarea" | "button" => {
                    if let Some(name) = tag.get("name").filter(|name| *name != "form_token") {
                        self.field(action, name, tag.get("value"));
                    }
                }
                _ => {}
            }
        }
    }

    fn field(&mut self, action: Option<&'static str>, name: &str, value: Option<&str>) {
        let Some(action) = action.filter(|_| !name.is_empty()) else {
            return;
        };
        let fields = self.fields.entry(action.into()).or_default();
        if fields.len() < MAX_LEARNT || fields.contains_key(name) {
            let values = fields.entry(name.into()).or_default();
            if let Some(value) = value.filter(|_| values.len() < MAX_LEARNT) {
                values.insert(value.into());
            }
        }
    }
}

/// The route that a path belongs to.
fn route_of(verb: Verb, path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |route: &&Route| {
        let (wanted, sent) = (route.path.split('/'), path.split('/'));
        let fits = |(wanted, sent): (&str, &str)| wanted.starts_with('{') || wanted == sent;
        route.verb == verb
            && wanted.clone().count() == sent.clone().count()
            && wanted.zip(sent).all(fits)
    };
    ROUTES.iter().find(fits).map(|route| route.path)
}

/// A route's path with ids and names filled in, often as a web page linked to it.
pub fn filled(dice: &mut Dice, path: &str, learnt: &Learnt) -> String {
    if !path.contains('{') {
        return path.into();
    }
    let known: Vec<&String> = learnt
        .links
        .iter()
        .filter(|link| route_of(Verb::Get, link) == Some(path))
        .collect();
    if !known.is_empty() && dice.percent(50) {
        return known[dice.below(known.len())].clone();
    }
    let id = match dice.below(10) {
        0 => dice.text(&[
            "0",
            "999999999999999999",
            "9999999999999999999",
            "-1",
            "01",
            "x",
            "%31",
            "1;2",
        ]),
        1 => dice.below(1000).to_string(),
        _ => dice.below(13).to_string(),
    };
    let names = [
        "reserve",
        "assign",
        "free",
        "close",
        "terminate",
        "unassign",
        "reopen",
        "take-off",
        "dialplan",
        "style.css",
        "device_create",
        "cli_add",
        "did_create",
        "devices_get",
        "%00",
        "..",
        "a%0d%0ab",
    ];
    let name = dice.text(&names);
    path.replace("{id}", &id).replace("{name}", &name)
}
