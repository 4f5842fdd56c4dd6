//! Providers: the list, a new one, and the form of one.

use maud::{Markup, html};

use crate::api::parameters::Parameters;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::named_form::Kind;
use crate::http::pages::frame::parts::{
    self, Field as Input, Problem, badge, options, or_dash, select, tick, yes_no,
};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::provider_details::{DTMF_MODES, Sent, get};
use crate::service::providers::{self, Filter};
use crate::service::{Error, Field, Thing};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::providers::{Details, NetworkType, Tech};
use crate::store::tables::users::UserType;

pub(super) const KIND: Kind = Kind {
    thing: Thing::Provider,
    path: "/providers",
    plural: "Providers",
    singular: "provider",
    hiding: "Nothing can be done with it any more. It is refused while it has DIDs that are not terminated. It is not deleted: DIDs and the action log point to it.",
};

static LIST: List<Details> = List {
    path: "/providers",
    noun: "providers",
    columns: &[
        Column {
            name: "Name",
            sort: None,
            html: Some(|row| html! { a href={ "/providers/" (row.id) } { (row.name) } }),
            text: |row| row.name.clone(),
        },
        Column {
            name: "Status",
            sort: None,
            html: Some(|row| badge(status(row))),
            text: |row| status(row).into(),
        },
        Column {
            name: "Technology",
            sort: None,
            html: Some(|row| html! { (row.tech) }),
            text: |row| row.tech.to_string(),
        },
        Column {
            name: "Address",
            sort: None,
            html: Some(|row| or_dash(&address(row))),
            text: address,
        },
        Column {
            name: "Registration",
            sort: None,
            html: Some(|row| or_dash(registration(row))),
            text: |row| registration(row).into(),
        },
        Column {
            name: "Common use",
            sort: None,
            html: Some(|row| html! { (yes_no(row.common_use)) }),
            text: |row| yes_no(row.common_use).into(),
        },
        Column {
            name: "ID",
            sort: None,
            html: Some(|row| html! { span.id { (row.id) } }),
            text: |row| row.id.to_string(),
        },
    ],
    filters: &["q", "tech", "network_type", "active"],
    searched: "The search looks at names.",
    empty: "There are no providers yet. DIDs come from a provider.",
    fetch,
};

/// Whether calls go through it, in a word.
pub(super) fn status(provider: &Details) -> &'static str {
    if provider.active {
        "active"
    } else {
        "inactive"
    }
}

/// Where it is, in words; blank if nobody has said.
pub(super) fn address(provider: &Details) -> String {
    let host = match provider.server_ip.as_str() {
        "" => provider.ipaddr.as_str(),
        host => host,
    };
    match (provider.network_type, host) {
        (NetworkType::Dynamic, _) => "where it registers from".into(),
        (_, "") => String::new(),
        // The colons of an IPv6 address are not the port's.
        (_, host) if host.contains(':') => format!("[{host}]:{}", provider.port),
        (_, host) => format!("{host}:{}", provider.port),
    }
}

/// Who registers with whom, in words; blank: nobody.
pub(super) fn registration(provider: &Details) -> &'static str {
    match (provider.network_type, provider.register) {
        (NetworkType::Dynamic, _) => "it registers here",
        (_, true) => "registered there",
        (_, false) => "",
    }
}

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Details>, Error> {
    let text = |name| sent.get(name).unwrap_or_default().trim();
    let filter = Filter {
        search: text("q").into(),
        tech: text("tech").parse().ok(),
        network_type: text("network_type").parse().ok(),
        active: match text("active") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
    };
    providers::list(tx, by, &filter, after, limit)
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let text = |name| visit.sent.get(name).unwrap_or_default();
    let any = |words: &[&str]| {
        let mut any = vec![(String::new(), "any".to_owned())];
        any.extend(options(words));
        any
    };
    let filter = html! {
        (Input::text("q", "Name", text("q")).kind("search").render(&None))
        (select("tech", "Technology", &any(&Tech::ALL.iter().map(|tech| tech.as_str()).collect::<Vec<_>>()), text("tech"), "", &None))
        (select("network_type", "Reached by", &any(&["hostname", "ip", "dynamic"]), text("network_type"), "", &None))
        (select("active", "Active", &any(&["yes", "no"]), text("active"), "", &None))
    };
    let new = html! {
        @if visit.may(Right::ManageSetup) { a.button href="/providers/new" { "New provider" } }
    };
    LIST.show(&visit, "Providers", new, filter)
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageSetup)?;
    new_form(&visit, &None)
}

fn new_form(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let empty = Details::new(visit.by().owner_id());
    let fields = fields(visit, &empty, problem);
    let body = parts::form(visit, "/providers/new", "Add it", problem, fields);
    Ok(visit.page_or_problem("New provider", problem.is_some(), body))
}

/// Adds one.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let sent = sent(&visit);
    let added = visit.write(move |tx, by| providers::create(tx, by, by.owner_id(), &sent));
    match added.await {
        Ok(id) => Ok(Answer::SeeOther(format!("/providers/{id}?done=added"))),
        Err(error) => new_form(&visit, &problem_of(error)?),
    }
}

/// The name of the field for the provider's password. Under its own, a browser would fill in the visitor's.
const PASSWORD: &str = "provider_password";

/// The problem of the form.
pub(super) fn problem_of(error: Error) -> Result<Problem, Trouble> {
    let problem = problem_on_page(Thing::Provider, error, "")?;
    Ok(problem.map(|(field, text)| match field {
        "password" => (PASSWORD, text),
        field => (field, text),
    }))
}

/// What the form says. A box that is not ticked is not sent. A blank password leaves the present one, and so does any
/// other field that is not there at all.
pub(super) fn sent(visit: &Visit) -> Sent {
    let details = Sent::details(|name| match name {
        "active" | "register" => Some(u8::from(visit.is_on(name)).to_string()),
        "password" => {
            let password = visit.sent.in_body(PASSWORD).unwrap_or_default();
            let is_said = !password.is_empty() || visit.is_on("no_password");
            is_said.then(|| password.to_owned())
        }
        "location_id" => None,
        name => visit.sent.raw(name).map(|value| value.trim().into()),
    });
    Sent {
        name: Some(visit.text("name")),
        common_use: Some(visit.is_on("common_use")),
        tariff_id: None,
        details,
    }
}

/// The fields of one, in groups, with what was typed if there is a problem with it.
pub(super) fn fields(visit: &Visit, provider: &Details, problem: &Problem) -> Markup {
    let form = Form {
        visit,
        provider,
        problem,
    };
    html! {
        (form.identity())
        (form.place())
        (form.registration())
        (form.limits())
        (form.caller_id())
    }
}

/// The form of one provider.
struct Form<'a> {
    visit: &'a Visit,
    provider: &'a Details,
    problem: &'a Problem,
}

impl Form<'_> {
    /// What stands in a field. One that registers here has no address: the field has what a new one would have.
    fn value(&self, field: Field) -> String {
        let is_dynamic = self.provider.network_type == NetworkType::Dynamic;
        match (self.problem, field) {
            (Some(_), field) => self.visit.text(field.name()),
            (None, Field::Name) => self.provider.name.clone(),
            (None, Field::ServerIp) if is_dynamic => String::new(),
            (None, Field::Port) if is_dynamic => get(&Details::new(0), field),
            (None, field) => get(self.provider, field),
        }
    }

    fn input(&self, field: Field, label: &'static str, hint: &str) -> Markup {
        let value = self.value(field);
        let input = Input::text(field.name(), label, &value).hint(hint);
        match field {
            Field::Name => input.required().render(self.problem),
            _ => input.render(self.problem),
        }
    }

    fn choice(&self, field: Field, label: &str, words: &[(&str, &str)], hint: &str) -> Markup {
        let words: Vec<(String, String)> = words
            .iter()
            .map(|(sent, shown)| ((*sent).into(), (*shown).into()))
            .collect();
        let value = self.value(field);
        select(field.name(), label, &words, &value, hint, self.problem)
    }

    fn tick(&self, field: Field, label: &str, stored: bool, hint: &str) -> Markup {
        let is_on = match self.problem {
            Some(_) => self.visit.is_on(field.name()),
            None => stored,
        };
        tick(field.name(), label, is_on, hint, self.problem)
    }

    fn identity(&self) -> Markup {
        let techs = Tech::ALL.iter().map(|tech| (tech.as_str(), tech.as_str()));
        let mut techs: Vec<(&str, &str)> = techs.collect();
        // The common one first.
        techs.sort_by_key(|(tech, _)| *tech != "SIP");
        let common_use = match self.problem {
            Some(_) => self.visit.is_on("common_use"),
            None => self.provider.common_use,
        };
        html! {
            h2 { "Who it is" }
            div.grid {
                (self.input(Field::Name, "Name", "1 to 255 characters, unlike your other providers'"))
                (self.choice(Field::Tech, "Technology", &techs, ""))
                (self.tick(Field::Active, "Active", self.provider.active, "Calls go through it"))
                (common_use_field(self.visit, common_use, self.problem))
            }
        }
    }

    fn place(&self) -> Markup {
        let kinds = [
            ("ip", "an IP address"),
            ("hostname", "a host name"),
            ("dynamic", "where it registers from"),
        ];
        let hint = "One that registers here needs nothing else in this part";
        html! {
            h2 { "Where it is" }
            div.grid {
                (self.choice(Field::NetworkType, "Reached by", &kinds, hint))
                (self.input(Field::ServerIp, "Host", "The host name or IP address that calls are sent to"))
                (self.input(Field::Ipaddr, "Its IP address", "Where its calls come from"))
                (self.input(Field::Port, "Port", "1 to 65535"))
            }
        }
    }

    fn registration(&self) -> Markup {
        let has_password = !self.provider.password.is_empty();
        let hint = if has_password {
            "Blank: it stays as it is"
        } else {
            ""
        };
        let password = Input::text(PASSWORD, "Password", "").kind("password");
        let signs_in = "The PBX signs in with the login and the password";
        html! {
            h2 { "Registration" }
            div.grid {
                (self.tick(Field::Register, "Register there", self.provider.register, signs_in))
                (self.input(Field::Login, "Login", ""))
                (password.hint(hint).render(self.problem))
                @if has_password { (tick("no_password", "Take the password away", false, "", self.problem)) }
                (self.input(Field::Fromuser, "From user", ""))
                (self.input(Field::Fromdomain, "From domain", ""))
            }
        }
    }

    fn limits(&self) -> Markup {
        html! {
            h2 { "Limits" }
            div.grid {
                (self.input(Field::Timeout, "Seconds that it may ring", "30 to 86400"))
                (self.input(Field::MaxTimeout, "Seconds that a call may last", "0: without end"))
                (self.input(Field::CallLimit, "Calls at once", "0: no limit"))
                (self.input(Field::BalanceLimit, "Balance limit", "An amount, like -20 or 35.5"))
            }
        }
    }

    fn caller_id(&self) -> Markup {
        let mut modes = vec![("", "as the PBX has it")];
        modes.extend(DTMF_MODES.iter().map(|mode| (*mode, *mode)));
        html! {
            h2 { "Caller ID and signals" }
            div.grid {
                (self.input(Field::CidName, "Caller's name", "Blank: their own"))
                (self.input(Field::CidNumber, "Caller's number", "Blank: their own"))
                (self.choice(Field::Dtmfmode, "Pressed keys", &modes, ""))
                (self.input(Field::ServerIds, "MOR's servers", "Kept as they are: 1,3,4"))
            }
        }
    }
}

/// The field that only admin may tick.
fn common_use_field(visit: &Visit, is_on: bool, problem: &Problem) -> Markup {
    html! {
        @if visit.by().user_type == UserType::Admin {
            (tick("common_use", "Common use", is_on, "Resellers may add DIDs to it too", problem))
        } @else if is_on {
            input type="hidden" name="common_use" value="1";
        }
    }
}
