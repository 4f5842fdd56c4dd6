//! DIDs: the list, and new ones, one by one or as a range.

use maud::{Markup, html};

use crate::api::parameters::{Parameters, parse_id};
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::choices::{BY_NAME, offered_providers, offered_users};
use crate::http::pages::frame::filters::{DID_FILTERS, did_filter};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{self, Field, Problem, badge, or_dash, select, tick};
use crate::http::pages::frame::problem::problem;
use crate::http::pages::frame::visit::Visit;
use crate::service::did_ranges::MAX_RANGE;
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::named::DIALPLANS;
use crate::service::{Error, devices, did_lists, did_ranges, providers, users};
use crate::store::ReadTx;
use crate::store::row::{Cursor, Id};
use crate::store::tables::dids::{Did, DidStatus};
use crate::store::tables::users::ADMIN;

/// Numbers that the preview shows from each end of a range.
const PREVIEWED: usize = 5;

/// A DID, and the names of the things it is tied to.
pub struct Row {
    /// The DID.
    pub did: Did,
    /// Its user's name.
    pub username: String,
    /// Its provider's name, for those who may know it.
    pub provider: Option<String>,
    /// The device it is on, for those who may see it.
    pub device_id: Option<Id>,
    /// The device or dial plan it is on, in words.
    pub on: String,
}

static LIST: List<Row> = List {
    path: "/dids",
    noun: "dids",
    columns: &[
        Column {
            name: "DID",
            sort: None,
            html: Some(|row| html! { a href={ "/dids/" (row.did.id) } { (row.did.did) } }),
            text: |row| row.did.did.clone(),
        },
        Column {
            name: "Status",
            sort: None,
            html: Some(|row| badge(row.did.status.as_str())),
            text: |row| row.did.status.to_string(),
        },
        Column {
            name: "User",
            sort: None,
            html: Some(|row| or_dash(&row.username)),
            text: |row| row.username.clone(),
        },
        Column {
            name: "On",
            sort: None,
            html: Some(|row| {
                html! {
                    @match row.device_id {
                        Some(id) => a href={ "/devices/" (id) } { (row.on) },
                        None => (or_dash(&row.on)),
                    }
                }
            }),
            text: |row| row.on.clone(),
        },
        Column {
            name: "Provider",
            sort: None,
            html: Some(|row| or_dash(row.provider.as_deref().unwrap_or_default())),
            text: |row| row.provider.clone().unwrap_or_default(),
        },
    ],
    filters: DID_FILTERS,
    searched: "",
    empty: "There are no DIDs yet. A DID is a number that can be called from outside; it comes from a provider.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Row>, Error> {
    let filter = did_filter(tx, by, sent)?.filter;
    let slice = did_lists::list(tx, by, &filter, after, limit)?;
    slice.try_map(|did| row(tx, by, did))
}

pub(super) fn row(tx: &ReadTx<'_>, by: &Actor, did: Did) -> Result<Row, Error> {
    let on = match (did.device_id, did.dialplan_id) {
        (Some(id), _) => match devices::extension_of(tx, by, id)? {
            extension if extension.is_empty() => "a device".into(),
            extension => format!("device {extension}"),
        },
        (None, Some(id)) => DIALPLANS.name_of(tx, id)?,
        (None, None) => String::new(),
    };
    Ok(Row {
        username: match did.user_id {
            Some(id) => users::name_of(tx, id)?,
            None => String::new(),
        },
        provider: providers::name_of(tx, by, did.provider_id)?,
        device_id: did.device_id.filter(|_| by.has(Right::SeeDevices)),
        on,
        did,
    })
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let text = |name| visit.sent.get(name).unwrap_or_default();
    let mut states = vec![(String::new(), "any".to_owned())];
    states.extend(
        DidStatus::ALL
            .iter()
            .map(|state| (state.to_string(), state.to_string())),
    );
    let mut from = vec![(String::new(), "any".to_owned())];
    from.extend(offered_providers(&visit)?);
    let offers = offered_users(&visit)?;
    let resellers: Vec<(String, String)> = offers
        .iter()
        .filter(|(_, shown)| shown.contains("(reseller,"))
        .cloned()
        .collect();
    let mut plans = Vec::new();
    if visit.may(Right::ManageDids) {
        let found = visit.read(|tx| DIALPLANS.list_offered(tx, visit.by()))?;
        plans.push((String::new(), "any".to_owned()));
        plans.extend(
            found
                .into_iter()
                .map(|plan| (plan.id.to_string(), plan.name)),
        );
    }
    let filter = html! {
        (Field::text("q", "Number begins with", text("q")).kind("search").render(&None))
        (Field::text("part", "Number contains", text("part")).kind("search").render(&None))
        (select("status", "Status", &states, text("status"), "", &None))
        @if visit.by().only_user().is_none() {
            (Field::text("user", "User", text("user")).among(&offers, BY_NAME).render(&None))
            (select("provider", "Provider", &from, text("provider"), "", &None))
            (Field::text("device", "Device ID", text("device")).render(&None))
            @if !plans.is_empty() { (select("dialplan", "Dial plan", &plans, text("dialplan"), "", &None)) }
            @if visit.by().owner_id() == ADMIN {
                (Field::text("lent_to", "On loan to", text("lent_to")).among(&resellers, BY_NAME).render(&None))
            }
        }
        (Field::text("language", "Language", text("language")).render(&None))
        (tick("hide", "Hide terminated ones", text("hide") == "1", "", &None))
    };
    let head = html! {
        @if visit.may(Right::ManageDids) {
            a.button href="/dids/new" { "New DIDs" }
            a.button.quiet href={ "/dids/bulk" (LIST.query(&visit.sent, &[])) } { "All of these…" }
        }
    };
    LIST.show(&visit, "DIDs", head, filter)
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    new_form(&visit, &None, html! {})
}

fn new_form(visit: &Visit, problem: &Problem, preview: Markup) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDids)?;
    let text = |name: &str| visit.sent.raw(name).unwrap_or_default().to_owned();
    let from = offered_providers(visit)?;
    let limit = format!(
        "Blank: just the one. A range has up to {MAX_RANGE} numbers of the same length; all of them are added, or none."
    );
    let body = html! {
        @if from.is_empty() { p.notice.bad { "DIDs come from a provider, and there is none yet. " a href="/providers/new" { "Add a provider" } } }
        (parts::form(visit, "/dids/new", "Preview", problem, html! {
            (select("provider_id", "Provider", &from, &text("provider_id"), "", problem))
            (Field::text("did", "Number, or the first of a range", &text("did")).required().hint("1 to 15 digits").render(problem))
            (Field::text("last", "Last of the range", &text("last")).hint(&limit).render(problem))
        }))
        (preview)
    };
    Ok(visit.page_or_problem("New DIDs", problem.is_some(), body))
}

/// Shows the DIDs that would be added, and adds them once that is confirmed.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let first = visit.text("did");
    let last = match visit.text("last") {
        last if last.is_empty() => first.clone(),
        last => last,
    };
    let numbers = match did_ranges::range(&first, &last) {
        Ok(numbers) => numbers,
        Err(error) => return new_form(&visit, &problem(error, "")?, html! {}),
    };
    let provider_id = parse_id(&visit.text("provider_id"));
    if !visit.is_on("confirmed") {
        let preview = preview(&visit, &numbers)?;
        return new_form(&visit, &None, preview);
    }
    let made =
        visit.write(move |tx, by| did_ranges::create_range(tx, by, &first, &last, provider_id));
    match made.await {
        Ok(_) => {
            let start = common_start(&numbers);
            Ok(Answer::SeeOther(format!("/dids?q={start}&done=added")))
        }
        Err(error) => {
            let problem = problem(error, "")?;
            new_form(&visit, &problem, html! {})
        }
    }
}

/// The beginning that all numbers of a range share.
fn common_start(numbers: &[String]) -> String {
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
        return String::new();
    };
    let same = first.chars().zip(last.chars()).take_while(|(a, b)| a == b);
    same.map(|(digit, _)| digit).collect()
}

fn preview(visit: &Visit, numbers: &[String]) -> Result<Markup, Trouble> {
    let taken = visit.read(|tx| did_ranges::taken(tx, visit.by(), numbers))?;
    let count = numbers.len();
    Ok(html! {
        section.card #preview {
            h2 { "Preview" }
            @if taken.is_empty() {
                p { (count) @if count == 1 { " DID" } @else { " DIDs" } " would be added, each free:" }
                p.numbers {
                    @for number in numbers.iter().take(PREVIEWED) { code { (number) } " " }
                    @if count > 2 * PREVIEWED { "… " }
                    @for number in numbers.iter().skip(PREVIEWED.max(count.saturating_sub(PREVIEWED))) { code { (number) } " " }
                }
                form method="post" action="/dids/new" {
                    (parts::form_token(visit))
                    @for name in ["provider_id", "did", "last"] { input type="hidden" name=(name) value=(visit.text(name)); }
                    input type="hidden" name="confirmed" value="1";
                    div.buttons { button type="submit" { "Add " @if count == 1 { "it" } @else { "all " (count) } } }
                }
            } @else {
                p.problem { (taken.len()) " of " (count) " exist already, so none would be added:" }
                p.numbers { @for number in taken.iter().take(2 * PREVIEWED) { code { (number) } " " } @if taken.len() > 2 * PREVIEWED { "…" } }
            }
        }
    })
}
