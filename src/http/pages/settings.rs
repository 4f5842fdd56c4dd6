//! API settings: the switches, the keys, the IP allow-list.

use maud::{Markup, html};

use crate::http::pages::frame::answer::{Answer, Trouble, capital};
use crate::http::pages::frame::parts::{self, Action, Field, Problem, select, time};
use crate::http::pages::frame::problem::problem;
use crate::http::pages::frame::visit::Visit;
use crate::service::keys::{self, MaskedKey};
use crate::service::settings::{self, SETTINGS, Setting};
use crate::service::{Error, users};
use crate::store::tables::users::UserType;

/// What the page shows besides the stored settings.
#[derive(Default)]
struct Shown {
    new_key: Option<String>,
    setting: Problem,
    network: Problem,
    key: Problem,
}

/// The page.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &Shown::default())
}

fn render(visit: &Visit, shown: &Shown) -> Result<Answer, Trouble> {
    let by = visit.by();
    let (values, networks, keys) = visit.read(|tx| {
        let values = settings::list(tx, by, by.owner_id())?;
        let networks = settings::networks(tx, by)?;
        Ok::<_, Error>((values, networks, keys::list_own(tx, by)?))
    })?;
    let has_problem = [&shown.setting, &shown.network, &shown.key]
        .iter()
        .any(|problem| problem.is_some());
    let body = html! {
        @if let Some(key) = &shown.new_key {
            section.notice.good role="status" {
                p { b { "Copy the new key now: it is not shown again." } }
                p { code #new-key { (key) } }
            }
        }
        (switches(visit, &values, &shown.setting))
        div.columns {
            (key_list(visit, &keys, &shown.key))
            (allow_list(visit, &networks, &shown.network))
        }
    };
    Ok(visit.page_or_problem("API settings", has_problem, body))
}

fn switches(visit: &Visit, values: &[(&'static Setting, String)], problem: &Problem) -> Markup {
    let by = visit.by();
    let of = |scope: &'static str| {
        values
            .iter()
            .filter(move |(setting, _)| setting.field.scope() == scope)
    };
    let typed = |setting: &Setting, stored: &str| match problem {
        Some(_) => visit.text(setting.name),
        None => stored.to_owned(),
    };
    html! {
        (parts::form(visit, "/settings/set", "Save the settings", problem, html! {
            h2 { "For calls in your name" }
            div.grid { @for (setting, value) in of("owner") { (field(setting, &typed(setting, value), problem)) } }
            @if by.user_type == UserType::Admin {
                h2 { "For everyone" }
                div.grid { @for (setting, value) in of("everyone") { (field(setting, &typed(setting, value), problem)) } }
            }
        }))
    }
}

fn field(setting: &'static Setting, value: &str, problem: &Problem) -> Markup {
    let hint = format!(
        "{}. Default: {}",
        capital(setting.doc),
        if setting.default.is_empty() {
            "blank"
        } else {
            setting.default
        }
    );
    if setting.takes.contains(" to ") {
        return Field::text(setting.name, setting.name, value)
            .hint(&hint)
            .render(problem);
    }
    let words = setting
        .takes
        .split(", ")
        .filter(|word| !word.starts_with("or "));
    let mut options: Vec<(String, String)> = words.map(|word| (word.into(), word.into())).collect();
    if setting.takes.contains("blank") {
        options.insert(0, (String::new(), "(blank)".into()));
    }
    select(setting.name, setting.name, &options, value, &hint, problem)
}

fn key_list(visit: &Visit, keys: &[(MaskedKey, String)], problem: &Problem) -> Markup {
    let fields = html! {
        @if visit.by().user_type == UserType::Admin {
            (Field::text("user_id", "New key for", &visit.by().name)
                .hint("You, a reseller, or an accountant or manager who should have their own key").render(problem))
        }
    };
    html! {
        section.card {
            h2 { "Secret keys" }
            p.hint { "Any active key signs. To change keys without an outage: add one, move the clients to it, revoke the old one." }
            (parts::way_to_hash())
            @if keys.is_empty() { p.notice.warn { "There is none: every hash is refused." } }
            ul.plain.keys {
                @for (key, username) in keys {
                    li {
                        code { (key.key) } " of " (username) ", since " (time(key.created_ms))
                        (Action {
                            path: &format!("/settings/keys/{}/replace", key.id),
                            title: "Replace",
                            consequence: "It signs nothing from the next call on, and a new one is made: for a key that has leaked. Clients fail until they have the new one.",
                            button: "Replace it now",
                            is_grave: true,
                        }.render(visit, &None, html! {}))
                        (Action {
                            path: &format!("/settings/keys/{}/revoke", key.id),
                            title: "Revoke",
                            consequence: "It signs nothing from the next call on. It cannot be brought back.",
                            button: "Revoke it",
                            is_grave: true,
                        }.render(visit, &None, html! {}))
                    }
                }
            }
            form method="post" action="/settings/keys/new" {
                (parts::form_token(visit))
                (parts::problem_of_form(problem, &fields))
                (fields)
                div.buttons { button type="submit" { "Make a new key" } }
            }
        }
    }
}

fn allow_list(visit: &Visit, networks: &[String], problem: &Problem) -> Markup {
    let field = Field::text("network", "Address or block", "")
        .required()
        .hint("192.0.2.7 or 192.0.2.0/24; the first one shuts out everyone else")
        .render(problem);
    html! {
        section.card {
            h2 { "IP allow-list" }
            @if networks.is_empty() { p { "Empty: calls in your name are answered from anywhere." } }
            @else { p.hint { "Calls in your name from elsewhere are answered as if nobody had that name. The web pages are not affected." } }
            ul.plain {
                @for network in networks {
                    li {
                        form.inline method="post" action="/settings/disallow" {
                            (parts::form_token(visit))
                            input type="hidden" name="network" value=(network);
                            code { (network) } " " button.quiet type="submit" { "Take off" span.hidden { " " (network) } }
                        }
                    }
                }
            }
            form method="post" action="/settings/allow" {
                (parts::form_token(visit))
                (parts::problem_of_form(problem, &field))
                (field)
                div.buttons { button type="submit" { "Allow it" } }
            }
        }
    }
}

/// Changes the settings that were sent, all in one step.
pub async fn set(visit: Visit) -> Result<Answer, Trouble> {
    let sent = SETTINGS.iter().filter_map(|setting| {
        visit.sent.raw(setting.name)?;
        Some((setting.name, visit.text(setting.name)))
    });
    let sent: Vec<(&'static str, String)> = sent.collect();
    let set = visit.write(move |tx, by| settings::set_all(tx, by, &sent));
    match set.await {
        Ok(()) => Ok(Answer::SeeOther("/settings?done=saved".into())),
        Err(error) => {
            let setting = problem(error, "")?;
            render(
                &visit,
                &Shown {
                    setting,
                    ..Default::default()
                },
            )
        }
    }
}

/// Adds a block to the allow-list.
pub async fn allow(visit: Visit) -> Result<Answer, Trouble> {
    set_allowed(visit, true).await
}

/// Takes a block off the allow-list.
pub async fn disallow(visit: Visit) -> Result<Answer, Trouble> {
    set_allowed(visit, false).await
}

async fn set_allowed(visit: Visit, allowed: bool) -> Result<Answer, Trouble> {
    let network = visit.text("network");
    let set =
        visit.write(move |tx, by| users::allow_network(tx, by, by.owner_id(), &network, allowed));
    match set.await {
        Ok(_) => Ok(Answer::SeeOther("/settings?done=saved".into())),
        Err(error) => {
            let network = problem(error, "")?;
            render(
                &visit,
                &Shown {
                    network,
                    ..Default::default()
                },
            )
        }
    }
}

/// Makes a key, and shows it this once.
pub async fn add_key(visit: Visit) -> Result<Answer, Trouble> {
    let key = keys::generate(&visit.app.core.ambient);
    let (secret, user) = (key.clone(), visit.sent.text("user_id"));
    let added = visit.write(move |tx, by| {
        let user_id = match user {
            Some(name) => users::get_named(tx, by, name.trim())?.id,
            None => by.owner_id(),
        };
        keys::add(tx, by, user_id, &secret)
    });
    match added.await {
        Ok(_) => render(
            &visit,
            &Shown {
                new_key: Some(key),
                ..Default::default()
            },
        ),
        Err(error) => {
            let key = problem(error, "")?;
            render(
                &visit,
                &Shown {
                    key,
                    ..Default::default()
                },
            )
        }
    }
}

/// Revokes a key, and makes and shows another.
pub async fn replace_key(visit: Visit) -> Result<Answer, Trouble> {
    let key = keys::generate(&visit.app.core.ambient);
    let (id, secret) = (visit.id(), key.clone());
    visit
        .write(move |tx, by| keys::replace(tx, by, id, &secret))
        .await?;
    render(
        &visit,
        &Shown {
            new_key: Some(key),
            ..Default::default()
        },
    )
}

/// Revokes a key.
pub async fn revoke_key(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    visit.write(move |tx, by| keys::revoke(tx, by, id)).await?;
    Ok(Answer::SeeOther("/settings?done=revoked".into()))
}
