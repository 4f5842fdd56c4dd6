//! The settings of a device beyond its form of everyday fields: how it is known, its own balance, where faxes go, and its
//! options in groups, of which only those that differ from the defaults stand open.

use maud::{Markup, html};

use crate::device_options::{DeviceOption, Group, Kind, OPTIONS};
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::options::shown;
use crate::http::pages::frame::parts::{self, Field, Problem, badge, select};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::Thing;
use crate::service::device_details::{self, Details};
use crate::service::device_options::{Options, takes};
use crate::service::device_update::{self, Change, FIELDS};
use crate::service::guard::access::Right;
use crate::store::tables::users::Permission;

/// The form.
pub async fn form(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let id = visit.id();
    let details = visit.read(|tx| device_details::get(tx, visit.by(), Some(id)))?;
    let body = html! {
        p.crumbs {
            a href="/devices" { "Devices" } " / "
            a href={ "/devices/" (id) } { (details.device.extension) } " / Settings"
        }
        (parts::form(visit, &format!("/devices/{id}/settings"), "Save", problem, html! {
            (known(visit, &details, problem))
            (more(visit, &details, problem))
            @for group in Group::ALL { (options(visit, &details, group, problem)) }
        }))
    };
    let title = format!("Settings of {}", details.device.extension);
    Ok(visit.page_or_problem(&title, problem.is_some(), body))
}

/// What was typed, where it was refused; otherwise what is stored.
fn typed(visit: &Visit, name: &str, stored: &str, problem: &Problem) -> String {
    let sent = visit.sent.raw(name).filter(|_| problem.is_some());
    sent.unwrap_or(stored).to_owned()
}

fn words(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(sent, shown)| ((*sent).into(), (*shown).into()))
        .collect()
}

/// How it is known: by its login, or by its address.
fn known(visit: &Visit, details: &Details, problem: &Problem) -> Markup {
    let device = &details.device;
    let value = |name| typed(visit, name, &stored(details, name), problem);
    let ways = words(&[("0", "by username and secret"), ("1", "by address")]);
    html! {
        h2 { "How it is known" }
        (select("authentication", "Known", &ways, &typed(visit, "authentication", flag(device.ip_auth), problem), "", problem))
        (Field::text("username", "Username", &value("username"))
            .hint("For one that registers: letters, digits and . _ - +, unique").render(problem))
        (Field::text("password", "New secret", &value("password"))
            .hint("8 to 64 visible characters; blank: it stays as it is").render(problem))
        (Field::text("host", "Address", &value("host"))
            .hint("For one that is known by its address: IPv4 or IPv6").render(problem))
        (Field::text("hostname", "Host name", &value("hostname"))
            .hint("Instead of the address, which has to be blank then").render(problem))
        (Field::text("port", "Port", &value("port")).render(problem))
    }
}

/// What the form shows in a field of the login or the address before anyone types.
fn stored(details: &Details, name: &str) -> String {
    let device = &details.device;
    match name {
        "username" => device.username.clone(),
        "host" if device.ip_auth && device.hostname.is_empty() => device.ipaddr.clone(),
        "hostname" => device.hostname.clone(),
        "port" if device.ip_auth => device.port.to_string(),
        _ => String::new(),
    }
}

/// A login typed for a device that is known by its address, or an address for one that registers. The API ignores it;
/// a person should learn that it would not count.
fn misplaced(visit: &Visit, details: &Details) -> Problem {
    let by_address = visit.text("authentication") == "1";
    let (names, only) = match by_address {
        true => (&["username", "password"][..], "registers"),
        false => (&["host", "hostname", "port"][..], "is known by its address"),
    };
    let is_typed = |name: &&str| {
        let typed = visit.text(name);
        !typed.is_empty() && typed != stored(details, name)
    };
    let name = names.iter().copied().find(is_typed)?;
    Some((name, format!("This is only for a device that {only}.")))
}

fn flag(is_on: bool) -> &'static str {
    if is_on { "1" } else { "0" }
}

fn more(visit: &Visit, details: &Details, problem: &Problem) -> Markup {
    let device = &details.device;
    let value = |name, stored: &str| typed(visit, name, stored, problem);
    let kinds = words(&[
        ("0", "no"),
        ("1", "yes"),
        ("2", "yes, with the caller's number (ANI)"),
    ]);
    let trunk = (u8::from(device.is_trunk) + u8::from(device.with_ani)).to_string();
    let faxes: Vec<(String, String)> = std::iter::once((String::new(), "none".into()))
        .chain(
            details
                .fax_emails
                .iter()
                .map(|mail| (mail.clone(), mail.clone())),
        )
        .collect();
    html! {
        h2 { "Numbers, balance and faxes" }
        (Field::text("extension", "Extension", &value("extension", &device.extension))
            .hint("Up to 20 of a-z, 0-9, # and *, unique").render(problem))
        (select("trunk", "Trunk", &kinds, &value("trunk", &trunk), "", problem))
        (Field::text("balance", "Own balance", &value("balance", &device.balance.to_string()))
            .hint("It is set to this amount; payments do not touch it").render(problem))
        (Field::text("fax_email_add", "Send faxes to one address more", &value("fax_email_add", ""))
            .hint("A mail address; 20 at most").render(problem))
        @if !details.fax_emails.is_empty() {
            (select("fax_email_delete", "Send no more faxes to", &faxes, &value("fax_email_delete", ""), "", problem))
        }
    }
}

/// The options of a group. It stands open if one of them differs from the default or is wrong.
fn options(visit: &Visit, details: &Details, group: Group, problem: &Problem) -> Markup {
    let may = visit.by().may(Permission::ManageCallerId);
    let members = OPTIONS
        .iter()
        .filter(|option| option.group == group && (may || !option.is_caller_id));
    let members: Vec<&DeviceOption> = members.collect();
    let own = details.options.own();
    let own = own.filter(|(option, _)| option.group == group).count();
    let is_wrong = problem
        .as_ref()
        .is_some_and(|(field, _)| members.iter().any(|option| option.name == *field));
    html! {
        details.action open[own > 0 || is_wrong] {
            summary { (group.title()) @if own > 0 { " " (badge(&format!("{own} changed"))) } }
            div.inside { @for option in members { (field(visit, &details.options, option, problem)) } }
        }
    }
}

fn field(
    visit: &Visit,
    options: &Options,
    option: &'static DeviceOption,
    problem: &Problem,
) -> Markup {
    let stored = options.get(option);
    let is_own = stored != option.default;
    // Whoever is shown an address with a key could read the key.
    let stored = if option.is_secret { "" } else { stored };
    let value = typed(visit, option.name, stored, problem);
    let default = match option.default {
        "" => "blank".to_owned(),
        default => default.to_owned(),
    };
    let doc = option.doc.trim_end_matches('.');
    let hint = match (option.is_secret, is_own) {
        (true, true) => format!(
            "{doc}. It is {}; blank: it stays",
            shown(options.get(option))
        ),
        (true, false) => doc.to_owned(),
        (false, true) => format!(
            "{doc}. Takes {}; the default is {default}",
            takes(option.kind)
        ),
        (false, false) => format!("{doc}. Takes {}", takes(option.kind)),
    };
    match option.kind {
        Kind::Flag => {
            let words = words(&[("0", "no"), ("1", "yes")]);
            let hint = format!(
                "{doc}. The default is {}",
                if default == "1" { "yes" } else { "no" }
            );
            select(option.name, option.name, &words, &value, &hint, problem)
        }
        Kind::Word(words) => select(
            option.name,
            option.name,
            &parts::options(words),
            &value,
            &format!("{doc}. The default is {default}"),
            problem,
        ),
        _ => Field::text(option.name, option.name, &value)
            .hint(&hint)
            .render(problem),
    }
}

/// Changes what differs.
pub async fn save(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let id = visit.id();
    let details = visit.read(|tx| device_details::get(tx, visit.by(), Some(id)))?;
    let problem = misplaced(&visit, &details);
    if problem.is_some() {
        return render(&visit, &problem);
    }
    let mut change = Change::default();
    let names = FIELDS.iter().copied();
    let options = OPTIONS.iter();
    for name in names.filter(|name| *name != "hidden" && !name.contains("callerid")) {
        if let Some(value) = visit.sent.raw(name) {
            change.set(name, value.trim());
        }
    }
    for option in options {
        // A blank address of a web service stays as it is.
        let sent = visit.sent.raw(option.name);
        let sent = sent.filter(|sent| !(option.is_secret && sent.trim().is_empty()));
        if let Some(value) = sent {
            change.set(option.name, value.trim());
        }
    }
    let saved = visit.write(move |tx, by| device_update::update(tx, by, Some(id), &change));
    match saved.await {
        Ok(()) => Ok(Answer::SeeOther(format!("/devices/{id}?done=saved"))),
        Err(error) => render(&visit, &problem_on_page(Thing::Device, error, "")?),
    }
}

/// Blocks the device, or unblocks it.
pub async fn block(visit: Visit) -> Result<Answer, Trouble> {
    let (id, blocks) = (visit.id(), visit.is_on("blocked"));
    let done = visit.write(move |tx, by| device_update::set_blocked(tx, by, id, blocks));
    done.await?;
    let done = if blocks { "blocked" } else { "unblocked" };
    Ok(Answer::SeeOther(format!("/devices/{id}?done={done}")))
}
