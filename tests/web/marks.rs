//! Every field of every form: a wrong value is refused, and the form marks that field and no other.

use std::collections::{BTreeMap, BTreeSet};

use linebook::http::pages::routes::{ROUTES, Route, Verb};

use crate::html::{self, Tag};
use crate::world::World;

/// What stands in a form's fields where its page leaves them blank, so that nothing else is wrong.
const RIGHT: [(&str, &str); 18] = [
    ("number", "5550199"),
    ("speeddial", "77"),
    ("forward_to", "5550199"),
    ("cut", "8"),
    ("user_id", "anna"),
    ("device_id", "2"),
    ("did", "5550199"),
    ("cli_number", "5550199"),
    ("name", "x"),
    ("rule_name", "x"),
    ("cut", "1"),
    ("username", "fresh"),
    ("network", "127.0.0.0/8"),
    ("password", "password"),
    ("new_password", "another password"),
    ("again", "another password"),
    ("request", "/billing/api/devices_get?u=admin&user_id=2"),
    // Without it the form of new DIDs shows what it would do, and asks again.
    ("confirmed", "1"),
];

/// Forms that mark no field: what is wrong is not told, or is the API's to say; the last needs a link, and its fields are
/// those of `/account/password`.
const UNMARKED: [&str; 3] = ["/sign-in", "/console/{name}", "/welcome/{name}"];

/// A choice that takes anything: what it does not know counts as the first.
const TAKES_ANYTHING: [&str; 1] = ["pin_kind"];

/// A form's fields that people fill in, and what is in them.
type Form = BTreeMap<String, String>;

/// Neither a name nor a number of anything, and longer than any text.
fn wrong() -> String {
    "x ".repeat(200) + "x"
}

/// The forms of a page, by their address.
fn read(page: &str) -> Vec<(String, Form)> {
    let mut forms: Vec<(String, Form)> = Vec::new();
    let mut select = String::new();
    let mut is_post = false;
    for tag in html::read(page).unwrap() {
        let attribute = |name| tag.get(name).unwrap_or_default().to_owned();
        let form = forms.last_mut().filter(|_| is_post);
        match (tag.name.as_str(), form) {
            ("form", _) => {
                is_post = attribute("method") == "post";
                forms.extend(is_post.then(|| (attribute("action"), Form::new())));
            }
            ("input", Some((_, form))) if is_filled_in(&tag) => {
                form.insert(attribute("name"), attribute("value"));
            }
            ("textarea", Some((_, form))) => drop(form.insert(attribute("name"), String::new())),
            ("select", Some((_, form))) => {
                select = attribute("name");
                form.insert(select.clone(), String::new());
            }
            ("option", Some((_, form))) if tag.get("selected").is_some() => {
                form.insert(select.clone(), attribute("value"));
            }
            _ => {}
        }
    }
    forms
}

/// A box that is ticked takes anything, and nobody types what is hidden.
fn is_filled_in(tag: &Tag) -> bool {
    !matches!(tag.get("type"), Some("hidden" | "checkbox"))
}

fn route(path: &str) -> &'static Route {
    let fits = |route: &&Route| {
        let parts = route.path.split('/').zip(path.split('/'));
        route.verb == Verb::Post && route.path.split('/').count() == path.split('/').count() && {
            parts
        }
        .all(|(known, sent)| match known {
            "{id}" => sent.parse::<u32>().is_ok(),
            "{name}" => true,
            _ => known == sent,
        })
    };
    let mut routes = ROUTES.iter();
    routes
        .find(fits)
        .unwrap_or_else(|| panic!("no route for {path}"))
}

/// One form of each kind that admin's pages have.
fn forms(world: &World, token: &str) -> BTreeMap<String, (String, Form)> {
    let mut forms = BTreeMap::new();
    for page in ROUTES.iter().filter(|route| route.verb == Verb::Get) {
        for id in 1..=10 {
            let name = match page.path {
                path if path.starts_with("/console") => "cli_add",
                "/devices/{id}/callflow/{name}" => "before_call",
                _ => "x",
            };
            let path = page.path.replace("{id}", &id.to_string());
            let reply = world.get(&path.replace("{name}", name), token);
            if reply.status == 200 && reply.body.starts_with("<!DOCTYPE") {
                for (action, form) in read(&reply.body) {
                    let kind = route(&action)
                        .path
                        .replace("{name}", action.rsplit('/').next().unwrap());
                    forms.entry(kind).or_insert((action, form));
                }
            }
        }
    }
    forms
}

/// The names of the fields that a page marks.
fn marked(page: &str) -> Vec<&str> {
    let ends = page.match_indices("-problem\" role=\"alert\"");
    ends.map(|(end, _)| page[..end].rsplit("id=\"").next().unwrap())
        .collect()
}

fn world() -> (World, String) {
    let world = World::new();
    world.sql("INSERT INTO allowed_networks VALUES (0, '127.0.0.0/8')");
    let token = world.token(0);
    // One that can be ended.
    world.token(0);
    (world, token)
}

#[test]
fn a_form_marks_the_field_that_is_wrong_and_no_other() {
    let (world, token) = world();
    let mut tried = BTreeSet::new();
    for (kind, (action, form)) in forms(&world, &token) {
        if UNMARKED.contains(&route(&action).path) {
            continue;
        }
        let known = |name: &str| RIGHT.iter().find(|(known, _)| *known == name);
        let filled = |name: &String, value: &String| match known(name) {
            Some((_, right)) if value.is_empty() => (*right).to_owned(),
            _ => value.clone(),
        };
        for field in form
            .keys()
            .filter(|name| !TAKES_ANYTHING.contains(&name.as_str()))
        {
            let mut sent: Form = form
                .iter()
                .map(|(name, value)| (name.clone(), filled(name, value)))
                .collect();
            sent.insert("confirmed".into(), "1".into());
            sent.insert(field.clone(), wrong());
            if field == "new_password" {
                sent.insert("again".into(), wrong());
            }
            let pairs: Vec<(&str, &str)> = sent
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let reply = world.post(&action, &token, &pairs);
            assert_eq!(
                reply.status, 422,
                "{kind} with a wrong {field}: {}",
                reply.body
            );
            assert_eq!(
                marked(&reply.body),
                [field.as_str()],
                "{kind} with a wrong {field}: {}",
                reply.body
            );
            tried.insert(format!("{kind} {field}"));
        }
    }
    assert!(tried.len() >= 45, "{tried:?}");
}

#[test]
fn the_form_of_every_action_is_on_a_page() {
    let (world, token) = world();
    let forms = forms(&world, &token);
    let seen: BTreeSet<&str> = forms
        .values()
        .map(|(action, _)| route(action).path)
        .collect();
    for action in ROUTES.iter().filter(|route| route.verb == Verb::Post) {
        assert!(
            seen.contains(action.path) || UNMARKED.contains(&action.path),
            "{} is on no page: a wrong field of it is not tried",
            action.path
        );
    }
}
