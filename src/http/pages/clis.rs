//! CLIs: the list, a new one, one to edit or delete.

use maud::{Markup, html};

use crate::api::parameters::Parameters;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::filters::yes_or_no;
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{
    self, Action, Field, Problem, badge, facts, or_dash, select, tick, yes_no,
};
use crate::http::pages::frame::problem::{problem, problem_on_page};
use crate::http::pages::frame::visit::Visit;
use crate::service::clis::{self, Edit, Filter, Named, NewCli};
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::{MAX_OFFERED, Slice};
use crate::service::named::IVRS;
use crate::service::{Error, Thing, device_lists, devices, users};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::clis::Cli;
use crate::store::tables::devices::Device;

/// A CLI, and the device it stands for.
pub struct Row {
    cli: Cli,
    device: String,
    username: String,
}

impl Row {
    fn name(&self) -> &str {
        let name = self.cli.number.as_deref().or(self.cli.domain.as_deref());
        name.unwrap_or_default()
    }
}

static LIST: List<Row> = List {
    path: "/clis",
    noun: "clis",
    columns: &[
        Column {
            name: "Number or domain",
            sort: None,
            html: Some(|row| {
                html! {
                    a href={ "/clis/" (row.cli.id) } { (row.name()) }
                    @if row.cli.banned { " " (badge("banned")) }
                }
            }),
            text: |row| row.name().into(),
        },
        Column {
            name: "Description",
            sort: None,
            html: Some(|row| or_dash(&row.cli.description)),
            text: |row| row.cli.description.clone(),
        },
        Column {
            name: "Device",
            sort: None,
            html: Some(|row| html! { a href={ "/devices/" (row.cli.device_id) } { (row.device) } }),
            text: |row| row.device.clone(),
        },
        Column {
            name: "User",
            sort: None,
            html: Some(|row| html! { (row.username) }),
            text: |row| row.username.clone(),
        },
        Column {
            name: "Comment",
            sort: None,
            html: Some(|row| or_dash(&row.cli.comment)),
            text: |row| row.cli.comment.clone(),
        },
        Column {
            name: "Banned",
            sort: None,
            html: None,
            text: |row| yes_no(row.cli.banned).into(),
        },
    ],
    filters: &["q", "banned", "device"],
    searched: "",
    empty: "There are no CLIs yet. A CLI is a calling number or domain that identifies a device.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Row>, Error> {
    let filter = Filter {
        start: sent.get("q").unwrap_or_default().trim().into(),
        device_id: sent.id("device").map(|id| id.unwrap_or(-1)),
        banned: sent.get("banned").and_then(yes_or_no),
    };
    let slice = clis::list(tx, by, &filter, after, limit)?;
    slice.try_map(|cli| {
        let device = devices::find_own(tx, by, cli.device_id)?;
        let username = match &device {
            Some(device) => users::name_of(tx, device.user_id)?,
            None => String::new(),
        };
        let device = device.map_or_else(String::new, |device| device.extension);
        Ok(Row {
            cli,
            device,
            username,
        })
    })
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let text = |name| visit.sent.get(name).unwrap_or_default();
    let banned = [("", "any"), ("yes", "yes"), ("no", "no")];
    let banned = banned.map(|(sent, shown)| (sent.to_owned(), shown.to_owned()));
    let filter = html! {
        (Field::text("q", "Begins with", text("q")).kind("search").render(&None))
        (select("banned", "Banned", &banned, text("banned"), "", &None))
        @if let Some(device) = visit.sent.get("device") {
            (Field::text("device", "Device ID", device).render(&None))
        }
    };
    let head = html! {
        @if visit.may(Right::ManageDevices) { a.button href="/clis/new" { "New CLI" } }
    };
    LIST.show(&visit, "CLIs", head, filter)
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    new_form(&visit, &None)
}

fn offered_ivrs(visit: &Visit) -> Result<Vec<(String, String)>, Trouble> {
    let known = visit.read(|tx| IVRS.list_offered(tx, visit.by()))?;
    let mut options = vec![(String::new(), "none".to_owned())];
    options.extend(known.into_iter().map(|ivr| (ivr.id.to_string(), ivr.name)));
    Ok(options)
}

/// The newest devices. Where more exist, the field takes any own device by its ID.
fn offered_devices(visit: &Visit) -> Result<Vec<(String, String)>, Trouble> {
    let (by, limit) = (visit.by(), MAX_OFFERED as usize);
    let all = device_lists::Filter::default();
    let found = visit.read(|tx| device_lists::list(tx, by, &all, None, limit))?;
    let offer = |device: Device| {
        let shown = format!("{} {}", device.extension, device.description);
        (device.id.to_string(), shown.trim_end().to_owned())
    };
    Ok(found.rows.into_iter().map(offer).collect())
}

fn new_form(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let text = |name: &str| visit.sent.raw(name).unwrap_or_default().to_owned();
    let ivrs = offered_ivrs(visit)?;
    let devices = offered_devices(visit)?;
    let form = parts::form(
        visit,
        "/clis/new",
        "Add the CLI",
        problem,
        html! {
            (Field::text("device_id", "Device", &text("device_id")).required().among(&devices, "the ID of a device, as on its page")
                .hint("The device that its calls belong to").render(problem))
            (Field::text("cli_number", "Number", &text("cli_number")).hint("Up to 20 digits").render(problem))
            (Field::text("cli_domain", "Domain", &text("cli_domain")).hint("Instead of a number: where its calls come from, like sip.example.com").render(problem))
            (Field::text("cli_description", "Description", &text("cli_description")).render(problem))
            (Field::text("comment", "Comment", &text("comment")).render(problem))
            (select("ivr_id", "IVR", &ivrs, &text("ivr_id"), "Where its calls go", problem))
            (tick("banned", "Banned", visit.is_on("banned"), "Calls from it are refused", problem))
        },
    );
    let body = html! {
        @if devices.is_empty() {
            p.notice.warn { "A CLI belongs to a device, and there is none yet. " a href="/devices/new" { "Create a device" } }
        }
        (form)
    };
    Ok(visit.page_or_problem("New CLI", problem.is_some(), body))
}

/// Adds one as `cli_add` does.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let new = NewCli {
        device_id: visit.sent.id("device_id"),
        number: visit
            .sent
            .text("cli_number")
            .map(|number| number.trim().into()),
        domain: visit
            .sent
            .text("cli_domain")
            .map(|domain| domain.trim().into()),
        description: visit.text("cli_description"),
        comment: visit.text("comment"),
        banned: visit.is_on("banned").then(|| "1".into()),
        ivr_id: visit.sent.id("ivr_id"),
    };
    match visit.write(move |tx, by| clis::create(tx, by, new)).await {
        Ok(id) => Ok(Answer::SeeOther(format!("/clis/{id}?done=added"))),
        Err(error) => {
            let problem = problem(error, "cli_add")?;
            new_form(&visit, &problem)
        }
    }
}

/// One CLI.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let by = visit.by();
    let (cli, ivr_name, device) = visit.read(|tx| {
        let cli = clis::get(tx, by, visit.id())?;
        let ivr_name = match cli.ivr_id {
            Some(id) => IVRS.name_of(tx, id)?,
            None => String::new(),
        };
        let device = devices::extension_of(tx, by, cli.device_id)?;
        Ok::<_, Error>((cli, ivr_name, device))
    })?;
    let name = cli
        .number
        .as_deref()
        .or(cli.domain.as_deref())
        .unwrap_or_default();
    let manages = visit.may(Right::ManageDevices);
    let edit = match manages {
        true => edit_form(visit, &cli, problem)?,
        false => html! {},
    };
    let body = html! {
        p.crumbs { a href="/clis" { "CLIs" } " / " (name) }
        div.columns {
            section.card { (facts(&[
                ("Number", or_dash(cli.number.as_deref().unwrap_or_default())),
                ("Domain", or_dash(cli.domain.as_deref().unwrap_or_default())),
                ("Device", html! { a href={ "/devices/" (cli.device_id) } { (device) } }),
                ("Description", or_dash(&cli.description)),
                ("Comment", or_dash(&cli.comment)),
                ("Banned", html! { (yes_no(cli.banned)) }),
                ("IVR", or_dash(&ivr_name)),
            ])) }
            (edit)
        }
    };
    Ok(visit.page_or_problem(&format!("CLI {name}"), problem.is_some(), body))
}

/// What can be changed, as typed where it was refused, and how the CLI is deleted.
fn edit_form(visit: &Visit, cli: &Cli, problem: &Problem) -> Result<Markup, Trouble> {
    let ivrs = offered_ivrs(visit)?;
    let typed = |name: &str, stored: &str| match problem {
        Some(_) => visit.sent.raw(name).unwrap_or_default().to_owned(),
        None => stored.to_owned(),
    };
    let ivr = cli.ivr_id.map_or_else(String::new, |id| id.to_string());
    let is_banned = match problem {
        Some(_) => visit.is_on("banned"),
        None => cli.banned,
    };
    Ok(html! {
        div {
            (parts::form(visit, &format!("/clis/{}/edit", cli.id), "Save", problem, html! {
                h2 { "Edit" }
                (Field::text("cli_description", "Description", &typed("cli_description", &cli.description)).render(problem))
                (Field::text("comment", "Comment", &typed("comment", &cli.comment)).render(problem))
                (select("ivr_id", "IVR", &ivrs, &typed("ivr_id", &ivr), "Where its calls go", problem))
                (tick("banned", "Banned", is_banned, "Calls from it are refused", problem))
            }))
            section.actions {
                (Action {
                    path: &format!("/clis/{}/delete", cli.id),
                    title: "Delete this CLI",
                    consequence: "Calls from it are no longer recognised as this device's, and it can be added to another device. The action log keeps what it was.",
                    button: "Delete it",
                    is_grave: true,
                }.render(visit, &None, html! {}))
            }
        }
    })
}

/// Changes the fields that can be edited.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let id = visit.id();
    let edit = Edit {
        description: visit.text("cli_description"),
        comment: visit.text("comment"),
        banned: visit.is_on("banned"),
        ivr_id: visit.sent.id("ivr_id"),
    };
    visit.read(|tx| clis::get(tx, visit.by(), id))?;
    match visit
        .write(move |tx, by| clis::update(tx, by, id, edit))
        .await
    {
        Ok(()) => Ok(Answer::SeeOther(format!("/clis/{id}?done=saved"))),
        Err(error) => {
            let problem = problem_on_page(Thing::Cli, error, "cli_add")?;
            render(&visit, &problem)
        }
    }
}

/// Deletes it.
pub async fn delete(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let work = visit.write(move |tx, by| clis::delete(tx, by, Named::by_id(id)));
    work.await?;
    Ok(Answer::SeeOther("/clis?done=deleted".into()))
}
